"""Notebooks that are alike in structure, found by copydetect: reported for a person to look at, never judged.

copydetect (https://github.com/blingenf/copydetect) compares code without names, comments and order, by its fingerprints:
Schleimer et al. 2003, "Winnowing: local algorithms for document fingerprinting". All code of a student's exercises is
compared at once; what the release gave to everybody does not count.
"""

import ast
import io
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from classroom.grading import notebook, pages
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt

LENGTH = 20  # characters of a fingerprint, a name counting as one
SHARE = 0.9  # of the code of both, from which on two are reported; see tests/classroom/test_likeness.py
LEAST = 100  # characters of a student's own that are enough to compare
LONGEST = 20_000  # characters of a student's code
SHOWN = 200  # pairs whose texts are in the page


@dataclass(frozen=True)
class Pair:
    """Two students, and the share of the code of each that is in the other's, in percent."""

    first: str
    second: str
    shares: tuple[int, int]


def normalized(source: str) -> str:
    """Code without comments, layout and texts that nothing uses; as it is, if it is not Python."""
    if len(source) > LONGEST:
        return source[:LONGEST]
    try:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            for body in (part for part in (getattr(node, "body", None),) if isinstance(part, list)):
                text = lambda line: isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
                node.body = [line for line in body if not text(line)] or body[:1]
        return ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source


def own_code(attempt: Attempt, assignment: Assignment) -> str:
    """All answers of a student that are not as they were released."""
    released = {name: normalized(source) for name, source in notebook.release(assignment).items()}
    answers = {name: text for name, text in attempt.outcome.answers.items() if name != "student-answer"}
    return "\n\n".join(text for name, text in answers.items() if normalized(text) != released.get(name))


def _fingerprint(text: str, released: set[int]):
    from copydetect import CodeFingerprint
    from copydetect.utils import get_token_coverage

    # Every fingerprint counts (a window of 1): which are chosen would depend on Python's random hashes. The template's
    # are taken out here, because copydetect does not expect one fingerprint twice in that list.
    mark = CodeFingerprint("answers.py", LENGTH, 1, fp=io.StringIO(text), language="python")
    mark.hash_idx = {key: places for key, places in mark.hash_idx.items() if key not in released}
    mark.hashes = {*mark.hash_idx}
    mark.token_coverage = get_token_coverage(mark.hash_idx, LENGTH, len(mark.filtered_code))
    return mark


def pairs(attempts: Sequence[Attempt], assignment: Assignment) -> list[Pair]:
    """The pairs to look at, the most alike first.

    Raises:
        ImportError: copydetect is not installed.
    """
    from copydetect import compare_files

    template = "\n\n".join(normalized(text) for text in notebook.release(assignment).values())
    released, marks, found = _fingerprint(template, set()).hashes, {}, []
    for attempt in attempts:
        mark = _fingerprint(normalized(own_code(attempt, assignment)[:LONGEST]), released)
        if mark.token_coverage >= LEAST:
            marks[attempt.student] = mark
    for a, b in itertools.combinations(marks, 2):
        if len(marks[a].hashes & marks[b].hashes) < SHARE / 2 * max(len(marks[a].hashes), len(marks[b].hashes)):
            continue
        _, shares, _ = compare_files(marks[a], marks[b])
        if min(shares) >= SHARE:
            found.append(Pair(a, b, tuple(round(100 * float(share)) for share in shares)))
    return sorted(found, key=lambda pair: (-min(pair.shares), pair.first, pair.second))


def looks(found: Sequence[Pair]) -> dict[str, list[str]]:
    """What the table says about each student: whom to compare with, at most five."""
    others: dict[str, list[str]] = defaultdict(list)
    for pair in found:
        for one, other, share in ((pair.first, pair.second, 0), (pair.second, pair.first, 1)):
            others[one].append(f"{other} ({pair.shares[share]} %)")
    say = lambda names: ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return {student: [f"code as in the notebook of {say(names)}"] for student, names in others.items()}


def page(found: Sequence[Pair], attempts: Sequence[Attempt], assignment: Assignment) -> str:
    """Every pair with its two texts, side by side. Not for students."""
    texts = {attempt.student: own_code(attempt, assignment)[:LONGEST] for attempt in attempts} if found else {}
    shown = [(pair, texts[pair.first], texts[pair.second]) for pair in found[:SHOWN]]
    return pages.page("alike.html", title=f"{assignment.name}: alike", pairs=shown, more=len(found) - len(shown))
