"""What is kept of every attempt: results/STUDENT/NUMBER.json, written whole or not at all, never changed, never removed."""

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

from classroom.grading import notebook
from classroom.grading.attempt import Mark, Outcome


@dataclass
class Submission:
    """What a student handed in. problem: why it can't be graded, "" if it can."""

    student: str
    data: bytes
    problem: str

    @property
    def digest(self) -> str:
        return notebook.digest(self.data + self.problem.encode())


@dataclass
class Attempt:
    """A graded submission. basis: what it was graded with (the assignment, its checks, the seed), in short."""

    student: str
    number: int
    digest: str
    basis: str
    outcome: Outcome


def write(path: Path, text: str) -> bool:
    """Replace a file as a whole, if it would change; whether it did."""
    if path.exists() and path.read_bytes() == text.encode():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(".new")  # only one grader writes at a time, and the name may be as long as names can be
    with open(new, "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    return True


def table(rows: list[list[object]]) -> str:
    """Rows as CSV; a text that a spreadsheet would take for a formula gets a quote before it."""
    out = io.StringIO()
    safe = [
        [f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in row]
        for row in rows
    ]
    csv.writer(out, lineterminator="\n").writerows(safe)
    return out.getvalue()


def submissions(folder: Path, name: str) -> dict[str, Path | None]:
    """The notebook of each student: FOLDER/STUDENT/NAME/NAME.ipynb as nbgrader has it, FOLDER/STUDENT/*.ipynb or FOLDER/STUDENT.ipynb.

    None for a folder without one. Links are not followed, and names that can't be kept as they are are passed over (`unfit`).
    """
    found: dict[str, Path | None] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.is_symlink() or unfit(entry.name):
            continue
        if entry.is_dir():
            try:
                found[entry.name] = _in(entry, name)
            except OSError:  # a folder that may not be read
                found[entry.name] = None
        elif entry.suffix == ".ipynb":
            found.setdefault(entry.stem, entry)
    return found


def unfit(name: str) -> str:
    """Why a student can't have this name, "" if they can: it goes into files' names, tables and the terminal."""
    if not name.isprintable():
        return "it has characters that can't be printed"
    if name != name.strip() or name.startswith("'"):
        return "it begins or ends with a blank or a quote"
    return "" if len(name.encode()) <= 200 else "it is longer than 200 bytes"


def _in(entry: Path, name: str) -> Path | None:
    for place in (entry / name, entry):
        if place.is_symlink() or not place.is_dir():
            continue
        inside = sorted(path for path in place.glob("*.ipynb") if not path.name.startswith("."))
        named = [path for path in inside if path.stem == name]
        if named or len(inside) == 1:
            return (named or inside)[0]
    return None


def submission(student: str, path: Path | None) -> Submission:
    """Read what a student handed in."""
    if path is None:
        return Submission(student, b"", "no notebook, or more than one, is in the folder")
    return Submission(student, *notebook.load(path))


class Store:
    """The attempts of a folder."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "results"
        for path in sorted(self.folder.glob("*/*.json")):
            try:
                self._read(path.parent.name, int(path.stem))
            except (ValueError, KeyError, TypeError) as problem:
                broken = path.with_name(f"{path.name}.broken")
                os.replace(path, broken)
                print(f"{path} can't be read ({problem}); it is {broken.name} now, and the student is graded again.")

    def students(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*") if self._numbers(path.name))

    def _numbers(self, student: str) -> list[int]:
        return sorted(int(path.stem) for path in (self.folder / student).glob("*.json") if path.stem.isdigit())

    def attempts(self, student: str) -> list[Attempt]:
        return [self._read(student, number) for number in self._numbers(student)]

    def latest(self, student: str) -> Attempt | None:
        numbers = self._numbers(student)
        return self._read(student, numbers[-1]) if numbers else None

    def _read(self, student: str, number: int) -> Attempt:
        kept = json.loads((self.folder / student / f"{number}.json").read_text(encoding="utf-8"))
        outcome = kept.pop("outcome")
        outcome["marks"] = {name: Mark(**mark) for name, mark in outcome["marks"].items()}
        return Attempt(student, number, outcome=Outcome(**outcome), **kept)

    def add(self, handed_in: Submission, basis: str, outcome: Outcome) -> Attempt:
        """Keep a new attempt beside the earlier ones."""
        number = max(self._numbers(handed_in.student), default=0) + 1
        kept = {"digest": handed_in.digest, "basis": basis, "outcome": outcome.plain()}
        write(self.folder / handed_in.student / f"{number}.json", json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        return Attempt(handed_in.student, number, handed_in.digest, basis, outcome)

    def done(self, handed_in: Submission, basis: str) -> bool:
        """Whether this is what the latest attempt was made from."""
        latest = self.latest(handed_in.student)
        return latest is not None and (latest.digest, latest.basis) == (handed_in.digest, basis)

    def take(self, other: "Store") -> int:
        """Take over the attempts of another folder; the number of students.

        Raises:
            ValueError: both have a student, with different attempts. Nothing is taken then.
        """
        mine = {student: self._texts(student) for student in self.students()}
        new = {student: other._texts(student) for student in other.students()}
        if both := [student for student in new if student in mine and mine[student] != new[student]]:
            raise ValueError(f"{other.folder} and {self.folder} both have {', '.join(both)}, graded differently.")
        for student, texts in new.items():
            for number, text in texts.items():
                write(self.folder / student / f"{number}.json", text)
        return len(new)

    def _texts(self, student: str) -> dict[int, str]:
        numbers = self._numbers(student)
        return {n: (self.folder / student / f"{n}.json").read_text(encoding="utf-8") for n in numbers}
