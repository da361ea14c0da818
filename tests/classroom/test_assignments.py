"""The form of the assignments' sources, and the way from an answer to a verdict."""

import importlib
import io
import random
import re
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from classroom import checks
from classroom.checks import find
from lib.checks.exercise import NOT_DONE, Predict, collect, difference, plain
from tests.links import broken_links, links

pytestmark = pytest.mark.classroom

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "notebooks" / "assignments"
SOURCES = sorted(COURSE.glob("source/*/*.ipynb"))
HEADING = re.compile(r"^## (\d)\. .+ · (●○○|●●○|●●●) · (\d+) minutes · (\d+) points?$", re.MULTILINE)
KINDS = {
    "answer": {"grade": False, "locked": False, "solution": True, "task": False, "schema_version": 3},
    "test": {"grade": True, "locked": True, "solution": False, "task": False, "schema_version": 3},
    "explain": {"grade": True, "locked": False, "solution": True, "task": False, "schema_version": 3},
}


def exercises_of(name):
    return importlib.import_module(f"classroom.assignments.a{name[1:3]}").EXERCISES


def read(path):
    return nbformat.read(path, as_version=4)


def kind(cell):
    marks = cell.metadata.get("nbgrader", {})
    if not marks:
        return "text" if cell.cell_type == "markdown" else "code"
    return next((name for name, flags in KINDS.items() if flags.items() <= marks.items()), "unknown")


def of_kind(notebook, *kinds):
    return [cell for cell in notebook.cells if kind(cell) in kinds]


def marks(notebook, name):
    """Each cell has nbgrader's marks of its kind, and only those."""
    complaints = [f"nbgrader's marks of {cell.id} are of no known kind" for cell in of_kind(notebook, "unknown")]
    names = [cell.metadata.nbgrader.grade_id for cell in of_kind(notebook, *KINDS)]
    complaints += [] if len({*names}) == len(names) else [f"grade_id twice: {names}"]
    for cell in of_kind(notebook, *KINDS):
        has_points = "points" in cell.metadata.nbgrader
        if has_points != (kind(cell) != "answer") or {*cell.metadata.nbgrader} - {*KINDS["test"], "grade_id", "points"}:
            complaints.append(f"expected other marks: {cell.metadata.nbgrader}")
        if (kind(cell) != "test") != ("BEGIN SOLUTION" in cell.source and "END SOLUTION" in cell.source):
            complaints.append(f"{cell.id} has the marks of a solution and no solution, or the reverse")
    return complaints


def calls(notebook, name):
    """Each test cell is the two calls and nothing else, and there is one for every exercise that has checks."""
    complaints, known = [], exercises_of(name)
    tested = [cell.metadata.nbgrader.grade_id for cell in of_kind(notebook, "test")]
    if sorted(tested) != sorted(known):
        complaints.append(f"test cells {tested}, checks {[*known]}")
    for cell in of_kind(notebook, "test"):
        exercise = cell.metadata.nbgrader.grade_id
        if exercise not in known:
            continue
        student = ", student" if isinstance(known[exercise], Predict) else ""
        call = f'("{name[:3]}", "{exercise}", {known[exercise].answer}{student})'
        expected = f"print(checks.check{call})\n### BEGIN HIDDEN TESTS\nchecks.grade{call}\n### END HIDDEN TESTS"
        complaints += [] if cell.source == expected else [f"the test of {exercise} should be:\n{expected}"]
        before = notebook.cells[: notebook.cells.index(cell)]
        if f"{exercise}-answer" not in [c.metadata.get("nbgrader", {}).get("grade_id") for c in before]:
            complaints.append(f"no cell {exercise}-answer before the test of {exercise}")
    return complaints


def sums(notebook, name):
    """4 to 7 numbered exercises; minutes and points add up to the header, and points to those of nbgrader."""
    headings = [HEADING.search(cell.source) for cell in of_kind(notebook, "text") if cell.source.startswith("## ")]
    headings = [heading for heading in headings if heading]
    header = dict(re.findall(r"^\| \*\*(\w+)\*\* \| (\d+) \|$", notebook.cells[0].source, re.MULTILINE))
    marked = [cell.metadata.nbgrader.points for cell in of_kind(notebook, "test", "explain")]
    complaints = [] if 4 <= len(headings) <= 7 else [f"expected 4 to 7 exercises, got {len(headings)}"]
    if [heading[1] for heading in headings] != [str(number) for number in range(1, len(headings) + 1)]:
        complaints.append("the exercises are not numbered from 1")
    if [int(heading[4]) for heading in headings] != marked:
        complaints.append(f"points in the headings {[heading[4] for heading in headings]}, in the marks {marked}")
    for row, column in (("Minutes", 3), ("Points", 4)):
        total = str(sum(int(heading[column]) for heading in headings))
        complaints += [] if header.get(row) == total else [f"{row}: {header.get(row)}, exercises add up to {total}"]
    return complaints


def rests(notebook, name):
    """Each exercise names sections of lessons, and they exist."""
    complaints = []
    for cell in of_kind(notebook, "text"):
        if HEADING.search(cell.source):
            line = re.search(r"^\*Rests on lessons? \d\d[^:]*: (.+)\*$", cell.source, re.MULTILINE)
            if not line or not any("#" in link for link in links(line[1])):
                complaints.append(f"no section of a lesson is named: {cell.source[:40]!r}")
            complaints += broken_links(COURSE / "source" / name / f"{name}.ipynb", cell.source)
    return complaints


def hints(notebook, name):
    """Each exercise has folded hints, and none contains a line of the solution."""
    complaints, solution = [], set()
    for cell in of_kind(notebook, "answer", "explain"):
        inside = re.search(r"BEGIN SOLUTION.*?\n(.*)\n.*END SOLUTION", cell.source, re.DOTALL)[1]
        solution |= {line.strip().removeprefix("return ") for line in inside.splitlines() if len(line.strip()) > 12}
    texts = [cell.source for cell in of_kind(notebook, "text")]
    for text in texts:
        folded = re.findall(r"<details><summary>Hint \d</summary>\n\n(.+?)\n\n</details>", text, re.DOTALL)
        if (HEADING.search(text) or folded) and len(folded) != text.count("<details"):
            complaints.append(f"a hint that is not folded like the others: {text[:40]!r}")
        complaints += [f"a hint gives {line!r}" for line in solution for hint in folded if line in hint]
    exercises, firsts = (
        sum(bool(HEADING.search(text)) for text in texts),
        "".join(texts).count("<summary>Hint 1</summary>"),
    )
    return complaints + ([] if firsts == exercises else [f"{exercises} exercises and {firsts} first hints"])


def executed(notebook, name):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    complaints = (
        [] if [c.execution_count for c in cells] == [*range(1, len(cells) + 1)] else ["not run from top to bottom"]
    )
    for cell in of_kind(notebook, "test"):
        text = "".join(output.get("text", "") for output in cell.outputs)
        complaints += [] if text.startswith("Right.") else [f"{cell.metadata.nbgrader.grade_id} stores {text!r}"]
    return complaints


RULES = [marks, calls, sums, rests, hints, executed]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_source(path, rule):
    complaints = rule(read(path), path.stem)
    assert not complaints, "\n".join(complaints)


def test_there_are_sources():
    assert [path.parent.name for path in SOURCES] == [path.stem for path in SOURCES] and len(SOURCES) >= 2


def change(kind_of_cell, old, new):
    """A way to break a source: other text in the first cell of a kind that has the old one."""

    def breaks(notebook):
        cell = next(cell for cell in of_kind(notebook, kind_of_cell) if old in cell.source)
        cell.source = cell.source.replace(old, new, 1)

    return breaks


BROKEN = [
    (marks, lambda notebook: of_kind(notebook, "test")[-1].metadata.nbgrader.update(locked=False)),
    (calls, change("test", "checks.grade", "checks.check")),
    (sums, change("text", "· 15 minutes", "· 5 minutes")),
    (rests, change("text", "#Names-become-windows", "#names-become-windows")),
    (hints, change("text", "Hint 1</summary>\n\n", "Hint 1</summary>\n\nTry `rows, targets = [], []`. ")),
    (executed, lambda notebook: of_kind(notebook, "test")[0].outputs.clear()),
]


@pytest.mark.parametrize(("rule", "breaks"), BROKEN, ids=lambda value: value.__name__)
def test_rule_reports_broken_source(rule, breaks):
    notebook = read(COURSE / "source" / "a01_embedding" / "a01_embedding.ipynb")
    assert not rule(notebook, "a01_embedding")
    breaks(notebook)
    assert rule(notebook, "a01_embedding")


def right_embed(ids, table):
    return torch.eye(len(table))[ids] @ table


def test_check_and_grade_agree():
    assert checks.check("a01", "embed", right_embed).right
    assert checks.grade("a01", "embed", right_embed, seed="any") is None
    wrong = lambda ids, table: table[ids]
    assert checks.check("a01", "embed", wrong).mistake == "looked up instead of multiplied"
    with pytest.raises(AssertionError, match=r"^looked up instead of multiplied: "):
        checks.grade("a01", "embed", wrong, seed="any")


def test_the_seed_comes_from_the_environment(monkeypatch):
    seen = []
    answer = lambda ids, table: right_embed(ids, seen.append(table) or table)
    for seed in ("1", "2", "1"):
        monkeypatch.setenv("GRADING_SEED", seed)
        checks.grade("a01", "embed", answer)
    seen = [table for table in seen if not table.isnan().any()]  # spoiled ones tell a look-up
    first, second, third = (torch.cat([table.flatten() for table in seen[i : i + 6]]) for i in (0, 6, 12))
    assert torch.equal(first, third) and not (first.shape == second.shape and torch.equal(first, second))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_stub_is_not_done(path):
    for name, exercise in exercises_of(path.stem).items():
        if exercise.answer.islower():  # a function; test_nbgrader runs the stubs of classes
            for stub in (lambda *_: None, lambda *_: ...):
                assert checks.check(path.stem[:3], name, stub, "ada").mistake == NOT_DONE


def test_stub_that_raises_is_not_done():
    def my_embed(ids, table):
        raise NotImplementedError

    assert repr(checks.check("a01", "embed", my_embed)).startswith("Not done yet.")


def test_prediction_needs_a_name(capsys):
    assert checks.personal("a01", "predictions", ...) and "write your name" in capsys.readouterr().out
    assert checks.check("a01", "predictions", lambda mine: {}, ...).mistake == NOT_DONE
    numbers = lambda name: checks.personal("a01", "predictions", name)
    assert numbers("Ada  Lovelace ") == numbers("ada lovelace") and numbers("ada") != numbers("bob")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_cases_and_results_are_plain_data(path):
    """They pass through a file, as they must for a grader in another process."""
    answers = importlib.import_module(f"tests.classroom.catalogue.answers{path.stem[1:3]}").ANSWERS
    for answer in {answer.exercise: answer for answer in answers}.values():  # the last of each, the subtlest
        exercise = find(answer.assignment, answer.exercise)
        cases = exercise.cases("7", "ada")
        results = collect(exercise, answer.code, through_a_file(cases))
        verdict = exercise.judge(through_a_file(cases), through_a_file(results))
        assert verdict == exercise.judge(cases, results) and verdict.mistake == answer.mistake


def through_a_file(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_plain_removes_subclasses():
    class Equal(str):
        __eq__ = lambda self, other: True
        __hash__ = str.__hash__

    class Number(int):
        __eq__ = lambda self, other: True
        __hash__ = int.__hash__

    class Loose(torch.Tensor):
        pass

    assert type(plain(Equal("a"))) is str and type(plain(Number(3))) is int and plain(Number(3)) != 4
    assert type(plain(torch.zeros(2).as_subclass(Loose))) is torch.Tensor
    assert plain(x for x in "ab") == "<generator>"
    assert torch.equal(plain(torch.eye(2).to_sparse()), torch.eye(2))
    assert plain({"a": [torch.Size([2]), None, ...]}) == {"a": [(2,), None, None]}


def test_error_and_exit_are_mistakes_of_the_answer():
    def leaves(ids, table):
        sys.exit(3)

    assert checks.check("a01", "embed", leaves).mistake == "error"
    assert checks.check("a01", "embed", 3).mistake == "error"


@pytest.mark.parametrize(
    ("value", "expected", "mistake"),
    [
        ([1, 2], torch.tensor([1, 2]), "not a tensor"),
        (torch.tensor([[1, 2]]), torch.tensor([1, 2]), "wrong shape"),
        (torch.tensor([1.0, 2.0]), torch.tensor([1, 2]), "wrong dtype"),
        (torch.tensor([True]), torch.tensor([1]), "wrong dtype"),
        (torch.tensor([1 + 0j]), torch.tensor([1]), "wrong dtype"),
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, 2.0]), "other values"),
        (torch.tensor(1.01), torch.tensor(1.0), "other values"),
        ((torch.tensor(1),), (torch.tensor(1), torch.tensor(2)), "wrong number of results"),
        ({"a": 1}, {"b": 1}, "other keys"),
        ({"a": torch.tensor(1)}, {"a": torch.tensor(2)}, "other values"),
        (1.5, 1.0, "other values"),
        ("a", "b", "other values"),
        (True, 1, "other values"),
    ],
)
def test_difference_names_the_mistake(value, expected, mistake):
    assert difference(value, expected)[0] == mistake
    assert difference(expected, expected) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.tensor([1.0, 2.0]).double(), torch.tensor([1.0, 2.00001])),
        (torch.tensor([1], dtype=torch.int32), torch.tensor([1])),
        ([torch.tensor(1), 2], (torch.tensor(1), 2)),
        (1.00001, 1.0),
    ],
)
def test_difference_accepts_equal_values(value, expected):
    assert difference(value, expected) is None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_cases_do_not_depend_on_the_global_generator(path):
    for exercise in exercises_of(path.stem).values():
        torch.manual_seed(random.randrange(2**30))
        first = exercise.cases("3", "ada")
        torch.manual_seed(0)
        assert difference(exercise.cases("3", "ada"), first) is None
