"""Checks of lesson 04: a learning rate that rises and falls, and a step with momentum."""

import math
from collections.abc import Callable

import torch
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


def _moved(
    w: Tensor, g: Tensor, v: Tensor, lr: float, m: float, new: Callable = lambda g, v, lr, m: m * v + g
) -> tuple[Tensor, Tensor]:
    velocity = new(g, v, lr, m)
    return w - lr * velocity, velocity


# Exercise 2: weight, gradient, velocity, lr and momentum, to the new weight and the new velocity.
momentum_step = Implement(
    "my_step",
    [
        (*torch.randn(3, *shape, generator=torch.Generator().manual_seed(len(shape))), lr, momentum)
        for shape, lr, momentum in (((3,), 0.2, 0.9), ((4, 2), 0.3, 0.5), ((1,), 0.01, 0.0))
    ],
    solution=_moved,
    praise="my_step moved weight and velocity right, for three shapes.",
    mistakes=(
        Mistake(
            "swapped",
            "They are in the wrong order: the weight first, then the velocity.",
            lambda *case: _moved(*case)[::-1],
        ),
        Mistake(
            "uphill",
            "The weight moves with the gradient; downhill is against it.",
            lambda w, g, v, lr, m: _moved(w, g, v, -lr, m),
        ),
        Mistake(
            "old velocity",
            "The weight moves by the old velocity; compute the new one first.",
            lambda w, g, v, lr, m: (w - lr * v, m * v + g),
        ),
        Mistake(
            "no momentum",
            "The weight moves by the gradient alone: the old velocity has no part in it.",
            lambda w, g, v, lr, m: (w - lr * g, m * v + g),
        ),
        Mistake(
            "velocity not kept",
            "The velocity you return is the gradient alone: the old one has no part in it.",
            lambda w, g, v, lr, m: (w - lr * g, g),
        ),
        Mistake(
            "velocity not returned",
            "The velocity you return is still the old one.",
            lambda w, g, v, lr, m: (w - lr * (m * v + g), v),
        ),
        Mistake(
            "momentum on the gradient",
            "momentum multiplies the old velocity, not the gradient.",
            lambda *case: _moved(*case, new=lambda g, v, lr, m: v + m * g),
        ),
        Mistake(
            "averaged",
            "(1 - momentum) belongs to an average; here the whole gradient is added.",
            lambda *case: _moved(*case, new=lambda g, v, lr, m: m * v + (1 - m) * g),
        ),
        Mistake(
            "learning rate twice",
            "The learning rate is in the velocity and in the step; it belongs in the step only.",
            lambda *case: _moved(*case, new=lambda g, v, lr, m: m * v + lr * g),
        ),
        Mistake(
            "learning rate in the velocity",
            "The velocity you return contains the learning rate; it belongs in the weight's step only.",
            lambda w, g, v, lr, m: (w - (m * v + lr * g), m * v + lr * g),
        ),
        Mistake(
            "no learning rate",
            "The weight moves by the whole velocity: multiply by lr.",
            lambda w, g, v, lr, m: (w - (m * v + g), m * v + g),
        ),
        Mistake("nothing changed", "You return weight and velocity unchanged.", lambda w, g, v, lr, m: (w, v)),
    ),
    hint="Try it with one number each: weight 1, gradient 1, velocity 0.",
)
