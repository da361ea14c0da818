"""Tests of lib.wavenet.sequences: training."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.data import load_names, make_windows
from lib.training import FAST, QUICK, Recipe, evaluate, train
from lib.wavenet import OnWindows, WaveNet, cut_sequences, evaluate_sequences, make_sequences, train_sequences
from tests.wavenet.nets import NAMES, VOCABULARY, make_net, some_ids


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


LETTERS = sum(len(name) + 1 for name in NAMES)
SHORT = Recipe("short", LETTERS // 3, 0.02, steps=12, weight_decay=0.3, evaluations=3)


def test_training_on_sequences_is_training_on_their_windows():
    """Full batches, so that the order does not matter."""
    ours = make_net().double()
    theirs = copy.deepcopy(ours)
    sequences, recipe = make_sequences(NAMES, VOCABULARY, 8), Recipe("full", LETTERS, 0.05, steps=5, weight_decay=0.3)
    history = train_sequences(ours, sequences, sequences, recipe, progress=False)
    expected = train(OnWindows(theirs), make_windows(NAMES, VOCABULARY), recipe=recipe, progress=False)
    assert history.train == pytest.approx(expected.train, abs=1e-9) and history.steps == 5
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=0, atol=1e-7)
    assert history.val[-1] == (5, evaluate_sequences(ours, sequences)) and len(history.val) == 5


@pytest.mark.parametrize("norm", [None, nn.LayerNorm])
def test_training_with_a_condition_makes_torchs_steps(norm):
    ours = make_net(conditions=2, norm=norm).double()
    theirs = copy.deepcopy(ours)
    sequences = make_sequences(NAMES, VOCABULARY, 8, condition=[0, 1, 1, 0, 1, 0, 0])
    recipe = Recipe("full", LETTERS, 0.05, steps=4, optimizer="sgd", schedule="step", drop_at=1)
    train_sequences(ours, sequences, recipe=recipe, progress=False)
    optimizer = torch.optim.SGD(theirs.parameters(), 0.05)
    for _ in range(4):
        optimizer.zero_grad()
        logits = theirs(sequences.ids, sequences.condition)
        F.cross_entropy(logits.transpose(1, 2), sequences.targets, ignore_index=-100).backward()
        optimizer.step()
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=0, atol=1e-9)


def test_an_epoch_of_sequences_has_the_steps_of_an_epoch_of_windows():
    """A batch of the recipe counts predictions, so that a recipe means the same for both."""
    names = load_names()[:400]
    sequences, windows = make_sequences(names, VOCABULARY, 8), make_windows(names, VOCABULARY)
    sizes, net = [], make_net()
    net.register_forward_hook(lambda module, given, out: sizes.append(len(out)))
    recipe = Recipe("epoch", 128, 1e-3, epochs=1)
    history = train_sequences(net, sequences, recipe=recipe, progress=False)
    assert history.steps == len(history.train) == recipe.total_steps(len(windows[1]))
    assert set(sizes) == {round(128 * 400 / len(windows[1]))}


def test_training_on_sequences_is_the_same_for_the_same_seed():
    sequences, results = make_sequences(NAMES, VOCABULARY, 8), []
    for seed in (0, 0, 1):
        net = make_net()
        torch.rand(len(results))
        train_sequences(net, sequences, recipe=SHORT, seed=seed, progress=False)
        results.append(weights(net))
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])


def test_training_on_sequences_resumes(tmp_path):
    sequences = make_sequences(NAMES, VOCABULARY, 8)
    whole, parts, path = make_net(), make_net(), tmp_path / "run.pt"
    expected = train_sequences(whole, sequences, sequences, SHORT, progress=False)
    with pytest.raises(RuntimeError, match="cut"):
        train_sequences(
            parts, sequences, sequences, SHORT, progress=False, checkpoint=path, checkpoint_every=5, watch=cut
        )
    with torch.no_grad():
        parts.embedding.weight.zero_()
    history = train_sequences(parts, sequences, sequences, SHORT, progress=False, checkpoint=path)
    assert torch.equal(weights(whole), weights(parts))
    assert (history.train, history.val) == (expected.train, expected.val)
    for other in (make_sequences(NAMES[::-1], VOCABULARY, 8), make_sequences(NAMES, VOCABULARY, 8, [0] * len(NAMES))):
        with pytest.raises(ValueError, match="windows"):
            train_sequences(
                make_net(conditions=0 if other.condition is None else 2), other, recipe=SHORT, checkpoint=path
            )


def cut(step: int) -> None:
    if step == 8:
        raise RuntimeError("cut")


def test_training_refuses_val_sequences_before_it_changes_the_net():
    net = make_net()
    before = weights(net)
    with pytest.raises(ValueError, match="is 8 .* made for 7"):
        train_sequences(net, *(make_sequences(NAMES, VOCABULARY, R) for R in (8, 7)), progress=False)
    assert torch.equal(before, weights(net))


def test_a_wavenet_learns_names(small):
    names = load_names()[:1_000]
    torch.manual_seed(0)
    net = WaveNet(27, 16, (1, 2, 4))
    train_sequences(net, make_sequences(names, small.vocabulary, 8), recipe=FAST, progress=False)
    assert evaluate(OnWindows(net), small.val) < math.log(27) - 0.5


@pytest.mark.parametrize(
    ("recipe", "R", "message"), [(FAST, 9, "is 8 .* made for 9"), (QUICK, 8, "'quick' needs windows")]
)
def test_sequences_refuse_what_they_can_not_use(recipe, R, message):
    with pytest.raises(ValueError, match=message):
        train_sequences(make_net(), make_sequences(NAMES, VOCABULARY, R), recipe=recipe)


def test_training_on_chunks_of_a_long_track():
    net, sequences = make_net(vocabulary_size=256), cut_sequences(some_ids(1, 50, size=256)[0], 8, 10)
    history = train_sequences(net, sequences, recipe=Recipe("cut", 20, 0.01, steps=30), progress=False)
    assert history.train[-1] < history.train[0]
