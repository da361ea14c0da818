"""Checks of lesson 01: one-hot vectors, and a loss to mend."""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, listed

_FLOATS = "A net multiplies floats: add .float()."
_SINGLE = "Each row holds a single 1: print the sums of your rows."
_PLACE = "Compare the places of the ones with the ids; the first place is number 0."

# Exercise 1: ids of any shape and a size, to floats with one more dimension.
one_hot = Implement(
    "my_one_hot",
    [(torch.tensor([2, 0, 3]), 5), (torch.tensor([[1, 4], [0, 2]]), 6), (torch.tensor([[0]]), 1)],
    solution=lambda ids, size: torch.eye(size)[ids],
    praise="my_one_hot is right for ids of three shapes.",
    mistakes=(
        Mistake("not floats", _FLOATS, F.one_hot),
        Mistake("not floats", _FLOATS, lambda ids, size: ids[..., None] == torch.arange(size)),
        Mistake("not one 1 per row", _SINGLE, lambda ids, size: torch.ones(*ids.shape, size)),
        Mistake("not one 1 per row", _SINGLE, lambda ids, size: torch.ones(size, size).tril()[ids]),
        Mistake("not one 1 per row", _SINGLE, lambda ids, size: torch.arange(float(size)).diag()[ids]),
        Mistake("1 at another place", _PLACE, lambda ids, size: torch.eye(size)[ids - 1]),
        Mistake("1 at another place", _PLACE, lambda ids, size: torch.eye(size)[(ids + 1) % size]),
        Mistake("1 at another place", _PLACE, lambda ids, size: torch.eye(size)[size - 1 - ids]),
        Mistake("1 at another place", _PLACE, lambda ids, size: torch.eye(size)[torch.zeros_like(ids)]),
    ),
    hint="Each id becomes a row of `size` places: 1 at the id's place, 0 elsewhere.",
)


def _scored(rows: int, characters: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, characters, generator=generator)
    return logits, torch.randint(characters, (rows,), generator=generator)


def _loss(
    logits: Tensor,
    targets: Tensor,
    dim: int = 1,
    softmax: int = 1,
    change: Callable[[Tensor], Tensor] = lambda losses: losses.mean(),
) -> float | list[float]:
    """The mean loss, softmax taken so many times over that dimension, and `change` applied to the losses of the rows."""
    for _ in range(softmax - 1):
        logits = F.softmax(logits, dim=dim)
    return change(-F.log_softmax(logits, dim=dim).gather(1, targets[:, None])[:, 0]).tolist()


_MEAN = "Take the mean over the rows."

# Exercise 2: logits and targets, to the mean loss; the given code takes softmax twice.
mended_loss = Implement(
    "mended_loss",
    [_scored(8, 27, seed=1), (20 * F.one_hot(torch.arange(4), 27).float(), torch.arange(4)), _scored(3, 5, seed=2)],
    solution=_loss,
    praise="mended_loss is right for 3, 4 and 8 rows, and near 0 for a net that is certain and right.",
    mistakes=(
        Mistake("not mended", "It still gives the loss of the code above.", partial(_loss, softmax=2)),
        Mistake(
            "softmax over the batch",
            "The probabilities of one row should sum to 1: print the sums of your rows.",
            partial(_loss, dim=0),
        ),
        Mistake(
            "no logarithm",
            "A loss is minus the logarithm of a probability; yours has no logarithm.",
            partial(_loss, change=lambda losses: -(-losses).exp().mean()),
        ),
        Mistake(
            "sign",
            "The logarithm of a probability is negative, a loss is not.",
            partial(_loss, change=lambda losses: -losses.mean()),
        ),
        Mistake("sum, not mean", _MEAN, partial(_loss, change=Tensor.sum)),
        Mistake("one loss per row", _MEAN, partial(_loss, change=lambda losses: losses)),
        Mistake(
            "base 2",
            "The unit is the nat: take the natural logarithm.",
            partial(_loss, change=lambda losses: losses.mean() / math.log(2)),
        ),
        Mistake(
            "perplexity", "That is exp(loss): return the loss itself.", partial(_loss, change=lambda x: x.mean().exp())
        ),
    ),
    probe=listed,
    hint="Try it on zeros, and on a row whose target has a logit of 20 and the others 0. Which loss do you expect?",
)
