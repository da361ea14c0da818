"""The live figures of lessons 02 and 07 in a browser, by keyboard, mouse and finger.

    pytest -m browser tests/live --screenshot on

Needs the extra `browser`, and an installed Chromium or Chrome.
"""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.slow.test_browser import browser_type_launch_args  # noqa: F401

LIVE = Path(__file__).resolve().parents[2] / "lib" / "live"
PAGE = """<!doctype html><html lang="en"><title>{name}</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><link rel="stylesheet" href="style.css"><div id="figure"></div>
<script type="module">
import {{ mount }} from "./{name}.js";
mount(document.getElementById("figure"), {data});
</script>"""
LIT = "(path) => (document.querySelector(`.live-tap-${path}`).getAttribute('d').match(/M/g) ?? []).length"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the figures and a page for each."""
    folder = tmp_path_factory.mktemp("live") / "live"
    shutil.copytree(LIVE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name in ("ladder", "taps"):
        (folder / f"{name}.html").write_text(PAGE.format(name=name, data="{}"))
    (folder / "wide.html").write_text(PAGE.format(name="taps", data="{ kernel: 4, dilations: [16, 16, 16, 16, 16] }"))
    return folder


@pytest.fixture(scope="module")
def address(folder):
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(page, address):
    """A page that fails at the end if anything was asked of another host, or an error was logged."""
    faults = []
    page.on("request", lambda request: request.url.startswith((address, "data:")) or faults.append(request.url))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert faults == []


def says(page, text):
    expect(page.get_by_role("status")).to_contain_text(text)


@pytest.mark.parametrize("name", ["ladder", "taps"])
def test_jupyterlab_leaves_the_keys_to_what_has_the_focus(page, address, name):
    page.goto(f"{address}/{name}.html")
    page.locator(".live-picture").wait_for()
    for element in page.locator("input, select, button, [tabindex]").all():
        assert element.get_attribute("data-lm-suppress-shortcuts") == "true"


def test_the_ladder_by_keyboard(page, address):
    page.goto(f"{address}/ladder.html")
    says(page, "Quad 1 of 2: . c h a, 40 numbers. The shape of its row is (B, 2, 40).")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("Olivia")
    says(page, "Quad 1 of 2: . . o l")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Stages")).to_have_value("4 · 2")
    assert page.locator(".live-shape").all_text_contents() == ["(B, 8, 10)", "(B, 2, 40)", "(B, 80)"]
    page.keyboard.press("Tab")
    for key, text in [("ArrowRight", "Quad 2 of 2: i v i a"), ("ArrowUp", "All eight: . . o l i v i a, 80"),
                      ("Home", "All eight"), ("ArrowDown", "Quad 1 of 2"), ("ArrowDown", "Letter 1 of 8: ., 10"),
                      ("End", "Letter 8 of 8: a"), ("ArrowUp", "Quad 2 of 2: i v i a, 40")]:  # fmt: skip
        page.keyboard.press(key)
        says(page, text)
    assert page.locator(".live-lit .live-on-colour").all_text_contents() == [*"ivia", *"ivia"]
    assert page.locator(".live-picture").evaluate("(picture) => getComputedStyle(picture).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body"), "the picture has more than one tab stop"


def test_the_ladder_by_mouse_and_finger(page, address, browser):
    page.goto(f"{address}/ladder.html")
    page.locator(".live-on-colour", has_text="e").first.hover()  # in the lowest row
    says(page, "Letter 8 of 8: e")
    context = browser.new_context(has_touch=True, viewport={"width": 360, "height": 640})
    touched = context.new_page()
    touched.goto(f"{address}/ladder.html")
    touched.locator(".live-shape", has_text="(B, 8, 10)").wait_for()
    touched.locator(".live-box").nth(9).tap(force=True)  # behind eight letters and a pair
    says(touched, "Pair 2 of 4: h a, 20 numbers")
    context.close()


def test_who_meets_whom_by_keyboard(page, address):
    page.goto(f"{address}/taps.html")
    says(page, "R = 1 + (2 − 1) · (1 + 2 + 4) = 8. The output at time step 14")
    assert [page.evaluate(LIT, name) for name in ("seen", "holes", "lit-nodes", "lit-lines")] == [8, 0, 7, 14]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    says(page, "R = 1 + (3 − 1) · (1 + 2 + 4) = 15")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("2")  # the example that begins so
    says(page, "= 15. The output at time step 21 can depend on time steps 7 to 21: 8 inputs seen, 7 holes (×).")
    assert [page.evaluate(LIT, name) for name in ("seen", "lit-nodes")] == [8, 7]
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    says(page, "R = 1 + (2 − 1) · (2 + 4 + 8 + 16 + 16) = 47")
    expect(page.get_by_label("Dilations")).to_have_value("my own")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    says(
        page,
        "R = 1 + (2 − 1) · (1 + 4) = 6. The output at time step 12 can depend on time steps 7 to 12: 4 inputs seen, 2",
    )
    page.get_by_role("application").focus()
    for key, text in [
        ("ArrowLeft", "time step 11 "),
        ("Home", "time step 5 can depend on time steps 0 to 5"),
        ("End", "step 12 "),
    ]:
        page.keyboard.press(key)
        says(page, text)


def test_who_meets_whom_by_mouse_and_finger(page, address, browser):
    page.goto(f"{address}/taps.html")
    says(page, "time step 14")
    box = page.locator(".live-picture svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 9.5 / 15, box["y"] + 20)
    says(page, "time step 9 can depend on time steps 2 to 9")
    context = browser.new_context(has_touch=True, viewport={"width": 360, "height": 640})
    touched = context.new_page()
    touched.goto(f"{address}/taps.html")
    says(touched, "time step 14")
    box = touched.locator(".live-picture svg").bounding_box()
    touched.touchscreen.tap(box["x"] + 2, box["y"] + 20)  # where no output is: the nearest
    says(touched, "time step 7 can depend on time steps 0 to 7")
    context.close()


@pytest.mark.parametrize("width", [360, 800, 1280])
@pytest.mark.parametrize("name", ["ladder", "taps", "wide"])
def test_nothing_is_cut_off_and_only_wide_pictures_scroll(page, address, name, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{address}/{name}.html")
    says(page, "R = " if name != "ladder" else "Quad")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    scrolls = page.locator(".live-picture").evaluate("(picture) => picture.scrollWidth > picture.clientWidth")
    assert scrolls == (name == "wide")
    if scrolls:  # to its output
        assert page.locator(".live-picture").evaluate("(picture) => picture.scrollLeft") > 0


@pytest.mark.parametrize("name", ["ladder", "wide"])
def test_the_picture_answers_within_100_ms(page, address, name):
    page.goto(f"{address}/{name}.html")
    says(page, "R = " if name == "wide" else "Quad")
    elapsed = """() => {
        const picture = document.querySelector('.live-picture'), select = document.querySelector('select');
        const times = [() => picture.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft' })),
            () => select.dispatchEvent(new Event('change'))].map((act) => {
                const start = performance.now(); act(); picture.getBoundingClientRect(); return performance.now() - start; });
        return Math.max(...times); }"""
    assert min(page.evaluate(elapsed) for _ in range(5)) < 100
