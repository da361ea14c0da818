"""A student's result in the forms that other platforms read.

result.json is that of Classroom 50, "classroom50/result/v1": https://github.com/foundation50/classroom50/wiki/
Advanced-Autograding, "The result.json contract". What only its runner knows is taken from the environment variables that
the page names (CLASSROOM, SUBMISSION_TAG, COMMIT_URL, RELEASE_URL, REVIEW_URL, OWNER); elsewhere an address is the
notebook's digest. Its scores are integers, so halves of points are rounded down, and kept in the test's own "points".

results.json is Gradescope's: https://gradescope-autograders.readthedocs.io/en/latest/specs/, "Output format".
"""

import json
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from classroom.grading import records
from classroom.grading.deadlines import Late
from classroom.grading.notebook import Assignment
from classroom.grading.records import Attempt


def tests_of(assignment: Assignment, attempt: Attempt, by_hand: Mapping[str, float | None]) -> list[dict]:
    """Name, points, points to get and message of each exercise; points are None where a person has not graded yet."""
    found = []
    for name, of in {**assignment.tests, **assignment.manual}.items():
        score = attempt.outcome.scores.get(name)
        points = score.points if score else by_hand.get(name, 0) if name in assignment.manual else 0
        message = score.message if score else "" if points is not None else "Your teacher reads this answer."
        found.append({"name": assignment.titles[name], "points": points, "of": of, "message": message})
    return found


def classroom50(assignment: Assignment, attempt: Attempt, by_hand: Mapping, time: str, share: float = 1) -> dict:
    """The content of result.json. time: when it was handed in, ISO's form with a zone. share: of points that count."""
    address = lambda name: os.environ.get(name) or f"urn:notebook:{attempt.digest}"
    whole = lambda points: math.floor(points * share + 1e-9)
    tests = [
        {"test-name": test["name"], "passed": test["points"] == test["of"], "score": whole(test["points"] or 0)}
        | {"max-score": math.floor(test["of"]), "points": test["points"]}
        for test in tests_of(assignment, attempt, by_hand)
    ]
    return {
        "schema": "classroom50/result/v1",
        "classroom": os.environ.get("CLASSROOM") or "classroom",
        "assignment": os.environ.get("ASSIGNMENT") or assignment.name,
        "assignment_type": "individual",
        "owner": os.environ.get("OWNER") or attempt.student,
        "submission": os.environ.get("SUBMISSION_TAG") or f"submit/{attempt.number}-{attempt.digest}",
        "commit": address("COMMIT_URL"),
        "release": address("RELEASE_URL"),
        "review": address("REVIEW_URL"),
        "datetime": datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }


def gradescope(assignment: Assignment, attempt: Attempt, by_hand: Mapping, late: Late | None = None) -> dict:
    """The content of results.json."""
    tests, share = [], late.share if late else 1
    for number, test in enumerate(tests_of(assignment, attempt, by_hand), 1):
        entry = {"max_score": test["of"], "name": test["name"], "name_format": "text", "number": str(number)}
        entry |= {"output": test["message"], "output_format": "text", "visibility": "visible"}
        if test["points"] is not None:
            entry |= {"score": test["points"], "status": "passed" if test["points"] == test["of"] else "failed"}
        tests.append(entry)
    notes = [late.sentence] if late and late.late else []
    return {
        "score": round(share * sum(test.get("score", 0) for test in tests), 2),
        "execution_time": round(attempt.outcome.seconds),
        "output": "\n".join([*notes, *(note[:600] for note in attempt.outcome.notes[:40])]),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"attempt": attempt.number, "notebook": attempt.digest},
        "tests": tests,
    }


def write(out: Path, assignment: Assignment, attempt: Attempt, by_hand: Mapping, late: Late | None, time: str) -> None:
    """Both files. time: when the work was handed in; if that is unknown, when it was graded."""
    graded = (out / "results" / attempt.student / f"{attempt.number}.json").stat().st_mtime
    zoned = bool(time) and datetime.fromisoformat(time).tzinfo is not None
    time = time if zoned else datetime.fromtimestamp(int(graded), UTC).isoformat()
    folder, share = out / "contracts" / attempt.student, late.share if late else 1
    files = {"result.json": classroom50(assignment, attempt, by_hand, time, share)}
    files["results.json"] = gradescope(assignment, attempt, by_hand, late)
    for name, content in files.items():
        records.write(folder / name, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
