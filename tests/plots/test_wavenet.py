"""Tests of lib.plots.wavenet."""

import torch

from lib.plots import wavenet as plots_wavenet

LOSSES = {
    "plain": torch.tensor([2.05, 2.06, 2.07]),
    "+ better": torch.tensor([2.03, 2.04, 2.05]),
    "+ worse": torch.tensor([2.04, 2.05, 2.06]),
    "+ neither": torch.tensor([2.03, 2.05, 2.07]),
}


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


def test_the_message_of_the_parts_is_computed():
    title = lambda *line: plots_wavenet.parts_figure(LOSSES, *line).get_suptitle()
    assert title() == "Most is gained by better"
    assert title(("other net", 1.9)) == "Most is gained by better; no row reaches the other net"
    assert title(("other net", 2.1)) == "Most is gained by better"
