"""Figures of lesson 06: chance, intervals of differences, and what is measured inside the nets."""

from collections import Counter
from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator
from torch import Tensor

from lib.evidence.claims import Evidence
from lib.evidence.statistics import Claim
from lib.plots.style import BLUE, GREEN, GREY, INK, SKY, VERMILION, DescribedFigure, styled

# A colour and a shape for each verdict, so that either is enough.
VERDICTS = {"supported": (GREEN, "o"), "refuted": (VERMILION, "X"), "not separable": (GREY, "D")}
SPANS = {"pair": 2, "quad": 4, "eight": 8}
PROBED = {"trained": "stage", "untrained": "untrained"}  # nets and how their columns are named
# Nets by the words in the figure, with the arms with and without BatchNorm.
GAINS = {
    "flat": ("flat", "flat, none"),
    "flat, two layers more": ("flat, deep", "flat, deep, none"),
    "tree": ("staged", "none"),
    "tree, residual": ("residual", "residual, none"),
}
MOMENTS = {"before training": "gain at init", "after training": "gain at end"}
WIDTH = 6.5  # inches: text is legible where a page is 800 pixels wide
BESIDE = {"va": "center", "fontsize": 10, "color": INK}
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # so that no line crosses a text


@styled
def chance_plot(losses: Mapping[str, Float[Tensor, "N"]]) -> DescribedFigure:
    """One row of dots per kind of chance, with a tick at the mean.

    Args:
        losses: validation losses of one net in nats per character, by what was changed between its trainings.
    """
    rows = [f"{name} from {values.min():.3f} to {values.max():.3f}" for name, values in losses.items()]
    alt = (
        "Other names move the loss of one net more than other seeds do. Rows of dots, one per training, on an axis "
        f"of the validation loss in nats per character, with a tick at each mean: {', '.join(rows)}."
    )
    fig = DescribedFigure(alt, figsize=(WIDTH, 2.1), layout="constrained")
    ax = fig.subplots()
    for y, values in enumerate(reversed(losses.values())):
        ax.plot(values, [y] * len(values), "o", color=BLUE, alpha=0.6)
        ax.plot(values.mean(), y, "|", color=INK, markersize=26, markeredgewidth=2)
    ax.set(yticks=range(len(losses)), yticklabels=reversed(losses), ylim=(-0.6, len(losses) - 0.4))
    ax.set(xlabel="validation loss, nats per character", title="One net, twice ten times: other names move it most")
    ax.spines[["top", "left", "right"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return fig


@styled
def bootstrap_plot(means: Float[Tensor, "S"], low: float, high: float) -> DescribedFigure:
    """Histogram of bootstrap means in nats per character, with their 95 % interval from `low` to `high`."""
    place = "inside" if low <= 0 <= high else "outside"
    text = f"{low:+.4f} to {high:+.4f}".replace("-", "−")
    alt = (
        f"The value 0, no difference, is {place} the interval. Histogram of {len(means):,} means of drawn differences, flat minus "
        f"tree, in nats per character: a bell around {means.mean():.4f}. The shaded part, {text}, holds 95 % of them; "
        f"a dashed line at 0 is {place} it."
    )
    fig = DescribedFigure(alt, figsize=(WIDTH, 2.8), layout="constrained")
    ax = fig.subplots()
    ax.hist(means, bins=60, color=SKY)
    ax.axvspan(low, high, alpha=0.2, color=BLUE, linewidth=0)
    ax.axvline(0, color=INK, linestyle="--")
    ax.set_ylim(0, 1.15 * ax.get_ylim()[1])
    ax.text(0, 0.93 * ax.get_ylim()[1], " no difference", **BESIDE)
    words = "shaded: 95 %,\n" + text.replace(" to ", " to\n")
    ax.text(0.02, 0.95, words, transform=ax.transAxes, **BESIDE | {"va": "top"})
    ax.set(xlabel="mean of ten drawn differences, flat − tree, nats per character", ylabel="draws")
    ax.set_title(f"The 95 % interval of the mean: 0 is {place}")
    return fig


@styled
def interval_plot(claims: Sequence[Claim], title: str) -> DescribedFigure:
    """One row per claim: a dot per seed, a bar for the 95 % interval of the mean; right of 0 is as predicted.

    Args:
        claims: claims of one unit.
        title: the message.

    Raises:
        ValueError: claims of different units, which one axis can't hold.
    """
    units = {claim.unit for claim in claims}
    if len(units) != 1:
        raise ValueError(f"expected claims of one unit, got {', '.join(sorted(units))}. Draw one figure for each.")
    fig = DescribedFigure(f"{title}. {_describe_intervals(claims)}", figsize=(WIDTH, 1.4 + 0.62 * len(claims)))
    ax = fig.subplots()
    ax.axvline(0, color=INK, linewidth=1, linestyle="--")
    for y, claim in enumerate(reversed(claims)):
        _draw_claim(ax, y, claim)
    ax.set(yticks=[], ylim=(-0.6, len(claims) - 0.3), xlabel=f"difference, {claims[0].unit}", title=title)
    ax.spines[["top", "left", "right"]].set_visible(False)
    return fig


def _draw_claim(ax: Axes, y: int, claim: Claim) -> None:
    across = {"transform": ax.get_yaxis_transform(), **BESIDE}  # x in axes, y in rows
    colour, marker = VERDICTS[claim.verdict]
    ax.plot(claim.differences, [y - 0.3] * len(claim.differences), ".", color=colour, alpha=0.6, markersize=6)
    ax.plot(claim.interval, [y - 0.05] * 2, color=colour, linewidth=5, solid_capstyle="butt")
    ax.text(0, y + 0.3, claim.prediction, **across, bbox=PAPER)
    beside = {"transform": across["transform"], "clip_on": False}  # the shape is beside its word: it would hide a bar
    ax.plot(1.04, y - 0.05, marker, color=colour, markersize=9, **beside)
    ax.text(1.075, y - 0.05, claim.verdict, weight="bold", **across)


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
    ).replace("-0", "−0")


@styled
def probe_plot(evidence: Evidence) -> DescribedFigure:
    """What linear probes read off each stage of the net, trained and untrained: one panel per span of letters."""
    fig = DescribedFigure(_describe_probes(evidence), figsize=(WIDTH, 5.8), layout="constrained")
    fig.suptitle("Training makes what follows readable at every stage")
    for ax, (span, letters) in zip(fig.subplots(3, sharex=True, sharey=True), SPANS.items(), strict=True):
        for (net, values), look in zip(_probed(evidence, span).items(), ("o-", "s--"), strict=True):
            means, deviations = [v.mean().item() for v in values], [v.std().item() for v in values]
            ax.errorbar(range(4), means, deviations, fmt=look, capsize=3, label=net)
            ax.text(3.1, means[-1], net, **BESIDE)
        majority = evidence.values("staged", f"{span}, majority").mean().item()
        ax.plot([-0.2, 3], [majority] * 2, color=GREY, linestyle=":")
        ax.text(3.1, majority, "always the same answer", **BESIDE | {"va": "top" if majority > 0.6 else "center"})
        ax.set(xlim=(-0.2, 4.4), ylabel="share right", yticks=(0.5, 0.6, 0.7, 0.8, 0.9))
        ax.set_title(f"{letters} letters: does a vowel usually follow?", loc="left", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    ax.set_xticks(range(4), ("embedding", "stage 1", "stage 2", "stage 3"))
    return fig


def _probed(evidence: Evidence, span: str) -> dict[str, list[Float[Tensor, "N"]]]:
    of_net = lambda column: [evidence.values("staged", f"{span}, {column} {stage}") for stage in range(4)]
    return {net: of_net(column) for net, column in PROBED.items()}


def _describe_probes(evidence: Evidence) -> str:
    panels = []
    for span, letters in SPANS.items():
        probed = _probed(evidence, span).items()
        shares = [f"{net} {', '.join(f'{v.mean():.2f}' for v in values)}" for net, values in probed]
        majority = evidence.values("staged", f"{span}, majority").mean()
        panels.append(f"{letters} letters: {', '.join(shares)}, always the same answer {majority:.2f}")
    return (
        "Training makes what follows readable at every stage. How well a linear probe tells whether a vowel usually "
        "follows, read off the embedding and off stages 1 to 3. Three panels, for 2, 4 and 8 letters: the share of "
        f"combinations told right, means of ten seeds. {'; '.join(panels)}."
    )


@styled
def gain_plot(evidence: Evidence) -> DescribedFigure:
    """The gradient gain of four nets with and without BatchNorm: one panel before training, one after."""
    fig = DescribedFigure(_describe_gains(evidence), figsize=(WIDTH, 5.6), layout="constrained")
    fig.suptitle("Before training, depth weakens the gradient, unless BatchNorm is there")
    for ax, (moment, column) in zip(fig.subplots(2, sharex=True, sharey=True), MOMENTS.items(), strict=True):
        for side, (label, look) in enumerate({"BatchNorm": (BLUE, "o"), "without": (VERMILION, "s")}.items()):
            for x, arms in enumerate(GAINS.values()):
                gain, at = evidence.values(arms[side], column).mean().item(), x + 0.1 * (2 * side - 1)
                ax.plot(at, gain, look[1], color=look[0], markersize=9, label=label if x == 0 else None)
                ax.text(
                    at + (2 * side - 1) * 0.09, gain, f"{gain:.2f}", ha=("right", "left")[side], **BESIDE, bbox=PAPER
                )
        ax.axhline(1, color=GREY, linestyle=":", zorder=0)
        ax.set(yscale="log", ylabel="gradient gain", ylim=(0.08, 30), xlim=(-0.6, 3.6))
        ax.yaxis.set_major_locator(FixedLocator((0.1, 1, 10)))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter("{x:g}")
        ax.set_title(f"{moment} (dotted: passed on whole)", loc="left", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    ax.set_xticks(range(len(GAINS)), GAINS)
    fig.axes[0].legend(loc="upper left", ncols=2, frameon=False)
    return fig


def _describe_gains(evidence: Evidence) -> str:
    parts = []
    for moment, column in MOMENTS.items():
        for side, with_norm in enumerate(("with BatchNorm", "without")):
            gains = [f"{net} {evidence.values(arms[side], column).mean():.2f}" for net, arms in GAINS.items()]
            parts.append(f"{moment}, {with_norm}: {'; '.join(gains)}")
    return (
        "Before training, depth weakens the gradient, unless BatchNorm is there. Gradient gain on a logarithmic axis, means of ten seeds, "
        f"one panel before training and one after. {'. '.join(parts)}. Before training, the tree is above the flat "
        "net with BatchNorm and below it without; a residual path lifts it again."
    )
