"""The lessons' recipe LONG: 16 passes over the windows, 512 per step."""

from shared import net
from torch import nn

from lib.data import Vocabulary, make_windows
from lib.training import LONG
from lib.training import train as train_on_windows

TRACK, STEPS, TEACHERS = "75 s", 5_296, 0


def train(names: list[str], seed: int) -> nn.Module:
    """The trained net."""
    vocabulary = Vocabulary(names)
    model = net(len(vocabulary), seed)
    train_on_windows(model, make_windows(names, vocabulary), recipe=LONG, seed=seed, progress=False)
    return model
