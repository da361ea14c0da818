"""Grading on the workers of a Dask scheduler: each builds the folder for its sandboxes from its own copy of the course."""

import atexit
import functools
import shutil
import tempfile
import threading
from dataclasses import dataclass
from os import getpid
from pathlib import Path

import torch

from classroom.grading import attempt, notebook, sandbox, stage
from classroom.grading.attempt import NotStarted, Outcome, RunConfig
from classroom.grading.sandbox import Limits
from classroom.grading.submissions import Submission

_turn = threading.Lock()


@dataclass(frozen=True)
class Order:
    """What a worker needs besides the submission. source: the teacher's notebook, relative to the course's folder."""

    source: str
    fingerprint: str
    seed: str
    limits: Limits


def grade(order: Order, submission: Submission) -> Outcome:
    """Grade a submission where this runs.

    Raises:
        NotStarted: the worker has no sandbox, or another version of the course, or could start no process.
    """
    with _turn:
        config = _config(order)
    torch.set_num_threads(1)
    return attempt.grade(config, submission)


@functools.cache
def _config(order: Order) -> RunConfig:
    if problem := sandbox.missing():
        raise NotStarted(f"its worker has no sandbox: {problem}")
    source = stage.ROOT / order.source
    assignment = notebook.assignment(source) if source.exists() else None
    cells = [cell.source for cell in assignment.cells if cell.kind == "code"] if assignment else []
    if assignment is None or stage.fingerprint(source, cells, order.seed) != order.fingerprint:
        raise NotStarted("its worker has another version of the course or of this assignment")
    folder = Path(tempfile.mkdtemp(prefix=f"grading-{getpid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    stage.build(folder, cells)
    return RunConfig(assignment, folder, order.seed, order.limits, sandboxed=True)
