"""The trained net in a page in a browser: by keyboard, by mouse, on a narrow screen, and without its weights."""

import functools
import http.server
import shutil
import threading

import pytest

import lib.live
from lib.models import trained_model
from tests.serving import Quiet
from tests.slow.test_browser import ROOT, browser_type_launch_args  # noqa: F401

HEAD = '<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><link rel="icon" href="data:,"><title>net</title>'
HEAD += '<link rel="stylesheet" href="live/style.css"><style>html[data-theme=dark] { --pst-color-text-base: #ced6dd;'
HEAD += "--pst-color-background: #14181e; --pst-color-surface: #222832; --pst-color-text-muted: #9ca4af; }</style>"
PAGES = {
    "site": '<div class="live" data-figure="net">{still}</div><script type="module" src="live.js"></script>',
    "lost": '<div class="live" data-figure="net" data-data=\'{{"folder": "lost/"}}\'>{still}</div><script type="module" src="live.js"></script>',
    # As anywidget does it: the joined module, the bytes in a DataView.
    "notebook": """<div id="place"></div><script type="module">
        import figure from "./joined.js";
        const bytes = await (await fetch(new URLSearchParams(location.search).get("bytes") ?? "live/net.bin")).arrayBuffer();
        const moved = new Uint8Array(bytes.byteLength + 3);
        moved.set(new Uint8Array(bytes), 3);
        const data = { start: "mar", weights: new DataView(moved.buffer, 3) };
        figure.render({ model: { get: () => data }, el: document.getElementById("place") });
    </script>""",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server over a folder with the figure and pages that show it."""
    folder = tmp_path_factory.mktemp("net")
    shutil.copytree(ROOT / "lib" / "live", folder / "live", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(ROOT / "site" / "static" / "live.js", folder)
    (folder / "live" / "net.bin").write_bytes(lib.live.weights(*trained_model()))
    (folder / "live" / "cut.bin").write_bytes(lib.live.weights(*trained_model())[:-4])
    (folder / "joined.js").write_text(lib.live.module("net"), encoding="utf-8")
    for name, body in PAGES.items():
        text = HEAD + body.format(still="<p>the still figure</p>") if name != "notebook" else HEAD + body
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def faults(page, address):
    """What was asked of another host, and errors: a list that a test empties if it expects them, and else must be empty."""
    found = []
    page.on("request", lambda request: request.url.startswith((address, "data:")) or found.append(request.url))
    page.on("console", lambda message: message.type == "error" and found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.fixture
def figure(page, address, faults):
    """The figure on a page, as the site shows it."""
    page.goto(f"{address}/site.html")
    figure = page.get_by_role("group", name="The trained net")
    figure.wait_for()
    return figure


def says(figure, text):
    """Wait until a line of the figure says a text."""
    figure.get_by_role("status").filter(has_text=text).first.wait_for()


def names(figure):
    return figure.get_by_role("listitem").all_inner_texts()


def test_a_beginning_by_mouse(figure):
    says(figure, "After “charli”: e 32 %, n 18 %, end 12 %.")
    figure.get_by_role("button", name="e 32 percent").click()
    assert figure.get_by_label("A name begins with").input_value() == "charlie"
    says(figure, "After “charlie”: end")
    figure.get_by_role("button", name="end ").click()
    says(figure, "Here the name ends: “charlie”.")
    figure.get_by_label("A name begins with").fill("Zoë-bartholomew")
    says(figure, "The net has not learned “ë”, “-”. It knows a b c")
    says(figure, "The net sees the last 8 characters, “tholomew”.")
    assert figure.get_by_label("A name begins with").get_attribute("aria-invalid") == "true"


def test_a_beginning_by_keyboard(page, figure):
    figure.get_by_label("A name begins with").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("mar")
    says(figure, "After “mar”")
    page.keyboard.press("Tab")
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    says(figure, "After “mar”: i 100 %. The net’s own: i")
    certain = figure.get_by_role("button", name="i 100 percent")
    page.keyboard.press("End")
    assert certain.count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert certain.count() == 1
    assert figure.get_by_label("Top-k").get_attribute("aria-valuetext") == "1"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("end ")
    for key, letter in {"ArrowRight": "a ", "End": "z ", "ArrowLeft": "y ", "Home": "end "}.items():
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(letter)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    says(figure, "After “mara”")
    page.keyboard.press("Tab")  # one stop for all bars
    assert page.evaluate("document.activeElement.type") == "number"


def test_names_come_from_the_seed(page, figure):
    press = figure.get_by_role("button", name="Write 12 names")
    press.click()
    says(figure, "Seed 1, temperature 1, all 27 characters: ")
    first = names(figure)
    assert len(first) == 12 and all(name.startswith("charli") for name in first) and len(set(first)) > 3
    press.press("Enter")
    says(figure, "Seed 2, temperature 1, all 27 characters: ")
    assert names(figure) != first
    figure.get_by_label("Seed").fill("1")
    press.click()
    assert names(figure) == first
    figure.get_by_label("Temperature").fill("0")
    press.click()
    says(figure, "Seed 1, temperature 0, all 27 characters: 1 different name.")
    assert set(names(figure)) == {"charlie"}


def test_how_likely_a_name_is(page, figure):
    says(figure, "1 in 20,000 is “charlie”: 1.24 nats per character")
    bars = figure.get_by_role("img", name="Each character’s probability")
    assert bars.get_attribute("aria-label").endswith("c 5 %, h 24 %, a 42 %, r 35 %, l 55 %, i 26 %, e 32 %, end 70 %")
    field = figure.get_by_label("How likely is your name?")
    field.fill("Zoe")
    says(figure, "is “zoe”")
    field.fill("zoë")
    says(figure, "The net has not learned “ë”.")
    field.fill("x" * 40)
    says(figure, "× 10")
    field.fill("")
    says(figure, "Type a name.")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_bars_can_be_touched_and_nothing_is_cut_off(page, figure, width, theme):
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    figure.get_by_role("button", name="Write 12 names").click()
    rows = {360: 3, 800: 1, 1280: 1}[width]
    tops = (
        "new Set([...document.querySelectorAll('button.live-bar')].map((bar) => bar.getBoundingClientRect().top)).size"
    )
    page.wait_for_function(f"{tops} === {rows}")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    for bar in figure.get_by_role("toolbar").get_by_role("button").all():
        assert bar.bounding_box()["width"] >= 24


def test_a_notebook_gives_the_bytes(page, address, faults):
    page.goto(f"{address}/notebook.html")
    says(page, "After “mar”: i")


def test_a_failure_is_said(page, address, faults):
    page.goto(f"{address}/notebook.html?bytes=live/cut.bin")
    page.get_by_role("alert").filter(has_text="The net could not be loaded: the net's file has").wait_for()
    assert len(faults) == 1 and "expected" in faults.pop()


def test_without_weights_the_still_figure_stays(page, address, faults):
    with page.expect_event("pageerror") as error:
        page.goto(f"{address}/lost.html")
    assert "lost/net.bin gave 404" in str(error.value)
    assert page.get_by_text("the still figure").is_visible()
    assert len(faults) == 2  # the browser's line about 404, and the error
    faults.clear()
