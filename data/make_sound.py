"""Train every net of lesson 11 with three seeds: data/evidence/sound.csv, with the weights data/sound_*.pt, and amplifier.csv.

    python data/make_sound.py             train what is missing; about 13 minutes on two idle cores in all
    python data/make_sound.py --forecast  say how long it takes, and stop

Sweeps are described in data/README.md. The weights are those of seed 0: to make them again, delete sound.csv.
"""

import time

import torch

from lib import amplifier as amp
from lib.checkpoints import save_model
from lib.data import DATA
from lib.evidence.sweeps import Row, Sweep, measurements, run_command
from lib.sound import (
    CHANNELS,
    CHUNK,
    DELAY,
    DILATIONS,
    LEVELS,
    PARTS,
    SOUND,
    drum_with_echo,
    mu_law_encode,
    parts,
    sample_losses,
    sound_net,
)
from lib.wavenet import cut_sequences, train_sequences

EVIDENCE = DATA / "evidence" / "sound.csv"
SETTINGS = ["experiment", "arm", "seed", "split", "delay", "channels", "dilations", "recipe"]
MEASURED = ["params", "receptive_field", "steps", "val", *PARTS, "seconds", "torch"]
SECONDS = {"long": 110, "middle": 75, "short": 50}  # about, one core; for the forecast only
TRAIN_STROKES, TRAIN_SEED = 800, 0
HELD_OUT_STROKES, HELD_OUT_SEED = 41, 1  # the first bar is context only
ARMS = [("long", DELAY), ("short", DELAY), ("middle", DELAY), ("long", 700), ("long", 769), ("long", 640)]


def planned() -> list[Row]:
    """Every row to fill."""
    return [
        {
            "experiment": "sound",
            "arm": reach if delay == DELAY else f"{reach}, delay {delay}",
            "seed": seed,
            "split": f"drum {HELD_OUT_SEED}",
            "delay": delay,
            "channels": CHANNELS,
            "dilations": " ".join(map(str, DILATIONS[reach])),
            "recipe": SOUND.name,
        }
        for seed in range(3)
        for reach, delay in ARMS
    ]


def fill(row: Row) -> Row:
    """Train and evaluate: a function of the row alone. Seed 0 also saves its weights in data/."""
    reach, delay, seed = row["arm"].split(",")[0], row["delay"], row["seed"]
    model = sound_net(reach, seed)
    track = mu_law_encode(drum_with_echo(TRAIN_STROKES, TRAIN_SEED, delay))
    pieces = cut_sequences(track, model.receptive_field, CHUNK)

    history = train_sequences(model, pieces, recipe=SOUND, seed=seed, progress=False)
    if row["arm"] in ("long", "short") and seed == 0:
        save_model(DATA / f"sound_{reach}.pt", model, steps=history.steps, seed=seed)

    bar = 2 * delay
    held_out = mu_law_encode(drum_with_echo(HELD_OUT_STROKES, HELD_OUT_SEED, delay))
    losses, part = sample_losses(model, held_out, first=bar), parts(len(held_out), delay)[bar:]
    measured = {name: f"{losses[part == number].mean():.6f}" for number, name in enumerate(PARTS)}
    measured["receptive_field"] = model.receptive_field
    return row | measured | measurements(model, history.steps, history.seconds, val=losses.mean().item())


AMPLIFIER = DATA / "evidence" / "amplifier.csv"
AMP_SETTINGS = ["experiment", "arm", "seed", "split", "channels", "dilations", "recipe"]
AMP_MEASURED = ["params", "receptive_field", "steps", "val", "seconds", "torch"]
AMP_STEPS, AMP_RATE = 400, 0.03
AMP_BATCH, AMP_CHUNK = 4, 2_048  # chunks of the practice per step, and samples of a chunk that count


def planned_amplifier() -> list[Row]:
    """Every row to fill; the curve without memory has no seed but this one."""
    shared = {"experiment": "amplifier", "split": "Ode to Joy"}
    curve = {"arm": "memoryless", "seed": 0, "channels": 0, "dilations": "", "recipe": "mean of each level"}
    nets = [
        {"arm": reach, "seed": seed, "channels": amp.CHANNELS, "dilations": " ".join(map(str, dilations))}
        for seed in range(3)
        for reach, dilations in DILATIONS.items()
    ]
    return [shared | curve, *(shared | net | {"recipe": "amplifier"} for net in nets)]


def train_amplifier(net: amp.AmpNet, guitar: torch.Tensor, sound: torch.Tensor, seed: int) -> None:
    """The loop of the lesson: AdamW, one cycle of the learning rate, the error ratio of each batch as its loss."""
    reach = net.receptive_field
    inputs, targets = (wave.unfold(0, reach - 1 + AMP_CHUNK, 1) for wave in (guitar, sound))
    optimizer = torch.optim.AdamW(net.parameters(), lr=AMP_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, AMP_RATE, AMP_STEPS, pct_start=0.2)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(AMP_STEPS):
        rows = torch.randint(len(inputs), (AMP_BATCH,), generator=generator)
        loss = amp.error_ratio(net(inputs[rows]), targets[rows, reach - 1 :])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def fill_amplifier(row: Row) -> Row:
    """Train on 20 seconds of practice and evaluate on the Ode to Joy: `val` is the error in dB."""
    guitar, tune = amp.practise(20), amp.play(amp.ODE)
    sound, target = amp.amplify(guitar), amp.amplify(tune)
    if row["arm"] == "memoryless":
        error = amp.decibels(amp.memoryless(guitar, sound)(tune), target)
        measured = {"params": LEVELS, "receptive_field": 1, "steps": 0, "val": f"{error:.6f}", "seconds": "0.0"}
        return row | measured | {"torch": torch.__version__}
    net, begin = amp.amp_net(row["arm"], row["seed"]), time.perf_counter()
    train_amplifier(net, guitar, sound, row["seed"])
    seconds = time.perf_counter() - begin
    error = amp.decibels(amp.through(net, tune), target)
    return row | {"receptive_field": net.receptive_field} | measurements(net, AMP_STEPS, seconds, val=error)


if __name__ == "__main__":
    seconds = lambda row: SECONDS[row["arm"].split(",")[0]]
    run_command(
        __doc__,
        Sweep(EVIDENCE, SETTINGS, MEASURED, planned, fill, seconds),
        Sweep(AMPLIFIER, AMP_SETTINGS, AMP_MEASURED, planned_amplifier, fill_amplifier, lambda row: 15),
    )
