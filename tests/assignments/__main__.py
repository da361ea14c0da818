"""Show that the checks of the assignments tell wrong answers from right ones, and wrong ones from each other.

    python tests/assignments            every answer of the catalogues, in this process: examples, then 20 seeds
    python tests/assignments a01        those of one assignment
    python tests/assignments --grader   some of each through the whole of nbgrader, and the release looked through

The last needs nbgrader: pip install -e '.[teach]'
"""

import importlib
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]  # this checkout's lib, whichever is installed

import torch  # noqa: E402
from catalogue import SEEDS, Catalogue, complaint  # noqa: E402

WRONG, RIGHT = 8, 3  # at least so many answers of each kind for an exercise
SOURCE = HERE.parents[1] / "notebooks" / "assignments" / "source"


def catalogues() -> dict[str, Catalogue]:
    """The catalogue of every assignment that has a source."""
    names = sorted(path.name.split("_")[0] for path in SOURCE.iterdir() if path.is_dir())
    for name in names:
        if not (HERE / f"answers{name.removeprefix('a')}.py").exists():
            sys.exit(f"assignment {name} has no catalogue: write tests/assignments/answers{name.removeprefix('a')}.py.")
    return {name: importlib.import_module(f"answers{name.removeprefix('a')}").ANSWERS for name in names}


def row(assignment: str, exercise: str) -> tuple[str, int, list[str]]:
    """Try the answers to one exercise: its line of the matrix, how many there are, and the complaints."""
    torch.set_num_threads(1)
    answers = [answer for answer in catalogues()[assignment] if answer.exercise == exercise]
    complaints = [(bool(answer.mistake), complaint(answer)) for answer in answers]
    wrong = [answer for answer in answers if answer.mistake]
    right = len(answers) - len(wrong)
    passed = Counter(is_wrong for is_wrong, text in complaints if not text)
    line = f"{assignment} {exercise:<14} | {len(wrong):>5} | {passed[True]:>14} | {len({a.mistake for a in wrong}):>8} | {right:>5} | {passed[False]:>8}"
    found = [f"{assignment} {exercise}: {text}" for _, text in complaints if text]
    if len(wrong) < WRONG or right < RIGHT:
        found.append(f"{assignment} {exercise}: at least {WRONG} wrong answers and {RIGHT} right ones are wanted")
    return line, len(answers), found


def matrix(chosen: dict[str, Catalogue]) -> int:
    """Try every answer, print the matrix, and give the number of complaints."""
    begin, complaints, tried, rows = time.perf_counter(), [], 0, []
    print(f"{'exercise':<18} | wrong | refused, named | mistakes | right | accepted")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for assignment, answers in chosen.items():
            exercises = importlib.import_module(f"lib.checks.assignment{assignment.removeprefix('a')}").EXERCISES
            unknown = {answer.exercise for answer in answers} - {*exercises}
            complaints += [f"{assignment}: no exercise {name!r}" for name in unknown]
            rows += [pool.submit(row, assignment, exercise) for exercise in exercises]
        for future in rows:
            line, answers, found = future.result()
            print(line, flush=True)
            tried, complaints = tried + answers, complaints + found
    print(*complaints, sep="\n", end="\n" if complaints else "")
    print(
        f"{tried} answers, the examples and {len(SEEDS)} seeds each: {len(complaints)} complaints, {time.perf_counter() - begin:.0f} s"
    )
    return len(complaints)


def main() -> int:
    """1 if there is a complaint."""
    wanted, every = [word for word in sys.argv[1:] if not word.startswith("-")], catalogues()
    if unknown := {*wanted} - {*every}:
        sys.exit(f"no assignment {' or '.join(unknown)}; there are {', '.join(every)}.")
    chosen = {name: every[name] for name in wanted or every}
    if "--grader" in sys.argv:
        return min(importlib.import_module("grader").through_nbgrader(chosen), 1)
    return min(matrix(chosen), 1)


if __name__ == "__main__":
    sys.exit(main())
