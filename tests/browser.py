"""Open every notebook in JupyterLab in a real browser, run all its cells, and look at what a reader sees.

    python tests/browser.py [--screenshots FOLDER] [-k NAME]

Takes half a minute a notebook, so that plain `pytest` does not collect it. Needs the extra `browser` and an installed
Chromium or Chrome. The notebooks are copied to a temporary folder first; the repository's own stay as they are.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
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


class Options:
    """What pytest learns from this command's own line."""

    def pytest_addoption(self, parser):
        parser.addoption("--screenshots", type=Path, help="a folder to save what was seen in")


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
    """Address and token of a JupyterLab over a copy of the notebooks, with no settings of the person who runs this."""
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
        yield address, token
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
    folder = request.config.getoption("--screenshots", default=None)
    if folder:
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, lab, page, request):
    address, token = lab
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    figures = sum(
        "<img" in str(output.get("data", {}).get("text/html", "")) for cell in code for output in cell.outputs
    )
    page.goto(f"{address}/lab/tree/notebooks/{path.name}?token={token}&reset")
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context?.isReady", timeout=120_000)
    page.locator(".jp-Notebook .jp-Cell").nth(len(cells) - 1).wait_for(state="attached")
    assert pictures_are_described(page) >= figures, "stored figures that are not seen before anything is run"

    page.set_default_timeout(300_000)
    model = page.evaluate(RUN_ALL)
    page.set_default_timeout(60_000)
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


if __name__ == "__main__":
    os.chdir(ROOT)
    # pyproject.toml's options are for the tests that `pytest` collects: two processes, nbval, types checked in every call.
    sys.exit(
        pytest.main(
            [__file__, "-o", "addopts=", "-o", "empty_parameter_set_mark=fail_at_collect", "-v", *sys.argv[1:]],
            plugins=[Options()],
        )
    )
