"""Checks of the assignments, in three steps that need not run in one process.

    exercise.cases(seed, student)      what the answer is tried on, drawn from a seed (None: the examples that students see)
    collect(exercise, answer, cases)   calls the answer on each case: the only step in which a student's code runs
    exercise.judge(cases, came)        the verdict, from the cases and from what came back

`check` and `grade` take all three in the kernel of the notebook, where a student's code could tamper with the last one. A
grader that must not trust it makes the cases outside, sends them in, calls `collect` inside on the object that the notebook
calls `exercise.answer`, sends back what it gives, and judges outside. Cases, and what comes back, are plain data: torch.save
writes them, and torch.load with weights_only=True reads them.
"""

import copy
import importlib
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from numbers import Integral, Real

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lib.checks.assignment_implement import Implement
from lib.checks.assignment_predict import Predict
from lib.checks.verdict import Verdict

Exercise = Implement | Predict


def find(assignment: str, exercise: str) -> Exercise:
    """The exercise of that name; those of assignment a01 are EXERCISES of lib/checks/assignment01.py."""
    exercises = importlib.import_module(f"lib.checks.assignment{assignment.removeprefix('a')}").EXERCISES
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


def collect(exercise: Exercise, answer: object, cases: Sequence[tuple]) -> list[dict[str, object]]:
    """Call a student's answer on copies of the cases.

    Returns:
        For each case what came back: value; error, its kind and text, or ""; after, the arguments as the call left them;
        calls, how often each function of torch was called, by its name. All of it plain data.
    """
    came = []
    for case in cases:
        given, value, error = copy.deepcopy(case), None, ""
        # nbgrader gives no points to a cell that writes to stderr, and a warning is no mistake.
        with _Calls() as calls, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = exercise.probe(answer, *given)
            except NotImplementedError:
                pass
            except (Exception, SystemExit) as problem:
                error = f"{type(problem).__name__}: {problem}"
        came.append({"value": plain(value), "error": error, "after": plain(given), "calls": dict(calls.counts)})
    return came


def plain(value: object) -> object:
    """A copy made of tensors, numbers, texts, lists, tuples and dictionaries only; of other objects a text that names their kind."""
    if isinstance(value, Tensor):
        value = value.detach() if value.layout is torch.strided else value.detach().to_dense()
        return value.as_subclass(Tensor).clone()
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    for kind in (list, tuple):
        if isinstance(value, kind):
            return kind([plain(item) for item in value])
    for kind, make in ((bool, bool), (Integral, int), (Real, float), (str, str)):
        if isinstance(value, kind):
            return make(value)
    return None if value is None or value is ... else f"<{type(value).__name__}>"


class _Calls(TorchFunctionMode):
    """Counts the calls of torch's functions while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.counts[getattr(function, "__name__", str(function))] += 1
        return function(*args, **(kwargs or {}))


def _name(student: object) -> str:
    return " ".join(student.lower().split()) if isinstance(student, str) else ""


def _verdict(assignment: str, exercise: str, answer: object, student: object, seed: str | None) -> Verdict:
    found = find(assignment, exercise)
    cases = found.cases(seed, _name(student))
    return found.judge(cases, collect(found, answer, cases))
