"""Answers to the exercises, wrong and right, as learners write them."""

import functools
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace

from classroom.checks import collect, find
from lib.checks.exercise import Implement, Predict, Verdict

# What is plain from a message that says what came back and what was wanted.
PLAIN = ("not done", "error", "wrong ", "not a ", "other ", "another value for ", "changed its input")
SEEDS = [str(seed) for seed in range(20)]


@dataclass(frozen=True)
class Answer:
    """One answer to an exercise: a function or class that stands on its own, and the mistake that is to be found, "" if right.

    hidden: the mistake cannot be seen on the examples.
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


def remembered(function: Callable) -> Callable:
    """The function, which computes once for the same arguments; they must be kept, for they are known by their ids."""
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


@functools.cache
def prepared(assignment: str, name: str, seed: str | None) -> tuple[Implement | Predict, list[tuple]]:
    """An exercise and its cases for a seed, which stands for a student, too; what a mistake gives is computed once for all answers."""
    exercise = find(assignment, name)
    if isinstance(exercise, Implement):
        mistakes = [replace(mistake, makes=remembered(mistake.makes)) for mistake in exercise.mistakes]
        exercise = replace(exercise, mistakes=mistakes, solution=remembered(exercise.solution))
    return exercise, exercise.cases(seed, f"student {seed}")


def verdict(answer: Answer, seed: str | None) -> Verdict:
    """What the check says of an answer."""
    exercise, cases = prepared(answer.assignment, answer.exercise, seed)
    return exercise.judge(cases, collect(exercise, answer.code, cases))


def complaint(answer: Answer) -> str:
    """What is wrong with the check of this answer; "" if nothing is."""
    for seed in [None, *SEEDS]:
        found = verdict(answer, seed)
        wanted = "" if seed is None and answer.hidden else answer.mistake
        where = f"{answer.code.__name__}, {'the examples' if seed is None else f'seed {seed}'}"
        if found.right != (not wanted) or found.mistake != wanted:
            return f"{where}: wanted {wanted or 'right'!r}, found {found.mistake or 'right'!r}: {found.message}"
        if wanted.lower() not in found.message.lower() and not wanted.startswith(PLAIN):
            return f"{where}: the message does not name {wanted!r}: {found.message}"
    return ""
