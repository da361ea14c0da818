"""The nets that the experiments compare: the staged net with one change at a time, and WaveNets with one part more."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lib.layers import BatchNorm1d, FlattenConsecutive
from lib.models import add_head

PARTS = ("linear", "norm", "tanh")
SHIFT_MEAN, SHIFT_SCALE = 0.5, 1.25


class PerPosition(BatchNorm1d):
    """BatchNorm with statistics over dim 0 only: one mean and variance per channel and time step.

    This is what `x.mean(0)` gives on (B, T, C), the silent bug of lesson 03. Weight and bias are per channel, as in
    BatchNorm1d, so that the number of parameters is the same.

    Args:
        num_features: C.
        time_steps: T; 1 for (B, C), where it is the same as BatchNorm1d.
    """

    def __init__(self, num_features: int, time_steps: int) -> None:
        super().__init__(num_features)
        self.running_mean = torch.zeros(time_steps * num_features)
        self.running_var = torch.ones(time_steps * num_features)
        self.time_steps = time_steps

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Normalise (B, T, C) or, where T is 1, (B, C)."""
        weight, bias = self.weight.repeat(self.time_steps), self.bias.repeat(self.time_steps)
        merged = x.reshape(len(x), -1)  # (B, T*C): separate channels for each time step
        out = F.batch_norm(merged, self.running_mean, self.running_var, weight, bias, self.training, 0.1, 1e-5)
        return out.view(x.shape)


class MaskedBatchNorm1d(BatchNorm1d):
    """BatchNorm over dims (0, 1) whose statistics leave out positions that have seen only padding.

    `.seen`, (B, T) with 1 where a position has seen a letter and 0 elsewhere, is set by the net before each call.
    """

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Normalise (B, T, C) or, where T is 1, (B, C); padding is normalised by the statistics of the rest."""
        mean, var = self.running_mean, self.running_var
        if self.training:
            seen = self.seen.view(-1, 1)  # (B*T, 1)
            merged, n = x.reshape(-1, x.shape[-1]), seen.sum()
            mean = (merged * seen).sum(0) / n
            var = ((merged - mean).square() * seen).sum(0) / n
            with torch.no_grad():
                self.running_mean.lerp_(mean, 0.1)
                self.running_var.lerp_(var * n / (n - 1), 0.1)
        return self.weight * (x - mean) / torch.sqrt(var + 1e-5) + self.bias


def _mark_padding(model: nn.Sequential, inputs: tuple[Tensor]) -> None:
    """Set `.seen` of each MaskedBatchNorm1d in a net."""
    seen = (inputs[0] != 0).float()  # (B, 8)
    for block in model.children():
        if isinstance(block, Block):
            seen = seen.unflatten(1, (-1, block.n)).amax(2)  # (B, T/n)
            for layer in block.parts:
                if isinstance(layer, MaskedBatchNorm1d):
                    layer.seen = seen


class Shift(nn.Module):
    """Adds a covariate shift after a normalisation: each training step gives each channel a new scale and mean.

    The identity in eval mode. Source: Santurkar et al. 2018, section 2.2, "noisy" BatchNorm.
    """

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Scale each channel by a random number from 1 to 1.25 and shift it by one from -0.5 to 0.5."""
        if not self.training:
            return x
        scale = 1 + (SHIFT_SCALE - 1) * torch.rand(x.shape[-1])
        mean = SHIFT_MEAN * (2 * torch.rand(x.shape[-1]) - 1)
        return x * scale + mean


class LinearPerPosition(nn.Module):
    """A separate Linear for each time step: (B, T, C) to (B, T, C'). `nn.Linear` shares one.

    Args:
        in_features, out_features: C and C'.
        time_steps: T.
    """

    def __init__(self, in_features: int, out_features: int, time_steps: int) -> None:
        super().__init__()
        bound = in_features**-0.5  # the initialization of nn.Linear
        self.weight = nn.Parameter(torch.empty(time_steps, in_features, out_features).uniform_(-bound, bound))

    def forward(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T D"]:
        """Multiply each time step by its own matrix."""
        return torch.einsum("btc,tcd->btd", x, self.weight)


class Block(nn.Module):
    """A stage of chosen parts: FlattenConsecutive(n), then Linear, normalisation, Tanh, residual.

    Args:
        n: neighbours to concatenate; 1 flattens nothing.
        parts: the layers by name, in order.
        residual: add the right-hand neighbour's input.
    """

    def __init__(self, n: int, parts: OrderedDict[str, nn.Module], residual: bool) -> None:
        super().__init__()
        self.n, self.residual = n, residual
        self.flatten = FlattenConsecutive(n) if n > 1 else nn.Identity()
        self.parts = nn.Sequential(parts)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "..."]:
        """(B, T, C) to (B, T/n, C'), or to (B, C') when one time step is left."""
        out = self.parts(self.flatten(x))
        if self.residual:
            out = out + (x if self.n == 1 else x[:, self.n - 1 :: self.n].reshape(out.shape))
        return out


def make_norm(name: str, channels: int, time_steps: int) -> nn.Module | None:
    """The normalisation of that name, or None for "none"."""
    makers: dict[str, Callable[[], nn.Module | None]] = {
        "dims (0, 1)": partial(BatchNorm1d, channels),
        "dim 0": partial(PerPosition, channels, time_steps),
        "masked": partial(MaskedBatchNorm1d, channels),
        "LayerNorm": partial(nn.LayerNorm, channels),
        "shifted": lambda: nn.Sequential(BatchNorm1d(channels), Shift()),
        "none": lambda: None,
    }
    if name not in makers:
        raise ValueError(f"Expected a normalisation out of {', '.join(makers)}, got {name!r}.")
    return makers[name]()


def make_net(
    vocabulary_size: int,
    stages: str = "2-2-2",
    between: str = "linear norm tanh",
    norm: str = "dims (0, 1)",
    residual: bool = False,
    shared: bool = True,
    gain: float = 0.0,
    embedding: int = 10,
    hidden: int = 68,
    first: int = 0,
    head: str = "small",
) -> nn.Sequential:
    """A net over 8 characters: embedding, one block per stage, logits.

    Args:
        vocabulary_size: number of characters.
        stages: neighbours concatenated by each stage, whose product is 8: "2-2-2" is the staged net, "8" the flat one,
            "8-1-1" the flat one with two more hidden layers.
        between: the parts of every stage except the last, which has all: "linear", "norm", "tanh", or "".
        norm: "dims (0, 1)", "dim 0", "masked", "LayerNorm", "shifted" or "none".
        residual: see `Block`; ignored if the widths differ.
        shared: False gives each time step a separate Linear.
        gain: if above 0, Linear weights start with standard deviation gain / sqrt(fan_in) instead of nn.Linear's.
        embedding, hidden: channels of a character and of every Linear's output.
        first: channels of the first stage's Linear, if above 0.
        head: how the output layer starts: "small" is `lib.models.add_head`'s, "torch" nn.Linear's own.

    Raises:
        ValueError: stages whose product is not 8, or an unknown name.
    """
    if head not in ("small", "torch"):
        raise ValueError(f"Expected the head 'small' or 'torch', got {head!r}.")
    sizes = _sizes(stages, between)
    layers, time_steps, channels = OrderedDict(embedding=nn.Embedding(vocabulary_size, embedding)), 8, embedding
    for number, n in enumerate(sizes, start=1):
        last, incoming = number == len(sizes), channels
        time_steps, channels, width = time_steps // n, n * channels, first if first and number == 1 else hidden
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        for name in PARTS if last else between.split():
            if name == "linear":
                parts[name] = _linear(channels, width, time_steps, norm == "none", shared or last, gain)
                channels = width
            elif (layer := nn.Tanh() if name == "tanh" else make_norm(norm, channels, time_steps)) is not None:
                parts[name] = layer
        layers[f"stage{number}"] = Block(n, parts, residual and incoming == channels)
    model = add_head(layers, channels, vocabulary_size, context=8)
    if head == "torch":
        model.head.reset_parameters()
    if norm == "masked":
        model.register_forward_pre_hook(_mark_padding)
    return model


def _sizes(stages: str, between: str) -> list[int]:
    sizes = [int(n) for n in stages.split("-")]
    if torch.tensor(sizes).prod() != 8:
        raise ValueError(f"Expected stages whose product is 8, such as '2-2-2', '4-2' or '8', got {stages!r}.")
    if unknown := set(between.split()) - set(PARTS):
        raise ValueError(
            f"Expected between to be parts out of {', '.join(PARTS)}, with spaces between them, such as "
            f"'linear tanh', got {between!r}; unknown: {' '.join(sorted(unknown))}"
        )
    return sizes


def _linear(fan_in: int, fan_out: int, time_steps: int, bias: bool, shared: bool, gain: float) -> nn.Module:
    linear = nn.Linear(fan_in, fan_out, bias=bias) if shared else LinearPerPosition(fan_in, fan_out, time_steps)
    if gain:
        nn.init.normal_(linear.weight, std=gain / fan_in**0.5)
    return linear


def hidden_for(params: int, vocabulary_size: int, **settings: str | int | float | bool) -> int:
    """The width of the hidden layers with which `make_net` has most nearly this number of parameters."""
    count = lambda hidden: sum(p.numel() for p in make_net(vocabulary_size, hidden=hidden, **settings).parameters())
    low, high = 1, 1_024
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= params else (low, middle)
    return min((low, high), key=lambda hidden: abs(count(hidden) - params))


# Lesson 08's arms, each with one part of the paper more than the one before: 75,600 to 76,579 parameters.
_PARTS_OFF = {"gated": False, "residual": False, "skip": False, "deep_head": False}
WAVENETS = {
    "dilated tanh convolutions": {"channels": 108, "dilations": (1, 2, 4), **_PARTS_OFF},
    "+ gates": {"channels": 77, "dilations": (1, 2, 4), **_PARTS_OFF, "gated": True},
    "+ residual": {"channels": 69, "dilations": (1, 2, 4), "skip": False, "deep_head": False},
    "+ skip": {"channels": 65, "dilations": (1, 2, 4), "deep_head": False},
    "+ two-layer head": {"channels": 63, "dilations": (1, 2, 4)},
    "+ LayerNorm": {"channels": 63, "dilations": (1, 2, 4), "norm": nn.LayerNorm},
    "+ dilation 8": {"channels": 54, "dilations": (1, 2, 4, 8), "skip_channels": 59, "norm": nn.LayerNorm},
}
