"""Grade a folder of submissions: every student on their own, in a sandbox; stop it and run it again as you like.

    python notebooks/assignments/grade.py a01 FOLDER_OF_SUBMISSIONS
    python notebooks/assignments/grade.py a01 FOLDER_OF_SUBMISSIONS --shard 1/4 --out SHARD1     on each of four machines
    python notebooks/assignments/grade.py a01 --merge SHARD1 SHARD2 SHARD3 SHARD4 --out GRADED   on one of them

grading.md, beside this file, says what is in the folder of results, and what the sandbox does not protect against.
"""

import argparse
import hashlib
import os
import secrets
import signal
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
COURSE = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"

from classroom.grading import attempt, box, collate, results, sandbox, stage  # noqa: E402
from classroom.grading.attempt import Course, NotStarted  # noqa: E402
from classroom.grading.results import Store, Submission  # noqa: E402
from classroom.grading.sandbox import Limits  # noqa: E402

ACCEPTED = "I accept that student code runs as me"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", help="a01, or a01_embedding")
    parser.add_argument("folder", nargs="?", type=Path, help="STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, or STUDENT.ipynb")
    parser.add_argument("--out", type=Path, help="the folder of results; default: graded/ASSIGNMENT beside the folder")
    parser.add_argument(
        "--gradebook", type=Path, help="nbgrader's database; default: gradebook.db in the folder of results"
    )
    parser.add_argument(
        "--seed", help="of the hidden cases; default: GRADING_SEED, the file `seed` here, or a new secret"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="submissions graded at a time")
    parser.add_argument(
        "--seconds", type=float, default=Limits.seconds, help="for a cell, or an exercise's hidden cases"
    )
    parser.add_argument("--total", type=float, default=Limits.total, help="seconds for a submission")
    parser.add_argument("--shard", default="1/1", help="2/4: only the second quarter of the students")
    parser.add_argument("--merge", nargs="+", type=Path, help="folders of results to put together; nothing is graded")
    parser.add_argument("--without-sandbox", metavar="WORDS", help=f"grade without one; the words are {ACCEPTED!r}")
    return parser.parse_args(words)


def source_of(name: str) -> Path:
    """The teacher's notebook."""
    found = [path for path in COURSE.glob("source/*/*.ipynb") if path.stem == path.parent.name]
    chosen = [path for path in found if name in (path.stem, path.stem.split("_")[0])]
    if len(chosen) != 1:
        sys.exit(f"There is no assignment {name!r}; there are {', '.join(sorted(path.stem for path in found))}.")
    return chosen[0]


def seed_of(given: str | None, out: Path) -> str:
    """The teacher's seed; where nobody set one, a secret that stays in the folder of results."""
    own, made = COURSE / "seed", out / "seed"
    found = given or os.environ.get("GRADING_SEED") or (own.read_text(encoding="utf-8").strip() if own.exists() else "")
    if not found:
        if not made.exists():
            results.write(made, secrets.token_hex(16) + "\n")
        found = made.read_text(encoding="utf-8").strip()
    return found


def sandboxed(words: str | None) -> bool:
    """Whether there is a sandbox; ends the program if there is none, and nobody said that it may go without."""
    if words is not None:
        if words != ACCEPTED:
            sys.exit(f"To grade without a sandbox, write --without-sandbox {ACCEPTED!r}.")
        print("WITHOUT A SANDBOX: every submission can read and change whatever you can.", flush=True)
        return False
    if problem := sandbox.missing():
        sys.exit(
            f"Nothing was graded, for there is no sandbox: {problem}.\n"
            f"To let students' code run with all your rights, add --without-sandbox {ACCEPTED!r}."
        )
    return True


def basis_of(source: Path, seed: str) -> str:
    """In short, what decides about points besides the submission: if it changes, everything is graded anew."""
    parts = [source.read_bytes(), *(path.read_bytes() for path in stage.judging(source.stem)), seed.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def in_shard(student: str, shard: str) -> bool:
    """Whether a student belongs to the shard 2/4, the second of four."""
    number, of = map(int, shard.split("/"))
    return int(hashlib.sha256(student.encode()).hexdigest(), 16) % of == number - 1


def lock(out: Path) -> object:
    """Nobody else grades into this folder as long as this program runs."""
    out.mkdir(parents=True, exist_ok=True)
    file = open(out / ".lock", "a")  # noqa: SIM115
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"Another grader is at work in {out}.")
    return file


class Progress:
    """A line for each submission: how many, how fast, how long yet."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.begin = total, 0, time.monotonic()

    def tell(self, student: str, said: str) -> None:
        self.done += 1
        passed = time.monotonic() - self.begin
        left = passed / self.done * (self.total - self.done)
        pace = (
            f"{60 * self.done / passed:.0f} a minute, {left / 60:.0f} min left" if left > 90 else f"{left:.0f} s left"
        )
        print(f"[{self.done:>4} of {self.total}] {student}: {said}; {pace}", flush=True)


def one(course: Course, handed_in: Submission) -> attempt.Outcome:
    """Grade one submission."""
    if handed_in.problem:
        return attempt.nothing(course, "not a notebook", f"Nothing was graded: {handed_in.problem}.")
    return attempt.grade(course, handed_in.data)


def grade_all(course: Course, waiting: dict[str, Path | None], store: Store, basis: str, jobs: int) -> list[str]:
    """Grade what waits, and keep each result at once; the students for whom it did not work."""
    failed, progress = [], Progress(len(waiting))
    with ThreadPoolExecutor(jobs) as pool:
        # Only as many at a time as are graded: a notebook is not held in memory before its turn.
        turns, running = iter(waiting.items()), {}
        try:
            while True:
                while len(running) < jobs and (turn := next(turns, None)):
                    handed_in = results.submission(*turn)
                    running[pool.submit(one, course, handed_in)] = handed_in
                if not running:
                    return failed
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    handed_in = running.pop(future)
                    try:
                        outcome = future.result()
                        store.add(handed_in, basis, outcome)
                        of = sum(course.wanted.tests.values())
                        progress.tell(handed_in.student, f"{outcome.points:g} of {of:g}, {outcome.seconds:g} s")
                    except (NotStarted, OSError) as problem:
                        failed.append(handed_in.student)
                        progress.tell(handed_in.student, f"NOT GRADED, {problem}")
        except BaseException:
            box.stop_all()
            raise


def main(words: list[str] | None = None) -> int:
    """0 if everything was graded, 1 if something has to be run again."""
    begin, options = time.monotonic(), arguments(words)
    source = source_of(options.assignment)
    if options.folder is None and not options.merge:
        sys.exit("Which folder of submissions? Or --merge, with folders of results.")
    if options.folder is None and options.out is None:
        sys.exit("Where to put the merged results? Add --out FOLDER.")
    out = options.out or options.folder.resolve().parent / "graded" / source.stem
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    locked = lock(out)
    store, failed = Store(out), []
    wanted, release = collate.assignment(source)
    try:
        if options.merge:
            taken = [store.take(Store(folder)) for folder in options.merge]
            collate.take_marks(out, options.merge)
            print(f"{sum(taken)} students from {len(taken)} folders.")
        else:
            seed = seed_of(options.seed, out)
            boxed, basis = sandboxed(options.without_sandbox), basis_of(source, seed)
            everyone = results.submissions(options.folder, source.stem)
            for entry in sorted(options.folder.iterdir()):
                if why := results.unfit(entry.name):
                    failed.append(repr(entry.name))
                    print(f"{entry.name!r} is passed over, for {why}. Rename it.")
            mine = {student: path for student, path in everyone.items() if in_shard(student, options.shard)}
            waiting = {s: p for s, p in mine.items() if not store.done(results.submission(s, p), basis)}
            print(f"{len(mine)} students; {len(mine) - len(waiting)} are graded, {len(waiting)} wait.", flush=True)
            with tempfile.TemporaryDirectory(prefix="grading-") as folder:
                stage.build(Path(folder), source.stem, [cell.source for cell in wanted.cells if cell.kind == "code"])
                course = Course(wanted, release, Path(folder), seed, Limits(options.seconds, options.total), boxed)
                failed += grade_all(course, waiting, store, basis, options.jobs)
        said = collate.everything(out, wanted, release, store, options.gradebook or out / "gradebook.db")
    except KeyboardInterrupt:
        print("\nStopped. What was graded is kept: run the same command again to go on.", file=sys.stderr)
        return 130
    finally:
        locked.close()
    print(said, collate.spent(time.monotonic() - begin, 0 if options.merge else len(waiting)), sep="\n")
    if failed:
        print(f"NOT GRADED, run the same command again: {', '.join(failed)}")
    return min(len(failed), 1)


if __name__ == "__main__":
    sys.exit(main())
