"""Checks of lesson 03: normalising, counting statistics, running statistics."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, Predict, Question, composed

Dims = int | tuple[int, ...]


def _uneven(*shape: int) -> Tensor:
    """Numbers whose mean and spread differ from channel to channel and from time step to time step."""
    channels = torch.arange(1.0, shape[-1] + 1)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * channels + 2 * channels
    return x + 1.5 * torch.arange(shape[1])[:, None] if len(shape) == 3 else x


def _root(var: Tensor, eps: float) -> Tensor:
    return torch.sqrt(var + eps)


def _normalised(
    x: Tensor,
    eps: float,
    dims: tuple[Dims, Dims] = (0, (0, 1)),
    unbiased: bool = False,
    scale: Callable = _root,
    centre: int = 1,
) -> Tensor:
    """`dims` are those of the mean and the variance, for 2-D and for 3-D input."""
    dim = dims[x.ndim - 2]
    return (x - centre * x.mean(dim, keepdim=True)) / scale(x.var(dim, keepdim=True, unbiased=unbiased), eps)


_LAYER_NORM = "You average over the channels (that is layer normalisation): average over dim 0, or dims (0, 1) in 3-D."
_ROOT = "You divide by the variance: divide by the root of (variance + eps)."

# Exercise 1: (B, C) or (B, T, C) and eps, to the same shape with mean 0 and biased variance 1 per channel.
normalise = Implement(
    "my_normalise",
    [(_uneven(*shape), 0.1) for shape in ((6, 3), (4, 2, 3), (5, 4), (3, 5, 2))],
    solution=_normalised,
    praise="Mean 0 and biased variance 1 in every channel, for two shapes with time steps and two without.",
    mistakes=(
        Mistake("returned its input", "That is the argument, unchanged.", lambda x, eps: x),
        *composed(
            _normalised,
            dims=(
                Mistake(
                    "dim 0 of a 3-D tensor",
                    "Each time step has its own statistics: average a 3-D tensor over dims (0, 1), not over dim 0.",
                    (0, 0),
                ),
                Mistake(
                    "dim 1",
                    "Each example has its own statistics: average a 3-D tensor over dims (0, 1), not over dim 1.",
                    (0, 1),
                ),
                Mistake("last dimension", _LAYER_NORM, (-1, -1)),
                Mistake("last dimension", _LAYER_NORM, (0, -1)),
                Mistake(
                    "all dimensions",
                    "All channels share one mean: average over dim 0, or dims (0, 1) in 3-D, so that each has its own.",
                    ((0, 1), (0, 1, 2)),
                ),
                Mistake(
                    "all dimensions",
                    "All channels share one mean in 3-D: average over dims (0, 1), so that each has its own.",
                    (0, (0, 1, 2)),
                ),
                Mistake(
                    "each example by itself",
                    "Each example has one mean for all its numbers: average over dims (0, 1).",
                    (0, (1, 2)),
                ),
            ),
            unbiased=(
                Mistake(
                    "unbiased variance",
                    "You divide the squared distances by n - 1 (the default of x.var and x.std): pass unbiased=False.",
                    True,
                ),
            ),
            scale=(
                Mistake(
                    "no eps",
                    "eps is missing, or not the argument: divide by the root of (variance + eps).",
                    lambda var, eps: var.sqrt(),
                ),
                Mistake(
                    "eps outside the root",
                    "eps is added to the root: add it to the variance, then take the root.",
                    lambda var, eps: var.sqrt() + eps,
                ),
                Mistake("forgot the root", _ROOT, lambda var, eps: var + eps),
                Mistake("forgot the root", _ROOT, lambda var, eps: var),
                Mistake(
                    "not divided",
                    "After subtracting the mean, divide by the root of (variance + eps).",
                    lambda var, eps: torch.ones_like(var),
                ),
            ),
            centre=(Mistake("mean not subtracted", "Subtract the mean before you divide.", 0),),
        ),
    ),
    hint="Print mean and variance of each channel, step by step, and compare.",
)

_KEEPDIM = "keepdim=True leaves a 1 for each dimension that is averaged away."
_ALL = "That is how many numbers x has, and 100 channels share them."


def _count(right: object, *mistakes: Mistake) -> Question:
    return Question(right, "Strike out the sizes that are averaged away, and look at what is left.", mistakes)


# Exercise 2: predicted shapes and counts; x is (64, 4, 100), y is (64, 100, 4).
count_statistics = Predict(
    "my_answers",
    None,
    {
        "a": _count(
            (1, 1, 100),
            Mistake("keepdim forgotten", _KEEPDIM, (100,)),
            Mistake("time not averaged", "Dim 1, the time steps, is averaged away too.", (1, 4, 100)),
            Mistake("averaged the channels", "Dims 0 and 1 are averaged away, dim 2 stays.", (64, 4, 1)),
        ),
        "b": _count(
            100,
            Mistake(
                "counted the values",
                "That is how many values go into each mean; there is one mean per channel.",
                256,
            ),
            Mistake(
                "time not averaged",
                "That is one mean for each channel at each time step, the silent bug.",
                400,
            ),
            Mistake("counted everything", "That is how many numbers x has.", 25600),
            Mistake(
                "counted the dimensions",
                "Count the numbers in the tensor of means: multiply the sizes of its shape.",
                3,
            ),
        ),
        "c": _count(
            256,
            Mistake("time forgotten", "Every time step of every example counts: 64 times 4.", 64),
            Mistake("batch forgotten", "Every example counts, with each of its time steps: 64 times 4.", 4),
            Mistake("counted the means", "That is the number of means; each is over batch and time.", 100),
            Mistake("counted everything", _ALL, 25600),
        ),
        "d": _count(
            (4, 100),
            Mistake("keepdim assumed", "Without keepdim=True the averaged dimension is dropped.", (1, 4, 100)),
            Mistake("time averaged too", "Only dim 0 is averaged away; dim 1 stays.", (100,)),
            Mistake("another dimension", "That is x.mean(1): dimensions are counted from 0.", (64, 100)),
            Mistake("averaged the channels", "That is x.mean(2): dim 0 is the batch.", (64, 4)),
        ),
        "e": _count(
            64,
            Mistake("time averaged too", "Only dim 0 is averaged away, and it has 64 values.", 256),
            Mistake("counted the means", "That is the number of means; each is over dim 0.", 400),
            Mistake("another dimension", "That is the size of dim 1: dimensions are counted from 0.", 4),
        ),
        "f": _count(
            (1, 100, 1),
            Mistake("channels looked for last", "In PyTorch's layout the channels are dim 1; they stay.", (1, 1, 4)),
            Mistake("channels looked for last", "keepdim=True leaves every dimension in its place.", (1, 1, 100)),
            Mistake("keepdim forgotten", _KEEPDIM, (100,)),
            Mistake("time not averaged", "Dim 2, PyTorch's time steps, is averaged away too.", (1, 100, 4)),
            Mistake("averaged the channels", "Dims 0 and 2 are averaged away, dim 1 stays.", (64, 1, 4)),
        ),
    },
)


def _mixed(old: Tensor, new: Tensor, momentum: float) -> Tensor:
    return (1 - momentum) * old + momentum * new


def _updated(
    mean: Tensor,
    var: Tensor,
    x: Tensor,
    momentum: float,
    of_mean: Callable = _mixed,
    of_var: Callable = _mixed,
    spread: Callable = Tensor.var,
    over: tuple[Dims, dict] = ((0, 1), {}),
) -> tuple[Tensor, Tensor]:
    """`of_mean` and `of_var` mix old and new, `spread` is stored; `over`: dimensions of 3-D input, and options."""
    dim, options = (0 if x.ndim == 2 else over[0]), over[1]
    return of_mean(mean, x.mean(dim, **options), momentum), of_var(var, spread(x, dim, **options), momentum)


_SHARES = (
    Mistake(
        "momentum the wrong way round",
        "momentum is the weight of the batch; the old value keeps 1 - momentum.",
        lambda old, new, m: m * old + (1 - m) * new,
    ),
    Mistake(
        "old value forgotten",
        "You return the batch's statistics alone: the old value keeps a share of 1 - momentum.",
        lambda old, new, m: new,
    ),
    Mistake(
        "old value not reduced",
        "The old value keeps its full weight: multiply it by 1 - momentum, so that the weights add up to 1.",
        lambda old, new, m: old + m * new,
    ),
    Mistake(
        "momentum of its own",
        "The weights are 0.9 and 0.1 for any momentum: use the argument.",
        lambda old, new, m: 0.9 * old + 0.1 * new,
    ),
    Mistake(
        "nothing moved",
        "You return an argument unchanged: the batch has no weight in it yet.",
        lambda old, new, m: old,
    ),
)
_DEVIATION = "You store the standard deviation: store the variance, divided by n - 1."

# Exercise 3: running mean and variance, x and momentum, to the new running mean and variance.
update_running = Implement(
    "my_update",
    [
        (torch.arange(1.0, shape[-1] + 1), torch.arange(2.0, shape[-1] + 2), _uneven(*shape), momentum)
        for shape, momentum in (((5, 3), 0.25), ((3, 4, 2), 0.25), ((6, 2, 5), 0.75))
    ],
    solution=_updated,
    praise="Running mean and variance moved as torch moves them, for two momenta, with time steps and without.",
    mistakes=(
        Mistake(
            "variance first",
            "The variance is first and the mean second; return mean, variance.",
            lambda *case: _updated(*case)[::-1],
        ),
        *composed(
            _updated,
            of_mean=_SHARES,
            of_var=_SHARES,
            spread=(
                Mistake(
                    "biased variance",
                    "You store the biased variance: the stored one divides by n - 1.",
                    lambda x, dim, **options: x.var(dim, unbiased=False, **options),
                ),
                Mistake("standard deviation", _DEVIATION, Tensor.std),
                Mistake(
                    "standard deviation", _DEVIATION, lambda x, dim, **options: x.std(dim, unbiased=False, **options)
                ),
            ),
            over=(
                Mistake(
                    "dim 0 of a 3-D tensor",
                    "Average a 3-D tensor over dims (0, 1): each time step has its own statistic.",
                    (0, {}),
                ),
                Mistake(
                    "averaged dimensions kept",
                    "Leave keepdim out here: the running statistics have shape (C,).",
                    ((0, 1), {"keepdim": True}),
                ),
            ),
        ),
    ),
    hint="Work one channel out by hand: (1 - momentum) times the old value, plus momentum times the batch's.",
)
