"""Checks of lesson 01: one-hot vectors and windows."""

from collections.abc import Callable

import torch

from lib.checks.exercise import Verdict, check_tensor, right, run, wrong


def one_hot(function: Callable) -> Verdict:
    """Lesson 01, exercise 1: ids of any shape and a size, to floats with one more dimension."""
    for ids, size in ((torch.tensor([2, 0, 3]), 5), (torch.tensor([[1, 4], [0, 2]]), 6), (torch.tensor([[0]]), 1)):
        result, problem = run(function, ids, size)
        wanted = torch.eye(size)[ids]
        given = f"Given ids {ids.tolist()} and size {size}, "
        if problem or (
            problem := check_tensor(
                "my_one_hot", result, wanted.shape, f"the ids' own shape {tuple(ids.shape)} and {size} places."
            )
        ):
            return problem
        if not result.is_floating_point():
            return wrong(
                "not floats", f"{given}my_one_hot returned {result.dtype}; a net multiplies floats: add .float()."
            )
        if not torch.equal(result.float(), wanted):
            sums = result.sum(-1)
            if bool((sums == 0).all()):
                return wrong("all zeros", f"{given}every row is all zeros; a 1 was wanted at the place of each id.")
            if not torch.equal(sums.float(), torch.ones_like(sums.float())):
                return wrong(
                    "not one 1 a row", f"{given}the rows sum to {sums.flatten().tolist()}; each should hold a single 1."
                )
            places = result.argmax(-1).tolist()
            return wrong(
                "1 at another place",
                f"{given}the ones stand at {places}; wanted {ids.tolist()}: the first place is number 0.",
            )
    return right("my_one_hot gave the right tensor for ids of three shapes.")


def windows(function: Callable) -> Verdict:
    """Lesson 01, exercise 2: the ids of one name and a context, to the list of its windows."""
    for ids, context in (([3, 1, 2], 4), ([5, 6, 7, 8, 9, 1], 3), ([4], 2), ([1, 2, 3, 4], 8)):
        result, problem = run(function, ids, context)
        if problem:
            return problem
        try:
            result = [list(map(int, window)) for window in result]
        except TypeError:
            return wrong(
                "not windows",
                f"my_windows returned {result!r}; a list of windows was wanted, each a list of {context} ids.",
            )
        padded = [0] * context + ids
        wanted = [padded[i : i + context] for i in range(len(ids) + 1)]
        if result == wanted:
            continue
        given = f"Given ids {ids} and context {context}, my_windows returned {result}; wanted {wanted}. "
        if result == wanted[:-1]:
            return wrong("last window missing", given + "The last window, whose target is the stop mark, is missing.")
        if result == wanted[1:]:
            return wrong(
                "first window missing",
                given + "The first window, all padding, is missing: it predicts the first letter.",
            )
        if len(result) > len(wanted):
            return wrong(
                "too many windows",
                given + "A name of n letters has n + 1 windows: does yours go on after the stop mark?",
            )
        if any(len(window) != context for window in result):
            return wrong(
                "wrong length",
                given + f"Every window needs {context} ids: put stop marks, id 0, before the first letter.",
            )
        if result == [window[::-1] for window in wanted]:
            return wrong("reversed", given + "Your windows run backwards: the newest letter belongs at the right end.")
        after = [[*ids, *[0] * context][i : i + context] for i in range(len(ids) + 1)]
        if result in (after, [window[-context:] for window in after]):
            return wrong("padding behind", given + "Your padding stands after the letters; it belongs before them.")
        if len(result) == len(wanted) and all(a[:-1] == b[1:] for a, b in zip(result, wanted, strict=True)):
            return wrong(
                "target inside",
                given + "Your windows already hold the letter that is to be predicted: shift them by one.",
            )
        return wrong("other windows", given + "Compare the first window that differs, letter by letter.")
    return right("my_windows gave the right windows for names of 1, 3, 4 and 6 letters.")
