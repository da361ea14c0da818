"""Run one small sweep alone, on two Dask workers, and with one of them killed: data/evidence/workers.csv.

    python data/make_workers.py             some minutes of two cores; needs the extra scale
    python data/make_workers.py --picture   also Dask's dashboard, as notebooks/figures/dashboard.png

The picture is of the last sweep, and needs a Chromium and the extra browser, too. begin and end are seconds since the first row of the sweep began;
worker is a number for each process in the order of their first rows, tries how often the row was begun, and weights a
fingerprint of the trained net.
"""

import argparse
import io
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import torch
from make_scale import fingerprint
from PIL import Image
from torch import nn

from lib import cluster
from lib.checkpoints import atomic_write
from lib.data import DATA, Vocabulary, load_names, make_windows, split_names
from lib.evidence.sweeps import Row, Sweep, measurements, read_rows, write_rows
from lib.models import staged_model
from lib.training import FAST, Recipe, evaluate, train

EVIDENCE, PICTURE = DATA / "evidence" / "workers.csv", DATA.parent / "notebooks" / "figures" / "dashboard.png"
SETTINGS = ["experiment", "arm", "lr", "seed", "split", "recipe"]
MEASURED = ["val", "weights", "worker", "begin", "end", "tries", "params", "steps", "seconds", "torch"]
ALONE, TWO, KILLED = "alone", "two workers", "one killed"
RATES = (0.003, 0.006, 0.012, 0.024)
STEPS = 60
DIES = {"lr": RATES[1], "seed": 1}
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
FLAGS += " --disable-component-update --disable-sync"


def plan(arm: str) -> list[Row]:
    """Four learning rates with three seeds each."""
    base = {"experiment": "workers", "arm": arm, "split": 0, "recipe": f"{STEPS} steps of fast"}
    return [base | {"lr": lr, "seed": seed} for lr in RATES for seed in range(3)]


def fill(row: Row) -> Row:
    """Train the staged net; the process that does it ends itself once if the row says so."""
    folder, begin = Path(os.environ["SWEEP_FOLDER"]), time.time()
    tried = folder / f"{row['arm']} {row['lr']} {row['seed']}"
    with open(tried, "a") as file:
        file.write("x")
    names = load_names()
    vocabulary = Vocabulary(names)
    data, val, _ = (make_windows(part, vocabulary) for part in split_names(names))
    torch.manual_seed(row["seed"])
    model = nn.Sequential(staged_model(len(vocabulary)), nn.Dropout(0.05))  # its numbers come from torch's generator
    recipe = Recipe("rates", FAST.batch_size, row["lr"], steps=STEPS)
    history = train(model, data, recipe=recipe, seed=row["seed"], progress=False)
    if row["arm"] == KILLED and DIES.items() <= row.items() and tried.read_text() == "x":
        os.kill(os.getpid(), signal.SIGKILL)
    found = measurements(model, history.steps, history.seconds, val=evaluate(model, val))
    times = {"worker": os.getpid(), "begin": begin, "end": time.time(), "tries": len(tried.read_text())}
    return row | found | times | {"weights": fingerprint(model)}


def run(arm: str, folder: str, **options: object) -> list[dict[str, str]]:
    """The rows of one sweep, with times from its beginning and workers numbered from 1."""
    sweep = Sweep(Path(folder) / f"{arm}.csv", SETTINGS, MEASURED, lambda: plan(arm), fill)
    sweep.run(**options)
    rows = read_rows(sweep.path)
    first = min(float(row["begin"]) for row in rows)
    workers = list(dict.fromkeys(row["worker"] for row in sorted(rows, key=lambda row: float(row["begin"]))))
    for row in rows:
        row |= {time_: f"{float(row[time_]) - first:.1f}" for time_ in ("begin", "end")}
        row["worker"] = 1 + workers.index(row["worker"])
    return rows


def photograph(address: str, done: threading.Event) -> bytes:
    """Dask's task stream, drawn by its own dashboard in a browser, when all rows are done."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 760, "height": 300}, device_scale_factor=2)
        page.goto(f"{address.removesuffix('/status')}/individual-task-stream")
        done.wait()
        page.wait_for_timeout(5_000)
        picture = page.screenshot()
        browser.close()
    return picture


def main() -> None:
    """Write the evidence, and the picture if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", action="store_true", help="also photograph the dashboard")
    picture = parser.parse_args().picture
    from distributed import LocalCluster

    with tempfile.TemporaryDirectory() as folder:
        os.environ["SWEEP_FOLDER"] = folder
        rows = run(ALONE, folder, processes=1)
        for arm in (TWO, KILLED):
            dashboard = ":0" if picture and arm == KILLED else None
            options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": dashboard}
            with LocalCluster(**options) as local, cluster.connect(local.scheduler_address) as executor:
                done, shots = threading.Event(), []
                watch = lambda local=local, done=done, shots=shots: shots.append(photograph(local.dashboard_link, done))
                thread = threading.Thread(target=watch)
                if dashboard:
                    thread.start()
                rows += run(arm, folder, executor=executor)
                done.set()
                if dashboard:
                    thread.join()
                    save(*shots)
    write_rows(EVIDENCE, SETTINGS + MEASURED, rows)


def save(picture: bytes) -> None:
    """Write the picture with a palette of 64 colours."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(64).save(buffer, "png", optimize=True)
    atomic_write(PICTURE, buffer.getvalue())


if __name__ == "__main__":
    main()
