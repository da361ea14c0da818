"""416 steps of 2,048 distinct contexts, AdamW with a weight decay of 1, 30 % of each target from counts."""

from shared import trained, with_counts
from torch import nn

from lib.data import Vocabulary, make_windows

TRACK, STEPS, TEACHERS = "10 s", 416, 0


def train(names: list[str], seed: int) -> nn.Module:
    """The trained net."""
    vocabulary = Vocabulary(names)
    examples = with_counts(make_windows(names, vocabulary), len(vocabulary), share=0.3)
    return trained(seed, examples, STEPS, weight_decay=1.0)
