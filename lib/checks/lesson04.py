"""Checks of lesson 04: a learning rate that rises and falls, and a step with momentum."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.exercise import Verdict, right, run, wrong

# What an answer may do instead of the right thing: its name, a hint, and the rate it gives.
_SCHEDULES = (
    ("no warm-up", "The first steps should rise in a straight line.", lambda s, n, h, w: h * _cosine(max(0, s - w) / (n - w))),
    ("warm-up starts at 0", "Step 0 should take highest / warmup, not 0: use step + 1.", lambda s, n, h, w: h * s / w if s < w else h * _cosine((s - w) / (n - w))),
    ("no decay", "After the warm-up the rate should fall.", lambda s, n, h, w: h * min(1, (s + 1) / w)),
    ("linear decay", "The fall should be half a cosine, not a straight line.", lambda s, n, h, w: h * (s + 1) / w if s < w else h * (n - s) / (n - w)),
    ("cosine over all steps", "The cosine should begin where the warm-up ends.", lambda s, n, h, w: h * (s + 1) / w if s < w else h * _cosine(s / n)),
    ("a whole cosine", "The rate rises again: half a cosine runs from cos(0) to cos(π), so π times p, not 2π.", lambda s, n, h, w: h * (s + 1) / w if s < w else h * _cosine(2 * (s - w) / (n - w))),
    ("a quarter of a cosine", "cos(π p / 2) is a quarter of a wave; (1 + cos(π p)) / 2 was wanted.", lambda s, n, h, w: h * (s + 1) / w if s < w else h * math.cos(math.pi / 2 * (s - w) / (n - w))),
    ("below zero", "The rate falls below 0: shift and halve the cosine, (1 + cos(π p)) / 2.", lambda s, n, h, w: h * (s + 1) / w if s < w else h * math.cos(math.pi * (s - w) / (n - w))),
    ("degrees", "cos takes radians: half a turn is π, not 180.", lambda s, n, h, w: h * (s + 1) / w if s < w else h * (1 + math.cos(180 * (s - w) / (n - w))) / 2),
    ("not scaled", "The highest rate should be `highest`, not 1.", lambda s, n, h, w: (s + 1) / w if s < w else _cosine((s - w) / (n - w))),
)  # fmt: skip


def _cosine(p: float) -> float:
    """Half a cosine, from 1 at p = 0 to 0 at p = 1."""
    return (1 + math.cos(math.pi * p)) / 2


def schedule(function: Callable) -> Verdict:
    """Lesson 04, exercise 1: step, steps, highest and warmup, to the learning rate of that step."""
    for steps, highest, warmup in ((100, 0.01, 10), (37, 2.0, 5), (1_000, 0.5, 1)):
        found, wanted = [], []
        for step in range(steps):
            rate, problem = run(function, step, steps, highest, warmup)
            if problem:
                return problem
            if not isinstance(rate, int | float | Tensor):
                return wrong(
                    "not a number", f"my_lr returned {type(rate).__name__} for step {step}; a number was wanted."
                )
            found.append(float(rate))
            wanted.append(
                highest * (step + 1) / warmup
                if step < warmup
                else highest * _cosine((step - warmup) / (steps - warmup))
            )
        if _near(found, wanted, highest):
            continue
        step = next(i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if not abs(a - b) <= 1e-6 * highest)
        message = f"With steps = {steps}, highest = {highest} and warmup = {warmup}, step {step} got {found[step]:.6g}; wanted {wanted[step]:.6g}. "
        for mistake, hint, other in _SCHEDULES:
            if _near(found, [other(s, steps, highest, warmup) for s in range(steps)], highest):
                return wrong(mistake, message + hint)
        return wrong("other values", message + "Work this one step out by hand.")
    return right("my_lr gave the right rate at every step of three schedules.")


def _near(found: list[float], wanted: list[float], highest: float) -> bool:
    return all(abs(a - b) <= 1e-6 * highest for a, b in zip(found, wanted, strict=True))


_STEPS = (
    ("uphill", "The weight moves with the gradient; downhill is against it.", lambda w, g, v, lr, m: (w + lr * (m * v + g), m * v + g)),
    ("old velocity", "The weight moves by the old velocity; compute the new one first.", lambda w, g, v, lr, m: (w - lr * v, m * v + g)),
    ("no momentum", "The weight moves by the gradient alone: the old velocity has no part in it.", lambda w, g, v, lr, m: (w - lr * g, m * v + g)),
    ("velocity not kept", "The velocity you return is the gradient alone: the old one has no part in it.", lambda w, g, v, lr, m: (w - lr * g, g)),
    ("velocity not returned", "The velocity you return is still the old one.", lambda w, g, v, lr, m: (w - lr * (m * v + g), v)),
    ("momentum on the gradient", "momentum multiplies the old velocity, not the gradient.", lambda w, g, v, lr, m: (w - lr * (v + m * g), v + m * g)),
    ("averaged", "(1 - momentum) belongs to an average; here the whole gradient is added.", lambda w, g, v, lr, m: (w - lr * (m * v + (1 - m) * g), m * v + (1 - m) * g)),
    ("learning rate twice", "The learning rate is in the velocity and in the step; it belongs in the step only.", lambda w, g, v, lr, m: (w - lr * (m * v + lr * g), m * v + lr * g)),
    ("learning rate in the velocity", "The velocity you return holds the learning rate; it belongs in the weight's step only.", lambda w, g, v, lr, m: (w - (m * v + lr * g), m * v + lr * g)),
    ("no learning rate", "The weight moves by the whole velocity: multiply by lr.", lambda w, g, v, lr, m: (w - (m * v + g), m * v + g)),
    ("nothing changed", "The weight is as it was.", lambda w, g, v, lr, m: (w, v)),
)  # fmt: skip


def momentum_step(function: Callable) -> Verdict:
    """Lesson 04, exercise 2: weight, gradient, velocity, lr and momentum, to the new weight and the new velocity."""
    generator = torch.Generator().manual_seed(0)
    for shape, lr, momentum in (((3,), 0.2, 0.9), ((4, 2), 0.3, 0.5), ((1,), 0.01, 0.0)):
        weight, gradient, velocity = (torch.randn(shape, generator=generator) for _ in range(3))
        result, problem = run(function, weight, gradient, velocity, lr, momentum)
        if problem:
            return problem
        if not (
            isinstance(result, tuple | list) and len(result) == 2 and all(isinstance(part, Tensor) for part in result)
        ):
            return wrong(
                "not two tensors",
                "my_step should return two tensors: the new weight and the new velocity, in this order.",
            )
        new = momentum * velocity + gradient
        wanted = (weight - lr * new, new)
        result = tuple(result)
        if _both_close(result, wanted):
            continue
        message = f"For tensors of shape {shape}, lr = {lr} and momentum = {momentum}, my_step returned other numbers. "
        if _both_close(result[::-1], wanted):
            return wrong("swapped", message + "They come in the wrong order: the weight first, then the velocity.")
        for mistake, hint, other in _STEPS:
            if _both_close(result, other(weight, gradient, velocity, lr, momentum)):
                return wrong(mistake, message + hint)
        return wrong("other values", message + "Try it with one number each, weight 1, gradient 1, velocity 0.")
    return right("my_step moved weight and velocity as it should, for three shapes.")


def _both_close(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> bool:
    return all(a.shape == b.shape and torch.allclose(a, b, atol=1e-6) for a, b in zip(found, wanted, strict=True))
