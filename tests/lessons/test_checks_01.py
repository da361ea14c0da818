"""The checks of lesson 01: every wrong answer is told its mistake, every right one is accepted."""

import torch
import torch.nn.functional as F

from lib import checks
from tests.lessons.check_laws import accepts, names_the_mistake

ONE_HOT = {
    "not done": [lambda ids, size: ..., lambda ids, size: None],
    "error": [lambda ids, size: torch.eye(size)[ids + size]],
    "not a tensor": [lambda ids, size: torch.eye(size)[ids].tolist()],
    "wrong shape": [
        lambda ids, size: torch.eye(size)[ids].flatten(),
        lambda ids, size: torch.eye(size)[ids].transpose(0, -1),
        lambda ids, size: torch.eye(27)[ids],
        lambda ids, size: ids,
    ],
    "not floats": [F.one_hot, lambda ids, size: ids.unsqueeze(-1) == torch.arange(size)],
    "all zeros": [lambda ids, size: torch.zeros(*ids.shape, size)],
    "not one 1 a row": [
        lambda ids, size: torch.ones(*ids.shape, size),
        lambda ids, size: (ids.unsqueeze(-1) >= torch.arange(size)).float(),
        lambda ids, size: ids.unsqueeze(-1) * torch.eye(size)[ids],
    ],
    "1 at another place": [
        lambda ids, size: torch.eye(size)[ids - 1],
        lambda ids, size: torch.eye(size)[size - 1 - ids],
        lambda ids, size: torch.eye(size)[torch.zeros_like(ids)],
    ],
    "changed its input": [lambda ids, size: torch.eye(size)[ids.add_(1).sub(1)]],
}
ONE_HOT_RIGHT = [
    lambda ids, size: (ids.unsqueeze(-1) == torch.arange(size)).float(),
    lambda ids, size: torch.eye(size)[ids],
    lambda ids, size: F.one_hot(ids, size).double(),
    lambda ids, size: torch.zeros(*ids.shape, size).scatter_(-1, ids.unsqueeze(-1), 1.0),
]


def right_windows(ids, context):
    padded = [0] * context + ids
    return [padded[i : i + context] for i in range(len(ids) + 1)]


def sliding(ids, context):
    window, out = [0] * context, []
    for number in [*ids, 0]:
        out.append(tuple(window))
        window = [*window[1:], number]
    return out


def in_place(ids, context):
    while len(ids) < 2 * context:
        ids.insert(0, 0)
    return right_windows(ids, context)


WINDOWS = {
    "not done": [lambda ids, context: None],
    "error": [lambda ids, context: right_windows(ids + context, context)],
    "not windows": [lambda ids, context: 3, lambda ids, context: ids],
    "last window missing": [lambda ids, context: right_windows(ids, context)[:-1]],
    "first window missing": [lambda ids, context: right_windows(ids, context)[1:]],
    "too many windows": [
        lambda ids, context: right_windows([*ids, 0], context),
        lambda ids, context: right_windows([0, *ids], context),
    ],
    "wrong length": [
        lambda ids, context: [ids[max(0, i - context) : i] for i in range(len(ids) + 1)],
        lambda ids, context: right_windows(ids, context + 1),
    ],
    "reversed": [lambda ids, context: [window[::-1] for window in right_windows(ids, context)]],
    "padding behind": [lambda ids, context: [(ids + [0] * context)[i : i + context] for i in range(len(ids) + 1)]],
    "target inside": [lambda ids, context: right_windows([*ids, 0], context)[1:]],
    "other windows": [
        lambda ids, context: [[0] * context for _ in range(len(ids) + 1)],
        lambda ids, context: [[1] * context] + right_windows(ids, context)[1:],
    ],
    "changed its input": [in_place],
}
WINDOWS_RIGHT = [
    right_windows,
    sliding,
    lambda ids, context: [([0] * context + ids[:i])[-context:] for i in range(len(ids) + 1)],
    lambda ids, context: torch.tensor([0] * context + ids).unfold(0, context, 1),
]


test_one_hot_names_the_mistake = names_the_mistake(checks.one_hot, ONE_HOT)
test_one_hot_accepts_right_answers = accepts(checks.one_hot, ONE_HOT_RIGHT)
test_windows_names_the_mistake = names_the_mistake(checks.windows, WINDOWS)
test_windows_accepts_right_answers = accepts(checks.windows, WINDOWS_RIGHT)


def test_a_verdict_reads_as_a_sentence():
    assert repr(checks.right("All is well.")) == "Right. All is well."
    assert repr(checks.wrong("not done", "Begin.")) == "Not done yet. Begin."
    assert repr(checks.wrong("slip", "Look again.")) == "Not right yet. Look again."
