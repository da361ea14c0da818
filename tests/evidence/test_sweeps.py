"""Laws of lib.evidence.sweeps: a sweep can be stopped anywhere, a row is whole or not there, and none is run twice."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest

from lib.evidence.sweeps import forecast, missing_rows, read_rows, run_sweep, write_rows

SETTINGS, MEASURED = ["arm", "seed", "flag"], ["square"]
PLANNED = [{"arm": arm, "seed": seed, "flag": arm == "b"} for arm in "ab" for seed in range(4)]


def square(row):
    return row | {"square": row["seed"] ** 2}


def run(path, fill=square, planned=PLANNED, processes=0):
    run_sweep(path, planned, SETTINGS, MEASURED, fill, processes=processes, progress=False)


@pytest.mark.parametrize("processes", [0, 2])
def test_every_planned_row_is_filled_in_order(tmp_path, processes):
    run(tmp_path / "rows.csv", processes=processes)
    rows = read_rows(tmp_path / "rows.csv")
    assert [(row["arm"], row["seed"]) for row in rows] == [(row["arm"], str(row["seed"])) for row in PLANNED]
    assert [row["square"] for row in rows] == ["0", "1", "4", "9"] * 2


def test_a_stopped_sweep_goes_on_and_runs_nothing_twice(tmp_path):
    path, calls = tmp_path / "rows.csv", []

    def stopped(row):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append((row["arm"], row["seed"]))
        return square(row)

    with pytest.raises(KeyboardInterrupt):
        run(path, stopped)
    assert len(read_rows(path)) == 3 and len(missing_rows(path, PLANNED, SETTINGS)) == 5

    def rest(row):
        calls.append((row["arm"], row["seed"]))
        return square(row)

    run(path, rest)
    assert len(calls) == len(set(calls)) == 8 == len(read_rows(path))
    before = path.read_bytes()
    run(path, stopped)  # nothing is left to run, or it would be stopped
    assert path.read_bytes() == before


def sleep(row):
    time.sleep(0.5)
    return square(row) | {"square": os.getpid()}


def test_a_killed_sweep_leaves_whole_rows_and_no_process(tmp_path):
    path = tmp_path / "rows.csv"
    code = f"import pathlib, test_sweeps as t; t.run(pathlib.Path({str(path)!r}), t.sleep, processes=2)"
    killed = subprocess.Popen(
        [sys.executable, "-c", f"if __name__ == '__main__':\n    {code}"], cwd=os.path.dirname(__file__)
    )
    while len({row["square"] for row in read_rows(path)}) < 2:
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    done = read_rows(path)
    workers = {int(row["square"]) for row in done}
    assert 2 <= len(done) < 8 and all(row["flag"] in ("True", "False") for row in done)
    for _ in range(50):
        alive = [pid for pid in workers if os.path.exists(f"/proc/{pid}")]
        if not alive:
            break
        time.sleep(0.1)
    assert alive == []


def test_a_writing_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "rows.csv"
    run(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="unknown"):
        write_rows(path, [*SETTINGS, *MEASURED], [*read_rows(path), {"unknown": 1}])
    assert path.read_bytes() == before


def test_rows_no_longer_planned_go_and_new_ones_come(tmp_path):
    path = tmp_path / "rows.csv"
    run(path)
    run(path, planned=PLANNED[2:])
    assert len(read_rows(path)) == 6
    run(path, planned=[*PLANNED[2:], {"arm": "c", "seed": 9, "flag": False}])
    assert read_rows(path)[-1] == {"arm": "c", "seed": "9", "flag": "False", "square": "81"}


def test_two_sweeps_never_fill_one_file(tmp_path):
    path = tmp_path / "rows.csv"

    def another(row):
        run(path)
        return square(row)

    with pytest.raises(RuntimeError, match=r"rows\.csv"):
        run(path, another)
    run(path)
    assert len(read_rows(path)) == 8


def test_two_rows_of_the_same_settings_are_refused(tmp_path):
    with pytest.raises(ValueError, match="2 planned rows"):
        run(tmp_path / "rows.csv", planned=PLANNED + PLANNED[:2])
    assert not (tmp_path / "rows.csv").exists()


def test_the_forecast_counts_what_is_missing(tmp_path):
    path = tmp_path / "rows.csv"
    assert "8 of 8 rows to fill, about 4 minutes" in forecast(path, PLANNED, SETTINGS, lambda row: 60)
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([[*SETTINGS, *MEASURED], ["a", 0, False, 0]])
    assert "7 of 8" in forecast(path, PLANNED, SETTINGS, lambda row: 60)
