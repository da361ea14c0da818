"""Measure what grows with names, letters, context and parameters, and what processes share: data/evidence/scale.csv.

    python data/make_scale.py             measure what is missing; some minutes
    python data/make_scale.py --forecast  say how long it takes, and stop

The names are drawn from names.csv by their counts, with repeats: as many people, each with the name they were given. Lists
with more letters hold each name in one of 10 or of 100 alphabets. The largest row needs about 7 GB of memory.
Memory is that of a fresh process beyond its imports, in MB: peak, all of it; kept, after training, without pages of files.
Rates are per second of CPU time on one thread, so that other programs matter less.
The rows "processes" train on names.txt in two processes, as torchrun starts them: val is of names that were held out,
weights a fingerprint of the trained net, taken the steps of the second process. In the last row it is killed once.
"""

import hashlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from lib import distributed
from lib.data import DATA, Vocabulary, load_names, make_windows, split_names
from lib.evidence.sweeps import Row, Sweep, measurements, run_command
from lib.models import staged_model
from lib.streams import make_stream, open_stream, write_stream
from lib.training import FAST, Recipe, train

EVIDENCE = DATA / "evidence" / "scale.csv"
SETTINGS = ["experiment", "arm", "names", "letters", "context", "hidden", "seed", "split", "recipe"]
MEASURED = ["windows", "bytes", "peak", "kept", "making", "rate", "taken", "weights"]
MEASURED += ["params", "steps", "val", "seconds", "torch"]
ARMS = ("int64 windows", "stream in memory", "stream in a file")
DRAWN = 100_000  # names at a time
EVERY, KILLED_AT = 100, 250  # steps
ONE, UNMERGED, MERGED, KILLED = "one process", "two, unmerged", "two, merged", "two, merged, one killed"


def planned() -> list[Row]:
    """Every row to fill."""
    base = {
        "experiment": "names",
        "arm": ARMS[1],
        "names": 10**5,
        "letters": 27,
        "context": 8,
        "hidden": 128,
        "seed": 0,
    }
    base |= {"split": "drawn by count", "recipe": "300 steps of fast"}
    rows = [base | {"arm": arm, "names": names} for names in (10**5, 10**6, 10**7) for arm in ARMS]
    for step, letters, context, hidden in ((60, 261, 64, 426), (20, 2601, 512, 1372)):
        at = base | {"recipe": f"{step} steps of fast"}
        rows.append(at | {"experiment": "letters", "letters": letters})
        rows += [at | {"experiment": "context", "context": context, "arm": arm} for arm in ARMS[:2]]
        rows.append(at | {"experiment": "parameters", "hidden": hidden})
    together = base | {"experiment": "processes", "names": len(load_names()), "split": "val"}
    return rows + [together | {"arm": arm} for arm in (ONE, UNMERGED, MERGED, KILLED)]


def people(count: int, seed: int, alphabets: int = 1) -> Iterator[str]:
    """The names of as many people, drawn by the counts of names.csv, each in one of some alphabets of 26 letters."""
    table, draw = pd.read_csv(DATA / "names.csv", na_filter=False), random.Random(seed)
    total = (table.girls + table.boys).cumsum().tolist()
    for first in range(0, count, DRAWN):
        some = draw.choices(table.name.tolist(), cum_weights=total, k=min(DRAWN, count - first))
        yield from some if alphabets == 1 else (name.translate(draw.choice(alphabet(alphabets))) for name in some)


@cache
def alphabet(count: int) -> list[dict[int, int]]:
    """Tables for str.translate: a to z as 26 Chinese characters, which have room for hundreds of alphabets."""
    return [{ord("a") + i: 0x4E00 + 26 * number + i for i in range(26)} for number in range(count)]


def memory() -> dict[str, float]:
    """Memory of this process in MB, by /proc's names."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines() if line.endswith(" kB"))
    return {line[0].rstrip(":"): int(line[1]) / 1024 for line in lines}


def measure(row: Row) -> Row:
    """Make the data and train on it, in a fresh process."""
    torch.set_num_threads(1)
    alphabets, context = (row["letters"] - 1) // 26, row["context"]
    letters = ["".join(map(chr, table.values())) for table in alphabet(alphabets)]
    vocabulary = Vocabulary(load_names() if alphabets == 1 else letters)
    with tempfile.TemporaryDirectory() as folder:
        names, path = people(row["names"], row["seed"], alphabets), Path(folder) / "names.ids"
        before, begin = memory(), time.process_time()
        if row["arm"] == ARMS[0]:
            data = make_windows(list(names), vocabulary, context)
            size, windows = sum(part.nbytes for part in data), len(data[1])
        elif row["arm"] == ARMS[1]:
            data = make_stream(names, vocabulary, context)
            size, windows = data.ids.nbytes, len(data.ids)
        else:
            size = write_stream(path, names, vocabulary)
            data = open_stream(path, vocabulary, context)
            windows = len(data.ids)
        making, clock = time.process_time() - begin, {}
        torch.manual_seed(row["seed"])
        model = staged_model(len(vocabulary), context, hidden=row["hidden"])
        on_step = lambda step: clock.setdefault(step, time.process_time())
        recipe = recipe_of(row)
        history = train(model, data, recipe=recipe, seed=row["seed"], progress=False, on_step=on_step)
        after = memory()
    warm_up = recipe.steps // 6
    rate = (recipe.steps - warm_up) / (clock[recipe.steps] - clock[warm_up])
    peak, kept = after["VmHWM"] - before["VmRSS"], after["RssAnon"] - before["RssAnon"]
    cost = {"peak": peak, "kept": kept, "making": making, "rate": rate}
    measured = {name: f"{value:.{1 if value > 2 else 3}f}" for name, value in cost.items()}
    last = recipe.steps // 3  # no name is held out: of the last batches
    loss = sum(history.train[-last:]) / last
    measured |= {"bytes": size, "windows": windows, "taken": recipe.steps, "weights": fingerprint(model)}
    return row | measured | measurements(model, history.steps, history.seconds, val=loss)


def recipe_of(row: Row) -> Recipe:
    """FAST, with as many steps as the row says."""
    return replace(FAST, epochs=None, steps=int(row["recipe"].split()[0]))


def fingerprint(model: nn.Module) -> str:
    """The same for two nets whose weights are the same bit for bit."""
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in model.state_dict().values())).hexdigest()[:16]


def together(row: Row, folder: str) -> Row | None:
    """One process's part of a training; the first one returns the row."""
    torch.set_num_threads(1)
    if row["arm"] != ONE:
        distributed.join()
    names, folder = load_names(), Path(folder)
    vocabulary = Vocabulary(names)
    data, val, _ = (make_windows(part, vocabulary) for part in split_names(names))
    torch.manual_seed(row["seed"])
    model = staged_model(len(vocabulary))
    if row["arm"] != UNMERGED:
        distributed.merge_batch_norm(model)

    def on_step(step: int) -> None:
        if row["arm"] == ONE or not distributed.is_first():
            with open(folder / "steps", "a") as file:
                file.write(f"{step}\n")
            if row["arm"] == KILLED and step == KILLED_AT and not (folder / "killed").exists():
                (folder / "killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)

    saved = {"checkpoint": folder / "run.pt", "checkpoint_every": EVERY}
    history = train(model, data, val, recipe_of(row), seed=row["seed"], progress=False, on_step=on_step, **saved)
    first = distributed.is_first()
    if dist.is_initialized():
        dist.destroy_process_group()
    if not first:
        return None
    found = measurements(model, history.steps, history.seconds, val=history.val[-1][1])
    return row | found | {"windows": len(data[1]), "weights": fingerprint(model)}


def fill_together(row: Row) -> Row:
    """Train in one process, or in two that torchrun's elastic agent starts, watches and restarts once."""
    with tempfile.TemporaryDirectory() as folder:
        if row["arm"] == ONE:
            found = together(row, folder)
        else:
            once = {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0", "run_id": "scale", "max_restarts": 1}
            config = LaunchConfig(min_nodes=1, max_nodes=1, nproc_per_node=2, monitor_interval=0.1, **once)
            found = elastic_launch(config, together)(row, folder)[0]
        reached = [*map(int, (Path(folder) / "steps").read_text().split())]
    begun = sum(b <= a for a, b in pairwise(reached)) + 1  # each start reports its first step, too
    return found | {"taken": len(reached) - begun}


def fill(row: Row) -> Row:
    """A function of the row alone, but for what it measures."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(fill_together if row["experiment"] == "processes" else measure, row).result()


if __name__ == "__main__":
    sweep = Sweep(EVIDENCE, SETTINGS, MEASURED, planned, fill, lambda row: 30 + row["names"] / 100_000)
    run_command(__doc__, sweep)
