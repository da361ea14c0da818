"""Figures of lesson 06: differences seed by seed with their intervals, and means with their spread."""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lib.evidence.claims import Evidence
from lib.evidence.statistics import Claim
from lib.plots.style import INK

# A colour and a shape for each verdict, so that neither has to be seen alone (Okabe and Ito 2008).
VERDICTS = {"supported": ("#009E73", "o"), "refuted": ("#D55E00", "X"), "not separable": ("#777777", "D")}


def _digits(found: Sequence[Claim]) -> int:
    largest = max(claim.differences.abs().max().item() for claim in found)
    return 0 if largest >= 20 else 1 if largest >= 2 else 2 if largest >= 0.5 else 3


def interval_plot(found: Sequence[Claim]) -> Figure:
    """A row a claim: a small dot for each seed's difference, a line for the 95 % interval of the mean; right of 0 is as predicted.

    Args:
        found: claims of one unit.

    Raises:
        ValueError: claims of different units, which one axis can't hold.
    """
    units = {claim.unit for claim in found}
    if len(units) != 1:
        raise ValueError(f"one axis holds one unit; got {', '.join(sorted(units))}. Draw a figure for each.")
    fig = Figure(figsize=(8, 0.9 + 0.7 * len(found)))
    ax = fig.subplots()
    beside = ax.get_yaxis_transform()  # x in shares of the axis, y as the rows
    for place, claim in enumerate(found):
        y = len(found) - 1 - place
        colour, marker = VERDICTS[claim.verdict]
        ax.plot(claim.differences, [y - 0.3] * len(claim.differences), ".", color=colour, alpha=0.6, markersize=6)
        ax.plot(claim.interval, [y - 0.05] * 2, color=colour, linewidth=2.5, solid_capstyle="butt")
        ax.plot(claim.mean, y - 0.05, marker, color=colour, markersize=10, markeredgecolor="white", markeredgewidth=1)
        words = ax.text(0, y + 0.3, claim.prediction, transform=beside, va="center", fontsize=10, color=INK)
        words.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # the dashed line must not cross it
        ax.text(1.03, y, claim.verdict, transform=beside, va="center", fontsize=10, weight="bold", color=INK)
    ax.axvline(0, color=INK, linewidth=1, linestyle="--")
    ax.set(
        yticks=[],
        ylim=(-0.6, len(found) - 0.4),
        xlabel=f"difference, {found[0].unit}; right of the dashed line is as predicted",
    )
    for side in ("top", "left", "right"):
        ax.spines[side].set_visible(False)
    return fig


def describe_intervals(found: Sequence[Claim]) -> str:
    """The description of `interval_plot` for those who can't see it, numbers included."""
    digits = _digits(found)
    rows = []
    for claim in found:
        low, high = claim.interval
        side = sum(claim.differences > 0).item()
        rows.append(
            f"{claim.prediction}: mean {claim.mean:+.{digits}f}, interval {low:+.{digits}f} to {high:+.{digits}f}, "
            f"{side} of {len(claim.differences)} seeds above 0, {claim.verdict}"
        )
    return (
        f"A row for each prediction, with a dot for each seed's difference in {found[0].unit} and a bar for the 95 % interval "
        f"of their mean; a dashed line marks 0, and right of it is as predicted. {'; '.join(rows)}."
    )


def lines_with_spread(
    ax: Axes,
    x: Sequence[float] | Sequence[str],
    groups: Mapping[str, Sequence[Float[Tensor, "N"]]],
    markers: str = "osD^vX*",
) -> None:
    """On these axes, a line a group through the means over the seeds, with bars of one standard deviation."""
    for (label, values), marker in zip(groups.items(), markers, strict=False):
        means, deviations = [v.mean().item() for v in values], [v.std().item() for v in values]
        ax.errorbar(x, means, deviations, marker=marker, capsize=3, label=label)


def describe_probes(evidence: Evidence, spans: Sequence[str]) -> str:
    """The description of the three panels of probes, numbers included."""
    panels = []
    for span in spans:
        mean = lambda column, span=span: f"{evidence.values('staged', f'{span}, {column}').mean():.2f}"
        trained, untrained = ([mean(f"{net} {i}") for i in range(4)] for net in ("stage", "untrained"))
        panels.append(
            f"{span}: trained {', '.join(trained)}, untrained {', '.join(untrained)}, guessing the majority {mean('majority')}"
        )
    return (
        "Three panels, one for each span of letters: the share of combinations of which a linear probe tells rightly whether a vowel "
        "usually follows, read off the embedding and off stages 1 to 3, means of ten seeds. " + "; ".join(panels) + "."
    )


Rates = dict[tuple[str, str], dict[float, float]]


def describe_rates(tried: Rates) -> str:
    """The description of the validation losses against the learning rate."""
    lines = [
        f"{optimizer}, {arm}: best {min(rates.values()):.2f} at {min(rates, key=rates.get)}, at the highest rate {max(rates)} "
        f"{'broken down' if rates[max(rates)] == float('inf') else format(rates[max(rates)], '.2f')}"
        for (optimizer, arm), rates in tried.items()
    ]
    return (
        "Two panels, AdamW and plain SGD: the validation loss at the end against the learning rate, on a logarithmic axis, a line "
        "for each normalisation; losses above 3 are cut off. " + "; ".join(lines) + "."
    )
