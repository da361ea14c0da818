"""Tests of lib.plots.probabilities."""

import matplotlib.pyplot as plt
import pytest
import torch

from lib import plots
from lib.plots.probabilities import bars, calibration, dart, heat_map, surprises

LETTERS = ".abc"
ROW = torch.tensor([0.125, 0.5, 0.25, 0.125])
LOG_PROBS = torch.tensor([-16.0, -14.5, -13.5, -12.5, -11.5, -10.5, -9.5, -8.5])
FIGURES = {
    "bars": lambda: bars({"one": ROW, "two": ROW.flip(0)}, LETTERS, "Message", "b", reference=ROW),
    "heat map": lambda: heat_map(ROW[None], ["...."], torch.tensor([2]), LETTERS),
    "dart": lambda: dart(ROW, 0.7, LETTERS),
    "surprises": lambda: surprises("abc", torch.tensor([3.5, 1.0, 0.5, 0.25])),
    "calibration": lambda: calibration(LOG_PROBS, torch.ones(8, dtype=torch.int64), 10_000),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_do_not_depend_on_the_readers_style_and_are_not_pyplots(name):
    expected = plots.png_of(FIGURES[name](), dpi=40)
    with plt.style.context(["dark_background", {"font.family": "No Such Font", "font.size": 20}]):
        assert plots.png_of(FIGURES[name](), dpi=40) == expected
    assert plt.get_fignums() == []


def heights(ax):
    return [round(bar.get_height(), 3) for bar in ax.patches]


def test_bars_are_as_high_as_the_probabilities_in_percent():
    fig = FIGURES["bars"]()
    pale, drawn = heights(fig.axes[1])[:4], heights(fig.axes[1])[4:]
    assert pale == [12.5, 50, 25, 12.5] and drawn == [12.5, 25, 50, 12.5]
    assert "one: a 50 %, b 25 %, the stop mark 12 %. two: b 50 %, a 25 %" in fig.alt


def test_the_chosen_letter_is_described_even_where_it_is_rare():
    alt = bars({"p": torch.tensor([0.4, 0.3, 0.29, 0.01])}, LETTERS, "Message", "c").alt
    assert "p: the stop mark 40 %, a 30 %, b 29 %, c 1 %." in alt


def test_the_dart_hits_the_interval_that_contains_it():
    for u, name, end in ((0.0, "the stop mark", "0.12"), (0.125, "a", "0.62"), (0.7, "b", "0.88"), (0.99, "c", "1.00")):
        assert f"points at the interval of {name}, which ends at {end}" in dart(ROW, u, LETTERS).alt


def test_the_heat_map_frames_the_character_that_came():
    fig = FIGURES["heat map"]()
    (frame,) = fig.axes[0].patches
    assert frame.get_xy() == (1.5, -0.5) and "....: b 25 %" in fig.alt


def test_groups_of_names_are_one_nat_wide():
    alt = calibration(LOG_PROBS, torch.arange(8), 1_000_000).alt
    listed = [f"{1e6 * p:.0f} and {n}" for n, p in enumerate(LOG_PROBS.exp().tolist())]
    assert ", ".join(listed) in alt
    merged = calibration(torch.tensor([*LOG_PROBS.tolist(), -8.2]), torch.arange(9), 1_000_000).alt
    assert f"{1e6 * LOG_PROBS[-1:].exp().sum() + 1e6 * torch.tensor(-8.2).exp():.0f} and 15" in merged


def test_each_group_of_names_is_labelled_with_its_probability():
    fig = FIGURES["calibration"]()
    labels = {text.get_text(): text.xy for text in fig.axes[0].texts if hasattr(text, "xy")}
    assert len(labels) == 8 and labels["1 in 36,000"] == pytest.approx((1e4 * LOG_PROBS[5].exp().item(), 1))
    assert {"rarer than 1 in 3,300,000", "likelier than 1 in 8,100"} < labels.keys()


@pytest.mark.parametrize(("value", "inside"), [(1.0, False), (3.1, True), (3.5, False)])
def test_no_surprise_is_written_on_the_dashed_line(value, inside):
    texts = surprises("a", torch.tensor([value, 0.25])).axes[0].texts
    (text,) = [text for text in texts if text.get_text() == f"{value:.1f}"]
    assert (text.get_position()[1] < value) is inside
