"""Checks of lesson 02: flattening, and a tree to mend."""

import torch
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, composed


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


def _tree(x: Tensor, *weights: Tensor, mixed: bool = False, between: bool = True, squeezed: bool = False) -> Tensor:
    for last, weight in zip((False, False, True), weights, strict=True):
        B, T = len(x), x.shape[1] // 2
        x = x.reshape(T, B, -1).transpose(0, 1) if mixed and T == 2 else x.reshape(B, T, -1)
        x = torch.tanh(x @ weight) if between or last else x @ weight
    return x[:, 0].squeeze() if squeezed else x[:, 0]


def _weights(seed: int, B: int, C: int, H: int) -> tuple[Tensor, ...]:
    """A batch of B embedded windows and the weights of three stages."""
    generator = torch.Generator().manual_seed(seed)
    shapes = (B, 8, C), (2 * C, H), (2 * H, H + 1), (2 * H + 2, H)
    return tuple(torch.randn(shape, generator=generator) / shape[0] ** 0.5 for shape in shapes)


# Exercise 2: three stages with tanh, for (B, 8, C) and one weight per stage.
tree = Implement(
    "my_tree",
    [_weights(0, 8, 10, 6), _weights(1, 1, 10, 6), _weights(2, 5, 4, 3)],
    solution=_tree,
    praise="Each window is on its own in the batch, and a tanh follows each stage.",
    mistakes=composed(
        _tree,
        mixed=(Mistake("examples mixed", "Whose letters meet in the line of the quads? Try a batch of two.", True),),
        between=(
            Mistake(
                "no activation between the stages",
                "Without a tanh after each stage, the three matrices are one.",
                False,
            ),
        ),
        squeezed=(Mistake("squeeze() without a dimension", "A batch of one lost its batch dimension.", True),),
    ),
    hint="Print the shape after each line, and say for each dimension what it counts.",
)
