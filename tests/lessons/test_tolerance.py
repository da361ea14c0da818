"""The notebooks' tolerance: numbers may differ as far as their cell says, and nothing else may."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
STORED = "loss 1.980 after 1,324 steps\n"


def cell(printed: str, stored: str = STORED, **metadata):
    """A cell that prints one text, with another one stored."""
    made = new_code_cell(f"print({printed.rstrip()!r})", metadata=metadata, execution_count=1)
    made.outputs = [new_output("stream", name="stdout", text=stored)]
    return made


def shown(stored: str) -> object:
    """A cell that shows a widget with a text beside it; the text alone is stored."""
    bundle = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "a still figure"}
    made = new_code_cell(f"from IPython.display import display\ndisplay({bundle}, raw=True)", execution_count=1)
    made.outputs = [new_output("display_data", {"text/plain": stored})]
    return made


CASES = {
    "inside": (cell("loss 1.989 after 1,324 steps", tolerance=0.01), ""),
    "inside, relative": (cell("loss 1.995 after 1,330 steps", tolerance="1%"), ""),
    "minus and hyphen": (cell("gap -0.031", "gap −0.030\n", tolerance=0.01), ""),
    "outside": (cell("loss 1.991 after 1,324 steps", tolerance=0.01), "stored 1.980, got 1.991; the cell's tolerance is 0.01"),
    "outside, relative": (cell("loss 1.980 after 1,340 steps", tolerance="1%"), "stored 1,324, got 1,340"),
    "another sign": (cell("gap 0.004", "gap -0.004\n", tolerance=0.005), "got 0.004"),
    "nan": (cell("loss nan after 1,324 steps", tolerance=9), "loss nan"),
    "another word": (cell("loss 1.980 after 1,324 batches", tolerance=9), "batches"),
    "one number more": (cell("loss 1.980 2 after 1,324 steps", tolerance=9), "1.980 2"),
    "one number fewer": (cell("loss after 1,324 steps", tolerance=9), "loss after"),
    "a widget": (shown("a still figure"), ""),
    "a widget with another still": (shown("another"), "a still figure"),
    "no tolerance": (cell("loss 1.981 after 1,324 steps"), "1.981"),
}  # fmt: skip


SLOW = "import time\ntry:\n    while True:\n        time.sleep(1)\nexcept KeyboardInterrupt:\n    print('stopped')"


def validate(folder, *options: str) -> str:
    """What pytest prints of the notebooks in a folder, under this project's conftest."""
    shutil.copy(NOTEBOOKS / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = classroom\n")
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--nbval",
        "--nbval-current-env",
        "--color=no",
        "-rN",
    ]
    return subprocess.run([*words, *options], cwd=folder, capture_output=True, text=True).stdout


def test_an_interrupted_cell_took_too_long_and_the_next_ones_are_compared(tmp_path):
    """Also where the cell makes a result of the interrupt, as `train` does, and where its output is not compared."""
    for name, tags in {"compared": [], "ignored": ["nbval-ignore-output"]}.items():
        slow = new_code_cell(SLOW, metadata={"tags": tags}, execution_count=1)
        slow.outputs = [new_output("stream", name="stdout", text="trained\n")]
        cells = [slow, cell("3", "3\n"), cell("3", "4\n")]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    printed = validate(tmp_path, "--nbval-cell-timeout=5")
    assert printed.count("Timeout: the cell was interrupted after 5 seconds") == 2
    assert printed.count("Cell outputs differ") == 2 and "4 failed, 2 passed" in printed


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> dict[str, str]:
    """What nbval says of each case, under this project's conftest."""
    folder = tmp_path_factory.mktemp("notebooks")
    nbformat.write(new_notebook(cells=[made for made, _ in CASES.values()]), folder / "cases.ipynb")
    printed = validate(folder)
    failures = dict(
        re.findall(r"^_+ cases.ipynb::Cell (\d+) _+$(.*?)(?=^_{9}|^={9})", printed, re.MULTILINE | re.DOTALL)
    )
    assert "cases.ipynb" in printed and len(failures) == sum(bool(said) for _, said in CASES.values()), printed
    return {case: failures.get(str(number), "") for number, case in enumerate(CASES)}


@pytest.mark.parametrize("case", CASES)
def test_numbers_may_differ_within_the_tolerance_and_words_may_not(case, report):
    said = CASES[case][1]
    assert bool(report[case]) == bool(said)
    assert said in report[case]
