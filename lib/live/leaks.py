"""The four small nets of the figure `future`, in torch: those of lesson 09 with one channel and fixed weights."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

# The same as in future.js, which a test compares.
TEXT = ".charlie"
VALUES = torch.tensor([-0.3, 0.9, -0.6, 0.4, 0.7, -0.8, 0.2, -0.5], dtype=torch.float64)
LAYERS = ((1, (0.8, -0.7, 0.9), 0.1), (2, (-0.7, 0.8, 0.9), -0.2))  # dilation, weights of the taps, bias
NETS = {
    "causal": "zeros in front",
    "same": "both sides",
    "short": "one short",
    "batchnorm": "BatchNorm, train mode",
}


def outputs_of(net: str, x: Float[Tensor, "T"]) -> Float[Tensor, "T"]:
    """The outputs of a net, one per token.

    Raises:
        ValueError: no net of this name.
    """
    if net not in NETS:
        raise ValueError(f"no net is named {net!r}: choose from {', '.join(NETS)}.")
    for dilation, taps, bias in LAYERS:
        reach = dilation * (len(taps) - 1)
        behind = {"same": reach // 2, "short": 1 if dilation == 1 else 0}.get(net, 0)
        weight = torch.tensor(taps, dtype=x.dtype)[None, None]
        x = F.conv1d(F.pad(x, (reach - behind, behind))[None, None], weight, dilation=dilation) + bias  # (1, 1, T)
        x = (F.batch_norm(x, None, None, training=True) if net == "batchnorm" else x)[0, 0].tanh()
    return x


def dependence(net: str) -> Float[Tensor, "outputs T"]:
    """The size of the derivative of each output with respect to each token."""
    return torch.autograd.functional.jacobian(lambda x: outputs_of(net, x), VALUES).abs()
