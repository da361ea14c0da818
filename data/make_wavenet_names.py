"""Make wavenet_names.pt, the WaveNet with a global condition of lesson 08: girls' or boys' names. One to two minutes.

python data/make_wavenet_names.py
"""

import csv
from dataclasses import replace

import torch

from lib.checkpoints import save_model
from lib.data import DATA, Vocabulary, load_names, split_names
from lib.training import FAST
from lib.wavenet import WaveNet, make_sequences, train_sequences

TRAINED = DATA / "wavenet_names.pt"
LISTS = ("girls", "boys")
NET = {"channels": 63, "dilations": (1, 2, 4), "conditions": len(LISTS)}
RECIPE = replace(FAST, name="names", epochs=8, lr=8e-3, weight_decay=0.1)
SHARE = 0.9  # a name belongs to a list if at least this share of its bearers do; other names are left out


def labels() -> dict[str, int]:
    """0 for the names given at least nine times in ten to girls, 1 for those to boys."""
    found = {}
    with open(DATA / "names.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            counts = [int(row[one]) for one in LISTS]
            if max(counts) >= SHARE * sum(counts):
                found[row["name"]] = counts.index(max(counts))
    return found


def main() -> None:
    names = load_names()
    vocabulary, of = Vocabulary(names), labels()
    parts = [[name for name in part if name in of] for part in split_names(names)]
    torch.manual_seed(0)
    net = WaveNet(len(vocabulary), **NET)
    train, val, _ = (
        make_sequences(part, vocabulary, net.receptive_field, [of[name] for name in part]) for part in parts
    )
    history = train_sequences(net, train, val, RECIPE, seed=0)
    val = history.val[-1][1]
    save_model(TRAINED, net, vocabulary, val=val, seed=0, trained_on=len(parts[0]))
    size = TRAINED.stat().st_size
    print(f"{TRAINED.name}: {size:,} bytes, val {val:.4f} nats per character, {history.seconds:.0f} s")


if __name__ == "__main__":
    main()
