"""The engine of checks: exercises, the inputs that try an answer, and a verdict that names the mistake.

`exercise(answer)` is the whole check. Its three steps need not run in one process: `cases` gives the inputs, `collect`
calls the answer on them and returns plain data, and `judge` compares.
"""

import copy
import itertools
import math
import os
import random
import sys
import textwrap
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

WIDTH = 104  # characters per line: JupyterLab breaks longer ones in the middle of a word
NOT_DONE = "not done"
LIB = "by lib: "  # begins what `collect` counts for a module of `lib` that was used
LEFT = "left: "  # begins what `collect` counts for an effect that stays
IGNORED = "ignore_index"  # what `collect` counts if torch left a target out of a loss


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    right: whether the answer is right. mistake: a short name, "" if right, "not done" if the exercise is still open.
    message: for the author of the answer.
    """

    right: bool
    mistake: str
    message: str

    def __repr__(self) -> str:
        begin = "Right." if self.right else "Not done yet." if self.mistake == NOT_DONE else "Not right yet."
        lines = f"{begin} {self.message}".split("\n")
        return "\n".join(textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in lines)

    def require(self) -> None:
        """Raise an AssertionError with the message unless the answer is right."""
        assert self.right, self.message


def right(message: str) -> Verdict:
    """The answer is right; the message says what was tried."""
    return Verdict(True, "", message)


def wrong(mistake: str, message: str) -> Verdict:
    """The answer is not right: the mistake's short name, and a message for its author."""
    return Verdict(False, mistake, message)


@dataclass(frozen=True)
class Mistake:
    """A common mistake: its short name, a hint that does not give the answer away, and the wrong result.

    makes: a function from a case to the wrong result; for a question with a constant answer, the wrong value itself.
    """

    name: str
    hint: str
    makes: object


def composed(makes: Callable, **choices: Sequence[Mistake]) -> tuple[Mistake, ...]:
    """Every combination of mistakes that can be made at once, fewest first: `Implement` names the first that fits.

    Args:
        makes: the solution, called with a case and keyword options; their defaults are right.
        choices: for each option the mistakes; their `makes` is the wrong value of the option.
    """
    combined = []
    for pick in list(itertools.product(*([None, *mistakes] for mistakes in choices.values())))[1:]:
        made = {option: mistake for option, mistake in zip(choices, pick, strict=True) if mistake}
        names, hints = (dict.fromkeys(getattr(m, part) for m in made.values()) for part in ("name", "hint"))
        options = {option: mistake.makes for option, mistake in made.items()}
        combined.append((len(names), Mistake(" + ".join(names), " ".join(hints), partial(makes, **options))))
    return tuple(mistake for _, mistake in sorted(combined, key=lambda pair: pair[0]))


class _Exercise:
    def __repr__(self) -> str:
        """No table: it holds the right answers."""
        return f"check of {self.answer}: call it with your answer"

    def __call__(self, answer: object) -> Verdict:
        """The verdict on an answer, from the examples."""
        cases = self.cases(None)
        return self.judge(cases, collect(self, answer, cases))


@dataclass(frozen=True, repr=False)
class Implement(_Exercise):
    """An exercise whose answer is a function or a class.

    answer: its name in the notebook. examples: cases, tuples of arguments, that its author may see; the first has the
    sizes of the lesson. draw: maps a random generator to the cases that decide on a grade. solution: maps a case to the
    right result. praise: the message for a right answer. mistakes: the one that explains most failed cases, and of
    those the one that fits most passing cases, then the first listed; it is named if it explains nearly all failed ones,
    and these are more than one and more than the passing ones that contradict it, or none does. errors: from a part of an error's text to a mistake's name and a hint. method:
    from counts of torch's calls (`collect`) to a mistake's name and a hint if the way to the result is wrong, else
    None. probe: calls the answer on a case. hint: for a result that is unexplained. told: how
    a message shows a case; `given` if None.
    """

    answer: str
    examples: Sequence[tuple]
    draw: Callable[[random.Random], list[tuple]] | None = None
    solution: Callable | None = None
    praise: str = ""
    mistakes: Sequence[Mistake] = ()
    errors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    method: Callable[[Mapping[str, int]], tuple[str, str] | None] = lambda calls: None
    probe: Callable = lambda answer, *case: answer(*case)
    hint: str = ""
    told: Callable[[tuple], str] | None = None

    def cases(self, seed: str | None, student: str = "") -> list[tuple]:
        """The cases of a seed, or the examples; the same for all students."""
        return list(self.examples) if seed is None else self.draw(random.Random(f"{seed} {self.answer}"))

    def judge(self, cases: Sequence[tuple], results: Sequence[Mapping]) -> Verdict:
        """The verdict on what `collect` returned for these cases."""
        told = self.told or given
        if any(result["value"] is None and not result["error"] for result in results):
            message = f"{self.answer} returned nothing. Fill it in, end it with return, then run this cell again."
            return wrong(NOT_DONE, message)
        for case, result in zip(cases, results, strict=True):
            if not result["error"] and difference(result["after"], case):
                message = f"{self.answer} changed its arguments ({told(case)}). Make new objects instead."
                return wrong("changed its input", message)
        problems = [
            ("error", f"raised {result['error']}")
            if result["error"]
            else difference(result["value"], self.solution(*case))
            for case, result in zip(cases, results, strict=True)
        ]
        if any(problems):
            number, name, hint = self._name(cases, results, problems)
            if name == NOT_DONE:
                return wrong(name, hint)
            kind, text = problems[number]
            message = f"Given {told(cases[number])}, {self.answer} {text.rstrip('.')}."
            return wrong(name, f"{message} {hint if name == kind or not hint else by_name(name, hint)}".strip())
        for result in results:
            if left := next((name for name in result["calls"] if name.startswith(LEFT)), ""):
                message = f"The result is right, but after the call {left.removeprefix(LEFT)}."
                return wrong("effect that stays", f"{message} Effect that stays: leave everything as it was before.")
            if problem := self.method(result["calls"]):
                return wrong(problem[0], f"The numbers are right, but the method is not. {by_name(*problem)}")
        return right(self.praise)

    def _name(self, cases: Sequence[tuple], results: Sequence[Mapping], problems: Sequence) -> tuple[int, str, str]:
        """The failed case to show, the mistake's name, and a hint."""
        failed = [number for number, problem in enumerate(problems) if problem]
        passed = [number for number, problem in enumerate(problems) if not problem]
        score, likely, first = (0, 0), None, failed[0]
        for mistake in self.mistakes:
            fits = lambda numbers, mistake=mistake: [n for n in numbers if _fits(mistake, cases[n], results[n])]
            explained = fits(failed)
            rank = len(explained), len(explained and fits(passed))
            if rank > score and not all(results[n]["error"] for n in explained):
                shown = next(n for n in explained if not results[n]["error"])
                score, likely = rank, (shown, mistake.name, mistake.hint)
                against = sum(_fits(mistake, cases[n], results[n]) is False for n in passed)
                alike = len(explained) >= max(2, against) or len(cases) == 1 or (rank[1] > 0 and not against)
            if score == (len(failed), len(passed)):
                break
        # One case may be chance, unless no other contradicts it; so may two, if more contradict them.
        explained, valued = score[0], sum(not results[n]["error"] for n in failed)
        if likely and 4 * explained >= 3 * valued and 2 * explained >= len(failed) and alike:
            return likely
        for number in failed:
            if named := self._error(results[number]):
                return number, *named
        generals = [self._general(cases[number], results[number]) for number in failed]
        if generals[0] and generals.count(generals[0]) >= min(2, len(cases)):
            return first, *generals[0]
        return first, problems[first][0], self.hint if problems[first][0] != "error" else ""

    def _error(self, result: Mapping) -> tuple[str, str] | None:
        return next((named for text, named in self.errors.items() if text in result["error"]), None)

    def _general(self, case: tuple, result: Mapping) -> tuple[str, str] | None:
        """A mistake that can be made in any exercise, and a hint."""
        if result["error"]:
            return None
        value, zeros = result["value"], lambda x: not x.any()
        if any(difference(value, argument) is None for argument in case):
            return "returned its input", "That is the argument, unchanged."
        if _holds(value, zeros) and not _holds(self.solution(*case), zeros):
            return "all zeros", "Every number in the result is zero."
        if _holds(value, lambda x: bool(x.isnan().any())):
            return "not a number", "nan comes from 0/0, inf - inf or the logarithm of a negative number."
        # So few values that they may equal another result by chance.
        few = isinstance(value, (int, str)) or (isinstance(value, (list, tuple)) and len(value) < 2)
        if not few and any(difference(value, self.solution(*example)) is None for example in self.examples):
            return "copies an example", "That is the result of another input: compute it from the arguments."
        return None


def difference(value: object, expected: object) -> tuple[str, str] | None:
    """How a value differs from the expected one: a mistake's name and a sentence that begins with a verb; None if equal.

    A list equals a tuple of the same items. Tensors agree in shape, in kind of number (whole, floating, complex, truth
    values) and in values. Floating numbers agree to a relative error of 1e-4.
    """
    if isinstance(expected, Tensor):
        return _tensor_difference(value, expected)
    if isinstance(expected, (list, tuple)):
        if not isinstance(value, (list, tuple)) or len(value) != len(expected):
            got = f"{len(value)} results" if isinstance(value, (list, tuple)) else _short(value)
            problem = "wrong number of results", f"returned {got}; expected {len(expected)}, in a tuple or list"
        else:
            problem = _first((f"result {n}", *pair) for n, pair in enumerate(zip(value, expected, strict=True), 1))
        if problem and _readable(value) and _readable(expected):
            return problem[0], f"returned {value!r}; expected {expected!r}"
        return problem
    if isinstance(expected, dict):
        if not isinstance(value, dict) or value.keys() != expected.keys():
            names = ", ".join(map(str, expected))
            return "other keys", f"returned {_short(value)}; expected a dictionary with the keys {names}"
        return _first((key, value[key], expected[key]) for key in expected)
    if _is_number(value) and _is_number(expected):
        equal = abs(value - expected) <= (1e-5 + 1e-4 * abs(expected) if isinstance(expected, float) else 0)
    else:
        equal = type(value) is type(expected) and value == expected
    name = "not a number" if _is_number(expected) and not isinstance(value, (int, float)) else "other values"
    return None if equal else (name, f"returned {_short(value)}; expected {_short(expected)}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _first(parts: Iterable[tuple[object, object, object]]) -> tuple[str, str] | None:
    """The first difference among (where, value, expected)."""
    problems = ((where, difference(value, expected)) for where, value, expected in parts)
    return next(((problem[0], f"{problem[1]} (in {where})") for where, problem in problems if problem), None)


def _readable(value: object) -> bool:
    """Whether a message can show the value in full: strings and integers, not too many."""
    if isinstance(value, (list, tuple)):
        return all(map(_readable, value)) and len(repr(value)) <= 80
    return isinstance(value, (int, str))


def _tensor_difference(value: object, expected: Tensor) -> tuple[str, str] | None:
    shape = tuple(expected.shape)
    if not isinstance(value, Tensor):
        return "not a tensor", f"returned {_short(value)}; expected a tensor of shape {shape}"
    if tuple(value.shape) != shape:
        return "wrong shape", f"returned shape {tuple(value.shape)}; expected {shape}"
    if _kind(value) != _kind(expected):
        return "wrong dtype", f"returned {value.dtype}; expected {_kind(expected)}"
    equal = torch.isclose(value.double(), expected.double(), rtol=1e-4, atol=1e-5, equal_nan=True)
    if bool(equal.all()):
        return None
    place = (~equal).nonzero()[0].tolist()
    a, b = value[tuple(place)].item(), expected[tuple(place)].item()
    numbers = f"{a:.4g}; expected {b:.4g}" if isinstance(b, float) else f"{a}; expected {b}"
    where = f"the right shape, {shape}, with other numbers: at {place} it has " if place else ""
    return "other values", f"returned {where}{numbers}"


def _kind(x: Tensor) -> str:
    if x.is_complex():
        return "complex numbers"
    return "booleans" if x.dtype == torch.bool else "floats" if x.is_floating_point() else "integers"


def _fits(mistake: Mistake, case: tuple, result: Mapping) -> bool | None:
    """Whether the answer did what the mistake does: returned the same, or an error where the mistake is impossible.

    None if the mistake is impossible in this case and the answer returned something.
    """
    try:
        made = mistake.makes(*case)
    except (RuntimeError, ValueError, IndexError, TypeError, ArithmeticError):
        return True if result["error"] else None
    return not result["error"] and difference(result["value"], made) is None


def _holds(value: object, law: Callable[[Tensor], bool]) -> bool:
    parts = value if isinstance(value, (list, tuple)) else [value]
    return bool(parts) and all(isinstance(part, Tensor) and law(part) for part in parts)


def without_lib(calls: Mapping[str, int]) -> tuple[str, str] | None:
    """The `method` of an exercise that forbids `lib`."""
    used = sorted(call for call in calls if call.startswith(LIB))
    return ("function of lib", f"{used[0].removeprefix(LIB)} did it for you; write it yourself.") if used else None


def by_name(name: str, hint: str) -> str:
    """A mistake's name and the hint, as the end of a message."""
    return f"{name[0].upper()}{name[1:]}: {hint}"


def given(case: tuple) -> str:
    """Arguments as a message shows them: small ones in full, others by their shape."""
    return ", ".join(map(_short, case))


def _short(value: object) -> str:
    if isinstance(value, Tensor) and value.is_floating_point() and value.ndim == 1 and len(value) <= 6:
        return f"tensor([{', '.join(f'{number:.4g}' for number in value.tolist())}])"
    if isinstance(value, Tensor):
        small = 0 < value.numel() <= 12 and not value.is_floating_point()
        return f"tensor({value.tolist()})" if small else f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple)) and any(isinstance(item, (Tensor, list, tuple, dict)) for item in value):
        shown = ", ".join(map(_short, value[:3])) + (f", ... ({len(value)} in all)" if len(value) > 3 else "")
        return f"[{shown}]" if isinstance(value, list) else f"({shown})"
    if isinstance(value, dict) and any(isinstance(item, (Tensor, list, tuple, dict)) for item in value.values()):
        return f"{{{', '.join(f'{key!r}: {_short(item)}' for key, item in value.items())}}}"
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 80 else f"{text[:60]} ... {text[-10:]}"


def numbers(draw: random.Random, *shape: int) -> Tensor:
    """Normally distributed floats of that shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(draw.getrandbits(32)))


def ids(draw: random.Random, size: int, *shape: int) -> Tensor:
    """Whole numbers from 0 to size - 1, of that shape."""
    return torch.randint(size, shape, generator=torch.Generator().manual_seed(draw.getrandbits(32)))


def listed(answer: Callable, *case: object) -> object:
    """A probe: in the result, tensors and arrays of NumPy become numbers or lists of numbers."""

    def convert(value: object) -> object:
        if isinstance(value, (list, tuple)):
            return [convert(item) for item in value]
        return value.tolist() if hasattr(value, "tolist") else value

    return convert(answer(*case))


@dataclass(frozen=True, repr=False)
class Question:
    """A value to predict.

    right: the value, or a function from the student's numbers to it. mistakes: wrong values. others: from the numbers to
    more wrong values, without names, which must not be right by chance.
    """

    right: object
    hint: str
    mistakes: Sequence[Mistake] = ()
    others: Callable[[dict], Sequence[object]] = lambda mine: ()


@dataclass(frozen=True, repr=False)
class Predict(_Exercise):
    """An exercise whose answer is a dictionary of predictions, or a function that returns it.

    answer: its name in the notebook, a function of the student's numbers. draw: maps a random generator to these numbers,
    a dictionary. questions: by name. A prediction may be an integer, a shape, a string, or a float, which is accepted
    within 0.006.
    """

    answer: str
    draw: Callable[[random.Random], dict[str, object]]
    questions: Mapping[str, Question]

    @staticmethod
    def probe(answer: Callable, mine: dict[str, object]) -> object:
        """Call the answer on the student's numbers."""
        return answer(mine)

    def numbers_of(self, student: str) -> dict[str, object]:
        """The numbers of a student, the same at every call."""
        return self.draw(random.Random(f"{student} {self.answer} {' '.join(self.questions)}"))

    def cases(self, seed: str | None, student: str = "") -> list[tuple]:
        """One case, the student's numbers for any seed; none without a name."""
        return [(self.numbers_of(student),)] if student else []

    def judge(self, cases: Sequence[tuple], results: Sequence[Mapping]) -> Verdict:
        """The verdict on the predictions; it never gives the right value."""
        if not cases:
            return wrong(NOT_DONE, "Write your name or student number into the cell above, then run both cells again.")
        if results[0]["error"]:
            return wrong("error", f"{self.answer} raised {results[0]['error']}")
        predicted, names, lines = results[0]["value"], [], []
        if predicted is not None and not isinstance(predicted, dict):
            return wrong("not a dictionary", f"{self.answer} returned {predicted!r}; expected a dictionary.")
        missing = [question for question in self.questions if (predicted or {}).get(question) is None]
        if missing:
            return wrong(NOT_DONE, f"Still open: {', '.join(missing)}.")
        for name, question in self.questions.items():
            if problem := _misprediction(name, question, predicted[name], cases[0][0]):
                names.append(problem[0])
                lines.append(f"{name}: you predicted {predicted[name]!r}. {problem[1]}")
        total = len(self.questions)
        if names:
            return wrong(names[0], f"{total - len(names)} of {total} are right. {' '.join(lines)}")
        return right(f"All {total} predictions are right.")


def _misprediction(name: str, question: Question, predicted: object, mine: dict) -> tuple[str, str] | None:
    """The mistake's name and a hint; None if the prediction is right."""
    value = lambda rule: rule(mine) if callable(rule) else rule
    if _agree(predicted, value(question.right)):
        return None
    for mistake in question.mistakes:
        if _agree(predicted, value(mistake.makes)):
            return mistake.name, by_name(mistake.name, mistake.hint)
    kinds = ["shape" if isinstance(x, (list, tuple)) else "number" for x in (predicted, value(question.right))]
    if kinds[0] != kinds[1] and not isinstance(value(question.right), str):
        return f"{kinds[0]} instead of {kinds[1]}", f"This question asks for a {kinds[1]}."
    return f"another value for {name}", question.hint


def _untensored(value: object) -> object:
    """A prediction without tensors: of one element, the number."""
    if isinstance(value, Tensor):
        return value.item() if value.numel() == 1 else value.tolist()
    return tuple(map(_untensored, value)) if isinstance(value, (list, tuple)) else value


def _agree(predicted: object, expected: object) -> bool:
    predicted = _untensored(predicted)
    if isinstance(expected, str) and isinstance(predicted, str):
        return predicted.strip().lower() == expected.lower()
    if isinstance(expected, tuple):
        return predicted == expected
    if isinstance(expected, float):
        return isinstance(predicted, (int, float)) and abs(predicted - expected) < 0.006
    return isinstance(predicted, (int, float)) and not isinstance(predicted, bool) and predicted == expected


Exercise = Implement | Predict


def collect(exercise: Exercise, answer: object, cases: Sequence[tuple]) -> list[dict[str, object]]:
    """Call an answer on copies of the cases.

    Returns:
        For each case, as plain data: value; error, its type and text, or ""; after, the arguments after the call; and
        calls, from the names of torch's functions to how often each was called, and of lib's modules that ran, after LIB.
    """
    results = []
    for case in cases:
        arguments, value, error = copy.deepcopy(case), None, ""
        states, before = _random_states(), _settings()
        # nbgrader gives no points to a cell that writes to stderr, and a warning is no mistake.
        with _Calls() as calls, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = exercise.probe(answer, *arguments)
            except NotImplementedError:
                pass
            except (Exception, SystemExit) as problem:
                error = f"{type(problem).__name__}: {problem}"
        now = _settings()
        for name, (setting, restore) in before.items():
            if now[name][0] != setting:
                calls.counts[f"{LEFT}{name} is another"] += 1
                restore(setting)
        for restore, state in states:
            restore(state)
        if any(tensor.requires_grad for tensor in _tensors(arguments)):
            calls.counts[f"{LEFT}a tensor that it was given requires a gradient"] += 1
        for net, state in calls.nets:
            if difference(_state(net), state):
                calls.counts[f"{LEFT}the net is another: its parameters, statistics or settings"] += 1
        after = plain(arguments)
        results.append({"value": plain(value), "error": error, "after": after, "calls": dict(calls.counts)})
    return results


def plain(value: object) -> object:
    """A copy of tensors, numbers, strings, lists, tuples and dictionaries; of other objects a string with their type."""
    if isinstance(value, Tensor):
        value = value.detach() if value.layout is torch.strided else value.detach().to_dense()
        return value.as_subclass(Tensor).clone()
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    for kind in (list, tuple):
        if isinstance(value, kind):
            return kind([plain(item) for item in value])
    if isinstance(value, Real) and not isinstance(value, float) and abs(value) > 1e300:  # would not fit into a float
        return math.inf if value > 0 else -math.inf
    for kind, make in ((bool, bool), (Integral, int), (Real, float), (str, str)):
        if isinstance(value, kind):
            return make(value)
    return None if value is None or value is ... else f"<{type(value).__name__}>"


def watched(net: nn.Module) -> nn.Module:
    """The net; if a check is running, the net has to be as it is now when the answer has returned."""
    if _Calls.running:
        _Calls.running[-1].nets.append((net, _state(net)))
    return net


def note(name: str) -> None:
    """For a probe: count this among the calls of torch's functions."""
    if _Calls.running:
        _Calls.running[-1].counts[name] += 1


def _settings() -> dict[str, tuple[object, Callable]]:
    """What holds for the whole program: the value, and what restores it."""
    printing = torch._tensor_str.PRINT_OPTS
    shown = {name: getattr(printing, name) for name in ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")}
    restored = lambda state: None  # by `_random_states`
    settings = {"Python's random seed": (random.getstate()[1][:-1], restored)}
    if numpy := sys.modules.get("numpy"):
        settings["NumPy's random seed"] = numpy.random.get_state()[1].tolist(), restored
    if plotting := sys.modules.get("matplotlib"):
        styles = {name: value for name, value in dict.items(plotting.rcParams) if name != "backend"}
        settings["matplotlib's style"] = styles, partial(dict.update, plotting.rcParams)
    return settings | {
        "the working directory": (os.getcwd(), os.chdir),
        "torch's default device": (torch.get_default_device(), torch.set_default_device),
        "torch's recording of gradients": (torch.is_grad_enabled(), torch.set_grad_enabled),
        "torch's default dtype": (torch.get_default_dtype(), torch.set_default_dtype),
        "torch's search for anomalies": (torch.is_anomaly_enabled(), torch.autograd.set_detect_anomaly),
        "torch's choice of algorithms": (
            torch.are_deterministic_algorithms_enabled(),
            torch.use_deterministic_algorithms,
        ),
        "torch's number of threads": (torch.get_num_threads(), torch.set_num_threads),
        "torch's way to print": (shown, lambda shown: torch.set_printoptions(**shown)),
        "torch's random seed": (torch.initial_seed(), restored),
    }


def _random_states() -> list[tuple[Callable, object]]:
    """What restores the global generators, each with its state; they go on from a seed that no answer sets."""
    states = [(torch.set_rng_state, torch.get_rng_state()), (random.setstate, random.getstate())]
    torch.manual_seed(987_654_321)
    random.seed(987_654_321)
    random.random()  # the words of the state change with the first number, and then not for long
    if numpy := sys.modules.get("numpy"):
        states.append((numpy.random.set_state, numpy.random.get_state()))
        numpy.random.seed(987_654_321)
        numpy.random.random()
    return states


def _state(net: nn.Module) -> dict[str, object]:
    """What an answer has to leave as it is, except for the mode and the number of batches seen."""
    state = {key: value for key, value in net.state_dict().items() if not key.endswith("num_batches_tracked")}
    state |= {f"{key} learns": parameter.requires_grad for key, parameter in net.named_parameters()}
    for name, module in net.named_modules():
        state |= {f"{name} {k}": v for k, v in vars(module).items() if isinstance(v, (int, float)) and k != "training"}
    return plain(state)


def _tensors(value: object) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


class _Calls(TorchFunctionMode):
    """Counts the calls of torch's functions while it is active, and keeps the nets that are watched."""

    running: ClassVar[list["_Calls"]] = []

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.modules: set[object] = set()
        self.nets: list[tuple[nn.Module, dict]] = []

    def __enter__(self) -> "_Calls":
        self.running.append(self)
        modules, self.watches = self.modules, sys.gettrace() is None  # a debugger's trace goes on
        if self.watches:
            # A lambda, which jaxtyping lets alone: it runs at every call of anything.
            sys.settrace(lambda frame, *event: modules.add(frame.f_globals.get("__name__")))
        return super().__enter__()

    def __exit__(self, *problem: object) -> None:
        if self.watches:
            sys.settrace(None)
        ran = {str(module) for module in self.modules}
        self.counts.update(LIB + one for one in ran if one.startswith("lib.") and not one.startswith("lib.checks"))
        self.running.remove(self)
        super().__exit__(*problem)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.counts[getattr(function, "__name__", str(function))] += 1
        if "ignore_index" in (kwargs or {}) and len(args) > 1 and bool((args[1] == kwargs["ignore_index"]).any()):
            self.counts[IGNORED] += 1
        return function(*args, **(kwargs or {}))
