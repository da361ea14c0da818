"""Checks of lesson 05: softmax, and a sampler to mend."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.checks.exercise import Implement, Mistake, composed, given, listed

_SMALL = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [-2.0, 1.0, 0.25]])


def _softmax(
    x: Tensor,
    total: Callable = lambda exponentials: exponentials.sum(1, keepdim=True),
    top: Callable = lambda x: x.max(1, keepdim=True).values,
) -> Tensor:
    exponentials = (x - top(x)).exp()
    return exponentials / total(exponentials)


def _shifted(x: Tensor) -> Tensor:
    return x - x.max(1, keepdim=True).values


_COLUMNS = "The columns sum to 1: sum over dim=1, along each row."
_EVERYTHING = "All rows together sum to 1: each row should. Sum over dim=1."
_EXP = "The logits are divided by their sum: exponentiate them first."
_LARGE = "For small logits yours is right: what happens to large ones on the way?"
_ARGMAX = "The largest logit of each row gets everything: the others have a share, too."

# Exercise 1: logits (B, V), however large, to probabilities whose rows sum to 1.
softmax = Implement(
    "my_softmax",
    [
        (_SMALL,),
        (torch.tensor([[0.0, 2.0, -1.0, 0.5]]),),
        (_SMALL + 1000,),
        (_SMALL - 1000,),
        (_SMALL + torch.tensor([[1000.0], [0.0], [-500.0]]),),
        (torch.tensor([[-1000.0, 1000.0, 0.0, 999.0], [0.0, -1000.0, 1.0, -999.0]]),),
    ],
    solution=_softmax,
    praise="Each row sums to 1, for rows of three and of four and for logits near 1,000 and -1,000, too.",
    mistakes=(
        Mistake("softmax over dim 0", _COLUMNS, lambda x: x.softmax(0)),
        Mistake("softmax over everything", _EVERYTHING, lambda x: x.flatten().softmax(0).view(x.shape)),
        *composed(
            _softmax,
            total=(
                Mistake("softmax over dim 0", _COLUMNS, lambda e: e.sum(0)),
                Mistake("softmax over everything", _EVERYTHING, lambda e: e.sum()),
                Mistake(
                    "keepdim forgotten",
                    "Element (i, j) is divided by the sum of row j: pass keepdim=True, so that the sums stay a column.",
                    lambda e: e.sum(1),
                ),
                Mistake("not divided", "Exponentiated and not divided: divide each row by its sum.", lambda e: 1.0),
            ),
            top=(
                Mistake(
                    "no maximum subtracted",
                    "exp(1000) is too large for a float, and exp(-1000) is rounded to 0. "
                    "Subtract each row's maximum first: that changes no probability.",
                    lambda x: 0.0,
                ),
                Mistake(
                    "one maximum for all rows",
                    "Subtract from each row its own maximum, over dim=1, not the largest of all logits.",
                    lambda x: x.max(),
                ),
                Mistake(
                    "keepdim forgotten in the maximum",
                    "Row j's maximum is subtracted from column j: pass keepdim=True to max as well.",
                    lambda x: x.max(1).values,
                ),
                Mistake(
                    "maximum over dim 0",
                    "Each column lost its own maximum, which changes the rows: take the maximum over dim=1.",
                    lambda x: x.max(0).values,
                ),
                *(
                    Mistake(
                        f"{name} subtracted",
                        f"You subtract {whose} of each row; a logit far above it still overflows. Subtract the maximum.",
                        top,
                    )
                    for name, whose, top in (
                        ("first", "the first", lambda x: x[:, :1]),
                        ("smallest", "the smallest", lambda x: x.min(1, keepdim=True).values),
                        ("mean", "the mean", lambda x: x.mean(1, keepdim=True)),
                    )
                ),
            ),
        ),
        Mistake("wrong for large logits", _LARGE, lambda x: x.clamp(-80, 80).softmax(1)),
        Mistake("wrong for large logits", _LARGE, lambda x: _softmax(x.clamp(max=80), top=lambda x: 0.0)),
        Mistake(
            "log-probabilities",
            "Those are the logarithms of the probabilities: leave the log out.",
            lambda x: x.log_softmax(1),
        ),
        Mistake("forgot exp", _EXP, lambda x: x / x.sum(1, keepdim=True)),
        Mistake("forgot exp", _EXP, lambda x: _shifted(x) / _shifted(x).sum(1, keepdim=True)),
        Mistake("argmax", _ARGMAX, lambda x: F.one_hot(x.argmax(1), x.shape[1]).float()),
        Mistake("sigmoid", "Each logit has its own sigmoid: a row's probabilities share one sum.", torch.sigmoid),
        Mistake(
            "sign turned round",
            "The largest logit gets the smallest probability: leave out the minus sign.",
            lambda x: (-x).softmax(1),
        ),
        Mistake(
            "all the same",
            "Every class gets the same probability, for any logit.",
            lambda x: torch.full_like(x, 1 / x.shape[1]),
        ),
    ),
    hint="Work row 0 out by hand: exponentiate, add up, divide.",
)


def _net(weights: Tensor) -> nn.Module:
    """A net from (B, 8) ids to (B, V) logits: the sum of one row of weights (8, V, V) per time step."""
    net = nn.Module()
    net.forward = lambda ids: weights[torch.arange(len(weights)), ids].sum(1)
    return net


def _chosen(logits: Tensor, u: float) -> int:
    return int((logits.softmax(1)[0].cumsum(0) <= u).sum())


def _written(
    net: nn.Module | Tensor,
    darts: list[float],
    choose: Callable = _chosen,
    move: Callable = lambda window, index: [*window[1:], index],
    stops: bool = True,
    with_stop: bool = False,
) -> list[int]:
    net = _net(net) if isinstance(net, Tensor) else net
    window, name = [0] * 8, []
    for u in darts:
        index = choose(net(torch.tensor([window])), u)
        if stops and index == 0:
            return name + [0] * with_stop
        name.append(index)
        window = move(window, index)
    return name


def _listed_with_net(answer: Callable, weights: Tensor, darts: list[float]) -> object:
    return listed(answer, _net(weights), darts)


def _names(seed: int, size: int, lengths: tuple[int, ...]) -> list[tuple]:
    """Cases: weights of a net, and as many darts as each length says."""
    generator = torch.Generator().manual_seed(seed)
    weights = 0.5 * torch.randn(8, size, size, generator=generator)
    return [(weights, [round(u, 2) for u in torch.rand(n, generator=generator).tolist()]) for n in lengths]


# Exercise 2, code to mend: a net and a list of darts, to the ids of one name, without the stop mark.
write_name = Implement(
    "my_name",
    [*_names(4, 27, (12, 12, 20)), *_names(22, 5, (4, 9, 16, 16))],
    solution=_written,
    praise="Seven names come out right, the long ones included: both faults are mended.",
    mistakes=(
        Mistake(
            "nothing written",
            "Whatever the darts, the first letter is the stop mark. Print probs for the first window.",
            lambda net, darts: _written(net, darts, lambda x, u: int((x.softmax(0)[0].cumsum(0) <= u).sum())),
        ),
        Mistake(
            "window stands still",
            "Each letter is drawn as if it were the first of the name. Print the window at each step.",
            lambda net, darts: _written(net, darts, move=lambda window, index: window),
        ),
        Mistake(
            "window turned round",
            "The new letter enters the window on the wrong side: the newest is on the right.",
            lambda net, darts: _written(net, darts, move=lambda window, index: [index, *window[:-1]]),
        ),
        Mistake(
            "newest letter overwritten",
            "The window keeps its stop marks and forgets the newest letter: the oldest one should fall out.",
            lambda net, darts: _written(net, darts, move=lambda window, index: [*window[:-1], index]),
        ),
        Mistake(
            "oldest place overwritten",
            "The new letter takes the place of the oldest: move all others one place to the left first.",
            lambda net, darts: _written(net, darts, move=lambda window, index: [index, *window[1:]]),
        ),
        Mistake(
            "stop mark kept",
            "The stop mark ends the name and is no part of it.",
            lambda net, darts: _written(net, darts, with_stop=True),
        ),
        Mistake(
            "goes on after the stop mark",
            "A name ends at the first stop mark.",
            lambda net, darts: _written(net, darts, stops=False),
        ),
        Mistake(
            "argmax",
            "The darts make no difference: each letter is the likeliest.",
            lambda net, darts: _written(net, darts, lambda x, u: int(x.argmax())),
        ),
        Mistake(
            "off by one",
            "Every letter is one too far in the alphabet: the first place is number 0.",
            lambda net, darts: _written(net, darts, lambda x, u: min(_chosen(x, u) + 1, x.shape[1] - 1)),
        ),
    ),
    probe=_listed_with_net,
    told=lambda case: f"a small test net (a table), darts {given(case[1:])}",
    hint="Print the window, the sum of the probabilities and the letter at each step.",
)
