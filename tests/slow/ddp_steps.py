"""What the tests of lib.distributed run under torchrun: python -m torch.distributed.run ... ddp_steps.py equal|killed FOLDER."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from lib.data import Vocabulary, load_names, make_windows
from lib.distributed import join, merge_batch_norm
from lib.models import staged_model
from lib.streams import make_stream
from lib.training import FAST, Recipe, train

NAMES = load_names()[:400]
VOCABULARY = Vocabulary(NAMES)
WINDOWS = make_windows(NAMES, VOCABULARY)
STEPS, EVERY, KILLED_AT = 20, 5, 13


def net(kind):
    """In double precision, so that sums in another order differ by next to nothing."""
    torch.manual_seed(0)
    if kind == "no BatchNorm":
        layers = nn.Embedding(len(VOCABULARY), 4), nn.Flatten(), nn.Linear(32, 16), nn.Tanh()
        return nn.Sequential(*layers, nn.Linear(16, len(VOCABULARY))).double()
    model = staged_model(len(VOCABULARY), embedding=4, hidden=16).double()
    return merge_batch_norm(model) if kind == "merged" else model


def steps(kind):
    """Three steps of plain descent: the weights tell the gradients."""
    model, recipe = net(kind), Recipe("steps", 64, 0.5, steps=3, optimizer="sgd", schedule="step", drop_at=1)
    history = train(model, WINDOWS, recipe=recipe, progress=False)
    return {"weights": model.state_dict(), "losses": history.train}


def equal(folder):
    results = {kind: steps(kind) for kind in ("no BatchNorm", "unmerged", "merged")}
    try:
        nn.SyncBatchNorm(4)(torch.randn(8, 4))
    except ValueError as error:
        results["torch's"] = str(error)
    torch.save(results, folder / f"{dist.get_rank()}.pt")
    killed(folder)  # but nobody is, without a file `kill`


def killed(folder):
    """Process 1 dies in a step after a checkpoint, once."""

    def on_step(step):
        with open(folder / f"steps{dist.get_rank()}", "a") as file:
            file.write(f"{step}\n")
        if dist.get_rank() == 1 and step == KILLED_AT and (folder / "kill").exists():
            (folder / "kill").unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    model = nn.Sequential(net("merged").float(), nn.Dropout(0.1))
    recipe = replace(FAST, batch_size=64, epochs=None, steps=STEPS)
    saved = {"checkpoint": folder / "run.pt", "checkpoint_every": EVERY}
    train(model, make_stream(NAMES, VOCABULARY), recipe=recipe, progress=False, on_step=on_step, **saved)


if __name__ == "__main__":
    torch.set_num_threads(1)
    join()
    globals()[sys.argv[1]](Path(sys.argv[2]))
    dist.destroy_process_group()
