"""Figures: `show`, the colours of the letters, and the pictures that are used more than once."""

import base64
import html
import io

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from lib.data import STOP

# Okabe and Ito 2008: colours that stay apart for the colour-blind. One for each letter of the name that goes through
# all lessons, grey for the stop mark.
NAME = "charlie"
COLOURS = dict(zip(NAME, ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"), strict=True))
STOP_COLOUR = "#BBBBBB"
INK = "#222222"


def letter_colour(letter: str, word: str = NAME) -> str:
    """The colour of a letter: its own in every lesson for the letters of `charlie`, by its place in `word` for others."""
    if letter == STOP:
        return STOP_COLOUR
    if letter in COLOURS:
        return COLOURS[letter]
    others = [other for other in dict.fromkeys(word) if other not in COLOURS and other != STOP]
    free = [colour for known, colour in COLOURS.items() if known not in word] or list(COLOURS.values())
    return free[(others.index(letter) if letter in others else 0) % len(free)]


class _Described:
    """What the notebook stores: a picture with its description for those who can't see it, as HTML and as plain text."""

    def __init__(self, png: bytes, alt: str, width: int) -> None:
        self.png, self.alt, self.width = base64.b64encode(png).decode(), alt, width

    def _repr_html_(self) -> str:
        alt = html.escape(self.alt, quote=True)
        return (
            f'<figure style="margin:0"><img alt="{alt}" src="data:image/png;base64,{self.png}" '
            f'style="max-width:100%;width:{self.width}px;background:white">'
            f'<figcaption style="max-width:{self.width}px"><small>{html.escape(self.alt)}</small></figcaption></figure>'
        )

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"


def png_of(fig: Figure, dpi: int = 120) -> bytes:
    """The figure as a PNG file, on white so that it can be read in a dark theme too; the same bytes for the same figure."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def show(fig: Figure, alt: str) -> None:
    """Show a figure with a description, and close it.

    The description reaches a screen reader as the picture's alternative text, and everyone as its caption.

    Args:
        fig: the figure.
        alt: for a reader who cannot see it: what the axes are, the shape of what is drawn, what to conclude.

    Raises:
        ValueError: the description is shorter than 40 characters.
    """
    alt = " ".join(alt.split())
    if len(alt) < 40:
        raise ValueError(
            f"show needs a description of at least 40 characters; got {len(alt)}: {alt!r}. Say what the axes are, what is seen, and what to conclude."
        )
    display(_Described(png_of(fig), alt, width=round(fig.get_figwidth() * 96)))
    plt.close(fig)


def draw_cells(
    ax, x: float, y: float, letters: str, cell: float, height: float, word: str = NAME, label: bool = True
) -> None:
    """One box of the ladder: the letters it holds, side by side, each in its own colour, in one frame."""
    for i, letter in enumerate(letters):
        ax.add_patch(
            plt.Rectangle(
                (x + i * cell, y), cell, height, facecolor=letter_colour(letter, word), alpha=0.75, linewidth=0
            )
        )
        if label:
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


def ladder(window: str = STOP + NAME, n: int = 2, channels: int = 10) -> Figure:
    """The picture of the series: which letters meet at which stage, from single letters up to one box that holds all.

    Args:
        window: the characters of one window, as many as a whole number of stages of n can merge.
        n: neighbours that each stage puts together, in time steps.
        channels: channels of each letter, for the shapes.

    Returns:
        A figure with one row for each shape: (B, 8, 10), (B, 4, 20), (B, 2, 40), (B, 80) for eight characters and n = 2.

    Raises:
        ValueError: n below 2, or stages of n never merge the window into one.
    """
    T = len(window)
    rows = [list(window)]
    while n >= 2 and len(rows[-1]) > 1 and len(rows[-1]) % n == 0:
        last = rows[-1]
        rows.append(["".join(last[i : i + n]) for i in range(0, len(last), n)])
    if len(rows[-1]) > 1 or n < 2:
        raise ValueError(
            f"stages of n={n} don't merge {T} characters into one. Choose a window of {n}, {n * n} or {n**3} characters."
        )
    step, height, gap = 1.9, 0.62, 0.34
    fig, ax = plt.subplots(figsize=(9, 0.9 + 1.15 * len(rows)))
    centres: list[list[float]] = []
    for level, boxes in enumerate(rows):
        y, size = level * step, len(boxes[0])
        cell = 1.0 - gap / (2 * size)
        centres.append([])
        for i, letters in enumerate(boxes):
            x = i * size + (size - size * cell) / 2
            draw_cells(ax, x, y, letters, cell, height, window)
            centres[-1].append(x + size * cell / 2)
        shape = f"(B, {len(boxes)}, {channels * size})" if len(boxes) > 1 else f"(B, {channels * size})"
        ax.text(T + 0.35, y + height / 2, shape, ha="left", va="center", fontsize=14, family="monospace", color=INK)
        if level:
            for i, x in enumerate(centres[level - 1]):
                ax.annotate(
                    "", xy=(centres[level][i // n] + (x - centres[level][i // n]) * 0.45, y - 0.05),
                    xytext=(x, y - step + height + 0.05), arrowprops={"arrowstyle": "->", "color": "#555555", "linewidth": 1.4},
                )  # fmt: skip
            ax.text(
                T + 0.35,
                y - (step - height) / 2,
                f"FlattenConsecutive({n})",
                ha="left",
                va="center",
                fontsize=11,
                color="#555555",
            )
    ax.set_xlim(-0.2, T + 3.4)
    ax.set_ylim(-0.25, (len(rows) - 1) * step + height + 0.25)
    ax.set_aspect("auto")
    ax.axis("off")
    return fig
