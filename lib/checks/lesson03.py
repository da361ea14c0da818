"""Checks of lesson 03: normalising, counting statistics, running statistics."""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lib.checks.exercise import Verdict, check_tensor, describe, right, run, wrong


def _uneven(*shape: int) -> Tensor:
    """Numbers whose mean and spread differ from channel to channel and from time step to time step."""
    channels = torch.arange(1.0, shape[-1] + 1)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * channels + 2 * channels
    return x + 1.5 * torch.arange(shape[1])[:, None] if len(shape) == 3 else x


# Lesson 03: what an answer may do instead of the right thing (always the first of each list), its name, and a hint.
_DIMS_2D = (
    (0, "", ""),
    (
        -1,
        "last dimension",
        "You average over the last dimension, the channels (that is layer normalisation): average over dim 0.",
    ),
    (
        (0, 1),
        "all dimensions",
        "One mean serves all channels: average over dim 0 only, so that each channel keeps its own.",
    ),
)
_DIMS_3D = (
    ((0, 1), "", ""),
    (
        0,
        "dim 0 of a 3-D tensor",
        "Each time step has statistics of its own: average a 3-D tensor over dims (0, 1), not over dim 0.",
    ),
    (1, "dim 1", "Each example has statistics of its own: average a 3-D tensor over dims (0, 1), not over dim 1."),
    (
        -1,
        "last dimension",
        "You average over the last dimension, the channels (that is layer normalisation): average over dims (0, 1).",
    ),
    (
        (0, 1, 2),
        "all dimensions",
        "One mean serves all channels: average over dims (0, 1) only, so that each channel keeps its own.",
    ),
    ((1, 2), "each example by itself", "Each example has one mean for all its numbers: average over dims (0, 1)."),
)
_VARIANCES = (
    (False, "", ""),
    (
        True,
        "unbiased variance",
        "You divide the squared distances by n - 1 (what x.var and x.std do by default): pass unbiased=False.",
    ),
)
_SCALES = (
    (lambda var, eps: torch.sqrt(var + eps), "", ""),
    (
        lambda var, eps: torch.sqrt(var),
        "no eps",
        "eps is not in it, or not the one that was given: divide by the root of (variance + eps).",
    ),
    (
        lambda var, eps: torch.sqrt(var) + eps,
        "eps outside the root",
        "eps is added to the root: add it to the variance, then take the root.",
    ),
    (lambda var, eps: var + eps, "forgot the root", "You divide by the variance: take its square root first."),
    (lambda var, eps: var, "forgot the root", "You divide by the variance: add eps and take the square root first."),
    (
        lambda var, eps: torch.ones_like(var),
        "not divided",
        "You don't divide: after the mean is gone, divide by the root of (variance + eps).",
    ),
)
_CENTRES = ((1, "", ""), (0, "mean not subtracted", "The mean is still in: subtract it before you divide."))


def _fewest_mistakes(choices: Sequence[Sequence[tuple]], matches: Callable[..., bool]) -> list[tuple[str, str]] | None:
    """The smallest set of mistakes (name, hint) whose combination gives what came back; None if no combination does."""
    for combination in sorted(itertools.product(*choices), key=lambda picked: sum(bool(name) for _, name, _ in picked)):
        if matches(*(option for option, _, _ in combination)):
            return [(name, hint) for _, name, hint in combination if name]
    return None


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.to(b), b, rtol=1e-3, atol=1e-4)


def normalise(function: Callable) -> Verdict:
    """Lesson 03, exercise 1: (B, C) or (B, T, C) and eps, to the same with mean 0 and biased variance 1 a channel."""
    eps = 0.1
    for trial, shape in enumerate(((6, 3), (4, 2, 3), (5, 4), (3, 5, 2))):
        x = _uneven(*shape)
        result, problem = run(function, x, eps)
        problem = problem or check_tensor(
            "my_normalise", result, shape, "normalising changes the numbers, never the shape."
        )
        if problem and trial > 1 and problem.mistake in ("error", "wrong shape"):
            return wrong(
                "hard-coded shape",
                f"{problem.message} An earlier shape passed: is a size written into your code as a number?",
            )
        if problem:
            return problem
        dims = (0, 1) if x.ndim == 3 else 0
        var = x.var(dims, unbiased=False)
        if _close(result, (x - x.mean(dims)) / torch.sqrt(var + eps)):
            continue
        found = result.to(x)
        message = (
            f"Given {describe(x)} and eps={eps}, channel 0 came back with mean {found.mean(dims)[0]:.2f} and biased variance "
            f"{found.var(dims, unbiased=False)[0]:.2f}; wanted 0.00 and {(var / (var + eps))[0]:.2f} (1 but for eps). "
        )
        if torch.equal(found, x):
            return wrong("returned its input", message + "That is the tensor you were given, unchanged.")
        mistakes = _fewest_mistakes(
            (_DIMS_3D if x.ndim == 3 else _DIMS_2D, _VARIANCES, _SCALES, _CENTRES),
            lambda dim, unbiased, scale, centre, x=x, found=found: _close(
                found,
                (x - centre * x.mean(dim, keepdim=True)) / scale(x.var(dim, keepdim=True, unbiased=unbiased), eps),
            ),
        )
        if mistakes:
            return wrong(mistakes[0][0], message + " ".join(hint for _, hint in mistakes))
        if trial > 1:
            return wrong(
                "hard-coded shape", message + "An earlier shape passed: is a size written into your code as a number?"
            )
        return wrong("other values", message + "Print mean and variance of each channel, step by step, and compare.")
    return right("Mean 0 and biased variance 1 in every channel, for two shapes with time steps and two without.")


_COUNTS = {
    "a": ((1, 1, 100), "the shape of x.mean((0, 1), keepdim=True)", {
        (100,): ("keepdim forgotten", "keepdim=True leaves a 1 for each dimension that is averaged away."),
        (1, 4, 100): ("time not averaged", "dim 1, the time steps, is averaged away too."),
        (64, 4, 1): ("averaged the channels", "dims 0 and 1 are averaged away, dim 2 stays."),
    }),
    "b": (100, "how many means those are", {
        256: ("counted the values", "that is how many values go into each mean; there is one mean a channel."),
        400: ("time not averaged", "that would be one mean for each channel at each time step, the silent bug."),
        25600: ("counted everything", "that is how many numbers x has."),
        3: ("counted the dimensions", "count the numbers in the tensor of means: multiply the sizes of its shape."),
    }),
    "c": (256, "how many values go into each of them", {
        64: ("time forgotten", "every time step of every example counts: 64 times 4."),
        4: ("batch forgotten", "every example counts, with each of its time steps: 64 times 4."),
        100: ("counted the means", "that is the number of means; each is taken over batch and time, 64 times 4 values."),
        25600: ("counted everything", "that is how many numbers x has, and 100 channels share them."),
    }),
    "d": ((4, 100), "the shape of x.mean(0)", {
        (1, 4, 100): ("keepdim assumed", "without keepdim=True the dimension that is averaged away is gone."),
        (100,): ("time averaged too", "only dim 0 is averaged away; nothing asks for dim 1."),
        (64, 100): ("another dimension", "that is x.mean(1): dimensions are counted from 0."),
        (64, 4): ("averaged the channels", "that is x.mean(2): dim 0 is the batch."),
    }),
    "e": (64, "how many values go into each mean of x.mean(0)", {
        256: ("time averaged too", "only dim 0 is averaged away, and it has 64 values."),
        400: ("counted the means", "that is the number of means; each is taken over dim 0."),
        4: ("another dimension", "that is the size of dim 1: dimensions are counted from 0."),
    }),
    "f": ((1, 100, 1), "the shape of y.mean((0, 2), keepdim=True)", {
        (1, 1, 4): ("channels looked for last", "in PyTorch's layout the channels are dim 1, and they stay."),
        (1, 1, 100): ("channels looked for last", "keepdim=True leaves every dimension in its place, and 100 stands in the middle."),
        (100,): ("keepdim forgotten", "keepdim=True leaves a 1 for each dimension that is averaged away."),
        (1, 100, 4): ("time not averaged", "dim 2, the time steps in PyTorch's layout, is averaged away too."),
        (64, 1, 4): ("averaged the channels", "dims 0 and 2 are averaged away, dim 1 stays."),
    }),
}  # fmt: skip


def count_statistics(function: Callable) -> Verdict:
    """Lesson 03, exercise 2: predicted shapes and counts, a dictionary; x is (64, 4, 100), y is (64, 100, 4)."""
    answers, problem = run(function)
    if problem:
        return problem
    if not isinstance(answers, dict):
        return wrong(
            "not a dictionary",
            f"my_answers returned {type(answers).__name__}; a dictionary with the keys a to f was wanted.",
        )
    still_open = [key for key in _COUNTS if answers.get(key) in (None, ...)]
    if still_open:
        return wrong(
            "not done",
            f"Still open: {', '.join(still_open)}. Put a shape such as (2, 3) or a number in place of the dots.",
        )
    mistakes = []
    for key, (wanted, what, likely) in _COUNTS.items():
        answer = answers[key]
        answer = tuple(answer) if isinstance(answer, (list, tuple)) else answer
        if answer == wanted:
            continue
        if isinstance(answer, tuple) != isinstance(wanted, tuple):
            kind = ("shape", "number") if isinstance(answer, tuple) else ("number", "shape")
            name, hint = f"{kind[0]} instead of {kind[1]}", f"this asks for a {kind[1]}."
        else:
            name, hint = likely.get(
                answer, ("another value", "strike out the sizes that are averaged away, and look at what is left.")
            )
        mistakes.append((name, f"{key}, {what}: you gave {answer}; {hint}"))
    if mistakes:
        return wrong(
            mistakes[0][0],
            f"{len(_COUNTS) - len(mistakes)} of {len(_COUNTS)} are right. " + " ".join(m for _, m in mistakes),
        )
    return right(f"All {len(_COUNTS)} shapes and counts.")


_UPDATES = (
    (lambda old, new, m: (1 - m) * old + m * new, "", ""),
    (lambda old, new, m: m * old + (1 - m) * new, "momentum the wrong way round", "momentum is the share of the batch; the old value keeps 1 - momentum."),
    (lambda old, new, m: new, "old value forgotten", "You return the batch's statistics alone: the old value keeps a share of 1 - momentum."),
    (lambda old, new, m: old + m * new, "old value not reduced", "The old value keeps its full weight: multiply it by 1 - momentum, so that the shares add up to 1."),
    (lambda old, new, m: 0.9 * old + 0.1 * new, "momentum of its own", "The shares are 0.9 and 0.1 whatever was given: use the argument momentum."),
    (lambda old, new, m: old, "nothing moved", "You return what you were given: the batch has no share in it yet."),
)  # fmt: skip
_STORED = (
    (lambda x, dim: x.var(dim, unbiased=True), "", ""),
    (lambda x, dim: x.var(dim, unbiased=False), "biased variance", "You store the biased variance: the one that is stored divides by n - 1."),
    (lambda x, dim: x.std(dim), "standard deviation", "You store the standard deviation: leave the root out."),
    (lambda x, dim: x.std(dim, unbiased=False), "standard deviation", "You store the standard deviation, and the biased one: leave the root out, divide by n - 1."),
)  # fmt: skip


def update_running(function: Callable) -> Verdict:
    """Lesson 03, exercise 3: running mean and variance, x and momentum, to the new running mean and variance."""
    for shape, momentum in (((5, 3), 0.25), ((3, 4, 2), 0.25), ((6, 2, 5), 0.75)):
        x, C = _uneven(*shape), shape[-1]
        mean, var = torch.arange(1.0, C + 1), torch.arange(2.0, C + 2)
        dims = (0, 1) if x.ndim == 3 else 0
        wanted = torch.lerp(mean, x.mean(dims), momentum), torch.lerp(var, x.var(dims), momentum)
        result, problem = run(function, mean, var, x, momentum)
        if problem:
            return problem
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            return wrong(
                "not two tensors",
                f"my_update returned {type(result).__name__}; the new mean and the new variance were wanted: return mean, variance.",
            )
        given = f"Given {describe(x)} and momentum {momentum}, "
        for name, new in zip(("mean", "variance"), result, strict=True):
            problem = check_tensor("my_update", new, (C,), "one number a channel.")
            if problem is None:
                continue
            if isinstance(new, Tensor) and x.ndim == 3 and new.shape[-2:] == x.shape[1:]:
                return wrong(
                    "dim 0 of a 3-D tensor",
                    f"{given}the {name} came back with shape {tuple(new.shape)}; wanted ({C},). Average over dims (0, 1): broadcasting has given each time step a statistic of its own.",
                )
            if isinstance(new, Tensor) and new.numel() == C:
                return wrong(
                    "averaged dimensions kept",
                    f"{given}the {name} came back with shape {tuple(new.shape)}; wanted ({C},). Leave keepdim out here, or flatten.",
                )
            return problem
        if all(map(_close, result, wanted)):
            continue
        if all(map(_close, result, wanted[::-1])):
            return wrong(
                "variance first", f"{given}the variance came first and the mean second; return mean, variance."
            )
        number = 0 if not _close(result[0], wanted[0]) else 1
        name, old, new, right_one = (("mean", mean), ("variance", var))[number] + (result[number], wanted[number])
        message = f"{given}the running {name} of channel 0 went from {old[0]:.2f} to {new[0]:.2f}; wanted {right_one[0]:.2f}. "
        batch = _STORED if number else ((lambda x, dim: x.mean(dim), "", ""),)
        mistakes = _fewest_mistakes(
            (_UPDATES, batch),
            lambda update, statistic, old=old, new=new, x=x, dims=dims, m=momentum: _close(
                new, update(old, statistic(x, dims), m)
            ),
        )
        if mistakes:
            return wrong(mistakes[0][0], message + " ".join(hint for _, hint in mistakes))
        return wrong(
            "other values",
            message
            + "Work one channel out by hand: (1 - momentum) times the old value, plus momentum times the batch's.",
        )
    return right("Running mean and variance moved as torch moves them, for two momenta, with time steps and without.")


# Lesson 05: what an answer may do instead of the right thing, its name, and a hint; the first that fits what came back is told.
