"""Assignment 04, training: cases, solutions and known mistakes of each exercise."""

import math
import random
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from classroom.assignments import probes
from classroom.assignments.probes import evaluation_results, small_net
from classroom.assignments.tables import mistakes, predictions, question
from lib.checks.exercise import NOT_DONE, Implement, ids, numbers


def _own_plan(draw: random.Random) -> dict[str, object]:
    size, epochs, full = draw.choice([64, 128, 256]), draw.randint(3, 6), draw.randint(30, 90)
    warmup, unit, part = draw.choice([40, 50, 80]), draw.choice([20, 30, 40]), draw.choice([3, 5, 9])
    step = draw.randint(5, 30)
    return {
        "windows": full * size + draw.randint(size // 2, size - 1),
        "batch_size": size,
        "epochs": epochs,
        "steps": warmup + 12 * unit,
        "warmup": warmup,
        "early": step,
        "late": warmup + part * unit,
        "weight": draw.randint(6, 9),
        "goal": draw.randint(1, 2),
        "lr": draw.choice([0.1, 0.15, 0.2]),
        "batch": _own_batch(draw),
        "pieces": {
            "windows": [draw.randint(5, 9) * 100, draw.randint(1, 4) * 100],
            "losses": [draw.randint(15, 24) / 10, draw.randint(26, 35) / 10],
        },
    }


def _own_batch(draw: random.Random) -> dict[str, str]:
    """Windows, and the letters that follow each of them in a batch."""
    windows = draw.sample(["........", ".......a", "......ma", ".....jam", "....anni"], 4)
    letters = draw.sample("aeilmnrs", 6)
    often, rare, again = draw.randint(3, 5), draw.randint(1, 2), draw.randint(2, 4)
    targets = [letters[0] * often + letters[1] * rare, letters[2] + letters[3], letters[4] * again, letters[5]]
    return dict(zip(windows, targets, strict=True))


def _cosine(warmup: int, steps: int, late: int, turns: float = 0.5) -> float:
    return 50 * (1 + math.cos(2 * math.pi * turns * (late - warmup) / (steps - warmup)))


def _away(weight: int, goal: int, *shares: float) -> float:
    """The weight when its distance to the goal has been multiplied by these numbers."""
    return goal + (weight - goal) * math.prod(shares)


@question(
    "How many whole batches has one epoch?",
    """
    small batch counted: The smaller batch at the end of an epoch is left out.
    epochs run together: The rest of one epoch is not carried over into the next.
    one epoch only: Those are the steps of one epoch.
    windows counted: Those are windows; a step takes a whole batch of them.
    """,
)
def in_all(windows: int, batch_size: int, epochs: int, **_: object) -> dict:
    return {
        "right": epochs * (windows // batch_size),
        "small batch counted": epochs * -(-windows // batch_size),
        "epochs run together": epochs * windows // batch_size,
        "one epoch only": windows // batch_size,
        "windows counted": epochs * windows,
    }


@question(
    "The highest learning rate is reached with step number warmup - 1; steps are counted from 0.",
    """
    starts at zero: Then step 0 would have learning rate 0 and do nothing.
    share of the training: The warm-up ends long before the training does.
    not in percent: Give it in percent of the highest.
    no warm-up: This step lies in the warm-up.
    """,
)
def early_lr(early: int, warmup: int, steps: int, **_: object) -> dict:
    return {
        "right": 100 * (early + 1) / warmup,
        "starts at zero": 100 * early / warmup,
        "share of the training": 100 * (early + 1) / steps,
        "not in percent": (early + 1) / warmup,
        "no warm-up": 100,
    }


@question(
    "Which fraction of the way from the end of the warm-up to the end of the training is done?",
    """
    straight line: That is a straight line; the fall is half a cosine.
    warm-up counted in: The cosine begins where the warm-up ends.
    share that is gone: That is how much it has fallen; how much is left?
    whole cosine: Half a cosine: at the end the angle is π.
    not in percent: Give it in percent of the highest.
    """,
)
def late_lr(warmup: int, steps: int, late: int, **_: object) -> dict:
    return {
        "right": _cosine(warmup, steps, late),
        "straight line": 100 * (steps - late) / (steps - warmup),
        "warm-up counted in": _cosine(0, steps, late),
        "share that is gone": 100 - _cosine(warmup, steps, late),
        "whole cosine": _cosine(warmup, steps, late, 1),
        "not in percent": _cosine(warmup, steps, late) / 100,
    }


@question(
    "The best net predicts the frequencies of the letters after each window; average over all examples of the batch.",
    """
    no loss at all: A net cannot be certain where equal windows have different targets.
    summed, not averaged: That is the sum; a loss is the mean over all examples.
    certain windows left out: The examples of which the net can be certain count in the mean, too.
    each window counted once: A window that occurs five times counts five times in the mean.
    bits instead of nats: That is a logarithm to the base 2.
    likeliest letter only: The rare letter costs more than the likely one.
    """,
)
def floor(batch: dict[str, str], **_: object) -> dict:
    losses = [[-math.log(targets.count(one) / len(targets)) for one in targets] for targets in batch.values()]
    total, count = sum(map(sum, losses)), sum(map(len, losses))
    return {
        "right": total / count,
        "no loss at all": 0.0,
        "summed, not averaged": total,
        "certain windows left out": total / sum(len(some) for some in losses if sum(some) > 0),
        "each window counted once": sum(sum(some) / len(some) for some in losses) / len(losses),
        "bits instead of nats": total / count / math.log(2),
        "likeliest letter only": sum(min(some) * len(some) for some in losses) / count,
    }


@question(
    "Write down weight, gradient and new weight for each of the two steps.",
    """
    one step only: That is the weight after one step.
    uphill: The loss grows in this direction.
    derivative: What is the derivative of a square?
    same gradient twice: The second step has its own gradient, computed at the new weight.
    gradient kept: That is the result if gradients are not reset.
    """,
)
def two_steps(weight: int, goal: int, lr: float, **_: object) -> dict:
    return {
        "right": _away(weight, goal, 1 - 2 * lr, 1 - 2 * lr),
        "one step only": _away(weight, goal, 1 - 2 * lr),
        "uphill": _away(weight, goal, 1 + 2 * lr, 1 + 2 * lr),
        "derivative": _away(weight, goal, 1 - lr, 1 - lr),
        "same gradient twice": _away(weight, goal, 1 - 4 * lr),
        "gradient kept": _away(weight, goal, 1 - 6 * lr + 4 * lr**2),
    }


@question(
    "In the second step the weight moves by the old gradient and the new one together.",
    """
    gradient reset: That is the right training; here the old gradient is still there in step two.
    old gradient twice: The second backward pass adds the gradient at the new weight, not the old one again.
    same gradient twice: The new gradient is added to the old one.
    derivative: What is the derivative of a square?
    """,
)
def kept(weight: int, goal: int, lr: float, **_: object) -> dict:
    return {
        "right": _away(weight, goal, 1 - 6 * lr + 4 * lr**2),
        "gradient reset": _away(weight, goal, 1 - 2 * lr, 1 - 2 * lr),
        "old gradient twice": _away(weight, goal, 1 - 6 * lr),
        "same gradient twice": _away(weight, goal, 1 - 4 * lr),
        "derivative": _away(weight, goal, 1 - 3 * lr + lr**2),
    }


@question(
    "Each window has the same weight, regardless of its piece.",
    """
    mean of the means: Then a window of the small piece would count for more than one of the large piece.
    weights swapped: The large piece has the large weight.
    summed, not averaged: That lies above both losses; a mean lies between them.
    last piece left out: The second piece counts, too.
    """,
)
def whole(pieces: dict[str, list], **_: object) -> dict:
    (n, m), (first, last) = pieces["windows"], pieces["losses"]
    return {
        "right": (n * first + m * last) / (n + m),
        "mean of the means": (first + last) / 2,
        "weights swapped": (m * first + n * last) / (n + m),
        "summed, not averaged": first + last,
        "last piece left out": first,
    }


PREDICTIONS = predictions(
    _own_plan,
    in_all=in_all,
    early_lr=early_lr,
    late_lr=late_lr,
    floor=floor,
    two_steps=two_steps,
    kept=kept,
    whole=whole,
)


def _loss(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, reduction: str = "mean") -> Tensor:
    return F.cross_entropy(table[windows].flatten(1) @ weight, targets, reduction=reduction)


def _gradients(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, reduction: str = "mean") -> tuple:
    with torch.enable_grad():
        table, weight = (p.detach().clone().requires_grad_() for p in (table, weight))
        return torch.autograd.grad(_loss(windows, targets, table, weight, reduction), (table, weight))


def _stepped(
    windows: Tensor,
    targets: Tensor,
    table: Tensor,
    weight: Tensor,
    lr: float,
    by: tuple = (1, 1),
    reduction: str = "mean",
) -> tuple[Tensor, Tensor, float]:
    """One step, each of the two parameters moved by that multiple of what is right, and the loss before it."""
    moves = _gradients(windows, targets, table, weight, reduction)
    moved = [p - times * lr * move for p, times, move in zip((table, weight), by, moves, strict=True)]
    return *moved, _loss(windows, targets, table, weight, reduction).item()


def _after(*case: object) -> tuple[Tensor, Tensor, float]:
    table, weight, _ = _stepped(*case)
    return table, weight, _loss(*case[:2], table, weight).item()


def _one_after_the_other(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: float) -> tuple:
    first, _, loss = _stepped(windows, targets, table, weight, lr)
    return first, _stepped(windows, targets, first, weight, lr)[1], loss


def _signs(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: float) -> tuple:
    moves = _gradients(windows, targets, table, weight)
    loss = _loss(windows, targets, table, weight).item()
    return table - lr * moves[0].sign(), weight - lr * moves[1].sign(), loss


def _net_case(draw: random.Random, B: int, T: int, C: int, V: int, lr: float) -> tuple:
    return ids(draw, V, B, T), ids(draw, V, B), numbers(draw, V, C), numbers(draw, T * C, V) * 0.3, lr


def _draw_steps(draw: random.Random) -> list[tuple]:
    return [
        _net_case(draw, 32, 8, 10, 27, draw.choice([0.5, 1.0])),
        _net_case(draw, draw.randint(5, 9), 3, 4, draw.randint(11, 15), 0.3),
        _net_case(draw, draw.randint(40, 50), 2, 6, 5, 2.0),
        _net_case(draw, 1, 4, 3, 9, 0.7),
    ]


STEP = Implement(
    "my_step",
    [
        _net_case(random.Random(1), 32, 8, 10, 27, 0.5),
        _net_case(random.Random(2), 6, 3, 4, 12, 0.3),
        _net_case(random.Random(3), 1, 2, 5, 9, 1.5),
    ],
    _draw_steps,
    _stepped,
    "Table and weight took one step downhill, for batches of 32 and of 1, and the inputs are unchanged.",
    mistakes(
        """
        uphill: The step follows the gradient, so the loss grows: which way is downhill?
        gradient of the sum: The gradients are those of a sum; the loss is the mean over the batch.
        table not moved: The table is a parameter, too.
        weight not moved: The weight is unchanged.
        nothing moved: Both parameters are unchanged.
        gradients, not parameters: Those are the gradients; expected the new parameters.
        steps, not parameters: Those are the steps; add them to the parameters.
        learning rate forgotten: The gradient was subtracted unscaled: it has to be multiplied by something first.
        learning rate hard-coded: The learning rate is always 0.1.
        two steps: That is the result of two backward passes, or of two steps with one gradient.
        one after the other: Compute both gradients at the same point, before anything is moved.
        loss after the step: The parameters are right; the loss should be the one before the step.
        sign of the gradient only: The gradient gives the length of the step, not only its direction.
        """,
        {
            "uphill": partial(_stepped, by=(-1, -1)),
            "gradient of the sum": [
                partial(_stepped, reduction="sum"),
                lambda *case: (*_stepped(*case, reduction="sum")[:2], _stepped(*case)[2]),
            ],
            "table not moved": partial(_stepped, by=(0, 1)),
            "weight not moved": partial(_stepped, by=(1, 0)),
            "nothing moved": partial(_stepped, by=(0, 0)),
            "gradients, not parameters": lambda *case: (*_gradients(*case[:4]), _stepped(*case)[2]),
            "steps, not parameters": lambda *case: (
                *(case[4] * move for move in _gradients(*case[:4])),
                _stepped(*case)[2],
            ),
            "learning rate forgotten": lambda *case: _stepped(*case, by=(1 / case[4],) * 2),
            "learning rate hard-coded": lambda *case: _stepped(*case, by=(0.1 / case[4],) * 2),
            "two steps": partial(_stepped, by=(2, 2)),
            "one after the other": _one_after_the_other,
            "loss after the step": _after,
            "sign of the gradient only": _signs,
        },
    ),
    {
        "does not require grad": (
            "parameters without requires_grad",
            "torch keeps no gradient for a tensor that was not asked to require one.",
        ),
        "leaf Variable": (
            "written into a parameter",
            "A parameter that requires a gradient may only be written into where torch records nothing.",
        ),
        "NoneType": ("no gradient there", "A .grad was None: has backward been called, and is this tensor a leaf?"),
    },
    probe=probes.step,
)


def _schedule(steps: int, highest: float, warmup: int, fall: int) -> Tensor:
    up = lambda step: (step + 1) / warmup if step < warmup else 1
    down = lambda step: (steps - step) / fall if step >= steps - fall else 1
    return torch.tensor([highest * min(up(step), down(step)) for step in range(steps)])


def _rates(share: Callable[..., float]) -> Callable:
    """The learning rates of another rule, a function of step, steps, warmup and fall."""

    def makes(steps: int, highest: float, warmup: int, fall: int) -> Tensor:
        return torch.tensor([float(highest * share(step, steps, warmup, fall)) for step in range(steps)])

    return makes


def _rule(up: Callable | None = None, down: Callable | None = None) -> Callable:
    """The schedule with another rise, a function of step and warmup, or another fall, of step - begin and fall."""
    up, down = up or (lambda s, w: (s + 1) / w), down or (lambda s, f: 1 - s / f)

    def share(step: int, steps: int, warmup: int, fall: int) -> float:
        begin = steps - fall
        return up(step, warmup) if step < warmup else down(step - begin, fall) if step >= begin else 1

    return _rates(share)


def _draw_schedules(draw: random.Random) -> list[tuple]:
    warmup, fall = draw.randint(5, 9), draw.randint(10, 15)
    return [
        (40, 0.5, 4, 12),
        (warmup + fall + draw.randint(3, 9), draw.randint(2, 9) / 10, warmup, fall),
        (draw.randint(20, 30), 1.5, draw.randint(2, 4), draw.randint(3, 5)),
        (warmup + fall, 0.8, warmup, fall),
        (20, 0.3, 0, draw.randint(3, 9)),
        (20, 0.7, draw.randint(3, 9), 0),
        (7, 0.6, 0, 0),
        (9, 0.4, 1, 1),
        (6, 0.9, 6, 0),
        (6, 0.9, 0, 6),
    ]


SCHEDULE = Implement(
    "my_lr",
    [(40, 0.5, 4, 12), (12, 0.3, 5, 3), (15, 2.0, 6, 9), (10, 0.8, 0, 4)],
    _draw_schedules,
    _schedule,
    "Rise, plateau and fall are right to the step, with no plateau between them, and with no warm-up.",
    mistakes(
        """
        starts at zero: Step 0 has learning rate 0, and does nothing.
        highest too late: The rise reaches the highest rate one step too late.
        no warm-up: The learning rate does not rise at the beginning.
        no fall: The learning rate does not fall at the end.
        falls one step early: The first step of the fall still has the highest rate; 0 is reached only after the last
            step.
        last step does nothing: The last step has learning rate 0; only a step after it would.
        cosine: The fall is half a cosine; here it is a straight line.
        rises at the end: In the last part the learning rate rises again.
        share instead of rate: That is the fraction of the highest rate.
        no plateau: The fall begins where the warm-up ends; it should begin `fall` steps before the end.
        falls after `fall` steps: The fall begins at step number `fall`; it should begin `fall` steps before the end.
        rounded down: `//` cuts off the fractions.
        always the highest: The learning rate is the same in all steps.
        """,
        {
            "starts at zero": _rule(up=lambda s, w: s / w),
            "highest too late": _rule(up=lambda s, w: (s + 1) / (w + 1)),
            "no warm-up": _rule(up=lambda s, w: 1),
            "no fall": _rule(down=lambda s, f: 1),
            "falls one step early": _rule(down=lambda s, f: 1 - (s + 1) / f),
            "last step does nothing": _rule(down=lambda s, f: 1 - s / (f - 1)),
            "cosine": _rule(down=lambda s, f: (1 + math.cos(math.pi * s / f)) / 2),
            "rises at the end": _rule(down=lambda s, f: s / f),
            "share instead of rate": lambda steps, highest, warmup, fall: _schedule(steps, 1.0, warmup, fall),
            "no plateau": _rates(
                lambda step, steps, w, f: (step + 1) / w if step < w else (steps - step) / (steps - w)
            ),
            "falls after `fall` steps": _rates(
                lambda step, steps, w, f: (
                    (step + 1) / w if step < w else (steps - step) / (steps - f) if step >= f else 1
                )
            ),
            "rounded down": _rule(up=lambda s, w: (s + 1) // w, down=lambda s, f: (f - s) // f),
            "always the highest": _rule(up=lambda s, w: 1, down=lambda s, f: 1),
        },
    ),
    {"by zero": ("warm-up of no steps", "warmup or fall was 0, and your code divided by it.")},
    probe=probes.learning_rates,
)


def _trained(
    windows: Tensor,
    targets: Tensor,
    table: Tensor,
    weight: Tensor,
    lr: float,
    steps: int,
    keep: tuple = (0, 0),
    by: float = 1,
) -> tuple[Tensor, Tensor, Tensor]:
    """SGD; `keep` is the share of the old gradient that remains, for table and weight."""
    parameters, old, losses = [table, weight], [torch.zeros_like(table), torch.zeros_like(weight)], []
    for _ in range(steps):
        losses.append(_loss(windows, targets, *parameters).item())
        new = _gradients(windows, targets, *parameters)
        old = [share * a + b for share, a, b in zip(keep, old, new, strict=True)]
        parameters = [p - by * lr * gradient for p, gradient in zip(parameters, old, strict=True)]
    return *parameters, torch.tensor(losses)


def _still(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: float, steps: int) -> tuple:
    return table, weight, _loss(windows, targets, table, weight).repeat(steps)


def _stale(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: float, steps: int) -> tuple:
    """The same gradient in every step."""
    gradients, losses = _gradients(windows, targets, table, weight), []
    for _ in range(steps):
        losses.append(_loss(windows, targets, table, weight).item())
        table, weight = (p - lr * gradient for p, gradient in zip((table, weight), gradients, strict=True))
    return table, weight, torch.tensor(losses)


def _emptied(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: float, steps: int) -> tuple:
    """The parameters, not the gradients, set to zero after each step."""
    zeros = torch.zeros_like(table), torch.zeros_like(weight)
    later = _loss(windows, targets, *zeros).repeat(steps - 1)
    return *zeros, torch.cat([_loss(windows, targets, table, weight)[None], later])


def _draw_trainings(draw: random.Random) -> list[tuple]:
    sizes = [(32, 8, 10, 27), (draw.randint(5, 9), 3, 4, draw.randint(11, 15)), (1, 2, 6, 5)]
    return [(*_net_case(draw, *size, lr), draw.randint(4, 6)) for size, lr in zip(sizes, (0.5, 0.2, 0.1), strict=True)]


MENDED = Implement(
    "train",
    _draw_trainings(random.Random(1)),
    _draw_trainings,
    _trained,
    "Every step used the gradient of its own loss, and nothing else.",
    mistakes(
        """
        not done: The losses are those of the function as given, so the mistake is still in it.
        table not set back: The weight is handled correctly now; look at the table.
        weight not set back: The table is handled correctly now; look at the weight.
        smaller steps instead: Smaller steps make the mistake less harmful; it is still there.
        momentum instead: The old gradients fade now; plain SGD uses none of them.
        nothing moves: The loss is the same in all steps: which gradient does a step use after your change?
        same gradient in every step: Each step needs the gradient of the parameters as they are now.
        parameters set to zero: The gradients have to be reset, not the parameters.
        uphill: The loss grows: which way is downhill?
        gradient of the sum: The loss of a step is the mean over the batch.
        """,
        {
            NOT_DONE: partial(_trained, keep=(1, 1)),
            "table not set back": partial(_trained, keep=(1, 0)),
            "weight not set back": partial(_trained, keep=(0, 1)),
            "smaller steps instead": [
                partial(_trained, keep=(1, 1), by=0.1),
                partial(_trained, keep=(1, 1), by=0.5),
                lambda *case: _trained(*case, keep=(1, 1), by=1 / case[5]),
            ],
            "momentum instead": [partial(_trained, keep=(0.9, 0.9)), partial(_trained, keep=(0.5, 0.5))],
            "nothing moves": _still,
            "same gradient in every step": _stale,
            "parameters set to zero": _emptied,
            "uphill": partial(_trained, keep=(0, 0), by=-1),
            "gradient of the sum": [
                lambda *case: (trained := _trained(*case, by=len(case[1])))[:2] + (trained[2] * len(case[1]),),
                lambda *case: _trained(*case, by=len(case[1])),
            ],
        },
    ),
    {
        "NoneType": ("reset too early", "The gradient was gone when the step needed it."),
        "does not require grad": (
            "parameters lost their gradients",
            "After your change the parameters no longer ask for a gradient.",
        ),
    },
    probe=probes.training,
)


def _evaluated(
    X: Tensor,
    Y: Tensor,
    settings: dict,
    whole: Callable[[list[Tensor], int, int], Tensor] = lambda losses, piece, n: torch.cat(losses).mean(),
    training: bool | None = False,
    after: str = "",
    full_only: bool = False,
    piece: int | None = None,
    recorded: bool = False,
) -> dict[str, object]:
    """An evaluation; `whole` makes one loss of the losses of the pieces, the other options are ways to go wrong."""
    net, size = small_net(settings["vocabulary"], X.shape[1], settings["net"]), piece or settings["piece"]
    net.train(settings["mode"] == "train" if training is None else training)
    pieces = [(x, y) for x, y in zip(X.split(size), Y.split(size), strict=True) if len(x) == size or not full_only]
    mode, moves = after or settings["mode"], net.training
    with torch.no_grad():
        losses = [F.cross_entropy(net(x), y, reduction="none") for x, y in pieces]
    loss = whole(losses, settings["piece"], len(Y)).item()
    return evaluation_results(loss, [len(x) for x, _ in pieces], mode, moves, recorded)


MEAN_OF_MEANS = lambda losses, piece, n: torch.stack([part.mean() for part in losses]).mean()


def _windows_case(draw: random.Random, N: int, piece: int, mode: str, vocabulary: int = 9, context: int = 3) -> tuple:
    settings = {"piece": piece, "mode": mode, "vocabulary": vocabulary, "net": draw.randint(0, 999)}
    return ids(draw, vocabulary, N, context), ids(draw, vocabulary, N), settings


def _draw_windows(draw: random.Random) -> list[tuple]:
    piece = draw.randint(20, 40)
    return [
        _windows_case(draw, 90, 32, "train"),
        _windows_case(draw, 3 * piece + draw.randint(2, 9), piece, "eval"),
        _windows_case(draw, piece + draw.randint(2, 5), piece, "train"),
        _windows_case(draw, 4 * piece + 5, piece, "train", draw.randint(11, 15), draw.randint(4, 6)),
        _windows_case(draw, 3 * piece, piece, "eval"),
        _windows_case(draw, piece - 3, piece, "train"),
        _windows_case(draw, 7, 1, "eval"),
    ]


EVALUATE = Implement(
    "my_evaluate",
    [
        _windows_case(random.Random(1), 90, 32, "train"),
        _windows_case(random.Random(2), 53, 25, "eval"),
        _windows_case(random.Random(3), 37, 30, "train"),
    ],
    _draw_windows,
    _evaluated,
    "The mean is over all windows, the net was evaluated piece by piece in eval mode, and its mode was restored.",
    mistakes(
        """
        mean of the means: Each piece has the same weight; each window should, and the last piece is smaller.
        train mode: The net was in train mode: the loss depends on the pieces, and the running statistics moved.
        mode not restored: The net is left in eval mode, regardless of its mode before.
        always back to train mode: A net in eval mode was left in train mode: how do you know which mode it had?
        last piece left out: The windows that don't fill a piece were left out.
        everything at once: The net got all windows in one batch; expected `piece` at a time.
        one window at a time: The net got one window at a time; expected `piece` at a time.
        summed, not averaged: That is the sum over all windows.
        divided by the pieces: The sum was divided by the number of pieces; expected a mean over the windows.
        divided by full pieces: The sum was divided as if the last piece were full.
        means divided by the windows: Means were added up and divided by the number of windows: mean or sum of each
            piece, but not both.
        last piece only: That is the loss of the last piece.
        gradients recorded: The loss is right, but torch recorded everything for a backward pass that never happens.
        """,
        {
            "mean of the means": [
                partial(_evaluated, whole=MEAN_OF_MEANS),
                partial(_evaluated, whole=MEAN_OF_MEANS, recorded=True),
            ],
            "train mode": [
                partial(_evaluated, training=None),
                partial(_evaluated, training=None, recorded=True),
                partial(_evaluated, training=None, whole=MEAN_OF_MEANS),
                partial(_evaluated, training=None, whole=MEAN_OF_MEANS, recorded=True),
            ],
            "mode not restored": [
                partial(_evaluated, after="eval"),
                partial(_evaluated, after="eval", recorded=True),
                partial(_evaluated, after="eval", whole=MEAN_OF_MEANS),
            ],
            "always back to train mode": partial(_evaluated, after="train"),
            "last piece left out": [
                partial(_evaluated, full_only=True),
                partial(_evaluated, full_only=True, whole=lambda losses, piece, n: torch.cat(losses).sum() / n),
                partial(_evaluated, full_only=True, whole=MEAN_OF_MEANS),
            ],
            "everything at once": partial(_evaluated, piece=10**6),
            "one window at a time": partial(_evaluated, piece=1),
            "summed, not averaged": partial(_evaluated, whole=lambda losses, piece, n: torch.cat(losses).sum()),
            "divided by the pieces": partial(
                _evaluated, whole=lambda losses, piece, n: torch.cat(losses).sum() / len(losses)
            ),
            "divided by full pieces": partial(
                _evaluated, whole=lambda losses, piece, n: torch.cat(losses).sum() / len(losses) / piece
            ),
            "means divided by the windows": partial(
                _evaluated,
                whole=lambda losses, piece, n: (
                    torch.stack([part.mean() for part in losses]).sum() / len(torch.cat(losses))
                ),
            ),
            "last piece only": partial(_evaluated, whole=lambda losses, piece, n: losses[-1].mean()),
            "gradients recorded": partial(_evaluated, recorded=True),
        },
    ),
    probe=probes.evaluation,
)

EXERCISES = {"predictions": PREDICTIONS, "step": STEP, "schedule": SCHEDULE, "mended": MENDED, "evaluate": EVALUATE}
