"""Tests of lib.plots.counting."""

import pytest
import torch

from lib.plots.counting import bigram_table, count_curve


def test_the_likeliest_pairs_are_framed_and_named():
    probs = torch.full((6, 6), 0.1)
    probs[1, 2], probs[4, 0] = 0.5, 0.4
    fig = bigram_table(probs, ".abcde")
    frames = [patch.get_xy() for patch in fig.axes[0].patches]
    assert len(frames) == 5 and frames[:2] == [(1.5, 0.5), (-0.5, 3.5)]  # column, row
    assert [text.get_text() for text in fig.axes[0].texts[:2]] == ["50", "40"]
    assert "ab 50 %, d. 40 %" in fig.alt and fig.axes[0].get_title().startswith("After a comes b")


@pytest.mark.parametrize("best", [1, 2])
def test_the_curve_names_its_lowest_point(best):
    val = [2.8, 2.4, 2.4, 2.6]
    val[best] = 2.2
    fig = count_curve([2.8, 2.3, 2.0, 1.5], val)
    (arrow,) = [text for text in fig.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert arrow.xy == (best, 2.2) and arrow.get_text() == "best: 2.20"
    assert f"2.20 at {best} characters" in fig.alt and "climbs to 2.60 at 3" in fig.alt


def test_the_axis_at_the_right_reads_a_loss_as_a_number_of_characters():
    fig = count_curve([2.0, 1.5], [2.0, 1.9])
    (right,) = fig.axes[0].child_axes
    for place, label in zip(right.get_yticks(), right.get_yticklabels(), strict=True):
        assert torch.tensor(place).exp().item() == pytest.approx(float(label.get_text()))
