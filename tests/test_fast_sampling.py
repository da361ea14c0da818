"""Tests of lib.fast_sampling: the names are those of the net itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lib import sampling
from lib.fast_sampling import tabulated
from lib.layers import BatchNorm1d
from lib.models import flat_model, staged_model, trained_model
from lib.sampling import sample_names


def net(V: int, seed: int, context: int = 8, **settings) -> nn.Sequential:
    """In float64 and eval mode, with BatchNorm statistics as after a training."""
    torch.manual_seed(seed)
    model = staged_model(V, context, **{"embedding": 5, "hidden": 7} | settings).double().eval()
    for layer in model.modules():
        if isinstance(layer, BatchNorm1d):
            for tensor in (layer.running_mean, layer.running_var, layer.weight.data, layer.bias.data):
                tensor += torch.rand_like(tensor)
    return model


@given(
    st.sampled_from([(2, 4), (27, 4), (60, 4), (27, 8), (64, 8), (2, 16), (13, 16)]),
    st.sampled_from([nn.Tanh, nn.GELU, nn.ReLU]),
    st.booleans(),
    st.sampled_from([5, 7]),
    st.integers(0, 1_000),
)
@settings(max_examples=40)
def test_tabulated_logits_equal_the_nets(size, activation, residual, embedding, seed):
    V, T = size
    model = net(V, seed, T, activation=activation, residual=residual, embedding=embedding)
    contexts = torch.randint(V, (50, T))
    contexts[::2, : T // 2] = contexts[0, : T // 2]  # left halves that occur more than once
    with torch.no_grad():
        torch.testing.assert_close(tabulated(model)(contexts), model(contexts), rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(tabulated(model)(contexts[:1]), model(contexts[:1]), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.7, "top_k": 5}])
def test_names_are_those_of_the_net_itself(settings, monkeypatch):
    model, vocabulary = trained_model()
    names = lambda seed: sample_names(model, vocabulary, 200, generator=torch.Generator().manual_seed(seed), **settings)
    fast = [names(seed) for seed in range(5)]
    tried = []
    monkeypatch.setattr(sampling, "tabulated", lambda model: tried.append(model))
    assert [names(seed) for seed in range(5)] == fast and tried == [model] * 5


def hooked(model: nn.Module) -> nn.Module:
    model.stage2.norm.register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: flat_model(27),
        lambda: net(27, 0, context=2),
        lambda: net(65, 0),
        lambda: net(27, 0, context=16),  # 27**16 contexts have no 64-bit numbers
        lambda: net(27, 0, activation=nn.Dropout),
        lambda: nn.Sequential(net(27, 0)),
        lambda: nn.Sequential(*net(27, 0), nn.Identity()),
        lambda: nn.Sequential(*net(27, 0)[:-1], nn.Sequential(net(27, 0)[-1])),
        lambda: nn.Sequential(*net(27, 0)[:-1], nn.Linear(7, 27, bias=False).double()),
        lambda: nn.Sequential(nn.Embedding(27, 3)),
        lambda: nn.Sequential(nn.Embedding(27, 3), *[nn.Tanh()] * 1_000, nn.Linear(3, 27)),  # nor has 27**(2**1000)
        lambda: hooked(net(27, 0)),
        lambda: net(27, 0).bfloat16(),
    ],
)
def test_other_nets_have_no_tables(make):
    assert tabulated(net(27, 0)) is not None and tabulated(make()) is None


def test_torch_is_left_as_it_was_after_an_error_too(monkeypatch):
    def fails(*_):
        assert not torch.backends.mkldnn.enabled and torch.is_inference_mode_enabled()
        raise ZeroDivisionError

    model, vocabulary = trained_model()
    monkeypatch.setattr(sampling, "draw_ids", fails)
    with pytest.raises(ZeroDivisionError):
        sample_names(model, vocabulary, 1)
    assert torch.backends.mkldnn.enabled and not torch.is_inference_mode_enabled()
