"""Checks of lesson 08: a loss that leaves the padding out, and a WaveNet layer to mend."""

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.checks.exercise import IGNORED, Implement, Mistake, composed, listed, without_lib


def _log_prob(logits: Tensor, targets: Tensor, dim: int = 2) -> Tensor:
    """The log-probability of every target, (B, T), padding as if it were id 0."""
    return logits.log_softmax(dim).gather(2, targets.clamp(min=0)[..., None])[..., 0]


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    return -_log_prob(logits, targets)[targets >= 0].mean()


def _loss_case(B: int, T: int, V: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(V)
    logits, targets = 2 * torch.randn(B, T, V, generator=generator), torch.randint(V, (B, T), generator=generator)
    targets[:, -1] = 0
    for row in range(1, B):  # the first row is full, the others shorter and shorter
        targets[row, T - 1 - row] = 0
        targets[row, T - row :] = -1
    return logits, targets


def _with_holes(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The same without every third target, the first of the batch among them."""
    return logits, torch.where(torch.arange(targets.numel()).view(targets.shape) % 3 > 0, targets, -1)


def _by_hand(calls: Mapping[str, int]) -> tuple[str, str] | None:
    ignored = "padding ignored by torch", "torch left the padding out (ignore_index, -100 by default): do it yourself."
    return without_lib(calls) or (ignored if calls.get(IGNORED) else None)


# Exercise 1: logits (B, T, V) and targets (B, T) with -1 for padding (F.cross_entropy refuses it), to the mean loss in nats per character.
masked_loss = Implement(
    "my_loss",
    [_loss_case(3, 6, 5), _loss_case(2, 4, 27), _loss_case(4, 9, 3), _with_holes(*_loss_case(3, 7, 6))],
    solution=lambda lo, t: _loss(lo, t).item(),
    praise="my_loss is the mean over the real targets, for four batches.",
    mistakes=(
        Mistake(
            "padding counted",
            "You counted the padding as if its target were a stop mark. Leave those positions out.",
            lambda lo, t: -_log_prob(lo, t).mean().item(),
        ),
        Mistake(
            "divided by all positions",
            "The sum is right. Divide it by the number of real targets, not by that of all positions.",
            lambda lo, t: -(_log_prob(lo, t) * (t >= 0)).mean().item(),
        ),
        Mistake(
            "mean of means",
            "You took the mean of each name and then the mean of those, so that characters of short names count more.",
            lambda lo, t: (
                sum(F.cross_entropy(a, b, ignore_index=-1).item() for a, b in zip(lo, t, strict=True)) / len(t)
            ),
        ),
        Mistake(
            "sum",
            "That is the sum; divide by the number of real targets.",
            lambda lo, t: _loss(lo, t).item() * int((t >= 0).sum()),
        ),
        Mistake(
            "divided by names",
            "You divided the sum by the number of names; divide by the number of real targets.",
            lambda lo, t: _loss(lo, t).item() * int((t >= 0).sum()) / len(t),
        ),
        Mistake(
            "bits", "That is in bits: take the natural logarithm.", lambda lo, t: _loss(lo, t).item() / math.log(2)
        ),
        Mistake(
            "not reduced",
            "That is the surprise of each character; return their mean, one number.",
            lambda lo, t: (-_log_prob(lo, t)[t >= 0]).tolist(),
        ),
        Mistake("sign", "The loss is minus the logarithm; yours is negative.", lambda lo, t: -_loss(lo, t).item()),
        Mistake(
            "stop marks left out",
            "A stop mark (id 0) is a character to predict; only -1 is padding.",
            lambda lo, t: -_log_prob(lo, t)[t > 0].mean().item(),
        ),
        Mistake(
            "probabilities averaged",
            "You averaged probabilities and took the logarithm at the end; take it for each character, then average.",
            lambda lo, t: -_log_prob(lo, t)[t >= 0].exp().mean().log().item(),
        ),
        Mistake(
            "logits not normalised",
            "Logits are no log-probabilities yet; log_softmax over the last dimension makes them.",
            lambda lo, t: -lo.gather(2, t.clamp(min=0)[..., None])[..., 0][t >= 0].mean().item(),
        ),
        Mistake(
            "softmax over the positions",
            "The softmax is over the positions (dim 1); it belongs over the characters (dim 2).",
            lambda lo, t: -_log_prob(lo, t, dim=1)[t >= 0].mean().item(),
        ),
    ),
    method=_by_hand,
    probe=listed,
    hint="Try it with one name of one letter.",
)


def _layer(
    x: Tensor,
    weight: Tensor,
    mix: Tensor,
    d: int,
    order: Callable = lambda weight: weight,
    unit: Callable = lambda filter, gate: torch.tanh(filter) * torch.sigmoid(gate),
    output: Callable = lambda before, now, z, mix: now + z @ mix.T,
) -> tuple[Tensor, Tensor]:
    """The output and z. `order` takes the weight, `unit` filter and gate, `output` both taps' input, z and mix."""
    before, now = x[:, :-d], x[:, d:]
    filter, gate = (torch.cat([before, now], dim=2) @ order(weight).T).chunk(2, dim=2)
    z = unit(filter, gate)
    return output(before, now, z, mix), z


def _layer_case(B: int, T: int, C: int, dilation: int) -> tuple:
    generator = torch.Generator().manual_seed(C)
    return *(torch.randn(shape, generator=generator) for shape in ((B, T, C), (2 * C, 2 * C), (C, C))), dilation


# Exercise 2, a layer to mend: x (B, T, C), weight (2C, 2C), mix (C, C), dilation, to the output and z, (B, T - dilation, C)
# each. The three mistakes that it is given with are named by their symptoms.
mend_gated_layer = Implement(
    "my_layer",
    [_layer_case(2, 9, 3, 1), _layer_case(1, 12, 2, 2), _layer_case(3, 10, 4, 4), _layer_case(2, 4, 5, 3)],
    solution=_layer,
    praise="Output and z are right for dilations 1 to 4: all three faults are mended.",
    mistakes=(
        *composed(
            _layer,
            order=(
                Mistake(
                    "a shuffled kernel",
                    "A row of weight holds all channels of the earlier tap, then all of the later one. What does your "
                    "view take for neighbours?",
                    lambda w: w.view(len(w), -1, 2).transpose(1, 2).flatten(1),
                ),
                Mistake(
                    "taps turned round",
                    "The earlier tap is first in the weight.",
                    lambda w: w.roll(len(w) // 2, dims=1),
                ),
            ),
            unit=(
                Mistake(
                    "a gate below zero",
                    "A gate shuts or opens, from 0 to 1; it never changes a sign. Print the smallest value of yours.",
                    lambda f, g: torch.tanh(f) * torch.tanh(g),
                ),
                Mistake(
                    "filter and gate swapped",
                    "The first half of the channels is the filter (tanh), the second the gate (sigmoid).",
                    lambda f, g: torch.tanh(g) * torch.sigmoid(f),
                ),
                Mistake("no gate", "z is the filter alone; multiply it with the gate.", lambda f, g: torch.tanh(f)),
                Mistake(
                    "gate without sigmoid",
                    "The gate goes through the sigmoid before it multiplies.",
                    lambda f, g: torch.tanh(f) * g,
                ),
                Mistake(
                    "filter without tanh",
                    "The filter goes through tanh before it is multiplied.",
                    lambda f, g: f * torch.sigmoid(g),
                ),
                Mistake(
                    "two sigmoids",
                    "The filter may be negative: it goes through tanh.",
                    lambda f, g: torch.sigmoid(f) * torch.sigmoid(g),
                ),
                Mistake(
                    "added",
                    "Filter and gate are multiplied, not added.",
                    lambda f, g: torch.tanh(f) + torch.sigmoid(g),
                ),
            ),
            output=(
                Mistake(
                    "x from the earlier time step",
                    "With mix = 0, each output should be x at its own time step. At which time step is yours?",
                    lambda before, now, z, mix: before + z @ mix.T,
                ),
                Mistake(
                    "no residual path",
                    "The output lacks x: the residual path adds it.",
                    lambda before, now, z, mix: z @ mix.T,
                ),
                Mistake(
                    "1×1 convolution left out",
                    "The residual path adds z @ mix.T to x; you added z itself.",
                    lambda before, now, z, mix: now + z,
                ),
                Mistake(
                    "mix not transposed",
                    "A row of mix is one output channel: multiply with mix.T.",
                    lambda before, now, z, mix: now + z @ mix,
                ),
                Mistake(
                    "x added before the 1×1 convolution",
                    "Only z goes through the residual path's 1×1 convolution; x is added afterwards.",
                    lambda before, now, z, mix: (now + z) @ mix.T,
                ),
            ),
        ),
        Mistake(
            "wrong order",
            "The two are in the wrong order: the output first, then z.",
            lambda *case: _layer(*case)[::-1],
        ),
        Mistake(
            "z after the 1×1 convolution",
            "z is the product of filter and gate, before the 1×1 convolution: the skip path has its own.",
            lambda x, w, m, d: (_layer(x, w, m, d)[0], _layer(x, w, m, d)[1] @ m.T),
        ),
        Mistake(
            "dilation ignored",
            "The two taps must be `dilation` time steps apart; yours are neighbours.",
            lambda x, w, m, d: _layer(x, w, m, 1),
        ),
    ),
    hint="Both have T - dilation time steps. Result 1 is the output, result 2 is z; if z is wrong, so is the output.",
)
