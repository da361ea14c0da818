"""Tests of lib.wavenet.sequences: what is cut, how it is evaluated, and training on it."""

import contextlib
import copy
import functools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.checkpoints import load_model
from lib.data import Vocabulary, load_names, make_windows
from lib.layers import BatchNorm1d
from lib.sampling import sample_names
from lib.training import FAST, QUICK, Recipe, evaluate, train
from lib.wavenet import (
    IGNORED,
    OnWindows,
    Sequences,
    WaveNet,
    cut_sequences,
    evaluate_sequences,
    make_sequences,
    sequence_loss,
    train_sequences,
)
from tests.wavenet.nets import NAMES, SHAPES, VOCABULARY, make_net, some_ids

CHARACTERS = sum(len(name) + 1 for name in NAMES)
SHORT = Recipe("short", CHARACTERS // 3, 0.02, steps=12, weight_decay=0.3, evaluations=3)


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


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_masked_loss_does_not_depend_on_batch_size_or_mode():
    net = make_net(norm=BatchNorm1d)
    sequences = make_sequences(NAMES, VOCABULARY, 8)
    whole = evaluate_sequences(net.eval(), sequences)
    net.train()
    before = copy.deepcopy(net.state_dict())
    assert evaluate_sequences(net, sequences, batch_size=40) == pytest.approx(whole, abs=1e-6)
    assert all(module.training for module in net.modules())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_training_on_sequences_equals_training_on_their_windows():
    """Full batches, so that the order does not matter."""
    ours = make_net().double()
    theirs = copy.deepcopy(ours)
    sequences, windows = make_sequences(NAMES, VOCABULARY, 8), make_windows(NAMES, VOCABULARY)
    recipe = Recipe("full", CHARACTERS, 0.05, steps=5, weight_decay=0.3)
    history = train_sequences(ours, sequences, sequences, recipe, progress=False)
    expected = train(OnWindows(theirs), windows, recipe=recipe, progress=False)
    assert history.train == pytest.approx(expected.train, abs=1e-9) and history.steps == 5
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=0, atol=1e-7)
    assert history.val[-1] == (5, evaluate_sequences(ours, sequences)) and len(history.val) == 5


@pytest.mark.parametrize("norm", [None, nn.LayerNorm])
def test_training_with_a_condition_equals_torchs_steps(norm):
    ours = make_net(conditions=2, norm=norm).double()
    theirs = copy.deepcopy(ours)
    sequences = make_sequences(NAMES, VOCABULARY, 8, condition=[0, 1, 1, 0, 1, 0, 0])
    recipe = Recipe("full", CHARACTERS, 0.05, steps=4, optimizer="sgd", schedule="step", drop_at=1)
    train_sequences(ours, sequences, recipe=recipe, progress=False)
    optimizer = torch.optim.SGD(theirs.parameters(), 0.05)
    for _ in range(4):
        optimizer.zero_grad()
        logits = theirs(sequences.ids, sequences.condition)
        F.cross_entropy(logits.transpose(1, 2), sequences.targets, ignore_index=-100).backward()
        optimizer.step()
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=0, atol=1e-9)


def test_epoch_of_sequences_has_the_steps_of_an_epoch_of_windows():
    """A batch of the recipe counts predictions, so that a recipe means the same for both."""
    names = load_names()[:400]
    sequences, windows = make_sequences(names, VOCABULARY, 8), make_windows(names, VOCABULARY)
    sizes, net = [], make_net()
    net.register_forward_hook(lambda module, given, out: sizes.append(len(out)))
    recipe = Recipe("epoch", 128, 1e-3, epochs=1)
    history = train_sequences(net, sequences, recipe=recipe, progress=False)
    assert history.steps == len(history.train) == recipe.total_steps(len(windows[1]))
    assert set(sizes) == {round(128 * 400 / len(windows[1]))}


def test_resumed_training_on_sequences_ends_as_if_never_stopped(tmp_path):
    def error_at_8(step):
        if step == 8:
            raise ZeroDivisionError

    sequences, path = make_sequences(NAMES, VOCABULARY, 8), tmp_path / "run.pt"
    run = functools.partial(train_sequences, recipe=SHORT, progress=False)
    whole, parts, options = make_net(), make_net(), {"checkpoint": path, "vocabulary": VOCABULARY}
    expected = run(whole, sequences, sequences)
    with pytest.raises(ZeroDivisionError):
        run(parts, sequences, sequences, checkpoint_every=5, on_step=error_at_8, **options)
    with torch.no_grad():
        parts.embedding.weight.zero_()
    history = run(parts, sequences, sequences, **options)
    assert torch.equal(weights(whole), weights(parts))
    assert (history.train, history.val) == (expected.train, expected.val)
    names = [sample_names(OnWindows(net), VOCABULARY, 5, temperature=0) for net in (whole, load_model(path)[0])]
    assert names[0] == names[1]
    with pytest.raises(ValueError, match="expected windows"):
        run(make_net(), make_sequences(NAMES[::-1], VOCABULARY, 8), **options)


def test_another_condition_is_another_training(tmp_path):
    for number, label in enumerate((0, 1)):
        sequences = make_sequences(NAMES, VOCABULARY, 8, condition=[label] * len(NAMES))
        with pytest.raises(ValueError, match="expected windows") if number else contextlib.nullcontext():
            train_sequences(make_net(conditions=2), sequences, recipe=SHORT, checkpoint=tmp_path / "run.pt")


def test_unfit_sequences_are_rejected_before_the_net_changes():
    net = make_net()
    before = weights(net)
    fit, unfit = (make_sequences(NAMES, VOCABULARY, receptive_field) for receptive_field in (8, 7))
    for wrong in ({"train_windows": unfit}, {"val_windows": unfit}):
        with pytest.raises(ValueError, match="is 8 .* made for 7"):
            train_sequences(net, **{"train_windows": fit, **wrong}, progress=False)
    with pytest.raises(ValueError, match="recipe 'quick' needs windows"):
        train_sequences(net, fit, recipe=QUICK, progress=False)
    assert torch.equal(before, weights(net))


def test_wavenet_learns_names(small):
    torch.manual_seed(0)
    net = WaveNet(27, 16, (1, 2, 4))
    sequences = make_sequences(load_names()[:1_000], small.vocabulary, 8)
    train_sequences(net, sequences, recipe=FAST, progress=False)
    assert evaluate(OnWindows(net), small.val) < math.log(27) - 0.5
