"""The pages: one for each student, and one with all answers that a person reads. Everything from a student is escaped."""

from html import escape

from classroom.grading.attempt import Outcome
from classroom.grading.notebook import Assignment
from classroom.grading.results import Attempt

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8888; border-radius: 4px; font-size: 14px; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; border-bottom: 1px solid #8888; text-align: left; }
.verdict { border-left: 4px solid #d55e00; padding-left: .75rem; white-space: pre-wrap; } .right { border-color: #0072b2; }
img { max-width: 100%; }
"""


def page(title: str, *parts: str) -> str:
    """A page that stands on its own and can't run or load anything."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n'


def rows(*lines: tuple[object, ...]) -> str:
    """A table; the first line is its head."""
    made = []
    for number, line in enumerate(lines):
        tag = "td" if number else "th"
        made.append("<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in line) + "</tr>")
    return f"<table>{''.join(made)}</table>"


def number(points: float | None) -> str:
    return "not read yet" if points is None else f"{points:g}"


def feedback(
    wanted: Assignment,
    attempt: Attempt,
    manual: dict[str, float | None],
    comments: dict[str, str],
    earlier: list[float],
) -> str:
    """A student's page: points, what was found and the answer it was found in; no test, and no right answer."""
    outcome = attempt.outcome
    lines: list[tuple[object, ...]] = [("Exercise", "Points", "of", "Found")]
    parts = []
    for cell in wanted.cells:
        if cell.points is None:
            continue
        title = wanted.titles[cell.name]
        if cell.name in outcome.marks:
            mark = outcome.marks[cell.name]
            lines.append((title, number(mark.points), f"{mark.of:g}", mark.mistake or "right"))
            parts += _exercise(title, mark.message, not mark.mistake, outcome.answers.get(f"{cell.name}-answer", ""))
        else:
            points, text = manual.get(cell.name, 0), outcome.manual.get(cell.name, "")
            lines.append((title, number(points), f"{cell.points:g}", "" if text.strip() else "not done"))
            comment = comments.get(cell.name) or ("Your teacher reads this one." if text.strip() else "Not done yet.")
            parts += _exercise(title, comment, points == cell.points, text)
    total = outcome.points + sum(points or 0 for points in manual.values())
    waiting = " so far, the answers that a person reads not counted" if None in manual.values() else ""
    said = [
        f"<p><strong>{total:g} of {wanted.points:g} points</strong>{waiting}. This was attempt {attempt.number}.</p>"
    ]
    if earlier:
        said.append(f"<p>Points without a reader of your earlier attempts: {', '.join(f'{p:g}' for p in earlier)}.</p>")
    said += [rows(*lines), *_notes(outcome), *parts]
    return page(f"{attempt.student}: {wanted.name}", *said)


def _exercise(title: str, message: str, right: bool, answer: str) -> list[str]:
    kind = "verdict right" if right else "verdict"
    made = [f"<h2>{escape(title)}</h2>", f'<p class="{kind}">{escape(message)}</p>']
    return made + ([f"<pre>{escape(answer[:20_000])}</pre>"] if answer.strip() else [])


def _notes(outcome: Outcome) -> list[str]:
    if not outcome.notes:
        return []
    items = "".join(f"<li>{escape(note[:600])}</li>" for note in outcome.notes[:40])
    return ["<h2>What was unusual about your notebook</h2>", f"<ul>{items}</ul>"]


def reading(wanted: Assignment, attempts: list[Attempt], model: dict[str, str]) -> str:
    """All answers that a person reads, exercise by exercise, the model answer and rubric first. Not for students."""
    parts = ["<p>Write the points into the column <code>points</code> of marks.csv, and run the command again.</p>"]
    for name, of in wanted.manual.items():
        parts += [
            f"<h2>{escape(wanted.titles[name])} · {of:g} points</h2>",
            f"<pre>{escape(model.get(name, ''))}</pre>",
        ]
        for attempt in attempts:
            text = attempt.outcome.manual.get(name, "")
            if text.strip():
                parts += [f"<h3>{escape(attempt.student)}</h3>", f"<pre>{escape(text[:20_000])}</pre>"]
    return page(f"{wanted.name}: answers to read", *parts)
