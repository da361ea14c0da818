"""Run the tests of a module of lib against a changed text of it, in a forked process.

`run_apart` starts a new interpreter, so that the forks inherit torch and pytest, but neither lib nor a running pytest.
"""

import gc
import importlib
import inspect
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing import connection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pytest

ROOT = Path(__file__).resolve().parents[3]
AT_ONCE = 2
CPU_SECONDS = 60  # of one process; does not depend on what else the machine does
WALL = 10  # a process that takes that many times longer than its CPU time waits for something that doesn't come
LONGER = 4  # times more of both for a trial without a verdict, which is then run alone


@dataclass(frozen=True)
class Trial:
    """A module's name, a text of it, the tests to run against it, and the target by which to sort them."""

    module: str
    source: str
    tests: list[str]
    target: str = ""


@dataclass
class Verdict:
    """Outcome of a trial.

    rejected_by: the first test that failed, and how. passed: number of tests that passed before it. trouble: why there
    is no verdict, for instance because of a limit. output: of pytest.
    """

    rejected_by: str = ""
    passed: int = 0
    trouble: str = ""
    output: str = ""


class Changed(MetaPathFinder, SourceFileLoader):
    """Imports one module from a given text instead of its file."""

    def __init__(self, module: str, source: str) -> None:
        super().__init__(module, str(ROOT.joinpath(*module.split(".")).with_suffix(".py")))
        self.source = source

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, name: str) -> object:
        return compile(self.source, self.path, "exec")


class FirstFailure:
    """Pytest plugin that runs the tests about the target first and records the first failure."""

    def __init__(self, target: str) -> None:
        self.target, self.rejected_by, self.passed = target, "", 0

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        def elsewhere(item: pytest.Function) -> tuple[bool, bool]:
            return self.target.lower() not in item.name.lower(), self.target not in inspect.getsource(item.function)

        items.sort(key=elsewhere)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.passed and report.when == "call"
        if report.failed and not self.rejected_by:
            crash = getattr(report.longrepr, "reprcrash", None)
            how = crash.message.split()[0].rstrip(":") if crash else "no report"
            self.rejected_by = f"{report.location[2]} ({'' if report.when == 'call' else report.when + ': '}{how})"


def run_tests(trial: Trial, folder: Path, cpu_seconds: int) -> None:
    """In the child: run the tests and write the outcome to `folder`."""
    with open(folder / "output", "w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    if "lib" in sys.modules:
        raise RuntimeError("lib was imported before the mutant")
    sys.meta_path.insert(0, Changed(trial.module, trial.source))
    plugin = FirstFailure(trial.target)
    options = ["-x", "-q", "-p", "hypothesispytest", "-p", "no:cacheprovider", "-o", "addopts=", f"--rootdir={ROOT}"]
    code = pytest.main([*trial.tests, *options, f"--basetemp={folder / 'tmp'}"], plugins=[plugin])
    outcome = {"code": code, "rejected_by": plugin.rejected_by, "passed": plugin.passed}
    (folder / "outcome").write_text(json.dumps(outcome))


def verdict_of(exit_code: int, folder: Path) -> Verdict:
    """In the parent: the verdict of a child that has ended."""
    output = (folder / "output").read_text(errors="replace") if (folder / "output").exists() else ""
    if exit_code == -signal.SIGXCPU:
        return Verdict(trouble="it exceeded its limit of CPU time", output=output)
    if not (folder / "outcome").exists():
        return Verdict(trouble=f"the process ended with exit code {exit_code}", output=output)
    outcome = json.loads((folder / "outcome").read_text())
    if outcome["code"] == pytest.ExitCode.TESTS_FAILED and outcome["rejected_by"]:
        return Verdict(outcome["rejected_by"], outcome["passed"], output=output)
    if outcome["code"] == pytest.ExitCode.OK and outcome["passed"]:
        return Verdict(passed=outcome["passed"], output=output)
    return Verdict(trouble=f"pytest ended with code {outcome['code']} and no test failed", output=output)


def run(trials: list[Trial], cpu_seconds: int, at_once: int) -> Iterator[tuple[int, Verdict]]:
    """Run the trials and yield the number of each with its verdict as it ends."""
    fork = multiprocessing.get_context("fork")
    waiting, running = deque(enumerate(trials)), {}
    with TemporaryDirectory(prefix="mutants-") as folder:
        while waiting or running:
            while waiting and len(running) < at_once:
                number, trial = waiting.popleft()
                place = Path(folder) / str(number)
                place.mkdir()
                process = fork.Process(target=run_tests, args=(trial, place, cpu_seconds), daemon=True)
                process.start()
                running[process.sentinel] = number, process, place, monotonic() + WALL * cpu_seconds
            ended = connection.wait(running, timeout=1)
            for sentinel, (number, process, place, end) in list(running.items()):
                if monotonic() > end:
                    process.kill()
                elif sentinel not in ended:
                    continue
                process.join()
                del running[sentinel]
                yield number, verdict_of(process.exitcode, place)


def run_all(trials: list[Trial], cpu_seconds: int) -> list[Verdict]:
    """One verdict per trial; a trial without one is run again, alone and with more time."""
    verdicts = dict(run(trials, cpu_seconds, AT_ONCE))
    for number, trial in enumerate(trials):
        if verdicts[number].trouble:
            ((_, verdicts[number]),) = run([trial], LONGER * cpu_seconds, at_once=1)
    return [verdicts[number] for number in range(len(trials))]


def run_apart(trials: list[Trial], cpu_seconds: int = CPU_SECONDS) -> list[Verdict]:
    """`run_all` in a new interpreter."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # more may hang a fork
    done = subprocess.run(
        [sys.executable, "-m", "tests.slow.mutants.trial"],
        input=json.dumps({"cpu_seconds": cpu_seconds, "trials": [asdict(trial) for trial in trials]}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **threads, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    return [Verdict(**verdict) for verdict in json.loads(done.stdout)]


def main() -> None:
    """Read trials from standard input and write their verdicts to standard output."""
    import hypothesis

    for name in ("torch._dynamo", "jaxtyping", "tqdm.auto"):  # what every fork would otherwise import
        importlib.import_module(name)
    gc.freeze()  # pytest collects garbage three times per run; what the parent holds need not be scanned
    # The same examples always, none kept for later runs, none shrunk: one failure is enough.
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    checks = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, phases=phases, suppress_health_check=checks
    )
    hypothesis.settings.load_profile("mutants")
    given = json.load(sys.stdin)
    verdicts = run_all([Trial(**trial) for trial in given["trials"]], given["cpu_seconds"])
    print(json.dumps([asdict(verdict) for verdict in verdicts]))


if __name__ == "__main__":
    main()
