"""Grade a folder of submissions, each in its own sandbox. Interrupt and run it again as often as needed.

    python -m classroom.grading a01 FOLDER_OF_SUBMISSIONS
    python -m classroom.grading a01 FOLDER_OF_SUBMISSIONS --shard 1/4 --out SHARD1     on each of four machines
    python -m classroom.grading a01 --merge SHARD1 SHARD2 SHARD3 SHARD4 --out GRADED   on one of them

notebooks/assignments/grading.md describes the folder of results, and what the sandbox does not protect against.
"""

import argparse
import hashlib
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import filelock
import torch
from tqdm import tqdm

from classroom.grading import attempt, marks, notebook, outputs, process, records, sandbox, stage, submissions
from classroom.grading.attempt import NotStarted, RunConfig
from classroom.grading.notebook import Assignment
from classroom.grading.records import Refused, Store
from classroom.grading.sandbox import Limits
from classroom.grading.submissions import Submission

COURSE = stage.ROOT / "notebooks" / "assignments"
ACCEPTED = "I accept that student code runs as me"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m classroom.grading", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("assignment", help="a01, or a01_embedding")
    add("folder", nargs="?", type=Path, help="STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, or STUDENT.ipynb")
    add("--out", type=Path, help="folder of results; default: graded/ASSIGNMENT beside the folder")
    add("--gradebook", type=Path, help="nbgrader's database; default: gradebook.db in the folder of results")
    add(
        "--seed",
        help="of the hidden cases; default: GRADING_SEED, the file notebooks/assignments/seed, or a new secret",
    )
    add("--jobs", type=int, default=os.cpu_count() or 1, help="submissions graded at the same time")
    add("--seconds", type=float, default=Limits.seconds, help="CPU time per cell, and per exercise's hidden cases")
    add("--total", type=float, default=Limits.total, help="CPU time per submission")
    add("--shard", default="1/1", help="2/4: only the second quarter of the students")
    add("--merge", nargs="+", type=Path, help="folders of results to merge; nothing is graded")
    add("--without-sandbox", metavar="WORDS", help=f"grade without a sandbox; the words are {ACCEPTED!r}")
    return parser.parse_args(words)


def source_of(name: str) -> Path:
    """The teacher's notebook."""
    sources = [path for path in COURSE.glob("source/*/*.ipynb") if path.stem == path.parent.name]
    chosen = [path for path in sources if name in (path.stem, path.stem.split("_")[0])]
    if len(chosen) != 1:
        sys.exit(f"There is no assignment {name!r}; choose from {', '.join(sorted(path.stem for path in sources))}.")
    return chosen[0]


def seed_of(given: str | None, out: Path) -> str:
    """The teacher's seed, or else a new secret, kept in the folder of results."""
    own, made = COURSE / "seed", out / "seed"
    seed = given or os.environ.get("GRADING_SEED") or (own.read_text(encoding="utf-8").strip() if own.exists() else "")
    if not seed and not made.exists():
        records.write(made, secrets.token_hex(16) + "\n")
    return seed or made.read_text(encoding="utf-8").strip()


def sandboxed(words: str | None) -> bool:
    """Whether to use the sandbox; ends the program if there is none and nobody accepted to go without."""
    if words is not None:
        if words != ACCEPTED:
            sys.exit(f"To grade without a sandbox, write --without-sandbox {ACCEPTED!r}.")
        print("WITHOUT A SANDBOX: every submission can read and change all that you can.", flush=True)
        return False
    if problem := sandbox.missing():
        sys.exit(
            f"Nothing was graded, because there is no sandbox: {problem}.\n"
            f"To let students' code run with all your rights, add --without-sandbox {ACCEPTED!r}."
        )
    return True


def in_shard(student: str, shard: str) -> bool:
    """Whether a student belongs to the shard 2/4, the second of four."""
    number, of = map(int, shard.split("/"))
    return int(hashlib.sha256(student.encode()).hexdigest(), 16) % of == number - 1


def waiting(students: dict[str, Path | None], store: Store, fingerprint: str, bar: tqdm) -> Iterator[Submission]:
    """The submissions to grade, each read when its turn comes; those that are graded already only move the bar."""
    for student, path in students.items():
        submission = submissions.read(student, path)
        if store.done(submission, fingerprint):
            bar.update()
        else:
            yield submission


def grade_all(config: RunConfig, turns: Iterator[Submission], jobs: int, done: Callable) -> None:
    """Grade submissions, a few at a time, and call `done(submission, future)` for each when it is finished."""
    running = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                # No submission is held in memory before its turn.
                while len(running) < jobs and (submission := next(turns, None)):
                    running[pool.submit(attempt.grade, config, submission)] = submission
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done(running.pop(future), future)
        except BaseException:
            process.stop_all()
            raise


def grade_folder(options: argparse.Namespace, source: Path, assignment: Assignment, store: Store) -> tuple[int, list]:
    """Grade what is not graded yet; returns how many were graded, and the names of those that were not."""
    seed, boxed = seed_of(options.seed, options.out), sandboxed(options.without_sandbox)
    cells = [cell.source for cell in assignment.cells if cell.kind == "code"]
    fingerprint = stage.fingerprint(source, cells, seed)
    everyone = submissions.collect(options.folder, source.stem)
    mine = {student: path for student, path in everyone.items() if in_shard(student, options.shard)}
    graded, failed, full = [], skipped(options.folder), sum(assignment.tests.values())
    with tempfile.TemporaryDirectory(prefix="grading-") as folder, tqdm(total=len(mine), disable=None) as bar:

        def done(submission: Submission, future: Future) -> None:
            try:
                outcome = future.result()
                store.add(submission, fingerprint, outcome)
            except (NotStarted, OSError) as problem:
                failed.append(submission.student)
                line = f"NOT GRADED, {problem}"
            else:
                graded.append(submission.student)
                line = f"{outcome.points:g} of {full:g}, {outcome.seconds:g} s"
            with bar.external_write_mode():
                print(f"{submission.student}: {line}", flush=True)
            bar.update()

        stage.build(Path(folder), cells)
        config = RunConfig(assignment, Path(folder), seed, Limits(options.seconds, options.total), boxed)
        grade_all(config, waiting(mine, store, fingerprint, bar), options.jobs, done)
    print(f"{len(graded)} of {len(mine)} students were graded now.")
    return len(graded), failed


def skipped(folder: Path) -> list[str]:
    """The names that no student can have; each is reported."""
    names = {entry.name: submissions.unsafe(entry.name) for entry in sorted(folder.iterdir())}
    for name, reason in names.items():
        if reason:
            print(f"{name!r} is skipped, because {reason}. Rename it.")
    return [repr(name) for name, reason in names.items() if reason]


def merge(options: argparse.Namespace, assignment: Assignment, store: Store) -> None:
    """Merge the results and the marks of several folders.

    Raises:
        Refused: a folder has no results, or two of them have different ones.
    """
    if missing := [str(folder) for folder in options.merge if not (folder / "results").is_dir()]:
        raise Refused(f"{', '.join(missing)} has no results: name the folders that were given with --out")
    stores = [Store(folder) for folder in options.merge]
    everything = [attempt for each in [store, *stores] for name in each.students() for attempt in each.attempts(name)]
    known = marks.answers(everything, assignment.manual)
    written, filled = marks.merge(options.out / "marks.csv", options.merge, known)
    merged = [store.merge(other) for other in stores]
    marks.add_rows(options.out / "marks.csv", written, {where: known[where] for where in filled}, filled)
    print(f"{sum(merged)} students from {len(merged)} folders.")
    print("\n".join(f"NOT USED, {problem}." for problem in written.refused if ", row" in problem))


def run(options: argparse.Namespace, source: Path) -> int:
    """Grade or merge, and write everything that is made from the records."""
    begin, assignment = time.monotonic(), notebook.assignment(source)
    marks.read(options.out / "marks.csv", {})  # before any work, in case it can't be read
    store, graded, failed = Store(options.out), 0, []
    if options.merge:
        merge(options, assignment, store)
    else:
        graded, failed = grade_folder(options, source, assignment, store)
    database = options.gradebook or options.out / "gradebook.db"
    summary, unused = outputs.write_all(options.out, assignment, store, database)
    print(summary)
    print(outputs.usage(time.monotonic() - begin, graded))
    if unused:
        print(unused)
    if failed:
        print(f"NOT GRADED, run the same command again: {', '.join(failed)}")
    return min(len(failed) + ("NOT USED" in unused), 1)


def main(words: list[str] | None = None) -> int:
    """0 if everything was graded, 1 if something has to be run again."""
    options = arguments(words)
    source = source_of(options.assignment)
    if options.folder is None and not options.merge:
        sys.exit("Name a folder of submissions, or --merge with folders of results.")
    if options.folder is None and options.out is None:
        sys.exit("Name the folder for the merged results: --out FOLDER.")
    options.out = options.out or options.folder.resolve().parent / "graded" / source.stem
    options.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    torch.set_num_threads(1)
    try:
        with filelock.FileLock(options.out / ".lock", timeout=0):
            return run(options, source)
    except filelock.Timeout:
        sys.exit(f"Another grader is at work in {options.out}.")
    except (Refused, OSError) as problem:
        sys.exit(f"{problem}.")
    except KeyboardInterrupt:
        print("\nInterrupted. Results so far are kept: run the same command again to continue.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
