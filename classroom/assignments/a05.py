"""Assignment 05, sampling: what each exercise is tried on, what is right, and the mistakes that are known."""

import copy
import itertools
import math
import random
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from classroom.assignments.a04 import small_net
from lib.checks.exercise import NOT_DONE, Implement, Mistake, Predict, Question, ids, numbers

LETTERS = ".aeil"


def _apart(*values: int | float) -> bool:
    return min(b - a for a, b in itertools.pairwise(sorted(values))) > 0.02


def _own_numbers(draw: random.Random) -> dict[str, object]:
    # No mistake may give the right number by chance, nor that of another mistake.
    while True:
        first, second = (draw.sample(range(2, 13), len(LETTERS)) for _ in range(2))
        mine = {"powers": [first, second], "letter": draw.choice(LETTERS), "temperature": draw.choice([0.5, 2])}
        mine["u"] = draw.randint(15, 85) / 100
        chain = [draw.randint(5, 15), *(draw.randint(20, 80) for _ in range(draw.randint(2, 4))), draw.randint(30, 70)]
        mine["chain"] = [share / 100 for share in chain]
        groups = _of_letter(mine), _heated(mine), _likeliest(mine), _of_name(mine)
        ends = [end / sum(first) for end in itertools.accumulate(first)]
        if all(_apart(*group.values()) for group in groups) and _apart(mine["u"], *ends):
            drawn = _drawn(mine)
            if 0 < drawn["right"] < len(LETTERS) - 1 and len({*drawn.values()}) == len(drawn):
                return mine


def _of_letter(mine: dict) -> dict[str, int | float]:
    """The probability of the letter after the first window, with softmax over this and that."""
    (row, other), place = mine["powers"], LETTERS.index(mine["letter"])
    logs = [math.log(power) for power in row]
    return {
        "rows": row[place] / sum(row),
        "columns": row[place] / (row[place] + other[place]),
        "everything": row[place] / (sum(row) + sum(other)),
        "logits": logs[place] / sum(logs),
    }


def _heated(mine: dict) -> dict[str, int | float]:
    """The probability of the letter at the temperature, and what is taken for it."""
    row, place, t = mine["powers"][0], LETTERS.index(mine["letter"]), mine["temperature"]
    share = row[place] / sum(row)
    return {
        "right": row[place] ** (1 / t) / sum(power ** (1 / t) for power in row),
        "turned": row[place] ** t / sum(power**t for power in row),
        "ignored": share,
        "divided": share / t,
        "multiplied": share * t,
        "powers": share ** (1 / t),
    }


def _likeliest(mine: dict) -> dict[str, int | float]:
    """The probability of the likeliest character with top-k of 2, and what is taken for it."""
    row = sorted(mine["powers"][0], reverse=True)
    return {
        "right": row[0] / sum(row[:2]),
        "cut only": row[0] / sum(row),
        "three": row[0] / sum(row[:3]),
        "one": 1.0,
        "half": 0.5,
        "second": row[1] / sum(row[:2]),
    }


def _drawn(mine: dict) -> dict[str, int]:
    """The place that is drawn, and what is taken for it."""
    row, u = mine["powers"][0], mine["u"]
    shares = [power / sum(row) for power in row]
    right = sum(end <= u for end in itertools.accumulate(shares))
    nearest = min(range(4), key=lambda place: abs(shares[place] - u))
    return {
        "right": right,
        "likeliest": row.index(max(row)),
        "nearest": nearest,
        "before": right - 1,
        "after": right + 1,
    }


def _of_name(mine: dict) -> dict[str, int | float]:
    """The log-probability of a name, and what is taken for it."""
    logs = [math.log(p) for p in mine["chain"]]
    return {
        "right": sum(logs),
        "unstopped": sum(logs[:-1]),
        "surprise": -sum(logs),
        "product": math.prod(mine["chain"]),
        "mean": sum(logs) / len(logs),
        "bits": sum(logs) / math.log(2),
        "log of the sum": math.log(sum(mine["chain"])),
    }


PREDICTIONS = Predict(
    "my_predictions",
    _own_numbers,
    {
        "row": Question(
            lambda mine: _of_letter(mine)["rows"],
            "Exponentiate the logits of this window, which gives the numbers of its row, and divide by their sum.",
            (
                Mistake("softmax over dim 0", "That is what the two windows make of it together; each window has a distribution of its own.", lambda mine: _of_letter(mine)["columns"]),
                Mistake("softmax over everything", "All numbers of both windows together sum to 1 so; each window's own should.", lambda mine: _of_letter(mine)["everything"]),
                Mistake("not exponentiated", "Softmax divides exponentials, not logits.", lambda mine: _of_letter(mine)["logits"]),
            ),
        ),
        "column": Question(
            lambda mine: _of_letter(mine)["columns"],
            "Over dim 0, each column sums to 1.",
            (
                Mistake("softmax over dim 1", "That is the softmax over dim 1; here somebody wrote dim=0.", lambda mine: _of_letter(mine)["rows"]),
                Mistake("softmax over everything", "Over dim 0 each column is divided by its own sum.", lambda mine: _of_letter(mine)["everything"]),
                Mistake("batch of one", "So it would be if this window were alone in its batch.", lambda mine: 1.0),
            ),
        ),
        "heated": Question(
            lambda mine: _heated(mine)["right"],
            "A logit that is divided by t is the logarithm of the number to the power of 1/t.",
            (
                Mistake("multiplied", "The logits are divided by the temperature, not multiplied.", lambda mine: _heated(mine)["turned"]),
                Mistake("temperature ignored", "That is the probability at temperature 1.", lambda mine: _heated(mine)["ignored"]),
                Mistake("probabilities divided", "The temperature acts on the logits, before the softmax.", lambda mine: _heated(mine)["divided"]),
                Mistake("probabilities multiplied", "The temperature acts on the logits, before the softmax.", lambda mine: _heated(mine)["multiplied"]),
                Mistake("not renormalised", "The right power of the probability; but all of them together no longer sum to 1.", lambda mine: _heated(mine)["powers"]),
            ),
        ),
        "top_2": Question(
            lambda mine: _likeliest(mine)["right"],
            "Two characters are left, and their probabilities sum to 1.",
            (
                Mistake("not renormalised", "What was cut off has to go somewhere: the probabilities of the two that are left sum to 1.", lambda mine: _likeliest(mine)["cut only"]),
                Mistake("one too many kept", "Three characters have been kept.", lambda mine: _likeliest(mine)["three"]),
                Mistake("only one kept", "Two characters are kept.", lambda mine: _likeliest(mine)["one"]),
                Mistake("both alike", "The two that are kept keep their ratio.", lambda mine: _likeliest(mine)["half"]),
                Mistake("second likeliest", "That is the other one's probability.", lambda mine: _likeliest(mine)["second"]),
            ),
        ),
        "drawn": Question(
            lambda mine: LETTERS[_drawn(mine)["right"]],
            "Lay the probabilities of the first window end to end, in the order of the columns, and mark u.",
            (
                Mistake("likeliest character", "That is the likeliest one; the dart decides.", lambda mine: LETTERS[_drawn(mine)["likeliest"]]),
                Mistake("one place too early", "The interval of that character ends before u.", lambda mine: LETTERS[_drawn(mine)["before"]]),
                Mistake("one place too late", "The interval of that character begins after u.", lambda mine: LETTERS[_drawn(mine)["after"]]),
            ),
        ),
        "log_prob": Question(
            lambda mine: _of_name(mine)["right"],
            "Logarithms of probabilities are added, the stop mark's among them.",
            (
                Mistake("stop mark forgotten", "So probable it is that a name begins with these letters; it has to end, too.", lambda mine: _of_name(mine)["unstopped"]),
                Mistake("sign", "The logarithm of a probability is not positive.", lambda mine: _of_name(mine)["surprise"]),
                Mistake("logarithm forgotten", "That is the probability itself.", lambda mine: _of_name(mine)["product"]),
                Mistake("averaged", "A name's log-probability is the sum over its characters, not their mean.", lambda mine: _of_name(mine)["mean"]),
                Mistake("bits instead of nats", "That is a logarithm to the base 2.", lambda mine: _of_name(mine)["bits"]),
                Mistake("probabilities added", "The probabilities of a chain are multiplied.", lambda mine: _of_name(mine)["log of the sum"]),
            ),
        ),
    },
)  # fmt: skip


def _shared(x: Tensor, dim: int | tuple[int, ...] = -1, peak: Callable[[Tensor], object] = lambda x: 0) -> Tensor:
    """Exponentials divided by their sum over dim, after `peak` was subtracted."""
    exponentials = (x - peak(x)).exp()
    return exponentials / exponentials.sum(dim, keepdim=True)


def _over(dim: int | None) -> Callable[[Tensor], Tensor]:
    return lambda x: x.flatten().softmax(0).view(x.shape) if dim is None else x.softmax(dim)


def _is_own(calls: Mapping[str, int]) -> tuple[str, str] | None:
    if calls.keys() & {"softmax", "log_softmax", "softmin", "gumbel_softmax"}:
        return "torch's softmax", "torch took the softmax for you; exponentiate and divide yourself."
    return None


def _draw_logits(draw: random.Random) -> list[tuple]:
    B, T, V = draw.randint(2, 5), draw.randint(6, 9), draw.randint(3, 5)
    far = numbers(draw, 3, V) * 3 + torch.tensor([[1000.0], [-1000.0], [500.0]])
    cut = numbers(draw, B, 12).masked_fill(torch.arange(12) % 3 == draw.randint(0, 2), -math.inf)
    return [(x,) for x in (numbers(draw, 32, 27) * 2, numbers(draw, B, T, V), numbers(draw, 11), far, cut)]


SOFTMAX = Implement(
    "my_softmax",
    _draw_logits(random.Random(1)),
    _draw_logits,
    _over(-1),
    "The characters of each window sum to 1, with one, two and three dimensions, near 1,000 and -1,000, and where characters are cut.",
    (
        Mistake("softmax over dim 0", "The windows share one unit for each character; the characters of each window should.", _over(0)),
        Mistake("softmax over dim 1", "With three dimensions the characters are no longer dim 1.", _over(1)),
        Mistake("softmax over everything", "All numbers together sum to 1; those of each window should.", _over(None)),
        Mistake("overflow", "exp(1000) is too large for a float and exp(-1000) is 0: what can be subtracted before, and cancels?", _shared),
        Mistake("one maximum for all", "The largest logit of all was subtracted; a window whose logits lie far below it is left with nothing.", lambda x: _shared(x, peak=torch.max)),
        Mistake("smallest subtracted", "The smallest logit was subtracted, so that the exponentials are large instead of small.", lambda x: _shared(x, peak=lambda x: x.amin(-1, keepdim=True))),
        Mistake("not divided by the sum", "Exponentiated, and not divided.", lambda x: x.exp()),
        Mistake("not divided by the sum", "Shifted and exponentiated, and not divided.", lambda x: (x - x.amax(-1, keepdim=True)).exp()),
        Mistake("log-probabilities", "Those are the logarithms of the probabilities.", lambda x: x.log_softmax(-1)),
        Mistake("not exponentiated", "The logits themselves were divided by their sum.", lambda x: x / x.sum(-1, keepdim=True)),
        Mistake("argmax", "Everything went to the largest logit.", lambda x: F.one_hot(x.argmax(-1), x.shape[-1]).float()),
        Mistake("clamped", "The logits were cut to a range: those near 1,000 are all alike now.", lambda x: x.clamp(-50, 50).softmax(-1)),
    ),
    method=_is_own,
)  # fmt: skip


def _dialled(logits: Tensor, temperature: int | float, k: int, dim: int = 1, fill: int | float = -math.inf) -> Tensor:
    kept = logits.topk(k, dim=1)
    cut = torch.full_like(logits, fill).scatter(1, kept.indices, kept.values / temperature)
    return cut.softmax(dim)


def _kept(logits: Tensor, temperature: int | float, k: int) -> Tensor:
    return (logits / temperature).softmax(1) * (_dialled(logits, 1, k) > 0)


def _by_batch(logits: Tensor, temperature: int | float, k: int) -> Tensor:
    """One threshold for the batch, the k-th largest logit of all."""
    least = logits.flatten().topk(k).values[-1]
    return (logits / temperature).masked_fill(logits < least, -math.inf).softmax(1)


def _in_columns(logits: Tensor, temperature: int | float, k: int) -> Tensor:
    least = logits.topk(min(k, len(logits)), dim=0).values[-1]
    return (logits / temperature).masked_fill(logits < least, -math.inf).softmax(1)


def _draw_dials(draw: random.Random) -> list[tuple]:
    sizes = [(32, 27, 5), (draw.randint(4, 9), draw.randint(9, 15), 3), (1, 8, 2), (3, 6, 6), (5, 10, 1)]
    return [
        (numbers(draw, B, V) * 2, temperature, k)
        for (B, V, k), temperature in zip(sizes, (0.5, 2.0, 0.7, 1.6, 3.0), strict=True)
    ]


DIALS = Implement(
    "my_letter_probs",
    [(numbers(random.Random(V), B, V) * 2, t, k) for B, V, t, k in ((32, 27, 0.5, 5), (4, 9, 2.0, 3), (2, 5, 1.5, 5), (1, 6, 0.8, 2))],
    _draw_dials,
    _dialled,
    "Each row sums to 1, k characters are left in it, and the temperature has done its work on them.",
    (
        Mistake("temperature ignored", "That is what temperature 1 gives.", lambda x, t, k: _dialled(x, 1, k)),
        Mistake("multiplied", "The logits were multiplied by the temperature.", lambda x, t, k: _dialled(x, 1 / t, k)),
        Mistake("top-k ignored", "All characters are left; k of them should be.", lambda x, t, k: _dialled(x, t, x.shape[1])),
        Mistake("neither dial", "That is the plain softmax.", lambda x, t, k: x.softmax(1)),
        Mistake("not renormalised", "The right characters are left, and their probabilities no longer sum to 1.", _kept),
        Mistake("cut logits set to 0", "A logit of 0 is not impossible: exp(0) = 1. Which logit has the exponential 0?", lambda x, t, k: _dialled(x, t, k, fill=0.0)),
        Mistake("one threshold for all rows", "The k largest of the whole batch were kept; each row has its own.", _by_batch),
        Mistake("top-k over dim 0", "The k likeliest windows were kept in each column; the k likeliest characters of each row were wanted.", _in_columns),
        Mistake("one too many kept", "One character too many is left.", lambda x, t, k: _dialled(x, t, min(k + 1, x.shape[1]))),
        Mistake("likeliest cut off", "The likeliest characters are gone, and the others are left.", lambda x, t, k: _dialled(-x, -t, k)),
        Mistake("sorted", "The probabilities are right, and stand in the order of their size instead of that of the characters.", lambda x, t, k: _dialled(x, t, k).sort(1, descending=True).values),
        Mistake("only k columns", "The characters that were cut have no column any more; they should have probability 0.", lambda x, t, k: (x.topk(k, 1).values / t).softmax(1)),
        Mistake("softmax over dim 0", "Each column sums to 1; each row should.", lambda x, t, k: _dialled(x, t, k, 0)),
        Mistake("probabilities divided", "The probabilities were divided by the temperature; it acts on the logits, before the softmax.", lambda x, t, k: _dialled(x, 1, k) / t),
        Mistake("softmax twice", "The softmax was taken twice.", lambda x, t, k: _dialled(x.softmax(1), t, k)),
        Mistake("no softmax", "Those are logits still.", lambda x, t, k: (x / t).masked_fill(_dialled(x, t, k) == 0, -math.inf)),
    ),
)  # fmt: skip


def _darts(draw: random.Random, probs: Tensor) -> Tensor:
    """For each row a number u that lands well inside an interval, so that rounding cannot decide."""
    generator = torch.Generator().manual_seed(draw.getrandbits(32))
    places = torch.multinomial(probs, 1, generator=generator)
    places = torch.where(probs.gather(1, places) < 0.005, probs.argmax(1, keepdim=True), places)
    within = torch.rand(len(probs), 1, generator=generator) * 0.8 + 0.1
    return (probs.cumsum(1).gather(1, places) - within * probs.gather(1, places)).squeeze(1)


def _lands(probs: Tensor, u: Tensor) -> Tensor:
    return (probs.cumsum(1) <= u[:, None]).sum(1)


def _draw_twice(answer: Callable, probs: Tensor, u: Tensor) -> object:
    first, second = answer(probs.clone(), u.clone()), answer(probs, u)
    same = not isinstance(first, Tensor) or not isinstance(second, Tensor) or torch.equal(first, second)
    return first if same else "two answers to the same u"


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
    "Each row has its own dart, and a character with probability 0 was never drawn, not even where the dart met an edge.",
    (
        Mistake("argmax", "Always the likeliest character: the dart should decide.", lambda probs, u: probs.argmax(1)),
        Mistake("edge to the left", "Where u equals a cumulative sum, the interval to the right of it is meant: *greater* than u.", lambda probs, u: (probs.cumsum(1) < u[:, None]).sum(1)),
        Mistake("cumulative sum over dim 0", "The probabilities were added up down the columns; each row has a strip of its own.", lambda probs, u: (probs.cumsum(0) <= u[:, None]).sum(1)),
        Mistake("one dart for all rows", "All rows got the first dart; each has its own.", lambda probs, u: _lands(probs, u[:1].expand(len(u)))),
        Mistake("compared with probabilities", "u was compared with the probabilities; what is it that it lands on?", lambda probs, u: (probs <= u[:, None]).sum(1)),
        Mistake("compared with probabilities", "u was compared with the probabilities; what is it that it lands on?", lambda probs, u: (probs > u[:, None]).int().argmax(1)),
        Mistake("one place too early", "Each place is one too small.", lambda probs, u: _lands(probs, u) - 1),
        Mistake("one place too late", "Each place is one too large: how many intervals lie wholly below u?", lambda probs, u: _lands(probs, u) + 1),
        Mistake("counted from the right", "The intervals were laid out from the other end, or u was turned into 1 - u.", lambda probs, u: _lands(probs, 1 - u)),
        Mistake("counted from the right", "The intervals were laid out from the other end.", lambda probs, u: probs.shape[1] - 1 - _lands(probs.flip(1), u)),
        Mistake("places above counted", "Those are the intervals that end above u; which of them is the first?", lambda probs, u: probs.shape[1] - _lands(probs, u)),
        Mistake("ids in a column", "The ids are right; their shape should be (B,), one number for each row.", lambda probs, u: _lands(probs, u)[:, None]),
        Mistake("truth values", "Those are truth values for all places: how many of them are true?", lambda probs, u: probs.cumsum(1) <= u[:, None]),
        Mistake("random numbers of its own", "The same u gave two different answers: take the u that is given.", lambda probs, u: "two answers to the same u"),
    ),
    {
        "cannot be converted to Scalar": ("item() for a batch", ".item() and int() take one number out of a tensor; there is one for each row."),
        "only one element": ("item() for a batch", ".item() and int() take one number out of a tensor; there is one for each row."),
    },
    probe=_draw_twice,
)  # fmt: skip


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
    changed = any(not torch.equal(before[name], value) for name, value in net.state_dict().items())
    return _came(torch.stack(drawn, dim=1), changed if moved is None else moved)


def _came(letters: object, moved: bool) -> dict[str, object]:
    return {"letters": letters, "running statistics moved": moved}


def _sample(answer: Callable, u: Tensor, settings: dict) -> object:
    net = small_net(settings["vocabulary"], settings["context"], settings["net"])
    before = copy.deepcopy(net.state_dict())
    letters = answer(net, u, settings["context"])
    moved = any(not torch.equal(before[name], value) for name, value in net.state_dict().items())
    return None if letters is None or letters is ... else _came(letters, moved)


def _doing(**options: object) -> Callable:
    return lambda *case: _write(*case, **options)


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
    net[3].momentum = 0.0


MENDED = Implement(
    "sample",
    _draw_samplings(random.Random(1)),
    _draw_samplings,
    _write,
    "A name depends on nothing but its own letters and darts, and the net is as it was.",
    (
        Mistake(NOT_DONE, "The names are those of the function as it was given, so the mistake is still in it.", _doing(training=lambda step: True)),
        Mistake("switched too late", "The first letters still depend on the other names in the batch.", _doing(training=lambda step: step == 0)),
        Mistake("switched back too soon", "Only the first letters are right: what does the net use for the others?", _doing(training=lambda step: step > 0)),
        Mistake("statistics held still", "The running statistics stay now, and the names still depend on each other: which statistics normalise?", _doing(training=lambda step: True, prepare=_stand_still)),
        Mistake("statistics held still", "The running statistics are put back afterwards, and the names still depend on each other.", _doing(training=lambda step: True, moved=False)),
        Mistake("statistics thrown away", "The running statistics were reset: what was collected in training is lost.", _doing(prepare=lambda net: net[3].reset_running_stats())),
        Mistake("softmax over dim 0", "The names share one unit for each character now: that is another mistake, which was not there.", _doing(step_of=lambda logits, u: _lands(logits.softmax(0), u).clamp(max=logits.shape[1] - 1))),
        Mistake("softmax over dim 0", "The names share one unit for each character now: that is another mistake, which was not there.", _doing(step_of=lambda logits, u: _lands(logits.softmax(0), u).clamp(max=logits.shape[1] - 1), training=lambda step: True)),
        Mistake("argmax", "Always the likeliest letter: the darts are no longer used.", _doing(step_of=lambda logits, u: logits.argmax(1))),
        Mistake("window pushed the wrong way", "The new letter stands at the left end of the window now; it was right before.", _doing(push=lambda window, ids: torch.cat([ids[:, None], window[:, :-1]], dim=1))),
        Mistake("window stands still", "The window is no longer moved on.", _doing(push=lambda window, ids: window)),
        Mistake("names in columns", "The letters are right, and rows and columns swapped: a row was a name.", lambda *case: {**(found := _write(*case)), "letters": found["letters"].T}),
    ),
    {"more than 1 value per channel": ("one name at a time", "One name at a time has no companions, and train mode no variance: BatchNorm refuses. Why does it ask for the batch at all?")},
    probe=_sample,
)  # fmt: skip


def _windows(name: list[int], context: int) -> tuple[Tensor, Tensor]:
    padded = [0] * context + name
    return torch.tensor([padded[i : i + context] for i in range(len(name) + 1)]), torch.tensor([*name, 0])


def _chained(
    name: list[int],
    settings: dict,
    whole: Callable[[Tensor], Tensor] = torch.sum,
    keep: slice = slice(None),
    change: Callable[[Tensor, Tensor], Tensor] = lambda X, Y: X,
    dim: int = 1,
    logs: Callable[[Tensor, int], Tensor] = torch.log_softmax,
) -> int | float:
    """A name's log-probability; the options are ways to go wrong."""
    X, Y = _windows(name, settings["context"])
    with torch.no_grad():
        net = small_net(settings["vocabulary"], settings["context"], settings["net"]).eval()
        rows = logs(net(change(X, Y)), dim)[torch.arange(len(Y)), Y]
    return whole(rows[keep]).item()


def _name_asked(answer: Callable, name: list[int], settings: dict) -> object:
    net = small_net(settings["vocabulary"], settings["context"], settings["net"]).eval()
    found = answer(net, name, settings["context"])
    return found if found is None or found is ... else float(found)


def _asking(**options: object) -> Callable:
    return lambda *case: _chained(*case, **options)


def _names_case(draw: random.Random, letters: int, vocabulary: int, context: int) -> tuple:
    settings = {"vocabulary": vocabulary, "context": context, "net": draw.randint(0, 999)}
    return (ids(draw, vocabulary - 1, letters) + 1).tolist(), settings


def _draw_names(draw: random.Random) -> list[tuple]:
    sizes = [(7, 27, 8), (draw.randint(5, 7), draw.randint(9, 15), 3), (1, 12, 4), (0, 9, 5), (10, 27, 8)]
    return [_names_case(draw, *size) for size in sizes]


LOG_PROB = Implement(
    "my_log_prob",
    [_names_case(random.Random(seed), *size) for seed, size in enumerate(((7, 27, 8), (5, 9, 3), (2, 12, 4), (0, 9, 5)))],
    _draw_names,
    _chained,
    "Right for names that are longer and shorter than the window, and for the name without a letter.",
    (
        Mistake("stop mark forgotten", "That is the log-probability that a name begins so: it has to end, too.", _asking(keep=slice(-1))),
        Mistake("first letter forgotten", "The first letter has a probability, too, after a window of nothing but padding.", _asking(keep=slice(1, None))),
        Mistake("averaged", "That is the mean over the characters; a name's log-probability is their sum.", _asking(whole=torch.mean)),
        Mistake("logarithm forgotten", "That is the probability itself.", lambda *case: math.exp(_chained(*case))),
        Mistake("sign", "That is the surprise; the logarithm of a probability is not positive.", lambda *case: -_chained(*case)),
        Mistake("bits instead of nats", "That is a logarithm to the base 2.", lambda *case: _chained(*case) / math.log(2)),
        Mistake("logarithm to the base 10", "That is a logarithm to the base 10.", lambda *case: _chained(*case) / math.log(10)),
        Mistake("softmax over dim 0", "The probabilities of a window's characters should sum to 1; here those of a character do.", _asking(dim=0)),
        Mistake("no softmax", "The logits themselves were added up.", _asking(logs=lambda x, dim: x)),
        Mistake("likeliest letters", "Those are the probabilities of the likeliest letters; the name's own were wanted.", lambda *case: _chained(*case, logs=lambda x, dim: x.log_softmax(dim).amax(dim, keepdim=True).expand_as(x))),
        Mistake("target inside the window", "Each window holds the letter that is to be guessed from it.", _asking(change=lambda X, Y: torch.cat([X[:, 1:], Y[:, None]], dim=1))),
        Mistake("window stands still", "The window is always empty: it moves on with the name.", _asking(change=lambda X, Y: torch.zeros_like(X))),
        Mistake("newest letter on the left", "The newest letter belongs at the right end of the window.", _asking(change=lambda X, Y: X.flip(1))),
        Mistake("probabilities added", "The probabilities of a chain are multiplied, or their logarithms added.", _asking(whole=lambda rows: rows.exp().sum().log())),
        Mistake("probabilities added", "The probabilities of a chain are multiplied, or their logarithms added.", _asking(whole=lambda rows: rows.exp().sum())),
    ),
    {"must match": ("window of another size", "A window has `context` ids, for names longer and shorter than that."), "shapes cannot be multiplied": ("window of another size", "A window has `context` ids, for names longer and shorter than that.")},
    probe=_name_asked,
)  # fmt: skip

EXERCISES = {
    "predictions": PREDICTIONS,
    "softmax": SOFTMAX,
    "dials": DIALS,
    "draw": DRAW,
    "mended": MENDED,
    "log_prob": LOG_PROB,
}
