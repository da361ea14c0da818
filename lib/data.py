"""From a file of names to the windows that a net learns from."""

import random
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

STOP = "."
DATA = Path(__file__).resolve().parent.parent / "data"


def load_names(path: str | Path | None = None, unique: bool = True) -> list[str]:
    """Read one name a line, in lower case and in the file's order.

    Args:
        path: a UTF-8 text file; None reads the project's own list, `data/names.txt`. Blank lines, white space around a
            name, Windows line ends and a byte-order mark are passed over. Accents and apostrophes are letters like any
            other; a letter and its separate accent become one character (Unicode NFC).
        unique: keep the first of equal names only, so that no name can be in two splits.

    Returns:
        The names, at least two.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ValueError: the file is not UTF-8 text, holds fewer than two names, or a name holds the stop mark '.'.
    """
    path = DATA / "names.txt" if path is None else Path(path)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no file"
        raise FileNotFoundError(
            f"load_names found {what} at {str(path)!r} (seen from {Path.cwd()}). Give the path of a text file with one name a line."
        )
    names = []
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        name = unicodedata.normalize("NFC", line.strip().lower())
        if STOP in name:
            raise ValueError(
                f"line {number} of {path} is {line.strip()!r}: '{STOP}' is the stop mark and can't be a letter of a name. "
                f"Remove the '{STOP}' or the line."
            )
        if name:
            names.append(name)
    if unique:
        names = list(dict.fromkeys(names))
    if len(names) < 2:
        raise ValueError(
            f"{path} holds {len(names)} {'different ' if unique else ''}name(s): {names}. "
            "Training and validation need at least two, and some thousands to learn from; write one name a line."
        )
    return names


def _read_text(path: Path) -> str:
    """The file as text, or a ValueError that says why it is none."""
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path} is text in UTF-16. Save it again as UTF-8.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte {raw[error.start]:#04x} at position {error.start}. "
            "If it is text in an older encoding, save it again as UTF-8."
        ) from error
    for character in text:
        if unicodedata.category(character) == "Cc" and not character.isspace():
            raise ValueError(
                f"{path} is not text: it holds the control character {character!r}. Give a text file with one name a line."
            )
    return text


def split_names(names: Sequence[str], seed: int = 42) -> tuple[list[str], list[str], list[str]]:
    """Split names, not windows, into 80 % to train on, 10 % to validate and 10 % to test.

    Args:
        names: the names, each once if no name may be in two splits. The list itself is left as it is.
        seed: of `random.Random`; 42 is the lecture's.

    Returns:
        train, val, test: lists that hold every name once, cut from the shuffled copy at int(.8 * n) and int(.9 * n).

    Source: the split of Karpathy's makemore part 5, so that its list gives its split.
    """
    shuffled = list(names)
    random.Random(seed).shuffle(shuffled)
    first, second = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


class Vocabulary:
    """The characters of a list of names and their numbers: id 0 is the stop mark '.', then the letters in sorted order.

    Args:
        names: the names to collect letters from.

    Raises:
        ValueError: no letters at all, or the stop mark is a letter of a name.
    """

    def __init__(self, names: Iterable[str]) -> None:
        if isinstance(names, str):
            raise ValueError(
                f"Vocabulary takes a list of names; got one string, {names[:20]!r}. Write Vocabulary([name])."
            )
        letters = set().union(*map(set, names))
        if STOP in letters:
            raise ValueError(f"a name holds '{STOP}', which is the stop mark. Remove it from the names.")
        if not letters:
            raise ValueError("Vocabulary got no letters: the list of names is empty. Give at least one name.")
        self.letters = (STOP, *sorted(letters))
        self._ids = {letter: number for number, letter in enumerate(self.letters)}

    def __len__(self) -> int:
        return len(self.letters)

    def __repr__(self) -> str:
        return f"Vocabulary of {len(self)}: {' '.join(self.letters)}"

    def encode(self, text: str) -> list[int]:
        """Numbers of the characters of `text`, in order; adds no stop mark.

        Raises:
            ValueError: a character is not in the vocabulary.
        """
        unknown = sorted(set(text) - self._ids.keys())
        if unknown:
            raise ValueError(
                f"{text!r} holds {unknown}, and the vocabulary is {' '.join(self.letters)!r}. "
                "Use lower case, or build the vocabulary from names with these letters."
            )
        return [self._ids[letter] for letter in text]

    def decode(self, ids: Iterable[int] | Int[Tensor, "N"]) -> str:
        """The characters behind the numbers, as one string; the stop mark stays as '.'.

        Args:
            ids: a list or a 1-D tensor of integers from 0 to len(vocabulary) - 1.

        Raises:
            ValueError: a number is outside that range.
        """
        ids = [int(number) for number in ids]
        outside = [number for number in ids if not 0 <= number < len(self)]
        if outside:
            raise ValueError(f"decode got {outside}; this vocabulary has the ids 0 to {len(self) - 1}.")
        return "".join(self.letters[number] for number in ids)


def make_windows(
    names: Sequence[str], vocabulary: Vocabulary, context: int = 8
) -> tuple[Int[Tensor, "N {context}"], Int[Tensor, "N"]]:
    """Every letter of every name, with the `context` characters before it.

    Args:
        names: N letters in all, counting the stop mark that ends each name.
        vocabulary: holds all their letters.
        context: window length, in time steps. Before a name's first letter the window is filled with stop marks.

    Returns:
        X: (N, context) int64, the windows. Y: (N,) int64, the character that follows each.

    Raises:
        ValueError: no names, a context below 1, a stop mark inside a name, a letter that the vocabulary lacks.
    """
    if context < 1:
        raise ValueError(f"make_windows needs a context of at least 1 time step; got {context}.")
    if not names:
        raise ValueError(
            "make_windows got an empty list of names. A list of fewer than 6 names leaves a split without any."
        )
    lengths = torch.tensor([len(name) + 1 for name in names])
    Y = _encode_stream(STOP.join(names) + STOP, vocabulary)  # (N,): all names in a row, a stop mark after each
    if len(Y) != lengths.sum() or int((Y == 0).sum()) != len(names):
        bad = next(name for name in names if STOP in name)
        raise ValueError(f"{bad!r} holds '{STOP}', which is the stop mark. Remove it from the name.")
    starts = lengths.cumsum(0) - lengths
    place = torch.arange(len(Y)) - starts.repeat_interleave(lengths)  # (N,): letters of the same name that came before
    X = F.pad(Y, (context, 0)).unfold(0, context, 1)[: len(Y)]  # (N, context): what came before, other names included
    is_other_name = place[:, None] + torch.arange(context) < context  # (N, context)
    return X.masked_fill(is_other_name, 0), Y


def _encode_stream(text: str, vocabulary: Vocabulary) -> Int[Tensor, "N"]:
    """`vocabulary.encode` as a tensor, by table look-up: millions of characters a second."""
    codes = torch.frombuffer(bytearray(text.encode("utf-32-le")), dtype=torch.int32)
    table = torch.full((max(int(codes.max()), *map(ord, vocabulary.letters)) + 1,), -1)
    table[[ord(letter) for letter in vocabulary.letters]] = torch.arange(len(vocabulary))
    ids = table[codes]
    if int(ids.min()) < 0:
        vocabulary.encode(text[int((ids < 0).nonzero()[0])])
    return ids
