"""Training the staged net on distinct contexts: a batch computes each distinct pair, quad, ... of characters once.

Of the list's 169,801 windows 50,128 contexts are distinct, 20,263 quads, 594 pairs. With weights in the loss and in BatchNorm,
logits, gradients and statistics are those of `staged_model` on all the windows.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Optimizer

from lib.layers import BatchNorm1d, Stage

Spans = tuple[Int[Tensor, "_"], Int[Tensor, "_"]]  # each as two rows of the level below: left half, right half


class Examples(NamedTuple):
    """Distinct contexts. levels: one entry per stage, from pairs to contexts; a span is two rows of the level below.

    targets: (N, V), distributions of the next character. weight: (N,), how many windows each context stands for.
    """

    levels: tuple[Spans, ...]
    targets: Float[Tensor, "N V"]
    weight: Float[Tensor, "N"]


def make_examples(
    X: Int[Tensor, "N T"], Y: Int[Tensor, "N"], vocabulary_size: int, weight: Float[Tensor, "N"] | None = None
) -> tuple[Examples, Int[Tensor, "N"]]:
    """The distinct contexts of windows, with the share of each next character and the number of their windows.

    Args:
        X, Y: at least one window, as `make_windows` gives them; T is a power of two, else ValueError.
        vocabulary_size: number of characters V, the stop mark included.
        weight: (N,) what each window counts; None counts each as 1.

    Returns:
        examples, and which: (N,), the row of each window's context.
    """
    N, T = X.shape
    if N == 0 or T < 2 or T & (T - 1):
        raise ValueError(f"expected at least one window of 2, 4, 8, ... characters, got shape {(N, T)}.")
    levels, size = [], vocabulary_size
    while X.shape[1] > 1:
        spans, X = (X[:, ::2] * size + X[:, 1::2]).unique(return_inverse=True)
        levels.append((spans // size, spans % size))
        size = len(spans)
    which = X[:, 0]
    counts = torch.bincount(which * vocabulary_size + Y, weight, minlength=size * vocabulary_size).float()
    total = (counts := counts.view(size, vocabulary_size)).sum(1)
    return Examples(tuple(levels), counts / total[:, None], total), which


def select(levels: Sequence[Spans], rows: Int[Tensor, "B"]) -> tuple[Spans, ...]:
    """The levels under some rows of the last one. A level with fewer spans than these rows is kept whole."""
    left, right = (half[rows] for half in levels[-1])
    if len(levels) == 1 or len(levels[-2][0]) <= len(rows):
        return (*levels[:-1], (left, right))
    used, halves = torch.cat([left, right]).unique(return_inverse=True)
    return (*select(levels[:-1], used), halves.split(len(rows)))


def tree_logits(
    model: nn.Sequential,
    levels: Sequence[Spans],
    weight: Float[Tensor, "N"] | None = None,
    momentum: float | None = None,
) -> Float[Tensor, "N V"]:
    """The logits of a staged net for distinct contexts: in train mode, those in one batch of all their windows.

    Args:
        model: what `staged_model` made. Its layers are used, its running statistics updated in train mode.
        levels: of the contexts, as in `Examples`.
        weight: (N,), how many windows each context stands for; needed in train mode.
        momentum: of the running statistics; None is that of the layers.
    """
    stages = [layer for layer in model if isinstance(layer, Stage)]
    if len(stages) != len(levels):
        raise ValueError(f"the net is made for {2 ** len(stages)} characters, got contexts of {2 ** len(levels)}.")
    x = model.embedding.weight
    shares = _shares(levels, weight) if model.training else [None] * len(levels)
    for number, (stage, (left, right), share) in enumerate(zip(stages, levels, shares, strict=True), start=1):
        W, C = stage.linear.weight, x.shape[1]
        x_right = F.embedding(right, x)
        if len(x) < len(left):  # fewer halves than spans: multiply the halves, then add
            z = F.embedding(left, x @ W[:, :C].T) + F.embedding(right, x @ W[:, C:].T)
        else:  # few of the left halves are distinct, for names begin with stop marks
            first, which = left.unique(return_inverse=True)
            z = torch.addmm(F.embedding(which, F.embedding(first, x) @ W[:, :C].T), x_right, W[:, C:].T)
        values = None if share is None else float(weight.sum()) * 2 ** (len(levels) - number)
        z = stage.activation(stage.norm(z) if share is None else _batch_norm(stage.norm, z, share, values, momentum))
        x = z + x_right if stage.residual else z
    return model.head(x)


def _shares(levels: Sequence[Spans], weight: Float[Tensor, "N"]) -> list[Float[Tensor, "_"]]:
    """For each level, which share of all spans of this length each one is."""
    shares = [weight / weight.sum()]
    for (left, right), (below, _) in zip(levels[:0:-1], levels[-2::-1], strict=True):
        halves = [torch.bincount(half, shares[0], minlength=len(below)) for half in (left, right)]
        shares.insert(0, ((halves[0] + halves[1]) / 2).to(weight.dtype))
    return shares


def _batch_norm(norm: BatchNorm1d, x: Tensor, share: Tensor, values: float, momentum: float | None) -> Tensor:
    """`norm` in train mode on rows x (R, C), each of which stands for a share (R,) of so many values."""
    momentum = norm.momentum if momentum is None else momentum
    y, mean, var = _WeightedBatchNorm.apply(x, share, norm.weight, norm.bias, norm.eps)
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_(var * (values / (values - 1)), momentum)
    norm.num_batches_tracked += 1
    return y


class _WeightedBatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, share, gamma, beta, eps):
        mean = share @ x
        centered = x - mean
        var = share @ centered.square()
        r = (var + eps).rsqrt()
        ctx.save_for_backward(centered, share, r, gamma)
        ctx.mark_non_differentiable(mean, var)
        return torch.addcmul(beta, centered, gamma * r), mean, var

    @staticmethod
    def backward(ctx, dy, _mean, _var):
        centered, share, r, gamma = ctx.saved_tensors
        xhat = centered * r
        dbeta, dgamma = dy.sum(0), (dy * xhat).sum(0)
        return (dy - share[:, None] * torch.addcmul(dbeta, xhat, dgamma)) * (gamma * r), None, dgamma, dbeta, None


class Deal:
    """Endless batches of at most about `batch_size` distinct contexts; a context's mean weight is its own.

    An epoch is K batches, `steps`. A context of weight K or more is in each of them. The windows of the others are dealt out
    like cards: each is in one batch of an epoch, where it stands for K windows. `seed` is of the order.
    """

    def __init__(self, weight: Float[Tensor, "N"], batch_size: int, seed: int) -> None:
        self.weight, self.generator = weight, torch.Generator().manual_seed(seed)
        most = max(1, -int(-weight.sum() // batch_size))
        self.steps = 1 + bisect_left(range(1, most), -batch_size, key=lambda K: -(weight / K).clamp(max=1).sum().item())
        self.always, self.dealt = (weight >= self.steps).nonzero()[:, 0], (weight < self.steps).nonzero()[:, 0]
        self.place = self.steps

    def next(self) -> tuple[Int[Tensor, "B"], Float[Tensor, "B"]]:
        """Rows of the contexts in the next batch, each once, and their weights."""
        if self.place == self.steps:
            self._shuffle()
        rows, self.place = self.cards[:, self.place], self.place + 1
        rows = rows[rows >= 0]
        return torch.cat([self.always, rows]), F.pad(self.weight[self.always], (0, len(rows)), value=self.steps)

    def _shuffle(self) -> None:
        order = self.dealt[torch.randperm(len(self.dealt), generator=self.generator)]
        ends = self.weight[order].double().cumsum(0)  # a context lies from end - weight to end ...
        first = torch.rand(1, generator=self.generator, dtype=torch.float64)
        at = first + torch.arange(int(self.weight[order].double().sum()) + 1)  # ... and gets a card for each of these
        cards = order[torch.searchsorted(ends, at[at < ends[-1:].sum()], right=True)]
        cards = F.pad(cards, (0, -len(cards) % self.steps), value=-1).view(-1, self.steps)
        self.cards, self.place = cards[:, torch.randperm(self.steps, generator=self.generator)], 0


def fit(
    model: nn.Sequential, examples: Examples, batches: Deal, steps: int, optimizers: list[Optimizer], schedule: Callable
) -> None:
    """Train a staged net in place, `recalibrate` it and leave it in eval mode.

    Args:
        batches, steps: of the examples, and how many of them.
        optimizers: of the model's parameters; the learning rate of each group is its highest.
        schedule: from the share of the steps that is done, a float from 0 to 1, to a factor of the learning rates.
    """
    rates = [(group, group["lr"]) for optimizer in optimizers for group in optimizer.param_groups]
    model.train()
    for step in range(steps):
        for group, lr in rates:
            group["lr"] = lr * schedule((step + 0.5) / steps)
        rows, weight = batches.next()
        logits = tree_logits(model, select(examples.levels, rows), weight)
        model.zero_grad()
        (F.cross_entropy(logits, examples.targets[rows], reduction="none") @ weight / weight.sum()).backward()
        for optimizer in optimizers:
            optimizer.step()
    recalibrate(model, examples)
    model.eval()


def recalibrate(model: nn.Sequential, examples: Examples) -> None:
    """Set BatchNorm's running statistics to those of all windows, exactly. The model is in train mode afterwards."""
    with torch.no_grad():
        tree_logits(model.train(), examples.levels, examples.weight, momentum=1.0)
