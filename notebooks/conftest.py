"""How nbval runs the notebooks: one thread per kernel, no verdict by the clock, numbers within their cell's tolerance.

A cell's metadata may hold `tolerance`: a number (absolute) or a text such as "2%" (of the stored number). Where the fresh
text equals the stored one but for numbers, and each number is within the tolerance, the cell passes. Without `tolerance`
every digit counts.
"""

import os
import re
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

# Two notebooks run at a time; together they must not use more than two cores. A value that is already set is kept.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ASSIGNMENTS = Path(__file__).parent / "assignments"
# What nbgrader makes of the sources, and what students hand in, is not validated.
collect_ignore_glob = [f"assignments/{folder}/*" for folder in ("release", "submitted", "autograded", "feedback")]

# A sign counts only at the start of a word: "2-2-2" and "1.9-2.1" hold no negative numbers.
DIGITS = r"\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?"
NUMBER = re.compile(rf"(?<![\w.])[-+−]?{DIGITS}|{DIGITS}")
TEXTS = ("text/plain", "text/html", "text/markdown")
WIDGET = "application/vnd.jupyter.widget-view+json"  # of a live figure, never stored: its still figure is compared


def value(number: str) -> float:
    """The number that a printed text stands for: thousands separated by commas, a hyphen or a minus sign."""
    return float(number.replace(",", "").replace("−", "-"))


def allowed(stored: str, tolerance: float | str) -> float:
    """How far a fresh number may be from the stored one."""
    if isinstance(tolerance, str):
        return float(tolerance.removesuffix("%")) / 100 * abs(value(stored))
    return tolerance


def within_tolerance(fresh: str, stored: str, tolerance: float | str) -> tuple[str, list[str]]:
    """The fresh text, each number within the tolerance replaced by its stored counterpart; and what is outside, in words."""
    if NUMBER.split(fresh) != NUMBER.split(stored):
        return fresh, []
    numbers, outside = [], []
    for place, (new, old) in enumerate(zip(NUMBER.findall(fresh), NUMBER.findall(stored), strict=True), start=1):
        far = abs(value(new) - value(old)) > allowed(old, tolerance)
        numbers.append(new if far else old)
        if far:
            outside.append(f"number {place}: stored {old}, got {new}; the cell's tolerance is {tolerance}")
    replacements = iter(numbers)
    return NUMBER.sub(lambda _: next(replacements), fresh), outside


compare_exactly = IPyNbCell.compare_outputs


def compare_outputs(self, test, ref, skip_compare=None) -> bool:
    """nbval's comparison, after the numbers within the cell's tolerance were replaced by the stored ones."""
    for new in test:
        new.get("data", {}).pop(WIDGET, None)
    tolerance, outside = self.cell.metadata.get("tolerance"), []
    for new, old in zip(test, ref, strict=False) if tolerance is not None else ():
        pairs = [(new, old, "text")] if "text" in new and "text" in old else []
        both = new.get("data", {}).keys() & old.get("data", {}).keys()
        pairs += [(new["data"], old["data"], kind) for kind in TEXTS if kind in both]
        for fresh, stored, kind in pairs:
            fresh[kind], far = within_tolerance(self.sanitize(fresh[kind]), self.sanitize(stored[kind]), tolerance)
            outside += far
    same = compare_exactly(self, test, ref, skip_compare)
    self.comparison_traceback += [f"\n{line}" for line in outside]
    return same


IPyNbCell.compare_outputs = compare_outputs
sanitize_files, run_cell = IPyNbFile.get_sanitize_files, IPyNbCell.runtest
# `tests/sanitize.cfg` is meant from the repository's root, wherever pytest is started.
IPyNbFile.get_sanitize_files = lambda self: [self.config.rootpath / file for file in sanitize_files(self)]


def setup(self) -> None:
    """Each cell is judged by what it does; nbval would expect all to fail after one that took too long, and say nothing."""
    self.parent.timed_out = False


def runtest(self) -> None:
    """nbval's run of a cell. One that was interrupted took too long, whatever it made of the interrupt."""
    try:
        run_cell(self)
    except NbCellError as problem:
        if not self.parent.timed_out or str(problem).startswith("Timeout"):
            raise
    if self.parent.timed_out:
        limit = self.config.option.nbval_cell_timeout
        self.raise_cell_error(f"Timeout: the cell was interrupted after {limit:g} seconds. Is the machine busy?")


IPyNbCell.setup, IPyNbCell.runtest = setup, runtest


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the assignments as `classroom`, and wait as long as a busy machine needs for a cell's output."""
    for item in items:
        if isinstance(item, IPyNbCell):
            item.output_timeout = 600  # seconds after the reply; nbval's own 5 fail when the machine is busy
            if ASSIGNMENTS in item.path.parents:
                item.add_marker(pytest.mark.classroom)
