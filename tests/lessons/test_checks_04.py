"""The checks of lesson 04: every wrong answer is told its mistake, every right one is accepted."""

import math

import torch

from lib import checks
from lib.training import Recipe
from tests.lessons.check_laws import accepts, names_the_mistake


def right_lr(step, steps, highest, warmup):
    if step < warmup:
        return highest * (step + 1) / warmup
    return highest * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def falling(after):
    """The right warm-up, and another fall."""
    return lambda s, n, h, w: h * (s + 1) / w if s < w else h * after(s, n, w)


SCHEDULE = {
    "not done": [lambda s, n, h, w: ...],
    "not a number": [lambda s, n, h, w: [right_lr(s, n, h, w)]],
    "error": [lambda s, n, h, w: h * s / (s - w)],
    "no warm-up": [lambda s, n, h, w: h if s < w else right_lr(s, n, h, w)],
    "warm-up starts at 0": [lambda s, n, h, w: h * s / w if s < w else right_lr(s, n, h, w)],
    "no decay": [falling(lambda s, n, w: 1.0)],
    "linear decay": [falling(lambda s, n, w: 1 - (s - w) / (n - w))],
    "cosine over all steps": [falling(lambda s, n, w: (1 + math.cos(math.pi * s / n)) / 2)],
    "a whole cosine": [falling(lambda s, n, w: (1 + math.cos(2 * math.pi * (s - w) / (n - w))) / 2)],
    "a quarter of a cosine": [falling(lambda s, n, w: math.cos(math.pi * (s - w) / (n - w) / 2))],
    "below zero": [falling(lambda s, n, w: math.cos(math.pi * (s - w) / (n - w)))],
    "degrees": [falling(lambda s, n, w: (1 + math.cos(180 * (s - w) / (n - w))) / 2)],
    "not scaled": [lambda s, n, h, w: right_lr(s, n, 1, w)],
    "other values": [
        lambda s, n, h, w: 0,
        lambda s, n, h, w: h,
        lambda s, n, h, w: 0.01 * (s + 1) / 10,
        lambda s, n, h, w: right_lr(s, 100, h, w) if n != 100 else right_lr(s + 1, n, h, w),
    ],
}
SCHEDULE_RIGHT = [
    right_lr,
    lambda s, n, h, w: h * min((s + 1) / w, math.cos(math.pi / 2 * max(0, s - w) / (n - w)) ** 2),
    lambda s, n, h, w: torch.tensor(right_lr(s, n, h, w)),
    lambda s, n, h, w: Recipe("r", batch_size=1, lr=h, steps=n, warmup=w / n).lr_at(s, n),
]


def right_step(w, g, v, lr, m):
    return w - lr * (m * v + g), m * v + g


def with_torch(w, g, v, lr, m):
    p = torch.nn.Parameter(w.clone())
    p.grad = g.clone()
    optimizer = torch.optim.SGD([p], lr=lr, momentum=m)
    optimizer.state[p]["momentum_buffer"] = v.clone()
    optimizer.step()
    return p.detach(), m * v + g


def in_place(w, g, v, lr, m):
    v *= m
    v += g
    w -= lr * v
    return w, v


STEP = {
    "not done": [lambda w, g, v, lr, m: None],
    "changed its input": [in_place],
    "not two tensors": [lambda w, g, v, lr, m: right_step(w, g, v, lr, m)[0]],
    "swapped": [lambda w, g, v, lr, m: right_step(w, g, v, lr, m)[::-1]],
    "uphill": [lambda w, g, v, lr, m: (w + lr * (m * v + g), m * v + g)],
    "old velocity": [lambda w, g, v, lr, m: (w - lr * v, m * v + g)],
    "no momentum": [lambda w, g, v, lr, m: (w - lr * g, m * v + g)],
    "velocity not kept": [lambda w, g, v, lr, m: (w - lr * g, g)],
    "velocity not returned": [lambda w, g, v, lr, m: (w - lr * (m * v + g), v)],
    "momentum on the gradient": [lambda w, g, v, lr, m: (w - lr * (v + m * g), v + m * g)],
    "averaged": [lambda w, g, v, lr, m: (w - lr * (m * v + (1 - m) * g), m * v + (1 - m) * g)],
    "learning rate twice": [lambda w, g, v, lr, m: (w - lr * (m * v + lr * g), m * v + lr * g)],
    "learning rate in the velocity": [lambda w, g, v, lr, m: (w - (m * v + lr * g), m * v + lr * g)],
    "no learning rate": [lambda w, g, v, lr, m: (w - (m * v + g), m * v + g)],
    "nothing changed": [lambda w, g, v, lr, m: (w, v)],
    "other values": [
        lambda w, g, v, lr, m: (torch.zeros_like(w), torch.zeros_like(v)),
        lambda w, g, v, lr, m: (w[:1], v[:1]),
    ],
}
STEP_RIGHT = [
    right_step,
    with_torch,
    lambda w, g, v, lr, m: [w.sub(v.mul(m).add(g), alpha=lr), torch.add(g, v, alpha=m)],
]


test_schedule_names_the_mistake = names_the_mistake(checks.schedule, SCHEDULE)
test_schedule_accepts_right_answers = accepts(checks.schedule, SCHEDULE_RIGHT)
test_momentum_step_names_the_mistake = names_the_mistake(checks.momentum_step, STEP)
test_momentum_step_accepts_right_answers = accepts(checks.momentum_step, STEP_RIGHT)
