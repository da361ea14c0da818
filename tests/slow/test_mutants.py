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

from tests.slow.mutants.catalogue import ROOT, WRONG, module_name, mutants
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
    unchanged = [next(mutant.path() for mutant in tried if files_of_tests(mutant.path()) == some) for some in tests]
    trials = [trial_of(path, path.read_text(encoding="utf-8")) for path in unchanged]
    trials += [trial_of(mutant.path(), mutant.source(), mutant.target) for mutant in tried]
    given = trial.run_apart(trials)
    for verdict in given[: len(unchanged)]:
        problem = verdict.trouble or verdict.rejected_by
        assert verdict.passed and not problem, f"lib as it is, tests of {subject}: {problem}\n{verdict.output}"
    verdicts = dict(zip(tried, given[len(unchanged) :], strict=True))
    survived = [str(mutant) for mutant, verdict in verdicts.items() if not verdict.rejected_by + verdict.trouble]
    troubled = [
        f"{mutant}: {verdict.trouble}\n{verdict.output}" for mutant, verdict in verdicts.items() if verdict.trouble
    ]
    assert (survived, troubled) == ([], [])


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Of one test that calls a `load_names` with each of these bodies, with 2 seconds of CPU time."""
    tests = tmp_path_factory.mktemp("trials") / "test_it.py"
    tests.write_text("from lib.data import load_names\n\ndef test_it():\n    assert load_names() == 1\n")
    bodies = {
        "right": "return 1",
        "wrong": "return 2",
        "endless": "while True: pass",
        "waits": "time.sleep(9); return 1",
    }
    sources = [f"import time\ndef load_names():\n    {body}\n" for body in bodies.values()]
    trials = [trial.Trial("lib.data", source, [str(tests)]) for source in sources]
    return dict(zip(bodies, trial.run_apart(trials, cpu_seconds=2), strict=True))


def test_a_wrong_result_is_rejected_and_a_right_one_is_not(verdicts):
    assert "test_it (assert" in verdicts["wrong"].rejected_by
    assert verdicts["right"].passed == 1


def test_a_mutant_that_never_ends_has_no_verdict(verdicts):
    endless = verdicts["endless"]
    assert endless.trouble == "it exceeded its limit of CPU time" and not endless.rejected_by


def test_waiting_does_not_count_as_time(verdicts):
    assert verdicts["waits"].passed == 1
