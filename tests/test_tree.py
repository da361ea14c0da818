"""Tests of lib.tree: the tree over distinct contexts is the plain net on all windows."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lib.data import Vocabulary, make_windows
from lib.models import staged_model
from lib.training import evaluate
from lib.tree import Deal, fit, make_examples, recalibrate, select, tree_logits

NAMES = st.lists(st.text("abcdefghijklmnopqrstuvwxyzäß", min_size=1, max_size=9), min_size=2, max_size=30)
NETS = st.fixed_dictionaries(
    {
        "context": st.sampled_from([4, 8, 16]),
        "embedding": st.integers(1, 6),
        "hidden": st.integers(2, 6),
        "activation": st.sampled_from([nn.Tanh, nn.GELU]),
        "residual": st.booleans(),
    }
)
SEEDS = st.integers(0, 1_000)


def case(names, net, seed):
    """A net in float64 whose layers are all different from what they start as, windows, and their examples."""
    vocabulary = Vocabulary(names)
    torch.manual_seed(seed)
    model = staged_model(len(vocabulary), **net).double()
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data += torch.rand_like(tensor)
    X, Y = make_windows(names, vocabulary, net["context"])
    return model, X, Y, *make_examples(X, Y, len(vocabulary))


def contexts_of(levels):
    """The ids of every context."""
    ids = None
    for left, right in levels:
        halves = (left[:, None], right[:, None]) if ids is None else (ids[left], ids[right])
        ids = torch.cat(halves, 1)
    return ids


def grads(model):
    return [p.grad for p in model.parameters()]


def buffers(model):
    return [b for b in model.buffers()]


@given(NAMES, NETS, SEEDS)
def test_make_examples_has_every_distinct_context_once(names, net, seed):
    _, X, Y, examples, which = case(names, net, seed)
    contexts = contexts_of(examples.levels)
    assert torch.equal(contexts[which], X) and len(contexts) == len(X.unique(dim=0))
    sizes = [len(X.unfold(1, 2**k, 2**k).reshape(-1, 2**k).unique(dim=0)) for k in range(1, len(examples.levels) + 1)]
    assert [len(left) for left, _ in examples.levels] == sizes
    for row in range(0, len(contexts), 5):
        followers = F.one_hot(Y[which == row], examples.targets.shape[1]).float()
        assert examples.weight[row] == len(followers)
        torch.testing.assert_close(examples.targets[row], followers.mean(0))


def test_make_examples_weighs_windows():
    X, Y = torch.tensor([[0, 1], [2, 1], [0, 1]]), torch.tensor([1, 0, 2])
    examples, which = make_examples(X, Y, 3, torch.tensor([1.0, 2.0, 3.0]))
    assert examples.weight[which].tolist() == [4, 2, 4]
    assert examples.targets[which].tolist() == [[0, 0.25, 0.75], [1, 0, 0], [0, 0.25, 0.75]]


@given(NAMES, NETS, SEEDS)
@settings(max_examples=40)
def test_tree_logits_equal_the_plain_nets_in_train_mode(names, net, seed):
    """Logits, gradients of every parameter, and BatchNorm's running statistics."""
    tree, X, Y, examples, which = case(names, net, seed)
    plain = copy.deepcopy(tree)
    loss = F.cross_entropy(expected := plain.train()(X), Y)
    loss.backward()
    weight, targets = examples.weight.double(), examples.targets.double()
    logits = tree_logits(tree.train(), examples.levels, weight)
    torch.testing.assert_close(logits[which], expected, rtol=1e-7, atol=1e-7)
    (F.cross_entropy(logits, targets, reduction="none") @ weight / weight.sum()).backward()
    torch.testing.assert_close(grads(tree), grads(plain), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(buffers(tree), buffers(plain), rtol=1e-7, atol=1e-7)


@given(NAMES, NETS, SEEDS)
@settings(max_examples=20)
def test_tree_logits_equal_the_plain_nets_in_eval_mode(names, net, seed):
    model, X, _, examples, which = case(names, net, seed)
    before = copy.deepcopy(model.eval().state_dict())
    torch.testing.assert_close(tree_logits(model, examples.levels)[which], model(X))
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


@given(NAMES, NETS, SEEDS)
def test_select_keeps_the_chosen_contexts(names, net, seed):
    _, _, _, examples, _ = case(names, net, seed)
    torch.manual_seed(seed)
    rows = torch.randperm(len(examples.weight))[: len(examples.weight) // 3 + 1]
    chosen = select(examples.levels, rows)
    assert torch.equal(contexts_of(chosen), contexts_of(examples.levels)[rows])
    for (left, _), whole in zip(chosen, examples.levels, strict=True):
        assert len(left) <= len(whole[0])
    assert len(chosen[-2][0]) <= 2 * len(rows)  # no more quads than the contexts can have


@given(NAMES, NETS, SEEDS)
@settings(max_examples=20)
def test_recalibrate_takes_the_statistics_of_all_windows(names, net, seed):
    model, X, _, examples, _ = case(names, net, seed)
    plain = copy.deepcopy(model).train()
    for layer in plain.modules():
        layer.momentum = 1.0
    plain(X)
    recalibrate(model, examples._replace(weight=examples.weight.double()))
    statistics = [name for name in model.state_dict() if "running" in name]
    for name in statistics:
        torch.testing.assert_close(model.state_dict()[name], plain.state_dict()[name], rtol=1e-7, atol=1e-7)


@given(st.lists(st.integers(1, 60), min_size=5, max_size=80), st.integers(2, 30), SEEDS)
def test_deal_uses_every_window_once_per_epoch(counts, batch_size, seed):
    weight = torch.tensor(counts).float()
    deal = Deal(weight, batch_size, seed)
    times, total = torch.zeros(len(weight)), torch.zeros(len(weight))
    for _ in range(deal.steps):
        rows, weights = deal.next()
        assert len(rows.unique()) == len(rows) <= batch_size + 1
        times[rows] += 1
        total[rows] += weights
    assert torch.equal(times, weight.clamp(max=deal.steps))  # a window each, or every batch
    assert torch.equal(total, weight * deal.steps)
    if deal.steps > 1:  # one batch fewer would not do
        assert (weight / (deal.steps - 1)).clamp(max=1).sum() > batch_size


def test_deal_is_unbiased_for_weights_that_are_no_counts():
    weight = torch.tensor([0.3, 7.5, 1.25, 0.05, 2.6, 0.9, 4.4])
    deal = Deal(weight, 3, seed=0)
    total = torch.zeros(len(weight))
    epochs = 600
    for _ in range(epochs * deal.steps):
        rows, weights = deal.next()
        total[rows] += weights
    assert deal.steps > 1
    torch.testing.assert_close(total / (epochs * deal.steps), weight, rtol=0.1, atol=0.05)


def test_deal_shuffles_by_its_seed():
    weight = torch.arange(1.0, 50.0)
    epochs = [[Deal(weight, 10, seed).next()[0].tolist() for _ in range(2)] for seed in (0, 0, 1)]
    assert epochs[0] == epochs[1] != epochs[2]
    deal = Deal(weight, 10, 0)
    first, second = ([deal.next()[0].tolist() for _ in range(deal.steps)] for _ in range(2))
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))  # other batches, not only another order


def run(small, make_model, seed=0, steps=60):
    model, (examples, _) = make_model(), make_examples(*small.train, 27)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    rates = []
    schedule = lambda done: rates.append(done) or 1 - done
    fit(model, examples, Deal(examples.weight, 256, seed), steps, [optimizer], schedule)
    return model, examples, optimizer, rates


def test_fit_lowers_the_loss_and_leaves_exact_statistics(small, make_model):
    model, examples, optimizer, rates = run(small, make_model)
    assert evaluate(model, small.val) < evaluate(make_model(), small.val) - 0.4
    assert not model.training and rates == pytest.approx([(step + 0.5) / 60 for step in range(60)])
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.02 * 0.5 / 60)
    exact = copy.deepcopy(model)
    recalibrate(exact, examples)
    torch.testing.assert_close(exact.state_dict()["stage2.norm.running_var"], model.stage2.norm.running_var)


def test_fit_gives_the_same_weights_for_the_same_seed(small, make_model):
    weights = [run(small, make_model, seed, 5)[0].head.weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_steps_of_all_contexts_are_the_plain_nets_on_all_windows(small, make_model):
    model, plain, (examples, _) = make_model(), make_model(), make_examples(*small.train, 27)
    fit(model, examples, Deal(examples.weight, 10**6, 0), 2, [torch.optim.SGD(model.parameters(), 0.1)], lambda done: 1)
    optimizer = torch.optim.SGD(plain.train().parameters(), 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        F.cross_entropy(plain(small.train[0]), small.train[1]).backward()
        optimizer.step()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_windows_of_another_context_are_rejected(small, make_model):
    with pytest.raises(ValueError, match="2, 4, 8, ... characters, got shape"):
        make_examples(torch.zeros(3, 6, dtype=torch.int64), torch.zeros(3, dtype=torch.int64), 27)
    examples, _ = make_examples(small.train[0][:, 4:], small.train[1], 27)
    with pytest.raises(ValueError, match="made for 8 characters, got contexts of 4"):
        tree_logits(make_model(), examples.levels, examples.weight)
