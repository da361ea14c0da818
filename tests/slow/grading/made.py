"""Submissions made from the source of an assignment, mostly 01: the release, and answers put into it."""

import copy
import importlib
import json
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COURSE = ROOT / "notebooks" / "assignments"
from classroom.grading import collate
from classroom.grading import notebook as reader

EXPLANATION = "An id is a label, and a label is no quantity: b is not twice a. The table lets each letter learn."


class Assigned:
    """An assignment as students are given it, and the catalogue of answers to its exercises."""

    def __init__(self, source: Path) -> None:
        self.short = source.stem.split("_")[0]
        self.wanted, self.given = collate.assignment(source)
        self.answers = importlib.import_module(f"tests.classroom.catalogue.answers{self.short.removeprefix('a')}").ANSWERS
        self.release = json.loads(source.read_text(encoding="utf-8"))
        for raw, cell in zip(self.release["cells"], reader.cells(source.read_bytes())[0], strict=True):
            raw["source"] = self.given.get(cell.name, cell.source).split("### BEGIN HIDDEN TESTS")[0].rstrip()
            if raw["cell_type"] == "code":
                raw |= {"outputs": [], "execution_count": None}

    def by_mistake(self, exercise: str, mistake: str) -> list[str]:
        """The cells of the catalogue with that mistake; "" for right ones."""
        return [answer.cell() for answer in self.answers if answer.exercise == exercise and answer.mistake == mistake]

    def filled(self, student: str, answers: dict[str, str], explain: str = EXPLANATION) -> dict:
        """The release with a name and answers in it."""
        book = copy.deepcopy(self.release)
        given = {f"{exercise}-answer": source for exercise, source in answers.items()}
        given |= dict.fromkeys(self.wanted.manual, explain) | {"student-answer": f"student = {student!r}"}
        for cell in book["cells"]:
            cell["source"] = given.get(name_of(cell), cell["source"])
        return book


def name_of(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def place(book: dict, name: str) -> int:
    """Where the cell of that name is."""
    return next(number for number, cell in enumerate(book["cells"]) if name_of(cell) == name)


def find(book: dict, name: str) -> dict:
    return book["cells"][place(book, name)]


def insert(book: dict, source: str, before: str = "predictions-answer") -> None:
    """Put a cell of the student's own before the one of that name."""
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    book["cells"].insert(place(book, before), cell)


A01 = Assigned(COURSE / "source" / "a01_embedding" / "a01_embedding.ipynb")
WANTED, GIVEN, RELEASE, ANSWERS = A01.wanted, A01.given, A01.release, A01.answers
filled, by_mistake = A01.filled, A01.by_mistake
POINTS = WANTED.tests
FULL = sum(POINTS.values())
RIGHT = {exercise: by_mistake(exercise, "")[0] for exercise in POINTS}
WRONG = {
    "predictions": "def my_predictions(mine):\n    return {'windows': 1, 'padding': 1, 'rows': 1, 'shape': (1,), 'loss': 1.5}",
    "windows": "def my_windows(names, context):\n    return torch.zeros(1, context).long(), torch.zeros(1).long()",
    "embed": "def my_embed(ids, table):\n    return torch.zeros(1)",
    "mended": "def net_loss(windows, targets, table, weight):\n    return torch.tensor(0.0)",
    "bigram": "def my_bigram(X, Y, size):\n    return torch.zeros(size, size)",
}


@dataclass
class Made:
    """A notebook, and what it deserves. says: what the feedback must contain. data: the file, if it is no notebook."""

    student: str
    points: float
    says: list[str] = field(default_factory=list)
    book: dict | None = None
    data: bytes | None = None
    reported: str = ""

    def bytes(self) -> bytes:
        return self.data if self.data is not None else json.dumps(self.book).encode()

    def hand_in(self, folder: Path, assignment: str = WANTED.name) -> None:
        """Put it where nbgrader puts submissions."""
        path = folder / self.student / assignment / f"{assignment}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.bytes())
