"""Checks of lesson 08: one WaveNet layer, a loss that leaves the padding out, and one step of a queue."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.checks.exercise import Verdict, check_tensor, right, run, wrong


def _parts(x: Tensor, weight: Tensor, d: int) -> tuple[Tensor, Tensor, Tensor]:
    """Filter and gate before their activations, and the input at the outputs' own time steps."""
    filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ weight.T).chunk(2, dim=2)
    return filter, gate, x[:, d:]


def _layer(
    x: Tensor, weight: Tensor, mix: Tensor, d: int, unit: Callable | None = None, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    filter, gate, now = _parts(x, weight, d)
    z = torch.tanh(filter) * torch.sigmoid(gate) if unit is None else unit(filter, gate)
    return (now if past is None else past) + z @ mix.T, z


def _swap(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return pair[1], pair[0]


# What an answer may do instead of the right thing: its name, a hint, and the output and z for x, weight, mix, dilation.
_LAYERS = (
    ("wrong order", "The two come in the wrong order: the output first, then z.", lambda x, w, m, d: _swap(_layer(x, w, m, d))),
    ("filter and gate swapped", "The first half of the channels is the filter (tanh), the second the gate (sigmoid).", lambda x, w, m, d: _layer(x, w, m, d, lambda f, g: torch.tanh(g) * torch.sigmoid(f))),
    ("no gate", "z is the filter alone; multiply it with the gate.", lambda x, w, m, d: _layer(x, w, m, d, lambda f, g: torch.tanh(f))),
    ("gate without sigmoid", "The gate goes through the sigmoid before it multiplies.", lambda x, w, m, d: _layer(x, w, m, d, lambda f, g: torch.tanh(f) * g)),
    ("filter without tanh", "The filter goes through tanh before it is multiplied.", lambda x, w, m, d: _layer(x, w, m, d, lambda f, g: f * torch.sigmoid(g))),
    ("two tanh", "The gate takes the sigmoid, which is between 0 and 1; yours is a second tanh.", lambda x, w, m, d: _layer(x, w, m, d, lambda f, g: torch.tanh(f) * torch.tanh(g))),
    ("added", "Filter and gate are multiplied, not added.", lambda x, w, m, d: _layer(x, w, m, d, lambda f, g: torch.tanh(f) + torch.sigmoid(g))),
    ("no residual path", "The output lacks x: the residual path adds it.", lambda x, w, m, d: _layer(x, w, m, d, past=torch.zeros(()))),
    ("residual from the past", "The residual path adds x at the output's own time step, x[:, dilation:]; you added the earlier tap.", lambda x, w, m, d: _layer(x, w, m, d, past=x[:, :-d])),
    ("1×1 convolution left out", "The residual path adds z @ mix.T to x; you added z itself.", lambda x, w, m, d: (x[:, d:] + _layer(x, w, m, d)[1], _layer(x, w, m, d)[1])),
    ("z after the 1×1 convolution", "z is the product of filter and gate, before the 1×1 convolution: the skip path has one of its own.", lambda x, w, m, d: (_layer(x, w, m, d)[0], _layer(x, w, m, d)[1] @ m.T)),
    ("mix not transposed", "A row of mix is one output channel: multiply with mix.T.", lambda x, w, m, d: (x[:, d:] + _layer(x, w, m, d)[1] @ m, _layer(x, w, m, d)[1])),
    ("x added before the 1×1 convolution", "Only z goes through the residual path's 1×1 convolution; x goes past it and is added afterwards.", lambda x, w, m, d: ((x[:, d:] + _layer(x, w, m, d)[1]) @ m.T, _layer(x, w, m, d)[1])),
    ("taps turned round", "The earlier tap stands first in the weight.", lambda x, w, m, d: _layer(x, torch.cat([w[:, x.shape[2] :], w[:, : x.shape[2]]], dim=1), m, d)),
    ("dilation ignored", "The two taps must be `dilation` time steps apart; yours are neighbours.", lambda x, w, m, d: _layer(x, w, m, 1)),
)  # fmt: skip


def gated_layer(function: Callable) -> Verdict:
    """Lesson 08, exercise 1: x (B, T, C), weight (2C, 2C), mix (C, C), dilation, to the output and z, (B, T - dilation, C) each."""
    generator = torch.Generator().manual_seed(0)
    for (B, T, C), dilation in (((2, 9, 3), 1), ((1, 12, 2), 2), ((3, 10, 4), 4)):
        x = torch.randn(B, T, C, generator=generator)
        weight, mix = (torch.randn(size, size, generator=generator) for size in (2 * C, C))
        result, problem = run(function, x, weight, mix, dilation)
        if problem:
            return problem
        pair = isinstance(result, tuple | list) and len(result) == 2
        if not pair or not all(isinstance(part, Tensor) for part in result):
            return wrong("not two tensors", "my_layer should return two tensors: the output for the next layer, and z.")
        result, wanted = tuple(result), _layer(x, weight, mix, dilation)
        if _same_pair(result, wanted):
            continue
        message = f"For x of shape {(B, T, C)} and dilation {dilation}: "
        for mistake, hint, other in _LAYERS:
            if _same_pair(result, other(x, weight, mix, dilation)):
                return wrong(mistake, message + hint)
        why = f"T - dilation = {T - dilation} time steps, {C} channels."
        for name, part, should in zip(("the output", "z"), result, wanted, strict=True):
            if part.shape != should.shape:
                return check_tensor(f"my_layer, for {name},", part, should.shape, why)
        where = "z is right; look at the output." if _same_pair(result[1:], wanted[1:]) else "Look at z first."
        return wrong("other values", message + "the shapes are right and the numbers are not. " + where)
    return right("my_layer gave output and z for dilations 1, 2 and 4.")


def _same_pair(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> bool:
    return all(a.shape == b.shape and torch.allclose(a, b, atol=1e-5) for a, b in zip(found, wanted, strict=True))


def _surprises(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Minus the log-probability of every target, padding as if it were id 0, and which targets are real."""
    real = targets >= 0
    return -F.log_softmax(logits, dim=2).gather(2, targets.clamp(min=0)[..., None])[..., 0], real


def _right_loss(logits: Tensor, targets: Tensor) -> Tensor:
    surprise, real = _surprises(logits, targets)
    return surprise[real].mean()


def _each(logits: Tensor, targets: Tensor) -> Tensor:
    surprise, real = _surprises(logits, targets)
    return ((surprise * real).sum(1) / real.sum(1)).mean()


_LOSSES = (
    ("padding counted", "You counted the padding, as if a stop mark had come there. Leave those positions out.", lambda lo, t: _surprises(lo, t)[0].mean()),
    ("divided by all positions", "The sum is right. Divide it by the number of real targets, not by that of all positions.", lambda lo, t: (_surprises(lo, t)[0] * _surprises(lo, t)[1]).mean()),
    ("mean of means", "You took the mean of each name and then the mean of those, so that a letter of a short name counts more. Take one mean over all letters.", _each),
    ("sum", "That is the sum; divide by the number of real targets.", lambda lo, t: _right_loss(lo, t) * (t >= 0).sum()),
    ("divided by names", "You divided the sum by the number of names; divide by the number of letters.", lambda lo, t: _right_loss(lo, t) * (t >= 0).sum() / len(t)),
    ("sign", "The loss is minus the logarithm; yours is negative.", lambda lo, t: -_right_loss(lo, t)),
    ("stop marks left out", "A stop mark (id 0) is a letter to predict; only -100 is padding.", lambda lo, t: _surprises(lo, t)[0][t > 0].mean()),
    ("probabilities averaged", "You averaged probabilities and took the logarithm at the end; take it for each letter, then average.", lambda lo, t: -(-_surprises(lo, t)[0][t >= 0]).exp().mean().log()),
    ("logits not normalised", "Logits are no log-probabilities yet; log_softmax over the last dimension makes them.", lambda lo, t: -lo.gather(2, t.clamp(min=0)[..., None])[..., 0][t >= 0].mean()),
    ("softmax over the positions", "The softmax ran over the positions (dim 1); it belongs over the characters (dim 2).", lambda lo, t: -F.log_softmax(lo, dim=1).gather(2, t.clamp(min=0)[..., None])[..., 0][t >= 0].mean()),
)  # fmt: skip


def masked_loss(function: Callable) -> Verdict:
    """Lesson 08, exercise 2: logits (B, T, V) and targets (B, T) with -100 for padding, to the mean loss of a letter."""
    generator = torch.Generator().manual_seed(0)
    for B, T, V in ((3, 6, 5), (2, 4, 27), (4, 9, 3)):
        logits = 2 * torch.randn(B, T, V, generator=generator)
        targets = torch.randint(V, (B, T), generator=generator)
        targets[:, -1] = 0
        for row in range(1, B):  # the first row is full, the others shorter and shorter
            targets[row, T - 1 - row] = 0
            targets[row, T - row :] = -100
        result, problem = run(function, logits, targets)
        if problem:
            return problem
        if not isinstance(result, float | Tensor) or (isinstance(result, Tensor) and result.numel() != 1):
            what = f"shape {tuple(result.shape)}" if isinstance(result, Tensor) else type(result).__name__
            return wrong("not a number", f"my_loss returned {what}; one number was wanted.")
        found, wanted = float(result), _right_loss(logits, targets).item()
        if abs(found - wanted) < 1e-4:
            continue
        message = f"For logits of shape {(B, T, V)} you gave {found:.4f}; wanted {wanted:.4f}. "
        for mistake, hint, other in _LOSSES:
            if abs(found - other(logits, targets).item()) < 1e-4:
                return wrong(mistake, message + hint)
        return wrong("other values", message + "Try it with one name of one letter.")
    return right("my_loss is the mean over the real letters, for three batches.")


_QUEUES = (
    ("newest instead of oldest", "You read the newest input; the tap looks `dilation` steps back, which is the oldest.", lambda q, n: (q[-1], [*q[1:], n])),
    ("written before it is read", "You put the new input in before you read, so that the oldest had fallen out already.", lambda q, n: ([*q, n][1], [*q[1:], n])),
    ("not moved", "The queue that you return is as it was: the oldest should go, the new one come in.", lambda q, n: (q[0], list(q))),
    ("oldest kept", "The queue has grown by one: the oldest should go.", lambda q, n: (q[0], [*q, n])),
    ("new one not put in", "The queue is shorter than before: the new input should come in at the end.", lambda q, n: (q[0], list(q[1:]))),
    ("put in at the front", "The new input belongs at the end: the front is where the oldest stands.", lambda q, n: (q[0], [n, *q[1:]])),
    ("newest overwritten", "The oldest should go; you wrote over the newest.", lambda q, n: (q[0], [*q[:-1], n])),
    ("turned round", "The queue comes back in the wrong order: oldest first.", lambda q, n: (q[0], [*q[1:], n][::-1])),
    ("wrong order", "The two come in the wrong order: first what was read, then the queue.", lambda q, n: ([*q[1:], n], q[0])),
    ("new input read", "You returned the new input; what the layer needs besides it is the oldest of the queue.", lambda q, n: (n, [*q[1:], n])),
)  # fmt: skip


def queue_step(function: Callable) -> Verdict:
    """Lesson 08, exercise 3: a queue, oldest first, and a new input, to the input that the layer reads and the new queue."""
    for queue, now in ((["a", "r", "l", "i"], "e"), (["l", "i"], "e"), (["i"], "e"), ([3, 1, 4, 1, 5, 9, 2, 6], 7)):
        result, problem = run(function, queue, now)
        if problem:
            return problem
        if not isinstance(result, tuple | list) or len(result) != 2:
            return wrong("not two", "my_step should return two things: the input that was read, and the new queue.")
        found = tuple(list(part) if isinstance(part, list | tuple) else part for part in result)
        if found == (queue[0], [*queue[1:], now]):
            continue
        message = f"For the queue {queue} and the new input {now!r} you gave {found[0]!r} and {found[1]!r}. "
        for mistake, hint, other in _QUEUES:
            if found == other(queue, now):
                return wrong(mistake, message + hint)
        return wrong("other values", message + "Draw the queue before and after.")
    return right("my_step read and moved queues of 1, 2, 4 and 8 inputs.")
