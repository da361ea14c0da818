"""Sweeps and the grader on a Dask cluster of two worker processes: the same rows as alone, and what is lost when one dies.

Needs the extra `scale`.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from classroom.grading import remote
from classroom.grading.attempt import NotStarted
from classroom.grading.sandbox import Limits
from lib import cluster
from lib.data import Vocabulary, load_names, make_windows
from lib.evidence.sweeps import Sweep, read_rows
from lib.models import staged_model
from lib.training import FAST, train
from tests.classroom.factories import Sample, grade
from tests.slow.test_class import generated, points

pytestmark = pytest.mark.slow
SETTINGS, MEASURED = ["seed", "folder"], ["loss", "weights"]
ROWS = 6


def fill(row):
    """Train a small net with dropout, whose numbers come from torch's generator."""
    with open(f"{row['folder']}/calls", "a") as file:
        file.write(f"{row['seed']}\n")
    names = load_names()[:300]
    vocabulary = Vocabulary(names)
    torch.manual_seed(row["seed"])
    net = nn.Sequential(staged_model(len(vocabulary), embedding=4, hidden=16), nn.Dropout(0.1))
    recipe = replace(FAST, batch_size=64, epochs=None, steps=10)
    history = train(net, make_windows(names, vocabulary), recipe=recipe, seed=row["seed"], progress=False)
    weights = b"".join(value.numpy().tobytes() for value in net.state_dict().values())
    return row | {"loss": history.train[-1].hex(), "weights": hashlib.sha256(weights).hexdigest()}


def killed_once(row):
    """The first row kills its worker when others are done, the first time that it is filled."""
    folder = row["folder"]
    if row["seed"] == 0 and not os.path.exists(f"{folder}/killed"):
        wait_for(folder, 3)
        with open(f"{folder}/killed", "w"):
            os.kill(os.getpid(), signal.SIGKILL)
    return fill(row)


def kills_the_scheduler(row):
    """The first row kills the scheduler when others are done."""
    if row["seed"] == 0:
        wait_for(row["folder"], 3)
        with open(f"{row['folder']}/scheduler") as file:
            os.kill(int(file.read()), signal.SIGKILL)
    return fill(row)


def wait_for(folder, rows):
    while len(read_rows(Path(folder) / "rows.csv")) < rows:
        time.sleep(0.05)


def sweep(folder, fill=fill):
    plan = [{"seed": seed, "folder": str(folder)} for seed in range(ROWS)]
    return Sweep(folder / "rows.csv", SETTINGS, MEASURED, lambda: plan, fill)


def measured(folder):
    return [(row["seed"], row["loss"], row["weights"]) for row in read_rows(folder / "rows.csv")]


def calls(folder):
    return sorted(map(int, (folder / "calls").read_text().split()))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The rows as this process fills them."""
    folder = tmp_path_factory.mktemp("alone")
    sweep(folder).run(processes=0, progress=False)
    rows = measured(folder)
    assert len({weights for _, _, weights in rows}) == ROWS
    return rows


@contextmanager
def started(folder):
    """The address of a cluster in another process, whose number is in the folder's file `scheduler`.

    Two worker processes of two threads each, which must not share torch's generator.
    """
    pytest.importorskip("distributed")
    code = (
        "import distributed, os, sys\n"
        "if __name__ == '__main__':\n"
        "    local = distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None)\n"
        "    print(local.scheduler_address, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    (folder / "started.py").write_text(code)
    process = subprocess.Popen(
        [sys.executable, folder / "started.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    (folder / "scheduler").write_text(str(process.pid))
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The address of a cluster that all tests use but one."""
    with started(tmp_path_factory.mktemp("cluster")) as address:
        yield address


@pytest.fixture
def mortal(tmp_path):
    """The address of a cluster whose scheduler may be killed."""
    with started(tmp_path) as address:
        yield address


def test_two_workers_fill_the_same_rows_as_one_process_bit_for_bit(alone, local, tmp_path):
    with cluster.connect(local) as executor:
        sweep(tmp_path).run(executor=executor, progress=False)
    assert measured(tmp_path) == alone and calls(tmp_path) == [*range(ROWS)]


def test_a_killed_worker_costs_the_time_of_its_row(alone, local, tmp_path):
    with cluster.connect(local) as executor:
        sweep(tmp_path, killed_once).run(executor=executor, progress=False)
    assert (tmp_path / "killed").exists()
    assert measured(tmp_path) == alone and calls(tmp_path) == [*range(ROWS)]


def test_without_its_scheduler_a_sweep_says_so_and_resumes_where_it_was(alone, mortal, tmp_path):
    said = r"workers are gone.* rows\.csv has the rows so far: run the same again"
    with pytest.raises(cluster.WorkersLost, match=said), cluster.connect(mortal) as executor:
        sweep(tmp_path, kills_the_scheduler).run(executor=executor, progress=False)
    first = read_rows(tmp_path / "rows.csv")
    assert 3 <= len(first) < ROWS
    (tmp_path / "calls").write_text("")
    sweep(tmp_path).run(processes=0, progress=False)
    assert measured(tmp_path) == alone
    assert calls(tmp_path) == sorted({*range(ROWS)} - {int(row["seed"]) for row in first})


SCRIPT = """
from pathlib import Path
from lib.evidence.sweeps import Sweep, run_command

TEN = 10

def fill(row):
    return row | {"tens": TEN * row["seed"]}

if __name__ == "__main__":
    plan = [{"seed": seed} for seed in range(5)]
    run_command("tens", Sweep(Path("tens.csv"), ["seed"], ["tens"], lambda: plan, fill))
"""


def test_a_data_script_takes_the_address_of_a_scheduler(local, tmp_path):
    """Its functions are in `__main__`, which no worker can import."""
    (tmp_path / "make_tens.py").write_text(SCRIPT)
    subprocess.run([sys.executable, "make_tens.py", "--scheduler", local], cwd=tmp_path, check=True)
    assert [row["tens"] for row in read_rows(tmp_path / "tens.csv")] == ["0", "10", "20", "30", "40"]


def test_workers_grade_a_class_as_one_machine_does(local, tmp_path):
    samples = generated()[:3]  # an attacker among them
    for sample in samples:
        sample.submit(tmp_path / "submitted")
    assert grade(tmp_path / "submitted", tmp_path / "graded", "--scheduler", local) == 0
    assert points(tmp_path / "graded") == {sample.student: sample.points for sample in samples}


def test_a_worker_with_another_version_of_the_course_grades_nothing(local):
    order = remote.Order("notebooks/assignments/source/a01_embedding/a01_embedding.ipynb", "0" * 16, "seed", Limits())
    with cluster.connect(local) as executor, pytest.raises(NotStarted, match="another version of the course"):
        cluster.result(executor.submit(remote.grade, order, Sample))


def test_no_scheduler_at_the_address_is_a_sentence(tmp_path):
    pytest.importorskip("distributed")
    (tmp_path / "make_tens.py").write_text(SCRIPT)
    words = [sys.executable, "make_tens.py", "--scheduler", "tcp://127.0.0.1:9"]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "There is no Dask scheduler at tcp://127.0.0.1:9. Start one with `dask scheduler`" in ended.stderr
