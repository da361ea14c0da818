"""Assignment 07, dilated convolutions: cases, solutions and known mistakes of each exercise."""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from classroom.assignments import probes
from classroom.assignments.tables import forbid, mistakes, predictions, question
from lib.checks.exercise import NOT_DONE, Implement, ids, numbers


def _own_numbers(draw: random.Random) -> dict[str, object]:
    mine = {"B": draw.randint(3, 9), "T": draw.randint(80, 120), "C": draw.randint(5, 12), "kernel_size": 3}
    mine |= {"dilations": draw.sample(range(1, 10), draw.choice([3, 4]))}
    return mine | {"stages": draw.sample([2, 3, 4, 5], 3), "letters": draw.randint(5, 12)}


def _span(kernel_size: int, dilations: Sequence[int]) -> int:
    return 1 + (kernel_size - 1) * sum(dilations)


def _columns(T: int, kernel_size: int, dilations: Sequence[int]) -> list[int]:
    """The columns that each layer computes from T time steps."""
    return [T - (kernel_size - 1) * reach for reach in itertools.accumulate(dilations)]


def _boxes(stages: Sequence[int]) -> int:
    """Linear applications of one tree: every stage leaves one box for each group of those below."""
    return sum(math.prod(stages[number:]) for number in range(1, len(stages) + 1))


@question(
    "Each layer adds what its taps span: how far is it from its first tap to its last?",
    """
    own time step forgotten: It reaches that far back; its own time step is seen, too.
    two taps assumed: That is the field with kernels of two taps.
    taps in place of gaps: Three taps have two gaps between them.
    dilations multiplied: The spans of the layers are added, not multiplied.
    dilation ignored: That is the field with dilation 1 in every layer.
    """,
)
def field(kernel_size: int, dilations: list[int], **_: object) -> dict:
    return {
        "right": _span(kernel_size, dilations),
        "own time step forgotten": _span(kernel_size, dilations) - 1,
        "two taps assumed": _span(2, dilations),
        "taps in place of gaps": _span(kernel_size + 1, dilations),
        "dilations multiplied": 1 + (kernel_size - 1) * math.prod(dilations),
        "dilation ignored": _span(kernel_size, [1] * len(dilations)),
    }


@question(
    "The first output is where the whole receptive field fits in for the first time.",
    """
    as long as the input: Nothing is padded here: there is no output without a whole receptive field.
    one output short: The first output is above the last time step of the first receptive field.
    last layer only: That is what the last layer alone would leave; the layers before it lose columns, too.
    two taps assumed: That many columns are left with kernels of two taps.
    channels in the middle: Channels come last in `lib`.
    """,
)
def shape(B: int, T: int, C: int, kernel_size: int, dilations: list[int], **_: object) -> dict:
    return {
        "right": (B, _columns(T, kernel_size, dilations)[-1], C),
        "as long as the input": (B, T, C),
        "one output short": (B, T - _span(kernel_size, dilations), C),
        "last layer only": (B, T - (kernel_size - 1) * dilations[-1], C),
        "two taps assumed": (B, T - sum(dilations), C),
        "channels in the middle": (B, C, _columns(T, kernel_size, dilations)[-1]),
    }


@question(
    "Each layer has a number for every pair of an output and a tap's channel, and one more for every output.",
    """
    bias forgotten: Each output has a bias, too.
    taps forgotten: Each tap has its own weights.
    one layer only: Those are the parameters of one layer.
    holes counted: The holes between the taps have no weights.
    bias for each tap: An output has one bias, regardless of the number of taps.
    """,
)
def parameters(C: int, kernel_size: int, dilations: list[int], **_: object) -> dict:
    return {
        "right": len(dilations) * (kernel_size * C * C + C),
        "bias forgotten": len(dilations) * kernel_size * C * C,
        "taps forgotten": len(dilations) * (C * C + C),
        "one layer only": kernel_size * C * C + C,
        "holes counted": sum(_span(kernel_size, [d]) * C * C + C for d in dilations),
        "bias for each tap": len(dilations) * kernel_size * (C * C + C),
    }


@question(
    "Write down how many columns each layer has; the input of the second is the output of the first.",
    """
    batch forgotten: That is for one of the sequences.
    not shortened: Each layer has fewer columns than the one below.
    losses not added up: A layer is shorter than the layer *below* it, which has lost columns already.
    last layer only: That is the last layer alone.
    tokens counted: The tokens themselves are not applications.
    two taps assumed: That is the number with kernels of two taps.
    """,
)
def applications(B: int, T: int, kernel_size: int, dilations: list[int], **_: object) -> dict:
    return {
        "right": B * sum(_columns(T, kernel_size, dilations)),
        "batch forgotten": sum(_columns(T, kernel_size, dilations)),
        "not shortened": B * T * len(dilations),
        "losses not added up": B * sum(T - (kernel_size - 1) * d for d in dilations),
        "last layer only": B * _columns(T, kernel_size, dilations)[-1],
        "tokens counted": B * (T + sum(_columns(T, kernel_size, dilations))),
        "two taps assumed": B * sum(_columns(T, 2, dilations)),
    }


@question(
    "Which is the first output whose receptive field lies wholly inside the sequence?",
    """
    one too many: An output whose field begins with the very first token does not reach into the padding.
    last layer only: The layers below are padded, too, and pass it on.
    first layer only: The layers above reach further, and are padded, too.
    the others counted: That many are the same in both nets.
    two taps assumed: That many would be touched with kernels of two taps.
    all of them: Far from the beginning the whole receptive field of an output is tokens.
    """,
)
def touched(kernel_size: int, dilations: list[int], T: int, **_: object) -> dict:
    return {
        "right": _span(kernel_size, dilations) - 1,
        "one too many": _span(kernel_size, dilations),
        "last layer only": (kernel_size - 1) * dilations[-1],
        "first layer only": (kernel_size - 1) * dilations[0],
        "the others counted": T - _span(kernel_size, dilations) + 1,
        "two taps assumed": sum(dilations),
        "all of them": T,
    }


@question(
    "Draw one tree with these stages and count its boxes above the letters; then ask how many trees there are.",
    """
    stop mark forgotten: The stop mark that ends the name is predicted, too.
    one tree: That is one tree; each prediction has its own.
    letters counted: The letters at the bottom are not applications.
    one box per stage: All stages but the last have several boxes.
    stages of two: The context less one is the count for stages that merge two; these merge others.
    stages from the top: The first stage, at the bottom, merges letters; yours merges them last.
    """,
)
def trees(letters: int, stages: list[int], **_: object) -> dict:
    return {
        "right": (letters + 1) * _boxes(stages),
        "stop mark forgotten": letters * _boxes(stages),
        "one tree": _boxes(stages),
        "letters counted": (letters + 1) * (_boxes(stages) + math.prod(stages)),
        "one box per stage": (letters + 1) * len(stages),
        "stages of two": (letters + 1) * (math.prod(stages) - 1),
        "stages from the top": (letters + 1) * _boxes(stages[::-1]),
    }


PREDICTIONS = predictions(
    _own_numbers,
    field=field,
    shape=shape,
    parameters=parameters,
    applications=applications,
    touched=touched,
    trees=trees,
)


def _repeated(x: Tensor, before: int, behind: int = 0) -> Tensor:
    """The first time step repeated in front, and the last behind."""
    return torch.cat([x[:, :1].expand(-1, before, -1), x, x[:, -1:].expand(-1, behind, -1)], dim=1)


def _zeros(x: Tensor, before: int, behind: int = 0) -> Tensor:
    return F.pad(x, (0, 0, before, behind))


def _convolved(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor,
    dilation: int,
    pad: Callable[[Tensor, int], Tensor] = _repeated,
    taps: Callable[[Tensor], Tensor] = lambda kernel: kernel,
    spacing: Callable[[int], int] = lambda dilation: dilation,
) -> Tensor:
    """Causal convolution to as many outputs as inputs; the options are ways to go wrong."""
    reach = (kernel.shape[2] - 1) * spacing(dilation)
    return F.conv1d(pad(x, reach).transpose(1, 2), taps(kernel), bias, dilation=spacing(dilation)).transpose(1, 2)


def _misread(kernel: Tensor) -> Tensor:
    """The numbers of each output, read as whole taps side by side."""
    return kernel.reshape(len(kernel), kernel.shape[2], -1).transpose(1, 2)


def _only(kernel: Tensor, tap: int) -> Tensor:
    return kernel * F.one_hot(torch.tensor(tap % kernel.shape[2]), kernel.shape[2])


def _draw_convolutions(draw: random.Random) -> list[tuple]:
    k, T = draw.choice([3, 4]), draw.randint(15, 19)
    sizes = [(32, 8, 10, 2, 7, 2), (draw.randint(2, 5), T, 3, k, 4, draw.choice([2, 3])), (1, 11, 4, 3, 5, 2)]
    sizes += [(3, 10, 1, 4, 2, 1), (2, 5, 3, draw.choice([2, 3]), 1, draw.randint(3, 4))]
    sizes += [(2, 3, 2, 3, 4, draw.randint(3, 5)), (3, 2, 4, 4, 3, 1), (2, 1, 3, 2, 2, 1)]
    sizes += [(2, 6, 3, 1, 4, 2), (1, 27, 2, 5, 3, 6)]
    return [
        (numbers(draw, B, T, C) + 1, numbers(draw, out, C, k), numbers(draw, out), dilation)
        for B, T, C, k, out, dilation in sizes
    ]


CONVOLVE = Implement(
    "my_causal_conv",
    _draw_convolutions(random.Random(1)),
    _draw_convolutions,
    _convolved,
    "As many outputs as inputs, for kernels of 2 to 4 taps and dilations 1 to 4, and no output sees a later time step.",
    mistakes(
        """
        zero padding: You padded with zeros before the first time step; what belongs there?
        padded on both sides: Half of the padding is behind the sequence, so outputs see later time steps.
        padded behind: All the padding is behind the sequence, so outputs see later time steps.
        not padded: Expected T outputs: those whose taps reach before the first time step are missing.
        end wrapped round: Before the first time step is the end of the sequence, which is the future.
        mirrored: Before the first time step is the beginning, mirrored: outputs see later time steps.
        taps reversed: The first tap of the kernel belongs to the earliest time step.
        dilation ignored: The taps are neighbours; they should be `dilation` time steps apart.
        dilation one too large: Dilation 1 means neighbours; your taps are further apart.
        dilation one too small: Your taps are nearer to each other than `dilation`.
        dilation doubled: The distance from one tap to the next is always the same.
        bias forgotten: The bias is missing.
        bias at every tap: The bias was added once for each tap.
        one step late: Each output should see its own time step as well; yours end with the one before.
        sees the next time step: Each output sees the time step after it.
        kernel misread: In each row of the kernel the channels come first and the taps last; view() does not swap them.
        last tap only: Each output sees only its own time step.
        first tap only: Each output sees only its earliest tap.
        channels in the middle: The numbers are right, but in the layout of torch; channels come last here.
        squeezed at its end: One output channel is a channel: its dimension stays.
        squeeze(): A dimension of size 1 is missing: a batch of one is a batch, and one channel is a channel.
        """,
        {
            "zero padding": partial(_convolved, pad=_zeros),
            "padded on both sides": [
                partial(_convolved, pad=lambda x, reach: _zeros(x, reach // 2, reach - reach // 2)),
                partial(_convolved, pad=lambda x, reach: _repeated(x, reach // 2, reach - reach // 2)),
            ],
            "padded behind": [
                partial(_convolved, pad=lambda x, reach: _zeros(x, 0, reach)),
                partial(_convolved, pad=lambda x, reach: _repeated(x, 0, reach)),
            ],
            "not padded": lambda x, kernel, bias, d: _convolved(x, kernel, bias, d)[:, (kernel.shape[2] - 1) * d :],
            "end wrapped round": partial(
                _convolved, pad=lambda x, reach: x[:, torch.arange(-reach, x.shape[1]) % x.shape[1]]
            ),
            "mirrored": partial(
                _convolved, pad=lambda x, reach: F.pad(x.transpose(1, 2), (reach, 0), mode="reflect").transpose(1, 2)
            ),
            "taps reversed": partial(_convolved, taps=lambda kernel: kernel.flip(2)),
            "dilation ignored": partial(_convolved, spacing=lambda d: 1),
            "dilation one too large": partial(_convolved, spacing=lambda d: d + 1),
            "dilation one too small": lambda x, kernel, bias, d: (
                _convolved(x, kernel, bias, d - 1) if d > 1 else _convolved(x, kernel.sum(2, keepdim=True), bias, d)
            ),
            "dilation doubled": lambda x, k, b, d: (
                sum(
                    _repeated(x, j and d * 2 ** (j - 1))[:, : x.shape[1]] @ k[:, :, -1 - j].T for j in range(k.shape[2])
                )
                + b
            ),
            "bias forgotten": lambda x, kernel, bias, d: _convolved(x, kernel, None, d),
            "bias at every tap": lambda x, kernel, bias, d: _convolved(x, kernel, kernel.shape[2] * bias, d),
            "one step late": partial(_convolved, pad=lambda x, reach: _repeated(x, reach + 1)[:, :-1]),
            "sees the next time step": [
                partial(_convolved, pad=lambda x, reach: _repeated(x, reach - 1, 1)),
                partial(_convolved, pad=lambda x, reach: _zeros(x, reach - 1, 1)),
            ],
            "kernel misread": partial(_convolved, taps=_misread),
            "last tap only": partial(_convolved, taps=lambda kernel: _only(kernel, -1)),
            "first tap only": partial(_convolved, taps=lambda kernel: _only(kernel, 0)),
            "channels in the middle": lambda *case: _convolved(*case).transpose(1, 2),
            "squeezed at its end": lambda *case: _convolved(*case).squeeze(-1),
            "squeeze()": lambda *case: _convolved(*case).squeeze(),
        },
    ),
    method=forbid(("conv",), "torch's convolution", "torch convolved for you; slices and products are the exercise."),
)


def _folded(
    weight: Tensor,
    bias: Tensor,
    norm: dict,
    scale: Callable[[dict], Tensor] = lambda norm: norm["weight"] / (norm["running_var"] + norm["eps"]).sqrt(),
    of_bias: Callable = lambda bias, s, norm: norm["bias"] + s * (bias - norm["running_mean"]),
    of_weight: Callable = lambda weight, s: s[:, None] * weight,
) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution with its norm multiplied in; the options are ways to go wrong."""
    s = scale(norm)
    return of_weight(weight, s), of_bias(bias, s, norm)


def _draw_folds(draw: random.Random) -> list[tuple]:
    cases = []
    for out, width, eps in ((32, 20, 1e-5), (draw.randint(4, 7), draw.randint(8, 12), 0.1), (6, 6, 0.01), (1, 3, 0.05)):
        weight = (numbers(draw, out).abs() + 0.3) * torch.tensor([-1.0, 1.0] * out)[:out]
        norm = {"weight": weight, "bias": numbers(draw, out), "eps": eps}
        norm |= {"running_mean": numbers(draw, out), "running_var": numbers(draw, out).abs() * 0.5 + 0.02}
        cases.append((numbers(draw, out, width), numbers(draw, out), norm))
    return cases


FOLD = Implement(
    "my_fold",
    _draw_folds(random.Random(1)),
    _draw_folds,
    _folded,
    "One convolution does what convolution and BatchNorm did in eval mode, and the old weights are unchanged.",
    mistakes(
        """
        eps forgotten: `eps` is added to the variance, so that nothing is divided by zero.
        eps outside of the root: `eps` is added to the variance, before the root is taken.
        root forgotten: BatchNorm divides by the standard deviation, and running_var is a variance.
        multiplied by the deviation: BatchNorm divides by the standard deviation.
        norm's weight forgotten: The norm's own weight is missing.
        norm's bias forgotten: The norm's own bias is missing.
        norm's bias scaled: The norm adds its bias at the very end, after it has scaled.
        mean forgotten: The running mean is missing.
        mean added: BatchNorm subtracts the mean.
        mean not scaled: The mean is subtracted before the norm scales, so it is scaled, too.
        convolution's bias forgotten: The convolution in the lesson had no bias; this one has.
        convolution's bias not scaled: The norm scales the whole output of the convolution, including its bias.
        convolution's bias unchanged: The norm changes the bias, too.
        inputs scaled: Each *output* of the convolution has its own scale: which dimension of the weight are the
            outputs?
        weight unchanged: The norm scales the output of the weight.
        bias before weight: Both are right; return the weight first.
        """,
        {
            "eps forgotten": partial(_folded, scale=lambda norm: norm["weight"] / norm["running_var"].sqrt()),
            "eps outside of the root": partial(
                _folded, scale=lambda norm: norm["weight"] / (norm["running_var"].sqrt() + norm["eps"])
            ),
            "root forgotten": partial(_folded, scale=lambda norm: norm["weight"] / (norm["running_var"] + norm["eps"])),
            "multiplied by the deviation": partial(
                _folded, scale=lambda norm: norm["weight"] * (norm["running_var"] + norm["eps"]).sqrt()
            ),
            "norm's weight forgotten": partial(
                _folded, scale=lambda norm: 1 / (norm["running_var"] + norm["eps"]).sqrt()
            ),
            "norm's bias forgotten": partial(_folded, of_bias=lambda bias, s, norm: s * (bias - norm["running_mean"])),
            "norm's bias scaled": partial(
                _folded, of_bias=lambda bias, s, norm: s * (bias - norm["running_mean"] + norm["bias"])
            ),
            "mean forgotten": partial(_folded, of_bias=lambda bias, s, norm: s * bias + norm["bias"]),
            "mean added": partial(
                _folded, of_bias=lambda bias, s, norm: s * (bias + norm["running_mean"]) + norm["bias"]
            ),
            "mean not scaled": partial(
                _folded, of_bias=lambda bias, s, norm: s * bias - norm["running_mean"] + norm["bias"]
            ),
            "convolution's bias forgotten": partial(
                _folded, of_bias=lambda bias, s, norm: norm["bias"] - s * norm["running_mean"]
            ),
            "convolution's bias not scaled": partial(
                _folded, of_bias=lambda bias, s, norm: bias + norm["bias"] - s * norm["running_mean"]
            ),
            "convolution's bias unchanged": partial(_folded, of_bias=lambda bias, s, norm: bias),
            "inputs scaled": partial(_folded, of_weight=lambda weight, s: s * weight),
            "weight unchanged": partial(_folded, of_weight=lambda weight, s: weight),
            "bias before weight": lambda *case: _folded(*case)[::-1],
        },
    ),
    {
        "must match the size": (
            "inputs scaled",
            "(C_out, k*C) times (C_out,): torch aligns last dimensions. Which dimension of the weight is the output?",
        )
    },
)


def _lags(kernel_size: int, dilations: Sequence[int]) -> list[int]:
    lags = {0}
    for dilation in dilations:
        lags = {lag + tap * dilation for lag in lags for tap in range(kernel_size)}
    return sorted(lags)


def _sees(lags: Callable[[int, list[int]], Sequence[int]]) -> Callable:
    return lambda *case: probes.as_text(lags(*case))


def _path_sums(taps: Sequence[Sequence[int]]) -> list[int]:
    """The lag of every path, given the lags of the taps in each layer."""
    return [sum(path) for path in itertools.product(*taps)]


def _draw_stacks(draw: random.Random) -> list[tuple]:
    cases = [(2, [1, 2, 4]), (2, [1, draw.randint(3, 6)]), (3, [2, draw.randint(5, 7)]), (2, [1, 1, 2])]
    cases += [(3, draw.sample([1, 2, 3, 10], 3)), (4, [draw.randint(2, 5)]), (2, [1, 2, 3, draw.randint(8, 12)])]
    return [*cases, (2, [draw.randint(6, 9), 1, 4]), (1, [3, 2]), (2, [1] * draw.randint(4, 6)), (3, [9, 1, 27, 3])]


SEEN = Implement(
    "my_seen",
    [(2, [1, 2, 4]), (2, [1, 4]), (3, [2, 7]), (2, [1, 1, 2]), (4, [3])],
    _draw_stacks,
    _sees(_lags),
    "Right for stacks with holes and for stacks that overlap, with kernels of 2 to 4 taps.",
    mistakes(
        """
        the whole span: Those are all time steps of the receptive field. Is every one of them seen? Draw the graph for
            dilations 1 and 4.
        own time step forgotten: The output sees its own time step, too.
        farthest forgotten: There is a time step before those.
        paths counted: Several paths lead to the same time step; list it once.
        layers taken one by one: Those are the taps of each layer; a tap sees what the layer below it sees.
        one path only: That is only the path through the earliest tap of every layer.
        last layer only: Those are the taps of the last layer; what do the columns that it reads see?
        first layer only: Those are only the taps of the first layer.
        one layer too few: A layer was left out.
        two taps assumed: That is the list for kernels of two taps.
        one tap too many: A kernel of size k has k taps, its own time step among them.
        dilation ignored: That is what dilation 1 everywhere gives.
        dilation one too large: Dilation 1 means neighbours, one time step apart.
        dilation doubled: Use the given dilations; they need not double.
        distance from tap to tap doubled: The distance between the taps of one layer is constant.
        first and last tap only: A kernel has taps between its first and its last.
        largest first: The list begins with the smallest number.
        not in order: The numbers are right, but not sorted: the smallest comes first.
        negative: Count the steps back as 1, 2, 3.
        """,
        {
            "the whole span": _sees(lambda k, d: range(_span(k, d))),
            "own time step forgotten": _sees(lambda k, d: _lags(k, d)[1:]),
            "farthest forgotten": _sees(lambda k, d: _lags(k, d)[:-1]),
            "paths counted": _sees(lambda k, d: sorted(_path_sums([range(0, k * one, one) for one in d]))),
            "layers taken one by one": _sees(lambda k, d: sorted({tap * one for one in d for tap in range(k)})),
            "one path only": _sees(lambda k, d: [0, *itertools.accumulate((k - 1) * one for one in d)]),
            "last layer only": _sees(lambda k, d: _lags(k, d[-1:])),
            "first layer only": _sees(lambda k, d: _lags(k, d[:1])),
            "one layer too few": [_sees(lambda k, d: _lags(k, d[:-1])), _sees(lambda k, d: _lags(k, d[1:]))],
            "two taps assumed": _sees(lambda k, d: _lags(2, d)),
            "one tap too many": _sees(lambda k, d: _lags(k + 1, d)),
            "dilation ignored": _sees(lambda k, d: _lags(k, [1] * len(d))),
            "dilation one too large": _sees(lambda k, d: _lags(k, [one + 1 for one in d])),
            "dilation doubled": _sees(lambda k, d: _lags(k, [2**i for i in range(len(d))])),
            "distance from tap to tap doubled": _sees(
                lambda k, d: sorted({*_path_sums([[0, *(one * 2**i for i in range(k - 1))] for one in d])})
            ),
            "first and last tap only": _sees(lambda k, d: _lags(2, [(k - 1) * one for one in d])),
            "largest first": _sees(lambda k, d: _lags(k, d)[::-1]),
            "not in order": _sees(lambda k, d: [*dict.fromkeys(_path_sums([range(0, k * one, one) for one in d]))]),
            "negative": _sees(lambda k, d: [-lag for lag in _lags(k, d)]),
        },
    ),
    probe=probes.lags,
)


def _everywhere(
    tokens: Tensor,
    settings: dict,
    past: Callable[[Tensor, int], Tensor | int] = lambda x, d: x[:, d:],
    outer: Callable = lambda stage, x, past: stage.activation(stage.norm(stage.linear(x))) + past,
    sides: Callable = lambda x, d: [x[:, :-d], x[:, d:]],
    dilations: Sequence[int] = (1, 2, 4),
) -> dict[str, object]:
    """The logits of the dilated net; the options are ways to go wrong."""
    net, residual = probes.tree(**settings), 0
    x = net.embedding(tokens)
    for stage, d in zip((net.stage1, net.stage2, net.stage3), dilations, strict=True):
        residual = past(x, d) if stage.residual else 0
        x = outer(stage, torch.cat(sides(x, d), dim=2), residual)
    return {"logits": net.head(x), "computed": probes.ALL_COLUMNS}


def _draw_nets(draw: random.Random) -> list[tuple]:
    sizes = [
        (32, 15, 27, 10, 12),
        (draw.randint(2, 5), draw.randint(18, 25), draw.randint(6, 12), 5, 9),
        (1, 16, 8, 7, 7),
    ]
    return [
        (ids(draw, V, B, T), {"vocabulary": V, "embedding": C, "hidden": hidden, "seed": draw.randint(0, 999)})
        for B, T, V, C, hidden in sizes
    ]


MENDED = Implement(
    "logits_everywhere",
    _draw_nets(random.Random(1)),
    _draw_nets,
    _everywhere,
    "The logits of the tree at every position, in one pass, for nets of three sizes.",
    mistakes(
        """
        not done: The logits are those of the function as given, so the mistake is still in it.
        residual left out: The residual path is missing now; the tree has one.
        both neighbours added: Both neighbours' inputs are added now; the tree adds one of them.
        neighbours averaged: The mean of both neighbours is added now; the tree adds one of them.
        residual inside: The residual was added after the activation before, and that was right.
        taps reversed: The two slices that go into the Linear layer are swapped now; they were right.
        dilations changed: The dilations were right.
        neighbour of the wrong distance: The input of the residual is always one column earlier, regardless of the
            dilation.
        zero padding: The layers are padded with zeros now; nothing was padded, and that was right.
        windows one by one: The logits are right, but every window is computed separately. Compute all columns at once.
        train mode: BatchNorm is in train mode now: which mean does it take?
        """,
        {
            NOT_DONE: partial(_everywhere, past=lambda x, d: x[:, :-d]),
            "residual left out": partial(_everywhere, past=lambda x, d: 0),
            "both neighbours added": partial(_everywhere, past=lambda x, d: x[:, :-d] + x[:, d:]),
            "neighbours averaged": partial(_everywhere, past=lambda x, d: (x[:, :-d] + x[:, d:]) / 2),
            "residual inside": [
                partial(_everywhere, outer=lambda stage, x, past: stage.activation(stage.norm(stage.linear(x)) + past)),
                partial(_everywhere, outer=lambda stage, x, past: stage.activation(stage.norm(stage.linear(x) + past))),
            ],
            "taps reversed": [
                partial(_everywhere, sides=lambda x, d: [x[:, d:], x[:, :-d]]),
                partial(_everywhere, sides=lambda x, d: [x[:, d:], x[:, :-d]], past=lambda x, d: x[:, :-d]),
            ],
            "dilations changed": [
                partial(_everywhere, dilations=(1, 1, 1)),
                partial(_everywhere, dilations=(4, 2, 1)),
                partial(_everywhere, dilations=(1, 2, 3)),
                partial(_everywhere, dilations=(1, 1, 1), past=lambda x, d: x[:, :-d]),
            ],
            "neighbour of the wrong distance": partial(_everywhere, past=lambda x, d: x[:, d - 1 : -1]),
            "zero padding": partial(
                _everywhere, sides=lambda x, d: [F.pad(x, (0, 0, d, 0))[:, :-d], x], past=lambda x, d: x
            ),
            "windows one by one": lambda *case: {**_everywhere(*case), "computed": probes.WINDOW_BY_WINDOW},
            "train mode": partial(
                _everywhere, outer=lambda stage, x, past: stage.train().activation(stage.norm(stage.linear(x))) + past
            ),
        },
    ),
    {
        "must match the size": (
            "residual of another length",
            "The residual and the output differ in columns or channels. Which columns of x have an output above them, "
            "and which stages have a residual path at all?",
        )
    },
    probe=probes.logits_everywhere,
)

EXERCISES = {"predictions": PREDICTIONS, "convolve": CONVOLVE, "fold": FOLD, "seen": SEEN, "mended": MENDED}
