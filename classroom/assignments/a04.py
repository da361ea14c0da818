"""Assignment 04, training: what each exercise is tried on, what is right, and the mistakes that are known."""

import copy
import functools
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.checks.exercise import NOT_DONE, Implement, Mistake, Predict, Question, ids, numbers


def _apart(*values: int | float) -> bool:
    return min(b - a for a, b in itertools.pairwise(sorted(values))) > 0.02


def _own_plan(draw: random.Random) -> dict[str, object]:
    # No mistake may give the right number by chance, nor that of another mistake.
    size, epochs, full = draw.choice([64, 128, 256]), draw.randint(3, 6), draw.randint(30, 90)
    warmup, unit, part = draw.choice([40, 50, 80]), draw.choice([20, 30, 40]), draw.choice([3, 5, 9])
    step = draw.randint(5, 30)
    plan = {
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
    }
    while True:
        batch, pieces = _own_batch(draw), {"windows": [draw.randint(5, 9) * 100, draw.randint(1, 4) * 100]}
        pieces["losses"] = [draw.randint(15, 24) / 10, draw.randint(26, 35) / 10]
        if _apart(*_floors(batch).values()) and _apart(*_wholes(pieces).values()):
            return {**plan, "batch": batch, "pieces": pieces}


def _own_batch(draw: random.Random) -> dict[str, str]:
    """Windows, and the letters that follow each of them in a batch."""
    windows, letters = (
        draw.sample(["........", ".......a", "......ma", ".....jam", "....anni"], 4),
        draw.sample("aeilmnrs", 6),
    )
    often, rare, again = draw.randint(3, 5), draw.randint(1, 2), draw.randint(2, 4)
    came = [letters[0] * often + letters[1] * rare, letters[2] + letters[3], letters[4] * again, letters[5]]
    return dict(zip(windows, came, strict=True))


def _floors(batch: dict[str, str]) -> dict[str, int | float]:
    """The lowest possible loss of a batch, and what is taken for it."""
    each = {}
    for window, came in batch.items():
        each[window] = [-math.log(came.count(letter) / len(came)) for letter in came]
    total, count = sum(map(sum, each.values())), sum(map(len, each.values()))
    open_ones = sum(len(losses) for losses in each.values() if sum(losses) > 0)
    return {
        "right": total / count,
        "zero": 0.0,
        "summed": total,
        "open": total / open_ones,
        "distinct": sum(sum(losses) / len(losses) for losses in each.values()) / len(each),
        "bits": total / count / math.log(2),
        "likeliest": sum(min(losses) * len(losses) for losses in each.values()) / count,
    }


def _wholes(pieces: dict[str, list]) -> dict[str, int | float]:
    """The loss of all windows from that of two pieces, and what is taken for it."""
    (n, m), (first, last) = pieces["windows"], pieces["losses"]
    return {
        "right": (n * first + m * last) / (n + m),
        "plain": (first + last) / 2,
        "turned": (m * first + n * last) / (n + m),
        "summed": first + last,
        "cut": first,
    }


def _with(right: Callable) -> Callable:
    """The same function, of the numbers by name."""
    return lambda mine: right(**mine)


def _cosine(warmup: int, steps: int, late: int, turn: int | float = 1.0) -> int | float:
    return 50 * (1 + math.cos(math.pi * turn * (late - warmup) / (steps - warmup)))


def _away(mine: dict, *shares: int | float) -> int | float:
    """The weight when its distance to the goal has been multiplied by these numbers."""
    return mine["goal"] + (mine["weight"] - mine["goal"]) * math.prod(shares)


PREDICTIONS = Predict(
    "my_predictions",
    _own_plan,
    {
        "in_all": Question(
            _with(lambda windows, batch_size, epochs, **_: epochs * (windows // batch_size)),
            "How many whole batches has one epoch?",
            (
                Mistake("small batch counted", "The batch at the end of an epoch that is too small is left out.", _with(lambda windows, batch_size, epochs, **_: epochs * -(-windows // batch_size))),
                Mistake("epochs run together", "What is left of one epoch is not carried over into the next.", _with(lambda windows, batch_size, epochs, **_: epochs * windows // batch_size)),
                Mistake("one epoch only", "Those are the steps of one epoch.", _with(lambda windows, batch_size, **_: windows // batch_size)),
                Mistake("windows counted", "Those are windows; a step takes a whole batch of them.", _with(lambda windows, epochs, **_: epochs * windows)),
            ),
        ),
        "early_lr": Question(
            _with(lambda early, warmup, **_: 100 * (early + 1) / warmup),
            "The highest learning rate is reached with step number warmup - 1; steps are counted from 0.",
            (
                Mistake("starts at zero", "So step 0 would have the learning rate 0 and do nothing.", _with(lambda early, warmup, **_: 100 * early / warmup)),
                Mistake("share of the training", "The warm-up ends long before the training does.", _with(lambda early, steps, **_: 100 * (early + 1) / steps)),
                Mistake("not in percent", "Give it in percent of the highest.", _with(lambda early, warmup, **_: (early + 1) / warmup)),
                Mistake("no warm-up", "This step lies in the warm-up.", _with(lambda **_: 100)),
            ),
        ),
        "late_lr": Question(
            _with(lambda warmup, steps, late, **_: _cosine(warmup, steps, late)),
            "Which share of the way from the end of the warm-up to the end of the training is done?",
            (
                Mistake("straight line", "That is a straight line; the fall is half a cosine.", _with(lambda warmup, steps, late, **_: 100 * (steps - late) / (steps - warmup))),
                Mistake("warm-up counted in", "The cosine begins where the warm-up ends.", _with(lambda steps, late, **_: _cosine(0, steps, late))),
                Mistake("share that is gone", "That is by how much it has fallen; how much is left?", _with(lambda warmup, steps, late, **_: 100 - _cosine(warmup, steps, late))),
                Mistake("whole cosine", "Half a cosine: at the end the angle is π.", _with(lambda warmup, steps, late, **_: _cosine(warmup, steps, late, 2))),
                Mistake("not in percent", "Give it in percent of the highest.", _with(lambda warmup, steps, late, **_: _cosine(warmup, steps, late) / 100)),
            ),
        ),
        "floor": Question(
            lambda mine: _floors(mine["batch"])["right"],
            "The best net gives each letter the share that it has after this window; take the mean over all examples of the batch.",
            (
                Mistake("no loss at all", "A net cannot be certain where equal windows have different targets.", lambda mine: _floors(mine["batch"])["zero"]),
                Mistake("summed, not averaged", "That is the sum; a loss is the mean over all examples.", lambda mine: _floors(mine["batch"])["summed"]),
                Mistake("certain windows left out", "The examples of which the net can be certain count in the mean, too.", lambda mine: _floors(mine["batch"])["open"]),
                Mistake("each window counted once", "A window that comes five times counts five times in the mean.", lambda mine: _floors(mine["batch"])["distinct"]),
                Mistake("bits instead of nats", "That is a logarithm to the base 2.", lambda mine: _floors(mine["batch"])["bits"]),
                Mistake("likeliest letter only", "The letter that comes seldom costs more than the likely one.", lambda mine: _floors(mine["batch"])["likeliest"]),
            ),
        ),
        "two_steps": Question(
            lambda mine: _away(mine, 1 - 2 * mine["lr"], 1 - 2 * mine["lr"]),
            "Write down weight, gradient and new weight for each of the two steps.",
            (
                Mistake("one step only", "That is the weight after one step.", lambda mine: _away(mine, 1 - 2 * mine["lr"])),
                Mistake("uphill", "The loss grows in this direction.", lambda mine: _away(mine, 1 + 2 * mine["lr"], 1 + 2 * mine["lr"])),
                Mistake("derivative", "What is the derivative of a square?", lambda mine: _away(mine, 1 - mine["lr"], 1 - mine["lr"])),
                Mistake("same gradient twice", "The second step has a gradient of its own, taken at the new weight.", lambda mine: _away(mine, 1 - 4 * mine["lr"])),
                Mistake("gradient kept", "That is what comes of gradients that are not set back.", lambda mine: _away(mine, 1 - 6 * mine["lr"] + 4 * mine["lr"] ** 2)),
            ),
        ),
        "kept": Question(
            lambda mine: _away(mine, 1 - 6 * mine["lr"] + 4 * mine["lr"] ** 2),
            "In the second step the weight moves by the old gradient and the new one together.",
            (
                Mistake("gradient set back", "That is the right training; here the old gradient is still there in step two.", lambda mine: _away(mine, 1 - 2 * mine["lr"], 1 - 2 * mine["lr"])),
                Mistake("old gradient twice", "The second backward pass adds the gradient at the new weight, not the old one again.", lambda mine: _away(mine, 1 - 6 * mine["lr"])),
                Mistake("same gradient twice", "The new gradient is added to the old one.", lambda mine: _away(mine, 1 - 4 * mine["lr"])),
                Mistake("derivative", "What is the derivative of a square?", lambda mine: _away(mine, 1 - 3 * mine["lr"] + mine["lr"] ** 2)),
            ),
        ),
        "whole": Question(
            lambda mine: _wholes(mine["pieces"])["right"],
            "Each window has the same weight, in whichever piece it is.",
            (
                Mistake("mean of the means", "So a window of the small piece would count for more than one of the large piece.", lambda mine: _wholes(mine["pieces"])["plain"]),
                Mistake("weights swapped", "The large piece has the large weight.", lambda mine: _wholes(mine["pieces"])["turned"]),
                Mistake("summed, not averaged", "That lies above both losses; a mean lies between them.", lambda mine: _wholes(mine["pieces"])["summed"]),
                Mistake("last piece left out", "The second piece counts, too.", lambda mine: _wholes(mine["pieces"])["cut"]),
            ),
        ),
    },
)  # fmt: skip


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
    lr: int | float,
    by: tuple = (1, 1),
    reduction: str = "mean",
) -> tuple[Tensor, Tensor, int | float]:
    """One step, each of the two parameters moved by that multiple of what is right, and the loss before it."""
    moves = _gradients(windows, targets, table, weight, reduction)
    moved = [p - times * lr * move for p, times, move in zip((table, weight), by, moves, strict=True)]
    return *moved, _loss(windows, targets, table, weight, reduction).item()


def _by(*by: int | float, **options: str) -> Callable:
    return lambda *case: _stepped(*case, by=by or (1, 1), **options)


def _after(*case: object) -> tuple[Tensor, Tensor, int | float]:
    table, weight, _ = _stepped(*case)
    return table, weight, _loss(*case[:2], table, weight).item()


def _one_after_the_other(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: int | float) -> tuple:
    first, _, loss = _stepped(windows, targets, table, weight, lr)
    return first, _stepped(windows, targets, first, weight, lr)[1], loss


def _signs(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: int | float) -> tuple:
    moves = _gradients(windows, targets, table, weight)
    loss = _loss(windows, targets, table, weight).item()
    return table - lr * moves[0].sign(), weight - lr * moves[1].sign(), loss


def _numbered(answer: Callable, *case: object) -> object:
    """The answer's result, its last part as a plain number where it is a tensor with one."""
    found = answer(*case)
    if isinstance(found, (tuple, list)) and found and isinstance(found[-1], Tensor) and found[-1].numel() == 1:
        return *found[:-1], found[-1].item()
    return found


def _net_case(draw: random.Random, B: int, T: int, C: int, V: int, lr: int | float) -> tuple:
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
    [_net_case(random.Random(1), 32, 8, 10, 27, 0.5), _net_case(random.Random(2), 6, 3, 4, 12, 0.3), _net_case(random.Random(3), 1, 2, 5, 9, 1.5)],
    _draw_steps,
    _stepped,
    "Table and weight took one step downhill, for batches of 32 and of 1, and what was given is as it was.",
    (
        Mistake("uphill", "The step goes with the gradient, so the loss grows: which way is downhill?", _by(-1, -1)),
        Mistake("gradient of the sum", "Loss and gradients are those of a sum; a step is taken on the mean over the batch.", _by(reduction="sum")),
        Mistake("gradient of the sum", "The gradients are those of a sum; a step is taken on the mean over the batch.", lambda *case: (*_stepped(*case, reduction="sum")[:2], _stepped(*case)[2])),
        Mistake("table not moved", "The table is a parameter, too.", _by(0, 1)),
        Mistake("weight not moved", "The weight is as it was given.", _by(1, 0)),
        Mistake("nothing moved", "Both parameters are as they were given.", _by(0, 0)),
        Mistake("gradients, not parameters", "Those are the gradients; the new parameters were wanted.", lambda *case: (*_gradients(*case[:4]), _stepped(*case)[2])),
        Mistake("steps, not parameters", "Those are the steps; what do they lead to?", lambda *case: (*(case[4] * move for move in _gradients(*case[:4])), _stepped(*case)[2])),
        Mistake("learning rate forgotten", "The gradient was subtracted as it is: it has to be multiplied by something first.", lambda *case: _stepped(*case, by=(1 / case[4],) * 2)),
        Mistake("learning rate of its own", "The learning rate was 0.1 whatever was given.", lambda *case: _stepped(*case, by=(0.1 / case[4],) * 2)),
        Mistake("two steps", "That is where two backward passes, or two steps with one gradient, lead to.", _by(2, 2)),
        Mistake("one after the other", "Take both gradients at the same place, before anything is moved.", _one_after_the_other),
        Mistake("loss after the step", "The parameters are right; the loss should be the one before the step.", _after),
        Mistake("sign of the gradient only", "A step is as long as the gradient says, not only in its direction.", _signs),
    ),
    {
        "does not require grad": ("parameters without requires_grad", "torch keeps no gradient for a tensor that was not asked to require one."),
        "leaf Variable": ("written into a parameter", "A parameter that requires a gradient may only be written into where torch is told to keep no record."),
        "NoneType": ("no gradient there", "A .grad was None: has backward been called, and on the tensor that you look at?"),
    },
    probe=_numbered,
)  # fmt: skip


def _schedule(steps: int, highest: int | float, warmup: int, fall: int) -> Tensor:
    up = lambda step: (step + 1) / warmup if step < warmup else 1
    down = lambda step: (steps - step) / fall if step >= steps - fall else 1
    return torch.tensor([highest * min(up(step), down(step)) for step in range(steps)])


def _rates(share: Callable[..., int | float]) -> Callable:
    """What comes of another rule, a function of step, steps, warmup and fall."""

    def makes(steps: int, highest: int | float, warmup: int, fall: int) -> Tensor:
        return torch.tensor([float(highest * share(step, steps, warmup, fall)) for step in range(steps)])

    return makes


def _rule(up: Callable | None = None, down: Callable | None = None) -> Callable:
    """The schedule with another rise, a function of step and warmup, or another fall, of step - begin and fall."""
    up, down = up or (lambda s, w: (s + 1) / w), down or (lambda s, f: 1 - s / f)

    def share(step: int, steps: int, warmup: int, fall: int) -> int | float:
        begin = steps - fall
        return up(step, warmup) if step < warmup else down(step - begin, fall) if step >= begin else 1

    return _rates(share)


def _ask_each_step(answer: Callable, steps: int, *rest: object) -> Tensor | None:
    rates = [answer(step, steps, *rest) for step in range(steps)]
    return None if any(rate is None or rate is ... for rate in rates) else torch.tensor([float(rate) for rate in rates])


def _draw_schedules(draw: random.Random) -> list[tuple]:
    warmup, fall = draw.randint(5, 9), draw.randint(10, 15)
    return [
        (40, 0.5, 4, 12),
        (warmup + fall + draw.randint(3, 9), draw.randint(2, 9) / 10, warmup, fall),
        (draw.randint(20, 30), 1.5, draw.randint(2, 4), draw.randint(3, 5)),
        (warmup + fall, 0.8, warmup, fall),
        (20, 0.3, 0, draw.randint(3, 9)),
    ]


SCHEDULE = Implement(
    "my_lr",
    [(40, 0.5, 4, 12), (12, 0.3, 5, 3), (15, 2.0, 6, 9), (10, 0.8, 0, 4)],
    _draw_schedules,
    _schedule,
    "Rise, plateau and fall are right to the step, with no plateau between them, and with no warm-up.",
    (
        Mistake("starts at zero", "Step 0 has the learning rate 0, and so does nothing.", _rule(up=lambda s, w: s / w)),
        Mistake("highest too late", "The rise reaches the highest rate one step too late.", _rule(up=lambda s, w: (s + 1) / (w + 1))),
        Mistake("no warm-up", "The learning rate does not rise at the beginning.", _rule(up=lambda s, w: 1)),
        Mistake("no fall", "The learning rate does not fall at the end.", _rule(down=lambda s, f: 1)),
        Mistake("falls one step early", "The first step of the fall has the highest rate still; 0 would be reached after the last step.", _rule(down=lambda s, f: 1 - (s + 1) / f)),
        Mistake("last step does nothing", "The last step has the learning rate 0; only the step after it would.", _rule(down=lambda s, f: 1 - s / (f - 1))),
        Mistake("last step does nothing", "The last step has the learning rate 0; only the step after it would.", _rule(down=lambda s, f: max(0, 1 - (s + 1) / f))),
        Mistake("cosine", "The fall is half a cosine; here it is a straight line.", _rule(down=lambda s, f: (1 + math.cos(math.pi * s / f)) / 2)),
        Mistake("rises at the end", "In its last part the learning rate rises again.", _rule(down=lambda s, f: s / f)),
        Mistake("share instead of rate", "That is the share of the highest rate.", lambda steps, highest, warmup, fall: _schedule(steps, 1.0, warmup, fall)),
        Mistake("no plateau", "The fall begins where the warm-up ends; it should begin `fall` steps before the end.", _rates(lambda step, steps, w, f: (step + 1) / w if step < w else (steps - step) / (steps - w))),
        Mistake("falls after `fall` steps", "The fall begins at step number `fall`; it should begin so many steps before the end.", _rates(lambda step, steps, w, f: (step + 1) / w if step < w else (steps - step) / (steps - f) if step >= f else 1)),
        Mistake("rounded down", "`//` cuts the fractions off.", _rule(up=lambda s, w: (s + 1) // w, down=lambda s, f: (f - s) // f)),
        Mistake("always the highest", "The learning rate is the same in all steps.", _rule(up=lambda s, w: 1, down=lambda s, f: 1)),
    ),
    {"by zero": ("warm-up of no steps", "warmup or fall was 0, and your code divided by it.")},
    probe=_ask_each_step,
)  # fmt: skip


def _trained(
    windows: Tensor,
    targets: Tensor,
    table: Tensor,
    weight: Tensor,
    lr: int | float,
    steps: int,
    keep: tuple = (0, 0),
    by: int | float = 1,
) -> tuple[Tensor, Tensor, Tensor]:
    """SGD; `keep` is the share of the old gradient that is still there, for table and weight."""
    parameters, old, losses = [table, weight], [torch.zeros_like(table), torch.zeros_like(weight)], []
    for _ in range(steps):
        losses.append(_loss(windows, targets, *parameters).item())
        new = _gradients(windows, targets, *parameters)
        old = [share * a + b for share, a, b in zip(keep, old, new, strict=True)]
        parameters = [p - by * lr * gradient for p, gradient in zip(parameters, old, strict=True)]
    return *parameters, torch.tensor(losses)


def _keeping(*keep: int | float, by: int | float = 1) -> Callable:
    return lambda *case: _trained(*case, keep=keep, by=by)


def _still(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: int | float, steps: int) -> tuple:
    return table, weight, _loss(windows, targets, table, weight).repeat(steps)


def _stale(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: int | float, steps: int) -> tuple:
    """The same gradient in every step."""
    gradients, losses = _gradients(windows, targets, table, weight), []
    for _ in range(steps):
        losses.append(_loss(windows, targets, table, weight).item())
        table, weight = (p - lr * gradient for p, gradient in zip((table, weight), gradients, strict=True))
    return table, weight, torch.tensor(losses)


def _emptied(windows: Tensor, targets: Tensor, table: Tensor, weight: Tensor, lr: int | float, steps: int) -> tuple:
    """The parameters, not the gradients, set to zero after each step."""
    zeros = torch.zeros_like(table), torch.zeros_like(weight)
    later = _loss(windows, targets, *zeros).repeat(steps - 1)
    return *zeros, torch.cat([_loss(windows, targets, table, weight)[None], later])


def _listed(answer: Callable, *case: object) -> object:
    """The answer's result, the losses as one tensor."""
    found = answer(*case)
    if isinstance(found, (tuple, list)) and found and isinstance(found[-1], (tuple, list)):
        return *found[:-1], torch.tensor([float(loss) for loss in found[-1]])
    return found


def _draw_trainings(draw: random.Random) -> list[tuple]:
    sizes = [(32, 8, 10, 27), (draw.randint(5, 9), 3, 4, draw.randint(11, 15)), (1, 2, 6, 5)]
    return [(*_net_case(draw, *size, lr), draw.randint(4, 6)) for size, lr in zip(sizes, (0.5, 0.2, 0.1), strict=True)]


MENDED = Implement(
    "train",
    _draw_trainings(random.Random(1)),
    _draw_trainings,
    _trained,
    "Every step went along the gradient of its own loss, and of nothing else.",
    (
        Mistake(NOT_DONE, "The losses are those of the function as it was given, so the mistake is still in it.", _keeping(1, 1)),
        Mistake("table not set back", "The weight is treated rightly now; look at the table.", _keeping(1, 0)),
        Mistake("weight not set back", "The table is treated rightly now; look at the weight.", _keeping(0, 1)),
        Mistake("smaller steps instead", "With smaller steps the mistake hurts less; it is still there.", _keeping(1, 1, by=0.1)),
        Mistake("smaller steps instead", "With smaller steps the mistake hurts less; it is still there.", _keeping(1, 1, by=0.5)),
        Mistake("smaller steps instead", "With smaller steps the mistake hurts less; it is still there.", lambda *case: _trained(*case, keep=(1, 1), by=1 / case[5])),
        Mistake("momentum instead", "The old gradients fade now; plain steps use none of them.", _keeping(0.9, 0.9)),
        Mistake("momentum instead", "The old gradients fade now; plain steps use none of them.", _keeping(0.5, 0.5)),
        Mistake("nothing moves", "The loss is the same in all steps: what does a step use after the place where you mended?", _still),
        Mistake("same gradient in every step", "Each step needs the gradient of the parameters as they are now.", _stale),
        Mistake("parameters set to zero", "It is not the parameters that are to be set back.", _emptied),
        Mistake("uphill", "The loss grows: which way is downhill?", _keeping(0, 0, by=-1)),
        Mistake("gradient of the sum", "The loss of a step is the mean over the batch.", lambda *case: (trained := _trained(*case, by=len(case[1])))[:2] + (trained[2] * len(case[1]),)),
        Mistake("gradient of the sum", "The loss of a step is the mean over the batch.", lambda *case: _trained(*case, by=len(case[1]))),
    ),
    {
        "NoneType": ("set back too early", "The gradient was gone when the step wanted to use it."),
        "does not require grad": ("parameters lost their gradients", "After your change the parameters no longer ask for a gradient."),
    },
    probe=_listed,
)  # fmt: skip


def small_net(vocabulary: int, context: int, seed: int) -> nn.Sequential:
    """A net with a BatchNorm whose running statistics are not those of the batches it will see; in train mode."""
    return copy.deepcopy(_made_net(vocabulary, context, seed))


@functools.lru_cache(maxsize=64)
def _made_net(vocabulary: int, context: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Embedding(vocabulary, 4), nn.Flatten(), nn.Linear(4 * context, 12), nn.BatchNorm1d(12), nn.Tanh()]
        net = nn.Sequential(*layers, nn.Linear(12, vocabulary))
        net[3].running_mean.normal_()
        net[3].running_var.uniform_(0.5, 2)
        net[5].weight.data *= 4
    return net


class Watched(nn.Module):
    """The net, and a record of how it was asked."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.sizes, self.recorded = net, [], False

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        self.recorded |= torch.is_grad_enabled()
        return self.net(x)


def _came(loss: object, sizes: list[int], mode: str, moved: bool, recorded: bool) -> dict[str, object]:
    return {
        "loss": loss,
        "sizes of the pieces": sorted(Counter(sizes).items()),
        "mode afterwards": mode,
        "running statistics moved": moved,
        "gradients recorded": recorded,
    }


def _evaluation(answer: Callable, X: Tensor, Y: Tensor, settings: dict) -> object:
    net = small_net(9, X.shape[1], settings["net"])
    before, watched = copy.deepcopy(net.state_dict()), Watched(net).train(settings["mode"] == "train")
    loss = answer(watched, X, Y, settings["piece"])
    if loss is None or loss is ...:
        return None
    moved = any(not torch.equal(before[name], value) for name, value in net.state_dict().items())
    mode = "train" if watched.training and net[3].training else "eval"
    return _came(float(loss), watched.sizes, mode, moved, watched.recorded)


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
    """What an evaluation gives; `whole` makes one loss of the losses of the pieces, the other options are ways to go wrong."""
    net, size = small_net(9, X.shape[1], settings["net"]), piece or settings["piece"]
    net.train(settings["mode"] == "train" if training is None else training)
    pieces = [(x, y) for x, y in zip(X.split(size), Y.split(size), strict=True) if len(x) == size or not full_only]
    mode, moves = after or settings["mode"], net.training
    with torch.no_grad():
        losses = [F.cross_entropy(net(x), y, reduction="none") for x, y in pieces]
    loss = whole(losses, settings["piece"], len(Y)).item()
    return _came(loss, [len(x) for x, _ in pieces], mode, moves, recorded)


def _doing(**options: object) -> Callable:
    return lambda *case: _evaluated(*case, **options)


MEAN_OF_MEANS = lambda losses, piece, n: torch.stack([part.mean() for part in losses]).mean()


def _windows_case(draw: random.Random, N: int, piece: int, mode: str) -> tuple:
    return ids(draw, 9, N, 3), ids(draw, 9, N), {"piece": piece, "mode": mode, "net": draw.randint(0, 999)}


def _draw_windows(draw: random.Random) -> list[tuple]:
    piece = draw.randint(20, 40)
    return [
        _windows_case(draw, 90, 32, "train"),
        _windows_case(draw, 3 * piece + draw.randint(2, 9), piece, "eval"),
        _windows_case(draw, piece + draw.randint(2, 5), piece, "train"),
        _windows_case(draw, 4 * piece + 5, piece, "train"),
    ]


EVALUATE = Implement(
    "my_evaluate",
    [_windows_case(random.Random(1), 90, 32, "train"), _windows_case(random.Random(2), 53, 25, "eval"), _windows_case(random.Random(3), 37, 30, "train")],
    _draw_windows,
    _evaluated,
    "The mean is over all windows, the net was asked piece by piece in eval mode, and came back as it was.",
    (
        Mistake("mean of the means", "Each piece has the same weight; each window should, and the last piece is smaller.", _doing(whole=MEAN_OF_MEANS)),
        Mistake("mean of the means", "Each piece has the same weight; each window should. (And gradients were recorded.)", _doing(whole=MEAN_OF_MEANS, recorded=True)),
        Mistake("train mode", "The net was in train mode while it was asked: the loss depends on the pieces, and the running statistics moved.", _doing(training=None)),
        Mistake("train mode", "The net was in train mode while it was asked. (And gradients were recorded.)", _doing(training=None, recorded=True)),
        Mistake("train mode", "The net was in train mode while it was asked. (And the mean is one of means.)", _doing(training=None, whole=MEAN_OF_MEANS)),
        Mistake("train mode", "The net was in train mode while it was asked. (And there is more.)", _doing(training=None, whole=MEAN_OF_MEANS, recorded=True)),
        Mistake("mode not put back", "The net came back in eval mode whatever mode it had before.", _doing(after="eval")),
        Mistake("mode not put back", "The net came back in eval mode whatever mode it had before. (And gradients were recorded.)", _doing(after="eval", recorded=True)),
        Mistake("mode not put back", "The net came back in eval mode whatever mode it had before. (And the mean is one of means.)", _doing(after="eval", whole=MEAN_OF_MEANS)),
        Mistake("always back to train mode", "A net that came in eval mode went back in train mode: how do you know which it had?", _doing(after="train")),
        Mistake("last piece left out", "The windows that don't fill a piece were never asked about.", _doing(full_only=True)),
        Mistake("last piece left out", "The windows that don't fill a piece were never asked about.", _doing(full_only=True, whole=lambda losses, piece, n: torch.cat(losses).sum() / n)),
        Mistake("last piece left out", "The windows that don't fill a piece were never asked about.", _doing(full_only=True, whole=MEAN_OF_MEANS)),
        Mistake("everything at once", "The net got all windows in one batch; `piece` at a time was asked for.", _doing(piece=10**6)),
        Mistake("one window at a time", "The net got one window at a time; `piece` at a time was asked for.", _doing(piece=1)),
        Mistake("summed, not averaged", "That is the sum over all windows.", _doing(whole=lambda losses, piece, n: torch.cat(losses).sum())),
        Mistake("divided by the pieces", "The sum was divided by the number of pieces; a mean over the windows was wanted.", _doing(whole=lambda losses, piece, n: torch.cat(losses).sum() / len(losses))),
        Mistake("divided by full pieces", "The sum was divided as if the last piece were full.", _doing(whole=lambda losses, piece, n: torch.cat(losses).sum() / len(losses) / piece)),
        Mistake("means divided by the windows", "Means were added up and divided by the number of windows: mean or sum of each piece, but not both.", _doing(whole=lambda losses, piece, n: torch.stack([part.mean() for part in losses]).sum() / len(torch.cat(losses)))),
        Mistake("last piece only", "That is the loss of the last piece.", _doing(whole=lambda losses, piece, n: losses[-1].mean())),
        Mistake("gradients recorded", "The loss is right; but torch recorded everything for a backward pass that never comes.", _doing(recorded=True)),
    ),
    probe=_evaluation,
)  # fmt: skip

EXERCISES = {
    "predictions": PREDICTIONS,
    "step": STEP,
    "schedule": SCHEDULE,
    "mended": MENDED,
    "evaluate": EVALUATE,
}
