"""Checks of a reader's answers: what was given, what came back, what was wanted, and the likely mistake by name.

The lessons call them as `checks.one_hot(my_one_hot)`; one file for each lesson, and `verdict` for what they share.
"""

from lib.checks.lesson01 import one_hot, windows
from lib.checks.lesson02 import SHAPES, flatten, shapes, unflatten
from lib.checks.lesson03 import count_statistics, normalise, update_running
from lib.checks.lesson04 import momentum_step, schedule
from lib.checks.lesson05 import sample, softmax, temperature
from lib.checks.verdict import Verdict, right, wrong

__all__ = [
    "SHAPES",
    "Verdict",
    "count_statistics",
    "flatten",
    "momentum_step",
    "normalise",
    "one_hot",
    "right",
    "sample",
    "schedule",
    "shapes",
    "softmax",
    "temperature",
    "unflatten",
    "update_running",
    "windows",
    "wrong",
]
