"""Sound: mu-law levels, a drum with an echo after 641 samples, nets for it, and an audio player."""

import html
import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Integer, Shaped
from torch import Tensor

from lib.checkpoints import load_model
from lib.data import DATA
from lib.recipes import Recipe
from lib.training import eval_mode
from lib.wavenet import WaveNet

RATE = 8_000  # samples per second
LEVELS = 256

STROKE = 400  # length of a stroke and of its echo, in samples
DELAY = 641  # samples from a stroke to its echo: 1 + 128 + 512
LOUD, QUIET = 0.9, 0.02  # amplitude at the start and at the end of a stroke; full scale is 1
ECHO = 0.5  # amplitude of an echo relative to its stroke

PARTS = ("silence", "stroke", "echo")

CHANNELS = 16
DILATIONS = {
    "long": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    "middle": (1, 1, 2, 4, 8, 16, 32, 64, 128, 256),
    "short": (1, 2, 4, 8, 16) * 2,
}
SOUND = Recipe("sound", batch_size=4_096, lr=2e-2, steps=1_500)
CHUNK = 4_096  # samples predicted per chunk of the training sound: one chunk per step


def mu_law_encode(waveform: Shaped[Tensor, "*T"], levels: int = LEVELS) -> Int[Tensor, "*T"]:
    """The level of each sample; levels are fine near 0 and coarse near full scale.

    f(x) = sign(x) ln(1 + mu |x|) / ln(1 + mu) with mu = levels - 1, then the nearest of `levels` evenly spaced values.

    Args:
        waveform: floats; full scale is -1 to 1, samples outside are clipped.
        levels: number of levels; 256 in the paper and in telephony.

    Returns:
        int64 from 0 (for -1) to levels - 1 (for 1). If levels is even, silence is level levels / 2.

    Raises:
        ValueError: fewer than two levels, samples that are not floats, or NaN.

    Source: van den Oord et al. 2016 (WaveNet), section 2.2; ITU-T G.711, whose coders approximate f by line segments.
    """
    mu = _mu(levels)
    if not waveform.is_floating_point():
        raise ValueError(
            f"mu_law_encode expected floats from -1 to 1, got {waveform.dtype}. Divide 16-bit samples by 32,768."
        )
    if waveform.isnan().any():
        raise ValueError("mu_law_encode expected numbers, got NaN. Remove or replace those samples.")
    x = waveform.to(torch.promote_types(waveform.dtype, torch.float32)).clamp(-1, 1)
    companded = x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)
    return ((companded + 1) / 2 * mu + 0.5).floor().long()


def mu_law_decode(ids: Integer[Tensor, "*T"], levels: int = LEVELS) -> Float[Tensor, "*T"]:
    """The waveform, from -1 to 1, of the levels that `mu_law_encode` gives.

    Its error is at most (|x| + 1/mu) ((1 + mu)^(1/mu) - 1) for a sample x.

    Args:
        ids: integers of any type, from 0 to levels - 1.
        levels: as for `mu_law_encode`.

    Raises:
        ValueError: fewer than two levels, or an id outside that range.

    Source: the inverse of the formula in section 2.2 of the WaveNet paper.
    """
    mu = _mu(levels)
    if ids.numel() and not (int(ids.min()) >= 0 and int(ids.max()) < levels):
        raise ValueError(
            f"mu_law_decode expected ids from 0 to {levels - 1}, as mu_law_encode gives them; "
            f"got {int(ids.min())} to {int(ids.max())}."
        )
    companded = 2 * ids.long() / mu - 1  # small integer types would overflow
    return companded.sign() * torch.expm1(companded.abs() * math.log1p(mu)) / mu


def _mu(levels: int) -> int:
    if levels < 2:
        raise ValueError(f"mu-law needs at least 2 levels; got {levels}. The paper has 256.")
    return levels - 1


def drum_with_echo(strokes: int, seed: int = 0, delay: int = DELAY) -> Float[Tensor, "T"]:
    """Drum strokes, each followed by its echo: the same samples at half the amplitude.

    A stroke is fading noise: each of its 400 samples has a fixed size and a random sign. A bar is a stroke, silence,
    its echo `delay` samples after it, and silence again, 2 * delay samples in all.

    Args:
        strokes: how many, each with its echo.
        seed: of the random signs; the same seed gives the same sound.
        delay: from a stroke to its echo, in samples.

    Returns:
        (strokes * 2 * delay,) float32, from -0.9 to 0.9, to be played at 8,000 samples per second.

    Raises:
        ValueError: no strokes, or a delay shorter than a stroke.
    """
    if strokes < 1 or delay < STROKE:
        raise ValueError(
            f"drum_with_echo needs at least 1 stroke and a delay of at least the stroke's {STROKE} samples; "
            f"got {strokes} and {delay}."
        )
    fade = LOUD * (QUIET / LOUD) ** (torch.arange(STROKE, dtype=torch.float64) / (STROKE - 1))
    coins = torch.randint(2, (strokes, STROKE), generator=torch.Generator().manual_seed(seed))
    stroke = ((2 * coins - 1) * fade).float()  # (strokes, 400)
    bars = torch.zeros(strokes, 2, delay)
    bars[:, 0, :STROKE] = stroke
    bars[:, 1, :STROKE] = ECHO * stroke
    return bars.flatten()


def parts(samples: int, delay: int = DELAY) -> Int[Tensor, "{samples}"]:
    """The part of each sample of `drum_with_echo`, as an index into PARTS: 0 silence, 1 stroke, 2 echo."""
    time = torch.arange(samples)
    return (time % delay < STROKE) * (1 + time // delay % 2)


def entropy_floor(delay: int = DELAY) -> float:
    """The lowest loss that any net can reach on the drum, in nats per sample: ln 2 for each sign of a stroke."""
    return STROKE * math.log(2) / (2 * delay)


def sound_net(reach: str, seed: int = 0) -> WaveNet:
    """An untrained net: "long" sees 1,024 samples, "middle" 513 and "short" 63; all have equally many parameters.

    Raises:
        ValueError: an unknown name.
    """
    if reach not in DILATIONS:
        raise ValueError(f"expected one of {', '.join(DILATIONS)}, got {reach!r}.")
    torch.manual_seed(seed)
    return WaveNet(LEVELS, CHANNELS, DILATIONS[reach])


def trained_sound_net(name: str) -> WaveNet:
    """A net trained with SOUND and seed 0, in eval mode: "long" or "short".

    Raises:
        FileNotFoundError: data/ has no such weights.
    """
    return load_model(DATA / f"sound_{name}.pt")[0]


def sample_losses(model: WaveNet, track: Int[Tensor, "T"], first: int | None = None) -> Float[Tensor, "T_out"]:
    """The loss of each sample of a track, in nats, starting at sample `first`.

    Args:
        model: a net of levels.
        track: (T,) ids.
        first: at least the receptive field, the default. To compare nets of different reach, give them the same.

    Raises:
        ValueError: `first` is smaller than the receptive field, or not inside the track.
    """
    reach = model.receptive_field
    first = reach if first is None else first
    if not reach <= first < len(track):
        raise ValueError(
            f"first must be from {reach}, the net's receptive field, to {len(track) - 1}, the last sample; got {first}."
        )
    with torch.no_grad(), eval_mode(model):
        logits = model(track[None, first - reach : -1])[0]  # (T - first, levels)
    return F.cross_entropy(logits, track[first:], reduction="none")


class Player:
    """An audio player with a description for those who can't hear it; a cell's last line shows it.

    Args:
        waveform: (T,); full scale is -1 to 1, samples outside are clipped.
        description: what is heard, and what to listen for.
        rate: samples per second.

    Raises:
        ValueError: the description is shorter than 40 characters.
    """

    def __init__(self, waveform: Float[Tensor, "T"], description: str, rate: int = RATE) -> None:
        self.waveform, self.rate = waveform.clamp(-1, 1), rate
        self.description = " ".join(description.split())
        if len(self.description) < 40:
            raise ValueError(
                "a player needs a description of at least 40 characters: what is heard, and what to listen for; "
                f"got {len(self.description)}: {self.description!r}."
            )

    def _repr_html_(self) -> str:
        from IPython.display import Audio

        caption = f'<figcaption style="max-width:720px"><small>{html.escape(self.description)}</small></figcaption>'
        audio = Audio(self.waveform.numpy(), rate=self.rate, normalize=False)._repr_html_()
        return f'<figure style="margin:0">{caption}{audio}</figure>'

    def __repr__(self) -> str:
        return f"Sound: {self.description}"
