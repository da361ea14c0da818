"""One page per student over several graded assignments: points, late work, mistakes, and what was said.

python -m classroom.grading.course graded/a01 graded/a02 --out course

The pages are made from the folders of results; run it again when these have changed.
"""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from classroom.grading import notebook, outputs, pages, records
from classroom.grading.__main__ import COURSE, names_of_assignments
from classroom.grading.notebook import Assignment
from classroom.grading.outputs import Graded
from classroom.grading.records import Attempt, Refused, Store
from lib.checks.exercise import NOT_DONE


def assignment_of(store: Store, out: Path) -> Assignment:
    """The assignment that a folder has results of: that which has most of their exercises.

    Raises:
        Refused: there are no results, or of no assignment.
    """
    students = store.students()
    if not students:
        raise Refused(f"{out} has no results: name the folders that were given with --out")
    scores = {name for student in students for attempt in store.attempts(student) for name in attempt.outcome.scores}
    every = [notebook.assignment(path) for path in sorted(COURSE.glob("source/*/*.ipynb"))]
    best = max(every, key=lambda assignment: len(scores & {*assignment.tests}) / len(scores | {*assignment.tests}))
    if not scores & {*best.tests}:
        raise Refused(f"{out} has results of no assignment of this course")
    return best


def row(graded: Graded, attempt: Attempt) -> dict[str, object]:
    """What a student's page shows of one assignment."""
    assignment, by_hand = graded.assignment, graded.written.points(attempt)
    late = graded.late.get(attempt.student)
    page = pages.exercises_of(assignment, attempt, graded.written, graded.remarks)
    return {
        "name": assignment.name,
        "points": graded.counted(attempt),
        "of": assignment.points,
        "attempts": attempt.number,
        "unread": None in by_hand.values(),
        "late": late.late if late else "",
        "exercises": [
            exercise for exercise in page if not exercise["right"] or exercise["remarks"] or exercise["lines"]
        ],
    }


def again(rows: Sequence[dict]) -> list[tuple[str, str]]:
    """Mistakes that a student made in more than one exercise, and where."""
    places = defaultdict(list)
    for one in rows:
        for exercise in one["exercises"]:
            if exercise["result"] not in ("", "right", NOT_DONE):
                places[exercise["result"]].append(f"{one['name'].split('_')[0]} {exercise['title']}")
    return [(mistake, ", ".join(where)) for mistake, where in places.items() if len(where) > 1]


def write(out: Path, folders: Sequence[Path], file: Path | None = None) -> int:
    """Write the pages and a table; the number of students.

    Raises:
        Refused: a folder has no results, or a file of the teacher's can't be read. Nothing is written then.
    """
    stores = [(folder, Store(folder)) for folder in folders]
    names = names_of_assignments()
    all_graded = [outputs.load(folder, assignment_of(store, folder), store, names, file) for folder, store in stores]
    all_graded.sort(key=lambda graded: graded.assignment.name)
    kinds = [graded.assignment.name for graded in all_graded]
    if double := [name for name in kinds if kinds.count(name) > 1]:
        raise Refused(f"two of the folders have results of {double[0]}: merge them first")
    students = sorted({student for graded in all_graded for student in graded.history})
    table: list[list[object]] = [["student", *kinds, "points", "of", "assignments"]]
    for student in students:
        mine = [graded for graded in all_graded if student in graded.history]
        rows = [row(graded, graded.history[student][-1]) for graded in mine]
        missing = [graded.assignment.name for graded in all_graded if student not in graded.history]
        total, of = sum(one["points"] for one in rows), sum(graded.assignment.points for graded in all_graded)
        page = pages.page(
            "course.html",
            title=f"{student}: the course",
            rows=rows,
            missing=missing,
            again=again(rows),
            total=total,
            of=of,
        )
        records.write(out / "students" / f"{student}.html", page)
        points = {one["name"]: f"{one['points']:g}" for one in rows}
        table.append([student, *(points.get(name, "") for name in kinds), f"{total:g}", f"{of:g}", len(rows)])
    records.write(out / "course.csv", records.table(table))
    return len(students)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m classroom.grading.course",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, help="folders of results, one per assignment")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pages")
    parser.add_argument("--deadlines", type=Path, help="as of python -m classroom.grading")
    options = parser.parse_args(words)
    os.umask(0o077)
    try:
        number = write(options.out, options.folders, options.deadlines)
    except (Refused, OSError) as problem:
        sys.exit(f"{problem}.")
    print(f"{number} students in {options.out}. Give students only their own page of {options.out / 'students'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
