"""One built site for all browser tests of it."""

import pytest

from tests.site.test_site import build


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site") / "site"
    build(folder)
    return folder


@pytest.fixture(scope="session")
def address(built, serve):
    """A server over the built site."""
    return serve(built)
