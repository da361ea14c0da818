"""Sweeps: rows to fill, filled by two processes, in a CSV file that is replaced atomically after each row."""

import argparse
import csv
import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import nn
from tqdm import tqdm

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

    def run(self, processes: int = 2, progress: bool = True) -> None:
        """Fill the missing rows. It can be stopped at any time; the next call continues.

        Rows that are not in the plan are removed, and the others are in its order.

        Args:
            processes: rows at a time, one thread each; 0 fills the rows in this process.
            progress: show rows done and time left on a terminal.

        Raises:
            ValueError: two planned rows have the same settings.
            RuntimeError: another sweep is filling the same file.
        """
        try:
            with FileLock(self.path.with_suffix(".lock")).acquire(timeout=0):
                self._run(processes, progress)
        except Timeout:
            raise RuntimeError(f"Another sweep is filling {self.path.name}; wait for it, or stop it first.") from None

    def _run(self, processes: int, progress: bool) -> None:
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
            for row in _filled(missing, self.fill, processes):
                rows.append(row)
                write()
                bar.update()
        if not missing:
            write()


def _filled(rows: list[Row], fill: Callable[[Row], Row], processes: int) -> Iterator[Row]:
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
    if report:
        parser.add_argument("--table", action="store_true", help="fill nothing, print the table only")
    parser.set_defaults(table=False)
    arguments = parser.parse_args()
    for sweep in () if arguments.table else sweeps:
        while True:
            try:
                print(sweep.forecast())
            except LookupError as error:
                print(f"{sweep.path.name}: {error}")
            if arguments.forecast:
                break
            sweep.run()
            if not sweep.missing():
                break
    if report and not arguments.forecast:
        print(report())
