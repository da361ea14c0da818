"""The class: who copied, where the points went, and which mistakes were made most often."""

import ast
import base64
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from html import escape

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from classroom.grading import notebook, pages
from classroom.grading.notebook import Assignment
from classroom.grading.results import Attempt
from lib.checks.exercise import NOT_DONE

BLUE, ORANGE = "#0072b2", "#d55e00"
ALIKE = 3  # so many answers of one's own, all equal to another's, are reported


def essence(source: str) -> str:
    """A cell's code without comments and layout."""
    if len(source) > notebook.LONGEST:
        return source
    try:
        return ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return " ".join(source.split())


def copies(attempts: Sequence[Attempt], release: dict[str, str]) -> dict[str, list[str]]:
    """What to look at, by student: the same answers as somebody else, or somebody else's name. A report, and no verdict."""
    given = {name: essence(source) for name, source in release.items()}
    groups: dict[tuple, list[str]] = defaultdict(list)
    names: dict[str, list[str]] = defaultdict(list)
    for attempt in attempts:
        done = {name: essence(text) for name, text in attempt.outcome.answers.items() if name != "student-answer"}
        own = tuple(sorted((name, text) for name, text in done.items() if text and text != given.get(name)))
        if len(own) >= ALIKE:
            groups[own].append(attempt.student)
        if attempt.outcome.declared:
            names[attempt.outcome.declared].append(attempt.student)
    found: dict[str, list[str]] = defaultdict(list)
    for what, some in (("all answers as in the notebook of", groups), ("the same name in the notebook as", names)):
        for students in some.values():
            for student in students if len(students) > 1 else ():
                found[student].append(f"{what} {', '.join(other for other in students if other != student)}")
    return dict(found)


def picture(figure: Figure, alt: str) -> str:
    """The figure with its description, for those who can't see it, and again below it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    data = base64.b64encode(file.getvalue()).decode()
    return f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{data}"><figcaption>{escape(alt)}</figcaption></figure>'


def distribution(points: list[float], of: float) -> str:
    """How many students have how many points."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    counts = Counter(int(p) for p in points)
    axes.bar([*counts], [*counts.values()], color=BLUE)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="points (without the answers that a person reads)", ylabel="students", xlim=(-0.7, of + 0.7))
    middle = sorted(points)[len(points) // 2] if points else 0
    alt = f"Students by points: {len(points)} students, from {min(points):g} to {max(points):g} of {of:g}, the middle one with {middle:g}."
    return picture(figure, alt)


def by_exercise(wanted: Assignment, shares: dict[str, float]) -> str:
    """The mean share of the points of each exercise."""
    figure = Figure(figsize=(7, 0.5 + 0.45 * len(shares)), layout="constrained")
    axes = figure.subplots()
    names = [*shares][::-1]
    bars = axes.barh(names, [100 * shares[name] for name in names], color=BLUE)
    axes.bar_label(bars, fmt="%.0f %%", padding=3)
    axes.set(xlabel="mean share of the points, in per cent", xlim=(0, 112))
    alt = "Mean share of the points by exercise: " + ", ".join(f"{n} {100 * s:.0f} %" for n, s in shares.items()) + "."
    return picture(figure, alt)


def mistakes(counts: dict[str, Counter]) -> str:
    """The most frequent mistake of each exercise; what was not done is none."""
    figure = Figure(figsize=(7, 0.5 + 0.45 * len(counts)), layout="constrained")
    axes = figure.subplots()
    made = {name: Counter({m: n for m, n in found.items() if m != NOT_DONE}) for name, found in counts.items()}
    most = {name: found.most_common(1)[0] for name, found in made.items() if found}
    labels = [f"{name}: {mistake}" for name, (mistake, _) in most.items()][::-1]
    bars = axes.barh(labels, [count for _, count in most.values()][::-1], color=ORANGE)
    axes.bar_label(bars, padding=3)
    axes.set(xlabel="students who made it")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    alt = "The most frequent mistake by exercise, and how many students made it: " + "; ".join(
        f"{n}: {m} ({c})" for n, (m, c) in most.items()
    )
    return picture(figure, alt + ".")


def report(wanted: Assignment, attempts: Sequence[Attempt], alike: dict[str, list[str]]) -> str:
    """The page for the teacher."""
    of = sum(wanted.tests.values())
    marks = {name: [a.outcome.marks[name] for a in attempts if name in a.outcome.marks] for name in wanted.tests}
    shares = {name: sum(m.points / (m.of or 1) for m in some) / max(len(some), 1) for name, some in marks.items()}
    counts = {name: Counter(mark.mistake for mark in some if mark.mistake) for name, some in marks.items()}
    lines: list[tuple[object, ...]] = [("Exercise", "Mistake", "Students")]
    lines += [(name, mistake, n) for name, found in counts.items() for mistake, n in found.most_common(5)]
    unusual: list[tuple[object, ...]] = [("Student", "Unusual")]
    unusual += [(a.student, note[:300]) for a in attempts for note in a.outcome.notes[:3]]
    looks: list[tuple[object, ...]] = [("Student", "Look at this: reported, not judged")]
    looks += [(student, what) for student, found in sorted(alike.items()) for what in found]
    parts = [
        distribution([a.outcome.points for a in attempts], of),
        by_exercise(wanted, shares),
        mistakes(counts),
        "<h2>Mistakes by name</h2>",
        pages.rows(*lines),
        "<h2>Alike</h2>",
        pages.rows(*looks) if len(looks) > 1 else "<p>No two notebooks are alike.</p>",
        "<h2>Unusual notebooks</h2>",
        pages.rows(*unusual) if len(unusual) > 1 else "<p>None.</p>",
    ]
    return pages.page(f"{wanted.name}: {len(attempts)} students", *parts)
