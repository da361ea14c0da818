"""Checks of lesson 02: flattening and its way back."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.exercise import Verdict, check_tensor, predictions, right, run, wrong


def _numbered(B: int, T: int, C: int) -> Tensor:
    """(B, T, C) floats that are all different, so that no mix-up can hide."""
    return torch.arange(float(B * T * C)).view(B, T, C)


def flatten(function: Callable) -> Verdict:
    """Lesson 02, exercise 1: (B, T, C) and n, to (B, T/n, n*C), or (B, n*C) when one time step is left."""
    for shape, n in (((3, 8, 5), 2), ((2, 6, 2), 3), ((4, 2, 3), 2), ((1, 4, 3), 2), ((1, 4, 3), 4), ((2, 3, 4), 1)):
        x = _numbered(*shape)
        result, problem = run(function, x, n)
        B, T, C = shape
        grouped = x.view(B, T // n, n * C)
        wanted = grouped.squeeze(1) if n == T else grouped
        given = f"Given a tensor of shape {shape} and n = {n}, "
        if problem:
            return problem
        if isinstance(result, Tensor) and result.shape != wanted.shape:
            if result.shape == grouped.shape:
                return wrong(
                    "time step of 1 kept",
                    f"{given}my_flatten returned {tuple(result.shape)}: one time step is left, so drop dimension 1.",
                )
            if result.shape == grouped.squeeze().shape:
                return wrong(
                    "squeeze() without a dimension",
                    f"{given}my_flatten returned {tuple(result.shape)}; wanted {tuple(wanted.shape)}. A batch of one lost its batch "
                    "dimension: squeeze() drops every dimension of size 1, squeeze(1) only the time steps.",
                )
            if result.shape == (B, T * C):
                return wrong(
                    "flattened at once",
                    f"{given}my_flatten returned {tuple(result.shape)}: everything at once; put only n neighbours together.",
                )
        if problem := check_tensor(
            "my_flatten", result, wanted.shape, f"T/n = {T // n} time steps of n*C = {n * C} channels."
        ):
            return problem
        if not torch.equal(result, wanted):
            strided = torch.cat([x[:, i * (T // n) : (i + 1) * (T // n)] for i in range(n)], dim=2)
            if torch.equal(result, strided.view(wanted.shape)):
                return wrong(
                    "strided pairs",
                    f"{given}time step 0 stands beside time step {T // n}; its neighbour, time step 1, was wanted.",
                )
            by_channel = x.view(B, T // n, n, C).transpose(2, 3).reshape(wanted.shape)
            if torch.equal(result, by_channel):
                return wrong(
                    "channels interleaved",
                    f"{given}the right neighbours meet, but their channels are shuffled into each other.",
                )
            if torch.equal(result, x.transpose(1, 2).reshape(wanted.shape)):
                return wrong(
                    "time and channels swapped",
                    f"{given}the numbers run over time first; the channels of one time step belong together.",
                )
            if not result.any():
                return wrong(
                    "all zeros", f"{given}everything is zero; the numbers of the input were wanted in the new shape."
                )
            return wrong(
                "other numbers",
                f"{given}the shape is right and the numbers are not: compare row 0 with the first {n} time steps.",
            )
        turned = x.transpose(0, 1).contiguous().transpose(0, 1)
        result, problem = run(function, turned, n)
        if problem and problem.mistake == "error":
            return wrong(
                "needs contiguous input",
                f"Given a tensor that is not contiguous, {problem.message} Use reshape instead of view.",
            )
        if problem or not torch.equal(result, wanted):
            return wrong(
                "needs contiguous input", "Given a tensor that is not contiguous, my_flatten returned other numbers."
            )
    return right("my_flatten put the right neighbours side by side for six shapes, contiguous or not.")


SHAPES = {
    "FlattenConsecutive(2) on (32, 8, 10)": ((32, 4, 20), "T is halved, C doubled."),
    "FlattenConsecutive(4) on (32, 4, 128)": ((32, 512), "one time step is left, so its dimension goes."),
    "FlattenConsecutive(2) on (1, 2, 24)": ((1, 48), "only the time dimension goes; the batch of one stays."),
    "FlattenConsecutive(3) on (32, 8, 10)": ("error", "3 does not divide 8 time steps."),
    "FlattenConsecutive(2) on (32, 80)": ("error", "a 2-D tensor has no time dimension."),
}


def shapes(answers: dict[str, object]) -> Verdict:
    """Lesson 02, exercise 2: the predicted shapes, or "error"."""
    return predictions(answers, SHAPES)


def unflatten(function: Callable) -> Verdict:
    """Lesson 02, exercise 3: (B, T/n, n*C) and n, back to (B, T, C)."""
    for shape, n in (((3, 8, 5), 2), ((2, 6, 2), 3), ((1, 4, 3), 2), ((2, 3, 4), 1)):
        x = _numbered(*shape)
        B, T, C = shape
        y = x.view(B, T // n, n * C)
        result, problem = run(function, y, n)
        problem = problem or check_tensor(
            "my_unflatten", result, shape, f"{T // n} groups of {n} time steps, {C} channels each."
        )
        if problem:
            return problem
        if not torch.equal(result, x):
            given = f"Given a tensor of shape {tuple(y.shape)} and n = {n}, "
            if torch.equal(result, torch.cat(y.split(C, dim=2), dim=1)):
                return wrong(
                    "strided pairs",
                    f"{given}the first members of all groups come first; the members of one group belong together.",
                )
            return wrong("other numbers", f"{given}the shape is right and the order of the numbers is not.")
    return right("my_unflatten undid the stage for four shapes.")
