"""Checks of the assignments, in three steps that need not run in one process.

    exercise.cases(seed, student)      what the answer is tried on, drawn from a seed (None: the examples that students see)
    collect(exercise, answer, cases)   calls the answer on each case: the only step in which a student's code runs
    exercise.judge(cases, came)        the verdict, from the cases and from what came back

`check` and `grade` take all three in the kernel of the notebook, where a student's code could tamper with the last one. A
grader that must not trust it makes the cases outside, sends them in, calls `collect` inside on the object that the notebook
calls `exercise.answer`, sends back what it gives, and judges outside. Cases, and what comes back, are plain data: torch.save
writes them, and torch.load with weights_only=True reads them.
"""

import importlib
import os

from lib.checks.exercise import Exercise, Verdict, collect


def find(assignment: str, exercise: str) -> Exercise:
    """The exercise of that name; those of assignment a01 are EXERCISES of classroom/assignments/a01.py."""
    exercises = importlib.import_module(f"classroom.assignments.{assignment}").EXERCISES
    if exercise not in exercises:
        raise KeyError(f"assignment {assignment} has no exercise {exercise!r}; it has {', '.join(exercises)}.")
    return exercises[exercise]


def personal(assignment: str, exercise: str, student: object) -> dict[str, object]:
    """The numbers of a Predict exercise that are this student's own; nobody's, with a word on it, as long as there is no name."""
    if not _name(student):
        print("Nobody's numbers: write your name or student number into the cell above, then run this one again.")
    return find(assignment, exercise).numbers_of(_name(student))


def check(assignment: str, exercise: str, answer: object, student: object = "") -> Verdict:
    """What the examples say of an answer. Right here is not yet right everywhere: `grade` decides."""
    return _verdict(assignment, exercise, answer, student, None)


def grade(assignment: str, exercise: str, answer: object, student: object = "", seed: str | None = None) -> None:
    """Decide on an answer with inputs that are drawn from a seed.

    Args:
        seed: whatever the teacher sets; by default the environment variable GRADING_SEED, and "0" where there is none.

    Raises:
        AssertionError: the answer is not right; the text begins with the mistake's name.
    """
    verdict = _verdict(assignment, exercise, answer, student, seed or os.environ.get("GRADING_SEED", "0"))
    if not verdict.right:
        raise AssertionError(f"{verdict.mistake}: {verdict.message}")


def _name(student: object) -> str:
    return " ".join(student.lower().split()) if isinstance(student, str) else ""


def _verdict(assignment: str, exercise: str, answer: object, student: object, seed: str | None) -> Verdict:
    found = find(assignment, exercise)
    cases = found.cases(seed, _name(student))
    return found.judge(cases, collect(found, answer, cases))
