"""Laws of all live figures: they fit the page, answer at once, leave keys alone, and have a still figure beside them."""

import base64
import html
import json

import pytest

from lib import live
from tests.live import expect

# What is wrong on the screen at first, after each button's press, and after each choice.
CUT_OFF = """async (figure) => {
    const wrong = new Set(), all = (selector) => [...figure.querySelectorAll(selector)];
    const boxes = (selector) => all(selector).map((element) => element.getBoundingClientRect());
    function look(state) {
        const note = (fault, found) => found && wrong.add(`${state}: ${fault}`), texts = boxes("svg text"), [svg] = boxes("svg");
        note("the page scrolls", document.scrollingElement.scrollWidth > innerWidth);
        note("the picture scrolls", !all(".live-layers").length && all(".live-picture").some((one) => one.scrollWidth > one.clientWidth));
        note("a narrow button", boxes("button").some(({ width }) => width < 24));
        note("a text is cut off", texts.some((text) =>
            text.left < svg.left - 1 || text.right > svg.right + 1 || text.bottom > svg.bottom + 1));
        note("texts overlap", texts.some((a, i) => texts.slice(i + 1).some((b) => // but their boxes have room above and below
            a.right > b.left + 1 && b.right > a.left + 1 && a.bottom > b.top + 5 && b.bottom > a.top + 5)));
    }
    for (const _ of [1, 2, 3]) await new Promise(requestAnimationFrame); // a ResizeObserver may draw in the third one
    look("at first");
    for (const button of all(".live-controls button")) button.click(), look(button.textContent);
    for (const select of all(".live-controls select")) for (const { value } of select.options) {
        select.value = value;
        select.dispatchEvent(new Event("change"));
        look(value);
    }
    return [...wrong];
}"""
# Whether a picture scrolls, and has been scrolled to its output.
SCROLLS = "(all) => all.map((one) => [one.scrollWidth > one.clientWidth, one.scrollLeft > 0])"
FOCUSED = (
    "(one) => one.contains(document.activeElement) && getComputedStyle(document.activeElement).outlineStyle === 'solid'"
)
# The slowest answer, in milliseconds: to any field, slider or choice, and to a key in the picture.
SLOWEST = """(figure) => Math.max(...[...figure.querySelectorAll("input, select, .live-picture, [role=toolbar] button")].map((target) => {
    const start = performance.now();
    const event = { INPUT: "input", SELECT: "change" }[target.tagName];
    target.dispatchEvent(event ? new Event(event) : new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
    figure.getBoundingClientRect();
    return performance.now() - start;
}))"""
# What a figure is called with, what its module gets, and words of its still.
STILLS = {
    "ladder": (["Zoe"], {"word": "Zoe"}, "window .....zoe"),
    "taps": ([3, (1, 3)], {"kernel": 3, "dilations": [1, 3]}, "layer 2, dilation 3 has 8 boxes"),
    "queues": (["bo"], {"word": "bo"}, "when o of ...bo arrives"),
    "future": (["batchnorm"], {"net": "batchnorm"}, "BatchNorm, train mode: 28 of 28 leak"),
    "net": (["charli"], {"start": "charli"}, "e 32 %"),
}


def test_nothing_is_cut_off_and_only_wide_pictures_scroll(page, show_each):
    for width in (360, 800, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        shown = show_each()
        shown.wait_for()
        scrolls = shown.locator(".live-picture").evaluate_all(SCROLLS)
        assert scrolls in ([], [["kernel" in show_each.keywords] * 2]), width  # the net's bars are no such picture
        for theme, colour in {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}.items():
            page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            expect(shown).to_have_css("background-color", colour)
            assert shown.evaluate(CUT_OFF) == [], (width, theme)


def test_a_picture_is_one_tab_stop_and_shows_its_focus(page, show_each):
    picture = show_each().locator(".live-picture, [role=toolbar]")
    picture.evaluate("(one) => (one.tabIndex < 0 ? one.querySelector('[tabindex=\"0\"]') : one).focus()")
    for key in ("Tab", "Shift+Tab", "ArrowRight", "Tab", "Shift+Tab", "ArrowRight", "Shift+Tab"):
        inside = picture.evaluate(FOCUSED)
        page.keyboard.press(key)
        assert picture.evaluate(FOCUSED) == (key == "ArrowRight" or not inside), key


def test_jupyterlab_leaves_the_keys_to_what_has_the_focus(show_each):
    focusable = show_each().locator("input, select, button, [tabindex]")
    focusable.first.wait_for()
    attributes = focusable.evaluate_all("(all) => all.map((one) => one.dataset.lmSuppressShortcuts)")
    assert len(attributes) >= 3 and set(attributes) == {"true"}


def test_the_figure_answers_within_100_ms(show_each):
    shown = show_each()
    assert min(shown.evaluate(SLOWEST) for _ in range(5)) < 100


def test_notebooks_show_what_the_site_shows(page, show_each):
    page.clock.install()
    texts = set()
    for place in ("site", "notebook"):
        shown = show_each(place=place)
        shown.wait_for()
        page.clock.run_for(500)
        texts.add(shown.inner_text())
    assert len(texts) == 1


@pytest.mark.parametrize("name", STILLS)
def test_notebooks_get_the_figure_and_a_still_of_the_same_state(name):
    settings, data, words = STILLS[name]
    figure = getattr(live, name)(*settings)
    state, bundle = figure.get_state(), figure._repr_mimebundle_()
    assert ".live-figure" in state["_css"] and "export default" in state["_esm"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert {key: value for key, value in figure.data.items() if key != "weights"} == data
    assert words in bundle["text/plain"] and len(bundle["text/plain"]) > 100
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG") and len(bundle["image/png"]) > 5_000
    place = f'<div class="live" data-figure="{name}" data-data="{html.escape(json.dumps(data))}"><figure'
    assert place in bundle["text/html"] and bundle["image/png"] in bundle["text/html"]


def test_settings_that_no_figure_has_are_refused():
    with pytest.raises(ValueError, match="kernel size and dilations must be at least 1"):
        live.taps(0)
    with pytest.raises(ValueError, match="no net is named 'casual'.*causal, same, short, batchnorm"):
        live.future("casual")
