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
    ("dilated causal convolution\ndilation d, 2C outputs", 3.4, 1.65, 3.8, SKY),
    ("tanh\nfilter", 2.4, 3.2, 1.4, ORANGE),
    ("sigmoid\ngate", 4.4, 3.2, 1.4, "#7FCDB5"),
    ("1×1", 3.4, 6.1, 1.1, "#DDDDDD"),
    ("1×1", 6.5, 5.2, 1.1, "#DDDDDD"),
    ("skip sum\nto the head", 9.0, 5.2, 1.9, "white"),
    ("output  (B, T − d, C)\nto the next layer", 3.4, 8.43, 3.4, "white"),
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
        "One layer: what filter and gate make goes up, and to the right. Read it from bottom to top. The input x, with C channels, enters a dilated causal "
        "convolution with 2C outputs. They are split: C go through tanh, the filter, and C through the sigmoid, the "
        "gate. The two are multiplied, which gives z. Two paths lead on from z, each through a 1×1 convolution: one to "
        "the right, to the skip sum that the head reads, one upwards, where the input x, which bypasses everything on "
        "the left, is added to it: the residual path, the output for the next layer."
    )
    fig, ax = canvas(alt, (-0.3, 10.2), (-0.2, 9.1))
    ax.set_title("One layer: what filter and gate make goes up, and to the right")
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
    """What each part is worth: the losses of every net, one dot per seed, their mean as a tick and in figures.

    Args:
        losses: for each net the validation losses in nats per character, one per seed in the same order of seeds; each
            net is the one before it and one part more.
        line: label and loss of something to compare with, drawn as a dashed line.
    """
    fig = DescribedFigure(_describe_parts(losses, line), figsize=(6.5, 1.3 + 0.4 * len(losses)), layout="constrained")
    ax = fig.subplots()
    for y, values in enumerate(losses.values()):
        ax.plot(values, [y] * len(values), "o", color=BLUE, alpha=0.6, markersize=5)
        ax.plot([values.mean()] * 2, [y - 0.3, y + 0.3], color=INK, linewidth=2)
        ax.annotate(f"{values.mean():.3f}", (values.max(), y), (9, 0), textcoords="offset points", va="center")
    if line is not None:
        ax.axvline(line[1], color=VERMILION, linestyle="--")
        ax.text(line[1], len(losses) - 0.3, f"  {line[0]} {line[1]:.3f}", color=VERMILION, va="center")
    ax.set_yticks(range(len(losses)), list(losses))
    ax.set(xlabel="validation loss, nats per character", ylim=(len(losses), -0.6))
    ax.margins(x=0.2)
    fig.suptitle(_parts_message(losses, line))
    return fig


def _parts_message(losses: Mapping[str, Float[Tensor, "N"]], line: tuple[str, float] | None) -> str:
    most = max((gain.mean().item(), part) for part, gain in improvements(losses).items())[1]
    below = line is not None and min(values.mean().item() for values in losses.values()) < line[1]
    return f"Most is gained by {most.strip('+ ')}" + (
        "" if line is None or below else f"; no row reaches the {line[0]}"
    )


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
        f"{_parts_message(losses, line)}. Validation losses of nets that gain one part per row, in nats per character, "
        f"one dot per seed, with their mean: {means}.{beside} By how much each net improves on the one above it, with "
        f"the 95 % interval: {'; '.join(parts)}."
    )
