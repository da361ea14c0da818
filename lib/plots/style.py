"""How figures look and how they are shown: the palette, and `show` with a caption and a description."""

import base64
import html
import io

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

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
