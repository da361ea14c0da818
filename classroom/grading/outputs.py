"""Everything that is made from the records, and from nothing else: grades, pages, the report, the gradebook."""

from dataclasses import dataclass
from pathlib import Path

from classroom.grading import contracts, deadlines, gradebook, likeness, marks, pages, records, remarks, report, sheets
from classroom.grading.deadlines import HandedIn, Late
from classroom.grading.marks import Marks
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt, Store
from classroom.grading.remarks import Remarks

IN_TIME = "points if in time"


@dataclass
class Graded:
    """A folder of results, and what a teacher wrote about it. late: by student, if there are deadlines."""

    out: Path
    assignment: Assignment
    history: dict[str, list[Attempt]]
    written: Marks
    late: dict[str, Late]
    handed_in: HandedIn
    remarks: Remarks
    unknown: list[str]

    @property
    def attempts(self) -> list[Attempt]:
        """The latest of each student."""
        return [some[-1] for some in self.history.values()]

    def total(self, attempt: Attempt) -> float:
        """The points, before what late work loses."""
        return attempt.outcome.points + sum(points or 0 for points in self.written.points(attempt).values())

    def counted(self, attempt: Attempt) -> float:
        """The points that count."""
        late = self.late.get(attempt.student)
        return round(late.share * self.total(attempt), 2) if late and late.share < 1 else self.total(attempt)


def load(out: Path, assignment: Assignment, store: Store, names: dict[str, str], file: Path | None = None) -> Graded:
    """Read what is in a folder of results. names: of every assignment, by those that a teacher may write.

    file: the deadlines, if not beside the results.

    Raises:
        Refused: a file of the teacher's can't be read.
    """
    history = {student: store.attempts(student) for student in store.students()}
    known = marks.answers((attempt for some in history.values() for attempt in some), assignment.manual)
    file, handed_in = file or sheets.beside(out, "deadlines.csv"), HandedIn(out)
    due = deadlines.read(file, names, assignment.name) if file else None
    late, unknown = {}, []
    if due and due.by:
        found = {name: due.late(name, handed_in.of(name, some[-1].digest)) for name, some in history.items()}
        late = {name: one for name, one in found.items() if one}
        strangers = {name: number for name, number in due.rows.items() if name and name not in history}
        unknown = [
            f"{file}, row {number}: nobody with the name {name!r} has handed in." for name, number in strangers.items()
        ]
    remarked = remarks.read(sheets.beside(out, "comments.csv"), names, assignment, history)
    return Graded(out, assignment, history, marks.read(out / "marks.csv", known), late, handed_in, remarked, unknown)


def write_all(
    out: Path, assignment: Assignment, store: Store, database: Path, names: dict | None = None, file: Path | None = None
) -> tuple[str, str]:
    """Write what has changed; returns a summary for the terminal, and what a teacher wrote that is not used.

    names, file: as in `load`.

    Raises:
        Refused: a file of the teacher's can't be read. Nothing is written then.
    """
    graded = load(out, assignment, store, names or {assignment.name: assignment.name}, file)
    attempts, history, written = graded.attempts, graded.history, graded.written
    if not attempts:
        return "There are no results.", ""
    alike, unseen = report.same_names(attempts), ""
    try:
        found = likeness.pairs(attempts, assignment)
        alike = {name: likeness.looks(found).get(name, []) + alike.get(name, []) for name in history}
        records.write(out / "alike.html", likeness.page(found, attempts, assignment))
    except ImportError:
        unseen = "; alike notebooks were not looked for: copydetect is not installed (pip install -e '.[teach]')"
    for attempt in attempts:
        earlier = [old.outcome.points for old in history[attempt.student][:-1]]
        page = pages.feedback(assignment, attempt, written, earlier, graded.late.get(attempt.student), graded.remarks)
        records.write(out / "feedback" / f"{attempt.student}.html", page)
        time = graded.handed_in.of(attempt.student, attempt.digest).get("time", "")
        by_hand = written.points(attempt)
        contracts.write(out, assignment, attempt, by_hand, graded.late.get(attempt.student), time)
    marks.add_rows(out / "marks.csv", written, marks.answers(attempts, assignment.manual))
    records.write(out / "to_read.html", pages.reading(assignment, attempts))
    table = out / "grades.csv"  # tells whether there were deadlines the last time, whose penalties are then taken back
    before = table.exists() and f'"{IN_TIME}"' in table.read_text(encoding="utf-8").split("\n")[0]
    records.write(table, records.table(grades(graded, alike)))
    records.write(out / "attempts.csv", records.table(attempts_table(history)))
    late = {name: one.sentence for name, one in graded.late.items() if one.late}
    records.write(out / "report.html", report.report(assignment, attempts, alike, late))
    lost = {a.student: round(graded.total(a) - graded.counted(a), 2) for a in attempts}
    lost = lost if graded.late or before else {}
    book = gradebook.write(database, assignment, written, attempts, lost)
    mean = sum(attempt.outcome.points for attempt in attempts) / len(attempts)
    summary = f"{len(attempts)} students in {out}, {mean:.1f} of {sum(assignment.tests.values()):g} points on average"
    summary += f"; {len(late)} late" if graded.late else ""
    lines = [unused(out / "marks.csv", written), *graded.unknown]
    lines += [f"NOT USED, comments.csv, {problem}." for problem in graded.remarks.refused]
    return f"{summary}; {book}{unseen}.", "\n".join(filter(None, lines))


def unused(path: Path, written: Marks) -> str:
    """What a teacher wrote that has no effect, in words."""
    lines = [f"NOT USED, {path}, {problem}." for problem in written.refused]
    if written.ignored:
        lines.append(f"{path}: these columns are kept, and not read: {', '.join(written.ignored)}.")
    others = [other.name for other in sorted(path.parent.glob("marks*.*")) if other != path]
    if others:
        lines.append(f"Only {path.name} is read, not {', '.join(others)} beside it.")
    return "\n".join(lines)


def grades(graded: Graded, alike: dict) -> list[list[object]]:
    """One row per student: the total, and the points of each exercise, empty if nobody has read that answer yet.

    With deadlines, the total is what counts, and the last columns tell how it came about.
    """
    assignment = graded.assignment
    names = [*assignment.tests, *assignment.manual]
    head = ["student", "attempt", "points", "of", "to read", *names, "name in the notebook", "look at", "unusual"]
    rows: list[list[object]] = [head + ["handed in", "by", "late", IN_TIME] * bool(graded.late)]
    for attempt in graded.attempts:
        outcome, by_hand = attempt.outcome, graded.written.points(attempt)
        points = {name: score.points for name, score in outcome.scores.items()} | by_hand
        shown = [f"{points[name]:g}" if points.get(name) is not None else "" for name in names]
        unread = sum(value is None for value in by_hand.values())
        looks, notes = "; ".join(alike.get(attempt.student, [])), " ".join(outcome.notes)[:500].replace("\n", " ")
        row = [attempt.student, attempt.number, f"{graded.counted(attempt):g}", f"{assignment.points:g}", unread]
        if graded.late:
            late = graded.late.get(attempt.student) or Late("", "", "", "", 1)
            notes = [notes, late.handed_in, late.source, late.late, f"{graded.total(attempt):g}"]
        rows.append([*row, *shown, outcome.declared, looks, *(notes if graded.late else [notes])])
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
