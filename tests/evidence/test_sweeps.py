"""Tests of lib.evidence.sweeps: a sweep can be stopped anywhere, its file has complete rows, no row is run twice."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from lib.cluster import WorkersLost
from lib.evidence import sweeps
from lib.evidence.sweeps import Sweep, missing_rows, read_rows, run_command, write_rows

SETTINGS, MEASURED = ["arm", "seed", "flag"], ["square"]
PLANNED = [{"arm": arm, "seed": seed, "flag": arm == "b"} for arm in "ab" for seed in range(4)]


def square(row):
    return row | {"square": row["seed"] ** 2}


def sweep(path, fill=square, planned=PLANNED):
    return Sweep(path, SETTINGS, MEASURED, lambda: planned, fill, lambda row: 60)


def run(path, *what, processes=0):
    sweep(path, *what).run(processes, progress=False)


def test_every_planned_row_is_filled_in_order(tmp_path):
    path = tmp_path / "rows.csv"
    run(path, square, PLANNED[2:])
    assert len(read_rows(path)) == 6
    run(path)
    assert [(row["arm"], row["seed"]) for row in read_rows(path)] == [(row["arm"], str(row["seed"])) for row in PLANNED]
    assert [row["square"] for row in read_rows(path)] == ["0", "1", "4", "9"] * 2
    run(path, square, PLANNED[2:])  # nothing is missing, and two rows are no longer planned
    assert len(read_rows(path)) == 6


def test_a_stopped_sweep_continues_and_runs_nothing_twice(tmp_path):
    path, calls = tmp_path / "rows.csv", []

    def stopped(row):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append((row["arm"], row["seed"]))
        return square(row)

    def rest(row):
        calls.append((row["arm"], row["seed"]))
        return square(row)

    with pytest.raises(KeyboardInterrupt):
        run(path, stopped)
    assert len(read_rows(path)) == 3 and len(missing_rows(path, PLANNED, SETTINGS)) == 5
    run(path, rest)
    assert len(calls) == len(set(calls)) == 8 == len(read_rows(path))
    before = path.read_bytes()
    run(path, rest)
    assert path.read_bytes() == before and len(calls) == 8


def sleep(row):
    time.sleep(0.5)
    return row | {"square": os.getpid()}


def test_a_killed_sweep_leaves_complete_rows_and_no_process(tmp_path):
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
    assert missing_rows(path, done, SETTINGS) == []
    for _ in range(600):
        alive = [pid for pid in workers if os.path.exists(f"/proc/{pid}")]
        if not alive:
            break
        time.sleep(0.1)
    assert alive == []


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    run(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="unknown"):
        write_rows(path, [*SETTINGS, *MEASURED], [*read_rows(path), {"unknown": 1}])
    monkeypatch.setattr(os, "replace", lambda part, path: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_rows(path, [*SETTINGS, *MEASURED], [])
    assert path.read_bytes() == before


def test_two_sweeps_never_fill_one_file(tmp_path):
    path = tmp_path / "rows.csv"

    def another(row):
        run(path)
        return square(row)

    with pytest.raises(RuntimeError, match=r"rows\.csv"):
        run(path, another)
    run(path)
    assert len(read_rows(path)) == 8


def test_planned_rows_of_equal_settings_are_rejected(tmp_path):
    with pytest.raises(ValueError, match="2 planned rows"):
        run(tmp_path / "rows.csv", square, PLANNED + PLANNED[:2])
    assert not (tmp_path / "rows.csv").exists()


def test_forecast_counts_missing_rows(tmp_path):
    path = tmp_path / "rows.csv"
    assert "8 of 8 rows to fill, about 4 minutes" in sweep(path).forecast()
    run(path, square, PLANNED[:1])
    assert "7 of 8" in sweep(path).forecast()


def test_command_forecasts_fills_and_reports(tmp_path, monkeypatch, capsys):
    path = tmp_path / "rows.csv"
    grows = Sweep(path, SETTINGS, MEASURED, lambda: PLANNED[: len(read_rows(path)) + 5], square)  # two rounds
    monkeypatch.setattr(
        sweeps.Sweep, "run", lambda self, executor, run=Sweep.run: run(self, processes=0, progress=False)
    )

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["make", *arguments])
        run_command("what it makes", grows, report=lambda: f"{len(read_rows(path))} rows are there")
        return capsys.readouterr().out

    assert "5 of 5 rows" in command("--forecast") and not path.exists()
    assert command("--table") == "0 rows are there\n" and not path.exists()
    assert command().endswith("8 rows are there\n")


class Wrapped(Executor):
    """An executor that is nobody's subclass but the standard's."""

    def __init__(self, pool):
        self.pool, self.submitted = pool, 0

    def submit(self, work, *arguments):
        self.submitted += 1
        return self.pool.submit(work, *arguments)


def test_any_executor_fills_the_rows(tmp_path):
    path = tmp_path / "rows.csv"
    with ThreadPoolExecutor(3) as pool:
        executor = Wrapped(pool)
        sweep(path).run(executor=executor, progress=False)
    assert executor.submitted == 8
    assert [row["square"] for row in read_rows(path)] == ["0", "1", "4", "9"] * 2


def test_rows_in_threads_of_one_process_never_run_at_once(tmp_path):
    inside, most = [], []

    def watched(row):
        inside.append(row)
        time.sleep(0.01)
        most.append(len(inside))
        inside.remove(row)
        return square(row)

    with ThreadPoolExecutor(4) as pool:
        sweep(tmp_path / "rows.csv", watched).run(executor=pool, progress=False)
    assert most == [1] * 8


def test_rows_that_are_done_are_written_before_an_error_ends_the_sweep(tmp_path):
    path = tmp_path / "rows.csv"

    def fails(row):
        if row == PLANNED[0]:
            raise ZeroDivisionError
        return square(row)

    class AtOnce(Executor):
        def submit(self, work, *arguments):
            future = Future()
            try:
                future.set_result(work(*arguments))
            except ZeroDivisionError as error:
                future.set_exception(error)
            return future

    with pytest.raises(ZeroDivisionError):
        sweep(path, fails).run(executor=AtOnce(), progress=False)
    assert len(read_rows(path)) == 7


def test_a_dead_process_of_the_pool_is_a_sentence_and_loses_no_row(tmp_path):
    path = tmp_path / "rows.csv"
    run(path, square, PLANNED[:6])
    with pytest.raises(WorkersLost, match=r"rows\.csv has the rows so far: run the same again to fill the other 2"):
        run(path, dies, PLANNED, processes=1)
    assert len(read_rows(path)) == 6


def dies(row):
    os._exit(1)


def test_a_scheduler_without_dask_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setattr(sys, "argv", ["make", "--scheduler", "tcp://127.0.0.1:1"])
    with pytest.raises(SystemExit, match=r"needs Dask: pip install -e '\.\[scale\]'"):
        run_command("what it makes", sweep(tmp_path / "rows.csv"))
