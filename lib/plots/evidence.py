"""Figures of lesson 06: differences seed by seed with their intervals, and means with their spread."""

from collections import Counter
from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from lib.evidence.claims import Evidence
from lib.evidence.statistics import Claim
from lib.plots.style import GREEN, GREY, INK, VERMILION, DescribedFigure, Number, styled

# A colour and a shape for each verdict, so that either is enough.
VERDICTS = {"supported": (GREEN, "o"), "refuted": (VERMILION, "X"), "not separable": (GREY, "D")}
SPANS = {"pair": 2, "quad": 4, "eight": 8}
PROBED = {"trained": "stage", "untrained": "untrained"}  # nets and how their columns are named
OPTIMIZERS = {"adamw": "AdamW", "sgd": "plain SGD"}
HIGHEST = 3.0  # losses above are cut off


@styled
def interval_plot(claims: Sequence[Claim]) -> DescribedFigure:
    """One row per claim: a dot per seed, a bar for the 95 % interval of the mean; right of 0 is as predicted.

    Args:
        claims: claims of one unit.

    Raises:
        ValueError: claims of different units, which one axis can't hold.
    """
    units = {claim.unit for claim in claims}
    if len(units) != 1:
        raise ValueError(f"expected claims of one unit, got {', '.join(sorted(units))}. Draw one figure for each.")
    fig = DescribedFigure(_describe_intervals(claims), figsize=(8, 1.1 + 0.7 * len(claims)))
    ax = fig.subplots()
    for y, claim in enumerate(reversed(claims)):
        _draw_claim(ax, y, claim)
    ax.axvline(0, color=INK, linewidth=1, linestyle="--")
    key = "dots: seeds; bar: 95 % interval of the mean; right of the dashed line is as predicted"
    ax.set(yticks=[], ylim=(-0.6, len(claims) - 0.4), xlabel=f"difference, {claims[0].unit}\n({key})")
    ax.spines[["top", "left", "right"]].set_visible(False)
    return fig


def _draw_claim(ax: Axes, y: int, claim: Claim) -> None:
    beside = {
        "transform": ax.get_yaxis_transform(),
        "va": "center",
        "fontsize": 10,
        "color": INK,
    }  # x in axes, y in rows
    colour, marker = VERDICTS[claim.verdict]
    ax.plot(claim.differences, [y - 0.3] * len(claim.differences), ".", color=colour, alpha=0.6, markersize=6)
    ax.plot(claim.interval, [y - 0.05] * 2, color=colour, linewidth=2.5, solid_capstyle="butt")
    ax.plot(claim.mean, y - 0.05, marker, color=colour, markersize=10, markeredgecolor="white", markeredgewidth=1)
    words = ax.text(0, y + 0.3, claim.prediction, **beside)
    words.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # the dashed line must not cross it
    ax.text(1.03, y - 0.05, claim.verdict, weight="bold", **beside)


def _describe_intervals(claims: Sequence[Claim]) -> str:
    largest = max(claim.differences.abs().max().item() for claim in claims)
    digits = 0 if largest >= 20 else 1 if largest >= 2 else 2 if largest >= 0.5 else 3
    rows = []
    for claim in claims:
        low, high = claim.interval
        positive = sum(claim.differences > 0).item()
        rows.append(
            f"{claim.prediction}: mean {claim.mean:+.{digits}f}, interval {low:+.{digits}f} to {high:+.{digits}f}, "
            f"{positive} of {len(claim.differences)} seeds above 0, {claim.verdict}"
        )
    counts = ", ".join(f"{n} {verdict}" for verdict, n in Counter(claim.verdict for claim in claims).items())
    return (
        f"Predictions tested on trainings: {counts}. Differences in {claims[0].unit}, one row per prediction, with a "
        "dot for each seed and a bar for the 95 % interval of their mean. A dashed line marks 0, and right of it is as "
        f"predicted. {'; '.join(rows)}."
    )


def lines_with_spread(
    ax: Axes,
    x: Sequence[Number] | Sequence[str],
    groups: Mapping[str, Sequence[Float[Tensor, "N"]]],
    markers: str = "osD^vX*",
) -> None:
    """On these axes, one line per group through the means over the seeds, with bars of one standard deviation."""
    for (label, values), marker in zip(groups.items(), markers, strict=False):
        means, deviations = [v.mean().item() for v in values], [v.std().item() for v in values]
        ax.errorbar(x, means, deviations, marker=marker, capsize=3, label=label)


@styled
def probe_plot(evidence: Evidence) -> DescribedFigure:
    """What linear probes read off each stage of the net, trained and untrained: one panel per span of letters."""
    fig = DescribedFigure(_describe_probes(evidence), figsize=(9, 3.6), layout="constrained")
    for ax, (span, letters) in zip(fig.subplots(1, 3, sharey=True), SPANS.items(), strict=True):
        lines_with_spread(ax, range(4), {net: _probed(evidence, span, net) for net in PROBED})
        majority = evidence.values("staged", f"{span}, majority").mean()
        ax.axhline(majority, color=GREY, ls=":", label="guessing the majority")
        ax.set(title=f"{span}: {letters} letters", xlabel="stage (0: embedding)", xticks=range(4))
    fig.axes[0].set_ylabel("share told right")
    fig.legend(*fig.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def _probed(evidence: Evidence, span: str, net: str) -> list[Float[Tensor, "N"]]:
    return [evidence.values("staged", f"{span}, {PROBED[net]} {stage}") for stage in range(4)]


def _describe_probes(evidence: Evidence) -> str:
    panels = []
    for span in SPANS:
        shares = {net: ", ".join(f"{v.mean():.2f}" for v in _probed(evidence, span, net)) for net in PROBED}
        majority = f"guessing the majority {evidence.values('staged', f'{span}, majority').mean():.2f}"
        panels.append(f"{span}: {', '.join(f'{net} {share}' for net, share in shares.items())}, {majority}")
    return (
        "How well a linear probe tells whether a vowel usually follows, read off the embedding and off stages 1 to 3. "
        "Three panels, one per span of letters: the share of combinations told right, means of ten seeds. "
        f"{'; '.join(panels)}."
    )


Rates = dict[tuple[str, str], dict[float, float]]


@styled
def rate_plot(tried: Rates) -> DescribedFigure:
    """Validation loss against the learning rate: one panel per optimizer, one line per normalisation.

    Args:
        tried: from (optimizer, arm) to the validation loss in nats per character at each learning rate.
    """
    fig = DescribedFigure(_describe_rates(tried), figsize=(7, 6.4), layout="constrained")
    axes = dict(zip(OPTIMIZERS, fig.subplots(2, 1, sharey=True), strict=True))
    looks = iter(["o-", "s--", "D-.", "^:"] * len(OPTIMIZERS))
    for ((optimizer, arm), losses), look in zip(tried.items(), looks, strict=False):
        ax = axes[optimizer]
        ax.plot(losses.keys(), losses.values(), look, label=arm, markersize=5)
        for rate, loss in losses.items():
            if loss > HIGHEST:
                text = "broken down" if loss == float("inf") else f"{loss:.2f}"
                ax.text(0.75 * rate, HIGHEST - 0.02, f"{arm}: {text} ↑", ha="right", va="top", color=GREY)
    for optimizer, ax in axes.items():
        ax.set(title=OPTIMIZERS[optimizer], xscale="log", ylim=(2.0, HIGHEST), ylabel="validation loss, nats")
    axes["sgd"].set_xlabel("learning rate")
    fig.legend(*axes["sgd"].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


def _describe_rates(tried: Rates) -> str:
    lines = []
    for (optimizer, arm), losses in tried.items():
        best, highest = min(losses, key=losses.get), max(losses)
        end = "broken down" if losses[highest] == float("inf") else f"{losses[highest]:.2f}"
        best_and_end = f"best {losses[best]:.2f} at {best}, at the highest rate {highest} {end}"
        lines.append(f"{OPTIMIZERS[optimizer]}, {arm}: {best_and_end}")
    return (
        "Validation loss at the end of training against the learning rate. Two panels, AdamW and plain SGD, with a "
        f"logarithmic axis and one line per normalisation; losses above {HIGHEST:g} are cut off. {'; '.join(lines)}."
    )
