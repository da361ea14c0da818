"""Assignment 01, letters become numbers: what each exercise is tried on, what is right, and the mistakes that are known."""

import functools
import math
import random
from collections.abc import Mapping

import torch
from torch import Tensor

from lib.checks.exercise import NOT_DONE, Implement, Mistake, Predict, Question, ids, numbers
from lib.data import load_names


@functools.cache
def _words() -> list[str]:
    return [name for name in load_names() if 5 <= len(name) <= 8 and len(set(name)) < len(name)]


def _own_word(draw: random.Random) -> dict[str, object]:
    # A word with a letter that comes twice and a longer window, so that no mistake gives the right number by chance.
    word = draw.choice(_words())
    context, channels, size = len(word) + draw.randint(1, 4), draw.randint(14, 19), draw.randint(30, 90)
    return {"word": word, "context": context, "channels": channels, "vocabulary": size}


def _padding(mine: dict, last: int = 1) -> int:
    return sum(mine["context"] - before for before in range(len(mine["word"]) + last))


PREDICTIONS = Predict(
    "my_predictions",
    _own_word,
    {
        "windows": Question(
            lambda mine: len(mine["word"]) + 1,
            "Each character of the word is a target once; which character comes after the last letter?",
            (
                Mistake("stop mark forgotten", "What does the net have to guess after the last letter?", lambda mine: len(mine["word"])),
                Mistake("slots counted", "Those are the slots; count the windows.", lambda mine: (len(mine["word"]) + 1) * mine["context"]),
            ),
        ),
        "padding": Question(
            _padding,
            "Count the letters in each window, the first and the last one included; the other slots are padding.",
            (
                Mistake("last window forgotten", "The window whose target is the stop mark has padding too.", lambda mine: _padding(mine, 0)),
                Mistake("one window only", "That is the padding of the last window: add up all windows.", lambda mine: mine["context"] - len(mine["word"])),
                Mistake("letters counted", "Those are the slots that hold a letter.", lambda mine: sum(range(len(mine["word"]) + 1))),
                Mistake("all slots counted", "Some of the slots hold letters.", lambda mine: (len(mine["word"]) + 1) * mine["context"]),
            ),
        ),
        "rows": Question(
            lambda mine: len(set(mine["word"])) + 1,
            "A row gets a gradient if it was looked up: which characters stand in the windows?",
            (
                Mistake("padding forgotten", "One more character stands in the windows, before the first letter.", lambda mine: len(set(mine["word"]))),
                Mistake("repeated letters counted", "A letter that comes twice has one row.", lambda mine: len(mine["word"]) + 1),
                Mistake("whole table", "A row that is not looked up cannot change the loss.", lambda mine: mine["vocabulary"]),
            ),
        ),
        "shape": Question(
            lambda mine: (len(mine["word"]) + 1, mine["context"], mine["channels"]),
            "Batch, time steps, channels: a shape such as (2, 3, 4).",
            (
                Mistake("stop mark forgotten", "How many windows does the word give?", lambda mine: (len(mine["word"]), mine["context"], mine["channels"])),
                Mistake("channels before time", "The channels are the last dimension.", lambda mine: (len(mine["word"]) + 1, mine["channels"], mine["context"])),
                Mistake("one-hot, not embedded", "The last dimension is that of a one-hot vector.", lambda mine: (len(mine["word"]) + 1, mine["context"], mine["vocabulary"])),
                Mistake("channels forgotten", "That is the shape of the windows, before they are embedded.", lambda mine: (len(mine["word"]) + 1, mine["context"])),
            ),
        ),
        "loss": Question(
            lambda mine: math.log(mine["vocabulary"]),
            "Each character has the same probability; the loss is minus its natural logarithm, in nats.",
            (
                Mistake("bits instead of nats", "That is a logarithm to the base 2.", lambda mine: math.log2(mine["vocabulary"])),
                Mistake("logarithm to the base 10", "That is a logarithm to the base 10.", lambda mine: math.log10(mine["vocabulary"])),
                Mistake("loss of 27 characters", "That is the loss for the lesson's 27 characters, not for yours.", lambda mine: math.log(27)),
                Mistake("sign", "A loss is minus the logarithm of a probability, so it is positive.", lambda mine: -math.log(mine["vocabulary"])),
                Mistake("probability instead of loss", "That is the probability of each character.", lambda mine: 1 / mine["vocabulary"]),
            ),
        ),
    },
)  # fmt: skip


def _rows(names: list[list[int]], context: int) -> tuple[list[list[int]], list[int]]:
    rows, targets = [], []
    for name in names:
        padded = [0] * context + name
        rows += [padded[i : i + context] for i in range(len(name) + 1)]
        targets += [*name, 0]
    return rows, targets


def _windows(names: list[list[int]], context: int) -> tuple[Tensor, Tensor]:
    rows, targets = _rows(names, context)
    return torch.tensor(rows), torch.tensor(targets)


def _ends(names: list[list[int]]) -> list[int]:
    """The places of each name's last window."""
    return torch.tensor([len(name) + 1 for name in names]).cumsum(0).sub(1).tolist()


def _without(X: Tensor, Y: Tensor, places: list[int]) -> tuple[Tensor, Tensor]:
    keep = [i for i in range(len(Y)) if i not in places]
    return X[keep], Y[keep]


def _across_names(names: list[list[int]], context: int) -> tuple[Tensor, Tensor]:
    text = [0] * context + [number for name in names for number in [*name, 0]]
    return torch.tensor([text[i : i + context] for i in range(len(text) - context)]), torch.tensor(text[context:])


def _padded_behind(names: list[list[int]], context: int) -> tuple[Tensor, Tensor]:
    X, Y = _windows(names, context)
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
    ]


WINDOWS = Implement(
    "my_windows",
    [
        ([[3, 8, 1, 18, 12, 9, 5], [5, 13, 13, 1]], 8),
        ([[4], [15, 12, 9, 22, 9, 1]], 3),
        ([[26, 15, 5]], 5),
    ],
    _draw_names,
    _windows,
    "X and Y are right for names longer and shorter than the context.",
    (
        Mistake("last window missing", "One window of each name is missing: what has to be guessed after the last letter?", lambda names, context: _without(*_windows(names, context), _ends(names))),
        Mistake("first window missing", "One window of each name is missing: from which window is its first letter guessed?", lambda names, context: _without(*_windows(names, context), [0, *(end + 1 for end in _ends(names))])),
        Mistake("windows run across names", "Letters of one name stand in windows of the next: every name begins with nothing but padding.", _across_names),
        Mistake("reversed", "The windows run backwards: the newest letter stands at the right end.", lambda names, context: (_windows(names, context)[0].flip(1), _windows(names, context)[1])),
        Mistake("padding behind", "The padding stands after the letters; nothing comes before the first letter, so it belongs there.", _padded_behind),
        Mistake("target inside the window", "Each window holds the letter that is to be guessed from it.", lambda names, context: (torch.cat([_windows(names, context)[0][:, 1:], _windows(names, context)[1][:, None]], 1), _windows(names, context)[1])),
        Mistake("targets one behind", "Each target is the letter that the window already ends with.", lambda names, context: (_windows(names, context)[0], _windows(names, context)[0][:, -1])),
        Mistake("X and Y swapped", "The targets came first: return X, then Y.", lambda names, context: _windows(names, context)[::-1]),
        Mistake("targets in a column", "Y has one dimension too many: one number for each window.", lambda names, context: (_windows(names, context)[0], _windows(names, context)[1][:, None])),
        Mistake("long names cut", "A name that is longer than the context still gives a window for each letter.", lambda names, context: _windows([name[-context:] for name in names], context)),
    ),
)  # fmt: skip

PRODUCTS = {"matmul", "mm", "bmm", "mv", "einsum", "linear", "tensordot", "mul", "__matmul__", "__mul__"}
LOOK_UPS = {"embedding", "embedding_bag", "index_select", "gather", "take_along_dim"}


def _is_product(calls: Mapping[str, int]) -> tuple[str, str] | None:
    if calls.keys() & LOOK_UPS or not calls.keys() & PRODUCTS:
        return (
            "looked up instead of multiplied",
            "The rows were picked out of the table; multiply one-hot vectors by it.",
        )
    return None


def _draw_embedding(draw: random.Random) -> list[tuple]:
    sizes = [(27, 10, (32, 8)), (draw.randint(5, 9), draw.randint(3, 6), (draw.randint(3, 7),))]
    sizes += [(draw.randint(11, 40), 4, (2, draw.randint(3, 5), 3)), (7, 9, (1, draw.randint(2, 4)))]
    return [(ids(draw, size, *shape), numbers(draw, size, channels)) for size, channels, shape in sizes]


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
    (
        Mistake("counted from 1", "Each id got the row before its own: the first row is number 0.", lambda x, table: table[x - 1]),
        Mistake("counted from 1", "Id 0 got no row, and each other id the row before its own: the first row is number 0.", lambda x, table: torch.cat([0 * table[:1], table[:-1]])[x]),
        Mistake("id in place of 1", "Each row is its own, times the id: what stands at the id's place in a one-hot vector?", lambda x, table: x[..., None] * table[x]),
        Mistake("product forgotten", "Those are the one-hot vectors; the table has not come in yet.", lambda x, table: torch.eye(len(table))[x]),
        Mistake("summed over time", "The time steps were added up: each keeps a row of its own.", lambda x, table: table[x].sum(-2)),
        Mistake("batch and time merged", "The dimensions of the ids were merged; they stay, and the channels come last.", lambda x, table: table[x].flatten(0, -2)),
        Mistake("channels first", "The channels are the last dimension.", lambda x, table: table[x].transpose(-1, -2)),
        Mistake("all ones", "Every row is the sum of the whole table: a one-hot vector has a single 1.", lambda x, table: table.sum(0).expand(*x.shape, -1)),
    ),
    {"dtype": ("one-hot of whole numbers", "The one-hot vectors hold whole numbers, and the table floating ones: torch multiplies like by like.")},
    _is_product,
)  # fmt: skip


def _probs(windows: Tensor, table: Tensor, weight: Tensor, dim: int | tuple[int, ...] = 1) -> Tensor:
    powers = (table[windows].flatten(1) @ weight).exp()
    return powers / powers.sum(dim, keepdim=True)


def _loss(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, dim: int | tuple[int, ...] = 1) -> Tensor:
    return -_of_targets(_probs(windows, table, weight, dim), targets).log().mean()


def _of_targets(probs: Tensor, targets: Tensor) -> Tensor:
    return probs[torch.arange(len(targets)), targets]


def _net(draw: random.Random, B: int, T: int, C: int, size: int) -> tuple:
    return ids(draw, size, B, T), ids(draw, size, B), numbers(draw, size, C), numbers(draw, T * C, size) * 0.2


def _draw_nets(draw: random.Random) -> list[tuple]:
    return [
        _net(draw, 32, 8, 10, 27),
        _net(draw, draw.randint(9, 20), draw.randint(3, 5), 4, draw.randint(5, 8)),
        _net(draw, draw.randint(3, 5), 2, 6, draw.randint(30, 40)),
        _net(draw, 1, 4, 3, draw.randint(11, 15)),
    ]


MENDED = Implement(
    "net_loss",
    [_net(random.Random(1), 32, 8, 10, 27), _net(random.Random(2), 12, 3, 4, 6), _net(random.Random(3), 1, 2, 3, 9)],
    _draw_nets,
    _loss,
    "The loss is right for batches of 32, 12 and 1, and a net that knows nothing has ln of the number of characters.",
    (
        Mistake(NOT_DONE, "The loss is that of the net as it was given, so the mistake is still in it.", lambda *case: _loss(*case, dim=0)),
        Mistake("softmax over everything", "All probabilities of the batch sum to 1 together; each window needs its own.", lambda *case: _loss(*case, dim=(0, 1))),
        Mistake("softmax twice", "F.cross_entropy takes logits and does its own softmax; it was given probabilities.", lambda w, y, *net: torch.nn.functional.cross_entropy(_probs(w, *net), y)),
        Mistake("summed, not averaged", "The loss grows with the batch: take the mean over the windows.", lambda w, y, *net: _loss(w, y, *net) * len(y)),
        Mistake("sign", "A loss is minus the logarithm of a probability, so it is positive.", lambda *case: -_loss(*case)),
        Mistake("logarithm forgotten", "That is a mean probability: the logarithm is missing.", lambda w, y, *net: -_of_targets(_probs(w, *net), y).mean()),
        Mistake("mean before the logarithm", "First the logarithm of each probability, then their mean.", lambda w, y, *net: -_of_targets(_probs(w, *net), y).mean().log()),
        Mistake("bits instead of nats", "That is a logarithm to the base 2.", lambda *case: _loss(*case) / math.log(2)),
        Mistake("every target for every window", "probs[:, targets] has all targets in each row: take one probability from each window.", lambda w, y, *net: -_probs(w, *net)[:, y].log().mean()),
        Mistake("no softmax", "The logits themselves were taken for logarithms of probabilities.", lambda w, y, table, weight: -_of_targets(table[w].flatten(1) @ weight, y).mean()),
    ),
)  # fmt: skip


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
    return [(ids(draw, size, N, context), ids(draw, size, N), size) for size, N, context in sizes]


BIGRAM = Implement(
    "my_bigram",
    [
        (ids(random.Random(1), 27, 200, 8), ids(random.Random(2), 27, 200), 27),
        (torch.tensor([[2, 1], [0, 1], [3, 0], [1, 1]]), torch.tensor([2, 2, 1, 2]), 4),
        (ids(random.Random(3), 6, 40, 3), ids(random.Random(4), 6, 40), 6),
    ],
    _draw_pairs,
    lambda X, Y, size: _smoothed(_counts(X[:, -1], Y, size)),
    "Each row sums to 1, pairs that come twice count twice, and no probability is 0.",
    (
        Mistake("columns sum to 1", "Each row should sum to 1, but each column does: the sum went over dim 0.", lambda X, Y, size: _smoothed(_counts(X[:, -1], Y, size), 0)),
        Mistake("everything sums to 1", "All numbers together sum to 1; each row should.", lambda X, Y, size: _smoothed(_counts(X[:, -1], Y, size), (0, 1))),
        Mistake("counts, not probabilities", "Those are counts: nothing was divided.", lambda X, Y, size: _counts(X[:, -1], Y, size) + 1),
        Mistake("smoothing forgotten", "Those are plain shares, and 0/0 in rows never seen: add 1 to each count first.", lambda X, Y, size: (c := _counts(X[:, -1], Y, size)) / c.sum(1, keepdim=True)),
        Mistake("added 1 above the line only", "The rows sum to more than 1: divide by the sum of what stands above.", lambda X, Y, size: ((c := _counts(X[:, -1], Y, size)) + 1) / c.sum(1, keepdim=True)),
        Mistake("added 1 once a row", "The rows sum to more than 1: how much was added to the counts of a row, altogether?", lambda X, Y, size: ((c := _counts(X[:, -1], Y, size)) + 1) / (c.sum(1, keepdim=True) + 1)),
        Mistake("oldest letter", "The pairs are made with the oldest letter of each window; which stands beside the target?", lambda X, Y, size: _smoothed(_counts(X[:, 0], Y, size))),
        Mistake("rows and columns swapped", "A row is the character before, a column the one that follows; here it is the other way round.", lambda X, Y, size: _smoothed(_counts(Y, X[:, -1], size))),
        Mistake("repeated pairs counted once", "A pair that comes twice counts once: counts[a, b] += 1 with tensors a and b adds to each place only once.", lambda X, Y, size: _smoothed(_counts(X[:, -1], Y, size).clamp(max=1))),
        Mistake("whole windows counted", "Every neighbouring pair inside the windows was counted, so early letters count again and again.", _whole_windows),
        Mistake("stop mark left out", "Pairs with the stop mark, id 0, are missing: it is a character like the others.", lambda X, Y, size: _smoothed(_counts(X[Y > 0, -1], Y[Y > 0], size))),
    ),
)  # fmt: skip

EXERCISES = {"predictions": PREDICTIONS, "windows": WINDOWS, "embed": EMBED, "mended": MENDED, "bigram": BIGRAM}
