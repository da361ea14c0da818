"""The figures of lesson 07: what a tree and a dilated net compute, what each output sees, and what it costs."""

import math
from collections.abc import Iterator, Mapping, Sequence

from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from lib.data import STOP
from lib.plots.style import (
    BLUE,
    GREY,
    INK,
    NAME,
    DescribedFigure,
    canvas,
    draw_frame,
    draw_letters,
    letter_colour,
    styled,
)

RISE, WIDTH, HEIGHT = 1.5, 0.86, 0.66  # of a node, in columns
FAINT = "#999999"
LARGEST, SMALLEST = 14.0, 10.0  # points of the letters in a node; where they would be smaller there are stripes only
UNIT, INCHES, LABEL = 0.56, 5.8, 0.95  # a column at most, all columns at most, the labels beside them; in inches


def _taps(place: int, dilation: int, repeating: bool, kernel: int = 2) -> list[int]:
    """The nodes below a node, the earliest first; if repeating, the first column serves for all before it."""
    places = [place - tap * dilation for tap in reversed(range(kernel))]
    return [max(earlier, 0) for earlier in places] if repeating else places


def graph_nodes(
    text: str,
    ends: Sequence[int] | None = None,
    dilations: Sequence[int] = (1, 2, 4),
    repeating: bool = False,
    kernel: int = 2,
) -> list[list[int]]:
    """The columns that are computed in each row, tokens first.

    The trees of the outputs above the columns `ends` compute what these outputs need. The dilated net (`ends` is None)
    computes every column that has its taps, needed or not.

    Args:
        text: the tokens, one per column.
        ends: columns of the outputs, from 0; None for the dilated net.
        dilations: distance between neighbouring taps of each row, in columns.
        repeating: the text is left-padded with its first token, whose column serves for all before it.
        kernel: taps of each node.

    Returns:
        A sorted list of columns for each row; the first row, of the tokens that are read, has nothing to compute.

    Raises:
        ValueError: an output for which the text is too short, or a dilation below 1.
    """
    reach = 0 if repeating else (kernel - 1) * sum(dilations)
    if any(dilation < 1 for dilation in dilations):
        raise ValueError(f"dilations must be at least 1 column; got {tuple(dilations)}.")
    outputs = list(range(reach, len(text))) if ends is None else sorted(set(ends))
    if not outputs or outputs[0] < reach or outputs[-1] >= len(text):
        raise ValueError(
            f"with dilations {tuple(dilations)}, outputs are above the columns {reach} to {len(text) - 1} of {text!r}; "
            f"got {outputs}. Pad the text with stop marks on its left."
        )
    if ends is None:
        starts = [0 if repeating else (kernel - 1) * sum(dilations[:number]) for number in range(len(dilations) + 1)]
        return [list(range(start, len(text))) for start in starts]
    rows = [outputs]
    for dilation in reversed(dilations):
        rows.append(sorted({tap for place in rows[-1] for tap in _taps(place, dilation, repeating, kernel)}))
    return rows[::-1]


def seen_by(text: str, row: int, place: int, dilations: Sequence[int] = (1, 2, 4), kernel: int = 2) -> str:
    """The characters that a node sees, in their order; a stop mark for each that lies before the text.

    Args:
        text: the tokens, one per column.
        row: 0 for the tokens themselves, 1 for the first layer, and so on.
        place: the node's column.
        dilations: distance between neighbouring taps of each row, in columns.
        kernel: taps of each node.
    """
    lags = {0}
    for dilation in dilations[:row]:
        lags = {lag + tap * dilation for lag in lags for tap in range(kernel)}
    return "".join(text[place - lag] if lag <= place else STOP for lag in sorted(lags, reverse=True))


def _row_names(ends: Sequence[int] | None, dilations: Sequence[int]) -> list[str]:
    """Stages for the trees of some windows, layers with their dilations for the net that has all outputs."""
    if ends is not None:
        return [f"stage {number}" for number in range(1, len(dilations) + 1)]
    return [f"layer {number}, dilation {dilation}" for number, dilation in enumerate(dilations, start=1)]


def _boxes(count: int) -> str:
    return f"{count} box" if count == 1 else f"{count} boxes"


def _describe(
    text: str, ends: Sequence[int] | None, dilations: Sequence[int], highlight: int | None, repeating: bool, kernel: int
) -> str:
    rows = graph_nodes(text, ends, dilations, repeating, kernel)[1:]
    net = "the dilated net" if ends is None else "one tree" if len(set(ends)) == 1 else f"{len(set(ends))} trees"
    parts = []
    for number, (name, places) in enumerate(zip(_row_names(ends, dilations), rows, strict=True), start=1):
        seen = ", ".join(seen_by(text, number, place, dilations, kernel) for place in places)
        parts.append(f"{name} has {_boxes(len(places))} ({seen})")
    described = (
        f"A graph of {net} over {text}: {_boxes(sum(map(len, rows)))} in all. One column per token, read from "
        "bottom to top. Each box is above the last character that it sees, striped with the colours of all that it "
        f"sees, here in brackets: {'; '.join(parts)}. Lines lead up to each box from the {kernel if kernel > 2 else 'two'} that it reads; a dot "
        "marks a column where nothing is computed."
    )
    if repeating:
        described += " A line that would start before the first column starts at the first column."
    if highlight is not None:
        sizes = [len(places) for places in graph_nodes(text, [highlight], dilations, repeating, kernel)[1:]]
        sizes_listed = f"{', '.join(map(str, sizes[:-1]))} and {sizes[-1]}" if sizes[1:] else str(sizes[0])
        described += f" The tree of the output above column {highlight + 1} is drawn dark: {sizes_listed} boxes; all others are pale."
    return described


@styled
def graph(
    text: str = STOP + NAME,
    ends: Sequence[int] | None = None,
    dilations: Sequence[int] = (1, 2, 4),
    highlight: int | None = None,
    repeating: bool = False,
    title: str = "",
    kernel: int = 2,
) -> DescribedFigure:
    """What is computed for some outputs: a node for each application of a layer, a line for each input that it reads.

    One output gives the tree of stages, all outputs give the dilated net. Where nothing is computed there is a dot.

    Args:
        text: the tokens, one per column.
        ends: columns of the outputs, from 0, and the rows are called stages; None for the dilated net, and the rows
            are called layers.
        dilations: distance between neighbouring taps of each row, in columns.
        highlight: column of the output whose own tree is drawn dark, the rest pale; None draws all dark.
        repeating: see `graph_nodes`.
        title: the message, above the graph and before the description.
        kernel: taps of each node.

    Raises:
        ValueError: see `graph_nodes`.
    """
    rows = graph_nodes(text, ends, dilations, repeating, kernel)
    dark = rows if highlight is None else graph_nodes(text, [highlight], dilations, repeating, kernel)
    alt = f"{title}. ".removeprefix(". ") + _describe(text, ends, dilations, highlight, repeating, kernel)
    T, names = len(text), ["tokens", *_row_names(ends, dilations)]
    unit = min(UNIT, INCHES / (T + 0.3))
    fig, ax = canvas(alt, (-0.6, T - 0.3 + LABEL / unit), (-0.4, RISE * (len(rows) - 1) + max(0.5, 0.32 / unit)), unit)
    ax.set_title(title, fontsize=12, loc="left")
    for row, places in enumerate(rows):
        seen = {place: seen_by(text, row, place, dilations, kernel) for place in (places if row else range(T))}
        _draw_row(ax, row, seen, dark[row], len(text), 72 * WIDTH * unit)
        for tap, place in _lines(places, dilations[row - 1], repeating, kernel) if row else ():
            _draw_line(ax, tap, place, row, place in dark[row])
        label = names[row].replace(", ", "\n") + (f"\n{_boxes(len(places))}" if row else "")
        ax.text(T - 0.3, row * RISE, label, va="center", fontsize=10, color=INK)
    return fig


def _lines(places: Sequence[int], dilation: int, repeating: bool, kernel: int) -> Iterator[tuple[int, int]]:
    for place in places:
        for tap in _taps(place, dilation, repeating, kernel):
            yield tap, place


def _draw_row(ax: Axes, row: int, seen: Mapping[int, str], dark: Sequence[int], columns: int, points: float) -> None:
    """A box, so many points wide, above each column in `seen`, striped with what it sees; dots above the others."""
    for place in range(columns):
        if place not in seen:
            ax.plot(place, row * RISE, ".", color=FAINT, markersize=4)
            continue
        left, bottom, letters = place - WIDTH / 2, row * RISE - HEIGHT / 2, seen[place]
        strength, ink, edge, width = (0.8, INK, INK, 1.4) if place in dark else (0.28, GREY, FAINT, 0.7)
        size = _letter_size(len(letters), points)
        draw_letters(ax, left, bottom, letters, WIDTH / len(letters), HEIGHT, size, strength, ink)
        draw_frame(ax, left, bottom, WIDTH, HEIGHT, edgecolor=edge, linewidth=width)


def _draw_line(ax: Axes, tap: int, place: int, row: int, is_dark: bool) -> None:
    """From the top of a node to the bottom of one in this row; dark lines over pale ones."""
    look = (
        {"color": INK, "linewidth": 1.5, "zorder": 2} if is_dark else {"color": FAINT, "linewidth": 0.6, "zorder": 0.5}
    )
    y = row * RISE - HEIGHT / 2
    ax.plot([tap, place], [y - RISE + HEIGHT, y], solid_capstyle="round", **look)


def _letter_size(letters: int, points: float) -> float | None:
    """The size that lets so many letters fit into a box of this width, in points; None where they would be illegible."""
    size = min(LARGEST, (points - 2) / (0.72 * letters))
    return size if size >= SMALLEST else None


@styled
def moved_logits(moved: Float[Tensor, "T"], text: str = STOP + NAME) -> DescribedFigure:
    """By how much another padding moves the logits after each token.

    Args:
        moved: the largest change of a logit, one number per token.
        text: the tokens.
    """
    title = "Zeros spoil the beginning of a name"
    pairs = zip(text, moved.tolist(), strict=True)
    listed = ", ".join(f"{'the stop mark' if c == STOP else c} {change:.1f}" for c, change in pairs)
    alt = (
        f"{title}. Bar chart: the largest change of a logit under zero padding, for the prediction after each token of "
        f"{text}: {listed}. The damage is largest at the start and gone at the end."
    )
    fig = DescribedFigure(alt, figsize=(6.2, 2.8), layout="constrained")
    ax = fig.subplots()
    drawn = ax.bar(range(len(text)), moved.tolist(), color=[letter_colour(c) for c in text], edgecolor=INK)
    ax.bar_label(drawn, [f"{change:.1f}" for change in moved.tolist()], padding=2)
    ax.set_xticks(range(len(text)), list(text), family="monospace", size=13)
    ax.set(xlabel="prediction after", ylabel="largest change of a logit", ylim=(0, 1.15 * float(moved.max())))
    ax.set_title(title, fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


@styled
def band(strength: Float[Tensor, "outputs T"], text: str, width: int) -> DescribedFigure:
    """How strongly each output depends on each token; white where the gradient is exactly zero.

    Args:
        strength: one row per output, one column per token; the last output is above the last token.
        text: the tokens.
        width: the receptive field, in tokens.
    """
    outputs, T = strength.shape
    own = [T - outputs + i for i in range(outputs)]  # the column of each output
    later = sum(int(row[column + 1 :].count_nonzero()) for row, column in zip(strength, own, strict=True))
    half = width // 2
    recent = sum(
        bool(row[column + 1 - half : column + 1].sum() > row[column + 1 - width : column + 1 - half].sum())
        for row, column in zip(strength, own, strict=True)
    )
    counts = sorted(set(strength.count_nonzero(dim=1).tolist()))
    title = f"Each output depends on its last {width} tokens, and on no later one"
    alt = (
        f"{title}. Heat map: one row for each of {outputs} outputs, one column for each of the {T} tokens of {text}. "
        f"Coloured cells in a row: {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))}; they form a diagonal "
        "band that moves one cell to the right from row to row. Outside it all is white, a gradient of exactly zero. "
        f"Coloured cells at a later token than the output's own: {later}. In {recent} of {outputs} rows the later half of "
        "the band has the larger gradients: recent letters count more."
    )
    fig = DescribedFigure(alt, figsize=(6.5, 3.4), layout="constrained")
    ax = fig.subplots()
    image = ax.imshow(strength.log10().numpy(), cmap="cividis", aspect="auto")
    ax.set_facecolor("white")
    ax.set_xticks(range(T), list(text), family="monospace", size=13)
    names = [text[T - outputs : T - outputs + i + 1] for i in range(outputs)]
    ax.set_yticks(range(outputs), names, family="monospace", size=11)
    ax.set(xlabel="token", ylabel="output after")
    ax.set_title(title, fontsize=12)
    bar = fig.colorbar(image, label="gradient, logarithmic scale")
    low, high = (image.norm.vmin, image.norm.vmax)
    marks = [m * 10**power for power in range(-9, 9) for m in (1, 2, 5)]
    marks = [mark for mark in marks if low <= math.log10(mark) <= high]
    bar.set_ticks([math.log10(mark) for mark in marks], labels=[f"{mark:g}" for mark in marks])
    return fig


@styled
def savings(contexts: Sequence[int], fewer: Sequence[float], faster: Sequence[float]) -> DescribedFigure:
    """How many times more the trees need than the dilated net: counted applications, and measured time.

    Args:
        contexts: in characters.
        fewer: applications of the trees divided by those of the dilated net, one number per context.
        faster: the same for the time. The description does not tell these, which differ by machine.
    """
    title = "The longer the context, the more the dilated net saves"
    counted = ", ".join(f"{ratio:.1f} at {context:,}" for context, ratio in zip(contexts, fewer, strict=True))
    alt = (
        f"{title}. How many times more the trees need than the dilated net, against the context, on two logarithmic "
        f"axes. A dashed line has the counted applications: {counted}. Dots have the measured time: about level with "
        "the dilated net at short contexts, then they rise along the line."
    )
    fig = DescribedFigure(alt, figsize=(6.5, 3.6), layout="constrained")
    ax = fig.subplots()
    ax.loglog(contexts, fewer, "--", color=INK, label="Linear applications, counted")
    ax.loglog(contexts, faster, "o", color=BLUE, label="time, measured")
    ax.legend(frameon=False)
    ax.axhline(1, color=FAINT, linewidth=1)
    ax.set_xticks(contexts, [f"{context:,}" for context in contexts])
    ticks = [1, 2, 5, 10, 20, 50, 100]
    ax.set_yticks(ticks, ticks)
    ax.set(xlabel="context, characters", ylabel="trees / dilated net, times", ylim=(0.6, 2.2 * max(*fewer, *faster)))
    ax.minorticks_off()
    ax.set_title(title, fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    return fig
