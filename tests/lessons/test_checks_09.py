"""The checks of lesson 09: every wrong answer is told its mistake, every right one is accepted."""

import math

import torch

from lib import checks
from lib.sound import mu_law_decode
from lib.wavenet import dilated_receptive_field
from tests.lessons.check_laws import accepts, names_the_mistake

MU = 255


def to_y(ids):
    return ids.float() / MU * 2 - 1


def expand(y):
    return torch.sign(y) * (torch.pow(256.0, y.abs()) - 1) / MU


DECODE = {
    "not done": [lambda ids: ...],
    "not a tensor": [lambda ids: expand(to_y(ids)).tolist()],
    "wrong shape": [lambda ids: expand(to_y(ids)).flatten()[:1], lambda ids: expand(to_y(ids))[None]],
    "error": [lambda ids: ids.nonsense()],
    "changed its input": [lambda ids: expand(to_y(ids.sub_(1)))],
    "no expanding": [to_y],
    "sign lost": [lambda ids: expand(to_y(ids)).abs(), lambda ids: (256 ** to_y(ids).abs() - 1) / MU],
    "upside down": [lambda ids: expand(1 - 2 * ids / MU)],
    "not moved to -1 ... 1": [lambda ids: expand(ids / MU), lambda ids: expand(ids / MU - 1)],
    "y in place of its sign": [lambda ids: to_y(ids) * (256 ** to_y(ids).abs() - 1) / 255],
    "256 in place of 255": [
        lambda ids: expand(2 * ids / 256 - 1),
        lambda ids: to_y(ids).sign() * (257 ** to_y(ids).abs() - 1) / 256,
    ],
    "base mu": [lambda ids: to_y(ids).sign() * (255 ** to_y(ids).abs() - 1) / 255],
    "1 not subtracted": [lambda ids: to_y(ids).sign() * 256 ** to_y(ids).abs() / 255],
    "not divided by mu": [lambda ids: to_y(ids).sign() * (256 ** to_y(ids).abs() - 1)],
    "base e": [lambda ids: to_y(ids).sign() * (to_y(ids).abs().exp() - 1) / 255],
    "companded again": [lambda ids: to_y(ids).sign() * (1 + 255 * to_y(ids).abs()).log() / math.log(256)],
    "power of a negative number": [lambda ids: (256 ** to_y(ids) - 1) / 255],
    "other values": [lambda ids: torch.zeros_like(ids), lambda ids: ids, lambda ids: ids * torch.nan],
}
DECODE_RIGHT = [
    lambda ids: expand(to_y(ids)),
    mu_law_decode,
    lambda ids: torch.where(ids < 128, -1.0, 1.0) * ((to_y(ids).abs() * math.log(256)).exp() - 1) / 255,
    lambda ids: expand(ids.double() / MU * 2 - 1),
]


def search(delay):
    layers = 0
    while 2**layers < delay:
        layers += 1
    return layers


def by_sum(delay):
    layers = 1
    while dilated_receptive_field(2, [2**i for i in range(layers)]) < delay:
        layers += 1
    return layers


LAYERS = {
    "not done": [lambda delay: None],
    "error": [lambda delay: delay / 0],
    "not a number": [lambda delay: [2**i for i in range(search(delay))], lambda delay: delay > 1],
    "one layer too many": [
        lambda delay: delay.bit_length(),
        lambda delay: math.ceil(math.log2(delay + 1)),
        lambda delay: int(math.log2(delay)) + 1,
        lambda delay: 10,
    ],
    "one layer too few": [lambda delay: int(math.log2(delay)), lambda delay: round(math.log2(delay) - 0.499)],
    "the largest dilation alone": [lambda delay: search(delay) + 1],
    "dilation 1": [lambda delay: delay - 1],
    "a layer a sample": [lambda delay: delay],
    "the receptive field": [lambda delay: 2 ** search(delay)],
    "the dilation": [lambda delay: 2 ** (search(delay) - 1)],
    "not a whole number": [math.log2],
    "other values": [lambda delay: 5, lambda delay: 0, lambda delay: math.nan],
}
LAYERS_RIGHT = [
    search,
    by_sum,
    lambda delay: (delay - 1).bit_length(),
    lambda delay: math.ceil(math.log2(delay)),
    lambda delay: torch.tensor(float(delay)).log2().ceil(),
]

BITS = {
    "not done": [lambda losses, rate: ...],
    "error": [lambda losses, rate: math.log(losses) * rate],
    "changed its input": [lambda losses, rate: losses.div_(math.log(2)).mean() * rate],
    "not a number": [
        lambda losses, rate: losses.tolist(),
        lambda losses, rate: (losses / math.log(2) * rate).repeat(2),
    ],
    "nats": [lambda losses, rate: losses.mean() * rate],
    "logarithm taken again": [lambda losses, rate: torch.log2(losses).mean() * rate],
    "times ln 2": [lambda losses, rate: losses.mean() * math.log(2) * rate],
    "bits a sample": [lambda losses, rate: losses.mean() / math.log(2)],
    "bits of the whole track": [lambda losses, rate: losses.sum() / math.log(2)],
    "sum in place of mean": [lambda losses, rate: losses.sum() / math.log(2) * rate],
    "divided by the rate": [lambda losses, rate: losses.mean() / math.log(2) / rate],
    "decimal logarithm": [lambda losses, rate: losses.mean() / math.log10(2) * rate],
    "divided by 2": [lambda losses, rate: losses.mean() / 2 * rate],
    "other values": [
        lambda losses, rate: 0,
        lambda losses, rate: math.nan,
        lambda losses, rate: losses.median() * rate,
    ],
}
BITS_RIGHT = [
    lambda losses, rate: losses.mean() / math.log(2) * rate,
    lambda losses, rate: rate * float(losses.sum()) / len(losses) * math.log2(math.e),
    lambda losses, rate: (losses * rate / torch.tensor(2.0).log()).mean(),
]


test_decode_levels_names_the_mistake = names_the_mistake(checks.decode_levels, DECODE)
test_decode_levels_accepts_right_answers = accepts(checks.decode_levels, DECODE_RIGHT)
test_layers_for_echo_names_the_mistake = names_the_mistake(checks.layers_for_echo, LAYERS)
test_layers_for_echo_accepts_right_answers = accepts(checks.layers_for_echo, LAYERS_RIGHT)
test_bits_per_second_names_the_mistake = names_the_mistake(checks.bits_per_second, BITS)
test_bits_per_second_accepts_right_answers = accepts(checks.bits_per_second, BITS_RIGHT)
