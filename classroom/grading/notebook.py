"""The cells of a notebook, and the order in which a submission runs. No submitted code runs here."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from classroom.grading import texts
from classroom.grading.texts import Texts, same
from classroom.grading.wire import clean

LONGEST = 200_000  # characters of a cell
MOST = 2_000  # cells of a notebook
SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION", "<!-- BEGIN SOLUTION -->", "<!-- END SOLUTION -->")
FENCED = re.compile(r"\s*```\w*\n(.*?)\n?```\s*", re.DOTALL)
STUB = {"code": "pass  # your answer here", "markdown": "*Not done yet. Your answer here.*"}


class Unreadable(Exception):
    """A file that is not a notebook; the message is shown to the student."""


@dataclass
class Cell:
    """kind: code or markdown. name: nbgrader's grade_id or "". ident: the cell's own id. points: None if ungraded.

    pictures: those in the text, as data: addresses.
    """

    kind: str
    source: str
    name: str = ""
    ident: str = ""
    points: float | None = None
    solution: bool = False
    pictures: list[str] = field(default_factory=list)


@dataclass
class Assignment:
    """The teacher's notebook. tests: points by exercise. manual: points by name of each cell that a person grades."""

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
    """The order in which a submission runs.

    steps: ("cell", its number in the notebook, source) or ("collect", its number, exercise). answers: source by name.
    places: numbers of the cells with each name. texts: what is in words. notes: what is unusual, for the student.
    """

    steps: list[tuple[str, int, str]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[int]] = field(default_factory=dict)
    texts: Texts = field(default_factory=Texts)
    notes: list[str] = field(default_factory=list)


def cells(data: bytes) -> tuple[list[Cell], list[str]]:
    """The cells of a notebook, and notes on what is unusual about it.

    Raises:
        Unreadable: it is not a notebook.
    """
    try:
        book = json.loads(data)
    except (ValueError, RecursionError):
        raise Unreadable("the file is not JSON, so it is not a notebook; save it again from JupyterLab") from None
    notes = []
    listed = book.get("cells") if isinstance(book, dict) else None
    if isinstance(book, dict) and not isinstance(listed, list) and isinstance(book.get("worksheets"), list):
        notes.append("The notebook has a format from before 2015 (nbformat 3); it was graded anyway.")
        sheets = [sheet for sheet in book["worksheets"] if isinstance(sheet, dict)]
        listed = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    if not isinstance(listed, list):
        raise Unreadable("the file has no cells, so it is not a notebook; save it again from JupyterLab")
    if len(listed) > MOST:
        raise Unreadable(f"the notebook has {len(listed):,} cells, more than the limit of {MOST:,}")
    return [_cell(raw) for raw in listed if isinstance(raw, dict)], notes


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _cell(raw: Mapping) -> Cell:
    source = raw.get("source", raw.get("input", ""))  # format 3 calls the source of a code cell input
    source = "".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else source
    metadata = raw.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    marks = marks if isinstance(marks, dict) else {}
    name, ident, points = marks.get("grade_id"), raw.get("id"), marks.get("points")
    kind = "code" if raw.get("cell_type") == "code" else "markdown"
    source, pictures = clean(source) if isinstance(source, str) else "", []
    if kind == "markdown":
        source, pictures = texts.with_pictures(source, raw.get("attachments"))
    return Cell(
        kind=kind,
        source=source,
        pictures=pictures,
        name=name if isinstance(name, str) else "",
        ident=ident if isinstance(ident, str) else "",
        points=points if marks.get("grade") and isinstance(points, (int, float)) else None,
        solution=bool(marks.get("solution")),
    )


def assignment(path: Path) -> Assignment:
    """The teacher's notebook, from its source."""
    source, _ = cells(path.read_bytes())
    titles, heading = {}, ""
    for cell in source:
        heading = next((line[3:] for line in cell.source.splitlines() if line.startswith("## ")), heading)
        if cell.points is not None:
            titles[cell.name] = heading.split(" · ")[0]
    graded = [cell for cell in source if cell.points is not None]
    return Assignment(
        name=path.stem,
        cells=source,
        tests={cell.name: cell.points for cell in graded if not cell.solution},
        manual={cell.name: cell.points for cell in graded if cell.solution},
        titles=titles,
    )


def release(assignment: Assignment) -> dict[str, str]:
    """What nbgrader's release gives students in the place of each answer, by the cell's name."""
    answers = [cell for cell in assignment.cells if cell.name and cell.name not in assignment.tests]
    return {cell.name: _without_solution(cell.source, STUB[cell.kind]) for cell in answers}


def _without_solution(source: str, stub: str) -> str:
    lines, inside = [], False
    for line in source.splitlines():
        if line.strip() in SOLUTION:
            inside = "BEGIN" in line
            if inside:
                lines.append(line[: len(line) - len(line.lstrip())] + stub)
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def defines(source: str, name: str) -> bool:
    """Whether a cell's code gives a value to that name, as far as its text tells; one too long to be run does not."""
    names = rf"(?:\w+ *, *)*{name}(?: *, *\w+)*"
    ways = rf"[ \t]*(?:async +)?(?:def|class) +{name}\b|{names} *(?::[^=\n]+)?=(?!=)|(?:from|import)\b.*\b{name} *$"
    return len(source) <= LONGEST and re.search(rf"^(?:{ways})", source, re.MULTILINE) is not None


def work_in(assignment: Assignment, names: Iterable[str], data: bytes) -> int:
    """How much of a submission is in a file: 0 none, 1 the assignment as it was released, 2 something of the student's.

    names: those of the answers.
    """
    try:
        submitted, _ = cells(data)
    except Unreadable:
        return 0
    released = {same(source) for source in release(assignment).values()} | {same(c.source) for c in assignment.cells}
    marked, idents = {cell.name for cell in assignment.cells} - {""}, {cell.ident for cell in assignment.cells} - {""}
    own = [c for c in submitted if same(c.source) not in released | {""} and c.name not in assignment.tests]
    belongs = any(cell.name in marked or cell.ident in idents for cell in submitted)
    if not belongs and not any(defines(cell.source, name) for cell in submitted for name in names):
        return 0
    return 2 if own else 1


def make_plan(assignment: Assignment, submitted: list[Cell], names: Mapping[str, str]) -> Plan:
    """The submission's own cells in their order, and each exercise's cases in the place of its test cell.

    Test cells are never run: they only mark a place. names: the name of each exercise's answer in the notebook.
    """
    plan = Plan()
    marked = [place for place, cell in enumerate(assignment.cells) if cell.name]
    imports = [cell.source for cell in assignment.cells[: marked[0]] if cell.kind == "code"]
    plan.steps = [("cell", 0, source) for source in imports]
    stubs = {same(source): name for name, source in release(assignment).items()}
    _recover_names(plan, assignment, submitted, names, stubs)
    plan.texts = _texts(assignment, submitted)
    if plan.texts.lost:
        cells = ", ".join(map(str, plan.texts.lost))
        plan.notes.append(f"You wrote text where no answer belongs (cell {cells}); your teacher can read it.")
    for number, cell in enumerate(submitted, 1):
        if cell.name and same(cell.source) not in stubs:
            plan.places.setdefault(cell.name, []).append(number)
    _answers(plan, assignment, submitted, stubs)
    at = {exercise: _place(plan, exercise) for exercise in assignment.tests}
    for number, cell in enumerate(submitted, 1):
        plan.steps += [("collect", number, exercise) for exercise, place in at.items() if place == number]
        if cell.kind != "code" or cell.name in assignment.tests or number in plan.texts.prose:
            continue
        if plan.places.get(stubs.get(same(cell.source), ""), [number])[0] < number:
            plan.notes.append(
                f"Cell {number} is as it was released; it was not run, because your answer comes before it."
            )
        elif len(cell.source) > LONGEST:
            size = f"{len(cell.source):,} characters, more than the limit of {LONGEST:,}"
            plan.notes.append(f"Cell {number} has {size}; it was not run.")
        elif cell.source.strip():
            plan.steps.append(("cell", number, cell.source))
    plan.steps += [("collect", 0, exercise) for exercise, place in at.items() if place is None]
    return plan


def _recover_names(
    plan: Plan, assignment: Assignment, submitted: list[Cell], names: Mapping[str, str], stubs: Mapping[str, str]
) -> None:
    """Recognise cells that have lost nbgrader's metadata by their ids, or by what they define."""
    known = {cell.name for cell in assignment.cells if cell.name}
    missing = known - {cell.name for cell in submitted}
    ids = {cell.ident: cell.name for cell in assignment.cells if cell.ident and cell.name in missing}
    for cell in submitted:
        cell.name = cell.name if cell.name in known else ""
        if not cell.name and cell.ident in ids:
            cell.name = ids[cell.ident]
            plan.notes.append(f"The cell {cell.name!r} has lost its metadata; it was recognised by its id.")
    for exercise, name in {**names, "student": "student"}.items():
        answer = f"{exercise}-answer"
        mine = [cell for cell in submitted if cell.name == answer]
        own = [cell for cell in submitted if cell.name in ("", answer, exercise) and same(cell.source) not in stubs]
        defining = [cell for cell in own if defines(_code(cell), name)]
        # Code before text, the answer's own cell before others, the last before earlier ones.
        best = sorted(defining, key=lambda cell: (cell.kind == "code", cell.name == answer))[-1:]
        if not best:
            continue
        if best[0].name != answer:
            why = "has lost its metadata" if not mine else "does not have your answer"
            plan.notes.append(f"The cell {answer!r} {why}; another was recognised because it defines {name}.")
            best[0].name = answer
        if best[0].kind != "code":
            best[0].kind, best[0].source = "code", _code(best[0])
            plan.notes.append(f"The cell {answer!r} had become text; it was run as code.")


def _code(cell: Cell) -> str:
    """A cell's source, without the fence that code has in a text."""
    fenced = FENCED.fullmatch(cell.source) if cell.kind != "code" else None
    return fenced[1] if fenced else cell.source


def _answers(plan: Plan, assignment: Assignment, submitted: list[Cell], stubs: Mapping[str, str]) -> None:
    """The source of each answer: all of its cells that are not as they were released."""
    for cell in assignment.cells:
        if not cell.name or cell.name in assignment.tests:
            continue
        mine = [other.source for other in submitted if other.name == cell.name]
        written = {same(source): source for source in mine if source.strip() and same(source) not in stubs}
        if not mine:
            plan.notes.append(f"The cell {cell.name!r} is missing.")
        if len(mine) > 1:
            plan.notes.append(f"The cell {cell.name!r} appears {len(mine)} times; what you wrote was read together.")
        if cell.name in assignment.manual:
            plan.answers[cell.name] = plan.texts.answers[cell.name]
        else:
            plan.answers[cell.name] = "\n\n".join(written.values()) or "".join(mine[-1:])


def _texts(assignment: Assignment, submitted: list[Cell]) -> Texts:
    """The answers that a person grades."""
    changed = release(assignment)
    given = [changed.get(cell.name, cell.source) for cell in assignment.cells if cell.kind == "markdown"]
    lines = {same(line) for text in given for line in text.splitlines()}
    sections = {same(title): name for name, title in assignment.titles.items()}
    return texts.find(submitted, assignment.manual, sections, lines)


def _place(plan: Plan, exercise: str) -> int | None:
    """Where to test the answer: at its test cell, or at the end if that is missing or comes before the answer."""
    tests, answers = plan.places.get(exercise, []), plan.places.get(f"{exercise}-answer", [])
    if not tests:
        plan.notes.append(f"The test cell {exercise!r} is missing; it was restored.")
        return None
    if len(tests) > 1:
        plan.notes.append(f"The test cell {exercise!r} appears {len(tests)} times; it counts once.")
    if answers and answers[-1] > tests[-1]:
        plan.notes.append(f"The test cell {exercise!r} comes before its answer; the answer was tested at the end.")
        return None
    return tests[-1]
