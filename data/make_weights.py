"""Make staged_long.pt: the staged net with GELU and residual, trained with LONG and seed 0. One to two minutes.

python data/make_weights.py
"""

import torch

from lib.data import Vocabulary, load_names, make_windows, split_names
from lib.models import TRAINED, TRAINED_NET, staged_model
from lib.training import LONG, save_checkpoint, train


def main() -> None:
    names = load_names()
    vocabulary = Vocabulary(names)
    train_windows, val_windows, _ = (make_windows(part, vocabulary) for part in split_names(names))
    torch.manual_seed(0)
    model = staged_model(len(vocabulary), **TRAINED_NET)
    history = train(model, train_windows, val_windows, LONG, seed=0)
    trained = {
        "letters": "".join(vocabulary.letters),
        "model": model.state_dict(),
        "val": history.val[-1][1],
        "seed": 0,
    }
    save_checkpoint(TRAINED, trained)
    print(
        f"{TRAINED.name}: {TRAINED.stat().st_size:,} bytes, val {history.val[-1][1]:.4f} nats a letter, {history.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
