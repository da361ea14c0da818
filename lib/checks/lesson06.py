"""Checks of lesson 06: an interval by bootstrap, a verdict from it, and the seeds that an effect needs."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.exercise import Verdict, right, run, wrong


def _quantiles(values: Tensor, low: float = 0.025) -> tuple[float, float]:
    ends = values.double().quantile(torch.tensor([low, 1 - low], dtype=torch.float64))
    return ends[0].item(), ends[1].item()


# What an answer may do instead of the right thing: its name, a hint, and the interval it gives.
_INTERVALS = (
    ("sign turned", "Take a - b: positive where b is better.", lambda a, b, d: _quantiles((b - a)[d].mean(1))),
    ("ends swapped", "The low end comes first.", lambda a, b, d: _quantiles((a - b)[d].mean(1))[::-1]),
    ("no means", "Take the mean of each row of draws first; the interval is that of the means, not of single differences.", lambda a, b, d: _quantiles((a - b)[d].flatten())),
    ("only the differences", "The draws have no part in it: index the differences with them.", lambda a, b, d: _quantiles(a - b)),
    ("mean over dim 0", "A row of draws is one repetition: mean over dim 1.", lambda a, b, d: _quantiles((a - b)[d].mean(0))),
    ("90 % interval", "0.05 at each end leaves 90 % inside; for 95 % it is 0.025.", lambda a, b, d: _quantiles((a - b)[d].mean(1), 0.05)),
    ("lowest and highest", "The lowest and the highest mean leave nothing outside; take the quantiles 0.025 and 0.975.", lambda a, b, d: ((a - b)[d].mean(1).min().item(), (a - b)[d].mean(1).max().item())),
    ("one arm only", "This is an interval of one arm; take the difference of both.", lambda a, b, d: _quantiles(a[d].mean(1))),
    ("not paired", "The arms are drawn apart, so that the seeds' own noise stays in; take the differences seed by seed first.", lambda a, b, d: _quantiles(a[d].mean(1) - b[d.roll(1, 0)].mean(1))),
    ("medians", "The mean was wanted, not the median.", lambda a, b, d: _quantiles((a - b)[d].median(1).values)),
)  # fmt: skip


def interval(function: Callable) -> Verdict:
    """Lesson 06, exercise 1: losses a and b (N,), paired by seed, and draws (S, N) to the 95 % interval of the mean of a - b."""
    generator = torch.Generator().manual_seed(0)
    for seeds in (10, 7):
        noise = torch.randn(seeds, generator=generator)
        a = 2.10 + 0.02 * noise + 0.004 * torch.randn(seeds, generator=generator)
        b = 2.08 + 0.02 * noise + 0.004 * torch.randn(seeds, generator=generator)
        draws = torch.randint(seeds, (4_000, seeds), generator=generator)
        result, problem = run(function, a, b, draws)
        if problem:
            return problem
        if isinstance(result, Tensor) and result.shape == (2,):
            result = tuple(result)
        if not (isinstance(result, tuple | list) and len(result) == 2):
            return wrong("not two numbers", "my_interval should return two numbers: the low end and the high end.")
        found = tuple(float(end) for end in result)
        if _near(found, _quantiles((a - b)[draws].mean(1))):
            continue
        message = (
            f"For {seeds} seeds my_interval returned {found[0]:.4f} to {found[1]:.4f}, which is not the interval. "
        )
        for mistake, hint, other in _INTERVALS:
            if _near(found, other(a, b, draws)):
                return wrong(mistake, message + hint)
        return wrong("other values", message + "Differences, then a mean for each row of draws, then two quantiles.")
    return right("my_interval gave the right interval for ten seeds and for seven.")


def _near(found: tuple[float, float], wanted: tuple[float, float]) -> bool:
    return all(abs(a - b) < 2e-4 for a, b in zip(found, wanted, strict=True))


def decide(function: Callable) -> Verdict:
    """Lesson 06, exercise 2: the interval of a difference that a claim predicts to be positive, to the verdict."""
    words = ("supported", "refuted", "not separable")
    cases = {
        (0.002, 0.005): "supported",
        (-0.005, -0.002): "refuted",
        (-0.001, 0.009): "not separable",
        (-0.009, 0.001): "not separable",
        (1.0, 2.0): "supported",
        (-2.0, -1.0): "refuted",
        (-1e-9, 5.0): "not separable",
        (1e-9, 5.0): "supported",
    }
    found = {}
    for ends in cases:
        found[ends], problem = run(function, *ends)
        if problem:
            return problem
        if found[ends] not in words:
            return wrong("another word", f"my_verdict returned {found[ends]!r}; the words are {', '.join(words)}.")
    if found == cases:
        return right("my_verdict gave the right word for eight intervals.")
    ends = next(ends for ends in cases if found[ends] != cases[ends])
    message = f"For the interval {ends[0]} to {ends[1]} my_verdict said {found[ends]!r}. "
    turned = {"supported": "refuted", "refuted": "supported", "not separable": "not separable"}
    by_mean = {ends: "supported" if sum(ends) > 0 else "refuted" for ends in cases}
    if found == {ends: turned[word] for ends, word in cases.items()}:
        return wrong("sides swapped", message + "A difference above 0 is as the claim predicts.")
    if all(found[ends] == by_mean[ends] for ends in cases if cases[ends] == "not separable"):
        return wrong(
            "looks at the middle", message + "An interval with 0 inside says nothing, wherever its middle lies."
        )
    if len(set(found.values())) == 1:
        return wrong("always the same", message + "The answer must depend on where the interval lies.")
    if "refuted" not in found.values():
        return wrong(
            "never refuted", message + "An interval that lies wholly below 0 is evidence, too: against the claim."
        )
    return wrong("other values", message + "Where does 0 lie: below the interval, above it, or inside?")


# For the number of seeds: names, hints, and the numbers that they give.
_SEEDS = (
    ("not squared", "The standard error falls with the square root of the number of seeds: square the ratio.", lambda sd, e: math.ceil(1.96 * sd / e)),
    ("rounded down", "Round up: a share of a seed is one seed more.", lambda sd, e: math.floor((1.96 * sd / e) ** 2)),
    ("one standard error", "The interval reaches 1.96 standard errors to each side, not one.", lambda sd, e: math.ceil((sd / e) ** 2)),
    ("turned over", "The smaller the effect, the more seeds: divide by the effect.", lambda sd, e: math.ceil((1.96 * e / sd) ** 2)),
    ("variance for standard deviation", "sd is a standard deviation already: (1.96 · sd / effect) squared.", lambda sd, e: math.ceil((1.96 * sd**0.5 / e) ** 2)),
    ("the whole interval", "Half of the interval is to be as long as the effect, not the whole of it.", lambda sd, e: math.ceil((2 * 1.96 * sd / e) ** 2)),
    ("one seed more", "A number that is whole already is not rounded up.", lambda sd, e: math.floor((1.96 * sd / e) ** 2) + 1),
)  # fmt: skip


def seeds_needed(function: Callable) -> Verdict:
    """Lesson 06, exercise 3: sd and effect, to the least number of seeds with 1.96 · sd / sqrt(seeds) no larger than the effect."""
    cases = [(0.003, 0.001), (0.003, 0.005), (1.0, 0.5), (0.02, 0.003), (5.0, 9.8)]
    found = []
    for sd, effect in cases:
        result, problem = run(function, sd, effect)
        if problem:
            return problem
        if isinstance(result, bool) or not isinstance(result, int | float | Tensor):
            return wrong("not a number", f"my_seeds returned {type(result).__name__}; a whole number was wanted.")
        found.append(float(result))
    exact = [(1.96 * sd / effect) ** 2 for sd, effect in cases]
    wanted = [math.ceil(n - 1e-9) for n in exact]
    if found == wanted:
        return right(f"my_seeds gave the right number for {len(cases)} pairs of sd and effect.")
    i = next(i for i in range(len(cases)) if found[i] != wanted[i])
    message = f"For sd = {cases[i][0]} and effect = {cases[i][1]}, my_seeds returned {found[i]:g}. "
    if all(abs(a - b) < 1e-9 for a, b in zip(found, exact, strict=True)):
        return wrong("not rounded", message + "Seeds are whole: round up.")
    for mistake, hint, other in _SEEDS:
        if found == [other(*case) for case in cases]:
            return wrong(mistake, message + hint)
    return wrong("other values", message + "Solve 1.96 · sd / sqrt(n) = effect for n, then round up.")
