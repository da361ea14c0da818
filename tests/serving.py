"""A folder as a web server, and a page that asks nothing of another."""

import functools
import http.server
import threading
from contextlib import contextmanager


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        """Say nothing."""


@contextmanager
def served(folder):
    """The address of a server over a folder."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def faultless(page, address):
    """The page; at the end it fails if anything was asked of another host, or an error was logged."""
    faults, own = [], (address, "data:", "blob:")
    page.on("request", lambda request: request.url.startswith(own) or faults.append(request.url))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert faults == []
