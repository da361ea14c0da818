"""Tests of lib.plots.training: what is drawn is what is described, and what lesson 04 says of it holds."""

import math

import pandas as pd
import pytest
import torch

from lib.data import DATA
from lib.plots.training import crossing_lines, curves, memorised, new_parts, rate_search
from lib.training import FAST, History

RESULTS = pd.read_csv(DATA / "evidence" / "results.csv").query("split == '42' and steps > 0")
STEPS = 1_324


def history():
    falling = [2 + 1 / (1 + step) for step in range(STEPS)]
    return History("fast", 0, STEPS, train=falling, val=[(662, 2.1), (STEPS, 2.01)])


def test_memorised_draws_losses_and_floor():
    fig = memorised([3.3, 1.0, 0.43], 0.43)
    losses, floor = fig.axes[0].lines
    assert list(losses.get_ydata()) == [3.3, 1.0, 0.43] and set(floor.get_ydata()) == {0.43}
    assert "from 3.30 to 0.43" in fig.alt


def test_rate_search_tells_the_lowest_and_marks_the_chosen():
    fig = rate_search([0.001, 0.01, 1.0], [2.8, 2.4, 17.0], chosen=0.012)
    assert "lowest, 2.40, near 0.01" in fig.alt
    assert list(fig.axes[0].lines[1].get_xdata()) == [0.012, 0.012] and fig.axes[0].get_ylim()[1] < 17


def test_curves_draw_the_rate_above_and_the_losses_below():
    fig = curves(history(), FAST, counting=2.081)
    above, below = fig.axes
    assert max(above.lines[0].get_ydata()) == pytest.approx(FAST.lr)
    assert list(below.lines[1].get_ydata()) == [2.1, 2.01] and "to 2.00 and 2.01" in fig.alt


def test_curves_of_a_training_that_was_stopped_early():
    stopped = History("fast", 0, STEPS, train=[3.0] * 20, val=[(20, 2.9)], interrupted=True)
    assert "2.90" in curves(stopped, FAST, counting=2.081).alt


def test_crossing_lines_draw_the_means_of_the_results():
    fig = crossing_lines(RESULTS)
    tanh, gelu = (container.lines[0].get_ydata() for container in fig.axes[0].containers)
    assert tanh[0] < gelu[0] and tanh[1] > gelu[1]
    assert f"{tanh[0]:.3f} with LECTURE and {tanh[1]:.3f} with FAST" in fig.alt


def test_either_change_alone_is_worse_and_both_are_better_in_every_seed():
    runs = RESULTS.groupby(["arm", "recipe"]).val
    lowest, highest, ours = runs.min(), runs.max(), "staged, GELU, residual"
    assert highest["staged", "lecture"] < min(lowest["staged", "fast"], lowest[ours, "lecture"])
    assert highest[ours, "fast"] < lowest["staged", "lecture"]


def test_the_new_parts_draw_gelu_and_tanh():
    tanh, gelu = new_parts().axes[1].lines
    x = torch.tensor(gelu.get_xdata())
    assert torch.allclose(torch.tensor(tanh.get_ydata()), x.tanh())
    assert torch.allclose(torch.tensor(gelu.get_ydata()), x * (1 + torch.erf(x / math.sqrt(2))) / 2, atol=1e-6)


def test_the_new_parts_have_a_thick_arrow_for_each_box_of_stages_2_and_3():
    fig = new_parts()
    arrows = [text.arrow_patch for text in fig.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 2 * (4 + 2 + 1) + (2 + 1)
    assert sum(arrow.get_linewidth() == 3 for arrow in arrows) == 3
    assert "from ie to rlie and from there to .charlie" in fig.alt
