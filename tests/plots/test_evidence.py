"""Tests of lib.plots.evidence."""

import pytest
import torch

from lib.evidence.claims import Claim, Evidence
from lib.plots.evidence import GAINS, bootstrap_plot, chance_plot, gain_plot, interval_plot, probe_plot

BETTER = Claim("1a", "a is below b", torch.tensor([0.01, 0.02, 0.03]), "nats")
WORSE = Claim("1b", "b is below c", torch.tensor([-0.01, -0.02, -0.03]), "nats")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_chance_plot_has_a_row_per_kind_of_chance_the_first_on_top():
    losses = {"other seeds": torch.tensor([2.1, 2.2]), "other names": torch.tensor([2.0, 2.5])}
    fig = chance_plot(losses)
    rows = {label.get_text(): y for label, y in zip(fig.axes[0].get_yticklabels(), (0, 1), strict=True)}
    dots = {line.get_ydata()[0]: list(line.get_xdata()) for line in fig.axes[0].lines if len(line.get_xdata()) == 2}
    assert dots == {y: losses[name].tolist() for name, y in rows.items()} and rows["other seeds"] == 1
    assert "other seeds from 2.100 to 2.200, other names from 2.000 to 2.500" in fig.alt


@pytest.mark.parametrize(("low", "place"), [(-0.01, "inside"), (0.005, "outside")])
def test_bootstrap_plot_says_where_0_is(low, place):
    fig = bootstrap_plot(torch.linspace(-0.02, 0.04, 100), low, 0.03)
    assert fig.axes[0].get_title().endswith(f"0 is {place}") and f"is {place} the interval" in fig.alt
    assert f"{low:+.4f} to".replace("-", "−") in fig.alt


def test_interval_plot_has_one_row_per_claim_and_its_verdict():
    fig = interval_plot([BETTER, WORSE], "One of two holds")
    rows = {text.get_text(): text.get_position()[1] for text in fig.axes[0].texts}
    bars = [line for line in fig.axes[0].lines if line.get_linewidth() == 5]
    assert [tuple(bar.get_xdata()) for bar in bars] == [WORSE.interval, BETTER.interval]
    assert rows["supported"] > rows["refuted"] and rows["a is below b"] > rows["b is below c"]
    assert fig.alt.startswith("One of two holds. Predictions tested on trainings: 1 supported, 1 refuted.")
    assert "a is below b: mean +0.020" in fig.alt and "0 of 3 seeds above 0, refuted" in fig.alt


def test_interval_plot_rejects_two_units_on_one_axis():
    with pytest.raises(ValueError, match="got nats, steps"):
        interval_plot([BETTER, Claim("2", "faster", torch.tensor([1.0, 2.0]), "steps")], "Two units")


def test_probe_plot_draws_what_it_describes():
    evidence = Evidence()
    fig = probe_plot(evidence)
    trained = [evidence.values("staged", f"quad, stage {i}").mean().item() for i in range(4)]
    lines = [container.lines[0] for container in fig.axes[1].containers]
    assert fig.axes[1].get_title(loc="left").startswith("4 letters")
    assert lines[0].get_ydata() == pytest.approx(trained) and lines[1].get_ydata() != pytest.approx(trained)
    assert f"4 letters: trained {', '.join(f'{share:.2f}' for share in trained)}, untrained" in fig.alt


def test_gain_plot_gives_each_net_with_and_without_batchnorm():
    evidence = Evidence()
    fig = gain_plot(evidence)
    flat = [f"{evidence.values(arm, 'gain at init').mean():.2f}" for arm in ("flat", "flat, none")]
    assert [len(texts(ax)) for ax in fig.axes] == [2 * len(GAINS)] * 2
    assert set(flat) <= set(texts(fig.axes[0])) and f"before training, with BatchNorm: flat {flat[0]};" in fig.alt
