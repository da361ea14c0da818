"""The tour and the live figures in lessons, by keyboard and by mouse; without JavaScript, all stops and still figures.

pytest -m browser tests/site/test_tour_browser.py
"""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.usefixtures("faults")
# Of each stop: the keys to press in a control, by its role and name, and what the figure then says.
BY_KEYBOARD = [
    ("textbox", "Word", ["Control+a", *"mia"], r"Quad 1 of 2: \. \. \. \."),
    ("combobox", "Stages", ["4"], r"Quad 1 of 2: \. c h a, 40 numbers"),
    ("textbox", "A name begins with", ["Control+a", *"zo"], r"After “zo”: r 27"),
    ("slider", "Temperature", ["End"], r"After “mari”: .+ The net’s own: "),
    ("button", "Write 12 names", ["Enter"], r"Seed 1, temperature 1, all 27 characters: \d+ different names\."),
    ("textbox", "How likely is your name?", ["Control+a", *"ida"], r"1 in [\d,]+ is “ida”"),
    ("application", "Outputs of the net", ["ArrowLeft", "ArrowLeft"], r"The output at time step 12 "),
    ("combobox", "layer 1, dilation", ["ArrowUp"], r"R = 1 \+ \(2 − 1\) · \(1 \+ 4 \+ 8\) = 14"),
    ("button", "Step", ["Enter", "Space"], r"Step 3 of 8: h goes in"),
    ("slider", "Token", ["Home"], r"Token 1 \(\.\) moved: outputs 1, 2, 3, 4, 5, 6, 7 changed"),
]
# And what a mouse does.
BY_MOUSE = [
    (lambda figure: figure.locator(".live-on-colour").nth(7).hover(), r"Letter 8 of 8: e"),
    (lambda figure: figure.get_by_label("Stages").select_option("2 · 4"), r"Pair 1 of 4: \. c"),
    (lambda figure: figure.get_by_role("button", name="e 32 percent").click(), r"After “charlie”: end"),
    (lambda figure: figure.get_by_label("Temperature").click(position={"x": 140, "y": 10}), r"After “mari”: .+ own: "),
    (lambda figure: figure.get_by_role("button", name="Write 12 names").click(), r"Seed 1, .+ different names"),
    (lambda figure: figure.get_by_label("How likely is your name?").fill("ida"), r"1 in [\d,]+ is “ida”"),
    (lambda figure: figure.get_by_role("combobox", name="Dilations").select_option("1, 1, 1"), r"= 4\. .+ no holes"),
    (lambda figure: figure.locator(".live-picture").hover(position={"x": 2, "y": 9}), r"step 14 can depend .+ holes"),
    (lambda figure: figure.get_by_role("button", name="Step").click(), r"Step 2 of 8: c goes in"),
    (lambda figure: figure.get_by_label("Net").select_option("same"), r"the net sees the future"),
]
LESSONS = {
    "02_flattening_in_stages": ("The ladder", r"^Quad 1 of 2"),
    "05_sampling": ("The trained net", r"^After “charli”: e 32"),
    "07_dilated_convolutions": ("Who meets whom", r"^Receptive field R = "),
    "09_who_sees_the_future": ("Which outputs change when a token moves", r"^Token 6 \(l\) moved"),
    "10_memory": ("The queues of a WaveNet that writes a name", r"^Step 1 of 8"),
}


@pytest.fixture
def tour(page, address):
    page.goto(f"{address}/tour.html")
    return page


def stop(page, number):
    """The figure of the stop that is shown, which must be this one, and no other."""
    expect(page.get_by_role("navigation", name="Stops of the tour").get_by_role("status")).to_have_text(
        f"Stop {number} of 10"
    )
    shown = page.locator("article section section:not([hidden])")
    expect(shown).to_have_count(1)
    figure = shown.get_by_role("group").and_(page.locator(".live-figure"))
    figure.scroll_into_view_if_needed()
    expect(figure.get_by_role("status").first).not_to_be_empty()
    return figure


def says(figure, text):
    expect(figure.get_by_role("status").filter(has_text=re.compile(text))).to_be_visible()


def test_ten_stops_by_keyboard(tour):
    for number, (role, name, keys, text) in enumerate(BY_KEYBOARD, start=1):
        figure = stop(tour, number)
        control = figure.get_by_role(role, name=name, exact=role == "button").first
        for _ in range(60):
            if control.evaluate("(control) => control === document.activeElement"):
                break
            tour.keyboard.press("Tab")
        expect(control).to_be_focused()
        before = figure.get_by_role("status").all_inner_texts()
        for key in keys:
            tour.keyboard.press(key)
        expect(figure.get_by_role("status")).not_to_have_text(before)
        says(figure, text)
        stop(tour, number)  # keys of a control do not lead on
        if number < 10:
            control.blur()
            tour.keyboard.press("ArrowRight")
            expect(tour.locator("article section section:not([hidden]) > h2")).to_be_focused()
    for key, number in [("ArrowLeft", 9), ("ArrowLeft", 8)]:
        tour.locator(":focus").blur()
        tour.keyboard.press(key)
        stop(tour, number)


def test_ten_stops_by_mouse_and_back(tour):
    for number, (act, text) in enumerate(BY_MOUSE, start=1):
        figure = stop(tour, number)
        before = figure.get_by_role("status").all_inner_texts()
        act(figure)
        expect(figure.get_by_role("status")).not_to_have_text(before)
        says(figure, text)
        if number < 10:
            tour.get_by_role("button", name="Next →").click()
    expect(tour.get_by_role("button", name="Next →")).to_be_disabled()
    for number in (9, 8):
        tour.get_by_role("button", name="← Back").click()
        stop(tour, number)
    tour.go_back()
    stop(tour, 9)
    tour.go_back()
    stop(tour, 10)
    tour.go_forward()
    stop(tour, 9)


def test_an_address_with_a_fragment_opens_its_stop(page, address):
    page.goto(f"{address}/tour.html#a-short-memory")
    stop(page, 9)
    page.reload()
    stop(page, 9)
    page.goto(f"{address}/tour.html#no-such-stop")
    stop(page, 1)
    expect(page.get_by_role("button", name="← Back")).to_be_disabled()


def test_arrow_keys_in_the_bars_do_not_lead_on(page, address):
    page.goto(f"{address}/tour.html#what-comes-next")
    figure = stop(page, 3)
    figure.get_by_role("toolbar").get_by_role("button").first.focus()
    page.keyboard.press("ArrowRight")
    stop(page, 3)
    expect(figure.get_by_role("toolbar").get_by_role("button").nth(1)).to_be_focused()


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_scripts_the_tour_shows_all_stops_and_still_figures(page, address):
    page.goto(f"{address}/tour.html")
    expect(page.locator("article section section:visible")).to_have_count(10)
    figures = page.locator("article .live figure img")
    expect(figures).to_have_count(10)
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        expect(figure).to_be_visible()
        assert len(figure.get_attribute("alt")) >= 40
        assert figure.bounding_box()["height"] > 100, "the picture is not loaded"


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_shows_its_live_figure(page, address, lesson):
    name, text = LESSONS[lesson]
    page.goto(f"{address}/lessons/{lesson}.html")
    place = page.locator(".live[data-figure]")
    expect(place).to_have_count(1)
    place.scroll_into_view_if_needed()
    figure = place.get_by_role("group", name=name)
    says(figure, text)
    expect(place.locator("figure img")).to_have_count(0)
    figure.locator("input, select").first.focus()
    expect(figure.locator("input, select").first).to_be_focused()
