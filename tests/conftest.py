"""Shared by all tests: one thread, Hypothesis without limits of time, a small data set and a small net."""

from typing import NamedTuple

import hypothesis
import pytest
import torch
from torch import nn

from lib.data import Vocabulary, load_names, make_windows, split_names
from lib.models import staged_model
from lib.training import Windows

torch.set_num_threads(1)  # small matrices on busy cores: one thread is faster than two, by far

hypothesis.settings.register_profile(
    "course", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], database=None
)
if hypothesis.settings.get_current_profile_name() != "mutants":  # which tests/slow/mutants loads first
    hypothesis.settings.load_profile("course")


class Small(NamedTuple):
    vocabulary: Vocabulary
    train: Windows
    val: Windows


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder: tests/classroom as `classroom`, tests/slow as `slow`, tests/live as `browser`.

    Files with `browser` in their name are `browser`, wherever they are.
    """
    for item in items:
        folder = item.path.parent.name
        if "browser" in item.path.stem or folder == "live":
            item.add_marker(pytest.mark.browser)
        elif folder in ("classroom", "slow"):
            item.add_marker(getattr(pytest.mark, folder))


@pytest.fixture(scope="session")
def small() -> Small:
    """1,000 names as windows."""
    names = load_names()[:1_000]
    vocabulary = Vocabulary(names)
    train, val, _ = (make_windows(part, vocabulary) for part in split_names(names))
    return Small(vocabulary, train, val)


@pytest.fixture
def make_model():
    """Factory of the same untrained small net."""

    def make(hidden: int = 16) -> nn.Sequential:
        torch.manual_seed(0)
        return staged_model(27, embedding=4, hidden=hidden, activation=nn.GELU, residual=True)

    return make
