"""Make wavenet_names.pt, the WaveNet with a global condition of lesson 10: girls' or boys' names. One to two minutes.

python data/make_wavenet_names.py
"""

from dataclasses import replace

import pandas as pd
import torch

from lib.checkpoints import save_model
from lib.data import DATA, Vocabulary, load_names, split_names
from lib.training import FAST
from lib.wavenet import WaveNet, make_sequences, train_sequences

TRAINED = DATA / "wavenet_names.pt"
NET = {"channels": 63, "dilations": (1, 2, 4), "conditions": 2}
RECIPE = replace(FAST, name="names", epochs=8, lr=8e-3, weight_decay=0.1)
SHARE = 0.9  # a name is labelled if at least this share of its bearers are in one list; other names are left out


def labels() -> dict[str, int]:
    """0 for names that are given at least nine times in ten to girls, 1 for those given to boys."""
    names = pd.read_csv(DATA / "names.csv", index_col="name", na_filter=False)
    clear = names[names.max(axis=1) >= SHARE * names.sum(axis=1)]
    return (clear.boys > clear.girls).astype(int).to_dict()


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
