"""Checks of lesson 04: a learning rate that rises and falls, and a training to mend."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, composed, listed


def _cosine(p: float) -> float:
    """Half a cosine, from 1 at p = 0 to 0 at p = 1."""
    return (1 + math.cos(math.pi * p)) / 2


def _rates(
    steps: int,
    highest: float,
    warmup: int,
    rise: Callable = lambda s, w: (s + 1) / w,
    fall: Callable = lambda s, n, w: _cosine((s - w) / (n - w)),
    scale: Callable = lambda rate, highest: rate * highest,
) -> dict[str, float]:
    """The learning rate of every step."""
    rates = [rise(s, warmup) if s < warmup else fall(s, steps, warmup) for s in range(steps)]
    return {f"step {s}": scale(rate, highest) for s, rate in enumerate(rates)}


def _all_steps(answer: Callable, steps: int, highest: float, warmup: int) -> dict[str, object] | None:
    rates = [listed(answer, step, steps, highest, warmup) for step in range(steps)]
    return None if rates[0] in (None, ...) else {f"step {s}": rate for s, rate in enumerate(rates)}


# Exercise 1: step, steps, highest and warmup, to the learning rate of that step.
schedule = Implement(
    "my_lr",
    [(100, 0.01, 10), (37, 2.0, 5), (200, 0.5, 1)],
    solution=_rates,
    praise="my_lr is right at every step of three schedules.",
    mistakes=composed(
        _rates,
        rise=(
            Mistake("no warm-up", "The first steps should rise in a straight line.", lambda s, w: 1.0),
            Mistake(
                "warm-up starts at 0", "Step 0 should take highest / warmup, not 0: use step + 1.", lambda s, w: s / w
            ),
        ),
        fall=(
            Mistake("no decay", "After the warm-up the rate should fall.", lambda s, n, w: 1.0),
            Mistake(
                "linear decay",
                "The fall should be half a cosine, not a straight line.",
                lambda s, n, w: (n - s) / (n - w),
            ),
            Mistake(
                "cosine over all steps",
                "The cosine should begin where the warm-up ends.",
                lambda s, n, w: _cosine(s / n),
            ),
            Mistake(
                "a whole cosine",
                "The rate rises again: half a cosine runs from cos(0) to cos(π), so π times p, not 2π.",
                lambda s, n, w: _cosine(2 * (s - w) / (n - w)),
            ),
            Mistake(
                "a quarter of a cosine",
                "cos(π p / 2) is a quarter of a wave; expected (1 + cos(π p)) / 2.",
                lambda s, n, w: math.cos(math.pi / 2 * (s - w) / (n - w)),
            ),
            Mistake(
                "below zero",
                "The rate falls below 0: shift and halve the cosine, (1 + cos(π p)) / 2.",
                lambda s, n, w: math.cos(math.pi * (s - w) / (n - w)),
            ),
            Mistake(
                "degrees",
                "cos takes radians: half a turn is π, not 180.",
                lambda s, n, w: (1 + math.cos(180 * (s - w) / (n - w))) / 2,
            ),
        ),
        scale=(Mistake("not scaled", "The highest rate should be `highest`, not 1.", lambda rate, highest: rate),),
    ),
    probe=_all_steps,
    hint="The arguments are steps, highest and warmup: work this one step out by hand.",
)


def _trained(
    W: Tensor,
    X: Tensor,
    Y: Tensor,
    batches: Tensor,
    lr: float,
    given: Callable = lambda logits: logits,
    targets: Callable = lambda Y, rows: Y[rows],
    sign: int = -1,
    kept: int = 0,
    last: int | None = None,
) -> Tensor:
    """`given` is what cross_entropy gets, `kept` the share of the old gradient that is added, `last` where it stops."""
    gradient = torch.zeros_like(W)
    for rows in batches[:last]:
        weight = W.clone().requires_grad_()
        loss = F.cross_entropy(given(weight[X[rows]]), targets(Y, rows))
        gradient = kept * gradient + torch.autograd.grad(loss, weight)[0]
        W = W + sign * lr * gradient
    return W


def _training(V: int, N: int, steps: int, batch: int, lr: float) -> tuple:
    chance = torch.Generator().manual_seed(N)
    X, Y = torch.randint(V, (2, N), generator=chance)
    W = 0.5 * torch.randn(V, V, generator=chance)
    return W, X, Y, torch.randint(N, (steps, batch), generator=chance), lr


# Exercise 2: a table of logits, characters and those that follow them, the rows of each batch and lr, to the trained
# table. The mistakes are named by their symptoms, for the first run of the exercise names three of them.
mend_training = Implement(
    "my_train",
    [_training(27, 500, 5, 64, 2.0), _training(5, 40, 3, 8, 0.5), _training(9, 100, 1, 16, 1.0)],
    solution=_trained,
    praise="Each step moved the table against the gradient of its own batch, in three trainings.",
    mistakes=composed(
        _trained,
        given=(
            Mistake(
                "it hardly learns",
                "A step is much smaller than it should be. What does F.cross_entropy expect?",
                lambda logits: F.softmax(logits, dim=1),
            ),
            Mistake(
                "it hardly learns",
                "The loss isn't that of the logits. What does F.cross_entropy expect?",
                lambda logits: F.sigmoid(logits),
            ),
        ),
        targets=(
            Mistake(
                "it ignores the context",
                "It would stay at the loss of knowing each letter's share. Which target belongs to which window?",
                lambda Y, rows: Y[: len(rows)],
            ),
        ),
        sign=(Mistake("the loss rises", "Each step makes the loss larger. Where does the gradient point?", 1),),
        kept=(
            Mistake(
                "the steps keep growing", "The first step is right, the later ones are too long. What is in .grad?", 1
            ),
        ),
        last=(Mistake("one step only", "It stops after the first batch. Where does the return belong?", 1),),
    ),
    hint="Try it with one batch of one row, and work that step out by hand.",
)
