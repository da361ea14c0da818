"""Training the staged net on distinct contexts: a batch computes each distinct pair, quad, ... of characters once.

Most windows of a list of names have the same contexts, and most contexts the same pairs and quads: 169,801 windows of the
project's list have 50,128 contexts, 20,263 quads and 594 pairs. With weights that say how many windows each context stands
for, in the loss and in BatchNorm, the logits, gradients and statistics are those of `staged_model` on all the windows.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from lib.layers import BatchNorm1d, Stage

Spans = tuple[Int[Tensor, "R"], Int[Tensor, "R"]]  # each as two rows of the level below: left half, right half


class Examples(NamedTuple):
    """Distinct contexts with what follows them.

    levels: one entry per stage, from pairs to contexts; a span of 2, 4, ... characters is two rows of the level below.
    targets: (N, V), the distribution of the next character. weight: (N,), how many windows each context stands for.
    """

    levels: tuple[Spans, ...]
    targets: Float[Tensor, "N V"]
    weight: Float[Tensor, "N"]


def distinct_spans(X: Int[Tensor, "N T"]) -> tuple[tuple[Spans, ...], Int[Tensor, "N"]]:
    """The distinct pairs, quads, ... and contexts of windows, and the context of each window.

    Args:
        X: (N, T) ids; T is a power of two, at least 2.

    Returns:
        levels: as in `Examples`; level 0, of which the pairs are made, is the ids themselves. which: (N,) rows of the last.

    Raises:
        ValueError: T is not a power of two, or there are no windows.
    """
    N, T = X.shape
    if N == 0 or T < 2 or T & (T - 1):
        raise ValueError(f"expected windows of 2, 4, 8, ... characters, got shape {tuple(X.shape)}.")
    levels, size = [], int(X.max()) + 1
    while X.shape[1] > 1:
        spans, rows = (X[:, ::2] * size + X[:, 1::2]).unique(return_inverse=True)
        levels.append((spans // size, spans % size))
        X, size = rows, len(spans)
    return tuple(levels), X[:, 0]


def make_examples(
    windows: tuple[Int[Tensor, "N T"], Int[Tensor, "N"]],
    vocabulary_size: int,
    weight: Float[Tensor, "N"] | None = None,
) -> tuple[Examples, Int[Tensor, "N"]]:
    """The distinct contexts of windows, with the share of each next character and the number of their windows.

    Args:
        windows: X (N, T) and Y (N,) as `make_windows` gives them.
        vocabulary_size: number of characters V, the stop mark included.
        weight: (N,) what each window counts; None counts each as 1.

    Returns:
        examples, and which: (N,), the row of each window's context.
    """
    X, Y = windows
    levels, which = distinct_spans(X)
    counts = torch.bincount(which * vocabulary_size + Y, weight, minlength=len(levels[-1][0]) * vocabulary_size)
    counts = counts.view(-1, vocabulary_size).float()
    total = counts.sum(1)
    return Examples(levels, counts / total[:, None], total), which


def contexts_of(levels: Sequence[Spans]) -> Int[Tensor, "N T"]:
    """The ids of every span of the last level."""
    left, right = levels[-1]
    if len(levels) == 1:
        return torch.stack([left, right], 1)
    below = contexts_of(levels[:-1])
    return torch.cat([below[left], below[right]], 1)


def select(levels: Sequence[Spans], rows: Int[Tensor, "B"]) -> tuple[Spans, ...]:
    """The levels under some rows of the last one. A level that has fewer spans than the batch could use is kept whole."""
    left, right = (half[rows] for half in levels[-1])
    if len(levels) == 1 or len(levels[-2][0]) <= len(rows):
        return (*levels[:-1], (left, right))
    used, halves = torch.cat([left, right]).unique(return_inverse=True)
    return (*select(levels[:-1], used), (halves[: len(rows)], halves[len(rows) :]))


class _WeightedBatchNorm(torch.autograd.Function):
    """(x - mean) / sqrt(var + eps) * gamma + beta over rows with weights that sum to 1; also returns mean and variance."""

    @staticmethod
    def forward(ctx, x, weight, gamma, beta, eps):
        mean = weight @ x
        centered = x - mean
        var = weight @ centered.square()
        r = (var + eps).rsqrt()
        ctx.save_for_backward(centered, weight, r, gamma)
        ctx.mark_non_differentiable(mean, var)
        return torch.addcmul(beta, centered, gamma * r), mean, var

    @staticmethod
    def backward(ctx, dy, _mean, _var):
        centered, weight, r, gamma = ctx.saved_tensors
        xhat = centered * r
        dbeta, dgamma = dy.sum(0), (dy * xhat).sum(0)
        dx = (dy - weight[:, None] * torch.addcmul(dbeta, xhat, dgamma)) * (gamma * r)
        return dx, None, dgamma, dbeta, None


def weighted_batch_norm(
    norm: BatchNorm1d, x: Float[Tensor, "R C"], weight: Float[Tensor, "R"], values: float, momentum: float | None = None
) -> Float[Tensor, "R C"]:
    """What `norm` in train mode makes of rows that stand for many values, running statistics included.

    Args:
        norm: its statistics are updated in place.
        x: (R, C), one row per distinct value.
        weight: (R,), the share of the values that each row stands for; sums to 1.
        values: how many values the rows stand for, for the unbiased variance.
        momentum: that of the running statistics; None is the layer's own.
    """
    y, mean, var = _WeightedBatchNorm.apply(x, weight, norm.weight, norm.bias, norm.eps)
    momentum = norm.momentum if momentum is None else momentum
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_(var * (values / (values - 1)), momentum)
    norm.num_batches_tracked += 1
    return y


def tree_logits(
    model: nn.Sequential,
    levels: Sequence[Spans],
    weight: Float[Tensor, "N"] | None = None,
    momentum: float | None = None,
) -> Float[Tensor, "N V"]:
    """The logits of a staged net for distinct contexts, each distinct span computed once.

    Args:
        model: what `staged_model` made; it is used, not copied. In eval mode the running statistics normalise.
        levels: of the contexts, as in `Examples`.
        weight: (N,), how many windows each context stands for; train mode needs it.
        momentum: of BatchNorm's running statistics in train mode; None is that of the layers.

    Returns:
        (N, V), the logits that `model` gives for the contexts: in train mode, those in a batch of all their windows.
    """
    stages = [layer for layer in model if isinstance(layer, Stage)]
    if len(stages) != len(levels):
        raise ValueError(f"expected contexts of {2 ** len(stages)} characters, got {2 ** len(levels)}.")
    x = model.embedding.weight
    shares = _shares(levels, weight) if model.training else [None] * len(levels)
    for number, (stage, (left, right), share) in enumerate(zip(stages, levels, shares, strict=True), start=1):
        W, C = stage.linear.weight, x.shape[1]
        if len(x) < len(left):  # fewer halves than spans: multiply the halves
            z = F.embedding(left, x @ W[:, :C].T) + F.embedding(right, x @ W[:, C:].T)
        else:
            z = torch.cat([F.embedding(left, x), F.embedding(right, x)], 1) @ W.T
        if model.training:
            values = float(weight.sum()) * 2 ** (len(levels) - number)
            z = weighted_batch_norm(stage.norm, z, share, values, momentum)
        else:
            z = stage.norm(z)
        z = stage.activation(z)
        x = z + F.embedding(right, x) if stage.residual else z
    return model.head(x)


def _shares(levels: Sequence[Spans], weight: Float[Tensor, "N"]) -> list[Float[Tensor, "R"]]:
    """For each level, the share of all spans of its length that are this one."""
    shares = [weight / weight.sum()]
    for (left, right), (below, _) in zip(levels[:0:-1], levels[-2::-1], strict=True):
        halves = (torch.bincount(half, shares[0], minlength=len(below)) for half in (left, right))
        shares.insert(0, (sum(halves) / 2).to(weight.dtype))
    return shares


class Deal:
    """Endless batches of about B distinct contexts with weights; in expectation, a context's weight is its own.

    An epoch is K batches. A context of weight K or more is in each of them; the windows of all others are dealt out like
    cards, so that each is in one batch of an epoch, where it stands for K windows.

    Args:
        weight: (N,) how many windows each context stands for.
        batch_size: the most contexts per batch, give or take one.
        seed: of the order.
    """

    def __init__(self, weight: Float[Tensor, "N"], batch_size: int, seed: int) -> None:
        self.weight, self.generator = weight, torch.Generator().manual_seed(seed)
        most = max(1, -int(-weight.sum() // batch_size))
        expected = lambda K: -(weight / K).clamp(max=1).sum().item()
        self.steps = 1 + bisect_left(range(1, most), -batch_size, key=expected)  # K
        self.always, self.dealt = ((weight >= self.steps) == often for often in (True, False))
        self.always, self.dealt = self.always.nonzero()[:, 0], self.dealt.nonzero()[:, 0]
        self.place = self.steps

    def next(self) -> tuple[Int[Tensor, "B"], Float[Tensor, "B"]]:
        """Rows of the contexts in the next batch, each once, and their weights."""
        if self.place == self.steps:
            self._shuffle()
        rows = self.hands[:, self.place]
        rows = rows[rows >= 0]
        self.place += 1
        return torch.cat([self.always, rows]), torch.cat([self.weight[self.always], self.weight.new_full((len(rows),), self.steps)])

    def _shuffle(self) -> None:
        order = self.dealt[torch.randperm(len(self.dealt), generator=self.generator)]
        ends = self.weight[order].double().cumsum(0)  # a context lies on [end - weight, end) ...
        first = torch.rand(1, generator=self.generator, dtype=torch.float64)
        cards = first + torch.arange(int(ends[-1]) + 1 if len(order) else 0)  # ... and is dealt once for each card there
        cards = order[torch.searchsorted(ends, cards[cards < ends[-1]], right=True)]
        cards = F.pad(cards, (0, -len(cards) % self.steps), value=-1).view(-1, self.steps)
        self.hands, self.place = cards[:, torch.randperm(self.steps, generator=self.generator)], 0


def recalibrate(model: nn.Sequential, examples: Examples) -> None:
    """Set BatchNorm's running statistics to those of all windows, exactly. The model's mode is restored."""
    was_training = model.training
    with torch.no_grad():
        tree_logits(model.train(), examples.levels, examples.weight, momentum=1.0)
    model.train(was_training)


def fit(
    model: nn.Sequential,
    examples: Examples,
    optimizers: Sequence[torch.optim.Optimizer],
    schedule: Callable[[float], float],
    steps: int,
    batch_size: int,
    seed: int,
) -> None:
    """Train a staged net in place on distinct contexts, then `recalibrate` it; it is in eval mode afterwards.

    Args:
        model: what `staged_model` made.
        examples: what to train on.
        optimizers: of the model's parameters; each group's learning rate is its highest.
        schedule: from the share of the steps that is done, 0 to 1, to a factor of the learning rates.
        steps, batch_size: how many batches, and about how many distinct contexts in each.
        seed: of the batches.
    """
    groups = [(group, group["lr"]) for optimizer in optimizers for group in optimizer.param_groups]
    deal = Deal(examples.weight, batch_size, seed)
    model.train()
    for step in range(steps):
        for group, lr in groups:
            group["lr"] = lr * schedule((step + 0.5) / steps)
        rows, weight = deal.next()
        losses = F.cross_entropy(
            tree_logits(model, select(examples.levels, rows), weight), examples.targets[rows], reduction="none"
        )
        model.zero_grad()
        (losses @ weight / weight.sum()).backward()
        for optimizer in optimizers:
            optimizer.step()
    recalibrate(model, examples)
    model.eval()
