"""What a recipe trains on, in batches: windows, or the distinct contexts among them."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from lib.ngrams import CountModel
from lib.recipes import Recipe

CAP = 256  # a context is drawn at most as often as if it occurred so many times; its weight makes up for the rest
BLOCK = 1_000  # batches drawn at a time where there are no epochs


class Examples(NamedTuple):
    """Inputs (N, T) ids; targets (N,) ids or (N, letters) probabilities; how often to draw each, and how much it then counts."""

    inputs: Int[Tensor, "N T"]
    targets: Tensor
    draw: Float[Tensor, "N"] | None = None
    weight: Float[Tensor, "N"] | None = None


def make_examples(windows: tuple[Int[Tensor, "N T"], Int[Tensor, "N"]], recipe: Recipe) -> Examples:
    """The windows as they are, or with soft targets, or as distinct contexts, as the recipe says.

    A soft target is a distribution over the next letter. Its expected gradient is that of the letters themselves, and it
    does not change from one epoch to the next, so that the gradient of a batch is less noisy.
    """
    X, Y = windows
    if not (recipe.teacher or recipe.distinct):
        return Examples(X, Y)
    letters = int(max(X.max(), Y.max())) + 1
    if recipe.distinct:
        contexts, which, count = X.unique(dim=0, return_inverse=True, return_counts=True)
        came = torch.bincount(which * letters + Y, minlength=len(contexts) * letters).view(-1, letters) / count[:, None]
    else:
        contexts, came = X, F.one_hot(Y, letters).float()
    if recipe.teacher:
        teacher = CountModel(windows, letters, min(recipe.teacher_context, X.shape[1]))
        came = came.lerp(teacher.predict(contexts).float(), recipe.teacher)
    if not recipe.distinct:
        return Examples(contexts, came)
    draw = count.clamp(max=CAP).float()
    return Examples(contexts, came, draw, count / draw)


class Batches:
    """One batch after the other; the state is the generator before the current shuffle, and a place in it.

    Args:
        windows: X (N, T) int64 and Y (N,) int64.
        recipe: batch size, and what to draw.
        seed: of the order.
        device: where the batches are wanted.
    """

    def __init__(
        self,
        windows: tuple[Int[Tensor, "N T"], Int[Tensor, "N"]],
        recipe: Recipe,
        seed: int,
        device: torch.device | str = "cpu",
    ) -> None:
        examples = make_examples(windows, recipe)
        self.examples = Examples(*(part if part is None else part.to(device) for part in examples))
        self.draw, self.replacement = examples.draw, recipe.replacement
        self.batch_size, self.device = min(recipe.batch_size, len(examples.inputs)), device
        self.generator = torch.Generator().manual_seed(seed)
        self._shuffle()

    def _shuffle(self) -> None:
        self.before, self.place = self.generator.get_state(), 0
        if self.draw is not None:
            self.order = torch.multinomial(
                self.draw, BLOCK * self.batch_size, replacement=True, generator=self.generator
            )
        elif self.replacement:
            self.order = torch.randint(len(self.examples.inputs), (BLOCK * self.batch_size,), generator=self.generator)
        else:
            self.order = torch.randperm(len(self.examples.inputs), generator=self.generator)

    def next(self) -> Int[Tensor, "B"]:
        """Numbers of the next batch's examples."""
        if self.place + self.batch_size > len(
            self.order
        ):  # a last batch that is too small is left for the next shuffle
            self._shuffle()
        batch = self.order[self.place : self.place + self.batch_size]
        self.place += self.batch_size
        return batch.to(self.device)

    def loss(self, logits: Float[Tensor, "B V"], batch: Int[Tensor, "B"]) -> Float[Tensor, ""]:
        """Mean cross-entropy of the batch, weighted where its examples were drawn unevenly."""
        targets = self.examples.targets[batch]
        if targets.ndim == 2:
            targets = F.pad(targets, (0, logits.shape[1] - targets.shape[1]))
        if self.examples.weight is None:
            return F.cross_entropy(logits, targets)
        weight = self.examples.weight[batch]
        return (F.cross_entropy(logits, targets, reduction="none") * weight).sum() / weight.sum()

    def state_dict(self) -> dict:
        return {"generator": self.before, "place": self.place}

    def load_state_dict(self, state: dict) -> None:
        self.generator.set_state(state["generator"])
        self._shuffle()
        self.place = state["place"]
