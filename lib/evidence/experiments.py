"""The runs behind lesson 06: arms, learning rates, the plan of every row, and what is measured in a run.

What the runs test, and the rule for the verdicts, is in `lib.evidence.claims`.
"""

import copy
import math
import statistics
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import pandas as pd
import torch
from torch import nn

from lib.data import DATA, Vocabulary, load_names, make_windows, split_names
from lib.evidence.arms import hidden_for, make_net
from lib.evidence.probes import (
    RARITIES,
    SPANS,
    Windows,
    along_the_gradient,
    combinations_readable,
    gradient_gain,
    letters_readable,
    loss_by_rarity,
    losses,
    recalibrate,
    standard_error,
    statistics_spread,
)
from lib.evidence.sweeps import Row, measurements
from lib.recipes import FAST, Recipe
from lib.training import evaluate, train

EVIDENCE = DATA / "evidence"
TUNING, RUNS = EVIDENCE / "learning_rates.csv", EVIDENCE / "staging.csv"
SMALL, LARGE = 22_097, 76_579
EMBEDDING = {SMALL: 10, LARGE: 24}
THRESHOLD = 2.2
SEEDS, TUNING_SEEDS = range(10), (100, 101)
RATES = {SMALL: (2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2), LARGE: (4e-3, 8e-3, 1.6e-2)}
LONG_RATES = (4e-3, 8e-3, 1.6e-2)
BATCH_32_RATES = (5e-4, 1e-3, 2e-3, 4e-3)
RANGE = {"adamw": (5e-4, 1e-3, *RATES[SMALL], 6.4e-2, 0.128, 0.256, 0.512), "sgd": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)}

ARMS: dict[str, dict] = {
    "staged": {},
    "flat": {"stages": "8"},
    "nothing between": {"between": ""},
    "linear between": {"between": "linear"},
    "batchnorm between": {"between": "norm"},
    "linear, batchnorm between": {"between": "linear norm"},
    "linear, tanh between": {"between": "linear tanh"},
    "stages 4-2": {"stages": "4-2"},
    "stages 2-4": {"stages": "2-4"},
    "unshared": {"shared": False},
    "dim 0": {"norm": "dim 0"},
    "padding masked": {"norm": "masked"},
    "layernorm": {"norm": "LayerNorm"},
    "none": {"norm": "none"},
    "none, larger weights": {"norm": "none", "gain": 5 / 3},
    "shifted": {"norm": "shifted"},
    "residual": {"residual": True},
    "residual, none": {"residual": True, "norm": "none"},
    "flat, none": {"stages": "8", "norm": "none"},
    "flat, deep": {"stages": "8-1-1"},
    "flat, deep, none": {"stages": "8-1-1", "norm": "none"},
    "staged, torch's head": {"head": "torch"},
    "flat, torch's head": {"stages": "8", "head": "torch"},
}
LARGE_ARMS = ["staged", "flat", "linear, tanh between", "dim 0", "none", "staged, torch's head", "flat, torch's head"]
RANGE_ARMS = ["staged", "layernorm", "none", "none, larger weights"]
FIRST_WIDTHS = (4, 8, 16, 32)

NET_SETTINGS = {"stages": "2-2-2", "between": "linear norm tanh", "norm": "dims (0, 1)", "residual": False}
NET_SETTINGS |= {"shared": True, "gain": 0.0, "first": 0, "head": "small"}
SETTINGS = ["experiment", "arm", "seed", "split", "size", "recipe", "optimizer", "batch", "epochs", "lr", *NET_SETTINGS]
MEASURED = ["params", "hidden", "steps", "val", "val_se", *(f"val, seen {rarity}" for rarity in RARITIES)]
MEASURED += ["steps to 2.2", "gain at init", "gain at 100", "gain at end", "loss range", "gradient change"]
MEASURED += ["spread dim 0", "spread dims (0, 1)", "spread positions"]
MEASURED += [f"letters, stage {depth}" for depth in (1, 2, 3)]
MEASURED += [f"{span}, {net} {depth}" for span in SPANS for net in ("untrained", "stage") for depth in range(4)]
MEASURED += [f"{span}, majority" for span in SPANS] + ["seconds", "torch"]
TUNED = ["params", "hidden", "steps", "val", "seconds", "torch"]


def _row(experiment: str, arm: str, seed: int, size: int, lr: float, split: int | None = None, **changes) -> Row:
    row: Row = {"experiment": experiment, "arm": arm, "seed": seed, "split": 42 + seed if split is None else split}
    row |= {"size": size, "recipe": "fast", "optimizer": "adamw", "batch": 512, "epochs": 4, "lr": lr}
    return row | NET_SETTINGS | ARMS.get(arm, {}) | changes


def new_row(arm: str, seed: int, lr: float, size: int = SMALL, epochs: float = 4, **changes) -> Row:
    """The settings of a run that is not in the plan: any of `make_net`'s, a learning rate and a length.

    Raises:
        ValueError: a setting that `make_net` does not have.
    """
    if unknown := set(changes) - set(NET_SETTINGS):
        raise ValueError(f"Expected settings out of {', '.join(NET_SETTINGS)}, got {', '.join(sorted(unknown))}.")
    return _row("own", arm, seed, size, lr, epochs=epochs, **changes)


def planned_tuning() -> list[Row]:
    """The rows that choose the learning rates, and those that show how many rates train."""
    rows = [
        _row("tuning", arm, seed, size, lr)
        for size, arms, seeds in ((SMALL, list(ARMS), TUNING_SEEDS), (LARGE, LARGE_ARMS, TUNING_SEEDS[:1]))
        for arm in arms
        if arm != "nothing between"  # equal to flat
        for seed in seeds
        for lr in RATES[size]
    ]
    rows += [
        _row("tuning", arm, TUNING_SEEDS[0], SMALL, lr, batch=32, epochs=1)
        for arm in ("staged", "dim 0")
        for lr in BATCH_32_RATES
    ]
    rows += [
        _row("tuning long", arm, TUNING_SEEDS[0], SMALL, lr, epochs=16)
        for arm in ("staged", "flat")
        for lr in LONG_RATES
    ]
    rows += [
        _row("range", arm, TUNING_SEEDS[0], SMALL, lr, optimizer=optimizer)
        for arm in RANGE_ARMS
        for optimizer, rates in RANGE.items()
        for lr in rates
        if optimizer == "sgd" or lr not in RATES[SMALL]
    ]
    return rows


def tuned_rate(arm: str, size: int, batch: int = 512, experiment: str = "tuning") -> float:
    """The learning rate with the lowest mean validation loss over the tuning seeds.

    Raises:
        LookupError: there are no tuning rows of this arm.
    """
    arm = "flat" if arm == "nothing between" else arm
    rows = pd.read_csv(TUNING) if TUNING.exists() else pd.DataFrame(columns=SETTINGS)
    rows = rows.query("experiment == @experiment and arm == @arm and size == @size and batch == @batch")
    if rows.empty:
        raise LookupError(f"{TUNING.name} has no tuning rows of {arm!r} with {size} parameters; fill it first.")
    return float(rows.groupby("lr").val.mean().idxmin())


def _seeds(
    experiment: str, arm: str, size: int = SMALL, tuning: str = "tuning", batch: int = 512, **changes
) -> list[Row]:
    lr = tuned_rate(arm, size, batch, tuning)
    return [_row(experiment, arm, seed, size, lr, batch=batch, **changes) for seed in SEEDS]


def planned_runs() -> list[Row]:
    """The rows behind the claims, each arm at its own learning rate, and a short one that lesson 06 runs again."""
    groups = [_seeds("arms", arm, size) for size, arms in ((SMALL, ARMS), (LARGE, LARGE_ARMS)) for arm in arms]
    groups += [_seeds("arms", arm, batch=32, epochs=1) for arm in ("staged", "dim 0")]
    groups += [_seeds("long", arm, tuning="tuning long", epochs=16) for arm in ("staged", "flat")]
    rows = [row for group in groups for row in group]
    rate = tuned_rate("staged", SMALL)
    rows += [_row("first width", f"first {n}", seed, SMALL, rate, first=n) for n in FIRST_WIDTHS for seed in SEEDS]
    rows += [_row("noise of seeds", "staged", seed, SMALL, rate, split=42) for seed in SEEDS]
    rows += [_row("noise of splits", "staged", 0, SMALL, rate, split=42 + i) for i in SEEDS]
    return [*rows, _row("rerun", "staged", 0, SMALL, rate, epochs=1)]


class Split(NamedTuple):
    """A vocabulary, and (X, Y) windows of the training, validation and test names."""

    vocabulary: Vocabulary
    train: Windows
    val: Windows
    test: Windows


def split_windows(names: list[str], seed: int = 42) -> Split:
    """Split the names by this seed, and make windows of each part."""
    vocabulary = Vocabulary(names)
    return Split(vocabulary, *(make_windows(part, vocabulary) for part in split_names(names, seed)))


@cache
def load_split(seed: int = 42) -> Split:
    """`split_windows` of data/names.txt."""
    return split_windows(load_names(), seed)


def net_of(row: Row, vocabulary_size: int) -> nn.Sequential:
    """The net of a row, initialized by its seed; its width is chosen for equal parameters without "first"."""
    settings = {name: row[name] for name in NET_SETTINGS if name != "first"} | {"embedding": EMBEDDING[row["size"]]}
    hidden = hidden_for(row["size"], vocabulary_size, **settings)
    torch.manual_seed(row["seed"])
    return make_net(vocabulary_size, hidden=hidden, first=row["first"], **settings)


def recipe_of(row: Row) -> Recipe:
    """FAST with the row's optimizer, batch size, epochs and learning rate."""
    return replace(FAST, optimizer=row["optimizer"], batch_size=row["batch"], epochs=row["epochs"], lr=row["lr"])


def fill_tuning(row: Row) -> Row:
    """Train the net of a row and evaluate it; the loss of a diverged run is infinity."""
    split = load_split(row["split"])
    model, recipe = net_of(row, len(split.vocabulary)), recipe_of(row)
    steps, seconds, val = recipe.total_steps(len(split.train[1])), 0.0, math.inf
    try:
        seconds = train(model, split.train, recipe=recipe, seed=row["seed"], progress=False).seconds
        val = evaluate(model, split.val)
    except FloatingPointError:
        pass
    val = val if math.isfinite(val) else math.inf
    return row | measurements(model, steps, seconds, val=val) | {"hidden": model.head.in_features}


def fill_run(row: Row) -> Row:
    """Train the net of a row, and measure it during the run and at its end."""
    split, seed = load_split(row["split"]), row["seed"]
    (train_X, train_Y), (val_X, val_Y) = split.train, split.val
    model, recipe = net_of(row, len(split.vocabulary)), recipe_of(row)
    untrained, steps = copy.deepcopy(model), recipe.total_steps(len(train_Y))
    batch = torch.randint(len(train_Y), (512,), generator=torch.Generator().manual_seed(seed))
    curve: list[tuple[int, float]] = []
    gains: dict[int, float] = {}
    smoothness: list[tuple[float, float]] = []

    def on_step(step: int) -> None:
        if step % (25_600 // recipe.batch_size) == 0:
            curve.append((step, evaluate(model, (val_X[:4_096], val_Y[:4_096]))))
        if step in (0, 100, steps):
            gains[step] = gradient_gain(model, train_X[batch], train_Y[batch])
        if step in (steps // 10, steps // 3, 2 * steps // 3):
            smoothness.append(along_the_gradient(model, train_X[batch], train_Y[batch]))

    history = train(model, split.train, recipe=recipe, seed=seed, progress=False, on_step=on_step)
    loss = losses(model, val_X, val_Y)
    results = {f"gain at {name}": gains[step] for name, step in (("init", 0), ("100", 100), ("end", steps))}
    results |= zip(("loss range", "gradient change"), map(statistics.mean, zip(*smoothness, strict=True)), strict=True)
    results |= _probes(row, model, untrained, split)
    rarity = loss_by_rarity(loss, val_X, train_X) | {"val_se": standard_error(loss, val_Y)}
    measured = measurements(model, steps, history.seconds, val=evaluate(model, split.val), **rarity)
    row = row | measured | {"hidden": model.head.in_features, "steps to 2.2": _steps_to(THRESHOLD, curve)}
    return row | {name: f"{value:.5f}" for name, value in results.items()}


def _probes(row: Row, model: nn.Sequential, untrained: nn.Sequential, split: Split) -> dict[str, float]:
    """What is measured in some arms only."""
    (train_X, _), (val_X, _), seed = split.train, split.val, row["seed"]
    results: dict[str, float] = {}
    if row["stages"].startswith("2") and "linear" in row["between"] and row["shared"]:
        names = ("spread dim 0", "spread dims (0, 1)", "spread positions")
        results |= zip(names, statistics_spread(model, train_X), strict=True)
    small = row["size"] == SMALL and row["batch"] == 512
    if small and row["experiment"] in ("arms", "first width") and (row["arm"] == "staged" or row["first"]):
        chosen = torch.randperm(len(train_X), generator=torch.Generator().manual_seed(seed))[:20_000]
        X = torch.cat([train_X[chosen], val_X[:5_000]])
        results |= letters_readable(model, X, torch.arange(len(X)) >= 20_000)
    if small and row["experiment"] == "arms" and row["arm"] == "staged":
        nets = {"stage": model, "untrained": recalibrate(untrained, train_X)}
        results |= combinations_readable(nets, split.train, split.vocabulary, seed)
    return results


def _steps_to(threshold: float, curve: list[tuple[int, float]]) -> str:
    """The first step at which the linearly interpolated losses reach the threshold; empty if they never do."""
    for (before, high), (after, low) in pairwise(curve):
        if low <= threshold < high:
            return f"{before + (after - before) * (high - threshold) / (high - low):.1f}"
    return ""
