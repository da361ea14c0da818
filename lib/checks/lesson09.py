"""Checks of lesson 09: mu-law decoding, the layers that an echo needs, and bits a second."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.exercise import Verdict, check_tensor, right, run, wrong

MU = 255


def _right_decode(ids: Tensor) -> Tensor:
    y = 2 * ids / MU - 1
    return y.sign() * ((1 + MU) ** y.abs() - 1) / MU


def _from(y: Tensor) -> Tensor:
    """The right way back from a companded value."""
    return y.sign() * ((1 + MU) ** y.abs() - 1) / MU


def _between(ids: Tensor) -> Tensor:
    return 2 * ids / MU - 1


# What an answer may do instead of the right thing: its name, a hint, and what it gives for the ids.
_DECODINGS = (
    ("no expanding", "That is step 1 alone, evenly spaced levels. Companding has still to be undone.", lambda i: _between(i)),
    ("sign lost", "All samples came out positive: put the sign of y back.", lambda i: _from(_between(i)).abs()),
    ("upside down", "Every sample has the wrong sign.", lambda i: -_from(_between(i))),
    ("not moved to -1 ... 1", "ids / 255 runs from 0 to 1; twice that, minus 1, runs from -1 to 1.", lambda i: _from(i / MU)),
    ("not moved to -1 ... 1", "ids / 255 - 1 runs from -1 to 0; twice ids / 255, minus 1, runs from -1 to 1.", lambda i: _from(i / MU - 1)),
    ("y in place of its sign", "Multiply by the sign of y, 1 or -1, not by y itself.", lambda i: _from(_between(i)) * _between(i).abs()),
    ("256 in place of 255", "256 levels have 255 steps between them: divide by 255, so that id 255 gives 1.", lambda i: _from(2 * i / (MU + 1) - 1)),
    ("256 in place of 255", "mu is 255; the power has the base 1 + mu = 256.", lambda i: _between(i).sign() * ((2 + MU) ** _between(i).abs() - 1) / (1 + MU)),
    ("base mu", "The power has the base 1 + mu, for the logarithm was divided by ln(1 + mu).", lambda i: _between(i).sign() * (MU ** _between(i).abs() - 1) / MU),
    ("1 not subtracted", "The logarithm was taken of 1 + mu |x|: after the power, subtract the 1.", lambda i: _between(i).sign() * (1 + MU) ** _between(i).abs() / MU),
    ("not divided by mu", "After the power and the 1 there is still mu |x|: divide by mu.", lambda i: _between(i).sign() * ((1 + MU) ** _between(i).abs() - 1)),
    ("base e", "e to the power of |y| undoes ln alone; ln(1 + mu |x|) was also divided by ln(1 + mu).", lambda i: _between(i).sign() * _between(i).abs().expm1() / MU),
    ("companded again", "You applied the formula a second time; its inverse was wanted.", lambda i: _between(i).sign() * torch.log1p(MU * _between(i).abs()) / math.log1p(MU)),
    ("power of a negative number", "The power must be taken of |y|; the sign is put back afterwards.", lambda i: ((1 + MU) ** _between(i) - 1) / MU),
)  # fmt: skip


def decode_levels(function: Callable) -> Verdict:
    """Lesson 09, exercise 1: ids, int64 from 0 to 255 of any shape, to the waveform, float of the same shape."""
    for ids in (torch.arange(256), torch.tensor([[0, 30, 127], [128, 200, 255]]), torch.tensor(77)):
        result, problem = run(function, ids)
        if problem:
            return problem
        wanted = _right_decode(ids)
        if problem := check_tensor("my_decode", result, ids.shape, "one sample for each id."):
            return problem
        if torch.allclose(result.double(), wanted.double(), atol=1e-5):
            continue
        place = int((result.double() - wanted.double()).abs().nan_to_num(nan=9.0).flatten().argmax())
        message = (
            f"Level {ids.flatten()[place]} became {result.flatten()[place]:.4f}; wanted {wanted.flatten()[place]:.4f}. "
        )
        for mistake, hint, other in _DECODINGS:
            if torch.allclose(result.double(), other(ids).double(), atol=1e-5):
                return wrong(mistake, message + hint)
        return wrong("other values", message + "Follow levels 0, 128 and 255 through your lines: -1, about 0, and 1.")
    return right("my_decode gave the right sample for each of the 256 levels.")


def _layers(delay: int) -> int:
    return math.ceil(math.log2(delay))


_LAYERS = (
    ("one layer too many", "2 to the power of your layers less one is already enough: the receptive field of L layers is exactly 2^L, the current sample included.", lambda d: d.bit_length()),
    ("one layer too few", "Rounded down: so many layers end just short of the sample that is needed. Round up.", lambda d: d.bit_length() - 1),
    ("the largest dilation alone", "The dilations add up: 1 + 2 + 4 + ... The largest need not span the delay on its own.", lambda d: _layers(d) + 1),
    ("dilation 1", "Those are layers of dilation 1; with dilations that double, far fewer are enough.", lambda d: d - 1),
    ("a layer a sample", "One layer for each sample of the delay is what dilation avoids.", lambda d: d),
    ("the receptive field", "That is the receptive field in samples; the number of layers was asked for.", lambda d: 2 ** _layers(d)),
    ("the dilation", "That is the last layer's dilation; the number of layers was asked for.", lambda d: 2 ** (_layers(d) - 1)),
    ("not a whole number", "Layers are whole: round up.", lambda d: math.log2(d)),
)  # fmt: skip


def layers_for_echo(function: Callable) -> Verdict:
    """Lesson 09, exercise 2: a delay in samples, to the fewest layers (kernel 2, dilations 1, 2, 4, ...) that see so far back."""
    for delay in (641, 512, 513, 2, 3, 700, 1_024, 1_025, 3_840):
        result, problem = run(function, delay)
        if problem:
            return problem
        wanted = _layers(delay)
        if isinstance(result, bool) or not isinstance(result, int | float | Tensor):
            return wrong("not a number", f"my_layers({delay}) returned {type(result).__name__}; a number was wanted.")
        if float(result) == wanted:
            continue
        message = f"For a delay of {delay} you gave {float(result):g} layers. "
        for mistake, hint, other in _LAYERS:
            if abs(float(result) - other(delay)) < 1e-6:
                return wrong(mistake, message + hint)
        return wrong("other values", message + "Try delays of 2, 3, 4 and 5 on paper: 1, 2, 2 and 3 layers.")
    return right("my_layers gave the fewest layers for nine delays, powers of two among them.")


_BITS = (
    ("nats", "Those are nats; one bit is ln 2 of them.", lambda x, r: x.mean() * r),
    ("logarithm taken again", "The losses are logarithms already; to go from nats to bits, divide by ln 2.", lambda x, r: x.log2().mean() * r),
    ("times ln 2", "A nat is more than a bit, so there must be more bits than nats: divide by ln 2.", lambda x, r: x.mean() * math.log(2) * r),
    ("bits a sample", "Those are bits a sample; how many samples has a second?", lambda x, r: x.mean() / math.log(2)),
    ("bits of the whole track", "That is the sum over the track, however long it is; take the mean, then a second's worth.", lambda x, r: x.sum() / math.log(2)),
    ("sum in place of mean", "You multiplied the whole track's bits by the rate; the mean of a sample was wanted there.", lambda x, r: x.sum() / math.log(2) * r),
    ("divided by the rate", "A second holds `rate` samples: multiply by it.", lambda x, r: x.mean() / math.log(2) / r),
    ("decimal logarithm", "ln 2 is the natural logarithm; log10(2) is another number.", lambda x, r: x.mean() / math.log10(2) * r),
    ("divided by 2", "A nat is 1 / ln 2 bits, not 1 / 2.", lambda x, r: x.mean() / 2 * r),
)  # fmt: skip


def bits_per_second(function: Callable) -> Verdict:
    """Lesson 09, exercise 3: losses (T,) in nats a sample and the samples a second, to bits a second."""
    generator = torch.Generator().manual_seed(0)
    for T, rate in ((50, 8_000), (7, 16_000), (1, 44_100)):
        losses = 3 * torch.rand(T, generator=generator) + 0.1
        result, problem = run(function, losses, rate)
        if problem:
            return problem
        if not isinstance(result, int | float | Tensor) or (isinstance(result, Tensor) and result.numel() != 1):
            what = f"a tensor of shape {tuple(result.shape)}" if isinstance(result, Tensor) else type(result).__name__
            return wrong("not a number", f"my_bits returned {what}; one number was wanted.")
        found, wanted = float(result), float(losses.mean()) / math.log(2) * rate
        if math.isclose(found, wanted, rel_tol=1e-4):
            continue
        message = (
            f"For {T} losses with mean {losses.mean():.3f} nats at {rate} samples a second you gave {found:,.6g}. "
        )
        for mistake, hint, other in _BITS:
            if math.isclose(found, float(other(losses, rate)), rel_tol=1e-4):
                return wrong(mistake, message + hint)
        return wrong(
            "other values", message + "Try one loss of ln 2 = 0.693 nats: one bit a sample, `rate` bits a second."
        )
    return right("my_bits gave the right number of bits a second for three tracks.")
