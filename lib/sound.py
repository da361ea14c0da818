"""Sound: mu-law levels, a drum whose echo comes 641 samples later, nets for it, and a player for the page."""

import base64
import html
import io
import math
import wave

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from lib.checkpoints import load_model
from lib.data import DATA
from lib.recipes import Recipe
from lib.training import eval_mode
from lib.wavenet import WaveNet

RATE = 8_000  # samples a second
LEVELS = 256

STROKE = 400  # samples that a stroke, and its echo, last
DELAY = 641  # samples from a stroke to its echo: 1 + 128 + 512
LOUD, QUIET = 0.9, 0.02  # amplitude at the start and at the end of a stroke; full scale is 1
ECHO = 0.5  # of an echo's amplitude to its stroke's

PARTS = ("silence", "stroke", "echo")

CHANNELS = 16
DILATIONS = {
    "long": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    "middle": (1, 1, 2, 4, 8, 16, 32, 64, 128, 256),
    "short": (1, 2, 4, 8, 16) * 2,
}
SOUND = Recipe("sound", batch_size=4_096, lr=2e-2, steps=1_500)
PIECE = 4_096  # samples predicted in each piece of the training sound: one piece a step


def mu_law_encode(waveform: Float[Tensor, "*T"], levels: int = LEVELS) -> Int[Tensor, "*T"]:
    """The level of each sample, finely spaced near 0 and coarsely near full scale.

    f(x) = sign(x) ln(1 + mu |x|) / ln(1 + mu) with mu = levels - 1, then the nearest of `levels` evenly spaced values.

    Args:
        waveform: samples; full scale is -1 to 1, and what lies beyond is clipped.
        levels: their number; 256 in the paper and in telephony.

    Returns:
        int64 from 0 (for -1) to levels - 1 (for 1). With an even number, 0 lies between two levels and gets the upper one.

    Raises:
        ValueError: fewer than two levels, or a sample that is not a number.

    Source: van den Oord et al. 2016 (WaveNet), section 2.2; ITU-T G.711, whose coders use straight pieces in place of f.
    """
    mu = _mu(levels)
    if waveform.isnan().any():
        raise ValueError("mu_law_encode got a sample that is not a number (NaN). Mend the waveform first.")
    x = waveform.clamp(-1, 1)
    companded = x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)
    return ((companded + 1) / 2 * mu + 0.5).floor().long()


def mu_law_decode(ids: Int[Tensor, "*T"], levels: int = LEVELS) -> Float[Tensor, "*T"]:
    """The waveform, from -1 to 1, of levels that `mu_law_encode` made; off by at most (|x| + 1/mu) ((1 + mu)^(1/mu) - 1).

    Args:
        ids: from 0 to levels - 1.
        levels: as for `mu_law_encode`.

    Raises:
        ValueError: fewer than two levels, or an id that is none of them.

    Source: the inverse of the formula in section 2.2 of the WaveNet paper.
    """
    mu = _mu(levels)
    if ids.numel() and not (int(ids.min()) >= 0 and int(ids.max()) < levels):
        raise ValueError(
            f"mu_law_decode takes ids from 0 to {levels - 1}; got {int(ids.min())} to {int(ids.max())}. mu_law_encode makes them."
        )
    companded = 2 * ids / mu - 1
    return companded.sign() * torch.expm1(companded.abs() * math.log1p(mu)) / mu


def _mu(levels: int) -> int:
    if levels < 2:
        raise ValueError(f"mu-law needs at least 2 levels; got {levels}. The paper has 256.")
    return levels - 1


def drum_with_echo(strokes: int, seed: int = 0, delay: int = DELAY) -> Float[Tensor, "T"]:
    """A drum roll in which every second stroke is an echo: the one before it again, at half its amplitude.

    A stroke is noise that fades: each of its 400 samples has a fixed size and a sign from the toss of a coin. A bar is a
    stroke, silence, its echo `delay` samples after it, and silence again, 2 * delay samples in all.

    Args:
        strokes: how many, each with its echo.
        seed: of the coin; the same seed gives the same sound.
        delay: from a stroke to its echo, in samples.

    Returns:
        (strokes * 2 * delay,) float32, from -0.9 to 0.9, to be played at 8,000 samples a second.

    Raises:
        ValueError: no strokes, or a delay shorter than a stroke.
    """
    if strokes < 1 or delay < STROKE:
        raise ValueError(
            f"drum_with_echo needs at least 1 stroke and a delay of at least the stroke's {STROKE} samples; got {strokes} and {delay}."
        )
    fade = LOUD * (QUIET / LOUD) ** (torch.arange(STROKE, dtype=torch.float64) / (STROKE - 1))
    coins = torch.randint(2, (strokes, STROKE), generator=torch.Generator().manual_seed(seed))
    stroke = ((2 * coins - 1) * fade).float()  # (strokes, 400)
    bars = torch.zeros(strokes, 2, delay)
    bars[:, 0, :STROKE] = stroke
    bars[:, 1, :STROKE] = ECHO * stroke
    return bars.flatten()


def parts(samples: int, delay: int = DELAY) -> Int[Tensor, "{samples}"]:
    """What each sample of `drum_with_echo` belongs to, as a place in PARTS: 0 silence, 1 stroke, 2 echo."""
    place = torch.arange(samples)
    return (place % delay < STROKE) * (1 + place // delay % 2)


def entropy_floor(delay: int = DELAY) -> float:
    """The lowest loss that any net can reach on the drum, in nats a sample: one coin, ln 2, for each sample of a stroke."""
    return STROKE * math.log(2) / (2 * delay)


def sound_net(reach: str, seed: int = 0) -> WaveNet:
    """A fresh net: "long" sees 1,024 samples, "middle" 513 and "short" 63, all with the same number of parameters.

    Raises:
        ValueError: another name.
    """
    if reach not in DILATIONS:
        raise ValueError(f"there is no net {reach!r}; choose one of {', '.join(DILATIONS)}.")
    torch.manual_seed(seed)
    return WaveNet(LEVELS, CHANNELS, DILATIONS[reach])


def trained_sound_net(name: str) -> WaveNet:
    """A net trained with SOUND and seed 0, in eval mode: "long", "short", or "early", the long one after 250 steps.

    Raises:
        FileNotFoundError: there are no such weights in data/.
    """
    return load_model(DATA / f"sound_{name}.pt")[0]


def sample_losses(model: WaveNet, track: Int[Tensor, "T"], first: int | None = None) -> Float[Tensor, "T_out"]:
    """The loss of each sample of a track, in nats, from number `first` on.

    Args:
        model: a net of levels.
        track: (T,) ids.
        first: at least the receptive field, which is what None stands for. Nets of different reach are compared from the
            same sample on.

    Raises:
        ValueError: the net cannot see so far back as it needs to.
    """
    reach = model.receptive_field
    first = reach if first is None else first
    if not reach <= first < len(track):
        raise ValueError(
            f"the first sample must be number {reach}, the net's receptive field, or a later one of {len(track)}; got {first}."
        )
    with torch.no_grad(), eval_mode(model):
        logits = model(track[None, first - reach : -1])[0]  # (T - first, levels)
    return F.cross_entropy(logits, track[first:], reduction="none")


def wav_of(waveform: Float[Tensor, "T"], rate: int = RATE) -> bytes:
    """A WAV file, one channel of 16 bits, of a waveform from -1 to 1; what lies beyond is clipped."""
    samples = (waveform.clamp(-1, 1) * 32_767).round().to(torch.int16)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.numpy().astype("<i2").tobytes())
    return buffer.getvalue()


class Player:
    """A player for the page, with a description for those who can't hear it; the last line of a cell shows it.

    Args:
        waveform: (T,) from -1 to 1.
        description: what is heard, and what to listen for.
        rate: samples a second.

    Raises:
        ValueError: the description is shorter than 40 characters.
    """

    def __init__(self, waveform: Float[Tensor, "T"], description: str, rate: int = RATE) -> None:
        self.description = " ".join(description.split())
        if len(self.description) < 40:
            raise ValueError(
                f"a player needs a description of at least 40 characters; got {len(self.description)}: {self.description!r}. Say what "
                "is heard, and what to listen for."
            )
        self.wav = base64.b64encode(wav_of(waveform, rate)).decode()

    def _repr_html_(self) -> str:
        said = html.escape(self.description, quote=True)
        return (
            f'<figure style="margin:0"><audio controls preload="auto" aria-label="{said}" src="data:audio/wav;base64,{self.wav}">'
            f'</audio><figcaption style="max-width:720px"><small>{said}</small></figcaption></figure>'
        )

    def __repr__(self) -> str:
        return f"Sound: {self.description}"
