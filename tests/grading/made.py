"""Submissions of assignment 01 made from its source: the release, and answers put into it."""

import copy
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "notebooks" / "assignments"
SOURCE = COURSE / "source" / "a01_embedding" / "a01_embedding.ipynb"
sys.path[:0] = [str(ROOT), str(COURSE), str(ROOT / "tests" / "assignments")]

from answers01 import ANSWERS  # noqa: E402
from grading import collate  # noqa: E402
from grading import notebook as reader  # noqa: E402

WANTED, GIVEN = collate.assignment(SOURCE)
POINTS = WANTED.tests
FULL = sum(POINTS.values())
EXPLANATION = "An id is a label, and a label is no quantity: b is not twice a. The table lets each letter learn."


def release() -> dict:
    """What students are given."""
    book = json.loads(SOURCE.read_text(encoding="utf-8"))
    for raw, cell in zip(book["cells"], reader.cells(SOURCE.read_bytes())[0], strict=True):
        source = GIVEN.get(cell.name, cell.source).split("### BEGIN HIDDEN TESTS")[0].rstrip()
        raw["source"] = source
        if raw["cell_type"] == "code":
            raw |= {"outputs": [], "execution_count": None}
    return book


RELEASE = release()


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


def by_mistake(exercise: str, mistake: str) -> list[str]:
    """The cells of the catalogue with that mistake; "" for right ones."""
    return [answer.cell() for answer in ANSWERS if answer.exercise == exercise and answer.mistake == mistake]


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

    def hand_in(self, folder: Path) -> None:
        """Put it where nbgrader puts submissions."""
        path = folder / self.student / WANTED.name / f"{WANTED.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.bytes())


def filled(student: str, answers: dict[str, str], explain: str = EXPLANATION) -> dict:
    """The release with a name and answers in it."""
    book = copy.deepcopy(RELEASE)
    find(book, "student-answer")["source"] = f"student = {student!r}"
    for exercise, source in answers.items():
        find(book, f"{exercise}-answer")["source"] = source
    find(book, "explain")["source"] = explain
    return book
