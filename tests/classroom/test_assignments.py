"""The assignments' form, and laws of their checks. tests/assignments tries the checks on catalogues of answers."""

import copy
import importlib
import io
import random
import re
import sys
import urllib.parse
from pathlib import Path

import nbformat
import pytest
import torch

from classroom.checks import find
from lib import checks
from lib.checks.exercise import NOT_DONE, Predict, collect, difference, plain

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
    complaints = [f"nbgrader's marks of {cell.id} are of no kind" for cell in of_kind(notebook, "unknown")]
    names = [cell.metadata.nbgrader.grade_id for cell in of_kind(notebook, *KINDS)]
    complaints += [] if len({*names}) == len(names) else [f"grade_id twice: {names}"]
    for cell in of_kind(notebook, *KINDS):
        pointed = "points" in cell.metadata.nbgrader
        if pointed != (kind(cell) != "answer") or {*cell.metadata.nbgrader} - {*KINDS["test"], "grade_id", "points"}:
            complaints.append(f"other marks wanted: {cell.metadata.nbgrader}")
        if (kind(cell) != "test") != ("BEGIN SOLUTION" in cell.source and "END SOLUTION" in cell.source):
            complaints.append(f"{cell.id} has a solution's marks and no solution, or the other way round")
    return complaints


def calls(notebook, name):
    """Each test cell is the two calls and nothing else, and there is one for every exercise that has checks."""
    complaints, known = [], exercises_of(name)
    found = [cell.metadata.nbgrader.grade_id for cell in of_kind(notebook, "test")]
    if sorted(found) != sorted(known):
        complaints.append(f"test cells {found}, checks {[*known]}")
    for cell in of_kind(notebook, "test"):
        exercise = cell.metadata.nbgrader.grade_id
        if exercise not in known:
            continue
        student = ", student" if isinstance(known[exercise], Predict) else ""
        call = f'("{name[:3]}", "{exercise}", {known[exercise].answer}{student})'
        wanted = f"print(checks.check{call})\n### BEGIN HIDDEN TESTS\nchecks.grade{call}\n### END HIDDEN TESTS"
        complaints += [] if cell.source == wanted else [f"the test of {exercise} should read:\n{wanted}"]
        before = notebook.cells[: notebook.cells.index(cell)]
        if f"{exercise}-answer" not in [c.metadata.get("nbgrader", {}).get("grade_id") for c in before]:
            complaints.append(f"no cell {exercise}-answer before the test of {exercise}")
    return complaints


def sums(notebook, name):
    """4 to 7 numbered exercises; minutes and points add up to what the header says, and points to what nbgrader gives."""
    headings = [HEADING.search(cell.source) for cell in of_kind(notebook, "text") if cell.source.startswith("## ")]
    headings = [heading for heading in headings if heading]
    header = dict(re.findall(r"^\| \*\*(\w+)\*\* \| (\d+) \|$", notebook.cells[0].source, re.MULTILINE))
    marked = [cell.metadata.nbgrader.points for cell in of_kind(notebook, "test", "explain")]
    complaints = [] if 4 <= len(headings) <= 7 else [f"4 to 7 exercises wanted; found {len(headings)}"]
    if [heading[1] for heading in headings] != [str(number) for number in range(1, len(headings) + 1)]:
        complaints.append("the exercises are not numbered from 1")
    if [int(heading[4]) for heading in headings] != marked:
        complaints.append(f"points in the headings {[heading[4] for heading in headings]}, in the marks {marked}")
    for row, column in (("Minutes", 3), ("Points", 4)):
        total = sum(int(heading[column]) for heading in headings)
        complaints += (
            [] if header.get(row) == str(total) else [f"{row}: {header.get(row)}, exercises add up to {total}"]
        )
    return complaints


def rests(notebook, name):
    """Each exercise names sections of the lesson that are there."""
    complaints = []
    for cell in of_kind(notebook, "text"):
        if not HEADING.search(cell.source):
            continue
        line = re.search(r"^\*Rests on lesson \d\d: (.+)\*$", cell.source, re.MULTILINE)
        links = re.findall(r"\[(.+?)\]\(\.\./\.\./\.\./(.+?\.ipynb)#(.+?)\)", line[1]) if line else []
        complaints += [] if links else [f"says not on what it rests: {cell.source[:40]!r}"]
        for title, lesson, anchor in links:
            path = ROOT / "notebooks" / lesson
            text = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown") if path.exists() else ""
            titles = re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE)
            if title not in titles or urllib.parse.unquote(anchor) != title.replace("`", "").replace(" ", "-"):
                complaints.append(f"{lesson} has no section {title!r} with the anchor {anchor!r}")
    return complaints


def hints(notebook, name):
    """Each exercise has folded hints, and none has a line of the solution."""
    complaints, solution = [], set()
    for cell in of_kind(notebook, "answer", "explain"):
        inside = re.search(r"BEGIN SOLUTION.*?\n(.*)\n.*END SOLUTION", cell.source, re.DOTALL)[1]
        solution |= {line.strip().removeprefix("return ") for line in inside.splitlines() if len(line.strip()) > 12}
    for cell in of_kind(notebook, "text"):
        folded = re.findall(r"<details><summary>Hint \d</summary>\n\n(.+?)\n\n</details>", cell.source, re.DOTALL)
        if HEADING.search(cell.source) or folded:
            if len(folded) != cell.source.count("<details"):
                complaints.append(f"a hint that is not folded as the others are: {cell.source[:40]!r}")
            complaints += [f"a hint gives {line!r}" for line in solution for hint in folded if line in hint]
    asked = len([cell for cell in of_kind(notebook, "text") if HEADING.search(cell.source)])
    folds = "\n".join(cell.source for cell in of_kind(notebook, "text")).count("<summary>Hint 1</summary>")
    return complaints + ([] if folds == asked else [f"{asked} exercises and {folds} first hints"])


def executed(notebook, name):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    complaints = [] if [c.execution_count for c in cells] == [*range(1, len(cells) + 1)] else ["not run top to bottom"]
    for cell in of_kind(notebook, "test"):
        text = "".join(output.get("text", "") for output in cell.outputs)
        complaints += [] if text.startswith("Right.") else [f"{cell.metadata.nbgrader.grade_id} stores {text!r}"]
    return complaints


def catalogued(notebook, name):
    answers = importlib.import_module(f"tests.classroom.catalogue.answers{name[1:3]}").ANSWERS
    complaints = []
    for exercise in exercises_of(name):
        wrong = [a for a in answers if a.exercise == exercise and a.mistake]
        right = [a for a in answers if a.exercise == exercise and not a.mistake]
        if len(wrong) < 8 or len(right) < 3:
            complaints.append(f"{exercise}: {len(wrong)} wrong answers and {len(right)} right ones; 8 and 3 are wanted")
    return complaints


RULES = [marks, calls, sums, rests, hints, executed, catalogued]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_source(path, rule):
    complaints = rule(read(path), path.stem)
    assert not complaints, "\n".join(complaints)


def test_there_are_sources():
    assert [path.parent.name for path in SOURCES] == [path.stem for path in SOURCES] and len(SOURCES) >= 2


def change(id_or_kind, old, new):
    """A way to break a source: other text in the first cell of a kind that has the old one."""

    def broken(notebook):
        cell = next(cell for cell in of_kind(notebook, id_or_kind) if old in cell.source)
        cell.source = cell.source.replace(old, new, 1)

    return broken


def mark(id_or_kind, **values):
    return lambda notebook: of_kind(notebook, id_or_kind)[-1].metadata.nbgrader.update(values)


def leak_into_a_hint(notebook):
    change("text", "Hint 1</summary>\n\n", "Hint 1</summary>\n\nTry `rows, targets = [], []`. ")(notebook)


BROKEN = [
    (marks, mark("test", locked=False)),
    (marks, mark("test", grade_id="windows-answer")),
    (marks, mark("answer", points=3)),
    (marks, change("answer", "### END SOLUTION", "")),
    (calls, change("test", "checks.grade", "checks.check")),
    (calls, mark("test", grade_id="another")),
    (calls, lambda notebook: notebook.cells.remove(of_kind(notebook, "test")[0])),
    (sums, mark("explain", points=5)),
    (sums, change("text", "· 15 minutes", "· 5 minutes")),
    (sums, change("text", "**Points** | 20", "**Points** | 25")),
    (sums, change("text", "## 2.", "## 3.")),
    (rests, change("text", "*Rests on", "*Sits on")),
    (rests, change("text", "[Names become windows]", "[Names become doors]")),
    (rests, change("text", "#Names-become-windows", "#names-become-windows")),
    (hints, change("text", "<details><summary>Hint 1</summary>", "**Hint 1**")),
    (hints, leak_into_a_hint),
    (executed, lambda notebook: of_kind(notebook, "test")[0].outputs.clear()),
    (executed, lambda notebook: of_kind(notebook, "answer")[0].update(execution_count=None)),
]


@pytest.mark.parametrize(("rule", "break_it"), BROKEN)
def test_a_broken_source_is_complained_of(rule, break_it):
    notebook = read(COURSE / "source" / "a01_embedding" / "a01_embedding.ipynb")
    assert not rule(notebook, "a01_embedding")
    break_it(notebook)
    assert rule(notebook, "a01_embedding")


def test_a_release_with_traces_is_complained_of():
    """grader.py looks through the release that nbgrader makes; here it is seen to find what was left in."""
    grader = importlib.import_module("tests.classroom.catalogue.grader")
    source = read(COURSE / "source" / "a01_embedding" / "a01_embedding.ipynb")
    release = copy.deepcopy(source)
    for cell in release.cells:
        cell.source = re.sub(r" *(### |<!-- )BEGIN.+?END [A-Z ]+( -->)?", "pass", cell.source, flags=re.DOTALL)
        cell.pop("outputs", None)
    assert grader.traces(source, release) == []
    for leak in ("### END SOLUTION", "checks.grade()", "    return one_hot @ table"):
        leaky = copy.deepcopy(release)
        leaky.cells[-2].source += f"\n{leak}"
        assert grader.traces(source, leaky), leak
    leaky = copy.deepcopy(release)
    leaky.cells[2]["outputs"] = ["Right."]
    assert grader.traces(source, leaky)


def test_a_short_catalogue_is_complained_of(monkeypatch):
    module = importlib.import_module("tests.classroom.catalogue.answers01")
    monkeypatch.setattr(module, "ANSWERS", module.ANSWERS[3:-1])
    assert len(catalogued(None, "a01_embedding")) == 1


def test_the_matrix_complains():
    """A wrong answer that is accepted, a right one that is refused, a mistake that is not named, a verdict for the examples only."""
    catalogue = importlib.import_module("tests.classroom.catalogue.catalogue")
    wrong = lambda ids, table: table[ids]
    assert not catalogue.complaint(catalogue.Answer("a01", "embed", right_embed, "", False))
    assert not catalogue.complaint(catalogue.Answer("a01", "embed", wrong, "looked up instead of multiplied", False))
    for code, mistake, hidden in (
        (right_embed, "zeros", False),
        (wrong, "", False),
        (wrong, "zeros", False),
        (wrong, "zeros", True),
    ):
        assert catalogue.complaint(catalogue.Answer("a01", "embed", code, mistake, hidden))


def right_embed(ids, table):
    return torch.eye(len(table))[ids] @ table


def test_check_and_grade_say_the_same():
    assert checks.check("a01", "embed", right_embed).right
    assert checks.grade("a01", "embed", right_embed, seed="any") is None
    wrong = lambda ids, table: table[ids]
    assert checks.check("a01", "embed", wrong).mistake == "looked up instead of multiplied"
    with pytest.raises(AssertionError, match=r"^looked up instead of multiplied: "):
        checks.grade("a01", "embed", wrong, seed="any")


def test_the_seed_comes_from_the_environment(monkeypatch):
    seen = []
    answer = lambda ids, table: seen.append(table) or right_embed(ids, table)
    for seed in ("1", "2", "1"):
        monkeypatch.setenv("GRADING_SEED", seed)
        checks.grade("a01", "embed", answer)
    first, second, third = (torch.cat([table.flatten() for table in seen[i : i + 4]]) for i in (0, 4, 8))
    assert torch.equal(first, third) and not (first.shape == second.shape and torch.equal(first, second))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_stub_is_not_done(path):
    for name, exercise in exercises_of(path.stem).items():
        if (
            exercise.answer.islower()
        ):  # a function; the release, tried by tests/assignments, has the stubs of classes too
            for stub in (lambda *_: None, lambda *_: ...):
                assert checks.check(path.stem[:3], name, stub, "ada").mistake == NOT_DONE


def test_a_stub_may_raise():
    def my_embed(ids, table):
        raise NotImplementedError

    assert repr(checks.check("a01", "embed", my_embed)).startswith("Not done yet.")


def test_a_prediction_needs_a_name(capsys):
    assert checks.personal("a01", "predictions", ...) and "write your name" in capsys.readouterr().out
    assert checks.check("a01", "predictions", lambda mine: {}, ...).mistake == NOT_DONE
    assert checks.personal("a01", "predictions", "Ada  Lovelace ") == checks.personal(
        "a01", "predictions", "ada lovelace"
    )
    assert checks.personal("a01", "predictions", "ada") != checks.personal("a01", "predictions", "bob")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_known_mistake_predicts_right_for_any_student(path):
    for exercise in exercises_of(path.stem).values():
        if isinstance(exercise, Predict):
            for number in range(200):
                mine = exercise.numbers_of(f"student {number}")
                right = {key: question.right(mine) for key, question in exercise.questions.items()}
                assert exercise.judge([(mine,)], [{"value": right, "error": ""}]).right
                for name, question in exercise.questions.items():
                    for mistake in question.mistakes:
                        predictions = {**right, name: mistake.makes(mine)}
                        found = exercise.judge([(mine,)], [{"value": predictions, "error": ""}])
                        assert not found.right and found.mistake != f"another value for {name}", (mine, mistake.name)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_what_is_judged_is_plain_data(path):
    """Cases and what came back pass through a file, as they must for a grader in another process."""
    answers = importlib.import_module(f"tests.classroom.catalogue.answers{path.stem[1:3]}").ANSWERS
    for answer in {answer.exercise: answer for answer in answers}.values():  # the last of each, the subtlest
        exercise = find(answer.assignment, answer.exercise)
        cases = exercise.cases("7", "ada")
        came = collect(exercise, answer.code, through_a_file(cases))
        verdict = exercise.judge(through_a_file(cases), through_a_file(came))
        assert verdict == exercise.judge(cases, came) and verdict.mistake == answer.mistake


def through_a_file(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_nothing_of_a_student_is_judged():
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


def test_errors_and_exits_cost_only_the_exercise():
    def leaves(ids, table):
        sys.exit(3)

    assert checks.check("a01", "embed", leaves).mistake == "error"
    assert checks.check("a01", "embed", 3).mistake == "error"


@pytest.mark.parametrize(
    ("value", "wanted", "mistake"),
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
def test_differences_are_seen(value, wanted, mistake):
    assert difference(value, wanted)[0] == mistake
    assert difference(wanted, wanted) is None


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (torch.tensor([1.0, 2.0]).double(), torch.tensor([1.0, 2.00001])),
        (torch.tensor([1], dtype=torch.int32), torch.tensor([1])),
        ([torch.tensor(1), 2], (torch.tensor(1), 2)),
        (1.00001, 1.0),
    ],
)
def test_what_makes_no_difference(value, wanted):
    assert difference(value, wanted) is None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_cases_do_not_depend_on_torchs_own_generator(path):
    for exercise in exercises_of(path.stem).values():
        torch.manual_seed(random.randrange(2**30))
        first = exercise.cases("3", "ada")
        torch.manual_seed(0)
        assert difference(exercise.cases("3", "ada"), first) is None
