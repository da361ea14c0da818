"""Checks of lesson 11: mu-law decoding, the layers that an echo needs, and bits per second."""

import math

import torch
from torch import Tensor

from lib.checks.exercise import Implement, Mistake, listed

MU = 255


def _expanded(y: Tensor, mu: int = MU) -> Tensor:
    """The waveform of companded values from -1 to 1."""
    return y.sign() * ((1 + mu) ** y.abs() - 1) / mu


def _companded(ids: Tensor, steps: int = MU) -> Tensor:
    """Levels from 0 to `steps` as companded values from -1 to 1."""
    return 2 * ids / steps - 1


# Exercise 1: ids, int64 from 0 to 255 of any shape, to the waveform, float of the same shape.
decode_levels = Implement(
    "my_decode",
    [(torch.arange(256),), (torch.tensor([[0, 30, 127], [128, 200, 255]]),), (torch.tensor(77),)],
    solution=lambda ids: _expanded(_companded(ids)),
    praise="my_decode is right for each of the 256 levels.",
    mistakes=(
        Mistake("no expanding", "That is step 1 alone, evenly spaced levels: undo the companding, too.", _companded),
        Mistake(
            "sign lost",
            "All samples are positive: restore the sign of y.",
            lambda ids: _expanded(_companded(ids)).abs(),
        ),
        Mistake("upside down", "Every sample has the wrong sign.", lambda ids: -_expanded(_companded(ids))),
        Mistake(
            "not moved to -1 ... 1",
            "ids / 255 runs from 0 to 1; twice that, minus 1, runs from -1 to 1.",
            lambda ids: _expanded(ids / MU),
        ),
        Mistake(
            "not moved to -1 ... 1",
            "ids / 255 - 1 runs from -1 to 0; twice ids / 255, minus 1, runs from -1 to 1.",
            lambda ids: _expanded(ids / MU - 1),
        ),
        Mistake(
            "y in place of its sign",
            "Multiply by the sign of y, 1 or -1, not by y itself.",
            lambda ids: _expanded(_companded(ids)) * _companded(ids).abs(),
        ),
        Mistake(
            "256 in place of 255",
            "256 levels have 255 steps between them: divide by 255, so that id 255 gives 1.",
            lambda ids: _expanded(_companded(ids, MU + 1)),
        ),
        Mistake(
            "256 in place of 255",
            "mu is 255; the power has the base 1 + mu = 256.",
            lambda ids: _expanded(_companded(ids), MU + 1),
        ),
        Mistake(
            "base mu",
            "The power has the base 1 + mu, for the logarithm was divided by ln(1 + mu).",
            lambda ids: _companded(ids).sign() * (MU ** _companded(ids).abs() - 1) / MU,
        ),
        Mistake(
            "1 not subtracted",
            "The logarithm was of 1 + mu |x|: after the power, subtract the 1.",
            lambda ids: _companded(ids).sign() * (1 + MU) ** _companded(ids).abs() / MU,
        ),
        Mistake(
            "not divided by mu",
            "After the power and the 1 it is still mu |x|: divide by mu.",
            lambda ids: _expanded(_companded(ids)) * MU,
        ),
        Mistake(
            "base e",
            "e to the power of |y| undoes ln alone; ln(1 + mu |x|) was also divided by ln(1 + mu).",
            lambda ids: _companded(ids).sign() * _companded(ids).abs().expm1() / MU,
        ),
        Mistake(
            "companded again",
            "You applied the formula a second time: apply its inverse.",
            lambda ids: _companded(ids).sign() * torch.log1p(MU * _companded(ids).abs()) / math.log1p(MU),
        ),
        Mistake(
            "power of a negative number",
            "Take the power of |y|; the sign is restored afterwards.",
            lambda ids: ((1 + MU) ** _companded(ids) - 1) / MU,
        ),
    ),
    hint="Follow levels 0, 128 and 255 through your lines: -1, about 0, and 1.",
)


def _layers(delay: int) -> int:
    return math.ceil(math.log2(delay))


# Exercise 2: a delay in samples, to the fewest layers (kernel 2, dilations 1, 2, 4, ...) that see that far back.
layers_for_echo = Implement(
    "my_layers",
    [(delay,) for delay in (641, 512, 513, 2, 3, 700, 1_024, 1_025, 3_840)],
    solution=_layers,
    praise="my_layers gave the fewest layers for nine delays, powers of two among them.",
    mistakes=(
        Mistake(
            "one layer too many",
            "One layer less is enough: the receptive field of L layers is exactly 2^L, the current sample included.",
            lambda delay: delay.bit_length(),
        ),
        Mistake(
            "one layer too few",
            "Rounded down: that many layers end just short of the sample that is needed. Round up.",
            lambda delay: delay.bit_length() - 1,
        ),
        Mistake(
            "the largest dilation alone",
            "The dilations add up: 1 + 2 + 4 + ... The largest need not span the delay on its own.",
            lambda delay: _layers(delay) + 1,
        ),
        Mistake(
            "dilation 1",
            "Those are layers of dilation 1; with dilations that double, far fewer are enough.",
            lambda delay: delay - 1,
        ),
        Mistake(
            "one layer per sample",
            "One layer for each sample of the delay is what dilation avoids.",
            lambda delay: delay,
        ),
        Mistake(
            "the receptive field",
            "That is the receptive field in samples; return the number of layers.",
            lambda delay: 2 ** _layers(delay),
        ),
        Mistake(
            "the dilation",
            "That is the last layer's dilation; return the number of layers.",
            lambda delay: 2 ** (_layers(delay) - 1),
        ),
        Mistake("not a whole number", "Layers are whole: round up.", math.log2),
    ),
    probe=listed,
    hint="Try delays of 2, 3, 4 and 5 on paper: 1, 2, 2 and 3 layers.",
)


def _losses(T: int) -> Tensor:
    return 3 * torch.rand(T, generator=torch.Generator().manual_seed(T)) + 0.1


# Exercise 3: losses (T,) in nats per sample and the samples per second, to bits per second.
bits_per_second = Implement(
    "my_bits",
    [(_losses(50), 8_000), (_losses(7), 16_000), (_losses(2), 44_100)],
    solution=lambda x, rate: x.mean().item() / math.log(2) * rate,
    praise="my_bits gave the right number of bits per second for three tracks.",
    mistakes=(
        Mistake("nats", "Those are nats; one bit is ln 2 of them.", lambda x, rate: x.mean().item() * rate),
        Mistake(
            "logarithm taken again",
            "The losses are logarithms already; to go from nats to bits, divide by ln 2.",
            lambda x, rate: x.log2().mean().item() * rate,
        ),
        Mistake(
            "times ln 2",
            "A nat is more than a bit, so there are more bits than nats: divide by ln 2.",
            lambda x, rate: x.mean().item() * math.log(2) * rate,
        ),
        Mistake(
            "bits per sample",
            "Those are bits per sample; how many samples has a second?",
            lambda x, rate: x.mean().item() / math.log(2),
        ),
        Mistake(
            "bits of the whole track",
            "That is the sum over the track, of any length; take the mean, times the samples per second.",
            lambda x, rate: x.sum().item() / math.log(2),
        ),
        Mistake(
            "sum in place of mean",
            "You multiplied the whole track's bits by the rate; multiply the mean bits per sample.",
            lambda x, rate: x.sum().item() / math.log(2) * rate,
        ),
        Mistake(
            "divided by the rate",
            "A second has `rate` samples: multiply by it.",
            lambda x, rate: x.mean().item() / math.log(2) / rate,
        ),
        Mistake(
            "decimal logarithm",
            "ln 2 is the natural logarithm; log10(2) is another number.",
            lambda x, rate: x.mean().item() / math.log10(2) * rate,
        ),
        Mistake(
            "divided by 2",
            "A nat is 1 / ln 2 bits, not 1 / 2.",
            lambda x, rate: x.mean().item() / 2 * rate,
        ),
    ),
    probe=listed,
    hint="Try one loss of ln 2 = 0.693 nats: one bit per sample, `rate` bits per second.",
)
