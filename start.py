"""Set up the course: open it, run its tests, or build its pages. Needs Python 3.11 or newer and nothing else.

    python3 start.py          install into .venv (the first time), then open lesson 01 in JupyterLab
    python3 start.py test     install into .venv (the first time), then run the tests; more words go to pytest
    python3 start.py site     install (the first time), then build the course as web pages into build/site

On Windows: py start.py
"""

import hashlib
import os
import platform
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
STAMP = os.path.join(VENV, "installed")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def read(name):
    with open(os.path.join(ROOT, name), "rb") as file:
        return file.read()


def check_python(version=sys.version_info, system=None, machine=None):
    """Exit with a message where the course cannot run."""
    system, machine = system or platform.system(), machine or platform.machine()
    if tuple(version[:2]) < (3, 11):
        sys.exit(
            "Python 3.11 or newer is needed; this is Python %d.%d (%s). Install a newer one and start this file with it, "
            "for example: python3.12 start.py" % (version[0], version[1], sys.executable)
        )
    if (system, machine.lower()) in (("Darwin", "x86_64"), ("Windows", "arm64")):
        sys.exit(
            "PyTorch has no build for %s on %s processors. Use another machine, or Linux in a virtual machine."
            % ({"Darwin": "macOS"}.get(system, system), {"x86_64": "Intel"}.get(machine, "ARM"))
        )


def run(words):
    """The exit code of a command. Ctrl+C reaches it too: it ends as it likes, and this program after it."""
    process = subprocess.Popen(words)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass


def pip(*words):
    return run([PYTHON, "-m", "pip", "install", "--disable-pip-version-check"] + list(words))


def install():
    """Make .venv and install what requirements.txt names, unless that was done before."""
    wanted = hashlib.sha256(read("requirements.txt") + read("pyproject.toml") + ROOT.encode("utf-8")).hexdigest()
    if os.path.exists(PYTHON) and os.path.exists(STAMP):
        with open(STAMP) as file:
            if file.read() == wanted:
                return
    print("Installing into .venv: about 2 GB, some minutes the first time.", flush=True)
    if os.path.exists(STAMP):
        os.remove(STAMP)  # so that an installation that is cut off is done again
    # --clear where its Python is gone, as after an upgrade.
    clear = ["--clear"] if os.path.lexists(PYTHON) and not os.path.exists(PYTHON) else []
    if run([sys.executable, "-m", "venv"] + clear + [VENV]):
        sys.exit(
            "The virtual environment could not be made. If the message above names ensurepip, install it: "
            "on Debian and Ubuntu, sudo apt install python3-venv"
        )
    torch = next(line for line in read("requirements.txt").decode("utf-8").split() if line.startswith("torch=="))
    # Of torch itself only, what it needs comes below. The default index gives Linux the build for NVIDIA cards, which is several gigabytes larger.
    if platform.system() == "Linux" and pip(torch, "--no-deps", "--retries", "1", "--index-url", CPU_INDEX):
        print("PyTorch's index of CPU builds was not reached; the default build is installed, several GB.", flush=True)
    if pip("-r", "requirements.txt"):
        sys.exit("The installation failed; pip's message is above. Nothing is lost: run the same command again.")
    with open(STAMP, "w") as file:
        file.write(wanted)


def install_site():
    """The exit code of installing what builds the site, unless it is there."""
    there = "from importlib.util import find_spec; exit(not (find_spec('myst_nb') and find_spec('sphinx_book_theme') and find_spec('latex2mathml')))"
    return run([PYTHON, "-c", there]) and pip("-q", "-e", ".[site]")


def main(words):
    check_python()
    os.chdir(ROOT)  # pip resolves `-e .` against the working directory
    if words and words[0] in ("-h", "--help"):
        sys.exit(__doc__)
    if words and words[0] not in ("test", "site"):
        sys.exit(
            "start.py takes no word (open the lessons), `test` (run the tests) or `site` (build the pages); got %r."
            % words[0]
        )
    install()
    if words and words[0] == "site":
        return install_site() or run([PYTHON, os.path.join("site", "build.py")] + words[1:])
    if words:
        return run([PYTHON, "-m", "pytest"] + words[1:])
    print("JupyterLab opens in the browser. To stop it, press Ctrl+C here, twice.", flush=True)
    lesson = os.path.join("notebooks", "01_embedding.ipynb")
    return run([PYTHON, "-m", "jupyterlab", "--notebook-dir=.", lesson])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
