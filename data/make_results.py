"""Train every net of README's results table with several seeds, and write the table.

    python data/make_results.py             train what data/evidence/results.csv lacks, then write README's table
    python data/make_results.py --forecast  say how long it takes, and stop
    python data/make_results.py --table     write the table only

Sweeps are described in data/README.md.
"""

import pandas as pd
import torch
from torch import nn

from lib.data import DATA
from lib.evidence.experiments import load_split, split_windows
from lib.evidence.sweeps import Row, Sweep, measurements, run_command
from lib.models import flat_model, staged_model
from lib.ngrams import CountModel
from lib.training import FAST, LECTURE, LONG, QUICK, evaluate, train

EVIDENCE = DATA / "evidence" / "results.csv"
README = DATA.parent / "README.md"
SETTINGS = ["experiment", "arm", "seed", "split", "recipe"]
MEASURED = ["params", "steps", "val", "test", "seconds", "torch"]
SECONDS = {"quick": 8, "fast": 20, "long": 80, "lecture": 300, "count": 1}  # about, one core; for the forecast only

NETS = {
    "flat": flat_model,
    "staged": staged_model,
    "staged, GELU, residual": lambda size: staged_model(size, activation=nn.GELU, residual=True),
}
RECIPES = {recipe.name: recipe for recipe in (LECTURE, QUICK, FAST, LONG)}
# arm, recipe, whether names of girls and boys are in the list twice, as in the lecture's list
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
    """All girls' names, then all boys', as in the agency's file: 2,559 names occur twice."""
    names = pd.read_csv(DATA / "names.csv", na_filter=False)
    lists = (names[names[sex] > 0].sort_values([sex, "name"], ascending=[False, True]) for sex in ("girls", "boys"))
    return pd.concat(lists).name.tolist()


def fill(row: Row) -> Row:
    """Train and evaluate: a function of the row alone."""
    split = split_windows(names_twice()) if row["split"] == "names twice" else load_split()
    size, seed = len(split.vocabulary), row["seed"]
    if row["recipe"] == "count":
        model = CountModel(split.train, size, int(row["arm"].split(", ")[1]))
        losses = {"val": model.evaluate(split.val), "test": model.evaluate(split.test)}
        return row | measurements(nn.ParameterList(model.probs), 0, 0.0, **losses)
    torch.manual_seed(seed)
    model = NETS[row["arm"]](size)
    history = train(model, split.train, recipe=RECIPES[row["recipe"]], seed=seed, progress=False)
    losses = {"val": evaluate(model, split.val), "test": evaluate(model, split.test)}
    return row | measurements(model, history.steps, history.seconds, **losses)


def spread(values: pd.Series) -> str:
    return f"{values.mean():.3f}" + (f" ± {values.std():.3f}" if len(values) > 1 else "")


def table() -> str:
    """README's table: mean and standard deviation over the seeds."""
    lines = ["| model | parameters | seeds | validation | test |", "|---|--:|--:|--:|--:|"]
    rows = pd.read_csv(EVIDENCE)
    groups, best = rows.groupby(["arm", "recipe", "split"]), rows[rows.recipe == "count"].nsmallest(1, "val")
    shown = [(f"counting, {best.arm.iloc[0].split(', ')[1]} letters of context (the best of 0 to 8)", best)]
    for arm, recipe, twice in ARMS:
        label = f"{arm}; recipe {recipe.upper()}" + ("; names of girls and boys twice in the list" if twice else "")
        shown.append((label, groups.get_group((arm, recipe, "names twice" if twice else "42"))))
    for label, group in shown:
        cells = [label, f"{group.params.iloc[0]:,}", str(len(group)), spread(group.val), spread(group.test)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def with_table(readme: str) -> str:
    """README's text with the table of data/evidence/results.csv between its markers."""
    start, end = "<!-- results -->", "<!-- /results -->"
    before, rest = readme.split(start)
    return before + start + "\n" + table() + "\n" + end + rest.split(end)[1]


def write_table() -> str:
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    return table()


if __name__ == "__main__":
    seconds = lambda row: SECONDS[row["recipe"]]
    run_command(__doc__, Sweep(EVIDENCE, SETTINGS, MEASURED, planned, fill, seconds), report=write_table)
