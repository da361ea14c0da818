"""Train the WaveNets of lesson 08 and fill data/evidence/wavenet.csv.

    python data/make_wavenet.py             say how long it takes, then fill what is missing
    python data/make_wavenet.py --forecast  say how long it takes, and stop
    python data/make_wavenet.py --table     mean and standard deviation of what is there, and stop

Experiments, each planned from the rows of those before it:
    decay       every arm, and every candidate for the best net, with each weight decay: recipe FAST, one seed
    parts       every arm with its best weight decay: FAST, five other seeds
    long decay  the best candidate of all with higher weight decays: recipe LONG, one seed
    long        the best candidate with its best weight decay: LONG, five other seeds
    rerun       the first arm for one pass: a short run, to compare a machine with

Sweeps are described in data/README.md. The test set is not looked at.
"""

import statistics
from dataclasses import replace

import pandas as pd
import torch
from torch import nn

from lib.data import DATA, Vocabulary, load_names, split_names
from lib.evidence.arms import WAVENETS
from lib.evidence.sweeps import Row, Sweep, measurements, missing_rows, run_command
from lib.training import FAST, LONG
from lib.wavenet import WaveNet, evaluate_sequences, make_sequences, train_sequences

EVIDENCE = DATA / "evidence" / "wavenet.csv"
SETTINGS = ["experiment", "arm", "seed", "split", "recipe", "decay"]
MEASURED = ["params", "receptive_field", "steps", "train", "val", "seconds", "torch"]
RECIPES = {recipe.name: recipe for recipe in (FAST, LONG, replace(FAST, name="fast, one pass", epochs=1))}
SECONDS = {"fast": 25, "fast, one pass": 7, "long": 100}  # about, one core; for the forecast only

# the parameters go to the layers, not to skip path and head
FIRST = {"embedding": 24, "skip": False, "deep_head": False}
CANDIDATES = {
    "first convolution, 2 4": {"channels": 83, "dilations": (2, 4), **FIRST},
    "first convolution, 2 4, skip, head": {"channels": 76, "dilations": (2, 4), "embedding": 24},
    "first convolution, 2 4, LayerNorm": {"channels": 83, "dilations": (2, 4), "norm": nn.LayerNorm, **FIRST},
    "first convolution, 1 2 4": {"channels": 68, "dilations": (1, 2, 4), **FIRST},
    "first convolution, 2 4 8": {"channels": 68, "dilations": (2, 4, 8), **FIRST},
}
NETS = WAVENETS | CANDIDATES
LIMIT = 76_579  # parameters of the staged net
DECAYS = (0.03, 0.1, 0.3)
TUNING_SEED, SEEDS = 100, range(5)


def row_of(experiment: str, arm: str, seed: int, recipe: str, decay: float) -> Row:
    return {"experiment": experiment, "arm": arm, "seed": seed, "split": 42, "recipe": recipe, "decay": decay}


def best(experiment: str, arms: list[str]) -> tuple[str, float]:
    """Arm and weight decay with the lowest validation loss, among the nets that are no larger than the staged net."""
    rows = pd.read_csv(EVIDENCE)
    rows = rows[(rows.experiment == experiment) & rows.arm.isin(arms) & (rows.params <= LIMIT)]
    row = rows.loc[rows.val.idxmin()]
    return row.arm, float(row.decay)


def planned() -> list[Row]:
    """Every row that can be planned from the rows that are there."""
    plan = [row_of("decay", arm, TUNING_SEED, "fast", decay) for arm in NETS for decay in DECAYS]
    if missing_rows(EVIDENCE, plan, SETTINGS):
        return plan
    decays = {arm: best("decay", [arm])[1] for arm in WAVENETS}
    plan += [row_of("parts", arm, seed, "fast", decay) for arm, decay in decays.items() for seed in SEEDS]
    arm, decay = best("decay", list(NETS))
    plan += [row_of("long decay", arm, TUNING_SEED, "long", round(decay * factor, 3)) for factor in (1, 2, 4)]
    if missing_rows(EVIDENCE, plan, SETTINGS):
        return plan
    decay = best("long decay", [arm])[1]
    plan += [row_of("long", arm, seed, "long", decay) for seed in SEEDS]
    arm = next(iter(WAVENETS))
    return [*plan, row_of("rerun", arm, 0, "fast, one pass", decays[arm])]


def fill(row: Row) -> Row:
    """Train and evaluate: a function of the row alone."""
    names = load_names()
    vocabulary = Vocabulary(names)
    train_names, val_names, _ = split_names(names)
    torch.manual_seed(row["seed"])
    net = WaveNet(len(vocabulary), **NETS[row["arm"]])
    train, val = (make_sequences(part, vocabulary, net.receptive_field) for part in (train_names, val_names))
    recipe = replace(RECIPES[row["recipe"]], weight_decay=row["decay"])
    history = train_sequences(net, train, recipe=recipe, seed=row["seed"], progress=False)
    last = {"receptive_field": net.receptive_field, "train": f"{statistics.mean(history.train[-100:]):.4f}"}
    return row | last | measurements(net, history.steps, history.seconds, val=evaluate_sequences(net, val))


def table() -> str:
    """Number of seeds, mean and standard deviation of the validation loss in each experiment."""
    groups = pd.read_csv(EVIDENCE).groupby(["experiment", "arm", "recipe", "decay", "params"], sort=False)
    return groups.val.agg(["size", "mean", "std"]).round(4).to_string()


if __name__ == "__main__":
    seconds = lambda row: SECONDS[row["recipe"]]
    run_command(__doc__, Sweep(EVIDENCE, SETTINGS, MEASURED, planned, fill, seconds), report=table)
