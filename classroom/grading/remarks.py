"""comments.csv: what a teacher says about a line of a student's answer, shown at that line of the feedback page.

    student,assignment,exercise,line,text,attempt
    ada,a01,windows,4,Why twice?,

line: of the answer as the feedback page shows it, which is the cell's own unless there are several cells; empty: the
whole answer. attempt: optional; a comment on an earlier attempt is shown above the answer, not at the line.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from classroom.grading import records, sheets
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt

NEEDED, OPTIONAL = ["student", "assignment", "exercise", "line", "text"], ["attempt"]


@dataclass
class Remarks:
    """by: lines and texts, by student and exercise; line 0 is the whole answer. refused: what is wrong with other rows."""

    by: Mapping[tuple[str, str], list[tuple[int, str]]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def answer_of(attempt: Attempt, name: str) -> str:
    """The text of an exercise's answer."""
    return attempt.outcome.manual.get(name) or attempt.outcome.answers.get(f"{name}-answer", "")


def read(path: Path | None, names: Mapping[str, str], assignment: Assignment, history: Mapping) -> Remarks:
    """The comments on one assignment. history: every student's attempts. names: as in `deadlines.read`.

    Raises:
        Refused: it is no table with the columns that are needed.
    """
    by, refused = defaultdict(list), []
    for number, row in sheets.rows(path, NEEDED, OPTIONAL) if path else ():
        student, name = records.unescaped(row["student"]), row["exercise"].removesuffix("-answer")
        if row["assignment"] not in names:
            refused.append(f"row {number}: there is no assignment {row['assignment']!r}")
        elif names[row["assignment"]] == assignment.name:
            if problem := _problem(row, name, assignment, history.get(student, [])):
                refused.append(f"row {number} ({student[:40] or 'no student'}): {problem}")
                continue
            line, about = int(row["line"] or 0), int(row["attempt"] or len(history[student]))
            if about != history[student][-1].number:
                place = f", line {line}" * bool(line)
                by[student, name].append((0, f"About attempt {about}{place}: {records.unescaped(row['text'])}"))
            else:
                by[student, name].append((line, records.unescaped(row["text"])))
    return Remarks(by, refused)


def _problem(row: Mapping[str, str], name: str, assignment: Assignment, attempts: Sequence[Attempt]) -> str:
    """Why a row can't be used; "" if it can."""
    if not attempts:
        return "there is no submission of that student"
    if name not in {**assignment.tests, **assignment.manual}:
        return f"there is no exercise {name!r}"
    if not row["text"]:
        return "it has no text"
    for column in ("line", "attempt"):
        if row[column] and not (row[column].isascii() and row[column].isdecimal() and len(row[column]) < 7):
            return f"expected a number as {column}, got {row[column]!r}"
    about = int(row["attempt"] or attempts[-1].number)
    chosen = next((attempt for attempt in attempts if attempt.number == about), None)
    if chosen is None:
        return f"there is no attempt {about}"
    lines = len(answer_of(chosen, name).splitlines())
    if row["line"] and not 1 <= int(row["line"]) <= lines:
        return f"the answer has {lines} lines, and no line {row['line']}"
    return ""


def with_lines(text: str, remarks: Sequence[tuple[int, str]]) -> list[tuple[int, str, list[str]]]:
    """An answer's lines with their numbers and comments, for the page."""
    said = defaultdict(list)
    for line, remark in remarks:
        said[line].append(remark)
    return [(number, line, said[number]) for number, line in enumerate(text.splitlines(), 1)]
