"""Train what each lesson ends with, and write data/evidence/log.csv: the table that grows from lesson to lesson.

    python data/make_log.py     about four minutes of one core

Seed 0 everywhere; the six names are the first that each model writes with seed 42.
"""

from dataclasses import replace

import torch
from torch import nn

from lib.data import DATA, Vocabulary, load_names, make_windows, split_names
from lib.evidence.arms import WAVENETS
from lib.evidence.sweeps import Row, write_rows
from lib.models import flat_model, staged_model, trained_model
from lib.ngrams import CountModel
from lib.sampling import sample_names
from lib.training import FAST, LONG, evaluate, train
from lib.wavenet import OnWindows, WaveNet, make_sequences, staged_to_dilated

NAMES = load_names()
VOCABULARY = Vocabulary(NAMES)
TRAIN, VAL, _ = split_names(NAMES)
WINDOWS, VAL_WINDOWS = make_windows(TRAIN, VOCABULARY), make_windows(VAL, VOCABULARY)


class Counting(nn.Module):
    """A counting model as a net: (B, 8) ids to the logarithms of its probabilities."""

    def __init__(self, context: int) -> None:
        super().__init__()
        self.model = CountModel(WINDOWS, len(VOCABULARY), context)
        self.unused = nn.Parameter(torch.zeros(1))  # names the device

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model.predict(ids).log()


def trained(build, recipe, **settings) -> nn.Module:
    torch.manual_seed(0)
    model = build(len(VOCABULARY), **settings)
    train(model, WINDOWS, recipe=recipe, progress=False)
    return model


def wavenet() -> nn.Module:
    torch.manual_seed(0)
    net = WaveNet(len(VOCABULARY), **WAVENETS["+ residual"])
    sequences = make_sequences(TRAIN, VOCABULARY, net.receptive_field)
    train(net, sequences, recipe=replace(LONG, weight_decay=0.2), progress=False)
    return OnWindows(net)


def row(lesson: int, built: str, model: nn.Module, params: int | None = None) -> Row:
    """One row of the table: what was built, its parameters and validation loss in nats per character, six names."""
    params = sum(p.numel() for p in model.parameters()) if params is None else params
    names = sample_names(model, VOCABULARY, 6, generator=torch.Generator().manual_seed(42))
    loss = f"{evaluate(model, VAL_WINDOWS):.3f}"
    print(lesson, built, params, loss, *names, flush=True)
    return {"lesson": lesson, "built": built, "params": params, "val": loss, "names": " ".join(names)}


def main() -> None:
    size = lambda counting: sum(probs.numel() for probs in counting.model.probs)
    pairs, fours = Counting(1), Counting(4)
    rows = [
        row(1, "counting, 1 character of context", pairs, size(pairs)),
        row(1, "counting, 4 characters of context", fours, size(fours)),
        row(2, "flat net, recipe FAST", trained(flat_model, FAST)),
        row(3, "staged net with BatchNorm, recipe FAST", trained(staged_model, FAST)),
        row(
            4,
            "staged net with GELU and residual, recipe FAST",
            trained(staged_model, FAST, activation=nn.GELU, residual=True),
        ),
        row(4, "the same, recipe LONG", trained_model()[0]),
        row(7, "the same weights as dilated convolutions", OnWindows(staged_to_dilated(trained_model()[0]))),
        row(8, "WaveNet on whole names, recipe LONG", wavenet()),
    ]
    write_rows(DATA / "evidence" / "log.csv", list(rows[0]), rows)


if __name__ == "__main__":
    main()
