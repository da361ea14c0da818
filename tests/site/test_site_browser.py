"""The built site in a browser: screens of three widths, both themes, search, folds, sounds, and no request to another host.

    pytest -m browser tests/site --screenshot on

Needs the extras `site` and `browser`, and an installed Chromium or Chrome.
"""

import pytest

pytestmark = pytest.mark.usefixtures("faults")
PAGES = ("index", "lessons/05_sampling", "lessons/11_sound", "glossary", "shapes", "errata", "run", "teacher/teaching")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_pages_fit_the_screen_and_follow_the_theme(page, address, width, theme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    for name in PAGES:
        page.goto(f"{address}/{name}.html")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, name
        assert page.locator("html").get_attribute("data-theme") == theme
        for picture in page.locator("article img:not(.live img)").all():  # a live figure takes its still one's place
            picture.scroll_into_view_if_needed()
        page.wait_for_function("[...document.querySelectorAll('article img')].every((img) => img.naturalWidth)")
        shapes = "[...document.querySelectorAll('article figure img')].map((i) => i.width / i.height * i.naturalHeight / i.naturalWidth)"
        assert all(abs(ratio - 1) < 0.05 for ratio in page.evaluate(shapes)), f"a stretched figure in {name}"


def test_search_finds_a_term(page, address):
    page.goto(f"{address}/search.html?q=dilation")
    page.locator("#search-results li a").first.wait_for()
    assert page.locator('#search-results a[href*="glossary.html#term-dilation"]').count() >= 1


def test_a_term_leads_to_its_entry_and_next_to_the_next_lesson(page, address):
    page.goto(f"{address}/lessons/01_embedding.html")
    page.locator("article a", has_text="language model").first.click()
    page.wait_for_url("**/glossary.html#term-language-model")
    page.go_back()
    page.locator("a.right-next").click()
    page.wait_for_url("**/02_flattening_in_stages.html")


def test_folds_open_by_keyboard_and_formulas_are_drawn(page, address):
    page.goto(f"{address}/lessons/05_sampling.html")
    fold = page.locator("article details").first
    assert fold.get_attribute("open") is None
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert fold.get_attribute("open") is not None
    assert page.locator("math mfrac").first.bounding_box()["height"] > 20


def test_sounds_play(page, address):
    page.goto(f"{address}/lessons/11_sound.html")
    assert page.locator("audio[aria-label]").count() == page.locator("audio").count() > 0
    played = (
        "(audio) => audio.play().then(() => new Promise((done) => { audio.onended = () => done(audio.currentTime); }))"
    )
    assert page.locator("audio").first.evaluate(played) > 1


def test_paper_shows_the_page_alone(page, address):
    page.goto(f"{address}/lessons/01_embedding.html")
    page.emulate_media(media="print")
    assert page.locator("article h1").is_visible()
    for part in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer"):
        assert not page.locator(part).first.is_visible(), part
