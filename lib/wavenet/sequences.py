"""Whole sequences: every position predicted in one pass, padding left out of the loss."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from lib.batches import IGNORED, predictions
from lib.data import Vocabulary, make_windows
from lib.training import evaluate, train
from lib.wavenet.convolution import dense_taps, repeating_taps
from lib.wavenet.generation import TreeTaps

# The same functions: `Sequences` bring their own loss.
train_sequences, evaluate_sequences = train, evaluate


class Sequences(NamedTuple):
    """Whole sequences, one row each, for `train` and `evaluate`.

    ids: (N, T) int64. targets: (N, T'), what follows each of the last T' positions, or IGNORED. condition: (N,), one
    class per sequence, or None.
    """

    ids: Int[Tensor, "N T"]
    targets: Int[Tensor, "N T_out"]
    condition: Int[Tensor, "N"] | None = None

    def loss(self, model: nn.Module, rows: Int[Tensor, "B"], reduction: str = "mean") -> Float[Tensor, ""]:
        """`sequence_loss` of the model on these rows, cut to the longest of them."""
        ids, targets = self.ids[rows], self.targets[rows]
        T_out = int((targets != IGNORED).any(dim=0).nonzero().max()) + 1
        targets, ids = targets[:, :T_out], ids[:, : model.receptive_field - 1 + T_out]
        given = {} if self.condition is None else {"condition": self.condition[rows]}
        before = ids[:, : model.receptive_field]
        if bool((before == before[:, :1]).all()):  # stop marks only: the first of a layer's time steps is repeated
            ids, given["taps"] = ids[:, model.receptive_field - 1 :], repeating_taps
        return sequence_loss(model(ids, **given), targets, reduction)

    def check(self, model: nn.Module | None = None) -> None:
        """Raise ValueError where the sequences are made for another receptive field, or hold no target."""
        made_for = self.ids.shape[1] - self.targets.shape[1] + 1
        if model is not None and made_for != model.receptive_field:
            raise ValueError(
                f"the model's receptive field is {model.receptive_field} time steps and the sequences are made for "
                f"{made_for} (ids {tuple(self.ids.shape)}, targets {tuple(self.targets.shape)}). "
                "Give make_sequences the model's."
            )
        if predictions(self) == 0:
            raise ValueError("the sequences hold no target that is not IGNORED. Give at least one name.")


def make_sequences(
    names: Sequence[str],
    vocabulary: Vocabulary,
    receptive_field: int,
    condition: Sequence[int] | Int[Tensor, "N"] | None = None,
) -> Sequences:
    """Every name once: stop marks before its first letter, its characters, and padding up to the longest name.

    Args:
        names: N names, the longest of L letters.
        vocabulary: holds all their letters.
        receptive_field: of the net, in time steps: the number of stop marks before each name.
        condition: a class for each name, from 0 up.

    Returns:
        ids (N, receptive_field + L); targets (N, L + 1), the letters and the stop mark of the name, then IGNORED.
        Taken over all targets that are not IGNORED, these are the windows of `make_windows` with that context.

    Raises:
        ValueError: no names, a receptive field below 1, a stop mark inside a name, a letter that the vocabulary
            lacks, or not one condition for each name.
    """
    _, characters = make_windows(names, vocabulary, context=receptive_field)  # (all,); checks the names, too
    if condition is not None and len(condition) != len(names):
        raise ValueError(f"make_sequences needs a condition for each of the {len(names)} names; got {len(condition)}.")
    rows = characters.split([len(name) + 1 for name in names])
    targets = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=IGNORED)  # (N, L + 1)
    ids = F.pad(targets[:, :-1].clamp(min=0), (receptive_field, 0))  # (N, receptive_field + L)
    return Sequences(ids, targets, None if condition is None else torch.as_tensor(condition))


def cut_sequences(track: Int[Tensor, "T"], receptive_field: int, length: int) -> Sequences:
    """Cut one long sequence, such as sound, into chunks: all positions after the first receptive_field, each once.

    Args:
        track: (T,) int64.
        receptive_field: of the net, in time steps; each chunk overlaps the one before it by as much.
        length: positions to predict per chunk, in time steps; the remainder at the end is left out.

    Returns:
        ids (N, receptive_field - 1 + length), targets (N, length), with N = (T - receptive_field) // length.

    Raises:
        ValueError: the track is too short for one chunk.
    """
    if min(receptive_field, length) < 1 or len(track) < receptive_field + length:
        raise ValueError(
            "cut_sequences needs a receptive field and a length of at least 1, and a track of both together; got "
            f"receptive_field={receptive_field}, length={length} and {len(track)} time steps. "
            "Give a longer track or a smaller length."
        )
    ids = track[:-1].unfold(0, receptive_field - 1 + length, length)
    return Sequences(ids, track[receptive_field:].unfold(0, length, length))


def sequence_loss(
    logits: Float[Tensor, "B T_out V"], targets: Int[Tensor, "B T_out"], reduction: str = "mean"
) -> Float[Tensor, ""]:
    """Cross-entropy over the targets that are not IGNORED, in nats per position ("mean") or in nats ("sum")."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction=reduction)


class OnWindows(nn.Module):
    """Adapts a net of sequences to windows: (B, context) ids to the (B, vocabulary) logits of what follows.

    It can be given to `train`, `evaluate`, `sample_names` and `name_log_prob`. The weights are the net's own.

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
