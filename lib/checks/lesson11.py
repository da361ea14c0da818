"""Checks of lesson 11: mu-law decoding, and the loss of a net that learns an amplifier."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lib.checks.exercise import Implement, Mistake, composed, given, listed

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
    [
        (torch.arange(256),),
        (torch.tensor([[0, 30, 127], [128, 200, 255]]),),
        (torch.tensor(77),),
        (torch.tensor([[[200], [5], [90]]]),),
    ],
    solution=lambda ids: _expanded(_companded(ids)),
    praise="my_decode is right for each of the 256 levels.",
    mistakes=(
        Mistake("no expanding", "That is step 1 alone, evenly spaced levels: undo the bending, too.", _companded),
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
            "Divide by 255; only the power has the base 256.",
            lambda ids: _expanded(_companded(ids), MU + 1),
        ),
        Mistake(
            "256 in place of 255",
            "Divide by 255; only the power has the base 256.",
            lambda ids: _expanded(_companded(ids)) * MU / (MU + 1),
        ),
        Mistake(
            "base 255",
            "The power has the base 256, for the logarithm was divided by ln 256.",
            lambda ids: _companded(ids).sign() * (MU ** _companded(ids).abs() - 1) / MU,
        ),
        Mistake(
            "1 not subtracted",
            "The logarithm was of 1 + 255 |x|: after the power, subtract the 1.",
            lambda ids: _companded(ids).sign() * (1 + MU) ** _companded(ids).abs() / MU,
        ),
        Mistake(
            "not divided by 255",
            "After the power and the 1 it is still 255 |x|: divide by 255.",
            lambda ids: _expanded(_companded(ids)) * MU,
        ),
        Mistake(
            "base e",
            "e to the power of |y| undoes ln alone; ln(1 + 255 |x|) was also divided by ln 256.",
            lambda ids: _companded(ids).sign() * _companded(ids).abs().expm1() / MU,
        ),
        Mistake(
            "bent again",
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


def _fir(weights: Tensor) -> nn.Module:
    """A net that adds up the last samples, each times its weight: (B, T) to (B, T - len(weights) + 1)."""
    net = nn.Module()
    net.forward = lambda guitar: guitar.unfold(1, len(weights), 1) @ weights
    net.receptive_field = len(weights)
    return net


def _last(sound: Tensor, T: int) -> Tensor:
    return sound[:, -T:]


def _error_ratio(
    net: Tensor | nn.Module,
    guitar: Tensor,
    sound: Tensor,
    align: Callable = _last,
    over: Callable = lambda output, target, sound: target,
    unit: Callable = lambda ratio: ratio,
) -> float:
    output = (_fir(net) if isinstance(net, Tensor) else net)(guitar)
    target = align(sound, output.shape[1])
    divisor = over(output, target, sound)
    error = (output - target).square()
    return unit(error.mean() if divisor is None else error.sum() / divisor.square().sum()).item()


def _waves(seed: int, *sizes: tuple[int, int, int]) -> list[tuple]:
    """Cases: weights of a net, a guitar (B, T) and a sound (B, T), for each (B, T, receptive field)."""
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    generator = torch.Generator().manual_seed(seed)
    return [(draw(reach), draw(B, T), draw(B, T)) for B, T, reach in sizes]


_FIRST = (
    "The first outputs are compared with the first samples of the sound. Which sample is the net's first output for?"
)
_SHIFT = "The target is shifted by a sample: output and sound should end at the same one."

# Exercise 2, code to mend: a net, a guitar (B, T) and a sound (B, T), to the error ratio of the samples that the net gives.
amp_loss = Implement(
    "my_loss",
    [
        *_waves(5, (4, 60, 16), (2, 40, 5), (1, 9, 3), (3, 30, 12)),
        *((net, guitar, sound / 50) for net, guitar, sound in _waves(6, (2, 20, 1), (2, 25, 4))),
    ],
    solution=_error_ratio,
    praise="my_loss is right for six nets of different receptive fields: both faults are mended.",
    mistakes=composed(
        _error_ratio,
        align=(
            Mistake("not aligned", _FIRST, lambda sound, T: sound[:, :T]),
            Mistake("shifted by one", _SHIFT, lambda sound, T: sound[:, -T - 1 : -1]),
            Mistake("shifted by one", _SHIFT, lambda sound, T: torch.cat([sound[:, 1 - T :], sound[:, :1]], 1)),
        ),
        over=(
            Mistake(
                "divided by the output",
                "What is the error of a net that is silent? It should be 1, and yours divides by 0: divide by the target.",
                lambda output, target, sound: output,
            ),
            Mistake(
                "divided by the whole sound",
                "The divisor also counts the samples that the net only looks back on: take the energy of the target.",
                lambda output, target, sound: sound,
            ),
            Mistake("not divided", "Divide the error's energy by the target's.", lambda output, target, sound: None),
            Mistake(
                "not divided",
                "Divide the error's energy by the target's.",
                lambda output, target, sound: torch.ones(1),
            ),
        ),
        unit=(
            Mistake("decibels", "That is in dB: return the ratio itself.", lambda ratio: 10 * ratio.log10()),
            Mistake("root of the ratio", "That is the root of the ratio: return the ratio itself.", Tensor.sqrt),
        ),
    ),
    probe=lambda answer, weights, guitar, sound: listed(answer, _fir(weights), guitar, sound),
    told=lambda case: f"a small net of receptive field {len(case[0])}, {given(case[1:])}",
    hint="Print the shapes of output and target, and the energy that you divide by.",
)
