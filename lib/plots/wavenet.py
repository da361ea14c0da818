"""The figures of lesson 08: the flow through a layer, who sees the future, what queues hold, what parts are worth."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from lib.data import STOP
from lib.evidence.statistics import bootstrap_interval
from lib.plots.style import (
    BLUE,
    GREY,
    INK,
    NAME,
    ORANGE,
    SKY,
    VERMILION,
    DescribedFigure,
    canvas,
    draw_cells,
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


def future(outputs: int, T: int) -> Bool[Tensor, "outputs T"]:
    """Which cells of a table of outputs by tokens are in the future, where the outputs are those of the last tokens."""
    return torch.arange(T)[None] > torch.arange(T - outputs, T)[:, None]


@styled
def dependence_maps(maps: Mapping[str, Float[Tensor, "outputs T"]], text: str) -> DescribedFigure:
    """How strongly each output depends on each token: one panel per net, the future in another colour than the past.

    Args:
        maps: by title, the size of the gradient of each output (one row each, the first on top) with respect to each
            token. The outputs are those of the last tokens.
        text: the tokens, one per column.

    Returns:
        A figure with two panels per row. Blue cells are in the past of their output, vermilion ones in its future;
        the paler, the weaker, over six powers of ten; white is a gradient of exactly zero. A stepped line separates
        past and future.
    """
    rows = (len(maps) + 1) // 2
    fig = DescribedFigure(_describe_maps(maps, text), figsize=(9, 3.1 * rows), layout="constrained")
    axes = fig.subplots(rows, 2, squeeze=False)
    for ax in axes.flat[len(maps) :]:
        ax.axis("off")
    for ax, (title, strength) in zip(axes.flat, maps.items(), strict=False):
        _draw_map(ax, strength, text)
        ax.set_title(title, fontsize=11)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes[0, 0].text(len(text) - 0.7, -0.2, "the future", color=VERMILION, ha="right", va="top", bbox=box)
    return fig


def _draw_map(ax: Axes, strength: Float[Tensor, "outputs T"], text: str) -> None:
    outputs, T = strength.shape
    shade = (1 + (strength / strength.max()).clamp(min=1e-6).log10() / 6).clamp(0.18, 1)[..., None]
    past, later = torch.tensor(to_rgb(BLUE)), torch.tensor(to_rgb(VERMILION))
    colour = torch.where(future(outputs, T)[..., None], later, past)
    picture = torch.where((strength > 0)[..., None], 1 - shade * (1 - colour), torch.ones(3))
    ax.imshow(picture.numpy(), aspect="auto")
    steps = [T - outputs + 0.5 + row for row in range(outputs) for _ in (0, 1)]
    ax.plot(steps, [row + end for row in range(outputs) for end in (-0.5, 0.5)], color=INK, linewidth=1.5)
    ax.set_xticks(range(T), list(text), family="monospace", size=11)
    ax.set_yticks(range(outputs), list(text[-outputs:]), family="monospace", size=11)
    ax.set(xlabel="token", ylabel="output after")


def _describe_maps(maps: Mapping[str, Float[Tensor, "outputs T"]], text: str) -> str:
    parts = []
    for title, strength in maps.items():
        later = future(*strength.shape)
        leaks, widest = int(((strength > 0) & later).sum()), int((strength > 0).sum(1).max())
        parts.append(
            f"{title}: {leaks} of {int(later.sum())} cells right of the line are coloured; "
            f"an output depends on up to {widest} tokens"
        )
    return (
        f"Maps of which output depends on which token of {text}, by gradient. One row per output from top to bottom, "
        "one column per token; a cell is white where the gradient is exactly zero, and a stepped line separates each "
        f"output's past, on the left, from its future. {'; '.join(parts)}. A causal net has nothing right of the line."
    )


@styled
def queue_picture(text: str = STOP + NAME, dilations: Sequence[int] = (1, 2, 4)) -> DescribedFigure:
    """What the queues hold when the last character of the text arrives, and which of it each layer reads.

    Args:
        text: what has been generated, the first stop mark included; longer than the longest queue.
        dilations: how many time steps each layer's queue holds, the lowest layer first.

    Returns:
        A figure with one row per layer: on the left its queue, oldest input first, which is read and removed, then the
        newest input, which is added. Each box shows the character at whose time step the input was computed.

    Raises:
        ValueError: the text is too short for the longest queue.
    """
    longest = max(dilations)
    if len(text) <= longest:
        raise ValueError(f"the longest queue holds {longest} time steps before the last; got {text!r}.")
    top = 1.3 * len(dilations) - 0.05
    fig, ax = canvas(_describe_queues(text, dilations), (-0.9, longest + 5.4), (-0.2, top + 0.45))
    dashed = LINE | {"linestyle": "--"}
    for row, dilation in enumerate(dilations):
        y, start = 1.3 * row, longest - dilation
        draw_cells(ax, start, y, text[-1 - dilation : -1], 1, 0.8)
        draw_cells(ax, longest + 1.2, y, text[-1], 1, 0.8)
        draw_frame(ax, start - 0.08, y - 0.08, 1.16, 0.96, linestyle="--")
        ax.annotate("", xy=(start - 0.7, y + 0.4), xytext=(start - 0.1, y + 0.4), arrowprops=dashed)
        ax.annotate("", xy=(longest + 0.15, y + 0.4), xytext=(longest + 1.1, y + 0.4), arrowprops=dashed)
        ax.text(longest + 2.6, y + 0.4, f"layer {row + 1}, dilation {dilation}", va="center", fontsize=11, color=INK)
    ax.text(longest / 2, top, "queue, oldest first", ha="center", fontsize=11, color=GREY)
    ax.text(longest + 1.7, top, "now", ha="center", fontsize=11, color=GREY)
    return fig


def _describe_queues(text: str, dilations: Sequence[int]) -> str:
    rows = [
        f"layer {number} with dilation {dilation} holds its inputs from {', '.join(text[-1 - dilation : -1])} "
        f"and reads the oldest, that from {text[-1 - dilation]}"
        for number, dilation in enumerate(dilations, start=1)
    ]
    return (
        f"The queues at the moment when {text[-1]} of {text} arrives. One row per layer, the lowest at the bottom: "
        f"{'; '.join(rows)}. Each also reads the new input, {text[-1]}, which is added to the queue on the right, "
        "while the oldest, in a dashed frame, is removed on the left."
    )


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


@styled
def label_strip(shares: Mapping[str, Int[Tensor, "2"]], labels: Sequence[str] = ("girls", "boys")) -> Figure:
    """To which list names are attributed: one bar per group of names, cut at the share of each list.

    Args:
        shares: for each group of names, how many of them are attributed to the first and to the second list.
        labels: of the two lists.

    Returns:
        A figure without description: `show` needs one that says what the groups are.
    """
    fig = Figure(figsize=(8, 0.8 + 0.42 * len(shares)), layout="constrained")
    ax = fig.subplots()
    for y, counts in enumerate(shares.values()):
        first = 100 * counts[0].item() / counts.sum().item()
        ax.barh(y, first, color=ORANGE, edgecolor=INK)
        ax.barh(y, 100 - first, left=first, color=SKY, edgecolor=INK, hatch="//")
        for x, share, word in ((first / 2, first, labels[0]), (50 + first / 2, 100 - first, labels[1])):
            if share > 9:  # room for the word
                box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5}
                ax.text(x, y, word, ha="center", va="center", fontsize=10, color=INK, bbox=box)
    ax.set_yticks(range(len(shares)), list(shares))
    ax.set(xlabel="attributed to, % of the names", xlim=(0, 100), ylim=(len(shares) - 0.4, -0.6))
    return fig
