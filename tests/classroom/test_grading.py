"""Laws of the grader that need neither bubblewrap nor nbgrader. tests/grading attacks it, and grades whole classes."""

import dataclasses
import importlib
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "notebooks" / "assignments"

from classroom.checks import collect, find
from classroom.grading import __main__ as grade
from classroom.grading import attempt, collate, manual, notebook, pages, report, results, sandbox, stage, wire

made = importlib.import_module("tests.slow.grading.made")
SOURCES = sorted(COURSE.glob("source/*/*.ipynb"))
LIMITS = sandbox.Limits(seconds=10, total=60)


class Inside:
    """Stands for a process: runs the cells here, with what `collect` gives changed by an attack."""

    def __init__(self, stage, limits, sandboxed, numbers, attack=lambda came: came):
        self.names, self.attack, self.numbers = {}, attack, numbers

    def ready(self):
        pass

    def close(self):
        pass

    def ask(self, seconds, **request):
        if "cell" in request:
            source = (
                request["cell"]
                .replace("from lib import checks", "")
                .replace("checks.", "type('', (), {'personal': print}).")
            )
            exec(source, self.names)
            return {"error": "", "printed": ""}
        if "value" in request:
            return {"value": self.names.get(request["value"])}
        exercise, cases = find("a01", request["collect"]), wire.decode(request["cases"])
        came = collect(exercise, self.names[request["answer"]], cases)
        return {"came": self.attack(wire.encode(came))}


def course(tmp_path, seed="secret"):
    return attempt.Course(made.WANTED, made.GIVEN, tmp_path, seed, LIMITS, False)


def graded(tmp_path, book, attack=lambda came: came):
    open_box = lambda *words: Inside(*words, attack=attack)
    return attempt.grade(course(tmp_path), json.dumps(book).encode(), open_box)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(PLAIN)
def test_plain_data_comes_through_the_wire(value):
    came = wire.decode(wire.read(wire.write({"value": wire.encode(value)}))["value"])
    clean = json.loads(json.dumps(wire.encode(value)).encode("utf-8", "replace"))
    assert type(came) is type(value) and (came == value or wire.encode(came) != clean)


@pytest.mark.parametrize("dtype", wire.DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)], ids=str)
def test_tensors_come_through_the_wire(dtype, shape):
    value = (torch.arange(6) % 2).reshape(2, 3)[: shape[0] if shape else 1].to(dtype)
    value = value.expand(2, 3)[:, :1].expand(2, 3) if shape == (2, 3) else value.reshape(-1)[0] if not shape else value
    came = wire.decode(json.loads(json.dumps(wire.encode(value))))
    assert came.dtype == value.dtype and came.shape == value.shape and torch.equal(came, value)


GARBLED = [
    {"tensor": ["float32", [1 << 30, 1 << 30], ""]},
    {"tensor": ["float32", [2], "AAAA"]},
    {"tensor": ["float32", [-1, -1], "AAAAAA=="]},
    {"tensor": ["float32", [True], "AAAAAA=="]},
    {"tensor": ["object", [1], "AAAAAA=="]},
    {"tensor": ["float32", 1, "AAAAAA=="]},
    {"tensor": ["float32", [1], "not base 64!"]},
    {"tensor": ["float32", [1]]},
    {"dict": [[[1], 2]]},
    {"dict": [1]},
    {"dict": 1},
    {"other": []},
    {},
]


@pytest.mark.parametrize("value", GARBLED, ids=json.dumps)
def test_what_encode_never_wrote_is_refused(value):
    with pytest.raises(wire.Garbled):
        wire.decode(value)


def test_a_lie_about_a_result_is_a_wrong_answer_and_no_error_of_the_grader(tmp_path):
    lies = [None, [], 7, {"tuple": []}, [{}] * 40, [[]], "x", [{"dict": [["value", 1]]}], {"dict": [["right", True]]}]
    for lie in lies:
        outcome = graded(tmp_path, made.filled("ada", made.RIGHT), lambda came, lie=lie: lie)
        assert outcome.points == 0 and {mark.mistake for mark in outcome.marks.values()} == {"not judged"}, lie


def test_right_and_wrong_answers_get_what_they_deserve(tmp_path):
    assert graded(tmp_path, made.filled("ada", made.RIGHT)).points == made.FULL
    assert graded(tmp_path, made.filled("ada", made.WRONG)).points == 0
    released = graded(tmp_path, made.RELEASE)
    assert {mark.mistake for mark in released.marks.values()} == {"not done"} and released.manual == {"explain": ""}


def test_every_submission_gets_hidden_cases_of_its_own(tmp_path):
    seen = []
    for name in ("ada", "ada", "eve"):
        book = made.filled(name, made.RIGHT)
        graded(tmp_path, book, lambda came: seen.append(json.dumps(came)) or came)
    n = len(made.POINTS)
    assert seen[:n] == seen[n : 2 * n] and not {*seen[:n]} & {*seen[2 * n :]}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_probes_work_alone_and_bring_no_table_of_answers(path):
    names, number = {}, path.stem[1:3]
    exercises = importlib.import_module(f"classroom.assignments.a{number}").EXERCISES
    text = stage.probes(path.stem)
    exec(text, names)
    for name, probe in names["PROBES"].items():
        right = next(
            a for a in importlib.import_module(f"tests.classroom.catalogue.answers{number}").ANSWERS if (a.exercise, a.mistake) == (name, "")
        )
        cases = exercises[name].cases("a seed", "ada")
        verdict = exercises[name].judge(
            cases, collect(dataclasses.replace(exercises[name], probe=probe), right.code, cases)
        )
        assert verdict.right, f"{name}: {verdict}"
    assert "Mistake(" not in text and "Implement(" not in text and "EXERCISES" not in text


def test_the_sandbox_sees_no_checks_of_an_assignment_and_only_what_it_imports(tmp_path):
    stage.build(tmp_path / "a", "a01_embedding", ["import torch\nfrom lib import checks"])
    files = {str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*.py")}
    general = {f"lib/checks/{name}.py" for name in ("__init__", *stage.GENERAL)}
    assert files == general | {"lib/__init__.py", "worker.py", "wire.py", "probes.py"}
    stage.build(tmp_path / "b", "a01_embedding", ["from lib.wavenet import WaveNet"])
    assert (tmp_path / "b" / "lib" / "wavenet.py").exists() and not (tmp_path / "b" / "lib" / "plots.py").exists()


def test_an_installed_copy_of_the_course_is_covered_in_the_sandbox(tmp_path, monkeypatch):
    assert sandbox.covered() == []  # it is installed from where it lies
    (tmp_path / "lib" / "python3.11" / "site-packages" / "lib" / "checks").mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("lib")
    monkeypatch.setattr(sandbox, "visible", lambda: [str(tmp_path / name) for name in ("lib", "lib64")])
    words = " ".join(sandbox.command(tmp_path, LIMITS))
    for name in ("lib", "lib64"):
        copy = tmp_path / name / "python3.11" / "site-packages" / "lib"
        assert words.index(f"--tmpfs {copy} --remount-ro {copy}") > words.index(f"--ro-bind {tmp_path / 'lib64'}")


def test_attempts_are_kept_and_a_second_run_finds_them(tmp_path):
    store, outcome = results.Store(tmp_path), attempt.Outcome(marks={"windows": attempt.Mark(4, 4, "", "Fine.")})
    first, second = (results.Submission("ada", data, "") for data in (b"1", b"2"))
    store.add(first, "basis", outcome)
    assert store.done(first, "basis") and not store.done(second, "basis") and not store.done(first, "other")
    store.add(second, "basis", attempt.Outcome())
    assert store.done(second, "basis") and [a.outcome.points for a in store.attempts("ada")] == [4, 0]


def test_shards_part_the_students_and_merge_without_loss(tmp_path):
    students = [f"student {n}" for n in range(50)]
    shards = [[s for s in students if grade.in_shard(s, f"{n}/3")] for n in (1, 2, 3)]
    assert sorted(s for shard in shards for s in shard) == sorted(students) and all(shards)
    stores = [results.Store(tmp_path / str(n)) for n in range(3)]
    for number, student in enumerate(["ada", "eve", "ada"]):
        outcome = attempt.Outcome(seconds=number)
        stores[number].add(results.Submission(student, b"", ""), "basis", outcome)
    stores[0].take(stores[1])
    assert stores[0].students() == ["ada", "eve"]
    with pytest.raises(ValueError, match="both have ada"):
        stores[0].take(stores[2])


def test_a_teachers_marks_are_kept_until_the_answer_changes(tmp_path):
    path = tmp_path / "marks.csv"
    mine = results.Attempt("=ada", 1, "", "", attempt.Outcome(manual={"explain": "An id is a label."}))
    manual.write(path, {}, made.WANTED, [mine])
    assert manual.points(manual.read(path), mine) == {"explain": None}
    path.write_text(path.read_text().replace(",3,,", ',3,"2,5",well put'))
    assert manual.points(manual.read(path), mine) == {"explain": 2.5}
    manual.write(path, manual.read(path), made.WANTED, [mine])
    assert manual.points(manual.read(path), mine) == {"explain": 2.5} and "well put" in path.read_text()
    new = results.Attempt("=ada", 2, "", "", attempt.Outcome(manual={"explain": "It is no quantity."}))
    manual.write(path, manual.read(path), made.WANTED, [new])
    assert manual.points(manual.read(path), new) == {"explain": None} and "well put" in path.read_text()
    path.write_text(path.read_text().replace('"2,5"', "4"))
    with pytest.raises(ValueError, match="from 0 to 3"):
        manual.read(path)


def test_pages_escape_everything(tmp_path):
    evil = "<script>alert(1)</script>"
    book = made.filled(evil, {**made.RIGHT, "windows": f"my_windows = '{evil}'"}, evil)
    outcome = graded(tmp_path, book)
    mine = results.Attempt(evil, 1, "", "", outcome)
    page = pages.feedback(made.WANTED, mine, {"explain": None}, {}, [])
    assert "<script" not in page + pages.reading(made.WANTED, [mine], {}) + report.report(
        made.WANTED, [mine], {evil: [evil]}
    )
    assert "checks.grade" not in page and "HIDDEN" not in page


def test_everything_is_written_once_and_then_left_alone(tmp_path):
    store = results.Store(tmp_path)
    for student in ("ada", "eve"):
        store.add(results.Submission(student, b"", ""), "basis", graded(tmp_path, made.filled("ada", made.RIGHT)))
    write = lambda: collate.everything(tmp_path, made.WANTED, made.GIVEN, store, tmp_path / "none" / "book.db")
    write()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix != ".db"}
    write()
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix != ".db"}
    assert "all answers as in the notebook of eve" in (tmp_path / "grades.csv").read_text()


def test_whatever_decides_about_points_makes_everybody_graded_anew(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "lib" / "checks", tmp_path / "checks")
    monkeypatch.setattr(stage, "CHECKS", tmp_path / "checks")
    source = grade.source_of("a01")
    found = {grade.basis_of(source, "a seed"), grade.basis_of(source, "another seed")}
    for name in ("verdict", "assignment", "assignment_implement", "assignment_predict", "assignment01"):
        (tmp_path / "checks" / f"{name}.py").open("a").write("# another version\n")
        found.add(grade.basis_of(source, "a seed"))
    assert len(found) == 7
    (tmp_path / "checks" / "assignment02.py").open("a").write("# of no interest to a01\n")
    assert grade.basis_of(source, "a seed") in found


def solution_names(exercise):
    """The names that the solution of an exercise refers to, and that are not its probe's own."""
    codes = lambda function: set(getattr(getattr(function, "__code__", None), "co_names", ()))
    return codes(exercise.solution) - codes(exercise.probe) - {getattr(exercise.probe, "__name__", "")}


def test_no_class_of_a_solution_is_staged():
    text = stage.probes("a08_wavenet")
    exercise = find("a08", "memory")
    assert "_Memory" in solution_names(exercise) and "_Memory" not in text and "def _run" in text


@pytest.mark.parametrize(
    "hostile",
    [
        {"dict": [[k * (2**61 - 1), 0] for k in range(1, 100)]},
        {"dict": [[k, 0] for k in range(wire.KEYS + 1)]},
        {"tensor": ["int64", [2**31 - 1, 0], ""]},
        {"tensor": ["int64", [0] + [2**31 - 1] * 15, ""]},
    ],
    ids=["keys that collide", "too many keys", "empty rows", "empty rows of rows"],
)
def test_what_would_take_the_grader_forever_is_refused(hostile):
    with pytest.raises(wire.Garbled):
        wire.decode(hostile)


def test_a_tensor_without_numbers_is_told_by_its_shape():
    verdict = find("a01", "embed").judge(
        [(torch.tensor([1]), torch.ones(2, 1))],
        [{"value": [torch.empty(9, 0)], "error": "", "after": [torch.tensor([1]), torch.ones(2, 1)], "calls": {}}],
    )
    assert "[[" not in verdict.message


def test_names_that_cannot_be_kept_are_passed_over_and_folders_that_are_no_notebooks_are_told(tmp_path, capsys):
    for name in ("ada ", "'bob", "e\x1b[2J", "n" * 201):
        (tmp_path / name).mkdir()
        assert results.unfit(name)
    (tmp_path / "eve" / "a01_embedding" / "a01_embedding.ipynb").mkdir(parents=True)
    found = results.submissions(tmp_path, "a01_embedding")
    assert [*found] == ["eve"] and "not a plain file" in results.submission("eve", found["eve"]).problem


def test_a_long_name_of_a_student_can_be_written(tmp_path):
    assert results.write(tmp_path / f"{'n' * 200}.html", "a page") and next(tmp_path.iterdir()).read_text() == "a page"


def test_a_result_that_cannot_be_read_is_put_aside(tmp_path, capsys):
    handed_in = results.Submission("ada", b"", "")
    results.Store(tmp_path).add(handed_in, "basis", attempt.Outcome())
    (tmp_path / "results" / "ada" / "1.json").write_text("")
    store = results.Store(tmp_path)
    assert not store.done(handed_in, "basis") and "can't be read" in capsys.readouterr().out
    assert (tmp_path / "results" / "ada" / "1.json.broken").exists()


def test_large_cells_and_many_cells_are_not_parsed():
    assert not notebook.defines("x," * notebook.LONGEST + "\nmy_embed = 1", "my_embed")
    assert report.essence("x," * notebook.LONGEST) == "x," * notebook.LONGEST
    with pytest.raises(notebook.Unreadable, match="2,001 cells"):
        notebook.cells(json.dumps({"cells": [{}] * 2_001}).encode())


def test_a_class_in_the_repository_is_none_of_its_tests():
    ignored = re.findall(r"^notebooks/assignments/(\w+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)
    with open(ROOT / "pyproject.toml", "rb") as file:
        skipped = tomllib.load(file)["tool"]["pytest"]["ini_options"]["norecursedirs"]
    assert {"submitted", "graded", "release"} <= {*ignored} <= {*skipped}


def test_without_a_sandbox_nothing_is_graded_unless_told_in_so_many_words(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    with pytest.raises(SystemExit, match="there is no sandbox"):
        grade.main(["a01", str(tmp_path), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="To grade without a sandbox"):
        grade.main(["a01", str(tmp_path), "--out", str(tmp_path / "out"), "--without-sandbox", "yes"])
    assert not (tmp_path / "out" / "grades.csv").exists()


def test_a_deleted_answer_is_missing_and_a_lost_mark_is_found():
    book = made.filled("ada", made.RIGHT)
    for cell in book["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    names = {exercise: find("a01", exercise).answer for exercise in made.POINTS}
    found = notebook.plan(made.WANTED, notebook.cells(json.dumps(book).encode())[0], names)
    assert {f"{exercise}-answer": source for exercise, source in made.RIGHT.items()}.items() <= found.answers.items()
    assert sorted(text for kind, _, text in found.steps if kind == "collect") == sorted(made.POINTS)
