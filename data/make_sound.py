"""Train every net of lesson 11 with three seeds: data/evidence/sound.csv, and the weights data/sound_*.pt.

    python data/make_sound.py             train what is missing; about 12 minutes on two idle cores in all
    python data/make_sound.py --forecast  say how long it takes, and stop

Sweeps are described in data/README.md. The weights are those of seed 0: to make them again, delete sound.csv.
"""

from lib.checkpoints import save_model
from lib.data import DATA
from lib.evidence.sweeps import Row, Sweep, measurements, run_command
from lib.sound import (
    CHANNELS,
    CHUNK,
    DELAY,
    DILATIONS,
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
EARLY = 250  # steps after which the weights of the long net are saved as data/sound_early.pt
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

    def keep(name: str, steps: int) -> None:
        save_model(DATA / f"sound_{name}.pt", model, steps=steps, seed=seed)

    def on_step(steps: int) -> None:
        if row["arm"] == "long" and seed == 0 and steps == EARLY:
            keep("early", steps)

    history = train_sequences(model, pieces, recipe=SOUND, seed=seed, progress=False, on_step=on_step)
    if row["arm"] in ("long", "short") and seed == 0:
        keep(reach, history.steps)

    bar = 2 * delay
    held_out = mu_law_encode(drum_with_echo(HELD_OUT_STROKES, HELD_OUT_SEED, delay))
    losses, part = sample_losses(model, held_out, first=bar), parts(len(held_out), delay)[bar:]
    measured = {name: f"{losses[part == number].mean():.6f}" for number, name in enumerate(PARTS)}
    measured["receptive_field"] = model.receptive_field
    return row | measured | measurements(model, history.steps, history.seconds, val=losses.mean().item())


if __name__ == "__main__":
    seconds = lambda row: SECONDS[row["arm"].split(",")[0]]
    run_command(__doc__, Sweep(EVIDENCE, SETTINGS, MEASURED, planned, fill, seconds))
