"""Whatever was handed in is graded or named: other endings, zips, platforms' names, folders too deep, several files."""

import io
import json
import os
import zipfile

import pytest

from classroom.checks import find
from classroom.grading import notebook, submissions
from tests.classroom.factories import A01, POINTS, RIGHT

NAME = A01.assignment.name
BOOK, RELEASE = json.dumps(A01.filled("ada", RIGHT)).encode(), json.dumps(A01.release).encode()
NAMES = [find("a01", exercise).answer for exercise in POINTS]
RANK = lambda data: notebook.work_in(A01.assignment, NAMES, data)


def packed(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def write(folder, files):
    for age, (name, data) in enumerate(reversed(files.items())):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_000_000 + 100 * age,) * 2)


def collected(folder, tmp_path, **options):
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    found = submissions.collect(folder, NAME, unpacked, **options)
    read = {student: submissions.read(student, files, NAME, RANK) for student, files in found.files.items()}
    return found, read


MOODLE = "Ada Lovelace_123_assignsubmission_file_"
LAYOUTS = {
    "nbgrader": {f"ada/{NAME}/{NAME}.ipynb": BOOK},
    "any name": {"ada/homework.ipynb": BOOK},
    "one file": {"ada.ipynb": BOOK},
    "capitals": {"ada.IPYNB": BOOK},
    "ending added": {"ada.ipynb.txt": BOOK},
    "ending added by a browser": {"ada/work.ipynb.json": BOOK, "ada/notes.txt": b"hello"},
    "ending lost": {"ada/work": BOOK},
    "copy's number behind the ending": {"ada/work.ipynb (1)": BOOK},
    "zip": {"ada.zip": packed({"work.ipynb": BOOK})},
    "zip in a folder": {"ada/work.zip": packed({"deep/work.ipynb": BOOK})},
    "zip in a zip": {"ada.ZIP": packed({"work.zip": packed({"work.ipynb": BOOK})})},
    "zip from Windows": {"ada.zip": packed({"folder\\work.ipynb": BOOK})},
    "too deep": {f"ada/1/2/3/4/{NAME}/{NAME}.ipynb": BOOK},
    "swapped": {f"{NAME}/ada/{NAME}.ipynb": BOOK},
    "swapped files": {f"{NAME}/ada.ipynb": BOOK},
    "beside an empty folder": {"ada.ipynb": BOOK, "ada/notes.txt": b""},
    "with the next assignment": {f"ada/{NAME}/{NAME}.ipynb": BOOK, "ada/a02_flattening/a02_flattening.ipynb": RELEASE},
    "with traces of macOS": {"__MACOSX/ada/._work.ipynb": b"x", "ada/work.ipynb": BOOK, "ada/._work.ipynb": b"x", ".DS_Store": b""},
    "with checkpoints": {"ada/.ipynb_checkpoints/work-checkpoint.ipynb": RELEASE, "ada/work.ipynb": BOOK},
    "with a scratch book that is newer": {"ada/work.ipynb": BOOK, "ada/scratch.ipynb": json.dumps({"cells": []}).encode()},
    "Moodle's folders": {f"{MOODLE}/work.ipynb": BOOK, "Ada Lovelace_123_assignsubmission_onlinetext_/onlinetext.html": b"hello"},
    "Moodle's files": {f"{MOODLE}work.ipynb": BOOK, "Ada Lovelace_123_assignsubmission_onlinetext_onlinetext.html": b"hello"},
    "Moodle's zip": {"class.zip": packed({f"{MOODLE}/work.zip": packed({"work.ipynb": BOOK})})},
    "Canvas's files": {"lovelaceada_LATE_123_45_work-1.ipynb": BOOK},
    "Canvas's zip": {"submissions.zip": packed({"lovelaceada_123_45_work.zip": packed({"work.ipynb": BOOK})})},
    "Canvas's zip of zips": {"a.zip": packed({"b.zip": packed({"lovelaceada_123_45_work.ipynb": BOOK})})},
}  # fmt: skip


@pytest.mark.parametrize("files", LAYOUTS.values(), ids=LAYOUTS)
def test_notebook_is_found_and_is_its_students(files, tmp_path):
    write(tmp_path / "submitted", files)
    found, read = collected(tmp_path / "submitted", tmp_path)
    student = next((name for name in ("Ada Lovelace_123", "lovelaceada_123") if name in read), "ada")
    assert [*read] == [student] and not found.unsafe
    assert read[student].data == BOOK and not read[student].problem


def test_zip_of_a_platform_can_be_the_folder(tmp_path):
    students = [f"Student {n}_{n}" for n in range(30)]
    files = {f"{student}_assignsubmission_file_/work.ipynb": BOOK for student in students}
    (tmp_path / "class.zip").write_bytes(packed(files))
    _, read = collected(tmp_path / "class.zip", tmp_path)
    assert {*read} == {*students} and all(one.data == BOOK for one in read.values())


def test_folder_around_all_students_is_entered(tmp_path):
    write(tmp_path / "submitted", {"export/ada/work.ipynb": BOOK, "export/eve/work.ipynb": BOOK})
    _, read = collected(tmp_path / "submitted", tmp_path)
    assert [*read] == ["ada", "eve"]


OTHER = json.dumps(A01.filled("ada", RIGHT, "Another explanation.")).encode()
SEVERAL = {
    "newest": {"ada/new.ipynb": BOOK, "ada/old.ipynb": OTHER},
    "newest, not the one with the right name": {"ada/work.ipynb": BOOK, f"ada/{NAME}.ipynb": OTHER},
    "work, not the untouched one": {f"ada/{NAME}.ipynb": RELEASE, f"ada/{NAME} (1).ipynb": BOOK},
    "work, not the untouched copy": {f"ada/{NAME} (1).ipynb": RELEASE, f"ada/{NAME}.ipynb": BOOK},
    "file beside the folder": {"ada.ipynb": BOOK, "ada/work.ipynb": OTHER},
    "second download": {"ada (1).ipynb": BOOK, "ada.ipynb": OTHER},
    "Canvas's second": {"adalovelace_1_46_work-1.ipynb": BOOK, "adalovelace_1_45_work.ipynb": OTHER},
    "in a zip": {"ada/work.ipynb": BOOK, "ada/work.zip": packed({"work.ipynb": RELEASE})},
}


@pytest.mark.parametrize("files", SEVERAL.values(), ids=SEVERAL)
def test_newest_work_counts_and_the_choice_is_said(files, tmp_path):
    write(tmp_path / "submitted", files)
    _, read = collected(tmp_path / "submitted", tmp_path)
    (one,) = read.values()
    assert one.data == BOOK
    (note,) = one.notes
    assert "Several notebooks were submitted" in note and note.count("ipynb") >= 2


def test_higher_copy_counts_if_times_are_equal(tmp_path):
    write(tmp_path / "submitted", {"ada/work.ipynb": OTHER, "ada/work (2).ipynb": BOOK, "ada/work (1).ipynb": OTHER})
    for path in (tmp_path / "submitted" / "ada").iterdir():
        os.utime(path, (0, 0))
    assert collected(tmp_path / "submitted", tmp_path)[1]["ada"].data == BOOK


NAMED = {
    "empty folder": ({"ada/notes.txt": b"no notebook"}, "it has submitted/ada/notes.txt"),
    "damaged zip": ({"ada.zip": b"PK\x03\x04 damaged"}, "a zip that can't be opened (BadZipFile)"),
    "nested damage": ({"ada/work.zip": packed({"work.zip": b"damaged"})}, "a zip that can't be opened"),
    "another archive": ({"ada/work.rar": b"Rar!"}, "it has submitted/ada/work.rar"),
    "another assignment": ({"ada/a02_flattening/a02_flattening.ipynb": BOOK}, "it has submitted/ada/a02_flattening"),
    "only text": ({"Ada_1_assignsubmission_onlinetext_/onlinetext.html": b"hello"}, "onlinetext.html"),
}


@pytest.mark.parametrize(("files", "says"), NAMED.values(), ids=NAMED)
def test_student_without_a_notebook_is_named_with_what_there_is(files, says, tmp_path):
    write(tmp_path / "submitted", files)
    _, read = collected(tmp_path / "submitted", tmp_path)
    (one,) = read.values()
    assert says in one.problem


def test_what_belongs_to_no_student_is_named(tmp_path):
    names = ("ada ", "'bob", "e\x1b[2J", "n" * 201)
    for name in names:
        (tmp_path / "submitted" / name).mkdir(parents=True)
    write(
        tmp_path / "submitted",
        {"class.csv": b"", "a02_flattening.ipynb": BOOK, "graded/a01/grades.csv": b"", "eve.ipynb": BOOK},
    )
    found, read = collected(tmp_path / "submitted", tmp_path, out=tmp_path / "submitted" / "graded" / "a01")
    assert [*read] == ["eve"] and len(found.unsafe) == len(names)
    assert ["class.csv" in line or "a02_flattening" in line for line in found.unused] == [True, True]


def test_folders_links_and_pipes_are_not_notebooks(tmp_path):
    folder = tmp_path / "submitted"
    (folder / "eve" / NAME / f"{NAME}.ipynb").mkdir(parents=True)
    write(folder, {"ada/work.ipynb": BOOK})
    (folder / "link.ipynb").symlink_to(folder / "ada" / "work.ipynb")
    (folder / "folder").symlink_to(folder / "ada")
    os.mkfifo(folder / "pipe.ipynb")
    _, read = collected(folder, tmp_path)
    problems = {student: one.problem for student, one in read.items()}
    assert not problems.pop("ada") and {*problems} == {"eve", "folder", "link", "pipe"}
    assert "not a regular file" in problems["eve"] and "not a regular file" in problems["pipe"]
    assert "not a link to it" in problems["link"] and "not a link to it" in problems["folder"]


def test_zip_cannot_write_outside_or_fill_the_disk(tmp_path):
    bomb = packed({f"{n}.ipynb": b"\0" * 30_000_000 for n in range(20)})
    outside = packed({"../../outside.ipynb": BOOK, "/outside.ipynb": BOOK})
    many = packed({f"{n}.txt": b"" for n in range(submissions.MEMBERS + 50)})
    write(tmp_path / "submitted", {"bomb.zip": bomb, "outside.zip": outside, "many.zip": many})
    _, read = collected(tmp_path / "submitted", tmp_path)
    assert "more than the limit" in read["bomb"].problem and "no notebook" in read["outside"].problem
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "submitted" not in path.parts]
    assert sum(path.stat().st_size for path in files) <= submissions.UNPACKED and len(files) < submissions.MEMBERS + 30
    assert not [*tmp_path.rglob("outside.ipynb")]
