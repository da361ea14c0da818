"""The engine of checks: exercises, what is tried on an answer, and the verdict with the mistake by name."""

import copy
import random
import textwrap
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

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


NOT_DONE = "not done"


@dataclass(frozen=True)
class Mistake:
    """A mistake that learners make: its short name, a hint that does not give the answer away, and what it makes of a case."""

    name: str
    hint: str
    makes: Callable


@dataclass(frozen=True)
class Implement:
    """An exercise whose answer is a function or a class.

    answer: its name in the notebook. examples: the cases that students see, the first with the lesson's own sizes.
    draw: from a random generator, the cases that decide, the first again with the lesson's own sizes. solution: the right
    result of a case. praise: what is said of a right answer. mistakes: known wrong results; the one that explains most of
    what came back is named, and if several do, the first. errors: part of an error's text, to the mistake's name and a hint.
    method: from the calls that were counted (`collect`) to a mistake's name and a hint, where the way to the result is the
    point; None if it is right. probe: calls the answer on one case.
    """

    answer: str
    examples: Sequence[tuple]
    draw: Callable[[random.Random], list[tuple]]
    solution: Callable
    praise: str
    mistakes: Sequence[Mistake] = ()
    errors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    method: Callable[[Mapping[str, int]], tuple[str, str] | None] = lambda calls: None
    probe: Callable = lambda answer, *case: answer(*case)

    def cases(self, seed: str | None, student: str = "") -> list[tuple]:
        """The cases of a seed, or the examples; the student does not matter."""
        return list(self.examples) if seed is None else self.draw(random.Random(f"{seed} {self.answer}"))

    def judge(self, cases: Sequence[tuple], came: Sequence[Mapping]) -> Verdict:
        """The verdict on what came back."""
        if any(back["value"] is None and not back["error"] for back in came):
            return wrong(NOT_DONE, f"{self.answer} returned nothing. Fill it in, then run this cell again.")
        for case, back in zip(cases, came, strict=True):
            if not back["error"] and difference(back["after"], case):
                return wrong(
                    "changed its input",
                    f"{self.answer} changed what it was given ({given(case)}). Make something new instead of writing into it.",
                )
        wanted = [self.solution(*case) for case in cases]
        found = [
            ("error", f"raised {back['error']}") if back["error"] else difference(back["value"], right_one)
            for back, right_one in zip(came, wanted, strict=True)
        ]
        failed = [number for number, problem in enumerate(found) if problem]
        if failed:
            number, name, hint = self._name(cases, came, found, failed)
            if name == NOT_DONE:
                return wrong(name, hint)
            what = f"Given {given(cases[number])}, {self.answer} {found[number][1].rstrip('.')}."
            return wrong(name, f"{what} {by_name(name, hint)}" if hint else what)
        for back in came:
            if problem := self.method(back["calls"]):
                return wrong(problem[0], f"The numbers are right, and the way to them is not. {by_name(*problem)}")
        return right(self.praise)

    def _name(
        self, cases: Sequence[tuple], came: Sequence[Mapping], found: Sequence, failed: list[int]
    ) -> tuple[int, str, str]:
        """Which failed case to show, the mistake's name, and a hint."""
        explained = {
            mistake: [n for n in failed if not came[n]["error"] and _makes(mistake, cases[n], came[n]["value"])]
            for mistake in self.mistakes
        }
        best = max(self.mistakes, key=lambda mistake: len(explained[mistake]), default=None)
        if best and 2 * len(explained[best]) >= len(failed):
            return explained[best][0], best.name, best.hint
        first = failed[0]
        if general := self._general(cases[first], came[first]):
            return first, *general
        if first > 0 and found[first][0] != "wrong dtype":
            hint = "The case before it came out right: is a size written into your code as a number?"
            return first, "hard-coded size", hint
        if best and explained[best]:
            return explained[best][0], best.name, best.hint
        return first, found[first][0], ""

    def _general(self, case: tuple, back: Mapping) -> tuple[str, str] | None:
        """A mistake that can be made in any exercise, and a hint."""
        if back["error"]:
            return next((named for text, named in self.errors.items() if text in back["error"]), None)
        value, zeros = back["value"], lambda x: not x.any()
        if any(difference(value, argument) is None for argument in case):
            return "returned its input", "That is what went in, unchanged."
        if _holds(value, zeros) and not _holds(self.solution(*case), zeros):
            return "all zeros", "Everything that came back is zero."
        if _holds(value, lambda x: bool(x.isnan().any())):
            return "not a number", "nan comes from 0/0, inf - inf or the logarithm of a negative number."
        if any(difference(value, self.solution(*example)) is None for example in self.examples):
            return "copies an example", "That is the result of another input: compute it from what is given."
        return None


def difference(value: object, wanted: object) -> tuple[str, str] | None:
    """How a value differs from the right one: a mistake's name and what to say of it; None where it doesn't.

    Lists and tuples are one. Tensors agree in shape, in kind of number (whole, floating, truth values) and in values, floating
    ones to a relative error of 1e-4.
    """
    if isinstance(wanted, Tensor):
        return _tensor_difference(value, wanted)
    if isinstance(wanted, (list, tuple)):
        if not isinstance(value, (list, tuple)) or len(value) != len(wanted):
            got = f"{len(value)}" if isinstance(value, (list, tuple)) else f"a {type(value).__name__}"
            return "wrong number of results", f"returned {got}; {len(wanted)} results were wanted, in a tuple or list"
        for number, (a, b) in enumerate(zip(value, wanted, strict=True)):
            if problem := difference(a, b):
                return problem[0], f"{problem[1]} (in result number {number + 1})"
        return None
    if isinstance(wanted, dict):
        if not isinstance(value, dict) or value.keys() != wanted.keys():
            return "other keys", f"returned {_short(value)}; a dictionary with {', '.join(map(str, wanted))} was wanted"
        found = ((key, difference(value[key], wanted[key])) for key in wanted)
        return next(((problem[0], f"{problem[1]} (under {key!r})") for key, problem in found if problem), None)
    if isinstance(wanted, float) and isinstance(value, (int, float)):
        return (
            None
            if abs(value - wanted) <= 1e-5 + 1e-4 * abs(wanted)
            else ("other values", f"gave {value}; wanted {wanted:.4f}")
        )
    if type(value) is type(wanted) and value == wanted:
        return None
    return "other values", f"gave {_short(value)}; wanted {_short(wanted)}"


def _tensor_difference(value: object, wanted: Tensor) -> tuple[str, str] | None:
    shape = tuple(wanted.shape)
    if not isinstance(value, Tensor):
        return "not a tensor", f"returned {_short(value)}; a tensor of shape {shape} was wanted"
    if tuple(value.shape) != shape:
        return "wrong shape", f"returned shape {tuple(value.shape)}; wanted {shape}"
    kinds = [_kind(x) for x in (value, wanted)]
    if kinds[0] != kinds[1]:
        return "wrong dtype", f"returned {value.dtype}; {kinds[1]} were wanted"
    equal = torch.isclose(value.double(), wanted.double(), rtol=1e-4, atol=1e-5, equal_nan=True)
    if bool(equal.all()):
        return None
    place = (~equal).nonzero()[0].tolist()
    a, b = value[tuple(place)].item(), wanted[tuple(place)].item()
    numbers = f"{a:.4g}; wanted {b:.4g}" if isinstance(b, float) else f"{a}; wanted {b}"
    if not place:
        return "other values", f"returned {numbers}"
    return "other values", f"returned the right shape, {shape}, with other numbers: at {place} it has {numbers}"


def _kind(x: Tensor) -> str:
    if x.is_complex():
        return "complex numbers"
    return "truth values" if x.dtype == torch.bool else "floating numbers" if x.is_floating_point() else "whole numbers"


def _makes(mistake: Mistake, case: tuple, value: object) -> bool:
    try:
        return difference(value, mistake.makes(*case)) is None
    except (RuntimeError, ValueError, IndexError, TypeError):  # no such mistake with these sizes
        return False


def _holds(value: object, law: Callable[[Tensor], bool]) -> bool:
    parts = value if isinstance(value, (list, tuple)) else [value]
    return bool(parts) and all(isinstance(part, Tensor) and law(part) for part in parts)


def by_name(name: str, hint: str) -> str:
    """A mistake's name and the hint, as the end of a message."""
    return f"{name[0].upper()}{name[1:]}: {hint}"


def given(case: tuple) -> str:
    """Arguments as a message shows them: small ones in full, others by their shape."""
    return ", ".join(map(_short, case))


def _short(value: object) -> str:
    if isinstance(value, Tensor):
        small = 0 < value.numel() <= 12 and not value.is_floating_point()
        return f"tensor({value.tolist()})" if small else f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple)) and any(isinstance(item, (Tensor, list, tuple, dict)) for item in value):
        shown = ", ".join(map(_short, value[:3])) + (f", ... ({len(value)} in all)" if len(value) > 3 else "")
        return f"[{shown}]" if isinstance(value, list) else f"({shown})"
    if isinstance(value, dict) and any(isinstance(item, (Tensor, list, tuple, dict)) for item in value.values()):
        return f"{{{', '.join(f'{key!r}: {_short(item)}' for key, item in value.items())}}}"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]} ... {text[-10:]}"


def numbers(draw: random.Random, *shape: int) -> Tensor:
    """Normally distributed floats of that shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(draw.getrandbits(32)))


def ids(draw: random.Random, size: int, *shape: int) -> Tensor:
    """Whole numbers from 0 to size - 1, of that shape."""
    return torch.randint(size, shape, generator=torch.Generator().manual_seed(draw.getrandbits(32)))


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


Exercise = Implement | Predict


def collect(exercise: "Exercise", answer: object, cases: Sequence[tuple]) -> list[dict[str, object]]:
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
