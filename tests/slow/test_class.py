"""A class that is interrupted, continued, divided into shards and merged gets the grades that it earned, each once."""

import csv
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from classroom.grading.__main__ import ACCEPTED, main
from tests.classroom.factories import A01, FULL, POINTS, RIGHT, Sample, command, grade, gradebook_scores
from tests.slow.attacks import ATTACKS

pytestmark = pytest.mark.slow
STUDENTS = 6
ATTACKERS = {2: "exits-the-hard-way", 4: "loses-metadata"}


def generated() -> list[Sample]:
    """Students with right and wrong answers of the catalogue, two of them attackers."""
    draw, samples = random.Random(3), []
    attacks = {attack.student: attack for attack in ATTACKS}
    for n in range(STUDENTS):
        if n in ATTACKERS:
            attack = attacks[ATTACKERS[n]]
            samples.append(Sample(f"student-{n:02}-attacks", attack.points, book=attack.book))
            continue
        answers, points = {}, 0
        for exercise, of in POINTS.items():
            mistakes = sorted({answer.mistake for answer in A01.answers if answer.exercise == exercise})
            mistake = "" if draw.random() < 0.7 else draw.choice(mistakes)
            answers[exercise] = draw.choice(A01.by_mistake(exercise, mistake))
            points += 0 if mistake else of
        samples.append(Sample(f"student-{n:02}", points, book=A01.filled(f"student {n}", answers)))
    return samples


def kept(out: Path) -> dict[str, tuple[int, str]]:
    """When each attempt was written, and its text."""
    paths = out.glob("results/*/*.json")
    return {str(path.relative_to(out)): (path.stat().st_mtime_ns, path.read_text()) for path in paths}


def points(out: Path) -> dict[str, float]:
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: sum(float(row[name] or 0) for name in POINTS) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def classroom(tmp_path_factory) -> tuple[Path, Path, dict[str, float]]:
    """The folders of submissions and results of a class that was killed and continued, and its points."""
    folder, samples = tmp_path_factory.mktemp("class"), generated()
    submitted, out = folder / "submitted", folder / "graded"
    for sample in samples:
        sample.submit(submitted)
    process = subprocess.Popen(command(submitted, out), start_new_session=True)
    while process.poll() is None and len(kept(out)) < STUDENTS // 3:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    interrupted = kept(out)
    assert grade(submitted, out) == 0
    continued = kept(out)
    assert 0 < len(interrupted) < len(continued) == STUDENTS
    assert interrupted.items() <= continued.items()
    return submitted, out, {sample.student: sample.points for sample in samples}


def test_interrupted_class_gets_its_grades_once(classroom):
    _, out, expected = classroom
    assert points(out) == expected


def test_merged_shards_equal_one_machine(classroom, tmp_path):
    submitted, _, expected = classroom
    few = tmp_path / "few"
    students = ["student-02-attacks", "student-03"]  # one in each shard
    for student in students:
        shutil.copytree(submitted / student, few / student)
    shards = [tmp_path / f"shard{n}" for n in (1, 2)]
    for n, shard in enumerate(shards, 1):
        assert grade(few, shard, "--shard", f"{n}/2") == 0 and len(kept(shard)) == 1
    together = tmp_path / "together"
    assert main(["a01", "--merge", *map(str, shards), "--out", str(together)]) == 0
    alone = {student: expected[student] for student in students}
    assert points(together) == alone and len(kept(together)) == len(students)
    assert gradebook_scores(together / "gradebook.db", A01.assignment.name) == alone


def test_limits_hold_without_a_sandbox(tmp_path):
    loops = A01.filled("loops", {**RIGHT, "windows": "def my_windows(names, context):\n    while True:\n        pass"})
    Sample("loops", 0, book=loops).submit(tmp_path / "submitted")
    options = ["--without-sandbox", ACCEPTED, "--seconds", "2"]
    assert grade(tmp_path / "submitted", tmp_path / "graded", *options) == 0
    assert points(tmp_path / "graded") == {"loops": FULL - POINTS["windows"]}
