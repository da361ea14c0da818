"""The graphs of lesson 07: which nodes a tree computes, which a dilated net computes, and what each of them sees."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from lib.data import STOP
from lib.plots.style import INK, NAME, letter_colour

RISE, WIDTH, HEIGHT = 1.5, 0.84, 0.62  # of a node, in columns
PALE, GREY = 0.28, "#999999"


def _taps(place: int, dilation: int, repeating: bool) -> tuple[int, int]:
    """The two nodes below a node, earlier one first; before the first column stands the first column, if repeating."""
    earlier = place - dilation
    return (max(earlier, 0) if repeating else earlier, place)


def graph_nodes(
    text: str, ends: Sequence[int] | None = None, dilations: Sequence[int] = (1, 2, 4), repeating: bool = False
) -> list[list[int]]:
    """The columns that are computed in each row, tokens first.

    The trees of the outputs above the columns `ends` compute what these outputs need. The dilated net (`ends` is None)
    computes every column that has its taps, needed or not.

    Args:
        text: the tokens, a column each.
        ends: columns of the wanted outputs, from 0; None for the dilated net.
        dilations: how far apart the two taps of each row are, in columns.
        repeating: the first token has stood for ever before the text, so that its column serves for all before it.

    Returns:
        A sorted list of columns for each row; the first row, of the tokens that are looked at, has nothing to compute.

    Raises:
        ValueError: an output for which the text is too short, or a dilation below 1.
    """
    reach = 0 if repeating else sum(dilations)
    if any(dilation < 1 for dilation in dilations):
        raise ValueError(f"dilations must be at least 1 column; got {tuple(dilations)}.")
    wanted = list(range(reach, len(text))) if ends is None else sorted(set(ends))
    if not wanted or wanted[0] < reach or wanted[-1] >= len(text):
        raise ValueError(
            f"with dilations {tuple(dilations)} there are outputs above the columns {reach} to {len(text) - 1} of {text!r}; "
            f"got {wanted}. Put stop marks before the text."
        )
    if ends is None:
        starts = [0 if repeating else sum(dilations[:number]) for number in range(len(dilations) + 1)]
        return [list(range(start, len(text))) for start in starts]
    rows = [wanted]
    for dilation in reversed(dilations):
        rows.append(sorted({tap for place in rows[-1] for tap in _taps(place, dilation, repeating)}))
    return rows[::-1]


def seen_by(text: str, row: int, place: int, dilations: Sequence[int] = (1, 2, 4)) -> str:
    """The letters that a node sees, in their order; a stop mark for each that lies before the text.

    Args:
        text: the tokens, a column each.
        row: 0 for the tokens themselves, 1 for the first layer, and so on.
        place: the node's column.
        dilations: how far apart the two taps of each row are, in columns.
    """
    lags = {0}
    for dilation in dilations[:row]:
        lags |= {lag + dilation for lag in lags}
    return "".join(text[place - lag] if lag <= place else STOP for lag in sorted(lags, reverse=True))


def describe_graph(
    text: str,
    ends: Sequence[int] | None = None,
    dilations: Sequence[int] = (1, 2, 4),
    highlight: int | None = None,
    repeating: bool = False,
) -> str:
    """The description of `graph` for those who can't see it."""
    rows = graph_nodes(text, ends, dilations, repeating)
    parts = []
    for number, (name, places) in enumerate(zip(_row_names(ends, dilations), rows[1:], strict=True), start=1):
        seen = ", ".join(seen_by(text, number, place, dilations) for place in places)
        parts.append(f"{name} has {_nodes(len(places))} ({seen})")
    described = (
        f"A graph over the tokens {text}, one column each, read from bottom to top; each node stands above the last letter that it sees, and "
        f"is striped with the colours of all that it sees, which is given in brackets. From bottom to top, {'; '.join(parts)}: {_nodes(sum(map(len, rows[1:])))} in all."
    )
    if repeating:
        described += " Where a line would come from before the first column, it comes from the first column."
    if highlight is not None:
        sizes = [len(places) for places in graph_nodes(text, [highlight], dilations, repeating)[1:]]
        nodes = f"{', '.join(map(str, sizes[:-1]))} and {sizes[-1]}" if sizes[1:] else str(sizes[0])
        described += (
            f" The tree of the output above column {highlight + 1} is drawn dark: {nodes} nodes; all others are pale."
        )
    return described


def _row_names(ends: Sequence[int] | None, dilations: Sequence[int]) -> list[str]:
    """Stages for the trees of some windows, layers with their dilations for the net that has all outputs."""
    if ends is not None:
        return [f"stage {number}" for number in range(1, len(dilations) + 1)]
    return [f"layer {number}, dilation {dilation}" for number, dilation in enumerate(dilations, start=1)]


def _nodes(count: int) -> str:
    return f"{count} node" if count == 1 else f"{count} nodes"


def graph(
    text: str = STOP + NAME,
    ends: Sequence[int] | None = None,
    dilations: Sequence[int] = (1, 2, 4),
    highlight: int | None = None,
    repeating: bool = False,
) -> Figure:
    """What is computed for some outputs: a node for each application of a layer, a line for each input that it reads.

    One output gives the tree of stages, all outputs give the dilated net. Where nothing is computed there is a dot.

    Args:
        text: the tokens, a column each.
        ends: columns of the wanted outputs, from 0, and the rows are called stages; None for the dilated net, and the
            rows are called layers.
        dilations: how far apart the two taps of each row are, in columns.
        highlight: the column of the output whose own tree is drawn dark, the rest pale; None draws all dark.
        repeating: see `graph_nodes`.

    Raises:
        ValueError: see `graph_nodes`.
    """
    rows = graph_nodes(text, ends, dilations, repeating)
    dark = rows if highlight is None else graph_nodes(text, [highlight], dilations, repeating)
    T = len(text)
    fig = Figure(figsize=(min(10.5, 0.62 * T + 2.2), 0.62 * RISE * (len(rows) - 1) + 0.7))
    ax = fig.subplots()
    for number, places in enumerate(rows):
        y = number * RISE
        for place in range(T):
            if place in places or number == 0:
                is_dark = place in dark[number]
                _draw_node(ax, place, y, seen_by(text, number, place, dilations), text, is_dark)
            else:
                ax.plot(place, y, ".", color=GREY, markersize=4)
        if number:
            for is_dark in (False, True):  # dark lines over pale ones
                for place in places:
                    if (place in dark[number]) == is_dark:
                        for tap in _taps(place, dilations[number - 1], repeating):
                            _draw_line(ax, tap, place, y, is_dark)
            label = f"{_row_names(ends, dilations)[number - 1]}:\n{_nodes(len(places))}"
        else:
            label = "tokens"
        ax.text(T - 0.3, y, label, va="center", fontsize=10, color=INK)
    ax.set(xlim=(-0.6, T + 2.9), ylim=(-0.45, (len(rows) - 1) * RISE + 0.45))
    ax.axis("off")
    fig.subplots_adjust(0, 0, 1, 1)
    return fig


def _draw_node(ax, place: int, y: float, letters: str, word: str, is_dark: bool) -> None:
    """A box above its column, with a stripe for each letter that it sees."""
    left, bottom, cell = place - WIDTH / 2, y - HEIGHT / 2, WIDTH / len(letters)
    size = {1: 14, 2: 11, 3: 8.5, 4: 7.5}.get(len(letters))  # points; more letters can't be read
    for i, letter in enumerate(letters):
        stripe = {"facecolor": letter_colour(letter, word), "alpha": 0.8 if is_dark else PALE, "linewidth": 0}
        ax.add_patch(plt.Rectangle((left + i * cell, bottom), cell, HEIGHT, **stripe))
        if size:
            colour = INK if is_dark else "#666666"
            ax.text(left + (i + 0.5) * cell, y, letter, ha="center", va="center", fontsize=size, family="monospace", color=colour)  # fmt: skip
    style = {"edgecolor": INK if is_dark else GREY, "linewidth": 1.4 if is_dark else 0.7}
    ax.add_patch(FancyBboxPatch((left, bottom), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.06", fill=False, **style))  # fmt: skip


def _draw_line(ax, tap: int, place: int, y: float, is_dark: bool) -> None:
    style = {"color": INK if is_dark else GREY, "linewidth": 1.5 if is_dark else 0.6, "zorder": 2 if is_dark else 0.5}
    ax.plot([tap, place], [y - RISE + HEIGHT / 2, y - HEIGHT / 2], solid_capstyle="round", **style)
