"""Open every notebook in JupyterLab in a real browser, run all its cells, and look at what a reader sees; do assignments as students do.

    python tests/browser.py [--screenshots FOLDER] [-k NAME]

Takes half a minute a notebook, so that plain `pytest` does not collect it. Needs the extra `browser` and an installed
Chromium or Chrome. The notebooks are copied to a temporary folder first; the repository's own stay as they are.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "grading")]

from tests.classroom.catalogue.catalogue import PLAIN  # noqa: E402
from tests.slow.grading import made  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ASSIGNMENTS = sorted((ROOT / "notebooks" / "assignments" / "source").glob("*/*.ipynb"))
ACCEPTED = "I accept that student code runs as me"  # these answers are our own
SCREENSHOTS = "BROWSER_SCREENSHOTS"  # how the folder comes to the processes that pytest starts
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    # Cells out of sight are not drawn otherwise, and their pictures could not be looked at.
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}
WIDGET = "application/vnd.jupyter.widget-view+json"

# Resolves when the kernel has answered an empty request after the last cell: the command itself resolves early after an error.
RUN_ALL = """async () => {
    const { commands, shell } = window.jupyterapp;
    const { context, sessionContext } = shell.currentWidget;
    await sessionContext.ready;
    await commands.execute('notebook:run-all-cells');
    await sessionContext.session.kernel.requestExecute({ code: '' }).done;
    return context.model.toJSON();
}"""
# In outputs and in the prose; a browser gives no natural width to a picture that it could not load.
PICTURES = """() => [...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output img, .jp-Notebook .jp-MarkdownOutput img')]
    .map((img) => ({ alt: img.alt, width: img.naturalWidth }))"""
# What a reader sees below a cell: its text and its pictures.
OUTPUTS = """field => {
    const area = field.closest('.jp-Cell').querySelector('.jp-Cell-outputArea');
    return [area.innerText, ...[...area.querySelectorAll('img')].map((img) => img.src)].join(' ');
}"""


class Lab(NamedTuple):
    """A running JupyterLab, and the folder that it shows."""

    address: str
    token: str
    root: Path


def wait_for(what, seconds, condition):
    """Ask until the condition gives something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    raise TimeoutError(f"{what}: not within {seconds} s")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab over a copy of the notebooks, with no settings of the person who runs this."""
    assert NOTEBOOKS, "there are no notebooks"
    folder = tmp_path_factory.mktemp("lab")
    ignore = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    shutil.copytree(ROOT / "notebooks", folder / "root" / "notebooks", ignore=ignore)
    for name, text in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    environment = {**os.environ, "JUPYTER_TOKEN": token, "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    environment |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"), "IPYTHONDIR": str(folder / "ipython")}
    environment |= {f"JUPYTER_{what}_DIR": str(folder / what.lower()) for what in ("CONFIG", "RUNTIME", "DATA")}
    environment.setdefault("OMP_NUM_THREADS", "1")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [
        "--ServerApp.port_retries=0",
        "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={folder / 'root'}",
    ]
    log = folder / "jupyterlab.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, cwd=folder
        )
    address = f"http://127.0.0.1:{port}"

    def answers():
        assert server.poll() is None, f"JupyterLab ended:\n{log.read_text()}"
        try:
            return urllib.request.urlopen(f"{address}/api/status?token={token}", timeout=5).status == 200
        except OSError:
            return False

    try:
        wait_for("JupyterLab answers", 60, answers)
        yield Lab(address, token, folder / "root")
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium, without a window."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"none of {', '.join(BROWSERS)} is installed"
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def page(lab, browser, request):
    """A page of its own for every notebook; saved as a picture at the end, if asked for."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    yield page
    save(page, request)
    # A kernel takes memory until it is told to go.
    page.evaluate("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.shutdown()")
    page.close()


def save(page, request, name="", place=None):
    """A screenshot, if asked for, with the place at the top of the page."""
    if SCREENSHOTS in os.environ:
        folder = Path(os.environ[SCREENSHOTS])
        folder.mkdir(parents=True, exist_ok=True)
        if place:
            place.evaluate("element => element.scrollIntoView({ block: 'start' })")
        page.screenshot(path=folder / f"{request.node.callspec.id}{name}.png")


def pictures_are_described(page):
    """Every picture was loaded and has a description; returns how many there are."""
    loaded = "() => [...document.querySelectorAll('.jp-Notebook img')].every((img) => img.complete)"
    page.wait_for_function(loaded)
    found = page.evaluate(PICTURES)
    assert [picture for picture in found if picture["width"] == 0] == [], "pictures that were not loaded"
    assert [picture for picture in found if len(picture["alt"]) < 40] == [], "pictures without a description"
    return len(found)


def opened(page, lab, path, cells):
    """Open a notebook and wait until all its cells are there; path is below the folder of notebooks."""
    page.goto(f"{lab.address}/lab/tree/notebooks/{path}?token={lab.token}&reset")
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context?.isReady", timeout=120_000)
    page.locator(".jp-Notebook .jp-Cell").nth(cells - 1).wait_for(state="attached")


def run_all(page):
    """Run all cells; the notebook as it is then."""
    page.set_default_timeout(300_000)
    model = page.evaluate(RUN_ALL)
    page.set_default_timeout(60_000)
    return model


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, lab, page, request):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    figures = sum(
        "<img" in str(output.get("data", {}).get("text/html", "")) for cell in code for output in cell.outputs
    )
    opened(page, lab, path.name, len(cells))
    assert pictures_are_described(page) >= figures, "stored figures that are not seen before anything is run"

    model = run_all(page)
    run = [cell for cell in model["cells"] if cell["cell_type"] == "code"]
    errors = [
        f"[{cell['execution_count']}] {output['ename']}: {output['evalue']}"
        for cell in run
        for output in cell["outputs"]
        if output["output_type"] == "error" and "raises-exception" not in cell["metadata"].get("tags", [])
    ]
    assert errors == []
    assert [cell["execution_count"] for cell in run] == [*range(1, len(run) + 1)]
    assert pictures_are_described(page) >= figures, "figures that are not seen after a run"

    widgets = sum(WIDGET in output.get("data", {}) for cell in run for output in cell["outputs"])
    if widgets:
        page.locator(".jp-OutputArea-output .jupyter-widgets").first.wait_for()
        drawn = page.locator(
            ".jp-OutputArea-output.jupyter-widgets, .jp-OutputArea-output:has(> .jupyter-widgets)"
        ).count()
        assert drawn >= widgets, f"{drawn} of {widgets} widgets were drawn"
        assert page.get_by_text("Error displaying widget").count() == 0
    text = page.locator(".widget-text input[type=text]")
    for number in range(text.count()):
        type_words(page, text.nth(number))
        save(page, request, f"-widget{number + 1}", text.nth(number))


def type_words(page, field):
    """What the cell shows changes with what a reader types, nothing in it fails, and the same word shows the same again.

    JupyterLab has a widget's messages answered by a second thread of the kernel, and a figure that pyplot knows of can be
    drawn by both threads at once: half of it is shown then, and another half the next time.
    """
    shown = [(word, typed(page, field, word)) for word in 3 * ("matilda", "bo")]
    assert not any("Traceback" in outputs for _, outputs in shown)
    different = len(set(shown))
    assert different == 2, f"two words were typed three times each, and {different} different things were shown"
    pictures_are_described(page)


def typed(page, field, word):
    """What the cell shows after the word was typed, once it has come to rest."""
    before = field.evaluate(OUTPUTS)
    field.fill(word)
    field.press("Enter")
    wait_for("the output changes after typing", 30, lambda: field.evaluate(OUTPUTS) != before)
    seen = []

    def at_rest():
        seen.append(field.evaluate(OUTPUTS))
        return len(seen) > 7 and len(set(seen[-7:])) == 1

    wait_for("the output comes to rest", 30, at_rest)
    return seen[-1]


@pytest.mark.parametrize("source", ASSIGNMENTS, ids=lambda path: path.stem)
def test_assignment(source, lab, page, request, tmp_path):
    """Open what is given out, run it, answer once wrong and then right, save it, hand it in."""
    assigned = made.Assigned(source)
    name, tests = assigned.wanted.name, assigned.wanted.tests
    places = {made.name_of(cell): number for number, cell in enumerate(assigned.release["cells"])}
    path = lab.root / "notebooks" / "assignments" / "release" / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(assigned.release), encoding="utf-8")
    opened(page, lab, f"assignments/release/{name}/{name}.ipynb", len(assigned.release["cells"]))

    said = checks_say(run_all(page), tests)
    assert [text for text in said.values() if not text.startswith("Not done yet.")] == []

    first = next(name for name in tests if name != "predictions")
    named = [a for a in assigned.answers if a.exercise == first and a.mistake and not a.mistake.startswith(PLAIN)]
    wrong = next(answer for answer in named if not answer.hidden)
    answer(page, places[f"{first}-answer"], wrong.cell())
    assert wrong.mistake.lower() in checks_say(run_all(page), tests)[first].lower()
    save(page, request, "-wrong", page.locator(".jp-Notebook .jp-Cell").nth(places[first]))

    given = {exercise: assigned.by_mistake(exercise, "")[0] for exercise in tests}
    for exercise, text in {"student": "student = 'Ada Lovelace'", **given}.items():
        if f"{exercise}-answer" in places:
            answer(page, places[f"{exercise}-answer"], text)
    for exercise in assigned.wanted.manual:
        page.locator(".jp-Notebook .jp-Cell").nth(places[exercise]).locator(".jp-MarkdownOutput").dblclick()
        answer(page, places[exercise], "An id is a label, and a label is no quantity.")
    said = checks_say(run_all(page), tests)
    assert [text for text in said.values() if not text.startswith("Right")] == []
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

    made.Made("ada", 0, data=path.read_bytes()).hand_in(tmp_path / "submitted", name)
    words = [sys.executable, str(made.COURSE / "grade.py"), assigned.short, str(tmp_path / "submitted")]
    words += ["--out", str(tmp_path / "graded"), "--seed", "a test", "--without-sandbox", ACCEPTED]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ada: {sum(tests.values()):g} of {sum(tests.values()):g}" in done.stdout
    assert "ada lovelace" in (tmp_path / "graded" / "grades.csv").read_text()


def answer(page, number, text):
    """Click into a cell and put an answer in the place of what is there."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(number)
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    source = page.evaluate(
        "number => window.jupyterapp.shell.currentWidget.context.model.cells.get(number).sharedModel.source", number
    )
    assert source == text, "JupyterLab has another text in the cell than was typed"


def checks_say(model, tests):
    """What the check cell of each exercise prints; no cell may stop the run with an error."""
    outputs = [output for cell in model["cells"] for output in cell.get("outputs", [])]
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    cells = {made.name_of(cell): cell for cell in model["cells"]}
    outputs = {name: cells[name]["outputs"] for name in tests}
    return {name: "".join("".join(output.get("text", "")) for output in some) for name, some in outputs.items()}


if __name__ == "__main__":
    words = sys.argv[1:]
    if "--screenshots" in words:
        place = words.index("--screenshots")
        os.environ[SCREENSHOTS] = str(Path(words[place + 1]).resolve())
        del words[place : place + 2]
    os.chdir(ROOT)
    # pyproject.toml's options are for the tests that `pytest` collects: nbval, types checked in every call.
    options = ["-o", "addopts=", "-o", "empty_parameter_set_mark=fail_at_collect", "--numprocesses=2", "-v"]
    sys.exit(pytest.main([__file__, *options, *words]))
