"""Exercises in which a student predicts: each has numbers of their own, so that no answer can be handed on."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from lib.checks.assignment_implement import NOT_DONE, Mistake, by_name
from lib.checks.verdict import Verdict, right, wrong


@dataclass(frozen=True)
class Question:
    """One value to predict: right, from the student's numbers to the right value; hint; and mistakes, known wrong values."""

    right: Callable
    hint: str
    mistakes: Sequence[Mistake] = ()


@dataclass(frozen=True)
class Predict:
    """An exercise whose answer is a function from the student's numbers to a dictionary of predictions.

    answer: its name in the notebook. draw: from a random generator, the numbers, a dictionary. questions: by their names.
    A prediction may be a whole number, a shape, a text, or a decimal number, which is right to 0.006.
    """

    answer: str
    draw: Callable[[random.Random], dict[str, object]]
    questions: Mapping[str, Question]

    @staticmethod
    def probe(answer: object, mine: dict[str, object]) -> object:
        """Call the answer on the student's numbers."""
        return answer(mine)

    def numbers_of(self, student: str) -> dict[str, object]:
        """The numbers of a student, the same at every call."""
        return self.draw(random.Random(f"{student} {self.answer} {' '.join(self.questions)}"))

    def cases(self, seed: str | None, student: str = "") -> list[tuple]:
        """One case: the student's numbers, whatever the seed; none without a name."""
        return [(self.numbers_of(student),)] if student else []

    def judge(self, cases: Sequence[tuple], came: Sequence[Mapping]) -> Verdict:
        """The verdict on the predictions; it never says what was wanted."""
        if not cases:
            return wrong(NOT_DONE, "Write your name or student number into the cell above, then run both cells again.")
        (mine,), back = cases[0], came[0]
        if back["error"]:
            return wrong("error", f"{self.answer} raised {back['error']}")
        predicted = back["value"]
        if predicted is not None and not isinstance(predicted, dict):
            return wrong("not a dictionary", f"{self.answer} returned {predicted!r}; a dictionary was wanted.")
        missing = [question for question in self.questions if (predicted or {}).get(question) is None]
        if missing:
            return wrong(NOT_DONE, f"Still open: {', '.join(missing)}.")
        names, lines = [], []
        for name, question in self.questions.items():
            if not _agree(predicted[name], question.right(mine)):
                known = [m for m in question.mistakes if _agree(predicted[name], m.makes(mine))]
                names.append(known[0].name if known else f"another value for {name}")
                hint = by_name(known[0].name, known[0].hint) if known else question.hint
                lines.append(f"{name}: you predicted {predicted[name]!r}. {hint}")
        if names:
            return wrong(
                names[0], f"{len(self.questions) - len(names)} of {len(self.questions)} are right. {' '.join(lines)}"
            )
        return right(f"All {len(self.questions)} predictions are right.")


def _agree(predicted: object, wanted: object) -> bool:
    if isinstance(predicted, Tensor) and predicted.numel() == 1:
        predicted = predicted.item()
    if isinstance(wanted, str) and isinstance(predicted, str):
        return predicted.strip().lower() == wanted.lower()
    if isinstance(wanted, tuple):
        return isinstance(predicted, (list, tuple)) and tuple(predicted) == wanted
    if isinstance(wanted, float):
        return isinstance(predicted, (int, float)) and abs(predicted - wanted) < 0.006
    return isinstance(predicted, (int, float)) and not isinstance(predicted, bool) and predicted == wanted
