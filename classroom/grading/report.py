"""The class: notebooks that are alike, where points were lost, and the most frequent mistakes."""

import base64
from collections import Counter, defaultdict
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from classroom.grading import pages
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt
from lib.checks.exercise import NOT_DONE
from lib.plots.style import BLUE, VERMILION, png_of


def same_names(attempts: Sequence[Attempt]) -> dict[str, list[str]]:
    """What to look at, by student: another's name in the notebook. A report, not a verdict."""
    groups: dict[str, list[str]] = defaultdict(list)
    for attempt in attempts:
        if attempt.outcome.declared:
            groups[attempt.outcome.declared].append(attempt.student)
    looks: dict[str, list[str]] = {}
    for students in groups.values():
        for student in students if len(students) > 1 else ():
            others = ", ".join(other for other in students if other != student)
            looks[student] = [f"the same name in the notebook as {others}"]
    return looks


def _picture(figure: Figure, alt: str) -> dict[str, str]:
    return {"alt": alt, "data": base64.b64encode(png_of(figure, dpi=110)).decode()}


def distribution(points: Sequence[float], of: float) -> dict[str, str]:
    """Histogram of the points."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    counts = Counter(int(p) for p in points)
    axes.bar([*counts], [*counts.values()], color=BLUE)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="points (without the answers that a person grades)", ylabel="students", xlim=(-0.7, of + 0.7))
    median = sorted(points)[len(points) // 2]
    spread = f"from {min(points):g} to {max(points):g} of {of:g}, median {median:g}"
    alt = f"Students by points: {len(points)} students, {spread}."
    return _picture(figure, alt)


def _bars(values: dict[str, float], colour: str, label: str, **options: object) -> Figure:
    """A horizontal bar per name, the first at the top. options: of the bars' labels."""
    figure = Figure(figsize=(7, 0.5 + 0.45 * len(values)), layout="constrained")
    axes = figure.subplots()
    axes.bar_label(axes.barh([*values][::-1], [*values.values()][::-1], color=colour), padding=3, **options)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.12)
    axes.set_xlabel(label)
    return figure


def by_exercise(shares: dict[str, float]) -> dict[str, str]:
    """The mean share of the points of each exercise."""
    percent = {name: 100 * share for name, share in shares.items()}
    alt = "Mean share of the points by exercise: " + ", ".join(f"{n} {p:.0f} %" for n, p in percent.items()) + "."
    return _picture(_bars(percent, BLUE, "mean share of the points, in percent", fmt="%.0f %%"), alt)


def mistakes(counts: dict[str, Counter]) -> dict[str, str] | None:
    """The most frequent mistake of each exercise; "not done" is not one. None if nobody made any."""
    made = {name: Counter({m: n for m, n in some.items() if m != NOT_DONE}) for name, some in counts.items()}
    most = {f"{name}: {m}": n for name, some in made.items() for m, n in some.most_common(1)}
    if not most:
        return None
    alt = "The most frequent mistake by exercise, and how many students made it: "
    alt += "; ".join(f"{mistake} ({n})" for mistake, n in most.items())
    return _picture(_bars(most, VERMILION, "students who made it"), alt + ".")


def report(
    assignment: Assignment, attempts: Sequence[Attempt], alike: dict[str, list[str]], late: dict[str, str] | None = None
) -> str:
    """The page for the teacher."""
    scores = {name: [a.outcome.scores[name] for a in attempts if name in a.outcome.scores] for name in assignment.tests}
    shares = {name: sum(s.points / (s.of or 1) for s in some) / max(len(some), 1) for name, some in scores.items()}
    counts = {name: Counter(score.mistake for score in some if score.mistake) for name, some in scores.items()}
    points, of = [attempt.outcome.points for attempt in attempts], sum(assignment.tests.values())
    return pages.page(
        "report.html",
        title=f"{assignment.name}: {len(attempts)} students",
        pictures=filter(None, [distribution(points, of), by_exercise(shares), mistakes(counts)]),
        mistakes=[(name, mistake, n) for name, some in counts.items() for mistake, n in some.most_common(5)],
        alike=[(student, what) for student, looks in sorted(alike.items()) for what in looks],
        late=sorted((late or {}).items()),
        unusual=[(attempt.student, note[:300]) for attempt in attempts for note in attempt.outcome.notes[:3]],
    )
