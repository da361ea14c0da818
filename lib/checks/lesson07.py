"""Checks of lesson 07: a causal convolution by hand, the dilations of a net of stages, and the work that a name needs."""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.checks.exercise import Verdict, check_tensor, right, run, wrong


def _taps(x: Tensor, taps: int, dilation: int) -> list[Tensor]:
    """What each tap sees, earliest first: slices (B, T', C) of equal length."""
    T_out = x.shape[1] - (taps - 1) * dilation
    return [x[:, j * dilation : j * dilation + T_out] for j in range(taps)]


def _join(slices: Sequence[Tensor], weight: Tensor) -> Tensor:
    return torch.cat(list(slices), dim=2) @ weight.T


def _right_conv(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    return _join(_taps(x, weight.shape[1] // x.shape[2], dilation), weight)


def _padded(x: Tensor, w: Tensor, d: int, front: bool) -> Tensor:
    reach = (w.shape[1] // x.shape[2] - 1) * d
    return _right_conv(F.pad(x, (0, 0, reach, 0) if front else (0, 0, 0, reach)), w, d)


# What an answer may do instead of the right thing: its name, a hint, and what it gives for x, weight, dilation.
_CONVOLUTIONS = (
    ("taps turned round", "The earliest tap stands first in the weight; yours begins with the latest.", lambda x, w, d: _join(_taps(x, w.shape[1] // x.shape[2], d)[::-1], w)),
    ("dilation ignored", "The taps must be `dilation` time steps apart; yours are neighbours.", lambda x, w, d: _right_conv(x, w, 1)),
    ("dilation one too large", "Dilation 1 means neighbours: tap j begins at j * dilation, not at j * (dilation + 1).", lambda x, w, d: _right_conv(x, w, d + 1)),
    ("strided", "Each group was read once, as FlattenConsecutive does; move on by one time step, not by a whole kernel.", lambda x, w, d: _right_conv(x, w, d)[:, :: w.shape[1] // x.shape[2]]),
    ("padded in front", "You put zeros in front, so that T outputs came; this convolution has no padding.", lambda x, w, d: _padded(x, w, d, front=True)),
    ("padded behind", "You put zeros behind, so that T outputs came; this convolution has no padding.", lambda x, w, d: _padded(x, w, d, front=False)),
    ("one output short", "There is room for one output more: T - (k - 1) * dilation.", lambda x, w, d: _right_conv(x, w, d)[:, :-1]),
    ("first output missing", "There is an output before your first one: its earliest tap is time step 0.", lambda x, w, d: _right_conv(x, w, d)[:, 1:]),
    ("torch's order of weights", "The weight holds whole taps side by side, (k, C) in each row; you read it as torch's (C, k).", lambda x, w, d: _join(_taps(x, w.shape[1] // x.shape[2], d), w.view(len(w), x.shape[2], -1).transpose(1, 2).flatten(1))),
    ("channels in the middle", "The numbers are right, and laid out as torch has them; channels come last here: (B, T', C_out).", lambda x, w, d: _right_conv(x, w, d).transpose(1, 2)),
    ("last tap only", "Each output sees its own time step alone; the earlier taps are missing.", lambda x, w, d: _taps(x, w.shape[1] // x.shape[2], d)[-1] @ w[:, -x.shape[2] :].T),
    ("first tap only", "Each output sees its earliest tap alone; the later ones are missing.", lambda x, w, d: _taps(x, w.shape[1] // x.shape[2], d)[0] @ w[:, : x.shape[2]].T),
)  # fmt: skip


def convolve(function: Callable) -> Verdict:
    """Lesson 07, exercise 1: x (B, T, C), weight (C_out, k*C), dilation, to (B, T - (k - 1) * dilation, C_out)."""
    generator = torch.Generator().manual_seed(0)
    for (B, T, C), taps, out, dilation in (((2, 10, 3), 2, 4, 1), ((1, 14, 2), 3, 5, 2), ((3, 13, 1), 2, 1, 4)):
        x = torch.randn(B, T, C, generator=generator)
        weight = torch.randn(out, taps * C, generator=generator)
        result, problem = run(function, x, weight, dilation)
        if problem:
            return problem
        wanted = _right_conv(x, weight, dilation)
        if _same(result, wanted):
            continue
        message = f"For x of shape {(B, T, C)}, weight of shape {(out, taps * C)} and dilation {dilation}: "
        for mistake, hint, other in _CONVOLUTIONS:
            if _same(result, other(x, weight, dilation)):
                return wrong(mistake, message + hint)
        why = f"T - (k - 1) * dilation = {T} - {taps - 1} * {dilation} time steps, {out} channels."
        return check_tensor("my_conv", result, wanted.shape, why) or wrong(
            "other values",
            message + "the shape is right and the numbers are not. Try it with one channel and weights 1 and 10.",
        )
    return right("my_conv equals the convolution for 2 and 3 taps and dilations 1, 2 and 4.")


def _same(found: object, wanted: Tensor) -> bool:
    return isinstance(found, Tensor) and found.shape == wanted.shape and torch.allclose(found, wanted, atol=1e-5)


def _right_dilations(stages: Sequence[int]) -> list[int]:
    return [math.prod(stages[:number]) for number in range(len(stages))]


_DILATIONS = (
    ("own stage included", "The first layer's taps are neighbours: dilation 1. A layer's dilation is what the stages *before* it have merged.", lambda s: [math.prod(s[: i + 1]) for i in range(len(s))]),
    ("always doubled", "1, 2, 4 belongs to stages of two; here they merge other numbers.", lambda s: [2**i for i in range(len(s))]),
    ("powers of one stage", "The stages differ; multiply those that came before, not the same one again and again.", lambda s: [s[0] ** i for i in range(len(s))]),
    ("powers of each stage", "The stages differ; multiply those that came before, not the same one again and again.", lambda s: [n**i for i, n in enumerate(s)]),
    ("previous stage only", "Two boxes that touch are as far apart as *all* stages before them have merged, not the last one alone.", lambda s: [1, *s[:-1]]),
    ("sum instead of product", "Merging 2 and then 2 of those makes 4, and then 2 of those 8: multiply.", lambda s: [max(1, sum(s[:i])) for i in range(len(s))]),
    ("sum of the reaches", "What was merged multiplies: a box of the layer below sees the product of its stages.", lambda s: [1 + sum(n - 1 for n in s[:i]) for i in range(len(s))]),
    ("from the top", "The order is turned round: the first stage, at the bottom, has dilation 1.", lambda s: _right_dilations(s)[::-1]),
    ("not dilated", "With dilation 1 everywhere the boxes overlap.", lambda s: [1] * len(s)),
    ("the stages themselves", "How many neighbours a stage merges is its kernel; how far apart they stand is its dilation.", lambda s: list(s)),
)  # fmt: skip


def dilations(function: Callable) -> Verdict:
    """Lesson 07, exercise 2: how many neighbours each stage merges, to the dilations of the equal convolutions."""
    for stages in ((2, 2, 2), (3, 4, 2), (4, 2), (2, 4), (8,), (2, 3, 4, 2)):
        result, problem = run(function, stages)
        if problem:
            return problem
        if not isinstance(result, list | tuple | Tensor):
            return wrong("not a list", f"my_dilations{stages!r} returned {type(result).__name__}; a list was wanted.")
        found, wanted = [int(n) for n in result], _right_dilations(stages)
        if found == wanted:
            continue
        message = f"For stages {stages} you gave {found}. "
        if len(found) != len(stages):
            return wrong("wrong length", message + f"One dilation for each of the {len(stages)} stages was wanted.")
        for mistake, hint, other in _DILATIONS:
            if found == other(stages):
                return wrong(mistake, message + hint)
        return wrong("other values", message + "Draw the boxes of this net, each above the last letter that it sees.")
    return right("my_dilations gave the right dilations for six nets.")


def _right_work(letters: int, context: int) -> tuple[int, int, int]:
    layers = context.bit_length() - 1
    columns = [context + letters + 1 - 2**layer for layer in range(1, layers + 1)]
    return (letters + 1) * (context - 1), sum(columns), (letters + 1) * layers


_PARTS = ("tree by tree", "all columns at once", "padding shared")
_SEVEN = "It is right for a name of 7 letters; the number of letters is an argument."
_EIGHT = "It is right for a context of 8; the context is an argument."
# For each of the three numbers what may be counted instead: its name, a hint, the number for n letters, context R and k layers.
_WORK = (
    (
        ("7 letters taken for granted", _SEVEN, lambda n, R, k: 8 * (R - 1)),
        ("context 8 taken for granted", _EIGHT, lambda n, R, k: (n + 1) * 7),
        ("stop mark forgotten", "One prediction more than there are letters: the stop mark that ends the name.", lambda n, R, k: n * (R - 1)),
        ("letters counted", "A tree over R letters has R - 1 boxes above the letters; the letters themselves are no applications.", lambda n, R, k: (n + 1) * R),
        ("a box a stage", "A stage of the tree computes several boxes: 4, 2 and 1 for a context of 8.", lambda n, R, k: (n + 1) * k),
        ("one tree", "That is one tree; each prediction has its own.", lambda n, R, k: R - 1),
    ),
    (
        ("7 letters taken for granted", _SEVEN, lambda n, R, k: sum(R + 8 - 2**j for j in range(1, k + 1))),
        ("context 8 taken for granted", _EIGHT, lambda n, R, k: 3 * n + 13),
        ("one token too few", "With `context` tokens in front of the letters there are context + letters tokens; you have one less.", lambda n, R, k: sum(R + n - 2**j for j in range(1, k + 1))),
        ("not shortened", "Each layer has fewer columns than the one below: its first outputs have no left-hand tap.", lambda n, R, k: k * (R + n)),
        ("dilation forgotten", "Each layer loses as many columns as its dilation: 1, 2, 4, not 1, 1, 1.", lambda n, R, k: sum(R + n - j for j in range(1, k + 1))),
        ("dilations not added up", "A layer is shorter than the layer *below* it by its dilation; the losses add up: 1, 3, 7.", lambda n, R, k: sum(R + n - 2 ** (j - 1) for j in range(1, k + 1))),
        ("halved", "Nothing is halved here: the stride is 1. Each layer loses as many columns as its dilation.", lambda n, R, k: sum((R + n) // 2**j for j in range(1, k + 1))),
        ("padding left out", "The columns over the padding are computed, too, in this second count.", lambda n, R, k: (n + 1) * k),
    ),
    (
        ("7 letters taken for granted", _SEVEN, lambda n, R, k: 8 * k),
        ("context 8 taken for granted", _EIGHT, lambda n, R, k: (n + 1) * 3),
        ("stop mark forgotten", "One column more than there are letters: the stop mark in front.", lambda n, R, k: n * k),
        ("only what is new", "Every layer computes all columns of the name, its first one included.", lambda n, R, k: sum(max(0, n + 1 - 2 ** (j - 1)) for j in range(1, k + 1))),
        ("one layer", "That is one layer; each of the log2(context) layers has as many columns.", lambda n, R, k: n + 1),
        ("a layer a letter", "A context of 8 is three layers, not eight.", lambda n, R, k: (n + 1) * R),
        ("one layer too many", "The tokens themselves are no layer: 8 letters need three, for 2 * 2 * 2 = 8.", lambda n, R, k: (n + 1) * (k + 1)),
    ),
)  # fmt: skip


def work(function: Callable) -> Verdict:
    """Lesson 07, exercise 3: letters and context, to the Linear applications tree by tree, at once, and with padding shared."""
    for letters, context in ((7, 8), (2, 8), (15, 8), (7, 16), (3, 2), (100, 64)):
        result, problem = run(function, letters, context)
        if problem:
            return problem
        if not isinstance(result, tuple | list) or len(result) != 3:
            return wrong("not three numbers", "my_work should return three numbers: tree by tree, at once, shared.")
        wanted = _right_work(letters, context)
        found = tuple(result)
        if found == wanted:
            continue
        message = f"For {letters} letters and a context of {context} you gave {found}. "
        if sorted(found) == sorted(wanted):
            return wrong("order", message + "The numbers are right; the order is tree by tree, at once, shared.")
        layers = context.bit_length() - 1
        for part, number, should, mistakes in zip(_PARTS, found, wanted, _WORK, strict=True):
            if number == should:
                continue
            for mistake, hint, other in mistakes:
                if number == other(letters, context, layers):
                    return wrong(f"{part}: {mistake}", f"{message}The count of {part} is {number}. {hint}")
            return wrong(
                f"{part}: other", f"{message}The count of {part} is {number}. Draw the graph for this name, and count."
            )
    return right("my_work counted right for six names and contexts.")
