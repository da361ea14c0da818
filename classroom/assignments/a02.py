"""Assignment 02, flattening in stages: cases, solutions and known mistakes of each exercise."""

import random
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from classroom.assignments import probes
from classroom.assignments.tables import mistakes, predictions, question, without_lib
from lib.checks.exercise import NOT_DONE, Implement, numbers


def _own_sizes(draw: random.Random) -> dict[str, object]:
    first, second = draw.choice([(2, 3), (2, 5), (3, 4), (3, 5), (4, 3), (4, 5), (5, 3), (5, 4)])
    T, C = first * second, draw.randint(6, 19)
    t, c = draw.randrange(1, T), draw.randrange(1, C - 1)
    return {"B": draw.randint(40, 90), "T": T, "C": C, "n1": first, "n2": second, "t": t, "c": c}


@question(
    "The stage puts n1 neighbours side by side: how many groups are left, and how wide is each?",
    """
    n groups instead of groups of n: Those are n1 groups; each group should hold n1 time steps.
    flattened at once: That puts all time steps side by side; this stage puts n1 of them together.
    channels lost: Numbers are missing: the input has B times T times C.
    time steps kept: Those are too many numbers: the input has B times T times C.
    """,
)
def first(B: int, T: int, C: int, n1: int, **_: object) -> dict:
    return {
        "right": (B, T // n1, n1 * C),
        "n groups instead of groups of n": (B, n1, T // n1 * C),
        "flattened at once": (B, T * C),
        "channels lost": (B, T // n1, C),
        "time steps kept": (B, T, n1 * C),
    }


@question(
    "The input of the second stage is the output of the first; what happens to a dimension of size 1?",
    """
    time step of 1 kept: One time step is left: what does the layer do with its dimension?
    second stage on its own: The input of the second stage is the output of the first, not x.
    batch squeezed away: The batch stays.
    """,
)
def both(B: int, T: int, C: int, n1: int, n2: int, **_: object) -> dict:
    return {
        "right": (B, T * C),
        "time step of 1 kept": (B, 1, T * C),
        "second stage on its own": (B, T // n2, n2 * C),
        "batch squeezed away": (T * C,),
    }


@question(
    "Only one of the two dimensions of size 1 is a number of time steps.",
    """
    squeeze() without a dimension: Two dimensions have size 1; only one of them is time.
    time step of 1 kept: One time step is left: what does the layer do with its dimension?
    batch of before: The batch has one example now.
    """,
)
def single(T: int, C: int, B: int, **_: object) -> dict:
    return {
        "right": (1, T * C),
        "squeeze() without a dimension": (T * C,),
        "time step of 1 kept": (1, 1, T * C),
        "batch of before": (B, T * C),
    }


@question(
    "Write the time steps 0, 1, 2 ... in a row and draw a bar after every n1 of them; places are counted from 0.",
    """
    strided pairs: That separates neighbours: a group holds consecutive time steps.
    place inside the group: That is the place of t inside its group; which group is it?
    counted from 1: Places are counted from 0.
    """,
)
def place(t: int, n1: int, n2: int, **_: object) -> dict:
    return {
        "right": t // n1,
        "strided pairs": t % n2,
        "place inside the group": t % n1,
        "counted from 1": t // n1 + 1,
        "time steps counted from 1": (t + 1) // n1,
        "groups of n2": t // n2,
        "both stages": t // (n1 * n2),
        "place of t": t,
    }


@question(
    "Flattening moves nothing in memory: how many numbers of the example are before this one?",
    """
    time and channels swapped: That puts the time steps of one channel together; the last dimension runs fastest.
    counted from 1: Columns, time steps and channels are all counted from 0.
    one time step too few: Time step 0 comes first: there are t whole time steps before time step t.
    """,
)
def column(t: int, c: int, C: int, T: int, **_: object) -> dict:
    return {
        "right": t * C + c,
        "time and channels swapped": c * T + t,
        "counted from 1": t * C + c + 1,
        "one time step too few": (t - 1) * C + c,
        "channel only": c,
        "first stage only": t % T * C,
    }


PREDICTIONS = predictions(_own_sizes, first=first, both=both, single=single, place=place, column=column)


def _groups(n: int, x: Tensor) -> Tensor:
    B, T, C = x.shape
    return x.reshape(B, T // n, n * C)


def _flattened(n: int, x: Tensor) -> Tensor | str:
    T = x.shape[1]
    return f"rejected with T={T} and n={n}" if T % n else _groups(n, x).squeeze(1)


def _strided(n: int, x: Tensor) -> Tensor:
    return torch.cat(x.chunk(n, dim=1), dim=2).squeeze(1)


def _draw_flatten(draw: random.Random) -> list[tuple]:
    B, C = draw.randint(2, 5), draw.randint(3, 7)
    turned = numbers(draw, 6, B, C).transpose(0, 1)
    shapes = [
        (2, (32, 8, 10)),
        (3, (B, 6, C)),
        (4, (B, 12, 2)),
        (4, (B, 4, C)),
        (2, (1, 4, C)),
        (2, (1, 2, C)),
        (1, (B, 3, C)),
    ]
    return [
        *((n, numbers(draw, *shape)) for n, shape in shapes),
        (2, turned),
        (draw.choice([4, 5]), numbers(draw, B, 6, C)),
        (5, numbers(draw, B, 3, C)),
        (1, numbers(draw, B, 1, C)),
    ]


FLATTEN = Implement(
    "MyFlatten",
    [
        (2, numbers(random.Random(1), 32, 8, 10)),
        (3, numbers(random.Random(2), 4, 6, 5)),
        (4, numbers(random.Random(3), 3, 4, 2)),
        (2, numbers(random.Random(4), 1, 2, 3)),
        (2, numbers(random.Random(5), 4, 2, 3).transpose(0, 1)),
        (3, numbers(random.Random(6), 2, 8, 5)),
    ],
    _draw_flatten,
    _flattened,
    "Neighbours meet, also for a batch of one and non-contiguous input; an n that does not divide T is rejected.",
    mistakes(
        """
        strided pairs: Time step 0 is next to one that is T/n places away; expected its neighbours.
        channels interleaved: The right time steps meet, but their channels are interleaved.
        time and channels swapped: The numbers run over the time steps first; the channels of one time step belong
            together.
        right-hand neighbour first: The group is reversed: the earlier time step belongs on the left.
        n groups instead of groups of n: There are n groups; each group should hold n time steps.
        flattened at once: All time steps are side by side; put only n of them together.
        squeeze() without a dimension: A batch of one lost its batch dimension.
        batch squeezed away: The batch dimension is dropped if it is 1; drop that of the time steps instead.
        time step of 1 kept: One time step is left: its dimension should go.
        rest cut off: n does not divide T, and some time steps were dropped silently.
        padded without a word: n does not divide T, and time steps of zeros were added silently.
        no word on the sizes: torch raised its own error, about sizes: check T and n first, and raise a ValueError.
        refused without the sizes: The message of your ValueError should contain T and n: f"... {T} ...".
        """,
        {
            "strided pairs": _strided,
            "channels interleaved": lambda n, x: (
                x.reshape(x.shape[0], -1, n, x.shape[2]).transpose(2, 3).reshape_as(_groups(n, x)).squeeze(1)
            ),
            "time and channels swapped": lambda n, x: x.transpose(1, 2).reshape_as(_groups(n, x)).squeeze(1),
            "right-hand neighbour first": lambda n, x: torch.cat([x[:, i::n] for i in reversed(range(n))], 2).squeeze(
                1
            ),
            "n groups instead of groups of n": lambda n, x: x.reshape(x.shape[0], n, -1),
            "flattened at once": lambda n, x: x.flatten(1),
            "squeeze() without a dimension": lambda n, x: _groups(n, x).squeeze(),
            "batch squeezed away": lambda n, x: _groups(n, x).squeeze(0),
            "time step of 1 kept": _groups,
            "rest cut off": lambda n, x: _flattened(n, x[:, : x.shape[1] // n * n]),
            "padded without a word": lambda n, x: _flattened(n, F.pad(x, (0, 0, 0, -x.shape[1] % n))),
            "no word on the sizes": lambda n, x: "an error of torch's own" if x.shape[1] % n else _flattened(n, x),
            "refused without the sizes": lambda n, x: (
                "rejected without the sizes" if x.shape[1] % n else _flattened(n, x)
            ),
        },
    ),
    {
        "view size is not compatible": (
            "needs contiguous input",
            "This input is not contiguous in memory, and view refuses it: which function copies if it has to?",
        )
    },
    without_lib,
    probes.flatten,
)


def _sees(kind: str, T: int, C: int = 0, seed: int = 0) -> Tensor:
    """(places, T) booleans: which time steps each place of `probes.reading_net` depends on."""
    place, time = torch.arange(T)[:, None], torch.arange(T)[None]
    if kind == "top":
        return torch.ones(1, T, dtype=torch.bool)
    if kind == "causal":
        return (time == place) | (time == place - 1)
    return (time % (T // 2) == place if kind == "strided" else time // 2 == place)[: T // 2]


def _draw_nets(draw: random.Random) -> list[tuple]:
    cases = [("pairs", 8, 10)]
    cases += [
        (kind, 2 * draw.randint(2, 5), draw.randint(2, 6))
        for kind in ("strided", "causal", "squares", "top", "falling")
    ]
    cases += [("balanced", 2 * draw.randint(2, 5), draw.randint(4, 6))]
    return [(*case, draw.getrandbits(20)) for case in cases]


SEEN = Implement(
    "my_seen",
    [("pairs", 8, 10, 1), ("strided", 6, 4, 2), ("squares", 4, 3, 3), ("causal", 6, 2, 4), ("top", 6, 3, 5)]
    + [("falling", 6, 3, 6), ("balanced", 8, 4, 7)],
    _draw_nets,
    _sees,
    "The gradient shows what each place sees: in pairs, strided pairs, squares, a causal net and the top of a tree.",
    mistakes(
        """
        gradient not reset: Each place also sees what the places before it see: gradients accumulate from call to call.
        places not told apart: All places got the same row: ask each place for its own gradient.
        rows and columns swapped: A row is a place of the output, a column a time step of the input.
        pairs assumed: That is what a net of neighbouring pairs would see: ask this net.
        gradient at zero: The net squares, and the slope of a square is 0 at 0: at which input do you take the gradient?
        channels not merged: There is a boolean for each channel; a time step is seen if one of its channels is.
        slopes below zero forgotten: A place depends on a time step as well if the slope is negative.
        channels overlooked: A time step is seen through any of its channels, and slopes that are added up may cancel.
        small slopes forgotten: A small slope is a dependence, too: compare with 0.
        channels taken for places: This output is (B, channels): there is one place, and you indexed channels.
        """,
        {
            "gradient not reset": lambda *net: _sees(*net).cumsum(0) > 0,
            "places not told apart": lambda *net: _sees(*net).any(0).expand_as(_sees(*net)),
            "rows and columns swapped": lambda *net: _sees(*net).T,
            "pairs assumed": lambda kind, T, *_: _sees("pairs", T),
            "gradient at zero": lambda kind, *net: _sees(kind, *net) & (kind != "squares"),
            "channels not merged": lambda kind, T, C, seed: _sees(kind, T)[..., None].expand(-1, -1, C),
            "slopes below zero forgotten": lambda kind, *net: _sees(kind, *net) & (kind != "falling"),
            "channels overlooked": lambda kind, *net: _sees(kind, *net) & (kind != "balanced"),
            "small slopes forgotten": lambda kind, T, *_: (
                _sees(kind, T) & ((kind != "falling") | (torch.arange(T) % 2 == 0))
            ),
            "channels taken for places": lambda kind, T, *_: (
                _sees(kind, T).expand(5, -1) if kind == "top" else _sees(kind, T)
            ),
        },
    ),
    {
        "does not require grad": (
            "input without requires_grad",
            "torch keeps no gradient for a tensor that was not asked to require one.",
        ),
        "second time": (
            "graph used twice",
            "After one backward pass torch throws the graph away, unless it is told to retain it.",
        ),
    },
    probe=probes.seen,
)


def _pairs(x: Tensor) -> Tensor:
    return _groups(2, x)


def _halves(x: Tensor) -> Tensor:
    return torch.cat(x.chunk(2, dim=1), dim=2)


def _tree(
    x: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, stages: tuple = (_pairs, _pairs, _pairs), tanhs: tuple = (1, 1, 1)
) -> Tensor:
    for weight, stage, has_tanh in zip((w1, w2, w3), stages, tanhs, strict=True):
        x = stage(x) @ weight
        x = torch.tanh(x) if has_tanh else x
    return x.squeeze(1)


def _reversed(x: Tensor) -> Tensor:
    return torch.cat([x[:, 1::2], x[:, 0::2]], dim=2)


def _interleaved(x: Tensor) -> Tensor:
    B, T, C = x.shape
    return x.reshape(B, T // 2, 2, C).transpose(2, 3).reshape(B, T // 2, 2 * C)


def _tree_case(draw: random.Random, B: int, C: int, hidden: int, width: int) -> tuple:
    sizes = (2 * C, hidden), (2 * hidden, width), (2 * width, 7)
    return numbers(draw, B, 8, C), *(numbers(draw, *size) / size[0] ** 0.5 for size in sizes)


def _draw_trees(draw: random.Random) -> list[tuple]:
    sizes = [(32, 10, 20, 40), (1, draw.randint(3, 6), 9, 5), (draw.randint(3, 9), 4, draw.randint(5, 8), 12)]
    return [_tree_case(draw, *size) for size in sizes]


MENDED = Implement(
    "tree",
    [
        _tree_case(random.Random(1), 32, 10, 20, 40),
        _tree_case(random.Random(2), 1, 3, 5, 4),
        _tree_case(random.Random(3), 5, 4, 6, 9),
    ],
    _draw_trees,
    _tree,
    "Pairs, fours and the eight are what they should be, for batches of 32, 5 and 1.",
    mistakes(
        """
        not done: The tree computes what it did at first, so the mistake is still in it.
        strided first stage: Now the first stage merges the wrong time steps as well.
        mistake moved to the first stage: The second stage is right now, and the first one is no longer.
        right-hand neighbour first: The right places meet in stage two, in the wrong order.
        channels interleaved: The right places meet in stage two, and their channels are interleaved.
        activation of stage two lost: After stage two there is no tanh any more.
        activation of stage three lost: After stage three there is no tanh any more.
        time step of 1 kept: One place is left at the top; its dimension should go.
        squeeze() without a dimension: A batch of one lost its batch dimension.
        """,
        {
            NOT_DONE: partial(_tree, stages=(_pairs, _halves, _pairs)),
            "strided first stage": partial(_tree, stages=(_halves, _halves, _pairs)),
            "mistake moved to the first stage": partial(_tree, stages=(_halves, _pairs, _pairs)),
            "right-hand neighbour first": partial(_tree, stages=(_pairs, _reversed, _pairs)),
            "channels interleaved": partial(_tree, stages=(_pairs, _interleaved, _pairs)),
            "activation of stage two lost": partial(_tree, tanhs=(1, 0, 1)),
            "activation of stage three lost": partial(_tree, tanhs=(1, 1, 0)),
            "time step of 1 kept": lambda *case: _tree(*case).unsqueeze(1),
            "squeeze() without a dimension": lambda *case: _tree(*case).squeeze(),
        },
    ),
)


def _blocks(w1: Tensor, w2: Tensor) -> tuple[Tensor, Tensor]:
    return torch.kron(torch.eye(4), w1.T.contiguous()), torch.kron(torch.eye(2), w2.T.contiguous())


def _matrix(w1: Tensor, w2: Tensor) -> Tensor:
    first, second = _blocks(w1, w2)
    return first @ second


def _draw_weights(draw: random.Random) -> list[tuple]:
    sizes = [(10, 20, 40), (draw.randint(2, 4), draw.randint(9, 11), draw.randint(5, 7)), (3, 2, draw.randint(4, 6))]
    return [(numbers(draw, hidden, 2 * C), numbers(draw, out, 2 * hidden)) for C, hidden, out in sizes]


MATRIX = Implement(
    "my_matrix",
    [
        (numbers(random.Random(hidden), hidden, 2 * C), numbers(random.Random(C), out, 2 * hidden))
        for C, hidden, out in ((10, 20, 40), (2, 3, 5), (3, 4, 7))
    ],
    _draw_weights,
    _matrix,
    "One matrix does what the ladder with its two Linear layers does, for widths that stay and widths that change.",
    mistakes(
        """
        transposed: The whole matrix is transposed: the flat row is multiplied from the left, row @ M.
        weights not transposed: A Linear layer computes x @ weight.T, not x @ weight.
        wrong order: The second stage came first.
        second stage left out: That is the first stage alone.
        first stage left out: That is the second stage alone.
        blocks interleaved: Each pair has its own block on the diagonal; yours are spread over all pairs.
        blocks everywhere: A pair reaches groups that it is not part of: off the diagonal the blocks are zero.
        first block only: That is what one pair does; there are four pairs, then two.
        elementwise product: The two were multiplied elementwise; one stage after the other is a matrix product.
        """,
        {
            "transposed": lambda w1, w2: _matrix(w1, w2).T,
            "weights not transposed": lambda w1, w2: torch.kron(torch.eye(4), w1) @ torch.kron(torch.eye(2), w2),
            "wrong order": lambda w1, w2: _blocks(w1, w2)[1] @ _blocks(w1, w2)[0],
            "second stage left out": lambda w1, w2: _blocks(w1, w2)[0],
            "first stage left out": lambda w1, w2: _blocks(w1, w2)[1],
            "blocks interleaved": lambda w1, w2: (
                torch.kron(w1.T.contiguous(), torch.eye(4)) @ torch.kron(w2.T.contiguous(), torch.eye(2))
            ),
            "blocks everywhere": lambda w1, w2: w1.T.repeat(4, 4) @ w2.T.repeat(2, 2),
            "first block only": lambda w1, w2: w1.T @ w2.T[: len(w1)],
            "elementwise product": lambda w1, w2: _blocks(w1, w2)[0] * _blocks(w1, w2)[1],
        },
    ),
)

EXERCISES = {"predictions": PREDICTIONS, "flatten": FLATTEN, "seen": SEEN, "mended": MENDED, "matrix": MATRIX}
