"""Assignment 08, WaveNet: cases, solutions and known mistakes of each exercise."""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from classroom.assignments import probes
from classroom.assignments.tables import mistakes, predictions, question, without_lib
from lib.checks.exercise import NOT_DONE, Implement, ids, numbers
from lib.wavenet.sequences import IGNORED

NAMES = ("ava", "liam", "emily", "oliver", "charlie", "benjamin", "alexandra", "evangeline")


def _own_numbers(draw: random.Random) -> dict[str, object]:
    mine = {"C": draw.randint(6, 20), "S": draw.randint(21, 40), "B": draw.randint(3, 9)}
    mine |= {"dilations": draw.sample(range(1, 10), draw.choice([3, 4]))}
    return mine | {"names": draw.sample(NAMES, 3), "loss": draw.randint(180, 240) / 100}


def _layer(C: int, S: int, width: int = 2, taps: int = 2, constants: int = 1) -> tuple[int, int, int]:
    """Parameters of a layer's convolution, of its residual path and of its skip path."""
    return width * C * (taps * C + constants), C * (C + constants), S * (C + constants)


def _columns(dilations: Sequence[int]) -> list[int]:
    """The columns of each layer above a window as long as the receptive field."""
    return [1 + sum(dilations) - reach for reach in itertools.accumulate(dilations)]


def _places(names: Sequence[str]) -> tuple[int, int]:
    """Positions of the batch that have a target, and all of them."""
    return sum(len(name) + 1 for name in names), len(names) * (max(map(len, names)) + 1)


def _rate(names: Sequence[str], loss: float) -> float:
    real, every = _places(names)
    return loss * real / every


@question(
    "Three things in a layer have weights; write down the shape of each.",
    """
    gate forgotten: The convolution computes filter and gate, side by side.
    taps forgotten: The convolution has weights for each of its taps.
    constants forgotten: Every output has a constant (a bias), too.
    skip path forgotten: A 1x1 convolution leads from the layer to the skip path.
    residual path forgotten: The residual path has a 1x1 convolution.
    convolution only: Those are the convolution's; two 1x1 convolutions follow it.
    wide z: Filter and gate are multiplied: z has as many channels as each of them.
    """,
)
def layer(C: int, S: int, **_: object) -> dict:
    return {
        "right": sum(_layer(C, S)),
        "gate forgotten": sum(_layer(C, S, width=1)),
        "taps forgotten": sum(_layer(C, S, taps=1)),
        "constants forgotten": sum(_layer(C, S, constants=0)),
        "skip path forgotten": sum(_layer(C, S)[:2]),
        "residual path forgotten": sum(_layer(C, S)[::2]),
        "convolution only": _layer(C, S)[0],
        "wide z": _layer(C, S)[0] + (C + S) * (2 * C + 1),
    }


@question(
    "How many inputs does a layer with dilation 3 have to remember, and how many numbers is one input?",
    """
    batch forgotten: Each sequence has its own queues.
    channels forgotten: One input is a vector.
    only what is read: One input of each layer is read now; those after it will be needed later.
    taps counted: Two inputs of each layer are read; how many must be kept until they are read?
    newest counted: The newest input need not be in the queue when it is read.
    filter and gate kept: The queues hold the inputs of a layer, not the outputs of its convolution.
    longest queue only: Every layer has a queue.
    receptive field: The field counts the output's own time step as well.
    """,
)
def queued(B: int, C: int, dilations: list[int], **_: object) -> dict:
    return {
        "right": B * C * sum(dilations),
        "batch forgotten": C * sum(dilations),
        "channels forgotten": B * sum(dilations),
        "only what is read": B * C * len(dilations),
        "taps counted": 2 * B * C * len(dilations),
        "newest counted": B * C * sum(d + 1 for d in dilations),
        "filter and gate kept": 2 * B * C * sum(dilations),
        "longest queue only": B * C * max(dilations),
        "receptive field": B * C * (1 + sum(dilations)),
    }


@question(
    "The window is as long as the receptive field. How many columns does the first layer have, and the second?",
    """
    queues: That is the number with queues.
    not shortened: Each layer has fewer columns than the one below.
    losses not added up: A layer is shorter than the layer *below* it, which has lost columns already.
    window one too short: The last layer has one column left; yours has none.
    tokens counted: The tokens themselves are not applications.
    """,
)
def naive(dilations: list[int], **_: object) -> dict:
    return {
        "right": sum(_columns(dilations)),
        "queues": len(dilations),
        "not shortened": len(dilations) * (1 + sum(dilations)),
        "losses not added up": sum(1 + sum(dilations) - d for d in dilations),
        "window one too short": sum(_columns(dilations)) - len(dilations),
        "tokens counted": sum(_columns(dilations)) + 1 + sum(dilations),
    }


@question(
    "How far behind its own column does a layer with three taps then look, and what has that column seen?",
    """
    both sides: That is how far it looks in both directions together.
    receptive field: That is the whole field; count only what is behind the output.
    own time step counted: Its own time step is not later.
    last layer only: The columns that the last layer reads have looked into the future, too.
    one per layer: The taps of a layer are `dilation` time steps apart.
    no leak seen: 'same' puts half of the padding behind the sequence.
    """,
)
def future(dilations: list[int], **_: object) -> dict:
    return {
        "right": sum(dilations),
        "both sides": 2 * sum(dilations),
        "receptive field": 1 + 2 * sum(dilations),
        "own time step counted": 1 + sum(dilations),
        "last layer only": dilations[-1],
        "one per layer": len(dilations),
        "no leak seen": 0,
    }


@question(
    "Write the targets of the three names below each other, each with its stop mark, and pad.",
    """
    targets counted: Those positions have a target.
    all positions: Those are all positions.
    stop mark as padding: The stop mark that ends a name is a target.
    stop mark of the longest forgotten: The longest name ends with a stop mark as well, and the batch is as long as
        that.
    """,
)
def gifts(names: list[str], **_: object) -> dict:
    return {
        "right": _places(names)[1] - _places(names)[0],
        "targets counted": _places(names)[0],
        "all positions": _places(names)[1],
        "stop mark as padding": _places(names)[1] - _places(names)[0] + len(names),
        "stop mark of the longest forgotten": sum(max(0, max(map(len, names)) - len(name) - 1) for name in names),
    }


@question(
    "The sum stays; the divisor changes.",
    """
    loss unchanged: The divisor is another one now.
    inverted: A larger divisor gives less.
    share of the padding: That is the share of the positions without target.
    stop marks forgotten: Each name has a stop mark to predict, too.
    summed: That is the sum.
    """,
)
def diluted(names: list[str], loss: float, **_: object) -> dict:
    return {
        "right": _rate(names, loss),
        "loss unchanged": loss,
        "inverted": loss**2 / _rate(names, loss),
        "share of the padding": loss - _rate(names, loss),
        "stop marks forgotten": loss * sum(map(len, names)) / len(names) / max(map(len, names)),
        "summed": loss * _places(names)[0],
    }


PREDICTIONS = predictions(
    _own_numbers, layer=layer, queued=queued, naive=naive, future=future, gifts=gifts, diluted=diluted
)


def _pairs(x: Tensor, d: int) -> Tensor:
    return torch.cat([x[:, :-d], x[:, d:]], dim=2)


def _gate(filter: Tensor, gate: Tensor) -> Tensor:
    return filter.tanh() * gate.sigmoid()


def _stacked(
    x: Tensor,
    layers: list[dict],
    unit: Callable = _gate,
    onward: Callable = lambda x, z, d, mix: x[:, d:] + z @ mix.T,
    send: Callable = lambda z, out: z,
    keep: Callable = lambda z, T_out: z[:, -T_out:],
    total: Callable = sum,
    seen: Callable = _pairs,
    weight: Callable = lambda weight: weight.T,
    split: Callable = lambda a: a.chunk(2, dim=2),
) -> Tensor:
    """What the head of a WaveNet reads; the options are ways to go wrong."""
    T_out, sent = x.shape[1] - sum(layer["dilation"] for layer in layers), []
    for layer in layers:
        z = unit(*split(seen(x, layer["dilation"]) @ weight(layer["weight"])))
        x = onward(x, z, layer["dilation"], layer["mix"])
        sent.append(keep(send(z, x), T_out) @ layer["skip"].T)
    return total(sent)


def _layers(draw: random.Random, C: int, S: int, dilations: Sequence[int]) -> list[dict]:
    made = []
    for dilation in dilations:
        layer = {"weight": numbers(draw, 2 * C, 2 * C), "mix": numbers(draw, C, C), "skip": numbers(draw, S, C)}
        made.append({key: value / C**0.5 for key, value in layer.items()} | {"dilation": dilation})
    return made


def _draw_stacks(draw: random.Random) -> list[tuple]:
    several, C, S = [draw.choice([3, 4]), 2, draw.randint(1, 3), 1], draw.randint(4, 7), draw.randint(2, 3)
    sizes = [
        (32, 15, 10, 8, [1, 2, 4]),
        (draw.randint(2, 5), 20, C, S, several),
        (1, 9, 3, 4, [2, 3]),
        (3, 7, 4, 1, [3]),
        (2, 4 + several[0], 3, 5, [3, several[0]]),  # a single position is left
        (2, 14, 3, 3, [1, 2, 1, 3, 2, 1]),
    ]
    return [(numbers(draw, B, T, C), _layers(draw, C, S, dilations)) for B, T, C, S, dilations in sizes]


STACK = Implement(
    "my_skip_sum",
    _draw_stacks(random.Random(2)),
    _draw_stacks,
    _stacked,
    "What the head reads is right for stacks of one to four layers: each layer's z at the positions of the last.",
    mistakes(
        """
        filter and gate swapped: The first half of the convolution's channels is the filter. Which activation does it
            get?
        sum in place of product: Filter and gate were added; a gate multiplies.
        gate left out: That is z without its gate.
        two sigmoids: The filter does not go through a sigmoid.
        two tanhs: The gate does not go through tanh: it is between 0 and 1.
        filter without tanh: The filter has an activation, too.
        channels interleaved: The first C channels are the filter, the last C the gate; you took every second one.
        residual left out: The next layer gets W z alone; the input of the layer is missing.
        z handed on: The next layer gets z alone; the residual path is missing.
        residual without its weights: z goes through `mix` before it is added.
        residual from the earlier tap: Which of the two columns that a layer reads is at the position of its output?
        input unchanged: Every layer reads the same x; the second should read the output of the first.
        output sent in place of z: The skip path takes z, before the residual path adds x.
        skips left out: Only the last layer sends something; all of them should.
        first layer only: Only the z of the first layer is used; the head reads a sum over all of them.
        last layer left out: The last layer sends its z, too.
        mean of the skips: The skips are added, not averaged.
        product of the skips: The skips are added, not multiplied.
        skips side by side: The skips are added; yours are side by side.
        first columns: The columns of an early z that fit the last layer are not its first ones: each layer loses
            columns at the beginning.
        taps reversed: In each row of the weight the earlier tap is first.
        dilation ignored: The two taps of a layer are `dilation` time steps apart.
        weights not transposed: The weights have a row for each output, as in a Linear layer.
        zero padding: The layers were padded with zeros, which keeps T columns; nothing is padded here.
        squeezed at its front: A batch of one is a batch: its dimension stays.
        squeeze(): A dimension of size 1 is missing: a batch of one is a batch.
        """,
        {
            "filter and gate swapped": partial(_stacked, unit=lambda filter, gate: filter.sigmoid() * gate.tanh()),
            "sum in place of product": partial(_stacked, unit=lambda filter, gate: filter.tanh() + gate.sigmoid()),
            "gate left out": partial(_stacked, unit=lambda filter, gate: filter.tanh()),
            "two sigmoids": partial(_stacked, unit=lambda filter, gate: filter.sigmoid() * gate.sigmoid()),
            "two tanhs": partial(_stacked, unit=lambda filter, gate: filter.tanh() * gate.tanh()),
            "filter without tanh": partial(_stacked, unit=lambda filter, gate: filter * gate.sigmoid()),
            "channels interleaved": partial(_stacked, split=lambda a: (a[..., ::2], a[..., 1::2])),
            "residual left out": partial(_stacked, onward=lambda x, z, d, mix: z @ mix.T),
            "z handed on": partial(_stacked, onward=lambda x, z, d, mix: z),
            "residual without its weights": partial(_stacked, onward=lambda x, z, d, mix: x[:, d:] + z),
            "residual from the earlier tap": partial(_stacked, onward=lambda x, z, d, mix: x[:, :-d] + z @ mix.T),
            "input unchanged": partial(_stacked, onward=lambda x, z, d, mix: x, keep=lambda z, T_out: z[:, -T_out:]),
            "output sent in place of z": partial(_stacked, send=lambda z, out: out),
            "skips left out": partial(_stacked, total=lambda sent: sent[-1]),
            "first layer only": partial(_stacked, total=lambda sent: sent[0]),
            "last layer left out": partial(_stacked, total=lambda sent: sum(sent[:-1], torch.zeros_like(sent[-1]))),
            "mean of the skips": partial(_stacked, total=lambda sent: sum(sent) / len(sent)),
            "product of the skips": partial(_stacked, total=lambda sent: math.prod(sent)),
            "skips side by side": partial(_stacked, total=lambda sent: torch.cat(sent, dim=2)),
            "first columns": partial(_stacked, keep=lambda z, T_out: z[:, :T_out]),
            "taps reversed": partial(_stacked, seen=lambda x, d: torch.cat([x[:, d:], x[:, :-d]], dim=2)),
            "dilation ignored": partial(
                _stacked, seen=lambda x, d: _pairs(x, 1), onward=lambda x, z, d, mix: x[:, 1:] + z @ mix.T
            ),
            "weights not transposed": [
                partial(_stacked, weight=lambda weight: weight),
                partial(_stacked, onward=lambda x, z, d, mix: x[:, d:] + z @ mix),
                partial(_stacked, weight=lambda weight: weight, onward=lambda x, z, d, mix: x[:, d:] + z @ mix),
            ],
            "zero padding": partial(
                _stacked,
                seen=lambda x, d: _pairs(F.pad(x, (0, 0, d, 0)), d),
                onward=lambda x, z, d, mix: x + z @ mix.T,
                keep=lambda z, T_out: z,
            ),
            "squeezed at its front": lambda *case: _stacked(*case).squeeze(0),
            "squeeze()": lambda *case: _stacked(*case).squeeze(),
        },
    ),
    {
        "non-singleton dimension 1": (
            "columns that do not fit",
            "Tensors with different numbers of columns were added: every layer shortens its input at the beginning.",
        )
    },
)


def _surprises(logits: Tensor, targets: Tensor) -> Tensor:
    """The loss at each target, (B, T), 0 where there is none."""
    return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")


def _mean(surprises: Tensor, targets: Tensor, is_real: Tensor | None = None) -> Tensor:
    return surprises.sum(1) / (targets >= 0 if is_real is None else is_real).sum(1)


def _of_real(logits: Tensor, targets: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """The mean over real targets of something other than the surprise."""
    found = change(logits).gather(2, targets.clamp(min=0)[..., None])[..., 0]
    return _mean(found * (targets >= 0), targets)


def _draw_losses(draw: random.Random) -> list[tuple]:
    cases = []
    for B, T, V in ((32, 8, 27), (draw.randint(3, 6), draw.randint(10, 13), draw.randint(4, 9)), (1, 7, 5), (2, 6, 3)):
        targets = torch.full((B, T), IGNORED)
        for row in range(B):  # one name is as long as the batch; the others end before
            letters = T - 1 if row == 0 and B > 1 else draw.randint(1, T - 3)
            targets[row, : letters + 1] = F.pad(ids(draw, V - 1, letters) + 1, (0, 1))
        cases.append((numbers(draw, B, T, V) * 2, targets))
    # Targets missing anywhere, and a name with nothing but its stop mark.
    holes = torch.where(ids(draw, 2, 4, 9) > 0, ids(draw, 6, 4, 9), IGNORED)
    holes[:, 4], holes[0] = 0, F.pad(torch.zeros(1, dtype=torch.int64), (0, 8), value=IGNORED)
    return [*cases, (numbers(draw, 4, 9, 6) * 2, holes)]


LOSS = Implement(
    "my_name_losses",
    _draw_losses(random.Random(3)),
    _draw_losses,
    lambda logits, targets: _mean(_surprises(logits, targets), targets),
    "Each name has the mean of its own targets, including its stop mark, regardless of the padding behind it.",
    mistakes(
        """
        squeeze(): A batch of one name has one loss, in a tensor of shape (1,).
        mean over padding: The sum is right, but divided by all T positions, including padding.
        padding as stop marks: The positions without a target were counted as if their target were a stop mark.
        padding above the line: The divisor is right, but the sum includes the padding.
        stop mark left out: The stop mark that ends a name is a target, too: its id is 0, and 0 is not padding.
        stop mark not counted: The sum includes the stop mark, but the number of targets does not.
        summed: Those are sums; expected the mean of each name.
        one number for the batch: That is the loss of the whole batch; each name has its own.
        one divisor for all: Each name is divided by its own number of targets, not by that of the batch or its average.
        mean over the batch: That is one number per position; expected one per name.
        not averaged: That is the loss at each position; take the mean of each name.
        sign: A loss is not negative.
        bits instead of nats: That is a logarithm to the base 2.
        no softmax: The logits themselves were averaged.
        logarithm forgotten: Those are mean probabilities.
        logarithm of the mean: First the logarithm of each probability, then the mean.
        softmax over time: The probabilities of the characters sum to 1 at each position; yours sum to 1 over the
            positions.
        softmax over the batch: The probabilities of the characters sum to 1 at each position; yours sum to 1 over the
            names.
        softmax twice: F.cross_entropy takes the softmax itself.
        shift by one: Each target was compared with the logits of a neighbouring position; logits and targets are
            already aligned.
        last position left out: The last position of the longest name has a target, too.
        """,
        {
            "squeeze()": lambda x, y: _mean(_surprises(x, y), y).squeeze(),
            "mean over padding": lambda x, y: _surprises(x, y).mean(1),
            "padding as stop marks": lambda x, y: F.cross_entropy(
                x.transpose(1, 2), y.clamp(min=0), reduction="none"
            ).mean(1),
            "padding above the line": lambda x, y: _mean(
                F.cross_entropy(x.transpose(1, 2), y.clamp(min=0), reduction="none"), y
            ),
            "stop mark left out": lambda x, y: _mean(_surprises(x, y) * (y > 0), y, y > 0),
            "stop mark not counted": lambda x, y: _mean(_surprises(x, y), y, y > 0),
            "summed": lambda x, y: _surprises(x, y).sum(1),
            "one number for the batch": [
                lambda x, y: _surprises(x, y).sum() / (y >= 0).sum(),
                lambda x, y: _mean(_surprises(x, y), y).mean(),
            ],
            "one divisor for all": [
                lambda x, y: _surprises(x, y).sum(1) / (y >= 0).sum(),
                lambda x, y: _surprises(x, y).sum(1) / ((y >= 0).sum() / len(y)),
            ],
            "mean over the batch": [
                lambda x, y: _surprises(x, y).sum(0) / (y >= 0).sum(0),
                lambda x, y: _surprises(x, y).mean(0),
            ],
            "not averaged": _surprises,
            "sign": lambda x, y: -_mean(_surprises(x, y), y),
            "bits instead of nats": lambda x, y: _mean(_surprises(x, y), y) / math.log(2),
            "no softmax": lambda x, y: -_of_real(x, y, lambda x: x),
            "logarithm forgotten": lambda x, y: _of_real(x, y, lambda x: x.softmax(2)),
            "logarithm of the mean": lambda x, y: -_of_real(x, y, lambda x: x.softmax(2)).log(),
            "softmax over time": lambda x, y: -_of_real(x, y, lambda x: x.log_softmax(1)),
            "softmax over the batch": lambda x, y: -_of_real(x, y, lambda x: x.log_softmax(0)),
            "softmax twice": lambda x, y: _mean(_surprises(x.softmax(2), y), y),
            "shift by one": [
                lambda x, y: _mean(_surprises(x[:, :-1], y[:, 1:]), y[:, 1:]),
                lambda x, y: _mean(_surprises(x[:, 1:], y[:, :-1]), y[:, :-1]),
            ],
            "last position left out": lambda x, y: _mean(_surprises(x[:, :-1], y[:, :-1]), y[:, :-1]),
        },
    ),
    {part: ("padding used as an id", "-100 is not a character.") for part in ("out of bounds", "non-negative")},
    without_lib,
)


def _combined(old: Tensor, now: Tensor, weight: Tensor) -> Tensor:
    return torch.tanh(torch.cat([old, now], dim=-1) @ weight.T)


class _Memory:
    """Queues of a stack of tanh convolutions with two taps; the options are ways to go wrong."""

    reach: Callable = lambda d: d
    filled: Callable = lambda inputs, d, history: list(inputs[:, max(0, inputs.shape[1] - d) :].unbind(1))
    put: Callable = lambda now, out, first: now
    read: Callable = lambda queue: queue.pop(0)
    apply: Callable = _combined
    written_first = False

    def __init__(self, weights: list[Tensor], dilations: list[int], history: Tensor) -> None:
        self.weights, self.queues, x, kind = weights, [], history, type(self)
        for weight, d in zip(weights, dilations, strict=True):
            self.queues.append(kind.filled(x, kind.reach(d), history))
            x = _combined(x[:, :-d], x[:, d:], weight)

    def step(self, now: Tensor) -> Tensor:
        first, kind = now, type(self)
        for weight, queue in zip(self.weights, self.queues, strict=True):
            if self.written_first:
                queue.append(now)
            old = kind.read(queue)
            out = kind.apply(old, now, weight)
            if not self.written_first:
                queue.append(kind.put(now, out, first))
            now = out
        return now


def _remembering(**options: object) -> Callable:
    return lambda *case: probes.memory(type("Wrong", (_Memory,), options), *case)


def _shared(weights: list[Tensor], dilations: list[int], history: Tensor, x: Tensor) -> object:
    """Both memories use the queues of the first."""
    first = _Memory(weights, dilations, history)
    return probes.memory(lambda *case: first, weights, dilations, history, x)


def _in_one_column(weights: list[Tensor], dilations: list[int], history: Tensor, x: Tensor) -> object:
    results = probes.memory(_Memory, weights, dilations, history, x)
    return {key: value[:, :, None] if isinstance(value, Tensor) else value for key, value in results.items()}


def _draw_streams(draw: random.Random) -> list[tuple]:
    several = draw.sample([2, 3, 4, 5], 3)
    sizes = [(32, 10, [1, 2, 4], 9), (draw.randint(2, 5), 5, [*several, 1], 13), (1, 4, [3, 1], 8), (3, 6, [2, 1], 7)]
    longer = [2, 4, 0, 3]  # than what the layers look back, by so many time steps
    return [
        (
            [numbers(draw, C, 2 * C) / C**0.5 for _ in dilations],
            dilations,
            numbers(draw, B, sum(dilations) + more, C),
            numbers(draw, B, steps, C),
        )
        for (B, C, dilations, steps), more in zip(sizes, longer, strict=True)
    ]


MEMORY = Implement(
    "Memory",
    _draw_streams(random.Random(1)),
    _draw_streams,
    lambda *case: probes.memory(_Memory, *case),
    "Each step gives the output of the whole sequence and computes one column of each layer; memories are separate.",
    mistakes(
        """
        read after it was written: The oldest input was gone when it was needed: read first, then write; or is the queue
            one too short?
        queue one too long: The input read is one step too old: how many inputs does a queue hold when its layer reads
            it?
        newest read: The newest input of the queue was read; the oldest is `dilation` steps back.
        queue stands still: The same old inputs are read at every step: remove what is read, and append the new input.
        started from zeros: The queues begin empty or with zeros; they should hold the inputs of the layers during the
            history.
        filled with the first inputs: The queues hold the beginning of the history; the first step follows its end.
        history in every queue: Every queue was filled with the history itself; a later layer got the outputs of the
            layer below it.
        newest first: The queues were filled in reverse: the oldest input leaves first.
        first input in every queue: Each queue got the input of the first layer; a later layer has its own input.
        output queued: The output of a layer went into its queue; its input belongs there.
        taps reversed: In each row of the weight the earlier tap is first.
        tanh left out: Each layer has a tanh.
        rows share a queue: All sequences got the queue of the first row; each row of the batch has its own past.
        memories share a queue: Two memories share one list as their queue. Make new queues for each memory.
        whole window again: The outputs are right, but each step computes columns that were computed before. Queues
            avoid that.
        time step kept: step returns (B, C), one column without a time dimension.
        squeeze(): A batch of one is a batch: its dimension stays.
        """,
        {
            "read after it was written": _remembering(reach=lambda d: d - 1, written_first=True),
            "queue one too long": _remembering(reach=lambda d: d + 1),
            "newest read": _remembering(read=lambda queue: (queue[-1], queue.pop(0))[0]),
            "queue stands still": _remembering(read=lambda queue: queue[0]),
            "started from zeros": _remembering(filled=lambda x, d, history: [torch.zeros_like(x[:, 0])] * d),
            "filled with the first inputs": _remembering(filled=lambda x, d, history: list(x[:, :d].unbind(1))),
            "history in every queue": _remembering(filled=lambda x, d, history: list(history[:, -d:].unbind(1))),
            "newest first": _remembering(filled=lambda x, d, history: list(x[:, -d:].flip(1).unbind(1))),
            "first input in every queue": _remembering(put=lambda now, out, first: first),
            "output queued": _remembering(put=lambda now, out, first: out),
            "taps reversed": _remembering(apply=lambda old, now, weight: _combined(now, old, weight)),
            "tanh left out": _remembering(apply=lambda old, now, weight: torch.cat([old, now], dim=-1) @ weight.T),
            "rows share a queue": _remembering(
                apply=lambda old, now, weight: _combined(old[:1].expand_as(now), now, weight)
            ),
            "memories share a queue": _shared,
            "whole window again": lambda *case: probes.memory(_Memory, *case) | {"computed": probes.SEVERAL_COLUMNS},
            "time step kept": _in_one_column,
            "squeeze()": lambda *case: {
                key: value[0].mT if isinstance(value, Tensor) and len(value) == 1 else value
                for key, value in probes.memory(_Memory, *case).items()
            },
        },
    ),
    {
        part: ("queue one too short", "A queue was shorter than needed: with dilation 1 it holds one input.")
        for part in ("pop from an empty", "pop from empty", "out of range")
    },
    probe=probes.memory,
)


def _normalised(a: Tensor, dims: Sequence[int], correction: int = 0) -> Tensor:
    variance = a.var(tuple(dims), keepdim=True, correction=correction)
    return (a - a.mean(tuple(dims), keepdim=True)) / (variance + 1e-5).sqrt()


def _logits(
    ids: Tensor,
    net: dict,
    norm: Callable = lambda a: _normalised(a, [2]),
    before: Callable = lambda seen: seen,
    unit: Callable = _gate,
    after: Callable = lambda x: x,
) -> Tensor:
    """Logits of a net with a norm in each layer; the options are ways to go wrong."""
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = norm(before(_pairs(x, d)) @ layer["weight"].T)
        x = after(x[:, d:] + unit(*a.chunk(2, dim=2)) @ layer["mix"].T)
    return x @ net["head"].T


def _over(*dims: int) -> Callable:
    return lambda a: _normalised(a, dims)


def _draw_nets(draw: random.Random) -> list[tuple]:
    cases, several = [], [draw.randint(1, 3), draw.randint(1, 3)]
    for B, T, V, C, dilations in (
        (32, 15, 27, 10, [1, 2, 4]),
        (draw.randint(2, 5), 20, 9, 6, several),
        (1, 11, 6, 4, [2, 1]),
    ):
        net = {"table": numbers(draw, V, C), "layers": _layers(draw, C, 1, dilations), "head": numbers(draw, V, C)}
        for layer in net["layers"]:
            del layer["skip"]
        cases.append((ids(draw, V, B, T), net))
    return cases


MENDED = Implement(
    "name_logits",
    _draw_nets(random.Random(1)),
    _draw_nets,
    _logits,
    "Each position is normalised by itself, in nets of two and three layers, and no output sees the future.",
    mistakes(
        """
        not done: The logits are those of the function as given, so the mistake is still in it.
        norm left out: The norm is gone; expected one over the right numbers.
        mean over batch and time: That is BatchNorm in train mode: the mean still runs over later positions.
        mean over time: Each channel's mean still runs over later positions.
        mean over the batch: The mean runs over the sequences of the batch: an output depends on the others now.
        mean over batch and channels: The mean runs over the sequences of the batch, too: an output depends on the
            others now.
        mean over everything: The mean still runs over later positions, and now over the batch as well.
        mean not subtracted: LayerNorm subtracts the mean and divides by the deviation; yours only divides.
        mean only: LayerNorm divides by the deviation as well.
        unbiased variance: LayerNorm divides the sum of the squares by the number of channels, not by one less.
        filter and gate apart: Filter and gate were normalised together, and that was right.
        norm after the gate: The norm was between convolution and gate, and that was right.
        norm before the convolution: The norm was behind the convolution, and that was right.
        norm after the residual: The norm was behind the convolution, and that was right.
        filter and gate swapped: The first half is the filter; that was right.
        """,
        {
            NOT_DONE: partial(_logits, norm=_over(1, 2)),
            "norm left out": partial(_logits, norm=lambda a: a),
            "mean over batch and time": partial(_logits, norm=_over(0, 1)),
            "mean over time": partial(_logits, norm=_over(1)),
            "mean over the batch": partial(_logits, norm=_over(0)),
            "mean over batch and channels": partial(_logits, norm=_over(0, 2)),
            "mean over everything": partial(_logits, norm=_over(0, 1, 2)),
            "mean not subtracted": [
                partial(_logits, norm=lambda a: a / (a.var(2, keepdim=True, correction=0) + 1e-5).sqrt()),
                partial(_logits, norm=lambda a: a / (a.square().mean(2, keepdim=True) + 1e-5).sqrt()),
            ],
            "mean only": partial(_logits, norm=lambda a: a - a.mean(2, keepdim=True)),
            "unbiased variance": partial(_logits, norm=lambda a: _normalised(a, [2], correction=1)),
            "filter and gate apart": partial(
                _logits, norm=lambda a: torch.cat([_normalised(half, [2]) for half in a.chunk(2, dim=2)], dim=2)
            ),
            "norm after the gate": partial(
                _logits, norm=lambda a: a, unit=lambda filter, gate: _normalised(_gate(filter, gate), [2])
            ),
            "norm before the convolution": partial(_logits, norm=lambda a: a, before=_over(2)),
            "norm after the residual": partial(_logits, norm=lambda a: a, after=_over(2)),
            "filter and gate swapped": partial(_logits, unit=lambda filter, gate: filter.sigmoid() * gate.tanh()),
        },
    ),
    {
        "normalized_shape": (
            "another dimension handed to the norm",
            "layer_norm averages over the *last* dimensions, whose sizes it takes. Which are in one position?",
        )
    },
)

EXERCISES = {"predictions": PREDICTIONS, "stack": STACK, "name_losses": LOSS, "memory": MEMORY, "mended": MENDED}
