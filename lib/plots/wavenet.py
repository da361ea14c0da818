"""The figures of lesson 08: the flow through a layer, and what its parts are worth."""

from collections.abc import Mapping
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor

from lib.evidence.statistics import bootstrap_interval
from lib.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    DescribedFigure,
    canvas,
    draw_frame,
    styled,
)

LINE = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}

# Of `layer_flow`: what is in each box, its centre, its width and its colour; the points of each line.
BOXES = [
    ("x  (B, T, C)", 3.4, 0.3, 2.2, "white"),
    ("dilated causal convolution\n2C outputs", 3.4, 1.65, 3.8, SKY),
    ("tanh\nfilter", 2.4, 3.2, 1.4, ORANGE),
    ("sigmoid\ngate", 4.4, 3.2, 1.4, "#7FCDB5"),
    ("1×1", 3.4, 6.1, 1.1, "#DDDDDD"),
    ("1×1", 6.5, 5.2, 1.1, "#DDDDDD"),
    ("skip sum\nto the head", 9.0, 5.2, 1.9, "white"),
    ("output, to the next layer", 3.4, 8.3, 3.4, "white"),
]
FLOWS = [
    [(3.4, 0.7), (3.4, 1.12)],
    [(2.4, 2.18), (2.4, 2.67)],
    [(4.4, 2.18), (4.4, 2.67)],
    [(2.4, 3.73), (2.4, 4.5), (3.08, 4.5)],
    [(4.4, 3.73), (4.4, 4.5), (3.72, 4.5)],
    [(3.4, 4.82), (3.4, 5.7)],
    [(3.4, 5.2), (5.95, 5.2)],
    [(7.05, 5.2), (8.05, 5.2)],
    [(3.4, 6.5), (3.4, 6.88)],
    [(3.4, 7.52), (3.4, 7.9)],
    [(2.3, 0.3), (1.1, 0.3), (1.1, 7.2), (3.08, 7.2)],
]


@styled
def layer_flow() -> DescribedFigure:
    """What flows through one layer of WaveNet: convolution, filter and gate, residual and skip path."""
    alt = (
        "Data flow of one WaveNet layer, from bottom to top. The input x, with C channels, enters a dilated causal "
        "convolution with 2C outputs. They are split: C go through tanh, the filter, and C through the sigmoid, the "
        "gate. The two are multiplied, which gives z. Two paths lead on from z, each through a 1×1 convolution: one to "
        "the right, to the skip sum that the head reads, one upwards, where the input x, which bypasses everything on "
        "the left, is added to it: the residual path, the output for the next layer."
    )
    fig, ax = canvas(alt, (-0.3, 10.2), (-0.2, 8.8))
    for text, x, y, width, colour in BOXES:
        height = 1.06 if "\n" in text else 0.8
        draw_frame(ax, x - width / 2, y - height / 2, width, height, fill=True, facecolor=colour, zorder=2)
        ax.text(x, y, text, ha="center", va="center", fontsize=11, color=INK, zorder=3)
    for y, sign in ((4.5, "×"), (7.2, "+")):
        ax.text(3.4, y, sign, ha="center", va="center", fontsize=17, color=INK, zorder=3)
        ax.scatter([3.4], [y], s=760, facecolor="white", edgecolor=INK, linewidth=1.6, zorder=2)
    ax.text(3.15, 5.2, "z", fontsize=13, style="italic", color=INK, ha="center", va="center")
    ax.text(0.95, 3.9, "residual\npath", ha="right", va="center", fontsize=11, color=GREY)
    ax.text(4.75, 5.42, "skip path", ha="center", fontsize=11, color=GREY)
    for points in FLOWS:
        ax.plot(*zip(*points[:-1], strict=True), color=GREY, linewidth=LINE["linewidth"], solid_capstyle="round")
        ax.annotate("", xy=points[-1], xytext=points[-2], arrowprops=LINE)
    return fig


@styled
def parts_figure(losses: Mapping[str, Float[Tensor, "N"]], line: tuple[str, float] | None = None) -> DescribedFigure:
    """What each part is worth: the losses of every net, one dot per seed, and its paired gain on the net above it.

    Args:
        losses: for each net the validation losses in nats per character, one per seed in the same order of seeds; each
            net is the one before it and one part more.
        line: label and loss of something to compare with, drawn as a dashed line.

    Returns:
        A figure of two panels with one row per net: on the left the losses, on the right the mean of the differences
        (before minus after, so that right of 0 is an improvement) with its 95 % bootstrap interval.
    """
    size = (9, 0.9 + 0.42 * len(losses))
    fig = DescribedFigure(_describe_parts(losses, line), figsize=size, layout="constrained")
    left, right = fig.subplots(1, 2, sharey=True)
    for y, values in enumerate(losses.values()):
        left.plot(values, [y] * len(values), "o", color=BLUE, alpha=0.6, markersize=5)
        left.plot([values.mean()] * 2, [y - 0.3, y + 0.3], color=INK, linewidth=2)
    if line is not None:
        left.axvline(line[1], color=VERMILION, linestyle="--")
        beside = {"ha": "left"} if line[1] < sum(left.get_xlim()) / 2 else {"ha": "right"}
        left.text(line[1], -0.55, f" {line[0]} ", color=VERMILION, fontsize=10, va="center", **beside)
    for y, difference in enumerate(improvements(losses).values(), start=1):
        low, high = bootstrap_interval(difference)
        colour = BLUE if low > 0 else VERMILION if high < 0 else GREY
        right.plot([low, high], [y, y], color=colour, linewidth=2)
        filled = "white" if low <= 0 <= high else colour
        right.plot([difference.mean().item()], [y], "o", color=colour, markerfacecolor=filled)
    right.axvline(0, color=INK, linestyle="--", linewidth=1)
    left.set_yticks(range(len(losses)), list(losses))
    left.set(xlabel="validation loss, nats per character", ylim=(len(losses) - 0.5, -0.95))
    right.set(xlabel="improvement on the row above")
    return fig


def improvements(losses: Mapping[str, Float[Tensor, "N"]]) -> dict[str, Float[Tensor, "N"]]:
    """For each net but the first how much lower its losses are than those of the net before it, seed by seed."""
    return {after: losses[before] - losses[after] for before, after in pairwise(losses)}


def _describe_parts(losses: Mapping[str, Float[Tensor, "N"]], line: tuple[str, float] | None) -> str:
    parts = []
    for after, difference in improvements(losses).items():
        low, high = bootstrap_interval(difference)
        verdict = "an improvement" if low > 0 else "a loss" if high < 0 else "0 is inside"
        parts.append(f"{after} {difference.mean():+.3f} [{low:+.3f}, {high:+.3f}], {verdict}")
    means = ", ".join(f"{name} {values.mean():.3f}" for name, values in losses.items())
    beside = "" if line is None else f" A dashed line marks {line[0]}, {line[1]:.3f}."
    return (
        "What each part is worth: validation losses of nets that gain one part per row. Left, the losses in nats per "
        f"character, one dot per seed, and their means: {means}.{beside} Right, by how much each net improves on the "
        f"one above it, with the 95 % interval: {'; '.join(parts)}."
    )
