"""The checks of "Your turn": right answers pass in any style, and a wrong answer gets the name of its mistake."""

import copy
import json
import math
import os
import random
import re
from collections import deque
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib import checks
from lib.checks import exercise as engine
from lib.checks.exercise import Exercise, Implement, Mistake, Predict, Question, collect, composed, difference, plain
from lib.layers import BatchNorm1d, FlattenConsecutive
from lib.sound import mu_law_decode
from lib.streams import Stream
from lib.training import Recipe
from lib.wavenet import CausalConv1d, GatedLayer, sequence_loss

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
EXERCISES = {name: getattr(checks, name) for name in checks.__all__}
IMPLEMENT = [name for name, exercise in EXERCISES.items() if isinstance(exercise, Implement)]


def params(answers):
    """A case (exercise, expected, answer) for every answer; `answers` are by exercise and, if wrong, by mistake."""
    rows = [
        (name, mistake, answer)
        for name, by_mistake in answers.items()
        for mistake, group in (by_mistake.items() if isinstance(by_mistake, dict) else [("", by_mistake)])
        for answer in group
    ]
    return [pytest.param(*row, id=f"{row[0]}-{row[1] or 'right'}-{number}") for number, row in enumerate(rows)]


# Properties of every exercise.


def result_of(function, case):
    """As `collect` would return it."""
    try:
        value, error = plain(function(*case)), ""
    except Exception as problem:
        value, error = None, repr(problem)
    return {"value": value, "error": error, "after": case, "calls": {}}


def verdict_on(exercise, function):
    return exercise.judge(exercise.examples, [result_of(function, case) for case in exercise.examples])


@pytest.mark.parametrize("name", IMPLEMENT)
def test_every_mistake_is_named_as_itself(name):
    exercise = EXERCISES[name]
    assert verdict_on(exercise, exercise.solution).right
    for mistake in exercise.mistakes:
        if len(getattr(mistake.makes, "keywords", [""])) == 1:  # combinations are tested below
            assert verdict_on(exercise, mistake.makes).mistake == mistake.name


def stub(*case):
    raise NotImplementedError


@pytest.mark.parametrize("name", IMPLEMENT)
def test_open_answers_are_not_done_and_errors_are_shown(name):
    exercise = EXERCISES[name]
    for answer in (lambda *case: None, lambda *case: ..., stub):
        assert repr(exercise(answer)).startswith("Not done yet.")
    verdict = exercise(lambda *case: 1 / 0)
    assert verdict.mistake == "error" and "ZeroDivisionError: division by zero" in verdict.message


def changeable(name):
    return any(isinstance(argument, (list, torch.Tensor)) for argument in EXERCISES[name].examples[0])


@pytest.mark.parametrize("name", list(filter(changeable, IMPLEMENT)))
def test_an_answer_that_changes_its_arguments_is_rejected(name):
    exercise = EXERCISES[name]

    def spoil(*case):
        result = exercise.solution(*copy.deepcopy(case))
        for argument in case:
            if isinstance(argument, list):
                argument.append(0)
            elif isinstance(argument, torch.Tensor):
                argument.add_(1)
        return result

    assert exercise(spoil).mistake == "changed its input"


# Answers in other words than those of the tables, by exercise.

grouped = lambda x, n: x.reshape(x.shape[0], x.shape[1] // n, -1)
dropped = lambda out: out.squeeze(1) if out.shape[1] == 1 else out
dims = lambda x: 0 if x.ndim == 2 else (0, 1)
mix = lambda old, new, m: (1 - m) * old + m * new
exped = lambda x: x.exp() / x.exp().sum(dim=1, keepdim=True)
shifted = lambda x: x - x.max(dim=1, keepdim=True).values
pushed = lambda window, index: (window + [index])[-8:]
ends = lambda means, low=0.025: (torch.quantile(means, low), torch.quantile(means, 1 - low))
to_y = lambda ids: ids.float() / 255 * 2 - 1
expand = lambda y: torch.sign(y) * (torch.pow(256.0, y.abs()) - 1) / 255


def amp_target(net, guitar, sound):
    return sound[:, net.receptive_field - 1 :]


def amp_error(net, guitar, sound, align=lambda y, reach: y[:, reach - 1 :], over=lambda o, t: t):
    output, target = net(guitar), align(sound, net.receptive_field)
    return F.mse_loss(output, target) / over(output, target).pow(2).mean()


def named(net, darts, dim=1, move=pushed, stop=True, draw=lambda p, u: torch.searchsorted(p.cumsum(0), u, right=True)):
    window, name = [0] * 8, []
    for u in darts:
        probs = F.softmax(net(torch.tensor([window])), dim=dim).squeeze(0)
        index = int(draw(probs, u))
        if stop and index == 0:
            break
        name.append(index)
        window = move(window, index)
    return name


def named_backwards(net, darts):
    name = [0] * 8
    for u in darts:
        probs = net(torch.tensor(name[-8:])[None])[0].double().softmax(-1)
        name.append(next(i for i in range(len(probs)) if probs[: i + 1].sum() > u))
        if name[-1] == 0:
            return name[8:-1]
    return tuple(name[8:])


def in_the_notes(x, eps, dim=None, unbiased=False):
    dim = dims(x) if dim is None else dim
    return (x - x.mean(dim, keepdim=True)) / torch.sqrt(x.var(dim, keepdim=True, unbiased=unbiased) + eps)


def by_merging(x, eps):
    flat = x.reshape(-1, x.shape[-1]).double()
    centred = flat - flat.mean(0)
    return (centred * (centred.square().mean(0) + eps).rsqrt()).reshape(x.shape)


def three_stages(x, a, b, c, between=torch.tanh, right=0):
    pairs = between((x if torch.is_tensor(right) else grouped(x, 2)) @ a + right)
    return torch.tanh(grouped(between(grouped(pairs, 2) @ b), 2)[:, 0] @ c)


def by_flatten_consecutive(x, *weights):
    for weight in weights:
        x = (FlattenConsecutive(2)(x) @ weight).tanh()
    return x


def as_in_the_lesson(x, a, b, c, between=lambda h: h):
    """The broken tree that the lesson gives."""
    B = len(x)
    pairs = between(x.reshape(B, 4, -1) @ a)
    quads = between(pairs.reshape(2, B, -1).transpose(0, 1) @ b)
    return torch.tanh(quads.reshape(B, -1) @ c)


def with_sizes_of_the_first_cases(x, eps):
    return in_the_notes(x.reshape(6 if x.ndim == 2 else 8, 3), eps).reshape(x.shape)


def layer_of(norm):
    """A layer like the mended one, from a function of x, mean, variance and mode to the output; it moves by momentum."""

    def layer(x, mean, var, training):
        new = (0.9 * mean + 0.1 * x.mean(dims(x)), 0.9 * var + 0.1 * x.var(dims(x))) if training else (mean, var)
        return norm(x, mean, var, training), *new

    return layer


def by_batch_norm1d(x, mean, var, training):
    layer = BatchNorm1d(len(mean)).train(training)
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(var)
    return layer(x), layer.running_mean, layer.running_var


def to_mend(x, running_mean, running_var, training):
    """The code that lesson 03 gives its readers."""
    dim = 0 if x.ndim == 2 else (0, 1)
    xmean, xvar = x.mean(dim), x.var(dim, unbiased=False)
    if training:
        running_mean = 0.9 * running_mean + 0.1 * xmean
        running_var = 0.9 * running_var + 0.1 * x.var(dim)
    return (x - xmean) / torch.sqrt(xvar + 1e-5), running_mean, running_var


def of_the_running(x, mean, var, training):
    return (x - mean) / torch.sqrt(var + 1e-5)


def lr_at(step, steps, highest, warmup):
    if step < warmup:
        return highest * (step + 1) / warmup
    return highest * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def training(
    given=lambda logits: logits,
    take=lambda Y, rows: Y[rows],
    make=lambda W, lr: torch.optim.SGD([W], lr=lr),
    forget=True,
):
    def my_train(W, X, Y, batches, lr):
        W = nn.Parameter(W.clone())
        optimizer = make(W, lr)
        for rows in batches:
            if forget:
                optimizer.zero_grad()
            F.cross_entropy(given(W[X[rows]]), take(Y, rows)).backward()
            optimizer.step()
        return W.detach()

    return my_train


def by_formula(W, X, Y, batches, lr):
    for rows in batches:
        gradient = F.softmax(W[X[rows]], dim=1) - F.one_hot(Y[rows], len(W))
        W = W - lr * torch.zeros_like(W).index_add_(0, X[rows], gradient) / len(rows)
    return W


def as_printed_in_the_lesson(W, X, Y, batches, lr):
    W = W.clone().requires_grad_()
    for rows in batches:
        probs = F.softmax(W[X[rows]], dim=1)
        loss = F.cross_entropy(probs, Y[: len(rows)])
        W.grad = None
        loss.backward()
        with torch.no_grad():
            W += lr * W.grad
    return W.detach()


def of_sorted_means(a, b, draws):
    means = sorted((a - b)[row].mean().item() for row in draws)
    return means[round(0.025 * len(means))], means[round(0.975 * len(means)) - 1]


def of_4_001_means(a, b, draws):
    means = sorted((a - b)[draws].mean(dim=1).tolist())
    return means[100], means[3900]


def compared(a, b, choice=slice(2), rest=slice(2, None), order=list):
    best = [losses[:, choice].mean(dim=1).argmin() for losses in (a, b)]
    pairs = zip(order(a[best[0]][rest]), order(b[best[1]][rest]), strict=True)
    return torch.stack([one - other for one, other in pairs])


def as_analysed_in_the_lesson(a, b):
    rate = b[:, :2].mean(dim=1).argmin()
    mine = b[:, 2:].min(dim=0).values
    return a[rate, 2:].sort().values - mine.sort().values


def by_conv1d(x, weight, dilation):
    kernel = weight.view(len(weight), -1, x.shape[2]).transpose(1, 2)
    return F.conv1d(x.transpose(1, 2), kernel, dilation=dilation).transpose(1, 2)


def by_tap_offsets(x, weight, offsets):
    T_out = x.shape[1] - offsets[-1]
    return torch.cat([x[:, offset : offset + T_out] for offset in offsets], dim=2) @ weight.T


def by_causal_conv(x, weight, dilation):
    conv = CausalConv1d(x.shape[2], len(weight), weight.shape[1] // x.shape[2], dilation, bias=False)
    conv.weight = nn.Parameter(weight)
    return conv(x)


def causal_net(x, weights, pad=lambda x, d: F.pad(x, (d, 0)), dilation=lambda layer: 2**layer):
    """In torch's layout, with torch's convolution."""
    x = x.transpose(1, 2)
    for layer, weight in enumerate(weights):
        kernel = weight.view(len(weight), 2, -1).transpose(1, 2)
        x = F.conv1d(pad(x, dilation(layer)), kernel, dilation=dilation(layer)).tanh()
    return x.transpose(1, 2)


def shifted_by_slices(x, weights):
    """Right if no dilation is longer than the sequence."""
    for layer, weight in enumerate(weights):
        earlier = torch.cat([torch.zeros(len(x), 2**layer, x.shape[2]), x[:, : -(2**layer)]], dim=1)
        x = torch.tanh(torch.cat([earlier, x], dim=2) @ weight.T)
    return x


def by_causal_convs(x, weights):
    for layer, weight in enumerate(weights):
        x = by_causal_conv(F.pad(x, (0, 0, 2**layer, 0)), weight, 2**layer).tanh()
    return x


def padded_as_in_the_lesson(x, weights, *padding):
    """`padding` of F.pad, in time steps; None is the dilation."""
    for layer, weight in enumerate(weights):
        d = 2**layer
        x = F.pad(x, [d if width is None else width for width in padding])
        x = torch.tanh(torch.cat([x[:, :-d], x[:, d:]], dim=2) @ weight.T)
    return x


def padded_once(x, weights):
    return padded_as_in_the_lesson(F.pad(x, (0, 0, 7, 0)), weights, 0, 0)


def causal_net_as_given(x, weights):
    return causal_net(x, weights, lambda x, d: F.pad(x, (d // 2, d // 2)), lambda layer: 2 ** (layer + 1))


def layer(x, weight, mix, d):
    kernel = weight.view(len(weight), 2, -1).transpose(1, 2)
    both = F.conv1d(x.transpose(1, 2), kernel, dilation=d).transpose(1, 2)
    z = both[..., : x.shape[2]].tanh() * both[..., x.shape[2] :].sigmoid()
    return [x[:, d:] + F.linear(z, mix), z]


by_tap = lambda weight: weight.view(len(weight), 2, -1).transpose(1, 2)
slice_now = lambda x, d: x[:, d:]


def by_torch_as_given(
    x,
    weight,
    mix,
    d,
    kernel=lambda weight: weight.view(len(weight), -1, 2),
    gate=torch.tanh,
    take=lambda x, d: x[:, :-d],
):
    """The layer that lesson 08 gives to mend, and the same with some of its faults mended."""
    a = F.conv1d(x.transpose(1, 2), kernel(weight), dilation=d).transpose(1, 2)
    z = a[..., : x.shape[2]].tanh() * gate(a[..., x.shape[2] :])
    return take(x, d) + z @ mix.T, z


def by_gated_layer(x, weight, mix, d):
    own = GatedLayer(x.shape[2], kernel_size=2, dilation=d)
    own.conv.weight, own.residual.weight = nn.Parameter(weight), nn.Parameter(mix)
    nn.init.zeros_(own.conv.bias), nn.init.zeros_(own.residual.bias)
    return own(x)


def loss_by_name(logits, targets):
    each = [F.cross_entropy(row[t >= 0], t[t >= 0], reduction="sum") for row, t in zip(logits, targets, strict=True)]
    return sum(each).item() / (targets >= 0).sum().item()


def loss_of_prefixes(logits, targets):
    lengths = (targets >= 0).sum(dim=1)
    pairs = [(a[:n], b[:n]) for a, b, n in zip(logits, targets, lengths, strict=True)]
    return F.cross_entropy(*map(torch.cat, zip(*pairs, strict=True)))


def by_gradient(net, x, size=torch.square, train=True, leaking=lambda slope: (slope != 0).any()):
    x = x.clone().requires_grad_()
    out = net.train(train)(x)
    T = x.shape[1]
    slopes = [torch.autograd.grad(size(out[:, t]).sum(), x, retain_graph=True)[0] for t in range(T)]
    return [(t, u) for t in range(T) for u in range(t + 1, T) if leaking(slopes[t][:, u])]


def by_accumulated_gradient(net, x):
    x = x.clone().requires_grad_()
    out, found = net.train()(x).square(), []
    for t in range(x.shape[1]):
        out[:, t].sum().backward(retain_graph=True)
        found += [(t, u) for u in range(t + 1, x.shape[1]) if x.grad[:, u].any()]
    return found


def by_jacobian(net, x, train=True, seen=lambda slopes: (slopes != 0).any(3).any(1)):
    slopes = torch.autograd.functional.jacobian(net.train(train), x[:1])[0, :, :, 0]  # (T, D, T, C)
    return {tuple(pair) for pair in seen(slopes).triu(1).nonzero().tolist()}


def by_difference(net, x, step=1.0):
    net.train()
    found, before = [], net(x)
    for u in range(x.shape[1]):
        moved = x.clone()
        moved[:, u] += step
        found += [(t, u) for t in range(u) if (net(moved)[:, t] != before[:, t]).any()]
    return found


loudest_so_far = lambda x: torch.stack([x[:, : t + 1].abs().amax((1, 2)) for t in range(x.shape[1])], dim=1)[..., None]
loudest = lambda x: x.abs().amax(dim=(1, 2), keepdim=True)


def chomped(x, weights, scale=loudest_so_far, cut=lambda out, d: out[:, :-d]):
    x = x / scale(x)
    for d, weight in zip((1, 2, 4), weights, strict=False):
        padded = F.pad(x, (0, 0, d, d))
        x = x + cut(torch.tanh(torch.cat([padded[:, :-d], padded[:, d:]], dim=2) @ weight), d)
    return x


def padded_in_front(x, weights):
    x = x / loudest_so_far(x)
    for layer, weight in enumerate(weights):
        x = x + by_causal_conv(F.pad(x, (0, 0, 2**layer, 0)), weight.T, 2**layer).tanh()
    return x


def loudest_of_the_last(x, steps):
    parts = [x[:, max(0, t + 1 - steps) : t + 1].abs().amax((1, 2)) for t in range(x.shape[1])]
    return torch.stack(parts, dim=1)[..., None]


from_d = lambda out, d: out[:, d:]


def in_a_copy(ring, time, now):
    ring = list(ring)
    slot = time % len(ring)
    oldest, ring[slot] = ring[slot], now
    return oldest, ring


def by_value(ring, time, now):
    oldest = ring[time % len(ring)]
    return oldest, [now if one == oldest else one for one in ring]


def names_with_deque(filled, run, darts, put=deque.append, again=True):
    names, queues = [], filled()
    for row in darts:
        queues, index = filled() if again else queues, 0
        names.append([])
        for u in row:
            logits, inputs = run(index, [queue.popleft() for queue in queues])
            for queue, x in zip(queues, inputs, strict=True):
                put(queue, x)
            index = int((F.softmax(logits, 0).cumsum(0) <= u).sum())
            if not index:
                break
            names[-1].append(torch.tensor(index))
    return names


def walked_back(ids, place, context):
    window = []
    while len(window) < context and len(window) < place:
        before = ids[place - 1 - len(window)]
        if before == 0:
            break
        window.insert(0, before)
    return [0] * (context - len(window)) + window


def by_power_sums(first, second):
    n = first[0] + second[0]
    mean = sum(count * mean for count, mean, _ in (first, second)) / n
    squares = sum(count * (variance + mean**2) for count, mean, variance in (first, second))
    return n, mean, squares / n - mean**2


RIGHT = {
    "one_hot": [
        lambda ids, size: (ids.unsqueeze(-1) == torch.arange(size)).float(),
        lambda ids, size: F.one_hot(ids, size).double(),
        lambda ids, size: torch.zeros(*ids.shape, size).scatter_(-1, ids.unsqueeze(-1), 1.0),
    ],
    "mended_loss": [
        lambda logits, targets: -F.softmax(logits, dim=1)[range(len(targets)), targets].log().mean(),
        lambda logits, targets: F.nll_loss(F.log_softmax(logits, dim=1), targets),
        lambda logits, targets: (logits.logsumexp(1) - logits[range(len(targets)), targets]).mean().item(),
    ],
    "flatten": [
        lambda x, n: dropped(torch.cat([x[:, i::n] for i in range(n)], dim=2)),
        lambda x, n: FlattenConsecutive(n)(x),
        lambda x, n: dropped(nn.Unflatten(1, (-1, n))(x).flatten(2)),
    ],
    "tree": [
        three_stages,
        by_flatten_consecutive,
        lambda x, a, b, c: three_stages(x[:, ::2], a[: len(a) // 2], b, c, right=x[:, 1::2] @ a[len(a) // 2 :]),
    ],
    "normalise": [
        in_the_notes,
        by_merging,
        lambda x, eps: F.batch_norm(x.flatten(0, -2), None, None, training=True, eps=eps).view_as(x),
    ],
    "mend_layer": [
        by_batch_norm1d,
        layer_of(
            lambda x, mean, var, training: of_the_running(x, mean, var, 0) if not training else by_merging(x, 1e-5)
        ),
    ],
    "schedule": [
        lr_at,
        lambda s, n, h, w: h * min((s + 1) / w, math.cos(math.pi / 2 * max(0, s - w) / (n - w)) ** 2),
        lambda s, n, h, w: torch.tensor(lr_at(s, n, h, w)),
        lambda s, n, h, w: Recipe("r", batch_size=1, lr=h, steps=n, warmup=w / n).lr_at(s, n),
    ],
    "mend_training": [training(), by_formula, training(given=lambda logits: F.log_softmax(logits, dim=-1))],
    "softmax": [
        lambda x: exped(shifted(x)),
        lambda x: torch.exp(x - torch.logsumexp(x, dim=1, keepdim=True)),
        lambda x: torch.stack([exped((row - row.max()).view(1, -1))[0] for row in x]),
        lambda x: F.softmax(x.double(), dim=-1),
    ],
    "write_name": [
        named,
        named_backwards,
        lambda net, darts: named(net, darts, draw=lambda p, u: (p.cumsum(0) > u).nonzero()[0]),
        lambda net, darts: torch.tensor(named(net, darts)),
    ],
    "interval": [
        of_sorted_means,
        lambda a, b, d: torch.quantile((a[d] - b[d]).mean(1), torch.tensor([0.025, 0.975])),
        lambda a, b, d: list(ends(a[d].mean(1) - b[d].mean(1))),
        lambda a, b, d: np.quantile((a - b)[d].mean(1).numpy(), [0.025, 0.975]),
    ],
    "differences": [
        compared,
        lambda a, b: a[a[:, :2].sum(1).argmin()][2:] - b[b[:, :2].sum(1).argmin()][2:],
        lambda a, b: list(compared(a, b)),
        lambda a, b: compared(a, b).tolist(),
        lambda a, b: compared(a, b).numpy(),
    ],
    "convolve": [by_conv1d, by_causal_conv],
    "mend_convolutions": [causal_net, by_causal_convs],
    "mend_gated_layer": [layer, by_gated_layer],
    "masked_loss": [
        loss_by_name,
        lambda logits, targets: F.cross_entropy(logits[targets >= 0], targets[targets >= 0]),
    ],
    "find_leaks": [
        by_gradient,
        by_jacobian,
        lambda net, x: by_gradient(net, x)[::-1],
        lambda net, x: tuple(2 * by_gradient(net, x)),
        lambda net, x: torch.tensor(by_gradient(net, x)),
    ],
    "mend_leaks": [chomped, padded_in_front],
    "ring_step": [
        in_a_copy,
        lambda ring, time, now: [
            ring[time % len(ring)],
            tuple(now if i == time % len(ring) else x for i, x in enumerate(ring)),
        ],
    ],
    "mend_memory": [names_with_deque, lambda *case: tuple(map(tuple, names_with_deque(*case)))],
    "decode_levels": [
        mu_law_decode,
        lambda ids: torch.where(ids < 128, -1.0, 1.0) * ((to_y(ids).abs() * math.log(256)).exp() - 1) / 255,
        lambda ids: expand(ids.double() / 255 * 2 - 1),
    ],
    "amp_loss": [
        amp_error,
        lambda *case: amp_error(*case).item(),
        lambda net, x, y: ((net(x) - amp_target(net, x, y)) ** 2).sum() / (amp_target(net, x, y) ** 2).sum(),
    ],
    "stream_window": [
        walked_back,
        lambda *case: tuple(walked_back(*case)),
        lambda ids, place, context: Stream(torch.tensor(ids), context).windows(torch.tensor([place]))[0][0],
    ],
    "merge_statistics": [
        by_power_sums,
        lambda first, second: tuple(map(torch.tensor, by_power_sums(first, second))),
    ],
}
WRONG = {
    "one_hot": {
        "not a tensor": [lambda ids, size: torch.eye(size)[ids].tolist()],
        "wrong shape": [lambda ids, size: torch.eye(size)[ids].flatten(), lambda ids, size: torch.eye(27)[ids]],
        "returned its input": [lambda ids, size: ids],
        "all zeros": [lambda ids, size: torch.zeros(*ids.shape, size)],
        "not one 1 per row": [lambda ids, size: (ids.unsqueeze(-1) >= torch.arange(size)).float()],
    },
    "mended_loss": {
        "not mended": [
            lambda logits, targets: F.cross_entropy(logits.exp() / logits.exp().sum(1, keepdim=True), targets),
        ],
        "softmax over the batch": [lambda logits, targets: F.nll_loss(F.log_softmax(logits, dim=0), targets)],
        "no logarithm": [lambda logits, targets: -logits.softmax(1)[range(len(targets)), targets].mean()],
        "perplexity": [lambda logits, targets: math.exp(F.cross_entropy(logits, targets))],
        "other values": [lambda logits, targets: -logits[range(len(targets)), targets].mean()],
    },
    "flatten": {
        "strided pairs": [lambda x, n: dropped(x.unflatten(1, (n, -1)).transpose(1, 2).flatten(2))],
        "time and channels swapped": [lambda x, n: dropped(x.transpose(1, 2).reshape(grouped(x, n).shape))],
        "other values": [
            lambda x, n: dropped(torch.cat([x[:, i::n] for i in reversed(range(n))], dim=2)),
            lambda x, n: dropped(grouped(x.roll(1, dims=1), n)) + 1,
        ],
        "needs contiguous input": [lambda x, n: dropped(x.view(x.shape[0], x.shape[1] // n, n * x.shape[2]))],
        "error": [lambda x, n: x.reshape(3, 4, 10)],
    },
    "tree": {
        "examples mixed + no activation between the stages": [as_in_the_lesson],
        "examples mixed": [lambda x, a, b, c: as_in_the_lesson(x, a, b, c, torch.tanh)],
        "no activation between the stages": [lambda x, a, b, c: three_stages(x, a, b, c, between=lambda h: h)],
        "squeeze() without a dimension": [lambda *case: three_stages(*case).squeeze()],
        "other values": [lambda *case: three_stages(*case, between=torch.sigmoid)],
    },
    "normalise": {
        "dim 0 of a 3-D tensor": [lambda x, eps: (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + eps)],
        "unbiased variance": [lambda x, eps: (x - x.mean(dims(x))) / torch.sqrt(x.var(dims(x)) + eps)],
        "no eps": [lambda x, eps: in_the_notes(x, 1e-5)],
        "all dimensions": [lambda x, eps: (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + eps)],
        "dim 0 of a 3-D tensor + unbiased variance": [lambda x, eps: in_the_notes(x, eps, 0, unbiased=x.ndim == 3)],
        "last dimension + unbiased variance": [lambda x, eps: in_the_notes(x, eps, -1, unbiased=True)],
        "error": [with_sizes_of_the_first_cases],
        "returned its input": [lambda x, eps: x.clone()],
        "wrong shape": [lambda x, eps: in_the_notes(x, eps).flatten()],
        "all zeros": [lambda x, eps: torch.zeros_like(x)],
        "not a number": [lambda x, eps: in_the_notes(x, eps) * math.nan],
    },
    "mend_layer": {
        "an answer depends on its company": [to_mend],
        "running statistics in train mode": [layer_of(of_the_running)],
        "moves in eval mode": [
            lambda x, mean, var, t: (by_batch_norm1d(x, mean, var, t)[0], *to_mend(x, mean, var, 1)[1:])
        ],
        "an answer depends on its company + moves in eval mode": [
            lambda x, mean, var, training: to_mend(x, mean, var, True)
        ],
        "modes swapped": [layer_of(lambda x, mean, var, t: by_batch_norm1d(x, mean, var, not t)[0])],
        "nothing moved": [lambda x, mean, var, t: (by_batch_norm1d(x, mean, var, t)[0], mean, var)],
        "wrong number of results": [lambda *case: by_batch_norm1d(*case)[0]],
        "other values": [lambda *case: (-by_batch_norm1d(*case)[0], *by_batch_norm1d(*case)[1:])],
    },
    "schedule": {
        "no warm-up": [lambda s, n, h, w: h if s < w else lr_at(s, n, h, w)],
        "linear decay": [lambda s, n, h, w: lr_at(s, n, h, w) if s < w else h * (1 - (s - w) / (n - w))],
        "not scaled": [lambda s, n, h, w: lr_at(s, n, 1, w)],
        "no warm-up + no decay": [lambda s, n, h, w: h],
        "other values": [lambda s, n, h, w: 0, lambda s, n, h, w: lr_at(s, 100, 0.01, 10)],
    },
    "mend_training": {
        "it hardly learns": [training(given=lambda logits: logits.softmax(1))],
        "it ignores the context": [training(take=lambda Y, rows: Y[: len(rows)])],
        "the loss rises": [training(make=lambda W, lr: torch.optim.SGD([W], lr=lr, maximize=True))],
        "the steps keep growing": [training(forget=False)],
        "one step only": [lambda W, X, Y, batches, lr: by_formula(W, X, Y, batches[:1], lr)],
        "it hardly learns + it ignores the context + the loss rises": [as_printed_in_the_lesson],
        "other values": [training(make=lambda W, lr: torch.optim.AdamW([W], lr=lr))],
    },
    "softmax": {
        "softmax over dim 0": [lambda x: F.softmax(x.T, dim=1).T],
        "softmax over dim 0 + no maximum subtracted": [lambda x: x.exp() / x.exp().sum(dim=0)],
        "softmax over everything + no maximum subtracted": [lambda x: x.exp() / x.exp().sum()],
        "keepdim forgotten": [lambda x: shifted(x).exp() / shifted(x).exp().sum(1)],
        "no maximum subtracted": [exped],
        "wrong for large logits": [lambda x: exped(x.clamp(-60, 60))],
        "not a number": [lambda x: x.exp() / (x.exp().sum(dim=1, keepdim=True) + 1e-9)],
        "one maximum for all rows": [lambda x: exped(x - x.max())],
        "first subtracted": [lambda x: exped(x - x[:, :1])],
        "smallest subtracted": [lambda x: exped(x - x.min(dim=1, keepdim=True).values)],
        "mean subtracted": [lambda x: exped(x - x.mean(dim=1, keepdim=True))],
        "error": [lambda x: torch.stack([F.softmax(x[i], dim=0) for i in range(3)])],
        "sign turned round": [lambda x: F.softmin(x, dim=1)],
        "other values": [
            lambda x: shifted(x).exp() / shifted(x)[:, :3].exp().sum(dim=1, keepdim=True),
            lambda x: F.softmax(2 * x, dim=1),
            lambda x: 2**x / (2**x).sum(dim=1, keepdim=True),
        ],
    },
    "write_name": {
        "nothing written": [
            lambda net, darts: named(net, darts, dim=0),
            lambda net, darts: named(net, darts, dim=0, move=lambda w, i: [*w, i][:8]),  # as given
        ],
        "window stands still": [lambda net, darts: named(net, darts, move=lambda w, i: [*w, i][:8])],
        "window turned round": [lambda net, darts: named(net, darts, move=lambda w, i: [i] + w[:7])],
        "newest letter overwritten": [lambda net, darts: named(net, darts, move=lambda w, i: w[:-1] + [i])],
        "goes on after the stop mark": [lambda net, darts: named(net, darts, stop=False)],
        "argmax": [lambda net, darts: named(net, darts, draw=lambda p, u: p.argmax())],
        "error": [lambda net, darts: named(net, darts, move=lambda w, i: [*w, i])],
        "other values": [lambda net, darts: [(i + 1) % 27 for i in named(net, darts)]],
    },
    "interval": {
        "wrong number of results": [lambda a, b, d: (a - b)[d].mean(1), lambda a, b, d: (a - b).mean().item()],
        "90 % interval": [lambda a, b, d: ends((a - b)[d].mean(1), 0.05)],
        "lowest and highest": [lambda a, b, d: ((a - b)[d].mean(1).min(), (a - b)[d].mean(1).max())],
        "not paired": [lambda a, b, d: ends(a[d].mean(1) - b[d.flip(0)].mean(1))],
        "two intervals": [lambda a, b, d: [x - y for x, y in zip(*(ends(x[d].mean(1)) for x in (a, b)), strict=True)]],
        "one mean of all": [lambda a, b, d: ends((a - b)[d].mean()), lambda a, b, d: ((a - b)[d].mean(),) * 2],
        "error": [of_4_001_means],
        "other values": [
            lambda a, b, d: (0.0, 0.0),
            lambda a, b, d: (0.016, 0.022),
            lambda a, b, d: ends((a - b).abs()[d].mean(1)),
            lambda a, b, d: [max(end, torch.tensor(0.0)) for end in ends((a - b)[d].mean(1))],
        ],
    },
    "differences": {
        "chosen on the reported seeds": [lambda a, b: compared(a, b, choice=slice(None))],
        "reports the seeds that chose": [lambda a, b: compared(a, b, rest=slice(None))],
        "one rate for both nets": [
            lambda a, b: (a - b)[a[:, :2].mean(dim=1).argmin()][2:],
            lambda a, b: (a - b)[b[:, :2].mean(dim=1).argmin()][2:],
        ],
        "one rate for both nets + a rate for each seed + pairs broken": [as_analysed_in_the_lesson],
        "a rate for each seed": [
            lambda a, b: a[a[:, :2].sum(dim=1).argmin()][2:] - b[:, 2:].amin(dim=0),
            lambda a, b: (a.amin(dim=0) - b.amin(dim=0))[2:],
        ],
        "pairs broken": [lambda a, b: compared(a.double(), b.double(), order=torch.msort)],
        "best of two seeds": [
            lambda a, b: a[a[:, :2].amin(dim=1).argmin()][2:] - b[b[:, :2].amin(dim=1).argmin()][2:],
            lambda a, b: (a[a[:, :2].amin(dim=1).argmin()][2:] - b[b[:, :2].amin(dim=1).argmin()][2:]).tolist(),
        ],
        "wrong shape": [lambda a, b: compared(a, b, rest=slice(2, 12))],
        "other values": [lambda a, b: compared(a, b) * 2, lambda a, b: compared(a[:5], b[:5])],
    },
    "convolve": {
        "strided": [lambda x, w, d: by_conv1d(x, w, d)[:, :: w.shape[1] // x.shape[2]]],
        "one output short": [lambda x, w, d: by_conv1d(x[:, :-1], w, d)],
        "sizes that do not meet": [lambda x, w, d: torch.cat([x[:, :-d], x[:, d:]], dim=2) @ w],
        "wrong shape": [
            lambda x, w, d: by_conv1d(x, w, d).squeeze(1),
            lambda x, w, d: by_conv1d(x, w, 2 ** int(math.log2(d))),
            lambda x, w, d: by_tap_offsets(x, w, [0, *(d * 2**j for j in range(w.shape[1] // x.shape[2] - 1))]),
        ],
        "empty slice": [lambda x, w, d: torch.cat([x[:, :-d], x[:, d:-0]], dim=2) @ w.T],
        "other values": [lambda x, w, d: -by_conv1d(x, w, d)],
    },
    "mend_convolutions": {
        "it sees the future + dilation of the next layer": [causal_net_as_given],
        "it sees the future": [
            lambda x, w: causal_net(x, w, lambda x, d: F.pad(x, (d // 2, d // 2))),
            lambda x, w: causal_net(x, w, lambda x, d: F.pad(x, (d // 2, d - d // 2))),
        ],
        "dilation of the next layer": [lambda x, w: causal_net(x, w, dilation=lambda layer: 2 ** (layer + 1))],
        "not padded": [lambda x, w: causal_net(x, w)[:, 2 ** len(w) - 1 :]],
        "first column repeated": [lambda x, w: causal_net(x, w, lambda x, d: F.pad(x, (d, 0), mode="replicate"))],
        "padded channels": [lambda x, w: padded_as_in_the_lesson(x, w, None, 0)],
        "padded batch": [lambda x, w: padded_as_in_the_lesson(x, w, 0, 0, 0, 0, None, 0)],
        "wrong shape": [padded_once],
        "returned its input": [lambda x, w: x],
        "error": [shifted_by_slices],
        "other values": [
            lambda x, w: -causal_net(x, w),
            lambda x, w: causal_net(x, w[:4]),
            lambda x, w: causal_net(x, w, dilation=lambda layer: min(8, 2**layer)),
        ],
    },
    "mend_gated_layer": {
        "a shuffled kernel + a gate below zero + x from the earlier time step": [by_torch_as_given],
        "a gate below zero + x from the earlier time step": [partial(by_torch_as_given, kernel=by_tap)],
        "a gate below zero": [partial(by_torch_as_given, kernel=by_tap, take=slice_now)],
        "x from the earlier time step": [partial(by_torch_as_given, kernel=by_tap, gate=torch.sigmoid)],
        "a shuffled kernel": [partial(by_torch_as_given, gate=torch.sigmoid, take=slice_now)],
        "no residual path": [lambda x, w, m, d: (layer(x, w, m, d)[0] - x[:, d:], layer(x, w, m, d)[1])],
        "wrong shape": [
            lambda *case: [one.squeeze(1) for one in layer(*case)],
            lambda x, w, m, d: layer(x, w, m, 2 ** int(math.log2(d))),
        ],
        "other values": [lambda *case: (-layer(*case)[0], layer(*case)[1])],
    },
    "masked_loss": {
        "padding counted": [lambda logits, targets: F.cross_entropy(logits.mT, targets.clamp(min=0))],
        "error": [
            lambda logits, targets: F.cross_entropy(logits.mT, targets),  # as if padding were -100
            loss_of_prefixes,
        ],
        "bits": [lambda logits, targets: loss_by_name(logits, targets) / math.log(2)],
        "not reduced": [
            lambda logits, targets: F.cross_entropy(logits[targets >= 0], targets[targets >= 0], reduction="none")
        ],
        "other values": [lambda logits, targets: 0.0],
    },
    "find_leaks": {
        "tested in eval mode": [lambda net, x: by_gradient(net, x, train=False)],
        "outputs cancel": [lambda net, x: by_gradient(net, x, size=lambda out: out)],
        "outputs and slopes cancel": [
            lambda net, x: by_gradient(net, x, size=lambda out: out, leaking=lambda slope: slope.sum() != 0)
        ],
        "tiny leak missed": [
            lambda net, x: by_gradient(net, x, leaking=lambda slope: slope.norm() > 1e-8),
            lambda net, x: by_jacobian(net, x, seen=lambda slopes: slopes.abs().amax((1, 3)) > 1e-15),
            by_difference,
        ],
        "both modes tested": [lambda net, x: by_jacobian(net, x) | by_jacobian(net, x, train=False)],
        "wrong number of results": [
            lambda net, x: by_jacobian(net, x, seen=lambda slopes: slopes[:, -1].any(2)),
            lambda net, x: by_jacobian(net, x, seen=lambda slopes: slopes[:, [0, -1]].any(3).any(1)),
            lambda net, x: by_jacobian(net, x, seen=lambda slopes: slopes[..., [0, -1]].any(3).any(1)),
            lambda net, x: by_jacobian(net, x, seen=lambda slopes: slopes.any(3).all(1)),
            lambda net, x: by_jacobian(net, x, seen=lambda slopes: slopes.all(3).any(1)),
            lambda net, x: [pair for pair in by_jacobian(net, x) if max(pair) < 5],
        ],
        "tested in eval mode + tiny leak missed": [
            lambda net, x: by_gradient(net, x, train=False, leaking=lambda slope: slope.abs().max() > 1e-6)
        ],
        "next token only": [lambda net, x: [pair for pair in by_gradient(net, x) if pair[1] == pair[0] + 1]],
        "absolute outputs cancel": [lambda net, x: by_gradient(net, x, size=torch.abs)],
        "gradients added up": [by_accumulated_gradient],
        "last output channel left out": [lambda net, x: by_gradient(net, x, size=lambda out: out[:, :-1] ** 2)],
        "counted from 1": [lambda net, x: [(t + 1, u + 1) for t, u in by_gradient(net, x)]],
        "distance instead of token": [lambda net, x: [(t, u - t) for t, u in by_gradient(net, x)]],
        "every later token": [lambda net, x: torch.ones(x.shape[1], x.shape[1]).triu(1).nonzero()],
        "pairs turned round": [lambda net, x: [pair[::-1] for pair in by_gradient(net, x)]],
        "no leaks": [lambda net, x: []],
        "no gradient asked for": [lambda net, x: torch.autograd.grad(net(x).sum(), x)],
        "graph used up": [
            lambda net, x: [
                torch.autograd.grad(y.sum(), z) for z in [x.requires_grad_()] for y in net(z).tanh().unbind(1)
            ]
        ],
    },
    "mend_leaks": {
        "scaled by the future + cut at the wrong end": [lambda x, w: chomped(x, w, loudest, from_d)],  # as given
        "scaled by the future": [lambda x, w: chomped(x, w, loudest)],
        "cut at the wrong end": [lambda x, w: chomped(x, w, cut=from_d)],
        "scaled by the batch": [lambda x, w: chomped(x, w, lambda x: x.abs().max())],
        "not scaled": [lambda x, w: chomped(x, w, lambda x: 1)],
        "so far in another dimension": [
            lambda x, w: chomped(x, w, lambda x: x.abs().cummax(dim=2).values),
            lambda x, w: chomped(x, w, lambda x: x.abs().amax(dim=2, keepdim=True).cummax(dim=0).values),
        ],
        "sign lost": [lambda x, w: chomped(x, w, lambda x: x.amax(2, keepdim=True).cummax(1).values.abs())],
        "scaled by the first token": [lambda x, w: chomped(x, w, lambda x: loudest(x[:, :1]))],
        "added up": [lambda x, w: chomped(x, w, lambda x: x.abs().amax(dim=2, keepdim=True).cumsum(dim=1))],
        "lengths differ": [lambda x, w: chomped(x, w, cut=lambda out, d: out)],
        "a dimension lost": [lambda x, w: chomped(x, w, lambda x: x.abs().amax(dim=2).cummax(dim=1).values)],
        "values and places": [lambda x, w: chomped(x, w, lambda x: x.abs().amax(dim=2, keepdim=True).cummax(dim=1))],
        "wrong shape": [lambda x, w: chomped(x, w)[:, :-1]],
        "other values": [
            lambda x, w: chomped(x, w, lambda x: loudest_of_the_last(x, 8)),
            lambda x, w: chomped(x, w, lambda x: loudest_so_far(x).clamp(min=0.1)),
            lambda x, w: chomped(x, w).flip(1),
            lambda x, w: chomped(x, [2 * one for one in w]),
        ],
    },
    "ring_step": {
        "wrong order": [lambda ring, time, now: in_a_copy(ring, time, now)[::-1]],
        "not wrapped": [lambda ring, time, now: (ring[time], [*ring[:time], now, *ring[time + 1 :]])],
        "other values": [
            lambda ring, time, now: (0, [0]),
            by_value,
            lambda ring, time, now: in_a_copy(ring, max(time, len(ring)), now),
        ],
    },
    "mend_memory": {
        "a stack instead of a queue + one memory for all names": [
            lambda *case: names_with_deque(*case, put=deque.appendleft, again=False),
        ],
        "a stack instead of a queue": [lambda *case: names_with_deque(*case, put=deque.appendleft)],
        "one memory for all names": [lambda *case: names_with_deque(*case, again=False)],
        "nothing put in": [lambda *case: names_with_deque(*case, put=lambda queue, x: None)],
        "wrong number of results": [
            lambda *case: list(filter(None, names_with_deque(*case))),
            lambda filled, run, darts: names_with_deque(filled, run, darts[:4]),
            lambda filled, run, darts: names_with_deque(filled, run, [row[:12] for row in darts]),
        ],
        "other values": [lambda *case: [[index + 9 for index in name] for name in names_with_deque(*case)]],
    },
    "decode_levels": {
        "wrong shape": [
            lambda ids: expand(to_y(ids)).flatten()[:1],
            lambda ids: expand(to_y(ids))[None],
            lambda ids: expand(to_y(ids)).squeeze(),
        ],
        "sign lost": [lambda ids: (256 ** to_y(ids).abs() - 1) / 255],
        "upside down": [lambda ids: expand(1 - 2 * ids / 255)],
        "256 in place of 255": [lambda ids: to_y(ids).sign() * (256 ** to_y(ids).abs() - 1) / 256],
        "base e": [lambda ids: to_y(ids).sign() * (to_y(ids).abs().exp() - 1) / 255],
        "wrong dtype": [lambda ids: (128 * expand(to_y(ids))).long()],
        "returned its input": [lambda ids: ids],
        "not a number": [lambda ids: ids * torch.nan],
    },
    "amp_loss": {
        "not aligned + divided by the output": [
            lambda *case: amp_error(*case, align=lambda y, reach: y[:, : 1 - reach], over=lambda o, t: o)  # as given
        ],
        "not aligned": [lambda *case: amp_error(*case, align=lambda y, reach: y[:, : 1 - reach])],
        "divided by the output": [lambda *case: amp_error(*case, over=lambda o, t: o)],
        "shifted by one": [lambda *case: amp_error(*case, align=lambda y, reach: y[:, reach - 2 : -1])],
        "error": [
            lambda *case: amp_error(*case, align=lambda y, reach: y[:, reach:]),
            lambda *case: amp_error(*case, align=lambda y, reach: y.flip(1)[:, : -(reach - 1)].flip(1)),
        ],
        "not a number": [lambda net, x, y: amp_error(net, x, y)[None]],
        "not divided": [lambda *case: amp_error(*case) * amp_target(*case).square().sum()],
        "decibels": [lambda *case: 10 * amp_error(*case).log10()],
        "root of the ratio": [lambda *case: amp_error(*case).sqrt()],
        "other values": [
            lambda *case: 3 * amp_error(*case),
            lambda *case: amp_error(*case, over=lambda o, t: t.square().mean().add(1e-4).sqrt()),
        ],
    },
    "stream_window": {
        "another name in the window": [lambda ids, place, context: ([0] * context + ids)[place : place + context]],
        "a negative index + another name in the window": [lambda ids, place, context: ids[place - context : place]],
        "the target is in the window": [lambda ids, place, context: walked_back(ids[: place + 1], place + 1, context)],
        "one id too early": [lambda ids, place, context: walked_back(ids, max(0, place - 1), context)],
        "not padded": [lambda *case: [index for index in walked_back(*case) if index]],
        "padded behind": [lambda *case: sorted(walked_back(*case), key=lambda index: index == 0)],
        "other values": [lambda *case: [index + 7 for index in walked_back(*case)]],
    },
    "merge_statistics": {
        "means not weighted + variances not weighted + distance between the means missing": [
            lambda first, second: (
                first[0] + second[0],
                *((a + b) / 2 for a, b in zip(first[1:], second[1:], strict=True)),
            )
        ],
        "distance between the means missing": [
            lambda first, second: (
                *by_power_sums(first, second)[:2],
                (first[0] * first[2] + second[0] * second[2]) / (first[0] + second[0]),
            )
        ],
        "only the variance": [lambda *case: by_power_sums(*case)[2]],
        "no count": [lambda *case: by_power_sums(*case)[1:]],
        "deviations merged": [lambda *case: (*by_power_sums(*case)[:2], math.sqrt(by_power_sums(*case)[2]))],
        "other values": [lambda *case: [9 + value for value in by_power_sums(*case)]],
    },
}


@pytest.mark.parametrize(("name", "mistake", "answer"), [*params(RIGHT), *params(WRONG)])
def test_an_answer_gets_its_verdict(name, mistake, answer):
    verdict = EXERCISES[name](answer)
    assert (verdict.right, verdict.mistake) == (not mistake, mistake), verdict
    assert verdict.message and ("Given " in verdict.message) == bool(mistake)


def test_a_loss_that_leaves_the_padding_to_torch_or_lib_is_told_so():
    ignoring = lambda logits, targets: F.cross_entropy(logits.mT, targets, ignore_index=-1)
    by_lib = lambda logits, targets: sequence_loss(logits, targets.masked_fill(targets < 0, -100))
    assert checks.masked_loss(ignoring).mistake == "padding ignored by torch"
    assert checks.masked_loss(by_lib).mistake == "function of lib"


def published_solutions():
    """(exercise, code) for each solution that a lesson shows below the cell of the check, before the next check."""
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        name = None
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if found := re.search(r"^checks\.(\w+)\(", source, re.MULTILINE):
                name = found[1]
            elif name and "```python" in source:
                yield name, source.split("```python")[1].split("```")[0]
                name = None


def test_the_solutions_in_the_lessons_are_right():
    solutions = dict(published_solutions())
    assert solutions.keys() == set(IMPLEMENT)
    for name, code in solutions.items():
        names = {"torch": torch, "F": F, "math": math}
        exec(code, names)
        verdict = EXERCISES[name](names[EXERCISES[name].answer])
        assert verdict.right, verdict


# Predictions.


def judged(predicted, **questions):
    own = Predict(
        "my_predictions", lambda draw: {"n": 2}, {name: Question(right, "") for name, right in questions.items()}
    )
    cases = own.cases(None, "ada")
    return own.judge(cases, collect(own, lambda mine: predicted, cases))


def test_a_number_for_a_shape_is_told_apart():
    right = {"a": (1, 1, 100), "b": 100}
    assert judged({"a": torch.zeros(1, 1, 100).shape, "b": 100.0}, **right).right
    assert judged({"a": 100, "b": 100}, **right).mistake == "number instead of shape"
    assert "1 of 2 are right" in judged({"a": 100, "b": 100}, **right).message
    assert judged({"a": (7, 77), "b": 100}, **right).mistake == "another value for a"
    assert judged({"a": ..., "b": 100}, **right).mistake == "not done"


def test_predictions_that_are_no_dictionary_are_rejected():
    assert judged([1, 2], a=100).mistake == "not a dictionary"


def test_an_answer_to_personal_questions_is_called_with_the_numbers():
    own = Predict(
        "my_double", lambda draw: {"n": draw.randint(3, 9)}, {"double": Question(lambda mine: 2 * mine["n"], "")}
    )
    verdict = lambda answer: own.judge(own.cases(None, "ada"), collect(own, answer, own.cases(None, "ada")))
    assert verdict(lambda mine: {"double": 2 * mine["n"]}).right
    assert verdict({"double": 2 * own.numbers_of("ada")["n"]}).mistake == "error"
    assert own(lambda mine: {}).mistake == "not done" and "name" in own(lambda mine: {}).message


# The engine.


def test_a_verdict_reads_as_sentences_without_broken_words():
    assert repr(checks.right("All is well.")) == "Right. All is well."
    assert repr(checks.wrong("not done", "Begin.")) == "Not done yet. Begin."
    assert repr(checks.wrong("slip", "Look again.")) == "Not right yet. Look again."
    long = checks.wrong("slip", "well-known " * 30 + "\n" + "x" * 200)
    assert all(len(line) <= 104 or line == "x" * 200 for line in repr(long).split("\n"))
    assert repr(long).split() == ["Not", "right", "yet.", *["well-known"] * 30, "x" * 200]
    with pytest.raises(AssertionError, match="well-known"):
        long.require()
    checks.right("").require()


def scaled(x, factor=2, shift=1):
    return x * factor + shift


SLIPS = composed(
    scaled,
    factor=[Mistake("factor forgotten", "Multiply.", 1), Mistake("sign", "Turn it.", -2)],
    shift=[Mistake("shift forgotten", "Add.", 0), Mistake("sign", "Turn it.", -1)],
)
SCALE = Implement("my_scale", [(3,), (5,)], solution=scaled, mistakes=SLIPS)


def test_mistakes_combine_and_the_fewest_are_named():
    names = [mistake.name for mistake in SLIPS]
    assert sorted(names[:5]) == ["factor forgotten", "shift forgotten", "sign", "sign", "sign"]
    assert names[5:] == ["factor forgotten + shift forgotten", "factor forgotten + sign", "sign + shift forgotten"]
    assert SCALE(scaled).right
    for mistake in SLIPS:
        assert SCALE(mistake.makes).mistake == mistake.name
    assert SCALE(lambda x: x).mistake == "factor forgotten + shift forgotten"
    assert SCALE(lambda x: x).message.endswith("Factor forgotten + shift forgotten: Multiply. Add.")


def test_among_mistakes_that_explain_the_failures_the_one_that_agrees_elsewhere_is_named():
    always, sometimes = Mistake("always 0", "", lambda x: 0), Mistake("0 below 0", "", lambda x: max(x, 0))
    exercise = Implement("my_id", [(-1,), (2,)], solution=lambda x: x, mistakes=[always, sometimes])
    assert exercise(lambda x: max(x, 0)).mistake == "0 below 0"
    assert exercise(lambda x: 0).mistake == "always 0"


def test_what_one_case_shows_may_be_chance_and_is_not_named():
    cases = [(torch.arange(float(n)),) for n in (2, 2, 3, 4)]
    slip = Mistake("slip", "Slipped.", lambda x: x.sum().item() + 9)
    exercise = Implement("my_sum", cases, solution=lambda x: x.sum().item(), mistakes=[slip], hint="Add.")
    assert exercise(lambda x: x.sum().item() + 9).mistake == "slip"
    assert exercise(lambda x: x.view(2).sum().item() + 9 * (len(x) == 2)).mistake == "slip"
    assert exercise(lambda x: (x.view(4) if len(x) > 2 else x).sum().item() + 9 * (len(x) > 2)).mistake == "error"
    verdict = exercise(lambda x: x.max().item())  # of (0, 1, 2, 3) the sum of (0, 1, 2)
    assert verdict.mistake == "other values" and verdict.message.endswith("returned 2; expected 3. Add.")
    once = exercise(lambda x: x.sum().item() + (len(x) == 3))
    assert once.mistake == "other values" and once.message.endswith("returned 4; expected 3. Add.")
    assert exercise(lambda x: 1.0).mistake == "copies an example"


def test_a_mistake_that_more_passing_cases_contradict_is_not_named():
    slip = Mistake("slip", "Slipped.", lambda x: -x)
    exercise = Implement("f", [(n,) for n in range(1, 7)], solution=lambda x: x, mistakes=[slip])
    assert exercise(lambda x: -x if x < 4 else x).mistake == "slip"
    assert exercise(lambda x: -x if x < 3 else x).mistake == "other values"
    lists = Implement("f", [([],), ([2, 3],)], solution=lambda x: [one + 1 for one in x])
    assert lists(lambda x: []).mistake == "wrong number of results"


def test_effects_that_stay_are_told_and_undone():
    exercise = Implement("f", [(torch.ones(2),)], solution=lambda x: x + 1)
    for effect in (
        lambda x: torch.set_grad_enabled(False),
        lambda x: torch.set_default_dtype(torch.float64),
        lambda x: torch.manual_seed(5),
        lambda x: torch.set_printoptions(precision=9),
        lambda x: torch.set_default_device("meta"),
        lambda x: random.seed(5),
        lambda x: np.random.seed(5),
        lambda x: os.chdir("/"),
        lambda x: plt.rcParams.update({"font.size": 30}),
        lambda x: x.requires_grad_(),
    ):
        assert exercise(lambda x, effect=effect: (effect(x), x + 1)[1]).mistake == "effect that stays"
        assert exercise(lambda x: x + 1).right and torch.is_grad_enabled()
    assert exercise(lambda x: torch.randn(2) * (random.random() + np.random.rand()) * 0 + x + 1).right


def test_errors_are_named_by_their_text():
    exercise = Implement("f", [(1,), (1,)], solution=lambda x: 2, errors={"division": ("divided by 0", "Do not.")})
    calls = iter([3, 0])
    assert exercise(lambda x: 1 // next(calls)).mistake == "divided by 0"
    assert exercise(lambda x: {}[x]).mistake == "error"


def test_a_mistake_is_named_if_it_explains_every_case_without_an_error():
    exercise = Implement("f", [(1,), (2,), (3,)], solution=lambda x: 9, mistakes=[Mistake("slip", "", lambda x: -x)])
    assert exercise(lambda x: {1: -1, 2: -2}[x]).mistake == "slip"
    assert exercise(lambda x: {1: -1}[x]).mistake != "slip"
    assert exercise(lambda x: {1: -1, 2: 0, 3: 0}[x]).mistake == "other values"


@pytest.mark.parametrize(
    ("value", "expected", "mistake", "text"),
    [
        ([1, 2], [1, 3], "other values", "returned [1, 2]; expected [1, 3]"),
        ([1], (1, 3), "wrong number of results", "returned [1]; expected (1, 3)"),
        ([torch.ones(2)], [torch.zeros(2)], "other values", "(in result 1)"),
        ({"a": 1.5}, {"a": 1.0}, "other values", "returned 1.5; expected 1 (in a)"),
        (7.0, 8, "other values", "returned 7; expected 8"),
        ("7", 7.0, "not a number", "returned '7'; expected 7"),
        (True, 1.0, "other values", "returned True; expected 1"),
        (12345678, 12345679, "other values", "returned 12345678; expected 12345679"),
        (10**400, 1.0, "other values", "returned inf; expected 1"),
        (-(10**400), 1, "other values", "returned -inf; expected 1"),
    ],
)
def test_a_difference_is_told_as_returned_and_expected(value, expected, mistake, text):
    name, message = difference(plain(value), expected)
    assert name == mistake and text in message
    assert difference(expected, expected) is None


def test_whole_numbers_may_be_floats_but_not_truth_values():
    assert difference(3.0, 3) is None and difference(3, 3.0) is None
    assert difference(True, 1) and difference(1, True) and difference(1, 2)


def test_messages_show_small_arguments_in_full():
    assert engine.given((torch.tensor([0.25, 0.5]), 0.1)) == "tensor([0.25, 0.5]), 0.1"
    assert engine.given((torch.zeros(2, 3), [1, 2], "a")) == "a tensor of shape (2, 3), [1, 2], 'a'"


@pytest.mark.parametrize("name", [name for name in checks.__all__ if isinstance(getattr(checks, name), Exercise)])
def test_a_check_does_not_show_its_answers(name):
    exercise = getattr(checks, name)
    assert repr(exercise) == f"check of {exercise.answer}: call it with your answer"


def test_a_tensor_inside_a_prediction_is_read_as_its_numbers():
    assert judged({"a": (torch.tensor(2), torch.tensor(3))}, a=(2, 3)).right
    assert not judged({"a": (torch.zeros(2, 3), 3)}, a=(2, 3)).right


def test_a_case_is_told_in_the_exercises_words():
    checked = Implement("f", [(torch.ones(2, 3), 4)], solution=lambda x, n: n, told=lambda case: f"a net and {case[1]}")
    assert checked(lambda x, n: 5).message.startswith("Given a net and 4, f returned 5")
    assert "(a net and 4)" in checked(lambda x, n: n * int(x.zero_().sum() == 0)).message
