"""Tests of lib.wavenet.conversion: the dilated net equals the tree."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.data import load_names, make_windows
from lib.layers import FlattenConsecutive, Stage
from lib.models import flat_model, staged_model, trained_model
from lib.sampling import name_log_prob, sample_names
from lib.training import Recipe, evaluate, train
from lib.wavenet import CausalConv1d, OnWindows, dense_taps, generate_names, savings, staged_to_dilated
from tests.wavenet.nets import NAMES, VOCABULARY, seeded, some_ids, stages, used


def bare_layers() -> nn.Sequential:
    """FlattenConsecutive and Linear instead of `Stage`, layers between them, and different widths."""
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


@pytest.mark.parametrize("make", TREES.values(), ids=TREES)
def test_dilated_net_equals_the_tree_at_every_position(make):
    model = make().double()
    net = staged_to_dilated(model)
    R = net.receptive_field
    assert net.context == R and not net.training
    for name in NAMES:
        X, _ = make_windows([name], VOCABULARY, context=R)  # (letters + 1, R)
        ids = torch.tensor([[0] * R + VOCABULARY.encode(name)])
        with torch.no_grad():
            logits, expected = net(ids), model(X)
        assert logits.shape == (1, len(name) + 1, 27)
        torch.testing.assert_close(logits[0], expected, rtol=1e-12, atol=1e-12)


def test_dilations_are_products_of_the_earlier_stages():
    convs = [m for m in staged_to_dilated(stages(2, 4, 3)).modules() if isinstance(m, CausalConv1d)]
    assert [(conv.kernel_size, conv.dilation) for conv in convs] == [(2, 1), (4, 2), (3, 8)]


def test_dilated_net_of_the_trained_model_gives_its_loss_and_names():
    model, vocabulary = trained_model()
    windows = make_windows(load_names()[:200], vocabulary)
    net = staged_to_dilated(model)
    assert evaluate(OnWindows(net), windows) == pytest.approx(evaluate(model, windows), abs=1e-6)
    expected = name_log_prob(model, vocabulary, "emma")
    assert name_log_prob(OnWindows(net), vocabulary, "emma") == pytest.approx(expected, abs=1e-5)
    names = sample_names(model, vocabulary, 20, generator=seeded())
    assert generate_names(net, vocabulary, 20, generator=seeded()) == names


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


def test_dilated_net_of_a_tree_in_train_mode_is_in_eval_mode():
    model = stages(2, 2, 2).train()
    net = staged_to_dilated(model)
    assert not any(module.training for module in net.modules()) and all(m.training for m in model.modules())
    ids = some_ids(2, 12)
    torch.testing.assert_close(net(ids)[:, 3], model.eval()(ids[:, 3:11]))


def test_token_padding_differs_from_zero_padding():
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
        (lambda: nn.Linear(2, 2), TypeError, "begins with an nn.Embedding, .* got Linear"),
        (lambda: nn.Sequential(), TypeError, "got Sequential"),
        (lambda: nn.Sequential(Stage(2, 2)), TypeError, "Sequential that begins with Stage"),
        (
            lambda: nn.Sequential(nn.Embedding(3, 2), nn.GRU(2, 2)),
            ValueError,
            "layer '1', GRU: it is not position-wise",
        ),
        (lambda: nn.Sequential(nn.Embedding(3, 2), nn.Softmax(dim=1)), ValueError, "layer '1', Softmax"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), nn.BatchNorm1d(2)), ValueError, "layer '1', BatchNorm1d"),
        (
            lambda: nn.Sequential(nn.Embedding(3, 2), FlattenConsecutive(2), nn.Tanh()),
            ValueError,
            "'2': .* after a Flat.* got Tanh",
        ),
        (
            lambda: nn.Sequential(nn.Embedding(3, 2), FlattenConsecutive(2)),
            ValueError,
            "'1': .* after a Flat.*NoneType",
        ),
        (lambda: nn.Sequential(nn.Embedding(3, 2), Stage(3, 2)), ValueError, "layer '1': it takes 6 features"),
        (lambda: nn.Sequential(nn.Embedding(3, 2), nn.Flatten(), nn.Linear(16, 3)), ValueError, "layer '1', Flatten"),
        (
            lambda: nn.Sequential(nn.Embedding(3, 2), Stage(2, 2, activation=lambda: nn.Softmax(dim=1))),
            ValueError,
            "layer '1.activation', Softmax",
        ),
    ],
)
def test_conversion_rejects_other_nets(model, error, message):
    with pytest.raises(error, match=message):
        staged_to_dilated(model())


def test_conversion_rejects_stages_that_do_not_join_the_context():
    model = staged_model(27, context=8)
    model.context = 16
    with pytest.raises(ValueError, match="context is 16 and its stages join 8"):
        staged_to_dilated(model)


@pytest.mark.parametrize(("context", "outputs"), [(2, 3), (8, 8), (16, 5)])
def test_savings_count_the_applications_of_trees_and_of_the_dilated_net(context, outputs):
    tree = staged_model(27, context=context, embedding=4, hidden=4).eval()
    net, ids = staged_to_dilated(tree), torch.zeros(1, outputs + context - 1, dtype=torch.long)
    tree(ids[0].unfold(0, context, 1)), net(ids)
    count = lambda model: sum(stage.out.shape[:-1].numel() for stage in model if hasattr(stage, "residual"))
    fewer, faster = savings(context, outputs)
    assert fewer == count(tree) / count(net) and faster > 0
