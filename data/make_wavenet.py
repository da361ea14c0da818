"""Train the WaveNets of lesson 08 and fill data/evidence/wavenet.csv.

    python data/make_wavenet.py             say how long it takes, then fill what is missing
    python data/make_wavenet.py --forecast  say how long it takes, and stop
    python data/make_wavenet.py --table     mean and standard deviation of what is there, and stop

Four experiments, each planned from the rows of those before it:
    decay       every arm, and every candidate for the best net, with each weight decay: recipe FAST, one seed
    parts       every arm with its best weight decay: FAST, five other seeds
    long decay  the best candidate of all with higher weight decays: recipe LONG, one seed
    long        the best candidate with its best weight decay: LONG, five other seeds

Two trainings run at a time, one thread each. A row is written when its training has ended; stopped at any time, the command
goes on where it was. The test set is not looked at.
"""

import argparse
import statistics
from dataclasses import replace

import torch
from torch import nn

from lib.data import DATA, Vocabulary, load_names, split_names
from lib.evidence.arms import WAVENETS
from lib.evidence.sweeps import forecast, missing_rows, read_rows, run_sweep
from lib.training import FAST, LONG
from lib.wavenet import WaveNet, evaluate_sequences, make_sequences, train_sequences

EVIDENCE = DATA / "evidence" / "wavenet.csv"
SETTINGS = ["experiment", "arm", "seed", "split", "recipe", "decay"]
MEASURED = ["params", "receptive_field", "steps", "train", "val", "seconds", "torch"]
RECIPES = {recipe.name: recipe for recipe in (FAST, LONG)}
SECONDS = {"fast": 25, "long": 100}  # about, one core; for the forecast only

FIRST = {
    "embedding": 24,
    "skip": False,
    "deep_head": False,
}  # the parameters go to the layers, not to skip path and head
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


def row_of(experiment: str, arm: str, seed: int, recipe: str, decay: float) -> dict:
    return {"experiment": experiment, "arm": arm, "seed": seed, "split": 42, "recipe": recipe, "decay": decay}


def best(rows: list[dict[str, str]], experiment: str, arms: list[str]) -> tuple[str, float]:
    """Arm and weight decay with the lowest validation loss, among the nets that are no larger than the staged net."""
    found = [row for row in rows if row["experiment"] == experiment and row["arm"] in arms]
    found = [row for row in found if int(row["params"]) <= LIMIT]
    row = min(found, key=lambda row: float(row["val"]))
    return row["arm"], float(row["decay"])


def planned(rows: list[dict[str, str]]) -> list[dict]:
    """Every row that can be planned from the rows that are there."""
    plan = [row_of("decay", arm, TUNING_SEED, "fast", decay) for arm in NETS for decay in DECAYS]
    if missing_rows(EVIDENCE, plan, SETTINGS):
        return plan
    for arm in WAVENETS:
        decay = best(rows, "decay", [arm])[1]
        plan += [row_of("parts", arm, seed, "fast", decay) for seed in SEEDS]
    arm, decay = best(rows, "decay", list(NETS))
    plan += [row_of("long decay", arm, TUNING_SEED, "long", round(decay * factor, 3)) for factor in (1, 2, 4)]
    if missing_rows(EVIDENCE, plan, SETTINGS):
        return plan
    decay = best(rows, "long decay", [arm])[1]
    return plan + [row_of("long", arm, seed, "long", decay) for seed in SEEDS]


def fill(row: dict) -> dict:
    """Train and evaluate: a function of the row alone."""
    names = load_names()
    vocabulary = Vocabulary(names)
    train_names, val_names, _ = split_names(names)
    torch.manual_seed(row["seed"])
    net = WaveNet(len(vocabulary), **NETS[row["arm"]])
    train, val = (make_sequences(part, vocabulary, net.receptive_field) for part in (train_names, val_names))
    recipe = replace(RECIPES[row["recipe"]], weight_decay=row["decay"])
    history = train_sequences(net, train, recipe=recipe, seed=row["seed"], progress=False)
    measured = {
        "params": sum(p.numel() for p in net.parameters()),
        "receptive_field": net.receptive_field,
        "steps": history.steps,
        "train": f"{statistics.mean(history.train[-100:]):.4f}",
        "val": f"{evaluate_sequences(net, val):.6f}",
        "seconds": f"{history.seconds:.1f}",
        "torch": torch.__version__,
    }
    return row | measured


def table() -> str:
    groups: dict[tuple[str, ...], list[float]] = {}
    for row in read_rows(EVIDENCE):
        group = tuple(row[name] for name in ("experiment", "arm", "recipe", "decay", "params"))
        groups.setdefault(group, []).append(float(row["val"]))
    lines = []
    for (experiment, arm, recipe, decay, params), vals in groups.items():
        sd = f" ± {statistics.stdev(vals):.4f}" if len(vals) > 1 else ""
        what = f"{experiment:<10} | {arm:<36} | {recipe} | decay {decay:<5} | {int(params):,}"
        lines.append(f"{what} | {len(vals)} | {statistics.mean(vals):.4f}{sd}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forecast", action="store_true", help="say how long it takes, and stop")
    parser.add_argument("--table", action="store_true", help="print what is there, and stop")
    arguments = parser.parse_args()
    while not arguments.table and missing_rows(EVIDENCE, planned(read_rows(EVIDENCE)), SETTINGS):
        plan = planned(read_rows(EVIDENCE))
        print(forecast(EVIDENCE, plan, SETTINGS, lambda row: SECONDS[row["recipe"]]))
        if arguments.forecast:
            print(
                "The experiments that follow from these are not counted: 35 runs of FAST, then 8 of LONG, are 15 minutes."
            )
            return
        run_sweep(EVIDENCE, plan, SETTINGS, MEASURED, fill)
    print(table())


if __name__ == "__main__":
    main()
