"""Tests of lib.models."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.data import Vocabulary, load_names, make_windows
from lib.models import flat_model, staged_model


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_models_have_the_lectures_sizes():
    assert count(flat_model(27)) == 22_097
    assert count(staged_model(27)) == 76_579
    assert count(staged_model(27, activation=nn.GELU, residual=True)) == 76_579


@pytest.mark.parametrize("context", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("make", [flat_model, staged_model])
def test_models_map_windows_to_logits(make, context):
    model = make(11, context=context)
    assert model(torch.zeros(3, context, dtype=torch.int64)).shape == (3, 11)
    assert model.context == context


@pytest.mark.parametrize(
    "make", [flat_model, staged_model, lambda V: staged_model(V, activation=nn.GELU, residual=True)]
)
@pytest.mark.parametrize("seed", range(5))
def test_first_loss_is_that_of_a_uniform_guess(make, seed):
    names = load_names()[:500]
    vocabulary = Vocabulary(names)
    torch.manual_seed(seed)
    X, Y = make_windows(names, vocabulary)
    assert abs(F.cross_entropy(make(len(vocabulary))(X), Y).item() - math.log(len(vocabulary))) < 0.05


def test_staged_model_shapes_stage_by_stage():
    model = staged_model(27)
    model(torch.zeros(5, 8, dtype=torch.int64))
    stages = [model.stage1, model.stage2, model.stage3]
    assert [tuple(stage.flatten.out.shape) for stage in stages] == [(5, 4, 48), (5, 2, 256), (5, 256)]
    assert [tuple(stage.out.shape) for stage in stages] == [(5, 4, 128), (5, 2, 128), (5, 128)]
    assert [stage.residual for stage in staged_model(27, residual=True)[1:-1]] == [False, True, True]


@pytest.mark.parametrize("context", [0, 1, 3, 12])
def test_staged_model_rejects_a_context_that_is_no_power_of_two(context):
    with pytest.raises(ValueError, match=str(context)):
        staged_model(27, context=context)


@pytest.mark.parametrize("make", [flat_model, staged_model])
def test_models_reject_sizes_below_one(make):
    with pytest.raises(ValueError, match="hidden must be at least 1; got 0"):
        make(27, hidden=0)
