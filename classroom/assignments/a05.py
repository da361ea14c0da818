"""Assignment 05, sampling: cases, solutions and known mistakes of each exercise."""

import copy
import itertools
import math
import random
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from classroom.assignments import probes
from classroom.assignments.a01 import windows_of
from classroom.assignments.probes import changed, sampling_results, small_net
from classroom.assignments.tables import forbid, mistakes, predictions, question, tells, without_lib
from lib.checks.exercise import NOT_DONE, Implement, ids, numbers

LETTERS = ".aeil"


def _own_numbers(draw: random.Random) -> dict[str, object]:
    first, second = (draw.sample(range(2, 13), len(LETTERS)) for _ in range(2))
    ends = [end / sum(first) for end in itertools.accumulate(first)]
    # The dart lands well inside an interval that has others on both sides.
    inside = [u / 100 for u in range(100) if ends[0] < u / 100 < ends[-2]]
    well = [u for u in inside if min(abs(u - end) for end in ends) > 0.02]
    # Few darts tell all wrong ways from the right one.
    u = draw.choice([u for u in well if tells({"powers": [first, second], "u": u}, drawn)] or well)
    chain = [draw.randint(5, 15), *(draw.randint(20, 80) for _ in range(draw.randint(2, 4))), draw.randint(30, 70)]
    return {
        "powers": [first, second],
        "letter": draw.choice(LETTERS),
        "temperature": draw.choice([0.5, 2]),
        "u": u,
        "chain": [share / 100 for share in chain],
    }


def _of_letter(powers: list[list[int]], letter: str, dim: int | None) -> float:
    """The probability of the letter after the first window, with softmax over a dimension or everything."""
    (row, other), place = powers, LETTERS.index(letter)
    return row[place] / {0: row[place] + other[place], 1: sum(row), None: sum(row) + sum(other)}[dim]


@question(
    "Exponentiate the logits of this window, which gives the numbers of its row, and divide by their sum.",
    """
    softmax over dim 0: That is the share among both windows; each window has its own distribution.
    softmax over everything: Then all numbers of both windows together sum to 1; those of each window should.
    not exponentiated: Softmax divides exponentials, not logits.
    """,
)
def row(powers: list[list[int]], letter: str, **_: object) -> dict:
    logits = {one: math.log(power) for one, power in zip(LETTERS, powers[0], strict=True)}
    return {
        "right": _of_letter(powers, letter, 1),
        "softmax over dim 0": _of_letter(powers, letter, 0),
        "softmax over everything": _of_letter(powers, letter, None),
        "not exponentiated": logits[letter] / sum(logits.values()),
        "other window": _of_letter(powers[::-1], letter, 1),
        "neither": powers[0][LETTERS.index(letter)] / 100,
        "all alike": 1 / len(LETTERS),
    }


@question(
    "Over dim 0, each column sums to 1.",
    """
    softmax over dim 1: That is the softmax over dim 1; this code has dim=0.
    softmax over everything: Over dim 0 each column is divided by its own sum.
    batch of one: That would be so if this window were alone in its batch.
    """,
)
def column(powers: list[list[int]], letter: str, **_: object) -> dict:
    return {
        "right": _of_letter(powers, letter, 0),
        "softmax over dim 1": _of_letter(powers, letter, 1),
        "softmax over everything": _of_letter(powers, letter, None),
        "batch of one": 1.0,
        "other window": _of_letter(powers[::-1], letter, 0),
        "other window over dim 1": _of_letter(powers[::-1], letter, 1),
        "both alike": 0.5,
        "logits": (logs := [math.log(row[LETTERS.index(letter)]) for row in powers])[0] / sum(logs),
    }


@question(
    "A logit that is divided by t is the logarithm of the number to the power of 1/t.",
    """
    multiplied: The logits are divided by the temperature, not multiplied.
    temperature ignored: That is the probability at temperature 1.
    probabilities divided: The temperature acts on the logits, before the softmax.
    probabilities multiplied: The temperature acts on the logits, before the softmax.
    not renormalised: The power of the probability is right, but the probabilities no longer sum to 1.
    """,
)
def heated(powers: list[list[int]], letter: str, temperature: float, **_: object) -> dict:
    row, share = powers[0], _of_letter(powers, letter, 1)
    heat = lambda exponent: row[LETTERS.index(letter)] ** exponent / sum(power**exponent for power in row)
    return {
        "right": heat(1 / temperature),
        "multiplied": heat(temperature),
        "temperature ignored": share,
        "probabilities divided": share / temperature,
        "probabilities multiplied": share * temperature,
        "not renormalised": share ** (1 / temperature),
    }


@question(
    "Two characters are left, and their probabilities sum to 1.",
    """
    not renormalised: The probabilities of the two that are left sum to 1.
    one too many kept: Three characters were kept.
    only one kept: Two characters are kept.
    both alike: The two that are kept keep their ratio.
    second likeliest: That is the other one's probability.
    """,
)
def top_2(powers: list[list[int]], **_: object) -> dict:
    row = sorted(powers[0], reverse=True)
    return {
        "right": row[0] / sum(row[:2]),
        "not renormalised": row[0] / sum(row),
        "one too many kept": row[0] / sum(row[:3]),
        "only one kept": 1.0,
        "both alike": 0.5,
        "second likeliest": row[1] / sum(row[:2]),
    }


def _landed(row: list[float], u: float, letters: Sequence = LETTERS) -> object:
    """The letter in whose interval u is, the numbers of the row laid end to end."""
    return letters[sum(end / sum(row) <= u for end in itertools.accumulate(row))]


def _landed_size(row: list[int], u: float) -> int:
    return _landed(row, u, row)


@question(
    "Lay the probabilities of the first window end to end, in the order of the columns, and mark u.",
    """
    likeliest character: That is the likeliest one; the dart decides.
    one place too early: The interval of that character ends before u.
    one place too late: The interval of that character begins after u.
    """,
)
def drawn(powers: list[list[int]], u: float, **_: object) -> dict:
    row = powers[0]
    place = LETTERS.index(_landed(row, u))
    return {
        "right": LETTERS[place],
        "likeliest character": LETTERS[row.index(max(row))],
        "one place too early": LETTERS[place - 1],
        "one place too late": LETTERS[place + 1],
        "other window": _landed(powers[1], u),
        "over dim 0": _landed([_of_letter(powers, letter, 0) for letter in LETTERS], u),
        "largest first": LETTERS[row.index(_landed_size(sorted(row, reverse=True), u))],
        "smallest first": LETTERS[row.index(_landed_size(sorted(row), u))],
        "from the right": _landed(row[::-1], u, LETTERS[::-1]),
        "equal intervals": LETTERS[int(u * len(LETTERS))],
        "stop mark left out": _landed(row[1:], u, LETTERS[1:]),
    }


@question(
    "Logarithms of probabilities are added, including that of the stop mark.",
    """
    stop mark forgotten: That is the log-probability that a name begins with these letters; it has to end, too.
    sign: The logarithm of a probability is not positive.
    logarithm forgotten: That is the probability itself.
    averaged: A name's log-probability is the sum over its characters, not their mean.
    bits instead of nats: That is a logarithm to the base 2.
    probabilities added: The probabilities of a chain are multiplied.
    """,
)
def log_prob(chain: list[float], **_: object) -> dict:
    logs = [math.log(p) for p in chain]
    return {
        "right": sum(logs),
        "stop mark forgotten": sum(logs[:-1]),
        "sign": -sum(logs),
        "logarithm forgotten": math.prod(chain),
        "averaged": sum(logs) / len(logs),
        "bits instead of nats": sum(logs) / math.log(2),
        "probabilities added": math.log(sum(chain)),
    }


PREDICTIONS = predictions(
    _own_numbers, row=row, column=column, heated=heated, top_2=top_2, drawn=drawn, log_prob=log_prob
)


def _shared(x: Tensor, dim: int | tuple[int, ...] = -1, peak: Callable[[Tensor], object] = lambda x: 0) -> Tensor:
    """Exponentials divided by their sum over dim, after `peak` was subtracted."""
    exponentials = (x - peak(x)).exp()
    return exponentials / exponentials.sum(dim, keepdim=True)


def _over(dim: int | None) -> Callable[[Tensor], Tensor]:
    return lambda x: x.flatten().softmax(0).view(x.shape) if dim is None else x.softmax(dim)


def _draw_logits(draw: random.Random) -> list[tuple]:
    B, T, V = draw.randint(2, 5), draw.randint(6, 9), draw.randint(3, 5)
    far = numbers(draw, 3, V) * 3 + torch.tensor([[1000.0], [-1000.0], [500.0]])
    cut = numbers(draw, B, 12).masked_fill(torch.arange(12) % 3 == draw.randint(0, 2), -math.inf)
    # Far from each other in one window; the first of all is cut, and in the last window all but one.
    wide = numbers(draw, 4, 6) + torch.tensor([[-1000.0, 1000.0, 0, -500, 999, 0], [1000.0, -1000, -1000, 0, 0, 0]] * 2)
    alone = numbers(draw, 2, 5).masked_fill(torch.tensor([[True] + [False] * 4, [True] * 3 + [False, True]]), -math.inf)
    shapes = numbers(draw, 32, 27) * 2, numbers(draw, B, T, V), numbers(draw, 11)
    return [(x,) for x in (*shapes, far, cut, cut - 1000, wide, wide.view(2, 2, 6), wide[0], alone)]


SOFTMAX = Implement(
    "my_softmax",
    _draw_logits(random.Random(1)),
    _draw_logits,
    _over(-1),
    "Each window sums to 1, in one, two and three dimensions, near 1,000 and -1,000, and where characters are cut.",
    mistakes(
        """
        softmax over dim 0: Each character sums to 1 over the windows; each window should sum to 1.
        softmax over dim 1: With three dimensions the characters are no longer dim 1.
        softmax over everything: All numbers together sum to 1; those of each window should.
        overflow: exp(1000) is too large for a float and exp(-1000) is 0: what can be subtracted first, and cancels?
        one maximum for all: The largest logit of all was subtracted; a window whose logits are far below it underflows
            to 0.
        smallest subtracted: The smallest logit was subtracted, so the exponentials are large instead of small.
        first subtracted: The first logit was subtracted; those far above it overflow.
        mean subtracted: The mean was subtracted; logits far above it overflow.
        not divided by the sum: Exponentiated, but not divided.
        log-probabilities: Those are the logarithms of the probabilities.
        not exponentiated: The logits themselves were divided by their sum.
        argmax: The largest logit got probability 1.
        clamped: The logits were clamped to a range: those near 1,000 are all equal now.
        """,
        {
            "softmax over dim 0": _over(0),
            "softmax over dim 1": _over(1),
            "softmax over everything": _over(None),
            "overflow": _shared,
            "one maximum for all": lambda x: _shared(x, peak=torch.max),
            "smallest subtracted": lambda x: _shared(x, peak=lambda x: x.amin(-1, keepdim=True)),
            "first subtracted": lambda x: _shared(x, peak=lambda x: x[..., :1]),
            "mean subtracted": lambda x: _shared(x, peak=lambda x: x.mean(-1, keepdim=True)),
            "not divided by the sum": [lambda x: x.exp(), lambda x: (x - x.amax(-1, keepdim=True)).exp()],
            "log-probabilities": lambda x: x.log_softmax(-1),
            "not exponentiated": lambda x: x / x.sum(-1, keepdim=True),
            "argmax": lambda x: F.one_hot(x.argmax(-1), x.shape[-1]).float(),
            "clamped": lambda x: x.clamp(-50, 50).softmax(-1),
        },
    ),
    method=forbid(
        ("softmax", "softmin", "cross_entropy"),
        "torch's softmax",
        "torch computed the softmax for you; exponentiate and divide yourself.",
    ),
)


def _dialled(logits: Tensor, temperature: float, k: int, dim: int = 1, fill: float = -math.inf) -> Tensor:
    kept = logits.topk(k, dim=1)
    cut = torch.full_like(logits, fill).scatter(1, kept.indices, kept.values / temperature)
    return cut.softmax(dim)


def _kept(logits: Tensor, temperature: float, k: int) -> Tensor:
    return (logits / temperature).softmax(1) * (_dialled(logits, 1, k) > 0)


def _by_batch(logits: Tensor, temperature: float, k: int) -> Tensor:
    """One threshold for the batch, the k-th largest logit of all."""
    least = logits.flatten().topk(k).values[-1]
    return (logits / temperature).masked_fill(logits < least, -math.inf).softmax(1)


def _in_columns(logits: Tensor, temperature: float, k: int) -> Tensor:
    least = logits.topk(min(k, len(logits)), dim=0).values[-1]
    return (logits / temperature).masked_fill(logits < least, -math.inf).softmax(1)


def _draw_dials(draw: random.Random) -> list[tuple]:
    sizes = [(32, 27, 5), (draw.randint(4, 9), draw.randint(9, 15), 3), (1, 8, 2), (3, 6, 6), (5, 10, 1)]
    cases = [
        (numbers(draw, B, V) * 2, temperature, k)
        for (B, V, k), temperature in zip(sizes, (0.5, 2.0, 0.7, 1.6, 3.0), strict=True)
    ]
    return [*cases, (numbers(draw, 3, 7) - 160, 2.0, 3)]  # far below 0


DIALS = Implement(
    "my_letter_probs",
    [
        (numbers(random.Random(V), B, V) * 2, t, k)
        for B, V, t, k in ((32, 27, 0.5, 5), (4, 9, 2.0, 3), (2, 5, 1.5, 5), (1, 6, 0.8, 2))
    ],
    _draw_dials,
    _dialled,
    "Each row sums to 1, k characters are left in it, and the temperature is applied to them.",
    mistakes(
        """
        temperature ignored: That is what temperature 1 gives.
        multiplied: The logits were multiplied by the temperature.
        top-k ignored: All characters are left; k of them should be.
        neither dial: That is the plain softmax.
        not renormalised: The right characters are left, but their probabilities no longer sum to 1.
        cut logits set to 0: A logit of 0 is not impossible: exp(0) = 1. Which logit has the exponential 0?
        one threshold for all rows: The k largest of the whole batch were kept; each row has its own.
        top-k over dim 0: The k likeliest windows were kept in each column; expected the k likeliest characters of each
            row.
        one too many kept: One character too many is left.
        likeliest cut off: The likeliest characters are gone, and the others are left.
        sorted: The probabilities are right, but sorted by size; expected the order of the characters.
        only k columns: The characters that were cut have no column any more; they should have probability 0.
        softmax over dim 0: Each column sums to 1; each row should.
        probabilities divided: The probabilities were divided by the temperature; it acts on the logits, before the
            softmax.
        softmax twice: The softmax was taken twice.
        no softmax: Those are still logits.
        """,
        {
            "temperature ignored": lambda x, t, k: _dialled(x, 1, k),
            "multiplied": lambda x, t, k: _dialled(x, 1 / t, k),
            "top-k ignored": lambda x, t, k: _dialled(x, t, x.shape[1]),
            "neither dial": lambda x, t, k: x.softmax(1),
            "not renormalised": _kept,
            "cut logits set to 0": lambda x, t, k: _dialled(x, t, k, fill=0.0),
            "one threshold for all rows": _by_batch,
            "top-k over dim 0": _in_columns,
            "one too many kept": lambda x, t, k: _dialled(x, t, min(k + 1, x.shape[1])),
            "likeliest cut off": lambda x, t, k: _dialled(-x, -t, k),
            "sorted": lambda x, t, k: _dialled(x, t, k).sort(1, descending=True).values,
            "only k columns": lambda x, t, k: (x.topk(k, 1).values / t).softmax(1),
            "softmax over dim 0": lambda x, t, k: _dialled(x, t, k, 0),
            "probabilities divided": lambda x, t, k: _dialled(x, 1, k) / t,
            "softmax twice": lambda x, t, k: _dialled(x.softmax(1), t, k),
            "no softmax": lambda x, t, k: (x / t).masked_fill(_dialled(x, t, k) == 0, -math.inf),
        },
    ),
    method=without_lib,
)


def _darts(draw: random.Random, probs: Tensor) -> Tensor:
    """For each row a number u that lands well inside an interval, so that rounding cannot decide."""
    generator = torch.Generator().manual_seed(draw.getrandbits(32))
    places = torch.multinomial(probs, 1, generator=generator)
    places = torch.where(probs.gather(1, places) < 0.005, probs.argmax(1, keepdim=True), places)
    within = torch.rand(len(probs), 1, generator=generator) * 0.8 + 0.1
    return (probs.cumsum(1).gather(1, places) - within * probs.gather(1, places)).squeeze(1)


def _lands(probs: Tensor, u: Tensor) -> Tensor:
    return (probs.cumsum(1) <= u[:, None]).sum(1)


def _draw_rows(draw: random.Random) -> list[tuple]:
    cases = []
    for B, V in (
        (32, 27),
        (draw.randint(40, 60), draw.randint(4, 6)),
        (draw.randint(7, 9), draw.randint(30, 40)),
        (1, 12),
    ):
        probs = (numbers(draw, B, V) * 1.5).softmax(1)
        cases.append((probs, _darts(draw, probs)))
    eighths = torch.tensor([[0, 4, 1, 3], [2, 0, 6, 0], [1, 1, 2, 4], [0, 0, 8, 0], [3, 5, 0, 0]]) / 8
    return [*cases, (eighths, torch.tensor([0, draw.choice([2, 3]), draw.choice([1, 2, 4]), 0, 3]) / 8)]


DRAW = Implement(
    "my_draw",
    _draw_rows(random.Random(1)),
    _draw_rows,
    _lands,
    "Each row has its own dart, and a character with probability 0 is never drawn, not even at an edge.",
    mistakes(
        """
        argmax: Always the likeliest character: the dart should decide.
        edge to the left: If u equals a cumulative sum, take the interval to its right: *greater* than u.
        cumulative sum over dim 0: The probabilities were accumulated down the columns; each row has its own.
        one dart for all rows: All rows got the first dart; each has its own.
        compared with probabilities: u was compared with the probabilities; where do their intervals end?
        one place too early: Each place is one too small.
        one place too late: Each place is one too large: how many intervals end at or below u?
        counted from the right: The intervals were laid out from the other end, or 1 - u was used.
        places above counted: Those are the intervals that end above u; which of them is the first?
        ids in a column: The ids are right; their shape should be (B,), one number for each row.
        truth values: Those are booleans for all places: how many of them are true?
        random numbers of its own: The same u gave two different answers: use the given u.
        """,
        {
            "argmax": lambda probs, u: probs.argmax(1),
            "edge to the left": lambda probs, u: (probs.cumsum(1) < u[:, None]).sum(1),
            "cumulative sum over dim 0": lambda probs, u: (probs.cumsum(0) <= u[:, None]).sum(1),
            "one dart for all rows": lambda probs, u: _lands(probs, u[:1].expand(len(u))),
            "compared with probabilities": [
                lambda probs, u: (probs <= u[:, None]).sum(1),
                lambda probs, u: (probs > u[:, None]).int().argmax(1),
            ],
            "one place too early": lambda probs, u: _lands(probs, u) - 1,
            "one place too late": lambda probs, u: _lands(probs, u) + 1,
            "counted from the right": [
                lambda probs, u: _lands(probs, 1 - u),
                lambda probs, u: probs.shape[1] - 1 - _lands(probs.flip(1), u),
            ],
            "places above counted": lambda probs, u: probs.shape[1] - _lands(probs, u),
            "ids in a column": lambda probs, u: _lands(probs, u)[:, None],
            "truth values": lambda probs, u: probs.cumsum(1) <= u[:, None],
            "random numbers of its own": lambda probs, u: "two answers to the same u",
        },
    ),
    {
        "cannot be converted to Scalar": (
            "item() for a batch",
            ".item() and int() take one number from a tensor; there is one for each row.",
        ),
        "only one element": (
            "item() for a batch",
            ".item() and int() take one number from a tensor; there is one for each row.",
        ),
    },
    probe=probes.draw_repeatedly,
)


def _write(
    u: Tensor,
    settings: dict,
    training: Callable[[int], bool] = lambda step: False,
    step_of: Callable[[Tensor, Tensor], Tensor] = lambda logits, u: _lands(logits.softmax(1), u),
    push: Callable[[Tensor, Tensor], Tensor] = lambda window, ids: torch.cat([window[:, 1:], ids[:, None]], dim=1),
    prepare: Callable[[nn.Module], object] = lambda net: None,
    moved: bool | None = None,
) -> dict[str, object]:
    """The letters of all names, and whether the net was changed; the options are ways to go wrong."""
    net = small_net(settings["vocabulary"], settings["context"], settings["net"])
    before = copy.deepcopy(net.state_dict())
    prepare(net)
    window, drawn = torch.zeros(u.shape[1], settings["context"], dtype=torch.int64), []
    with torch.no_grad():
        for step, darts in enumerate(u):
            drawn.append(step_of(net.train(training(step))(window), darts))
            window = push(window, drawn[-1])
    return sampling_results(torch.stack(drawn, dim=1), changed(net, before) if moved is None else moved)


def _sampling_case(draw: random.Random, names: int, steps: int, vocabulary: int, context: int) -> tuple:
    settings = {"vocabulary": vocabulary, "context": context, "net": draw.randint(0, 999)}
    net = small_net(vocabulary, context, settings["net"]).eval()
    window, darts = torch.zeros(names, context, dtype=torch.int64), []
    with torch.no_grad():
        for _ in range(steps):
            probs = net(window).softmax(1)
            darts.append(_darts(draw, probs))
            window = torch.cat([window[:, 1:], _lands(probs, darts[-1])[:, None]], dim=1)
    return torch.stack(darts), settings


def _draw_samplings(draw: random.Random) -> list[tuple]:
    return [
        _sampling_case(draw, 32, 6, 27, 8),
        _sampling_case(draw, draw.randint(9, 15), 5, draw.randint(11, 15), 4),
        _sampling_case(draw, draw.randint(20, 30), 4, 9, 3),
    ]


def _stand_still(net: nn.Module) -> None:
    for norm in probes.norms(net):
        norm.momentum = 0.0


def _only_one_in_train_mode(net: nn.Module, kept: int) -> None:
    """Whatever mode is set, all norms but one are in eval mode."""
    norm = probes.norms(net)[1 - kept]
    norm.train = lambda mode: norm
    norm.training = False


def _forget(net: nn.Module) -> None:
    for norm in probes.norms(net):
        norm.reset_running_stats()


MENDED = Implement(
    "sample",
    _draw_samplings(random.Random(1)),
    _draw_samplings,
    _write,
    "A name depends only on its own letters and darts, and the net is unchanged.",
    mistakes(
        """
        not done: The names are those of the function as given, so the mistake is still in it.
        switched too late: The first letters still depend on the other names in the batch.
        switched back too soon: Only the first letters are right: which statistics does the net use for the others?
        statistics held still: The running statistics no longer change, but the names still depend on each other: which
            statistics normalise?
        a norm overlooked: The net has more than one BatchNorm, and one of them is still in train mode.
        statistics thrown away: The running statistics were reset: those of the training are lost.
        softmax over dim 0: Each character sums to 1 over the names now: a new mistake.
        argmax: Always the likeliest letter: the darts are not used.
        window pushed the wrong way: The new letter is at the left end of the window now; it was right before.
        window stands still: The window is no longer shifted.
        names in columns: The letters are right, but transposed: each row is a name.
        """,
        {
            NOT_DONE: partial(_write, training=lambda step: True),
            "switched too late": partial(_write, training=lambda step: step == 0),
            "switched back too soon": partial(_write, training=lambda step: step > 0),
            "statistics held still": [
                partial(_write, training=lambda step: True, prepare=_stand_still),
                partial(_write, training=lambda step: True, moved=False),
            ],
            "a norm overlooked": [
                partial(_write, training=lambda step: True, prepare=partial(_only_one_in_train_mode, kept=kept))
                for kept in (0, 1)
            ],
            "statistics thrown away": partial(_write, prepare=_forget),
            "softmax over dim 0": [
                partial(_write, step_of=lambda logits, u: _lands(logits.softmax(0), u).clamp(max=logits.shape[1] - 1)),
                partial(
                    _write,
                    step_of=lambda logits, u: _lands(logits.softmax(0), u).clamp(max=logits.shape[1] - 1),
                    training=lambda step: True,
                ),
            ],
            "argmax": partial(_write, step_of=lambda logits, u: logits.argmax(1)),
            "window pushed the wrong way": partial(
                _write, push=lambda window, ids: torch.cat([ids[:, None], window[:, :-1]], dim=1)
            ),
            "window stands still": partial(_write, push=lambda window, ids: window),
            "names in columns": lambda *case: {**(found := _write(*case)), "letters": found["letters"].T},
        },
    ),
    {
        "more than 1 value per channel": (
            "one name at a time",
            "A batch of one has no variance in train mode, so BatchNorm rejects it. Why does it use the batch at all?",
        )
    },
    probe=probes.sampling,
)


def _chained(
    name: list[int],
    settings: dict,
    whole: Callable[[Tensor], Tensor] = torch.sum,
    keep: slice = slice(None),
    change: Callable[[Tensor, Tensor], Tensor] = lambda X, Y: X,
    dim: int = 1,
    logs: Callable[[Tensor, int], Tensor] = torch.log_softmax,
) -> float:
    """A name's log-probability; the options are ways to go wrong."""
    X, Y = windows_of([name], settings["context"])
    with torch.no_grad():
        net = small_net(settings["vocabulary"], settings["context"], settings["net"]).eval()
        rows = logs(net(change(X, Y)), dim)[torch.arange(len(Y)), Y]
    return whole(rows[keep]).item()


def _names_case(draw: random.Random, letters: int, vocabulary: int, context: int) -> tuple:
    settings = {"vocabulary": vocabulary, "context": context, "net": draw.randint(0, 999)}
    return (ids(draw, vocabulary - 1, letters) + 1).tolist(), settings


def _draw_names(draw: random.Random) -> list[tuple]:
    sizes = [(7, 27, 8), (draw.randint(5, 7), draw.randint(9, 15), 3), (1, 12, 4), (0, 9, 5), (10, 27, 8), (250, 27, 8)]
    return [*(_names_case(draw, *size) for size in sizes), _unlikely_name(draw)]


def _unlikely_name(draw: random.Random) -> tuple:
    """Eight letters, each the least likely one."""
    name, settings = _names_case(draw, 0, 27, 4)
    net = small_net(settings["vocabulary"], settings["context"], settings["net"]).eval()
    with torch.no_grad():
        for _ in range(8):
            name.append(1 + net(torch.tensor([([0] * 4 + name)[-4:]]))[0, 1:].argmin().item())
    return name, settings


LOG_PROB = Implement(
    "my_log_prob",
    [
        _names_case(random.Random(seed), *size)
        for seed, size in enumerate(((7, 27, 8), (5, 9, 3), (2, 12, 4), (0, 9, 5)))
    ],
    _draw_names,
    _chained,
    "Right for names longer and shorter than the window, and for the name without a letter.",
    mistakes(
        """
        stop mark forgotten: That is the log-probability that a name begins this way: it has to end, too.
        first letter forgotten: The first letter has a probability, too, after a window of padding only.
        averaged: That is the mean over the characters; a name's log-probability is their sum.
        logarithm forgotten: That is the probability itself.
        sign: That is the surprise; the logarithm of a probability is not positive.
        bits instead of nats: That is a logarithm to the base 2.
        logarithm to the base 10: That is a logarithm to the base 10.
        softmax over dim 0: The probabilities of a window's characters should sum to 1; here each character sums to 1
            over the windows.
        no softmax: The logits themselves were added up.
        likeliest letters: Those are the probabilities of the likeliest letters; expected those of the name.
        target inside the window: Each window holds the letter that is to be predicted from it.
        window stands still: The window is always empty: it moves on with the name.
        newest letter on the left: The newest letter belongs at the right end of the window.
        probabilities added: The probabilities of a chain are multiplied, or their logarithms added.
        """,
        {
            "stop mark forgotten": partial(_chained, keep=slice(-1)),
            "first letter forgotten": partial(_chained, keep=slice(1, None)),
            "averaged": partial(_chained, whole=torch.mean),
            "logarithm forgotten": lambda *case: math.exp(_chained(*case)),
            "sign": lambda *case: -_chained(*case),
            "bits instead of nats": lambda *case: _chained(*case) / math.log(2),
            "logarithm to the base 10": lambda *case: _chained(*case) / math.log(10),
            "softmax over dim 0": partial(_chained, dim=0),
            "no softmax": partial(_chained, logs=lambda x, dim: x),
            "likeliest letters": lambda *case: _chained(
                *case, logs=lambda x, dim: x.log_softmax(dim).amax(dim, keepdim=True).expand_as(x)
            ),
            "target inside the window": partial(_chained, change=lambda X, Y: torch.cat([X[:, 1:], Y[:, None]], dim=1)),
            "window stands still": partial(_chained, change=lambda X, Y: torch.zeros_like(X)),
            "newest letter on the left": partial(_chained, change=lambda X, Y: X.flip(1)),
            "probabilities added": [
                partial(_chained, whole=lambda rows: rows.exp().sum().log()),
                partial(_chained, whole=lambda rows: rows.exp().sum()),
            ],
        },
    ),
    {
        "math domain error": (
            "underflow",
            "The probability of a long name is too small for a float, and was 0: which operation on logarithms stands "
            "for a product?",
        ),
        "must match": ("window of another size", "A window has `context` ids, for names longer and shorter than that."),
        "shapes cannot be multiplied": (
            "window of another size",
            "A window has `context` ids, for names longer and shorter than that.",
        ),
    },
    without_lib,
    probes.log_prob,
)

EXERCISES = {
    "predictions": PREDICTIONS,
    "softmax": SOFTMAX,
    "dials": DIALS,
    "draw": DRAW,
    "mended": MENDED,
    "log_prob": LOG_PROB,
}
