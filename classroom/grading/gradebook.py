"""nbgrader's gradebook, written through its API after everything is graded, and backed up first."""

import os
import shutil
import sqlite3
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from classroom.grading import records
from classroom.grading.marks import Marks
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt

Scores = dict[tuple[str, str], tuple[float | None, float | None]]


def scores_of(marks: Marks, attempts: Sequence[Attempt]) -> Scores:
    """By student and exercise, the points of the grader and those of a person; None where there are none."""
    scores: Scores = {}
    for attempt in attempts:
        scores |= {(attempt.student, name): (score.points, None) for name, score in attempt.outcome.scores.items()}
        by_hand = marks.points(attempt)
        scores |= {(attempt.student, name): (None, points) for name, points in by_hand.items()}
    return scores


def backup(path: Path) -> Path:
    """A copy of the gradebook beside it, with the next free number."""
    copy = records.next_backup(path)
    new = copy.with_suffix(".new")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(new)) as target:
        source.backup(target)  # consistent even during a write
    shutil.move(new, copy)
    return copy


def write(
    path: Path, assignment: Assignment, marks: Marks, attempts: Sequence[Attempt], lost: Mapping[str, float]
) -> str:
    """Bring the gradebook up to date, in one transaction per student; returns what was done, in words.

    lost: by student, the points that late work loses; of all students if there are deadlines.
    """
    try:
        from nbgrader.api import Gradebook
        from sqlalchemy import URL
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        return "nbgrader's gradebook was not written: nbgrader is not installed (pip install -e '.[teach]')"
    # nbgrader runs alembic by its name.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # Not a text, in which # and ? would end the path.
    open_book = lambda path: Gradebook(URL.create("sqlite", database=str(path)))
    try:
        return _write(open_book, path, assignment, attempts, scores_of(marks, attempts), lost)
    except (SQLAlchemyError, sqlite3.Error) as problem:
        why = str(problem).split("\n")[0]
        return f"{path.name} was NOT WRITTEN ({why}): move it away, or restore it from {path.stem}-backups"


def _write(open_book, path: Path, assignment: Assignment, attempts: Sequence[Attempt], scores: Scores, lost) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        _update(open_book, new, assignment, attempts, scores, lost)
        os.replace(new, path)
        return f"{path.name} was written"
    with open_book(path) as book:
        if not _differ(book, assignment.name, scores, lost):
            return f"{path.name} was up to date"
    copy = backup(path)
    _update(open_book, path, assignment, attempts, scores, lost)
    return f"{path.name} was updated; a copy of its state before is {copy.parent.name}/{copy.name}"


def _update(open_book, path: Path, assignment: Assignment, attempts: Sequence[Attempt], scores: Scores, lost) -> None:
    with warnings.catch_warnings(), open_book(path) as book:
        warnings.simplefilter("ignore")  # nbgrader's own, about how it uses the database
        _cells(book, assignment)
        for attempt in attempts:
            _student(book, assignment, attempt, scores, lost)


def _differ(book, name: str, scores: Scores, lost: Mapping[str, float]) -> bool:
    """Whether the gradebook has other scores for these students. Those of other students do not matter."""
    try:
        submissions = book.assignment_submissions(name)
    except Exception as problem:
        if type(problem).__name__ != "MissingEntry":  # whose module has moved before
            raise
        return True
    grades = [(s.student_id, g) for s in submissions for notebook in s.notebooks for g in notebook.grades]
    stored = {(student, grade.name): (grade.auto_score, grade.manual_score) for student, grade in grades}
    for where, (auto, by_hand) in scores.items():
        if where not in stored or stored[where][0] != auto or by_hand not in (None, stored[where][1]):
            return True
    penalties = {s.student_id: s.late_submission_penalty or 0 for s in submissions}
    return any(penalties.get(student) != points for student, points in lost.items())


def _cells(book, assignment: Assignment) -> None:
    """The assignment's entries, as nbgrader generate_assignment would write them."""
    book.update_or_create_assignment(assignment.name)
    book.update_or_create_notebook(assignment.name, assignment.name)
    for cell in assignment.cells:
        if cell.points is not None:
            book.update_or_create_grade_cell(
                cell.name, assignment.name, assignment.name, max_score=cell.points, cell_type=cell.kind
            )
        if cell.name and (cell.solution or cell.points is None):
            book.update_or_create_solution_cell(cell.name, assignment.name, assignment.name)


def _student(book, assignment: Assignment, attempt: Attempt, scores: Scores, lost: Mapping[str, float]) -> None:
    book.update_or_create_student(attempt.student)
    book.update_or_create_submission(assignment.name, attempt.student)
    for name in {**assignment.tests, **assignment.manual}:
        auto, by_hand = scores.get((attempt.student, name), (None, None))
        grade = book.find_grade(name, assignment.name, assignment.name, attempt.student)
        grade.auto_score = auto
        if by_hand is not None:  # otherwise keep what a teacher entered in formgrader
            grade.manual_score = by_hand
        grade.needs_manual_grade = name in assignment.manual and grade.manual_score is None
    if attempt.student in lost:
        found = book.find_submission_notebook(assignment.name, assignment.name, attempt.student)
        found.late_submission_penalty = lost[attempt.student]
    book.db.commit()
