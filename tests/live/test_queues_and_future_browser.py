"""The live figures of lessons 09 and 10 in a browser: by keyboard and by mouse, on three widths, in both themes.

pytest -m browser tests/live --screenshot on
"""

import functools
import http.server
import re
import shutil
import threading

import pytest
from playwright.sync_api import expect

from lib.live import _HERE, module
from tests.serving import Quiet
from tests.slow.test_browser import browser_type_launch_args  # noqa: F401

PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><link rel="stylesheet" href="style.css">
<style>html[data-theme="dark"] {{ --pst-color-text-base: #ced6dd; --pst-color-background: #14181e;
--pst-color-surface: #29313d; --pst-color-text-muted: #9ca4af; }}</style><body style="margin: 16px; font-family: 'DejaVu Sans', sans-serif"><main></main>
<script type="module">import {{ mount }} from "./{name}.js"; mount(document.querySelector("main"), {{}});</script>"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server over a page for each figure and theme, each with the module that a notebook gets."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copy(_HERE / "style.css", folder)
    for name in ("queues", "future"):
        (folder / f"{name}.js").write_text(module(name), encoding="utf-8")
        for theme in ("light", "dark"):
            (folder / f"{name}-{theme}.html").write_text(PAGE.format(name=name, theme=theme), encoding="utf-8")
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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1280])
@pytest.mark.parametrize("name", ["queues", "future"])
def test_nothing_is_cut_off_or_covered(page, address, name, width, theme):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{address}/{name}-{theme}.html")
    choice = page.get_by_role("combobox")
    for option in choice.locator("option").all():
        choice.select_option(option.get_attribute("value"))
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        assert page.locator(".live-picture").evaluate("(picture) => picture.scrollWidth <= picture.clientWidth")
        inside = """(svg) => [...svg.querySelectorAll('text')].every((text) => {
            const [inner, outer] = [text.getBoundingClientRect(), svg.getBoundingClientRect()];
            return inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 1;
        })"""
        assert page.locator("svg").evaluate(inside), option.inner_text()
        apart = """(svg) => {
            const boxes = [...svg.querySelectorAll('text')].map((text) => text.getBoundingClientRect());
            return boxes.every((a, i) => boxes.slice(i + 1).every((b) => a.right <= b.left + 1 || b.right <= a.left + 1
                || a.bottom <= b.top + 5 || b.bottom <= a.top + 5));
        }"""  # lines of text may be near each other: their boxes have room above and below the letters
        assert page.locator("svg").evaluate(apart), option.inner_text()


def now(page):
    """The token that goes in, and all letters in the boxes, the lowest layer first."""
    written = page.locator(".live-written .live-now").inner_text()
    letters = page.locator(".live-picture svg g").all_text_contents()
    return written, "".join(letters)


def test_queues_by_keyboard(page, address):
    page.goto(f"{address}/queues-light.html")
    page.get_by_role("button", name="Step").focus()
    for _ in range(3):
        page.keyboard.press("Enter")
    assert now(page) == ("a", "ha" + "cha" + "..cha")  # what layers 1, 2, 3 keep, each with the new input
    page.locator(".live-picture").focus()
    page.keyboard.press("ArrowRight")
    assert now(page) == ("r", "ar" + "har" + ".char")
    expect(page.locator(".live-says")).to_have_text(re.compile("^Step 5 of 8: r goes in. Layer 1 reads a, 1 step old"))
    assert "with queues: 365,715" in page.locator(".live-costs").inner_text()
    page.keyboard.press("ArrowLeft")
    assert now(page)[0] == "a"
    page.get_by_role("combobox").focus()
    page.keyboard.press("ArrowDown")
    assert now(page) == ("a", "ha" + "cha" + "..cha" + "......cha")
    page.get_by_role("textbox", name="Name").fill("ida")
    assert now(page) == ("a", "da" + "ida" + "..ida" + "......ida")


def test_queues_by_mouse(page, address):
    page.clock.install()
    page.goto(f"{address}/queues-light.html")
    back, step, play = (page.get_by_role("button", name=name) for name in ("Back", "Step", "Play"))
    expect(back).to_be_disabled()
    assert now(page)[0] == "."
    step.click()
    step.click()
    back.click()
    assert now(page)[0] == "c"
    play.click()
    page.clock.run_for(2_500)
    assert now(page)[0] == "a"
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(5_000)
    assert now(page)[0] == "a"
    play.click()
    page.clock.run_for(20_000)
    assert now(page)[0] == "e"
    expect(play).to_be_visible()  # at the end it stops by itself
    play.click()
    assert now(page)[0] == "."


def test_queues_of_hostile_names(page, address):
    page.goto(f"{address}/queues-light.html")
    for name, letters in (("", ".."), (". <b>9", ".b."), ("Zoë", ".zoë."), ("x" * 99, "." + 12 * "x" + ".")):
        page.get_by_role("textbox", name="Name").fill(name)
        assert "".join(page.locator(".live-written span").all_inner_texts()) == letters


def test_future_by_keyboard(page, address):
    page.goto(f"{address}/future-light.html")
    says = page.locator(".live-says")
    expect(says).to_have_text("Token 6 (l) moved: outputs 6, 7, 8 changed, none before it.")
    page.get_by_role("combobox").focus()
    page.keyboard.press("ArrowDown")
    expect(says).to_have_text(re.compile("outputs 3, 4, 5, 6, 7, 8 changed, 3 of them before it: the net sees the fut"))
    assert page.locator("svg text", has_text="early").count() == 3
    page.get_by_role("slider", name="Token").focus()
    page.keyboard.press("ArrowLeft")
    expect(says).to_have_text(re.compile("Token 5 .r. moved: outputs 2, 3, 4, 5, 6, 7, 8 changed, 3 of them"))
    page.locator(".live-picture").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("slider", name="Token").input_value() == "6"
    assert page.get_by_role("slider", name="moved by").get_attribute("aria-valuetext") == "+0.9"
    page.get_by_role("slider", name="moved by").focus()
    page.keyboard.press("Home")
    assert page.locator("output").last.inner_text() == "−1.0"
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(says).to_have_text("Token 6 (l) is not moved: no output changes.")


def test_future_by_mouse(page, address):
    page.goto(f"{address}/future-light.html")
    page.locator('[data-token="2"]').click()
    says = page.locator(".live-says")
    expect(says).to_have_text("Token 2 (c) moved: outputs 2, 3, 4, 5, 6, 7, 8 changed, none before it.")
    page.get_by_role("combobox").select_option("batchnorm")
    page.locator('[data-token="8"]').click()
    expect(says).to_have_text(re.compile("7 of them before it: the net sees the future"))


@pytest.mark.parametrize("name", ["queues", "future"])
def test_answers_within_100_milliseconds(page, address, name):
    page.goto(f"{address}/{name}-light.html")
    measure = """(input) => {
        const start = performance.now();
        input.dispatchEvent(new Event('input'));
        document.querySelector('svg').getBoundingClientRect();
        return performance.now() - start;
    }"""
    times = sorted(page.locator("input").first.evaluate(measure) for _ in range(9))
    assert times[4] < 100


@pytest.mark.parametrize("name", ["queues", "future"])
def test_jupyterlab_leaves_the_keys_to_the_figure(page, address, name):
    page.goto(f"{address}/{name}-light.html")
    focusable = page.locator("input, select, button, [tabindex]")
    assert focusable.count() >= 4
    assert page.locator("[data-lm-suppress-shortcuts]").count() == focusable.count()
