"""Measure what lists of up to ten million names cost: data/evidence/scale.csv.

    python data/make_scale.py             measure what is missing; some minutes
    python data/make_scale.py --forecast  say how long it takes, and stop

The names are drawn from names.csv by their counts, with repeats: as many people, each with the name they were given.
The largest row needs about 7 GB of memory.
Memory is that of a fresh process beyond its imports, in MB: peak, all of it; kept, after training, without pages of files.
Rates are per second of CPU time on one thread, so that other programs matter less.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch

from lib.data import DATA, Vocabulary, load_names, make_windows
from lib.evidence.sweeps import Row, Sweep, measurements, run_command
from lib.models import staged_model
from lib.streams import make_stream, open_stream, write_stream
from lib.training import FAST, train

EVIDENCE = DATA / "evidence" / "scale.csv"
SETTINGS = ["experiment", "arm", "names", "seed", "split", "recipe"]
MEASURED = ["windows", "bytes", "peak", "kept", "making", "rate", "params", "steps", "val", "seconds", "torch"]
ARMS = ("int64 windows", "stream in memory", "stream in a file")
STEPS, WARM_UP = 300, 50
DRAWN = 100_000  # names at a time


def planned() -> list[Row]:
    """Every row to fill."""
    shared = {"experiment": "names", "seed": 0, "split": "drawn by count", "recipe": f"{STEPS} steps of fast"}
    return [shared | {"arm": arm, "names": names} for names in (10**5, 10**6, 10**7) for arm in ARMS]


def people(count: int, seed: int) -> Iterator[str]:
    """The names of as many people, drawn by the counts of names.csv."""
    table, draw = pd.read_csv(DATA / "names.csv", na_filter=False), random.Random(seed)
    total = (table.girls + table.boys).cumsum().tolist()
    for first in range(0, count, DRAWN):
        yield from draw.choices(table.name.tolist(), cum_weights=total, k=min(DRAWN, count - first))


def memory() -> dict[str, float]:
    """Memory of this process in MB, by /proc's names."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines() if line.endswith(" kB"))
    return {line[0].rstrip(":"): int(line[1]) / 1024 for line in lines}


def measure(row: Row) -> Row:
    """Make the data and train on it, in a fresh process."""
    torch.set_num_threads(1)
    vocabulary = Vocabulary(load_names())
    with tempfile.TemporaryDirectory() as folder:
        names, path = people(row["names"], row["seed"]), Path(folder) / "names.ids"
        before, begin = memory(), time.process_time()
        if row["arm"] == ARMS[0]:
            data = make_windows(list(names), vocabulary)
            size, windows = sum(part.nbytes for part in data), len(data[1])
        elif row["arm"] == ARMS[1]:
            data = make_stream(names, vocabulary)
            size, windows = data.ids.nbytes, len(data.ids)
        else:
            size = write_stream(path, names, vocabulary)
            data = open_stream(path, vocabulary)
            windows = len(data.ids)
        making, clock = time.process_time() - begin, {}
        torch.manual_seed(row["seed"])
        model = staged_model(len(vocabulary))
        on_step = lambda step: clock.setdefault(step, time.process_time())
        recipe = replace(FAST, epochs=None, steps=STEPS)
        history = train(model, data, recipe=recipe, seed=row["seed"], progress=False, on_step=on_step)
        after = memory()
    rate = (STEPS - WARM_UP) / (clock[STEPS] - clock[WARM_UP])
    peak, kept = after["VmHWM"] - before["VmRSS"], after["RssAnon"] - before["RssAnon"]
    cost = {"peak": peak, "kept": kept, "making": making, "rate": rate}
    measured = {name: f"{value:.1f}" for name, value in cost.items()} | {"bytes": size, "windows": windows}
    loss = sum(history.train[-100:]) / 100  # no name is held out: of the last hundred batches
    return row | measured | measurements(model, history.steps, history.seconds, val=loss)


def fill(row: Row) -> Row:
    """A function of the row alone, but for what it measures."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(measure, row).result()


if __name__ == "__main__":
    sweep = Sweep(EVIDENCE, SETTINGS, MEASURED, planned, fill, lambda row: 30 + row["names"] / 100_000)
    run_command(__doc__, sweep)
