"""Assignment 02, flattening in stages: what each exercise is tried on, what is right, and the mistakes that are known."""

import random
import re
from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.exercise import NOT_DONE, Implement, Mistake, Predict, Question, numbers


def _own_sizes(draw: random.Random) -> dict[str, object]:
    first, second = draw.choice([(2, 3), (2, 5), (3, 4), (3, 5), (4, 3), (4, 5), (5, 3), (5, 4)])
    T, C = first * second, draw.randint(6, 19)
    # No mistake may give the right number by chance.
    places = [t for t in range(1, T) if len({t // first, t % first, t % second}) == 3]
    t = draw.choice(places)
    c = draw.choice([c for c in range(1, C - 1) if c * T + t != t * C + c])
    return {"B": draw.randint(40, 90), "T": T, "C": C, "n1": first, "n2": second, "t": t, "c": c}


def _with(right: Callable) -> Callable:
    """The same function, of the numbers by name."""
    return lambda mine: right(**mine)


PREDICTIONS = Predict(
    "my_predictions",
    _own_sizes,
    {
        "first": Question(
            _with(lambda B, T, C, n1, **_: (B, T // n1, n1 * C)),
            "The stage puts n1 neighbours side by side: how many groups are left, and how wide is each?",
            (
                Mistake("n groups instead of groups of n", "Those are n1 groups; each group should hold n1 time steps.", _with(lambda B, T, C, n1, **_: (B, n1, T // n1 * C))),
                Mistake("flattened at once", "That puts all time steps side by side; this stage puts n1 of them together.", _with(lambda B, T, C, **_: (B, T * C))),
                Mistake("channels lost", "Numbers went missing: B times T times C of them went in.", _with(lambda B, T, C, n1, **_: (B, T // n1, C))),
                Mistake("time steps kept", "There are too many numbers now: B times T times C of them went in.", _with(lambda B, T, C, n1, **_: (B, T, n1 * C))),
            ),
        ),
        "both": Question(
            _with(lambda B, T, C, **_: (B, T * C)),
            "The second stage takes in what the first one gave; what happens to a dimension of size 1?",
            (
                Mistake("time step of 1 kept", "One time step is left: what does the layer do with its dimension?", _with(lambda B, T, C, **_: (B, 1, T * C))),
                Mistake("second stage on its own", "The second stage takes in what the first one gave, not x.", _with(lambda B, T, C, n1, n2, **_: (B, T // n2, n2 * C))),
                Mistake("batch squeezed away", "The batch stays.", _with(lambda B, T, C, **_: (T * C,))),
            ),
        ),
        "single": Question(
            _with(lambda T, C, **_: (1, T * C)),
            "Only one of the two dimensions of size 1 is a number of time steps.",
            (
                Mistake("squeeze() without a dimension", "Two dimensions have size 1; only one of them is that of the time steps.", _with(lambda T, C, **_: (T * C,))),
                Mistake("time step of 1 kept", "One time step is left: what does the layer do with its dimension?", _with(lambda T, C, **_: (1, 1, T * C))),
                Mistake("batch of before", "The batch has one example now.", _with(lambda B, T, C, **_: (B, T * C))),
            ),
        ),
        "place": Question(
            _with(lambda t, n1, **_: t // n1),
            "Write the time steps 0, 1, 2 ... in a row and draw a bar after every n1 of them; places are counted from 0.",
            (
                Mistake("strided pairs", "So neighbours would be parted: a group holds time steps that follow each other.", _with(lambda t, n2, **_: t % n2)),
                Mistake("place inside the group", "That is where t stands inside its group; which group is it?", _with(lambda t, n1, **_: t % n1)),
                Mistake("counted from 1", "Places are counted from 0.", _with(lambda t, n1, **_: t // n1 + 1)),
            ),
        ),
        "column": Question(
            _with(lambda t, c, C, **_: t * C + c),
            "Flattening moves nothing in memory: how many numbers of the example stand before this one?",
            (
                Mistake("time and channels swapped", "So the time steps of one channel would stand together; the last dimension runs fastest.", _with(lambda t, c, T, **_: c * T + t)),
                Mistake("counted from 1", "Columns, time steps and channels are all counted from 0.", _with(lambda t, c, C, **_: t * C + c + 1)),
                Mistake("one time step too few", "Time step 0 comes first: t whole time steps stand before time step t.", _with(lambda t, c, C, **_: (t - 1) * C + c)),
            ),
        ),
    },
)  # fmt: skip


def _groups(n: int, x: Tensor) -> Tensor:
    B, T, C = x.shape
    return x.reshape(B, T // n, n * C)


def _flattened(n: int, x: Tensor) -> Tensor | str:
    T = x.shape[1]
    return f"refused with T={T} and n={n}" if T % n else _groups(n, x).squeeze(1)


def _flatten(answer: object, n: int, x: Tensor) -> object:
    try:
        return answer(n)(x)
    except ValueError as error:
        named = {str(n), str(x.shape[1])} <= {*re.findall(r"\d+", str(error))}
        return f"refused with T={x.shape[1]} and n={n}" if named else "refused without the sizes"
    except RuntimeError:
        if x.shape[1] % n:
            return "an error of torch's own"
        raise


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
    "The right neighbours meet, a batch of one stays, input need not be contiguous, and an n that does not divide T is refused.",
    (
        Mistake("strided pairs", "Time step 0 stands beside one that is T/n places away; its neighbours were wanted.", _strided),
        Mistake("channels interleaved", "The right time steps meet, but their channels are shuffled into each other.", lambda n, x: x.reshape(x.shape[0], -1, n, x.shape[2]).transpose(2, 3).reshape_as(_groups(n, x)).squeeze(1)),
        Mistake("time and channels swapped", "The numbers run over the time steps first; the channels of one time step belong together.", lambda n, x: x.transpose(1, 2).reshape_as(_groups(n, x)).squeeze(1)),
        Mistake("right-hand neighbour first", "The group is there, in reversed order: the earlier time step stands on the left.", lambda n, x: torch.cat([x[:, i::n] for i in reversed(range(n))], 2).squeeze(1)),
        Mistake("n groups instead of groups of n", "There are n groups; each group should hold n time steps.", lambda n, x: x.reshape(x.shape[0], n, -1)),
        Mistake("flattened at once", "All time steps stand side by side; put only n of them together.", lambda n, x: x.flatten(1)),
        Mistake("time step of 1 kept", "One time step is left: its dimension should go.", _groups),
        Mistake("squeeze() without a dimension", "A batch of one lost its batch dimension.", lambda n, x: _groups(n, x).squeeze()),
        Mistake("batch squeezed away", "A batch of one lost its batch dimension.", lambda n, x: _groups(n, x).squeeze(0)),
        Mistake("rest cut off", "n does not divide T, and some time steps were dropped without a word.", lambda n, x: _flattened(n, x[:, : x.shape[1] // n * n])),
        Mistake("padded without a word", "n does not divide T, and time steps of zeros were added without a word.", lambda n, x: _flattened(n, torch.nn.functional.pad(x, (0, 0, 0, -x.shape[1] % n)))),
        Mistake("no word on the sizes", "torch complains, of sizes and not of time steps: look at T and n first, and raise a ValueError of your own.", lambda n, x: "an error of torch's own" if x.shape[1] % n else _flattened(n, x)),
        Mistake("refused without the sizes", "The message of your ValueError should name T and n as they are: f\"... {T} ...\".", lambda n, x: "refused without the sizes" if x.shape[1] % n else _flattened(n, x)),
    ),
    {
        "view size is not compatible": ("needs contiguous input", "This input is not contiguous in memory, and view refuses it: which function makes a copy where it has to?"),
    },
    probe=_flatten,
)  # fmt: skip

# Nets for the exercise on who sees whom, by name: each (B, T, C) -> (B, places, 5), or (B, 5) where one place is left.


def _sees(kind: str, T: int, C: int = 0, seed: int = 0) -> Tensor:
    """(places, T) truth values: which time steps a place of the net depends on."""
    place, time = torch.arange(T)[:, None], torch.arange(T)[None]
    if kind == "top":
        return torch.ones(1, T, dtype=torch.bool)
    if kind == "causal":
        return (time == place) | (time == place - 1)
    return (time % (T // 2) == place if kind == "strided" else time // 2 == place)[: T // 2]


def _net(kind: str, T: int, C: int, seed: int) -> Callable[[Tensor], Tensor]:
    generator, seen = torch.Generator().manual_seed(seed), _sees(kind, T)
    mix = (torch.rand(seen.shape, generator=generator) + 0.5) * seen
    weight = torch.randn(C, 5, generator=generator) / C
    bend = torch.square if kind == "squares" else torch.tanh
    net = lambda x: torch.einsum("pt,btc->bpc", mix, bend(x @ weight))
    return (lambda x: net(x).squeeze(1)) if kind == "top" else net


def _draw_nets(draw: random.Random) -> list[tuple]:
    cases = [("pairs", 8, 10)]
    cases += [(kind, 2 * draw.randint(2, 5), draw.randint(2, 6)) for kind in ("strided", "causal", "squares", "top")]
    return [(*case, draw.getrandbits(20)) for case in cases]


SEEN = Implement(
    "my_seen",
    [("pairs", 8, 10, 1), ("strided", 6, 4, 2), ("squares", 4, 3, 3), ("causal", 6, 2, 4), ("top", 6, 3, 5)],
    _draw_nets,
    _sees,
    "The gradient found who sees whom in five nets: pairs, strided pairs, squares, a causal one, and the top of a tree.",
    (
        Mistake("gradient not reset", "Each place also sees what the places before it see: gradients add up from call to call.", lambda *net: _sees(*net).cumsum(0) > 0),
        Mistake("places not told apart", "All places got the same row: ask each place for its own gradient.", lambda *net: _sees(*net).any(0).expand_as(_sees(*net))),
        Mistake("rows and columns swapped", "A row is a place of the output, a column a time step of the input.", lambda *net: _sees(*net).T),
        Mistake("pairs assumed", "That is what a net of neighbouring pairs would see: ask this net.", lambda kind, T, *_: _sees("pairs", T)),
        Mistake("gradient at zero", "The net squares, and the slope of a square is 0 at 0: at which input do you take the gradient?", lambda kind, *net: _sees(kind, *net) & (kind != "squares")),
        Mistake("channels not merged", "There is a truth value for each channel; a time step counts as seen if one of its channels is.", lambda kind, T, C, seed: _sees(kind, T)[..., None].expand(-1, -1, C)),
        Mistake("channels taken for places", "This output is (B, channels): there is one place, and what you took for places are channels.", lambda kind, T, *_: _sees(kind, T).expand(5, -1) if kind == "top" else _sees(kind, T)),
    ),
    {
        "does not require grad": ("input without requires_grad", "torch keeps no gradient for a tensor that was not asked to require one."),
        "second time": ("graph used twice", "After one backward pass torch throws the graph away, unless it is told to retain it."),
    },
    probe=lambda answer, kind, T, C, seed: answer(_net(kind, T, C, seed), T, C),
)  # fmt: skip


def _pairs(x: Tensor) -> Tensor:
    return _groups(2, x)


def _halves(x: Tensor) -> Tensor:
    return torch.cat(x.chunk(2, dim=1), dim=2)


def _tree(
    x: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, stages: tuple = (_pairs, _pairs, _pairs), bends: str = "ttt"
) -> Tensor:
    for weight, stage, bend in zip((w1, w2, w3), stages, bends, strict=True):
        x = stage(x) @ weight
        x = torch.tanh(x) if bend == "t" else x
    return x.squeeze(1)


def _as(*stages: Callable, bends: str = "ttt") -> Callable:
    return lambda *case: _tree(*case, stages=stages or (_pairs,) * 3, bends=bends)


def _turned(x: Tensor) -> Tensor:
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
    [_tree_case(random.Random(1), 32, 10, 20, 40), _tree_case(random.Random(2), 1, 3, 5, 4), _tree_case(random.Random(3), 5, 4, 6, 9)],
    _draw_trees,
    _tree,
    "Pairs, fours and the eight are what they should be, for batches of 32, 5 and 1.",
    (
        Mistake(NOT_DONE, "The tree gives what it gave at first, so the mistake is still in it.", _as(_pairs, _halves, _pairs)),
        Mistake("strided first stage", "Now the first stage merges the wrong time steps as well.", _as(_halves, _halves, _pairs)),
        Mistake("mistake moved to the first stage", "The second stage is right now, and the first one is no longer.", _as(_halves, _pairs, _pairs)),
        Mistake("right-hand neighbour first", "The right places meet in stage two, and stand in the wrong order.", _as(_pairs, _turned, _pairs)),
        Mistake("channels interleaved", "The right places meet in stage two, and their channels are shuffled into each other.", _as(_pairs, _interleaved, _pairs)),
        Mistake("activation of stage two lost", "After stage two there is no tanh any more.", _as(bends="t-t")),
        Mistake("activation of stage three lost", "After stage three there is no tanh any more.", _as(bends="tt-")),
        Mistake("time step of 1 kept", "One place is left at the top; its dimension should go.", lambda *case: _tree(*case).unsqueeze(1)),
        Mistake("squeeze() without a dimension", "A batch of one lost its batch dimension.", lambda *case: _tree(*case).squeeze()),
    ),
)  # fmt: skip


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
    [(numbers(random.Random(hidden), hidden, 2 * C), numbers(random.Random(C), out, 2 * hidden)) for C, hidden, out in ((10, 20, 40), (2, 3, 5), (3, 4, 7))],
    _draw_weights,
    _matrix,
    "One matrix does what the ladder with its two Linear layers does, for widths that stay and widths that change.",
    (
        Mistake("turned round", "Rows and columns of the whole are swapped: the flat row comes in from the left, row @ M.", lambda w1, w2: _matrix(w1, w2).T),
        Mistake("weights not transposed", "A Linear layer computes x @ weight.T, not x @ weight.", lambda w1, w2: torch.kron(torch.eye(4), w1) @ torch.kron(torch.eye(2), w2)),
        Mistake("wrong order", "The second stage came first.", lambda w1, w2: _blocks(w1, w2)[1] @ _blocks(w1, w2)[0]),
        Mistake("second stage left out", "That is the first stage alone.", lambda w1, w2: _blocks(w1, w2)[0]),
        Mistake("first stage left out", "That is the second stage alone.", lambda w1, w2: _blocks(w1, w2)[1]),
        Mistake("blocks interleaved", "Each pair has a block of its own on the diagonal; yours are spread over all pairs, as for strided pairs.", lambda w1, w2: torch.kron(w1.T.contiguous(), torch.eye(4)) @ torch.kron(w2.T.contiguous(), torch.eye(2))),
        Mistake("blocks everywhere", "A pair reaches groups that it is no part of: off the diagonal the blocks are zero.", lambda w1, w2: w1.T.repeat(4, 4) @ w2.T.repeat(2, 2)),
        Mistake("first block only", "That is what one pair does; there are four pairs, then two.", lambda w1, w2: w1.T @ w2.T[: len(w1)]),
        Mistake("elementwise product", "The two were multiplied number by number; one stage after the other is a matrix product.", lambda w1, w2: _blocks(w1, w2)[0] * _blocks(w1, w2)[1]),
    ),
)  # fmt: skip

EXERCISES = {"predictions": PREDICTIONS, "flatten": FLATTEN, "seen": SEEN, "mended": MENDED, "matrix": MATRIX}
