"""The checks of lesson 06: every wrong answer is told its mistake, every right one is accepted."""

import math

import torch

from lib import checks
from tests.lessons.check_laws import accepts, names_the_mistake


def ends(means, low=0.025):
    return torch.quantile(means, low).item(), torch.quantile(means, 1 - low).item()


def right_interval(a, b, draws):
    return ends((a - b)[draws].mean(dim=1))


def sorted_interval(a, b, draws):
    means = sorted((a - b)[row].mean().item() for row in draws)
    return means[round(0.025 * len(means))], means[round(0.975 * len(means)) - 1]


def in_place(a, b, draws):
    a -= b
    return ends(a[draws].mean(1))


INTERVAL = {
    "not done": [lambda a, b, d: ...],
    "error": [lambda a, b, d: a[d].mean(2)],
    "changed its input": [in_place],
    "not two numbers": [lambda a, b, d: (a - b)[d].mean(1), lambda a, b, d: (a - b).mean().item()],
    "sign turned": [lambda a, b, d: ends((b - a)[d].mean(1))],
    "ends swapped": [lambda a, b, d: right_interval(a, b, d)[::-1]],
    "no means": [lambda a, b, d: ends((a - b)[d].flatten())],
    "only the differences": [lambda a, b, d: ends(a - b)],
    "mean over dim 0": [lambda a, b, d: ends((a - b)[d].mean(0))],
    "90 % interval": [lambda a, b, d: ends((a - b)[d].mean(1), 0.05)],
    "lowest and highest": [lambda a, b, d: ((a - b)[d].mean(1).min(), (a - b)[d].mean(1).max())],
    "one arm only": [lambda a, b, d: ends(a[d].mean(1))],
    "not paired": [lambda a, b, d: ends(a[d].mean(1) - b[d.roll(1, 0)].mean(1))],
    "medians": [lambda a, b, d: ends((a - b)[d].median(1).values)],
    "other values": [lambda a, b, d: (0.0, 0.0), lambda a, b, d: (0.016, 0.022)],
}
INTERVAL_RIGHT = [
    right_interval,
    sorted_interval,
    lambda a, b, d: torch.quantile((a[d] - b[d]).mean(1), torch.tensor([0.025, 0.975])),
    lambda a, b, d: list(ends(a[d].mean(1) - b[d].mean(1))),
]


def right_verdict(low, high):
    return "supported" if low > 0 else "refuted" if high < 0 else "not separable"


def by_product(low, high):
    if low * high <= 0:
        return "not separable"
    return "supported" if low + high > 0 else "refuted"


DECIDE = {
    "not done": [lambda low, high: None],
    "another word": [lambda low, high: low > 0, lambda low, high: right_verdict(low, high).upper()],
    "sides swapped": [lambda low, high: right_verdict(-high, -low)],
    "looks at the middle": [lambda low, high: "supported" if low + high > 0 else "refuted"],
    "always the same": [lambda low, high: "supported", lambda low, high: "not separable"],
    "never refuted": [lambda low, high: "supported" if low > 0 else "not separable"],
    "other values": [
        lambda low, high: "refuted" if high < 0 else "not separable",
        lambda low, high: right_verdict(low, high) if high - low < 0.5 else "not separable",
    ],
}
DECIDE_RIGHT = [
    right_verdict,
    by_product,
    lambda low, high: {(True, True): "supported", (False, False): "refuted"}.get((low > 0, high > 0), "not separable"),
]

exact = lambda sd, effect: (1.96 * sd / effect) ** 2


def by_trying(sd, effect):
    n = 1
    while 1.96 * sd / math.sqrt(n) > effect * (1 + 1e-12):
        n += 1
    return n


right_seeds = lambda sd, effect: math.ceil(exact(sd, effect) - 1e-9)
SEEDS = {
    "not done": [lambda sd, effect: ...],
    "error": [lambda sd, effect: sd / 0],
    "not a number": [lambda sd, effect: str(right_seeds(sd, effect)), lambda sd, effect: True],
    "not rounded": [exact],
    "not squared": [lambda sd, effect: math.ceil(1.96 * sd / effect)],
    "rounded down": [lambda sd, effect: int(exact(sd, effect))],
    "one standard error": [lambda sd, effect: math.ceil((sd / effect) ** 2)],
    "turned over": [lambda sd, effect: math.ceil((1.96 * effect / sd) ** 2)],
    "variance for standard deviation": [lambda sd, effect: math.ceil((1.96 * math.sqrt(sd) / effect) ** 2)],
    "the whole interval": [lambda sd, effect: math.ceil((2 * 1.96 * sd / effect) ** 2)],
    "one seed more": [lambda sd, effect: int(exact(sd, effect)) + 1],
    "other values": [lambda sd, effect: 10, lambda sd, effect: 0],
}
SEEDS_RIGHT = [
    by_trying,
    right_seeds,
    lambda sd, effect: (
        -int(-exact(sd, effect) // 1) if exact(sd, effect) != round(exact(sd, effect), 9) else round(exact(sd, effect))
    ),
    lambda sd, effect: math.ceil(round(exact(sd, effect), 6)),
]

test_interval_names_the_mistake = names_the_mistake(checks.interval, INTERVAL)
test_interval_accepts_right_answers = accepts(checks.interval, INTERVAL_RIGHT)
test_decide_names_the_mistake = names_the_mistake(checks.decide, DECIDE)
test_decide_accepts_right_answers = accepts(checks.decide, DECIDE_RIGHT)
test_seeds_names_the_mistake = names_the_mistake(checks.seeds_needed, SEEDS)
test_seeds_accepts_right_answers = accepts(checks.seeds_needed, SEEDS_RIGHT)
