"""Each assignment is graded; one goes through a whole round: read by a teacher, submitted again, returned.

ROUNDS=all takes every assignment through the whole round. Needs bubblewrap and nbgrader.
"""

import csv
import json
import os
from pathlib import Path

import pytest

from tests.classroom.factories import SOURCES, Assigned, Sample, grade, gradebook_scores

pytestmark = pytest.mark.slow
WHOLE = SOURCES if os.environ.get("ROUNDS") == "all" else SOURCES[:1]


class Round:
    """Two students, one with right and one with wrong answers; in a whole round also one with right answers that are
    written differently, and one with the bare release.
    """

    def __init__(self, source: Path, folder: Path, whole: bool) -> None:
        self.assigned, self.submitted, self.out = Assigned(source), folder / "submitted", folder / "graded"
        self.assignment, answers = self.assigned.assignment, self.assigned.answers
        self.full, self.of = sum(self.assignment.tests.values()), sum(self.assignment.manual.values())
        right = {name: self.assigned.by_mistake(name, "") for name in self.assignment.tests}
        self.right = [{name: cells[place] for name, cells in right.items()} for place in (0, -1)]
        self.wrong = {answer.exercise: answer for answer in answers if answer.mistake}
        self.submit("right0", self.right[0])
        self.submit("wrong", {name: answer.cell() for name, answer in self.wrong.items()})
        if whole:
            self.submit("right1", self.right[1])
            Sample("nobody", 0, book=self.assigned.release).submit(self.submitted, self.assignment.name)

    def submit(self, student: str, answers: dict[str, str]) -> None:
        book = self.assigned.filled(student, answers)
        Sample(student, 0, book=book).submit(self.submitted, self.assignment.name)

    def grade(self, **expected: float) -> None:
        """Run the grader; the points in the table and in the gradebook must both be these."""
        assert grade(self.submitted, self.out, assignment=self.assigned.short) == 0
        with open(self.out / "grades.csv", encoding="utf-8", newline="") as file:
            assert {row["student"]: float(row["points"]) for row in csv.DictReader(file)} == expected
        assert gradebook_scores(self.out / "gradebook.db", self.assignment.name) == expected

    def read(self, points: dict[str, float]) -> None:
        """As a teacher does: fill in marks.csv."""
        path = self.out / "marks.csv"
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if row["student"] in points:
                row |= {"points": str(min(points[row["student"]], float(row["of"]))), "comment": "read"}
        with open(path, "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows(rows)

    def mistakes(self, student: str) -> dict[str, str]:
        kept = json.loads((self.out / "results" / student / "1.json").read_text(encoding="utf-8"))
        return {name: mark["mistake"] for name, mark in kept["outcome"]["marks"].items()}

    def times(self) -> list[int]:
        return [path.stat().st_mtime_ns for path in sorted(self.out.rglob("*")) if path.is_file()]

    def names_mistakes(self) -> None:
        """Whether each mistake has its name, and what was not done is called so."""
        not_done = dict.fromkeys(self.assignment.tests, "not done")
        wrong = {name: answer.mistake for name, answer in self.wrong.items()}
        assert self.mistakes("wrong") == not_done | wrong


@pytest.mark.parametrize("source", [path for path in SOURCES if path not in WHOLE], ids=lambda path: path.stem)
def test_answers_get_their_points_and_mistakes_their_names(source, tmp_path):
    a_round = Round(source, tmp_path, whole=False)
    a_round.grade(right0=a_round.full, wrong=0)
    a_round.names_mistakes()


@pytest.mark.parametrize("source", WHOLE, ids=lambda path: path.stem)
def test_whole_round(source, tmp_path):
    a_round = Round(source, tmp_path, whole=True)
    full, of = a_round.full, a_round.of
    a_round.grade(right0=full, right1=full, wrong=0, nobody=0)
    a_round.names_mistakes()
    assert {*a_round.mistakes("nobody").values()} == {"not done"}
    a_round.read({"right0": of, "wrong": of / 2})
    a_round.grade(right0=full + of, right1=full, wrong=of / 2, nobody=0)
    first = (a_round.out / "results" / "wrong" / "1.json").read_bytes()
    a_round.submit("wrong", a_round.right[0])
    last = {"right0": full + of, "right1": full, "wrong": full + of / 2, "nobody": 0}
    a_round.grade(**last)
    assert (a_round.out / "results" / "wrong" / "1.json").read_bytes() == first
    backups = sorted((a_round.out / "gradebook-backups").glob("*.db"))
    assert [gradebook_scores(path, a_round.assignment.name)["wrong"] for path in backups] == [0, of / 2]
    before = a_round.times()
    a_round.grade(**last)
    assert a_round.times() == before
