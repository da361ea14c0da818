"""Checks of lesson 07: a causal convolution with any number of taps, and a net of them to mend."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, composed


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
    [
        *(_case((2, 10, 3), 2, 4, 1), _case((1, 14, 2), 3, 5, 2), _case((3, 13, 1), 2, 1, 4)),
        _case((2, 13, 2), 4, 3, 3),
        _case((2, 5, 3), 3, 6, 2),  # a single output
        _case((2, 6, 4), 1, 7, 2),
    ],
    solution=_convolved,
    praise="my_conv equals the convolution for 1 to 4 taps and dilations 1 to 4.",
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
    errors={
        "shapes cannot be multiplied": (
            "sizes that do not meet",
            "The taps have k*C numbers in their last dimension; which dimension of the weight has as many?",
        ),
        "but got size 0": (
            "empty slice",
            "A slice that ends at -0, which is 0, is empty, as is one that begins behind the end. Print each tap's.",
        ),
    },
    hint="The result has T - (k - 1) * dilation time steps. Try it with one channel and weights 1 and 10.",
)


def _zeros(before: int, behind: int) -> Callable[[Tensor, int], Tensor]:
    """Padding by so many times the dilation before and behind."""
    return lambda x, d: F.pad(x, (0, 0, before * d, behind * d))


_IN_FRONT = _zeros(1, 0)


def _net(
    x: Tensor,
    weights: Sequence[Tensor],
    pad: Callable[[Tensor, int], Tensor] = _IN_FRONT,
    spacing: Callable[[int, int], int] = lambda layer, layers: 2**layer,
    order: int = 1,
    activation: Callable[[Tensor], Tensor] = torch.tanh,
) -> Tensor:
    for layer, weight in enumerate(weights):
        d = spacing(layer, len(weights))
        padded = pad(x, d)
        x = activation(_join([padded[:, :-d], padded[:, d:]][::order], weight))
    return x


def _stack(seed: int, shape: tuple[int, int, int], layers: int) -> tuple[Tensor, list[Tensor]]:
    generator, C = torch.Generator().manual_seed(seed), shape[2]
    weights = [torch.randn(C, 2 * C, generator=generator) / C**0.5 for _ in range(layers)]
    return torch.randn(shape, generator=generator), weights


_BOTH = "Zeros behind the sequence let an output see later time steps: where should all of them stand?"

# Exercise 2, a net to mend: x (B, T, C) and a matrix (C, 2C) for each layer, to (B, T, C), causal, dilations 1, 2, 4 ...
mend_convolutions = Implement(
    "my_net",
    [
        *(_stack(0, (2, 12, 3), 3), _stack(1, (1, 6, 2), 3), _stack(2, (3, 20, 2), 4), _stack(3, (2, 9, 4), 2)),
        *(_stack(4, (1, 21, 3), 5), _stack(5, (2, 5, 3), 1)),
        _stack(6, (2, 3, 2), 3),  # shorter than the last dilation
    ],
    solution=_net,
    praise="Every output sees its own time step and those before it, in nets of one to five layers.",
    mistakes=composed(
        _net,
        pad=(
            Mistake(
                "it sees the future",
                f"{_BOTH} (And half of d = 1 is no zero at all, which makes the sequence shorter.)",
                lambda x, d: F.pad(x, (0, 0, d // 2, d // 2)),
            ),
            Mistake(
                "it sees the future",
                _BOTH,
                lambda x, d: F.pad(x, (0, 0, d // 2, d - d // 2)),
            ),
            Mistake(
                "it sees the future",
                _BOTH,
                lambda x, d: F.pad(x, (0, 0, d - d // 2, d // 2)),
            ),
            Mistake("it sees the future only", "All the zeros are behind: they belong in front.", _zeros(0, 1)),
            Mistake(
                "not padded",
                "Each layer shortens the sequence by its dilation: pad its input first.",
                _zeros(0, 0),
            ),
            Mistake("padded twice", "Each layer lengthens the sequence: zeros in front are enough.", _zeros(1, 1)),
            Mistake(
                "padded batch",
                "The pairs of F.pad begin with the last dimension: channels, then time steps, then the batch.",
                lambda x, d: F.pad(x, (0, 0, 0, 0, d, 0)),
            ),
            Mistake(
                "one zero per layer",
                "A layer shortens the sequence by its dilation, not always by one: pad as much.",
                lambda x, d: F.pad(x, (0, 0, 1, 0)),
            ),
            Mistake(
                "first column repeated",
                "This net was trained with zeros in front: pad with what it was trained with.",
                lambda x, d: torch.cat([x[:, :1].expand(-1, d, -1), x], dim=1),
            ),
        ),
        spacing=(
            Mistake(
                "dilation of the next layer",
                "Print d for each layer: the first layer's taps are neighbours.",
                lambda layer, layers: 2 ** (layer + 1),
            ),
            Mistake(
                "not dilated",
                "With dilation 1 everywhere each layer adds a single time step: double it from layer to layer.",
                lambda layer, layers: 1,
            ),
            Mistake(
                "not doubled",
                "The dilation doubles from layer to layer: 1, 2, 4, not 1, 2, 3.",
                lambda layer, layers: layer + 1,
            ),
            Mistake(
                "from the top",
                "The order is reversed: the first layer, at the bottom, has dilation 1.",
                lambda layer, layers: 2 ** (layers - 1 - layer),
            ),
        ),
        order=(Mistake("taps turned round", "The earlier tap is on the left, as it was: leave their order.", -1),),
        activation=(
            Mistake(
                "no activation",
                "The tanh after each layer was right: keep it.",
                lambda x: x,
            ),
        ),
    ),
    errors={
        "shapes cannot be multiplied": (
            "padded channels",
            "The pairs of F.pad begin with the last dimension: channels, then time steps. Print x.shape after it.",
        ),
    },
    hint="Print which time steps one output sees, with one layer, then with two.",
)
