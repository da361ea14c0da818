"""The lessons' recipe LONG: 16 passes over the windows, 512 per step."""

from shared import on_windows
from torch import nn

from lib.training import LONG

TRACK, STEPS, TEACHERS = "3 minutes", 5_296, 0


def train(names: list[str], seed: int) -> nn.Module:
    """The trained net."""
    return on_windows(names, seed, LONG)
