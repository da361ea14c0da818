"""The figures of lesson 11: a drum and its echo, losses by receptive field, spectrograms, and an amplifier's curve."""

import math
from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.patches import Ellipse
from torch import Tensor

from lib.amplifier import BEAT, ECHO_DELAY, memoryless
from lib.plots.style import BLUE, GREY, INK, STOP_COLOUR, VERMILION, DescribedFigure, styled
from lib.sound import DELAY, DILATIONS, PARTS, RATE, parts

PART_COLOURS = dict(zip(PARTS, (STOP_COLOUR, BLUE, VERMILION), strict=True))


@styled
def wave(waveform: Float[Tensor, "T"]) -> DescribedFigure:
    """The waveform of the drum, each part in its colour."""
    samples, name = len(waveform), {"stroke": "stroke", "echo": "echo: the same, halved"}
    title = f"An echo follows each stroke after {DELAY} samples"
    alt = (
        f"{title}. Waveform of {samples:,} samples between -1 and 1, against the sample's number. In each bar of "
        f"{2 * DELAY:,} samples there are two bursts of noise, which begin at full height and fade within 400 samples: a "
        f"stroke, and {DELAY} samples after its start its echo, half as high. Between the bursts is silence."
    )
    fig = DescribedFigure(alt.replace(" -1", " −1"), figsize=(6.5, 2.5), layout="constrained")
    ax = fig.subplots()
    part = parts(samples)
    for number, what in enumerate(PARTS):
        seen = waveform.where(part == number, torch.tensor(math.nan))
        ax.plot(seen.tolist(), color=PART_COLOURS[what], lw=1.4, label=name.get(what))
    ax.set(
        xlim=(0, samples), ylim=(-1, 1.5), yticks=(-1, 0, 1), xlabel="sample (8,000 are a second)", ylabel="waveform"
    )
    ax.set_title(title, fontsize=12)
    ax.legend(loc="upper right", ncols=2, fontsize=10, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


@styled
def losses_by_part(runs: pd.DataFrame) -> DescribedFigure:
    """What strokes and echoes cost each net: bars for the means and a dot per seed, in bits per sample.

    Args:
        runs: the rows of data/evidence/sound.csv, with losses in nats. Only the nets at the drum's own delay are drawn.
    """
    losses = {}
    for name in DILATIONS:
        of_net = runs[runs.arm == name]
        values = {what: torch.tensor(of_net[what].tolist()) / math.log(2) for what in ("stroke", "echo")}
        losses[f"{name}, sees {of_net.receptive_field.iloc[0]:,}"] = values
    listed = "; ".join(
        f"{net}: " + ", ".join(f"{what} {values.mean():.2f}" for what, values in by_part.items())
        for net, by_part in losses.items()
    )
    title = "Only the net that reaches the stroke predicts its echo"
    alt = (
        f"{title}. Bar chart of the loss in bits per sample, for each net one bar for strokes and one for echoes, with a "
        f"dot per seed; a dashed line at 1 marks a coin. Means: {listed}. One bar is missing."
    )
    fig = DescribedFigure(alt, figsize=(6.5, 3.2), layout="constrained")
    ax = fig.subplots()
    for place, by_part in enumerate(losses.values()):
        for number, (what, values) in enumerate(by_part.items()):
            x = place + 0.36 * (number - 0.5)
            label = f"{what}{'s' if what == 'stroke' else 'es'}" if place == 0 else None
            hatch = "//" if what == "echo" else None
            look = {"color": PART_COLOURS[what], "alpha": 0.6, "hatch": hatch, "edgecolor": "white", "label": label}
            ax.bar(x, float(values.mean()), 0.32, **look)
            ax.plot([x] * len(values), values.tolist(), "o", color=INK, ms=4)
    ax.axhline(1, color=GREY, ls="--", lw=1)
    ax.text(0.18, 1.03, "a coin", ha="center", color=GREY, fontsize=10)  # where no bar reaches
    ax.set_xticks(range(len(losses)), list(losses), fontsize=11)
    ax.set(ylabel="bits per sample", ylim=(0, 1.4), xlim=(-0.5, len(losses) - 0.5))
    ax.set_title(title, fontsize=12)
    ax.legend(loc="upper left", ncols=2, fontsize=10, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def drum_spectrograms(sounds: Mapping[str, Float[Tensor, "T"]]) -> DescribedFigure:
    """Spectrograms of the drum and of what the nets play, by label, with a dotted line where the rhythm wants a burst."""
    title = "The short net cannot count the silence"
    seen = (
        "Stripes, bright at all frequencies at first and then fading. In the drum they begin at the dotted lines, "
        "bright and weak in turn. In the long net's sound they begin there, too, and the pauses slowly fill. In the short net's sound they drift away from the lines."
    )
    return _spectrograms(sounds, title, seen, window=64, grid=DELAY)


def guitar_spectrograms(sounds: Mapping[str, Float[Tensor, "T"]]) -> DescribedFigure:
    """Spectrograms of the first two seconds of guitar, amplifier and nets, by label."""
    title = "First the distortion is learned, then the echo"
    seen = (
        "In all, a stripe at the start of each note and level lines, its harmonics, after it. The clean guitar's lines soon "
        "end below 1.5 kHz. The amplifier's reach higher and last longer, and a second stripe, the echo, follows each first "
        "one. After few steps the second stripes are weak and smeared; at the end the net's picture looks like the "
        "amplifier's. A ring marks one place in the second and third picture: the echo of the fifth note."
    )
    shown = {label: sound[: 2 * RATE] for label, sound in sounds.items()}
    return _spectrograms(shown, title, seen, window=192, ringed=(4 * BEAT + ECHO_DELAY) / RATE)


@styled
def _spectrograms(
    sounds: Mapping[str, Float[Tensor, "T"]], title: str, seen: str, window: int, grid: int = 0, ringed: float = 0
) -> DescribedFigure:
    """One spectrogram below the other, brighter for louder, on one scale: windows of so many samples.

    A line every `grid` samples; in the second and third picture a ring at `ringed` seconds, 0 for none.
    """
    alt = (
        f"{title}. Spectrograms, frequency from 0 to {RATE // 2000} kHz against time in seconds, brighter for louder, one "
        f"below the other: {', '.join(sounds)}. {seen}"
    )
    fig = DescribedFigure(alt, figsize=(6.5, 0.9 + 1.15 * len(sounds)), layout="constrained")
    axes = fig.subplots(len(sounds), 1, sharex=True, squeeze=False)[:, 0]
    for ax, (label, sound) in zip(axes, sounds.items(), strict=True):
        waves = torch.stft(sound, window, window // 2, window=torch.hann_window(window), return_complex=True)
        decibels = 10 * (waves.abs().square() + 1e-6).log10()  # (frequencies, time)
        extent = (0, len(sound) / RATE, 0, RATE / 2000)
        look = {"cmap": "cividis", "aspect": "auto", "origin": "lower", "interpolation": "nearest"}
        ax.imshow(decibels.numpy(), extent=extent, clim=(-30, 20), **look)
        if grid:
            ax.vlines([t / RATE for t in range(0, len(sound), grid)], 0, RATE / 2000, color="white", ls=":", lw=1.2)
        if ringed and label in list(sounds)[1:3]:
            ax.add_patch(Ellipse((ringed + 0.015, 2), 0.11, 3.7, fill=False, edgecolor="white", lw=2))
        ax.set_ylabel("kHz")
        ax.set_title(label, fontsize=11, loc="left", pad=3)
    axes[-1].set_xlabel("seconds")
    fig.suptitle(title, fontsize=12)
    return fig


@styled
def input_output(guitar: Float[Tensor, "T"], sound: Float[Tensor, "T"]) -> DescribedFigure:
    """The amplifier's output against its input, a dot per sample, with the best curve through them."""
    at = sound[(guitar - 0.1).abs() < 0.005]
    low, high = at.quantile(0.05).item(), at.quantile(0.95).item()
    title = "The same input, many outputs: the amplifier has a memory"
    alt = (
        f"{title}. Scatter plot of output against input, one dot per sample, one in 24 of them. The dots fill a broad "
        f"S-shaped cloud: where the input is 0.1, nine in ten outputs lie between {low:.2f} and {high:.2f}. A line "
        "through its middle, the best curve, rises steeply in the middle and not at the ends, and is far from most dots."
    )
    fig = DescribedFigure(alt, figsize=(5.2, 3.4), layout="constrained")
    ax = fig.subplots()
    ax.plot(guitar[::24].tolist(), sound[::24].tolist(), ".", ms=2.5, color=BLUE, alpha=0.5)
    line = torch.linspace(float(guitar.quantile(0.002)), float(guitar.quantile(0.998)), 301)
    curve = memoryless(guitar, sound)(line)
    ax.plot(line.tolist(), curve.tolist(), color=VERMILION, lw=2.5)
    ax.text(float(line[-1]), float(curve[-1]), "  the best curve", color=VERMILION, fontsize=11, va="center").set_bbox(
        {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    )
    ax.set(xlim=(-0.65, 0.85), xlabel="guitar, one sample", ylabel="amplifier, the same sample")
    ax.set_title(title, fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


@styled
def errors_by_reach(runs: pd.DataFrame, without_echo: float, needed: int = ECHO_DELAY + 1) -> DescribedFigure:
    """Errors in dB against the receptive field, a dot per seed.

    Args:
        runs: the rows of data/evidence/amplifier.csv.
        without_echo: the error of the amplifier without its echo, drawn as a dashed line.
        needed: the receptive field from which on the echo is in sight.
    """
    errors = {}
    for arm in ("memoryless", *reversed(DILATIONS)):
        of_net = runs[runs.arm == arm]
        errors["best curve" if arm == "memoryless" else arm] = int(of_net.receptive_field.iloc[0]), of_net.val.tolist()
    listed = "; ".join(
        f"{name}, {reach:,}: {', '.join(f'{e:.1f}' for e in some)}" for name, (reach, some) in errors.items()
    )
    title = f"The error falls when the receptive field passes {needed} samples"
    alt = (
        f"{title}. Scatter plot of the error in dB, lower is better, against the receptive field on a logarithmic axis, one "
        f"dot per seed. {listed}. A dashed line at {without_echo:.1f} dB marks the amplifier itself, without its echo; a dotted line marks {needed} samples."
    ).replace(" -", " −")
    fig = DescribedFigure(alt, figsize=(6.5, 3.2), layout="constrained")
    ax = fig.subplots()
    for reach, some in errors.values():
        ax.plot([reach] * len(some), some, "o", ms=7, color=BLUE, alpha=0.7)
    ax.axhline(without_echo, color=VERMILION, ls="--", lw=1.5)
    ax.text(1.2, without_echo - 0.6, "the amplifier itself, without its echo", color=VERMILION, fontsize=11, va="top")
    ax.axvline(needed, color=GREY, ls=":", lw=1.5)
    ax.text(needed * 0.93, -18, "the echo is\nin sight from here", color=GREY, fontsize=10, ha="right", va="center")
    ax.set(xscale="log", xlim=(0.7, 1800), ylim=(min(-23, 1.1 * min(min(some) for _, some in errors.values())), 0))
    ax.set_xticks(
        [reach for reach, _ in errors.values()], [f"{r:,}\n{name}" for name, (r, _) in errors.items()], fontsize=11
    )
    ax.minorticks_off()
    ax.set(xlabel="receptive field, samples", ylabel="error, dB (lower is better)")
    ax.set_title(title, fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    return fig
