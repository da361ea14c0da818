"""nbgrader's gradebook, written through its API after everything is graded, and backed up before."""

import os
import shutil
import sys
import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from classroom.grading.manual import Key
from classroom.grading.manual import points as manual_points
from classroom.grading.notebook import Assignment
from classroom.grading.results import Attempt

Wanted = dict[tuple[str, str], tuple[float | None, float | None]]


def wanted_scores(marks: dict[Key, dict[str, str]], attempts: Sequence[Attempt]) -> Wanted:
    """By student and exercise, the points given without a reader and by one; None where there are none."""
    found: Wanted = {}
    for attempt in attempts:
        found |= {(attempt.student, name): (mark.points, None) for name, mark in attempt.outcome.marks.items()}
        by_hand = manual_points(marks, attempt)
        found |= {(attempt.student, name): (None, points) for name, points in by_hand.items()}
    return found


def backup(path: Path) -> Path:
    """A copy of the gradebook beside it, with the next free number."""
    folder = path.with_name("gradebook-backups")
    folder.mkdir(exist_ok=True)
    number = max((int(old.stem) for old in folder.glob("*.db") if old.stem.isdigit()), default=0) + 1
    copy = folder / f"{number:04}.db"
    new = copy.with_suffix(".new")
    with closing(connect(path)) as source, closing(connect(new)) as target:
        source.backup(target)  # whole, even if somebody else is writing
    shutil.move(new, copy)
    return copy


def write(path: Path, wanted: Assignment, marks: dict[Key, dict[str, str]], attempts: Sequence[Attempt]) -> str:
    """Bring the gradebook up to date, in one transaction for each student; what was done, in words."""
    try:
        from nbgrader.api import Gradebook
    except ImportError:
        return "nbgrader's gradebook was not written: nbgrader is not installed (pip install -e '.[teach]')"
    # nbgrader runs alembic by its name.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    scores = wanted_scores(marks, attempts)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        _update(Gradebook, new, wanted, attempts, scores)
        os.replace(new, path)
        return f"{path.name} was written"
    with Gradebook(f"sqlite:///{path}") as book:
        if not _differ(book, wanted.name, scores):
            return f"{path.name} was up to date"
    copy = backup(path)
    _update(Gradebook, path, wanted, attempts, scores)
    return f"{path.name} was brought up to date; before, it was copied to {copy.parent.name}/{copy.name}"


def _update(open_book, path: Path, wanted: Assignment, attempts: Sequence[Attempt], scores: Wanted) -> None:
    with warnings.catch_warnings(), open_book(f"sqlite:///{path}") as book:
        warnings.simplefilter("ignore")  # nbgrader's own, of its way with the database
        _cells(book, wanted)
        for attempt in attempts:
            _student(book, wanted, attempt, scores)


def _differ(book, name: str, scores: Wanted) -> bool:
    """Whether the gradebook says something else of these students; what it says of others does not matter."""
    try:
        submissions = book.assignment_submissions(name)
    except Exception:  # MissingEntry, whose module has moved before
        return True
    grades = [(s.student_id, g) for s in submissions for notebook in s.notebooks for g in notebook.grades]
    found = {(student, grade.name): (grade.auto_score, grade.manual_score) for student, grade in grades}
    for where, (auto, by_hand) in scores.items():
        if where not in found or found[where][0] != auto or by_hand not in (None, found[where][1]):
            return True
    return False


def _cells(book, wanted: Assignment) -> None:
    """What nbgrader generate_assignment would have written down of the assignment."""
    book.update_or_create_assignment(wanted.name)
    book.update_or_create_notebook(wanted.name, wanted.name)
    for cell in wanted.cells:
        if cell.points is not None:
            book.update_or_create_grade_cell(
                cell.name, wanted.name, wanted.name, max_score=cell.points, cell_type=cell.kind
            )
        if cell.name and (cell.solution or cell.points is None):
            book.update_or_create_solution_cell(cell.name, wanted.name, wanted.name)


def _student(book, wanted: Assignment, attempt: Attempt, scores: Wanted) -> None:
    book.update_or_create_student(attempt.student)
    book.update_or_create_submission(wanted.name, attempt.student)
    for name in {**wanted.tests, **wanted.manual}:
        auto, by_hand = scores.get((attempt.student, name), (None, None))
        grade = book.find_grade(name, wanted.name, wanted.name, attempt.student)
        grade.auto_score = auto
        if by_hand is not None:  # otherwise what a teacher gave in formgrader stays
            grade.manual_score = by_hand
        grade.needs_manual_grade = name in wanted.manual and grade.manual_score is None
    book.db.commit()
