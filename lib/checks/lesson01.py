"""Checks of lesson 01: one-hot vectors and windows."""

import torch
import torch.nn.functional as F

from lib.checks.exercise import Implement, Mistake, listed

_FLOATS = "A net multiplies floats: add .float()."
_SINGLE = "Each row holds a single 1: print the sums of your rows."
_PLACE = "Compare the places of the ones with the ids; the first place is number 0."

# Exercise 1: ids of any shape and a size, to floats with one more dimension.
one_hot = Implement(
    "my_one_hot",
    [(torch.tensor([2, 0, 3]), 5), (torch.tensor([[1, 4], [0, 2]]), 6), (torch.tensor([[0]]), 1)],
    solution=lambda ids, size: torch.eye(size)[ids],
    praise="my_one_hot is right for ids of three shapes.",
    mistakes=(
        Mistake("not floats", _FLOATS, F.one_hot),
        Mistake("not floats", _FLOATS, lambda ids, size: ids[..., None] == torch.arange(size)),
        Mistake("not one 1 per row", _SINGLE, lambda ids, size: torch.ones(*ids.shape, size)),
        Mistake("not one 1 per row", _SINGLE, lambda ids, size: torch.ones(size, size).tril()[ids]),
        Mistake("not one 1 per row", _SINGLE, lambda ids, size: torch.arange(float(size)).diag()[ids]),
        Mistake("1 at another place", _PLACE, lambda ids, size: torch.eye(size)[ids - 1]),
        Mistake("1 at another place", _PLACE, lambda ids, size: torch.eye(size)[(ids + 1) % size]),
        Mistake("1 at another place", _PLACE, lambda ids, size: torch.eye(size)[size - 1 - ids]),
        Mistake("1 at another place", _PLACE, lambda ids, size: torch.eye(size)[torch.zeros_like(ids)]),
    ),
    hint="Each id becomes a row of `size` places: 1 at the id's place, 0 elsewhere.",
)


def _windows(ids: list[int], context: int) -> list[list[int]]:
    padded = [0] * context + ids
    return [padded[i : i + context] for i in range(len(ids) + 1)]


_MANY = "A name of n letters has n + 1 windows: do yours go on after the stop mark?"
_LENGTH = "Every window needs `context` ids: put stop marks, id 0, before the first letter."
_BEHIND = "Your padding is after the letters; it belongs before them."

# Exercise 2: the ids of one name and a context, to the list of its windows.
windows = Implement(
    "my_windows",
    [([3, 1, 2], 4), ([5, 6, 7, 8, 9, 1], 3), ([4], 2), ([1, 2, 3, 4], 8)],
    solution=_windows,
    praise="my_windows is right for names of 1, 3, 4 and 6 letters.",
    mistakes=(
        Mistake(
            "last window missing",
            "The last window, whose target is the stop mark, is missing.",
            lambda ids, context: _windows(ids, context)[:-1],
        ),
        Mistake(
            "first window missing",
            "The first window, all padding, is missing: it predicts the first letter.",
            lambda ids, context: _windows(ids, context)[1:],
        ),
        Mistake("too many windows", _MANY, lambda ids, context: _windows([*ids, 0], context)),
        Mistake("too many windows", _MANY, lambda ids, context: _windows([0, *ids], context)),
        Mistake("wrong length", _LENGTH, lambda ids, c: [ids[max(0, i - c) : i] for i in range(len(ids) + 1)]),
        Mistake("wrong length", _LENGTH, lambda ids, context: _windows(ids, context + 1)),
        Mistake("wrong length", _LENGTH, lambda ids, context: _windows(ids, context - 1)),
        Mistake(
            "reversed",
            "Your windows run backwards: the newest character belongs at the right end.",
            lambda ids, context: [window[::-1] for window in _windows(ids, context)],
        ),
        Mistake("padding behind", _BEHIND, lambda ids, context: _windows([*ids, *[0] * context], context)[context:]),
        Mistake(
            "padding behind",
            _BEHIND,
            lambda ids, context: [(ids[:i][-context:] + [0] * context)[:context] for i in range(len(ids) + 1)],
        ),
        Mistake(
            "target inside",
            "Your windows contain the character that is to be predicted: shift them by one.",
            lambda ids, context: _windows([*ids, 0], context)[1:],
        ),
    ),
    probe=listed,
    hint="Compare the first window that differs, character by character.",
)
