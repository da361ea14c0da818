"""One built site for all browser tests of it."""

import pytest

from tests.serving import faultless, served
from tests.site.test_site import build
from tests.slow.test_browser import browser_type_launch_args  # noqa: F401


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site") / "site"
    build(folder)
    return folder


@pytest.fixture(scope="session")
def address(built):
    """A server over the built site."""
    with served(built) as address:
        yield address


@pytest.fixture
def page(page, address):
    """A page that fails at the end if anything was asked of another host, or an error was logged."""
    with faultless(page, address):
        yield page
