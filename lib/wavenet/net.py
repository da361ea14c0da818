"""WaveNet: gated dilated convolutions with residual and skip paths."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from lib.checkpoints import records_settings
from lib.layers import Layer
from lib.wavenet.convolution import CausalConv1d, Taps, dense_taps, receptive_field


class GatedLayer(Layer):
    """One layer of WaveNet: dilated convolution, gate, residual.

    z = tanh(filter) * sigmoid(gate), where both are convolutions of x plus a learned vector per condition; the output
    is x + W z.

    Args:
        channels: of x, of z and of the output.
        kernel_size, dilation: of the convolution, in time steps.
        conditions: classes of the global condition; 0 for none.
        gated: False leaves out the gate, z = tanh(filter).
        residual: False makes z the output.
        norm: factory for a norm of the convolution's output, called with its number of channels.

    Source: van den Oord et al. 2016 (WaveNet), equation 2 and the first equation of section 2.5.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        dilation: int,
        conditions: int = 0,
        gated: bool = True,
        residual: bool = True,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        width = 2 * channels if gated else channels  # filter and gate side by side: one convolution computes both
        self.gated = gated
        self.conv = CausalConv1d(channels, width, kernel_size, dilation)
        # Larger than a Linear's weights at first, so that tanh and sigmoid are nonlinear from the start.
        nn.init.kaiming_uniform_(self.conv.weight, nonlinearity="tanh")
        self.norm = norm(width) if norm else None
        self.condition = nn.Embedding(conditions, width) if conditions else None
        self.residual = nn.Linear(channels, channels) if residual else None  # a 1x1 convolution

    def forward(
        self, x: Float[Tensor, "B T C"], condition: Int[Tensor, "B"] | None = None, taps: Taps = dense_taps
    ) -> tuple[Float[Tensor, "B T_out C"], Float[Tensor, "B T_out C"]]:
        """(B, T, C) to (B, T', C), for the next layer, and z (B, T', C), for the skip path."""
        seen = taps(self.conv, x)  # (B, T', k*C)
        a = self.conv.project(seen)  # (B, T', 2C), or (B, T', C) without gate
        if self.norm is not None:
            a = self.norm(a)
        if self.condition is not None:
            a = a + self.condition(condition)[:, None]
        if self.gated:
            filter, gate = a.chunk(2, dim=2)
            z = torch.tanh(filter) * torch.sigmoid(gate)
        else:
            z = torch.tanh(a)
        self.out = z if self.residual is None else seen[..., -x.shape[2] :] + self.residual(z)
        return self.out, z


class WaveNet(nn.Module):
    """WaveNet on tokens: embedding, gated dilated convolutions with residual and skip paths, a head of two layers.

    It does not pad, so an output for the first letter needs receptive_field stop marks before it. The last layer's
    weights are small at first, so that the first loss is about ln(vocabulary_size).

    Args:
        vocabulary_size: number of different ids: characters with the stop mark, or 256 levels of sound.
        channels: of every layer.
        dilations: spacing of the taps of each layer of a block, in time steps: (1, 2, 4).
        blocks: how many times the dilations are repeated.
        kernel_size: taps of every convolution.
        embedding: channels of each id, which a causal convolution, the paper's first, maps to `channels`; it adds
            kernel_size - 1 time steps to the receptive field. None: `channels`, without that convolution.
        skip_channels: of the skip path and the head; None for `channels`.
        conditions: classes of a global condition, such as a speaker or a list; 0 for none.
        gated, residual, skip, deep_head: False leaves that part of the paper out: the gate (z = tanh(filter)), the
            residual path, the skip path (the head reads the last layer), the head's first layer.
        norm: factory for a norm of each convolution's output, such as nn.LayerNorm; None for none, as in the paper. A
            norm over several positions leaks the future: BatchNorm1d in train mode does.

    Raises:
        ValueError: a size below 1, or no dilations.

    Source: van den Oord et al. 2016 (WaveNet, arXiv 1609.03499), sections 2.1 to 2.5 and figure 4.
    """

    @records_settings
    def __init__(
        self,
        vocabulary_size: int,
        channels: int,
        dilations: Sequence[int],
        blocks: int = 1,
        kernel_size: int = 2,
        embedding: int | None = None,
        skip_channels: int | None = None,
        conditions: int = 0,
        gated: bool = True,
        residual: bool = True,
        skip: bool = True,
        deep_head: bool = True,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        sizes = {"vocabulary_size": vocabulary_size, "channels": channels, "blocks": blocks, "kernel_size": kernel_size}
        _check_sizes(1, sizes | {"embedding": embedding, "skip_channels": skip_channels})
        _check_sizes(1, {"len(dilations)": len(dilations), "min(dilations)": min(dilations, default=1)})
        _check_sizes(0, {"conditions": conditions})
        dilations = tuple(dilations) * blocks
        head = (skip_channels or channels) if skip else channels
        self.embedding = nn.Embedding(vocabulary_size, embedding or channels)
        self.first = CausalConv1d(embedding, channels, kernel_size) if embedding else None
        self.layers = nn.ModuleList()
        for number, dilation in enumerate(dilations, start=1):
            is_used = residual and not (skip and number == len(dilations))  # the head reads the skip path alone
            self.layers.append(GatedLayer(channels, kernel_size, dilation, conditions, gated, is_used, norm))
        self.skips = nn.ModuleList(nn.Linear(channels, head) for _ in dilations) if skip else None  # 1x1 convolutions
        last = nn.Linear(head, vocabulary_size)
        first = (nn.ReLU(), nn.Linear(head, head), nn.ReLU()) if deep_head else ()
        self.head = nn.Sequential(*first, last)
        with torch.no_grad():
            last.weight *= 0.1
            last.bias.zero_()

    @property
    def receptive_field(self) -> int:
        """How many ids one output can see, in time steps: `dilated_receptive_field` of all convolutions."""
        return receptive_field(self)

    @property
    def context(self) -> int:
        """The receptive field, under the name that nets of windows use."""
        return self.receptive_field

    def forward(
        self, ids: Int[Tensor, "B T"], condition: Int[Tensor, "B"] | None = None, taps: Taps = dense_taps
    ) -> Float[Tensor, "B T_out V"]:
        """Logits of the next id at each of the last T' = T - receptive_field + 1 positions.

        Args:
            ids: (B, T) int64.
            condition: (B,) int64, one class per sequence, if the net has conditions.
            taps: gathers the inputs of each convolution; `Queues` and `TreeTaps` pass their own.

        Raises:
            ValueError: too few time steps, or a condition that is missing, unexpected or out of range.
        """
        if condition is None and self.layers[0].condition is not None:
            raise ValueError("this WaveNet expected a condition, (B,) int64, got none.")
        if condition is not None and self.layers[0].condition is None:
            raise ValueError(f"this WaveNet has conditions=0; expected none, got {tuple(condition.shape)}.")
        if condition is not None and len(condition):
            least, most, conditions = int(condition.min()), int(condition.max()), self.settings["conditions"]
            if not 0 <= least <= most < conditions:
                raise ValueError(f"this WaveNet has conditions from 0 to {conditions - 1}; got {least} to {most}.")
        if taps is dense_taps and ids.shape[1] < self.receptive_field:
            raise ValueError(
                f"this WaveNet needs at least its receptive field of {self.receptive_field} time steps; got "
                f"T={ids.shape[1]} (shape {tuple(ids.shape)}). "
                f"Put stop marks before the tokens: F.pad(ids, ({self.receptive_field} - 1, 0))."
            )
        x, gates = self.embedding(ids), []  # (B, T, C)
        if self.first is not None:
            x = self.first.project(taps(self.first, x))
        for layer in self.layers:
            x, z = layer(x, condition, taps)
            gates.append(z)
        if self.skips is not None:
            T_out = x.shape[1]
            x = sum(skip(z[:, -T_out:]) for skip, z in zip(self.skips, gates, strict=True))  # (B, T', skip_channels)
        return self.head(x)


def _check_sizes(least: int, sizes: dict[str, int | None]) -> None:
    for name, size in sizes.items():
        if size is not None and size < least:
            raise ValueError(f"WaveNet needs {name} of at least {least}; got {size}.")
