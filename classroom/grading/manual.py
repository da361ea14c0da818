"""Answers that a person reads: a page with all of them, and marks.csv, whose column `points` the teacher fills in."""

import csv
from pathlib import Path

from classroom.grading import notebook, results
from classroom.grading.notebook import Assignment
from classroom.grading.results import Attempt

COLUMNS = ["student", "exercise", "answer", "of", "points", "comment"]
Key = tuple[str, str, str]


def key(student: str, exercise: str, text: str) -> Key:
    """What marks an answer: with another text it is another answer, and to be read again."""
    return (
        student,
        exercise,
        "a" + notebook.digest(text.encode())[:8],
    )  # a letter first: no spreadsheet takes it for a number


def read(path: Path) -> dict[Key, dict[str, str]]:
    """The rows of marks.csv.

    Raises:
        ValueError: points that are no number, or not from 0 to the exercise's points.
    """
    if not path.exists():
        return {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in csv.DictReader(file)]
    for row in rows:
        try:
            fine = not row["points"] or 0 <= float(row["points"].replace(",", ".")) <= float(row["of"])
        except ValueError:
            fine = False
        if not fine:
            raise ValueError(
                f"{path}: {row['student']} has {row['points']!r} points for {row['exercise']}; a number from 0 to {row['of']} is wanted."
            )
    return {(row["student"].removeprefix("'"), row["exercise"], row["answer"]): row for row in rows}


def points(marks: dict[Key, dict[str, str]], attempt: Attempt) -> dict[str, float | None]:
    """A student's points by exercise: None as long as nobody has read the answer; 0 for none given."""
    found: dict[str, float | None] = {}
    for exercise, text in attempt.outcome.manual.items():
        given = marks.get(key(attempt.student, exercise, text), {}).get("points", "")
        found[exercise] = float(given.replace(",", ".")) if given else None if text.strip() else 0.0
    return found


def rows(marks: dict[Key, dict[str, str]], wanted: Assignment, attempts: list[Attempt]) -> list[list[object]]:
    """marks.csv anew: a row for every answer to be read, with what the teacher wrote; rows of earlier answers stay."""
    made = dict(marks)
    for attempt in attempts:
        for exercise, text in attempt.outcome.manual.items():
            where = key(attempt.student, exercise, text)
            if text.strip() and where not in made:
                of = f"{wanted.manual.get(exercise, 0):g}"
                made[where] = dict(zip(COLUMNS, [*where, of, "", ""], strict=True))
    return [COLUMNS, *([*where, row["of"], row["points"], row["comment"]] for where, row in sorted(made.items()))]


def write(path: Path, marks: dict[Key, dict[str, str]], wanted: Assignment, attempts: list[Attempt]) -> None:
    """Write marks.csv, if it changes."""
    results.write(path, results.table(rows(marks, wanted, attempts)))
