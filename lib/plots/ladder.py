"""The ladder of shapes, and the windows of a name."""

from collections.abc import Sequence

from lib.data import STOP
from lib.plots.style import GREY, INK, NAME, DescribedFigure, canvas, draw_cells, styled

RISE, HEIGHT, GAP = 1.9, 0.62, 0.34  # from row to row, of a box, between boxes; in letters


def ladder_rows(window: str, stages: Sequence[int] = (2, 2, 2), strided: bool = False) -> list[list[str]]:
    """The characters in each box, row by row from single ones up: [[".", "c", ...], [".c", "ha", ...], [".charlie"]].

    Args:
        window: the characters of one window.
        stages: how many boxes each stage merges.
        strided: the tempting mistake: merge boxes half a row apart instead of neighbours.

    Raises:
        ValueError: a stage does not divide the number of boxes below it, or the last row is not one box.
    """
    rows = [list(window)]
    for n in stages:
        boxes = rows[-1]
        if n < 1 or len(boxes) % n:
            raise ValueError(
                f"a stage of {n} can't divide {len(boxes)} boxes; "
                f"the stages {tuple(stages)} must multiply to {len(window)}."
            )
        T = len(boxes) // n
        rows.append(["".join(boxes[i::T] if strided else boxes[i * n : (i + 1) * n]) for i in range(T)])
    if len(rows[-1]) > 1:
        raise ValueError(
            f"the stages {tuple(stages)} leave {len(rows[-1])} boxes; they must multiply to {len(window)}."
        )
    return rows


def _shape(boxes: list[str], channels: int) -> str:
    return f"(B, {len(boxes)}, {channels * len(boxes[0])})" if len(boxes) > 1 else f"(B, {channels * len(boxes[0])})"


def _describe(window: str, rows: list[list[str]], channels: int, strided: bool) -> str:
    listed = "; ".join(f"{_shape(boxes, channels)} with the boxes {', '.join(boxes)}" for boxes in rows)
    merged = "boxes half a row apart, so letters meet that are not neighbours" if strided else "neighbours"
    return (
        f"A ladder for the window {window}: every stage merges {merged}. Coloured letter boxes, read from bottom to "
        f"top: {listed}. An arrow leads from each box to its place in the box above."
    )


def _draw_arrows(ax, level: int, below: int, boxes: list[str], strided: bool, named: bool) -> None:
    """From each box of the row below to the middle of the part that it becomes in a box of this row."""
    T, size = len(boxes), len(boxes[0])
    n = below // T
    for i in range(below):
        box, part = (i % T, i // T) if strided else divmod(i, n)
        width = size - GAP / 2
        tip = box * size + GAP / 4 + width * (part + 0.5) / n
        y = level * RISE
        ax.annotate(
            "",
            xy=(tip, y - 0.05),
            xytext=((i + 0.5) * size / n, y - RISE + HEIGHT + 0.05),
            arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.4},
        )
    if named:
        name = "strided pairs" if strided else f"FlattenConsecutive({n})"
        ax.text(T * size + 0.35, y - (RISE - HEIGHT) / 2, name, va="center", fontsize=11, color=GREY)


@styled
def ladder(
    window: str = STOP + NAME,
    stages: Sequence[int] = (2, 2, 2),
    channels: int = 10,
    strided: bool = False,
    named: bool = True,
) -> DescribedFigure:
    """The picture of the series: which letters meet at which stage, from single letters up to one box that holds all.

    Args:
        window: the characters of one window.
        stages: how many neighbours each stage merges, in time steps.
        channels: channels of each character, for the shapes.
        strided: draw the tempting mistake (see `ladder_rows`).
        named: write beside the arrows which layer merges.

    Returns:
        A figure with one row per shape: (B, 8, 10), (B, 4, 20), (B, 2, 40), (B, 80) for eight characters and (2, 2, 2).

    Raises:
        ValueError: the stages don't multiply to the length of the window.
    """
    rows = ladder_rows(window, stages, strided)
    T, top = len(window), (len(rows) - 1) * RISE + HEIGHT
    fig, ax = canvas(_describe(window, rows, channels, strided), (-0.2, T + 3.4), (-0.25, top + 0.95))
    title = "Strided pairs: letters meet that are not neighbours" if strided else "Each stage merges neighbours"
    ax.text(GAP / 4, top + 0.55, title, va="center", fontsize=15, color=INK)
    for level, boxes in enumerate(rows):
        y, size = level * RISE, len(boxes[0])
        for i, letters in enumerate(boxes):
            draw_cells(ax, i * size + GAP / 4, y, letters, 1 - GAP / (2 * size), HEIGHT)
        shape = {"va": "center", "fontsize": 14, "family": "monospace", "color": INK}
        ax.text(T + 0.35, y + HEIGHT / 2, _shape(boxes, channels), **shape)
        if level:
            _draw_arrows(ax, level, len(rows[level - 1]), boxes, strided, named)
    return fig


@styled
def window_rows(name: str = NAME, context: int = 8) -> DescribedFigure:
    """All windows of a name with their targets, one row per window: the output of `make_windows`, in colours."""
    text = STOP * context + name + STOP
    alt = (
        f"The windows of {name}, one per row: on the left the {context} coloured boxes of the window, on the right its "
        f"target. The first window is {context} stop marks with target {text[context]}. In each row below, the window "
        "has moved one place: the former target is at its right end. The last target is the stop mark."
    )
    fig, ax = canvas(alt, (-0.2, context + 2.6), (-len(name) - 0.4, 1.8), unit=0.45)
    for row in range(len(name) + 1):
        draw_cells(ax, 0, -row, text[row : row + context], cell=1, height=0.8)
        draw_cells(ax, context + 1.2, -row, text[row + context], cell=1, height=0.8)
        ax.text(context + 0.6, 0.4 - row, "→", ha="center", va="center", fontsize=15)
    ax.text(context / 2, 1.3, f"window: {context} time steps", ha="center", fontsize=11)
    ax.text(context + 1.7, 1.3, "target", ha="center", fontsize=11)
    return fig
