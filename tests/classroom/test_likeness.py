"""Copies are reported whatever their names, comments and order; two independent right answers are not."""

import ast
import random

import pytest

from classroom.grading import attempt, likeness, records
from tests.classroom.factories import SOURCES, Assigned

pytest.importorskip("copydetect", reason="pip install -e '.[teach]'")
pytestmark = pytest.mark.classroom


class Renamed(ast.NodeTransformer):
    """The code with other names for arguments and variables, and in another layout."""

    def __init__(self, source):
        tree = ast.parse(source)
        named = [n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]
        named += [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.names = {name: f"my_{number}" for number, name in enumerate(dict.fromkeys(named)) if name != "self"}
        self.text = ast.unparse(self.visit(tree))

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.names.get(node.arg, node.arg)
        return node


def of(student, answers):
    named = {f"{exercise}-answer": source for exercise, source in answers.items()}
    return records.Attempt(student, 1, "", "", attempt.Outcome(answers=named))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_copies_are_reported_and_independent_right_answers_are_not(source):
    assigned, draw = Assigned(source), random.Random(1)
    right = {exercise: assigned.by_mistake(exercise, "") for exercise in assigned.assignment.tests}
    mine = {exercise: some[0] for exercise, some in right.items()}
    order = draw.sample([*mine], len(mine))
    class_ = [
        of("ada", mine),
        of("renamed", {exercise: Renamed(text).text for exercise, text in mine.items()}),
        of("reordered", {exercise: mine[exercise] for exercise in order}),
        of("commented", {e: text.replace("\n    ", "\n    # my own idea\n    ") for e, text in mine.items()}),
        of("second", {exercise: some[1] for exercise, some in right.items()}),
        of("third", {exercise: some[2] for exercise, some in right.items()}),
        of("two alike", {e: some[0 if e in order[:2] else 1] for e, some in right.items()}),
        of("released", likeness.notebook.release(assigned.assignment)),
        of("nothing", {}),
    ]
    class_[7].outcome.answers = likeness.notebook.release(assigned.assignment)
    found = likeness.pairs(class_, assigned.assignment)
    copies = {"ada", "renamed", "reordered", "commented"}
    assert {frozenset((p.first, p.second)) for p in found} == {
        frozenset((a, b)) for a in copies for b in copies if a < b
    }
    assert likeness.pairs(class_, assigned.assignment) == found
    looks, page = likeness.looks(found), likeness.page(found, class_, assigned.assignment)
    assert {*looks} == copies and "renamed" in looks["ada"][0] and page.count("<pre>") == 12


def test_what_is_not_python_and_what_is_endless_is_compared_as_text():
    for text in ("def f(:", "(" * 500, "x" * (likeness.LONGEST + 1), "\0", "%time x", ""):
        assert len(likeness.normalized(text)) <= likeness.LONGEST


def test_page_escapes_code_and_says_that_it_is_no_verdict():
    assigned, evil = (
        Assigned(SOURCES[0]),
        "x = '<script>'\n" + "".join(f"y{n} = [z for z in range({n})]\n" for n in range(30)),
    )
    class_ = [of("<b>", {"windows": evil}), of("eve", {"windows": evil.replace("z", "w")})]
    page = likeness.page(likeness.pairs(class_, assigned.assignment), class_, assigned.assignment)
    assert "<script>" not in page and "&lt;script&gt;" in page and "&lt;b&gt;" in page and "no verdict" in page
