"""One built site for all tests of it."""

import pytest
from filelock import FileLock

from tests.site.test_site import build


@pytest.fixture(scope="session")
def built(tmp_path_factory, worker_id):
    """The folder of the built site, which the processes of one run share."""
    pytest.importorskip("sphinx_book_theme")
    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent
    folder, done = root / "site", root / "site is built"
    with FileLock(root / "site.lock"):
        if not done.exists():
            build(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def address(built, serve):
    """A server over the built site."""
    return serve(built)
