"""Binder's and Colab's files and cells: they install what requirements.txt names, and nothing where lib is there."""

import re
import tomllib
from pathlib import Path

import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def lines(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_binder_installs_the_package_and_what_lessons_import_in_the_tested_versions():
    index, package, *pins = lines(".binder/requirements.txt")
    start = (ROOT / "start.py").read_text(encoding="utf-8")
    assert f'CPU_INDEX = "{index.removeprefix("--extra-index-url ")}"' in start
    assert package == "-e ." and set(pins) <= set(lines("requirements.txt"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [pin.split("==")[0] for pin in pins] == [need.split(">=")[0] for need in project["dependencies"]]
    (runtime,) = lines(".binder/runtime.txt")
    assert f'requires-python = ">={runtime.removeprefix("python-")}"' in (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("there", [True, False])
def test_the_cell_for_colab_installs_only_where_lib_is_missing(there, monkeypatch):
    (cell,) = re.findall(r"^<!-- cell: install -->\n```text\n(.+?)```$", README, re.MULTILINE | re.DOTALL)
    installed = []

    class Shell:
        def run_line_magic(self, name, words):
            installed.append(f"{name} {words}")

    if not there:
        monkeypatch.setitem(__import__("sys").modules, "lib", None)
    exec(TransformerManager().transform_cell(cell), {"get_ipython": Shell})
    assert installed == ["pip install -q git+https://github.com/OWNER/REPOSITORY"] * (not there)
