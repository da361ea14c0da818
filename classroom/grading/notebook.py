"""What was handed in: read with suspicion, and put in order for running. Nothing of it is run here."""

import ast
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from classroom.grading.wire import clean

LARGEST = 20_000_000  # bytes of a notebook
LONGEST = 200_000  # characters of a cell
MOST = 2_000  # cells of a notebook


class Unreadable(Exception):
    """A file that is no notebook; the text says why, to its author."""


@dataclass
class Cell:
    """kind: code or markdown. name: nbgrader's grade_id, "" if none. ident: the cell's own id. points: None where none are given."""

    kind: str
    source: str
    name: str = ""
    ident: str = ""
    points: float | None = None
    solution: bool = False


@dataclass
class Assignment:
    """The teacher's notebook. tests: points by exercise; manual: points by the name of the cell that a reader marks."""

    name: str
    cells: list[Cell]
    tests: dict[str, float]
    manual: dict[str, float]
    titles: dict[str, str]

    @property
    def points(self) -> float:
        return sum(self.tests.values()) + sum(self.manual.values())


@dataclass
class Plan:
    """What to run. steps: ("cell", its number in the notebook, source) or ("collect", 0, exercise). answers: source by name."""

    steps: list[tuple[str, int, str]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def load(path: Path) -> tuple[bytes, str]:
    """The bytes of a submission and why it can't be read, "" if it can.

    A file that is too large is not read: its digest comes from its size and its beginning.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
    except OSError as problem:
        return b"", f"the file can't be opened ({problem.strerror}); hand in the notebook itself, no link to it"
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        return b"", "this is not a plain file; hand in the notebook itself"
    with os.fdopen(handle, "rb") as file:
        if found.st_size > LARGEST:
            beginning = file.read(1_000_000) + str(found.st_size).encode()
            size = f"{found.st_size / 1e6:.0f} MB large, and {LARGEST / 1e6:.0f} MB are read"
            return (
                beginning,
                f"the notebook is {size}; clear its outputs (Kernel, Restart and Clear Outputs) and hand it in again",
            )
        return file.read(), ""


def cells(data: bytes) -> tuple[list[Cell], list[str]]:
    """The cells of a notebook, and notes on what is unusual about it.

    Raises:
        Unreadable: it is not a notebook.
    """
    try:
        book = json.loads(data)
    except (ValueError, RecursionError):
        raise Unreadable("the file is not JSON, so it is no notebook; save it again from JupyterLab") from None
    notes = []
    listed = book.get("cells") if isinstance(book, dict) else None
    if isinstance(book, dict) and not isinstance(listed, list) and isinstance(book.get("worksheets"), list):
        notes.append("The notebook has a format of before 2015 (nbformat 3); it was read all the same.")
        sheets = [sheet for sheet in book["worksheets"] if isinstance(sheet, dict)]
        listed = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    if not isinstance(listed, list):
        raise Unreadable("the file has no cells, so it is no notebook; save it again from JupyterLab")
    if len(listed) > MOST:
        raise Unreadable(f"the notebook has {len(listed):,} cells, and {MOST:,} are read")
    return [_cell(raw) for raw in listed if isinstance(raw, dict)], notes


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _cell(raw: Mapping) -> Cell:
    source = raw.get("source", raw.get("input", ""))  # format 3 calls the source of a code cell its input
    source = "".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else source
    metadata = raw.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    marks = marks if isinstance(marks, dict) else {}
    name, ident, points = marks.get("grade_id"), raw.get("id"), marks.get("points")
    return Cell(
        kind="code" if raw.get("cell_type") == "code" else "markdown",
        source=clean(source) if isinstance(source, str) else "",
        name=name if isinstance(name, str) else "",
        ident=ident if isinstance(ident, str) else "",
        points=points if marks.get("grade") and isinstance(points, (int, float)) else None,
        solution=bool(marks.get("solution")),
    )


def assignment(path: Path) -> Assignment:
    """The teacher's notebook, from its source or its release."""
    found, _ = cells(path.read_bytes())
    titles, heading = {}, ""
    for cell in found:
        heading = next((line[3:] for line in cell.source.splitlines() if line.startswith("## ")), heading)
        if cell.points is not None:
            titles[cell.name] = heading.split(" · ")[0]
    graded = [cell for cell in found if cell.points is not None]
    return Assignment(
        name=path.stem,
        cells=found,
        tests={cell.name: cell.points for cell in graded if not cell.solution},
        manual={cell.name: cell.points for cell in graded if cell.solution},
        titles=titles,
    )


def defines(source: str, name: str) -> bool:
    """Whether a cell's code gives that name to something; a cell that is too long to be run does not."""
    if len(source) > LONGEST:
        return False
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) and statement.name == name:
            return True
        if isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in statement.targets
        ):
            return True
    return False


def plan(wanted: Assignment, found: list[Cell], names: Mapping[str, str]) -> Plan:
    """Put a submission in order: its own cells in its own order, and each exercise's cases where its test cell belongs.

    Test cells are never run: they only mark a place. names: what each exercise's answer is called in the notebook.
    """
    made = Plan()
    marked = [place for place, cell in enumerate(wanted.cells) if cell.name]
    imports = [cell.source for cell in wanted.cells[: marked[0]] if cell.kind == "code"]
    made.steps = [("cell", 0, source) for source in imports]
    _name_by_other_means(made, wanted, found, names)
    for number, cell in enumerate(found, 1):
        if cell.name:
            made.places.setdefault(cell.name, []).append(number)
    _answers(made, wanted, found)
    at = {exercise: _place(made, exercise) for exercise in wanted.tests}
    for number, cell in enumerate(found, 1):
        made.steps += [("collect", number, exercise) for exercise, place in at.items() if place == number]
        if cell.kind != "code" or cell.name in wanted.tests:
            continue
        if len(cell.source) > LONGEST:
            made.notes.append(f"Cell {number} is {len(cell.source):,} characters long; it was not run.")
        elif cell.source.strip():
            made.steps.append(("cell", number, cell.source))
    made.steps += [("collect", 0, exercise) for exercise, place in at.items() if place is None]
    return made


def _name_by_other_means(made: Plan, wanted: Assignment, found: list[Cell], names: Mapping[str, str]) -> None:
    """Where nbgrader's marks were lost, know a cell by its own id, or by what it defines."""
    known = {cell.name for cell in wanted.cells if cell.name}
    missing = known - {cell.name for cell in found}
    ids = {cell.ident: cell.name for cell in wanted.cells if cell.ident and cell.name in missing}
    for cell in found:
        if cell.name not in known and cell.ident in ids:
            cell.name = ids[cell.ident]
            made.notes.append(f"The cell {cell.name!r} had lost its marks; it was known by its id.")
    missing -= {cell.name for cell in found}
    for exercise, name in {**names, "student": "student"}.items():
        defining = [cell for cell in found if cell.kind == "code" and not cell.name and defines(cell.source, name)]
        if f"{exercise}-answer" in missing and defining:
            defining[-1].name = f"{exercise}-answer"
            made.notes.append(f"The cell {exercise + '-answer'!r} had lost its marks; it was known by defining {name}.")


def _answers(made: Plan, wanted: Assignment, found: list[Cell]) -> None:
    """The text of each answer; the last one where there are several."""
    for cell in wanted.cells:
        if not cell.name or cell.name in wanted.tests:
            continue
        mine = [other for other in found if other.name == cell.name]
        if not mine:
            made.notes.append(f"The cell {cell.name!r} is missing.")
        if len(mine) > 1:
            made.notes.append(f"The cell {cell.name!r} is there {len(mine)} times; the last one counts.")
        made.answers[cell.name] = mine[-1].source if mine else ""


def _place(made: Plan, exercise: str) -> int | None:
    """Where to try the answer: at its test cell, or at the end if that is gone or stands before the answer."""
    tests, answers = made.places.get(exercise, []), made.places.get(f"{exercise}-answer", [])
    if not tests:
        made.notes.append(f"The test cell {exercise!r} is missing; it was put back.")
        return None
    if len(tests) > 1:
        made.notes.append(f"The test cell {exercise!r} is there {len(tests)} times; it counts once.")
    if answers and answers[-1] > tests[-1]:
        made.notes.append(f"The test cell {exercise!r} stands before its answer; it was asked at the end.")
        return None
    return tests[-1]
