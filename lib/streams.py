"""Lists of names too long for windows: all names as one stream of ids, one byte per character, cut into windows a batch at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Integer
from torch import Tensor, nn

from lib.checkpoints import check_path
from lib.data import Vocabulary, encode_stream
from lib.layers import vocabulary_size

CHUNK = 100_000  # names encoded at a time


class Stream(NamedTuple):
    """All names, a stop mark after each: what `train` and `evaluate` take instead of windows.

    ids: (N,) uint8, int16 or int32, in memory or in a file, N characters in all. context: window length, in time steps.
    Its windows are those of `make_windows`, in the same order, and training on either gives the same losses.
    """

    ids: Integer[Tensor, "N"]
    context: int = 8

    @property
    def targets(self) -> Integer[Tensor, "N"]:
        """Every character is predicted once."""
        return self.ids

    def windows(self, rows: Int[Tensor, "B"]) -> tuple[Int[Tensor, "B {self.context}"], Int[Tensor, "B"]]:
        """X and Y of these rows, as `make_windows` makes them."""
        places = rows[:, None] + torch.arange(-self.context, 0)  # (B, context)
        before = self.ids[places.clamp(min=0)].long()
        before = before.masked_fill((places < 0).to(before.device), 0)
        # Whatever is before the last stop mark of a window belongs to another name.
        same_name = before.ne(0).flip(1).cumprod(1).flip(1)
        return before * same_name, self.ids[rows].long()

    def loss(self, model: nn.Module, rows: Int[Tensor, "B"], reduction: str = "mean") -> Float[Tensor, ""]:
        """Cross-entropy of the model on these rows, in nats per character ("mean") or in nats ("sum")."""
        X, Y = self.windows(rows)
        return F.cross_entropy(model(X), Y, reduction=reduction)

    def check(self, model: nn.Module | None = None) -> None:
        """Raise ValueError if there are no names, or if the model is for another context or fewer characters."""
        if len(self.ids) == 0 or int(self.ids[-1]) != 0:
            raise ValueError("a stream of names ends with a stop mark. write_stream and make_stream make them.")
        context, size = getattr(model, "context", self.context), None if model is None else vocabulary_size(model)
        if context != self.context:
            raise ValueError(f"the net is made for windows of {context} characters, the stream for {self.context}.")
        if size is not None and (largest := int(self.ids.max())) >= size:
            raise ValueError(
                f"the net is made for {size} characters, and the stream holds ids up to {largest}. "
                "Make the net with len(vocabulary) of the vocabulary that made the stream."
            )


def make_stream(names: Iterable[str], vocabulary: Vocabulary, context: int = 8) -> Stream:
    """The names as a stream in memory: one byte per character, with up to 256 characters in the vocabulary.

    Args:
        names: at least one. They are read once, so they need not be a list.
        vocabulary: contains all their letters.
        context: window length, in time steps.

    Raises:
        ValueError: no names, a context below 1, a stop mark inside a name, a letter that the vocabulary lacks.
    """
    if context < 1:
        raise ValueError(f"make_stream needs a context of at least 1 time step; got {context}.")
    return Stream(torch.cat(list(_chunks(names, vocabulary))), context)


def write_stream(path: str | Path, names: Iterable[str], vocabulary: Vocabulary) -> int:
    """Write the names as a stream to a file, some at a time: what `open_stream` opens, whatever the context.

    Returns:
        How many characters it holds, stop marks included; the file has one byte for each, or two or four, as the
        vocabulary needs.

    Raises:
        ValueError: no names, a stop mark inside a name, a letter that the vocabulary lacks.
        OSError: no file can be written at `path`.
    """
    count = 0
    with open(check_path(path), "wb") as file:
        for chunk in _chunks(names, vocabulary):
            file.write(chunk.numpy().tobytes())
            count += len(chunk)
    return count


def open_stream(path: str | Path, vocabulary: Vocabulary, context: int = 8) -> Stream:
    """A stream that stays in its file: mapped into memory, so that only the pages in use take space there.

    Args:
        path: what `write_stream` wrote, with the same vocabulary.
        vocabulary: of the names.
        context: window length, in time steps.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty, was not written with a vocabulary of this size, or a context below 1.
    """
    path, dtype = Path(path).expanduser(), _dtype(vocabulary)
    if not path.is_file():
        raise FileNotFoundError(f"there is no stream of names at {str(path)!r}. write_stream writes one.")
    count, rest = divmod(path.stat().st_size, dtype.itemsize)
    if context < 1 or rest or not count:
        raise ValueError(
            f"expected a context of at least 1 and a file of {dtype.itemsize} bytes per character, got context={context} "
            f"and {count * dtype.itemsize + rest:,} bytes in {str(path)!r}. Write it again with this vocabulary."
        )
    stream = Stream(torch.from_file(str(path), size=count, dtype=dtype), context)
    if int(stream.ids.min()) < 0 or int(stream.ids.max()) >= len(vocabulary) or int(stream.ids[-1]) != 0:
        raise ValueError(f"{str(path)!r} was written with another vocabulary. Write it again with this one.")
    return stream


def _dtype(vocabulary: Vocabulary) -> torch.dtype:
    """The smallest type that holds every id."""
    size = len(vocabulary)
    return torch.uint8 if size <= 2**8 else torch.int16 if size <= 2**15 else torch.int32


def _chunks(names: Iterable[str], vocabulary: Vocabulary) -> Iterator[Integer[Tensor, "N"]]:
    names, dtype, found = iter(names), _dtype(vocabulary), False
    while some := list(islice(names, CHUNK)):
        found = True
        yield encode_stream(some, vocabulary).to(dtype)
    if not found:
        raise ValueError("a stream expected at least one name, got none.")
