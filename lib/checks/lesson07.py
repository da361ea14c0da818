"""Checks of lesson 07: a causal convolution by hand, the dilations of a net of stages, and the work per name."""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, composed, listed


def _taps(x: Tensor, weight: Tensor, dilation: int) -> list[Tensor]:
    """The input of each tap, earliest first: slices (B, T', C) of equal length."""
    taps = weight.shape[1] // x.shape[2]
    T_out = x.shape[1] - (taps - 1) * dilation
    return [x[:, j * dilation : j * dilation + T_out] for j in range(taps)]


def _join(slices: Sequence[Tensor], weight: Tensor) -> Tensor:
    return torch.cat(list(slices), dim=2) @ weight.T


def _convolved(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    return _join(_taps(x, weight, dilation), weight)


def _reach(x: Tensor, weight: Tensor, dilation: int) -> int:
    return (weight.shape[1] // x.shape[2] - 1) * dilation


_PADDED = "T outputs come from padding with zeros; this convolution has no padding."


def _case(shape: tuple[int, int, int], taps: int, out: int, dilation: int) -> tuple:
    generator = torch.Generator().manual_seed(out)
    weight = torch.randn(out, taps * shape[2], generator=generator)
    return torch.randn(shape, generator=generator), weight, dilation


# Exercise 1: x (B, T, C), weight (C_out, k*C), dilation, to (B, T - (k - 1) * dilation, C_out).
convolve = Implement(
    "my_conv",
    [_case((2, 10, 3), 2, 4, 1), _case((1, 14, 2), 3, 5, 2), _case((3, 13, 1), 2, 1, 4)],
    solution=_convolved,
    praise="my_conv equals the convolution for 2 and 3 taps and dilations 1, 2 and 4.",
    mistakes=(
        Mistake(
            "taps turned round",
            "The earliest tap is first in the weight; yours begins with the latest.",
            lambda x, w, d: _join(_taps(x, w, d)[::-1], w),
        ),
        Mistake(
            "dilation ignored",
            "The taps must be `dilation` time steps apart; yours are neighbours.",
            lambda x, w, d: _convolved(x, w, 1),
        ),
        Mistake(
            "dilation one too large",
            "Dilation 1 means neighbours: tap j begins at j * dilation, not at j * (dilation + 1).",
            lambda x, w, d: _convolved(x, w, d + 1),
        ),
        Mistake(
            "strided",
            "Each group is read once, as FlattenConsecutive does; move on by one time step, not by a whole kernel.",
            lambda x, w, d: _convolved(x, w, d)[:, :: w.shape[1] // x.shape[2]],
        ),
        Mistake("padded in front", _PADDED, lambda x, w, d: _convolved(F.pad(x, (0, 0, _reach(x, w, d), 0)), w, d)),
        Mistake("padded behind", _PADDED, lambda x, w, d: _convolved(F.pad(x, (0, 0, 0, _reach(x, w, d))), w, d)),
        Mistake(
            "one output short",
            "There is room for one more output: T - (k - 1) * dilation.",
            lambda x, w, d: _convolved(x, w, d)[:, :-1],
        ),
        Mistake(
            "first output missing",
            "There is an output before your first one: its earliest tap is time step 0.",
            lambda x, w, d: _convolved(x, w, d)[:, 1:],
        ),
        Mistake(
            "torch's order of weights",
            "The weight holds whole taps side by side, (k, C) in each row; you read it as torch's (C, k).",
            lambda x, w, d: _convolved(x, w.view(len(w), x.shape[2], -1).transpose(1, 2).flatten(1), d),
        ),
        Mistake(
            "channels in the middle",
            "The numbers are right, but in torch's layout; channels are last here: (B, T', C_out).",
            lambda x, w, d: _convolved(x, w, d).transpose(1, 2),
        ),
        Mistake(
            "last tap only",
            "Each output sees its own time step alone; the earlier taps are missing.",
            lambda x, w, d: _taps(x, w, d)[-1] @ w[:, -x.shape[2] :].T,
        ),
        Mistake(
            "first tap only",
            "Each output sees its earliest tap alone; the later ones are missing.",
            lambda x, w, d: _taps(x, w, d)[0] @ w[:, : x.shape[2]].T,
        ),
    ),
    hint="The result has T - (k - 1) * dilation time steps. Try it with one channel and weights 1 and 10.",
)


def _dilations(stages: Sequence[int]) -> list[int]:
    return [math.prod(stages[:number]) for number in range(len(stages))]


_MULTIPLY = "The stages differ; multiply those that came before, not the same one again and again."

# Exercise 2: how many neighbours each stage merges, to the dilations of the equal convolutions.
dilations = Implement(
    "my_dilations",
    [((2, 2, 2),), ((3, 4, 2),), ((4, 2),), ((2, 4),), ((8,),), ((2, 3, 4, 2),)],
    solution=_dilations,
    praise="my_dilations gave the right dilations for six nets.",
    mistakes=(
        Mistake(
            "own stage included",
            "The first layer's dilation is 1. A layer's dilation is the product of the stages *before* it.",
            lambda s: [math.prod(s[: i + 1]) for i in range(len(s))],
        ),
        Mistake(
            "always doubled",
            "1, 2, 4 belongs to stages of two; here they merge other numbers.",
            lambda s: [2**i for i in range(len(s))],
        ),
        Mistake("powers of one stage", _MULTIPLY, lambda s: [s[0] ** i for i in range(len(s))]),
        Mistake("powers of each stage", _MULTIPLY, lambda s: [n**i for i, n in enumerate(s)]),
        Mistake(
            "previous stage only",
            "Two boxes that touch are as far apart as *all* stages before them have merged, not the last one alone.",
            lambda s: [1, *s[:-1]],
        ),
        Mistake(
            "sum instead of product",
            "Merging 2 and then 2 of those makes 4, and then 2 of those 8: multiply.",
            lambda s: [max(1, sum(s[:i])) for i in range(len(s))],
        ),
        Mistake(
            "sum of the reaches",
            "Merging multiplies: a box of the layer below sees the product of its stages.",
            lambda s: [1 + sum(n - 1 for n in s[:i]) for i in range(len(s))],
        ),
        Mistake(
            "from the top",
            "The order is reversed: the first stage, at the bottom, has dilation 1.",
            lambda s: _dilations(s)[::-1],
        ),
        Mistake("not dilated", "With dilation 1 everywhere the boxes overlap.", lambda s: [1] * len(s)),
        Mistake(
            "the stages themselves",
            "How many neighbours a stage merges is its kernel size; how far apart they are is its dilation.",
            lambda s: list(s),
        ),
    ),
    probe=listed,
    hint="Draw the boxes of this net, each above the last letter that it sees.",
)


def _layers(context: int) -> int:
    return context.bit_length() - 1


def _columns(n: int, R: int, length: Callable) -> int:
    """Columns of all layers, from a layer's number and its number of inputs to its columns."""
    return sum(length(j, R + n) for j in range(1, _layers(R) + 1))


def _work(
    n: int,
    R: int,
    trees: Callable = lambda n, R: (n + 1) * (R - 1),
    columns: Callable = lambda n, R: _columns(n, R, lambda j, T: T + 1 - 2**j),
    shared: Callable = lambda n, R: (n + 1) * _layers(R),
) -> tuple[int, int, int]:
    return trees(n, R), columns(n, R), shared(n, R)


_SEVEN = "It is right for a name of 7 letters; the number of letters is an argument."
_EIGHT = "It is right for a context of 8; the context is an argument."

# Exercise 3: letters and context, to the Linear applications tree by tree, at once, and with the padding shared.
work = Implement(
    "my_work",
    [(7, 8), (2, 8), (15, 8), (7, 16), (3, 2), (100, 64)],
    solution=_work,
    praise="my_work counted right for six names and contexts.",
    mistakes=(
        Mistake(
            "order",
            "The numbers are right; the order is tree by tree, at once, shared.",
            lambda n, R: _work(n, R)[::-1],
        ),
        *composed(
            _work,
            trees=(
                Mistake("7 letters taken for granted", _SEVEN, lambda n, R: 8 * (R - 1)),
                Mistake("context 8 taken for granted", _EIGHT, lambda n, R: (n + 1) * 7),
                Mistake(
                    "tree by tree: stop mark forgotten",
                    "There is one more prediction than letters: the stop mark that ends the name.",
                    lambda n, R: n * (R - 1),
                ),
                Mistake(
                    "tree by tree: letters counted",
                    "A tree over R letters has R - 1 boxes above the letters; the letters are no applications.",
                    lambda n, R: (n + 1) * R,
                ),
                Mistake(
                    "tree by tree: one box per stage",
                    "A stage of the tree computes several boxes: 4, 2 and 1 for a context of 8.",
                    lambda n, R: (n + 1) * _layers(R),
                ),
                Mistake(
                    "tree by tree: one tree",
                    "That is one tree; each prediction has its own.",
                    lambda n, R: R - 1,
                ),
            ),
            columns=(
                Mistake("7 letters taken for granted", _SEVEN, lambda n, R: _columns(7, R, lambda j, T: T + 1 - 2**j)),
                Mistake("context 8 taken for granted", _EIGHT, lambda n, R: 3 * n + 13),
                Mistake(
                    "all columns at once: one token too few",
                    "With `context` tokens before the letters there are context + letters tokens; you have one less.",
                    lambda n, R: _columns(n, R, lambda j, T: T - 2**j),
                ),
                Mistake(
                    "all columns at once: not shortened",
                    "Each layer has fewer columns than the one below: its first outputs have no left-hand tap.",
                    lambda n, R: _columns(n, R, lambda j, T: T),
                ),
                Mistake(
                    "all columns at once: dilation forgotten",
                    "Each layer loses as many columns as its dilation: 1, 2, 4, not 1, 1, 1.",
                    lambda n, R: _columns(n, R, lambda j, T: T - j),
                ),
                Mistake(
                    "all columns at once: dilations not added up",
                    "A layer is shorter than the layer *below* it by its dilation; the losses add up: 1, 3, 7.",
                    lambda n, R: _columns(n, R, lambda j, T: T - 2 ** (j - 1)),
                ),
                Mistake(
                    "all columns at once: halved",
                    "Nothing is halved: the stride is 1. Each layer loses as many columns as its dilation.",
                    lambda n, R: _columns(n, R, lambda j, T: T // 2**j),
                ),
                Mistake(
                    "all columns at once: padding left out",
                    "The columns over the padding are computed, too, in this second count.",
                    lambda n, R: (n + 1) * _layers(R),
                ),
            ),
            shared=(
                Mistake("7 letters taken for granted", _SEVEN, lambda n, R: 8 * _layers(R)),
                Mistake("context 8 taken for granted", _EIGHT, lambda n, R: (n + 1) * 3),
                Mistake(
                    "padding shared: stop mark forgotten",
                    "There is one more column than letters: the stop mark in front.",
                    lambda n, R: n * _layers(R),
                ),
                Mistake(
                    "padding shared: only what is new",
                    "Every layer computes all columns of the name, its first one included.",
                    lambda n, R: _columns(n, R, lambda j, T: max(0, n + 1 - 2 ** (j - 1))),
                ),
                Mistake(
                    "padding shared: one layer",
                    "That is one layer; each of the log2(context) layers has that many columns.",
                    lambda n, R: n + 1,
                ),
                Mistake(
                    "padding shared: one layer per letter",
                    "A context of 8 is three layers, not eight.",
                    lambda n, R: (n + 1) * R,
                ),
                Mistake(
                    "padding shared: one layer too many",
                    "The tokens themselves are no layer: 8 letters need three, for 2 * 2 * 2 = 8.",
                    lambda n, R: (n + 1) * (_layers(R) + 1),
                ),
            ),
        ),
    ),
    probe=listed,
    hint="The order is tree by tree, at once, shared. Draw the graph for this name, and count.",
)
