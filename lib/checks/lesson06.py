"""Checks of lesson 06: a bootstrap interval, a verdict from it, and the number of seeds that an effect needs."""

import math

import torch
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, listed


def _quantiles(values: Tensor, low: float = 0.025) -> tuple[float, float]:
    ends = values.double().quantile(torch.tensor([low, 1 - low], dtype=torch.float64))
    return ends[0].item(), ends[1].item()


def _losses(seeds: int) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of two nets, paired by seed, and draws; of 4,001 means, both quantiles are means themselves."""
    generator = torch.Generator().manual_seed(seeds)
    noise, a, b = torch.randn(3, seeds, generator=generator)
    draws = torch.randint(seeds, (4_001, seeds), generator=generator)
    return 2.10 + 0.02 * noise + 0.004 * a, 2.08 + 0.02 * noise + 0.004 * b, draws


# Exercise 1: losses a and b (N,), paired by seed, and draws (S, N), to the 95 % interval of the mean of a - b.
interval = Implement(
    "my_interval",
    [_losses(10), _losses(7)],
    solution=lambda a, b, d: _quantiles((a - b)[d].mean(1)),
    praise="my_interval is right for ten seeds and for seven.",
    mistakes=(
        Mistake(
            "sign turned", "Take a - b: positive where b is better.", lambda a, b, d: _quantiles((b - a)[d].mean(1))
        ),
        Mistake("ends swapped", "The low end comes first.", lambda a, b, d: _quantiles((a - b)[d].mean(1))[::-1]),
        Mistake(
            "no means",
            "Take the mean of each row of draws first; the interval is that of the means, not of single differences.",
            lambda a, b, d: _quantiles((a - b)[d].flatten()),
        ),
        Mistake(
            "only the differences",
            "The draws have no part in it: index the differences with them.",
            lambda a, b, d: _quantiles(a - b),
        ),
        Mistake(
            "mean over dim 0",
            "A row of draws is one repetition: mean over dim 1.",
            lambda a, b, d: _quantiles((a - b)[d].mean(0)),
        ),
        Mistake(
            "90 % interval",
            "0.05 at each end leaves 90 % inside; for 95 % it is 0.025.",
            lambda a, b, d: _quantiles((a - b)[d].mean(1), 0.05),
        ),
        Mistake(
            "lowest and highest",
            "The lowest and the highest mean leave nothing outside; take the quantiles 0.025 and 0.975.",
            lambda a, b, d: _quantiles((a - b)[d].mean(1), 0.0),
        ),
        Mistake(
            "one arm only",
            "This is an interval of one arm; take the difference of both.",
            lambda a, b, d: _quantiles(a[d].mean(1)),
        ),
        Mistake(
            "not paired",
            "The arms are drawn apart, so that the seeds' own noise stays in; take the differences seed by seed first.",
            lambda a, b, d: _quantiles(a[d].mean(1) - b[d.roll(1, 0)].mean(1)),
        ),
        Mistake("medians", "Expected means, not medians.", lambda a, b, d: _quantiles((a - b)[d].median(1).values)),
    ),
    probe=listed,
    hint="Differences, then a mean for each row of draws, then two quantiles.",
)


def _decided(low: float, high: float) -> str:
    return "supported" if low > 0 else "refuted" if high < 0 else "not separable"


_SAME = "The answer must depend on where the interval lies."

# Exercise 2: the interval of a difference that a claim predicts to be positive, to the verdict.
decide = Implement(
    "my_verdict",
    [
        (0.002, 0.005),
        (-0.005, -0.002),
        (-0.001, 0.009),
        (-0.009, 0.001),
        (1.0, 2.0),
        (-2.0, -1.0),
        (-1e-9, 5.0),
        (1e-9, 5.0),
    ],
    solution=_decided,
    praise="my_verdict gave the right word for eight intervals.",
    mistakes=(
        Mistake(
            "sides swapped",
            "A difference above 0 is as the claim predicts.",
            lambda low, high: _decided(-high, -low),
        ),
        Mistake(
            "looks at the middle",
            "An interval that contains 0 decides nothing, wherever its middle lies.",
            lambda low, high: "supported" if low + high > 0 else "refuted",
        ),
        Mistake(
            "never refuted",
            "An interval wholly below 0 is evidence, too: against the claim.",
            lambda low, high: "supported" if low > 0 else "not separable",
        ),
        Mistake(
            "never supported",
            "An interval wholly above 0 is evidence for the claim.",
            lambda low, high: "refuted" if high < 0 else "not separable",
        ),
        Mistake("always the same", _SAME, lambda low, high: "supported"),
        Mistake("always the same", _SAME, lambda low, high: "refuted"),
        Mistake("always the same", _SAME, lambda low, high: "not separable"),
    ),
    hint="Where is 0: below the interval, above it, or inside? The words are supported, refuted, not separable.",
)


def _seeds(sd: float, effect: float) -> float:
    return (1.96 * sd / effect) ** 2


# Exercise 3: sd and effect, to the smallest number of seeds with 1.96 · sd / sqrt(seeds) no larger than the effect.
seeds_needed = Implement(
    "my_seeds",
    [(0.003, 0.001), (0.003, 0.005), (1.0, 0.5), (0.02, 0.003), (5.0, 9.8)],
    solution=lambda sd, effect: math.ceil(_seeds(sd, effect) - 1e-9),
    praise="my_seeds is right for five pairs of sd and effect.",
    mistakes=(
        Mistake("not rounded", "Seeds are whole: round up.", _seeds),
        Mistake(
            "not squared",
            "The standard error falls with the square root of the number of seeds: square the ratio.",
            lambda sd, effect: math.ceil(1.96 * sd / effect),
        ),
        Mistake(
            "rounded down",
            "Round up: a fraction of a seed is one seed more.",
            lambda sd, effect: math.floor(_seeds(sd, effect)),
        ),
        Mistake(
            "one standard error",
            "The interval reaches 1.96 standard errors to each side, not one.",
            lambda sd, effect: math.ceil((sd / effect) ** 2),
        ),
        Mistake(
            "turned over",
            "The smaller the effect, the more seeds: divide by the effect.",
            lambda sd, effect: math.ceil((1.96 * effect / sd) ** 2),
        ),
        Mistake(
            "variance for standard deviation",
            "sd is a standard deviation already: (1.96 · sd / effect) squared.",
            lambda sd, effect: math.ceil((1.96 * sd**0.5 / effect) ** 2),
        ),
        Mistake(
            "the whole interval",
            "Half of the interval should be as long as the effect, not the whole of it.",
            lambda sd, effect: math.ceil(4 * _seeds(sd, effect)),
        ),
        Mistake(
            "one seed more",
            "A number that is whole already is not rounded up.",
            lambda sd, effect: math.floor(_seeds(sd, effect)) + 1,
        ),
    ),
    probe=listed,
    hint="Solve 1.96 · sd / sqrt(n) = effect for n, then round up.",
)
