"""Checks of lesson 05: softmax, sampling, temperature."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lib.checks.exercise import Verdict, check_tensor, describe, right, run, wrong

_SOFTMAXES = (
    (lambda x: x, "returned its input", "Those are the logits themselves, unchanged."),
    (lambda x: x.softmax(0), "softmax over dim 0", "The columns sum to 1: sum over dim=1, along each row."),
    (lambda x: x.flatten().softmax(0).view(x.shape), "softmax over everything", "All rows together sum to 1: each row should. Sum over dim=1."),
    (lambda x: x.exp() / x.exp().sum(1), "keepdim forgotten", "Element (i, j) was divided by the sum of row j: pass keepdim=True, so that the sums stay a column."),
    (lambda x: (x - x.max(1, keepdim=True).values).exp() / (x - x.max(1, keepdim=True).values).exp().sum(1), "keepdim forgotten", "Element (i, j) was divided by the sum of row j: pass keepdim=True, so that the sums stay a column."),
    (lambda x: (x - x.max(1).values).softmax(1), "keepdim forgotten in the maximum", "Row j's maximum was subtracted from column j: pass keepdim=True to max as well."),
    (lambda x: (x - x.max(0).values).softmax(1), "maximum over dim 0", "Each column lost a maximum of its own, which changes the rows: take the maximum over dim=1."),
    (lambda x: x.log_softmax(1), "log-probabilities", "Those are the logarithms of the probabilities: leave the log out."),
    (lambda x: x.exp(), "not divided", "Exponentiated and not divided: divide each row by its sum."),
    (lambda x: (x - x.max(1, keepdim=True).values).exp(), "not divided", "Exponentiated and not divided: divide each row by its sum."),
    (lambda x: x / x.sum(1, keepdim=True), "forgot exp", "The logits were divided by their sum: exponentiate them first."),
    (lambda x: (x - x.max(1, keepdim=True).values) / (x - x.max(1, keepdim=True).values).sum(1, keepdim=True), "forgot exp", "The logits were divided by their sum: exponentiate them first."),
    (lambda x: torch.eye(x.shape[1])[x.argmax(1)], "argmax", "Everything went to the largest logit of each row: the others have a share, too."),
    (lambda x: x.sigmoid(), "sigmoid", "That is the sigmoid of each logit on its own: a row's probabilities share one sum."),
    (lambda x: (-x).softmax(1), "sign turned round", "The largest logit got the smallest probability: leave out the minus sign."),
    (lambda x: torch.full_like(x, 1 / x.shape[1]), "all the same", "Every class got the same probability, whatever its logit."),
    (lambda x: torch.zeros_like(x), "all zeros", "Everything is zero."),
)  # fmt: skip


def _first_mistake(choices: Sequence[tuple], result: Tensor, *arguments: object) -> tuple[str, str] | None:
    """Name and hint of the first choice that gives what came back; None if none does."""
    for function, name, hint in choices:
        if torch.allclose(
            result.to(torch.float32), function(*arguments).to(torch.float32), rtol=1e-4, atol=1e-6, equal_nan=True
        ):
            return name, hint
    return None


def softmax(function: Callable) -> Verdict:
    """Lesson 05, exercise 1: logits (B, V), however large, to probabilities whose rows sum to 1."""
    small = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [-2.0, 1.0, 0.25]])
    sizes = {
        "": small,
        "of another shape": torch.tensor([[0.0, 2.0, -1.0, 0.5]]),
        "near 1,000": small + 1000,
        "near -1,000": small - 1000,
    }
    sizes["near 1,000 in one row and near 0 in the next"] = small + torch.tensor([[1000.0], [0.0], [-500.0]])
    for what, logits in sizes.items():
        result, problem = run(function, logits)
        problem = problem or check_tensor("my_softmax", result, logits.shape, "one probability for each logit.")
        if problem and logits.shape != small.shape and problem.mistake in ("error", "wrong shape"):
            return wrong(
                "hard-coded shape",
                f"{problem.message} An earlier shape passed: is a size written into your code as a number?",
            )
        if problem:
            return problem
        wanted = logits.softmax(1)
        if torch.allclose(result.to(torch.float32), wanted, rtol=1e-4, atol=1e-6):
            continue
        given = f"Given logits {what} of shape {tuple(logits.shape)}, row 0 came back as {_rounded(result[0])}; wanted {_rounded(wanted[0])}. "
        if not what.startswith("near"):
            name, hint = _first_mistake(_SOFTMAXES, result, logits) or (
                "other values",
                "Work row 0 out by hand: exponentiate, add up, divide.",
            )
            if logits.shape != small.shape and name == "other values":
                name, hint = (
                    "hard-coded shape",
                    "An earlier shape passed: is a size written into your code as a number?",
                )
            return wrong(name, given + hint)
        if what.startswith("near 1,000 in"):
            given = f"Given logits {what}, the rows came back with sums {_rounded(result.sum(1))}; wanted 1 for each. "
            return wrong(
                "one maximum for all rows",
                given + "Subtract from each row its own maximum, over dim=1, not the largest of all logits.",
            )
        if bool(result.isfinite().all()):
            return wrong(
                "wrong for large logits",
                f"{given}For small logits yours is right: what happens to large ones on the way?",
            )
        why = (
            "exp(1000) is too large for a float"
            if what == "near 1,000"
            else "exp(-1000) is rounded to 0, and 0/0 is no number"
        )
        return wrong(
            "no maximum subtracted",
            f"{given}{why[0].upper()}{why[1:]}. Subtract each row's maximum first: that changes no probability.",
        )
    return right("Each row sums to 1, for two shapes and for logits near 1,000 and -1,000, too.")


def _rounded(numbers: Tensor) -> str:
    return "[" + ", ".join(f"{number:.2f}" for number in numbers.flatten().tolist()) + "]"


_DRAWS = (
    (lambda p, u: int(p.argmax()), "argmax", "It is always the likeliest, whatever u is: sampling takes the others, too, each as often as its probability says."),
    (lambda p, u: int((u >= p.cumsum(0)).sum()) + 1, "off by one", "Every index is one too large: the first place has number 0."),
    (lambda p, u: min(int((u >= p.cumsum(0)).sum()) + 1, len(p) - 1), "off by one", "Every index is one too large: the first place has number 0."),
    (lambda p, u: int((u >= p.cumsum(0)).sum()) - 1, "off by one", "Every index is one too small: return the place whose cumulative sum is the first above u."),
    (lambda p, u: max(int((u >= p.cumsum(0)).sum()) - 1, 0), "off by one", "Every index is one too small: return the place whose cumulative sum is the first above u."),
    (lambda p, u: int(u * len(p)), "probabilities ignored", "All places have equal shares of the interval: each should have its probability."),
    (lambda p, u: int((1 - u >= p.cumsum(0)).sum()), "reversed", "You measure u from the other end: the first place has the interval that begins at 0."),
    (lambda p, u: len(p) - 1 - int((u >= p.flip(0).cumsum(0)).sum()), "reversed", "You add up from the other end: the first place has the interval that begins at 0."),
    (lambda p, u: int((u >= p.flip(0).cumsum(0)).sum()), "reversed", "The probabilities were turned round: add up from the first place on."),
    (lambda p, u: int((p > u).nonzero()[0]) if (p > u).any() else 0, "no cumulative sum", "You compare u with the single probabilities: compare it with their cumulative sum."),
    (lambda p, u: int((p > u).nonzero()[0]) if (p > u).any() else len(p) - 1, "no cumulative sum", "You compare u with the single probabilities: compare it with their cumulative sum."),
    (lambda p, u: int((p > u).to(torch.uint8).argmax()), "no cumulative sum", "You compare u with the single probabilities: compare it with their cumulative sum."),
    (lambda p, u: int((u >= p).sum()), "no cumulative sum", "You compare u with the single probabilities: compare it with their cumulative sum."),
    (lambda p, u: int((p - u).abs().argmin()), "nearest probability", "You return the probability nearest to u: compare u with the cumulative sum."),
    (lambda p, u: int((p.cumsum(0) - u).abs().argmin()), "nearest sum", "You return the nearest cumulative sum: return the first that is greater than u."),
    (lambda p, u: int((u > p.cumsum(0)).sum()), "first sum not below u", "Where u equals a cumulative sum, the next place was wanted: with u = 0 yours can draw a letter of probability 0."),
)  # fmt: skip


def sample(function: Callable) -> Verdict:
    """Lesson 05, exercise 2: one row of probabilities and a uniform number u, to the index whose interval holds u."""
    rows = [
        torch.tensor([0.25, 0.5, 0.125, 0.125]),
        torch.tensor([0.125, 0.25, 0.5, 0.0, 0.125]),
        torch.tensor([0.0, 0.75, 0.25]),
    ]
    trials = [(row, (i + 0.5) / 32) for row in rows for i in range(32)] + [
        (row, u) for row in rows for u in (0.0, 0.25, 0.75, 0.875)
    ]
    answers = []
    for probs, u in trials:
        result, problem = run(function, probs, u)
        if problem:
            return problem
        if isinstance(result, Tensor) and result.numel() == 1:
            result = result.item()
        if isinstance(result, bool) or not isinstance(result, int):
            kind = describe(result) if isinstance(result, Tensor) else type(result).__name__
            return wrong(
                "not an index", f"my_sample returned {kind}; one whole number was wanted, the index of a place."
            )
        answers.append(result)
    if [int(function(*trial)) for trial in trials[:32]] != answers[:32]:
        return wrong(
            "random numbers of its own",
            "The same u gave two different answers: take the u that is given, and draw nothing yourself.",
        )
    wanted = [int((u >= probs.cumsum(0)).sum()) for probs, u in trials]
    if answers == wanted:
        return right("Every place has an interval as wide as its probability, for 108 pairs of probabilities and u.")
    (probs, u), answer, best = next(
        trial for trial in zip(trials, answers, wanted, strict=True) if trial[1] != trial[2]
    )
    given = f"Given probs {probs.tolist()} and u = {u}, my_sample returned {answer}; wanted {best}. "
    for draw, name, hint in _DRAWS:
        if answers == [draw(*trial) for trial in trials]:
            return wrong(name, given + hint)
    if all(len(set(answers[start : start + 32])) == 1 for start in (0, 32, 64)):
        return wrong("ignores u", given + "The answer is the same for every u.")
    return wrong(
        "another index",
        f"{given}The cumulative sums are {probs.cumsum(0).tolist()}: which is the first that is greater than u?",
    )


_TEMPERATURES = (
    (lambda x, t: x.softmax(1), "temperature ignored", "That is the softmax at temperature 1 (adding or subtracting the temperature changes nothing): divide the logits by it."),
    (lambda x, t: (x * t).softmax(1), "multiplied", "The logits were multiplied by the temperature: divide by it."),
    (lambda x, t: x.softmax(1) / t, "probabilities divided", "The probabilities were divided, so that a row no longer sums to 1: divide the logits, then take the softmax."),
    (lambda x, t: x.softmax(1) * t, "probabilities multiplied", "The probabilities were multiplied, so that a row no longer sums to 1: divide the logits, then take the softmax."),
    (lambda x, t: x.softmax(1) ** (1 / t), "not renormalised", "The right powers of the probabilities, but a row no longer sums to 1: divide the logits, then take the softmax."),
    (lambda x, t: (x.softmax(1) / t).softmax(1), "softmax twice", "The softmax was taken twice: divide the logits, not the probabilities, then take it once."),
    (lambda x, t: (x / t).softmax(1).softmax(1), "softmax twice", "The softmax was taken twice: once is enough."),
    (lambda x, t: (x / t).softmax(0), "softmax over dim 0", "The columns sum to 1: take the softmax over dim=1."),
    (lambda x, t: (x / t).flatten().softmax(0).view(x.shape), "softmax over everything", "All rows together sum to 1: each row should."),
    (lambda x, t: x / t, "no softmax", "Those are the divided logits: take the softmax of them."),
    (lambda x, t: (x / t).exp(), "not divided by the sum", "Exponentiated and not divided by the row's sum."),
    (lambda x, t: (x / t).log_softmax(1), "log-probabilities", "Those are the logarithms of the probabilities: leave the log out."),
    (lambda x, t: (x / t**2).softmax(1), "divided twice", "The logits were divided by the temperature twice."),
    (lambda x, t: (x / t**0.5).softmax(1), "divided by the root", "The logits were divided by the root of the temperature: divide by the temperature itself."),
    (lambda x, t: (x // t).softmax(1), "whole-number division", "`//` cuts the fractions off: use `/`."),
    (lambda x, t: torch.eye(x.shape[1])[x.argmax(1)], "argmax", "Everything went to the largest logit: that is temperature 0 only."),
    (lambda x, t: (x / 2).softmax(1), "temperature of its own", "The temperature was 2 whatever was given: use the argument."),
    (lambda x, t: (x / 0.5).softmax(1), "temperature of its own", "The temperature was 0.5 whatever was given: use the argument."),
    (lambda x, t: torch.zeros_like(x), "all zeros", "Everything is zero."),
)  # fmt: skip


def temperature(function: Callable) -> Verdict:
    """Lesson 05, exercise 3: logits (B, V) and a temperature above 0, to probabilities whose rows sum to 1."""
    logits = torch.tensor([[0.5, -1.0, 2.25], [1.5, 0.0, -0.75]])
    wider = torch.tensor([[5.0, 4.0, -3.0, 0.0], [-5.0, 1.0, 0.5, 0.0], [2.0, 2.0, 1.0, -1.0]])
    for given_logits, t in ((logits, 5.0), (logits, 0.25), (wider, 3.0), (logits, 1.0), (wider, 0.01)):
        result, problem = run(function, given_logits, t)
        problem = problem or check_tensor(
            "my_temperature", result, given_logits.shape, "one probability for each logit."
        )
        if problem and given_logits is wider and problem.mistake in ("error", "wrong shape"):
            return wrong(
                "hard-coded shape",
                f"{problem.message} An earlier shape passed: is a size written into your code as a number?",
            )
        if problem:
            return problem
        wanted = (given_logits / t).softmax(1)
        if torch.allclose(result.to(torch.float32), wanted, rtol=1e-4, atol=1e-6):
            continue
        given = f"Given logits of shape {tuple(given_logits.shape)} and temperature {t}, row 0 came back as {_rounded(result[0])}; wanted {_rounded(wanted[0])}. "
        if t == 0.01 and not bool(result.isfinite().all()):
            return wrong(
                "overflow at a low temperature",
                given
                + "Divided by 0.01, a logit of 5 becomes 500, too large for exp: use F.softmax, or subtract each row's maximum first.",
            )
        name, hint = _first_mistake(_TEMPERATURES, result, given_logits, t) or (
            "other values",
            "Work row 0 out by hand: divide the logits, exponentiate, divide by the sum.",
        )
        return wrong(name, given + hint)
    return right("Each row sums to 1, at five temperatures from 0.01 to 5; at 1 it is the plain softmax.")
