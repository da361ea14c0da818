"""Figures: `show`, the palette, and the pictures of the lessons, one file per family.

A function here returns a figure with its description: `show(ladder(".charlie"))`. Importing this package gives
pyplot's figures the same style, so that the lessons look the same with any matplotlibrc.
"""

import matplotlib.pyplot as plt

from lib.plots.ladder import ladder, ladder_rows, window_rows
from lib.plots.log import log
from lib.plots.race import race
from lib.plots.style import COLOURS, INK, NAME, STOP_COLOUR, STYLE, draw_cells, letter_colour, png_of, show

__all__ = [
    "COLOURS",
    "INK",
    "NAME",
    "STOP_COLOUR",
    "draw_cells",
    "ladder",
    "ladder_rows",
    "letter_colour",
    "log",
    "png_of",
    "race",
    "show",
    "window_rows",
]

plt.style.use(STYLE)
