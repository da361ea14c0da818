"""Checks of lesson 05: softmax, sampling, temperature."""

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, composed, listed

_SMALL = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [-2.0, 1.0, 0.25]])


def _softmax(
    x: Tensor,
    total: Callable = lambda exponentials: exponentials.sum(1, keepdim=True),
    top: Callable = lambda x: x.max(1, keepdim=True).values,
) -> Tensor:
    exponentials = (x - top(x)).exp()
    return exponentials / total(exponentials)


def _shifted(x: Tensor) -> Tensor:
    return x - x.max(1, keepdim=True).values


_COLUMNS = "The columns sum to 1: sum over dim=1, along each row."
_EVERYTHING = "All rows together sum to 1: each row should. Sum over dim=1."
_EXP = "The logits are divided by their sum: exponentiate them first."
_LARGE = "For small logits yours is right: what happens to large ones on the way?"
_ARGMAX = "The largest logit of each row gets everything: the others have a share, too."

# Exercise 1: logits (B, V), however large, to probabilities whose rows sum to 1.
softmax = Implement(
    "my_softmax",
    [
        (_SMALL,),
        (torch.tensor([[0.0, 2.0, -1.0, 0.5]]),),
        (_SMALL + 1000,),
        (_SMALL - 1000,),
        (_SMALL + torch.tensor([[1000.0], [0.0], [-500.0]]),),
    ],
    solution=_softmax,
    praise="Each row sums to 1, for two shapes and for logits near 1,000 and -1,000, too.",
    mistakes=(
        Mistake("softmax over dim 0", _COLUMNS, lambda x: x.softmax(0)),
        Mistake("softmax over everything", _EVERYTHING, lambda x: x.flatten().softmax(0).view(x.shape)),
        *composed(
            _softmax,
            total=(
                Mistake("softmax over dim 0", _COLUMNS, lambda e: e.sum(0)),
                Mistake("softmax over everything", _EVERYTHING, lambda e: e.sum()),
                Mistake(
                    "keepdim forgotten",
                    "Element (i, j) is divided by the sum of row j: pass keepdim=True, so that the sums stay a column.",
                    lambda e: e.sum(1),
                ),
                Mistake("not divided", "Exponentiated and not divided: divide each row by its sum.", lambda e: 1.0),
            ),
            top=(
                Mistake(
                    "no maximum subtracted",
                    "exp(1000) is too large for a float, and exp(-1000) is rounded to 0. "
                    "Subtract each row's maximum first: that changes no probability.",
                    lambda x: 0.0,
                ),
                Mistake(
                    "one maximum for all rows",
                    "Subtract from each row its own maximum, over dim=1, not the largest of all logits.",
                    lambda x: x.max(),
                ),
                Mistake(
                    "keepdim forgotten in the maximum",
                    "Row j's maximum is subtracted from column j: pass keepdim=True to max as well.",
                    lambda x: x.max(1).values,
                ),
                Mistake(
                    "maximum over dim 0",
                    "Each column lost its own maximum, which changes the rows: take the maximum over dim=1.",
                    lambda x: x.max(0).values,
                ),
            ),
        ),
        Mistake("wrong for large logits", _LARGE, lambda x: x.clamp(-80, 80).softmax(1)),
        Mistake("wrong for large logits", _LARGE, lambda x: _softmax(x.clamp(max=80), top=lambda x: 0.0)),
        Mistake(
            "log-probabilities",
            "Those are the logarithms of the probabilities: leave the log out.",
            lambda x: x.log_softmax(1),
        ),
        Mistake("forgot exp", _EXP, lambda x: x / x.sum(1, keepdim=True)),
        Mistake("forgot exp", _EXP, lambda x: _shifted(x) / _shifted(x).sum(1, keepdim=True)),
        Mistake("argmax", _ARGMAX, lambda x: F.one_hot(x.argmax(1), x.shape[1]).float()),
        Mistake("sigmoid", "Each logit has its own sigmoid: a row's probabilities share one sum.", torch.sigmoid),
        Mistake(
            "sign turned round",
            "The largest logit gets the smallest probability: leave out the minus sign.",
            lambda x: (-x).softmax(1),
        ),
        Mistake(
            "all the same",
            "Every class gets the same probability, for any logit.",
            lambda x: torch.full_like(x, 1 / x.shape[1]),
        ),
    ),
    hint="Work row 0 out by hand: exponentiate, add up, divide.",
)


def _twice(answer: Callable, probs: Tensor, u: float) -> object:
    """The answer, called twice: the same u must give the same index."""
    index = listed(answer, *copy.deepcopy((probs, u)))
    if listed(answer, probs, u) != index:
        raise ValueError("two different answers for the same u")
    return index


def _index(p: Tensor, u: float) -> int:
    return int((u >= p.cumsum(0)).sum())


def _first_above(p: Tensor, u: float, otherwise: int) -> int:
    return int((p > u).nonzero()[0]) if (p > u).any() else otherwise


_SMALL_INDEX = "Every index is one too small: return the place whose cumulative sum is the first above u."
_LARGE_INDEX = "Every index is one too large: the first place is number 0."
_CUMULATE = "You compare u with the single probabilities: compare it with their cumulative sum."
_IGNORED = "The index is the same for every u."
_REVERSED = "You add up from the other end: the first place has the interval that begins at 0."

# Exercise 2: one row of probabilities and a uniform number u, to the index whose interval contains u.
sample = Implement(
    "my_sample",
    [
        (torch.tensor(row), u)
        for row in ([0.25, 0.5, 0.125, 0.125], [0.125, 0.25, 0.5, 0.0, 0.125], [0.0, 0.75, 0.25])
        for u in (*((i + 0.5) / 16 for i in range(16)), 0.0, 0.25, 0.75, 0.875)
    ],
    solution=_index,
    praise="Every place has an interval as wide as its probability, for 60 pairs of probabilities and u.",
    mistakes=(
        Mistake(
            "argmax",
            "It is always the likeliest, for any u: sampling takes the others, too, each as often as its probability.",
            lambda p, u: int(p.argmax()),
        ),
        Mistake("off by one", _LARGE_INDEX, lambda p, u: _index(p, u) + 1),
        Mistake("off by one", _LARGE_INDEX, lambda p, u: min(_index(p, u) + 1, len(p) - 1)),
        Mistake("off by one", _SMALL_INDEX, lambda p, u: _index(p, u) - 1),
        Mistake("off by one", _SMALL_INDEX, lambda p, u: max(_index(p, u) - 1, 0)),
        Mistake(
            "probabilities ignored",
            "All places have equal shares of the interval: each should have its probability.",
            lambda p, u: int(u * len(p)),
        ),
        Mistake("reversed", _REVERSED, lambda p, u: _index(p, 1 - u)),
        Mistake("reversed", _REVERSED, lambda p, u: len(p) - 1 - _index(p.flip(0), u)),
        Mistake("reversed", _REVERSED, lambda p, u: _index(p.flip(0), u)),
        Mistake("no cumulative sum", _CUMULATE, lambda p, u: _first_above(p, u, 0)),
        Mistake("no cumulative sum", _CUMULATE, lambda p, u: _first_above(p, u, len(p) - 1)),
        Mistake("no cumulative sum", _CUMULATE, lambda p, u: int((u >= p).sum())),
        Mistake(
            "nearest probability",
            "You return the probability nearest to u: compare u with the cumulative sum.",
            lambda p, u: int((p - u).abs().argmin()),
        ),
        Mistake(
            "nearest sum",
            "You return the nearest cumulative sum: return the first that is greater than u.",
            lambda p, u: int((p.cumsum(0) - u).abs().argmin()),
        ),
        Mistake(
            "first sum not below u",
            "If u equals a cumulative sum, the next place is right: u = 0 must not draw a place of probability 0.",
            lambda p, u: int((u > p.cumsum(0)).sum()),
        ),
        Mistake("ignores u", _IGNORED, lambda p, u: 0),
        Mistake("ignores u", _IGNORED, lambda p, u: len(p) - 1),
        Mistake("ignores u", _IGNORED, lambda p, u: len(p) // 2),
    ),
    errors={
        "two different answers": (
            "random numbers of its own",
            "Use the u that is given, and draw nothing yourself.",
        )
    },
    probe=_twice,
    hint="Print the cumulative sums: which is the first that is greater than u?",
)

_LOGITS = torch.tensor([[0.5, -1.0, 2.25], [1.5, 0.0, -0.75]])
_WIDER = torch.tensor([[5.0, 4.0, -3.0, 0.0], [-5.0, 1.0, 0.5, 0.0], [2.0, 2.0, 1.0, -1.0]])
_OWN = "The temperature is the same for any argument: use the argument."
_LOGITS_FIRST = "A row no longer sums to 1: divide the logits, then take the softmax."

# Exercise 3: logits (B, V) and a temperature above 0, to probabilities whose rows sum to 1.
temperature = Implement(
    "my_temperature",
    [(_LOGITS, 5.0), (_LOGITS, 0.25), (_WIDER, 3.0), (_LOGITS, 1.0), (_WIDER, 0.01)],
    solution=lambda x, t: (x / t).softmax(1),
    praise="Each row sums to 1, at five temperatures from 0.01 to 5; at 1 it is the plain softmax.",
    mistakes=(
        Mistake(
            "overflow at a low temperature",
            "Divided by 0.01, a logit of 5 is 500, too large for exp: use F.softmax, or subtract each row's maximum.",
            lambda x, t: _softmax(x / t, top=lambda x: 0.0),
        ),
        Mistake(
            "temperature ignored",
            "That is the softmax at temperature 1 (adding or subtracting the temperature changes nothing): divide the "
            "logits by it.",
            lambda x, t: x.softmax(1),
        ),
        Mistake(
            "multiplied",
            "The logits are multiplied by the temperature: divide by it.",
            lambda x, t: (x * t).softmax(1),
        ),
        Mistake("probabilities divided", _LOGITS_FIRST, lambda x, t: x.softmax(1) / t),
        Mistake("probabilities multiplied", _LOGITS_FIRST, lambda x, t: x.softmax(1) * t),
        Mistake("not renormalised", _LOGITS_FIRST, lambda x, t: x.softmax(1) ** (1 / t)),
        Mistake(
            "softmax twice",
            "The softmax is taken twice: divide the logits, not the probabilities, then take it once.",
            lambda x, t: (x.softmax(1) / t).softmax(1),
        ),
        Mistake(
            "softmax twice",
            "The softmax is taken twice: once is enough.",
            lambda x, t: (x / t).softmax(1).softmax(1),
        ),
        Mistake(
            "softmax over dim 0",
            "The columns sum to 1: take the softmax over dim=1.",
            lambda x, t: (x / t).softmax(0),
        ),
        Mistake(
            "softmax over everything",
            "All rows together sum to 1: each row should.",
            lambda x, t: (x / t).flatten().softmax(0).view(x.shape),
        ),
        Mistake("no softmax", "Those are the divided logits: take the softmax of them.", lambda x, t: x / t),
        Mistake(
            "not divided by the sum",
            "Exponentiated and not divided by the row's sum.",
            lambda x, t: (x / t).exp(),
        ),
        Mistake(
            "log-probabilities",
            "Those are the logarithms of the probabilities: leave the log out.",
            lambda x, t: (x / t).log_softmax(1),
        ),
        Mistake(
            "divided twice", "The logits are divided by the temperature twice.", lambda x, t: (x / t**2).softmax(1)
        ),
        Mistake(
            "divided by the root",
            "The logits are divided by the root of the temperature: divide by the temperature itself.",
            lambda x, t: (x / t**0.5).softmax(1),
        ),
        Mistake("whole-number division", "`//` cuts the fractions off: use `/`.", lambda x, t: (x // t).softmax(1)),
        Mistake(
            "argmax",
            "The largest logit gets everything: that is temperature 0 only.",
            lambda x, t: F.one_hot(x.argmax(1), x.shape[1]).float(),
        ),
        Mistake("temperature of its own", _OWN, lambda x, t: (x / 2).softmax(1)),
        Mistake("temperature of its own", _OWN, lambda x, t: (x / 0.5).softmax(1)),
    ),
    hint="Work row 0 out by hand: divide the logits, exponentiate, divide by the sum.",
)
