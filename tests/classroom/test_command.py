"""Errors of use are one sentence, and change nothing."""

import subprocess
import sys

import pytest

from classroom.grading import __main__ as command
from classroom.grading import records, stage
from tests.classroom.factories import A01

USES = {
    "no such folder": (["nosuch"], "nosuch is not a folder"),
    "a file": (["notes.txt"], "notes.txt is not a folder"),
    "an empty folder": (["empty"], "has no folder, notebook or zip of a student"),
    "no folder": ([], "Name a folder"),
    "shard 5/4": (["empty", "--shard", "5/4"], "got 5/4"),
    "shard 0/0": (["empty", "--shard", "0/0"], "got 0/0"),
    "shard half": (["empty", "--shard", "half"], "got half"),
    "jobs": (["empty", "--jobs", "0"], "expected a number above 0"),
    "seconds": (["empty", "--seconds", "-3"], "expected a number above 0"),
    "merge of nothing": (["--merge", "nosuch", "--out", "merged"], "nosuch has no results"),
    "out is a file": (["empty", "--out", "notes.txt"], "notes.txt"),
    "seed is a folder": (["empty", "--out", "seeded"], "seeded"),
}


@pytest.fixture
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "sandboxed", lambda words: False)
    monkeypatch.delenv("GRADING_SEED", raising=False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "seeded" / "seed").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("hello")
    return tmp_path


@pytest.mark.parametrize(("words", "says"), USES.values(), ids=USES)
def test_error_of_use_is_one_sentence(words, says, inside, capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(["a01", *words])
    message = capsys.readouterr().err.strip().split("\n")[-1] if caught.value.code == 2 else caught.value.code
    assert says in message and "\n" not in message


@pytest.mark.parametrize("data", [b"not a table", b"key;points;comment;points\n", b"PK\x03\x04"])
def test_marks_that_cannot_be_read_stop_the_command_before_anything_changes(data, inside):
    (inside / "out").mkdir()
    (inside / "out" / "marks.csv").write_bytes(data)
    with pytest.raises(SystemExit, match="marks.csv"):
        command.main(["a01", "empty", "--out", "out"])
    assert (inside / "out" / "marks.csv").read_bytes() == data and not (inside / "out" / "results").exists()


def test_merge_that_is_refused_changes_nothing(inside):
    for name, points in (("one", 1), ("two", 2)):
        store = records.Store(inside / name)
        store.add(command.Submission("ada", b""), "", command.attempt.Outcome(seconds=points))
    with pytest.raises(SystemExit, match="different results for ada"):
        command.main(["a01", "--merge", "one", "two", "--out", "both"])


def test_merge_names_what_it_does_not_use_of_the_marks(inside, capsys):
    outcome = command.attempt.Outcome(manual={"explain": "A text."})
    records.Store(inside / "one").add(command.Submission("ada", b""), "", outcome)
    known = command.marks.answers(records.Store(inside / "one").attempts("ada"), {"explain": 3})
    command.marks.add_rows(inside / "one" / "marks.csv", command.marks.Marks(), known)
    text = (inside / "one" / "marks.csv").read_text("utf-8-sig")
    (inside / "one" / "marks.csv").write_text(text.replace('"",""', "2,good") + "no,key,,,1,here\n", "utf-8")
    assert command.main(["a01", "--merge", "one", "--out", "both"]) == 1
    assert "row 3 (key): no answer has its key 'no'" in capsys.readouterr().out
    assert '"2"' in (inside / "both" / "marks.csv").read_text("utf-8-sig")


def test_folders_of_killed_graders_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(command.tempfile, "gettempdir", lambda: str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f"grading-{dead.pid}-x", f"grading-{command.os.getpid()}-x", "grading-other"):
        (tmp_path / name).mkdir()
        command.os.utime(tmp_path / name, (0, 0))
    command.clear()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted([f"grading-{command.os.getpid()}-x", "grading-other"]) or not sys.platform.startswith("linux")


def test_one_student_through_the_whole_command(inside, capsys):
    """Without a sandbox: what is graded and what is not, marks after a spreadsheet, private files."""
    source = stage.ROOT / "notebooks/assignments/source" / A01.assignment.name / f"{A01.assignment.name}.ipynb"
    (inside / "class#1 ?50%").mkdir()
    folder = inside / "class#1 ?50%" / "submitted"
    folder.mkdir()
    (folder / "0012345.IPYNB").write_bytes(source.read_bytes())
    (folder / "class.csv").write_text("0012345")
    assert command.main(["a01", str(folder), "--jobs", "1"]) == 0
    said, out = capsys.readouterr().out, folder.parent / "graded" / A01.assignment.name
    assert "0012345: 17 of 17" in said and "'class.csv' was not graded" in said
    marks = (
        (out / "marks.csv").read_text("utf-8-sig").replace('"0012345"', "12345").replace(',"3","",""', ",3,2.5,good")
    )
    (out / "marks.csv").write_bytes(f"{marks}no,key,,,1,here\n".replace(",", ";").encode("utf-16"))
    assert command.main(["a01", str(folder)]) == 1
    assert "row 3 (key): no answer has its key 'no'" in capsys.readouterr().out
    assert '"19.5"' in (out / "grades.csv").read_text() and "good" in (out / "feedback" / "0012345.html").read_text()
    assert (out / "gradebook.db").exists() and {p.stat().st_mode & 0o77 for p in out.rglob("*") if p.is_file()} == {0}
    (out / "gradebook.db").write_bytes(b"SQLite format 3\0 and no more")
    (out / "results" / "0012345" / "1.json").write_text("null")
    assert command.main(["a01", str(folder)]) == 1
    assert "gradebook.db was NOT WRITTEN" in (said := capsys.readouterr().out) and "can't be read" in said
