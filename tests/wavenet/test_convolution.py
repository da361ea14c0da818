"""Tests of lib.wavenet.convolution."""

import math

import pytest
import torch
import torch.nn.functional as F

from lib.layers import FlattenConsecutive, Layer
from lib.wavenet import CausalConv1d, dilated_receptive_field, repeating_taps
from tests.wavenet.nets import SHAPES, make_net, some_ids


@pytest.mark.parametrize(
    ("B", "T", "kernel_size", "dilation", "bias"),
    [(2, 9, 2, 1, True), (3, 9, 2, 4, False), (1, 11, 3, 2, True), (2, 5, 1, 7, True)],
)
def test_convolution_equals_torchs(B, T, kernel_size, dilation, bias):
    torch.manual_seed(0)
    ours = CausalConv1d(3, 5, kernel_size, dilation, bias).double()
    x = torch.randn(B, T, 3, dtype=torch.float64, requires_grad=True)
    theirs_x = x.detach().clone().requires_grad_()
    weight = ours.weight.detach().view(5, kernel_size, 3).transpose(1, 2).clone().requires_grad_()
    theirs_bias = ours.bias.detach().clone().requires_grad_() if bias else None
    out = ours(x)
    expected = F.conv1d(theirs_x.transpose(1, 2), weight, theirs_bias, dilation=dilation).transpose(1, 2)
    assert out.shape == (B, T - (kernel_size - 1) * dilation, 5)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    upstream = torch.randn_like(out)
    out.backward(upstream)
    expected.backward(upstream)
    torch.testing.assert_close(x.grad, theirs_x.grad, rtol=1e-10, atol=1e-10)
    grad = weight.grad.transpose(1, 2).reshape(5, -1)
    torch.testing.assert_close(ours.weight.grad, grad, rtol=1e-10, atol=1e-10)
    if bias:
        torch.testing.assert_close(ours.bias.grad, theirs_bias.grad, rtol=1e-10, atol=1e-10)


def test_convolution_with_kernel_2_is_flatten_consecutive_with_stride_1():
    torch.manual_seed(0)
    conv, flatten, x = CausalConv1d(3, 5), FlattenConsecutive(2), torch.randn(4, 8, 3)
    pairs = F.linear(flatten(x), conv.weight, conv.bias)
    torch.testing.assert_close(conv(x)[:, ::2], pairs)
    torch.testing.assert_close(conv(x)[:, 1::2], F.linear(flatten(x[:, 1:-1]), conv.weight, conv.bias))


@pytest.mark.parametrize(("kernel_size", "dilation"), [(2, 1), (2, 3), (3, 2)])
def test_convolution_is_causal(kernel_size, dilation):
    conv = CausalConv1d(2, 2, kernel_size, dilation)
    x = torch.randn(1, 12, 2, requires_grad=True)
    reach = (kernel_size - 1) * dilation
    conv(x)[:, 4].sum().backward()
    assert x.grad.abs().sum((0, 2)).nonzero().flatten().tolist() == list(range(4, 4 + reach + 1, dilation))


def test_convolution_stores_its_output_and_is_initialised_like_a_linear_layer():
    conv = CausalConv1d(50, 40, 4)
    x = torch.randn(2, 9, 50)
    assert conv(x) is conv.out and isinstance(conv, Layer)
    bound = 1 / math.sqrt(200)
    assert 0.95 * bound < conv.weight.abs().max() <= bound and conv.bias.abs().max() <= bound
    conv = CausalConv1d(2, 3, dilation=4, bias=False)
    assert repr(conv) == "CausalConv1d(2, 3, kernel_size=2, dilation=4, bias=False)"


@pytest.mark.parametrize("wrong", [{"kernel_size": 0}, {"dilation": 0}, {"in_channels": 0}, {"out_channels": -1}])
def test_convolution_rejects_sizes_below_one(wrong):
    ((name, size),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} of at least 1; got {size}"):
        CausalConv1d(**{"in_channels": 2, "out_channels": 2, **wrong})


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 2), r"batch, time steps, 2 channels\); got shape \(4, 2\)"),
        ((1, 2, 9), r"got shape \(1, 2, 9\).*transpose"),
        ((1, 8, 2), r"at least 9 time steps; got T=8 \(shape \(1, 8, 2\)\)"),
    ],
)
def test_convolution_rejects_other_shapes(shape, message):
    with pytest.raises(ValueError, match=message):
        CausalConv1d(2, 3, kernel_size=3, dilation=4)(torch.zeros(shape))
    assert CausalConv1d(2, 3, kernel_size=3, dilation=4)(torch.zeros(1, 9, 2)).shape == (1, 1, 3)


@pytest.mark.parametrize(("dilations", "blocks", "kernel_size"), SHAPES)
def test_repeating_taps_equal_token_padding(dilations, blocks, kernel_size):
    net = make_net(dilations, blocks, kernel_size)
    tokens = F.pad(some_ids(3, 6), (1, 0))
    padded = F.pad(tokens, (net.receptive_field - 1, 0))
    torch.testing.assert_close(net(tokens, taps=repeating_taps), net(padded))


@pytest.mark.parametrize(
    ("kernel_size", "dilations", "expected"),
    [(2, (1, 2, 4), 8), (2, [2**i for i in range(10)], 1024), (3, (1, 3), 9), (1, (5, 5), 1), (2, (), 1)],
)
def test_receptive_field_formula(kernel_size, dilations, expected):
    assert dilated_receptive_field(kernel_size, dilations) == expected


@pytest.mark.parametrize(("kernel_size", "dilations"), [(0, (1,)), (2, (1, 0))])
def test_receptive_field_rejects_sizes_below_one(kernel_size, dilations):
    with pytest.raises(ValueError, match="at least 1 time step"):
        dilated_receptive_field(kernel_size, dilations)
