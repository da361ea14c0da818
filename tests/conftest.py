"""What several test files need: a small data set and a small net, both fast and the same every time."""

from typing import NamedTuple

import pytest
import torch
from torch import nn

from lib.data import Vocabulary, load_names, make_windows, split_names
from lib.models import staged_model
from lib.training import Windows

torch.set_num_threads(1)  # small matrices on busy cores: one thread is faster than two, by far


class Small(NamedTuple):
    vocabulary: Vocabulary
    train: Windows
    val: Windows


@pytest.fixture(scope="session")
def small() -> Small:
    """1,000 names as windows."""
    names = load_names()[:1_000]
    vocabulary = Vocabulary(names)
    train, val, _ = (make_windows(part, vocabulary) for part in split_names(names))
    return Small(vocabulary, train, val)


@pytest.fixture
def make_model():
    """Makes the same untrained small net at every call."""

    def make(hidden: int = 16) -> nn.Sequential:
        torch.manual_seed(0)
        return staged_model(27, embedding=4, hidden=hidden, activation=nn.GELU, residual=True)

    return make
