"""What a check says of an answer, and how checks are made."""

import copy
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

WIDTH = 104  # characters of a line: JupyterLab breaks longer ones in the middle of a word


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    right: whether the answer is right. mistake: a short name of the mistake, "" where there is none, "not done" for an exercise
    not begun. message: for the person who wrote the answer.
    """

    right: bool
    mistake: str
    message: str

    def __repr__(self) -> str:
        begin = "Right." if self.right else "Not done yet." if self.mistake == "not done" else "Not right yet."
        lines = f"{begin} {self.message}".split("\n")
        return "\n".join(textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in lines)

    def require(self) -> None:
        """Raise an AssertionError with the message unless the answer is right."""
        assert self.right, self.message


RIGHT = ""


def right(message: str) -> Verdict:
    """The answer is right; the message says what was tried."""
    return Verdict(True, RIGHT, message)


def wrong(mistake: str, message: str) -> Verdict:
    """The answer is not right: the mistake's short name, and a message for the reader."""
    return Verdict(False, mistake, message)


def run(function: Callable, *arguments: object) -> tuple[object, Verdict | None]:
    """Call a reader's function on copies of the arguments.

    Returns:
        What it returned, and None; or None and the verdict: not done, an error, an argument changed in place.
    """
    given = copy.deepcopy(arguments)
    name = getattr(function, "__name__", type(function).__name__)
    try:
        result = function(*given)
    except NotImplementedError:
        return None, wrong("not done", f"Fill in {name}, then run this cell again.")
    except Exception as error:
        return None, wrong("error", f"{name}({describe(*arguments)}) raised {type(error).__name__}: {error}")
    if result is None or result is Ellipsis:
        return None, wrong(
            "not done", f"{name} returned nothing. Fill it in, end it with return, then run this cell again."
        )
    for before, after in zip(arguments, given, strict=True):
        same = torch.equal(before, after) if isinstance(before, Tensor) else before == after
        if not same:
            return None, wrong(
                "changed its input", f"{name} changed what it was given. Make a new one instead of writing into it."
            )
    return result, None


def describe(*arguments: object) -> str:
    """Arguments as a reader would write them; tensors by their shape."""
    return ", ".join(f"tensor of shape {tuple(a.shape)}" if isinstance(a, Tensor) else repr(a) for a in arguments)


def check_tensor(name: str, result: object, shape: Sequence[int], why: str) -> Verdict | None:
    """None if the result is a tensor of that shape, else the verdict; `why` says where the shape comes from."""
    if not isinstance(result, Tensor):
        return wrong(
            "not a tensor", f"{name} returned {type(result).__name__}; a tensor of shape {tuple(shape)} was wanted."
        )
    if tuple(result.shape) != tuple(shape):
        return wrong("wrong shape", f"{name} returned shape {tuple(result.shape)}; wanted {tuple(shape)}: {why}")
    return None


def predictions(answers: dict[str, object], wanted: dict[str, tuple[object, str]]) -> Verdict:
    """Compare predictions with the right answers, the first wrong one by name; says nothing of the right answer itself."""
    missing = [question for question in wanted if answers.get(question, ...) is ...]
    if missing:
        return wrong("not done", f"{len(missing)} of {len(wanted)} answers are missing; the first: {missing[0]}")
    for question, (answer, why) in wanted.items():
        given = answers[question]
        given = tuple(given) if isinstance(given, list | torch.Size) else given
        if given != answer:
            return wrong(question, f"{question}: you predicted {given!r}. Think again: {why}")
    return right(f"All {len(wanted)} predictions are right.")
