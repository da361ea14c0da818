"""Assignment 03, BatchNorm's dimensions: what each exercise is tried on, what is right, and the mistakes that are known."""

import itertools
import random
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lib.checks.exercise import NOT_DONE, Implement, Mistake, Predict, Question, numbers


def _apart(*values: int | float) -> bool:
    return min(b - a for a, b in itertools.pairwise(sorted(values))) > 0.02


def _own_numbers(draw: random.Random) -> dict[str, object]:
    # No mistake may give the right number by chance, nor that of another mistake.
    T, C = draw.randint(3, 9), draw.randint(11, 19)
    mine = {"B": draw.choice([B for B in range(40, 90) if B != T * C]), "T": T, "C": C}
    mine |= {"n": draw.randint(3, 9), "z": draw.randint(15, 30) / 10, "momentum": draw.choice([0.2, 0.3, 0.4])}
    while True:
        first, mean, deviation = draw.randint(3, 9), draw.randint(2, 9), draw.randint(2, 5)
        own = {"batch_means": [first, first + draw.randint(3, 9)], "running_mean": mean, "running_var": deviation**2}
        own |= {"weight": draw.randint(2, 4), "bias": draw.choice([-1, 1]) * draw.randint(5, 9)}
        own |= {"x": mean + draw.choice([-1, 1]) * draw.randint(2, 7) * deviation + 1}
        own = mine | own
        if _apart(*_runnings(**own).values()) and _apart(*_outputs(**own).values()):
            return own


def _runnings(momentum: int | float, batch_means: list[int], **_: object) -> dict[str, int | float]:
    """The running mean after two batches, and what is taken for it."""
    first, second = batch_means
    return {
        "right": _mixed(0, batch_means, momentum),
        "turned": _mixed(0, batch_means, 1 - momentum),
        "plain": (first + second) / 2,
        "started": _mixed(first, [second], momentum),
        "second": momentum * second,
        "first": momentum * first,
        "summed": momentum * (first + second),
    }


def _mixed(start: int | float, means: list[int], share: int | float) -> int | float:
    for mean in means:
        start = (1 - share) * start + share * mean
    return start


def _outputs(
    x: int, running_mean: int, running_var: int, weight: int, bias: int, **_: object
) -> dict[str, int | float]:
    """What eval mode gives out, and what is taken for it."""
    xhat = (x - running_mean) / running_var**0.5
    return {
        "right": weight * xhat + bias,
        "batch": float(bias),
        "variance": weight * (x - running_mean) / running_var + bias,
        "plain": xhat,
        "scaled": weight * xhat,
        "shifted": xhat + bias,
        "brackets": weight * (xhat + bias),
        "not centred": weight * x / running_var**0.5 + bias,
    }


def _with(right: Callable) -> Callable:
    """The same function, of the numbers by name."""
    return lambda mine: right(**mine)


PREDICTIONS = Predict(
    "my_predictions",
    _own_numbers,
    {
        "values": Question(
            _with(lambda B, T, **_: B * T),
            "How many numbers does one channel hold, over all examples and time steps?",
            (
                Mistake("time forgotten", "Each time step of each example brings a value.", _with(lambda B, **_: B)),
                Mistake("batch forgotten", "Each example brings a value for each of its time steps.", _with(lambda T, **_: T)),
                Mistake("counted the means", "That is how many means there are; how many values does each of them take?", _with(lambda C, **_: C)),
                Mistake("counted everything", "That is how many numbers x holds; the channels share them.", _with(lambda B, T, C, **_: B * T * C)),
            ),
        ),
        "bug": Question(
            _with(lambda T, C, **_: T * C),
            "Strike out the dimension that is averaged away, and multiply what is left.",
            (
                Mistake("time averaged too", "So many there would be over (0, 1); here only dim 0 is averaged away.", _with(lambda C, **_: C)),
                Mistake("counted the values", "So many values go into each mean; how many means are there?", _with(lambda B, **_: B)),
                Mistake("channels averaged", "The channels stay: only dim 0 is averaged away.", _with(lambda T, **_: T)),
                Mistake("another dimension", "That is what averaging over dim 1 leaves: dimensions are counted from 0.", _with(lambda B, C, **_: B * C)),
                Mistake("averaged over the channels", "That is what averaging over dim 2 leaves.", _with(lambda B, T, **_: B * T)),
            ),
        ),
        "unbiased": Question(
            _with(lambda n, z, **_: z * ((n - 1) / n) ** 0.5),
            "By which factor is the unbiased variance larger, and by what does one divide?",
            (
                Mistake("factor turned round", "Divided by something larger, a number comes out smaller.", _with(lambda n, z, **_: z * (n / (n - 1)) ** 0.5)),
                Mistake("forgot the root", "That is the factor between the variances; one divides by their root.", _with(lambda n, z, **_: z * (n - 1) / n)),
                Mistake("forgot the root", "That is the factor between the variances, turned round; one divides by their root.", _with(lambda n, z, **_: z * n / (n - 1))),
                Mistake("no difference", "The two variances differ, and so do the results.", _with(lambda z, **_: z)),
            ),
        ),
        "running": Question(
            lambda mine: _runnings(**mine)["right"],
            "Work out the running mean after the first batch, then after the second.",
            (
                Mistake("momentum turned round", "Momentum is the share of the batch, not of what was there before.", lambda mine: _runnings(**mine)["turned"]),
                Mistake("mean of the batches", "All batches have not the same weight, and the start has some, too.", lambda mine: _runnings(**mine)["plain"]),
                Mistake("started at the first batch", "The running mean starts at 0, not at the mean of the first batch.", lambda mine: _runnings(**mine)["started"]),
                Mistake("first batch forgotten", "What the first batch left counts, too.", lambda mine: _runnings(**mine)["second"]),
                Mistake("one batch only", "That is the running mean after the first batch; a second one follows.", lambda mine: _runnings(**mine)["first"]),
                Mistake("shares added up", "Before the second share is added, what was there shrinks.", lambda mine: _runnings(**mine)["summed"]),
            ),
        ),
        "output": Question(
            lambda mine: _outputs(**mine)["right"],
            "Which mean and which variance does eval mode use? Then scale, then shift.",
            (
                Mistake("statistics of the batch", "That is train mode, where a single value is its own mean; this is eval mode.", lambda mine: _outputs(**mine)["batch"]),
                Mistake("forgot the root", "You divided by the variance.", lambda mine: _outputs(**mine)["variance"]),
                Mistake("no scale and shift", "That is the normalised value; scale and shift come after it.", lambda mine: _outputs(**mine)["plain"]),
                Mistake("shift forgotten", "The shift is missing.", lambda mine: _outputs(**mine)["scaled"]),
                Mistake("scale forgotten", "The scale is missing.", lambda mine: _outputs(**mine)["shifted"]),
                Mistake("shifted before scaling", "First the scale, then the shift.", lambda mine: _outputs(**mine)["brackets"]),
                Mistake("mean not subtracted", "The mean is still in it.", lambda mine: _outputs(**mine)["not centred"]),
            ),
        ),
    },
)  # fmt: skip


def _dims(x: Tensor, over_2d: object = 0, over_3d: object = (0, 1)) -> object:
    return over_2d if x.ndim == 2 else over_3d


def _uneven(draw: random.Random, *shape: int) -> Tensor:
    """Numbers whose mean and spread differ from channel to channel, and the mean from time step to time step."""
    channels = torch.arange(1.0, shape[-1] + 1)
    x = numbers(draw, *shape) * (0.5 + channels / 4) + channels / 2
    return x + torch.arange(float(shape[1]))[:, None] ** 2 / 4 if len(shape) == 3 else x


def _norm(
    x: Tensor, weight: Tensor, bias: Tensor, eps: int | float, dim: object = None, unbiased: bool = False
) -> Tensor:
    dim = _dims(x) if dim is None else dim
    var = x.var(dim, keepdim=True, unbiased=unbiased)
    return weight * (x - x.mean(dim, keepdim=True)) / torch.sqrt(var + eps) + bias


def _by(scale: Callable[[Tensor, int | float], Tensor], centre: int = 1) -> Callable:
    def normalise(x: Tensor, weight: Tensor, bias: Tensor, eps: int | float) -> Tensor:
        mean, var = x.mean(_dims(x), keepdim=True), x.var(_dims(x), keepdim=True, unbiased=False)
        return weight * (x - centre * mean) / scale(var, eps) + bias

    return normalise


def _over(over_2d: object, over_3d: object) -> Callable:
    return lambda x, *rest: _norm(x, *rest, dim=_dims(x, over_2d, over_3d))


def _is_own(calls: Mapping[str, int]) -> tuple[str, str] | None:
    if calls.keys() & {"batch_norm", "layer_norm", "group_norm", "instance_norm", "native_batch_norm"}:
        return "torch's own layer", "torch normalised for you; take mean and variance yourself."
    return None


def _norm_case(draw: random.Random, eps: int | float, *shape: int) -> tuple:
    return _uneven(draw, *shape), numbers(draw, shape[-1]) + 2, numbers(draw, shape[-1]), eps


def _draw_norms(draw: random.Random) -> list[tuple]:
    C = draw.randint(5, 9)
    shapes = [(32, 4, 16), (draw.randint(10, 20), C), (draw.randint(2, 4), 7, C), (1, 6, 4), (4, 3)]
    return [_norm_case(draw, draw.choice([0.05, 0.1, 0.2]), *shape) for shape in shapes]


BATCH_NORM = Implement(
    "my_batch_norm",
    [_norm_case(random.Random(sum(shape)), 0.1, *shape) for shape in ((32, 4, 16), (9, 5), (1, 6, 3), (3, 2, 7))],
    _draw_norms,
    _norm,
    "Right with and without time steps, and for a batch of one window; scale and shift come last.",
    (
        Mistake("dim 0 of a 3-D tensor", "Each time step of a 3-D tensor has a mean of its own: count your means.", _over(0, 0)),
        Mistake("all dimensions", "One mean serves all channels of a 2-D tensor: which dimensions does it have?", _over((0, 1), (0, 1))),
        Mistake("all dimensions", "One mean serves all channels: each should have its own.", _over((0, 1), (0, 1, 2))),
        Mistake("last dimension", "You average over the channels, which never mix here.", _over(-1, -1)),
        Mistake("each example by itself", "Each example of a 3-D tensor has statistics of its own; the whole batch should share them.", _over(0, 1)),
        Mistake("unbiased variance", "The sum of squared distances was divided by n - 1; which of the two variances normalises?", lambda *case: _norm(*case, unbiased=True)),
        Mistake("eps outside the root", "eps belongs to the variance, not to its root.", _by(lambda var, eps: var.sqrt() + eps)),
        Mistake("no eps", "eps is not in it, or not the one that was given.", _by(lambda var, eps: var.sqrt())),
        Mistake("no eps", "eps is not the one that was given.", _by(lambda var, eps: (var + 1e-5).sqrt())),
        Mistake("forgot the root", "You divide by the variance.", _by(lambda var, eps: var + eps)),
        Mistake("not divided", "The mean is gone, and the spread is what it was.", _by(lambda var, eps: torch.ones_like(var))),
        Mistake("mean not subtracted", "The mean is still in it.", _by(lambda var, eps: (var + eps).sqrt(), 0)),
        Mistake("no scale and shift", "x is normalised; scale and shift are missing.", lambda x, weight, bias, eps: _norm(x, torch.ones_like(weight), torch.zeros_like(bias), eps)),
        Mistake("shift forgotten", "bias is not in it.", lambda x, weight, bias, eps: _norm(x, weight, torch.zeros_like(bias), eps)),
        Mistake("scale forgotten", "weight is not in it.", lambda x, weight, bias, eps: _norm(x, torch.ones_like(weight), bias, eps)),
        Mistake("scale and shift swapped", "weight was added and bias multiplied.", lambda x, weight, bias, eps: _norm(x, bias, weight, eps)),
        Mistake("shifted before scaling", "First the scale, then the shift.", lambda x, weight, bias, eps: _norm(x, weight, weight * bias, eps)),
        Mistake("scaled before normalising", "Normalising takes a scale and a shift away again: what comes last?", lambda x, weight, bias, eps: _norm(weight * x + bias, torch.ones_like(weight), torch.zeros_like(bias), eps)),
    ),
    method=_is_own,
)  # fmt: skip

LATE = "too late"


def _trace(
    settings: dict,
    *batches: Tensor,
    dim: object = (0, 1),
    normal: bool = False,
    stored: bool = True,
    share: Callable[[int | float], int | float] = lambda momentum: momentum,
    uses: tuple[str, str, str] = ("batch", "batch", "running"),
    moves: tuple[bool, bool, bool] = (True, True, False),
    refuses: object = True,
    few: Callable[[Tensor], bool] = lambda x: x.shape[:-1].numel() < 2,
) -> dict[str, object]:
    """What two batches in train mode, and a third in eval mode, make of a layer; the options are what learners do instead."""
    mean, var, outputs = torch.zeros(batches[0].shape[-1]), torch.ones(batches[0].shape[-1]), []
    part = share(settings["momentum"])
    for number, x in enumerate(batches):
        over, refused = _dims(x, 0, dim), refuses and number < 2 and few(x)
        own = x.mean(over, keepdim=True), _var(x, over, normal)
        centre, spread = own if uses[number] == "batch" else (mean, var)
        if moves[number] and (not refused or refuses == LATE):
            mean, var = (1 - part) * mean + part * x.mean(over), (1 - part) * var + part * _var(x, over, stored, False)
        if uses[number] == "running":  # as they are after the move
            centre, spread = mean, var
        outputs.append("refused" if refused else (x - centre) / (spread + settings["eps"]).sqrt())
    return _came(*outputs, mean, var)


def _var(x: Tensor, dim: object, unbiased: bool, keepdim: bool = True) -> Tensor:
    """`x.var`, which warns of a single value; this does not."""
    squares = (x - x.mean(dim, keepdim=True)).square()
    total = squares.sum(dim, keepdim=keepdim)
    return total / (x.numel() / total.numel() - unbiased)


def _came(first: object, second: object, asked: object, mean: Tensor, var: Tensor) -> dict[str, object]:
    return {
        "first batch": first,
        "second batch": second,
        "running_mean": mean,
        "running_var": var,
        "eval mode": asked,
    }


def _layer(answer: Callable, settings: dict, *batches: Tensor) -> object:
    layer, outputs = answer(batches[0].shape[-1], settings["eps"], settings["momentum"]), []
    if layer is None or layer is ...:
        return None
    for number, x in enumerate(batches):
        layer.training = number < 2
        try:
            outputs.append(layer(x))
        except ValueError:
            outputs.append("refused")
    nothing = all(output is None or output is ... for output in outputs)
    return None if nothing else _came(*outputs, layer.running_mean, layer.running_var)


def _options(**options: object) -> Callable:
    return lambda *case: _trace(*case, **options)


def _layer_case(draw: random.Random, momentum: int | float, *shapes: tuple[int, ...]) -> tuple:
    return {"eps": 0.1, "momentum": momentum}, *(_uneven(draw, *shape) for shape in shapes)


def _layer_cases(draw: random.Random) -> list[tuple]:
    B, C = draw.randint(5, 9), draw.randint(5, 8)
    return [
        _layer_case(draw, 0.1, (32, 4, 16), (32, 4, 16), (32, 4, 16)),
        _layer_case(draw, 0.3, (B, 3, C), (1, 3, C), (2, 7, C)),
        _layer_case(draw, 0.2, (9, C), (B, C), (1, C)),
        _layer_case(draw, 0.4, (B, C), (1, C), (3, C)),
    ]


LAYER = Implement(
    "MyBatchNorm",
    _layer_cases(random.Random(1)),
    _layer_cases,
    _trace,
    "Two batches in train mode and one in eval mode came out right, and so did the running statistics; a single value was refused.",
    (
        Mistake("dim 0 of a 3-D tensor", "Each time step of a 3-D tensor has statistics of its own: count them.", _options(dim=0)),
        Mistake("stores the biased variance", "running_var is not that of PyTorch: which variance normalises, and which is stored?", _options(stored=False)),
        Mistake("normalises with the unbiased variance", "The outputs in train mode are too small by a few percent: which variance normalises, and which is stored?", _options(normal=True)),
        Mistake("variances swapped", "Both variances are there, each in the other's place.", _options(normal=True, stored=False)),
        Mistake("momentum turned round", "Momentum is the share of the new batch, and what was there keeps the rest.", _options(share=lambda momentum: 1 - momentum)),
        Mistake("last batch only", "The running statistics are those of the last batch: what was there before keeps a share.", _options(share=lambda momentum: 1.0)),
        Mistake("eval mode ignored", "In eval mode the batch was normalised by its own statistics.", _options(uses=("batch",) * 3)),
        Mistake("eval mode ignored", "In eval mode the layer did what it does in train mode.", _options(uses=("batch",) * 3, moves=(True,) * 3)),
        Mistake("moves in eval mode", "The running statistics moved in eval mode, when the net was only asked.", _options(moves=(True,) * 3)),
        Mistake("moves in eval mode", "The running statistics moved in eval mode, when the net was only asked.", _options(uses=("batch", "batch", "before"), moves=(True,) * 3)),
        Mistake("running statistics never move", "The running statistics are what they were at first.", _options(moves=(False,) * 3)),
        Mistake("train mode uses running statistics", "In train mode the batch is normalised by its own statistics; the running ones are for later.", _options(uses=("running",) * 3)),
        Mistake("single value let in", "In train mode one value a channel went in: its unbiased variance is 0/0, and running_var is lost.", _options(refuses=False)),
        Mistake("refused too late", "The single value was refused after it had moved the running statistics.", _options(refuses=LATE)),
        Mistake("window refused", "One window of several time steps was refused; it brings several values for each channel.", _options(few=lambda x: len(x) < 2)),
    ),
    {
        "must match the size": ("statistics do not fit", "The running statistics do not fit another batch: print their shape; it should be (C,), whatever C is."),
    },
    _is_own,
    _layer,
)  # fmt: skip


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


def _as(**options: object) -> Callable:
    return lambda *case: _net(*case, **options)


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
    "Each stage has one mean and one variance for each channel, whichever number of dimensions it has.",
    (
        Mistake(NOT_DONE, "The net gives what it gave at first, so the mistake is still in it.", _as(means=(0, 0))),
        Mistake("all dimensions of the last stage", "The first stages are right now, and the last one no longer is: how many dimensions does it have?", _as(means=((0, 1), (0, 1)))),
        Mistake("all dimensions", "One mean serves all channels of a stage: each should have its own.", _as(means=(0, (0, 1, 2)))),
        Mistake("all dimensions", "One mean serves all channels of a stage: each should have its own.", _as(means=((0, 1), (0, 1, 2)))),
        Mistake("variance not mended", "The mean is right now; look at the other statistic.", _as(variances=(0, 0))),
        Mistake("mean not mended", "The variance is right now; look at the other statistic.", _as(means=(0, 0), variances=(0, (0, 1)))),
        Mistake("each example by itself", "Each example has statistics of its own now; the whole batch should share them.", _as(means=(0, 1))),
        Mistake("last dimension", "You average over the channels, which never mix here.", _as(means=(-1, -1))),
        Mistake("last dimension", "You average over the channels where there are time steps; channels never mix here.", _as(means=(0, -1))),
        Mistake("unbiased variance", "The dimensions are right now, and the variance that normalises is no longer.", _as(unbiased=True)),
        Mistake("normalisation removed", "Nothing is normalised any more.", _as(norm=False)),
    ),
)  # fmt: skip


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
    padding = torch.arange(T)[None] < T - letters[:, None]
    return torch.where(padding[..., None], numbers(draw, C) + 1, _uneven(draw, B, T, C)), padding


def _draw_padded(draw: random.Random) -> list[tuple]:
    sizes = [(32, 4, 16), (draw.randint(4, 9), 8, draw.randint(3, 6)), (draw.randint(10, 20), 5, 1), (3, 6, 5)]
    return [_padded_case(draw, *size) for size in sizes]


LETTERS = Implement(
    "my_letter_statistics",
    [_padded_case(random.Random(B), B, T, C) for B, T, C in ((32, 4, 16), (5, 8, 3), (3, 6, 1))],
    _draw_padded,
    _of_letters,
    "Mean and variance are those of the letters alone, with windows that are all padding among them.",
    (
        Mistake("padding counted", "Those are the statistics of all time steps, padding too.", lambda x, padding: (x.mean((0, 1)), x.var((0, 1), unbiased=False))),
        Mistake("letters left out", "Those are the statistics of the padding: what does True say?", lambda x, padding: _of_letters(x, ~padding)),
        Mistake("padding counted as zeros", "The padding became zeros, and the zeros were counted.", _as_zeros),
        Mistake("divided by all", "Only letters were added up, and the sum was divided by the number of all time steps.", _divided_by_all),
        Mistake("zeros in the variance", "The mean is right; in the variance the padding counts as zeros.", _zeros_in_variance),
        Mistake("unbiased variance", "The sum of squared distances was divided by n - 1; the biased variance was asked for.", lambda x, padding: _of_letters(x, padding, True)),
        Mistake("each window by itself", "A mean of the windows' means gives a short name's letters more weight than a long one's.", _by_window),
        Mistake("all dimensions", "One mean serves all channels: each should have its own.", lambda x, padding: (x[~padding].mean(), x[~padding].var(unbiased=False))),
        Mistake("last dimension", "You average over the channels: there is a number for each letter.", lambda x, padding: (x[~padding].mean(1), x[~padding].var(1, unbiased=False))),
        Mistake("standard deviation", "That is the root of the variance.", lambda x, padding: (x[~padding].mean(0), x[~padding].std(0, unbiased=False))),
        Mistake("variance before mean", "Return the mean, then the variance.", lambda x, padding: _of_letters(x, padding)[::-1]),
        Mistake("dimensions kept", "The numbers are right, and the shape of each should be (C,).", lambda x, padding: tuple(part.view(1, 1, -1) for part in _of_letters(x, padding))),
        Mistake("dimensions kept", "The numbers are right, and the shape of each should be (C,).", lambda x, padding: tuple(part.view(1, -1) for part in _of_letters(x, padding))),
    ),
)  # fmt: skip

EXERCISES = {
    "predictions": PREDICTIONS,
    "batch_norm": BATCH_NORM,
    "layer": LAYER,
    "mended": MENDED,
    "letters": LETTERS,
}
