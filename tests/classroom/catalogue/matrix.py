"""The matrix: every answer of the catalogues, in processes of its own; a module, so that these processes can load it."""

import importlib
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from tests.classroom.catalogue.catalogue import SEEDS, Catalogue, complaint

HERE = Path(__file__).resolve().parent
WRONG, RIGHT = 8, 3  # at least so many answers of each kind for an exercise
SOURCE = HERE.parents[2] / "notebooks" / "assignments" / "source"


def catalogues() -> dict[str, Catalogue]:
    """The catalogue of every assignment that has a source."""
    names = sorted(path.name.split("_")[0] for path in SOURCE.iterdir() if path.is_dir())
    for name in names:
        if not (HERE / f"answers{name.removeprefix('a')}.py").exists():
            sys.exit(f"assignment {name} has no catalogue: write tests/assignments/answers{name.removeprefix('a')}.py.")
    return {name: importlib.import_module(f"tests.classroom.catalogue.answers{name.removeprefix('a')}").ANSWERS for name in names}


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
            exercises = importlib.import_module(f"classroom.checks{assignment.removeprefix('a')}").EXERCISES
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
