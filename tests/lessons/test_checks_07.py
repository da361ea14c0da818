"""The checks of lesson 07: every wrong answer is told its mistake, every right one is accepted."""

import math
from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F

from lib import checks
from lib.checks import lesson07
from lib.layers import Stage
from lib.models import add_head
from lib.plots.graphs import graph_nodes
from lib.wavenet import CausalConv1d, staged_to_dilated
from tests.lessons.check_laws import accepts, names_the_mistake


def by_slices(x, weight, dilation):
    k = weight.shape[1] // x.shape[2]
    T_out = x.shape[1] - (k - 1) * dilation
    return torch.cat([x[:, j * dilation : j * dilation + T_out] for j in range(k)], dim=2) @ weight.T


def by_torch(x, weight, dilation):
    kernel = weight.view(len(weight), -1, x.shape[2]).transpose(1, 2)
    return F.conv1d(x.transpose(1, 2), kernel, dilation=dilation).transpose(1, 2)


def by_lib(x, weight, dilation):
    conv = CausalConv1d(x.shape[2], len(weight), weight.shape[1] // x.shape[2], dilation, bias=False)
    conv.weight = torch.nn.Parameter(weight)
    return conv(x).detach()


def by_loop(x, weight, dilation):
    k = weight.shape[1] // x.shape[2]
    return torch.stack(
        [x[:, t : t + (k - 1) * dilation + 1 : dilation].flatten(1) @ weight.T for t in range(x.shape[1] - (k - 1) * dilation)],
        dim=1,
    )  # fmt: skip


def turned_round(x, weight, dilation):
    k = weight.shape[1] // x.shape[2]
    return by_slices(x, torch.cat(weight.chunk(k, dim=1)[::-1], dim=1), dilation)


def strided(x, weight, dilation):
    """FlattenConsecutive's groups, with the taps spread: whole kernels side by side."""
    return by_torch(x, weight, dilation)[:, :: weight.shape[1] // x.shape[2]]


def padded(x, weight, dilation, behind=False):
    reach = (weight.shape[1] // x.shape[2] - 1) * dilation
    return by_slices(F.pad(x, (0, 0, 0, reach) if behind else (0, 0, reach, 0)), weight, dilation)


def with_torchs_weights(x, weight, dilation):
    return F.conv1d(x.transpose(1, 2), weight.view(len(weight), x.shape[2], -1), dilation=dilation).transpose(1, 2)


def in_place(x, weight, dilation):
    x *= 2
    return by_slices(x / 2, weight, dilation)


CONVOLVE = {
    "not done": [lambda x, w, d: None],
    "error": [lambda x, w, d: x @ w],
    "changed its input": [in_place],
    "not a tensor": [lambda x, w, d: by_slices(x, w, d).tolist()],
    "taps turned round": [turned_round],
    "dilation ignored": [lambda x, w, d: by_slices(x, w, 1)],
    "dilation one too large": [lambda x, w, d: by_slices(x, w, d + 1)],
    "strided": [strided],
    "padded in front": [padded],
    "padded behind": [lambda x, w, d: padded(x, w, d, behind=True)],
    "one output short": [lambda x, w, d: by_slices(x[:, :-1], w, d)],
    "first output missing": [lambda x, w, d: by_slices(x[:, 1:], w, d)],
    "torch's order of weights": [with_torchs_weights],
    "channels in the middle": [lambda x, w, d: by_torch(x, w, d).transpose(1, 2)],
    "last tap only": [lambda x, w, d: x[:, (w.shape[1] // x.shape[2] - 1) * d :] @ w[:, -x.shape[2] :].T],
    "first tap only": [lambda x, w, d: x[:, : x.shape[1] - (w.shape[1] // x.shape[2] - 1) * d] @ w[:, : x.shape[2]].T],
    "wrong shape": [lambda x, w, d: x, lambda x, w, d: by_slices(x, w, d)[0]],
    "other values": [lambda x, w, d: torch.zeros_like(by_slices(x, w, d)), lambda x, w, d: -by_slices(x, w, d)],
}


def right_dilations(stages):
    dilations, merged = [], 1
    for n in stages:
        dilations.append(merged)
        merged *= n
    return dilations


def of_a_net(stages):
    """The dilations of the net that lib makes of such stages."""
    layers = OrderedDict(embedding=torch.nn.Embedding(3, 4))
    layers |= {f"stage{i}": Stage(4, 4, n=n) for i, n in enumerate(stages)}
    net = staged_to_dilated(add_head(layers, 4, 3, math.prod(stages)))
    return [layer.conv.dilation for layer in net if hasattr(layer, "conv")]


DILATIONS = {
    "not done": [lambda s: ...],
    "error": [lambda s: right_dilations(s[0])],
    "not a list": [lambda s: sum(right_dilations(s))],
    "wrong length": [lambda s: right_dilations([*s, 2]), lambda s: right_dilations(s)[1:]],
    "own stage included": [lambda s: [math.prod(s[: i + 1]) for i in range(len(s))]],
    "always doubled": [lambda s: [2**i for i in range(len(s))]],
    "powers of one stage": [lambda s: [s[0] ** i for i in range(len(s))]],
    "powers of each stage": [lambda s: [n**i for i, n in enumerate(s)]],
    "previous stage only": [lambda s: [1, *s[:-1]]],
    "sum instead of product": [lambda s: [1, *(sum(s[:i]) for i in range(1, len(s)))]],
    "sum of the reaches": [lambda s: [1 + sum(n - 1 for n in s[:i]) for i in range(len(s))]],
    "from the top": [lambda s: right_dilations(s)[::-1]],
    "not dilated": [lambda s: [1 for _ in s]],
    "the stages themselves": [list],
    "other values": [lambda s: [0 for _ in s], lambda s: [n + 1 for n in right_dilations(s)]],
}


def right_work(letters, context):
    layers = context.bit_length() - 1
    columns = [context + letters + 1 - 2**layer for layer in range(1, layers + 1)]
    return (letters + 1) * (context - 1), sum(columns), (letters + 1) * layers


def by_graph(letters, context):
    """The nodes of the lesson's graphs, counted."""
    dilations = [2**layer for layer in range(context.bit_length() - 1)]
    name = "." + letters * "x"

    def nodes(*arguments, **options):
        return sum(map(len, graph_nodes(*arguments, dilations=dilations, **options)[1:]))

    window = "." * context
    return (
        (letters + 1) * nodes(window, [context - 1]),
        nodes((context - 1) * "." + name),
        nodes(name, repeating=True),
    )


def but(part, count):
    """The right work, with another count in one part."""

    def answer(letters, context):
        counts = list(right_work(letters, context))
        counts[part] = count(letters, context, context.bit_length() - 1)
        return tuple(counts)

    return answer


def sum_over(count):
    return but(1, lambda n, R, k: sum(count(R + n, j) for j in range(1, k + 1)))


WORK = {
    "not done": [lambda n, R: None],
    "error": [lambda n, R: right_work(n, R / 0)],
    "not three numbers": [lambda n, R: right_work(n, R)[:2], lambda n, R: 56],
    "order": [lambda n, R: right_work(n, R)[::-1]],
    "tree by tree: 7 letters taken for granted": [but(0, lambda n, R, k: 8 * (R - 1))],
    "tree by tree: context 8 taken for granted": [but(0, lambda n, R, k: (n + 1) * 7)],
    "tree by tree: stop mark forgotten": [but(0, lambda n, R, k: n * (R - 1))],
    "tree by tree: letters counted": [but(0, lambda n, R, k: (n + 1) * R)],
    "tree by tree: a box a stage": [but(0, lambda n, R, k: (n + 1) * k)],
    "tree by tree: one tree": [but(0, lambda n, R, k: R - 1)],
    "tree by tree: other": [lambda n, R: (0, 0, 0)],
    "all columns at once: 7 letters taken for granted": [
        but(1, lambda n, R, k: sum(R + 8 - 2**j for j in range(1, k + 1)))
    ],
    "all columns at once: context 8 taken for granted": [but(1, lambda n, R, k: sum(n + 9 - 2**j for j in (1, 2, 3)))],
    "all columns at once: one token too few": [sum_over(lambda T, j: T - 2**j)],
    "all columns at once: not shortened": [sum_over(lambda T, j: T)],
    "all columns at once: dilation forgotten": [sum_over(lambda T, j: T - j)],
    "all columns at once: dilations not added up": [sum_over(lambda T, j: T - 2 ** (j - 1))],
    "all columns at once: halved": [sum_over(lambda T, j: T // 2**j)],
    "all columns at once: padding left out": [but(1, lambda n, R, k: (n + 1) * k)],
    "all columns at once: other": [but(1, lambda n, R, k: 0)],
    "padding shared: 7 letters taken for granted": [but(2, lambda n, R, k: 8 * k)],
    "padding shared: context 8 taken for granted": [but(2, lambda n, R, k: (n + 1) * 3)],
    "padding shared: stop mark forgotten": [but(2, lambda n, R, k: n * k)],
    "padding shared: only what is new": [
        but(2, lambda n, R, k: sum(max(0, n + 1 - 2 ** (j - 1)) for j in range(1, k + 1)))
    ],
    "padding shared: one layer": [but(2, lambda n, R, k: n + 1)],
    "padding shared: a layer a letter": [but(2, lambda n, R, k: (n + 1) * R)],
    "padding shared: one layer too many": [but(2, lambda n, R, k: (n + 1) * (k + 1))],
    "padding shared: other": [lambda n, R: (*right_work(n, R)[:2], right_work(n, R)[2] if R == 8 else 1)],
}

test_convolve_names_the_mistake = names_the_mistake(checks.convolve, CONVOLVE)
test_convolve_accepts_right_answers = accepts(checks.convolve, [by_slices, by_torch, by_lib, by_loop])
test_dilations_names_the_mistake = names_the_mistake(checks.dilations, DILATIONS)
test_dilations_accepts_right_answers = accepts(
    checks.dilations, [right_dilations, of_a_net, lambda s: tuple(right_dilations(s)), lambda s: torch.tensor(right_dilations(s))]
)  # fmt: skip
test_work_names_the_mistake = names_the_mistake(checks.work, WORK)
test_work_accepts_right_answers = accepts(checks.work, [right_work, by_graph, lambda n, R: list(right_work(n, R))])


@pytest.mark.parametrize("name", ["convolve", "dilations", "work"])
def test_every_mistake_that_a_check_can_name_is_in_its_catalogue(name):
    catalogues = {"convolve": CONVOLVE, "dilations": DILATIONS, "work": WORK}
    if name == "work":
        named = {f"{part}: {mistake}" for part, row in zip(lesson07._PARTS, lesson07._WORK, strict=True) for mistake, *_ in row}  # fmt: skip
    else:
        named = {mistake for mistake, *_ in {"convolve": lesson07._CONVOLUTIONS, "dilations": lesson07._DILATIONS}[name]}  # fmt: skip
    assert named <= set(catalogues[name])
