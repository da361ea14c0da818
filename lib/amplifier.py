"""A guitar and its amplifier, both computed, and a WaveNet that learns the amplifier from what goes in and comes out."""

import math
import re
from collections.abc import Callable
from fractions import Fraction

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lib.sound import DILATIONS, LEVELS, RATE, mu_law_encode
from lib.training import eval_mode
from lib.wavenet import GatedLayer, receptive_field

BEAT = 2_400  # samples: 0.3 seconds
# A note's period in samples, a half more than the number here; the ratios are those of just intonation.
PERIODS = {"G,": 80, "A,": 72, "B,": 64, "C": 60, "D": 53, "E": 48, "F": 45, "G": 40, "A": 36, "B": 32, "c": 30}
ODE = "E E F G G F E D C C D E E3/2 D/2 D2"  # Beethoven, Symphony No. 9 (1824), the beginning of the Ode to Joy
ECHO_DELAY = 640  # samples, 80 ms: 128 + 512
CHANNELS = 8


def pluck(period: int, samples: int, generator: torch.Generator) -> Float[Tensor, "{samples}"]:
    """A plucked string: noise of one period, repeated, and each repetition is the mean of neighbours of the one before.

    Averaging takes high frequencies away first, as a string does, and makes the period half a sample longer.

    Args:
        period: in samples; the pitch is RATE / (period + 0.5) Hz.
        samples: how long it rings.
        generator: of the noise.

    Source: Karplus and Strong 1983, Digital Synthesis of Plucked-String and Drum Timbres.
    """
    wave = 2 * torch.rand(period, generator=generator) - 1
    wave, periods = wave - wave.mean(), []
    for _ in range(math.ceil(samples / period)):
        periods.append(wave)
        wave = 0.996 * (wave + wave.roll(1)) / 2
    return torch.cat(periods)[:samples]


def play(tune: str, seed: int = 0) -> Float[Tensor, "T"]:
    """A tune on one string, which each note stops: loud on every second beat, with a peak of 0.9.

    Args:
        tune: notes in ABC notation, such as "C D E3/2 D/2 c2 G,": names from G, (99 Hz) to c (262 Hz), and lengths in
            beats of 0.3 seconds.
        seed: of the noise that plucks the string.

    Raises:
        ValueError: a note that is not one.
    """
    generator, parts, beat = torch.Generator().manual_seed(seed), [], Fraction(0)
    for note in tune.split():
        found = re.fullmatch(r"([A-G],?|c)(\d+(?:/\d+)?|/\d+)?", note)
        if not found or found[1] not in PERIODS:
            raise ValueError(f"play expected notes such as C, E3/2 or D/2, from {', '.join(PERIODS)}; got {note!r}.")
        length = Fraction(re.sub("^/", "1/", found[2] or "1"))
        parts.append(_note(PERIODS[found[1]], int(length * BEAT), 1.0 if beat % 2 == 0 else 0.6, generator))
        beat += length
    return _loud(torch.cat(parts))


def practise(seconds: int, seed: int = 0) -> Float[Tensor, "T"]:
    """Notes by chance, of any loudness, 0.15 or 0.3 seconds long: for a net to learn from. With a peak of 0.9."""
    generator, parts = torch.Generator().manual_seed(seed), []
    draw = lambda low, high: int(torch.randint(low, high, (1,), generator=generator))
    while sum(map(len, parts)) < seconds * RATE:
        parts.append(_note(draw(28, 97), draw(1, 3) * BEAT // 2, draw(30, 101) / 100, generator))
    return _loud(torch.cat(parts)[: seconds * RATE])


def _note(period: int, samples: int, loudness: float, generator: torch.Generator) -> Float[Tensor, "{samples}"]:
    fade = (torch.arange(samples, 0, -1) / 80).clamp(max=1)  # 10 ms, so that the end does not click
    return loudness * fade * pluck(period, samples, generator)


def _loud(wave: Float[Tensor, "T"]) -> Float[Tensor, "T"]:
    return 0.9 * wave / wave.abs().max()


def amplify(guitar: Float[Tensor, "T"], drive: float = 15.0, sag: float = 4.0, echo: float = 0.5) -> Float[Tensor, "T"]:
    """What a guitar amplifier makes of a guitar, sample by sample.

    A soft clip, tanh, not symmetrical, for a bias moves it; a low-pass and a high-pass, the loudspeaker; an echo 640
    samples later. Loud playing makes the bias sag for about 250 samples, as it does in an amplifier with valves.

    Args:
        guitar: (T,), with silence before it.
        drive: gain before the clip.
        sag: how far loud playing moves the bias; 0 for not at all.
        echo: amplitude of the echo relative to the sound; 0 for none.
    """
    heard, low, high, before, loudness = [], 0.0, 0.0, 0.0, 0.0
    for x in guitar.tolist():
        loudness += 0.004 * (abs(x) - loudness)  # of the last 250 samples or so
        clipped = math.tanh(drive * x + 0.3 - sag * loudness) - math.tanh(0.3)
        low += 0.7 * (clipped - low)
        high, before = 0.97 * (high + low - before), low
        heard.append(0.45 * high)
    dry = torch.tensor(heard)
    return dry + echo * F.pad(dry, (ECHO_DELAY, 0))[: len(dry)]


class AmpNet(nn.Module):
    """WaveNet from one waveform to another: numbers instead of ids go in, and one number comes out per sample.

    Args:
        channels: of every layer.
        dilations: one per layer, in samples; the kernel size is 2.

    Source: Wright et al. 2020, Real-Time Guitar Amplifier Emulation with Deep Learning.
    """

    def __init__(self, channels: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        last = len(dilations) - 1
        self.first = nn.Linear(1, channels)
        self.layers = nn.ModuleList(GatedLayer(channels, 2, d, residual=i < last) for i, d in enumerate(dilations))
        self.head = nn.Linear(channels * len(dilations), 1)

    @property
    def receptive_field(self) -> int:
        """How many samples one output can see, its own included."""
        return receptive_field(self)

    def forward(self, guitar: Float[Tensor, "B T"]) -> Float[Tensor, "B T_out"]:
        """The sound at each of the last T' = T - receptive_field + 1 samples."""
        x, gates = self.first(guitar[..., None]), []  # (B, T, C)
        for layer in self.layers:
            x, z = layer(x)
            gates.append(z)
        seen = torch.cat([z[:, -x.shape[1] :] for z in gates], dim=2)  # (B, T', layers * C): the skip paths
        return self.head(seen).squeeze(2)


def amp_net(reach: str, seed: int = 0) -> AmpNet:
    """An untrained net of 8 channels with the dilations of `lib.sound`: "long", "middle" or "short"."""
    torch.manual_seed(seed)
    return AmpNet(CHANNELS, DILATIONS[reach])


def through(net: AmpNet, guitar: Float[Tensor, "T"]) -> Float[Tensor, "T"]:
    """The net's sound for a whole waveform, with silence before it."""
    silence = torch.zeros(net.receptive_field - 1)
    with torch.no_grad(), eval_mode(net):
        return net(torch.cat([silence, guitar])[None])[0]


def error_ratio(output: Float[Tensor, "*T"], target: Float[Tensor, "*T"]) -> Float[Tensor, ""]:
    """The energy of the error over that of the target: 0 for no error, 1 for silence."""
    return (output - target).square().sum() / target.square().sum()


def decibels(output: Float[Tensor, "*T"], target: Float[Tensor, "*T"]) -> float:
    """`error_ratio` in dB: 0 for silence, 10 lower for each tenth of the energy."""
    return 10 * math.log10(error_ratio(output, target).item())


def memoryless(guitar: Float[Tensor, "T"], sound: Float[Tensor, "T"]) -> Callable[[Tensor], Tensor]:
    """The best curve from one sample to one sample: the mean sound for each of 256 levels of the guitar.

    Returns:
        A function from a waveform to a waveform.
    """
    levels = mu_law_encode(guitar)
    count = torch.zeros(LEVELS).index_add(0, levels, torch.ones(len(levels)))
    curve = torch.zeros(LEVELS).index_add(0, levels, sound) / count.clamp(min=1)
    return lambda wave: curve[mu_law_encode(wave)]
