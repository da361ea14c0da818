"""Make staged_long.pt: the staged net with GELU and residual, trained with LONG and seed 0. One to two minutes.

python data/make_weights.py
"""

import torch

from lib.checkpoints import save_model
from lib.data import Vocabulary, load_names, make_windows, split_names
from lib.models import TRAINED, TRAINED_NET, staged_model
from lib.training import LONG, train


def main() -> None:
    names = load_names()
    vocabulary = Vocabulary(names)
    train_windows, val_windows, _ = (make_windows(part, vocabulary) for part in split_names(names))
    torch.manual_seed(0)
    model = staged_model(len(vocabulary), **TRAINED_NET)
    history = train(model, train_windows, val_windows, LONG, seed=0)
    val = history.val[-1][1]
    save_model(TRAINED, model, vocabulary, val=val, seed=0)
    size = TRAINED.stat().st_size
    print(f"{TRAINED.name}: {size:,} bytes, val {val:.4f} nats per character, {history.seconds:.0f} s")


if __name__ == "__main__":
    main()
