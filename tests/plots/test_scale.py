"""Tests of lib.plots.scale, and of the stored rows that lesson 12 reads."""

import pandas as pd
import pytest

from lib.data import DATA
from lib.plots import scale

ROWS = pd.read_csv(DATA / "evidence" / "scale.csv")


def test_growth_has_the_rows_in_which_one_thing_grows_smallest_first():
    for column, some in zip(scale.COLUMNS, scale.growth(ROWS).values(), strict=True):
        assert some.times.iloc[0] == 1 and (some.times * some[column].iloc[0]).tolist() == some[column].tolist()
        assert len(some) == 3 and some.times.is_monotonic_increasing and set(some.arm) == {"stream in memory"}
        others = set(scale.COLUMNS) - {column, "params"}
        assert all(some[other].nunique() == 1 for other in others)


def test_the_lines_of_memory_are_in_gb_and_described():
    fig = scale.memory_lines(ROWS[ROWS.experiment == "names"], "Memory")
    (ax,) = fig.axes
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(6.52, abs=0.01) and ax.get_yscale() == "log"
    assert fig.alt.startswith("Memory. ") and "int64 windows: 0.15 GB at 100,000 names" in fig.alt


def test_names_of_lines_that_end_together_do_not_overlap():
    rows = pd.DataFrame({"arm": [*"aabb"], "names": [1, 10] * 2, "peak": [100, 1000, 101, 1001]})
    (ax,) = scale.memory_lines(rows, "Memory").axes
    low, high = sorted(text.xyann[1] if hasattr(text, "xyann") else text.get_position()[1] for text in ax.texts)
    assert high > 1.1 * low


def test_stored_processes_give_the_losses_that_the_lesson_tells():
    rows = ROWS[ROWS.experiment == "processes"].set_index("arm")
    assert rows.val["two, merged"] == rows.val["one process"] != rows.val["two, unmerged"]
    assert rows.weights["two, merged, one killed"] == rows.weights["two, merged"] != rows.weights["one process"]
    assert rows.taken.to_dict() == dict.fromkeys(rows.index[:3], 300) | {"two, merged, one killed": 350}


def test_stored_workers_fill_the_same_rows():
    rows = pd.read_csv(DATA / "evidence" / "workers.csv")
    assert len(rows) == 36 and (rows.groupby(["lr", "seed"]).weights.nunique() == 1).all()
    assert rows.weights.nunique() == 12 and rows.groupby("arm").tries.sum().to_dict() == {
        "alone": 12, "one killed": 13, "two workers": 12,
    }  # fmt: skip
