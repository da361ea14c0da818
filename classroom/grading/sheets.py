"""Tables that a teacher writes with a spreadsheet, beside marks.csv: the deadlines, and comments on lines of code."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from classroom.grading import marks
from classroom.grading.records import Refused


def rows(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows that are not empty, with their numbers; a cell that is missing is "".

    Raises:
        Refused: it is no table with the columns that are needed, or has one that is unknown.
    """
    text = marks.decoded(path)
    for delimiter in ",;\t|":
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        names = marks.names_of(lines[0]) if lines else []
        if {*needed} <= {*names}:
            break
    else:
        begin = text.split("\n")[0].strip()[:100]
        raise Refused(f"{path}, row 1: expected the columns {', '.join([*needed, *optional])}, got {begin!r}")
    used = [name for name in names if name]
    if unknown := [name for name in used if name not in {*needed, *optional} or used.count(name) > 1]:
        raise Refused(f"{path}, row 1: the column {unknown[0]!r} is unknown, or there twice")
    for number, line in enumerate(lines[1:], 2):
        if any(cell.strip() for cell in line[len(names) :]):
            raise Refused(f"{path}, row {number}: it has more cells than the first row")
        row = dict.fromkeys([*needed, *optional], "") | {n: c.strip() for n, c in zip(names, line, strict=False) if n}
        if any(row.values()):
            yield number, row


def beside(out: Path, name: str) -> Path | None:
    """A file in a folder of results, or in the folder around it, where it is for all assignments; None if in neither."""
    return next((path for path in (out / name, out.resolve().parent / name) if path.exists()), None)
