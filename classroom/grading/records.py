"""What is kept: results/STUDENT/NUMBER.json, one per attempt and never changed; and how files are written."""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from classroom.grading import wire
from classroom.grading.attempt import Outcome, Score
from classroom.grading.submissions import Submission
from lib.checkpoints import atomic_write

LINES = re.compile("[\t\n\u2028\u2029]")
FORMULA = re.compile(r"'*[=+\-@]")  # what a spreadsheet would calculate, or such a text after a quote


class Refused(ValueError):
    """The command can't go on, and has changed nothing; the message says why, and what to do."""


@dataclass
class Attempt:
    """A graded submission. fingerprint: short hash of all that it was graded with (see `stage.fingerprint`)."""

    student: str
    number: int
    digest: str
    fingerprint: str
    outcome: Outcome


def write(path: Path, text: str | bytes) -> bool:
    """Replace a file atomically, if its content changes; whether it did."""
    data = text.encode() if isinstance(text, str) else text
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, data)
    return True


def next_backup(path: Path) -> Path:
    """Where to keep a copy of a file before it changes: beside it, with the next free number."""
    folder = path.with_name(f"{path.stem}-backups")
    folder.mkdir(exist_ok=True)
    number = max((int(old.stem) for old in folder.iterdir() if old.stem.isdecimal()), default=0) + 1
    return folder / f"{number:04}{path.suffix}"


def table(rows: Iterable[Sequence[object]], delimiter: str = ",", end: str = "\n") -> str:
    """Rows as CSV, for spreadsheets: one line per row, no formulas, no control characters."""
    out = io.StringIO()
    safe = [[_escaped(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_NONNUMERIC).writerows(safe)
    return out.getvalue()


def _escaped(cell: str) -> str:
    text = LINES.sub(" ", wire.STEERS.sub(" ", wire.clean(cell))).strip()
    return f"'{text}" if FORMULA.match(text) else text


def unescaped(cell: str) -> str:
    """A cell without the quote that `table` gave it."""
    return cell[1:] if cell[:1] == "'" and FORMULA.match(cell) else cell


class Store:
    """The attempts in a folder of results."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "results"
        for path in sorted(self.folder.glob("*/*.json")):
            try:
                self._read(path.parent.name, int(path.stem))
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
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
            Refused: a student has different attempts in the two.
        """
        new = {student: other._texts(student) for student in other.students()}
        mine = {student: self._texts(student) for student in self.students() if student in new}
        if both := [student for student in mine if mine[student] != new[student]]:
            raise Refused(f"{other.folder} and {self.folder} have different results for {', '.join(both)}")
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
