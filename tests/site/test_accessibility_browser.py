"""The site for everyone: axe-core on every page in both themes, narrow screens, wide text, the way of the Tab key.

    pytest -m browser tests/site/test_accessibility_browser.py

Needs the extras `site` and `browser`, an installed Chromium or Chrome, and axe-core in build/npm.
"""

import pytest

from tests.axe import ALL, CONTRAST, violations

pytestmark = pytest.mark.usefixtures("faults")
# These also at 360 pixels.
MAIN = {"index", "tour", "glossary", "run", "accessibility", "lessons/05_sampling", "teacher/teaching"}
STILL = "*, ::before, ::after { transition: none !important; animation: none !important }"  # or a colour is read on its way to another
# What WCAG 1.4.12 asks a page to bear.
WIDE_TEXT = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"
# Of all tokens of code that look alike, one stays: thousands of them take half of axe's time.
SHOW_ALL = """() => {
    document.querySelectorAll('details').forEach((fold) => { fold.open = true; });
    document.querySelectorAll('article section').forEach((stop) => { stop.hidden = false; });
    const looks = new Set();
    for (const token of document.querySelectorAll('.highlight span[class]')) {
        if (looks.has(token.className)) token.style.visibility = 'hidden';
        looks.add(token.className);
    }
}"""
SHOWN = "() => [...document.querySelectorAll('.live[data-figure]')].every((place) => place.querySelector('.live-says')?.textContent)"
TABBABLE = """() => [...document.querySelectorAll('a[href], button, input, select, summary, audio[controls], [tabindex]')]
    .filter((element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility({ visibilityProperty: true }))
    .map((element, i) => { element.dataset.tabbable = i; return element.outerHTML.slice(0, 120); })"""
# A player's ring is around its parts, which no script sees.
FOCUSED = """() => {
    const element = document.activeElement, { left, top, width, height } = element.getClientRects()[0] ?? {};
    const at = document.elementFromPoint(left + width / 2, top + height / 2);
    const ring = [element, element.closest('form')].some((ringed) => {
        const { outlineStyle, outlineWidth, boxShadow } = ringed ? getComputedStyle(ringed) : {};
        return ringed && (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 || boxShadow !== 'none');
    });
    return [element.dataset.tabbable ?? '', ring || element.tagName === 'AUDIO', element.contains(at) || !!at?.contains(element)];
}"""

DRAWN = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"  # in the theme's colours
)


def open_page(page, address):
    """A page with everything that a reader can unfold or go on to, the live figures included."""
    page.goto(address)
    page.add_style_tag(content=STILL)
    page.evaluate(SHOW_ALL)
    for figure in page.locator(".live[data-figure]").all():
        figure.scroll_into_view_if_needed()
    page.wait_for_function(SHOWN)


def test_axe_finds_nothing_and_320_pixels_suffice(page, address, built):
    """320 pixels are 1,280 at four times the size; they must suffice also with wide text."""
    found, wide = [], []
    paths = (path.relative_to(built) for path in built.rglob("*.html") if "_static" not in path.parts)
    names = sorted(path.with_suffix("").as_posix() for path in paths)
    assert set(names) >= MAIN
    for name in names:
        looks = [("light", 1280, ALL), ("dark", 1280, CONTRAST)] + [("dark", 360, ALL)] * (name in MAIN)
        for theme, width, rules in looks:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
            if rules == ALL:
                open_page(page, f"{address}/{name}.html")
            page.locator(f'html[data-theme="{theme}"]').wait_for()
            found += [f"{name}, {theme}, {width}: {violation}" for violation in violations(page, rules)[0]]
        page.set_viewport_size({"width": 320, "height": 640})
        for style in (STILL, WIDE_TEXT):
            page.add_style_tag(content=style)
            if page.evaluate("document.scrollingElement.scrollWidth") > 320:
                wide.append(f"{name} with {style}")
    assert (found, wide) == ([], [])


@pytest.mark.parametrize("name", ["index", "tour", "lessons/05_sampling", "lessons/11_sound", "search"])
def test_tab_reaches_everything_in_order_and_shows_where_it_is(page, address, name):
    open_page(page, f"{address}/{name}.html")
    elements = page.evaluate(TABBABLE)
    page.evaluate("() => { window.scrollTo(0, 0); document.activeElement.blur(); }")
    reached = []
    for _ in range(2 * len(elements)):
        page.keyboard.press("Tab")
        place, ring, seen = page.evaluate(FOCUSED)
        if not place:
            break
        reached.append(int(place))
        assert ring, f"no ring around {elements[int(place)]}"
        assert seen, f"something covers {elements[int(place)]}"
    assert page.url == f"{address}/{name}.html", "where the focus goes, nothing else happens"
    assert [elements[i] for i in dict.fromkeys(reached)] == elements
