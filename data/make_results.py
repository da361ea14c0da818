"""Train every net of README's results table with several seeds, and write the table.

    python data/make_results.py            train what data/evidence/results.csv lacks, then write README's table
    python data/make_results.py --table    write the table only

Two trainings run at a time, one thread each. A row is written when its training has ended, so that the command can be
stopped and goes on where it was.
"""

import argparse
import csv
import statistics
from pathlib import Path

import torch
from torch import nn

from lib.data import DATA, Vocabulary, load_names, make_windows, split_names
from lib.evidence.sweeps import forecast, read_rows, run_sweep
from lib.models import flat_model, staged_model
from lib.ngrams import CountModel
from lib.training import FAST, LECTURE, LONG, QUICK, evaluate, train

EVIDENCE = DATA / "evidence" / "results.csv"
README = DATA.parent / "README.md"
SETTINGS = ["experiment", "arm", "seed", "split", "recipe"]
MEASURED = ["params", "steps", "val", "test", "seconds", "torch"]
SECONDS = {"quick": 8, "fast": 20, "long": 80, "lecture": 300}  # about, one core; for the forecast only

NETS = {
    "flat": flat_model,
    "staged": staged_model,
    "staged, GELU, residual": lambda size: staged_model(size, activation=nn.GELU, residual=True),
}
RECIPES = {recipe.name: recipe for recipe in (LECTURE, QUICK, FAST, LONG)}
# arm, recipe, whether names that girls and boys share stand in the list twice, as in the lecture's list
ARMS = [
    ("flat", "fast", False),
    ("staged", "lecture", False),
    ("staged, GELU, residual", "lecture", False),
    ("staged", "fast", False),
    ("staged, GELU, residual", "quick", False),
    ("staged, GELU, residual", "fast", False),
    ("staged, GELU, residual", "long", False),
    ("staged, GELU, residual", "fast", True),
    ("staged, GELU, residual", "long", True),
]


def planned() -> list[dict]:
    """Every row to fill, the slow ones first."""
    rows = [
        {"experiment": "results", "arm": arm, "seed": seed, "split": "names twice" if twice else "42", "recipe": recipe}
        for arm, recipe, twice in ARMS
        for seed in range(3 if twice or recipe == "lecture" else 5)
    ]
    rows.sort(key=lambda row: ("lecture", "long", "fast", "quick").index(row["recipe"]))
    return rows + [
        {"experiment": "results", "arm": f"count, {context}", "seed": 0, "split": "42", "recipe": "count"}
        for context in range(9)
    ]


def names_twice() -> list[str]:
    """All girls' names, then all boys', as in the agency's file: 2,559 names stand there twice."""
    with open(DATA / "names.csv", newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    return [
        row["name"]
        for sex in ("girls", "boys")
        for row in sorted(rows, key=lambda row: (-int(row[sex]), row["name"]))
        if int(row[sex])
    ]


def fill(row: dict) -> dict:
    """Train and evaluate: a function of the row alone."""
    names = names_twice() if row["split"] == "names twice" else load_names()
    vocabulary = Vocabulary(names)
    train_windows, val_windows, test_windows = (make_windows(part, vocabulary) for part in split_names(names))
    if row["recipe"] == "count":
        model = CountModel(train_windows, len(vocabulary), int(row["arm"].split(", ")[1]))
        params, steps, seconds = sum(probs.numel() for probs in model.probs), 0, 0.0
        val, test = model.evaluate(val_windows), model.evaluate(test_windows)
    else:
        torch.manual_seed(row["seed"])
        model = NETS[row["arm"]](len(vocabulary))
        history = train(model, train_windows, recipe=RECIPES[row["recipe"]], seed=row["seed"], progress=False)
        params, steps, seconds = sum(p.numel() for p in model.parameters()), history.steps, history.seconds
        val, test = evaluate(model, val_windows), evaluate(model, test_windows)
    measured = {
        "params": params,
        "steps": steps,
        "val": f"{val:.6f}",
        "test": f"{test:.6f}",
        "seconds": f"{seconds:.1f}",
    }
    return row | measured | {"torch": torch.__version__}


def spread(rows: list[dict], column: str) -> str:
    values = [float(row[column]) for row in rows]
    return f"{statistics.mean(values):.3f}" + (f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else "")


def table() -> str:
    """README's table: mean and standard deviation over the seeds."""
    lines = [
        "| model | parameters | seeds | validation | test |",
        "|---|--:|--:|--:|--:|",
    ]
    groups: dict[tuple[str, ...], list[dict]] = {}
    for row in read_rows(EVIDENCE):
        groups.setdefault((row["arm"], row["recipe"], row["split"]), []).append(row)
    counting = [group for (_, recipe, _), group in groups.items() if recipe == "count"]
    best = min(counting, key=lambda group: float(group[0]["val"]))
    shown = [(f"counting, {best[0]['arm'].split(', ')[1]} letters of context (the best of 0 to 8)", best)]
    for arm, recipe, twice in ARMS:
        label = f"{arm}; recipe {recipe.upper()}" + ("; names of girls and boys twice in the list" if twice else "")
        shown.append((label, groups[arm, recipe, "names twice" if twice else "42"]))
    for label, group in shown:
        cells = [label, f"{int(group[0]['params']):,}", str(len(group)), spread(group, "val"), spread(group, "test")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def with_table(readme: str) -> str:
    """README's text with the table of data/evidence/results.csv between its markers."""
    start, end = "<!-- results -->", "<!-- /results -->"
    before, rest = readme.split(start)
    return before + start + "\n" + table() + "\n" + end + rest.split(end)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="write README's table only")
    if not parser.parse_args().table:
        print(forecast(EVIDENCE, planned(), SETTINGS, lambda row: SECONDS.get(row["recipe"], 1)))
        run_sweep(EVIDENCE, planned(), SETTINGS, MEASURED, fill)
    README.write_text(with_table(Path(README).read_text(encoding="utf-8")), encoding="utf-8")
    print(table())


if __name__ == "__main__":
    main()
