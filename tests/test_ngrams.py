"""Tests of lib.ngrams."""

import math

import pytest
import torch

from lib.data import Vocabulary, load_names, make_windows, split_names
from lib.ngrams import CountModel, leave_one_out


def slow_prob(windows, vocabulary_size, context, ids, character):
    """Interpolated Witten-Bell by its formula, one context at a time."""
    if context < 0:
        return 1 / vocabulary_size
    X, Y = windows
    start = X.shape[1] - context
    followers = [y for x, y in zip(X.tolist(), Y.tolist(), strict=True) if x[start:] == ids[start:]]
    n, t = len(followers), len(set(followers))
    shorter = slow_prob(windows, vocabulary_size, context - 1, ids, character)
    return (followers.count(character) + t * shorter) / (n + t) if n else shorter


@pytest.mark.parametrize("context", [0, 1, 2, 4])
def test_probabilities_follow_the_formula(context):
    names = load_names()[:60]
    vocabulary = Vocabulary(names)
    train, val = make_windows(names[:50], vocabulary, 4), make_windows(names[50:], vocabulary, 4)
    probs = CountModel(train, len(vocabulary), context).predict(val[0])
    torch.testing.assert_close(probs.sum(1), torch.ones(len(probs), dtype=torch.float64))
    for row in range(0, len(probs), 7):
        for character in range(0, len(vocabulary), 5):
            expected = slow_prob(train, len(vocabulary), context, val[0][row].tolist(), character)
            assert probs[row, character].item() == pytest.approx(expected, rel=1e-12)


def test_evaluate_is_the_mean_cross_entropy_of_predict():
    names = load_names()[:2_000]
    vocabulary = Vocabulary(names)
    train, _, test = (make_windows(part, vocabulary) for part in split_names(names))
    model = CountModel(train, len(vocabulary), 3)
    expected = -model.predict(test[0])[torch.arange(len(test[1])), test[1]].log().mean().item()
    assert model.evaluate(test) == pytest.approx(expected, rel=1e-12)
    assert model.evaluate(test) < CountModel(train, len(vocabulary), 0).evaluate(test) < math.log(len(vocabulary))


@pytest.mark.parametrize("context", [-1, 9])
def test_rejects_contexts_longer_than_the_windows(context):
    with pytest.raises(ValueError, match=f"from 0 to 8, .* got context={context}"):
        CountModel(make_windows(["emma"], Vocabulary(["emma"])), 4, context)


def test_rejects_no_windows():
    with pytest.raises(ValueError, match="no windows"):
        CountModel((torch.zeros(0, 8, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)), 27, 1)


@pytest.mark.parametrize("context", [0, 1, 3, 4])
def test_leave_one_out_is_the_count_model_of_all_other_windows(context):
    names = [*load_names()[:12], "anna", "anna", "zo"]
    vocabulary = Vocabulary(names)
    X, Y = make_windows(names, vocabulary, 4)
    probs, which = leave_one_out((X, Y), len(vocabulary), context)
    assert len(probs) < len(Y)
    for window in range(len(Y)):
        others = torch.arange(len(Y)) != window
        expected = CountModel((X[others], Y[others]), len(vocabulary), context).predict(X[[window]])[0]
        torch.testing.assert_close(probs[which[window]], expected.float())
