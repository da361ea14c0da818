"""Checks of the assignments, in three steps that can run in separate processes.

    exercise.cases(seed, student)         the inputs, drawn from a seed (None: the examples that students see)
    collect(exercise, answer, cases)      calls the answer on each case: the only step that runs a student's code
    exercise.judge(cases, results)        the verdict, from the cases and the results

`check` and `grade` run all three in the kernel of the notebook, where a student's code could tamper with the last. The
grader makes the cases and judges outside its sandbox, and calls `collect` inside, on the object that `answer` names.
Cases and results are plain data.
"""

import importlib
import os

from lib.checks.exercise import Exercise, Verdict, collect


def find(assignment: str, exercise: str) -> Exercise:
    """The exercise of that name; assignment a01 is defined in classroom/assignments/a01.py."""
    exercises = importlib.import_module(f"classroom.assignments.{assignment}").EXERCISES
    if exercise not in exercises:
        raise KeyError(f"assignment {assignment} has no exercise {exercise!r}; it has {', '.join(exercises)}.")
    return exercises[exercise]


def personal(assignment: str, exercise: str, student: object) -> dict[str, object]:
    """The numbers of a student for a Predict exercise; placeholder values, with a notice, if no name is set."""
    if not _name(student):
        print("Placeholder numbers: write your name or student number into the cell above, then run this cell again.")
    return find(assignment, exercise).numbers_of(_name(student))


def check(assignment: str, exercise: str, answer: object, student: object = "") -> Verdict:
    """The verdict on the examples. An answer that is right here need not be right everywhere: `grade` decides."""
    return _verdict(assignment, exercise, answer, student, None)


def grade(assignment: str, exercise: str, answer: object, student: object = "", seed: str | None = None) -> None:
    """Decide on an answer with inputs drawn from a seed.

    Args:
        seed: default: the environment variable GRADING_SEED, or "0" if it is not set.

    Raises:
        AssertionError: the answer is not right; the text begins with the mistake's name.
    """
    verdict = _verdict(assignment, exercise, answer, student, seed or os.environ.get("GRADING_SEED", "0"))
    if not verdict.right:
        raise AssertionError(f"{verdict.mistake}: {verdict.message}")


def _name(student: object) -> str:
    number = type(student) is int  # a student number without quotes
    return " ".join(str(student).lower().split()) if isinstance(student, str) or number else ""


def _verdict(assignment: str, exercise: str, answer: object, student: object, seed: str | None) -> Verdict:
    definition = find(assignment, exercise)
    cases = definition.cases(seed, _name(student))
    return definition.judge(cases, collect(definition, answer, cases))
