"""The checks of lesson 02: every wrong answer is told its mistake, every right one is accepted."""

import torch
from torch import nn

from lib import checks
from lib.layers import FlattenConsecutive
from tests.lessons.check_laws import accepts, names_the_mistake


def grouped(x, n):
    B, T, C = x.shape
    return x.reshape(B, T // n, n * C)


def dropped(out):
    return out.squeeze(1) if out.shape[1] == 1 else out


FLATTEN = {
    "not done": [lambda x, n: ...],
    "error": [lambda x, n: x.reshape(32, -1, n * x.shape[2])],
    "time step of 1 kept": [grouped],
    "squeeze() without a dimension": [lambda x, n: grouped(x, n).squeeze()],
    "flattened at once": [lambda x, n: x.flatten(1)],
    "wrong shape": [
        lambda x, n: x,
        lambda x, n: dropped(x[:, ::n]),
        lambda x, n: dropped(x.reshape(x.shape[0], n, -1)),
        lambda x, n: x.reshape(-1, n * x.shape[2]),
    ],
    "strided pairs": [lambda x, n: dropped(torch.cat(x.chunk(n, dim=1), dim=2))],
    "channels interleaved": [lambda x, n: dropped(x.unflatten(1, (-1, n)).transpose(2, 3).flatten(2))],
    "time and channels swapped": [lambda x, n: dropped(x.transpose(1, 2).reshape(grouped(x, n).shape))],
    "all zeros": [lambda x, n: dropped(torch.zeros_like(grouped(x, n)))],
    "other numbers": [
        lambda x, n: dropped(torch.cat([x[:, i::n] for i in reversed(range(n))], dim=2)),
        lambda x, n: dropped(grouped(x, n).flip(-1)),
        lambda x, n: dropped(grouped(x.roll(1, dims=1), n)),
        lambda x, n: dropped(grouped(x, n)) + 1,
    ],
    "needs contiguous input": [lambda x, n: dropped(x.view(x.shape[0], x.shape[1] // n, n * x.shape[2]))],
    "not a tensor": [lambda x, n: dropped(grouped(x, n)).tolist()],
    "changed its input": [lambda x, n: dropped(grouped(x.mul_(2), n))],
}
FLATTEN_RIGHT = [
    lambda x, n: dropped(grouped(x, n)),
    lambda x, n: dropped(torch.cat([x[:, i::n] for i in range(n)], dim=2)),
    lambda x, n: dropped(
        torch.stack([torch.cat([x[:, g + i] for i in range(n)], dim=1) for g in range(0, x.shape[1], n)], dim=1)
    ),
    lambda x, n: FlattenConsecutive(n)(x),
    lambda x, n: dropped(nn.Unflatten(1, (-1, n))(x).flatten(2)),
]
UNFLATTEN = {
    "not done": [lambda y, n: None],
    "wrong shape": [lambda y, n: y, lambda y, n: y.flatten(1)],
    "strided pairs": [lambda y, n: torch.cat(y.chunk(n, dim=2), dim=1)],
    "other numbers": [lambda y, n: y.reshape(y.shape[0], -1, y.shape[2] // n).flip(1)],
    "error": [lambda y, n: y.view(3, 8, 5)],
}
UNFLATTEN_RIGHT = [
    lambda y, n: y.reshape(y.shape[0], y.shape[1] * n, y.shape[2] // n),
    lambda y, n: y.unflatten(2, (n, -1)).flatten(1, 2),
    lambda y, n: torch.stack(y.chunk(n, dim=2), dim=2).flatten(1, 2),
]
RIGHT_SHAPES = {question: answer for question, (answer, _) in checks.SHAPES.items()}


test_flatten_names_the_mistake = names_the_mistake(checks.flatten, FLATTEN)
test_flatten_accepts_right_answers = accepts(checks.flatten, FLATTEN_RIGHT)
test_unflatten_names_the_mistake = names_the_mistake(checks.unflatten, UNFLATTEN)
test_unflatten_accepts_right_answers = accepts(checks.unflatten, UNFLATTEN_RIGHT)


def test_predicted_shapes():
    assert checks.shapes(RIGHT_SHAPES).right
    assert checks.shapes({q: list(a) if a != "error" else a for q, a in RIGHT_SHAPES.items()}).right
    assert checks.shapes(dict.fromkeys(RIGHT_SHAPES, ...)).mistake == "not done"
    for question in RIGHT_SHAPES:
        verdict = checks.shapes({**RIGHT_SHAPES, question: (1, 2, 3)})
        assert verdict.mistake == question and "Think again" in verdict.message


def test_the_predicted_shapes_are_what_the_layer_gives():
    for question, answer in RIGHT_SHAPES.items():
        layer, shape = question.split(" on ")
        try:
            out = tuple(eval(layer)(torch.zeros(eval(shape))).shape)
        except ValueError:
            out = "error"
        assert out == answer, question
