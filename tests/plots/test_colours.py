"""Colours that a picture sets against each other stay apart for the colour-blind, by simulation; letters can be read on them."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from lib.data import STOP
from lib.plots import style

# Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
LUMINANCE = TO_XYZ[1]
APART = 10  # in CIELAB; 2 is just seen, side by side
CSS = (Path(style.__file__).parents[1] / "live" / "style.css").read_text(encoding="utf-8")
LIVE = dict(re.findall(r"^\.live-(\w+) \{ background: (#\w+); fill: \2; \}$", CSS, re.MULTILINE))
# As draw_letters draws them: three quarters of the colour on white.
LETTERS = {
    {STOP: "stop", "z": "other"}.get(letter, letter): to_hex(
        [1 - 0.75 * (1 - part) for part in to_rgb(style.letter_colour(letter))]
    )
    for letter in STOP + style.NAME + "z"
}
LINES = dict(zip(("BLUE", "VERMILION", "GREEN", "ORANGE", "PURPLE", "SKY"), style.STYLE[1]["axes.prop_cycle"].by_key()["color"], strict=True))  # fmt: skip
PAINT = re.findall(r"(?m)--blue: (#\w+);\s+--red: (#\w+);", CSS)
PICTURES = {
    "letters": LETTERS,
    "lines": LINES,
    "live figures, light": {"blue": PAINT[0][0], "red": PAINT[0][1], "edge": "#666666"},
    "live figures, dark": {"blue": PAINT[1][0], "red": PAINT[1][1], "edge": "#9ca4af"},
}


def linear(colour):
    """Linear RGB of a colour."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def distance(one, other, vision):
    """Between two colours in CIELAB (1976), as someone with this vision sees them."""

    def lab(colour):
        xyz = TO_XYZ @ np.clip(VISION[vision] @ linear(colour), 0, 1) / (TO_XYZ @ np.ones(3))
        f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    return float(np.linalg.norm(lab(one) - lab(other)))


def contrast(one, other):
    """WCAG's ratio of contrast, from 1 to 21."""
    dark, light = sorted(LUMINANCE @ linear(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def alike(colours, vision):
    """The pairs that this vision does not tell apart."""
    return {pair for pair in combinations(colours, 2) if distance(*(colours[name] for name in pair), vision) < APART}


def test_simulation_confuses_what_the_colour_blind_confuse():
    assert distance("#ff0000", "#808000", "normal") > 60
    assert distance("#b3a000", "#ff6a00", "deuteranopia") < distance("#b3a000", "#ff6a00", "normal") / 2
    assert distance("black", "white", "tritanopia") == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("picture", PICTURES)
def test_colours_of_a_picture_stay_apart(picture, vision):
    assert alike(PICTURES[picture], vision) == set()


def test_letters_of_live_figures_have_the_colours_of_the_still_ones():
    assert LIVE == LETTERS


def test_letters_can_be_read_on_their_colours():
    assert min(contrast(style.INK, colour) for colour in LETTERS.values()) >= 4.5
