"""The lessons' recipe QUICK: 450 steps of 512 contexts drawn by their number of windows, targets with counts."""

from shared import net
from torch import nn

from lib.data import Vocabulary, make_windows
from lib.training import QUICK
from lib.training import train as train_on_windows

TRACK, STEPS, TEACHERS = "speed", 450, 0


def train(names: list[str], seed: int) -> nn.Module:
    """The trained net."""
    vocabulary = Vocabulary(names)
    model = net(len(vocabulary), seed)
    train_on_windows(model, make_windows(names, vocabulary), recipe=QUICK, seed=seed, progress=False)
    return model
