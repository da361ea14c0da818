"""The staged net as tables, for sampling: what its first two stages do is computed once for every pair of characters."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from lib.layers import BatchNorm1d, Stage

MOST_PAIRS = 4_096  # larger tables take longer to make than they save
ELEMENTWISE = (nn.Tanh, nn.GELU, nn.ReLU, nn.SiLU, nn.Sigmoid, nn.ELU)


def tabulated(model: nn.Module) -> "Tables | None":
    """A faster way to the logits that the model gives in eval mode, or None where there is none.

    There is one for what `staged_model` makes, with two to five stages, on the processor, for up to 64 characters and
    contexts that fit a 64-bit integer, if nothing is hooked to it.
    """
    if type(model) is not nn.Sequential or len(model) < 4:
        return None
    embedding, *stages, head = model
    if type(embedding) is not nn.Embedding or type(head) is not nn.Linear or head.bias is None:
        return None
    V = embedding.num_embeddings
    fits = V * V <= MOST_PAIRS and len(stages) < 6 and V ** (2 ** len(stages)) < 2**63
    plain = all(
        type(stage) is Stage
        and stage.flatten.n == 2
        and type(stage.norm) is BatchNorm1d
        and type(stage.activation) in ELEMENTWISE
        for stage in stages
    )
    hooked = any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    on_processor = all(p.device.type == "cpu" and p.dtype == head.weight.dtype for p in model.parameters())
    right_dtype = head.weight.dtype in (torch.float32, torch.float64)
    return Tables(model) if fits and plain and not hooked and on_processor and right_dtype else None


@contextmanager
def many_small_calls() -> Iterator[None]:
    """Without autograd's records, and without oneDNN, which makes a kernel for each new number of rows: a tenth faster."""
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.backends.mkldnn.enabled = before


class Tables:
    """From contexts (B, T) to logits (B, V). BatchNorm is part of the matrices; equal left halves are computed once."""

    @torch.no_grad()
    def __init__(self, model: nn.Sequential) -> None:
        embedding, *self.stages, head = model
        self.V, self.context = embedding.num_embeddings, 2 ** len(self.stages)
        self.powers = self.V ** torch.arange(self.context - 1, -1, -1)
        spare = -self.V % 16  # a product with 32 columns takes about 0.6 of the time of one with 27
        self.head = F.pad(head.weight.T, (0, spare)), F.pad(head.bias, (0, spare))
        self.halves = []  # per stage: the matrices of the left and the right half, and what is added
        for stage in self.stages:
            norm, C = stage.norm, stage.linear.in_features // 2
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            W = (stage.linear.weight * scale[:, None]).T
            self.halves.append((W[:C], W[C:], norm.bias - norm.running_mean * scale))
        (W, W_right, b), x = self.halves[0], embedding.weight
        self.pairs = (
            self.stages[0].activation(torch.addmm(b, x, W)[:, None] + (x @ W_right)[None]).flatten(0, 1)
        )  # (V*V, H)
        W, W_right, b = self.halves[1]
        self.left, self.right = torch.addmm(b, self.pairs, W), self.pairs @ W_right

    def __call__(self, contexts: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        W, b = self.head
        return torch.addmm(b, self._stage(len(self.stages), contexts @ self.powers), W)[:, : self.V]

    def _stage(self, number: int, spans: Int[Tensor, "B"]) -> Float[Tensor, "B H"]:
        """The output of stage 2, 3, ... for spans of characters, each packed in one integer."""
        size, stage = self.V**2 ** (number - 1), self.stages[number - 1]
        left, right = spans // size, spans % size
        if number == 2:
            x = self.pairs
            z = self.left.index_select(0, left).add_(self.right.index_select(0, right))
        else:
            left, which = left.unique(return_inverse=True)
            W, W_right, b = self.halves[number - 1]
            x_left, x = self._stage(number - 1, torch.cat([left, right])).split([len(left), len(right)])
            z, right = torch.addmm(b, x_left, W).index_select(0, which).addmm_(x, W_right), None
        out = stage.activation(z)
        return out.add_(x if right is None else x.index_select(0, right)) if stage.residual else out
