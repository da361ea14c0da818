"""Tests of the nets, probes and verdicts behind lesson 06, and of the rows in data/evidence."""

import copy
import re

import nbformat
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from lib.data import DATA
from lib.evidence import experiments
from lib.evidence.arms import MaskedBatchNorm1d, PerPosition, Shift, hidden_for, make_net
from lib.evidence.claims import (
    AFTERWARDS,
    PARTS,
    PREREGISTERED,
    Evidence,
    afterwards,
    claims,
    rates_that_train,
    registered,
)
from lib.evidence.experiments import ARMS, LARGE, LARGE_ARMS, MEASURED, RUNS, SETTINGS, SMALL, TUNED, TUNING, tuned_rate
from lib.evidence.probes import (
    along_the_gradient,
    gradient_gain,
    linear_probe,
    loss_by_rarity,
    losses,
    recalibrate,
    span_features,
    stage_outputs,
    standard_error,
    statistics_spread,
)
from lib.evidence.statistics import Claim, bootstrap_interval, verdict_table
from lib.evidence.sweeps import missing_rows, read_rows
from lib.models import flat_model, staged_model

X = torch.randint(27, (64, 8), generator=torch.Generator().manual_seed(0))
Y = torch.randint(27, (64,), generator=torch.Generator().manual_seed(1))


def net(seed=0, **settings):
    torch.manual_seed(seed)
    return make_net(27, **settings)


def test_plain_arms_equal_the_nets_of_lib_models():
    for arm, model in ((net(embedding=24, hidden=128), staged_model), (net(stages="8", hidden=200), flat_model)):
        torch.manual_seed(0)
        assert torch.equal(arm(X), model(27)(X))


def test_the_head_starts_small_or_as_torch_starts_it():
    small, own = net(stages="8", hidden=200), net(stages="8", hidden=200, head="torch")
    assert (small.head.weight.std() / own.head.weight.std()).item() == pytest.approx(0.1, rel=0.05)
    assert not small.head.bias.any() and own.head.bias.all()
    assert torch.equal(small.embedding.weight, own.embedding.weight)
    with pytest.raises(ValueError, match="'large'"):
        make_net(27, head="large")


def test_stages_with_nothing_between_equal_the_flat_net():
    bare, flat = net(between="", hidden=200), net(stages="8", hidden=200)
    assert torch.equal(bare(X), flat(X))


@pytest.mark.parametrize("arm", ARMS)
def test_arms_of_one_size_have_equal_parameters(arm):
    for size in (SMALL, LARGE) if arm in LARGE_ARMS else (SMALL,):
        model = experiments.net_of(experiments._row("arms", arm, 0, size, 0.01), 27)
        assert sum(p.numel() for p in model.parameters()) == pytest.approx(size, rel=0.014)
        assert model(X).shape == (64, 27)


def test_hidden_for_returns_the_nearest_width():
    count = lambda hidden: sum(p.numel() for p in make_net(27, hidden=hidden).parameters())
    hidden = hidden_for(10_000, 27)
    assert all(abs(count(hidden) - 10_000) <= abs(count(other) - 10_000) for other in (hidden - 1, hidden + 1))


def test_dim_0_normalises_each_position_separately():
    layer, x = PerPosition(5, time_steps=4), torch.randn(32, 4, 5)
    out = layer(x)
    expected = (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(layer.running_mean.view(4, 5), 0.1 * x.mean(0))


def test_masked_statistics_ignore_padding():
    layer, x = MaskedBatchNorm1d(5), torch.randn(32, 4, 5)
    seen = (torch.rand(32, 4) < 0.5).float()
    layer.seen = seen
    kept = x[seen.bool()]
    expected = (x - kept.mean(0)) / torch.sqrt(kept.var(0, unbiased=False) + 1e-5)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.running_var, 0.9 * torch.ones(5) + 0.1 * kept.var(0))
    model = net(norm="masked")
    model(torch.tensor([[0, 0, 0, 0, 0, 0, 5, 1], [0, 0, 0, 0, 0, 3, 1, 2]]))
    assert model.stage1.parts.norm.seen.tolist() == [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]]


def test_shift_moves_every_channel_in_train_mode_only():
    layer, x = Shift(), torch.randn(1_000, 5)
    once, again = layer(x), layer(x)
    assert (once.mean(0) != again.mean(0)).all() and (once.std(0) >= x.std(0)).all()
    assert torch.equal(layer.eval()(x), x)


def test_unshared_weights_differ_by_position():
    x = torch.full((4, 8), 3)
    shared, unshared = net(), net(shared=False)
    assert torch.equal(*shared.stage1.parts.linear(shared.embedding(x).view(4, 4, 20)).unbind(1)[:2])
    first, second = unshared.stage1.parts.linear(unshared.embedding(x).view(4, 4, 20)).unbind(1)[:2]
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"stages": "3-2"}, "'3-2'"), ({"between": "linear relu"}, "relu"), ({"norm": "batch"}, "'batch'")],
)
def test_make_net_rejects_unknown_settings(settings, words):
    with pytest.raises(ValueError, match=words):
        make_net(27, **settings)


def test_make_net_names_the_parts_that_can_be_between_stages():
    with pytest.raises(ValueError, match="out of linear, norm, tanh, .* got 'linear, tanh'"):
        make_net(27, between="linear, tanh")


@pytest.mark.parametrize("key", ["stage", "Norm", "lr_", "batch", "optimizer"])
def test_new_row_rejects_a_setting_that_no_net_has(key):
    with pytest.raises(ValueError, match=f"out of stages, between, norm, .*, head, got {key}"):
        experiments.new_row("mine", 0, lr=0.01, **{key: "8"})


@pytest.mark.parametrize("key", experiments.NET_SETTINGS)
def test_new_row_takes_every_setting_of_a_row(key):
    row = experiments.new_row("mine", 0, lr=0.01, **{key: "other"})
    assert row == experiments.new_row("mine", 0, lr=0.01) | {key: "other"} and list(row) == SETTINGS


def test_linear_probe_reads_linear_labels_only():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2_000, 10, generator=generator)
    label = (features[:, 0] - features[:, 3] > 0).long()
    coin = torch.randint(2, (2_000,), generator=generator)
    held_out = torch.arange(2_000) >= 1_000
    assert linear_probe(features, label, held_out) > 0.95
    assert abs(linear_probe(features, coin, held_out) - 0.5) < 0.06
    xor = ((features[:, 0] > 0) ^ (features[:, 3] > 0)).long()
    assert abs(linear_probe(features, xor, held_out) - 0.5) < 0.06
    with pytest.raises(ValueError, match="2000 of 2000"):
        linear_probe(features, label, torch.ones(2_000, dtype=torch.bool))


def test_span_features_depend_on_the_span_only():
    model = net().eval()
    other = X.clone()
    other[:, :4] = (other[:, :4] + 1) % 27  # the last four letters stay
    for depth in (0, 1, 2):
        same = [span_features(stage_outputs(model, ids), depth, 4) for ids in (X, other)]
        torch.testing.assert_close(*same)
    assert not torch.equal(*[span_features(stage_outputs(model, ids), 3, 4) for ids in (X, other)])
    assert span_features(stage_outputs(model, X), 1, 8).shape == (64, 4 * 68)


def test_diagnostics_do_not_change_the_model():
    model = net(norm="shifted")
    before = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    gradient_gain(model, X, Y), along_the_gradient(model, X, Y), statistics_spread(model, X)
    recalibrate(model, X, 3), losses(model, X, Y)
    assert torch.equal(torch.get_rng_state(), state) and model.training
    assert all(torch.equal(a, before[name]) for name, a in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_gradient_gain_is_the_ratio_of_two_gradient_norms():
    model = net()
    first = model.embedding(X).detach().requires_grad_()
    last = model[1:-1](first)
    last.retain_grad()
    F.cross_entropy(model.head(last), Y).backward()
    assert gradient_gain(model, X, Y) == pytest.approx((first.grad.norm() / last.grad.norm()).item(), rel=1e-5)


def test_smoothness_of_a_linear_loss_is_exact():
    """A loss that is linear in the weights has a constant gradient, and falls by its norm times the distance."""
    model = torch.nn.Embedding(27, 1)
    loss = lambda logits, targets: logits.sum()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "cross_entropy", loss)
        fall, change = along_the_gradient(model, X[:, :1], Y, reach=0.1)
    gradient = torch.bincount(X[:, 0], minlength=27).float()
    assert change == 0 and fall == pytest.approx((0.1 * model.weight.norm() * gradient.norm()).item(), rel=1e-4)


def test_gradient_changes_more_on_a_longer_path():
    model = net()
    short, long = (along_the_gradient(model, X, Y, reach=reach) for reach in (1e-4, 1e-2))
    assert 0 < short[0] < long[0] and 0 < short[1] < long[1]


def test_recalibrate_gives_the_statistics_of_the_data():
    torch.manual_seed(0)
    model = net()
    x = model.embedding(X).view(64, 4, 20) @ model.stage1.parts.linear.weight.T
    norm = recalibrate(model, X).stage1.parts.norm
    torch.testing.assert_close(norm.running_mean, x.mean((0, 1)), rtol=0.05, atol=0.05)
    torch.testing.assert_close(norm.running_var, x.var((0, 1)), rtol=0.15, atol=0.05)


def test_loss_by_rarity_groups_windows_by_their_last_four_characters():
    train = torch.tensor([[0, 1, 2, 3]] * 9 + [[4, 4, 4, 4]] * 10 + [[5, 5, 5, 5]] * 100)
    windows = torch.tensor([[0, 1, 2, 3], [4, 4, 4, 4], [5, 5, 5, 5], [9, 9, 9, 9], [0, 1, 2, 3]])
    loss = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    assert list(loss_by_rarity(loss, windows, train).values()) == [4.0, 3.0, 2.0, 3.0]


def test_standard_error_takes_names_as_the_independent_units():
    loss, Y = torch.tensor([3.0, 3.0, 1.0, 1.0]).double(), torch.tensor([5, 0, 5, 0])
    assert standard_error(loss, Y) == pytest.approx((2**2 + 2**2) ** 0.5 / 4)


def test_spread_of_independent_positions_doubles_over_dim_0():
    many = torch.randint(27, (40_000, 8), generator=torch.Generator().manual_seed(0))
    dim_0, dims_0_1, positions = statistics_spread(net(), many)
    assert dim_0 / dims_0_1 == pytest.approx(2, rel=0.1) and positions < 0.05
    assert dim_0 == pytest.approx(32**-0.5, rel=0.1)


def test_bootstrap_interval_covers_the_mean_and_shrinks_with_more_seeds():
    generator = torch.Generator().manual_seed(0)
    inside = 0
    for _ in range(200):
        low, high = bootstrap_interval(torch.randn(10, generator=generator))
        inside += low <= 0 <= high
    assert 0.80 < inside / 200 < 0.98
    wide, narrow = (bootstrap_interval(torch.randn(n, generator=generator)) for n in (10, 1_000))
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 4
    low, high = bootstrap_interval(torch.full((10,), 0.25))
    assert low == high == 0.25
    with pytest.raises(ValueError, match="got 1"):
        bootstrap_interval(torch.ones(1))


@pytest.mark.parametrize(("shift", "verdict"), [(5.0, "supported"), (-5.0, "refuted"), (0.0, "not separable")])
def test_verdict_follows_the_interval(shift, verdict):
    differences = shift + torch.linspace(-1, 1, 10)
    claim = Claim("0", "it holds", differences, "steps")
    assert claim.verdict == verdict
    row = verdict_table([claim]).splitlines()[-1]
    seeds = sum(differences > 0).item()
    assert f"| {shift:+.0f} [".replace("-", "−") in row and row.endswith(f"steps | {seeds} of 10 | {verdict} |")


def test_differences_are_paired_by_seed():
    columns = ["arm", "seed", "val", "steps to 2.2", "gain"]
    rows = pd.DataFrame(
        [("a", 10, 3.0, None, 1), ("a", 2, 2.0, 5.0, 1), ("b", 2, 1.5, 5.0, None), ("b", 10, 1.0, 6.0, 2)],
        columns=columns,
    )
    evidence = Evidence(rows.assign(size=SMALL, batch=512, experiment="arms", split=42 + rows.seed, steps=9))
    assert evidence.gap("a", "b").tolist() == [0.5, 2.0]
    assert evidence.values("a", "steps to 2.2").tolist() == [5.0, 9.0]  # never reached: the last step
    with pytest.raises(LookupError, match="a, b"):
        evidence.values("c", "val")
    with pytest.raises(LookupError, match="'gain' was not measured"):
        evidence.values("b", "gain")


def test_evidence_is_complete_and_as_planned():
    assert missing_rows(TUNING, experiments.planned_tuning(), SETTINGS) == []
    assert missing_rows(RUNS, experiments.planned_runs(), SETTINGS) == []
    assert list(read_rows(RUNS)[0]) == SETTINGS + MEASURED and list(read_rows(TUNING)[0]) == SETTINGS + TUNED
    assert len(read_rows(RUNS)) == len(experiments.planned_runs())


def test_no_seed_that_chose_a_learning_rate_is_used_again():
    tuning = {(row["seed"], row["split"]) for row in read_rows(TUNING)}
    assert not tuning & {(row["seed"], row["split"]) for row in read_rows(RUNS)}


def test_tuned_rate_has_the_lowest_mean_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "TUNING", tmp_path / "rates.csv")
    with pytest.raises(LookupError, match="'flat'"):
        tuned_rate("nothing between", SMALL)
    rows = pd.DataFrame({"lr": [0.1, 0.1, 0.2, 0.2], "val": [1.0, 4.0, 2.0, 2.5]})
    rows.assign(experiment="tuning", arm="flat", size=SMALL, batch=512).to_csv(tmp_path / "rates.csv", index=False)
    assert tuned_rate("nothing between", SMALL) == 0.2


def test_every_claim_has_ten_pairs_or_no_verdict_by_design():
    registered = re.findall(r"^\| (\d\w?) ", PREREGISTERED, re.MULTILINE)
    assert list(dict.fromkeys(part.number for part in PARTS)) == [n for n in registered if n not in ("3", "4a", "7b")]
    assert all(len(claim.differences) == 10 for claim in claims(Evidence()) + afterwards(Evidence()))


def test_registered_gives_rows_of_the_table_as_they_stand():
    head, line, first, *others = PREREGISTERED.splitlines()
    assert registered("1a").splitlines() == [head, line, first]
    assert registered("8b", "1a").splitlines() == [head, line, others[-1], first]
    with pytest.raises(LookupError, match="8b, got 2c"):
        registered("1a", "2c")


def test_claims_made_afterwards_are_not_among_the_preregistered():
    assert AFTERWARDS and all(f"| {part.number} " not in PREREGISTERED for part in AFTERWARDS)


def test_the_race_of_lesson_02_is_the_first_seed():
    assert [f"{Evidence().values(arm, 'val')[0]:.3f}" for arm in ("flat", "staged")] == ["2.083", "2.082"]


def test_bare_stages_end_where_the_flat_net_ends_with_every_seed():
    assert Evidence().gap("nothing between", "flat").tolist() == [0.0] * 10


def test_rates_that_train_are_sorted_and_of_equal_runs():
    tuning = pd.read_csv(TUNING)
    tried = rates_that_train(tuning)
    assert list(tried) == [(optimizer, arm) for optimizer in experiments.RANGE for arm in experiments.RANGE_ARMS]
    assert all(list(rates) == sorted(experiments.RANGE[optimizer]) for (optimizer, _), rates in tried.items())
    others = [tuning.assign(val=0.0, **{name: 7}) for name in ("seed", "size", "batch", "epochs")]
    assert rates_that_train(pd.concat([tuning, *others])) == tried


SAID = re.compile(r"\b(supported|refuted|not separable)\b", re.IGNORECASE)


def test_lessons_before_06_tell_no_verdict():
    said = [
        (path.stem, match)
        for path in sorted((DATA.parent / "notebooks").glob("0[1-5]_*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        for match in SAID.findall(cell.source)
    ]
    assert said == [] and SAID.findall("Lesson 06 tests it: claim 2a, **refuted**.")


def test_a_row_is_a_function_of_its_settings(monkeypatch):
    split = experiments.Split(range(27), (X, Y), (X, Y), (X, Y))
    monkeypatch.setattr(experiments, "load_split", lambda seed: split)
    short = experiments.replace(experiments.FAST, epochs=None, steps=5)
    monkeypatch.setattr(experiments, "recipe_of", lambda row: short)
    row = experiments._row("tuning", "unshared", 3, SMALL, 0.01)
    first, again = (experiments.fill_tuning(row) for _ in range(2))
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert experiments.fill_tuning({**row, "seed": 4})["val"] != first["val"]
