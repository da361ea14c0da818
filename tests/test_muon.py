"""Tests of lib.muon."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lib.muon import Muon, orthogonalized


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1_000), st.floats(1e-3, 1e3))
def test_orthogonalized_has_singular_values_near_1(m, n, seed, size):
    torch.manual_seed(seed)
    U, S, V = torch.linalg.svd(torch.randn(m, n), full_matrices=False)
    S = 0.1 + 0.9 * torch.rand_like(S)  # none nearly 0
    got = orthogonalized(size * U @ torch.diag(S) @ V)
    values = torch.linalg.svdvals(got)
    assert values.min() > 0.6 and values.max() < 1.25
    torch.testing.assert_close(U.mT @ got @ V.mT, torch.diag(torch.diag(U.mT @ got @ V.mT)), atol=0.02, rtol=0)


def test_orthogonalized_treats_each_matrix_by_itself():
    torch.manual_seed(0)
    G = torch.randn(3, 8, 5)
    torch.testing.assert_close(orthogonalized(G), torch.stack([orthogonalized(g) for g in G]))
    assert torch.equal(orthogonalized(torch.zeros(4, 4)), torch.zeros(4, 4))


def test_steps_follow_the_formula():
    torch.manual_seed(0)
    lr, momentum, decay = 0.1, 0.8, 0.5
    params = [torch.nn.Parameter(torch.randn(shape)) for shape in ((6, 4), (6, 4), (3, 5))]
    expected, averages = [p.detach().clone() for p in params], [torch.zeros_like(p) for p in params]
    optimizer = Muon(params, lr, momentum, decay, iterations=3)
    for _ in range(3):
        for i, p in enumerate(params):
            p.grad = torch.randn_like(p)
            averages[i] = momentum * averages[i] + (1 - momentum) * p.grad
            ahead = (1 - momentum) * p.grad + momentum * averages[i]
            update = 0.2 * max(p.shape) ** 0.5 * orthogonalized(ahead, iterations=3)
            expected[i] = (1 - lr * decay) * expected[i] - lr * update
        optimizer.step()
    for p, value in zip(params, expected, strict=True):
        torch.testing.assert_close(p.detach(), value)


def test_an_update_is_about_as_large_as_adamws():
    torch.manual_seed(0)
    p = torch.nn.Parameter(torch.zeros(128, 256))
    p.grad = torch.randn_like(p)
    Muon([p], lr=1.0).step()
    assert p.detach().square().mean().sqrt().item() == pytest.approx(0.2, rel=0.15)
