"""Sweeps: rows to fill, filled by any executor, in a CSV file that is replaced atomically after each row."""

import argparse
import csv
import io
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import nn
from tqdm import tqdm

from lib import cluster
from lib.checkpoints import atomic_write

Row = dict[str, str | int | float]


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, all values as text; none if there is no file."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, columns: list[str], rows: Iterable[Row]) -> None:
    """Replace the file by these rows, atomically."""
    path.parent.mkdir(exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, text.getvalue())


def missing_rows(path: Path, planned: list[Row], settings: list[str]) -> list[Row]:
    """The planned rows that the file lacks; two rows are the same if their settings are."""
    present = {_key(row, settings) for row in read_rows(path)}
    return [row for row in planned if _key(row, settings) not in present]


def measurements(model: nn.Module, steps: int, seconds: float, **losses: float) -> Row:
    """The columns that every sweep measures: parameters, steps, losses to 6 digits, seconds, torch's version."""
    row: Row = {"params": sum(p.numel() for p in model.parameters()), "steps": steps}
    row |= {name: f"{loss:.6f}" for name, loss in losses.items()}
    return row | {"seconds": f"{seconds:.1f}", "torch": torch.__version__}


@dataclass(frozen=True)
class Sweep:
    """One CSV file of evidence, and how to fill it.

    Args:
        path: the CSV file, replaced atomically each time a row is done.
        settings: the columns that distinguish the rows.
        measured: the columns that `fill` adds.
        plan: all rows of the file, with their settings; or as many as can be planned from the rows that are there.
        fill: from a row's settings to the complete row; a function of the row alone, importable by name.
        seconds: about how long a row takes on one core, for the forecast.
    """

    path: Path
    settings: list[str]
    measured: list[str]
    plan: Callable[[], list[Row]]
    fill: Callable[[Row], Row]
    seconds: Callable[[Row], float] = lambda row: 0.0

    def missing(self) -> list[Row]:
        """The planned rows that are to be filled."""
        return missing_rows(self.path, self.plan(), self.settings)

    def forecast(self, processes: int = 2) -> str:
        """How many rows are to be filled and about how long that takes, as a sentence."""
        planned, missing = self.plan(), self.missing()
        minutes = sum(map(self.seconds, missing)) / processes / 60
        rows = f"{len(missing)} of {len(planned)} rows to fill"
        return f"{self.path.name}: {rows}, about {minutes:.0f} minutes on {processes} cores."

    def run(self, processes: int = 2, progress: bool = True, executor: Executor | None = None) -> None:
        """Fill the missing rows. It can be stopped at any time; the next call continues.

        Rows that are not in the plan are removed, and the others are in its order. A row is the same wherever it is
        filled, but for its seconds, and for the last digits if processors or versions of torch differ.

        Args:
            processes: rows at a time on this machine, one thread each; 0 fills the rows in this process.
            progress: show rows done and time left on a terminal.
            executor: fills the rows instead, such as `lib.cluster.connect(address)`, or the MPIPoolExecutor of mpi4py.

        Raises:
            ValueError: two planned rows have the same settings.
            RuntimeError: another sweep is filling the same file.
            WorkersLost: a process of this machine died, or the executor's workers did. The rows so far are in the file.
        """
        try:
            with FileLock(self.path.with_suffix(".lock")).acquire(timeout=0):
                self._run(processes, progress, executor)
        except Timeout:
            raise RuntimeError(f"Another sweep is filling {self.path.name}; wait for it, or stop it first.") from None
        except cluster.WorkersLost as lost:
            have = f"{self.path.name} has the rows so far: run the same again to fill the other {len(self.missing())}."
            raise cluster.WorkersLost(f"{lost} {have}") from lost

    def _run(self, processes: int, progress: bool, executor: Executor | None) -> None:
        planned = self.plan()
        order = {_key(row, self.settings): place for place, row in enumerate(planned)}
        if repeated := len(planned) - len(order):
            raise ValueError(
                f"Expected different settings in every row, got {repeated} planned rows that repeat another."
            )
        missing = self.missing()
        rows: list[Row] = [row for row in read_rows(self.path) if _key(row, self.settings) in order]

        def write() -> None:
            rows.sort(key=lambda row: order[_key(row, self.settings)])
            write_rows(self.path, self.settings + self.measured, rows)

        with tqdm(total=len(missing), unit="row", desc=self.path.stem, disable=None if progress else True) as bar:
            for row in _filled(missing, self.fill, processes, executor):
                rows.append(row)
                write()
                bar.update()
        if not missing:
            write()


def _filled(
    rows: list[Row], fill: Callable[[Row], Row], processes: int, executor: Executor | None = None
) -> Iterator[Row]:
    """The rows as they are done."""
    if executor is not None:
        yield from _done(rows, fill, executor, len(rows))  # all at once: the executor knows its workers
    elif processes == 0:
        yield from map(fill, rows)
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_start_worker) as pool:
            yield from _done(rows, fill, pool, processes)


def _done(rows: list[Row], fill: Callable[[Row], Row], executor: Executor, at_once: int) -> Iterator[Row]:
    waiting = iter(rows)
    running = {executor.submit(cluster.alone, fill, row) for row in islice(waiting, at_once)}
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            # What is done is written before an error ends the sweep.
            for future in sorted(done, key=lambda future: future.cancelled() or future.exception() is not None):
                yield cluster.result(future)
            running |= {executor.submit(cluster.alone, fill, row) for row in islice(waiting, len(done))}
    finally:
        for future in running:
            future.cancel()


def _start_worker() -> None:
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """A killed sweep leaves no process behind."""
    parent_process().join()
    os._exit(1)


def _key(row: Row, settings: list[str]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in settings)


def run_command(doc: str, *sweeps: Sweep, report: Callable[[], str] | None = None) -> None:
    """The command line of a data script: forecast, fill what is missing, print the report.

    Args:
        doc: the text of --help.
        sweeps: in order; a later plan may need the rows of an earlier one and raise LookupError without them.
        report: what to print at the end; with it, --table prints it without filling.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forecast", action="store_true", help="say how long it takes, and stop")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask scheduler whose workers fill the rows")
    if report:
        parser.add_argument("--table", action="store_true", help="fill nothing, print the table only")
    parser.set_defaults(table=False)
    arguments = parser.parse_args()
    if not arguments.table:
        try:
            there = cluster.connect(arguments.scheduler) if arguments.scheduler else nullcontext()
            with there as executor:
                _fill_all(sweeps, executor, arguments.forecast)
        except cluster.WorkersLost as lost:
            sys.exit(str(lost))
    if report and not arguments.forecast:
        print(report())


def _fill_all(sweeps: Iterable[Sweep], executor: Executor | None, forecast: bool) -> None:
    for sweep in sweeps:
        while True:
            try:
                print(sweep.forecast())
            except LookupError as error:
                print(f"{sweep.path.name}: {error}")
            if forecast:
                break
            sweep.run(executor=executor)
            if not sweep.missing():
                break
