"""Notebooks in JupyterLab in a real browser: what a reader sees before and after a run, and assignments as students do them.

    pytest -m browser tests/slow/test_browser.py --screenshot on

Runs two lessons, opens the others and does two assignments; BROWSER=all runs and does all of them. Needs the extra
`browser` and an installed Chromium or Chrome. The notebooks are copied to a temporary folder first.
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

from classroom.checks import find
from tests.axe import Theirs, violations
from tests.classroom.factories import Assigned, name_of

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ASSIGNMENTS = sorted((ROOT / "notebooks" / "assignments" / "source").glob("*/*.ipynb"))
RUN = ("01", "05")  # 05 has widgets
DONE = ("a01", "a05")
if os.environ.get("BROWSER") == "all":
    RUN, DONE = ([path.stem for path in paths] for paths in (NOTEBOOKS, ASSIGNMENTS))
PATIENCE = 600  # seconds; a ceiling for a busy machine, nothing is expected to take that long
ACCEPTED = "I accept that student code runs as me"  # these answers are our own
SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    # Otherwise cells out of sight are not drawn, and their pictures could not be checked.
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}
WIDGET = "application/vnd.jupyter.widget-view+json"
# What axe-core finds in JupyterLab's own parts of the page, not in the lessons.
JUPYTERLABS = (
    Theirs(
        "aria-allowed-attr", "jp-button", "buttons of its toolbars: aria-pressed on buttons that do not stay pressed"
    ),
    Theirs("aria-input-field-name", ".cm-content", "the editor of a code cell has no name"),
    Theirs(
        "aria-required-children",
        ".jp-WindowedPanel-viewport",
        "the list of cells is a feed, whose children are no articles",
    ),
    Theirs("button-name", ".jp-collapseHeadingButton", "the arrow that folds a heading's section has no name"),
)

OPEN = """async (path) => {
    const { commands, shell } = window.jupyterapp;
    await commands.execute('docmanager:open', { path });
    await shell.currentWidget.context.ready;
}"""
# Without its question whether to save.
CLOSE = """async () => {
    const { commands, shell } = window.jupyterapp ?? {};
    if (!shell?.currentWidget?.context) return;
    await shell.currentWidget.sessionContext.shutdown();
    shell.currentWidget.context.model.dirty = false;
    await commands.execute('application:close-all');
}"""
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


class Lab(NamedTuple):
    """A running JupyterLab, and the folder that it shows."""

    address: str
    token: str
    root: Path


def wait_for(what, condition, seconds=PATIENCE):
    """Ask until the condition returns something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.2)
    raise TimeoutError(f"{what}: not within {seconds} s")


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "viewport": {"width": 1280, "height": 1000}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab over a copy of the notebooks, without personal settings."""
    folder = tmp_path_factory.mktemp("lab")
    ignore = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    shutil.copytree(ROOT / "notebooks", folder / "root" / "notebooks", ignore=ignore)
    (folder / "root" / "data").mkdir()
    shutil.copy(ROOT / "data" / "names.txt", folder / "root" / "data")  # lesson 02 reads this file itself
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
    command += ["--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True"]
    command += [f"--ServerApp.root_dir={folder / 'root'}"]
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
        wait_for("JupyterLab answers", answers)
        yield Lab(address, token, folder / "root")
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture(scope="module")
def lab_page(browser, browser_context_args):
    """One page for all notebooks of a process: to load JupyterLab takes longer than to open a notebook in it."""
    page = browser.new_context(**browser_context_args).new_page()
    page.set_default_timeout(1000 * PATIENCE)
    yield page
    page.context.close()


@pytest.fixture
def opened(lab_page, lab, request, pytestconfig):
    """Opens a notebook, by its path below the folder of notebooks, and waits until its cells are there; closes it."""
    page = lab_page

    def open_notebook(path, cells):
        if page.url == "about:blank":
            page.goto(f"{lab.address}/lab?token={lab.token}&reset")
            page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
        page.evaluate(OPEN, f"notebooks/{path}")
        page.locator(".jp-Notebook .jp-Cell").nth(cells - 1).wait_for(state="attached")
        return page

    yield open_notebook
    failed = request.node.rep_call.failed
    if failed:
        page.screenshot(path=Path(pytestconfig.getoption("--output")) / f"{request.node.name}.png")
    page.evaluate(CLOSE)
    if failed:
        page.goto("about:blank")


@pytest.fixture(scope="module")
def occurred():
    """The names of the notebooks that axe-core has been through, and which of JupyterLab's violations it found."""
    return [], set()


def check_axe(page):
    """No violation of ours, also in what folds hide; returns those of JupyterLab."""
    page.evaluate("() => document.querySelectorAll('.jp-Notebook details').forEach((fold) => { fold.open = true; })")
    ours, known = violations(page, theirs=JUPYTERLABS)
    if ours:  # a busy JupyterLab may still be giving its cells their roles
        page.wait_for_timeout(10_000)
        ours, known = violations(page, theirs=JUPYTERLABS)
    assert ours == []
    return known


def check_pictures(page):
    """Every picture is loaded and has a description; returns how many there are."""
    page.wait_for_function("() => [...document.querySelectorAll('.jp-Notebook img')].every((img) => img.complete)")
    pictures = page.evaluate(PICTURES)
    assert [picture for picture in pictures if picture["width"] == 0] == [], "pictures that were not loaded"
    assert [picture for picture in pictures if len(picture["alt"]) < 40] == [], "pictures without a description"
    return len(pictures)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, opened, occurred):
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    figures = sum("<img" in str(output.get("data", {}).get("text/html", "")) for output in outputs)
    page = opened(path.name, len(cells))
    assert check_pictures(page) >= figures, "stored figures that are not shown before a run"
    occurred[0].append(path.stem)
    occurred[1].update(check_axe(page))
    if not path.stem.startswith(tuple(RUN)):
        return

    run = [cell for cell in page.evaluate(RUN_ALL)["cells"] if cell["cell_type"] == "code"]
    errors = [
        f"[{cell['execution_count']}] {output['ename']}: {output['evalue']}"
        for cell in run
        for output in cell["outputs"]
        if output["output_type"] == "error" and "raises-exception" not in cell["metadata"].get("tags", [])
    ]
    assert errors == []
    assert [cell["execution_count"] for cell in run] == [*range(1, len(run) + 1)]
    widgets = sum(WIDGET in output.get("data", {}) for cell in run for output in cell["outputs"])
    assert check_pictures(page) >= figures - widgets, "figures that are not shown after a run"

    drawn = page.locator(".jp-OutputArea-output:is(.jupyter-widgets, :has(> .jupyter-widgets, > .live-figure))")
    if widgets:
        drawn.nth(widgets - 1).wait_for()
        assert page.get_by_text("Error displaying widget").count() == 0
    for figure in page.locator(".live-figure").all():
        check_live(figure)
    check_axe(page)


def test_what_is_listed_as_jupyterlabs_occurs(occurred):
    names, known = occurred
    if len(names) < len(NOTEBOOKS):
        pytest.skip("not every notebook was opened")
    assert set(JUPYTERLABS) == known, "mended in JupyterLab: take it off the list"


def check_live(figure):
    """A live figure answers a key in its first control, which JupyterLab leaves to it, and says so."""
    says = figure.get_by_role("status").first
    says.filter(has_text=" ").wait_for()
    before = says.inner_text()
    control = figure.locator("input, select").first
    control.press("ArrowDown" if control.evaluate("(control) => control.tagName") == "SELECT" else "a")
    wait_for("the figure says something else", lambda: says.inner_text() != before)


class TestStudents:
    """A class, so that another process can run it beside the lessons."""

    @pytest.mark.parametrize("source", ASSIGNMENTS, ids=lambda path: path.stem)
    def test_assignment(self, source, lab, opened, tmp_path):
        """Open the release, run it, answer first wrong and then right, save, submit, grade."""
        if not source.stem.startswith(tuple(DONE)):
            pytest.skip("BROWSER=all does it")
        assigned = Assigned(source)
        name, tests, short = assigned.assignment.name, assigned.assignment.tests, assigned.short
        places = {name_of(cell): number for number, cell in enumerate(assigned.release["cells"])}
        path = lab.root / "notebooks" / "assignments" / "release" / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(assigned.release), encoding="utf-8")
        page = opened(f"assignments/release/{name}/{name}.ipynb", len(assigned.release["cells"]))
        messages = check_messages(page.evaluate(RUN_ALL), tests)
        assert [text for text in messages.values() if not text.startswith("Not done yet.")] == []

        first = next(name for name in tests if name != "predictions")
        named = {mistake.name for mistake in find(short, first).mistakes}
        wrong = next(a for a in assigned.answers if (a.exercise, a.hidden) == (first, False) and a.mistake in named)
        type_answer(page, places[f"{first}-answer"], wrong.cell())
        assert wrong.mistake.lower() in check_messages(page.evaluate(RUN_ALL), tests)[first].lower()

        right = {exercise: assigned.by_mistake(exercise, "")[0] for exercise in tests}
        for exercise, text in {"student": "student = 'Ada Lovelace'", **right}.items():
            if f"{exercise}-answer" in places:
                type_answer(page, places[f"{exercise}-answer"], text)
        for exercise in assigned.assignment.manual:
            page.locator(".jp-Notebook .jp-Cell").nth(places[exercise]).locator(".jp-MarkdownOutput").dblclick()
            type_answer(page, places[exercise], "An id is a label, and a label is no quantity.")
        messages = check_messages(page.evaluate(RUN_ALL), tests)
        assert [text for text in messages.values() if not text.startswith("Right")] == []
        page.keyboard.press("Control+s")
        page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

        submitted = tmp_path / "submitted" / "ada" / name / path.name
        submitted.parent.mkdir(parents=True)
        shutil.copy(path, submitted)
        words = [sys.executable, "-m", "classroom.grading", short, str(tmp_path / "submitted")]
        words += ["--out", str(tmp_path / "graded"), "--seed", "a test", "--without-sandbox", ACCEPTED]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"ada: {sum(tests.values()):g} of {sum(tests.values()):g}" in done.stdout
        assert "ada lovelace" in (tmp_path / "graded" / "grades.csv").read_text()


def type_answer(page, number, text):
    """Click into a cell and replace its text."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(number)
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    read = "number => window.jupyterapp.shell.currentWidget.context.model.cells.get(number).sharedModel.source"
    assert page.evaluate(read, number) == text, "JupyterLab has another text in the cell than was typed"


def check_messages(model, tests):
    """What the check cell of each exercise prints; no cell may stop the run with an error."""
    outputs = [output for cell in model["cells"] for output in cell.get("outputs", [])]
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    cells = {name_of(cell): cell for cell in model["cells"]}
    return {name: "".join("".join(output.get("text", "")) for output in cells[name]["outputs"]) for name in tests}
