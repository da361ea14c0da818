"""The figures of lesson 08: what flows through a layer, who sees the future, what the queues hold, what each part is worth."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from lib.data import STOP
from lib.evidence.statistics import bootstrap_interval
from lib.plots.ladder import draw_cells
from lib.plots.style import INK, NAME

BLUE, ORANGE, GREEN, VERMILION, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9"
LINE = {"arrowstyle": "-|>", "color": "#444444", "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}

LAYER_DESCRIPTION = """Data flow of one WaveNet layer, from bottom to top. The input x, with C channels, goes into a dilated causal convolution with 2C
outputs. They part: C of them go through tanh, the filter, and C through the sigmoid, the gate. The two are multiplied, which gives
z. From z two ways lead on, each through a 1×1 convolution: one to the right, to the skip sum that the head reads, one upwards, where the
input x, which has come up on the left past everything, is added to it: the residual path, the output for the next layer."""


def layer_flow() -> Figure:
    """What flows through one layer of WaveNet: convolution, filter and gate, residual and skip path. See LAYER_DESCRIPTION."""
    fig = Figure(figsize=(8, 5.8))
    ax = fig.subplots()
    boxes = {
        "x  (B, T, C)": (3.4, 0.3, 2.2, "white"),
        "dilated causal convolution\n2C outputs": (3.4, 1.65, 3.8, SKY),
        "tanh\nfilter": (2.4, 3.2, 1.4, ORANGE),
        "sigmoid\ngate": (4.4, 3.2, 1.4, "#7FCDB5"),
        "1×1": (3.4, 6.1, 1.1, "#DDDDDD"),
        "1×1 ": (6.5, 5.2, 1.1, "#DDDDDD"),
        "skip sum\nto the head": (9.0, 5.2, 1.9, "white"),
        "output, to the next layer": (3.4, 8.3, 3.4, "white"),
    }
    for words, (x, y, width, colour) in boxes.items():
        _box(ax, x, y, width, colour, words.strip())
    for y, sign in ((4.5, "×"), (7.2, "+")):
        ax.text(3.4, y, sign, ha="center", va="center", fontsize=17, color=INK, zorder=3)
        ax.scatter([3.4], [y], s=560, facecolor="white", edgecolor=INK, linewidth=1.6, zorder=2)
    ax.text(3.15, 5.2, "z", fontsize=13, style="italic", color=INK, ha="center", va="center")
    ax.text(0.95, 3.9, "residual\npath", ha="right", va="center", fontsize=11, color="#444444")
    ax.text(4.75, 5.42, "skip path", ha="center", fontsize=11, color="#444444")
    lines = [
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
    for points in lines:
        for (x0, y0), (x1, y1) in pairwise(points[:-1]):
            ax.plot([x0, x1], [y0, y1], color=LINE["color"], linewidth=LINE["linewidth"], solid_capstyle="round")
        ax.annotate("", xy=points[-1], xytext=points[-2], arrowprops=LINE)
    ax.set(xlim=(-0.3, 10.2), ylim=(-0.2, 8.8))
    ax.axis("off")
    return fig


def _box(ax: Axes, x: float, y: float, width: float, colour: str, words: str) -> None:
    """A labelled box around (x, y), higher for two lines."""
    height = 1.06 if "\n" in words else 0.8
    style = {"boxstyle": "round,pad=0,rounding_size=0.1", "edgecolor": INK, "linewidth": 1.4, "zorder": 2}
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, facecolor=colour, **style))
    ax.text(x, y, words, ha="center", va="center", fontsize=11, color=INK, zorder=3)


def future(outputs: int, T: int) -> Bool[Tensor, "outputs T"]:
    """Which cells of a table of outputs by tokens lie in the future, where the outputs are those of the last tokens."""
    return torch.arange(T)[None] > torch.arange(T - outputs, T)[:, None]


def dependence_maps(maps: Mapping[str, Float[Tensor, "outputs T"]], text: str) -> Figure:
    """How strongly each output depends on each token: one panel a net, the future in another colour than the past.

    Args:
        maps: for each title the size of the gradient of each output (a row, the first on top) with respect to each token.
            The outputs are those of the last tokens.
        text: the tokens, a column each.

    Returns:
        A figure of panels side by side, two a row. Blue cells lie in the past of their output, vermilion ones in its future;
        the paler, the weaker, over six powers of ten; white is a gradient of exactly zero. A stepped line parts past and future.
    """
    fig = Figure(figsize=(9, 3.1 * ((len(maps) + 1) // 2)), layout="constrained")
    axes = fig.subplots((len(maps) + 1) // 2, 2, squeeze=False)
    for ax in axes.flat[len(maps) :]:
        ax.axis("off")
    for ax, (title, strength) in zip(axes.flat, maps.items(), strict=False):
        outputs, T = strength.shape
        later = future(outputs, T)
        shade = (1 + (strength / strength.max()).clamp(min=1e-6).log10() / 6).clamp(0.18, 1)[..., None]
        colour = torch.where(later[..., None], torch.tensor(to_rgb(VERMILION)), torch.tensor(to_rgb(BLUE)))
        picture = torch.where((strength > 0)[..., None], 1 - shade * (1 - colour), torch.ones(3))
        ax.imshow(picture.numpy(), aspect="auto")
        steps = [T - outputs + 0.5 + row for row in range(outputs) for _ in (0, 1)]
        ax.plot(steps, [row + end for row in range(outputs) for end in (-0.5, 0.5)], color=INK, linewidth=1.5)
        ax.set_xticks(range(T), list(text), family="monospace", size=11)
        ax.set_yticks(range(outputs), list(text[-outputs:]), family="monospace", size=11)
        ax.set(xlabel="token", ylabel="output after")
        ax.set_title(title, fontsize=11)
    return fig


def describe_maps(maps: Mapping[str, Float[Tensor, "outputs T"]], text: str) -> str:
    """The description of `dependence_maps` for those who can't see it."""
    parts = []
    for title, strength in maps.items():
        later = (strength > 0) & future(*strength.shape)
        seen = f"{int(later.sum())} of {int(future(*strength.shape).sum())} cells right of the line are coloured"
        widest = int((strength > 0).sum(1).max())
        parts.append(f"{title}: {seen}; an output depends on up to {widest} tokens")
    return (
        f"Maps of which output depends on which token of {text}, by gradient: a row an output from top to bottom, a column a token; a cell is "
        "white where the gradient is exactly zero, and a stepped line parts each output's past, on the left, from its future. "
        f"{'; '.join(parts)}. A causal net has nothing right of the line."
    )


def queue_picture(text: str = STOP + NAME, dilations: Sequence[int] = (1, 2, 4)) -> Figure:
    """What the queues hold when the last letter of the text comes in, and which of it each layer reads.

    Args:
        text: what has been generated, the stop mark in front included; not shorter than the longest queue.
        dilations: how many time steps each layer's queue holds, the lowest layer first.

    Returns:
        A row a layer: on the left its queue, oldest input first, which is read and thrown out, then the newest input, which
        goes in. Each box shows the letter at whose time step the input was computed.

    Raises:
        ValueError: the text is too short for the longest queue.
    """
    if len(text) <= max(dilations):
        raise ValueError(f"the longest queue holds {max(dilations)} time steps before the last; got {text!r}.")
    fig = Figure(figsize=(8, 0.75 + 0.85 * len(dilations)))
    ax = fig.subplots()
    longest = max(dilations)
    for row, dilation in enumerate(dilations):
        y, held = 1.3 * row, text[-1 - dilation : -1]
        start = longest - dilation
        draw_cells(ax, start, y, held, 1, 0.8, text)
        draw_cells(ax, longest + 1.2, y, text[-1], 1, 0.8, text)
        ax.add_patch(FancyBboxPatch((start, y), 1, 0.8, boxstyle="round,pad=0.07", fill=False, ec=VERMILION, lw=2.4))
        ax.annotate(
            "", xy=(longest + 0.15, y + 0.4), xytext=(longest + 1.1, y + 0.4), arrowprops=LINE | {"linestyle": "--"}
        )
        ax.text(longest + 2.6, y + 0.4, f"layer {row + 1}, dilation {dilation}", va="center", fontsize=11, color=INK)
    top = 1.3 * len(dilations) - 0.05
    ax.text(longest / 2, top, "queue, oldest first", ha="center", fontsize=11, color="#444444")
    ax.text(longest + 1.7, top, "now", ha="center", fontsize=11, color="#444444")
    ax.set(xlim=(-0.2, longest + 5.4), ylim=(-0.2, top + 0.45))
    ax.axis("off")
    return fig


def describe_queues(text: str = STOP + NAME, dilations: Sequence[int] = (1, 2, 4)) -> str:
    """The description of `queue_picture` for those who can't see it."""
    rows = [
        f"layer {number} with dilation {dilation} holds its inputs from {', '.join(text[-1 - dilation : -1])} and reads the oldest, that from {text[-1 - dilation]}"
        for number, dilation in enumerate(dilations, start=1)
    ]
    return (
        f"The queues at the moment when {text[-1]} of {text} comes in, a row a layer, the lowest layer at the bottom: {'; '.join(rows)}. "
        f"Each also reads what comes in now, {text[-1]}, which then goes into the queue on the right, while the oldest, framed in vermilion, falls out."
    )


def parts_figure(losses: Mapping[str, Float[Tensor, "N"]], line: tuple[str, float] | None = None) -> Figure:
    """What each part is worth: the losses of every net, a dot a seed, and its paired difference to the net above it.

    Args:
        losses: for each net the validation losses, one a seed in the same order of seeds; each net is the one before it
            and one part more.
        line: words and the loss of something to compare with, drawn as a dashed line.

    Returns:
        Two panels with a row a net: on the left the losses, on the right the mean of the differences (before minus after, so
        that right of 0 is an improvement) with its 95 % bootstrap interval.
    """
    fig = Figure(figsize=(9, 0.9 + 0.42 * len(losses)), layout="constrained")
    left, right = fig.subplots(1, 2, sharey=True)
    for y, values in enumerate(losses.values()):
        left.plot(values, [y] * len(values), "o", color=BLUE, alpha=0.6, markersize=5)
        left.plot([values.mean()] * 2, [y - 0.3, y + 0.3], color=INK, linewidth=2)
    if line is not None:
        left.axvline(line[1], color=VERMILION, linestyle="--")
        low, high = left.get_xlim()
        beside = {"ha": "left"} if line[1] < (low + high) / 2 else {"ha": "right"}
        left.text(line[1], -0.55, f" {line[0]} ", color=VERMILION, fontsize=10, va="center", **beside)
    for y, difference in enumerate(improvements(losses).values(), start=1):
        low, high = bootstrap_interval(difference)
        mean, sure = difference.mean().item(), low > 0 or high < 0
        right.plot([low, high], [y, y], color=BLUE, linewidth=2)
        right.plot([mean], [y], "o", color=BLUE, markerfacecolor=BLUE if sure else "white")
    right.locator_params(axis="x", nbins=5)
    right.axvline(0, color=INK, linestyle="--", linewidth=1)
    left.set_yticks(range(len(losses)), list(losses))
    left.set(xlabel="validation loss, nats a letter", ylim=(len(losses) - 0.5, -0.95))
    right.set(xlabel="improvement on the row above, nats a letter")
    return fig


def improvements(losses: Mapping[str, Float[Tensor, "N"]]) -> dict[str, Float[Tensor, "N"]]:
    """For each net but the first how much lower its losses are than those of the net before it, seed by seed."""
    names = list(losses)
    return {after: losses[before] - losses[after] for before, after in pairwise(names)}


def describe_parts(losses: Mapping[str, Float[Tensor, "N"]], line: tuple[str, float] | None = None) -> str:
    """The description of `parts_figure` for those who can't see it."""
    found = []
    for after, difference in improvements(losses).items():
        low, high = bootstrap_interval(difference)
        verdict = "an improvement" if low > 0 else "a loss" if high < 0 else "0 lies inside"
        found.append(f"{after} {difference.mean():+.3f} [{low:+.3f}, {high:+.3f}], {verdict}")
    means = ", ".join(f"{name} {values.mean():.3f}" for name, values in losses.items())
    beside = "" if line is None else f" A dashed line marks {line[0]}, {line[1]:.3f}."
    return (
        f"Two panels with a row a net. Left, the validation losses in nats a letter, a dot a seed, and their means: {means}.{beside} Right, by how "
        f"much each net improves on the one above it, with the 95 % interval: {'; '.join(found)}."
    )


def label_strip(shares: Mapping[str, Int[Tensor, "2"]], labels: Sequence[str] = ("girls", "boys")) -> Figure:
    """To which list names are attributed: a bar a group of names, cut at the share of each list.

    Args:
        shares: for each group of names how many of them are attributed to the first and to the second list.
        labels: of the two lists.
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
