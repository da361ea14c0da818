"""The wheel carries what the lessons read: in a fresh environment, from any folder and without network, they run.

    pytest -m slow tests/slow/test_wheel.py -s

Needs no network itself: the wheel is built with the installed hatchling; torch and the rest come from the running environment,
by a path entry, which does not lead to this checkout.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("0[1-5]_*.ipynb"))

# Of the wheel's environment: whoever asks for the network is refused and written down. Imported when its Python starts.
OFFLINE = """
import os, sys

def offline(event, arguments):
    if event == "socket.getaddrinfo" or event == "socket.connect" and isinstance(arguments[1], tuple):
        with open(os.path.join(sys.prefix, "asked"), "a") as file:
            file.write(f"{event} {arguments}\\n")
        raise OSError(f"the network was asked for: {event} {arguments}")

sys.addaudithook(offline)
"""
SETTINGS = """
[pytest]
addopts = --nbval --nbval-kernel-name=wheel --nbval-cell-timeout=1800 --nbval-sanitize-with=sanitize.cfg
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
    (packages / "others.pth").write_text("\n".join([*others, "import offline"]) + "\n")
    (packages / "offline.py").write_text(OFFLINE)
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


def test_lessons_from_the_wheel_have_their_stored_outputs_on_the_other_instruction_set(installed, tmp_path):
    """In a folder of their own, where `lib` is the wheel's; the weekly workflow runs all lessons on it."""
    names = (installed.package / "data_files" / "names.txt").as_posix()
    for path in LESSONS:  # lesson 02 tells its reader to set this path right
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8").replace("../data/names.txt", names))
    for path in (ROOT / "notebooks" / "conftest.py", ROOT / "tests" / "sanitize.cfg"):
        shutil.copy(path, tmp_path)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    environment = {**os.environ, "JUPYTER_PATH": str(installed.jupyter), "ATEN_CPU_CAPABILITY": "default"}
    environment.pop("PYTHONPATH", None)
    said = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".", cwd=tmp_path, env=environment)
    assert re.search(r"\d{3} passed", said) and not (installed.python.parents[1] / "asked").exists()
    where = run(installed.python, "-I", "-c", "import lib.data; print(lib.data.DATA)", cwd=tmp_path)
    assert Path(where) == installed.package / "data_files"


def test_the_network_is_refused(installed):
    code = "import socket\nsocket.create_connection(('127.0.0.1', 9))"
    done = subprocess.run([installed.python, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode and "the network was asked for" in done.stderr
    (installed.python.parents[1] / "asked").unlink()
