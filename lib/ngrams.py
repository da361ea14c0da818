"""The counting baselines: how far does counting get, with contexts of 0, 1, 2 ... characters?"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


class CountModel:
    """How often each character followed each context, smoothed with shorter contexts (interpolated Witten-Bell).

    With n how often a context was seen, and t how many different characters followed it, a character has probability

        p(character | context) = (count(context, character) + t * p(character | shorter context)) / (n + t)

    where the shorter context drops the oldest character, down to the empty context and then the uniform distribution.
    An unseen context has the probabilities of its longest seen suffix.

    Args:
        windows: (X, Y) as `make_windows` gives them. X: (N, T) int64, Y: (N,) int64.
        vocabulary_size: number of characters, the stop mark included.
        context: characters of context to use, from 0 to T; 1 is the bigram model.

    Raises:
        ValueError: no windows, or a context longer than the windows.

    Source: Witten and Bell 1991, method C; interpolated as in Chen and Goodman 1998.
    """

    def __init__(
        self, windows: tuple[Int[Tensor, "N T"], Int[Tensor, "N"]], vocabulary_size: int, context: int
    ) -> None:
        X, Y = windows
        if len(Y) == 0:
            raise ValueError("CountModel expected the windows of at least one name, got no windows.")
        if not 0 <= context <= X.shape[1]:
            raise ValueError(
                f"expected a context from 0 to {X.shape[1]}, the length of these windows, got context={context}."
            )
        self.vocabulary_size, self.context = vocabulary_size, context
        row = torch.zeros_like(Y)  # (N,): the context that each window ends with, as a row of the tables below
        uniform = torch.full((1, vocabulary_size), 1 / vocabulary_size, dtype=torch.float64)
        self.probs = [self._smoothed(row, Y, uniform)]
        # For each length the contexts seen, as row of the shorter context * vocabulary_size + oldest character.
        self.keys: list[Int[Tensor, "R"]] = []
        for length in range(1, context + 1):
            keys, longer = (row * vocabulary_size + X[:, -length]).unique(return_inverse=True)
            shorter_probs = self.probs[-1][keys // vocabulary_size]
            self.keys.append(keys)
            self.probs.append(self._smoothed(longer, Y, shorter_probs))
            row = longer

    def _smoothed(
        self, row: Int[Tensor, "N"], Y: Int[Tensor, "N"], shorter: Float[Tensor, "R V"]
    ) -> Float[Tensor, "R V"]:
        """One row of probabilities per context of one length."""
        counts = torch.bincount(row * self.vocabulary_size + Y, minlength=shorter.numel()).view(shorter.shape)
        n, t = counts.sum(1, keepdim=True), (counts > 0).sum(1, keepdim=True)
        return (counts + t * shorter) / (n + t)

    def predict(self, X: Int[Tensor, "N T"]) -> Float[Tensor, "N V"]:
        """Probabilities of the next character after each window, float64; each row sums to 1."""
        row = torch.zeros(len(X), dtype=torch.int64)
        seen = torch.ones(len(X), dtype=torch.bool)
        probs = self.probs[0][row]
        for length, keys in enumerate(self.keys, start=1):
            key = row * self.vocabulary_size + X[:, -length]
            row = torch.searchsorted(keys, key).clamp(max=len(keys) - 1)
            seen = seen & (keys[row] == key)
            probs[seen] = self.probs[length][row[seen]]
        return probs

    def evaluate(self, windows: tuple[Int[Tensor, "N T"], Int[Tensor, "N"]]) -> float:
        """Mean cross-entropy of the windows, in nats per character."""
        X, Y = windows
        total = 0.0
        for x, y in zip(X.split(65_536), Y.split(65_536), strict=True):
            total -= self.predict(x).gather(1, y[:, None]).log().sum().item()
        return total / len(Y) if len(Y) else math.nan


def leave_one_out(
    windows: tuple[Int[Tensor, "N T"], Int[Tensor, "N"]], vocabulary_size: int, context: int
) -> tuple[Float[Tensor, "R V"], Int[Tensor, "N"]]:
    """What the counts of all other windows say about each window: as `CountModel`, with the window itself left out.

    Windows with the same ending and the same next character share their probabilities, so there are fewer rows than windows.

    Args:
        windows: (X, Y) as `make_windows` gives them.
        vocabulary_size: number of characters V, the stop mark included.
        context: characters of context to use, from 0 to T.

    Returns:
        probs: (R, V) float32, each row sums to 1. which: (N,), the row of each window.
    """
    X, Y = windows
    V, ending, seen = vocabulary_size, torch.zeros_like(Y), 1
    probs, which = torch.full((1, V), 1 / V), torch.zeros_like(Y)
    for length in range(context + 1):
        if length:
            counts, ending = _numbered(ending * V + X[:, -length], seen * V)
            seen = int(counts.count_nonzero())
        counts, longer = _numbered(ending * V + Y, seen * V)
        pairs = counts.nonzero()[:, 0]  # an ending with a next character
        counts = counts.int().view(seen, V)[pairs // V]
        counts[torch.arange(len(pairs)), pairs % V] -= 1
        n, t = counts.sum(1, keepdim=True), (counts > 0).sum(1, keepdim=True)
        shorter = probs[torch.empty_like(pairs).index_put_((longer,), which)]
        probs = (counts + t.clamp(min=1) * shorter) / (n + t.clamp(min=1))
        which = longer
    return probs, which


def _numbered(keys: Int[Tensor, "N"], size: int) -> tuple[Int[Tensor, "{size}"], Int[Tensor, "N"]]:
    """How often each of the integers below `size` is among the keys, and each key's place among the distinct ones."""
    counts = torch.bincount(keys, minlength=size)
    return counts, ((counts > 0).cumsum(0) - 1)[keys]
