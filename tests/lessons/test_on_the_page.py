"""What lessons print to be copied works without lib: 02's net with 04's loop as a program, 08's WaveNet as a class."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lib.wavenet import WaveNet

ROOT = Path(__file__).resolve().parents[2]
TAG = "on-the-page"
STEPS = 120


def tagged(number):
    """The code of a lesson that is meant to be copied, cell by cell."""
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if TAG in cell["metadata"].get("tags", [])]


def script():
    """All tagged cells of 02 and 04 in their order, with the list beside the file and with few steps."""
    code = "\n\n".join(tagged("02") + tagged("04"))
    code, paths = re.subn(r"""(["'])[^"'\n]*names\.txt\1""", '"names.txt"', code)
    code, counts = re.subn(r"^steps = [\d_]+", f"steps = {STEPS}", code, flags=re.MULTILINE)
    assert (paths, counts) == (1, 1), (
        f"expected one path of names.txt and one line 'steps = ...', got {paths}, {counts}"
    )
    return code


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the script prints in a folder that has names.txt and nothing else, where lib can't be imported."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(ROOT / "data" / "names.txt", folder)
    without_lib = "import sys; sys.modules.update(dict.fromkeys(['lib', 'classroom', 'IPython']))\n"
    (folder / "page.py").write_text(without_lib + script(), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-I", "page.py"], cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=600
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_both_lessons_have_cells_to_copy():
    assert tagged("02") and len(tagged("04")) == 2


def test_nothing_of_lib_is_on_the_page():
    assert not re.search(r"^\s*(from|import) +(lib|classroom)\b", script(), re.MULTILINE)


def test_the_loss_falls(printed):
    losses = [float(loss) for loss in re.findall(r"^step \d+, loss (\d\.\d+)$", printed, re.MULTILINE)]
    assert len(losses) == 4 and losses == sorted(losses, reverse=True)  # steps 0, 10, 50 and the last
    assert 3.2 < losses[0] < 3.6 and losses[-1] < 2.5


def test_eight_names_are_written_at_each_moment(printed):
    rows = [names for _, names in re.findall(r"^(step .+)\n(.+)$", printed, re.MULTILINE)]
    assert len(rows) == 4 and all(re.fullmatch(r"[a-z ]+", row) for row in rows)
    last = rows[-1].split()
    assert 7 <= len(last) <= 8 and all(2 * len(re.findall("[aeiouy]", name)) >= len(name) // 2 for name in last)


def test_the_wavenet_on_the_page_needs_only_torch_and_computes_what_libs_does():
    page = {}
    exec("import torch\nfrom torch import nn\n\n" + "\n\n".join(tagged("08")), page)
    torch.manual_seed(0)
    own, ids = page["WaveNet"](V=5, C=6, dilations=(1, 3)), torch.randint(5, (2, 9))
    net = WaveNet(5, 6, (1, 3))
    left_over = net.load_state_dict(own.state_dict(), strict=False)
    assert left_over.missing_keys == []
    assert left_over.unexpected_keys == ["layers.1.residual.weight", "layers.1.residual.bias"]
    torch.testing.assert_close(own(ids), net(ids))
