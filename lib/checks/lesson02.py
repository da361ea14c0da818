"""Checks of lesson 02: flattening, shapes, and the way back."""

import torch
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, Predict, Question


def _numbered(B: int, T: int, C: int) -> Tensor:
    """(B, T, C) floats that are all different, so that no mix-up can hide."""
    return torch.arange(float(B * T * C)).view(B, T, C)


def _grouped(x: Tensor, n: int) -> Tensor:
    B, T, C = x.shape
    return x.reshape(B, T // n, n * C)


def _dropped(y: Tensor) -> Tensor:
    return y.squeeze(1) if y.shape[1] == 1 else y


_SHAPES = [((3, 8, 5), 2), ((2, 6, 2), 3), ((4, 2, 3), 2), ((1, 4, 3), 2), ((1, 4, 3), 4), ((2, 3, 4), 1)]

# Exercise 1: (B, T, C) and n, to (B, T/n, n*C), or (B, n*C) if one time step is left.
flatten = Implement(
    "my_flatten",
    [
        *((_numbered(*shape), n) for shape, n in _SHAPES),
        (_numbered(3, 8, 5).transpose(0, 1).contiguous().transpose(0, 1), 2),
    ],
    solution=lambda x, n: _dropped(_grouped(x, n)),
    praise="my_flatten put the right neighbours side by side for six shapes, contiguous or not.",
    mistakes=(
        Mistake("time step of 1 kept", "If one time step is left, drop dimension 1.", _grouped),
        Mistake(
            "squeeze() without a dimension",
            "A batch of one lost its batch dimension: squeeze(1) drops only the time steps.",
            lambda x, n: _grouped(x, n).squeeze(),
        ),
        Mistake(
            "flattened at once",
            "Everything was flattened at once; put only n neighbours together.",
            lambda x, n: x.flatten(1),
        ),
        Mistake(
            "strided pairs",
            "Time step 0 is beside time step T/n; it belongs beside its neighbour, time step 1.",
            lambda x, n: _dropped(torch.cat(x.chunk(n, dim=1), dim=2)),
        ),
        Mistake(
            "channels interleaved",
            "The right neighbours meet, but their channels are shuffled into each other.",
            lambda x, n: _dropped(x.unflatten(1, (-1, n)).transpose(2, 3).flatten(2)),
        ),
        Mistake(
            "time and channels swapped",
            "The numbers run over time first; the channels of one time step belong together.",
            lambda x, n: _dropped(_grouped(x.transpose(1, 2).reshape(x.shape), n)),
        ),
    ),
    errors={
        "view size is not compatible": (
            "needs contiguous input",
            "The tensor is not contiguous: use reshape instead of view.",
        )
    },
    hint="The result has T/n time steps of n*C channels: compare its row 0 with the first n time steps.",
)

SHAPES = {
    "FlattenConsecutive(2) on (32, 8, 10)": ((32, 4, 20), "T is halved, C doubled."),
    "FlattenConsecutive(4) on (32, 4, 128)": ((32, 512), "One time step is left, so its dimension is dropped."),
    "FlattenConsecutive(2) on (1, 2, 24)": ((1, 48), "Only the time dimension is dropped; the batch of one stays."),
    "FlattenConsecutive(3) on (32, 8, 10)": ("error", "3 does not divide 8 time steps."),
    "FlattenConsecutive(2) on (32, 80)": ("error", "A 2-D tensor has no time dimension."),
}
# Exercise 2: the predicted shapes, or "error".
shapes = Predict("my_shapes", None, {question: Question(*answer) for question, answer in SHAPES.items()})

# Exercise 3: (B, T/n, n*C) and n, back to (B, T, C).
unflatten = Implement(
    "my_unflatten",
    [
        (_grouped(_numbered(*shape), n), n)
        for shape, n in (((3, 8, 5), 2), ((2, 6, 2), 3), ((1, 4, 3), 2), ((2, 3, 4), 1))
    ],
    solution=lambda y, n: y.reshape(y.shape[0], y.shape[1] * n, y.shape[2] // n),
    praise="my_unflatten undid the stage for four shapes.",
    mistakes=(
        Mistake(
            "strided pairs",
            "The first members of all groups come first; the members of one group belong together.",
            lambda y, n: torch.cat(y.chunk(n, dim=2), dim=1),
        ),
    ),
    hint="Each time step of y becomes n time steps of C channels, in the same order in memory.",
)
