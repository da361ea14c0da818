"""The pages: one per student, and one with all answers that a person grades. Their templates escape everything."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from classroom.grading.deadlines import Late
from classroom.grading.marks import Marks
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt
from classroom.grading.remarks import Remarks, with_lines
from classroom.grading.texts import shortened

LONGEST = 20_000  # characters of an answer on a page
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters["points"] = lambda points: "not read yet" if points is None else f"{points:g}"


def page(template: str, **values: object) -> str:
    """An HTML page without scripts or links, from one of the templates; all values are escaped."""
    return TEMPLATES.get_template(template).render(values)


def feedback(
    assignment: Assignment,
    attempt: Attempt,
    marks: Marks,
    earlier: Sequence[float],
    late: Late | None = None,
    remarks: Remarks | None = None,
) -> str:
    """A student's page: points, verdicts and answers, a teacher's comments; no hidden test, and no right answer."""
    outcome, by_hand = attempt.outcome, marks.points(attempt)
    total = outcome.points + sum(points or 0 for points in by_hand.values())
    exercises = exercises_of(assignment, attempt, marks, remarks)
    return page(
        "feedback.html",
        title=f"{attempt.student}: {assignment.name}",
        total=round(late.share * total, 2) if late and late.share < 1 else total,
        before=total,
        late=late,
        of=assignment.points,
        unread=None in by_hand.values(),
        number=attempt.number,
        earlier=earlier,
        rows=[(e["title"], TEMPLATES.filters["points"](e["points"]), f"{e['of']:g}", e["result"]) for e in exercises],
        notes=[note[:600] for note in outcome.notes[:40]],
        exercises=exercises,
    )


def exercises_of(assignment: Assignment, attempt: Attempt, marks: Marks, remarks: Remarks | None) -> list[dict]:
    """What a page shows of each exercise, in the order of the notebook."""
    exercises, said = _graded(assignment, attempt) | _read(assignment, attempt, marks), remarks.by if remarks else {}
    for name, exercise in exercises.items():
        mine = said.get((attempt.student, name), [])
        exercise["remarks"] = [text for line, text in mine if not line]
        exercise["lines"] = with_lines(exercise["answer"], mine) if any(line for line, _ in mine) else []
    return [exercises[cell.name] for cell in assignment.cells if cell.name in exercises]


def _graded(assignment: Assignment, attempt: Attempt) -> dict[str, dict]:
    """What the page shows of each exercise that the grader judged."""
    answers = attempt.outcome.answers
    return {
        name: {
            "title": assignment.titles[name],
            "points": score.points,
            "of": score.of,
            "result": score.mistake or "right",
            "right": not score.mistake,
            "message": score.message,
            "answer": shortened(answers.get(f"{name}-answer", ""), LONGEST),
        }
        for name, score in attempt.outcome.scores.items()
        if name in assignment.titles  # an exercise may be gone since an earlier attempt
    }


def _read(assignment: Assignment, attempt: Attempt, marks: Marks) -> dict[str, dict]:
    """What the page shows of each answer that a person grades."""
    by_hand, written, shown = marks.points(attempt), marks.comments(attempt), {}
    for name, of in assignment.manual.items():
        points, text = by_hand.get(name, 0), attempt.outcome.manual.get(name, "")
        done = bool(text.strip())
        message = written.get(name) or ("Your teacher reads this answer." if done else "Not done yet.")
        shown[name] = {"title": assignment.titles[name], "points": points, "of": of, "right": points == of}
        shown[name] |= {"result": "" if done else "not done", "message": message, "answer": shortened(text, LONGEST)}
    return shown


def reading(assignment: Assignment, attempts: Sequence[Attempt]) -> str:
    """All answers that a person grades, each exercise with its model answer and rubric. Not for students."""
    models = {cell.name: cell.source for cell in assignment.cells}
    exercises = []
    for name, of in assignment.manual.items():
        answers = [
            (attempt.student, shortened(attempt.outcome.manual[name], LONGEST), attempt.outcome.pictures.get(name, []))
            for attempt in attempts
            if attempt.outcome.manual.get(name, "").strip()
        ]
        exercises.append({"title": assignment.titles[name], "of": of, "model": models[name], "answers": answers})
    elsewhere = [(a.student, shortened(a.outcome.elsewhere, LONGEST)) for a in attempts if a.outcome.elsewhere]
    title = f"{assignment.name}: answers to read"
    return page("to_read.html", title=title, exercises=exercises, elsewhere=elsewhere)
