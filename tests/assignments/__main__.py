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
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]  # this checkout's lib, whichever is installed

import torch  # noqa: E402
from catalogue import SEEDS, Answer, Catalogue, complaint  # noqa: E402

WRONG, RIGHT = 8, 3  # at least so many answers of each kind for an exercise
SOURCE = HERE.parents[1] / "notebooks" / "assignments" / "source"


def catalogues() -> dict[str, Catalogue]:
    """The catalogue of every assignment that has a source."""
    names = sorted(path.name.split("_")[0] for path in SOURCE.iterdir() if path.is_dir())
    for name in names:
        if not (HERE / f"answers{name.removeprefix('a')}.py").exists():
            sys.exit(f"assignment {name} has no catalogue: write tests/assignments/answers{name.removeprefix('a')}.py.")
    return {name: importlib.import_module(f"answers{name.removeprefix('a')}").ANSWERS for name in names}


def row(assignment: str, exercise: str, answers: list[Answer]) -> list[str]:
    """Try the answers to one exercise, print its line of the matrix, and give the complaints."""
    complaints = {answer: complaint(answer) for answer in answers}
    wrong = [answer for answer in answers if answer.mistake]
    right = [answer for answer in answers if not answer.mistake]
    passed = Counter(bool(answer.mistake) for answer in answers if not complaints[answer])
    print(
        f"{assignment} {exercise:<14} | {len(wrong):>5} | {passed[True]:>14} | {len({a.mistake for a in wrong}):>8} | {len(right):>5} | {passed[False]:>8}",
        flush=True,
    )
    found = [f"{assignment} {exercise}: {text}" for text in complaints.values() if text]
    if len(wrong) < WRONG or len(right) < RIGHT:
        found.append(f"{assignment} {exercise}: at least {WRONG} wrong answers and {RIGHT} right ones are wanted")
    return found


def matrix(chosen: dict[str, Catalogue]) -> int:
    """Try every answer, print the matrix, and give the number of complaints."""
    begin, complaints, tried = time.perf_counter(), [], 0
    print(f"{'exercise':<18} | wrong | refused, named | mistakes | right | accepted")
    for assignment, answers in chosen.items():
        exercises = importlib.import_module(f"lib.checks.assignment{assignment.removeprefix('a')}").EXERCISES
        complaints += [f"{assignment}: no exercise {name!r}" for name in {a.exercise for a in answers} - {*exercises}]
        for exercise in exercises:
            complaints += row(assignment, exercise, [answer for answer in answers if answer.exercise == exercise])
        tried += len(answers)
    print(*complaints, sep="\n")
    print(
        f"{tried} answers, the examples and {len(SEEDS)} seeds each: {len(complaints)} complaints, {time.perf_counter() - begin:.0f} s"
    )
    return len(complaints)


def main() -> int:
    """1 if there is a complaint."""
    torch.set_num_threads(1)
    wanted, every = [word for word in sys.argv[1:] if not word.startswith("-")], catalogues()
    if unknown := {*wanted} - {*every}:
        sys.exit(f"no assignment {' or '.join(unknown)}; there are {', '.join(every)}.")
    chosen = {name: every[name] for name in wanted or every}
    if "--grader" in sys.argv:
        return min(importlib.import_module("grader").through_nbgrader(chosen), 1)
    return min(matrix(chosen), 1)


if __name__ == "__main__":
    sys.exit(main())
