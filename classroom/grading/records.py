"""What is kept: results/STUDENT/NUMBER.json, one per attempt and never changed; marks.csv, which a teacher fills in."""

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from classroom.grading.attempt import Outcome, Score
from classroom.grading.notebook import Assignment
from classroom.grading.submissions import Submission, digest
from lib.checkpoints import atomic_write

COLUMNS = ["student", "exercise", "answer", "of", "points", "comment"]
Key = tuple[str, str, str]
Marks = dict[Key, dict[str, str]]


@dataclass
class Attempt:
    """A graded submission. fingerprint: short hash of all that it was graded with (see `stage.fingerprint`)."""

    student: str
    number: int
    digest: str
    fingerprint: str
    outcome: Outcome


def write(path: Path, text: str) -> bool:
    """Replace a file atomically, if its content changes; whether it did."""
    if path.exists() and path.read_bytes() == text.encode():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text)
    return True


def table(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV; a text that a spreadsheet would take for a formula gets a quote before it."""
    risky = lambda cell: isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r")
    out = io.StringIO()
    safe = [[f"'{cell}" if risky(cell) else cell for cell in row] for row in rows]
    csv.writer(out, lineterminator="\n").writerows(safe)
    return out.getvalue()


class Store:
    """The attempts in a folder of results."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "results"
        for path in sorted(self.folder.glob("*/*.json")):
            try:
                self._read(path.parent.name, int(path.stem))
            except (ValueError, KeyError, TypeError) as problem:
                broken = path.with_name(f"{path.name}.broken")
                os.replace(path, broken)
                print(f"{path} can't be read ({problem}). It is now {broken.name}, and the student is graded again.")

    def students(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*") if self._numbers(path.name))

    def attempts(self, student: str) -> list[Attempt]:
        return [self._read(student, number) for number in self._numbers(student)]

    def add(self, submission: Submission, fingerprint: str, outcome: Outcome) -> None:
        """Keep a new attempt beside the earlier ones."""
        number = max(self._numbers(submission.student), default=0) + 1
        parts = asdict(outcome)
        parts["marks"] = parts.pop("scores")
        kept = {"digest": submission.digest, "basis": fingerprint, "outcome": parts}
        text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
        write(self._path(submission.student, number), text)

    def done(self, submission: Submission, fingerprint: str) -> bool:
        """Whether the latest attempt is this submission, graded with this fingerprint."""
        numbers = self._numbers(submission.student)
        latest = self._read(submission.student, numbers[-1]) if numbers else None
        return latest is not None and (latest.digest, latest.fingerprint) == (submission.digest, fingerprint)

    def merge(self, other: "Store") -> int:
        """Copy the attempts of another folder; the number of students.

        Raises:
            ValueError: a student has different attempts in the two. Nothing is copied then.
        """
        new = {student: other._texts(student) for student in other.students()}
        mine = {student: self._texts(student) for student in self.students() if student in new}
        if both := [student for student in mine if mine[student] != new[student]]:
            raise ValueError(f"{other.folder} and {self.folder} have different results for {', '.join(both)}.")
        for student, texts in new.items():
            for number, text in texts.items():
                write(self._path(student, number), text)
        return len(new)

    def _path(self, student: str, number: int) -> Path:
        return self.folder / student / f"{number}.json"

    def _numbers(self, student: str) -> list[int]:
        return sorted(int(path.stem) for path in (self.folder / student).glob("*.json") if path.stem.isdigit())

    def _read(self, student: str, number: int) -> Attempt:
        kept = json.loads(self._path(student, number).read_text(encoding="utf-8"))
        parts = kept["outcome"]
        parts["scores"] = {name: Score(**score) for name, score in parts.pop("marks").items()}
        return Attempt(student, number, kept["digest"], kept["basis"], Outcome(**parts))

    def _texts(self, student: str) -> dict[int, str]:
        return {n: self._path(student, n).read_text(encoding="utf-8") for n in self._numbers(student)}


def key(student: str, exercise: str, text: str) -> Key:
    """Key of an answer; it changes when the text changes. The "a" keeps spreadsheets from taking it for a number."""
    return student, exercise, "a" + digest(text.encode())[:8]


def read_marks(path: Path) -> Marks:
    """The rows of marks.csv.

    Raises:
        ValueError: points that are not a number from 0 to the exercise's points.
    """
    if not path.exists():
        return {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in csv.DictReader(file)]
    for row in rows:
        try:
            valid = not row["points"] or 0 <= _number(row["points"]) <= float(row["of"])
        except ValueError:
            valid = False
        if not valid:
            where = f"{path}, {row['student']}, {row['exercise']}"
            raise ValueError(f"{where}: expected points from 0 to {row['of']}, got {row['points']!r}.")
    return {(row["student"].removeprefix("'"), row["exercise"], row["answer"]): row for row in rows}


def manual_points(marks: Marks, attempt: Attempt) -> dict[str, float | None]:
    """A student's points by exercise that a person grades: None if it is not graded yet, 0 for an empty answer."""
    points: dict[str, float | None] = {}
    for exercise, text in attempt.outcome.manual.items():
        given = marks.get(key(attempt.student, exercise, text), {}).get("points", "")
        points[exercise] = _number(given) if given else None if text.strip() else 0.0
    return points


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def comments(marks: Marks, attempt: Attempt) -> dict[str, str]:
    """The teacher's comments, by exercise."""
    keys = {name: key(attempt.student, name, text) for name, text in attempt.outcome.manual.items()}
    return {name: marks[where]["comment"] for name, where in keys.items() if where in marks}


def write_marks(path: Path, marks: Marks, assignment: Assignment, attempts: Iterable[Attempt] = ()) -> None:
    """Write marks.csv: what the teacher wrote, and an empty row for each answer that has none. No row is removed."""
    rows = dict(marks)
    for attempt in attempts:
        for exercise, text in attempt.outcome.manual.items():
            where = key(attempt.student, exercise, text)
            if text.strip() and where not in rows:
                of = f"{assignment.manual.get(exercise, 0):g}"
                rows[where] = dict(zip(COLUMNS, [*where, of, "", ""], strict=True))
    lines = [[*where, row["of"], row["points"], row["comment"]] for where, row in sorted(rows.items())]
    write(path, table([COLUMNS, *lines]))


def merge_marks(folders: Iterable[Path]) -> Marks:
    """What teachers wrote into several folders' marks.csv.

    Raises:
        ValueError: two of them have different points or comments for one answer.
    """
    merged: Marks = {}
    for folder in folders:
        for where, row in read_marks(folder / "marks.csv").items():
            written = [row["points"], row["comment"]]
            mine = merged.setdefault(where, row)
            if any(written) and [mine["points"], mine["comment"]] not in (written, ["", ""]):
                path = folder / "marks.csv"
                raise ValueError(f"{path} has another mark for {where[0]}, {where[1]} than an earlier folder.")
            if any(written):
                merged[where] = row
    return merged
