"""Submissions for tests of the grader: the release of an assignment, and answers of the catalogue put into it."""

import copy
import importlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from classroom.grading import notebook
from classroom.grading.__main__ import main
from classroom.grading.stage import ROOT

COURSE = ROOT / "notebooks" / "assignments"
SOURCES = sorted(COURSE.glob("source/*/*.ipynb"))
EXPLANATION = "An id is a label, and a label is no quantity: b is not twice a. The table lets each letter learn."


class Assigned:
    """An assignment as students get it, and the catalogue of answers to its exercises."""

    def __init__(self, source: Path) -> None:
        self.short = source.stem.split("_")[0]
        self.assignment = notebook.assignment(source)
        catalogue = f"tests.classroom.catalogue.answers{self.short.removeprefix('a')}"
        self.answers = importlib.import_module(catalogue).ANSWERS
        self.release, released = json.loads(source.read_text(encoding="utf-8")), notebook.release(self.assignment)
        for raw, cell in zip(self.release["cells"], self.assignment.cells, strict=True):
            raw["source"] = released.get(cell.name, cell.source).split("### BEGIN HIDDEN TESTS")[0].rstrip()
            if raw["cell_type"] == "code":
                raw |= {"outputs": [], "execution_count": None}

    def by_mistake(self, exercise: str, mistake: str) -> list[str]:
        """The catalogue's cells with that mistake; "" for right ones."""
        return [answer.cell() for answer in self.answers if answer.exercise == exercise and answer.mistake == mistake]

    def filled(self, student: str, answers: dict[str, str], explain: str = EXPLANATION) -> dict:
        """The release with a name and answers in it."""
        book = copy.deepcopy(self.release)
        given = {f"{exercise}-answer": source for exercise, source in answers.items()}
        given |= dict.fromkeys(self.assignment.manual, explain) | {"student-answer": f"student = {student!r}"}
        for cell in book["cells"]:
            cell["source"] = given.get(name_of(cell), cell["source"])
        return book


def name_of(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def place(book: dict, name: str) -> int:
    """The index of the cell with that name."""
    return next(number for number, cell in enumerate(book["cells"]) if name_of(cell) == name)


def insert(book: dict, source: str, before: str = "predictions-answer") -> None:
    """Insert a cell of the student's own before the one with that name."""
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    book["cells"].insert(place(book, before), cell)


A01 = Assigned(COURSE / "source" / "a01_embedding" / "a01_embedding.ipynb")
POINTS = A01.assignment.tests
FULL = sum(POINTS.values())
RIGHT = {exercise: A01.by_mistake(exercise, "")[0] for exercise in POINTS}
WRONG = {
    "predictions": "def my_predictions(mine):\n    "
    "return {'windows': 1, 'padding': 1, 'rows': 1, 'shape': (1,), 'loss': 1.5}",
    "windows": "def my_windows(names, context):\n    return torch.zeros(1, context).long(), torch.zeros(1).long()",
    "embed": "def my_embed(ids, table):\n    return torch.zeros(1)",
    "mended": "def net_loss(windows, targets, table, weight):\n    return torch.tensor(0.0)",
    "bigram": "def my_bigram(X, Y, size):\n    return torch.zeros(size, size)",
}


@dataclass
class Sample:
    """A submission, and the points that it should get.

    says: regular expressions that the feedback must match. data: the file's bytes, if it is not a notebook.
    reported: what the table must tell the teacher to look at.
    """

    student: str
    points: float
    says: list[str] = field(default_factory=list)
    book: dict | None = None
    data: bytes | None = None
    reported: str = ""

    def bytes(self) -> bytes:
        return self.data if self.data is not None else json.dumps(self.book).encode()

    def submit(self, folder: Path, assignment: str = A01.assignment.name) -> None:
        """Write it where nbgrader collects submissions."""
        path = folder / self.student / assignment / f"{assignment}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.bytes())


def command(submitted: Path, out: Path, *options: str, assignment: str = "a01") -> list[str]:
    """The grader's command line."""
    words = [str(COURSE / "grade.py"), assignment, str(submitted), "--out", str(out), "--seed", "a test"]
    return [sys.executable, *words, *options]


def grade(submitted: Path, out: Path, *options: str, assignment: str = "a01") -> int:
    """What the command returns, in this process, which has everything loaded."""
    return main(command(submitted, out, *options, assignment=assignment)[2:])


def gradebook_scores(database: Path, assignment: str) -> dict[str, float]:
    """Each student's score in nbgrader's gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{database}") as book:
        return {submission.student_id: submission.score for submission in book.assignment_submissions(assignment)}
