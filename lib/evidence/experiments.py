"""The experiments behind lesson 06: what each claim about staging predicts, which runs test it, and the rule for its verdict.

Written down before the runs. A run trains one net with recipe FAST (four passes, AdamW, batch 512) and measures it; arms of
one comparison have equal parameters (within 1 %: 22,097, as the lecture's flat net, or 76,579, as its staged net) and equal
steps; batches of 32 have one pass. Ten seeds an arm; seed s starts the weights and orders the windows, and names are split by 42 + s, so that arms are
paired by seed and split. The learning rate of each arm is the one of five that was best on seeds 100 and 101 (for 76,579
parameters: of three, on seed 100), which are used for nothing else. Losses are in nats a letter, on the validation names.

| claim | prediction if it holds | statistic |
|---|---|---|
| 1a hierarchical features | what usually follows a quad (a pair) can be read off stage 2 (stage 1) better after training than before | probe accuracy for unseen quads (pairs), trained minus untrained |
| 1b one level a stage | a quad's can be read off stage 2 better than off the two outputs of stage 1 below it | probe accuracy, stage 2 minus stage 1, trained |
| 1c rare combinations | staging gains more where the last four letters are rare in training | val loss, (flat - staged) where they were seen 1 to 9 times minus where seen 100 times or more |
| 2a staging | staged below flat | val loss, flat minus staged, at each size; and with 16 passes (this part was added when the learning rates had been seen) |
| 2b processing | each part put between the bare stages lowers the loss | val loss, nothing between minus that part |
| 3 flexibility | (a statement about design: the spread of 2-2-2, 4-2, 2-4, 8 and of unshared weights, no verdict) | val loss, each minus 2-2-2 |
| 4a flattening at once loses order | 8 letters can be put back together from three bare stages, but not from one flatten | identity |
| 4b stages preserve | the letters can be read off the last stage as well as off the first | probe accuracy of the letters, stage 3 minus stage 1, and by width of the first |
| 5a depth and gradients | more stages pass the gradient to the embedding better | gradient gain at init, three stages over one, no normalisation |
| 5b normalisation | the same with BatchNorm | the same |
| 5c speed | the staged net needs fewer steps to val loss 2.2 than the flat one | steps, flat minus staged |
| 6a dims (0, 1) | dims (0, 1) below dim 0 | val loss, dim 0 minus dims (0, 1), batches of 512 and of 32 |
| 6b consistency | the mean over dims (0, 1) moves less from batch to batch than the mean over dim 0 | spread of batch means, ratio |
| 6c padding | leaving padding out of the statistics lowers the loss | val loss, dims (0, 1) minus the same with padding masked |
| 7a convergence | with BatchNorm fewer steps to val loss 2.2 than without | steps, none minus BatchNorm |
| 7b stability | BatchNorm trains at more learning rates | how many of the tried rates end within 0.1 of the arm's best, by optimizer |
| 8a covariate shift | putting a shift back undoes more than half of what BatchNorm gains | val loss, shifted minus the mean of BatchNorm and none |
| 8b smoothness | BatchNorm makes the loss smoother along the gradient | change of the gradient on the way, none minus BatchNorm |

Verdicts: the 95 % interval of the mean paired difference (10,000 bootstrap samples of the seeds) is all on the predicted
side: **supported**; all on the other: **refuted**; else **not separable** from noise. A claim of several parts is given part by
part. Claims 3, 4a and 7b have no pairs of seeds: they are stated as they are. A net that never reaches 2.2 counts as reaching it at its last
step.
"""

import copy
import math
import statistics
from dataclasses import replace
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor, nn

from lib.data import DATA, Vocabulary, load_names, make_windows, split_names
from lib.evidence.arms import hidden_for, make_net
from lib.evidence.probes import (
    Windows,
    along_the_gradient,
    gradient_gain,
    linear_probe,
    settle,
    span_features,
    stage_outputs,
    statistics_spread,
)
from lib.evidence.sweeps import Row, read_rows
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
}
LARGE_ARMS = ["staged", "flat", "linear, tanh between", "dim 0", "none"]
RANGE_ARMS = ["staged", "layernorm", "none", "none, larger weights"]
FIRST_WIDTHS = (4, 8, 16, 32)

NET_SETTINGS = {"stages": "2-2-2", "between": "linear norm tanh", "norm": "dims (0, 1)", "residual": False}
NET_SETTINGS |= {"shared": True, "gain": 0.0, "first": 0}
SETTINGS = ["experiment", "arm", "seed", "split", "size", "recipe", "optimizer", "batch", "epochs", "lr", *NET_SETTINGS]
RARITIES = ("never", "1 to 9", "10 to 99", "100 or more")
PROBED = ("pair", "quad", "eight")
MEASURED = ["params", "hidden", "steps", "val", "val_se", *(f"val, seen {rarity}" for rarity in RARITIES)]
MEASURED += ["steps to 2.2", "gain at init", "gain at 100", "gain at end", "loss range", "gradient change"]
MEASURED += ["spread dim 0", "spread dims (0, 1)", "spread positions"]
MEASURED += [f"letters, stage {depth}" for depth in (1, 2, 3)]
MEASURED += [f"{span}, {net} {depth}" for span in PROBED for net in ("untrained", "stage") for depth in range(4)]
MEASURED += [f"{span}, majority" for span in PROBED] + ["seconds", "torch"]
TUNED = ["params", "hidden", "steps", "val", "seconds", "torch"]


def _row(experiment: str, arm: str, seed: int, size: int, lr: float, split: int | None = None, **changes) -> Row:
    row: Row = {"experiment": experiment, "arm": arm, "seed": seed, "split": 42 + seed if split is None else split}
    row |= {"size": size, "recipe": "fast", "optimizer": "adamw", "batch": 512, "epochs": 4, "lr": lr}
    return row | NET_SETTINGS | ARMS.get(arm, {}) | changes


def new_row(arm: str, seed: int, lr: float, size: int = SMALL, epochs: float = 4, **changes) -> Row:
    """The settings of a run of the reader's own: any of `make_net`'s, and any recipe's learning rate and length."""
    return _row("own", arm, seed, size, lr, epochs=epochs, **changes)


def claim_table() -> str:
    """The table of claims above, as it was written down before the runs, in Markdown."""
    return "\n".join(line for line in __doc__.splitlines() if line.startswith("|"))


def planned_tuning() -> list[Row]:
    """The rows that choose the learning rates, and those that show how many of them train."""
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
        LookupError: the tuning rows of this arm are not there.
    """
    arm = "flat" if arm == "nothing between" else arm
    found: dict[float, list[float]] = {}
    for row in read_rows(TUNING):
        if (row["experiment"], row["arm"], row["size"], row["batch"]) == (experiment, arm, str(size), str(batch)):
            found.setdefault(float(row["lr"]), []).append(float(row["val"]))
    if not found:
        raise LookupError(f"{TUNING.name} has no tuning rows of {arm!r} with {size} parameters: fill it first.")
    return min(found, key=lambda lr: statistics.mean(found[lr]))


def planned_runs() -> list[Row]:
    """The rows that the claims rest on, each arm at its own learning rate."""
    rows = [
        _row("arms", arm, seed, size, tuned_rate(arm, size))
        for size, arms in ((SMALL, list(ARMS)), (LARGE, LARGE_ARMS))
        for arm in arms
        for seed in SEEDS
    ]
    rows += [
        _row("arms", arm, seed, SMALL, tuned_rate(arm, SMALL, 32), batch=32, epochs=1)
        for arm in ("staged", "dim 0")
        for seed in SEEDS
    ]
    rows += [
        _row("long", arm, seed, SMALL, tuned_rate(arm, SMALL, experiment="tuning long"), epochs=16)
        for arm in ("staged", "flat")
        for seed in SEEDS
    ]
    rate = tuned_rate("staged", SMALL)
    rows += [_row("first width", f"first {n}", seed, SMALL, rate, first=n) for n in FIRST_WIDTHS for seed in SEEDS]
    rows += [_row("noise of seeds", "staged", seed, SMALL, rate, split=42) for seed in SEEDS]
    rows += [_row("noise of splits", "staged", 0, SMALL, rate, split=42 + i) for i in SEEDS]
    return rows


@cache
def load_split(split: int) -> tuple[Vocabulary, Windows, Windows]:
    """The vocabulary, and the training and validation windows of one split."""
    names = load_names()
    vocabulary = Vocabulary(names)
    train_names, val_names, _ = split_names(names, seed=split)
    return vocabulary, make_windows(train_names, vocabulary), make_windows(val_names, vocabulary)


def net_of(row: Row, vocabulary_size: int) -> nn.Sequential:
    """The net of a row, with weights that its seed draws. "first" is no part of the width that equal parameters ask for."""
    settings = {name: row[name] for name in NET_SETTINGS if name != "first"} | {"embedding": EMBEDDING[row["size"]]}
    hidden = hidden_for(row["size"], vocabulary_size, **settings)
    torch.manual_seed(row["seed"])
    return make_net(vocabulary_size, hidden=hidden, first=row["first"], **settings)


def recipe_of(row: Row) -> Recipe:
    """FAST with the row's optimizer, batch size and learning rate."""
    return replace(FAST, optimizer=row["optimizer"], batch_size=row["batch"], epochs=row["epochs"], lr=row["lr"])


def fill_tuning(row: Row) -> Row:
    """Train the net of a row and evaluate it; a training that breaks down has a loss of infinity."""
    vocabulary, train_windows, val_windows = load_split(row["split"])
    model, recipe = net_of(row, len(vocabulary)), recipe_of(row)
    steps, seconds, val = recipe.total_steps(len(train_windows[1])), 0.0, math.inf
    try:
        seconds = train(model, train_windows, recipe=recipe, seed=row["seed"], progress=False).seconds
        val = evaluate(model, val_windows)
    except FloatingPointError:
        pass
    return row | _common(model, steps, val if math.isfinite(val) else math.inf, seconds)


def fill_run(row: Row) -> Row:
    """Train the net of a row, looking into it on the way and at the end."""
    vocabulary, train_windows, val_windows = load_split(row["split"])
    model = net_of(row, len(vocabulary))
    untrained = copy.deepcopy(model)
    recipe = recipe_of(row)
    steps = recipe.total_steps(len(train_windows[1]))
    batch = torch.randint(len(train_windows[1]), (512,), generator=torch.Generator().manual_seed(row["seed"]))
    X, Y = (part[batch] for part in train_windows)
    few = tuple(part[:4_096] for part in val_windows)
    curve: list[tuple[int, float]] = []
    gains: dict[int, float] = {}
    smooth: list[tuple[float, float]] = []

    def on_step(step: int) -> None:
        if step % (25_600 // recipe.batch_size) == 0:
            curve.append((step, evaluate(model, few)))
        if step in (0, 100, steps):
            gains[step] = gradient_gain(model, X, Y)
        if step in (steps // 10, steps // 3, 2 * steps // 3):
            smooth.append(along_the_gradient(model, X, Y))

    history = train(model, train_windows, recipe=recipe, seed=row["seed"], progress=False, on_step=on_step)
    row = row | _common(model, steps, evaluate(model, val_windows), history.seconds)
    row |= _loss_by_rarity(model, train_windows, val_windows)
    row |= {"steps to 2.2": _steps_to(THRESHOLD, curve)}
    row |= {f"gain at {name}": f"{gains[step]:.5f}" for name, step in (("init", 0), ("100", 100), ("end", steps))}
    row["loss range"], row["gradient change"] = (
        f"{statistics.mean(values):.5f}" for values in zip(*smooth, strict=True)
    )
    if row["stages"].startswith("2") and "linear" in row["between"] and row["shared"]:
        spread = statistics_spread(model, train_windows[0])
        names = ("spread dim 0", "spread dims (0, 1)", "spread positions")
        row |= {name: f"{value:.5f}" for name, value in zip(names, spread, strict=True)}
    small = row["size"] == SMALL and row["batch"] == 512
    if small and row["experiment"] in ("arms", "first width") and (row["arm"] == "staged" or row["first"]):
        row |= _letters_kept(model, train_windows[0], val_windows[0], row["seed"])
    if small and row["experiment"] == "arms" and row["arm"] == "staged":
        row |= _combinations_read(model, untrained, train_windows, vocabulary, row["seed"])
    return row


def _common(model: nn.Module, steps: int, val: float, seconds: float) -> Row:
    params = sum(p.numel() for p in model.parameters())
    hidden = model.head.in_features
    return {
        "params": params,
        "hidden": hidden,
        "steps": steps,
        "val": f"{val:.6f}",
        "seconds": f"{seconds:.1f}",
        "torch": torch.__version__,
    }


def _codes(X: Int[Tensor, "N T"], letters: int) -> Int[Tensor, "N"]:
    """The last letters of each window as one number."""
    powers = 27 ** torch.arange(letters)
    return (X[:, -letters:] * powers).sum(1)


def _loss_by_rarity(model: nn.Module, train_windows: Windows, val_windows: Windows) -> Row:
    """Mean loss by how often the window's last four letters stand in the training windows; standard error, names drawn anew."""
    X, Y = val_windows
    seen, count = _codes(train_windows[0], 4).unique(return_counts=True)
    codes = _codes(X, 4)
    place = torch.searchsorted(seen, codes).clamp(max=len(seen) - 1)
    times = torch.where(seen[place] == codes, count[place], 0)
    with torch.no_grad():
        loss = F.cross_entropy(model.eval()(X), Y, reduction="none").double()
    bins = torch.bucketize(times, torch.tensor([1, 10, 100]), right=True)
    row: Row = {f"val, seen {name}": f"{loss[bins == i].mean():.6f}" for i, name in enumerate(RARITIES)}
    name = (Y == 0).cumsum(0) - (Y == 0).long()  # (N,): which name each window is of; a name ends with its stop mark
    off = torch.zeros(int(name.max()) + 1, dtype=torch.float64).index_add_(0, name, loss - loss.mean())
    return row | {"val_se": f"{(off.square().sum().sqrt() / len(Y)).item():.6f}"}


def _steps_to(threshold: float, curve: list[tuple[int, float]]) -> str:
    """The first step at which the losses, joined by lines, are down to the threshold; empty if they never are."""
    for (before, high), (after, low) in pairwise(curve):
        if low <= threshold < high:
            return f"{before + (after - before) * (high - threshold) / (high - low):.1f}"
    return ""


def _letters_kept(model: nn.Sequential, train_X: Int[Tensor, "N T"], val_X: Int[Tensor, "M T"], seed: int) -> Row:
    """How well a linear probe reads the letters that the newest output of each stage has seen; padding is left out."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.cat([train_X[torch.randperm(len(train_X), generator=generator)[:20_000]], val_X[:5_000]])
    held_out = torch.arange(len(X)) >= 20_000
    outputs, row = stage_outputs(model, X), {}
    for depth in (1, 2, 3):
        right, letters = 0.0, 0
        for back in range(1, 2**depth + 1):
            kept = X[:, -back] != 0
            n = int((kept & held_out).sum())
            right += n * linear_probe(outputs[depth][kept, -1], X[kept, -back], held_out[kept])
            letters += n
        row[f"letters, stage {depth}"] = f"{right / letters:.5f}"
    return row


def _combinations_read(
    model: nn.Sequential, untrained: nn.Sequential, train_windows: Windows, vocabulary: Vocabulary, seed: int
) -> Row:
    """Can a linear probe read whether a vowel usually follows a pair, a quad, an eight, for combinations it was not fitted to?

    One window for each combination that occurs at least five times; pairs and quads of letters only, eights with padding.
    Five folds, so that each combination is held out once.
    """
    X, Y = train_windows
    vowel = torch.isin(Y, torch.tensor(vocabulary.encode("aeiouy")))
    generator = torch.Generator().manual_seed(seed)
    untrained = settle(untrained, X)
    row: Row = {}
    for name, span in zip(PROBED, (2, 4, 8), strict=True):
        _, which, count = _codes(X, span).unique(return_inverse=True, return_counts=True)
        vowels = torch.zeros(len(count)).index_add_(0, which, vowel.float())
        shuffled = torch.randperm(len(X), generator=generator)
        example = torch.empty(len(count), dtype=torch.int64)
        example[which[shuffled]] = shuffled  # any one window of each combination
        chosen = count >= 5
        if span < 8:
            chosen &= (X[example, -span:] != 0).all(1)
        label = (vowels / count > 0.5).long()[chosen]
        fold = torch.randperm(len(label), generator=generator) % 5
        share = label.double().mean().item()
        row[f"{name}, majority"] = f"{max(share, 1 - share):.5f}"
        for net, outputs in (
            ("stage", stage_outputs(model, X[example[chosen]])),
            ("untrained", stage_outputs(untrained, X[example[chosen]])),
        ):
            for depth in range(4):
                features = span_features(outputs, depth, span)
                accuracy = statistics.mean(linear_probe(features, label, fold == i) for i in range(5))
                row[f"{name}, {net} {depth}"] = f"{accuracy:.5f}"
    return row
