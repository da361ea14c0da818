"""The layers that the lessons are about: FlattenConsecutive, BatchNorm1d, and the stage built from them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn


class Layer(nn.Module):
    """A module that stores its latest output in `.out` for inspection; excluded from copies and pickles."""

    out: Tensor

    def __getstate__(self) -> dict:
        return {name: value for name, value in self.__dict__.items() if name != "out"}


def vocabulary_size(model: nn.Module) -> int | None:
    """How many ids a net is made for, from its settings; None if it has none, as a net of the reader's own."""
    return (getattr(model, "settings", None) or {}).get("vocabulary_size")


def flatten_consecutive(x: Shaped[Tensor, "B T C"], n: int) -> Shaped[Tensor, "B T//{n} {n}*C"]:
    """Concatenate each n neighbouring time steps: (B, T, C) to (B, T/n, n*C). T must be a multiple of n."""
    B, T, C = x.shape
    return x.reshape(B, T // n, n * C)


class FlattenConsecutive(Layer):
    """Concatenate each n neighbouring time steps: (B, T, C) to (B, T/n, n*C). It has no parameters.

    Args:
        n: neighbours to concatenate, in time steps.

    Raises:
        ValueError: n below 1.

    Source: Karpathy's makemore part 5.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        if n < 1:
            raise ValueError(f"FlattenConsecutive needs n of at least 1 time step; got {n}.")
        self.n = n

    def forward(self, x: Shaped[Tensor, "*any"]) -> Shaped[Tensor, "..."]:
        """Flatten (B, T, C), contiguous or not, to (B, T/n, n*C), or to (B, n*C) when one time step is left.

        Raises:
            ValueError: x is not 3-D, or n does not divide T.
        """
        if x.ndim != 3:
            raise ValueError(
                f"FlattenConsecutive({self.n}) needs a 3-D tensor (batch, time steps, channels); "
                f"got shape {tuple(x.shape)}. A 2-D tensor has no time dimension left to flatten."
            )
        T = x.shape[1]
        if T == 0 or T % self.n:
            divisors = ", ".join(str(n) for n in range(1, T + 1) if T % n == 0)
            raise ValueError(
                f"FlattenConsecutive({self.n}) needs a number of time steps that {self.n} divides; "
                f"got T={T} (shape {tuple(x.shape)}). "
                f"Pad the context or choose n from {divisors or 'the divisors of a longer context'}."
            )
        x = flatten_consecutive(x, self.n)
        if x.shape[1] == 1:
            x = x.squeeze(1)
        self.out = x
        return self.out

    def extra_repr(self) -> str:
        return str(self.n)


def batch_norm(
    x: Float[Tensor, "B *T C"],
    running_mean: Float[Tensor, "C"],
    running_var: Float[Tensor, "C"],
    weight: Float[Tensor, "C"],
    bias: Float[Tensor, "C"],
    training: bool,
    momentum: int | float = 0.1,
    eps: float = 1e-5,
) -> Float[Tensor, "B *T C"]:
    """Batch normalisation, written to be read; `BatchNorm1d` computes the same in one fused call.

    Args:
        x: (B, C) or (B, T, C): batch, time steps, channels.
        running_mean, running_var: (C,) each, the statistics for evaluation. Training updates them in place.
        weight, bias: (C,) each, the learned scale and shift (gamma and beta).
        training: use the mean and variance of x; if False, the running statistics.
        momentum: weight of the current batch in the running average.
        eps: added to the variance.

    Returns:
        x normalised, in the same shape.

    Source: Ioffe and Szegedy 2015, algorithm 1. As in torch, x is normalised with the biased variance, and the running
    average takes the unbiased one.
    """
    if training:
        dim = 0 if x.ndim == 2 else (0, 1)
        xmean = x.mean(dim, keepdim=True)
        xvar = x.var(dim, keepdim=True, unbiased=False)
        with torch.no_grad():
            running_mean.lerp_(xmean.flatten(), momentum)
            running_var.lerp_(x.var(dim, unbiased=True), momentum)
    else:
        xmean, xvar = running_mean, running_var
    xhat = (x - xmean) / torch.sqrt(xvar + eps)
    return weight * xhat + bias


class BatchNorm1d(Layer):
    """Batch normalisation of each channel over all other dimensions: dim 0 of (B, C), dims (0, 1) of (B, T, C).

    Equal to `torch.nn.BatchNorm1d`, buffers and state dict included, which takes 3-D input as (N, C, L); here the
    channels are always last.

    Args:
        num_features: C, the number of channels.
        eps: added to the variance.
        momentum: weight of the current batch in the running average, from 0 to 1.

    Raises:
        ValueError: num_features below 1, eps not above 0, or momentum outside 0 to 1.

    Source: Ioffe and Szegedy 2015, algorithms 1 and 2.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: int | float = 0.1) -> None:
        super().__init__()
        if num_features < 1:
            raise ValueError(f"BatchNorm1d needs at least 1 channel; got num_features={num_features}.")
        if not eps > 0:
            raise ValueError(f"BatchNorm1d needs an eps above 0, or a constant channel divides by 0; got eps={eps}.")
        if not 0 <= momentum <= 1:
            raise ValueError(f"BatchNorm1d needs a momentum from 0 to 1; got {momentum}.")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """Normalise (B, C) or (B, T, C).

        Raises:
            ValueError: x has a different number of dimensions or channels, or (in train mode) fewer than two values per
                channel; the running statistics are then unchanged.
        """
        self._check(x)
        if self.training:
            self.num_batches_tracked += 1
        merged = x.reshape(-1, self.num_features)  # (B*T, C): one row per value of a channel
        merged = F.batch_norm(
            merged, self.running_mean, self.running_var, self.weight, self.bias, self.training, self.momentum, self.eps
        )
        self.out = merged.view(x.shape)
        return self.out

    def _check(self, x: Tensor) -> None:
        shape, C = tuple(x.shape), self.num_features
        if x.ndim not in (2, 3):
            raise ValueError(
                f"BatchNorm1d({C}) needs (batch, channels) or (batch, time steps, channels); got shape {shape}."
            )
        if shape[-1] != C:
            hint = ""
            if x.ndim == 3 and shape[1] == C:
                hint = " Dimension 1 has that size: if x is laid out as torch's (N, C, L), give x.transpose(1, 2)."
            raise ValueError(
                f"BatchNorm1d({C}) expected {C} channels in the last dimension (dimension {x.ndim - 1}), "
                f"got {shape[-1]} (shape {shape}).{hint}"
            )
        values = x.shape[:-1].numel()
        if self.training and values < 2:
            raise ValueError(
                f"BatchNorm1d({C}) is in train mode and got {values} value(s) per channel (shape {shape}): the "
                "variance of one value is 0, and its unbiased estimate 0/0. "
                "Give a larger batch, or call model.eval() first."
            )

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class Stage(Layer):
    """One stage of the tree: FlattenConsecutive(n), Linear without bias, BatchNorm1d, activation.

    Args:
        in_features: channels of each incoming time step.
        out_features: channels of each outgoing time step.
        n: neighbours that become one, in time steps.
        activation: factory for the activation, `nn.Tanh` or `nn.GELU` for example.
        residual: add the right-hand neighbour's input to the output; ignored if in_features and out_features differ.
            Has no parameters.

    Source: Karpathy's makemore part 5; the residual is this project's own.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        n: int = 2,
        activation: Callable[[], nn.Module] = nn.Tanh,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.flatten = FlattenConsecutive(n)
        self.linear = nn.Linear(n * in_features, out_features, bias=False)  # BatchNorm1d brings a bias of its own
        self.norm = BatchNorm1d(out_features)
        self.activation = activation()
        self.residual = residual and in_features == out_features

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "..."]:
        """(B, T, in_features) to (B, T/n, out_features), or to (B, out_features) when one time step is left."""
        out = self.activation(self.norm(self.linear(self.flatten(x))))
        if self.residual:
            n = self.flatten.n
            out = out + x[:, n - 1 :: n].reshape(out.shape)
        self.out = out
        return self.out

    def extra_repr(self) -> str:
        return f"residual={self.residual}"
