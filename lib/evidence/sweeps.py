"""Sweeps: a list of rows to fill, filled by two processes, kept in a CSV file that is whole at every moment."""

import csv
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

Row = dict[str, str | int | float]


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, all values as text; none where there is no file."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, columns: list[str], rows: Iterable[Row]) -> None:
    """Write all rows to a file beside the old one, which then takes its place."""
    path.parent.mkdir(exist_ok=True)
    beside = path.with_suffix(".part")
    with open(beside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def missing_rows(path: Path, planned: list[Row], settings: list[str]) -> list[Row]:
    """Those of the planned rows that the file lacks; a row is known by its settings."""
    there = {_key(row, settings) for row in read_rows(path)}
    return [row for row in planned if _key(row, settings) not in there]


def run_sweep(
    path: Path,
    planned: list[Row],
    settings: list[str],
    measured: list[str],
    fill: Callable[[Row], Row],
    processes: int = 2,
    progress: bool = True,
) -> None:
    """Fill the planned rows that the file lacks; stop it at any time, and the next call goes on where it was.

    Rows of the file that are no longer planned are dropped, and the others stand in the planned order.

    Args:
        path: the CSV file, replaced whole each time that a row is done.
        planned: every row of the finished file, with its settings.
        settings: the columns that tell one row from another.
        measured: the columns that `fill` adds.
        fill: from a row's settings to the row with its measurements; a function of the row alone, importable by name.
        processes: runs at a time, one thread each. 0 fills the rows in this process.
        progress: show rows done and time left on a terminal.

    Raises:
        ValueError: two planned rows have the same settings.
        RuntimeError: another sweep is filling the same file.
    """
    lock = FileLock(path.with_suffix(".lock"))
    try:
        with lock.acquire(timeout=0):
            _run_sweep(path, planned, settings, measured, fill, processes, progress)
    except Timeout:
        raise RuntimeError(f"another sweep is filling {path.name}; wait for it, or stop it first.") from None


def _run_sweep(
    path: Path,
    planned: list[Row],
    settings: list[str],
    measured: list[str],
    fill: Callable[[Row], Row],
    processes: int,
    progress: bool,
) -> None:
    order = {_key(row, settings): place for place, row in enumerate(planned)}
    if len(order) < len(planned):
        raise ValueError(
            f"{len(planned) - len(order)} planned rows have the settings of another; {path.name} keeps one row each."
        )
    rows = [row for row in read_rows(path) if _key(row, settings) in order]
    missing = missing_rows(path, planned, settings)

    def keep(row: Row) -> None:
        rows.append(row)
        rows.sort(key=lambda row: order[_key(row, settings)])
        write_rows(path, settings + measured, rows)

    with tqdm(total=len(missing), unit="row", desc=path.stem, disable=None if progress else True) as bar:
        for row in _filled(missing, fill, processes):
            keep(row)
            bar.update()
    if not missing and rows != read_rows(path):
        write_rows(path, settings + measured, rows)


def _filled(rows: list[Row], fill: Callable[[Row], Row], processes: int) -> Iterable[Row]:
    if processes == 0:
        yield from map(fill, rows)
        return
    waiting = iter(rows)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_start_worker) as pool:
        running = {pool.submit(fill, row) for _, row in zip(range(processes), waiting, strict=False)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(fill, row) for _, row in zip(done, waiting, strict=False)}
            yield from (future.result() for future in done)


def _start_worker() -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A sweep that is killed leaves no process behind."""
    parent_process().join()
    os._exit(1)


def _key(row: Row, settings: list[str]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in settings)


def forecast(
    path: Path, planned: list[Row], settings: list[str], seconds: Callable[[Row], float], processes: int = 2
) -> str:
    """How many rows are to be filled, and about how long that takes, as a sentence; seconds: of one row on one core."""
    missing = missing_rows(path, planned, settings)
    minutes = sum(map(seconds, missing)) / processes / 60
    return (
        f"{path.name}: {len(missing)} of {len(planned)} rows to fill, about {minutes:.0f} minutes on {processes} cores."
    )
