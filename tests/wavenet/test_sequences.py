"""Tests of lib.wavenet.sequences."""

import copy

import pytest
import torch

from lib.data import Vocabulary, make_windows
from lib.layers import BatchNorm1d
from lib.training import evaluate
from lib.wavenet import (
    IGNORED,
    OnWindows,
    Sequences,
    cut_sequences,
    evaluate_sequences,
    make_sequences,
    sequence_loss,
)
from tests.wavenet.nets import NAMES, SHAPES, VOCABULARY, make_net, some_ids


def test_sequences_contain_each_name_once():
    ids, targets, condition = make_sequences(["ab", "b", "abba"], Vocabulary(["ab"]), 3)
    assert ids.tolist() == [[0, 0, 0, 1, 2, 0, 0], [0, 0, 0, 2, 0, 0, 0], [0, 0, 0, 1, 2, 2, 1]]
    gap = IGNORED
    assert targets.tolist() == [[1, 2, 0, gap, gap], [2, 0, gap, gap, gap], [1, 2, 2, 1, 0]]
    assert condition is None
    assert make_sequences(["ab", "b"], Vocabulary(["ab"]), 1, condition=[1, 0]).condition.tolist() == [1, 0]


@pytest.mark.parametrize(("dilations", "blocks", "kernel_size"), SHAPES)
def test_masked_loss_equals_the_loss_of_the_windows(dilations, blocks, kernel_size):
    net = make_net(dilations, blocks, kernel_size)
    sequences = make_sequences(NAMES, VOCABULARY, net.receptive_field)
    windows = make_windows(NAMES, VOCABULARY, context=net.receptive_field)
    expected = evaluate(OnWindows(net), windows)
    assert evaluate_sequences(net, sequences) == pytest.approx(expected, abs=1e-6)
    loss = sequence_loss(net(sequences.ids), sequences.targets)
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    total = sequence_loss(net(sequences.ids), sequences.targets, "sum")
    assert total.item() == pytest.approx(expected * len(windows[1]), rel=1e-6)
    assert evaluate(OnWindows(net, tree=True), windows) == pytest.approx(expected, abs=1e-6)


def test_masked_loss_with_conditions_equals_the_loss_of_the_windows():
    net = make_net(conditions=2)
    labels = [0, 1, 1, 0, 1, 0, 0]
    sequences = make_sequences(NAMES, VOCABULARY, 8, condition=labels)
    total = predicted = 0
    for label in (0, 1):
        names = [name for name, which in zip(NAMES, labels, strict=True) if which == label]
        windows = make_windows(names, VOCABULARY)
        total += evaluate(OnWindows(net, condition=label), windows) * len(windows[1])
        predicted += len(windows[1])
    assert evaluate_sequences(net, sequences) == pytest.approx(total / predicted, abs=1e-6)


def test_masked_loss_is_evaluated_in_chunks_and_in_eval_mode(monkeypatch):
    net = make_net(norm=BatchNorm1d)
    sequences = make_sequences(NAMES, VOCABULARY, 8)
    whole = evaluate_sequences(net.eval(), sequences)
    monkeypatch.setattr("lib.wavenet.sequences.PIECE", 40)
    net.train()
    before = copy.deepcopy(net.state_dict())
    assert evaluate_sequences(net, sequences) == pytest.approx(whole, abs=1e-6)
    assert all(module.training for module in net.modules())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_cut_sequences_predict_each_position_once():
    track = some_ids(1, 50, size=256)[0]
    ids, targets, _ = sequences = cut_sequences(track, receptive_field=8, length=10)
    assert ids.shape == (4, 17) and targets.flatten().tolist() == track[8:48].tolist()
    windows = track[:-1].unfold(0, 8, 1)[:40], track[8:48]
    net = make_net(vocabulary_size=256)
    assert evaluate_sequences(net, sequences) == pytest.approx(evaluate(OnWindows(net), windows), abs=1e-6)
    assert len(cut_sequences(track[:18], 8, 10).ids) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_sequences([], VOCABULARY, 8), "empty list"),
        (lambda: make_sequences(["a.b"], VOCABULARY, 8), "stop mark"),
        (lambda: make_sequences(["é"], VOCABULARY, 8), "é"),
        (lambda: make_sequences(["a"], VOCABULARY, 0), "at least 1 time step; got 0"),
        (lambda: make_sequences(["a", "b"], VOCABULARY, 8, condition=[1]), "each of the 2 names; got 1"),
        (lambda: cut_sequences(torch.arange(17), 8, 10), "17 time steps"),
        (lambda: cut_sequences(torch.arange(17), 8, 0), "length=0"),
        (lambda: evaluate_sequences(make_net(), make_sequences(NAMES, VOCABULARY, 9)), "is 8 .* made for 9"),
        (
            lambda: evaluate_sequences(make_net(), Sequences(some_ids(1, 8), torch.full((1, 1), IGNORED))),
            "no target that is not IGNORED",
        ),
    ],
)
def test_sequences_reject_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("tree", [True, False])
def test_on_windows_gives_the_logits_of_the_last_position(tree):
    net, ids = make_net(), some_ids(2, 12)
    torch.testing.assert_close(OnWindows(net, tree=tree)(ids), net(ids)[:, -1])
    assert OnWindows(net).context == 8 and OnWindows(make_net((1, 2))).context == 4
