"""Assignment 01, letters become numbers: cases, solutions and known mistakes of each exercise."""

import functools
import math
import random
from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from classroom.assignments import probes
from classroom.assignments.tables import mistakes, predictions, question, without_lib
from lib.checks.exercise import NOT_DONE, Implement, ids, numbers
from lib.data import load_names


@functools.cache
def _words() -> list[str]:
    return [name for name in load_names() if 5 <= len(name) <= 8 and len(set(name)) < len(name)]


def _own_word(draw: random.Random) -> dict[str, object]:
    # A word with a repeated letter, and a longer window, so that no mistake gives the right number by chance.
    word = draw.choice(_words())
    context, channels, size = len(word) + draw.randint(1, 4), draw.randint(14, 19), draw.randint(30, 90)
    return {"word": word, "context": context, "channels": channels, "vocabulary": size}


@question(
    "Each character of the word is a target once; which character follows the last letter?",
    """
    stop mark forgotten: What does the net predict after the last letter?
    slots counted: Those are the slots; count the windows.
    """,
)
def windows(word: str, context: int, **_: object) -> dict:
    n = len(word)
    return {"right": n + 1, "stop mark forgotten": n, "slots counted": (n + 1) * context}


@question(
    "Count the letters in each window, the first and the last one included; the other slots are padding.",
    """
    last window forgotten: The window whose target is the stop mark has padding too.
    one window only: That is the padding of the last window: add up all windows.
    letters counted: Those are the slots that hold a letter.
    all slots counted: Some of the slots hold letters.
    """,
)
def padding(word: str, context: int, **_: object) -> dict:
    n = len(word)
    return {
        "right": sum(context - before for before in range(n + 1)),
        "last window forgotten": sum(context - before for before in range(n)),
        "one window only": context - n,
        "letters counted": sum(range(n + 1)),
        "all slots counted": (n + 1) * context,
    }


@question(
    "A row gets a gradient if it was looked up: which characters are in the windows?",
    """
    padding forgotten: One more character is in the windows, before the first letter.
    repeated letters counted: A letter that occurs twice has one row.
    whole table: A row that is not looked up cannot change the loss.
    """,
)
def rows(word: str, vocabulary: int, **_: object) -> dict:
    return {
        "right": len(set(word)) + 1,
        "padding forgotten": len(set(word)),
        "repeated letters counted": len(word) + 1,
        "whole table": vocabulary,
    }


@question(
    "Batch, time steps, channels: a shape such as (2, 3, 4).",
    """
    stop mark forgotten: How many windows does the word give?
    channels before time: The channels are the last dimension.
    one-hot, not embedded: The last dimension is that of a one-hot vector.
    channels forgotten: That is the shape of the windows, before they are embedded.
    """,
)
def shape(word: str, context: int, channels: int, vocabulary: int, **_: object) -> dict:
    n = len(word)
    return {
        "right": (n + 1, context, channels),
        "stop mark forgotten": (n, context, channels),
        "channels before time": (n + 1, channels, context),
        "one-hot, not embedded": (n + 1, context, vocabulary),
        "channels forgotten": (n + 1, context),
    }


@question(
    "Each character has the same probability; the loss is minus its natural logarithm, in nats.",
    """
    bits instead of nats: That is a logarithm to the base 2.
    logarithm to the base 10: That is a logarithm to the base 10.
    loss of 27 characters: That is the loss for the lesson's 27 characters, not for yours.
    sign: A loss is minus the logarithm of a probability, so it is positive.
    probability instead of loss: That is the probability of each character.
    """,
)
def loss(vocabulary: int, **_: object) -> dict:
    return {
        "right": math.log(vocabulary),
        "bits instead of nats": math.log2(vocabulary),
        "logarithm to the base 10": math.log10(vocabulary),
        "loss of 27 characters": math.log(27),
        "sign": -math.log(vocabulary),
        "probability instead of loss": 1 / vocabulary,
    }


PREDICTIONS = predictions(_own_word, windows=windows, padding=padding, rows=rows, shape=shape, loss=loss)


def windows_of(names: list[list[int]], context: int) -> tuple[Tensor, Tensor]:
    rows, targets = [], []
    for name in names:
        padded = [0] * context + name
        rows += [padded[i : i + context] for i in range(len(name) + 1)]
        targets += [*name, 0]
    return torch.tensor(rows), torch.tensor(targets)


def _changed(change: Callable[[Tensor, Tensor], tuple]) -> Callable:
    """The wrong result that is made of the right windows and targets."""
    return lambda names, context: change(*windows_of(names, context))


def _ends(names: list[list[int]]) -> list[int]:
    """The rows of each name's last window."""
    return torch.tensor([len(name) + 1 for name in names]).cumsum(0).sub(1).tolist()


def _without(X: Tensor, Y: Tensor, places: list[int]) -> tuple[Tensor, Tensor]:
    keep = [i for i in range(len(Y)) if i not in places]
    return X[keep], Y[keep]


def _across_names(names: list[list[int]], context: int) -> tuple[Tensor, Tensor]:
    text = [0] * context + [number for name in names for number in [*name, 0]]
    return torch.tensor([text[i : i + context] for i in range(len(text) - context)]), torch.tensor(text[context:])


def _padded_behind(names: list[list[int]], context: int) -> tuple[Tensor, Tensor]:
    X, Y = windows_of(names, context)
    rows = [[i for i in row if i] + [0] * row.count(0) for row in X.tolist()]
    return torch.tensor(rows), Y


def _draw_names(draw: random.Random) -> list[tuple]:
    def name(length: int) -> list[int]:
        return [draw.randint(1, 26) for _ in range(length)]

    # The lesson's context first; then names longer and shorter than a window, and a name of one letter.
    return [
        ([name(7), name(draw.randint(3, 6)), name(4)], 8),
        ([name(1), name(draw.randint(6, 9)), name(2)], draw.randint(3, 4)),
        ([name(draw.randint(2, 5))], 6),
        ([name(5), name(6)], 5),
        ([name(3), name(2)], 1),
        ([name(4), again := name(2), [*again, *again, again[0]], name(3), again, name(1), name(5)], 3),
    ]


WINDOWS = Implement(
    "my_windows",
    [([[3, 8, 1, 18, 12, 9, 5], [5, 13, 13, 1]], 8), ([[4], [15, 12, 9, 22, 9, 1]], 3), ([[26, 15, 5]], 5)],
    _draw_names,
    windows_of,
    "X and Y are right for names longer and shorter than the context.",
    mistakes(
        """
        last window missing: One window of each name is missing: what is predicted after the last letter?
        first window missing: One window of each name is missing: from which window is its first letter predicted?
        windows run across names: Windows hold letters of the name before: every name begins with nothing but padding.
        reversed: The windows run backwards: the newest letter belongs at the right end.
        padding behind: The padding is behind the letters; it belongs before the first one.
        target inside the window: Each window holds the letter that is to be predicted from it.
        targets one behind: Each target is the letter that the window already ends with.
        X and Y swapped: The targets came first: return X, then Y.
        targets in a column: Y has one dimension too many: one number for each window.
        long names cut: A name that is longer than the context still gives a window for each letter.
        """,
        {
            "last window missing": lambda names, context: _without(*windows_of(names, context), _ends(names)),
            "first window missing": lambda names, context: _without(
                *windows_of(names, context), [0, *(end + 1 for end in _ends(names))]
            ),
            "windows run across names": _across_names,
            "reversed": _changed(lambda X, Y: (X.flip(1), Y)),
            "padding behind": _padded_behind,
            "target inside the window": _changed(lambda X, Y: (torch.cat([X[:, 1:], Y[:, None]], 1), Y)),
            "targets one behind": _changed(lambda X, Y: (X, X[:, -1])),
            "X and Y swapped": _changed(lambda X, Y: (Y, X)),
            "targets in a column": _changed(lambda X, Y: (X, Y[:, None])),
            "long names cut": lambda names, context: windows_of([name[-context:] for name in names], context),
        },
    ),
    method=without_lib,
)


def _is_product(calls: Mapping[str, int]) -> tuple[str, str] | None:
    if "looked up" in calls and not any("sparse" in name for name in calls):
        return "looked up instead of multiplied", "The rows were picked from the table; multiply one-hot vectors by it."
    return None


def _draw_embedding(draw: random.Random) -> list[tuple]:
    sizes = [(27, 10, (32, 8)), (draw.randint(5, 9), draw.randint(3, 6), (draw.randint(3, 7),))]
    sizes += [(draw.randint(11, 40), 4, (2, draw.randint(3, 5), 3)), (7, 9, (1, draw.randint(2, 4)))]
    cases = [(ids(draw, size, *shape), numbers(draw, size, channels)) for size, channels, shape in sizes]
    # Ids that do not reach the last rows of the table and leave out others, and a single id.
    some = torch.tensor([[4, 0, 4], [draw.choice([1, 3]), 4, 0]])
    return [*cases, (some, numbers(draw, 9, 3)), (ids(draw, 6), numbers(draw, 8, 5))]


EMBED = Implement(
    "my_embed",
    [
        (ids(random.Random(1), 27, 4, 8), numbers(random.Random(2), 27, 10)),
        (torch.tensor([2, 0, 4]), numbers(random.Random(3), 5, 3)),
        (torch.tensor([[[1, 5], [0, 2]]]), numbers(random.Random(4), 6, 2)),
    ],
    _draw_embedding,
    lambda x, table: table[x],
    "A product gave what the look-up gives, for ids of one, two and three dimensions.",
    mistakes(
        """
        counted from 1: Each id got the row before its own, and id 0 the last or none: the first row is number 0.
        id in place of 1: Each row is its own, times the id: what is at the id's place in a one-hot vector?
        product forgotten: Those are the one-hot vectors; the table is not used yet.
        summed over time: The time steps were added up: each keeps its own row.
        batch and time merged: The dimensions of the ids were merged; they stay, and the channels come last.
        channels first: The channels are the last dimension.
        all ones: Every row is the sum of the whole table: a one-hot vector has a single 1.
        """,
        {
            "counted from 1": [
                lambda x, table: table[x - 1],
                lambda x, table: torch.cat([0 * table[:1], table[:-1]])[x],
            ],
            "id in place of 1": lambda x, table: x[..., None] * table[x],
            "product forgotten": lambda x, table: torch.eye(len(table))[x],
            "summed over time": lambda x, table: table[x].sum(-2),
            "batch and time merged": lambda x, table: table[x].flatten(0, -2),
            "channels first": lambda x, table: table[x].transpose(-1, -2),
            "all ones": lambda x, table: table.sum(0).expand(*x.shape, -1),
        },
    ),
    {
        "dtype": (
            "one-hot of whole numbers",
            "The one-hot vectors hold whole numbers, and the table floats: torch multiplies tensors of one dtype.",
        )
    },
    _is_product,
    probes.embed,
)


def _probs(windows: Tensor, table: Tensor, weight: Tensor, dim: int | tuple[int, ...] = 1) -> Tensor:
    powers = (table[windows].flatten(1) @ weight).exp()
    return powers / powers.sum(dim, keepdim=True)


def _loss(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, dim: int | tuple[int, ...] = 1) -> Tensor:
    return -_of_targets(_probs(windows, table, weight, dim), targets).log().mean()


def _of_targets(probs: Tensor, targets: Tensor) -> Tensor:
    return probs[torch.arange(len(targets)), targets]


def _net(draw: random.Random, B: int, T: int, C: int, size: int, spread: float = 0.2) -> tuple:
    return ids(draw, size, B, T), ids(draw, size, B), numbers(draw, size, C), numbers(draw, T * C, size) * spread


def _draw_nets(draw: random.Random) -> list[tuple]:
    return [
        _net(draw, 32, 8, 10, 27),
        _net(draw, draw.randint(9, 20), draw.randint(3, 5), 4, draw.randint(5, 8)),
        _net(draw, draw.randint(3, 5), 2, 6, draw.randint(30, 40)),
        _net(draw, 1, 4, 3, draw.randint(11, 15)),
        _net(draw, 9, 3, 5, 8, spread=1.5),  # sure of itself, and wrong
    ]


MENDED = Implement(
    "net_loss",
    [_net(random.Random(1), 32, 8, 10, 27), _net(random.Random(2), 12, 3, 4, 6), _net(random.Random(3), 1, 2, 3, 9)],
    _draw_nets,
    _loss,
    "The loss is right for large and small batches, and a net that knows nothing has ln of the number of characters.",
    mistakes(
        """
        not done: The loss is that of the net as given, so the mistake is still in it.
        softmax over everything: All probabilities of the batch sum to 1 together; each window needs its own.
        softmax twice: F.cross_entropy takes logits and does its own softmax; it was given probabilities.
        summed, not averaged: The loss grows with the batch: take the mean over the windows.
        sign: A loss is minus the logarithm of a probability, so it is positive.
        logarithm forgotten: That is a mean probability: the logarithm is missing.
        mean before the logarithm: First the logarithm of each probability, then their mean.
        bits instead of nats: That is a logarithm to the base 2.
        every target for every window: probs[:, targets] has all targets in each row: take one probability from each
            window.
        no softmax: The logits themselves were used as logarithms of probabilities.
        """,
        {
            NOT_DONE: partial(_loss, dim=0),
            "softmax over everything": partial(_loss, dim=(0, 1)),
            "softmax twice": lambda w, y, *net: F.cross_entropy(_probs(w, *net), y),
            "summed, not averaged": lambda w, y, *net: _loss(w, y, *net) * len(y),
            "sign": lambda *case: -_loss(*case),
            "logarithm forgotten": lambda w, y, *net: -_of_targets(_probs(w, *net), y).mean(),
            "mean before the logarithm": lambda w, y, *net: -_of_targets(_probs(w, *net), y).mean().log(),
            "bits instead of nats": lambda *case: _loss(*case) / math.log(2),
            "every target for every window": lambda w, y, *net: -_probs(w, *net)[:, y].log().mean(),
            "no softmax": lambda w, y, table, weight: -_of_targets(table[w].flatten(1) @ weight, y).mean(),
        },
    ),
)


def _counts(X: Tensor, Y: Tensor, size: int) -> Tensor:
    return torch.bincount(X * size + Y, minlength=size * size).view(size, size).float()


def _smoothed(counts: Tensor, dim: int | tuple[int, ...] = 1) -> Tensor:
    return (counts + 1) / (counts + 1).sum(dim, keepdim=True)


def _whole_windows(X: Tensor, Y: Tensor, size: int) -> Tensor:
    both = torch.cat([X, Y[:, None]], 1)
    return _smoothed(_counts(both[:, :-1].flatten(), both[:, 1:].flatten(), size))


def _draw_pairs(draw: random.Random) -> list[tuple]:
    sizes = [
        (27, 200, 8),
        (draw.randint(5, 7), draw.randint(30, 40), 3),
        (draw.randint(30, 34), draw.randint(60, 70), 2),
    ]
    cases = [(ids(draw, size, N, context), ids(draw, size, N), size) for size, N, context in sizes]
    return [*cases, (ids(draw, 6, 20, 3), ids(draw, 6, 20), 9)]  # the last characters never occur


BIGRAM = Implement(
    "my_bigram",
    [
        (ids(random.Random(1), 27, 200, 8), ids(random.Random(2), 27, 200), 27),
        (torch.tensor([[2, 1], [0, 1], [3, 0], [1, 1]]), torch.tensor([2, 2, 1, 2]), 4),
        (ids(random.Random(3), 6, 40, 3), ids(random.Random(4), 6, 40), 6),
    ],
    _draw_pairs,
    lambda X, Y, size: _smoothed(_counts(X[:, -1], Y, size)),
    "Each row sums to 1, repeated pairs count each time, and no probability is 0.",
    mistakes(
        """
        columns sum to 1: Each row should sum to 1, but each column does: the sum went over dim 0.
        everything sums to 1: All numbers together sum to 1; each row should.
        counts, not probabilities: Those are counts: nothing was divided.
        smoothing forgotten: Those are relative frequencies, and 0/0 in rows never seen: add 1 to each count first.
        added 1 above the line only: The rows sum to more than 1: divide by the sum of the increased counts.
        added 1 once per row: The rows sum to more than 1: how much was added to all counts of a row together?
        oldest letter: The pairs are made with the oldest letter of each window; which is next to the target?
        rows and columns swapped: A row is the character before, a column the one after it; yours are reversed.
        repeated pairs counted once: A pair that occurs twice counts once: counts[a, b] += 1 with tensors a and b adds
            to each place only once.
        whole windows counted: Every neighbouring pair inside the windows was counted, so early letters count several
            times.
        stop mark left out: Pairs with the stop mark, id 0, are missing: it is a character like any other.
        """,
        {
            "columns sum to 1": lambda X, Y, size: _smoothed(_counts(X[:, -1], Y, size), 0),
            "everything sums to 1": lambda X, Y, size: _smoothed(_counts(X[:, -1], Y, size), (0, 1)),
            "counts, not probabilities": lambda X, Y, size: _counts(X[:, -1], Y, size) + 1,
            "smoothing forgotten": lambda X, Y, size: (c := _counts(X[:, -1], Y, size)) / c.sum(1, keepdim=True),
            "added 1 above the line only": lambda X, Y, size: (
                ((c := _counts(X[:, -1], Y, size)) + 1) / c.sum(1, keepdim=True)
            ),
            "added 1 once per row": lambda X, Y, size: (
                ((c := _counts(X[:, -1], Y, size)) + 1) / (c.sum(1, keepdim=True) + 1)
            ),
            "oldest letter": lambda X, Y, size: _smoothed(_counts(X[:, 0], Y, size)),
            "rows and columns swapped": lambda X, Y, size: _smoothed(_counts(Y, X[:, -1], size)),
            "repeated pairs counted once": lambda X, Y, size: _smoothed(_counts(X[:, -1], Y, size).clamp(max=1)),
            "whole windows counted": _whole_windows,
            "stop mark left out": lambda X, Y, size: _smoothed(_counts(X[Y > 0, -1], Y[Y > 0], size)),
        },
    ),
)

EXERCISES = {"predictions": PREDICTIONS, "windows": WINDOWS, "embed": EMBED, "mended": MENDED, "bigram": BIGRAM}
