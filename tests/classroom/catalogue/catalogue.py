"""Answers to the exercises, wrong and right, as learners write them."""

import functools
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace

from classroom.checks import find
from lib.checks.exercise import Implement, Predict, Verdict, collect

# Mistakes that a message states by its actual and expected values, not by name.
PLAIN = ("not done", "error", "wrong ", "not a ", "other ", "another value for ", "changed its input")


@dataclass(frozen=True)
class Answer:
    """One answer to an exercise: a function or class that needs nothing else, and its mistake, "" if it is right.

    hidden: the mistake does not show on the examples.
    """

    assignment: str
    exercise: str
    code: Callable
    mistake: str
    hidden: bool

    def cell(self) -> str:
        """The answer as the text of a notebook's cell."""
        lines = textwrap.dedent(inspect.getsource(self.code)).splitlines()
        while lines[0].startswith(("@right(", "@wrong(")):
            lines.pop(0)
        return "\n".join([*lines, "", f"{find(self.assignment, self.exercise).answer} = {self.code.__name__}"])


class Catalogue(list[Answer]):
    """The answers to one assignment; `wrong` and `right` are decorators that add one."""

    def __init__(self, assignment: str) -> None:
        super().__init__()
        self.assignment = assignment

    def wrong(self, exercise: str, mistake: str, hidden: bool = False) -> Callable:
        """The function or class below makes this mistake."""
        return lambda code: self.append(Answer(self.assignment, exercise, code, mistake, hidden)) or code

    def right(self, exercise: str) -> Callable:
        """The function or class below is right."""
        return self.wrong(exercise, "")


@functools.cache
def prepared(assignment: str, name: str, seed: str | None) -> tuple[Implement | Predict, list[tuple]]:
    """An exercise and its cases for a seed, which is also the student; the results of mistakes are computed once."""
    exercise = find(assignment, name)
    if isinstance(exercise, Implement):
        mistakes = [replace(mistake, makes=_remembered(mistake.makes)) for mistake in exercise.mistakes]
        exercise = replace(exercise, mistakes=mistakes, solution=_remembered(exercise.solution))
    return exercise, exercise.cases(seed, f"student {seed}")


def _remembered(function: Callable) -> Callable:
    """The function, computed once per case; `prepared` keeps the cases, so that their ids stay valid."""
    known: dict[tuple[int, ...], tuple[object, Exception | None]] = {}

    def call(*case: object) -> object:
        key = tuple(map(id, case))
        if key not in known:
            try:
                known[key] = function(*case), None
            except Exception as problem:
                known[key] = None, problem
        value, problem = known[key]
        if problem:
            raise problem
        return value

    return call


def verdict(answer: Answer, seed: str | None) -> Verdict:
    """The verdict of the check on this answer."""
    exercise, cases = prepared(answer.assignment, answer.exercise, seed)
    return exercise.judge(cases, collect(exercise, answer.code, cases))


def complaint(answer: Answer, seed: str | None) -> str:
    """What is wrong with the check of this answer, with a seed or (None) on the examples; "" if nothing is."""
    actual = verdict(answer, seed)
    expected = "" if seed is None and answer.hidden else answer.mistake
    where = f"{answer.code.__name__}, {'the examples' if seed is None else f'seed {seed}'}"
    if actual.right != (not expected) or actual.mistake != expected:
        return f"{where}: expected {expected or 'right'!r}, got {actual.mistake or 'right'!r}: {actual.message}"
    if expected.lower() not in actual.message.lower() and not expected.startswith(PLAIN):
        return f"{where}: the message does not name {expected!r}: {actual.message}"
    return ""
