"""Tests of lib.plots.wavenet."""

import pytest
import torch

from lib.plots import wavenet as plots_wavenet

TEXT = "..charlie"
CAUSAL = torch.ones(3, 9) * ~plots_wavenet.future(3, 9)
LOSSES = {
    "plain": torch.tensor([2.05, 2.06, 2.07]),
    "+ better": torch.tensor([2.03, 2.04, 2.05]),
    "+ worse": torch.tensor([2.04, 2.05, 2.06]),
    "+ neither": torch.tensor([2.03, 2.05, 2.07]),
}


def test_the_future_of_the_last_tokens():
    assert plots_wavenet.future(3, 5).int().tolist() == [[0, 0, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    assert plots_wavenet.future(2, 2).int().tolist() == [[0, 1], [0, 0]]


def test_the_description_of_the_maps_counts_what_leaks():
    leaking = CAUSAL.clone()
    leaking[0, 7] = leaking[1, 8] = 1e-9
    described = plots_wavenet.dependence_maps({"good": CAUSAL, "bad": leaking}, TEXT).alt
    assert "good: 0 of 3 cells" in described and "bad: 2 of 3 cells" in described
    assert TEXT in described and "up to 9 tokens" in described


def test_a_leak_however_weak_is_drawn():
    """White means a gradient of exactly zero, so a weak one must not be white, and must not look like the past."""
    leaking = CAUSAL.clone()
    leaking[0, 8] = 1e-12
    fig = plots_wavenet.dependence_maps({"a": leaking, "b": CAUSAL}, TEXT)
    first, second = (torch.as_tensor(ax.images[0].get_array()) for ax in fig.axes[:2])
    assert (second[0, 8] == 1).all() and (first[0, 8] < 1).any()
    past, future = first[0, 0], first[0, 8]
    assert past[2] > past[0] and future[0] > future[2]  # blue against vermilion


def test_the_queue_of_a_layer_holds_as_many_inputs_as_its_dilation():
    described = plots_wavenet.queue_picture(".charlie", (1, 2, 4)).alt
    assert "dilation 1 holds its inputs from i and reads the oldest, that from i" in described
    assert "dilation 2 holds its inputs from l, i and reads the oldest, that from l" in described
    assert "dilation 4 holds its inputs from a, r, l, i and reads the oldest, that from a" in described


@pytest.mark.parametrize(("text", "dilations"), [("ab", (1, 2)), ("abcd", (4,))])
def test_queue_picture_rejects_a_text_shorter_than_a_queue(text, dilations):
    with pytest.raises(ValueError, match="longest queue"):
        plots_wavenet.queue_picture(text, dilations)
    plots_wavenet.queue_picture(text + "z", dilations)


def test_improvements_are_paired_and_against_the_row_above():
    improved = plots_wavenet.improvements(LOSSES)
    assert list(improved) == ["+ better", "+ worse", "+ neither"]
    torch.testing.assert_close(improved["+ better"], torch.full((3,), 0.02))
    torch.testing.assert_close(improved["+ worse"], torch.full((3,), -0.01))
    torch.testing.assert_close(improved["+ neither"], torch.tensor([0.01, 0.0, -0.01]))


def test_the_description_of_the_parts_gives_every_mean_and_verdict():
    described = plots_wavenet.parts_figure(LOSSES, ("another net", 1.998)).alt
    for words in ("plain 2.060", "+ better 2.040", "another net, 1.998"):
        assert words in described
    assert "+ better +0.020 [+0.020, +0.020], an improvement" in described
    assert "+ worse -0.010 [-0.010, -0.010], a loss" in described
    assert "+ neither -0.000" in described or "+ neither +0.000" in described
    assert described.count("0 is inside") == 1


def test_the_bars_of_names_are_cut_at_their_shares():
    fig = plots_wavenet.label_strip({"a": torch.tensor([30, 10]), "b": torch.tensor([0, 5])})
    bars = [(bar.get_x(), bar.get_width()) for bar in fig.axes[0].patches]
    assert bars == [(0, 75), (75, 25), (0, 0), (0, 100)]
