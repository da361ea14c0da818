"""`train` in two processes under torchrun: the gradients of one, BatchNorm's catch, and a process that dies."""

import os
import subprocess
import sys

import pytest
import torch

from lib.checkpoints import load_checkpoint
from tests.slow import ddp_steps

pytestmark = pytest.mark.slow


def torchrun(what, folder, *options):
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *options]
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    subprocess.run(
        [*words, ddp_steps.__file__, what, str(folder)], cwd=root, check=True, env={**os.environ, "PYTHONPATH": root}
    )


@pytest.fixture(scope="module")
def equal(tmp_path_factory):
    """The folder in which two processes were equal, and then took the steps of a longer training."""
    folder = tmp_path_factory.mktemp("equal")
    torchrun("equal", folder)
    return folder


@pytest.fixture(scope="module")
def results(equal):
    """Of both processes, and of one alone."""
    return [torch.load(equal / f"{rank}.pt") for rank in (0, 1)], {
        k: ddp_steps.steps(k) for k in ("no BatchNorm", "unmerged", "merged")
    }


def difference(one, other):
    return max((one["weights"][name] - value).abs().max().item() for name, value in other["weights"].items())


@pytest.mark.parametrize("kind", ["no BatchNorm", "merged"])
def test_two_processes_take_the_steps_of_one(results, kind):
    """Weights after three steps, and with merged statistics BatchNorm's running ones."""
    both, alone = results
    for rank in both:
        assert difference(rank[kind], alone[kind]) < 1e-12
        assert rank[kind]["losses"] == pytest.approx(alone[kind]["losses"], abs=1e-12)
    assert alone["merged"]["losses"] == alone["unmerged"]["losses"]  # one process has nothing to merge


def test_batch_norm_of_each_process_takes_other_steps(results):
    both, alone = results
    parameters = [name for name in alone["unmerged"]["weights"] if "running" not in name]
    assert all(torch.equal(*(rank["unmerged"]["weights"][name] for rank in both)) for name in parameters)
    assert difference(both[0]["unmerged"], alone["unmerged"]) > 1e-3
    assert any(
        not torch.equal(*(rank["unmerged"]["weights"][n] for rank in both)) for n in alone["unmerged"]["weights"]
    )


def test_torchs_syncbatchnorm_refuses_a_cpu(results):
    assert "expected input tensor to be on GPU" in results[0][0]["torch's"]


def test_a_killed_process_is_restarted_from_the_last_checkpoint_and_the_steps_are_the_same(equal, tmp_path):
    (tmp_path / "kill").touch()
    torchrun("killed", tmp_path, "--max-restarts", "1")
    assert not (tmp_path / "kill").exists()
    whole, killed = (load_checkpoint(folder / "run.pt") for folder in (equal, tmp_path))
    steps = [
        [[*map(int, (folder / f"steps{rank}").read_text().split())] for rank in (0, 1)] for folder in (equal, tmp_path)
    ]
    assert whole["training"]["history"]["train"] == killed["training"]["history"]["train"]
    assert all(torch.equal(value, killed["weights"][name]) for name, value in whole["weights"].items())
    first, last = [*range(ddp_steps.KILLED_AT + 1)], [*range(10, ddp_steps.STEPS + 1)]
    assert steps[0] == [[*range(ddp_steps.STEPS + 1)]] * 2 and steps[1][1] == first + last
