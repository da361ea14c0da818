"""Tests of lib.plots.memory."""

import pytest
import torch

from lib.plots import memory as plots_memory


def test_the_queue_of_a_layer_holds_as_many_inputs_as_its_dilation():
    described = plots_memory.queue_picture(".charlie", (1, 2, 4)).alt
    assert "dilation 1 holds its inputs from i and reads the oldest, that from i" in described
    assert "dilation 2 holds its inputs from l, i and reads the oldest, that from l" in described
    assert "dilation 4 holds its inputs from a, r, l, i and reads the oldest, that from a" in described


@pytest.mark.parametrize(("text", "dilations"), [("ab", (1, 2)), ("abcd", (4,))])
def test_queue_picture_rejects_a_text_shorter_than_a_queue(text, dilations):
    with pytest.raises(ValueError, match="longest queue"):
        plots_memory.queue_picture(text, dilations)
    plots_memory.queue_picture(text + "z", dilations)


def test_the_bars_of_names_are_cut_at_their_shares():
    fig = plots_memory.label_strip({"a": torch.tensor([30, 10]), "b": torch.tensor([0, 5])}, "Three in four.")
    bars = [(bar.get_x(), bar.get_width()) for bar in fig.axes[0].patches]
    assert bars == [(0, 75), (75, 25), (0, 0), (0, 100)]
    assert "a: girls 75 %, boys 25 %; b: girls 0 %, boys 100 %." in fig.alt
    assert [text.get_text() for text in fig.axes[0].texts] == ["girls 75 %", "25 %", "", "boys 100 %"]
