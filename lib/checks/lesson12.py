"""Checks of lesson 12: windows from a stream, and the merged statistics of two processes, a function to mend."""

from collections.abc import Callable

from lib.checks.exercise import Implement, Mistake, composed, listed

_STREAM = [5, 13, 13, 1, 0, 15, 12, 9, 22, 9, 1, 0, 1, 22, 1, 0]  # .emma.olivia.ava., without the first stop mark


def _window(
    ids: list[int], place: int, context: int, other: str = "left out", end: int = 0, pad: Callable = lambda w, n: n + w
) -> list[int]:
    before = ids[max(0, place + end - context) : place + end]
    if other == "left out" and 0 in before:
        before = before[len(before) - before[::-1].index(0) :]
    elif other == "first stop mark" and 0 in before:
        before = before[before.index(0) + 1 :]
    elif other == "none after a stop mark" and 0 in before:
        before = before[: before.index(0)]
    return pad(before, [0] * (context - len(before)))


# Exercise 1: the ids of a stream, a place and a context, to the window before that place.
stream_window = Implement(
    "my_window",
    [
        (_STREAM, 8, 8),
        (_STREAM, 2, 8),
        (_STREAM, 5, 8),
        (_STREAM, 14, 4),
        (_STREAM, 11, 4),
        (_STREAM, 0, 3),
        (_STREAM, 15, 12),
        (_STREAM, 9, 3),
    ],
    solution=_window,
    praise="Eight windows are right, at the begin of the stream, after a stop mark and inside long names.",
    probe=lambda answer, *case: listed(answer, *case),
    mistakes=(
        *composed(
            _window,
            other=(
                Mistake(
                    "another name in the window",
                    "Letters before the last stop mark belong to another name. Put 0 in their places.",
                    "kept",
                ),
                Mistake(
                    "cut at the first stop mark",
                    "A window can hold two stop marks, or three: what counts is what follows the last one.",
                    "first stop mark",
                ),
                Mistake(
                    "the wrong side of the stop mark",
                    "You kept what is before the stop mark. What follows it is the name that is being written.",
                    "none after a stop mark",
                ),
            ),
            end=(
                Mistake(
                    "the target is in the window",
                    "The window ends before `place`. The id at `place` is the target: a net that sees it has nothing to guess.",
                    1,
                ),
                Mistake("one id too early", "The window ends directly before `place`.", -1),
            ),
            pad=(
                Mistake(
                    "padded behind", "Fill up with 0 in front: the newest id is always the last.", lambda w, n: w + n
                ),
                Mistake("not padded", "Every window has `context` ids. Fill up with 0 in front.", lambda w, n: w),
            ),
        ),
        Mistake(
            "a negative index + another name in the window",
            "Near the begin of the stream place - context is below 0, and a slice then counts from the end. And letters "
            "before the last stop mark belong to another name.",
            lambda ids, place, context: ids[place - context : place],
        ),
        Mistake(
            "a negative index",
            "Near the begin of the stream place - context is below 0, and a slice then counts from the end.",
            lambda ids, place, context: _window(ids, place, context) if place >= context else [0] * context,
        ),
    ),
    hint="At place 8 of emma.olivia.ava. the window of 8 is .....oli: three ids of this name, and 0 in front.",
)


def _merge(
    first: tuple,
    second: tuple,
    mean: Callable = lambda n, m, k, p: (n * m + k * p) / (n + k),
    within: Callable = lambda n, v, k, w: (n * v + k * w) / (n + k),
    between: Callable = lambda n, m, k, p: n * k / (n + k) ** 2 * (m - p) ** 2,
) -> tuple:
    (n, m, v), (k, p, w) = first, second
    return n + k, mean(n, m, k, p), within(n, v, k, w) + between(n, m, k, p)


def _half(n: int, a: int | float, k: int, b: int | float) -> int | float:
    return (a + b) / 2


# Exercise 2, code to mend: (count, mean, biased variance) of two shares, to those of both together.
merge_statistics = Implement(
    "my_merge",
    [
        ((256, 0.5, 1.0), (256, -0.5, 2.0)),
        ((100, 1.0, 0.5), (300, 3.0, 1.5)),
        ((3, 2.0, 0.0), (1, 6.0, 0.0)),
        ((64, 0.25, 1.0), (192, 0.25, 3.0)),
        ((1, 4.0, 0.0), (1, 2.0, 0.0)),
    ],
    solution=_merge,
    praise="Five pairs of shares are merged as if one process had seen them all, equal shares or not.",
    probe=lambda answer, *case: listed(answer, *case),
    mistakes=(
        *composed(
            _merge,
            mean=(
                Mistake(
                    "means not weighted",
                    "A mean of three examples says more than a mean of one. Weight each by its count.",
                    _half,
                ),
            ),
            within=(
                Mistake(
                    "variances not weighted",
                    "A variance of three examples says more than one of one. Weight each by its count.",
                    _half,
                ),
                Mistake(
                    "n - 1",
                    "Divide by the count, not by one less: BatchNorm normalises with the biased variance.",
                    lambda n, v, k, w: (n * v + k * w) / (n + k - 1),
                ),
                Mistake(
                    "variances added",
                    "The variances are averaged, weighted by their counts, not added.",
                    lambda n, v, k, w: v + w,
                ),
            ),
            between=(
                Mistake(
                    "distance between the means missing",
                    "Two shares that are each constant, at 2 and at 6, have variance 0 each. Together they do not. What is missing?",
                    lambda n, m, k, p: 0.0,
                ),
                Mistake(
                    "between not weighted",
                    "The means' own variance is weighted by the counts, too. With equal counts yours is right.",
                    lambda n, m, k, p: (m - p) ** 2 / 4,
                ),
                Mistake(
                    "between too large",
                    "Take the distance of each mean to the mean of both, not the distance between them.",
                    lambda n, m, k, p: (m - p) ** 2,
                ),
                Mistake(
                    "not squared",
                    "A variance is made of squares: square the distance of the means.",
                    lambda n, m, k, p: n * k / (n + k) ** 2 * abs(m - p),
                ),
            ),
        ),
        Mistake(
            "deviations merged",
            "You merged standard deviations. The formula is for variances.",
            lambda *case: (*_merge(*case)[:2], _merge(*case)[2] ** 0.5),
        ),
        Mistake(
            "only the variance",
            "Return three things: count, mean and variance of both together.",
            lambda *case: _merge(*case)[2],
        ),
        Mistake("no count", "Return three things, the count first.", lambda *case: _merge(*case)[1:]),
    ),
    hint="Imagine all examples of both shares in one list. What are its mean and its variance?",
)
