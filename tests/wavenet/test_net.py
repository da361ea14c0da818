"""Tests of lib.wavenet.net."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.evidence.arms import WAVENETS
from lib.layers import BatchNorm1d
from lib.wavenet import (
    Queues,
    WaveNet,
    dilated_receptive_field,
    evaluate_sequences,
    generate,
    make_sequences,
    sequence_loss,
)
from tests.wavenet.nets import NAMES, SHAPES, VOCABULARY, make_net, seeded, some_ids


def seen_from(net, ids: torch.Tensor, position: int, condition=None) -> list[int]:
    """Indices of the ids that the gradient of one position's logits (counted from the end) reaches."""
    embedded = []
    hook = net.embedding.register_forward_hook(lambda module, given, out: embedded.append(out) or out.retain_grad())
    given = {} if condition is None else {"condition": condition}
    net(ids, **given)[:, -1 - position].square().sum().backward()
    hook.remove()
    return embedded[0].grad.abs().sum((0, 2)).nonzero().flatten().tolist()


def test_wavenet_follows_the_papers_equations():
    """With torch's own convolutions, from ids to logits."""
    net = make_net((1, 3), blocks=2, kernel_size=3, embedding=4, channels=5, skip_channels=7, conditions=2)
    ids, condition = some_ids(2, 25), torch.tensor([1, 0])
    x, skips = net.embedding(ids).transpose(1, 2), 0  # (B, C, T)
    x = F.conv1d(x, net.first.weight.view(5, 3, 4).transpose(1, 2), net.first.bias)
    for number, dilation in enumerate((1, 3, 1, 3)):
        layer = net.layers[number]
        weight = layer.conv.weight.view(10, 3, 5).transpose(1, 2)
        both = F.conv1d(x, weight, layer.conv.bias, dilation=dilation) + layer.condition.weight[condition][:, :, None]
        z = torch.tanh(both[:, :5]) * torch.sigmoid(both[:, 5:])
        skip = F.conv1d(z, net.skips[number].weight[:, :, None], net.skips[number].bias)
        skips = skip + (skips[:, :, -skip.shape[2] :] if number else 0)
        if number < 3:
            x = x[:, :, -z.shape[2] :] + F.conv1d(z, layer.residual.weight[:, :, None], layer.residual.bias)
    first, last = net.head[1], net.head[3]
    expected = F.conv1d(F.relu(skips), first.weight[:, :, None], first.bias)
    expected = F.conv1d(F.relu(expected), last.weight[:, :, None], last.bias).transpose(1, 2)
    torch.testing.assert_close(net(ids, condition), expected, rtol=1e-5, atol=1e-5)
    assert net.layers[3].residual is None and net.receptive_field == dilated_receptive_field(3, (1, 1, 3, 1, 3)) == 19


@pytest.mark.parametrize(
    ("dilations", "blocks", "kernel_size", "norm"),
    [(*shape, None) for shape in SHAPES] + [((2, 1), 2, 3, nn.LayerNorm)],
)
def test_gradient_reaches_exactly_the_receptive_field(dilations, blocks, kernel_size, norm):
    net = make_net(dilations, blocks, kernel_size, norm=norm)
    R = dilated_receptive_field(kernel_size, tuple(dilations) * blocks)
    assert net.receptive_field == net.context == R
    T, position = R + 6, 3
    assert net(some_ids(2, T)).shape == (2, 7, 27)
    seen = seen_from(net, some_ids(2, T), position)
    lags = {0}
    for dilation in dilations * blocks:
        lags = {lag + tap * dilation for lag in lags for tap in range(kernel_size)}
    assert seen == sorted(T - 1 - position - lag for lag in lags)
    assert seen[0] == T - position - R and seen[-1] == T - 1 - position


def test_batch_norm_leaks_the_future_only_in_train_mode():
    net = make_net(norm=BatchNorm1d)
    ids = some_ids(2, 14)
    assert max(seen_from(net.train(), ids, 3)) == 13
    assert max(seen_from(net.eval(), ids, 3)) == 10


def test_convolutions_are_initialised_for_tanh():
    for layer in make_net(channels=64).layers:
        bound = 5 / 3 * math.sqrt(3 / 128)
        assert 0.98 * bound < layer.conv.weight.abs().max() <= bound


@pytest.mark.parametrize("T", [8, 9, 15])
def test_logits_are_those_of_the_last_positions(T):
    net, ids = make_net(), some_ids(2, 15)
    whole = net(ids)
    torch.testing.assert_close(net(ids[:, -T:]), whole[:, -(T - 7) :])


@pytest.mark.parametrize("settings", [{}, {"skip": False}, {"deep_head": False}, {"norm": nn.LayerNorm}])
def test_first_loss_is_that_of_the_uniform_distribution(settings):
    torch.manual_seed(0)
    net = WaveNet(len(VOCABULARY), 32, (1, 2, 4), **settings)
    loss = evaluate_sequences(net, make_sequences(NAMES, VOCABULARY, 8))
    assert loss == pytest.approx(math.log(len(VOCABULARY)), abs=0.05)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_each_part_of_the_paper_can_be_left_out():
    C, S, V, layers = 6, 10, 27, 3
    conv, skip, residual = 2 * C * C + C, C * S + S, C * C + C
    plain = dict(gated=False, residual=False, skip=False, deep_head=False)
    ids = some_ids(2, 12)

    def size(**settings):
        net = make_net(channels=C, skip_channels=S, **settings)
        net(ids).sum().backward()
        assert all(p.grad is not None for p in net.parameters()), "unused parameter"
        return count(net)

    assert size(**plain) == V * C + layers * conv + C * V + V
    assert size(**plain | {"gated": True}) == size(**plain) + layers * conv
    assert size(**plain | {"residual": True}) == size(**plain) + layers * residual
    assert size(**plain | {"skip": True}) == size(**plain) + layers * skip + (S - C) * V
    assert size(**plain | {"deep_head": True}) == size(**plain) + C * C + C
    assert size() == V * C + 2 * layers * conv + (layers - 1) * residual + layers * skip + S * S + S + S * V + V
    assert size(norm=nn.LayerNorm) == size() + layers * 4 * C
    assert size(embedding=4) == size() + V * (4 - C) + 2 * 4 * C + C


def test_arms_add_one_part_each_and_have_equal_sizes():
    sizes = [count(WaveNet(27, **settings)) for settings in WAVENETS.values()]
    assert max(sizes) <= 76_579 and min(sizes) > 0.98 * 76_579
    defaults = {"gated": True, "residual": True, "skip": True, "deep_head": True, "norm": None}
    arms = [defaults | settings for settings in WAVENETS.values()]
    for before, after in itertools.pairwise(arms):
        assert sum(before[name] != after[name] for name in (*defaults, "dilations")) == 1


def test_without_its_parts_wavenet_is_a_stack_of_tanh_convolutions():
    net = make_net(gated=False, residual=False, skip=False, deep_head=False)
    x = net.embedding(some_ids(2, 12))
    for layer in net.layers:
        x = torch.tanh(layer.conv(x))
    torch.testing.assert_close(net(some_ids(2, 12)), net.head[0](x))


def test_condition_changes_the_logits_and_gets_gradients():
    net, ids = make_net(conditions=3), some_ids(2, 12)
    first, second = net(ids, torch.tensor([0, 1])), net(ids, torch.tensor([0, 2]))
    assert torch.equal(first[0], second[0]) and (first[1] - second[1]).abs().max() > 1e-3
    first.square().sum().backward()
    for layer in net.layers:
        assert layer.condition.weight.grad[:2].abs().sum(1).min() > 0 and not layer.condition.weight.grad[2].any()


@pytest.mark.parametrize(("dtype", "norm"), [(torch.float64, None), (torch.bfloat16, nn.LayerNorm)])
def test_dtypes_are_kept(dtype, norm):
    net = make_net(conditions=2, norm=norm).to(dtype)
    condition = torch.tensor([0, 1])
    logits = net(some_ids(2, 12), condition)
    sequence_loss(logits, some_ids(2, 5)).backward()
    assert logits.dtype == dtype and logits.isfinite().all()
    assert all(p.grad.dtype == dtype and p.grad.isfinite().all() for p in net.parameters())
    memory = Queues(net, 2, condition)
    generate(memory, 12, generator=seeded())
    assert memory.logits.dtype == dtype and all(queue.dtype == dtype for queue in memory.queues.values())
    if dtype == torch.float64:
        single = make_net(conditions=2, norm=norm)
        torch.testing.assert_close(logits.float(), single(some_ids(2, 12), condition), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": 0},
        {"blocks": 0},
        {"embedding": 0},
        {"kernel_size": 0},
        {"skip_channels": 0},
        {"vocabulary_size": 0},
        {"conditions": -1},
    ],
)
def test_wavenet_rejects_sizes_below_one(wrong):
    ((name, size),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} of at least .*; got {size}"):
        WaveNet(**{"vocabulary_size": 27, "channels": 4, "dilations": (1, 2), **wrong})


def test_wavenet_rejects_bad_dilations():
    with pytest.raises(ValueError, match=r"min\(dilations\) of at least 1; got 0"):
        WaveNet(27, 4, (1, 0))
    with pytest.raises(ValueError, match=r"len\(dilations\) of at least 1; got 0"):
        WaveNet(27, 4, ())


def test_wavenet_rejects_bad_input():
    net, conditional = make_net(), make_net(conditions=2)
    with pytest.raises(ValueError, match=r"receptive field of 8 time steps; got T=7.*F\.pad"):
        net(some_ids(2, 7))
    with pytest.raises(ValueError, match=r"conditions=0; expected none, got \(2,\)"):
        net(some_ids(2, 9), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="expected a condition, .* got none"):
        conditional(some_ids(2, 9))
    for wrong in ([0, 2], [-1, 0]):
        with pytest.raises(ValueError, match=f"conditions from 0 to 1; got {min(wrong)} to {max(wrong)}"):
            conditional(some_ids(2, 9), torch.tensor(wrong))
