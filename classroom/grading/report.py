"""The class: notebooks that are alike, where points were lost, and the most frequent mistakes."""

import ast
import base64
from collections import Counter, defaultdict
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from classroom.grading import notebook, pages
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt
from lib.checks.exercise import NOT_DONE
from lib.plots.style import BLUE, VERMILION, png_of

ALIKE = 3  # students whose own answers, at least this many, all equal another's are reported


def normalized_ast(source: str) -> str:
    """A cell's code without comments and layout."""
    if len(source) > notebook.LONGEST:
        return source
    try:
        return ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return " ".join(source.split())


def copies(attempts: Sequence[Attempt], assignment: Assignment) -> dict[str, list[str]]:
    """What to look at, by student: the same answers as another's, or another's name. A report, not a verdict."""
    released = {name: normalized_ast(source) for name, source in notebook.release(assignment).items()}
    same_answers: dict[tuple, list[str]] = defaultdict(list)
    same_name: dict[str, list[str]] = defaultdict(list)
    for attempt in attempts:
        answers = [(name, text) for name, text in attempt.outcome.answers.items() if name != "student-answer"]
        code = [(name, normalized_ast(text)) for name, text in answers if text.strip()]
        own = tuple(sorted((name, text) for name, text in code if text != released.get(name)))
        if len(own) >= ALIKE:
            same_answers[own].append(attempt.student)
        if attempt.outcome.declared:
            same_name[attempt.outcome.declared].append(attempt.student)
    looks: dict[str, list[str]] = defaultdict(list)
    reasons = {"all answers as in the notebook of": same_answers, "the same name in the notebook as": same_name}
    for what, groups in reasons.items():
        for students in groups.values():
            for student in students if len(students) > 1 else ():
                looks[student].append(f"{what} {', '.join(other for other in students if other != student)}")
    return dict(looks)


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


def report(assignment: Assignment, attempts: Sequence[Attempt], alike: dict[str, list[str]]) -> str:
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
        unusual=[(attempt.student, note[:300]) for attempt in attempts for note in attempt.outcome.notes[:3]],
    )
