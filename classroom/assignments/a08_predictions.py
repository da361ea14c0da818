"""Assignment 08, its predictions: a student's own numbers, what is right, and the mistakes that are known."""

import itertools
import random
from collections.abc import Callable, Sequence

from lib.checks.exercise import Mistake, Predict, Question

NAMES = ("ava", "liam", "emily", "oliver", "charlie", "benjamin", "alexandra", "evangeline")


def _with(right: Callable) -> Callable:
    """The same function, of the numbers by name."""
    return lambda mine: right(**mine)


def _own_numbers(draw: random.Random) -> dict[str, object]:
    # No mistake may give the right number by chance, nor that of another mistake.
    while True:
        mine = {"C": draw.randint(6, 20), "S": draw.randint(21, 40), "B": draw.randint(3, 9)}
        mine |= {"dilations": [draw.randint(1, 9) for _ in range(draw.choice([3, 4]))]}
        mine |= {"names": draw.sample(NAMES, 3), "loss": draw.randint(180, 240) / 100}
        values = [
            [question.right(mine), *(mistake.makes(mine) for mistake in question.mistakes)]
            for question in PREDICTIONS.questions.values()
        ]
        if len({*mine["dilations"]}) > 2 and all(_apart(some) for some in values):
            return mine


def _apart(values: list[int | float]) -> bool:
    return min(b - a for a, b in itertools.pairwise(sorted(values))) > 0.02


def _layer(C: int, S: int, width: int = 2, taps: int = 2, constants: int = 1) -> tuple[int, int, int]:
    """Parameters of a layer's convolution, of its residual path and of its skip path."""
    return width * C * (taps * C + constants), C * (C + constants), S * (C + constants)


def _columns(dilations: Sequence[int]) -> list[int]:
    """The columns of each layer above a window as long as the receptive field."""
    return [1 + sum(dilations) - reach for reach in itertools.accumulate(dilations)]


def _places(names: Sequence[str]) -> tuple[int, int]:
    """Positions of the batch that have a target, and all of them."""
    return sum(len(name) + 1 for name in names), len(names) * (max(map(len, names)) + 1)


def _rate(names: Sequence[str], loss: int | float) -> int | float:
    real, every = _places(names)
    return loss * real / every


PREDICTIONS = Predict(
    "my_predictions",
    _own_numbers,
    {
        "layer": Question(
            _with(lambda C, S, **_: sum(_layer(C, S))),
            "Three things in a layer have weights; write down the shape of each.",
            (
                Mistake("gate forgotten", "The convolution computes filter and gate, side by side.", _with(lambda C, S, **_: sum(_layer(C, S, width=1)))),
                Mistake("taps forgotten", "The convolution has weights for each of its taps.", _with(lambda C, S, **_: sum(_layer(C, S, taps=1)))),
                Mistake("constants forgotten", "Every output has a constant (a bias), too.", _with(lambda C, S, **_: sum(_layer(C, S, constants=0)))),
                Mistake("skip path forgotten", "A 1x1 convolution leads from the layer to the skip path.", _with(lambda C, S, **_: sum(_layer(C, S)[:2]))),
                Mistake("residual path forgotten", "A 1x1 convolution stands in the residual path.", _with(lambda C, S, **_: sum(_layer(C, S)[::2]))),
                Mistake("convolution only", "Those are the convolution's; two 1x1 convolutions follow it.", _with(lambda C, S, **_: _layer(C, S)[0])),
                Mistake("wide z", "Filter and gate are multiplied: z has as many channels as each of them.", _with(lambda C, S, **_: _layer(C, S)[0] + (C + S) * (2 * C + 1))),
            ),
        ),
        "queued": Question(
            _with(lambda B, C, dilations, **_: B * C * sum(dilations)),
            "How many inputs does a layer with dilation 3 have to remember, and how many numbers is one input?",
            (
                Mistake("batch forgotten", "Each sequence has queues of its own.", _with(lambda C, dilations, **_: C * sum(dilations))),
                Mistake("channels forgotten", "One input is a vector.", _with(lambda B, dilations, **_: B * sum(dilations))),
                Mistake("only what is read", "One input of each layer is read now; those after it will be needed later.", _with(lambda B, C, dilations, **_: B * C * len(dilations))),
                Mistake("taps counted", "Two inputs of each layer are read; how many must be kept until their turn comes?", _with(lambda B, C, dilations, **_: 2 * B * C * len(dilations))),
                Mistake("newest counted", "The newest input need not be in the queue when it is read.", _with(lambda B, C, dilations, **_: B * C * sum(d + 1 for d in dilations))),
                Mistake("filter and gate kept", "The queues hold what goes into a layer, not what its convolution gives.", _with(lambda B, C, dilations, **_: 2 * B * C * sum(dilations))),
                Mistake("longest queue only", "Every layer has a queue.", _with(lambda B, C, dilations, **_: B * C * max(dilations))),
                Mistake("receptive field", "The field counts the output's own time step as well.", _with(lambda B, C, dilations, **_: B * C * (1 + sum(dilations)))),
            ),
        ),
        "naive": Question(
            _with(lambda dilations, **_: sum(_columns(dilations))),
            "The window is as long as the receptive field. How many columns does the first layer have above it, and the second?",
            (
                Mistake("queues", "So many applications the queues need.", _with(lambda dilations, **_: len(dilations))),
                Mistake("not shortened", "Each layer has fewer columns than the one below.", _with(lambda dilations, **_: len(dilations) * (1 + sum(dilations)))),
                Mistake("losses not added up", "A layer is shorter than the layer *below* it, which has lost columns already.", _with(lambda dilations, **_: sum(1 + sum(dilations) - d for d in dilations))),
                Mistake("window one too short", "The last layer has one column left; yours has none.", _with(lambda dilations, **_: sum(_columns(dilations)) - len(dilations))),
                Mistake("tokens counted", "The tokens themselves are no applications.", _with(lambda dilations, **_: sum(_columns(dilations)) + 1 + sum(dilations))),
            ),
        ),
        "future": Question(
            _with(lambda dilations, **_: sum(dilations)),
            "How far behind its own column does a layer with three taps then look, and what has that column seen?",
            (
                Mistake("both sides", "So far it looks in both directions together.", _with(lambda dilations, **_: 2 * sum(dilations))),
                Mistake("receptive field", "That is the whole field; only what lies behind the output is asked for.", _with(lambda dilations, **_: 1 + 2 * sum(dilations))),
                Mistake("own time step counted", "Its own time step is not later.", _with(lambda dilations, **_: 1 + sum(dilations))),
                Mistake("last layer only", "The columns that the last layer reads have looked into the future, too.", _with(lambda dilations, **_: dilations[-1])),
                Mistake("one a layer", "The taps of a layer are `dilation` time steps apart.", _with(lambda dilations, **_: len(dilations))),
                Mistake("no leak seen", "'same' puts half of the padding behind the sequence.", lambda mine: 0),
            ),
        ),
        "gifts": Question(
            _with(lambda names, **_: _places(names)[1] - _places(names)[0]),
            "Write the targets of the three names below each other, each with its stop mark, and fill up.",
            (
                Mistake("targets counted", "Those positions have a target.", _with(lambda names, **_: _places(names)[0])),
                Mistake("all positions", "Those are all positions.", _with(lambda names, **_: _places(names)[1])),
                Mistake("stop mark as padding", "The stop mark that ends a name is a target.", _with(lambda names, **_: _places(names)[1] - _places(names)[0] + len(names))),
                Mistake("stop mark of the longest forgotten", "The longest name ends with a stop mark as well, and the batch is as long as that.", _with(lambda names, **_: sum(max(0, max(map(len, names)) - len(name) - 1) for name in names))),
            ),
        ),
        "diluted": Question(
            _with(lambda names, loss, **_: _rate(names, loss)),
            "The sum stays, and what it is divided by changes.",
            (
                Mistake("loss unchanged", "Another number stands below the line now.", _with(lambda loss, **_: loss)),
                Mistake("turned round", "To divide by more gives less.", _with(lambda names, loss, **_: loss**2 / _rate(names, loss))),
                Mistake("share of the padding", "That is the share of the positions without target.", _with(lambda names, loss, **_: loss - _rate(names, loss))),
                Mistake("stop marks forgotten", "Each name has a stop mark to predict, too.", _with(lambda names, loss, **_: loss * sum(map(len, names)) / len(names) / max(map(len, names)))),
                Mistake("summed", "That is the sum.", _with(lambda names, loss, **_: loss * _places(names)[0])),
            ),
        ),
    },
)  # fmt: skip
