"""Put mistakes into lib, one at a time: the tests of the changed module must reject every one.

By default only modules are tried of which the code, the tests or the list of mistakes differ from main's last state;
MUTANTS=all tries all of them, and MUTANTS=REVISION compares with that revision. `-k training` chooses a module.
Needs a system with fork: Linux or macOS.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.slow.mutants.catalogue import MODULES, ROOT, WRONG, module_name, mutants
from tests.slow.mutants.catalogue import tests_of as files_of_tests

pytestmark = pytest.mark.slow
trial = pytest.importorskip("tests.slow.mutants.trial", reason="needs fork and resource", exc_type=ImportError)


def git(*words: str) -> str:
    """What a git command prints; "" if it fails."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


@cache
def changed() -> tuple[str, set[Path]] | None:
    """A revision and the files that differ from it; None if everything is to be tried, as without git's history."""
    base = os.environ.get("MUTANTS", "")
    if base == "all":
        return None
    if not base:
        base = next(filter(None, (git("merge-base", "HEAD", name) for name in ("origin/main", "main"))), "")
        base = git("rev-parse", "HEAD~1") if base == git("rev-parse", "HEAD") else base
    listed = git("diff", "--name-only", base, "--") + "\n" + git("ls-files", "--others", "--exclude-standard")
    return (base, {ROOT / name for name in listed.split("\n")}) if git("rev-parse", "--verify", base) else None


def trial_of(path: Path, source: str, target: str = "") -> "trial.Trial":
    return trial.Trial(module_name(path), source, [str(tests) for tests in files_of_tests(path)], target)


@cache
def verdict_of_unchanged(tests: tuple[Path, ...]) -> "trial.Verdict":
    """The verdict on lib as it is, run as the mutants are."""
    path = next(path for path in MODULES.values() if files_of_tests(path) == tests)
    (verdict,) = trial.run_apart([trial_of(path, path.read_text(encoding="utf-8"))])
    return verdict


@pytest.mark.parametrize("subject", WRONG)
def test_every_mistake_fits_lib(subject):
    assert all(mutant.source() for mutant in mutants(subject))


@pytest.mark.parametrize("subject", WRONG)
def test_every_mistake_is_rejected(subject):
    tried = mutants(subject)
    files = {mutant.path() for mutant in tried} | {Path(__file__).parent / "mutants" / f"wrong_{subject}.py"}
    tests = {files_of_tests(mutant.path()) for mutant in tried}
    files = files.union(*tests)
    if differs := changed():
        base, paths = differs
        if not any(files & {path, path.parent} for path in paths):
            pytest.skip(f"{len(tried)} mutants of {subject}: nothing changed since {base[:9]}; MUTANTS=all tries them")
    for some in sorted(tests):
        verdict = verdict_of_unchanged(some)
        problem = verdict.trouble or verdict.rejected_by
        assert verdict.passed and not problem, f"lib as it is, tests of {subject}: {problem}\n{verdict.output}"
    trials = [trial_of(mutant.path(), mutant.source(), mutant.target) for mutant in tried]
    verdicts = dict(zip(tried, trial.run_apart(trials), strict=True))
    survived = [str(mutant) for mutant, verdict in verdicts.items() if not verdict.rejected_by + verdict.trouble]
    troubled = [
        f"{mutant}: {verdict.trouble}\n{verdict.output}" for mutant, verdict in verdicts.items() if verdict.trouble
    ]
    assert (survived, troubled) == ([], [])


def verdict(tmp_path: Path, load_names: str, cpu_seconds: int) -> "trial.Verdict":
    """Of one test that calls a `load_names` with this body."""
    tests = tmp_path / "test_it.py"
    tests.write_text("from lib.data import load_names\n\ndef test_it():\n    assert load_names() == 1\n")
    source = f"import time\ndef load_names():\n    {load_names}\n"
    (verdict,) = trial.run_apart([trial.Trial("lib.data", source, [str(tests)])], cpu_seconds)
    return verdict


def test_a_wrong_result_is_rejected_and_a_right_one_is_not(tmp_path):
    assert "test_it (assert" in verdict(tmp_path, "return 2", 60).rejected_by
    assert verdict(tmp_path, "return 1", 60).passed == 1


def test_a_mutant_that_never_ends_has_no_verdict(tmp_path):
    endless = verdict(tmp_path, "while True: pass", 2)
    assert endless.trouble == "it exceeded its limit of CPU time" and not endless.rejected_by


def test_waiting_does_not_count_as_time(tmp_path):
    assert verdict(tmp_path, "time.sleep(14); return 1", 3).passed == 1
