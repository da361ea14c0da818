"""The ladder of shapes, and the windows of a name."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from lib.data import STOP
from lib.plots.style import INK, NAME, letter_colour


def draw_cells(
    ax,
    x: int | float,
    y: int | float,
    letters: str,
    cell: int | float,
    height: int | float,
    word: str = NAME,
) -> None:
    """One box of the ladder: the letters it holds, side by side, each in its own colour, in one frame."""
    for i, letter in enumerate(letters):
        ax.add_patch(
            plt.Rectangle(
                (x + i * cell, y), cell, height, facecolor=letter_colour(letter, word), alpha=0.75, linewidth=0
            )
        )
        ax.text(
            x + (i + 0.5) * cell,
            y + height / 2,
            letter,
            ha="center",
            va="center",
            fontsize=15,
            color=INK,
            family="monospace",
        )
    frame = FancyBboxPatch(
        (x, y),
        len(letters) * cell,
        height,
        boxstyle="round,pad=0,rounding_size=0.06",
        fill=False,
        linewidth=1.6,
        edgecolor=INK,
    )
    ax.add_patch(frame)


def ladder_rows(window: str, stages: Sequence[int] = (2, 2, 2), strided: bool = False) -> list[list[str]]:
    """The characters in each box, row by row from single letters up: [[".", "c", ...], [".c", "ha", ...], ..., [".charlie"]].

    Args:
        window: the characters of one window.
        stages: how many boxes each stage puts together.
        strided: the tempting mistake: put a box together with the ones half a row away, not with its neighbours.

    Raises:
        ValueError: a stage's number does not divide the boxes it finds, or the last row is not one box.
    """
    rows = [list(window)]
    for n in stages:
        boxes = rows[-1]
        if n < 1 or len(boxes) % n:
            raise ValueError(
                f"a stage of {n} can't divide {len(boxes)} boxes; the stages {tuple(stages)} must multiply to {len(window)}."
            )
        T = len(boxes) // n
        rows.append(["".join(boxes[i::T] if strided else boxes[i * n : (i + 1) * n]) for i in range(T)])
    if len(rows[-1]) > 1:
        raise ValueError(
            f"the stages {tuple(stages)} leave {len(rows[-1])} boxes of {len(window)}; they must multiply to {len(window)}."
        )
    return rows


def _shape(boxes: list[str], channels: int) -> str:
    return f"(B, {len(boxes)}, {channels * len(boxes[0])})" if len(boxes) > 1 else f"(B, {channels * len(boxes[0])})"


def describe_ladder(window: str, stages: Sequence[int] = (2, 2, 2), channels: int = 10, strided: bool = False) -> str:
    """The description of `ladder` for those who can't see it."""
    rows = ladder_rows(window, stages, strided)
    listed = "; ".join(f"{_shape(boxes, channels)} with the boxes {', '.join(boxes)}" for boxes in rows)
    pairing = (
        "boxes half a row apart are put together, so that letters meet that are not neighbours"
        if strided
        else "neighbours meet"
    )
    return (
        f"A ladder of coloured letter boxes for the window {window}, read from bottom to top: {listed}. Arrows lead from each box to "
        f"the box above that takes it in: at every stage {pairing}."
    )


def ladder(
    window: str = STOP + NAME, stages: Sequence[int] = (2, 2, 2), channels: int = 10, strided: bool = False
) -> Figure:
    """The picture of the series: which letters meet at which stage, from single letters up to one box that holds all.

    Args:
        window: the characters of one window.
        stages: how many neighbours each stage puts together, in time steps.
        channels: channels of each letter, for the shapes.
        strided: draw the tempting mistake (see `ladder_rows`).

    Returns:
        A figure with one row for each shape: (B, 8, 10), (B, 4, 20), (B, 2, 40), (B, 80) for eight characters and (2, 2, 2).

    Raises:
        ValueError: the stages don't multiply to the length of the window.
    """
    rows = ladder_rows(window, stages, strided)
    T, rise, height, gap = len(window), 1.9, 0.62, 0.34
    fig = Figure(
        figsize=(9, 0.9 + 1.15 * len(rows))
    )  # not pyplot's: in a widget, it would be drawn by two threads at once
    ax = fig.subplots()
    below: list[float] = []
    for level, boxes in enumerate(rows):
        y, size = level * rise, len(boxes[0])
        cell = 1.0 - gap / (2 * size)
        centres = [(i + 0.5) * size for i in range(len(boxes))]
        for centre, letters in zip(centres, boxes, strict=True):
            draw_cells(ax, centre - size * cell / 2, y, letters, cell, height, window)
        ax.text(
            T + 0.35, y + height / 2, _shape(boxes, channels), va="center", fontsize=14, family="monospace", color=INK
        )
        for i, x in enumerate(below):
            centre = centres[i % len(boxes) if strided else i // stages[level - 1]]
            tip, tail = (centre + (x - centre) * 0.45, y - 0.05), (x, y - rise + height + 0.05)
            ax.annotate("", xy=tip, xytext=tail, arrowprops={"arrowstyle": "->", "color": "#555555", "linewidth": 1.4})
        if level:
            name = "strided pairs" if strided else f"FlattenConsecutive({stages[level - 1]})"
            ax.text(T + 0.35, y - (rise - height) / 2, name, va="center", fontsize=11, color="#555555")
        below = centres
    ax.set(xlim=(-0.2, T + 3.4), ylim=(-0.25, (len(rows) - 1) * rise + height + 0.25))
    ax.axis("off")
    return fig


def window_rows(name: str = NAME, context: int = 8) -> Figure:
    """All windows of a name below each other, each with its target: what `make_windows` makes of it, in colours."""
    text = STOP * context + name + STOP
    fig = Figure(
        figsize=(0.5 * context + 2.5, 0.45 * len(name) + 1)
    )  # not pyplot's: in a widget, it would be drawn by two threads at once
    ax = fig.subplots()
    for row in range(len(name) + 1):
        draw_cells(ax, 0, -row, text[row : row + context], cell=1, height=0.8, word=name)
        draw_cells(ax, context + 1.2, -row, text[row + context], cell=1, height=0.8, word=name)
        ax.text(context + 0.6, 0.4 - row, "→", ha="center", va="center", fontsize=15)
    ax.text(context / 2, 1.3, f"window: {context} time steps", ha="center", fontsize=11)
    ax.text(context + 1.7, 1.3, "target", ha="center", fontsize=11)
    ax.set(xlim=(-0.2, context + 2.6), ylim=(-len(name) - 0.4, 1.8))
    ax.axis("off")
    return fig
