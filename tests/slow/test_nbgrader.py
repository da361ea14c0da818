"""Assignments through nbgrader, in a copy of the course: release, submit, autograde, feedback.

All are released; one is graded, a different one each day. NBGRADER grades others: NBGRADER=a03, or NBGRADER=all.
"""

import copy
import datetime
import html
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

COURSE = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"
SOURCES = sorted(COURSE.glob("source/*/*.ipynb"))
MARKS = ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "checks.grade")


def chosen():
    """The assignments to grade."""
    named = os.environ.get("NBGRADER") or SOURCES[datetime.date.today().toordinal() % len(SOURCES)].stem[:3]
    return [source for source in SOURCES if named in ("all", source.stem[:3])]


def read(path):
    return nbformat.read(path, as_version=4)


def nbgrader(course, *words):
    """Run Python, with nbgrader's settings, from a folder that is not the course, as a teacher's script would."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, "JUPYTER_CONFIG_PATH": str(course)}
    done = subprocess.run([sys.executable, *words], cwd=course.parent, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}{done.stderr}"


# The command `nbgrader generate_assignment`, for each assignment in turn.
GENERATE = """
import sys
from nbgrader.apps import GenerateAssignmentApp

for assignment in sys.argv[1:]:
    GenerateAssignmentApp.clear_instance()
    GenerateAssignmentApp.launch_instance([assignment])
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course with every assignment released."""
    course = tmp_path_factory.mktemp("nbgrader") / "course"
    course.mkdir()
    shutil.copy(COURSE / "nbgrader_config.py", course)
    (course / "seed").write_text("a seed that is nowhere else\n")
    shutil.copytree(COURSE / "source", course / "source", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    nbgrader(course, "-c", GENERATE, *[source.stem for source in SOURCES])
    return course


def release_of(course, source):
    return course / "release" / source.stem / source.name


def graded(cell):
    """Whether the cell gives points automatically."""
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("grade")) and not marks.get("solution")


def regions(source):
    """The lines of solutions and hidden tests, and all other lines."""
    inside, outside = set(), set()
    for cell in source.cells:
        hidden = False
        for line in map(str.strip, cell.source.splitlines()):
            if re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS)", line):
                hidden = "BEGIN" in line
            else:
                (inside if hidden else outside).add(line)
    return inside, outside


def traces(source, release):
    """What the release still has of the source's solutions, hidden tests and outputs."""
    inside, outside = regions(source)
    secret = {line for line in inside - outside if len(line) > 3}
    complaints = []
    for cell in release.cells:
        complaints += [f"a stored output in {cell.id}"] if cell.get("outputs") else []
        complaints += [f"{mark!r} in {cell.id}" for mark in MARKS if mark in cell.source]
        complaints += [f"{line!r} in {cell.id}" for line in map(str.strip, cell.source.splitlines()) if line in secret]
    return complaints


@pytest.mark.parametrize("leak", ["### END SOLUTION", "checks.grade()", "    return one_hot @ table", None])
def test_traces_in_a_release_are_reported(leak):
    source = read(COURSE / "source" / "a01_embedding" / "a01_embedding.ipynb")
    release = copy.deepcopy(source)
    for cell in release.cells:
        cell.source = re.sub(r" *(### |<!-- )BEGIN.+?END [A-Z ]+( -->)?", "pass", cell.source, flags=re.DOTALL)
        cell.pop("outputs", None)
    assert traces(source, release) == []
    if leak is None:
        release.cells[2]["outputs"] = ["Right."]
    else:
        release.cells[-2].source += f"\n{leak}"
    assert traces(source, release)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_release_has_no_traces_and_says_that_it_is_not_done(source, course):
    path = release_of(course, source)
    release = read(path)
    assert traces(read(source), release) == []
    settings = {"metadata": {"path": str(path.parent)}}
    for cell in NotebookClient(release, timeout=None, resources=settings).execute().cells:
        text = "".join(output.get("text", "") for output in cell.get("outputs", []))
        assert not graded(cell) or text.startswith("Not done yet."), text
        assert cell.cell_type == "code" or "nbgrader" not in cell.metadata or "Not done yet" in cell.source


def students(assignment):
    """Answers by exercise: of a student with right ones, of two with wrong ones, of one who hands in the release."""
    answers = importlib.import_module(f"tests.classroom.catalogue.answers{assignment[1:3]}").ANSWERS
    mine = {"right": {}, "wrong": {}, "subtly_wrong": {}, "nobody": {}}
    for name in dict.fromkeys(answer.exercise for answer in answers):
        right, *_ = [answer for answer in answers if answer.exercise == name and not answer.mistake]
        *_, last = wrong = [answer for answer in answers if answer.exercise == name and answer.mistake]
        mine["right"][name], mine["wrong"][name], mine["subtly_wrong"][name] = right, wrong[0], last
    return mine


def submission(release, student, answers):
    """The release with a student's name and answers in it."""
    for cell in release.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("-answer")
        if name == "student" and answers:
            cell.source = f'student = "{student}"'
        elif name in answers and not graded(cell):
            cell.source = answers[name].cell()
    return release


def scores(course, name, student):
    """The automatic points of a student, by exercise."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grades = book.find_submission(name, student).notebooks[0].grades
        return {grade.name: grade.auto_score for grade in grades}


@pytest.mark.parametrize("source", chosen(), ids=lambda source: source.stem)
def test_points_and_feedback_are_what_the_answers_deserve(source, course):
    path = release_of(course, source)
    name, classroom = source.stem, students(source.stem)
    for student, answers in classroom.items():
        folder = course / "submitted" / student / name
        folder.mkdir(parents=True)
        nbformat.write(submission(read(path), student, answers), folder / path.name)
    nbgrader(course, "-m", "nbgrader", "autograde", name)
    nbgrader(course, "-m", "nbgrader", "generate_feedback", name)
    for student, answers in classroom.items():
        page = html.unescape((course / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8"))
        page, points = re.sub(r"<[^>]+>", "", page), scores(course, name, student)
        for cell in filter(graded, read(course / "autograded" / student / name / path.name).cells):
            exercise = cell.metadata.nbgrader.grade_id
            mistake = answers[exercise].mistake if exercise in answers else "not done"
            assert points[exercise] == (0 if mistake else cell.metadata.nbgrader.points), (student, exercise)
            assert not mistake or f"AssertionError: {mistake}: " in page, (student, exercise)
