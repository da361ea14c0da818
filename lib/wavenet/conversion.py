"""The staged tree as a stack of dilated causal convolutions, with the same weights."""

import copy
import timeit
from collections import OrderedDict

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from lib.layers import BatchNorm1d, FlattenConsecutive, Layer, Stage
from lib.models import staged_model
from lib.wavenet.convolution import CausalConv1d, Taps, dense_taps, receptive_field


class DilatedStage(Layer):
    """A `Stage` at every position: CausalConv1d, BatchNorm1d, activation, and the residual where the stage had one."""

    def __init__(self, conv: CausalConv1d, norm: BatchNorm1d, activation: nn.Module, residual: bool) -> None:
        super().__init__()
        self.conv, self.norm, self.activation, self.residual = conv, norm, activation, residual

    def forward(self, x: Float[Tensor, "B T C"], taps: Taps = dense_taps) -> Float[Tensor, "B T_out C_out"]:
        """(B, T, C) to (B, T', C_out); `taps` gathers the convolution's inputs."""
        seen = taps(self.conv, x)  # (B, T', k*C)
        out = self.activation(self.norm(self.conv.project(seen)))
        if self.residual:
            out = out + seen[..., -x.shape[2] :]  # the last tap: the right-hand neighbour's input
        self.out = out
        return self.out

    def extra_repr(self) -> str:
        return f"residual={self.residual}"


class DilatedNet(nn.Sequential):
    """A converted tree: (B, T) ids to (B, T', vocabulary) logits of the last T' = T - receptive_field + 1 positions."""

    @property
    def receptive_field(self) -> int:
        """In time steps."""
        return receptive_field(self)

    def forward(self, ids: Int[Tensor, "B T"], taps: Taps = dense_taps) -> Float[Tensor, "B T_out V"]:
        """Logits of the next id at each position that has a complete receptive field."""
        x = ids
        for layer in self:
            if isinstance(layer, DilatedStage):
                x = layer(x, taps)
            elif isinstance(layer, CausalConv1d):
                x = layer.project(taps(layer, x))
            else:
                x = layer(x)
        return x


def staged_to_dilated(model: nn.Module) -> DilatedNet:
    """A net of stages as a net of dilated causal convolutions, with a copy of its weights and buffers.

    A stage that joins n neighbours becomes a convolution of n taps, whose dilation is the product of the earlier n:
    2, 2, 2 gives dilations 1, 2, 4. The logits are those of the staged net for the window that ends at each position;
    with context - 1 stop marks before the tokens there is a window for every token.

    This holds in eval mode, the new net's mode. In train mode it cannot: BatchNorm over (0, 1) takes its mean over all
    computed positions, which differ here and include future ones.

    Args:
        model: an nn.Sequential of nn.Embedding, then `Stage`s (or FlattenConsecutive and Linear) and position-wise
            layers; `staged_model` and `flat_model` make such nets.

    Returns:
        From (B, T) ids to (B, T - receptive_field + 1, vocabulary) logits. It shares nothing with `model`.

    Raises:
        TypeError: model is not an nn.Sequential that begins with an nn.Embedding.
        ValueError: a layer that can't be converted; the message names it.
    """
    _check_tree(model)
    layers, channels, spacing = OrderedDict(), model[0].embedding_dim, 1
    rest = iter(model.named_children())
    for name, layer in rest:
        if type(layer) is Stage:
            layers[name] = _as_dilated_stage(name, layer, channels, spacing)
            spacing, channels = spacing * layer.flatten.n, layer.linear.out_features
        elif type(layer) is FlattenConsecutive:
            name, linear = next(rest, (name, None))
            layers[name] = _as_convolution(name, layer, linear, channels, spacing)
            spacing, channels = spacing * layer.n, linear.out_features
        else:
            layers[name] = copy.deepcopy(layer)
            if layer is not model[0]:
                channels = _channels_after(name, layer, channels)
    net = DilatedNet(layers)
    net.context = net.receptive_field
    if getattr(model, "context", net.context) != net.context:
        raise ValueError(
            "staged_to_dilated needs stages that join the whole context; "
            f"the model's context is {model.context} and its stages join {net.context} time steps."
        )
    return net.eval()


def savings(context: int, outputs: int = 512) -> tuple[float, float]:
    """How many times more the trees of neighbouring windows need than the dilated net with the same weights.

    Args:
        context: of each output, in time steps; a power of 2, at least 2.
        outputs: how many, one time step apart.

    Returns:
        Applications of the Linear layers, counted, and time, measured here: trees divided by dilated net. The nets are
        untrained and have 32 channels; the trees get their windows in parts that fit into the processor's cache.
    """
    tree = staged_model(27, context=context, embedding=32, hidden=32).eval()
    net, ids = staged_to_dilated(tree), torch.randint(27, (1, outputs + context - 1))
    parts = ids[0].unfold(0, context, 1).split(max(1, 4096 // context))  # windows
    runs = lambda: [tree(part) for part in parts], lambda: net(ids)
    with torch.no_grad():
        times = [min(timeit.repeat(run, number=1, repeat=3 + 128 // context)) for run in runs]
    columns = [outputs + context - 2**layer for layer in range(1, context.bit_length())]
    return outputs * (context - 1) / sum(columns), times[0] / times[1]


def _check_tree(model: nn.Module) -> None:
    kind, layers = type(model).__name__, model if isinstance(model, nn.Sequential) else ()
    if not layers or not isinstance(layers[0], nn.Embedding):
        raise TypeError(
            "staged_to_dilated expected an nn.Sequential that begins with an nn.Embedding, as staged_model makes, "
            f"got {kind}{f' that begins with {type(layers[0]).__name__}' if layers else ''}."
        )


def _as_dilated_stage(name: str, stage: Stage, channels: int, spacing: int) -> DilatedStage:
    conv = _as_convolution(name, stage.flatten, stage.linear, channels, spacing)
    _channels_after(f"{name}.norm", stage.norm, conv.out_channels)
    _channels_after(f"{name}.activation", stage.activation, conv.out_channels)
    return DilatedStage(conv, copy.deepcopy(stage.norm), copy.deepcopy(stage.activation), stage.residual)


def _as_convolution(
    name: str, flatten: FlattenConsecutive, linear: nn.Module | None, channels: int, spacing: int
) -> CausalConv1d:
    """FlattenConsecutive(n) and Linear as one convolution of n taps, with a copy of the Linear's weights."""
    if type(linear) is not nn.Linear:
        raise ValueError(
            f"staged_to_dilated can't convert layer {name!r}: expected an nn.Linear after a FlattenConsecutive, got "
            f"{type(linear).__name__}. Merge bare stages into one FlattenConsecutive."
        )
    if linear.in_features != flatten.n * channels:
        raise ValueError(
            f"staged_to_dilated can't convert layer {name!r}: it takes {linear.in_features} features, and "
            f"{flatten.n} neighbours of {channels} channels have {flatten.n * channels}. Make them equal."
        )
    conv = CausalConv1d(channels, linear.out_features, flatten.n, spacing)
    conv.weight, conv.bias = copy.deepcopy(linear.weight), copy.deepcopy(linear.bias)
    return conv


def _channels_after(name: str, layer: nn.Module, channels: int) -> int:
    """The channels of a layer's output; rejects layers that are not position-wise."""
    like = next(layer.parameters(), torch.empty(0))
    T = channels + 1  # so that no layer can mistake the time steps for the channels
    x = torch.linspace(-2, 2, 3 * T * channels, dtype=like.dtype, device=like.device).view(3, T, channels)
    layer, why = copy.deepcopy(layer).eval(), ""
    try:
        with torch.no_grad():
            among_others, alone = layer(x)[1, 1], layer(x[1, 1:2])[0]
    except Exception as error:
        why = f" ({type(error).__name__}: {error})"
    if why or among_others.shape != alone.shape or not torch.allclose(among_others, alone, atol=1e-6):
        raise ValueError(
            f"staged_to_dilated can't convert layer {name!r}, {type(layer).__name__}: it is not position-wise{why}. "
            "Use a layer that is, such as nn.Tanh or, for a norm, lib's BatchNorm1d."
        )
    return alone.shape[0]
