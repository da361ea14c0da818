"""Assignment 03, BatchNorm's dimensions: cases, solutions and known mistakes of each exercise."""

import random
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from classroom.assignments import probes
from classroom.assignments.probes import norm_results
from classroom.assignments.tables import forbid, mistakes, predictions, question
from lib.checks.exercise import NOT_DONE, Implement, ids, numbers


def _own_numbers(draw: random.Random) -> dict[str, object]:
    mine = {"B": draw.randint(40, 89), "T": draw.randint(3, 9), "C": draw.randint(11, 19)}
    mine |= {"n": draw.randint(3, 9), "z": draw.randint(15, 30) / 10, "momentum": draw.choice([0.2, 0.3, 0.4])}
    first, mean, deviation = draw.randint(3, 9), draw.randint(2, 9), draw.randint(2, 5)
    mine |= {"batch_means": [first, first + draw.randint(3, 9)], "running_mean": mean, "running_var": deviation**2}
    mine |= {"weight": draw.randint(2, 4), "bias": draw.choice([-1, 1]) * draw.randint(5, 9)}
    return mine | {"x": mean + draw.choice([-1, 1]) * draw.randint(2, 7) * deviation + 1}


@question(
    "How many numbers does one channel hold, over all examples and time steps?",
    """
    time forgotten: Each time step of each example has a value.
    batch forgotten: Each example has a value for each of its time steps.
    counted the means: That is the number of means; how many values does each of them average?
    counted everything: That is the size of x; the channels share its numbers.
    """,
)
def values(B: int, T: int, C: int, **_: object) -> dict:
    return {
        "right": B * T,
        "time forgotten": B,
        "batch forgotten": T,
        "counted the means": C,
        "counted everything": B * T * C,
    }


@question(
    "Strike out the dimension that is averaged away, and multiply what is left.",
    """
    time averaged too: That is the number over dims (0, 1); here only dim 0 is averaged away.
    counted the values: That is the number of values in each mean; how many means are there?
    channels averaged: The channels stay: only dim 0 is averaged away.
    another dimension: That is what averaging over dim 1 leaves: dimensions are counted from 0.
    averaged over the channels: That is what averaging over dim 2 leaves.
    """,
)
def bug(T: int, C: int, B: int, **_: object) -> dict:
    return {
        "right": T * C,
        "time averaged too": C,
        "counted the values": B,
        "channels averaged": T,
        "another dimension": B * C,
        "averaged over the channels": B * T,
    }


@question(
    "By which factor is the unbiased variance larger, and what is the divisor?",
    """
    factor inverted: A larger divisor gives a smaller result.
    forgot the root: That is the factor between the variances; the divisor is their root.
    forgot the root of the inverse: That is the factor between the variances, inverted; the divisor is their root.
    no difference: The two variances differ, and so do the results.
    """,
)
def unbiased(n: int, z: float, **_: object) -> dict:
    return {
        "right": z * ((n - 1) / n) ** 0.5,
        "factor inverted": z * (n / (n - 1)) ** 0.5,
        "forgot the root": z * (n - 1) / n,
        "forgot the root of the inverse": z * n / (n - 1),
        "no difference": z,
    }


@question(
    "Work out the running mean after the first batch, then after the second.",
    """
    momentum reversed: Momentum is the share of the batch, not of the old value.
    mean of the batches: The batches do not have equal weights, and the initial 0 has one, too.
    started at the first batch: The running mean starts at 0, not at the mean of the first batch.
    first batch forgotten: The first batch counts, too.
    one batch only: That is the running mean after the first batch; a second one follows.
    shares added up: The old value shrinks before the second share is added.
    """,
)
def running(momentum: float, batch_means: list[int], **_: object) -> dict:
    first, second = batch_means
    share = lambda old, new, momentum=momentum: (1 - momentum) * old + momentum * new
    return {
        "right": share(share(0, first), second),
        "momentum reversed": share(share(0, first, 1 - momentum), second, 1 - momentum),
        "mean of the batches": (first + second) / 2,
        "started at the first batch": share(first, second),
        "first batch forgotten": momentum * second,
        "one batch only": momentum * first,
        "shares added up": momentum * (first + second),
    }


@question(
    "Which mean and which variance does eval mode use? Then scale, then shift.",
    """
    statistics of the batch: That is train mode, where a single value is its own mean; this is eval mode.
    forgot the root: You divided by the variance.
    no scale and shift: That is the normalised value; scale and shift come after it.
    shift forgotten: The shift is missing.
    scale forgotten: The scale is missing.
    shifted before scaling: First the scale, then the shift.
    mean not subtracted: The mean was not subtracted.
    """,
)
def output(x: int, running_mean: int, running_var: int, weight: int, bias: int, **_: object) -> dict:
    xhat = (x - running_mean) / running_var**0.5
    return {
        "right": weight * xhat + bias,
        "statistics of the batch": float(bias),
        "forgot the root": weight * (x - running_mean) / running_var + bias,
        "no scale and shift": xhat,
        "shift forgotten": weight * xhat,
        "scale forgotten": xhat + bias,
        "shifted before scaling": weight * (xhat + bias),
        "mean not subtracted": weight * x / running_var**0.5 + bias,
    }


PREDICTIONS = predictions(_own_numbers, values=values, bug=bug, unbiased=unbiased, running=running, output=output)


def _dims(x: Tensor, over_2d: object = 0, over_3d: object = (0, 1)) -> object:
    return over_2d if x.ndim == 2 else over_3d


def _uneven(draw: random.Random, *shape: int) -> Tensor:
    """Numbers whose mean and spread differ from channel to channel, and the mean from time step to time step."""
    channels = torch.arange(1.0, shape[-1] + 1)
    x = numbers(draw, *shape) * (0.5 + channels / 4) + channels / 2
    return x + torch.arange(float(shape[1]))[:, None] ** 2 / 4 if len(shape) == 3 else x


def _norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float, dim: object = None, unbiased: bool = False) -> Tensor:
    dim = _dims(x) if dim is None else dim
    var = x.var(dim, keepdim=True, unbiased=unbiased)
    return weight * (x - x.mean(dim, keepdim=True)) / torch.sqrt(var + eps) + bias


def _by(scale: Callable[[Tensor, float], Tensor], centre: int = 1) -> Callable:
    def normalise(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        mean, var = x.mean(_dims(x), keepdim=True), x.var(_dims(x), keepdim=True, unbiased=False)
        return weight * (x - centre * mean) / scale(var, eps) + bias

    return normalise


def _over(over_2d: object, over_3d: object) -> Callable:
    return lambda x, *rest: _norm(x, *rest, dim=_dims(x, over_2d, over_3d))


FORBIDDEN = forbid(
    ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize"),
    "torch's own layer",
    "torch normalised for you; compute mean and variance yourself.",
)


def _norm_case(draw: random.Random, eps: float, *shape: int) -> tuple:
    weight = (numbers(draw, shape[-1]).abs() + 0.5) * torch.tensor([1.0, -1.0] * shape[-1])[: shape[-1]]
    return _uneven(draw, *shape), weight, numbers(draw, shape[-1]), eps


def _draw_norms(draw: random.Random) -> list[tuple]:
    C = draw.randint(5, 9)
    shapes = [(32, 4, 16), (draw.randint(10, 20), C), (draw.randint(2, 4), 7, C), (1, 6, 4), (4, 3), (3, 1, C)]
    return [_norm_case(draw, draw.choice([0.05, 0.1, 0.2]), *shape) for shape in shapes]


BATCH_NORM = Implement(
    "my_batch_norm",
    [_norm_case(random.Random(sum(shape)), 0.1, *shape) for shape in ((32, 4, 16), (9, 5), (1, 6, 3), (3, 2, 7))],
    _draw_norms,
    _norm,
    "Right with and without time steps, and for a batch of one window; scale and shift come last.",
    mistakes(
        """
        dim 0 of a 3-D tensor: Each time step of a 3-D tensor got its own mean: count your means.
        all dimensions: One mean serves all channels: each should have its own. Which dimensions does a 2-D tensor have?
        last dimension: You average over the channels, which never mix here.
        each example by itself: Each example of a 3-D tensor got its own statistics; the whole batch should share them.
        unbiased variance: The sum of squared distances was divided by n - 1; which of the two variances normalises?
        eps outside the root: eps belongs to the variance, not to its root.
        no eps: eps is missing, or is not the given one.
        forgot the root: You divide by the variance.
        not divided: The mean is subtracted, and the spread is unchanged.
        mean not subtracted: The mean was not subtracted.
        no scale and shift: x is normalised; scale and shift are missing.
        shift forgotten: bias is not used.
        scale forgotten: weight is not used.
        scale and shift swapped: weight was added and bias multiplied.
        shifted before scaling: First the scale, then the shift.
        scaled before normalising: Normalising removes a scale and a shift again: what is the last step?
        """,
        {
            "dim 0 of a 3-D tensor": _over(0, 0),
            "all dimensions": [_over((0, 1), (0, 1)), _over((0, 1), (0, 1, 2))],
            "last dimension": _over(-1, -1),
            "each example by itself": _over(0, 1),
            "unbiased variance": partial(_norm, unbiased=True),
            "eps outside the root": _by(lambda var, eps: var.sqrt() + eps),
            "no eps": [_by(lambda var, eps: var.sqrt()), _by(lambda var, eps: (var + 1e-5).sqrt())],
            "forgot the root": _by(lambda var, eps: var + eps),
            "not divided": _by(lambda var, eps: torch.ones_like(var)),
            "mean not subtracted": _by(lambda var, eps: (var + eps).sqrt(), 0),
            "no scale and shift": lambda x, weight, bias, eps: _norm(
                x, torch.ones_like(weight), torch.zeros_like(bias), eps
            ),
            "shift forgotten": lambda x, weight, bias, eps: _norm(x, weight, torch.zeros_like(bias), eps),
            "scale forgotten": lambda x, weight, bias, eps: _norm(x, torch.ones_like(weight), bias, eps),
            "scale and shift swapped": lambda x, weight, bias, eps: _norm(x, bias, weight, eps),
            "shifted before scaling": lambda x, weight, bias, eps: _norm(x, weight, weight * bias, eps),
            "scaled before normalising": lambda x, weight, bias, eps: _norm(
                weight * x + bias, torch.ones_like(weight), torch.zeros_like(bias), eps
            ),
        },
    ),
    method=FORBIDDEN,
)


def _trace(
    settings: dict,
    *batches: Tensor,
    dim: object = (0, 1),
    normal: bool = False,
    stored: bool = True,
    share: Callable[[float], float] = lambda momentum: momentum,
    uses: tuple[str, str, str] = ("batch", "batch", "running"),
    moves: tuple[bool, bool, bool] = (True, True, False),
    rejects: bool = True,
    late: bool = False,
    few: Callable[[Tensor], bool] = lambda x: x.shape[:-1].numel() < 2,
) -> dict[str, object]:
    """What a layer makes of two batches in train mode and one in eval mode; the options are ways to go wrong."""
    mean, var, outputs = torch.zeros(batches[0].shape[-1]), torch.ones(batches[0].shape[-1]), []
    part = share(settings["momentum"])
    for number, x in enumerate(batches):
        over, rejected = _dims(x, 0, dim), rejects and number < 2 and few(x)
        own = x.mean(over, keepdim=True), _var(x, over, normal)
        centre, spread = own if uses[number] == "batch" else (mean, var)
        if moves[number] and (not rejected or late):
            mean, var = (1 - part) * mean + part * x.mean(over), (1 - part) * var + part * _var(x, over, stored, False)
        if uses[number] == "running":  # as they are after the move
            centre, spread = mean, var
        outputs.append("rejected" if rejected else (x - centre) / (spread + settings["eps"]).sqrt())
    return norm_results(*outputs, mean, var)


def _var(x: Tensor, dim: object, unbiased: bool, keepdim: bool = True) -> Tensor:
    """`x.var` without its warning about a single value."""
    squares = (x - x.mean(dim, keepdim=True)).square()
    total = squares.sum(dim, keepdim=keepdim)
    return total / (x.numel() / total.numel() - unbiased)


def _layer_case(draw: random.Random, momentum: float, *shapes: tuple[int, ...]) -> tuple:
    return {"eps": 0.1, "momentum": momentum}, *(_uneven(draw, *shape) for shape in shapes)


def _layer_cases(draw: random.Random) -> list[tuple]:
    B, C = draw.randint(5, 9), draw.randint(5, 8)
    return [
        _layer_case(draw, 0.1, (32, 4, 16), (32, 4, 16), (32, 4, 16)),
        _layer_case(draw, 0.3, (B, 3, C), (1, 3, C), (2, 7, C)),
        _layer_case(draw, 0.2, (9, C), (B, C), (1, C)),
        _layer_case(draw, 0.4, (B, C), (1, C), (3, C)),
        _layer_case(draw, 0.3, (B, 1, C), (1, 1, C), (1, 1, C)),
        _layer_case(draw, 0.2, (2, C), (2, 1, C), (2, C)),
    ]


LAYER = Implement(
    "MyBatchNorm",
    _layer_cases(random.Random(1)),
    _layer_cases,
    _trace,
    "Two batches in train mode, one in eval mode and the running statistics are right; a single value is rejected.",
    mistakes(
        """
        dim 0 of a 3-D tensor: Each time step of a 3-D tensor got its own statistics: count them.
        stores the biased variance: running_var differs from that of PyTorch: which variance normalises, and which is
            stored?
        normalises with the unbiased variance: The outputs in train mode are a few percent too small: which variance
            normalises, and which is stored?
        variances swapped: Each variance is used in place of the other.
        momentum reversed: Momentum is the share of the new batch; the old value keeps the rest.
        last batch only: The running statistics are those of the last batch: the old values keep a share.
        eval mode ignored: In eval mode the batch was normalised by its own statistics.
        moves in eval mode: The running statistics moved in eval mode, in which a net only predicts.
        running statistics never move: The running statistics keep their initial values.
        train mode uses running statistics: In train mode the batch is normalised by its own statistics; the running
            ones are for later.
        single value accepted: In train mode one value per channel was accepted: its unbiased variance is 0/0, which
            spoils running_var.
        refused too late: The single value was rejected after it had moved the running statistics.
        window refused: One window of several time steps was rejected; it has several values for each channel.
        """,
        {
            "dim 0 of a 3-D tensor": partial(_trace, dim=0),
            "stores the biased variance": partial(_trace, stored=False),
            "normalises with the unbiased variance": partial(_trace, normal=True),
            "variances swapped": partial(_trace, normal=True, stored=False),
            "momentum reversed": partial(_trace, share=lambda momentum: 1 - momentum),
            "last batch only": partial(_trace, share=lambda momentum: 1.0),
            "eval mode ignored": [
                partial(_trace, uses=("batch",) * 3),
                partial(_trace, uses=("batch",) * 3, moves=(True,) * 3),
            ],
            "moves in eval mode": [
                partial(_trace, moves=(True,) * 3),
                partial(_trace, uses=("batch", "batch", "before"), moves=(True,) * 3),
            ],
            "running statistics never move": partial(_trace, moves=(False,) * 3),
            "train mode uses running statistics": partial(_trace, uses=("running",) * 3),
            "single value accepted": partial(_trace, rejects=False),
            "refused too late": partial(_trace, late=True),
            "window refused": partial(_trace, few=lambda x: len(x) < 2),
        },
    ),
    {
        "must match the size": (
            "statistics do not fit",
            "The running statistics do not fit another batch: print their shape; it should be (C,) for any C.",
        )
    },
    FORBIDDEN,
    probes.norm_layer,
)


def _net(
    x: Tensor,
    *weights: Tensor,
    means: tuple = (0, (0, 1)),
    variances: tuple | None = None,
    unbiased: bool = False,
    norm: bool = True,
) -> Tensor:
    """Three stages of pairs; `means` and `variances` are the dimensions for 2-D and 3-D input."""
    for weight in weights:
        B, T, C = x.shape
        x = (x.reshape(B, T // 2, 2 * C) @ weight).squeeze(1)
        mean_dim, var_dim = _dims(x, *means), _dims(x, *(variances or means))
        if norm:
            var = x.var(var_dim, keepdim=True, unbiased=unbiased)
            x = (x - x.mean(mean_dim, keepdim=True)) / torch.sqrt(var + 1e-5)
        x = torch.tanh(x)
    return x


def _net_case(draw: random.Random, B: int, C: int, hidden: int) -> tuple:
    weights = (numbers(draw, 2 * size, hidden) / size**0.5 for size in (C, hidden, hidden))
    return numbers(draw, B, 8, C) + torch.arange(8.0)[:, None] / 4, *weights


def _draw_nets(draw: random.Random) -> list[tuple]:
    sizes = [(32, 10, 16), (draw.randint(5, 9), 4, draw.randint(5, 9)), (draw.randint(40, 60), 3, draw.randint(3, 6))]
    return [_net_case(draw, *size) for size in sizes]


MENDED = Implement(
    "net",
    [_net_case(random.Random(B), B, C, hidden) for B, C, hidden in ((32, 10, 16), (6, 4, 7), (40, 3, 5))],
    _draw_nets,
    _net,
    "Each stage has one mean and one variance for each channel, regardless of its number of dimensions.",
    mistakes(
        """
        not done: The net computes what it did at first, so the mistake is still in it.
        all dimensions of the last stage: The first stages are right now, and the last one is wrong: how many dimensions
            does it have?
        all dimensions: One mean serves all channels of a stage: each should have its own.
        variance not mended: The mean is right now; look at the other statistic.
        mean not mended: The variance is right now; look at the other statistic.
        each example by itself: Each example has its own statistics now; the whole batch should share them.
        last dimension: You average over the channels, which never mix here.
        unbiased variance: The dimensions are right now; the variance that normalises is the wrong one.
        normalisation removed: Nothing is normalised.
        """,
        {
            NOT_DONE: partial(_net, means=(0, 0)),
            "all dimensions of the last stage": partial(_net, means=((0, 1), (0, 1))),
            "all dimensions": [partial(_net, means=(0, (0, 1, 2))), partial(_net, means=((0, 1), (0, 1, 2)))],
            "variance not mended": partial(_net, variances=(0, 0)),
            "mean not mended": partial(_net, means=(0, 0), variances=(0, (0, 1))),
            "each example by itself": partial(_net, means=(0, 1)),
            "last dimension": [partial(_net, means=(-1, -1)), partial(_net, means=(0, -1))],
            "unbiased variance": partial(_net, unbiased=True),
            "normalisation removed": partial(_net, norm=False),
        },
    ),
)


def _of_letters(x: Tensor, padding: Tensor, unbiased: bool = False) -> tuple[Tensor, Tensor]:
    letters = x[~padding]
    return letters.mean(0), letters.var(0, unbiased=unbiased)


def _divided_by_all(x: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
    keep = (~padding).float()[..., None]
    mean = (x * keep).mean((0, 1))
    return mean, ((x - mean).square() * keep).mean((0, 1))


def _zeros_in_variance(x: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
    mean, _ = _of_letters(x, padding)
    return mean, (x * ~padding[..., None] - mean).square().sum((0, 1)) / (~padding).sum()


def _as_zeros(x: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
    zeros = x * ~padding[..., None]
    return zeros.mean((0, 1)), zeros.var((0, 1), unbiased=False)


def _by_window(x: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
    found = [_of_letters(window, gone) for window, gone in zip(x, padding, strict=True) if not gone.all()]
    return tuple(torch.stack(part).mean(0) for part in zip(*found, strict=True))


def _padded_case(draw: random.Random, B: int, T: int, C: int) -> tuple:
    letters = torch.tensor([draw.randint(1, T) for _ in range(B - 2)] + [0, T - 1])
    return _padded(draw, torch.arange(T)[None] < T - letters[:, None], C)


def _padded(draw: random.Random, padding: Tensor, C: int) -> tuple:
    return torch.where(padding[..., None], numbers(draw, C) + 1, _uneven(draw, *padding.shape, C)), padding


def _draw_padded(draw: random.Random) -> list[tuple]:
    sizes = [(32, 4, 16), (draw.randint(4, 9), 8, draw.randint(3, 6)), (draw.randint(10, 20), 5, 1), (3, 6, 5)]
    # Padding anywhere, and two letters in all.
    holes = ids(draw, 3, draw.randint(6, 9), 7) > 0
    holes[0], holes[1, :3] = True, torch.tensor([False, True, False])
    few = torch.ones(3, 4, dtype=torch.bool)
    few[0, 3] = few[2, draw.randint(0, 2)] = False
    others = [_padded(draw, holes, 4), _padded(draw, few, 2), _padded(draw, torch.zeros(3, 4, dtype=torch.bool), 3)]
    return [*(_padded_case(draw, *size) for size in sizes), *others]


LETTERS = Implement(
    "my_letter_statistics",
    [_padded_case(random.Random(B), B, T, C) for B, T, C in ((32, 4, 16), (5, 8, 3), (3, 6, 1))],
    _draw_padded,
    _of_letters,
    "Mean and variance are those of the letters alone, even with windows that are all padding.",
    mistakes(
        """
        padding counted: Those are the statistics of all time steps, padding too.
        letters left out: Those are the statistics of the padding: what does True mean?
        padding counted as zeros: The padding became zeros, and the zeros were counted.
        divided by all: Only letters were added up, and the sum was divided by the number of all time steps.
        zeros in the variance: The mean is right; in the variance the padding counts as zeros.
        unbiased variance: The sum of squared distances was divided by n - 1; expected the biased variance.
        each window by itself: A mean of the windows' means gives a short name's letters more weight than a long one's.
        all dimensions: One mean serves all channels: each should have its own.
        last dimension: You average over the channels: there is a number for each letter.
        standard deviation: That is the root of the variance.
        variance before mean: Return the mean, then the variance.
        dimensions kept: The numbers are right, and the shape of each should be (C,).
        """,
        {
            "padding counted": lambda x, padding: (x.mean((0, 1)), x.var((0, 1), unbiased=False)),
            "letters left out": lambda x, padding: _of_letters(x, ~padding),
            "padding counted as zeros": _as_zeros,
            "divided by all": _divided_by_all,
            "zeros in the variance": _zeros_in_variance,
            "unbiased variance": partial(_of_letters, unbiased=True),
            "each window by itself": _by_window,
            "all dimensions": lambda x, padding: (x[~padding].mean(), x[~padding].var(unbiased=False)),
            "last dimension": lambda x, padding: (x[~padding].mean(1), x[~padding].var(1, unbiased=False)),
            "standard deviation": lambda x, padding: (x[~padding].mean(0), x[~padding].std(0, unbiased=False)),
            "variance before mean": lambda x, padding: _of_letters(x, padding)[::-1],
            "dimensions kept": [
                lambda x, padding: tuple(part.view(1, 1, -1) for part in _of_letters(x, padding)),
                lambda x, padding: tuple(part.view(1, -1) for part in _of_letters(x, padding)),
            ],
        },
    ),
)

EXERCISES = {"predictions": PREDICTIONS, "batch_norm": BATCH_NORM, "layer": LAYER, "mended": MENDED, "letters": LETTERS}
