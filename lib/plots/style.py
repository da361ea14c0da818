"""How figures look and how they are shown: the palette, coloured letters, and `show` with caption and description."""

import base64
import html
import io
import re
import unicodedata
import warnings
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.patches import FancyBboxPatch, Rectangle
from PIL import Image

from lib.data import STOP

# Okabe and Ito 2008: colours that stay apart with any colour vision. One for each letter of the name that all lessons
# share, light grey for the stop mark, white for other letters.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
INK, GREY, STOP_COLOUR = "#222222", "#666666", "#BBBBBB"
NAME = "charlie"
COLOURS = dict(zip(NAME, (ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE), strict=True))

# Matplotlib's defaults instead of the reader's matplotlibrc, with this palette (without yellow, too pale for a line).
STYLE = ["default", {"axes.prop_cycle": plt.cycler(color=[BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY])}]
styled = plt.style.context(STYLE)  # decorates each function that builds a figure

Number = int | float
DPI = 192  # two pixels per CSS pixel
PADDING = 5  # around a picture, its border included, in CSS pixels


def letter_colour(letter: str) -> str:
    """The colour of a letter, the same in every lesson: white for letters that are not in `charlie`."""
    return STOP_COLOUR if letter == STOP else COLOURS.get(letter, "white")


class DescribedFigure(Figure):
    """A figure with the description that `show` needs, in `.alt`.

    Not one of pyplot's figures: JupyterLab runs widgets in a second thread, and both would draw pyplot's open figures.
    """

    def __init__(self, alt: str, **options) -> None:
        super().__init__(**options)
        self.alt = alt


def canvas(
    alt: str, x: tuple[Number, Number], y: tuple[Number, Number], unit: Number = 0.6
) -> tuple[DescribedFigure, Axes]:
    """A figure for a diagram: axes without ticks over the whole of it, with `unit` inches per unit of x and of y."""
    fig = DescribedFigure(alt, figsize=((x[1] - x[0]) * unit, (y[1] - y[0]) * unit))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=x, ylim=y)
    ax.axis("off")
    return fig, ax


@cache
def _glyph(letter: str) -> tuple[str, Path]:
    """The text and the font file that draw a letter: its code point in hex, and a warning, if no font has a glyph."""
    default = Path(findfont("DejaVu Sans Mono"))
    # The font of last resort draws one sign for a whole script.
    others = [Path(font.fname) for font in fontManager.ttflist if "last resort" not in font.name.lower()]
    for path in [default, *others]:
        if ord(letter) in get_font(path).get_charmap():
            return letter, path
    script = unicodedata.name(letter, "SYMBOLS").split()[0].title()
    _missing("CJK" if script in ("Cjk", "Hangul", "Hiragana", "Katakana") else script)
    return f"{ord(letter):X}", default


@cache
def _missing(script: str) -> None:
    warnings.warn(
        f"No installed font has all letters of the script {script}; figures show their numbers instead. "
        f"Install a font that has them, such as Noto Sans {script}, and restart the kernel.",
        stacklevel=2,
    )


def draw_letters(
    ax: Axes,
    x: Number,
    y: Number,
    letters: str,
    cell: Number,
    height: Number,
    size: Number | None = 15,
    strength: float = 0.75,
    ink: str = INK,
) -> None:
    """Cells of this width and height side by side, each in the colour of its letter, from the lower left end (x, y).

    The letters have `size` points and the colour `ink`; `size` None leaves them out. `strength` is the cells' opacity.
    """
    for i, letter in enumerate(letters):
        colour = {"facecolor": letter_colour(letter), "alpha": strength, "linewidth": 0}
        ax.add_patch(Rectangle((x + i * cell, y), cell, height, **colour))
        if size:
            text, font = _glyph(letter)
            look = {"font": font, "fontsize": size if len(text) == 1 else 0.5 * size, "color": ink}
            ax.text(x + (i + 0.5) * cell, y + height / 2, text, ha="center", va="center", **look)


def draw_frame(ax: Axes, x: Number, y: Number, width: Number, height: Number, **look) -> None:
    """A frame with rounded corners."""
    look = {"fill": False, "linewidth": 1.6, "edgecolor": INK} | look
    ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.06", **look))


def draw_cells(ax: Axes, x: Number, y: Number, letters: str, cell: Number, height: Number) -> None:
    """One box of the ladder: the letters it holds side by side, each in its colour, in one frame."""
    draw_letters(ax, x, y, letters, cell, height)
    draw_frame(ax, x, y, len(letters) * cell, height)


@styled
def png_of(fig: Figure, dpi: int = DPI) -> bytes:
    """The figure as a PNG file with a palette of 256 colours, which takes half the space."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
    image = Image.open(buffer).convert("RGB").quantize()
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return buffer.getvalue()


class Picture:
    """A figure as a notebook stores it: HTML, PNG and text. Arguments and errors are those of `show`."""

    def __init__(self, fig: Figure, alt: str | None = None, caption: str | None = None) -> None:
        self.alt = " ".join((alt or getattr(fig, "alt", "")).split())
        if len(self.alt) < 40:
            raise ValueError(
                f"show needs a description of at least 40 characters; got {len(self.alt)}: {self.alt!r}. "
                "Say what the axes are, what is seen, and what to conclude."
            )
        self.caption = caption or re.split(r"(?<=[.!?])\s+(?=[A-Z])", self.alt)[0]  # the first sentence
        png = png_of(fig)
        self.png = base64.b64encode(png).decode()
        # Two pixels per CSS pixel in every picture, so that text has one size in all of them.
        self.width = Image.open(io.BytesIO(png)).width * 96 // DPI + 2 * PADDING

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "image/png": self.png, "text/plain": f"Figure: {self.alt}"}

    @property
    def html(self) -> str:
        """The picture as a `<figure>`, on white and with a border so that it can be read in a dark theme too."""
        look = (
            f"box-sizing:border-box;max-width:100%;width:{self.width}px;"
            f"padding:{PADDING - 1}px;border:1px solid #cccccc;background:white"
        )
        alt, caption = html.escape(self.alt), html.escape(self.caption)
        return (
            f'<figure style="margin:0"><img alt="{alt}" src="data:image/png;base64,{self.png}" style="{look}">'
            f'<figcaption style="max-width:{self.width}px"><small>{caption}</small></figcaption></figure>'
        )


def show(fig: Figure, alt: str | None = None, caption: str | None = None) -> None:
    """Show a figure with a caption, and with a description for screen readers, and close it.

    Args:
        fig: the figure.
        alt: for a reader who cannot see it: what the axes are, the shape of what is drawn, what to conclude. Figures of
            `lib.plots` bring their own.
        caption: one visible sentence; the first of the description if none is given.

    Raises:
        ValueError: the description is shorter than 40 characters.
    """
    display(Picture(fig, alt, caption))
    plt.close(fig)
