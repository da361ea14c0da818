"""Laws of lib.wavenet.convolution, lib.wavenet, lib.wavenet.sequences and lib.wavenet.generation: one subject, from the tree to the queues."""

import copy
import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.data import Vocabulary, load_names, make_windows
from lib.evidence.arms import WAVENETS
from lib.layers import BatchNorm1d, FlattenConsecutive, Layer, Stage
from lib.models import flat_model, staged_model, trained_model
from lib.sampling import letter_probs, name_log_prob, sample_names
from lib.training import Recipe, evaluate, train
from lib.wavenet import (
    IGNORED,
    CausalConv1d,
    OnWindows,
    Queues,
    Recompute,
    Sequences,
    TreeTaps,
    WaveNet,
    cut_sequences,
    dense_taps,
    dilated_receptive_field,
    evaluate_sequences,
    generate,
    generate_names,
    make_sequences,
    sequence_loss,
    staged_to_dilated,
    train_sequences,
)
from lib.wavenet.convolution import repeating_taps

NAMES = ["emma", "jo", "maximiliano", "a", "noor", "lea", "abcdefghijklmno"]
VOCABULARY = Vocabulary(load_names()[:500])
# dilations, blocks, kernel size
SHAPES = [
    ((1, 2, 4), 1, 2),
    ((3, 1), 1, 2),
    ((1, 1, 5), 1, 2),
    ((1, 2), 2, 2),
    ((1, 3), 1, 3),
    ((2, 1), 2, 3),
    ((1,), 1, 1),
    ((4,), 1, 2),
]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_net(dilations=(1, 2, 4), blocks=1, kernel_size=2, vocabulary_size=27, **settings) -> WaveNet:
    """A small WaveNet, sure enough of itself that a wrong input shows in its logits."""
    torch.manual_seed(0)
    net = WaveNet(vocabulary_size, settings.pop("channels", 6), dilations, blocks, kernel_size, **settings)
    with torch.no_grad():
        net.head[-1].weight *= 30
    return net


def some_ids(B: int, T: int, size: int = 27) -> torch.Tensor:
    return torch.randint(size, (B, T), generator=seeded(1))


def seen_from(net, ids: torch.Tensor, position: int, condition=None) -> list[int]:
    """The places of the ids that the gradient of one position's logits (counted from the end) reaches."""
    embedded = []
    hook = net.embedding.register_forward_hook(lambda module, given, out: embedded.append(out) or out.retain_grad())
    given = {} if condition is None else {"condition": condition}
    net(ids, **given)[:, -1 - position].square().sum().backward()
    hook.remove()
    return embedded[0].grad.abs().sum((0, 2)).nonzero().flatten().tolist()


# Causal convolution


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("B", "T", "kernel_size", "dilation"), [(2, 9, 2, 1), (3, 9, 2, 4), (1, 11, 3, 2), (2, 5, 1, 7)]
)
def test_convolution_is_torchs(B, T, kernel_size, dilation, bias):
    torch.manual_seed(0)
    ours = CausalConv1d(3, 5, kernel_size, dilation, bias).double()
    x = torch.randn(B, T, 3, dtype=torch.float64, requires_grad=True)
    theirs_x = x.detach().clone().requires_grad_()
    weight = ours.weight.detach().view(5, kernel_size, 3).transpose(1, 2).clone().requires_grad_()
    theirs_bias = ours.bias.detach().clone().requires_grad_() if bias else None
    out = ours(x)
    expected = F.conv1d(theirs_x.transpose(1, 2), weight, theirs_bias, dilation=dilation).transpose(1, 2)
    assert out.shape == (B, T - (kernel_size - 1) * dilation, 5)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    upstream = torch.randn_like(out)
    out.backward(upstream)
    expected.backward(upstream)
    torch.testing.assert_close(x.grad, theirs_x.grad, rtol=1e-10, atol=1e-10)
    grad = weight.grad.transpose(1, 2).reshape(5, -1)
    torch.testing.assert_close(ours.weight.grad, grad, rtol=1e-10, atol=1e-10)
    if bias:
        torch.testing.assert_close(ours.bias.grad, theirs_bias.grad, rtol=1e-10, atol=1e-10)


def test_convolution_with_a_kernel_of_2_is_flatten_consecutive_with_a_stride_of_1():
    torch.manual_seed(0)
    conv, flatten, x = CausalConv1d(3, 5), FlattenConsecutive(2), torch.randn(4, 8, 3)
    pairs = F.linear(flatten(x), conv.weight, conv.bias)
    torch.testing.assert_close(conv(x)[:, ::2], pairs)
    torch.testing.assert_close(conv(x)[:, 1::2], F.linear(flatten(x[:, 1:-1]), conv.weight, conv.bias))


@pytest.mark.parametrize(("kernel_size", "dilation"), [(2, 1), (2, 3), (3, 2)])
def test_convolution_sees_nothing_later(kernel_size, dilation):
    conv = CausalConv1d(2, 2, kernel_size, dilation)
    x = torch.randn(1, 12, 2, requires_grad=True)
    reach = (kernel_size - 1) * dilation
    conv(x)[:, 4].sum().backward()
    assert x.grad.abs().sum((0, 2)).nonzero().flatten().tolist() == list(range(4, 4 + reach + 1, dilation))


def test_convolution_keeps_its_output_and_starts_like_a_linear_layer():
    conv = CausalConv1d(50, 40, 4)
    x = torch.randn(2, 9, 50)
    assert conv(x) is conv.out and isinstance(conv, Layer)
    bound = 1 / math.sqrt(200)
    assert 0.95 * bound < conv.weight.abs().max() <= bound and conv.bias.abs().max() <= bound
    assert (
        repr(CausalConv1d(2, 3, dilation=4, bias=False)) == "CausalConv1d(2, 3, kernel_size=2, dilation=4, bias=False)"
    )


@pytest.mark.parametrize("wrong", [{"kernel_size": 0}, {"dilation": 0}, {"in_channels": 0}, {"out_channels": -1}])
def test_convolution_refuses_sizes_below_one(wrong):
    ((name, size),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} of at least 1; got {size}"):
        CausalConv1d(**{"in_channels": 2, "out_channels": 2, **wrong})


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 2), r"batch, time steps, 2 channels\); got shape \(4, 2\)"),
        ((1, 2, 9), r"got shape \(1, 2, 9\).*transpose"),
        ((1, 8, 2), r"sees 9 time steps at once; got T=8 \(shape \(1, 8, 2\)\)"),
    ],
)
def test_convolution_refuses_other_shapes(shape, message):
    with pytest.raises(ValueError, match=message):
        CausalConv1d(2, 3, kernel_size=3, dilation=4)(torch.zeros(shape))
    assert CausalConv1d(2, 3, kernel_size=3, dilation=4)(torch.zeros(1, 9, 2)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("kernel_size", "dilations", "expected"),
    [(2, (1, 2, 4), 8), (2, [2**i for i in range(10)], 1024), (3, (1, 3), 9), (1, (5, 5), 1), (2, (), 1)],
)
def test_receptive_field_formula(kernel_size, dilations, expected):
    assert dilated_receptive_field(kernel_size, dilations) == expected


@pytest.mark.parametrize(("kernel_size", "dilations"), [(0, (1,)), (2, (1, 0))])
def test_receptive_field_refuses_sizes_below_one(kernel_size, dilations):
    with pytest.raises(ValueError, match="at least 1 time step"):
        dilated_receptive_field(kernel_size, dilations)


# From the tree to the dilated net


def stages(*sizes: int, activation=nn.Tanh, residual=False, width=8) -> nn.Sequential:
    """A staged net with other stages than staged_model's, whose norms have seen something."""
    torch.manual_seed(0)
    widths = [5] + [width] * len(sizes)
    layers = [Stage(a, b, n, activation, residual) for a, b, n in zip(widths, widths[1:], sizes, strict=False)]
    return used(nn.Sequential(nn.Embedding(27, 5), *layers, nn.Linear(width, 27)), math.prod(sizes))


def used(model: nn.Sequential, context: int) -> nn.Sequential:
    """The model after some batches and with norms that scale and shift, in eval mode."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, BatchNorm1d):
                module.weight.uniform_(0.5, 2)
                module.bias.normal_()
        for _ in range(5):
            model.train()(torch.randint(27, (64, context)))
    return model.eval()


def bare_layers() -> nn.Sequential:
    """No `Stage`: FlattenConsecutive and Linear, with a layer between and another width at each."""
    torch.manual_seed(0)
    layers = [FlattenConsecutive(4), nn.Linear(20, 7), nn.Linear(7, 6), nn.ReLU(), nn.LayerNorm(6)]
    return nn.Sequential(nn.Embedding(27, 5), *layers, FlattenConsecutive(2), nn.Linear(12, 27)).eval()


TREES = {
    "2-2-2": lambda: stages(2, 2, 2),
    "2-2-2 residual, GELU": lambda: stages(2, 2, 2, activation=nn.GELU, residual=True),
    "4-2 residual": lambda: stages(4, 2, residual=True),
    "2-4 residual, ReLU": lambda: stages(2, 4, activation=nn.ReLU, residual=True),
    "3-1-2 residual": lambda: stages(3, 1, 2, residual=True),
    "8": lambda: stages(8),
    "4-2 of bare layers": bare_layers,
    "flat_model": lambda: used(flat_model(27, hidden=16), 8),
    "staged_model of 16": lambda: used(staged_model(27, context=16, embedding=4, hidden=8, residual=True), 16),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("make", TREES.values(), ids=TREES)
def test_dilated_net_is_the_tree_at_every_position(make, dtype):
    """On the windows of whole names, which begin with stop marks."""
    model = make().to(dtype)
    net = staged_to_dilated(model)
    R = net.receptive_field
    assert net.context == R and not net.training
    for name in NAMES:
        X, _ = make_windows([name], VOCABULARY, context=R)  # (letters + 1, R)
        ids = torch.tensor([[0] * R + VOCABULARY.encode(name)])
        with torch.no_grad():
            logits, expected = net(ids), model(X)
        assert logits.dtype == dtype and logits.shape == (1, len(name) + 1, 27)
        tolerance = 1e-6 if dtype == torch.float32 else 1e-12
        torch.testing.assert_close(logits[0], expected, rtol=tolerance, atol=tolerance)


def test_dilated_net_has_the_dilations_of_the_spacing():
    convs = [m for m in staged_to_dilated(stages(2, 4, 3)).modules() if isinstance(m, CausalConv1d)]
    assert [(conv.kernel_size, conv.dilation) for conv in convs] == [(2, 1), (4, 2), (3, 8)]


def test_dilated_net_of_the_trained_weights_says_the_same():
    model, vocabulary = trained_model()
    windows = make_windows(load_names()[:200], vocabulary)
    net = staged_to_dilated(model)
    assert evaluate(OnWindows(net), windows) == pytest.approx(evaluate(model, windows), abs=1e-6)
    assert name_log_prob(OnWindows(net), vocabulary, "emma") == pytest.approx(
        name_log_prob(model, vocabulary, "emma"), abs=1e-5
    )
    assert generate_names(net, vocabulary, 20, generator=seeded()) == sample_names(
        model, vocabulary, 20, generator=seeded()
    )


def test_dilated_net_shares_nothing_with_the_tree():
    model = stages(2, 2, 2, activation=nn.PReLU)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    net = staged_to_dilated(model)
    model.train()
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    train(model, make_windows(NAMES, VOCABULARY), recipe=Recipe("r", 8, 0.1, steps=3), progress=False)
    assert all(torch.equal(kept[name], value) for name, value in net.state_dict().items())
    model.load_state_dict(before)
    net.train()(torch.randint(27, (5, 20))).sum().backward()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.data_ptr() != q.data_ptr() for p in model.parameters() for q in net.parameters())


def test_dilated_net_of_a_tree_in_train_mode_comes_in_eval_mode():
    model = stages(2, 2, 2).train()
    net = staged_to_dilated(model)
    assert not any(module.training for module in net.modules()) and all(m.training for m in model.modules())
    ids = some_ids(2, 12)
    torch.testing.assert_close(net(ids)[:, 3], model.eval()(ids[:, 3:11]))


def test_token_padding_is_not_zero_padding():
    """Zeros before each layer, instead of stop marks before the tokens, are another net."""
    model = stages(2, 2, 2)
    net = staged_to_dilated(model)
    tokens = torch.tensor([VOCABULARY.encode("emma")])
    padded = net(F.pad(tokens, (7, 0)))

    def zero_taps(layer, x):
        return dense_taps(layer, F.pad(x, (0, 0, layer.reach, 0)))

    assert net(tokens, taps=zero_taps).shape == padded.shape
    assert (net(tokens, taps=zero_taps) - padded).abs().max() > 0.01


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda: nn.Linear(2, 2), TypeError, "begins with an nn.Embedding; got Linear"),
        (lambda: nn.Sequential(), TypeError, "got Sequential"),
        (lambda: nn.Sequential(Stage(2, 2)), TypeError, "Sequential that begins with Stage"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), nn.GRU(2, 2)), ValueError, "layer '1', GRU: .* by itself"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), nn.Softmax(dim=1)), ValueError, "layer '1', Softmax"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), nn.BatchNorm1d(2)), ValueError, "layer '1', BatchNorm1d"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), FlattenConsecutive(2), nn.Tanh()), ValueError, "'2': after a Flat"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), FlattenConsecutive(2)), ValueError, "'1': after a Flat.*NoneType"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), Stage(3, 2)), ValueError, "layer '1': it takes 6 features"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), nn.Flatten(), nn.Linear(16, 3)), ValueError, "layer '1', Flatten"),
        (
            lambda: nn.Sequential(nn.Embedding(3, 2), Stage(2, 2, activation=lambda: nn.Softmax(dim=1))),
            ValueError,
            "layer '1.activation', Softmax",
        ),
    ],
)
def test_dilated_net_refuses_what_it_can_not_be(model, error, message):
    with pytest.raises(error, match=message):
        staged_to_dilated(model())


def test_dilated_net_refuses_stages_that_leave_time_steps():
    model = staged_model(27, context=8)
    model.context = 16
    with pytest.raises(ValueError, match="context is 16 and its stages join 8"):
        staged_to_dilated(model)


# WaveNet


def test_wavenet_is_the_papers_equations():
    """Written out with torch's own convolutions, from ids to logits."""
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


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("dilations", "blocks", "kernel_size"), SHAPES)
@pytest.mark.parametrize("norm", [None, nn.LayerNorm])
def test_gradient_reaches_the_receptive_field_and_nothing_later(dilations, blocks, kernel_size, norm, training):
    net = make_net(dilations, blocks, kernel_size, norm=norm).train(training)
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
    if dilations == (1, 2, 4):
        assert len(seen) == R == 8


def test_batch_norm_leaks_the_future_in_train_mode_and_only_there():
    net = make_net(norm=BatchNorm1d)
    ids = some_ids(2, 14)
    assert max(seen_from(net.train(), ids, 3)) == 13
    assert max(seen_from(net.eval(), ids, 3)) == 10


def test_wavenets_convolutions_start_at_a_scale_that_uses_tanh_and_sigmoid():
    for layer in make_net(channels=64).layers:
        bound = 5 / 3 * math.sqrt(3 / 128)
        assert 0.98 * bound < layer.conv.weight.abs().max() <= bound


@pytest.mark.parametrize("T", [8, 9, 15])
def test_wavenet_gives_the_last_positions(T):
    net, ids = make_net(), some_ids(2, 15)
    whole = net(ids)
    torch.testing.assert_close(net(ids[:, -T:]), whole[:, -(T - 7) :])


@pytest.mark.parametrize("settings", [{}, {"skip": False}, {"deep_head": False}, {"norm": nn.LayerNorm}])
@pytest.mark.parametrize("seed", range(3))
def test_the_first_loss_of_wavenet_is_that_of_knowing_nothing(settings, seed):
    torch.manual_seed(seed)
    net = WaveNet(len(VOCABULARY), 32, (1, 2, 4), **settings)
    assert abs(evaluate_sequences(net, make_sequences(NAMES, VOCABULARY, 8)) - math.log(len(VOCABULARY))) < 0.05


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
        assert all(p.grad is not None for p in net.parameters()), "a parameter that nothing uses"
        return count(net)

    assert size(**plain) == V * C + layers * conv + C * V + V
    assert size(**plain | {"gated": True}) == size(**plain) + layers * conv
    assert size(**plain | {"residual": True}) == size(**plain) + layers * residual
    assert size(**plain | {"skip": True}) == size(**plain) + layers * skip + (S - C) * V
    assert size(**plain | {"deep_head": True}) == size(**plain) + C * C + C
    assert size() == V * C + 2 * layers * conv + (layers - 1) * residual + layers * skip + S * S + S + S * V + V
    assert size(norm=nn.LayerNorm) == size() + layers * 4 * C
    assert size(embedding=4) == size() + V * (4 - C) + 2 * 4 * C + C


def test_the_arms_add_one_part_each_and_have_equal_sizes():
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


def test_the_condition_changes_the_logits_and_learns():
    net, ids = make_net(conditions=3), some_ids(2, 12)
    first, second = net(ids, torch.tensor([0, 1])), net(ids, torch.tensor([0, 2]))
    assert torch.equal(first[0], second[0]) and (first[1] - second[1]).abs().max() > 1e-3
    first.square().sum().backward()
    for layer in net.layers:
        assert layer.condition.weight.grad[:2].abs().sum(1).min() > 0 and not layer.condition.weight.grad[2].any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("norm", [None, nn.LayerNorm])
def test_other_number_formats_are_kept(dtype, norm):
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
def test_wavenet_refuses_sizes_below_one(wrong):
    ((name, size),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} of at least .*; got {size}"):
        WaveNet(**{"vocabulary_size": 27, "channels": 4, "dilations": (1, 2), **wrong})


def test_wavenet_refuses_dilations_below_one_and_none_at_all():
    with pytest.raises(ValueError, match="dilation 1 of at least 1; got 0"):
        WaveNet(27, 4, (1, 0))
    with pytest.raises(ValueError, match="number of dilations of at least 1; got 0"):
        WaveNet(27, 4, ())


def test_wavenet_says_what_is_wrong_with_its_input():
    net, speaking = make_net(), make_net(conditions=2)
    with pytest.raises(ValueError, match=r"receptive field of 8 time steps; got T=7.*F\.pad"):
        net(some_ids(2, 7))
    with pytest.raises(ValueError, match="conditions=0 and takes none"):
        net(some_ids(2, 9), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="wants a condition"):
        speaking(some_ids(2, 9))


# Whole sequences


def test_sequences_hold_each_name_once():
    ids, targets, condition = make_sequences(["ab", "b", "abba"], Vocabulary(["ab"]), 3)
    assert ids.tolist() == [[0, 0, 0, 1, 2, 0, 0], [0, 0, 0, 2, 0, 0, 0], [0, 0, 0, 1, 2, 2, 1]]
    gap = IGNORED
    assert targets.tolist() == [[1, 2, 0, gap, gap], [2, 0, gap, gap, gap], [1, 2, 2, 1, 0]]
    assert condition is None
    assert make_sequences(["ab", "b"], Vocabulary(["ab"]), 1, condition=[1, 0]).condition.tolist() == [1, 0]


@pytest.mark.parametrize(("dilations", "blocks", "kernel_size"), SHAPES)
def test_masked_loss_is_the_loss_of_the_windows(dilations, blocks, kernel_size):
    net = make_net(dilations, blocks, kernel_size)
    sequences = make_sequences(NAMES, VOCABULARY, net.receptive_field)
    windows = make_windows(NAMES, VOCABULARY, context=net.receptive_field)
    expected = evaluate(OnWindows(net), windows)
    assert evaluate_sequences(net, sequences) == pytest.approx(expected, abs=1e-6)
    loss = sequence_loss(net(sequences.ids), sequences.targets)
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    assert sequence_loss(net(sequences.ids), sequences.targets, "sum").item() == pytest.approx(
        expected * len(windows[1]), rel=1e-6
    )
    assert evaluate(OnWindows(net, tree=True), windows) == pytest.approx(expected, abs=1e-6)


def test_masked_loss_with_a_condition_is_the_loss_of_the_windows():
    net = make_net(conditions=2)
    labels = [0, 1, 1, 0, 1, 0, 0]
    sequences = make_sequences(NAMES, VOCABULARY, 8, condition=labels)
    total = letters = 0
    for label in (0, 1):
        names = [name for name, which in zip(NAMES, labels, strict=True) if which == label]
        windows = make_windows(names, VOCABULARY)
        total += evaluate(OnWindows(net, condition=label), windows) * len(windows[1])
        letters += len(windows[1])
    assert evaluate_sequences(net, sequences) == pytest.approx(total / letters, abs=1e-6)


@pytest.mark.parametrize(("dilations", "blocks", "kernel_size"), SHAPES)
def test_repeating_the_first_time_step_is_padding_the_tokens(dilations, blocks, kernel_size):
    net = make_net(dilations, blocks, kernel_size)
    tokens = F.pad(some_ids(3, 6), (1, 0))
    padded = F.pad(tokens, (net.receptive_field - 1, 0))
    torch.testing.assert_close(net(tokens, taps=repeating_taps), net(padded))


def test_a_long_track_is_cut_into_pieces_that_predict_each_position_once():
    track = some_ids(1, 50, size=256)[0]
    ids, targets, _ = sequences = cut_sequences(track, receptive_field=8, length=10)
    assert ids.shape == (4, 17) and targets.flatten().tolist() == track[8:48].tolist()
    windows = track[:-1].unfold(0, 8, 1)[:40], track[8:48]
    net = make_net(vocabulary_size=256)
    assert evaluate_sequences(net, sequences) == pytest.approx(evaluate(OnWindows(net), windows), abs=1e-6)
    assert len(cut_sequences(track[:18], 8, 10).ids) == 1
    history = train_sequences(net, sequences, recipe=Recipe("cut", 20, 0.01, steps=30), progress=False)
    assert history.train[-1] < history.train[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_sequences([], VOCABULARY, 8), "empty list"),
        (lambda: make_sequences(["a.b"], VOCABULARY, 8), "stop mark"),
        (lambda: make_sequences(["é"], VOCABULARY, 8), "é"),
        (lambda: make_sequences(["a"], VOCABULARY, 0), "at least 1 time step; got 0"),
        (lambda: make_sequences(["a", "b"], VOCABULARY, 8, condition=[1]), "each of the 2 names; got 1"),
        (lambda: cut_sequences(torch.arange(17), 8, 10), "17 time steps"),
        (lambda: cut_sequences(torch.arange(17), 8, 0), "length=0"),
        (lambda: evaluate_sequences(make_net(), make_sequences(NAMES, VOCABULARY, 9)), "is 8 .* made for 9"),
        (
            lambda: evaluate_sequences(make_net(), Sequences(some_ids(1, 8), torch.full((1, 1), IGNORED))),
            "no target that is not IGNORED",
        ),
    ],
)
def test_sequences_refuse_what_they_can_not_use(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Generation


@pytest.mark.parametrize("B", [1, 3])
@pytest.mark.parametrize(("dilations", "blocks", "kernel_size"), SHAPES)
def test_queues_give_what_naive_generation_gives(dilations, blocks, kernel_size, B):
    net = make_net(dilations, blocks, kernel_size, conditions=2, embedding=3 if blocks == 2 else None)
    condition = torch.arange(B) % 2
    memories = [Queues(net, B, condition), Recompute(net, B, condition), Recompute(net, B, condition, tree=True)]
    for start in (None, some_ids(B, net.receptive_field + 7)):
        if start is not None:
            filled = [memory.fill(start) for memory in memories]
            assert all(torch.equal(a, memory.logits) for a, memory in zip(filled, memories, strict=True))
        drawn, ids = seeded(), torch.zeros(B, net.receptive_field, dtype=torch.int64) if start is None else start
        for _ in range(2 * net.receptive_field + 2):
            expected = net(ids, condition)[:, -1]
            for memory in memories:
                torch.testing.assert_close(memory.logits, expected, rtol=1e-5, atol=1e-5)
            new = torch.multinomial(expected.softmax(1), 1, generator=drawn).squeeze(1)
            ids = torch.cat([ids, new[:, None]], dim=1)
            for memory in memories:
                assert memory.step(new) is memory.logits


@pytest.mark.parametrize("make", [Queues, Recompute, lambda net, B: Recompute(net, B, tree=True)])
@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.5, 3), (0, None)])
def test_generate_draws_the_ids_of_a_loop_by_hand(temperature, top_k, make):
    net, drawn = make_net((1, 3), 2, 3), seeded()
    ids = torch.zeros(4, net.receptive_field, dtype=torch.int64)
    for _ in range(40):
        probs = letter_probs(net(ids)[:, -1], temperature, top_k)
        ids = torch.cat([ids, torch.multinomial(probs, num_samples=1, generator=drawn)], dim=1)
    settings = {"temperature": temperature, "top_k": top_k}
    memory, drawn = make(net, 4), seeded()
    found = torch.cat([generate(memory, steps, **settings, generator=drawn) for steps in (15, 0, 25)], dim=1)
    assert found.dtype == torch.int64 and torch.equal(found, ids[:, net.receptive_field :])
    assert temperature == 0 or not torch.equal(found, generate(make(net, 4), 40, **settings, generator=seeded(1)))


def test_generation_goes_on_where_it_was(tmp_path):
    net = make_net((3, 1), 2, conditions=2)
    condition = torch.tensor([0, 1, 1])
    whole = generate(Queues(net, 3, condition), 40, generator=seeded())
    first, drawn = Queues(net, 3, condition), seeded()
    beginning = generate(first, 17, generator=drawn)
    torch.save({"memory": first.state_dict(), "drawn": drawn.get_state()}, tmp_path / "state.pt")
    state = first.state_dict()
    saved = copy.deepcopy(state)
    assert torch.equal(torch.cat([beginning, generate(first, 23, generator=drawn)], 1), whole)
    for name in ("logits", "condition"):
        assert torch.equal(state[name], saved[name])
    assert all(torch.equal(a, b) for a, b in zip(state["queues"], saved["queues"], strict=True)), "the state moved on"

    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    second, drawn = Queues(net, 1, torch.tensor([1])), seeded(5)
    second.load_state_dict(loaded["memory"])
    drawn.set_state(loaded["drawn"])
    assert torch.equal(torch.cat([beginning, generate(second, 23, generator=drawn)], 1), whole)

    def some_steps():
        second.load_state_dict(loaded["memory"])
        return torch.stack([second.step(new) for new in some_ids(8, 3)])

    assert torch.equal(some_steps(), some_steps()), "a state was used up"


def test_queues_are_as_long_as_the_layers_reach_and_never_grow():
    net = make_net((1, 3), kernel_size=3)
    memory = Queues(net, 2)
    places = [queue.data_ptr() for queue in memory.queues.values()]
    generate(memory, 30)
    assert [tuple(queue.shape) for queue in memory.queues.values()] == [(2, 2, 6), (6, 2, 6)]
    assert [queue.data_ptr() for queue in memory.queues.values()] == places
    assert all(queue.is_contiguous() for queue in memory.queues.values()), (
        "a piece of something larger that it keeps alive"
    )


@pytest.mark.parametrize("after", range(1, 8))
def test_a_state_goes_on_from_any_step(after):
    net, ids = make_net((1, 2, 4)), some_ids(14, 2)
    queues, resumed = Queues(net, 2), Queues(net, 2)
    for new in ids[:after]:
        queues.step(new)
    resumed.load_state_dict(queues.state_dict())
    for new in ids[after:]:
        torch.testing.assert_close(resumed.step(new), queues.step(new))


def test_queues_refuse_the_state_of_another_net():
    with pytest.raises(ValueError, match=r"another net: .*\[\(1, 6\), \(2, 6\)\], this net's \[\(3, 6\)"):
        Queues(make_net((3, 1))).load_state_dict(Queues(make_net((1, 2))).state_dict())


@pytest.mark.parametrize("make", [Queues, Recompute])
def test_some_sequences_can_go_on_without_the_others(make):
    net = make_net(conditions=2)
    all_of_them, some = (make(net, 4, torch.tensor([0, 1, 0, 1])) for _ in range(2))
    for memory in (all_of_them, some):
        memory.fill(some_ids(4, 9))
    some.keep(torch.tensor([False, True, True, False]))
    for new in some_ids(10, 4):
        torch.testing.assert_close(some.step(new[1:3]), all_of_them.step(new)[1:3])


def test_generation_runs_in_eval_mode_without_a_graph_and_puts_the_mode_back():
    net = staged_to_dilated(stages(2, 2, 2, residual=True))
    expected = generate(Queues(net, 3), 20, generator=seeded())
    buffers = copy.deepcopy(net.state_dict())
    for train_all in (True, False):
        net.train(train_all)[2].train()
        modes = [module.training for module in net.modules()]
        for make in (Queues, Recompute):
            memory = make(net, 3)
            assert torch.equal(generate(memory, 20, generator=seeded()), expected)
            assert not memory.logits.requires_grad
        assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(buffers[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize("make", [Queues, Recompute])
def test_generation_by_single_steps_runs_in_eval_mode_too(make):
    net, new = staged_to_dilated(stages(2, 2, 2)), some_ids(3, 1)[:, 0]
    expected, buffers = make(net, 3).step(new), copy.deepcopy(net.state_dict())
    torch.testing.assert_close(make(net.train(), 3).step(new), expected)
    assert all(module.training for module in net.modules())
    assert all(torch.equal(buffers[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize("condition", [None, 1])
@pytest.mark.parametrize("settings", [{}, {"temperature": 0.5, "top_k": 3}, {"max_length": 4}])
def test_generated_names_are_sampled_names(settings, condition, monkeypatch):
    monkeypatch.setattr("lib.wavenet.generation.PIECE", 20)
    monkeypatch.setattr("lib.sampling.PIECE", 20)
    vocabulary = Vocabulary(load_names())
    net = make_net((1, 2, 4, 8), conditions=0 if condition is None else 2)
    names = generate_names(net, vocabulary, 50, **settings, generator=seeded(), condition=condition)
    assert names == sample_names(OnWindows(net, condition), vocabulary, 50, **settings, generator=seeded())
    assert len(names) == 50 and len(set(names)) > 20
    assert generate_names(net, vocabulary, 0, condition=condition) == []


def test_generation_takes_ids_without_a_vocabulary():
    """Sound: 256 levels, one long sequence that goes on from what was heard."""
    net = make_net((1, 2, 4, 8), vocabulary_size=256)
    memory = Queues(net)
    memory.fill(some_ids(1, 100, size=256))
    sound = generate(memory, 200, generator=seeded())
    assert sound.shape == (1, 200) and int(sound.max()) > 128
    before = torch.get_rng_state()
    generate(memory, 5, generator=seeded())
    assert torch.equal(torch.get_rng_state(), before)
    assert generate(memory, 0).shape == (1, 0)


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"temperature": math.inf}, {"top_k": 0}])
def test_generation_refuses_settings_out_of_range(wrong):
    for make in (
        lambda: generate(Queues(make_net()), 3, **wrong),
        lambda: generate_names(make_net(), VOCABULARY, 3, **wrong),
    ):
        with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
            make()
    with pytest.raises(ValueError, match="max_length"):
        generate_names(make_net(), VOCABULARY, 3, max_length=0)
    with pytest.raises(ValueError, match="-1"):
        generate_names(make_net(), VOCABULARY, -1)
    with pytest.raises(ValueError, match="-2"):
        generate(Queues(make_net()), -2)


@pytest.mark.parametrize(("kernel_size", "dilations", "work"), [(2, (1, 2, 4), 7), (2, (1, 1, 1), 6), (3, (1, 3), 4)])
def test_the_tree_computes_only_what_the_last_output_needs(kernel_size, dilations, work):
    net = make_net(dilations, kernel_size=kernel_size, residual=True)
    OnWindows(net, tree=True)(some_ids(1, net.receptive_field))
    assert sum(layer.conv.out.shape[1] for layer in net.layers) == work
    assert isinstance(OnWindows(net, tree=True).taps, TreeTaps)


@pytest.mark.parametrize("tree", [True, False])
def test_a_net_on_windows_gives_the_last_positions_logits(tree):
    net, ids = make_net(), some_ids(2, 12)
    torch.testing.assert_close(OnWindows(net, tree=tree)(ids), net(ids)[:, -1])
    assert OnWindows(net).context == 8 and OnWindows(make_net((1, 2))).context == 4
