"""Grade a folder of submissions, each in its own sandbox. Interrupt and run it again as often as needed.

    python -m classroom.grading a01 FOLDER_OF_SUBMISSIONS
    python -m classroom.grading a01 FOLDER_OF_SUBMISSIONS --shard 1/4 --out SHARD1     on each of four machines
    python -m classroom.grading a01 FOLDER_OF_SUBMISSIONS --scheduler tcp://10.0.0.1:8786   on a Dask cluster's workers
    python -m classroom.grading a01 --merge SHARD1 SHARD2 SHARD3 SHARD4 --out GRADED   on one of them

notebooks/assignments/grading.md describes the folder of results, and what the sandbox does not protect against.
"""

import argparse
import hashlib
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

import filelock
import torch
from tqdm import tqdm

from classroom.checks import find
from classroom.grading import (
    attempt,
    marks,
    notebook,
    outputs,
    process,
    questions,
    records,
    remote,
    sandbox,
    stage,
    submissions,
    wire,
)
from classroom.grading.attempt import NotStarted, RunConfig
from classroom.grading.deadlines import HandedIn
from classroom.grading.notebook import Assignment
from classroom.grading.records import Refused, Store
from classroom.grading.sandbox import Limits
from classroom.grading.submissions import Submission
from lib import cluster

COURSE = stage.ROOT / "notebooks" / "assignments"
ACCEPTED = "I accept that student code runs as me"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m classroom.grading", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("assignment", help="a01, or a01_embedding")
    add("folder", nargs="?", type=Path, help="a folder or zip with one folder, notebook or zip per student")
    add("--out", type=Path, help="folder of results; default: graded/ASSIGNMENT beside the folder")
    add("--gradebook", type=Path, help="nbgrader's database; default: gradebook.db in the folder of results")
    add(
        "--seed",
        help="of the hidden cases; default: GRADING_SEED, the file notebooks/assignments/seed, or a new secret",
    )
    add(
        "--jobs", type=positive, help="submissions graded at the same time; default: one per core, with a scheduler 100"
    )
    add(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask scheduler whose workers grade, each with this version of the course",
    )
    add("--seconds", type=positive, default=Limits.seconds, help="CPU time per cell, and per exercise's hidden cases")
    add("--total", type=positive, default=Limits.total, help="CPU time per submission")
    add("--questions", action="store_true", help="make three questions for each student about their own code")
    add("--deadlines", type=Path, help="default: deadlines.csv in the folder of results, or in the folder around it")
    add("--shard", type=shard_of, default=(1, 1), help="2/4: only the second quarter of the students")
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


def names_of_assignments() -> dict[str, str]:
    """The name of each assignment, by itself and by its short form."""
    names = [path.stem for path in COURSE.glob("source/*/*.ipynb") if path.stem == path.parent.name]
    return {short: name for name in names for short in (name, name.split("_")[0])}


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


def positive(text: str) -> float:
    """A number above 0."""
    if not float(text) > 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return float(text)


def shard_of(text: str) -> tuple[int, int]:
    """(2, 4) for the shard 2/4, the second of four."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"expected 1/4, 2/4, 3/4 or 4/4, or with another number than 4, got {text}")
    return int(match[1]), int(match[2])


def in_shard(student: str, shard: tuple[int, int]) -> bool:
    """Whether a student belongs to a shard."""
    number, of = shard
    return int(hashlib.sha256(student.encode()).hexdigest(), 16) % of == number - 1


def reading(students: dict, assignment: Assignment) -> Iterator[Submission]:
    """The submissions, each read when its turn comes."""
    short = assignment.name.split("_")[0]
    names = [find(short, exercise).answer for exercise in assignment.tests]
    for student, files in students.items():
        rank = lambda data: notebook.work_in(assignment, names, data)
        yield submissions.read(student, files, assignment.name, rank)


def waiting(
    students: dict, assignment: Assignment, store: Store, fingerprint: str, bar: tqdm, handed_in: HandedIn
) -> Iterator[Submission]:
    """The submissions to grade; those that are graded already only move the bar."""
    for submission in reading(students, assignment):
        handed_in.add(submission)
        if store.done(submission, fingerprint):
            bar.update()
        else:
            yield submission


def grade_all(pool: Executor, grade: Callable, turns: Iterator[Submission], jobs: int, done: Callable) -> None:
    """Grade submissions, a few at a time, and call `done(submission, future)` for each when it is finished."""
    running = {}
    try:
        while True:
            # No submission is held in memory before its turn.
            while len(running) < jobs and (submission := next(turns, None)):
                running[pool.submit(grade, submission)] = submission
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done(running.pop(future), future)
    except BaseException:
        for future in running:
            future.cancel()
        process.stop_all()
        raise


def ask_all(config: RunConfig, students: dict, out: Path, fingerprint: str, jobs: int) -> list[str]:
    """Write every student's questions; returns the students who have none, because no process could be started."""
    failed, found, begin = [], [], time.monotonic()

    def done(submission: Submission, future: Future) -> None:
        try:
            found.append(len(future.result()["questions"]))
        except (NotStarted, OSError):
            failed.append(submission.student)

    def write(submission: Submission) -> dict:
        return questions.write(config, submission, out, fingerprint)

    with ThreadPoolExecutor(jobs) as pool:
        grade_all(pool, write, reading(students, config.assignment), jobs, done)
    full, none = sum(number == questions.NUMBER for number in found), found.count(0)
    print(
        f"{full} of {len(found)} students have {questions.NUMBER} questions, {none} have none, in {out / 'questions'}",
        end="",
    )
    print(f" ({time.monotonic() - begin:.0f} s). Give students only questions/students.")
    return failed


def grade_folder(options: argparse.Namespace, source: Path, assignment: Assignment, store: Store) -> tuple[int, list]:
    """Grade what is not graded yet; returns how many were graded, and what is left to do, in words."""
    seed = seed_of(options.seed, options.out)
    boxed = bool(options.scheduler) or sandboxed(options.without_sandbox)  # each worker looks for its own sandbox
    cells = [cell.source for cell in assignment.cells if cell.kind == "code"]
    fingerprint = stage.fingerprint(source, cells, seed)
    graded, failed, full = [], [], sum(assignment.tests.values())
    prefix = f"grading-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix) as folder, tempfile.TemporaryDirectory(prefix=prefix) as unpacked:
        everyone = submissions.collect(options.folder, source.stem, Path(unpacked), options.out)
        for line in everyone.unused:
            print(f"{line}.")
        if not everyone.files:
            raise Refused(f"Nothing was graded: {options.folder} has no folder, notebook or zip of a student")
        mine = {student: files for student, files in everyone.files.items() if in_shard(student, options.shard)}
        bar = tqdm(total=len(mine), disable=None)

        def done(submission: Submission, future: Future) -> None:
            try:
                outcome = cluster.result(future)
                store.add(submission, fingerprint, outcome)
            except (NotStarted, OSError, cluster.WorkerDied) as problem:
                failed.append(submission.student)
                line = f"NOT GRADED, {problem}"
            else:
                graded.append(submission.student)
                line = f"{outcome.points:g} of {full:g}, {outcome.seconds:g} s"
                line = " ".join([line, *submission.notes, submission.problem and f"{submission.problem}."]).strip()
            with bar.external_write_mode():
                print(wire.plain(f"{submission.student}: {line}"), flush=True)
            bar.update()

        limits, handed_in = Limits(options.seconds, options.total), HandedIn(options.out)
        config = RunConfig(assignment, Path(folder), seed, limits, boxed)
        jobs = int(max(options.jobs or (100 if options.scheduler else os.cpu_count() or 1), 1))
        if options.scheduler:
            order = remote.Order(source.relative_to(stage.ROOT).as_posix(), fingerprint, seed, limits)
            pool, grade = cluster.connect(options.scheduler), partial(remote.grade, order)
        else:
            stage.build(Path(folder), cells)
            pool, grade = ThreadPoolExecutor(jobs), partial(attempt.grade, config)
        turns = waiting(mine, assignment, store, fingerprint, bar, handed_in)
        with pool as executor:
            grade_all(executor, grade, turns, jobs, done)
        bar.close()
        handed_in.write()
        if options.questions:
            failed += ask_all(config, mine, options.out, fingerprint, jobs)
    print(f"{len(graded)} of {len(mine)} students were graded now.")
    again = [f"NOT GRADED, run the same command again: {', '.join(failed)}"] if failed else []
    return len(graded), again + everyone.unsafe


def merge(options: argparse.Namespace, assignment: Assignment, store: Store) -> list[str]:
    """Merge the results and the marks of several folders; returns what of the marks is not used.

    Raises:
        Refused: a folder has no results, or two of them have different ones.
    """
    if missing := [str(folder) for folder in options.merge if not (folder / "results").is_dir()]:
        raise Refused(f"{', '.join(missing)} has no results: name the folders that were given with --out")
    stores = [Store(folder) for folder in options.merge]
    everything = [attempt for each in [store, *stores] for name in each.students() for attempt in each.attempts(name)]
    known = marks.answers(everything, assignment.manual)
    written, filled, lost = marks.merge(options.out / "marks.csv", options.merge, known)
    merged, handed_in = [store.merge(other) for other in stores], HandedIn(options.out)
    for folder in options.merge:
        handed_in.merge(HandedIn(folder))
    handed_in.write()
    marks.add_rows(options.out / "marks.csv", written, {where: known[where] for where in filled}, filled)
    print(f"{sum(merged)} students from {len(merged)} folders.")
    return lost


def run(options: argparse.Namespace, source: Path) -> int:
    """Grade or merge, and write everything that is made from the records."""
    begin, assignment = time.monotonic(), notebook.assignment(source)
    names, store, graded, left = names_of_assignments(), Store(options.out), 0, []
    if options.deadlines and not options.deadlines.is_file():
        raise Refused(f"{options.deadlines} is not a file of deadlines")
    outputs.load(options.out, assignment, store, names, options.deadlines)  # before any work, in case it can't be read
    if options.merge:
        left = merge(options, assignment, store)
    else:
        graded, left = grade_folder(options, source, assignment, store)
    database = options.gradebook or options.out / "gradebook.db"
    summary, unused = outputs.write_all(options.out, assignment, store, database, names, options.deadlines)
    print(summary)
    print(outputs.usage(time.monotonic() - begin, graded))
    for line in filter(None, [unused, *left]):
        print(line)
    return 1 if left or "NOT USED" in unused or "NOT WRITTEN" in summary else 0


def clear() -> None:
    """Remove what graders left behind that were killed."""
    for folder in Path(tempfile.gettempdir()).glob("grading-*-*"):
        owner = folder.name.split("-")[1]
        old = folder.stat().st_mtime < time.time() - 3600
        if owner.isdecimal() and old and Path("/proc/self").exists() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def main(words: list[str] | None = None) -> int:
    """0 if everything was graded, 1 if something has to be run again."""
    options = arguments(words)
    source = source_of(options.assignment)
    if options.folder is None and not options.merge:
        sys.exit("Name a folder of submissions, or --merge with folders of results.")
    if options.folder and not (options.folder.is_dir() or zipfile.is_zipfile(options.folder)):
        sys.exit(f"{options.folder} is not a folder of submissions, nor a zip.")
    if options.scheduler and options.without_sandbox:
        sys.exit("Without a sandbox, students' code could command the scheduler's workers: leave out one of the two.")
    if options.scheduler and options.questions:
        sys.exit("A scheduler's workers make no questions: grade with --scheduler first, then run again without it.")
    if options.folder is None and options.out is None:
        sys.exit("Name the folder for the merged results: --out FOLDER.")
    options.out = options.out or options.folder.resolve().parent / "graded" / source.stem
    os.umask(0o077)  # the seed and the grades are the teacher's
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    torch.set_num_threads(1)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        clear()
        with filelock.FileLock(options.out / ".lock", timeout=0):
            return run(options, source)
    except filelock.Timeout:
        sys.exit(f"Another grader is at work in {options.out}.")
    except cluster.WorkersLost as problem:
        sys.exit(f"{problem} Results so far are kept: run the same command again to continue.")
    except (Refused, OSError) as problem:
        sys.exit(f"{problem}.")
    except KeyboardInterrupt:
        print("\nInterrupted. Results so far are kept: run the same command again to continue.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
