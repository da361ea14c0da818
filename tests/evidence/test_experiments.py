"""Laws of the nets, probes and verdicts behind lesson 06, and of the rows that stand in data/evidence."""

import copy
import re

import nbformat
import pytest
import torch
import torch.nn.functional as F

from lib.data import DATA
from lib.evidence import experiments
from lib.evidence.arms import MaskedBatchNorm1d, PerPosition, Shift, hidden_for, make_net
from lib.evidence.claims import Claim, Evidence, bootstrap_interval, claims, verdict_table
from lib.evidence.experiments import ARMS, LARGE, LARGE_ARMS, MEASURED, RUNS, SETTINGS, SMALL, TUNED, TUNING, tuned_rate
from lib.evidence.probes import (
    along_the_gradient,
    gradient_gain,
    linear_probe,
    settle,
    span_features,
    stage_outputs,
    statistics_spread,
)
from lib.evidence.sweeps import missing_rows, read_rows
from lib.models import flat_model, staged_model

X = torch.randint(27, (64, 8), generator=torch.Generator().manual_seed(0))
Y = torch.randint(27, (64,), generator=torch.Generator().manual_seed(1))


def net(seed=0, **settings):
    torch.manual_seed(seed)
    return make_net(27, **settings)


def test_the_plain_arms_are_the_nets_of_lib():
    for arm, model in ((net(embedding=24, hidden=128), staged_model), (net(stages="8", hidden=200), flat_model)):
        torch.manual_seed(0)
        assert torch.equal(arm(X), model(27)(X))


def test_stages_with_nothing_between_are_the_flat_net():
    bare, flat = net(between="", hidden=200), net(stages="8", hidden=200)
    assert torch.equal(bare(X), flat(X))


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_has_the_parameters_of_the_others(arm):
    for size in (SMALL, LARGE) if arm in LARGE_ARMS else (SMALL,):
        model = experiments.net_of(experiments._row("arms", arm, 0, size, 0.01), 27)
        assert sum(p.numel() for p in model.parameters()) == pytest.approx(size, rel=0.014)
        assert model(X).shape == (64, 27)


def test_hidden_for_finds_the_nearest_width():
    count = lambda hidden: sum(p.numel() for p in make_net(27, hidden=hidden).parameters())
    hidden = hidden_for(10_000, 27)
    assert all(abs(count(hidden) - 10_000) <= abs(count(other) - 10_000) for other in (hidden - 1, hidden + 1))


def test_dim_0_is_a_batchnorm_of_its_own_at_each_position():
    layer, x = PerPosition(5, time_steps=4), torch.randn(32, 4, 5)
    out = layer(x)
    expected = (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(layer.running_mean.view(4, 5), 0.1 * x.mean(0))


def test_masked_statistics_leave_padding_out():
    layer, x = MaskedBatchNorm1d(5), torch.randn(32, 4, 5)
    seen = (torch.rand(32, 4) < 0.5).float()
    layer.seen = seen
    kept = x[seen.bool()]
    expected = (x - kept.mean(0)) / torch.sqrt(kept.var(0, unbiased=False) + 1e-5)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.running_var, 0.9 * torch.ones(5) + 0.1 * kept.var(0))
    model = net(norm="masked")
    some = X.clone()
    some[:32, :6] = 0
    model(some)
    assert model.stage1.parts.norm.seen[:32].tolist() == [[0.0, 0.0, 0.0, 1.0]] * 32 or (X[:32, 6:] == 0).any()


def test_a_shift_moves_every_channel_in_training_only():
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
def test_a_net_that_can_not_be_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        make_net(27, **settings)


def test_a_probe_reads_what_is_there_and_nothing_else():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2_000, 10, generator=generator)
    label = (features[:, 0] - features[:, 3] > 0).long()
    coin = torch.randint(2, (2_000,), generator=generator)
    held_out = torch.arange(2_000) >= 1_000
    assert linear_probe(features, label, held_out) > 0.95
    assert abs(linear_probe(features, coin, held_out) - 0.5) < 0.06
    xor = ((features[:, 0] > 0) ^ (features[:, 3] > 0)).long()
    assert abs(linear_probe(features, xor, held_out) - 0.5) < 0.06  # not linear, so not found
    with pytest.raises(ValueError, match="2000 of 2000"):
        linear_probe(features, label, torch.ones(2_000, dtype=torch.bool))


def test_the_outputs_of_a_span_see_its_letters_only():
    model = net().eval()
    other = X.clone()
    other[:, :4] = (other[:, :4] + 1) % 27  # the last four letters stay
    for depth in (0, 1, 2):
        same = [span_features(stage_outputs(model, ids), depth, 4) for ids in (X, other)]
        torch.testing.assert_close(*same)
    assert not torch.equal(*[span_features(stage_outputs(model, ids), 3, 4) for ids in (X, other)])
    assert span_features(stage_outputs(model, X), 1, 8).shape == (64, 4 * 68)


def test_looks_leave_the_model_as_it_was():
    model = net(norm="shifted")
    before = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    gradient_gain(model, X, Y), along_the_gradient(model, X, Y), statistics_spread(model, X), settle(model, X, 3)
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


def test_a_loss_that_is_a_plane_is_smooth():
    """Logits that hardly depend on the weights' size have a gradient that hardly changes; large weights do change it."""
    gentle, rough = net(), net(gain=20.0, norm="none")
    assert along_the_gradient(gentle, X, Y, reach=1e-6)[1] < 0.01
    assert along_the_gradient(rough, X, Y)[1] > along_the_gradient(gentle, X, Y, reach=1e-3)[1]
    assert along_the_gradient(gentle, X, Y, reach=1e-6)[0] < 1e-3


def test_statistics_of_independent_positions_waver_twice_as_much_over_dim_0():
    many = torch.randint(27, (40_000, 8), generator=torch.Generator().manual_seed(0))
    dim_0, dims_0_1, positions = statistics_spread(net(), many)
    assert dim_0 / dims_0_1 == pytest.approx(2, rel=0.1) and positions < 0.05
    assert dim_0 == pytest.approx(32**-0.5, rel=0.1)


def test_an_interval_covers_the_mean_and_shrinks_with_more_seeds():
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
def test_the_verdict_follows_the_interval(shift, verdict):
    differences = shift + torch.linspace(-1, 1, 10)
    claim = Claim("0", "it holds", differences, "steps")
    assert claim.verdict == verdict
    assert verdict in verdict_table([claim]) and f"{shift:+.0f}" in verdict_table([claim])


def test_differences_are_paired_by_seed():
    row = lambda arm, seed, val: (
        {"arm": arm, "size": str(SMALL), "batch": "512", "experiment": "arms", "seed": str(seed)}
        | {
            "split": str(42 + seed),
            "val": str(val),
            "steps": "9",
            "steps to 2.2": "",
        }
    )
    evidence = Evidence([row("a", 10, 3.0), row("a", 2, 2.0), row("b", 2, 1.5), row("b", 10, 1.0)])
    assert evidence.gap("a", "b").tolist() == [0.5, 2.0]
    assert evidence.values("a", "steps to 2.2").tolist() == [9.0, 9.0]
    with pytest.raises(LookupError, match="a, b"):
        evidence.values("c", "val")


def test_the_evidence_is_whole_and_of_the_planned_settings():
    assert missing_rows(TUNING, experiments.planned_tuning(), SETTINGS) == []
    assert missing_rows(RUNS, experiments.planned_runs(), SETTINGS) == []
    assert list(read_rows(RUNS)[0]) == SETTINGS + MEASURED and list(read_rows(TUNING)[0]) == SETTINGS + TUNED
    assert len(read_rows(RUNS)) == len(experiments.planned_runs())


def test_no_seed_that_chose_a_learning_rate_is_used_again():
    tuning = {(row["seed"], row["split"]) for row in read_rows(TUNING)}
    assert not tuning & {(row["seed"], row["split"]) for row in read_rows(RUNS)}
    with pytest.raises(LookupError, match="'nowhere'"):
        tuned_rate("nowhere", SMALL)


def test_every_claim_has_ten_pairs():
    found = claims(Evidence())
    assert all(len(claim.differences) == 10 for claim in found) and len(found) > 20


SAID = re.compile(r"\[Verdict on claim (\w+)\]\(06_does_staging_help\.ipynb#[^)]+\): ([a-z ]+?)[,.]")
NOT_BY_SEEDS = {"3": "true by design", "4a": "false as worded"}


def test_the_lessons_say_the_verdicts_of_the_evidence():
    verdicts: dict[str, set[str]] = {}
    for claim in claims(Evidence()):
        verdicts.setdefault(claim.number, set()).add(claim.verdict)
    said = [
        found
        for path in sorted((DATA.parent / "notebooks").glob("0[1-5]_*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        for found in SAID.findall(cell.source)
    ]
    for number, words in said:
        wanted = NOT_BY_SEEDS.get(number) or " and ".join(sorted(verdicts[number], reverse=True))
        assert words == wanted, f"claim {number} is said to be {words!r}; the evidence says {wanted!r}"
    assert {number for number, _ in said} >= {*verdicts, *NOT_BY_SEEDS} - {"7b"}


def test_a_row_is_a_function_of_its_settings(monkeypatch):
    monkeypatch.setattr(experiments, "FAST", experiments.replace(experiments.FAST, epochs=0.05))
    monkeypatch.setattr(experiments, "load_split", lambda split: ("vocabulary", (X, Y), (X, Y)))
    monkeypatch.setattr(
        experiments, "recipe_of", lambda row: experiments.replace(experiments.FAST, epochs=None, steps=5)
    )

    class Letters(str):
        def __len__(self):
            return 27

    monkeypatch.setattr(experiments, "load_split", lambda split: (Letters(), (X, Y), (X, Y)))
    row = experiments._row("tuning", "unshared", 3, SMALL, 0.01)
    first, again = (experiments.fill_tuning(row) for _ in range(2))
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert experiments.fill_tuning({**row, "seed": 4})["val"] != first["val"]
