"""The checks of lesson 03: every wrong answer gets its mistake's name, and right answers in any style pass."""

import math

import pytest
import torch

from lib import checks
from tests.lessons.check_laws import accepts, assert_names, cases, names_the_mistake


def parts(x, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    return x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False), dim


def as_in_the_notes(x, eps):
    if x.ndim == 2:
        dim = 0
    elif x.ndim == 3:
        dim = (0, 1)
    xmean = x.mean(dim, keepdim=True)
    xvar = x.var(dim, keepdim=True, unbiased=False)
    return (x - xmean) / torch.sqrt(xvar + eps)


def by_merging(x, eps):
    flat = x.reshape(-1, x.shape[-1]).double()
    centred = flat - flat.mean(0)
    return (centred * (centred.square().mean(0) + eps).rsqrt()).reshape(x.shape)


def by_torch(x, eps):
    return torch.nn.functional.batch_norm(x.flatten(0, -2), None, None, training=True, eps=eps).view_as(x)


def by_loops(x, eps):
    out = torch.empty_like(x)
    for c in range(x.shape[-1]):
        channel = x[..., c]
        n = channel.numel()
        mean = channel.sum() / n
        out[..., c] = (channel - mean) / math.sqrt(((channel - mean) ** 2).sum() / n + eps)
    return out


def in_place(x, eps):
    x -= parts(x, eps)[0]
    return x / torch.sqrt(parts(x, eps)[1] + eps)


def only_2d(x, eps):
    _B, _C = x.shape
    return as_in_the_notes(x, eps)


def with_sizes_of_the_first_trials(x, eps):
    rows = x.reshape(6 if x.ndim == 2 else 8, 3)
    return as_in_the_notes(rows, eps).reshape(x.shape)


def with_a_count_of_the_first_trials(x, eps):
    n, dim = (6, 0) if x.ndim == 2 else (8, (0, 1))
    mean = x.sum(dim) / n
    return (x - mean) / torch.sqrt(((x - mean) ** 2).sum(dim) / n + eps)


def using(dim, unbiased=False):
    def answer(x, eps):
        return (x - x.mean(dim, keepdim=True)) / torch.sqrt(x.var(dim, keepdim=True, unbiased=unbiased) + eps)

    return answer


NOT_NORMALISED = {
    "not done": [lambda x, eps: ..., lambda x, eps: None],
    "dim 0 of a 3-D tensor": [using(0), lambda x, eps: (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + eps)],
    "unbiased variance": [
        lambda x, eps: (x - parts(x, eps)[0]) / torch.sqrt(x.var(parts(x, eps)[2], keepdim=True) + eps),
        using(0, unbiased=True),
    ],
    "last dimension": [using(-1), using(-1, unbiased=True)],
    "all dimensions": [lambda x, eps: (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + eps)],
    "dim 1": [lambda x, eps: using(0 if x.ndim == 2 else 1)(x, eps)],
    "each example by itself": [lambda x, eps: using(0 if x.ndim == 2 else (1, 2))(x, eps)],
    "no eps": [lambda x, eps: as_in_the_notes(x, 0.0), lambda x, eps: as_in_the_notes(x, 1e-5)],
    "eps outside the root": [lambda x, eps: (x - parts(x, eps)[0]) / (parts(x, eps)[1].sqrt() + eps)],
    "forgot the root": [
        lambda x, eps: (x - parts(x, eps)[0]) / (parts(x, eps)[1] + eps),
        lambda x, eps: (x - parts(x, eps)[0]) / parts(x, eps)[1],
    ],
    "mean not subtracted": [lambda x, eps: x / torch.sqrt(parts(x, eps)[1] + eps)],
    "not divided": [lambda x, eps: x - parts(x, eps)[0]],
    "hard-coded shape": [with_sizes_of_the_first_trials, with_a_count_of_the_first_trials],
    "returned its input": [lambda x, eps: x, lambda x, eps: x.clone()],
    "changed its input": [in_place],
    "wrong shape": [lambda x, eps: by_merging(x, eps).flatten(), lambda x, eps: parts(x, eps)[0]],
    "not a tensor": [lambda x, eps: as_in_the_notes(x, eps).tolist()],
    "error": [only_2d, lambda x: x],
    "other values": [lambda x, eps: torch.zeros_like(x), lambda x, eps: as_in_the_notes(x, eps) * math.nan],
}


RIGHT_STYLES = [as_in_the_notes, by_merging, by_torch, by_loops]
test_a_right_normalisation_passes_in_any_style = accepts(checks.normalise, RIGHT_STYLES)


@pytest.mark.parametrize(("mistake", "answer"), cases(NOT_NORMALISED))
def test_a_wrong_normalisation_gets_its_mistakes_name(mistake, answer):
    verdict = checks.normalise(answer)
    assert_names(verdict, mistake)
    if mistake not in ("not done", "changed its input", "not a tensor"):
        assert "shape" in verdict.message


def test_two_mistakes_at_once_are_both_explained():
    verdict = checks.normalise(lambda x, eps: using(0, unbiased=x.ndim == 3)(x, eps))
    assert verdict.mistake == "dim 0 of a 3-D tensor"
    assert "(0, 1)" in verdict.message and "unbiased=False" in verdict.message


def test_the_message_says_what_was_given_what_came_back_and_what_was_wanted():
    message = checks.normalise(using(0)).message
    assert (
        "tensor of shape (4, 2, 3) and eps=0.1" in message and "came back with" in message and "wanted 0.00" in message
    )


RIGHT_COUNTS = {"a": (1, 1, 100), "b": 100, "c": 256, "d": (4, 100), "e": 64, "f": (1, 100, 1)}


def test_the_right_counts_are_what_torch_says():
    x, y = torch.zeros(64, 4, 100), torch.zeros(64, 100, 4)
    means = x.mean((0, 1), keepdim=True)
    by_torch = {
        "a": means.shape, "b": means.numel(), "c": x.numel() // means.numel(),
        "d": x.mean(0).shape, "e": x.numel() // x.mean(0).numel(), "f": y.mean((0, 2), keepdim=True).shape,
    }  # fmt: skip
    for answers in (by_torch, RIGHT_COUNTS, {**RIGHT_COUNTS, "a": [1, 1, 100], "b": 100.0}):
        assert checks.count_statistics(lambda answers=answers: answers).right


WRONG_COUNTS = {
    "keepdim forgotten": [{"a": (100,)}, {"f": (100,)}],
    "time not averaged": [{"a": (1, 4, 100)}, {"b": 400}, {"f": (1, 100, 4)}],
    "averaged the channels": [{"a": (64, 4, 1)}, {"d": (64, 4)}, {"f": (64, 1, 4)}],
    "counted the values": [{"b": 256}],
    "counted everything": [{"b": 25600}, {"c": 25600}],
    "counted the dimensions": [{"b": 3}],
    "time forgotten": [{"c": 64}],
    "batch forgotten": [{"c": 4}],
    "counted the means": [{"c": 100}, {"e": 400}],
    "keepdim assumed": [{"d": (1, 4, 100)}],
    "time averaged too": [{"d": (100,)}, {"e": 256}],
    "another dimension": [{"d": (64, 100)}, {"e": 4}],
    "channels looked for last": [{"f": (1, 1, 4)}, {"f": (1, 1, 100)}],
    "shape instead of number": [{"b": (100,)}],
    "number instead of shape": [{"a": 100}],
    "another value": [{"c": 17}, {"f": (2, 2)}],
    "not done": [{"d": ...}, {"a": None}],
}


@pytest.mark.parametrize(("mistake", "changed"), cases(WRONG_COUNTS))
def test_a_wrong_count_gets_its_mistakes_name(mistake, changed):
    verdict = checks.count_statistics(lambda: {**RIGHT_COUNTS, **changed})
    assert_names(verdict, mistake)
    if mistake != "not done":
        assert "5 of 6 are right" in verdict.message and str(next(iter(changed.values()))) in verdict.message


def test_counts_that_are_missing_or_no_dictionary():
    assert checks.count_statistics(lambda: {"a": (1, 1, 100)}).mistake == "not done"
    assert checks.count_statistics(lambda: ...).mistake == "not done"
    assert checks.count_statistics(lambda: [1, 2]).mistake == "not a dictionary"


def stats(x):
    dim = 0 if x.ndim == 2 else (0, 1)
    return x.mean(dim), x.var(dim)


def update(share, statistics=stats):
    def answer(mean, var, x, m):
        return tuple(share(old, new, m) for old, new in zip((mean, var), statistics(x), strict=True))

    return answer


def right_share(old, new, m):
    return (1 - m) * old + m * new


def by_batch_norm1d(mean, var, x, m):
    layer = torch.nn.BatchNorm1d(len(mean), momentum=m)
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(var)
    layer(x.reshape(-1, len(mean)))
    return layer.running_mean, layer.running_var


def by_steps(mean, var, x, m):
    rows = x.reshape(-1, x.shape[-1])
    batch_mean = rows.sum(0) / len(rows)
    return [mean + m * (batch_mean - mean), var + m * ((rows - batch_mean).square().sum(0) / (len(rows) - 1) - var)]


RIGHT_UPDATES = [update(right_share), update(torch.lerp), by_batch_norm1d, by_steps]
test_a_right_update_passes_in_any_style = accepts(checks.update_running, RIGHT_UPDATES)


def same_dims(x):
    return 0 if x.ndim == 2 else (0, 1)


def keeping(mean, var, x, m):
    dim = same_dims(x)
    return (1 - m) * mean + m * x.mean(dim, keepdim=True), (1 - m) * var + m * x.var(dim, keepdim=True)


def in_place_update(mean, var, x, m):
    mean.mul_(1 - m).add_(m * stats(x)[0])
    return mean, var


WRONG_UPDATES = {
    "not done": [lambda mean, var, x, m: ...],
    "momentum the wrong way round": [update(lambda old, new, m: m * old + (1 - m) * new)],
    "old value forgotten": [update(lambda old, new, m: new)],
    "old value not reduced": [update(lambda old, new, m: old + m * new)],
    "momentum of its own": [update(lambda old, new, m: 0.9 * old + 0.1 * new)],
    "nothing moved": [
        lambda mean, var, x, m: (mean, var),
        lambda mean, var, x, m: (right_share(mean, stats(x)[0], m), var),
    ],
    "biased variance": [update(right_share, lambda x: (stats(x)[0], x.var(same_dims(x), unbiased=False)))],
    "standard deviation": [
        update(right_share, lambda x: (stats(x)[0], x.std(same_dims(x)))),
        update(right_share, lambda x: (stats(x)[0], x.std(same_dims(x), unbiased=False))),
    ],
    "dim 0 of a 3-D tensor": [
        update(right_share, lambda x: (x.mean(0), x.var(0))),
        update(right_share, lambda x: (x.mean(0, x.ndim == 3), x.var(0, keepdim=x.ndim == 3))),
    ],
    "averaged dimensions kept": [keeping],
    "variance first": [lambda mean, var, x, m: update(right_share)(mean, var, x, m)[::-1]],
    "not two tensors": [lambda mean, var, x, m: mean, lambda mean, var, x, m: (mean, var, x)],
    "not a tensor": [lambda mean, var, x, m: (1.0, 2.0)],
    "wrong shape": [lambda mean, var, x, m: (x, x), lambda mean, var, x, m: (x.mean(), x.var())],
    "changed its input": [in_place_update],
    "error": [lambda mean, var, x: (mean, var)],
    "other values": [update(lambda old, new, m: 7 * old)],
}


test_a_wrong_update_gets_its_mistakes_name = names_the_mistake(checks.update_running, WRONG_UPDATES)
