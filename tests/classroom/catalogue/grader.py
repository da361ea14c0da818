"""Some answers through the whole of nbgrader, in a copy of the course: release, submit, grade, return."""

import html
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.classroom.catalogue.catalogue import Catalogue

COURSE = Path(__file__).resolve().parents[3] / "notebooks" / "assignments"
MARKS = ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "checks.grade")
RIGHT, WRONG = 1, 2  # so many students with right answers, and so many with wrong ones


def graded(cell: NotebookNode) -> bool:
    """Whether the cell gives points without a reader."""
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("grade")) and not marks.get("solution")


def regions(source: NotebookNode) -> tuple[set[str], set[str]]:
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


def traces(source: NotebookNode, release: NotebookNode) -> list[str]:
    """What the release still has of the source's solutions, hidden tests and outputs."""
    inside, outside = regions(source)
    secret = {line for line in inside - outside if len(line) > 3}
    complaints = []
    for cell in release.cells:
        complaints += [f"a stored output in {cell.id}"] if cell.get("outputs") else []
        complaints += [f"{mark!r} in {cell.id}" for mark in MARKS if mark in cell.source]
        complaints += [f"{line!r} in {cell.id}" for line in map(str.strip, cell.source.splitlines()) if line in secret]
    return complaints


def unfinished(release: NotebookNode, folder: Path) -> list[str]:
    """Run the release as it is; complain of errors, and of exercises that do not say that they are not done."""
    run = NotebookClient(
        release, allow_errors=True, timeout=60, resources={"metadata": {"path": str(folder)}}
    ).execute()
    complaints = []
    for cell in run.cells:
        outputs = cell.get("outputs", [])
        complaints += [f"{cell.id} stops: {output.evalue}" for output in outputs if output.output_type == "error"]
        text = "".join(output.get("text", "") for output in outputs)
        if graded(cell) and not text.startswith("Not done yet."):
            complaints.append(f"{cell.metadata.nbgrader.grade_id} does not say that it is not done: {text!r}")
        if cell.cell_type == "markdown" and "nbgrader" in cell.metadata and "Not done yet" not in cell.source:
            complaints.append(f"{cell.metadata.nbgrader.grade_id} does not say that it is not done")
    return complaints


def classes(answers: Catalogue) -> dict[str, dict[str, object]]:
    """Students, and their answer to each exercise; the one called nobody hands in what was given out."""
    students: dict[str, dict[str, object]] = {"nobody": {}}
    for exercise in dict.fromkeys(answer.exercise for answer in answers):
        mine = [answer for answer in answers if answer.exercise == exercise]
        right = [answer for answer in mine if not answer.mistake][:RIGHT]
        wrong = [answer for answer in mine if answer.mistake][-WRONG:]  # the last are the subtlest
        for number, answer in enumerate([*right, *wrong]):
            student = f"right{number}" if not answer.mistake else f"wrong{number - len(right)}"
            students.setdefault(student, {})[exercise] = answer
    return students


def submission(release: NotebookNode, student: str, answers: dict) -> NotebookNode:
    """The release with a student's name and answers in it."""
    filled = nbformat.from_dict(release)
    for cell in filled.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("-answer")
        if graded(cell):
            continue
        if name == "student" and answers:
            cell.source = f'student = "{student}"'
        elif name in answers:
            cell.source = answers[name].cell()
    return filled


def nbgrader(course: Path, *words: str) -> None:
    """Run nbgrader from a folder that is not the course, as a teacher's script would."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, "JUPYTER_CONFIG_PATH": str(course)}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words], cwd=course.parent, env=settings, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"nbgrader {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def outcomes(course: Path, name: str, students: dict) -> list[str]:
    """Complain of points that are not what the answers deserve, and of feedback that does not name the mistake."""
    complaints = []
    for student, answers in students.items():
        notebook = nbformat.read(course / "autograded" / student / name / f"{name}.ipynb", as_version=4)
        page = html.unescape((course / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8"))
        page = re.sub(r"<[^>]+>", "", page)
        points = scores(course, name, student)
        for cell in filter(graded, notebook.cells):
            exercise = cell.metadata.nbgrader.grade_id
            answer = answers.get(exercise)
            wanted = 0 if answer is None or answer.mistake else cell.metadata.nbgrader.points
            if points[exercise] != wanted:
                complaints.append(f"{student}, {exercise}: {points[exercise]} points; deserved {wanted}")
            mistake = "not done" if answer is None else answer.mistake
            if mistake and f"AssertionError: {mistake}: " not in page:
                complaints.append(f"{student}, {exercise}: the feedback does not name {mistake!r}")
    return complaints


def scores(course: Path, name: str, student: str) -> dict[str, float]:
    """The points that a student got without a reader, by exercise."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grades = book.find_submission(name, student).notebooks[0].grades
        return {grade.name: grade.auto_score for grade in grades}


def through(course: Path, name: str, answers: Catalogue) -> tuple[int, list[str]]:
    """Release one assignment, hand in, grade and return; the number of students, and the complaints."""
    nbgrader(course, "generate_assignment", name)
    path = course / "release" / name / f"{name}.ipynb"
    release = nbformat.read(path, as_version=4)
    complaints = traces(nbformat.read(course / "source" / name / f"{name}.ipynb", as_version=4), release)
    complaints += unfinished(nbformat.from_dict(release), path.parent)
    students = classes(answers)
    for student, chosen in students.items():
        folder = course / "submitted" / student / name
        folder.mkdir(parents=True)
        nbformat.write(submission(nbformat.read(path, as_version=4), student, chosen), folder / path.name)
    nbgrader(course, "autograde", name)
    nbgrader(course, "generate_feedback", name)
    return len(students), complaints + outcomes(course, name, students)


def through_nbgrader(chosen: dict[str, Catalogue]) -> int:
    """All chosen assignments; prints a line for each, and gives the number of complaints."""
    try:
        import nbgrader.api  # noqa: F401
    except ImportError:
        sys.exit("nbgrader is not installed here: pip install -e '.[teach]'")
    number, begin = 0, time.perf_counter()
    with TemporaryDirectory(prefix="course-") as folder, ThreadPoolExecutor(2) as pool:
        tried = {name: pool.submit(alone, Path(folder) / name, name, answers) for name, answers in chosen.items()}
        for name, future in tried.items():
            students, complaints = future.result()
            print(f"{name}: released, {students} students graded: {len(complaints)} complaints", flush=True)
            print(*complaints, sep="\n", end="\n" if complaints else "")
            number += len(complaints)
    print(f"{len(chosen)} assignments: {number} complaints, {time.perf_counter() - begin:.0f} s")
    return number


def alone(folder: Path, assignment: str, answers: Catalogue) -> tuple[int, list[str]]:
    """One assignment in a course of its own."""
    course = folder / "course"
    course.mkdir(parents=True)
    shutil.copy(COURSE / "nbgrader_config.py", course)
    (course / "seed").write_text("a seed that is nowhere else\n")
    (source,) = COURSE.glob(f"source/{assignment}_*/{assignment}_*.ipynb")
    shutil.copytree(source.parent, course / "source" / source.stem)
    return through(course, source.stem, answers)
