"""Tests of lib.plots.sound."""

import math

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch

from lib import plots
from lib.amplifier import ODE, amplify, play
from lib.data import DATA
from lib.plots.sound import drum_spectrograms, errors_by_reach, guitar_spectrograms, input_output, losses_by_part, wave
from lib.sound import DELAY, drum_with_echo

DRUM, GUITAR = drum_with_echo(2), play(ODE)
SOUND_RUNS = pd.read_csv(DATA / "evidence" / "sound.csv")
AMPLIFIER_RUNS = pd.read_csv(DATA / "evidence" / "amplifier.csv")
FIGURES = {
    "wave": lambda: wave(DRUM),
    "losses": lambda: losses_by_part(SOUND_RUNS),
    "drum": lambda: drum_spectrograms({"the drum": DRUM, "a net": DRUM.flip(0)}),
    "guitar": lambda: guitar_spectrograms({"clean": GUITAR, "amplifier": amplify(GUITAR)}),
    "input and output": lambda: input_output(GUITAR, amplify(GUITAR)),
    "errors": lambda: errors_by_reach(AMPLIFIER_RUNS, -7.0),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_do_not_depend_on_the_readers_style_and_are_not_pyplots(name):
    expected = plots.png_of(FIGURES[name](), dpi=40)
    with plt.style.context(["dark_background", {"font.family": "No Such Font", "font.size": 20}]):
        assert plots.png_of(FIGURES[name](), dpi=40) == expected
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", FIGURES)
def test_a_description_begins_with_the_title(name):
    fig = FIGURES[name]()
    title = fig._suptitle.get_text() if fig._suptitle else fig.axes[0].get_title()
    assert title and fig.alt.startswith(f"{title}. ") and len(fig.alt) > 200


def test_the_wave_shows_every_sample_in_one_of_its_parts():
    lines = [torch.tensor(line.get_ydata()) for line in FIGURES["wave"]().axes[0].lines]
    assert torch.equal(torch.stack(lines).nan_to_num().sum(0), DRUM)
    assert (torch.stack(lines).isnan().sum(0) == len(lines) - 1).all()


def test_bars_are_the_mean_losses_in_bits():
    fig = FIGURES["losses"]()
    echo = SOUND_RUNS[SOUND_RUNS.arm == "long"].echo.mean() / math.log(2)
    heights = [bar.get_height() for bar in fig.axes[0].patches]
    assert heights[1] == pytest.approx(echo, abs=1e-5) and [round(h) for h in heights] == [1, 0, 1, 1, 1, 1]
    assert f"long, sees 1,024: stroke 1.01, echo {echo:.2f}" in fig.alt


def test_dotted_lines_mark_where_the_rhythm_wants_a_burst():
    (lines,) = FIGURES["drum"]().axes[0].collections
    assert [round(8_000 * path.vertices[0, 0]) for path in lines.get_paths()] == [0, DELAY, 2 * DELAY, 3 * DELAY]


def test_a_fading_low_tone_is_brightest_below():
    tone = 0.5 * torch.sin(2 * math.pi * 500 * torch.arange(4_000) / 8_000)
    image = guitar_spectrograms({"tone": tone}).axes[0].images[0]
    brightest = image.get_array().mean(1).argmax() / (image.get_array().shape[0] - 1) * 4_000
    assert image.origin == "lower" and brightest == pytest.approx(500, abs=50)


def test_errors_are_drawn_at_their_receptive_field():
    fig = FIGURES["errors"]()
    points = [line for line in fig.axes[0].lines if line.get_marker() == "o"]
    assert [set(line.get_xdata()) for line in points] == [{1}, {63}, {513}, {1_024}]
    assert [len(line.get_ydata()) for line in points] == [1, 3, 3, 3]
    assert "A dashed line at −7.0 dB" in fig.alt and "641 samples" in fig.alt
