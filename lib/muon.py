"""Muon, in float32: torch's own casts to bfloat16, which is many times slower on processors without it."""

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)  # pushes every singular value towards 1, fast and not quite exactly


def orthogonalized(G: Float[Tensor, "*K m n"], iterations: int = 5) -> Float[Tensor, "*K m n"]:
    """About the orthogonal matrix nearest to G: its singular values, unless nearly 0, become 0.7 to 1.2.

    Args:
        G: (m, n), or (K, m, n) for K matrices at once.
        iterations: with fewer, more singular values stay small.

    Source: Newton-Schulz iteration of Jordan et al. 2024 (Muon).
    """
    X = G.reshape(-1, *G.shape[-2:])
    is_tall = X.shape[1] > X.shape[2]
    X = X.mT if is_tall else X
    X = X / (torch.linalg.matrix_norm(X, keepdim=True) + 1e-7)  # largest singular value at most 1
    a, b, c = QUINTIC
    for _ in range(iterations):
        A = X @ X.mT
        X = torch.baddbmm(X, torch.baddbmm(A, A, A, beta=b, alpha=c), X, beta=a)  # a X + (b A + c A A) X
    return (X.mT if is_tall else X).reshape(G.shape)


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonalised momentum: all directions of a matrix learn at the same speed.

    Args:
        params: matrices (m, n).
        lr: learning rate; an update has entries of about 0.2 times lr, as AdamW's have.
        momentum: of the gradient's moving average, with Nesterov's look ahead.
        weight_decay: as AdamW's.
        iterations: of `orthogonalized`.

    Source: Jordan et al. 2024; the size of the update is that of Liu et al. 2025 (Moonlight).
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        iterations: int = 5,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "iterations": iterations}
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self) -> None:
        """Update every matrix; those of one shape together, in one product."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                shapes.setdefault(p.shape, []).append(p)
            for (m, n), matrices in shapes.items():
                ahead = []
                for p in matrices:
                    average = self.state[p].setdefault("average", torch.zeros_like(p))
                    average.lerp_(p.grad, 1 - group["momentum"])
                    ahead.append(p.grad.lerp(average, group["momentum"]))
                updates = orthogonalized(torch.stack(ahead), group["iterations"]) * (0.2 * math.sqrt(max(m, n)))
                for p, update in zip(matrices, updates, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update, alpha=group["lr"])
