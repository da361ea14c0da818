"""WaveNet and what goes with it: convolution, conversion of the tree, the net, generation, whole sequences."""

from lib.wavenet.conversion import savings, staged_to_dilated
from lib.wavenet.convolution import (
    CausalConv1d,
    dense_taps,
    dilated_receptive_field,
    receptive_field,
    repeating_taps,
)
from lib.wavenet.generation import NaiveGeneration, Queues, Recompute, TreeTaps, generate, generate_names
from lib.wavenet.net import GatedLayer, WaveNet
from lib.wavenet.sequences import (
    IGNORED,
    OnWindows,
    Sequences,
    cut_sequences,
    evaluate_sequences,
    make_sequences,
    sequence_loss,
    train_sequences,
)

__all__ = [
    "IGNORED",
    "CausalConv1d",
    "GatedLayer",
    "NaiveGeneration",
    "OnWindows",
    "Queues",
    "Recompute",
    "Sequences",
    "TreeTaps",
    "WaveNet",
    "cut_sequences",
    "dense_taps",
    "dilated_receptive_field",
    "evaluate_sequences",
    "generate",
    "generate_names",
    "make_sequences",
    "receptive_field",
    "repeating_taps",
    "savings",
    "sequence_loss",
    "staged_to_dilated",
    "train_sequences",
]
