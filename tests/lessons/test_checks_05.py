"""The checks of lesson 05: every wrong answer is told its mistake, every right one is accepted."""

import bisect

import torch
import torch.nn.functional as F

from lib import checks
from tests.lessons.check_laws import accepts, names_the_mistake


def exped(x):
    return x.exp() / x.exp().sum(dim=1, keepdim=True)


def shifted(x):
    return x - x.max(dim=1, keepdim=True).values


def divided_in_place(x):
    x -= x.max(dim=1, keepdim=True).values
    return exped(x)


SOFTMAX = {
    "not done": [lambda x: ..., lambda x: None],
    "error": [lambda x: x.exp() / x.exp().sum(dim=3)],
    "softmax over dim 0": [
        lambda x: F.softmax(x, dim=0),
        lambda x: x.exp() / x.exp().sum(dim=0),
        lambda x: F.softmax(x.T, dim=1).T,
    ],
    "softmax over everything": [lambda x: x.exp() / x.exp().sum()],
    "keepdim forgotten": [lambda x: x.exp() / x.exp().sum(dim=1), lambda x: shifted(x).exp() / shifted(x).exp().sum(1)],
    "keepdim forgotten in the maximum": [lambda x: exped(x - x.max(dim=1).values)],
    "maximum over dim 0": [lambda x: exped(x - x.max(dim=0, keepdim=True).values)],
    "no maximum subtracted": [exped, lambda x: x.exp() / (x.exp().sum(dim=1, keepdim=True) + 1e-9)],
    "wrong for large logits": [lambda x: exped(x.clamp(-80, 80)), lambda x: exped(x.clamp(max=20))],
    "one maximum for all rows": [lambda x: exped(x - x.max())],
    "forgot exp": [
        lambda x: x / x.sum(dim=1, keepdim=True),
        lambda x: shifted(x) / shifted(x).sum(dim=1, keepdim=True),
    ],
    "not divided": [torch.exp, lambda x: shifted(x).exp()],
    "log-probabilities": [lambda x: F.log_softmax(x, dim=1)],
    "hard-coded shape": [
        lambda x: torch.stack([F.softmax(x[i], dim=0) for i in range(3)]),
        lambda x: shifted(x).exp() / shifted(x)[:, :3].exp().sum(dim=1, keepdim=True),
    ],
    "returned its input": [lambda x: x],
    "argmax": [lambda x: F.one_hot(x.argmax(dim=1), x.shape[1]).float()],
    "sigmoid": [torch.sigmoid],
    "sign turned round": [lambda x: F.softmin(x, dim=1)],
    "all the same": [lambda x: torch.ones_like(x) / x.shape[1]],
    "all zeros": [torch.zeros_like],
    "wrong shape": [lambda x: F.softmax(x, dim=1).flatten(), lambda x: x.exp().sum(dim=1)],
    "not a tensor": [lambda x: F.softmax(x, dim=1).tolist()],
    "changed its input": [divided_in_place],
    "other values": [lambda x: F.softmax(2 * x, dim=1), lambda x: 2**x / (2**x).sum(dim=1, keepdim=True)],
}
SOFTMAX_RIGHT = [
    lambda x: F.softmax(x, dim=1),
    lambda x: exped(shifted(x)),
    lambda x: torch.exp(x - torch.logsumexp(x, dim=1, keepdim=True)),
    lambda x: torch.stack([exped((row - row.max()).view(1, -1))[0] for row in x]),
    lambda x: F.softmax(x.double(), dim=-1),
]


def cumulative(p, u):
    return int((u >= p.cumsum(0)).sum())


SAMPLE = {
    "not done": [lambda p, u: ...],
    "error": [lambda p, u: p.cumsum(1)],
    "off by one": [
        lambda p, u: cumulative(p, u) + 1,
        lambda p, u: cumulative(p, u) - 1,
        lambda p, u: min(cumulative(p, u) + 1, len(p) - 1),
    ],
    "argmax": [lambda p, u: p.argmax().item()],
    "ignores u": [lambda p, u: 0, lambda p, u: len(p) - 1, lambda p, u: len(p) // 2],
    "reversed": [
        lambda p, u: cumulative(p, 1 - u),
        lambda p, u: len(p) - 1 - cumulative(p.flip(0), u),
        lambda p, u: cumulative(p.flip(0), u),
    ],
    "probabilities ignored": [lambda p, u: int(u * len(p))],
    "no cumulative sum": [
        lambda p, u: next((i for i, x in enumerate(p.tolist()) if x > u), 0),
        lambda p, u: next((i for i, x in enumerate(p.tolist()) if x > u), len(p) - 1),
        lambda p, u: int((p > u).int().argmax()),
    ],
    "nearest probability": [lambda p, u: int((p - u).abs().argmin())],
    "nearest sum": [lambda p, u: int((p.cumsum(0) - u).abs().argmin())],
    "first sum not below u": [
        lambda p, u: int(torch.searchsorted(p.cumsum(0), u)),
        lambda p, u: bisect.bisect_left(p.cumsum(0).tolist(), u),
    ],
    "random numbers of its own": [
        lambda p, u: torch.multinomial(p, 1).item(),
        lambda p, u: cumulative(p, torch.rand(()).item()),
    ],
    "not an index": [
        lambda p, u: p[cumulative(p, u)].item(),
        lambda p, u: p.cumsum(0) > u,
        lambda p, u: "a",
        lambda p, u: (p.cumsum(0) > u).nonzero(),
    ],
    "changed its input": [lambda p, u: cumulative(p.cumsum_(0), u)],
    "another index": [lambda p, u: max(0, cumulative(p, u / 2)), lambda p, u: cumulative(p, u) % 2],
}
SAMPLE_RIGHT = [
    cumulative,
    lambda p, u: int((p.cumsum(0) > u).nonzero()[0]),
    lambda p, u: torch.searchsorted(p.cumsum(0), u, right=True),
    lambda p, u: next(i for i in range(len(p)) if p[: i + 1].sum() > u),
    lambda p, u: bisect.bisect_right(p.cumsum(0).tolist(), u),
]
TEMPERATURE = {
    "not done": [lambda x, t: ...],
    "error": [lambda x, t: F.softmax(x / t, dim=2)],
    "temperature ignored": [
        lambda x, t: F.softmax(x, dim=1),
        lambda x, t: F.softmax(x - t, dim=1),
        lambda x, t: F.softmax(x, dim=1) / t / (F.softmax(x, dim=1) / t).sum(1, keepdim=True),
    ],
    "multiplied": [lambda x, t: F.softmax(x * t, dim=1)],
    "probabilities divided": [lambda x, t: F.softmax(x, dim=1) / t],
    "probabilities multiplied": [lambda x, t: F.softmax(x, dim=1) * t],
    "not renormalised": [lambda x, t: F.softmax(x, dim=1) ** (1 / t)],
    "softmax twice": [
        lambda x, t: F.softmax(F.softmax(x, dim=1) / t, dim=1),
        lambda x, t: F.softmax(F.softmax(x / t, dim=1), dim=1),
    ],
    "softmax over dim 0": [lambda x, t: F.softmax(x / t, dim=0)],
    "softmax over everything": [lambda x, t: (x / t).exp() / (x / t).exp().sum()],
    "no softmax": [lambda x, t: x / t],
    "not divided by the sum": [lambda x, t: (x / t).exp()],
    "log-probabilities": [lambda x, t: F.log_softmax(x / t, dim=1)],
    "divided twice": [lambda x, t: F.softmax(x / t / t, dim=1)],
    "divided by the root": [lambda x, t: F.softmax(x / t**0.5, dim=1)],
    "whole-number division": [lambda x, t: F.softmax(x // t, dim=1)],
    "overflow at a low temperature": [lambda x, t: exped(x / t)],
    "temperature of its own": [lambda x, t: F.softmax(x / 2, dim=1), lambda x, t: F.softmax(x / 0.5, dim=1)],
    "argmax": [lambda x, t: F.one_hot(x.argmax(dim=1), x.shape[1]).float()],
    "all zeros": [lambda x, t: torch.zeros_like(x)],
    "hard-coded shape": [lambda x, t: torch.stack([F.softmax(x[i] / t, dim=0) for i in range(2)])],
    "wrong shape": [lambda x, t: F.softmax(x[0] / t, dim=0)],
    "not a tensor": [lambda x, t: F.softmax(x / t, dim=1).tolist()],
    "changed its input": [lambda x, t: F.softmax(x.div_(t), dim=1)],
    "other values": [lambda x, t: F.softmax(x / (t + 1), dim=1), lambda x, t: F.softmax(-x / t, dim=1)],
}
TEMPERATURE_RIGHT = [
    lambda x, t: F.softmax(x / t, dim=1),
    lambda x, t: exped(shifted(x) / t),
    lambda x, t: F.log_softmax(x / t, dim=-1).exp(),
    lambda x, t: F.softmax(F.log_softmax(x, dim=1) / t, dim=1),
]


test_softmax_names_the_mistake = names_the_mistake(checks.softmax, SOFTMAX)
test_softmax_accepts_right_answers = accepts(checks.softmax, SOFTMAX_RIGHT)
test_sample_names_the_mistake = names_the_mistake(checks.sample, SAMPLE)
test_sample_accepts_right_answers = accepts(checks.sample, SAMPLE_RIGHT)
test_temperature_names_the_mistake = names_the_mistake(checks.temperature, TEMPERATURE)
test_temperature_accepts_right_answers = accepts(checks.temperature, TEMPERATURE_RIGHT)
