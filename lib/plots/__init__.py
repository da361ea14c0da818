"""Figures: `show`, the colours of the letters, and the pictures of the lessons, one file per family."""

from lib.plots.ladder import describe_ladder, draw_cells, ladder, ladder_rows, window_rows
from lib.plots.style import COLOURS, INK, NAME, STOP_COLOUR, letter_colour, png_of, show

__all__ = [
    "COLOURS",
    "INK",
    "NAME",
    "STOP_COLOUR",
    "describe_ladder",
    "draw_cells",
    "ladder",
    "ladder_rows",
    "letter_colour",
    "png_of",
    "show",
    "window_rows",
]
