"""Recipes: how to train, apart from the model, the data and the seed."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """How to train: everything except the model, the data and the seed.

    Args:
        name: its name in tables.
        optimizer: "sgd" (plain) or "adamw"; AdamW's weight decay applies to matrices only, the embedding's included.
        batch_size: windows per step.
        lr: the highest learning rate.
        schedule: "cosine" rises linearly over the first `warmup` of the steps, then falls along half a cosine to 0;
            "step" is lr, then a tenth of it from `drop_at` of the steps on.
        epochs, steps: training length in passes over the training windows or in steps; set exactly one.
        replacement: draw every batch from all windows; False shuffles them once per epoch.
        teacher: the share, from 0 to 1, of a counting model's distribution in the target of each window; the remainder
            goes to the observed character. It counts the training windows only. See `lib.ngrams.CountModel`.
        teacher_context: characters of context that the counting model uses.
        distinct: draw distinct contexts instead of windows, each with the distribution of all characters that followed
            it as its target: the same data, and a less noisy gradient. See `lib.batches`.
        evaluations: how many times the validation loss is measured, evenly spaced, the last time at the end.

    Raises:
        ValueError: a value out of its range.
    """

    name: str
    batch_size: int
    lr: int | float
    epochs: int | float | None = None
    steps: int | None = None
    optimizer: str = "adamw"
    schedule: str = "cosine"
    warmup: int | float = 0.1
    drop_at: int | float = 0.75
    weight_decay: int | float = 0.0
    betas: tuple[float, ...] = (0.9, 0.99)
    replacement: bool = False
    teacher: int | float = 0.0
    teacher_context: int = 5
    distinct: bool = False
    evaluations: int = 8

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(f"set exactly one of epochs and steps; got epochs={self.epochs}, steps={self.steps}.")
        for name in ("batch_size", "lr", "evaluations", "epochs" if self.steps is None else "steps"):
            if not getattr(self, name) > 0:
                raise ValueError(f"a recipe's {name} must be above 0; got {getattr(self, name)}.")
        if not 0 <= self.teacher <= 1:
            raise ValueError(f"a recipe's teacher is a share from 0 to 1; got {self.teacher}.")
        if self.optimizer not in ("sgd", "adamw") or self.schedule not in ("cosine", "step"):
            raise ValueError(
                "a recipe's optimizer is 'sgd' or 'adamw' and its schedule 'cosine' or 'step'; "
                f"got {self.optimizer!r} and {self.schedule!r}."
            )

    def total_steps(self, windows: int) -> int:
        """Number of steps when training on this many windows."""
        if self.steps is not None:
            return self.steps
        return max(1, int(self.epochs * max(1, windows // self.batch_size)))

    def evaluated_at(self, steps: int) -> set[int]:
        """The numbers of steps done at which the validation loss is measured."""
        return {round(steps * (i + 1) / self.evaluations) for i in range(self.evaluations)}

    def lr_at(self, step: int, steps: int) -> float:
        """Learning rate of step 0, 1, ..., steps - 1."""
        if self.schedule == "step":
            return self.lr if step < self.drop_at * steps else self.lr / 10
        warmup = self.warmup * steps
        if step < warmup:
            return self.lr * min(1.0, (step + 1) / warmup)
        return self.lr * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


LECTURE = Recipe(
    "lecture", optimizer="sgd", batch_size=32, lr=0.1, steps=200_000, schedule="step", replacement=True, evaluations=20
)
FAST = Recipe("fast", batch_size=512, lr=1.2e-2, epochs=4, weight_decay=0.3)
LONG = replace(FAST, name="long", lr=8e-3, epochs=16, weight_decay=0.5, evaluations=16)
QUICK = replace(FAST, name="quick", lr=1.6e-2, epochs=None, steps=450, teacher=0.8, distinct=True)
