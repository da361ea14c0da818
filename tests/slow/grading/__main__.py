"""Show that the grader holds: submissions that attack it, and a class that is stopped in the middle.

    python tests/grading                      every attack of hostile.py, in one class with honest students
    python tests/grading NAME ...             those attacks only
    python tests/grading --rounds [a02 ...]   each assignment graded, read by a teacher, handed in again
    python tests/grading --class 100          a generated class, killed in the middle and started again; shards and their merge
    python tests/grading --without-sandbox    with --class: how fast it is without (only right and wrong answers, no attacks)

Needs bubblewrap (apt install bubblewrap) and nbgrader (pip install -e '.[teach]').
"""

import csv
import ctypes
import hashlib
import html
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.slow.grading import classes, rounds
from tests.slow.grading.hostile import HOSTILE, MARKER
from tests.slow.grading.made import COURSE, FULL, RIGHT, WANTED, WRONG, Made, filled

SECRETS = ("checks.grade", "HIDDEN TESTS", "BEGIN SOLUTION", "Rubric", "<script")


def command(folder: Path, out: Path, *options: str, assignment: str = "a01") -> list[str]:
    words = [str(COURSE / "grade.py"), assignment, str(folder), "--out", str(out), "--seed", "a test"]
    return [sys.executable, *words, *options]


def graded(out: Path, student: str) -> dict:
    """The outcome of a student's only attempt."""
    (kept,) = (out / "results" / student).glob("*.json")
    return json.loads(kept.read_text(encoding="utf-8"))["outcome"]


def state(folder: Path) -> dict[str, str]:
    """A digest of every file."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def left_behind() -> list[str]:
    """The processes that an attack left."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        found += [path.parent.name] if MARKER.encode() in words and str(os.getpid()) != path.parent.name else []
    return found


class Listener(threading.Thread):
    """Counts who connects from a sandbox to this machine."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket, self.reached = socket.create_server(("127.0.0.1", 0)), 0
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            self.socket.accept()[0].close()
            self.reached += 1


def hold_a_key() -> None:
    """Put a key into a session keyring of our own, which the grader inherits, as it would a logged-in teacher's."""
    call = ctypes.CDLL(None).syscall
    call(250, 1, None)  # the numbers are those of x86_64: keyctl, and add_key
    call(248, b"user", b"a-teachers-key", b"secret", 6, -3)


def complaint(made: Made, out: Path, looks: dict[str, str]) -> str:
    """What is wrong with how a submission was graded; "" if nothing is."""
    try:
        outcome = graded(out, made.student)
        page = (out / "feedback" / f"{made.student}.html").read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        return f"not graded ({problem})"
    points = sum(mark["points"] for mark in outcome["marks"].values())
    if points != made.points:
        found = {name: mark["mistake"] or "right" for name, mark in outcome["marks"].items()}
        return f"{points:g} points; {made.points:g} were earned: {found} {outcome['notes']}"
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    if unsaid := [words for words in made.says if not re.search(words.replace("[]", r"\[\]"), text)]:
        return f"the feedback does not say {unsaid}: {outcome['notes']}"
    if told := [secret for secret in SECRETS if secret in page]:
        return f"the feedback contains {told}"
    if made.reported and made.reported not in looks.get(made.student, ""):
        return f"not reported as {made.reported!r}: {looks.get(made.student)!r}"
    return ""


def attacks(chosen: list[Made], folder: Path) -> int:
    """Grade all attacks in a class with honest students; the number of complaints."""
    submitted, out, listener = folder / "submitted", folder / "graded", Listener()
    listener.start()
    honest = [Made(f"honest-{n}", FULL, [], filled(f"honest {n}", RIGHT)) for n in range(2)]
    honest += [
        Made("honest-wrong", 0, [], filled("honest wrong", WRONG)),
        Made("zz-last", FULL, [], filled("zz last", RIGHT)),
    ]
    teachers = [
        str(submitted / "honest-0" / WANTED.name / f"{WANTED.name}.ipynb"),
        str(out / "gradebook.db"),
        str(out / "grades.csv"),
    ]
    for made in [*honest, *chosen]:
        for cell in (made.book or {}).get("cells", []):
            if isinstance(cell, dict) and isinstance(cell.get("source"), str):
                cell["source"] = (
                    cell["source"].replace("THE_PORT", str(listener.port)).replace("THE_PATHS", repr(teachers))
                )
        made.hand_in(submitted)
    links = [Made("hands-in-a-link", 0, ["no link to it"]), Made("hands-in-a-pipe", 0, ["not a plain file"])]
    for made, make in zip(links, (lambda path: path.symlink_to(teachers[0]), os.mkfifo), strict=True):
        path = submitted / made.student / f"{WANTED.name}.ipynb"
        path.parent.mkdir()
        make(path)
    hold_a_key()
    before, begin = state(submitted), time.perf_counter()
    done = subprocess.run(command(submitted, out, "--seconds", "15", "--total", "90"), timeout=3000)
    seconds = time.perf_counter() - begin
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        looks = {row["student"]: row["look at"] for row in csv.DictReader(file)}
    everyone = [*honest, *chosen, *links]
    found = {made.student: complaint(made, out, looks) for made in everyone}
    for student, problem in found.items():
        print(
            f"{student:<32} {'NOT CONTAINED: ' + problem if problem else 'contained'}"
            if not student.startswith(("honest", "zz"))
            else f"{student:<32} {problem or 'graded as deserved'}"
        )
    outside = {
        "the grader ended with an error": done.returncode != 0,
        "submissions were changed": state(submitted) != before,
        f"processes were left behind: {left_behind()}": bool(left_behind()),
        f"{listener.reached} connections came out of the sandbox": listener.reached > 0,
        "results larger than 20 MB": sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) > 20_000_000,
        "markup in the report": "<script" in (out / "report.html").read_text(encoding="utf-8"),
        "a formula in the grades": ",=" in (out / "grades.csv").read_text(encoding="utf-8"),
    }
    complaints = [text for text, wrong in outside.items() if wrong]
    print(*complaints, sep="\n")
    contained = sum(not found[made.student] for made in [*chosen, *links])
    number = len(complaints) + sum(bool(problem) for problem in found.values())
    print(f"{contained} of {len(chosen) + len(links)} attacks contained, {number} complaints, {seconds:.0f} s")
    return number


def main() -> int:
    """1 if there is a complaint."""
    words = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="class-") as folder:
        if "--class" in words:
            number = int(words[words.index("--class") + 1])
            return min(classes.tried(number, Path(folder), command, "--without-sandbox" in words), 1)
        if "--rounds" in words:
            return min(rounds.tried(Path(folder), command, [word for word in words if not word.startswith("-")]), 1)
        chosen = [made for made in HOSTILE if not words or made.student in words]
        return min(attacks(chosen, Path(folder)), 1)


if __name__ == "__main__":
    sys.exit(main())
