"""Checks of lesson 06: a bootstrap interval, and an analysis to mend."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, composed, listed


def _quantiles(values: Tensor, low: float = 0.025) -> tuple[float, float]:
    ends = values.double().quantile(torch.tensor([low, 1 - low], dtype=torch.float64))
    return ends[0].item(), ends[1].item()


def _one_tensor(answer: Callable, *case: Tensor) -> object:
    """A probe: a list of numbers, or an array of NumPy, becomes a tensor."""
    value = answer(*case)
    numbers = listed(lambda: value)
    is_flat = isinstance(numbers, list) and all(isinstance(item, float) for item in numbers)
    return torch.tensor(numbers) if is_flat and not isinstance(value, Tensor) else value


def _losses(seeds: int, gap: float = 0.02, means: int = 4_001) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of two nets, paired by seed, and draws; of 4,001 means, or 201, both quantiles are means themselves."""
    generator = torch.Generator().manual_seed(seeds)
    noise, a, b = torch.randn(3, seeds, generator=generator)
    draws = torch.randint(seeds, (means, seeds), generator=generator)
    return 2.10 + 0.02 * noise + 0.004 * a, 2.10 - gap + 0.02 * noise + 0.004 * b, draws


# Exercise 1: losses a and b (N,), paired by seed, and draws (S, N), to the 95 % interval of the mean of a - b.
interval = Implement(
    "my_interval",
    [_losses(10), _losses(7), _losses(9, gap=0.0), _losses(8, gap=-0.02), _losses(12, means=201)],
    solution=lambda a, b, d: _quantiles((a - b)[d].mean(1)),
    praise="my_interval is right for a net that is better, for one that is worse and for two alike.",
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
        Mistake(
            "not paired",
            "The arms are drawn apart, so that the seeds' own noise stays in; take the differences seed by seed first.",
            lambda a, b, d: _quantiles(a[d].mean(1) - b[d.flip(0)].mean(1)),
        ),
        Mistake(
            "two intervals",
            "These are the ends of two intervals, subtracted; take the differences seed by seed first.",
            lambda a, b, d: tuple(
                x - y for x, y in zip(_quantiles(a[d].mean(1)), _quantiles(b[d].mean(1)), strict=True)
            ),
        ),
        Mistake(
            "one mean of all",
            "That is one mean over all draws, so both ends are equal. Each row of draws has a mean of its own.",
            lambda a, b, d: _quantiles((a - b)[d].mean()),
        ),
        Mistake("medians", "Expected means, not medians.", lambda a, b, d: _quantiles((a - b)[d].median(1).values)),
    ),
    probe=listed,
    hint="Differences, then a mean for each row of draws, then two quantiles. One row of draws serves both nets.",
)


def _compared(
    a: Tensor,
    b: Tensor,
    choose: Callable[[Tensor], Tensor] = lambda x: x[:, :2],
    rates: Callable[[int, int], tuple[int, int]] = lambda of_a, of_b: (of_a, of_b),
    flattered: str = "",
    report: Callable[[Tensor], Tensor] = lambda x: x[2:],
    order: Callable[[Tensor], Tensor] = lambda x: x,
) -> Tensor:
    """`choose`: the losses that choose a rate. `rates`: from each net's best rate to the one it runs at.

    `flattered`: nets that run at the best rate of each seed. `report`: the seeds of the result. `order`: of each net's
    losses before they are subtracted.
    """
    at = rates(*(choose(x).mean(1).argmin().item() for x in (a, b)))
    losses = [x.min(0).values if name in flattered else x[rate] for name, x, rate in zip("ab", (a, b), at, strict=True)]
    return order(report(losses[0])) - order(report(losses[1]))


def _tried(seed: int, rates: int, seeds: int) -> tuple[Tensor, Tensor]:
    """Losses (rates, seeds) of two nets for which every way of choosing takes another rate."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(2.1 + 0.02 * torch.randn(2, rates, seeds, generator=generator))


_CHOSEN = "A rate is chosen on seeds that are reported, and so is flattered by chance. Which columns are for choosing?"
_LUCKY = "A rate that had luck with one seed wins by its lower loss. Both seeds should count: take their mean."
_BOTH = "Both nets run at the rate that suits one of them. Choose a rate for each net."
_EACH = (
    "With a rate of its own for each seed, a net beats itself. Choose one rate before you look at the reported seeds."
)
_PAIRS = "Sorting breaks the pairs: the first number of each net is then no longer from the same seed."

# Exercise 2, an analysis to mend: losses a and b (R, N), for R learning rates and N seeds, to N - 2 differences.
differences = Implement(
    "my_differences",
    [_tried(*case) for case in ((6, 5, 12), (9, 5, 12), (27, 4, 8), (5, 3, 7), (38, 7, 15))],
    solution=_compared,
    praise="Pairs, and a rate for each net, chosen on seeds that are not reported: right for five pairs of nets.",
    mistakes=(
        *composed(
            _compared,
            choose=(
                Mistake("chosen on the reported seeds", _CHOSEN, lambda x: x),
                Mistake("chosen on the reported seeds", _CHOSEN, lambda x: x[:, 2:]),
                Mistake("best of two seeds", _LUCKY, lambda x: x[:, :2].min(1, keepdim=True).values),
            ),
            rates=(
                Mistake("one rate for both nets", _BOTH, lambda of_a, of_b: (of_b, of_b)),
                Mistake("one rate for both nets", _BOTH, lambda of_a, of_b: (of_a, of_a)),
            ),
            flattered=(
                Mistake("a rate for each seed", _EACH, "b"),
                Mistake("a rate for each seed", _EACH, "ab"),
            ),
            report=(
                Mistake(
                    "reports the seeds that chose",
                    "The seeds 0 and 1 have chosen the rate: leave them out of the result.",
                    lambda x: x,
                ),
            ),
            order=(Mistake("pairs broken", _PAIRS, lambda x: x.sort().values),),
        ),
        Mistake("sign turned", "Take a - b: positive where b is better.", lambda a, b: _compared(b, a)),
        Mistake("mean only", "Return one difference per seed, not their mean.", lambda a, b: _compared(a, b).mean()),
        Mistake(
            "highest loss",
            "That is the rate with the highest loss: take argmin.",
            lambda a, b: _compared(a, b, choose=lambda x: -x[:, :2]),
        ),
    ),
    probe=_one_tensor,
    hint="Print the rate that each net gets, and which seeds the numbers in the result come from.",
)
