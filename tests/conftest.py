"""Shared by all tests: one thread, Hypothesis without limits of time, a small data set, a small net, and a watched browser."""

import functools
import http.server
import shutil
import threading
from contextlib import ExitStack
from importlib.util import find_spec
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


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# The first tier runs without the extra `browser`.
collect_ignore_glob = [] if find_spec("playwright") else ["live/test_*", "site/*_browser.py"]


class Small(NamedTuple):
    vocabulary: Vocabulary
    train: Windows
    val: Windows


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder: tests/classroom as `classroom`, tests/slow as `slow`, tests/live as `browser`.

    Files with `browser` in their name are `browser`, wherever they are. What takes longest comes first, so that no process is
    left alone with it at the end (with --no-loadscope-reorder).
    """
    for item in items:
        folder = item.path.parent.name
        if "browser" in item.path.stem or folder == "live":
            item.add_marker(pytest.mark.browser)
        elif folder in ("classroom", "slow"):
            item.add_marker(getattr(pytest.mark, folder))
    items.sort(key=lambda item: item.path.parent.name != "slow")


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


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="session")
def serve():
    """A function that serves a folder until the session ends, and returns its address."""
    with ExitStack() as servers:

        def start(folder):
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
            servers.enter_context(server)
            servers.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """pytest-playwright's options for the system's Chromium, which then asks nothing of the network."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, f"none of {', '.join(BROWSERS)} is installed"
    args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    args += ["--disable-component-update", "--disable-sync"]
    return {**browser_type_launch_args, "executable_path": path, "args": args, "timeout": 600_000}  # a busy machine


@pytest.fixture
def faults(page, address):
    """The page's errors and its requests to other hosts than `address`: fails at the end if a test leaves any in it."""
    found = []
    own = (address, "data:", "blob:")
    page.on("request", lambda request: request.url.startswith(own) or found.append(request.url))
    page.on("console", lambda message: message.type == "error" and found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []
