"""Tests of data/record.py: what a script may do, and README's record table."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib.data import load_names, split_names

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("record", ROOT / "data" / "record.py")
record = importlib.util.module_from_spec(spec)
spec.loader.exec_module(record)

NAMES = load_names()[:300]
SCRIPT = '''"""Does little. And more."""
import torch
from lib.data import Vocabulary
from lib.models import staged_model
TRACK, STEPS, TEACHERS = "speed", 1, 0
def train(names, seed):
    torch.manual_seed(seed)
    {}
    return staged_model(len(Vocabulary(names)), hidden={})
'''


def script(tmp_path: Path, line: str = "pass", hidden: int = 8) -> Path:
    path = tmp_path / "contestant.py"
    path.write_text(SCRIPT.format(line, hidden))
    return path


def test_a_script_gets_the_training_names_and_the_seed_when_torch_has_imported_its_compiler(tmp_path):
    line = f"import sys; assert (names, seed, 'torch._dynamo' in sys.modules) == ({NAMES!r}, 3, True)"
    model, facts = record.trained(script(tmp_path, line), NAMES, 3)
    assert facts["params"] == sum(p.numel() for p in model.parameters())
    assert facts["steps"] == 1 and facts["wall_seconds"] > 0


GUARDED = """
import os, sys, tempfile
from pathlib import Path
import pandas
import lib.models
sys.path.insert(0, {data!r})
import record
sys.stderr.flush()
for line in {lines!r}:
    if (child := os.fork()) == 0:
        record.guard(Path("contestant.py"))
        exec(line)
        os.write(2, b"allowed\\n")
        os._exit(0)
    os.waitpid(child, 0)
"""
DOORS = {
    "from lib.data import load_names; load_names()": "opened names.txt",
    "lib.models.trained_model()": "opened staged_long.pt",
    "try: pandas.read_csv(lib.models.DATA / 'names.csv')\nexcept: pass": "opened names.csv",
    "os.chdir(lib.models.DATA); open('names.txt')": "opened names.txt",
    f"open({str(ROOT / 'README.md')!r})": "opened README.md",
    "import subprocess; subprocess.run(['cat'])": "started a process",
    "os.system('cat')": "started a process",
    "os.fork()": "started a process",
    "import socket; socket.create_connection(('127.0.0.1', 9))": "or a connection",
    "open('notes', 'w').write('1'); open('notes').read()": "allowed",
    "import lib.sound, uuid": "allowed",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_script_may_do(tmp_path):
    code = GUARDED.format(data=str(ROOT / "data"), lines=list(DOORS))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    said = done.stderr.splitlines()
    assert len(said) == len(DOORS), done.stderr
    for (line, expected), got in zip(DOORS.items(), said, strict=True):
        assert expected in got, f"{line}: {got}"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("from lib.data import load_names; load_names()", "opened names.txt while it trained"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_script_that_fails_or_looks_is_refused(tmp_path, line, message):
    with pytest.raises(record.Refused, match=message):
        record.trained(script(tmp_path, line), NAMES, 0)


def test_a_net_with_more_parameters_is_refused(tmp_path):
    with pytest.raises(record.Refused, match="has [0-9,]+ parameters; a record has at most 76,579"):
        record.trained(script(tmp_path, hidden=200), NAMES, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "no file at"), ("def f(:", "is no Python"), ("TRACK = 1\ndef train(): ...", "lacks STEPS and TEACHERS")],
)
def test_errors_of_use_are_sentences(tmp_path, text, message, monkeypatch):
    path = tmp_path / "contestant.py"
    if text:
        path.write_text(text)
    monkeypatch.setattr(sys, "argv", ["record.py", "check", str(path)])
    with pytest.raises(SystemExit, match=f"Refused: .*{message}"):
        record.main()


def test_every_record_has_its_facts_and_stays_small():
    recipes = {recipe for recipe, *_ in record.PLAN}
    assert recipes == {path.stem for path in record.RECORDS.glob("*.py")} - {"shared"}
    for recipe in recipes:
        path = record.RECORDS / f"{recipe}.py"
        assert record.facts_of(path)["what"] and len(path.read_text().splitlines()) <= 40


@pytest.mark.parametrize("keep", [False, True])
def test_losses_are_measured_on_names_not_seen(tmp_path, monkeypatch, keep):
    """The test names are read for the shipped weights only."""
    seen = []
    monkeypatch.setattr(record, "load_names", lambda: NAMES)
    monkeypatch.setattr(record, "WEIGHTS", tmp_path / "net.pt")
    monkeypatch.setattr(record, "evaluate", lambda model, windows: seen.append(len(windows[1])) or 2.5)
    row = record.measured({"recipe": "contestant", "list": "once", "seed": 1}, script(tmp_path), keep)
    parts = split_names(NAMES)[1 : 3 if keep else 2]
    assert seen == [sum(len(name) + 1 for name in part) for part in parts]
    assert (row["val"], row["test"]) == (2.5, 2.5 if keep else "") and list(row) == record.SETTINGS + record.MEASURED
    assert (tmp_path / "net.pt").exists() == keep


def test_measure_resumes_and_the_table_shows_its_rows(tmp_path, monkeypatch):
    trained = []

    def measured(row, path, keep):
        trained.append((row["recipe"], row["list"], row["seed"], keep))
        facts = {
            "track": "speed",
            "val": 2 + row["seed"] / 100,
            "test": 2.1 if keep else "",
            "cpu_seconds": 3,
            "wall_seconds": 4,
        }
        facts |= {"steps": 5, "params": 76_579, "teachers": 0, "machine": "M", "date": "2026-01-02", "command": "c"}
        return {name: (facts | row)[name] for name in record.SETTINGS + record.MEASURED}

    monkeypatch.setattr(record, "EVIDENCE", tmp_path / "records.csv")
    monkeypatch.setattr(record, "measured", measured)
    record.measure(["speed"], 2, again=False)
    record.measure(["speed"], 3, again=False)
    assert trained == [("speed", "once", seed, False) for seed in range(3)]
    record.measure(["five_teachers"], 1, again=False)
    assert trained[3:] == [("five_teachers", "once", 0, True), ("five_teachers", "twice", 0, False)]
    record.measure(["speed"], 1, again=True)
    assert trained[5:] == [("speed", "once", 0, False)]
    lines = record.table().splitlines()
    assert lines[2].startswith("| speed | 2.0100 ± 0.0100 |  | 3 | 4.0 ± 0.0 | 76,579 | 85 steps")
    assert "| 2.100 | 1 |" in lines[3] and lines[-1] == "Measured on M."
    with pytest.raises(record.Refused, match="expected recipes of the plan, got sped"):
        record.measure(["sped"], None, again=False)


def test_the_record_table_is_what_the_evidence_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert record.with_table(readme) == readme, "python data/record.py table writes it"
