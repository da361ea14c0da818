"""Checks of lesson 03: normalising, and a layer to mend."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, composed

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


def _layer(
    x: Tensor,
    mean: Tensor,
    var: Tensor,
    training: bool,
    of_batch: Callable[[bool], bool] = bool,
    moves: Callable[[bool], bool] = bool,
    over: Dims = (0, 1),
    unbiased: bool = False,
    stored: bool = True,
    moved_first: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """`of_batch`, `moves`: from the mode to whether statistics are the batch's, and whether the running ones move."""
    dim = 0 if x.ndim == 2 else over
    shares = ((mean, x.mean(dim)), (var, x.var(dim, unbiased=stored)))
    new = tuple(0.9 * old + 0.1 * batch for old, batch in shares) if moves(training) else (mean, var)
    xmean, xvar = (x.mean(dim), x.var(dim, unbiased=unbiased)) if of_batch(training) else (mean, var)
    if training and moved_first:
        xmean, xvar = new
    return (x - xmean) / torch.sqrt(xvar + 1e-5), *new


_STATISTICS = [(torch.tensor([1.0, 2.0, 3.0][:size]), torch.tensor([4.0, 1.0, 9.0][:size])) for size in (3, 2)]

# Exercise 2, a layer to mend: x, running mean and variance, mode, to the output and the new running mean and variance.
mend_layer = Implement(
    "my_layer",
    [
        (_uneven(5, 3), *_STATISTICS[0], False),
        (_uneven(5, 3), *_STATISTICS[0], True),
        (_uneven(3, 4, 2), *_STATISTICS[1], False),
        (_uneven(3, 4, 2), *_STATISTICS[1], True),
    ],
    solution=_layer,
    praise="In train mode the batch's statistics, in eval mode the running ones, which then stay as they are.",
    mistakes=composed(
        _layer,
        of_batch=(
            Mistake(
                "an answer depends on its company",
                "With training=False, the output for one example changes with the other examples in the batch.",
                lambda training: True,
            ),
            Mistake(
                "modes swapped",
                "Train mode uses the running statistics and eval mode the batch's: it is the other way round.",
                lambda training: not training,
            ),
            Mistake(
                "running statistics in train mode",
                "In train mode the output uses the running statistics: take those of the batch there.",
                lambda training: False,
            ),
        ),
        moves=(
            Mistake(
                "moves in eval mode",
                "The running statistics move in eval mode: leave them as they are.",
                lambda training: True,
            ),
            Mistake(
                "nothing moved",
                "The running statistics have to move in train mode.",
                lambda training: False,
            ),
        ),
        moved_first=(
            Mistake(
                "moved statistics in train mode",
                "In train mode you normalise with the running statistics that you just moved: take the batch's.",
                True,
            ),
        ),
        over=(Mistake("dim 0 of a 3-D tensor", "Average a 3-D tensor over dims (0, 1).", 0),),
        unbiased=(Mistake("unbiased variance", "Normalise with the biased variance, unbiased=False.", True),),
        stored=(
            Mistake("biased variance", "The stored variance divides by n - 1: leave x.var(dim) as it was.", False),
        ),
    ),
    hint="Print the output for training=True and training=False. In which of them should the batch matter?",
)
