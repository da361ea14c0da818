"""85 steps of 1,280 distinct contexts, Muon on the stages, 60 % of each target from counts, and a start from counts."""

from shared import adamw, linear, net, start_from_counts, with_counts
from torch import nn

from lib.data import Vocabulary, make_windows
from lib.muon import Muon
from lib.tree import Deal, fit

TRACK, STEPS, TEACHERS = "speed", 85, 0


def train(names: list[str], seed: int) -> nn.Module:
    """The trained net."""
    vocabulary = Vocabulary(names)
    windows = make_windows(names, vocabulary)
    examples = with_counts(windows, len(vocabulary), share=0.6)
    model = net(len(vocabulary), seed)
    start_from_counts(model, windows, len(vocabulary))
    stages = tuple(stage.linear.weight for stage in (model.stage1, model.stage2, model.stage3))
    muon = Muon(stages, lr=0.05, momentum=0.8, weight_decay=0.6, iterations=4)
    optimizers = [muon, adamw(model, 0.03, 0.3, without=stages)]
    fit(model, examples, Deal(examples.weight, 1_280, seed), STEPS, optimizers, linear)
    return model
