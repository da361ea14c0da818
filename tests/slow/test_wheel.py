"""The wheel carries what the lessons read: in a fresh environment, from any folder and without network, they run.

    pytest -m slow tests/slow/test_wheel.py -s

Needs no network itself: the wheel is built with the installed hatchling; torch and the rest come from the running environment,
by a path entry, which does not lead to this checkout.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("0[1-5]_*.ipynb"))

FIRST_CELL = """
import sys

sys.requests = []

def offline(event, arguments):
    if event == "socket.getaddrinfo" or event == "socket.connect" and isinstance(arguments[1], tuple):
        sys.requests.append(f"{event} {arguments}")
        raise OSError(f"the network was asked for: {sys.requests[-1]}")

sys.addaudithook(offline)
"""
LAST_CELL = """
import json
import lib.data
modules = [module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "lib"]
print(json.dumps([sys.requests, str(lib.data.DATA), modules]))
"""


class Installed(NamedTuple):
    wheel: Path
    python: Path
    jupyter: Path  # a folder with the kernel `wheel`, which is that Python
    package: Path


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{words}:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, built from the checkout, in an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
    packages = Path(run(python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    # Of the running environment the folders of packages only: path entries inside them, such as this checkout's, are not read.
    others = [path for path in sys.path if Path(path).name == Path(sysconfig.get_path("purelib")).name]
    (packages / "others.pth").write_text("\n".join(others) + "\n")
    command = [str(python), "-I", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = folder / "jupyter" / "kernels" / "wheel" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": command, "display_name": "wheel", "language": "python"}))
    print(f"\n{wheel.name}: {wheel.stat().st_size:,} bytes")
    return Installed(wheel, python, folder / "jupyter", packages / "lib")


def test_the_wheel_carries_every_file_of_data_and_of_lib(installed):
    listing = run("git", "ls-files", "data", "lib", "classroom", cwd=ROOT).splitlines()
    scripts = {name for name in listing if name.startswith("data/") and name.endswith(".py")}
    expected = {name.replace("data/", "lib/data_files/", 1) if name.startswith("data/") else name for name in listing}
    expected -= {name.replace("data/", "lib/data_files/", 1) for name in scripts}
    with zipfile.ZipFile(installed.wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert expected == carried and len(scripts) > 5
    assert installed.wheel.stat().st_size < 3_000_000


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lessons_run_from_the_wheel(path, installed, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(installed.jupyter))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    copy = Path(shutil.copy(path, tmp_path))
    names = (installed.package / "data_files" / "names.txt").as_posix()
    # Lesson 02 tells its reader to set this path right.
    notebook = nbformat.reads(copy.read_text(encoding="utf-8").replace("../data/names.txt", names), as_version=4)
    new = nbformat.v4.new_code_cell
    notebook.cells = [new(FIRST_CELL), *notebook.cells, new(LAST_CELL)]
    begin = time.perf_counter()
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=1_800, kernel_name="wheel", resources=resources).execute()
    print(f"{path.stem}: {time.perf_counter() - begin:.1f} s")
    requests, data, modules = json.loads(notebook.cells[-1].outputs[0].text)
    assert requests == [] and Path(data) == installed.package / "data_files"
    assert len(modules) > 5 and all(installed.package in Path(module).parents for module in modules), modules


def test_the_first_cell_refuses_the_network(installed):
    code = FIRST_CELL + "import socket\nsocket.create_connection(('127.0.0.1', 9))"
    done = subprocess.run([installed.python, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode and "the network was asked for" in done.stderr
