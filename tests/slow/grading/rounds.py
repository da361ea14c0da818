"""A whole round of each assignment: graded, read by a teacher, handed in again, returned; and what the gradebook then says."""

import csv
import hashlib
import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.slow.grading.made import COURSE, Assigned, Made

Command = Callable[..., list[str]]
SOURCES = sorted(COURSE.glob("source/*/*.ipynb"))


def tried(folder: Path, command: Command, chosen: list[str]) -> int:
    """Go through the round of each assignment; the number of complaints."""
    complaints, sources = [], [path for path in SOURCES if not chosen or path.stem.split("_")[0] in chosen]
    begin = lambda source: Round(Assigned(source), folder / source.stem, command).all()
    with ThreadPoolExecutor(2) as pool:  # much of a round is start-up
        for source, found in zip(sources, pool.map(begin, sources), strict=True):
            print(f"{source.stem}: {len(found)} complaints", flush=True)
            complaints += [f"{source.stem}: {text}" for text in found]
    print(*complaints, sep="\n")
    print(f"rounds: {len(complaints)} complaints")
    return len(complaints)


class Round:
    """Four students: two with right answers in other styles, one with wrong ones, one who hands in what was given out."""

    def __init__(self, assigned: Assigned, folder: Path, command: Command) -> None:
        self.assigned, self.submitted, self.out = assigned, folder / "submitted", folder / "graded"
        self.words = command(self.submitted, self.out, assignment=assigned.short)
        self.complaints: list[str] = []
        by_exercise = {
            name: [answer for answer in assigned.answers if answer.exercise == name] for name in assigned.wanted.tests
        }
        self.right = [
            {name: [a for a in some if not a.mistake][place].cell() for name, some in by_exercise.items()}
            for place in (0, -1)
        ]
        self.wrong = {name: [a for a in some if a.mistake][-1] for name, some in by_exercise.items()}

    def all(self) -> list[str]:
        full = sum(self.assigned.wanted.tests.values())
        of = sum(self.assigned.wanted.manual.values())
        for number, answers in enumerate(self.right):
            self.hand_in(f"right{number}", answers)
        self.hand_in("wrong", {name: answer.cell() for name, answer in self.wrong.items()})
        Made("nobody", 0, book=self.assigned.release).hand_in(self.submitted, self.assigned.wanted.name)
        self.grade({"right0": full, "right1": full, "wrong": 0, "nobody": 0})
        found = self.marks("wrong", 1)
        for name, answer in self.wrong.items():
            self.want(f"{name}'s mistake", found[name]["mistake"], answer.mistake)
        for name, mark in self.marks("nobody", 1).items():
            self.want(f"{name} as given out", mark["mistake"], "not done")

        self.read({"right0": of, "wrong": of / 2})
        self.grade({"right0": full + of, "right1": full, "wrong": of / 2, "nobody": 0})
        first = self.digest("wrong", 1)
        self.hand_in("wrong", self.right[0])
        self.grade({"right0": full + of, "right1": full, "wrong": full + of / 2, "nobody": 0})
        self.want("the earlier attempt", self.digest("wrong", 1), first)
        backups = sorted((self.out / "gradebook-backups").glob("*.db"))
        self.want(
            "scores in the backups", [scores(path, self.assigned.wanted.name)["wrong"] for path in backups], [0, of / 2]
        )
        before = [path.stat().st_mtime_ns for path in sorted(self.out.rglob("*")) if path.is_file()]
        self.grade({"right0": full + of, "right1": full, "wrong": full + of / 2, "nobody": 0})
        after = [path.stat().st_mtime_ns for path in sorted(self.out.rglob("*")) if path.is_file()]
        self.want("a run without anything new left all files alone", after == before, True)
        return self.complaints

    def want(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.complaints.append(f"{what}: {wanted!r} is wanted, {found!r} was found")

    def hand_in(self, student: str, answers: dict[str, str]) -> None:
        Made(student, 0, book=self.assigned.filled(student, answers)).hand_in(self.submitted, self.assigned.wanted.name)

    def grade(self, wanted: dict[str, float]) -> None:
        """Run the command; the points in the table and those in the gradebook must both be these."""
        done = subprocess.run(self.words, capture_output=True, text=True)
        self.want(f"the command's end ({(done.stdout + done.stderr)[-500:]})", done.returncode, 0)
        with open(self.out / "grades.csv", encoding="utf-8", newline="") as file:
            self.want(
                "points in grades.csv", {row["student"]: float(row["points"]) for row in csv.DictReader(file)}, wanted
            )
        self.want("points in the gradebook", scores(self.out / "gradebook.db", self.assigned.wanted.name), wanted)

    def read(self, points: dict[str, float]) -> None:
        """What a teacher does: fill in marks.csv, all points to the first exercise that has room for them."""
        path = self.out / "marks.csv"
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if row["student"] in points:
                row["points"] = str(min(points[row["student"]], float(row["of"])))
                row["comment"] = "read"
        with open(path, "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows(rows)

    def marks(self, student: str, number: int) -> dict[str, dict]:
        kept = json.loads((self.out / "results" / student / f"{number}.json").read_text(encoding="utf-8"))
        return kept["outcome"]["marks"]

    def digest(self, student: str, number: int) -> str:
        return hashlib.sha256((self.out / "results" / student / f"{number}.json").read_bytes()).hexdigest()


def scores(database: Path, assignment: str) -> dict[str, float]:
    """What nbgrader says that each student has."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{database}") as book:
        return {submission.student_id: submission.score for submission in book.assignment_submissions(assignment)}
