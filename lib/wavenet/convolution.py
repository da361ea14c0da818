"""Causal dilated convolution: what one output sees, and how far back.

Each convolution first gathers its inputs with a function of type `Taps`, then multiplies them by its weights. A net's
`forward` takes that function as an argument, so that a cache (`Queues`), a tree (`TreeTaps`) or another padding
(`repeating_taps`) can replace `dense_taps`.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from lib.layers import Layer

Taps = Callable[["CausalConv1d", Tensor], Tensor]


def dense_taps(layer: "CausalConv1d", x: Shaped[Tensor, "B T C"]) -> Shaped[Tensor, "B T_out kC"]:
    """The inputs that each output of the convolution sees, concatenated, its own time step last.

    With a kernel of 2 and dilation 1 this is FlattenConsecutive(2) with a stride of 1 instead of 2: (x0 x1), (x1 x2),
    (x2 x3) ... instead of (x0 x1), (x2 x3) ...; a larger dilation pairs time steps that are further apart.

    Args:
        layer: only its kernel size and dilation are used.
        x: (B, T, C).

    Returns:
        (B, T', kernel_size * C), with T' = T - (kernel_size - 1) * dilation.

    Raises:
        ValueError: no output fits into T time steps.
    """
    T_out = x.shape[1] - layer.reach
    if T_out < 1:
        raise ValueError(
            f"CausalConv1d(kernel_size={layer.kernel_size}, dilation={layer.dilation}) needs at least "
            f"{layer.reach + 1} time steps; got T={x.shape[1]} (shape {tuple(x.shape)}). "
            "Put stop marks before the tokens, or give a longer sequence."
        )
    starts = range(0, layer.reach + 1, layer.dilation)
    return torch.cat([x[:, start : start + T_out] for start in starts], dim=2)


def repeating_taps(layer: "CausalConv1d", x: Shaped[Tensor, "B T C"]) -> Shaped[Tensor, "B T kC"]:
    """As `dense_taps`, for a sequence left-padded with its first token: (B, T, C) to (B, T, kernel_size * C).

    After equal tokens all time steps of a layer are equal, so the first one replaces all before it. A name then needs
    one stop mark before it instead of receptive_field, and every layer computes only T time steps.
    """
    before = x[:, :1].expand(-1, layer.reach, -1)
    return dense_taps(layer, torch.cat([before, x], dim=1))


class CausalConv1d(Layer):
    """Causal convolution with dilation, channels last: each output sees its own time step and earlier ones only.

    out[t] = bias + sum over j of weight_j x[t - (kernel_size - 1 - j) * dilation]. It adds no padding: for an output at
    the first letter, put stop marks before the letters. Equal to `torch.nn.functional.conv1d`, whose weight
    (out, in, kernel) is `weight.view(out, kernel, in).transpose(1, 2)` here.

    Args:
        in_channels, out_channels: channels of each incoming and outgoing time step.
        kernel_size: taps, in time steps.
        dilation: spacing of the taps, in time steps.
        bias: add a learned constant to each channel.

    Raises:
        ValueError: a size below 1.

    Source: van den Oord et al. 2016 (WaveNet), section 2.1.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 2, dilation: int = 1, bias: bool = True
    ) -> None:
        super().__init__()
        sizes = {"in_channels": in_channels, "out_channels": out_channels}
        for name, size in (sizes | {"kernel_size": kernel_size, "dilation": dilation}).items():
            if size < 1:
                raise ValueError(f"CausalConv1d needs {name} of at least 1; got {size}.")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.dilation = kernel_size, dilation
        linear = nn.Linear(kernel_size * in_channels, out_channels, bias)  # what would follow FlattenConsecutive
        self.weight, self.bias = linear.weight, linear.bias

    @property
    def reach(self) -> int:
        """How far back it sees, in time steps: (kernel_size - 1) * dilation."""
        return (self.kernel_size - 1) * self.dilation

    def forward(self, x: Shaped[Tensor, "*shape"]) -> Float[Tensor, "B T_out C_out"]:
        """(B, T, in_channels) to (B, T - (kernel_size - 1) * dilation, out_channels).

        Raises:
            ValueError: x is not 3-D, has other channels, or is too short for one output.
        """
        if x.ndim != 3 or x.shape[2] != self.in_channels:
            raise ValueError(
                f"CausalConv1d needs (batch, time steps, {self.in_channels} channels); got shape {tuple(x.shape)}. "
                "If x is laid out as torch's (N, C, L), give x.transpose(1, 2)."
            )
        return self.project(dense_taps(self, x))

    def project(self, seen: Float[Tensor, "B T kC"]) -> Float[Tensor, "B T C_out"]:
        """The matrix product with what the taps see: (B, T', kernel_size * in_channels) to (B, T', out_channels)."""
        self.out = F.linear(seen, self.weight, self.bias)
        return self.out

    def extra_repr(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, dilation={self.dilation}{bias}"
        )


def dilated_receptive_field(kernel_size: int, dilations: Sequence[int]) -> int:
    """How many input time steps one output of a stack of causal convolutions can see.

    Args:
        kernel_size: taps of every convolution, in time steps.
        dilations: spacing of the taps, one entry per layer, in time steps; (1, 2, 4) is three layers.

    Returns:
        1 + (kernel_size - 1) * sum(dilations), in time steps.

    Raises:
        ValueError: kernel_size or a dilation below 1.

    Source: van den Oord et al. 2016 (WaveNet), section 2.1.
    """
    if kernel_size < 1 or any(dilation < 1 for dilation in dilations):
        raise ValueError(
            "kernel size and dilations must be at least 1 time step; "
            f"got kernel_size={kernel_size}, dilations={tuple(dilations)}."
        )
    return 1 + (kernel_size - 1) * sum(dilations)


def convolutions(model: nn.Module) -> list[CausalConv1d]:
    """The convolutions of a net, first to last."""
    return [module for module in model.modules() if isinstance(module, CausalConv1d)]


def receptive_field(model: nn.Module) -> int:
    """How many input time steps one output of a net of stacked causal convolutions can see."""
    return 1 + sum(conv.reach for conv in convolutions(model))
