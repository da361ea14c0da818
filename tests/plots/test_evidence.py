"""Tests of lib.plots.evidence."""

import pytest
import torch

from lib.evidence.claims import Claim, Evidence
from lib.plots.evidence import OPTIMIZERS, interval_plot, probe_plot, rate_plot

BETTER = Claim("1a", "a is below b", torch.tensor([0.01, 0.02, 0.03]), "nats")
WORSE = Claim("1b", "b is below c", torch.tensor([-0.01, -0.02, -0.03]), "nats")
RATES = {
    (name, arm): {0.1: 2.5, 1.0: 2.2 if arm == "norm" else 3.08} for name in OPTIMIZERS for arm in ("norm", "none")
}


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_interval_plot_has_one_row_per_claim_and_its_verdict():
    fig = interval_plot([BETTER, WORSE])
    rows = {text.get_text(): text.get_position()[1] for text in fig.axes[0].texts}
    assert rows["supported"] > rows["refuted"] and rows["a is below b"] > rows["b is below c"]
    assert fig.alt.startswith("Predictions tested on trainings: 1 supported, 1 refuted.")
    assert "a is below b: mean +0.020" in fig.alt and "0 of 3 seeds above 0, refuted" in fig.alt


def test_interval_plot_rejects_two_units_on_one_axis():
    with pytest.raises(ValueError, match="got nats, steps"):
        interval_plot([BETTER, Claim("2", "faster", torch.tensor([1.0, 2.0]), "steps")])


def test_rate_plot_gives_the_losses_that_are_cut_off():
    fig = rate_plot(RATES)
    assert [texts(ax) for ax in fig.axes] == [["none: 3.08 ↑"]] * 2
    assert [ax.get_title() for ax in fig.axes] == ["AdamW", "plain SGD"]
    assert "AdamW, norm: best 2.20 at 1.0" in fig.alt and "plain SGD, none: best 2.50 at 0.1" in fig.alt
    broken = rate_plot(RATES | {("sgd", "none"): {0.1: 2.5, 1.0: float("inf")}})
    assert texts(broken.axes[1]) == ["none: broken down ↑"] and "rate 1.0 broken down" in broken.alt


def test_probe_plot_draws_what_it_describes():
    evidence = Evidence()
    fig = probe_plot(evidence)
    trained = [evidence.values("staged", f"quad, stage {i}").mean().item() for i in range(4)]
    lines = [container.lines[0] for container in fig.axes[1].containers]
    assert fig.axes[1].get_title() == "quad: 4 letters"
    assert lines[0].get_ydata() == pytest.approx(trained) and lines[1].get_ydata() != pytest.approx(trained)
    assert f"quad: trained {', '.join(f'{share:.2f}' for share in trained)}, untrained" in fig.alt
