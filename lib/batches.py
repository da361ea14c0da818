"""What a step trains on: windows, or the distinct contexts among them, in shuffled batches."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from lib.layers import vocabulary_size
from lib.ngrams import CountModel
from lib.recipes import Recipe

IGNORED = -100  # the target that F.cross_entropy skips
CAP = 256  # highest sampling weight of a context; the importance weight makes up for the rest of its count
BLOCK = 1_000  # batches drawn at a time where there are no epochs
SOFT = 8 * 10**6  # most numbers in soft targets; with the counts behind them each takes about 80 bytes (measured)

Data = tuple[Tensor | int | None, ...]  # windows (X, Y), `Examples`, `lib.streams.Stream` or `lib.wavenet.Sequences`


class Examples(NamedTuple):
    """Windows with their targets, one row each; `lib.wavenet.Sequences` offers `train` the same for whole sequences.

    inputs: (N, T) ids. targets: (N,) ids, or (N, V) probabilities. draw: (N,) sampling weights, or None for epochs.
    weight: (N,) importance weights, or None where all rows count alike.
    """

    inputs: Int[Tensor, "N T"]
    targets: Tensor
    draw: Float[Tensor, "N"] | None = None
    weight: Float[Tensor, "N"] | None = None

    def loss(self, model: nn.Module, rows: Int[Tensor, "B"], reduction: str = "mean") -> Float[Tensor, ""]:
        """Cross-entropy of the model on these rows, in nats per character ("mean") or in nats ("sum")."""
        inputs, targets = self.inputs[rows], self.targets[rows]
        try:
            logits = model(inputs)
        except IndexError as error:
            raise IndexError(
                f"{error}; the windows hold ids up to {int(inputs.max())}. Does the net's embedding have a row for each?"
            ) from error
        if targets.ndim == 2:  # the vocabulary may have characters that are in no window
            targets = F.pad(targets, (0, logits.shape[1] - targets.shape[1]))
        if self.weight is None:
            return F.cross_entropy(logits, targets, reduction=reduction)
        weight = self.weight[rows]
        return (F.cross_entropy(logits, targets, reduction="none") * weight).sum() / weight.sum()

    def check(self, model: nn.Module | None = None) -> None:
        """Raise ValueError if there are no windows, X and Y differ in length, or an id is too large for the model."""
        X, Y = self.inputs, self.targets
        if len(X) != len(Y) or len(Y) == 0:
            raise ValueError(
                "windows must be X and Y of the same length, at least 1; "
                f"got X {tuple(X.shape)} and Y {tuple(Y.shape)}. make_windows makes them."
            )
        context = getattr(model, "context", X.shape[1])
        if context != X.shape[1]:
            raise ValueError(
                f"the net is made for windows of {context} characters, got {X.shape[1]}. "
                f"Give make_windows context={context}."
            )
        size = None if model is None else vocabulary_size(model)
        if size is not None and (largest := max(int(X.max()), Y.ndim == 1 and int(Y.max()))) >= size:
            raise ValueError(
                f"the net is made for {size} characters, and the windows hold ids up to {largest}. "
                "Make the net with len(vocabulary) of the vocabulary that made the windows."
            )


def as_examples(windows: Data, model: nn.Module | None = None) -> Data:
    """Windows (X, Y) as `Examples`, sequences unchanged; ValueError if they are empty or do not fit the model."""
    examples = windows if hasattr(windows, "loss") else Examples(*windows)
    examples.check(model)
    return examples


def predictions(data: Data) -> int:
    """How many characters are predicted: one per window; per name, its letters and its stop mark."""
    if data.targets.dtype != torch.int64:  # `lib.streams.Stream`, where every character is a target
        return len(data.targets)
    return int((data.targets != IGNORED).sum())


def make_examples(windows: Data, recipe: Recipe) -> Data:
    """The windows as they are, with soft targets, or as distinct contexts, as the recipe says.

    A soft target is a distribution over the next character. Its expected gradient is that of the characters themselves,
    and it is the same in every epoch, so that the gradient of a batch is less noisy.

    Args:
        windows: X (N, T) int64 and Y (N,) int64. `Sequences` and a `Stream` are returned unchanged.
        recipe: whether it has a teacher or distinct contexts.

    Raises:
        ValueError: sequences or a stream with a teacher or distinct contexts, or soft targets that would take more than about 1 GB.
    """
    examples = as_examples(windows)
    if not (recipe.teacher or recipe.distinct):
        return examples
    if not isinstance(examples, Examples):
        raise ValueError(
            f"recipe {recipe.name!r} needs windows: sequences and streams have no teacher and no distinct contexts."
        )
    X, Y = examples[:2]
    characters = int(max(X.max(), Y.max())) + 1
    contexts, which, count = X.unique(dim=0, return_inverse=True, return_counts=True) if recipe.distinct else (X, Y, Y)
    if len(contexts) * characters > SOFT:
        raise ValueError(
            f"recipe {recipe.name!r} keeps a distribution over {characters:,} characters for each of {len(contexts):,} "
            f"contexts, about {len(contexts) * characters * 80 / 1e9:.1f} GB. Take a recipe without teacher and distinct "
            "contexts, such as FAST, or fewer names."
        )
    if recipe.distinct:
        pairs = torch.bincount(which * characters + Y, minlength=len(contexts) * characters)
        targets = pairs.view(-1, characters) / count[:, None]  # (contexts, V): the share of each character
    else:
        targets = F.one_hot(Y, characters).float()
    if recipe.teacher:
        teacher = CountModel((X, Y), characters, min(recipe.teacher_context, X.shape[1]))
        targets = targets.lerp(teacher.predict(contexts).float(), recipe.teacher)
    if not recipe.distinct:
        return Examples(contexts, targets)
    draw = count.clamp(max=CAP).float()
    return Examples(contexts, targets, draw, count / draw)


class Batches:
    """Endless shuffled batches of row numbers; the state is the generator's before the current shuffle, and an offset.

    Args:
        examples: what `make_examples` returned.
        batch_size: rows per batch; at least one, at most all of them.
        seed: of the order.
        replacement: draw every batch from all rows; False shuffles them once per epoch.
    """

    def __init__(self, examples: Data, batch_size: int, seed: int, replacement: bool = False) -> None:
        self.rows, self.replacement = len(examples.targets), replacement
        self.draw = getattr(examples, "draw", None)
        self.batch_size = max(1, min(batch_size, self.rows))
        self.generator = torch.Generator().manual_seed(seed)
        self._shuffle()

    def _shuffle(self) -> None:
        self.before, self.place = self.generator.get_state(), 0
        drawn = BLOCK * self.batch_size
        if self.draw is not None:
            self.order = torch.multinomial(self.draw, drawn, replacement=True, generator=self.generator)
        elif self.replacement:
            self.order = torch.randint(self.rows, (drawn,), generator=self.generator)
        else:
            small = torch.int32 if self.rows < 2**31 else torch.int64  # half the memory, and the same order
            self.order = torch.randperm(self.rows, generator=self.generator, dtype=small)

    def next(self) -> Int[Tensor, "B"]:
        """Row numbers of the next batch. An incomplete last batch is dropped; then all rows are shuffled again."""
        if self.place + self.batch_size > len(self.order):
            self._shuffle()
        batch = self.order[self.place : self.place + self.batch_size]
        self.place += self.batch_size
        return batch.long()

    def state_dict(self) -> dict:
        return {"generator": self.before, "place": self.place}

    def load_state_dict(self, state: dict) -> None:
        self.generator.set_state(state["generator"])
        self._shuffle()
        self.place = state["place"]
