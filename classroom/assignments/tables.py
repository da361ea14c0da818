"""What the assignments' tables are built from: mistakes with hints, questions of a prediction, forbidden functions."""

import itertools
import random
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from lib.checks.exercise import LEFT, LIB, Mistake, Predict, Question, without_lib

Values = Callable[..., dict[str, object]]


def mistakes(hints: str, makes: Mapping[str, Callable | Sequence[Callable]]) -> tuple[Mistake, ...]:
    """The mistakes of an exercise.

    Args:
        hints: a line "name: hint" per mistake; a line that is indented further continues the one before.
        makes: for each name the wrong result as a function of a case, or several, in the order of the hints.

    Raises:
        ValueError: the two do not list the same names in the same order.
    """
    texts = _by_name(hints)
    if [*texts] != [*makes]:
        raise ValueError(f"the hints are for {[*texts]}, the wrong results for {[*makes]}.")
    every = {name: [some] if callable(some) else some for name, some in makes.items()}
    return tuple(Mistake(name, texts[name], make) for name, some in every.items() for make in some)


def question(hint: str, hints: str) -> Callable[[Values], Question]:
    """Make a question of a function from a student's numbers to values by name: "right", each mistake, other ways.

    Other ways have no hint; they are known so that no student is drawn for whom one gives the right value.
    """

    def make(values: Values) -> Question:
        value = lambda name: lambda mine: values(**mine)[name]
        texts = _by_name(hints)
        named = tuple(Mistake(name, text, value(name)) for name, text in texts.items())
        others = lambda mine: [found for name, found in values(**mine).items() if name not in {"right", *texts}]
        return Question(value("right"), hint, named, others)

    return make


def predictions(draw: Callable[[random.Random], dict[str, object]], **questions: Question) -> Predict:
    """The exercise `my_predictions`; numbers for which two answers to a question agree are drawn again."""

    def draw_until_apart(generator: random.Random) -> dict[str, object]:
        for _ in range(1_000):
            mine = draw(generator)
            if all(map(partial(tells, mine), questions.values())):
                return mine
        raise RuntimeError("1,000 draws, and in each two answers to a question agree.")

    return Predict("my_predictions", draw_until_apart, questions)


def forbid(parts: Sequence[str], name: str, hint: str) -> Callable[[Mapping[str, int]], tuple[str, str] | None]:
    """The `method` of an exercise that forbids functions of torch with these parts in their names, and `lib`."""

    def method(calls: Mapping[str, int]) -> tuple[str, str] | None:
        if any(part in call for part in parts for call in calls if not call.startswith((LIB, LEFT))):
            return name, hint
        return without_lib(calls)

    return method


def _by_name(hints: str) -> dict[str, str]:
    lines = re.split(r"\n(?=\S)", textwrap.dedent(hints).strip())
    return {name: " ".join(hint.split()) for name, _, hint in (line.partition(": ") for line in lines)}


def tells(mine: dict[str, object], asked: Question) -> bool:
    """Whether no mistake gives what another one or the right way gives, and no other way what the right one gives."""
    right = asked.right(mine)
    others = all(_apart([right, other]) for other in asked.others(mine))
    return others and _apart([right, *(mistake.makes(mine) for mistake in asked.mistakes)])


def _apart(values: Sequence[object]) -> bool:
    """Whether no two values agree; numbers must differ by more than a prediction may be wrong."""
    number = lambda *pair: all(isinstance(value, int | float) for value in pair)
    pairs = itertools.combinations(values, 2)
    return all(abs(a - b) > 0.02 if number(a, b) else a != b for a, b in pairs)
