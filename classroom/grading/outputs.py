"""Everything that is made from the records, and from nothing else: grades, pages, the report, the gradebook."""

from collections.abc import Sequence
from pathlib import Path

from classroom.grading import gradebook, marks, pages, records, report
from classroom.grading.marks import Marks
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt, Store


def write_all(out: Path, assignment: Assignment, store: Store, database: Path) -> tuple[str, str]:
    """Write what has changed; returns a summary for the terminal, and what in marks.csv was not used.

    Raises:
        Refused: marks.csv can't be read. Nothing is written then.
    """
    history = {student: store.attempts(student) for student in store.students()}
    attempts = [some[-1] for some in history.values()]
    known = marks.answers((attempt for some in history.values() for attempt in some), assignment.manual)
    written = marks.read(out / "marks.csv", known)
    if not attempts:
        return "There are no results.", ""
    alike = report.copies(attempts, assignment)
    for attempt in attempts:
        earlier = [old.outcome.points for old in history[attempt.student][:-1]]
        page = pages.feedback(assignment, attempt, written, earlier)
        records.write(out / "feedback" / f"{attempt.student}.html", page)
    marks.add_rows(out / "marks.csv", written, marks.answers(attempts, assignment.manual))
    records.write(out / "to_read.html", pages.reading(assignment, attempts))
    records.write(out / "grades.csv", records.table(grades(assignment, written, attempts, alike)))
    records.write(out / "attempts.csv", records.table(attempts_table(history)))
    records.write(out / "report.html", report.report(assignment, attempts, alike))
    book = gradebook.write(database, assignment, written, attempts)
    mean = sum(attempt.outcome.points for attempt in attempts) / len(attempts)
    summary = f"{len(attempts)} students in {out}, {mean:.1f} of {sum(assignment.tests.values()):g} points on average"
    return f"{summary}; {book}.", unused(out / "marks.csv", written)


def unused(path: Path, written: Marks) -> str:
    """What a teacher wrote that has no effect, in words."""
    lines = [f"NOT USED, {path}, {problem}." for problem in written.refused]
    if written.ignored:
        lines.append(f"{path}: these columns are kept, and not read: {', '.join(written.ignored)}.")
    others = [other.name for other in sorted(path.parent.glob("marks*.*")) if other != path]
    if others:
        lines.append(f"Only {path.name} is read, not {', '.join(others)} beside it.")
    return "\n".join(lines)


def grades(assignment: Assignment, written: Marks, attempts: Sequence[Attempt], alike: dict) -> list[list[object]]:
    """One row per student: the total, and the points of each exercise, empty if nobody has read that answer yet."""
    names = [*assignment.tests, *assignment.manual]
    head = ["student", "attempt", "points", "of", "to read", *names, "name in the notebook", "look at", "unusual"]
    rows: list[list[object]] = [head]
    for attempt in attempts:
        outcome, by_hand = attempt.outcome, written.points(attempt)
        points = {name: score.points for name, score in outcome.scores.items()} | by_hand
        total = sum(value for value in points.values() if value is not None)
        shown = [f"{points[name]:g}" if points.get(name) is not None else "" for name in names]
        unread = sum(value is None for value in by_hand.values())
        looks, notes = "; ".join(alike.get(attempt.student, [])), " ".join(outcome.notes)[:500].replace("\n", " ")
        row = [attempt.student, attempt.number, f"{total:g}", f"{assignment.points:g}", unread]
        rows.append([*row, *shown, outcome.declared, looks, notes])
    return rows


def attempts_table(history: dict[str, list[Attempt]]) -> list[list[object]]:
    """One row per attempt, with the points that the grader gave."""
    rows: list[list[object]] = [["student", "attempt", "points without a reader", "notebook", "graded with", "seconds"]]
    for attempt in (attempt for some in history.values() for attempt in some):
        points, seconds = f"{attempt.outcome.points:g}", attempt.outcome.seconds
        rows.append([attempt.student, attempt.number, points, attempt.digest, attempt.fingerprint, seconds])
    return rows


def usage(seconds: float, graded: int) -> str:
    """Time and memory of this run."""
    pace = f", {60 * graded / seconds:.1f} submissions per minute" if graded else ""
    try:
        import resource
    except ImportError:  # Windows
        return f"{graded} graded in {seconds:.0f} s{pace}."
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, largest = (resource.getrusage(kind).ru_maxrss / 1024 for kind in kinds)
    return f"{graded} graded in {seconds:.0f} s{pace}; memory: grader {own:.0f} MB, largest process {largest:.0f} MB."
