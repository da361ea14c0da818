"""Assignment 07, dilated convolutions: what each exercise is tried on, what is right, and the mistakes that are known."""

import copy
import functools
import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.checks.exercise import NOT_DONE, Implement, Mistake, Predict, Question, ids, numbers
from lib.models import staged_model


def _with(right: Callable) -> Callable:
    """The same function, of the numbers by name."""
    return lambda mine: right(**mine)


def _own_numbers(draw: random.Random) -> dict[str, object]:
    # No mistake may give the right number by chance, nor that of another mistake.
    while True:
        dilations = [draw.randint(1, 9) for _ in range(draw.choice([3, 4]))]
        mine = {"B": draw.randint(3, 9), "T": draw.randint(80, 120), "C": draw.randint(5, 12), "kernel_size": 3}
        mine |= {"dilations": dilations, "stages": draw.sample([2, 3, 4, 5], 3), "letters": draw.randint(5, 12)}
        values = [
            [question.right(mine), *(mistake.makes(mine) for mistake in question.mistakes)]
            for question in PREDICTIONS.questions.values()
        ]
        if len({*dilations}) > 2 and all(len({*some}) == len(some) for some in values):
            return mine


def _span(kernel_size: int, dilations: Sequence[int]) -> int:
    return 1 + (kernel_size - 1) * sum(dilations)


def _columns(T: int, kernel_size: int, dilations: Sequence[int]) -> list[int]:
    """The columns that each layer computes from T time steps."""
    return [T - (kernel_size - 1) * reach for reach in itertools.accumulate(dilations)]


def _boxes(stages: Sequence[int]) -> int:
    """Linear applications of one tree: every stage leaves one box for so many of those below."""
    return sum(math.prod(stages[number:]) for number in range(1, len(stages) + 1))


PREDICTIONS = Predict(
    "my_predictions",
    _own_numbers,
    {
        "field": Question(
            _with(lambda kernel_size, dilations, **_: _span(kernel_size, dilations)),
            "Each layer adds what its taps span: how far is it from its first tap to its last?",
            (
                Mistake("own time step forgotten", "So far back it reaches; its own time step is seen, too.", _with(lambda kernel_size, dilations, **_: _span(kernel_size, dilations) - 1)),
                Mistake("two taps assumed", "That is the field with kernels of two taps.", _with(lambda dilations, **_: _span(2, dilations))),
                Mistake("taps in place of gaps", "Three taps have two gaps between them.", _with(lambda kernel_size, dilations, **_: _span(kernel_size + 1, dilations))),
                Mistake("dilations multiplied", "What the layers add is added up, not multiplied.", _with(lambda kernel_size, dilations, **_: 1 + (kernel_size - 1) * math.prod(dilations))),
                Mistake("dilation ignored", "That is the field with dilation 1 in every layer.", _with(lambda kernel_size, dilations, **_: _span(kernel_size, [1] * len(dilations)))),
            ),
        ),
        "shape": Question(
            _with(lambda B, T, C, kernel_size, dilations, **_: (B, _columns(T, kernel_size, dilations)[-1], C)),
            "The first output stands where the whole receptive field has fitted in for the first time.",
            (
                Mistake("as long as the input", "Nothing is padded here: there is no output without a whole receptive field.", _with(lambda B, T, C, **_: (B, T, C))),
                Mistake("one output short", "The first output stands above the last time step of the first receptive field.", _with(lambda B, T, C, kernel_size, dilations, **_: (B, T - _span(kernel_size, dilations), C))),
                Mistake("last layer only", "That is what the last layer alone would leave; the layers before it have cost columns, too.", _with(lambda B, T, C, kernel_size, dilations, **_: (B, T - (kernel_size - 1) * dilations[-1], C))),
                Mistake("two taps assumed", "So many columns are left with kernels of two taps.", _with(lambda B, T, C, dilations, **_: (B, T - sum(dilations), C))),
                Mistake("channels in the middle", "Channels come last in `lib`.", _with(lambda B, T, C, kernel_size, dilations, **_: (B, C, _columns(T, kernel_size, dilations)[-1]))),
            ),
        ),
        "parameters": Question(
            _with(lambda C, kernel_size, dilations, **_: len(dilations) * (kernel_size * C * C + C)),
            "Each layer has a number for every pair of an output and a tap's channel, and one more for every output.",
            (
                Mistake("bias forgotten", "Each output has a bias, too.", _with(lambda C, kernel_size, dilations, **_: len(dilations) * kernel_size * C * C)),
                Mistake("taps forgotten", "Each tap has weights of its own.", _with(lambda C, dilations, **_: len(dilations) * (C * C + C))),
                Mistake("one layer only", "Those are the parameters of one layer.", _with(lambda C, kernel_size, **_: kernel_size * C * C + C)),
                Mistake("holes counted", "The holes between the taps have no weights.", _with(lambda C, kernel_size, dilations, **_: sum(_span(kernel_size, [d]) * C * C + C for d in dilations))),
                Mistake("bias for each tap", "An output has one bias, however many taps it has.", _with(lambda C, kernel_size, dilations, **_: len(dilations) * kernel_size * (C * C + C))),
            ),
        ),
        "applications": Question(
            _with(lambda B, T, kernel_size, dilations, **_: B * sum(_columns(T, kernel_size, dilations))),
            "Write down how many columns each layer has; the second begins with what the first has left.",
            (
                Mistake("batch forgotten", "That is for one of the sequences.", _with(lambda T, kernel_size, dilations, **_: sum(_columns(T, kernel_size, dilations)))),
                Mistake("not shortened", "Each layer has fewer columns than the one below.", _with(lambda B, T, dilations, **_: B * T * len(dilations))),
                Mistake("losses not added up", "A layer is shorter than the layer *below* it, which has lost columns already.", _with(lambda B, T, kernel_size, dilations, **_: B * sum(T - (kernel_size - 1) * d for d in dilations))),
                Mistake("last layer only", "That is the last layer alone.", _with(lambda B, T, kernel_size, dilations, **_: B * _columns(T, kernel_size, dilations)[-1])),
                Mistake("tokens counted", "The tokens themselves are no applications.", _with(lambda B, T, kernel_size, dilations, **_: B * (T + sum(_columns(T, kernel_size, dilations))))),
                Mistake("two taps assumed", "So many there are with kernels of two taps.", _with(lambda B, T, dilations, **_: B * sum(_columns(T, 2, dilations)))),
            ),
        ),
        "touched": Question(
            _with(lambda kernel_size, dilations, **_: _span(kernel_size, dilations) - 1),
            "Which is the first output whose receptive field lies wholly inside the sequence?",
            (
                Mistake("one too many", "An output whose field begins with the very first token does not reach into the padding.", _with(lambda kernel_size, dilations, **_: _span(kernel_size, dilations))),
                Mistake("last layer only", "The layers below are padded, too, and what they make of it goes up.", _with(lambda kernel_size, dilations, **_: (kernel_size - 1) * dilations[-1])),
                Mistake("first layer only", "The layers above reach further, and are padded, too.", _with(lambda kernel_size, dilations, **_: (kernel_size - 1) * dilations[0])),
                Mistake("the others counted", "So many are the same in both nets.", _with(lambda T, kernel_size, dilations, **_: T - _span(kernel_size, dilations) + 1)),
                Mistake("two taps assumed", "So many would be touched with kernels of two taps.", _with(lambda dilations, **_: sum(dilations))),
                Mistake("all of them", "Far from the beginning an output finds its whole receptive field among the tokens.", _with(lambda T, **_: T)),
            ),
        ),
        "trees": Question(
            _with(lambda letters, stages, **_: (letters + 1) * _boxes(stages)),
            "Draw one tree with these stages and count its boxes above the letters; then ask how many trees there are.",
            (
                Mistake("stop mark forgotten", "The stop mark that ends the name is predicted, too.", _with(lambda letters, stages, **_: letters * _boxes(stages))),
                Mistake("one tree", "That is one tree; each prediction has its own.", _with(lambda stages, **_: _boxes(stages))),
                Mistake("letters counted", "The letters at the bottom are no applications.", _with(lambda letters, stages, **_: (letters + 1) * (_boxes(stages) + math.prod(stages)))),
                Mistake("one box a stage", "All stages but the last have several boxes.", _with(lambda letters, stages, **_: (letters + 1) * len(stages))),
                Mistake("stages of two", "The context less one is the count for stages that merge two; these merge others.", _with(lambda letters, stages, **_: (letters + 1) * (math.prod(stages) - 1))),
                Mistake("stages from the top", "The first stage, at the bottom, merges letters; you let the last one do so.", _with(lambda letters, stages, **_: (letters + 1) * _boxes(stages[::-1]))),
            ),
        ),
    },
)  # fmt: skip


def _repeated(x: Tensor, before: int, behind: int = 0) -> Tensor:
    """The first time step so many times more in front, and the last behind."""
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


def _doing(**options: object) -> Callable:
    return lambda *case: _convolved(*case, **options)


def _misread(kernel: Tensor) -> Tensor:
    """The numbers of each output, taken for whole taps side by side."""
    return kernel.reshape(len(kernel), kernel.shape[2], -1).transpose(1, 2)


def _only(kernel: Tensor, tap: int) -> Tensor:
    return kernel * F.one_hot(torch.tensor(tap % kernel.shape[2]), kernel.shape[2])


def _by_torch(calls: Mapping[str, int]) -> tuple[str, str] | None:
    if any("conv" in name for name in calls):
        return "torch's convolution", "torch convolved for you; slices and products are the exercise."
    return None


def _draw_convolutions(draw: random.Random) -> list[tuple]:
    k, T = draw.choice([3, 4]), draw.randint(15, 19)
    sizes = [(32, 8, 10, 2, 7, 2), (draw.randint(2, 5), T, 3, k, 4, draw.choice([2, 3])), (1, 11, 4, 3, 5, 2)]
    sizes += [(3, 10, 1, 4, 2, 1), (2, 5, 3, draw.choice([2, 3]), 1, draw.randint(3, 4))]
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
    (
        Mistake("zero padding", "Before the first time step you put zeros; what has to stand there?", _doing(pad=_zeros)),
        Mistake("padded on both sides", "Half of the padding stands behind the sequence, so that outputs see later time steps.", _doing(pad=lambda x, reach: _zeros(x, reach // 2, reach - reach // 2))),
        Mistake("padded on both sides", "Half of the padding stands behind the sequence, so that outputs see later time steps.", _doing(pad=lambda x, reach: _repeated(x, reach // 2, reach - reach // 2))),
        Mistake("padded behind", "All the padding stands behind the sequence, so that outputs see later time steps.", _doing(pad=lambda x, reach: _zeros(x, 0, reach))),
        Mistake("padded behind", "All the padding stands behind the sequence, so that outputs see later time steps.", _doing(pad=lambda x, reach: _repeated(x, 0, reach))),
        Mistake("not padded", "T outputs are wanted: those whose taps reach before the first time step are missing.", _doing(pad=lambda x, reach: x)),
        Mistake("end wrapped round", "Before the first time step stands the end of the sequence, which is the future.", _doing(pad=lambda x, reach: x[:, torch.arange(-reach, x.shape[1]) % x.shape[1]])),
        Mistake("mirrored", "Before the first time step stands the beginning, mirrored: outputs see later time steps.", _doing(pad=lambda x, reach: F.pad(x.transpose(1, 2), (reach, 0), mode="reflect").transpose(1, 2))),
        Mistake("taps turned round", "The first tap of the kernel belongs to the earliest time step.", _doing(taps=lambda kernel: kernel.flip(2))),
        Mistake("dilation ignored", "The taps are neighbours; they should be `dilation` time steps apart.", _doing(spacing=lambda d: 1)),
        Mistake("dilation one too large", "Dilation 1 means neighbours; your taps are further apart.", _doing(spacing=lambda d: d + 1)),
        Mistake("dilation one too small", "Your taps are nearer to each other than `dilation`.", _doing(spacing=lambda d: d - 1)),
        Mistake("dilation doubled", "The distance from one tap to the next is always the same.", lambda x, k, b, d: sum(_repeated(x, j and d * 2 ** (j - 1))[:, : x.shape[1]] @ k[:, :, -1 - j].T for j in range(k.shape[2])) + b),
        Mistake("bias forgotten", "The bias is missing.", lambda x, kernel, bias, d: _convolved(x, kernel, None, d)),
        Mistake("bias at every tap", "The bias was added once for each tap.", lambda x, kernel, bias, d: _convolved(x, kernel, kernel.shape[2] * bias, d)),
        Mistake("one step late", "Each output should see its own time step as well; yours end with the one before.", _doing(pad=lambda x, reach: _repeated(x, reach + 1)[:, :-1])),
        Mistake("sees the next time step", "Each output sees one time step that comes after it.", _doing(pad=lambda x, reach: _repeated(x, reach - 1, 1))),
        Mistake("sees the next time step", "Each output sees one time step that comes after it.", _doing(pad=lambda x, reach: _zeros(x, reach - 1, 1))),
        Mistake("kernel misread", "In each row of the kernel the channels come first and the taps last; view() does not exchange them.", _doing(taps=_misread)),
        Mistake("last tap only", "Each output sees its own time step alone.", _doing(taps=lambda kernel: _only(kernel, -1))),
        Mistake("first tap only", "Each output sees its earliest tap alone.", _doing(taps=lambda kernel: _only(kernel, 0))),
        Mistake("channels in the middle", "The numbers are right, and laid out as torch has them; channels come last here.", lambda *case: _convolved(*case).transpose(1, 2)),
        Mistake("squeeze()", "A dimension of size 1 went missing: a batch of one is a batch, and one channel is a channel.", lambda *case: _convolved(*case).squeeze()),
        Mistake("squeezed at its end", "One output channel is a channel: its dimension stays.", lambda *case: _convolved(*case).squeeze(-1)),
    ),
    method=_by_torch,
)  # fmt: skip


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


def _folding(**options: object) -> Callable:
    return lambda *case: _folded(*case, **options)


def _draw_folds(draw: random.Random) -> list[tuple]:
    cases = []
    for out, width, eps in ((32, 20, 1e-5), (draw.randint(4, 7), draw.randint(8, 12), 0.1), (6, 6, 0.01), (1, 3, 0.05)):
        norm = {"weight": numbers(draw, out).abs() + 0.3, "bias": numbers(draw, out), "eps": eps}
        norm |= {"running_mean": numbers(draw, out), "running_var": numbers(draw, out).abs() * 0.5 + 0.02}
        cases.append((numbers(draw, out, width), numbers(draw, out), norm))
    return cases


FOLD = Implement(
    "my_fold",
    _draw_folds(random.Random(1)),
    _draw_folds,
    _folded,
    "One convolution does what convolution and BatchNorm did in eval mode, and the old weights are as they were.",
    (
        Mistake("eps forgotten", "`eps` is added to the variance, so that nothing is divided by zero.", _folding(scale=lambda norm: norm["weight"] / norm["running_var"].sqrt())),
        Mistake("eps outside of the root", "`eps` is added to the variance, before the root is taken.", _folding(scale=lambda norm: norm["weight"] / (norm["running_var"].sqrt() + norm["eps"]))),
        Mistake("root forgotten", "BatchNorm divides by the standard deviation, and running_var is a variance.", _folding(scale=lambda norm: norm["weight"] / (norm["running_var"] + norm["eps"]))),
        Mistake("multiplied by the deviation", "BatchNorm divides by the standard deviation.", _folding(scale=lambda norm: norm["weight"] * (norm["running_var"] + norm["eps"]).sqrt())),
        Mistake("norm's weight forgotten", "The norm's own weight is missing.", _folding(scale=lambda norm: 1 / (norm["running_var"] + norm["eps"]).sqrt())),
        Mistake("norm's bias forgotten", "The norm's own bias is missing.", _folding(of_bias=lambda bias, s, norm: s * (bias - norm["running_mean"]))),
        Mistake("norm's bias scaled", "The norm adds its bias at the very end, after it has scaled.", _folding(of_bias=lambda bias, s, norm: s * (bias - norm["running_mean"] + norm["bias"]))),
        Mistake("mean forgotten", "The running mean is missing.", _folding(of_bias=lambda bias, s, norm: s * bias + norm["bias"])),
        Mistake("mean added", "BatchNorm subtracts the mean.", _folding(of_bias=lambda bias, s, norm: s * (bias + norm["running_mean"]) + norm["bias"])),
        Mistake("mean not scaled", "The mean is subtracted before the norm scales, so it is scaled, too.", _folding(of_bias=lambda bias, s, norm: s * bias - norm["running_mean"] + norm["bias"])),
        Mistake("convolution's bias forgotten", "The convolution in the lesson had no bias; this one has.", _folding(of_bias=lambda bias, s, norm: norm["bias"] - s * norm["running_mean"])),
        Mistake("convolution's bias not scaled", "The norm scales all that the convolution gives, its bias among it.", _folding(of_bias=lambda bias, s, norm: bias + norm["bias"] - s * norm["running_mean"])),
        Mistake("convolution's bias unchanged", "The norm moves the bias, too.", _folding(of_bias=lambda bias, s, norm: bias)),
        Mistake("inputs scaled", "Each *output* of the convolution has a number of its own: which dimension of the weight are the outputs?", _folding(of_weight=lambda weight, s: s * weight)),
        Mistake("weight unchanged", "The norm scales what the weight gives.", _folding(of_weight=lambda weight, s: weight)),
        Mistake("bias before weight", "Both are right; the weight was wanted first.", lambda *case: _folded(*case)[::-1]),
    ),
    {"must match the size": ("inputs scaled", "(C_out, k*C) times (C_out,): torch lines up the last dimensions. Which dimension of the weight are the outputs?")},
)  # fmt: skip


def _lags(kernel_size: int, dilations: Sequence[int]) -> list[int]:
    lags = {0}
    for dilation in dilations:
        lags = {lag + tap * dilation for lag in lags for tap in range(kernel_size)}
    return sorted(lags)


def _as_text(answer: Callable, kernel_size: int, dilations: list[int]) -> object:
    """What came back, as a text, so that a message can show it; nothing where nothing came back."""
    found = answer(kernel_size, dilations)
    if isinstance(found, Tensor):
        found = found.tolist()
    if found is None or found is ...:
        return None
    return _text(found) if isinstance(found, (list, tuple, range)) else f"a {type(found).__name__}: {found!r}"


def _text(lags: Sequence[int]) -> str:
    return f"[{', '.join(map(str, lags))}]"


def _sees(lags: Callable[[int, list[int]], Sequence[int]]) -> Callable:
    return lambda *case: _text(lags(*case))


def _draw_stacks(draw: random.Random) -> list[tuple]:
    cases = [(2, [1, 2, 4]), (2, [1, draw.randint(3, 6)]), (3, [2, draw.randint(5, 7)]), (2, [1, 1, 2])]
    cases += [(3, draw.sample([1, 2, 3, 10], 3)), (4, [draw.randint(2, 5)]), (2, [1, 2, 3, draw.randint(8, 12)])]
    return cases


SEEN = Implement(
    "my_seen",
    [(2, [1, 2, 4]), (2, [1, 4]), (3, [2, 7]), (2, [1, 1, 2]), (4, [3])],
    _draw_stacks,
    _sees(_lags),
    "Right for stacks with holes and for stacks that overlap, with kernels of 2 to 4 taps.",
    (
        Mistake("the whole span", "Those are all time steps of the receptive field. Is every one of them seen? Draw the graph for dilations 1 and 4.", _sees(lambda k, d: range(_span(k, d)))),
        Mistake("own time step forgotten", "The output sees its own time step, too.", _sees(lambda k, d: _lags(k, d)[1:])),
        Mistake("farthest forgotten", "There is a time step before those.", _sees(lambda k, d: _lags(k, d)[:-1])),
        Mistake("paths counted", "Several paths lead to the same time step; it is to be listed once.", _sees(lambda k, d: sorted(sum(path) for path in itertools.product(*([tap * one for tap in range(k)] for one in d))))),
        Mistake("layers taken one by one", "Those are each layer's own taps; but the taps of a layer see what the layer below has seen.", _sees(lambda k, d: sorted({tap * one for one in d for tap in range(k)}))),
        Mistake("one path only", "That is the path of the earliest tap in every layer, and where it comes by.", _sees(lambda k, d: [0, *itertools.accumulate((k - 1) * one for one in d)])),
        Mistake("last layer only", "Those are the taps of the last layer; what have the columns seen that it reads?", _sees(lambda k, d: _lags(k, d[-1:]))),
        Mistake("first layer only", "Those are the taps of the first layer alone.", _sees(lambda k, d: _lags(k, d[:1]))),
        Mistake("one layer too few", "A layer has been left out.", _sees(lambda k, d: _lags(k, d[:-1]))),
        Mistake("one layer too few", "A layer has been left out.", _sees(lambda k, d: _lags(k, d[1:]))),
        Mistake("two taps assumed", "So it is with kernels of two taps.", _sees(lambda k, d: _lags(2, d))),
        Mistake("one tap too many", "A kernel of size k has k taps, its own time step among them.", _sees(lambda k, d: _lags(k + 1, d))),
        Mistake("dilation ignored", "That is what dilation 1 everywhere gives.", _sees(lambda k, d: _lags(k, [1] * len(d)))),
        Mistake("dilation one too large", "Dilation 1 means neighbours, one time step apart.", _sees(lambda k, d: _lags(k, [one + 1 for one in d]))),
        Mistake("dilation doubled", "These dilations are given; they need not double.", _sees(lambda k, d: _lags(k, [2**i for i in range(len(d))]))),
        Mistake("dilation doubled", "From tap to tap of one layer the distance is always the same.", _sees(lambda k, d: sorted({sum(path) for path in itertools.product(*([0, *(one * 2**i for i in range(k - 1))] for one in d))}))),
        Mistake("first and last tap only", "A kernel has taps between its first and its last.", _sees(lambda k, d: _lags(2, [(k - 1) * one for one in d]))),
        Mistake("largest first", "The list begins with the smallest number.", _sees(lambda k, d: _lags(k, d)[::-1])),
        Mistake("not in order", "The right numbers, in another order: the smallest comes first.", _sees(lambda k, d: list(dict.fromkeys(sum(path) for path in itertools.product(*([tap * one for tap in range(k)] for one in d)))))),
        Mistake("negative", "Count the steps back as 1, 2, 3.", _sees(lambda k, d: [-lag for lag in _lags(k, d)])),
    ),
    probe=_as_text,
)  # fmt: skip


@functools.lru_cache(maxsize=64)
def _made_tree(vocabulary: int, embedding: int, hidden: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = staged_model(vocabulary, embedding=embedding, hidden=hidden, residual=True)
        for stage in (net.stage1, net.stage2, net.stage3):
            stage.norm.running_mean.normal_()
            stage.norm.running_var.uniform_(0.5, 2)
            stage.norm.weight.data.uniform_(0.5, 2)
    return net.requires_grad_(False).eval()


def _tree(settings: dict) -> nn.Sequential:
    return copy.deepcopy(_made_tree(**settings))


_FEW, _MANY = "all columns at once", "window by window"


def _everywhere(
    tokens: Tensor,
    settings: dict,
    past: Callable[[Tensor, int], Tensor | int] = lambda x, d: x[:, d:],
    outer: Callable = lambda stage, x, past: stage.activation(stage.norm(stage.linear(x))) + past,
    sides: Callable = lambda x, d: [x[:, :-d], x[:, d:]],
    dilations: Sequence[int] = (1, 2, 4),
) -> dict[str, object]:
    """The logits of the dilated net; the options are ways to go wrong."""
    net, residual = _tree(settings), 0
    x = net.embedding(tokens)
    for stage, d in zip((net.stage1, net.stage2, net.stage3), dilations, strict=True):
        residual = past(x, d) if stage.residual else 0
        x = outer(stage, torch.cat(sides(x, d), dim=2), residual)
    return {"logits": net.head(x), "computed": _FEW}


def _ask(answer: Callable, tokens: Tensor, settings: dict) -> object:
    net, rows = _tree(settings), []
    for stage in (net.stage1, net.stage2, net.stage3):
        stage.linear.register_forward_hook(lambda layer, x, out: rows.append(out.shape[:-1].numel()))
    logits = answer(net, tokens)
    if logits is None or logits is ...:
        return None
    few = sum(rows) < len(tokens) * (tokens.shape[1] - 7) * _boxes((2, 2, 2))
    return {"logits": logits, "computed": _FEW if few else _MANY}


def _mending(**options: object) -> Callable:
    return lambda *case: _everywhere(*case, **options)


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
    (
        Mistake(NOT_DONE, "The logits are those of the function as it was given, so the mistake is still in it.", _mending(past=lambda x, d: x[:, :-d])),
        Mistake("residual left out", "The residual path is gone now; the tree has one.", _mending(past=lambda x, d: 0)),
        Mistake("both neighbours added", "Both neighbours' inputs are added now; the tree adds one of them.", _mending(past=lambda x, d: x[:, :-d] + x[:, d:])),
        Mistake("neighbours averaged", "The mean of both neighbours is added now; the tree adds one of them.", _mending(past=lambda x, d: (x[:, :-d] + x[:, d:]) / 2)),
        Mistake("residual inside", "The residual was added after the activation before, and that was right.", _mending(outer=lambda stage, x, past: stage.activation(stage.norm(stage.linear(x)) + past))),
        Mistake("residual inside", "The residual was added after the activation before, and that was right.", _mending(outer=lambda stage, x, past: stage.activation(stage.norm(stage.linear(x) + past)))),
        Mistake("taps turned round", "The two slices that go into the Linear layer stand the other way round now; they were right.", _mending(sides=lambda x, d: [x[:, d:], x[:, :-d]])),
        Mistake("taps turned round", "The two slices that go into the Linear layer stand the other way round now; they were right.", _mending(sides=lambda x, d: [x[:, d:], x[:, :-d]], past=lambda x, d: x[:, :-d])),
        Mistake("dilations changed", "The dilations were right.", _mending(dilations=(1, 1, 1))),
        Mistake("dilations changed", "The dilations were right.", _mending(dilations=(4, 2, 1))),
        Mistake("dilations changed", "The dilations were right.", _mending(dilations=(1, 2, 3))),
        Mistake("dilations changed", "The dilations were right.", _mending(dilations=(1, 1, 1), past=lambda x, d: x[:, :-d])),
        Mistake("neighbour of the wrong distance", "The residual's input is taken from one column before, whatever the dilation.", _mending(past=lambda x, d: x[:, d - 1 : -1])),
        Mistake("zero padding", "The layers are padded with zeros now; nothing was padded, and that was right.", _mending(sides=lambda x, d: [F.pad(x, (0, 0, d, 0))[:, :-d], x], past=lambda x, d: x)),
        Mistake("windows one by one", "The logits are right, and every window has a tree of its own again. All columns at once was the point.", lambda *case: {**_everywhere(*case), "computed": _MANY}),
        Mistake("train mode", "BatchNorm is in train mode now: which mean does it take?", _mending(outer=lambda stage, x, past: stage.train().activation(stage.norm(stage.linear(x))) + past)),
    ),
    {"must match the size": ("residual of another length", "The residual's input and the stage's output have different numbers of columns or channels. Which columns of x have an output above them? And which stages have a residual path at all?")},
    probe=_ask,
)  # fmt: skip

EXERCISES = {"predictions": PREDICTIONS, "convolve": CONVOLVE, "fold": FOLD, "seen": SEEN, "mended": MENDED}
