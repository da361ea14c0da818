"""Assignment 08, WaveNet: what each exercise is tried on, what is right, and the mistakes that are known."""

import math
import random
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from classroom.assignments.a08_predictions import PREDICTIONS
from lib.checks.exercise import NOT_DONE, Implement, Mistake, ids, numbers
from lib.wavenet.sequences import IGNORED


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


def _doing(**options: object) -> Callable:
    return lambda *case: _stacked(*case, **options)


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
    ]
    return [(numbers(draw, B, T, C), _layers(draw, C, S, dilations)) for B, T, C, S, dilations in sizes]


STACK = Implement(
    "my_skip_sum",
    _draw_stacks(random.Random(2)),
    _draw_stacks,
    _stacked,
    "What the head reads, for stacks of one to four layers, and each layer's z at the positions of the last.",
    (
        Mistake("filter and gate swapped", "The first half of the convolution's channels is the filter. Which activation does it get?", _doing(unit=lambda filter, gate: filter.sigmoid() * gate.tanh())),
        Mistake("sum in place of product", "Filter and gate were added; a gate multiplies.", _doing(unit=lambda filter, gate: filter.tanh() + gate.sigmoid())),
        Mistake("gate left out", "That is z without its gate.", _doing(unit=lambda filter, gate: filter.tanh())),
        Mistake("two sigmoids", "The filter does not go through a sigmoid.", _doing(unit=lambda filter, gate: filter.sigmoid() * gate.sigmoid())),
        Mistake("two tanhs", "The gate does not go through tanh: it lies between 0 and 1.", _doing(unit=lambda filter, gate: filter.tanh() * gate.tanh())),
        Mistake("filter without tanh", "The filter has an activation, too.", _doing(unit=lambda filter, gate: filter * gate.sigmoid())),
        Mistake("channels interleaved", "The first C channels are the filter, the last C the gate; you took every second one.", _doing(split=lambda a: (a[..., ::2], a[..., 1::2]))),
        Mistake("residual left out", "The next layer gets W z alone; the layer's own input is missing.", _doing(onward=lambda x, z, d, mix: z @ mix.T)),
        Mistake("z handed on", "The next layer gets z alone; the residual path is missing.", _doing(onward=lambda x, z, d, mix: z)),
        Mistake("residual without its weights", "z goes through `mix` before it is added.", _doing(onward=lambda x, z, d, mix: x[:, d:] + z)),
        Mistake("residual from the earlier tap", "Which of the two columns that a layer reads stands above its output?", _doing(onward=lambda x, z, d, mix: x[:, :-d] + z @ mix.T)),
        Mistake("input unchanged", "Every layer reads the same x; the second should read what the first gives.", _doing(onward=lambda x, z, d, mix: x, keep=lambda z, T_out: z[:, -T_out:])),
        Mistake("output sent in place of z", "The skip path takes z, before the residual path adds x.", _doing(send=lambda z, out: out)),
        Mistake("skips left out", "Only the last layer has sent something; all of them do.", _doing(total=lambda sent: sent[-1])),
        Mistake("first layer only", "Only the first layer's z came through; the head reads a sum over all of them.", _doing(total=lambda sent: sent[0])),
        Mistake("last layer left out", "The last layer sends its z, too.", _doing(total=lambda sent: sum(sent[:-1], torch.zeros_like(sent[-1])))),
        Mistake("mean of the skips", "The skips are added up, and not divided.", _doing(total=lambda sent: sum(sent) / len(sent))),
        Mistake("product of the skips", "The skips are added up.", _doing(total=lambda sent: math.prod(sent))),
        Mistake("skips side by side", "The skips are added up; yours stand side by side.", _doing(total=lambda sent: torch.cat(sent, dim=2))),
        Mistake("first columns", "The columns of an early layer's z that fit the last layer are not its first ones: each layer loses columns at the beginning.", _doing(keep=lambda z, T_out: z[:, :T_out])),
        Mistake("taps turned round", "In each row of the weight the earlier tap stands first.", _doing(seen=lambda x, d: torch.cat([x[:, d:], x[:, :-d]], dim=2))),
        Mistake("dilation ignored", "The two taps of a layer are `dilation` time steps apart.", _doing(seen=lambda x, d: _pairs(x, 1), onward=lambda x, z, d, mix: x[:, 1:] + z @ mix.T)),
        Mistake("weights not transposed", "The weights have a row for each output, as those of a Linear layer.", _doing(weight=lambda weight: weight)),
        Mistake("weights not transposed", "The weights have a row for each output, as those of a Linear layer.", _doing(onward=lambda x, z, d, mix: x[:, d:] + z @ mix)),
        Mistake("weights not transposed", "The weights have a row for each output, as those of a Linear layer.", _doing(weight=lambda weight: weight, onward=lambda x, z, d, mix: x[:, d:] + z @ mix)),
        Mistake("zero padding", "The layers were padded with zeros, so that T columns come; nothing is padded here.", _doing(seen=lambda x, d: _pairs(F.pad(x, (0, 0, d, 0)), d), onward=lambda x, z, d, mix: x + z @ mix.T, keep=lambda z, T_out: z)),
        Mistake("squeeze()", "A dimension of size 1 went missing: a batch of one is a batch.", lambda *case: _stacked(*case).squeeze()),
        Mistake("squeezed at its front", "A batch of one is a batch: its dimension stays.", lambda *case: _stacked(*case).squeeze(0)),
    ),
    {"non-singleton dimension 1": ("columns that do not fit", "Two tensors with different numbers of columns were added: every layer's output is shorter than its input, at its beginning.")},
)  # fmt: skip


def _surprises(logits: Tensor, targets: Tensor) -> Tensor:
    """The surprise at each target, (B, T), 0 where there is none."""
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
    return cases


LOSS = Implement(
    "my_name_losses",
    _draw_losses(random.Random(3)),
    _draw_losses,
    lambda logits, targets: _mean(_surprises(logits, targets), targets),
    "Each name has the mean of its own targets, its stop mark among them, however much padding stands behind it.",
    (
        Mistake("squeeze()", "A batch of one name has one loss, in a tensor of shape (1,).", lambda x, y: _mean(_surprises(x, y), y).squeeze()),
        Mistake("mean over padding", "The sum is right, and it is divided by all T positions, padding included.", lambda x, y: _surprises(x, y).mean(1)),
        Mistake("padding as stop marks", "The positions without target were counted as if a stop mark were to come there.", lambda x, y: F.cross_entropy(x.transpose(1, 2), y.clamp(min=0), reduction="none").mean(1)),
        Mistake("padding above the line", "Divided by the right number; but the sum has the padding in it.", lambda x, y: _mean(F.cross_entropy(x.transpose(1, 2), y.clamp(min=0), reduction="none"), y)),
        Mistake("stop mark left out", "The stop mark that ends a name is a target, too: its id is 0, and 0 is not padding.", lambda x, y: _mean(_surprises(x, y) * (y > 0), y, y > 0)),
        Mistake("stop mark not counted", "The sum has the stop mark in it, and the number of targets has not.", lambda x, y: _mean(_surprises(x, y), y, y > 0)),
        Mistake("summed", "Those are sums; the mean of each name was wanted.", lambda x, y: _surprises(x, y).sum(1)),
        Mistake("one number for the batch", "That is the loss of the whole batch; each name has one of its own.", lambda x, y: _surprises(x, y).sum() / (y >= 0).sum()),
        Mistake("one number for the batch", "That is the loss of the whole batch; each name has one of its own.", lambda x, y: _mean(_surprises(x, y), y).mean()),
        Mistake("one divisor for all", "Each name is divided by its own number of targets, not by that of the batch.", lambda x, y: _surprises(x, y).sum(1) / (y >= 0).sum()),
        Mistake("one divisor for all", "Each name is divided by its own number of targets, not by the average of the batch.", lambda x, y: _surprises(x, y).sum(1) / ((y >= 0).sum() / len(y))),
        Mistake("mean over the batch", "That is one number for each position; one for each name was wanted.", lambda x, y: _surprises(x, y).sum(0) / (y >= 0).sum(0)),
        Mistake("mean over the batch", "That is one number for each position; one for each name was wanted.", lambda x, y: _surprises(x, y).mean(0)),
        Mistake("not averaged", "That is the surprise of each position; what is left is the mean of each name.", _surprises),
        Mistake("sign", "A surprise is not negative.", lambda x, y: -_mean(_surprises(x, y), y)),
        Mistake("bits instead of nats", "That is a logarithm to the base 2.", lambda x, y: _mean(_surprises(x, y), y) / math.log(2)),
        Mistake("no softmax", "The logits themselves were averaged.", lambda x, y: -_of_real(x, y, lambda x: x)),
        Mistake("logarithm forgotten", "Those are mean probabilities.", lambda x, y: _of_real(x, y, lambda x: x.softmax(2))),
        Mistake("logarithm of the mean", "First the logarithm of each probability, then the mean.", lambda x, y: -_of_real(x, y, lambda x: x.softmax(2)).log()),
        Mistake("softmax over time", "The probabilities of the characters sum to 1 at each position; yours sum to 1 over the positions.", lambda x, y: -_of_real(x, y, lambda x: x.log_softmax(1))),
        Mistake("softmax over the batch", "The probabilities of the characters sum to 1 at each position; yours sum to 1 over the names.", lambda x, y: -_of_real(x, y, lambda x: x.log_softmax(0))),
        Mistake("softmax twice", "F.cross_entropy takes the softmax itself.", lambda x, y: _mean(_surprises(x.softmax(2), y), y)),
        Mistake("shift by one", "Each target was compared with the logits of the position before; logits and targets are aligned already.", lambda x, y: _mean(_surprises(x[:, :-1], y[:, 1:]), y[:, 1:])),
        Mistake("shift by one", "Each target was compared with the logits of the position after; logits and targets are aligned already.", lambda x, y: _mean(_surprises(x[:, 1:], y[:, :-1]), y[:, :-1])),
        Mistake("last position left out", "The last position of the longest name has a target, too.", lambda x, y: _mean(_surprises(x[:, :-1], y[:, :-1]), y[:, :-1])),
    ),
    {"out of bounds": ("padding used as an id", "-100 is no character: it can't be looked up."), "non-negative": ("padding used as an id", "-100 is no character: it can't be looked up.")},
)  # fmt: skip


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


class _Tanhs(TorchFunctionMode):
    """Counts the numbers that go through tanh while it is entered."""

    count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if getattr(function, "__name__", "") in ("tanh", "tanh_"):
            self.count += out.numel()
        return out


_ONE, _WINDOW = "one column of each layer at each step", "more than one column of each layer at each step"


def _run(answer: Callable, weights: list[Tensor], dilations: list[int], history: Tensor, x: Tensor) -> object:
    """Two memories, which take their steps by turns, the second with all times turned round."""
    if isinstance(answer, type):  # lists and dictionaries that belong to the class start anew, as after a restart
        anew = {key: type(item)() for key, item in vars(answer).items() if isinstance(item, (list, dict))}
        answer = type(answer.__name__, (answer,), anew)
    memories = [answer(weights, dilations, history), answer(weights, dilations, history.flip(1))]
    outs = [[], []]
    with _Tanhs() as tanhs:
        for now, other in zip(x.unbind(1), x.flip(1).unbind(1), strict=True):
            for memory, given, out in zip(memories, (now, other), outs, strict=True):
                out.append(memory.step(given.clone()))
    if outs[0][0] is None or outs[0][0] is ...:
        return None
    work = _ONE if tanhs.count <= 2 * len(weights) * x.numel() else _WINDOW
    return {"outputs": torch.stack(outs[0], dim=1), "of the second": torch.stack(outs[1], dim=1), "computed": work}


def _remembering(**options: object) -> Callable:
    return lambda *case: _run(type("Wrong", (_Memory,), options), *case)


def _shared(weights: list[Tensor], dilations: list[int], history: Tensor, x: Tensor) -> object:
    """Both memories put into and take out of the queues of the first."""
    first = _Memory(weights, dilations, history)
    return _run(lambda *case: first, weights, dilations, history, x)


def _in_one_column(weights: list[Tensor], dilations: list[int], history: Tensor, x: Tensor) -> object:
    found = _run(_Memory, weights, dilations, history, x)
    return {key: value[:, :, None] if isinstance(value, Tensor) else value for key, value in found.items()}


def _draw_streams(draw: random.Random) -> list[tuple]:
    several = draw.sample([2, 3, 4, 5], 3)
    sizes = [(32, 10, [1, 2, 4], 9), (draw.randint(2, 5), 5, [*several, 1], 13), (1, 4, [3, 1], 8), (3, 6, [2, 1], 7)]
    return [
        (
            [numbers(draw, C, 2 * C) / C**0.5 for _ in dilations],
            dilations,
            numbers(draw, B, sum(dilations) + draw.randint(2, 4), C),
            numbers(draw, B, steps, C),
        )
        for B, C, dilations, steps in sizes
    ]


MEMORY = Implement(
    "Memory",
    _draw_streams(random.Random(1)),
    _draw_streams,
    lambda *case: _run(_Memory, *case),
    "Step by step the same as all at once, with one column of each layer computed at each step, and two memories do not disturb each other.",
    (
        Mistake("read after it was written", "The oldest input had been pushed out when it was needed: read first, then write; or is the queue one too short?", _remembering(reach=lambda d: d - 1, written_first=True)),
        Mistake("queue one too long", "What comes out is one step too old: how many inputs does a queue hold when its layer is asked?", _remembering(reach=lambda d: d + 1)),
        Mistake("newest read", "The newest input of the queue was read; the oldest is the one that is `dilation` steps back.", _remembering(read=lambda queue: (queue[-1], queue.pop(0))[0])),
        Mistake("queue stands still", "The same old inputs come out again and again: what is read has to leave the queue, and the new input has to go in.", _remembering(read=lambda queue: queue[0])),
        Mistake("started from zeros", "The queues begin empty or with zeros; they should hold what the layers got during the history.", _remembering(filled=lambda x, d, history: [torch.zeros_like(x[:, 0])] * d)),
        Mistake("filled with the first inputs", "The queues hold the beginning of the history; its end is what comes before the first step.", _remembering(filled=lambda x, d, history: list(x[:, :d].unbind(1)))),
        Mistake("history in every queue", "Every queue was filled with the history itself; a later layer has got what the layer below it made of that.", _remembering(filled=lambda x, d, history: list(history[:, -d:].unbind(1)))),
        Mistake("newest first", "The queues were filled the wrong way round: the oldest input leaves first.", _remembering(filled=lambda x, d, history: list(x[:, -d:].flip(1).unbind(1)))),
        Mistake("first input in every queue", "Each queue got the input of the first layer; a later layer has an input of its own.", _remembering(put=lambda now, out, first: first)),
        Mistake("output queued", "A layer's output went into its own queue; its input belongs there.", _remembering(put=lambda now, out, first: out)),
        Mistake("taps turned round", "In each row of the weight the earlier tap stands first.", _remembering(apply=lambda old, now, weight: _combined(now, old, weight))),
        Mistake("tanh left out", "Each layer has a tanh.", _remembering(apply=lambda old, now, weight: torch.cat([old, now], dim=-1) @ weight.T)),
        Mistake("rows share a queue", "All sequences got the queue of the first row; each row of the batch has a past of its own.", _remembering(apply=lambda old, now, weight: _combined(old[:1].expand_as(now), now, weight))),
        Mistake("memories share a queue", "Two memories disturb each other: their queues are one and the same list. Make new ones for each memory.", _shared),
        Mistake("whole window again", "The outputs are right, and at each step columns were computed that had been computed before. A queue is there to spare that.", lambda *case: _run(_Memory, *case) | {"computed": _WINDOW}),
        Mistake("time step kept", "step gives (B, C), one column without a dimension for time.", _in_one_column),
        Mistake("squeeze()", "A batch of one is a batch: its dimension stays.", lambda *case: {key: value.squeeze(0).mT if isinstance(value, Tensor) else value for key, value in _run(_Memory, *case).items()}),
    ),
    {"pop from an empty": ("queue one too short", "A queue was empty when it was asked: with dilation 1 it holds one input."), "pop from empty": ("queue one too short", "A queue was empty when it was asked: with dilation 1 it holds one input."), "out of range": ("queue one too short", "A queue was shorter than the place that was asked for.")},
    probe=_run,
)  # fmt: skip


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


def _mending(**options: object) -> Callable:
    return lambda *case: _logits(*case, **options)


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
    (
        Mistake(NOT_DONE, "The logits are those of the function as it was given, so the mistake is still in it.", _mending(norm=_over(1, 2))),
        Mistake("norm left out", "There is no norm any more; one over the right numbers was wanted.", _mending(norm=lambda a: a)),
        Mistake("mean over batch and time", "That is BatchNorm in train mode: the mean still runs over later positions.", _mending(norm=_over(0, 1))),
        Mistake("mean over time", "Each channel's mean still runs over later positions.", _mending(norm=_over(1))),
        Mistake("mean over the batch", "The mean runs over the sequences of the batch: an output depends on its company now.", _mending(norm=_over(0))),
        Mistake("mean over batch and channels", "The mean runs over the sequences of the batch, too: an output depends on its company now.", _mending(norm=_over(0, 2))),
        Mistake("mean over everything", "The mean still runs over later positions, and now over the batch as well.", _mending(norm=_over(0, 1, 2))),
        Mistake("mean not subtracted", "LayerNorm subtracts the mean and divides by the deviation; here it is only divided.", _mending(norm=lambda a: a / (a.var(2, keepdim=True, correction=0) + 1e-5).sqrt())),
        Mistake("mean not subtracted", "LayerNorm subtracts the mean and divides by the deviation; here it is only divided.", _mending(norm=lambda a: a / (a.square().mean(2, keepdim=True) + 1e-5).sqrt())),
        Mistake("mean only", "LayerNorm divides by the deviation as well.", _mending(norm=lambda a: a - a.mean(2, keepdim=True))),
        Mistake("unbiased variance", "LayerNorm divides the sum of the squares by the number of channels, not by one less.", _mending(norm=lambda a: _normalised(a, [2], correction=1))),
        Mistake("filter and gate apart", "Filter and gate were normalised together, and that was right.", _mending(norm=lambda a: torch.cat([_normalised(half, [2]) for half in a.chunk(2, dim=2)], dim=2))),
        Mistake("norm after the gate", "The norm stood between convolution and gate, and that was right.", _mending(norm=lambda a: a, unit=lambda filter, gate: _normalised(_gate(filter, gate), [2]))),
        Mistake("norm before the convolution", "The norm stood behind the convolution, and that was right.", _mending(norm=lambda a: a, before=_over(2))),
        Mistake("norm after the residual", "The norm stood behind the convolution, and that was right.", _mending(norm=lambda a: a, after=_over(2))),
        Mistake("filter and gate swapped", "The first half is the filter; that was right.", _mending(unit=lambda filter, gate: filter.sigmoid() * gate.tanh())),
    ),
    {"normalized_shape": ("another dimension handed to the norm", "layer_norm wants the sizes of the *last* dimensions of its input, those that it takes the mean over. Which of them lie in one position?")},
)  # fmt: skip

EXERCISES = {"predictions": PREDICTIONS, "stack": STACK, "name_losses": LOSS, "memory": MEMORY, "mended": MENDED}
