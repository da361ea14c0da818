"""The grader contains every attack of `attacks`, and grades honest students beside them. Needs bubblewrap and nbgrader.

One class with all of them is graded once; `-k NAME` grades only the attacks that it selects, with the honest students.
"""

import csv
import ctypes
import hashlib
import html
import json
import os
import platform
import re
import socket
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.classroom.factories import A01, FULL, RIGHT, WRONG, Sample, command
from tests.slow.attacks import ATTACKS, MARKER

pytestmark = pytest.mark.slow
SECRETS = ("checks.grade", "HIDDEN TESTS", "BEGIN SOLUTION", "Rubric", "<script")
HONEST = [
    Sample("honest-0", FULL, [], A01.filled("honest 0", RIGHT)),
    Sample("honest-1", FULL, [], A01.filled("honest 1", RIGHT)),
    Sample("honest-wrong", 0, [], A01.filled("honest wrong", WRONG)),
    Sample("zz-last", FULL, [], A01.filled("zz last", RIGHT)),
]
# Files that are not notebooks: how each is made, from the path and that of another student's notebook.
FILES = {
    "link": (lambda path, other: path.symlink_to(other), "not a link to it"),
    "pipe": (lambda path, other: os.mkfifo(path), "not a regular file"),
    "two-hundred-megabytes": (lambda path, other: path.open("wb").truncate(200_000_000), "has 200 MB"),
}
NO_NOTEBOOKS = [Sample(name, 0, [says]) for name, (_, says) in FILES.items()]


class Listener(threading.Thread):
    """Counts connections from a sandbox to this machine."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket, self.reached = socket.create_server(("127.0.0.1", 0)), 0
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self) -> None:
        while True:
            self.socket.accept()[0].close()
            self.reached += 1


@dataclass
class Graded:
    """The folder of results, and what else was seen. looks: by student, what the table tells the teacher to look at."""

    out: Path
    returncode: int
    unchanged: bool
    connections: int
    looks: dict[str, str]


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory) -> Graded:
    folder, listener = tmp_path_factory.mktemp("class"), Listener()
    submitted, out = folder / "submitted", folder / "graded"
    first = submitted / "honest-0" / A01.assignment.name / f"{A01.assignment.name}.ipynb"
    paths = [str(path) for path in (first, out / "gradebook.db", out / "grades.csv")]
    selected = {item.callspec.params["sample"].student for item in request.session.items if "sample[" in item.nodeid}
    for sample in [*HONEST, *ATTACKS]:
        if sample in HONEST or sample.student in selected:
            sample.submit(submitted)
    for path in submitted.glob("*/*/*.ipynb"):
        text = path.read_bytes().replace(b"THE_PORT", str(listener.port).encode())
        path.write_bytes(text.replace(b"THE_PATHS", repr(paths).encode()))
    for student, (make, _) in FILES.items():
        (submitted / student).mkdir()
        make(submitted / student / f"{A01.assignment.name}.ipynb", first)
    hold_a_key()
    before = state(submitted)
    done = subprocess.run(command(submitted, out, "--seconds", "3", "--total", "15"))
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        looks = {row["student"]: row["look at"] for row in csv.DictReader(file)}
    return Graded(out, done.returncode, state(submitted) == before, listener.reached, looks)


def state(folder: Path) -> dict[str, str]:
    """A digest of every file."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def hold_a_key() -> None:
    """Put a key into a session keyring of our own, which the grader inherits, as from a teacher who is logged in."""
    call = ctypes.CDLL(None).syscall
    if platform.machine() == "x86_64":  # the numbers are those of its keyctl and add_key
        call(250, 1, None)
        call(248, b"user", b"a-teachers-key", b"secret", 6, -3)


@pytest.mark.parametrize("sample", [*HONEST, *ATTACKS, *NO_NOTEBOOKS], ids=lambda sample: f"sample[{sample.student}]")
def test_submission_gets_the_points_it_earned_and_no_secret(graded, sample):
    (kept,) = (graded.out / "results" / sample.student).glob("*.json")
    outcome = json.loads(kept.read_text(encoding="utf-8"))["outcome"]
    points = sum(mark["points"] for mark in outcome["marks"].values())
    assert points == sample.points, (outcome["marks"], outcome["notes"])
    page = (graded.out / "feedback" / f"{sample.student}.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    for pattern in sample.says:
        assert re.search(pattern, text), (pattern, outcome["notes"])
    assert not [secret for secret in SECRETS if secret in page]
    assert sample.reported in graded.looks.get(sample.student, "")


def test_grader_ends_normally_and_changes_no_submission(graded):
    assert graded.returncode == 0 and graded.unchanged


def test_nothing_leaves_the_sandbox(graded):
    left = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            left += [path.parent.name] if MARKER.encode() in path.read_bytes() else []
        except OSError:
            continue
    assert not left and graded.connections == 0


def test_results_are_small_and_have_neither_markup_nor_formulas(graded):
    assert sum(path.stat().st_size for path in graded.out.rglob("*") if path.is_file()) < 20_000_000
    assert "<script" not in (graded.out / "report.html").read_text(encoding="utf-8")
    assert ",=" not in (graded.out / "grades.csv").read_text(encoding="utf-8")
