"""One trial: the laws of a module of lib, run against a text of it, in a process of its own."""

import gc
import importlib
import json
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import ModuleType

import hypothesis
import pytest

from tests.slow.mutants.catalogue import ROOT, laws_of

# What every trial would otherwise import anew; torch._dynamo is what the first optimizer of a process imports.
for name in ("torch._dynamo", "jaxtyping", "tqdm.auto"):
    importlib.import_module(name)
gc.freeze()  # pytest collects garbage three times a run; what the parent holds is none, and need not be looked at

AT_ONCE = 2
TIME_LIMIT = 60  # seconds

# Always the same examples, none kept for later runs, none made smaller: it is enough that one fails.
hypothesis.settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
hypothesis.settings.load_profile("mutants")


@dataclass(frozen=True)
class Trial:
    """A module's name in lib and a text of it, and the words by which to tell the laws that are about its subject."""

    module: str
    source: str
    first: tuple[str, ...] = ()


@dataclass
class Verdict:
    """What came of a trial: all laws held, or one did not, or there was none because of trouble.

    law: the first that did not hold, and how. laws: how many held. trouble: why there is no verdict. output: of pytest.
    """

    law: str = ""
    laws: int = 0
    trouble: str = ""
    output: str = ""


class Witness:
    """A pytest plugin that puts the laws about the subject first, and notes how they end."""

    def __init__(self, first: tuple[str, ...]) -> None:
        self.first, self.law, self.laws = first, "", 0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: [word not in item.name for word in self.first])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.laws += report.passed and report.when == "call"
        if report.failed and not self.law:
            crash = getattr(report.longrepr, "reprcrash", None)
            how = crash.message.split()[0].rstrip(":") if crash else "no report"
            self.law = f"{report.location[2]} ({'' if report.when == 'call' else report.when + ': '}{how})"


def install(module: str, source: str) -> None:
    """Make `source` the module lib.`module`, before anything has imported it."""
    name = f"lib.{module}"
    if "lib" in sys.modules:
        raise RuntimeError("lib was imported before the mutant could take its place")
    package = importlib.import_module("lib")
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__file__ = str(ROOT / "lib" / f"{module}.py")
    setattr(package, module, sys.modules[name])
    exec(compile(source, f"<lib/{module}.py, changed>", "exec"), sys.modules[name].__dict__)


def run_laws(trial: Trial, folder: Path) -> None:
    """In the child: run the laws and write what came of them to `folder`."""
    with open(folder / "output", "w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    install(trial.module, trial.source)
    witness = Witness(trial.first)
    options = ["-x", "-q", "-p", "hypothesispytest", "-p", "no:cacheprovider", "-o", "addopts=", f"--rootdir={ROOT}"]
    code = pytest.main([str(laws_of(trial.module)), *options, f"--basetemp={folder / 'tmp'}"], plugins=[witness])
    (folder / "verdict").write_text(json.dumps({"code": code, "law": witness.law, "laws": witness.laws}))


def verdict_of(process: multiprocessing.Process, folder: Path) -> Verdict:
    """In the parent: what a child that has ended left behind."""
    output = (folder / "output").read_text(errors="replace") if (folder / "output").exists() else ""
    if not (folder / "verdict").exists():
        return Verdict(trouble=f"the process died with exit code {process.exitcode}", output=output)
    found = json.loads((folder / "verdict").read_text())
    if found["code"] == pytest.ExitCode.TESTS_FAILED and found["law"]:
        return Verdict(law=found["law"], output=output)
    if found["code"] == pytest.ExitCode.OK and found["laws"]:
        return Verdict(laws=found["laws"], output=output)
    return Verdict(trouble=f"pytest ended with code {found['code']} and no law was broken", output=output)


def run(trials: list[Trial]) -> Iterator[tuple[int, Verdict]]:
    """Run the trials, two at a time, and give the number of each with its verdict as it ends."""
    fork = multiprocessing.get_context("fork")
    waiting, running = deque(enumerate(trials)), {}
    with TemporaryDirectory(prefix="mutants-") as folder:
        try:
            while waiting or running:
                while waiting and len(running) < AT_ONCE:
                    number, trial = waiting.popleft()
                    place = Path(folder) / str(number)
                    place.mkdir()
                    process = fork.Process(target=run_laws, args=(trial, place), daemon=True)
                    process.start()
                    running[process.sentinel] = (number, process, place, monotonic() + TIME_LIMIT)
                ended = connection.wait(running, timeout=1)
                for sentinel, (number, process, place, limit) in list(running.items()):
                    if sentinel in ended:
                        process.join()
                        verdict = verdict_of(process, place)
                    elif monotonic() > limit:
                        process.kill()
                        process.join()
                        verdict = Verdict(law=f"the time limit of {TIME_LIMIT} s")
                    else:
                        continue
                    del running[sentinel]
                    yield number, verdict
        finally:
            for _, process, _, _ in running.values():
                process.kill()
                process.join()
