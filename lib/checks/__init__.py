"""Checks of the answers to "Your turn": returned, expected, and the likely mistake by name.

The lessons call them as `checks.one_hot(my_one_hot)`; one file per lesson, and the engine in `exercise`.
"""

from lib.checks.exercise import Verdict, right, wrong
from lib.checks.lesson01 import mended_loss, one_hot
from lib.checks.lesson02 import flatten, tree
from lib.checks.lesson03 import mend_layer, normalise
from lib.checks.lesson04 import mend_training, schedule
from lib.checks.lesson05 import softmax, write_name
from lib.checks.lesson06 import differences, interval
from lib.checks.lesson07 import convolve, mend_convolutions
from lib.checks.lesson08 import masked_loss, mend_gated_layer
from lib.checks.lesson09 import find_leaks, mend_leaks
from lib.checks.lesson10 import mend_memory, ring_step
from lib.checks.lesson11 import amp_loss, decode_levels
from lib.checks.lesson12 import merge_statistics, stream_window

__all__ = [
    "Verdict",
    "amp_loss",
    "convolve",
    "decode_levels",
    "differences",
    "find_leaks",
    "flatten",
    "interval",
    "masked_loss",
    "mend_convolutions",
    "mend_gated_layer",
    "mend_layer",
    "mend_leaks",
    "mend_memory",
    "mend_training",
    "mended_loss",
    "merge_statistics",
    "normalise",
    "one_hot",
    "right",
    "ring_step",
    "schedule",
    "softmax",
    "stream_window",
    "tree",
    "write_name",
    "wrong",
]
