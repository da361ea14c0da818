"""Checks of a reader's answers: what was given, what came back, what was wanted, and the likely mistake by name."""

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


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
        return f"{'Right.' if self.right else 'Not done yet.' if self.mistake == 'not done' else 'Not right yet.'} {self.message}"

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


def one_hot(function: Callable) -> Verdict:
    """Lesson 01, exercise 1: ids of any shape and a size, to floats with one more dimension."""
    for ids, size in ((torch.tensor([2, 0, 3]), 5), (torch.tensor([[1, 4], [0, 2]]), 6), (torch.tensor([[0]]), 1)):
        result, problem = run(function, ids, size)
        wanted = torch.eye(size)[ids]
        given = f"Given ids {ids.tolist()} and size {size}, "
        if problem or (
            problem := check_tensor("my_one_hot", result, wanted.shape, f"the ids' own shape {tuple(ids.shape)} and {size} places.")
        ):
            return problem
        if not result.is_floating_point():
            return wrong("not floats", f"{given}my_one_hot returned {result.dtype}; a net multiplies floats: add .float().")
        if not torch.equal(result.float(), wanted):
            sums = result.sum(-1)
            if bool((sums == 0).all()):
                return wrong("all zeros", f"{given}every row is all zeros; a 1 was wanted at the place of each id.")
            if not torch.equal(sums.float(), torch.ones_like(sums.float())):
                return wrong("not one 1 a row", f"{given}the rows sum to {sums.flatten().tolist()}; each should hold a single 1.")
            places = result.argmax(-1).tolist()
            return wrong("1 at another place", f"{given}the ones stand at {places}; wanted {ids.tolist()}: the first place is number 0.")
    return right("my_one_hot gave the right tensor for ids of three shapes.")


def windows(function: Callable) -> Verdict:
    """Lesson 01, exercise 2: the ids of one name and a context, to the list of its windows."""
    for ids, context in (([3, 1, 2], 4), ([5, 6, 7, 8, 9, 1], 3), ([4], 2), ([1, 2, 3, 4], 8)):
        result, problem = run(function, ids, context)
        if problem:
            return problem
        try:
            result = [list(map(int, window)) for window in result]
        except TypeError:
            return wrong("not windows", f"my_windows returned {result!r}; a list of windows was wanted, each a list of {context} ids.")
        padded = [0] * context + ids
        wanted = [padded[i : i + context] for i in range(len(ids) + 1)]
        if result == wanted:
            continue
        given = f"Given ids {ids} and context {context}, my_windows returned {result}; wanted {wanted}. "
        if result == wanted[:-1]:
            return wrong("last window missing", given + "The last window, whose target is the stop mark, is missing.")
        if result == wanted[1:]:
            return wrong("first window missing", given + "The first window, all padding, is missing: it predicts the first letter.")
        if len(result) > len(wanted):
            return wrong("too many windows", given + "A name of n letters has n + 1 windows: does yours go on after the stop mark?")
        if any(len(window) != context for window in result):
            return wrong("wrong length", given + f"Every window needs {context} ids: put stop marks, id 0, before the first letter.")
        if result == [window[::-1] for window in wanted]:
            return wrong("reversed", given + "Your windows run backwards: the newest letter belongs at the right end.")
        after = [[*ids, *[0] * context][i : i + context] for i in range(len(ids) + 1)]
        if result in (after, [window[-context:] for window in after]):
            return wrong("padding behind", given + "Your padding stands after the letters; it belongs before them.")
        if len(result) == len(wanted) and all(a[:-1] == b[1:] for a, b in zip(result, wanted, strict=True)):
            return wrong("target inside", given + "Your windows already hold the letter that is to be predicted: shift them by one.")
        return wrong("other windows", given + "Compare the first window that differs, letter by letter.")
    return right("my_windows gave the right windows for names of 1, 3, 4 and 6 letters.")


def _numbered(B: int, T: int, C: int) -> Tensor:
    """(B, T, C) floats that are all different, so that no mix-up can hide."""
    return torch.arange(float(B * T * C)).view(B, T, C)


def flatten(function: Callable) -> Verdict:
    """Lesson 02, exercise 1: (B, T, C) and n, to (B, T/n, n*C), or (B, n*C) when one time step is left."""
    for shape, n in (((3, 8, 5), 2), ((2, 6, 2), 3), ((4, 2, 3), 2), ((1, 4, 3), 2), ((1, 4, 3), 4), ((2, 3, 4), 1)):
        x = _numbered(*shape)
        result, problem = run(function, x, n)
        B, T, C = shape
        grouped = x.view(B, T // n, n * C)
        wanted = grouped.squeeze(1) if T == n else grouped
        given = f"Given a tensor of shape {shape} and n = {n}, "
        if problem:
            return problem
        if isinstance(result, Tensor) and result.shape != wanted.shape:
            if result.shape == grouped.shape:
                return wrong("time step of 1 kept", f"{given}my_flatten returned {tuple(result.shape)}: one time step is left, so drop dimension 1.")
            if result.shape == grouped.squeeze().shape:
                return wrong(
                    "squeeze() without a dimension",
                    f"{given}my_flatten returned {tuple(result.shape)}; wanted {tuple(wanted.shape)}. A batch of one lost its batch "
                    "dimension: squeeze() drops every dimension of size 1, squeeze(1) only the time steps.",
                )
            if result.shape == (B, T * C):
                return wrong("flattened at once", f"{given}my_flatten returned {tuple(result.shape)}: everything at once; put only n neighbours together.")
        if problem := check_tensor("my_flatten", result, wanted.shape, f"T/n = {T // n} time steps of n*C = {n * C} channels."):
            return problem
        if not torch.equal(result, wanted):
            strided = torch.cat([x[:, i * (T // n) : (i + 1) * (T // n)] for i in range(n)], dim=2)
            if torch.equal(result, strided.view(wanted.shape)):
                return wrong("strided pairs", f"{given}time step 0 stands beside time step {T // n}; its neighbour, time step 1, was wanted.")
            by_channel = x.view(B, T // n, n, C).transpose(2, 3).reshape(wanted.shape)
            if torch.equal(result, by_channel):
                return wrong("channels interleaved", f"{given}the right neighbours meet, but their channels are shuffled into each other.")
            if torch.equal(result, x.transpose(1, 2).reshape(wanted.shape)):
                return wrong("time and channels swapped", f"{given}the numbers run over time first; the channels of one time step belong together.")
            if not result.any():
                return wrong("all zeros", f"{given}everything is zero; the numbers of the input were wanted in the new shape.")
            return wrong("other numbers", f"{given}the shape is right and the numbers are not: compare row 0 with the first {n} time steps.")
        turned = x.transpose(0, 1).contiguous().transpose(0, 1)
        result, problem = run(function, turned, n)
        if problem and problem.mistake == "error":
            return wrong("needs contiguous input", f"Given a tensor that is not contiguous, {problem.message} Use reshape instead of view.")
        if problem or not torch.equal(result, wanted):
            return wrong("needs contiguous input", "Given a tensor that is not contiguous, my_flatten returned other numbers.")
    return right("my_flatten put the right neighbours side by side for six shapes, contiguous or not.")


SHAPES = {
    "FlattenConsecutive(2) on (32, 8, 10)": ((32, 4, 20), "T is halved, C doubled."),
    "FlattenConsecutive(4) on (32, 4, 128)": ((32, 512), "one time step is left, so its dimension goes."),
    "FlattenConsecutive(2) on (1, 2, 24)": ((1, 48), "only the time dimension goes; the batch of one stays."),
    "FlattenConsecutive(3) on (32, 8, 10)": ("error", "3 does not divide 8 time steps."),
    "FlattenConsecutive(2) on (32, 80)": ("error", "a 2-D tensor has no time dimension."),
}


def shapes(answers: dict[str, object]) -> Verdict:
    """Lesson 02, exercise 2: the predicted shapes, or "error"."""
    return _predictions(answers, SHAPES)


def _predictions(answers: dict[str, object], wanted: dict[str, tuple[object, str]]) -> Verdict:
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


def unflatten(function: Callable) -> Verdict:
    """Lesson 02, exercise 3: (B, T/n, n*C) and n, back to (B, T, C)."""
    for shape, n in (((3, 8, 5), 2), ((2, 6, 2), 3), ((1, 4, 3), 2), ((2, 3, 4), 1)):
        x = _numbered(*shape)
        B, T, C = shape
        y = x.view(B, T // n, n * C)
        result, problem = run(function, y, n)
        problem = problem or check_tensor("my_unflatten", result, shape, f"{T // n} groups of {n} time steps, {C} channels each.")
        if problem:
            return problem
        if not torch.equal(result, x):
            given = f"Given a tensor of shape {tuple(y.shape)} and n = {n}, "
            if torch.equal(result, torch.cat(y.split(C, dim=2), dim=1)):
                return wrong("strided pairs", f"{given}the first members of all groups come first; the members of one group belong together.")
            return wrong("other numbers", f"{given}the shape is right and the order of the numbers is not.")
    return right("my_unflatten undid the stage for four shapes.")


def _uneven(*shape: int) -> Tensor:
    """Numbers whose mean and spread differ from channel to channel and from time step to time step."""
    channels = torch.arange(1.0, shape[-1] + 1)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * channels + 2 * channels
    return x + 1.5 * torch.arange(shape[1])[:, None] if len(shape) == 3 else x


# Lesson 03: what an answer may do instead of the right thing (always the first of each list), its name, and a hint.
_DIMS_2D = (
    (0, "", ""),
    (-1, "last dimension", "You average over the last dimension, the channels (that is layer normalisation): average over dim 0."),
    ((0, 1), "all dimensions", "One mean serves all channels: average over dim 0 only, so that each channel keeps its own."),
)
_DIMS_3D = (
    ((0, 1), "", ""),
    (0, "dim 0 of a 3-D tensor", "Each time step has statistics of its own: average a 3-D tensor over dims (0, 1), not over dim 0."),
    (1, "dim 1", "Each example has statistics of its own: average a 3-D tensor over dims (0, 1), not over dim 1."),
    (-1, "last dimension", "You average over the last dimension, the channels (that is layer normalisation): average over dims (0, 1)."),
    ((0, 1, 2), "all dimensions", "One mean serves all channels: average over dims (0, 1) only, so that each channel keeps its own."),
    ((1, 2), "each example by itself", "Each example has one mean for all its numbers: average over dims (0, 1)."),
)
_VARIANCES = (
    (False, "", ""),
    (True, "unbiased variance", "You divide the squared distances by n - 1 (what x.var and x.std do by default): pass unbiased=False."),
)
_SCALES = (
    (lambda var, eps: torch.sqrt(var + eps), "", ""),
    (lambda var, eps: torch.sqrt(var), "no eps", "eps is not in it, or not the one that was given: divide by the root of (variance + eps)."),
    (lambda var, eps: torch.sqrt(var) + eps, "eps outside the root", "eps is added to the root: add it to the variance, then take the root."),
    (lambda var, eps: var + eps, "forgot the root", "You divide by the variance: take its square root first."),
    (lambda var, eps: var, "forgot the root", "You divide by the variance: add eps and take the square root first."),
    (lambda var, eps: torch.ones_like(var), "not divided", "You don't divide: after the mean is gone, divide by the root of (variance + eps)."),
)
_CENTRES = ((1, "", ""), (0, "mean not subtracted", "The mean is still in: subtract it before you divide."))


def _fewest_mistakes(choices: Sequence[Sequence[tuple]], matches: Callable[..., bool]) -> list[tuple[str, str]] | None:
    """The smallest set of mistakes (name, hint) whose combination gives what came back; None if no combination does."""
    for combination in sorted(itertools.product(*choices), key=lambda picked: sum(bool(name) for _, name, _ in picked)):
        if matches(*(option for option, _, _ in combination)):
            return [(name, hint) for _, name, hint in combination if name]
    return None


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.to(b), b, rtol=1e-3, atol=1e-4)


def normalise(function: Callable) -> Verdict:
    """Lesson 03, exercise 1: (B, C) or (B, T, C) and eps, to the same with mean 0 and biased variance 1 a channel."""
    eps = 0.1
    for trial, shape in enumerate(((6, 3), (4, 2, 3), (5, 4), (3, 5, 2))):
        x = _uneven(*shape)
        result, problem = run(function, x, eps)
        problem = problem or check_tensor("my_normalise", result, shape, "normalising changes the numbers, never the shape.")
        if problem and trial > 1 and problem.mistake in ("error", "wrong shape"):
            return wrong("hard-coded shape", f"{problem.message} An earlier shape passed: is a size written into your code as a number?")
        if problem:
            return problem
        dims = (0, 1) if x.ndim == 3 else 0
        var = x.var(dims, unbiased=False)
        if _close(result, (x - x.mean(dims)) / torch.sqrt(var + eps)):
            continue
        found = result.to(x)
        message = (
            f"Given {describe(x)} and eps={eps}, channel 0 came back with mean {found.mean(dims)[0]:.2f} and biased variance "
            f"{found.var(dims, unbiased=False)[0]:.2f}; wanted 0.00 and {(var / (var + eps))[0]:.2f} (1 but for eps). "
        )
        if torch.equal(found, x):
            return wrong("returned its input", message + "That is the tensor you were given, unchanged.")
        mistakes = _fewest_mistakes(
            (_DIMS_3D if x.ndim == 3 else _DIMS_2D, _VARIANCES, _SCALES, _CENTRES),
            lambda dim, unbiased, scale, centre, x=x, found=found: _close(
                found,
                (x - centre * x.mean(dim, keepdim=True)) / scale(x.var(dim, keepdim=True, unbiased=unbiased), eps),
            ),
        )
        if mistakes:
            return wrong(mistakes[0][0], message + " ".join(hint for _, hint in mistakes))
        if trial > 1:
            return wrong("hard-coded shape", message + "An earlier shape passed: is a size written into your code as a number?")
        return wrong("other values", message + "Print mean and variance of each channel, step by step, and compare.")
    return right("Mean 0 and biased variance 1 in every channel, for two shapes with time steps and two without.")


_COUNTS = {
    "a": ((1, 1, 100), "the shape of x.mean((0, 1), keepdim=True)", {
        (100,): ("keepdim forgotten", "keepdim=True leaves a 1 for each dimension that is averaged away."),
        (1, 4, 100): ("time not averaged", "dim 1, the time steps, is averaged away too."),
        (64, 4, 1): ("averaged the channels", "dims 0 and 1 are averaged away, dim 2 stays."),
    }),
    "b": (100, "how many means those are", {
        256: ("counted the values", "that is how many values go into each mean; there is one mean a channel."),
        400: ("time not averaged", "that would be one mean for each channel at each time step, the silent bug."),
        25600: ("counted everything", "that is how many numbers x has."),
        3: ("counted the dimensions", "count the numbers in the tensor of means: multiply the sizes of its shape."),
    }),
    "c": (256, "how many values go into each of them", {
        64: ("time forgotten", "every time step of every example counts: 64 times 4."),
        4: ("batch forgotten", "every example counts, with each of its time steps: 64 times 4."),
        100: ("counted the means", "that is the number of means; each is taken over batch and time, 64 times 4 values."),
        25600: ("counted everything", "that is how many numbers x has, and 100 channels share them."),
    }),
    "d": ((4, 100), "the shape of x.mean(0)", {
        (1, 4, 100): ("keepdim assumed", "without keepdim=True the dimension that is averaged away is gone."),
        (100,): ("time averaged too", "only dim 0 is averaged away; nothing asks for dim 1."),
        (64, 100): ("another dimension", "that is x.mean(1): dimensions are counted from 0."),
        (64, 4): ("averaged the channels", "that is x.mean(2): dim 0 is the batch."),
    }),
    "e": (64, "how many values go into each mean of x.mean(0)", {
        256: ("time averaged too", "only dim 0 is averaged away, and it has 64 values."),
        400: ("counted the means", "that is the number of means; each is taken over dim 0."),
        4: ("another dimension", "that is the size of dim 1: dimensions are counted from 0."),
    }),
    "f": ((1, 100, 1), "the shape of y.mean((0, 2), keepdim=True)", {
        (1, 1, 4): ("channels looked for last", "in PyTorch's layout the channels are dim 1, and they stay."),
        (1, 1, 100): ("channels looked for last", "keepdim=True leaves every dimension in its place, and 100 stands in the middle."),
        (100,): ("keepdim forgotten", "keepdim=True leaves a 1 for each dimension that is averaged away."),
        (1, 100, 4): ("time not averaged", "dim 2, the time steps in PyTorch's layout, is averaged away too."),
        (64, 1, 4): ("averaged the channels", "dims 0 and 2 are averaged away, dim 1 stays."),
    }),
}  # fmt: skip


def count_statistics(function: Callable) -> Verdict:
    """Lesson 03, exercise 2: predicted shapes and counts, a dictionary; x is (64, 4, 100), y is (64, 100, 4)."""
    answers, problem = run(function)
    if problem:
        return problem
    if not isinstance(answers, dict):
        return wrong("not a dictionary", f"my_answers returned {type(answers).__name__}; a dictionary with the keys a to f was wanted.")
    still_open = [key for key in _COUNTS if answers.get(key) in (None, ...)]
    if still_open:
        return wrong("not done", f"Still open: {', '.join(still_open)}. Put a shape such as (2, 3) or a number in place of the dots.")
    mistakes = []
    for key, (wanted, what, likely) in _COUNTS.items():
        answer = answers[key]
        answer = tuple(answer) if isinstance(answer, (list, tuple)) else answer
        if answer == wanted:
            continue
        if isinstance(answer, tuple) != isinstance(wanted, tuple):
            kind = ("shape", "number") if isinstance(answer, tuple) else ("number", "shape")
            name, hint = f"{kind[0]} instead of {kind[1]}", f"this asks for a {kind[1]}."
        else:
            name, hint = likely.get(answer, ("another value", "strike out the sizes that are averaged away, and look at what is left."))
        mistakes.append((name, f"{key}, {what}: you gave {answer}; {hint}"))
    if mistakes:
        return wrong(mistakes[0][0], f"{len(_COUNTS) - len(mistakes)} of {len(_COUNTS)} are right. " + " ".join(m for _, m in mistakes))
    return right(f"All {len(_COUNTS)} shapes and counts.")


_UPDATES = (
    (lambda old, new, m: (1 - m) * old + m * new, "", ""),
    (lambda old, new, m: m * old + (1 - m) * new, "momentum the wrong way round", "momentum is the share of the batch; the old value keeps 1 - momentum."),
    (lambda old, new, m: new, "old value forgotten", "You return the batch's statistics alone: the old value keeps a share of 1 - momentum."),
    (lambda old, new, m: old + m * new, "old value not reduced", "The old value keeps its full weight: multiply it by 1 - momentum, so that the shares add up to 1."),
    (lambda old, new, m: 0.9 * old + 0.1 * new, "momentum of its own", "The shares are 0.9 and 0.1 whatever was given: use the argument momentum."),
    (lambda old, new, m: old, "nothing moved", "You return what you were given: the batch has no share in it yet."),
)  # fmt: skip
_STORED = (
    (lambda x, dim: x.var(dim, unbiased=True), "", ""),
    (lambda x, dim: x.var(dim, unbiased=False), "biased variance", "You store the biased variance: the one that is stored divides by n - 1."),
    (lambda x, dim: x.std(dim), "standard deviation", "You store the standard deviation: leave the root out."),
    (lambda x, dim: x.std(dim, unbiased=False), "standard deviation", "You store the standard deviation, and the biased one: leave the root out, divide by n - 1."),
)  # fmt: skip


def update_running(function: Callable) -> Verdict:
    """Lesson 03, exercise 3: running mean and variance, x and momentum, to the new running mean and variance."""
    for shape, momentum in (((5, 3), 0.25), ((3, 4, 2), 0.25), ((6, 2, 5), 0.75)):
        x, C = _uneven(*shape), shape[-1]
        mean, var = torch.arange(1.0, C + 1), torch.arange(2.0, C + 2)
        dims = (0, 1) if x.ndim == 3 else 0
        wanted = torch.lerp(mean, x.mean(dims), momentum), torch.lerp(var, x.var(dims), momentum)
        result, problem = run(function, mean, var, x, momentum)
        if problem:
            return problem
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            return wrong("not two tensors", f"my_update returned {type(result).__name__}; the new mean and the new variance were wanted: return mean, variance.")
        given = f"Given {describe(x)} and momentum {momentum}, "
        for name, new in zip(("mean", "variance"), result, strict=True):
            problem = check_tensor("my_update", new, (C,), "one number a channel.")
            if problem is None:
                continue
            if isinstance(new, Tensor) and x.ndim == 3 and new.shape[-2:] == x.shape[1:]:
                return wrong("dim 0 of a 3-D tensor", f"{given}the {name} came back with shape {tuple(new.shape)}; wanted ({C},). Average over dims (0, 1): broadcasting has given each time step a statistic of its own.")
            if isinstance(new, Tensor) and new.numel() == C:
                return wrong("averaged dimensions kept", f"{given}the {name} came back with shape {tuple(new.shape)}; wanted ({C},). Leave keepdim out here, or flatten.")
            return problem
        if all(map(_close, result, wanted)):
            continue
        if all(map(_close, result, wanted[::-1])):
            return wrong("variance first", f"{given}the variance came first and the mean second; return mean, variance.")
        number = 0 if not _close(result[0], wanted[0]) else 1
        name, old, new, right_one = (("mean", mean), ("variance", var))[number] + (result[number], wanted[number])
        message = f"{given}the running {name} of channel 0 went from {old[0]:.2f} to {new[0]:.2f}; wanted {right_one[0]:.2f}. "
        batch = _STORED if number else ((lambda x, dim: x.mean(dim), "", ""),)
        mistakes = _fewest_mistakes(
            (_UPDATES, batch),
            lambda update, statistic, old=old, new=new, x=x, dims=dims, m=momentum: _close(new, update(old, statistic(x, dims), m)),
        )
        if mistakes:
            return wrong(mistakes[0][0], message + " ".join(hint for _, hint in mistakes))
        return wrong("other values", message + "Work one channel out by hand: (1 - momentum) times the old value, plus momentum times the batch's.")
    return right("Running mean and variance moved as torch moves them, for two momenta, with time steps and without.")
