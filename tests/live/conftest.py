"""Live figures for tests: their functions in Node.js, and pages that show them as the site and notebooks do.

Needs Node.js, the extra `browser`, and an installed Chromium or Chrome: pytest -m browser tests/live --screenshot on
"""

import json
import shutil
import subprocess
from functools import cache, partial

import pytest

from lib import live
from tests.site.test_site import ROOT

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A figure</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><link rel="stylesheet" href="live/style.css">
<style>body { font-family: "DejaVu Sans", sans-serif; margin: 16px; } html[data-theme="dark"] { --pst-color-text-base: #ced6dd; --pst-color-background: #14181e;
--pst-color-surface: #29313d; --pst-color-text-muted: #9ca4af; }</style>"""
PLACES = {
    "site": '{still}<script type="module" src="live.js"></script>',
    # As anywidget does it: the joined module, bytes in a DataView.
    "notebook": """<main></main><script type="module">
        import figure from "./{name}.js";
        const weights = new DataView(await (await fetch("weights.bin")).arrayBuffer(), 3);
        figure.render({{ model: {{ get: () => ({{ ...{data}, weights }}) }}, el: document.querySelector("main") }});
    </script>""",
}


@pytest.fixture(scope="session")
def node():
    """A function that evaluates JavaScript, which sees all that a figure's module declares, and what is `given`."""
    program = shutil.which("node")
    assert program, "these tests need Node.js: install it, so that the program `node` is found"

    def evaluate(figure, expression, **given):
        last = f"const given = {json.dumps(given)};\nconsole.log(JSON.stringify({expression}));"
        options = {"input": f"{live.module(figure)}\n{last}", "capture_output": True, "encoding": "utf-8"}
        done = subprocess.run([program, "--input-type=module", "-"], check=False, **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


@cache
def default(name):
    return getattr(live, name)()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """What the site and notebooks serve, and pages that `show` adds."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copytree(ROOT / "lib" / "live", folder / "live", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(ROOT / "site" / "static" / "live.js", folder)
    (folder / "live" / "net.bin").write_bytes(default("net").data["weights"])
    return folder


@pytest.fixture(scope="session")
def address(folder, serve):
    return serve(folder)


@pytest.fixture
def show(page, folder, address, faults):
    """A function that opens a page with a figure, and returns its locator. The page must stay without faults."""

    def goto(name, place="site", **data):
        figure = default(name)
        kept, figure.data = figure.data, figure.data | data
        (folder / "weights.bin").write_bytes(b"..." + figure.data.get("weights", b""))
        data = {key: value for key, value in figure.data.items() if key != "weights"}
        (folder / f"{name}.js").write_text(live.module(name), encoding="utf-8")
        text = HEAD + PLACES[place].format(name=name, still=figure.html, data=json.dumps(data))
        figure.data = kept
        (folder / f"{place}.html").write_text(text, encoding="utf-8")
        page.goto(f"{address}/{place}.html")
        return page.locator(".live-figure:has(.live-controls)")

    return goto


@pytest.fixture(params=["ladder", "taps", "wide", "queues", "future", "net"])
def show_each(request, show):
    """`show` for each figure, and for the widest net that one can choose: a test with it states a law of all figures."""
    if request.param == "wide":
        return partial(show, "taps", kernel=4, dilations=[16] * 5)
    return partial(show, request.param)


@pytest.fixture
def says(page):
    """A function that presses keys and expects a text in a line for screen readers, without the 0.4 s until it is said."""
    page.clock.install()

    def expect_text(text, *keys):
        for key in keys:
            page.keyboard.press(key)
        page.clock.run_for(500)
        page.get_by_role("status").filter(has_text=text).first.wait_for()

    return expect_text
