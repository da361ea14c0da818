"""Everything that is made from the results: grades, pages, the report, the gradebook. Made anew each time, from nothing else."""

import resource
from collections.abc import Sequence
from pathlib import Path

from classroom.grading import gradebook, manual, notebook, pages, report, results
from classroom.grading.notebook import Assignment
from classroom.grading.results import Attempt, Store

SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION", "<!-- BEGIN SOLUTION -->", "<!-- END SOLUTION -->")
STUB = {"code": "pass  # your answer here", "markdown": "*Not done yet. Your answer here.*"}


def assignment(source: Path) -> tuple[Assignment, dict[str, str]]:
    """The teacher's notebook, and what students were given of each answer."""
    wanted = notebook.assignment(source)
    given = {
        cell.name: stubbed(cell.source, cell.kind) for cell in wanted.cells if cell.name not in ("", *wanted.tests)
    }
    return wanted, given


def stubbed(source: str, kind: str) -> str:
    """What nbgrader's release has in the place of a cell with a solution."""
    lines, inside = [], False
    for line in source.splitlines():
        if line.strip() in SOLUTION:
            inside = "BEGIN" in line
            if inside:
                lines.append(line[: len(line) - len(line.lstrip())] + STUB[kind])
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def everything(out: Path, wanted: Assignment, release: dict[str, str], store: Store, database: Path) -> str:
    """Write what has changed; say in words what there is."""
    history = {student: store.attempts(student) for student in store.students()}
    if not history:
        return "Nobody has handed in anything."
    attempts = [some[-1] for some in history.values()]
    marks = manual.read(out / "marks.csv")
    alike = report.copies(attempts, release)
    for attempt in attempts:
        points, comments = manual.points(marks, attempt), _comments(marks, attempt)
        earlier = [old.outcome.points for old in history[attempt.student][:-1]]
        text = pages.feedback(wanted, attempt, points, comments, earlier)
        results.write(out / "feedback" / f"{attempt.student}.html", text)
    manual.write(out / "marks.csv", marks, wanted, attempts)
    model = {cell.name: cell.source for cell in wanted.cells}
    results.write(out / "to_read.html", pages.reading(wanted, attempts, model))
    results.write(out / "grades.csv", results.table(grades(wanted, marks, attempts, alike)))
    results.write(out / "attempts.csv", results.table(attempts_of(history)))
    results.write(out / "report.html", report.report(wanted, attempts, alike))
    said = gradebook.write(database, wanted, marks, attempts)
    mean = sum(attempt.outcome.points for attempt in attempts) / len(attempts)
    of = sum(wanted.tests.values())
    return f"{len(attempts)} students in {out}, {mean:.1f} of {of:g} points in the mean; {said}."


def _comments(marks: dict, attempt: Attempt) -> dict[str, str]:
    keys = {name: manual.key(attempt.student, name, text) for name, text in attempt.outcome.manual.items()}
    return {name: marks[where]["comment"] for name, where in keys.items() if where in marks}


def grades(wanted: Assignment, marks: dict, attempts: Sequence[Attempt], alike: dict) -> list[list[object]]:
    """A row for each student: all points, and those of each exercise; empty where nobody has read an answer yet."""
    names = [*wanted.tests, *wanted.manual]
    head = ["student", "attempt", "points", "of", "to read", *names, "name in the notebook", "look at", "unusual"]
    made: list[list[object]] = [head]
    for attempt in attempts:
        outcome = attempt.outcome
        by_hand = manual.points(marks, attempt)
        points = {name: mark.points for name, mark in outcome.marks.items()} | by_hand
        total = sum(value for value in points.values() if value is not None)
        shown = [f"{points[name]:g}" if points.get(name) is not None else "" for name in names]
        left = sum(value is None for value in by_hand.values())
        looks, notes = "; ".join(alike.get(attempt.student, [])), " ".join(outcome.notes)[:500].replace("\n", " ")
        row = [attempt.student, attempt.number, f"{total:g}", f"{wanted.points:g}", left]
        made.append([*row, *shown, outcome.declared, looks, notes])
    return made


def attempts_of(history: dict[str, list[Attempt]]) -> list[list[object]]:
    """Every attempt, with its points without a reader."""
    made: list[list[object]] = [["student", "attempt", "points without a reader", "notebook", "graded with", "seconds"]]
    for attempt in (attempt for some in history.values() for attempt in some):
        outcome = attempt.outcome
        row = [attempt.student, attempt.number, f"{outcome.points:g}", attempt.digest, attempt.basis, outcome.seconds]
        made.append(row)
    return made


def take_marks(out: Path, folders: Sequence[Path]) -> None:
    """Put together what teachers wrote into several marks.csv.

    Raises:
        ValueError: two of them say different things of one answer.
    """
    found = manual.read(out / "marks.csv")
    for folder in folders:
        for where, row in manual.read(folder / "marks.csv").items():
            said = [row["points"], row["comment"]]
            mine = found.setdefault(where, row)
            if any(said) and [mine["points"], mine["comment"]] not in (said, ["", ""]):
                raise ValueError(f"Two marks for one answer of {where[0]}: see {folder / 'marks.csv'}.")
            if any(said):
                found[where] = row
    rows = [
        manual.COLUMNS,
        *([*where, row["of"], row["points"], row["comment"]] for where, row in sorted(found.items())),
    ]
    results.write(out / "marks.csv", results.table(rows))


def spent(seconds: float, graded: int) -> str:
    """Time and memory of this run."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, largest = (resource.getrusage(kind).ru_maxrss / 1024 for kind in kinds)
    pace = f", {60 * graded / seconds:.1f} submissions a minute" if graded else ""
    return f"{graded} graded in {seconds:.0f} s{pace}; memory: grader {own:.0f} MB, largest other process {largest:.0f} MB."
