"""Whole sequences: every position predicted in one pass, padding left out of the loss."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from lib.batches import Batches
from lib.data import Vocabulary, make_windows
from lib.training import FAST, History, Recipe, _fingerprint, eval_mode, run_steps
from lib.wavenet.convolution import dense_taps, repeating_taps
from lib.wavenet.generation import TreeTaps

IGNORED = -100  # the target that F.cross_entropy leaves out
PIECE = 16_384  # targets evaluated at a time


class Sequences(NamedTuple):
    """ids (N, T) int64; targets (N, T'), what follows each of the last T' positions, or IGNORED; a class a sequence, or None."""

    ids: Int[Tensor, "N T"]
    targets: Int[Tensor, "N T_out"]
    condition: Int[Tensor, "N"] | None = None


def make_sequences(
    names: Sequence[str],
    vocabulary: Vocabulary,
    receptive_field: int,
    condition: Sequence[int] | Int[Tensor, "N"] | None = None,
) -> Sequences:
    """Every name once: stop marks for the first letter to look back on, the letters, and padding up to the longest name.

    Args:
        names: N names, the longest of L letters.
        vocabulary: holds all their letters.
        receptive_field: of the net, in time steps: so many stop marks stand before each name.
        condition: a class for each name, from 0 up.

    Returns:
        ids (N, receptive_field + L); targets (N, L + 1), the letters and the stop mark that ends the name, then IGNORED.
        Taken over all targets that are not IGNORED, these are the windows of `make_windows` with that context.

    Raises:
        ValueError: no names, a receptive field below 1, a stop mark inside a name, a letter that the vocabulary lacks, or
            not one condition for each name.
    """
    _, letters = make_windows(
        names, vocabulary, context=receptive_field
    )  # (all letters,): it also looks whether names are fit
    if condition is not None and len(condition) != len(names):
        raise ValueError(f"make_sequences needs a condition for each of the {len(names)} names; got {len(condition)}.")
    rows = letters.split([len(name) + 1 for name in names])
    targets = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=IGNORED)  # (N, L + 1)
    ids = F.pad(targets[:, :-1].clamp(min=0), (receptive_field, 0))  # (N, receptive_field + L)
    return Sequences(ids, targets, None if condition is None else torch.as_tensor(condition))


def cut_sequences(track: Int[Tensor, "T"], receptive_field: int, length: int) -> Sequences:
    """One long sequence, such as sound, in pieces: each of its positions after the first receptive_field is predicted once.

    Args:
        track: (T,) int64.
        receptive_field: of the net, in time steps; each piece overlaps the one before it by so much.
        length: positions to predict in each piece, in time steps; what is left over at the end is left out.

    Returns:
        ids (N, receptive_field - 1 + length), targets (N, length), with N = (T - receptive_field) // length.

    Raises:
        ValueError: the track is too short for one piece.
    """
    if min(receptive_field, length) < 1 or len(track) < receptive_field + length:
        raise ValueError(
            f"cut_sequences needs a receptive field and a length of at least 1, and a track of both together; got receptive_field={receptive_field}, "
            f"length={length} and {len(track)} time steps. Give a longer track or a smaller length."
        )
    ids = track[:-1].unfold(0, receptive_field - 1 + length, length)
    return Sequences(ids, track[receptive_field:].unfold(0, length, length))


def sequence_loss(
    logits: Float[Tensor, "B T_out V"], targets: Int[Tensor, "B T_out"], reduction: str = "mean"
) -> Float[Tensor, ""]:
    """Cross-entropy over the targets that are not IGNORED, in nats a letter ("mean") or in nats ("sum")."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction=reduction)


def train_sequences(
    model: nn.Module,
    train: Sequences,
    val: Sequences | None = None,
    recipe: Recipe = FAST,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool = True,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1_000,
    watch: Callable[[int], None] | None = None,
) -> History:
    """Train the model in place on whole sequences; `lib.training.train` otherwise.

    The recipe's batch size counts windows, and a window is one predicted position: a step takes as many sequences as hold
    about so many, and an epoch has as many steps as with windows.

    Args:
        model: a `WaveNet`, or what `staged_to_dilated` makes.
        train, val: as `make_sequences` or `cut_sequences` makes them, for the model's receptive field.
        recipe, seed, device, progress, checkpoint, checkpoint_every, watch: as for `train`.

    Returns:
        The losses on the way, in nats a predicted position.

    Raises:
        ValueError: sequences for another receptive field or without targets, a recipe with teacher or distinct contexts, or
            a checkpoint of another training.
        FloatingPointError: the loss became NaN or infinite.
    """
    if recipe.teacher or recipe.distinct:
        raise ValueError(
            f"recipe {recipe.name!r} needs windows: teacher and distinct contexts have no form for sequences."
        )
    for sequences in (train,) if val is None else (train, val):
        _check_sequences(model, sequences)
    if device is not None:
        model.to(device)
    train = Sequences(*(None if part is None else part.to(_device(model)) for part in train))
    predicted, rows = _predicted(train), torch.arange(len(train.ids))
    at_once = replace(recipe, batch_size=max(1, round(recipe.batch_size * len(rows) / predicted)))
    batches = Batches((rows[:, None], rows), at_once, seed, _device(model))
    loss_of = lambda batch: _loss(model, train, batch)
    val_loss = None if val is None else lambda: evaluate_sequences(model, val)
    identity = {"recipe": asdict(recipe), "seed": seed}
    if checkpoint is not None:
        identity["windows"] = _fingerprint([part for part in train if part is not None])
    steps, files = recipe.total_steps(predicted), {"checkpoint": checkpoint, "checkpoint_every": checkpoint_every}
    return run_steps(model, batches, loss_of, val_loss, recipe, steps, seed, identity, progress, watch=watch, **files)


def evaluate_sequences(model: nn.Module, sequences: Sequences) -> float:
    """Mean cross-entropy over all targets that are not IGNORED, in nats a predicted position: `evaluate` of their windows.

    Runs in eval mode and in pieces, sequences of about one length together; the mode is put back.

    Raises:
        ValueError: sequences for another receptive field, or without targets.
    """
    _check_sequences(model, sequences)
    sequences = Sequences(*(None if part is None else part.to(_device(model)) for part in sequences))
    by_length = (sequences.targets != IGNORED).sum(1).argsort()
    with torch.no_grad(), eval_mode(model):
        pieces = by_length.split(max(1, PIECE // sequences.targets.shape[1]))
        return sum(_loss(model, sequences, rows, "sum").item() for rows in pieces) / _predicted(sequences)


class OnWindows(nn.Module):
    """A net of sequences as a net of windows: (B, context) ids to the (B, vocabulary) logits of what follows.

    So it can be given to `train`, `evaluate`, `sample_names` and `name_log_prob`. The weights are the net's own.

    Args:
        model: a `WaveNet`, or what `staged_to_dilated` makes.
        condition: the class of all windows, for a net that wants one.
        tree: compute only what the last position needs, see `TreeTaps`.
    """

    def __init__(self, model: nn.Module, condition: int | None = None, tree: bool = False) -> None:
        super().__init__()
        self.model, self.condition, self.context = model, condition, model.receptive_field
        self.taps = TreeTaps(model) if tree else dense_taps

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        """(B, context) ids to (B, vocabulary) logits."""
        given = {} if self.condition is None else {"condition": torch.full_like(ids[:, 0], self.condition)}
        return self.model(ids[:, -self.context :], taps=self.taps, **given)[:, -1]


def _loss(model: nn.Module, sequences: Sequences, rows: Tensor, reduction: str = "mean") -> Float[Tensor, ""]:
    """The loss of some of the sequences, cut to the longest of them."""
    ids, targets = sequences.ids[rows], sequences.targets[rows]
    T_out = int((targets != IGNORED).any(dim=0).nonzero().max()) + 1
    targets, ids = targets[:, :T_out], ids[:, : model.receptive_field - 1 + T_out]
    given = {} if sequences.condition is None else {"condition": sequences.condition[rows]}
    before = ids[:, : model.receptive_field]
    only_stop_marks = bool((before == before[:, :1]).all())
    if only_stop_marks:  # so that the first of a layer's time steps can stand for all before it
        return sequence_loss(
            model(ids[:, model.receptive_field - 1 :], taps=repeating_taps, **given), targets, reduction
        )
    return sequence_loss(model(ids, **given), targets, reduction)


def _predicted(sequences: Sequences) -> int:
    return int((sequences.targets != IGNORED).sum())


def _check_sequences(model: nn.Module, sequences: Sequences) -> None:
    made_for = sequences.ids.shape[1] - sequences.targets.shape[1] + 1
    if made_for != model.receptive_field:
        raise ValueError(
            f"the model's receptive field is {model.receptive_field} time steps and the sequences are made for {made_for} "
            f"(ids {tuple(sequences.ids.shape)}, targets {tuple(sequences.targets.shape)}). Give make_sequences the model's."
        )
    if _predicted(sequences) == 0:
        raise ValueError("the sequences hold no target that is not IGNORED. Give at least one name.")


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
