"""The grader without bubblewrap and nbgrader. tests/slow attacks it, and grades whole classes."""

import csv
import dataclasses
import importlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classroom.checks import collect, find
from classroom.grading import __main__ as command
from classroom.grading import (
    attempt,
    likeness,
    marks,
    notebook,
    outputs,
    pages,
    process,
    records,
    report,
    sandbox,
    stage,
    submissions,
    wire,
)
from tests.classroom.factories import A01, COURSE, FULL, POINTS, RIGHT, SOURCES, WRONG, Sample

pytestmark = pytest.mark.classroom
EXPLANATION = "An id is a label."


class InProcess:
    """Runs the cells in this process; `attack` changes the reply to a request for results."""

    cpu = 0

    def __init__(self, stage, limits, sandboxed, numbers, attack=lambda reply: reply):
        self.names, self.attack = {}, attack

    def ready(self):
        pass

    def close(self):
        pass

    def ask(self, **request):
        if "cell" in request:
            source = request["cell"].replace("from classroom import checks", "")
            exec(source.replace("checks.", "type('', (), {'personal': print})."), self.names)
            return {"error": "", "printed": ""}
        if "value" in request:
            return {"value": self.names.get(request["value"])}
        results = collect(find(*request["collect"]), self.names[request["answer"]], wire.decode(request["cases"]))
        return {"results": self.attack(wire.encode(results))}


def graded(tmp_path, book, attack=lambda reply: reply):
    config = attempt.RunConfig(A01.assignment, tmp_path, "secret", sandbox.Limits(), False)
    start = lambda *words: InProcess(*words, attack=attack)
    return attempt.grade(config, submissions.Submission("ada", json.dumps(book).encode()), start)


def kept(student="ada", number=1, **outcome):
    return records.Attempt(student, number, "", "", attempt.Outcome(**outcome))


# Data between the grader and the sandbox

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_wire_preserves_plain_data(value):
    decoded = wire.decode(wire.read(wire.write({"value": wire.encode(value)}))["value"])
    clean = json.loads(json.dumps(wire.encode(value)).encode("utf-8", "replace"))
    assert type(decoded) is type(value) and (decoded == value or wire.encode(decoded) != clean)


@pytest.mark.parametrize("dtype", wire.DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)], ids=str)
def test_wire_preserves_tensors(dtype, shape):
    value = (torch.arange(6) % 2).reshape(2, 3)[: shape[0] if shape else 1].to(dtype)
    value = value.expand(2, 3)[:, :1].expand(2, 3) if shape == (2, 3) else value.reshape(-1)[0] if not shape else value
    decoded = wire.decode(json.loads(json.dumps(wire.encode(value))))
    assert decoded.dtype == value.dtype and decoded.shape == value.shape and torch.equal(decoded, value)


HOSTILE = [
    {"tensor": ["float32", [1 << 30, 1 << 30], ""]},
    {"tensor": ["float32", [2], "AAAA"]},
    {"tensor": ["float32", [-1, -1], "AAAAAA=="]},
    {"tensor": ["float32", [True], "AAAAAA=="]},
    {"tensor": ["object", [1], "AAAAAA=="]},
    {"tensor": ["float32", 1, "AAAAAA=="]},
    {"tensor": ["float32", [1], "not base 64!"]},
    {"tensor": ["float32", [1]]},
    {"tensor": ["int64", [2**31 - 1, 0], ""]},
    {"tensor": ["int64", [0] + [2**31 - 1] * 15, ""]},
    {"dict": [[[1], 2]]},
    {"dict": [1]},
    {"dict": 1},
    {"dict": [[k * (2**61 - 1), 0] for k in range(1, 100)]},
    {"dict": [[k, 0] for k in range(wire.KEYS + 1)]},
    {"other": []},
    {},
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: json.dumps(value)[:40])
def test_wire_rejects_what_encode_did_not_write(value):
    with pytest.raises(wire.ProtocolError):
        wire.decode(value)


# One submission


def test_forged_results_get_no_points_and_do_not_stop_the_grader(tmp_path):
    lies = [None, [], 7, {"tuple": []}, [{}] * 40, [[]], "x", [{"dict": [["value", 1]]}], {"dict": [["right", True]]}]
    for lie in lies:
        outcome = graded(tmp_path, A01.filled("ada", RIGHT), lambda reply, lie=lie: lie)
        assert outcome.points == 0 and {score.mistake for score in outcome.scores.values()} == {"not judged"}, lie


def test_right_answers_get_all_points_and_wrong_ones_none(tmp_path):
    assert graded(tmp_path, A01.filled("ada", RIGHT)).points == FULL
    assert graded(tmp_path, A01.filled("ada", WRONG)).points == 0
    released = graded(tmp_path, A01.release)
    assert {score.mistake for score in released.scores.values()} == {"not done"} and released.manual == {"explain": ""}


def test_each_submission_gets_its_own_hidden_cases(tmp_path):
    seen = []
    for name in ("ada", "ada", "eve"):
        graded(tmp_path, A01.filled(name, RIGHT), lambda reply: seen.append(json.dumps(reply)) or reply)
    n = len(POINTS)
    assert seen[:n] == seen[n : 2 * n] and not {*seen[:n]} & {*seen[2 * n :]}


def test_plan_recovers_cells_without_metadata():
    book = A01.filled("ada", RIGHT)
    for cell in book["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    names = {exercise: find("a01", exercise).answer for exercise in POINTS}
    plan = notebook.make_plan(A01.assignment, notebook.cells(json.dumps(book).encode())[0], names)
    assert {f"{exercise}-answer": source for exercise, source in RIGHT.items()}.items() <= plan.answers.items()
    assert sorted(text for kind, _, text in plan.steps if kind == "collect") == sorted(POINTS)


def test_message_does_not_print_an_empty_tensor_row_by_row():
    case = (torch.tensor([1]), torch.ones(2, 1))
    result = {"value": [torch.empty(9, 0)], "error": "", "after": [*case], "calls": {}}
    assert "[[" not in find("a01", "embed").judge([case], [result]).message


def test_large_cells_are_not_parsed_and_notebooks_of_many_cells_are_rejected():
    large = "x," * notebook.LONGEST
    assert not notebook.defines(f"{large}\nmy_embed = 1", "my_embed")
    assert likeness.normalized(large) == large[: likeness.LONGEST]
    with pytest.raises(notebook.Unreadable, match="2,001 cells"):
        notebook.cells(json.dumps({"cells": [{}] * 2_001}).encode())


def test_limit_of_a_cell_is_cpu_time_with_a_ceiling_for_waiting(tmp_path, monkeypatch):
    stage.build(tmp_path, [])
    worker = process.SandboxProcess(tmp_path, sandbox.Limits(seconds=1, total=60), False, lambda *_: None)
    worker.ready()
    monkeypatch.setattr(sandbox, "PATIENCE", 1000)
    assert worker.ask(cell="import time; time.sleep(2)", name="cell 1")["error"] == ""
    assert "1 seconds of CPU time" in worker.ask(cell="while True: pass", name="cell 2")["error"]
    assert worker.cpu > 0.5 or not sys.platform.startswith("linux")
    monkeypatch.setattr(sandbox, "PATIENCE", 2)
    assert "within 2 seconds" in worker.ask(cell="time.sleep(100)", name="cell 3")["error"]
    worker.close()


# What the sandbox sees, and what a grade depends on


def cells_of(source):
    return [cell.source for cell in notebook.assignment(source).cells if cell.kind == "code"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_probes_work_without_their_exercises_and_hold_no_solution(source):
    short = source.stem[:3]
    exercises = importlib.import_module(f"classroom.assignments.{short}").EXERCISES
    probes = importlib.import_module("classroom.assignments.probes")
    answers = importlib.import_module(f"tests.classroom.catalogue.answers{short[1:]}").ANSWERS
    assert {*probes.PROBES[short]} == {n for n, e in exercises.items() if e.probe is not type(e).probe}
    for name, exercise in exercises.items():
        if name in probes.PROBES[short]:
            exercise = dataclasses.replace(exercise, probe=probes.PROBES[short][name])
        right = next(answer for answer in answers if (answer.exercise, answer.mistake) == (name, ""))
        cases = exercise.cases("a seed", "ada")
        verdict = exercise.judge(cases, collect(exercise, right.code, cases))
        assert verdict.right, f"{name}: {verdict}"
        solution = getattr(exercise, "solution", None)
        assert getattr(solution, "__module__", "") != probes.__name__, f"{name}: the sandbox has its solution"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_sandbox_has_only_modules_that_the_notebook_imports(source, tmp_path):
    cells = cells_of(source)
    stage.build(tmp_path, cells)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.py") if path.stat().st_size}
    always = {stage.WORKER, stage.PROBES, "classroom/checks.py", "lib/checks/exercise.py"}
    always |= {f"classroom/grading/{name}.py" for name in ("wire", "tracing")}
    imported = stage.graph(cells, leaves=stage.STUBS)
    assert files - imported == {*always, "classroom/grading/__init__.py"} - imported
    assert all(file.startswith("lib/") for file in imported - {"classroom/__init__.py", "classroom/checks.py"})
    if source.stem.startswith("a01"):
        assert "lib/data.py" not in files and not (tmp_path / "data").exists()


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the repository's code and data, which a test may change."""
    for folder in ("lib", "classroom", "data"):
        shutil.copytree(
            stage.ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "evidence")
        )
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    return tmp_path


def modules_in_use(module, known=None):
    """The files of `lib` and `classroom` that define what a module uses, by its objects and not by its source."""
    known = {} if known is None else known
    known[module.__name__] = module.__file__
    for value in vars(module).values():
        name = value.__name__ if isinstance(value, type(sys)) else getattr(value, "__module__", None)
        if str(name).split(".")[0] in ("lib", "classroom") and name not in known:
            modules_in_use(sys.modules[name], known)
    return known


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_fingerprint_changes_with_every_file_that_judges(source, copied):
    cells, judge = cells_of(source), importlib.import_module(f"classroom.assignments.{source.stem[:3]}")
    fingerprints = {stage.fingerprint(source, cells, "a seed"), stage.fingerprint(source, cells, "another seed")}
    files = {*stage.staged(cells), "classroom/grading/attempt.py", "classroom/grading/notebook.py"}
    files |= {str(Path(path).relative_to(COURSE.parents[1])) for path in modules_in_use(judge).values()}
    files |= {"data/names.txt"} if "lib/data.py" in files else set()
    for file in files:
        (copied / file).open("a").write("\n# another version\n")
        fingerprints.add(stage.fingerprint(source, cells, "a seed"))
    assert len(fingerprints) == 2 + len(files)
    for other in ("lib/plots/__init__.py", "lib/checks/lesson01.py", "classroom/grading/pages.py"):
        (copied / other).open("a").write("\n# of no interest\n")
    assert stage.fingerprint(source, cells, "a seed") in fingerprints


def test_sandbox_covers_an_installed_copy_of_the_course(tmp_path, monkeypatch):
    assert sandbox.covered() == []  # it is installed in editable mode
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for folder in ("lib/checks", "classroom/assignments"):
        (packages / folder).mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("lib")
    monkeypatch.setattr(sandbox, "visible", lambda: [str(tmp_path / name) for name in ("lib", "lib64")])
    words = " ".join(sandbox.command(tmp_path, sandbox.Limits()))
    for name in ("lib", "lib64"):
        for package in ("lib", "classroom"):
            copy = tmp_path / name / "python3.11" / "site-packages" / package
            assert words.index(f"--tmpfs {copy} --remount-ro {copy}") > words.index(f"--ro-bind {tmp_path / 'lib64'}")


# Records


def test_store_persists_attempts(tmp_path):
    store, outcome = records.Store(tmp_path), attempt.Outcome(scores={"windows": attempt.Score(4, 4, "", "Fine.")})
    first, second = (submissions.Submission("ada", data) for data in (b"1", b"2"))
    store.add(first, "fingerprint", outcome)
    assert store.done(first, "fingerprint")
    assert not store.done(second, "fingerprint") and not store.done(first, "another")
    store.add(second, "fingerprint", attempt.Outcome())
    assert store.done(second, "fingerprint") and [a.outcome.points for a in store.attempts("ada")] == [4, 0]


def test_broken_result_is_moved_away_and_graded_again(tmp_path, capsys):
    submission = submissions.Submission("ada", b"")
    records.Store(tmp_path).add(submission, "fingerprint", attempt.Outcome())
    (tmp_path / "results" / "ada" / "1.json").write_text("")
    store = records.Store(tmp_path)
    assert not store.done(submission, "fingerprint") and "can't be read" in capsys.readouterr().out
    assert (tmp_path / "results" / "ada" / "1.json.broken").exists()


def test_shards_partition_students_and_merge_rejects_different_results(tmp_path):
    students = [f"student {n}" for n in range(50)]
    shards = [[s for s in students if command.in_shard(s, (n, 3))] for n in (1, 2, 3)]
    assert sorted(s for shard in shards for s in shard) == sorted(students) and all(shards)
    stores = [records.Store(tmp_path / str(n)) for n in range(3)]
    for number, student in enumerate(["ada", "eve", "ada"]):
        stores[number].add(submissions.Submission(student, b""), "", attempt.Outcome(seconds=number))
    stores[0].merge(stores[1])
    assert stores[0].students() == ["ada", "eve"]
    with pytest.raises(ValueError, match="different results for ada"):
        stores[0].merge(stores[2])


def row_for(path, known, points, comment=""):
    """marks.csv with a row for each answer, and a mark in each."""
    marks.add_rows(path, marks.read(path, known), known)
    path.write_text(path.read_text("utf-8-sig").replace('"3","",""', f'3,"{points}",{comment}'), "utf-8")


def test_marks_are_kept_until_the_answer_changes(tmp_path):
    path, mine = tmp_path / "marks.csv", kept("=ada", manual={"explain": EXPLANATION})
    known = marks.answers([mine], A01.assignment.manual)
    row_for(path, known, "2,5", "well put")
    read = marks.read(path, known)
    assert read.points(mine) == {"explain": 2.5} and read.comments(mine) == {"explain": "well put"}
    new = kept("=ada", manual={"explain": "It is no quantity."})
    known = marks.answers([mine, new], A01.assignment.manual)
    marks.add_rows(path, read, known)
    assert marks.read(path, known).points(new) == {"explain": None} and "well put" in path.read_text()


def test_merge_of_marks_rejects_two_marks_for_one_answer(tmp_path):
    mine, folders = kept(manual={"explain": EXPLANATION}), [tmp_path / name for name in "abc"]
    known, path = marks.answers([mine], A01.assignment.manual), tmp_path / "marks.csv"
    for folder, points in zip(folders, ("", "2", "1"), strict=True):
        row_for(folder / "marks.csv", known, points)
    written, filled, lost = marks.merge(path, folders[:2], known)
    marks.add_rows(path, written, known, filled)
    assert marks.read(path, known).points(mine) == {"explain": 2} and not lost
    with pytest.raises(records.Refused, match="another mark for ada"):
        marks.merge(path, folders, known)


def test_file_with_the_longest_name_can_be_written(tmp_path):
    assert records.write(tmp_path / f"{'n' * 200}.html", "text")
    assert next(tmp_path.iterdir()).read_text() == "text"


# Pages and tables


def test_pages_escape_text_from_students(tmp_path):
    evil = "<script>alert(1)</script>"
    book = A01.filled(evil, {**RIGHT, "windows": f"my_windows = '{evil}'"}, evil)
    mine = records.Attempt(evil, 1, "", "", graded(tmp_path, book))
    page = pages.feedback(A01.assignment, mine, marks.Marks(), [])
    texts = [page, pages.reading(A01.assignment, [mine]), report.report(A01.assignment, [mine], {evil: [evil]})]
    assert all("<script" not in text and "&lt;script&gt;" in text for text in texts)
    assert "checks.grade" not in page and "HIDDEN" not in page


def test_tables_have_one_line_per_row_and_no_formulas_wherever_a_spreadsheet_splits():
    evil = ["a\r=1", "x;=1", "x\t@1", "\n+1", "'=1", "e\x1b[2J\0", "\u202eevil", "=1"]
    text = records.table([[name, 7] for name in evil])
    assert text.count("\n") == len(evil) and "\r" not in text
    assert all(character.isprintable() for character in text.replace("\n", ""))
    for delimiter in ",;\t|":
        cells = [cell for row in csv.reader(text.splitlines(), delimiter=delimiter) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@")]


def test_messages_have_no_control_characters(tmp_path):
    book = A01.filled(
        "e\x1b[2J\u202e", {**RIGHT, "windows": "def my_windows(names, context):\n    raise ValueError('a\x1b[2Jb')"}
    )
    outcome = graded(tmp_path, book)
    texts = [*outcome.notes, *(score.message for score in outcome.scores.values())]
    assert (
        "\x1b" not in "".join(texts)
        and "\u202e" not in "".join(texts)
        and "a\ufffd[2Jb" in outcome.scores["windows"].message
    )


def test_outputs_are_unchanged_by_a_second_run(tmp_path):
    store, outcome = records.Store(tmp_path), graded(tmp_path, A01.filled("ada", RIGHT))
    for student in ("ada", "eve"):
        store.add(submissions.Submission(student, b""), "", outcome)
    write = lambda: outputs.write_all(tmp_path, A01.assignment, store, tmp_path / "none" / "book.db")
    times = lambda: {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix != ".db"}
    write()
    before = times()
    write()
    assert before == times()
    assert "code as in the notebook of eve" in (tmp_path / "grades.csv").read_text()


# The command


def test_command_without_a_sandbox_needs_the_exact_words(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    with pytest.raises(SystemExit, match="there is no sandbox"):
        command.main(["a01", str(tmp_path), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="To grade without a sandbox"):
        command.main(["a01", str(tmp_path), "--out", str(tmp_path / "out"), "--without-sandbox", "yes"])
    assert not (tmp_path / "out" / "grades.csv").exists()


def test_second_grader_in_one_folder_is_rejected(tmp_path):
    with command.filelock.FileLock(tmp_path / ".lock"), pytest.raises(SystemExit, match="Another grader"):
        command.main(["a01", str(tmp_path), "--out", str(tmp_path)])


@pytest.mark.parametrize("words", [[str(COURSE / "grade.py")], ["-m", "classroom.grading"]], ids=["grade.py", "-m"])
def test_help_works_from_any_folder_and_without_unix_modules(words, tmp_path):
    """`resource` and `fcntl` are missing on Windows."""
    start = "import runpy, sys, warnings; warnings.simplefilter('ignore')\n"
    start += "sys.modules['resource'] = sys.modules['fcntl'] = None\n"
    run = f"runpy.run_path({words[0]!r}, run_name='__main__')"
    if words[0] == "-m":
        run = f"sys.path.insert(0, {str(stage.ROOT)!r}); runpy.run_module({words[1]!r}, run_name='__main__')"
    program = f"{start}sys.argv = ['grade', '--help']\n{run}"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "--without-sandbox" in done.stdout, done.stderr


WINDOWS = """
import pathlib, select, signal, sys, os, runpy
sys.path.insert(0, ROOT)
from classroom.grading import __main__ as command, process, stage

process.Path = lambda path: pathlib.Path(path.replace("/proc", "/missing"))

def missing(*_):
    raise OSError("this is not a socket")

select.select = select.poll = missing
for name in ("geteuid", "set_blocking", "sysconf", "setgroups", "mkfifo"):
    delattr(os, name)
sys.modules["resource"] = sys.modules["fcntl"] = None
built = stage.build

def build(folder, cells):
    built(folder, cells)
    path = folder / stage.WORKER
    gone = "import signal, sys\\ndel signal.setitimer, signal.SIGPROF, signal.SIGALRM\\nsys.modules['resource'] = None\\n"
    path.write_text(gone + path.read_text())

stage.build = build
sys.exit(command.main(["a01", "submitted", "--jobs", "1", "--seconds", "1", "--without-sandbox", command.ACCEPTED]))
"""


def test_grading_without_a_sandbox_needs_no_unix(tmp_path, monkeypatch):
    """What Windows lacks is taken away; endless loops are then ended from outside."""
    loops = {**RIGHT, "windows": "def my_windows(names, context):\n    while True:\n        pass"}
    Sample("ada", 0, book=A01.filled("ada", loops)).submit(tmp_path / "submitted")
    program = WINDOWS.replace("ROOT", repr(str(stage.ROOT)))
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"ada: {FULL - POINTS['windows']:g} of {FULL:g}" in done.stdout


BWRAP = {
    "is too old": (
        "echo 'bubblewrap 0.6.1'; echo 'bwrap: Unknown option --disable-userns' >&2; exit 1",
        "0.6.1 is too old",
    ),
    "is forbidden": ("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1", "give bwrap a profile"),
}


@pytest.mark.parametrize(("script", "says"), BWRAP.values(), ids=BWRAP)
def test_bubblewrap_that_does_not_run_is_told_how_to(script, says, tmp_path, monkeypatch):
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert says in sandbox.missing()


def test_bubblewrap_is_found_outside_the_students_path(tmp_path, monkeypatch):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho in\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sandbox.command(tmp_path, sandbox.Limits())[0] == str(tmp_path / "bwrap") and sandbox.missing() == ""


def test_fingerprint_does_not_depend_on_the_ends_of_lines(copied):
    source = SOURCES[0]
    cells = cells_of(source)
    before = stage.fingerprint(source, cells, "a seed")
    for path in [*(copied / "classroom").rglob("*.py"), *(copied / "lib").rglob("*.py")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert stage.fingerprint(source, cells, "a seed") == before


def test_pytest_ignores_a_class_inside_the_repository():
    ignored = re.findall(r"^notebooks/assignments/(\w+)/$", (stage.ROOT / ".gitignore").read_text(), re.MULTILINE)
    with open(stage.ROOT / "pyproject.toml", "rb") as file:
        skipped = tomllib.load(file)["tool"]["pytest"]["ini_options"]["norecursedirs"]
    assert {"submitted", "graded", "release"} <= {*ignored} <= {*skipped}


def test_pages_are_made_of_an_attempt_at_other_exercises():
    """A teacher renames, adds or removes an exercise; some students have only an earlier attempt."""
    scores = {"gone": attempt.Score(2, 4, "off by one", "Look at the end.")}
    earlier = records.Attempt("ben", 1, "", "", attempt.Outcome(scores=scores))
    assert "gone" not in pages.feedback(A01.assignment, earlier, marks.Marks(), [])
    assert report.report(A01.assignment, [earlier], {})
