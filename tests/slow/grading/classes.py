"""A generated class: graded, killed in the middle, started again; in shards, and merged."""

import csv
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.slow.grading.hostile import HOSTILE
from tests.slow.grading.made import ANSWERS, POINTS, Made, by_mistake, filled

Command = Callable[..., list[str]]
ACCEPTED = "I accept that student code runs as me"
QUICK = (
    "exits-the-hard-way", "kills-its-parent", "overwrites-torch", "forges-replies", "reads-other-submissions", "deletes-the-test-cells",
    "not-json", "endless-loop", "loses-metadata", "disk-filler",
)  # fmt: skip


def generated(number: int, attacks: bool) -> list[Made]:
    """Students with right and wrong answers of the catalogue, one in ten an attack."""
    draw, made = random.Random(3), []
    hostile = [attack for attack in HOSTILE if attack.student in QUICK]
    for n in range(number):
        student = f"student-{n:04}"
        if attacks and n % 10 == 7:
            attack = hostile[n // 10 % len(hostile)]
            made.append(Made(f"{student}-{attack.student}", attack.points, attack.says, attack.book, attack.data))
            continue
        answers, points = {}, 0
        for exercise, of in POINTS.items():
            mistakes = sorted({answer.mistake for answer in ANSWERS if answer.exercise == exercise and answer.mistake})
            mistake = "" if draw.random() < 0.7 else draw.choice(mistakes)
            answers[exercise] = draw.choice(by_mistake(exercise, mistake))
            points += 0 if mistake else of
        made.append(Made(student, points, [], filled(student, answers)))
    return made


def kept(out: Path) -> dict[str, tuple[float, str]]:
    """When each attempt was kept, and what it says."""
    return {
        str(path.relative_to(out)): (path.stat().st_mtime, path.read_text()) for path in out.glob("results/*/*.json")
    }


def points(out: Path) -> dict[str, float]:
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: sum(float(row[name] or 0) for name in POINTS) for row in csv.DictReader(file)}


def memory(pid: int) -> float:
    """MB that a process and its children hold, each counted with its share of what they share."""
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            group = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if int(path.name) == pid or group == pid or _descends(int(path.name), pid):
                lines = (path / "smaps_rollup").read_text()
                total += int(next(line for line in lines.splitlines() if line.startswith("Pss:")).split()[1])
        except (OSError, StopIteration, ValueError, IndexError):
            continue
    return total / 1024


def _descends(pid: int, from_pid: int) -> bool:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        if pid == from_pid:
            return True
    return False


def run(words: list[str], out: Path, until: float = float("inf")) -> tuple[float, float, int]:
    """Run the grader, and kill it when so many are graded; seconds, most MB at once, and how many came to be graded."""
    begin, most, first = time.perf_counter(), 0.0, len(kept(out))
    process = subprocess.Popen(words, start_new_session=True)
    while process.poll() is None:
        most = max(most, memory(process.pid))
        if len(kept(out)) >= until:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(0.5)
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
    return time.perf_counter() - begin, most, len(kept(out)) - first


def tried(number: int, folder: Path, command: Command, without: bool) -> int:
    """Grade a class of so many; the number of complaints."""
    made = generated(number, attacks=not without)
    submitted, out = folder / "submitted", folder / "graded"
    for student in made:
        student.hand_in(submitted)
    options = ["--without-sandbox", ACCEPTED] if without else []
    words = command(submitted, out, "--seconds", "10", *options)
    killed = run(words, out, until=number // 3)
    before = kept(out)
    resumed = run(words, out)
    after = kept(out)
    again = run(words, out)
    found = points(out)
    complaints = [
        f"{m.student}: {found.get(m.student)} points; {m.points:g} earned"
        for m in made
        if found.get(m.student) != m.points
    ]
    complaints += [f"{name} was written again" for name, when in before.items() if after.get(name) != when]
    complaints += [f"graded twice: {name}" for name in after if not name.endswith("/1.json")]
    if killed[2] + resumed[2] != number or again[2]:
        complaints.append(f"{killed[2]}, {resumed[2]} and {again[2]} were graded; {number} are wanted in the first two")
    seconds = killed[0] + resumed[0]
    print(
        f"class of {number}{' without sandbox' if without else ''}: killed after {killed[2]}, went on with {resumed[2]}, run a third time: {again[2]}"
    )
    print(
        f"{seconds:.0f} s, {60 * number / seconds:.1f} submissions a minute, most memory at once {max(killed[1], resumed[1]):.0f} MB"
    )
    if not without:
        complaints += merged(folder, submitted, out, command, min(number, 12))
    print(*complaints, sep="\n")
    print(f"{number} submissions: {len(complaints)} complaints")
    return len(complaints)


def merged(folder: Path, submitted: Path, out: Path, command: Command, number: int) -> list[str]:
    """Three shards of a smaller class, merged, say what one machine says."""
    few = folder / "few"
    few.mkdir()
    for path in sorted(submitted.iterdir())[:number]:
        os.rename(path, few / path.name)
    shards = [folder / f"shard{n}" for n in (1, 2, 3)]
    graded = [run(command(few, shard, "--shard", f"{n}/3"), shard)[2] for n, shard in enumerate(shards, 1)]
    together = folder / "together"
    words = command(few, together)
    subprocess.run([*words[:3], "--merge", *map(str, shards), "--out", str(together)], check=True)
    alone = {student: value for student, value in points(out).items() if (few / student).exists()}
    print(
        f"shards of {graded} students merged: {'the same grades' if points(together) == alone else 'OTHER GRADES'} as on one machine"
    )
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{together / 'gradebook.db'}") as book:
        scores = {s.student_id: s.score for s in book.assignment_submissions("a01_embedding")}
    wrong = (
        []
        if points(together) == alone and sum(graded) == number
        else ["the merged shards differ from one machine's grades"]
    )
    return wrong + ([] if scores == alone else [f"the merged gradebook says {json.dumps(scores)}"])
