"""Tests of lib.layers: equal to torch's own layers, and clear errors."""

import copy
import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lib.layers import BatchNorm1d, FlattenConsecutive, Stage, batch_norm

sizes = st.integers(1, 5)


@given(B=st.integers(0, 4), groups=sizes, n=sizes, C=sizes)
def test_flatten_concatenates_neighbours(B, groups, n, C):
    x = torch.arange(B * groups * n * C).view(B, groups * n, C)
    out = FlattenConsecutive(n)(x)
    assert out.shape == ((B, n * C) if groups == 1 else (B, groups, n * C))
    rows = out.reshape(B, groups, n * C)
    for group in range(groups):
        for i in range(n):
            assert torch.equal(rows[:, group, i * C : (i + 1) * C], x[:, group * n + i])


def test_three_bare_stages_equal_one_flatten():
    x = torch.randn(4, 8, 10)
    stages = nn.Sequential(*(FlattenConsecutive(2) for _ in range(3)))
    assert torch.equal(stages(x), FlattenConsecutive(8)(x))
    assert [tuple(stage.out.shape) for stage in stages] == [(4, 4, 20), (4, 2, 40), (4, 80)]


def test_flatten_accepts_non_contiguous_input():
    x = torch.randn(4, 10, 8).transpose(1, 2)
    assert not x.is_contiguous()
    assert torch.equal(FlattenConsecutive(2)(x), FlattenConsecutive(2)(x.contiguous()))


def test_flatten_has_no_parameters():
    layer = FlattenConsecutive(2)
    assert list(layer.parameters()) == [] and list(layer.buffers()) == []


@pytest.mark.parametrize("layer", [FlattenConsecutive(2), BatchNorm1d(3), Stage(3, 7)])
def test_layers_store_their_output(layer):
    assert layer(torch.randn(2, 4, 3)) is layer.out


@pytest.mark.parametrize("n", [0, -2])
def test_flatten_rejects_n_below_one(n):
    with pytest.raises(ValueError, match=f"at least 1 time step; got {n}"):
        FlattenConsecutive(n)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((32, 8), r"3-D tensor.*\(32, 8\)"),
        ((2, 3, 4, 5), r"3-D tensor.*\(2, 3, 4, 5\)"),
        ((32, 8, 10), r"that 3 divides; got T=8 \(shape \(32, 8, 10\)\).*choose n from 1, 2, 4, 8"),
        ((32, 0, 10), "T=0"),
    ],
)
def test_flatten_rejects_other_shapes(shape, message):
    with pytest.raises(ValueError, match=message):
        FlattenConsecutive(3)(torch.zeros(shape))


def torchs_layout(layer: nn.BatchNorm1d, x: torch.Tensor) -> torch.Tensor:
    """torch takes (N, C, L)."""
    return layer(x) if x.ndim == 2 else layer(x.transpose(1, 2)).transpose(1, 2)


def readable(ours: BatchNorm1d, x: torch.Tensor) -> torch.Tensor:
    return batch_norm(
        x, ours.running_mean, ours.running_var, ours.weight, ours.bias, ours.training, ours.momentum, ours.eps
    )


@pytest.mark.parametrize("run", [lambda layer, x: layer(x), readable], ids=["BatchNorm1d", "batch_norm"])
@pytest.mark.parametrize(
    ("shape", "momentum", "eps"),
    [
        ((32, 5), 0.1, 1e-5),
        ((2, 5), 0.1, 1e-5),
        ((1, 4, 5), 0.1, 1e-5),
        ((3, 2, 5), 0.001, 0.3),
        ((32, 4, 5), 1.0, 1e-5),
    ],
)
def test_batch_norm_equals_torchs(run, shape, momentum, eps):
    torch.manual_seed(0)
    ours, theirs = (kind(5, momentum=momentum, eps=eps).double() for kind in (BatchNorm1d, nn.BatchNorm1d))
    with torch.no_grad():
        ours.weight.normal_()
        ours.bias.normal_()
    theirs.load_state_dict(ours.state_dict())
    for _ in range(3):
        x = (3 * torch.randn(shape, dtype=torch.float64) + 2).requires_grad_()
        x_theirs = x.detach().clone().requires_grad_()
        out, expected = run(ours, x), torchs_layout(theirs, x_theirs)
        torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
        upstream = torch.randn_like(out)
        out.backward(upstream)
        expected.backward(upstream)
        torch.testing.assert_close(x.grad, x_theirs.grad, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(ours.bias.grad, theirs.bias.grad, rtol=1e-10, atol=1e-10)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), rtol=1e-12, atol=1e-12)
        assert not getattr(ours, name).requires_grad, f"{name} keeps the graph of every batch"
    ours.eval(), theirs.eval()
    before = copy.deepcopy(ours.state_dict())
    x = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(run(ours, x), torchs_layout(theirs, x), rtol=1e-12, atol=1e-12)
    assert all(torch.equal(before[name], value) for name, value in ours.state_dict().items())


def test_batch_norm_has_torchs_state_dict():
    ours, theirs = BatchNorm1d(5), nn.BatchNorm1d(5)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(torch.equal(ours.state_dict()[name], value) for name, value in theirs.state_dict().items())
    ours(torch.randn(4, 3, 5))
    theirs.load_state_dict(ours.state_dict())
    assert theirs.num_batches_tracked == 1


def test_batch_norm_accepts_non_contiguous_input():
    x = torch.randn(4, 5, 3).transpose(1, 2)
    assert not x.is_contiguous()
    torch.testing.assert_close(BatchNorm1d(5)(x), BatchNorm1d(5)(x.contiguous()))


@pytest.mark.parametrize("shape", [(1, 5), (0, 5), (1, 1, 5)])
def test_batch_norm_rejects_one_value_per_channel_and_keeps_its_buffers(shape):
    layer = BatchNorm1d(5)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(ValueError, match=r"train mode and got [01] value\(s\) per channel.*model.eval\(\)"):
        layer(torch.zeros(shape))
    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())
    assert layer.eval()(torch.zeros(shape)).isfinite().all()


def test_batch_norm_rejects_other_shapes():
    with pytest.raises(ValueError, match=r"5 channels in the last dimension \(dimension 1\), got 4"):
        BatchNorm1d(5)(torch.zeros(8, 4))
    with pytest.raises(ValueError, match=r"\(dimension 2\), got 4.*transpose\(1, 2\)"):
        BatchNorm1d(5)(torch.zeros(8, 5, 4))
    for shape in ((5,), (2, 3, 4, 5)):
        with pytest.raises(ValueError, match=rf"got shape {re.escape(str(shape))}"):
            BatchNorm1d(5)(torch.zeros(shape))


@pytest.mark.parametrize("wrong", [{"num_features": 0}, {"eps": 0.0}, {"eps": math.nan}, {"momentum": 1.5}])
def test_batch_norm_rejects_settings_out_of_range(wrong):
    with pytest.raises(ValueError, match="BatchNorm1d needs"):
        BatchNorm1d(**{"num_features": 3, **wrong})


@pytest.mark.parametrize("activation", [nn.Tanh, nn.GELU])
def test_stage_equals_its_four_layers(activation):
    torch.manual_seed(0)
    stage, x = Stage(3, 7, n=2, activation=activation), torch.randn(5, 4, 3)
    by_hand = activation()(nn.BatchNorm1d(7)(x.view(5 * 2, 6) @ stage.linear.weight.T)).view(5, 2, 7)
    torch.testing.assert_close(stage(x), by_hand)
    assert stage.linear.bias is None


@pytest.mark.parametrize("n", [2, 4])
def test_residual_adds_the_right_hand_neighbours_input(n):
    torch.manual_seed(0)
    plain, residual = Stage(6, 6, n=n), Stage(6, 6, n=n, residual=True)
    residual.load_state_dict(plain.state_dict())
    for T in (4, 8):
        x = torch.randn(5, T, 6)
        right = torch.stack([x[:, group * n + n - 1] for group in range(T // n)], dim=1)
        expected = plain(x) + (right.squeeze(1) if n == T else right)
        torch.testing.assert_close(residual(x), expected)


def test_residual_is_ignored_if_widths_differ():
    torch.manual_seed(0)
    plain, residual = Stage(3, 6), Stage(3, 6, residual=True)
    residual.load_state_dict(plain.state_dict())
    x = torch.randn(5, 4, 3)
    assert torch.equal(plain(x), residual(x))


def test_forward_does_not_break_deepcopy():
    stage = Stage(3, 7)
    stage(torch.randn(5, 4, 3))
    assert not hasattr(copy.deepcopy(stage), "out")
