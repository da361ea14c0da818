"""From a file of names to the windows that a model is trained on."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from lib.lists import read_words

STOP = "."
DATA = Path(__file__).resolve().parent / "data_files"  # in an installed wheel
if not DATA.is_dir():
    DATA = DATA.parents[1] / "data"


def load_names(path: str | Path | None = None, unique: bool = True) -> list[str]:
    """Read one name per line, in lower case and in the file's order.

    Args:
        path: a UTF-8 text file; None reads the project's own list, `data/names.txt`. Blank lines, white space around a
            name, Windows line ends and what cannot be seen are ignored. Accents and apostrophes are letters like any
            other; a letter and its separate accent become one character (Unicode NFC).
        unique: drop repeated names, so that no name can be in two splits.

    Returns:
        The names, at least two.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ValueError: the file is not UTF-8 text, is a table, holds fewer than two names, or a name contains the stop mark '.'.
    """
    path = DATA / "names.txt" if path is None else Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"expected a text file with one name per line, got {'a folder' if path.is_dir() else 'no file'} at "
            f"{str(path)!r} (current folder: {Path.cwd()})."
        )
    lines = read_words(path)
    if bad := [number for number, name in lines.items() if STOP in name]:
        raise ValueError(
            f"line {bad[0]} of {path} is {lines[bad[0]]!r}: a name can't contain '{STOP}', the stop mark. "
            f"Remove the '{STOP}' or the line."
        )
    names = list(lines.values())
    if unique:
        names = list(dict.fromkeys(names))
    if len(names) < 2:
        raise ValueError(
            f"expected at least two {'different ' if unique else ''}names in {path}, got {len(names)}: {names}. "
            "Write one name per line; a model needs some thousands to learn from."
        )
    return names


def split_names(names: Sequence[str], seed: int = 42) -> tuple[list[str], list[str], list[str]]:
    """Split names, not windows, into 80 % to train on, 10 % to validate and 10 % to test.

    Args:
        names: the names, without repeats if no name may be in two splits. The list itself is not changed.
        seed: of `random.Random`; 42 is the lecture's.

    Returns:
        train, val, test: the shuffled names, cut at int(.8 * n) and int(.9 * n).

    Source: the split of Karpathy's makemore part 5, so that its list gives its split.
    """
    shuffled = list(names)
    random.Random(seed).shuffle(shuffled)
    first, second = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


class Vocabulary:
    """The characters of a list of names and their ids: id 0 is the stop mark '.', then the letters in sorted order.

    Args:
        names: the names to collect letters from.

    Raises:
        ValueError: no names, or a name contains the stop mark.
    """

    def __init__(self, names: Iterable[str]) -> None:
        if isinstance(names, str):
            raise ValueError(
                f"Vocabulary expected a list of names, got one string, {names[:20]!r}. Write Vocabulary([name])."
            )
        letters = set()
        for name in names:  # one at a time: ten million sets at once take gigabytes
            letters.update(name)
        if STOP in letters:
            raise ValueError(f"a name contains '{STOP}', the stop mark. Remove it from the names.")
        if not letters:
            raise ValueError("Vocabulary expected at least one name, got an empty list.")
        self.characters = (STOP, *sorted(letters))
        self.letters = self.characters  # the name in the lessons
        self._ids = {character: number for number, character in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def __repr__(self) -> str:
        return f"Vocabulary of {len(self)}: {' '.join(self.characters)}"

    def encode(self, text: str) -> list[int]:
        """The ids of the characters of `text`, in order; adds no stop mark.

        Raises:
            ValueError: a character is not in the vocabulary.
        """
        unknown = sorted(set(text) - self._ids.keys())
        if unknown:
            raise ValueError(
                f"{text!r} contains {unknown}, which the vocabulary {' '.join(self.characters)!r} lacks. "
                "Use lower case, or build the vocabulary from names with these letters."
            )
        return [self._ids[character] for character in text]

    def decode(self, ids: Iterable[int] | Int[Tensor, "N"]) -> str:
        """The characters of the ids as one string, stop marks included.

        Args:
            ids: a list or a 1-D tensor of integers from 0 to len(vocabulary) - 1.

        Raises:
            ValueError: an id is outside that range.
        """
        ids = [int(number) for number in ids]
        outside = [number for number in ids if not 0 <= number < len(self)]
        if outside:
            raise ValueError(f"decode expected ids from 0 to {len(self) - 1}, got {outside}.")
        return "".join(self.characters[number] for number in ids)


def make_windows(
    names: Sequence[str], vocabulary: Vocabulary, context: int = 8
) -> tuple[Int[Tensor, "N {context}"], Int[Tensor, "N"]]:
    """Every character of every name, with the `context` characters before it.

    Args:
        names: N characters in all, counting the stop mark that ends each name.
        vocabulary: contains all their letters.
        context: window length, in time steps. Before a name's first letter the window is filled with stop marks.

    Returns:
        X: (N, context) int64, the windows. Y: (N,) int64, the character after each window.

    Raises:
        ValueError: no names, a context below 1, a stop mark inside a name, a letter that the vocabulary lacks.
    """
    if context < 1:
        raise ValueError(f"make_windows needs a context of at least 1 time step; got {context}.")
    if not names:
        raise ValueError(
            "make_windows expected at least one name, got an empty list. "
            "Splitting fewer than 6 names leaves a split empty."
        )
    lengths = torch.tensor([len(name) + 1 for name in names])
    Y = encode_stream(names, vocabulary)
    starts = lengths.cumsum(0) - lengths
    position = torch.arange(len(Y)) - starts.repeat_interleave(lengths)  # (N,): within the name
    X = F.pad(Y, (context, 0)).unfold(0, context, 1)[: len(Y)]  # (N, context): characters before, other names included
    is_other_name = position[:, None] + torch.arange(context) < context  # (N, context)
    return X.masked_fill(is_other_name, 0), Y


def encode_stream(names: Sequence[str], vocabulary: Vocabulary) -> Int[Tensor, "N"]:
    """All names as one sequence of ids, a stop mark after each, by table look-up: millions of characters per second.

    Raises:
        ValueError: a stop mark inside a name, or a letter that the vocabulary lacks.
    """
    text = STOP.join(names) + STOP
    if text.count(STOP) != len(names):
        bad = next(name for name in names if STOP in name)
        raise ValueError(f"{bad!r} contains '{STOP}', the stop mark. Remove it from the name.")
    codes = torch.frombuffer(bytearray(text.encode("utf-32-le")), dtype=torch.int32)
    table = torch.full((max(int(codes.max()), *map(ord, vocabulary.characters)) + 1,), -1)
    table[[ord(character) for character in vocabulary.characters]] = torch.arange(len(vocabulary))
    ids = table[codes]
    if int(ids.min()) < 0:
        vocabulary.encode(text[int((ids < 0).nonzero()[0])])
    return ids
