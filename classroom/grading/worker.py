"""Runs inside the sandbox, one process per submission: runs cells, calls answers, returns results. It judges nothing.

    python worker.py SETTINGS     a line of JSON: uid, limits (see `confine`), home

Reads requests from standard input and answers each with one line on standard output (see `wire`). Every request has
its limits, "seconds" of CPU time and "wall" wall-clock seconds:
    {"cell": source, "name": text}                          -> {"error": text or "", "printed": text}
    {"collect": [assignment, exercise], "answer": name, "cases": ...}
                                                            -> {"results": ...} or {"error": text} or {"missing": true}
    {"trace": [assignment, exercise], "answer": name, "cases": ...}
                                                            -> {"traces": one per case, see `tracing`} or as "collect"
    {"value": name}                                         -> {"value": text or null}
Before it answers, it may ask for a student's own numbers: {"ask": exercise, "student": text} -> {"numbers": ...}
"""

import ast
import builtins
import contextlib
import ctypes
import inspect
import io
import json
import os
import platform
import signal
import struct
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path

PRINTED = 2_000  # characters of a cell's output that are kept
# Magics whose text is not Python; of all others, what they would run is run.
FOREIGN = {
    "!",
    "alias",
    "bash",
    "cat",
    "cmd",
    "cython",
    "file",
    "html",
    "HTML",
    "javascript",
    "js",
    "latex",
    "markdown",
}
FOREIGN |= {"perl", "pypy", "python2", "R", "ruby", "script", "sh", "sql", "svg", "SVG", "sx", "system", "timeit"}
FOREIGN |= {"writefile"}


# Numbers of system calls that no notebook needs: memory that no process maps (memfd_create, shmget), other processes
# (ptrace, process_vm_readv, process_vm_writev), namespaces (unshare, setns, mount), and what holes in the kernel are
# found in: bpf, userfaultfd, perf_event_open, io_uring_setup, keys. The architecture comes first, and clone last.
FORBIDDEN = {
    "x86_64": (0xC000003E, [319, 29, 101, 310, 311, 272, 308, 165, 321, 323, 298, 425, 248, 249, 250], 56),
    "aarch64": (0xC00000B7, [279, 194, 117, 270, 271, 97, 268, 40, 280, 282, 241, 425, 217, 218, 219], 220),
}
NAMESPACES = 0x7E020000  # flags of clone


class TimeIsUp(BaseException):
    """The cell's time is over; the argument is the signal that says so."""


class Printed(io.TextIOBase):
    """Keeps the first characters that are printed."""

    def __init__(self) -> None:
        self.kept, self.length = [], 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.length < PRINTED:
            self.kept.append(text[: PRINTED - self.length])
            self.length += len(self.kept[-1])
        return len(text)


def confine(settings: dict) -> None:
    """Set limits for this process and its children, and stop being root."""
    try:
        import resource
    except ImportError:  # Windows, which has no sandbox either
        return
    limits = {
        resource.RLIMIT_AS: settings["memory"],
        resource.RLIMIT_NPROC: settings["processes"],
        resource.RLIMIT_FSIZE: settings["file"],
        resource.RLIMIT_NOFILE: settings["files"],
        resource.RLIMIT_CPU: settings["cpu_seconds"],
        resource.RLIMIT_CORE: 0,
    }
    linux = sys.platform.startswith("linux")
    for kind, value in limits.items():
        # macOS refuses some of them.
        with contextlib.suppress(*([] if linux else [ValueError, OSError])):
            if value is not None:
                resource.setrlimit(kind, (value, value))
    keyctl = {"x86_64": 250, "aarch64": 219}.get(platform.machine())  # the number of the system call
    if keyctl and linux:  # a new, empty session keyring, because the grader's own is inherited
        ctypes.CDLL(None).syscall(keyctl, 1, None)
    if settings["uid"]:
        os.setgroups([])
        os.setresgid(*[settings["uid"]] * 3)
        os.setresuid(*[settings["uid"]] * 3)
    if settings["processes"]:  # in a sandbox
        forbid()


def forbid() -> None:
    """Have the kernel refuse the forbidden system calls, in this process and its children, where it can."""
    if platform.machine() not in FORBIDDEN:
        return
    architecture, numbers, clone = FORBIDDEN[platform.machine()]
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06  # of the kernel's packet filters
    refused, unknown, allowed, killed = 0x50001, 0x50026, 0x7FFF0000, 0x80000000
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, killed), (load, 0, 0, 0)]
    program += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, refused)]  # the same calls in another form
    for number in numbers:
        program += [(equal, 0, 1, number), (answer, 0, 0, refused)]
    program += [(equal, 0, 1, 435), (answer, 0, 0, unknown)]  # clone3, after which clone is tried
    program += [(equal, 0, 3, clone), (load, 0, 0, 16), (any_bit, 0, 1, NAMESPACES), (answer, 0, 0, refused)]
    program += [(answer, 0, 0, allowed)]
    lines = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    whole = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(lines)))
    prctl = ctypes.CDLL(None).prctl
    prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, without which PR_SET_SECCOMP is not allowed
    prctl(22, 2, ctypes.byref(whole), 0, 0)


class Worker:
    """The notebook's names, and the answers to the grader's requests."""

    def __init__(self, requests, replies) -> None:
        from classroom import checks
        from classroom.assignments.probes import PROBES
        from classroom.grading import tracing, wire
        from lib.checks.exercise import collect

        self.requests, self.replies, self.wire, self.collect, self.probes = requests, replies, wire, collect, PROBES
        self.traced = tracing.traced
        main = types.ModuleType("__main__")
        main.display = lambda *things, **options: print(*map(repr, things))
        self.names, self.loop = main.__dict__, None
        self.shell = Shell(self)
        main.get_ipython = lambda: self.shell
        sys.modules["__main__"] = main
        checks.check = checks.grade = lambda *arguments, **options: "The verdict is on your feedback page."
        checks.personal = self.personal

    def send(self, message: dict) -> None:
        self.replies.write(self.wire.write(message))
        self.replies.flush()

    def personal(self, assignment: str, exercise: str, student: object) -> object:
        """As classroom.checks.personal; the grader knows the numbers."""
        self.send({"ask": exercise, "student": declared(student) or ""})
        return self.wire.decode(self.wire.read(self.requests.readline())["numbers"])

    def serve(self) -> None:
        self.send({"ready": True})
        for line in iter(self.requests.readline, b""):
            request = self.wire.read(line)
            if "cell" in request:
                reply = self.cell(request)
            elif "collect" in request:
                reply = self.results(request, "collect", "results", self.collect)
            elif "trace" in request:
                reply = self.results(request, "trace", "traces", self.traces)
            else:
                reply = {"value": declared(self.names.get(request["value"]))}
            self.send(reply)

    def within(self, limits: dict, work) -> tuple[object, str, str]:
        """The work's value, the text of its error, and what it printed."""
        printed, value, error = Printed(), None, ""
        sys.stdout = sys.stderr = printed
        timers = {}
        if hasattr(signal, "setitimer"):  # where it is missing, the grader ends the process
            timers = {signal.ITIMER_PROF: limits["seconds"], signal.ITIMER_REAL: limits["wall"]}
            for number in (signal.SIGPROF, signal.SIGALRM):
                signal.signal(number, _alarm)
        for timer, seconds in timers.items():
            signal.setitimer(timer, seconds)
        try:
            value = work()
        except TimeIsUp as problem:
            busy = problem.args == (getattr(signal, "SIGPROF", None),)
            error = f"it did not end within {limits['seconds' if busy else 'wall']:g} seconds{' of CPU time' * busy}"
        except BaseException as problem:
            error = described(problem)
        finally:
            for timer in timers:
                signal.setitimer(timer, 0)
        return value, error, "".join(printed.kept)

    def cell(self, request: dict) -> dict:
        """Run a cell."""
        _, error, printed = self.within(request, lambda: self.run(request["cell"], request["name"]))
        return {"error": error, "printed": printed}

    def run(self, source: str, name: str = "", mode: str = "exec") -> object:
        """Run a cell's source as JupyterLab does: IPython's syntax, and await outside of functions."""
        self.current = name = name or self.current
        if "IPython" in source:
            self.shell.replace_ipythons()
        code = compiled(source, name, mode)
        if not code.co_flags & inspect.CO_COROUTINE:
            return eval(code, self.names)
        import asyncio

        self.loop = self.loop or asyncio.new_event_loop()
        return self.loop.run_until_complete(eval(code, self.names))

    def results(self, request: dict, kind: str, named: str, collect: Callable) -> dict:
        """An answer's results; what it prints is dropped, because it could be the cases."""
        if request["answer"] not in self.names:
            return {"missing": True}
        assignment, name = request[kind]
        probe = self.probes.get(assignment, {}).get(name, lambda answer, *case: answer(*case))
        exercise = types.SimpleNamespace(probe=probe)
        cases, answer = self.wire.decode(request["cases"]), self.names[request["answer"]]
        work = lambda: self.wire.encode(collect(exercise, answer, cases))
        results, error, _ = self.within(request, work)
        return {"error": error} if error else {named: results}

    def traces(self, exercise: object, answer: object, cases: list) -> list:
        """What the answer's functions did in each case."""
        return [self.traced(lambda case=case: self.collect(exercise, answer, [case])) for case in cases]


def declared(student: object) -> str | None:
    """The student's name, or number without quotes."""
    short = type(student) is int and abs(student) < 1 << 64
    return str(student) if short else student[:200] if type(student) is str else None


def _alarm(number: int, _: object) -> None:
    raise TimeIsUp(number)


class Shell:
    """What get_ipython() returns: it runs the Python in a magic, ignores its options, and starts no program."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.user_ns = worker, worker.names

    def run_line_magic(self, magic: str, line: str, *_: object, **options: object) -> object:
        if magic not in ("time", "prun"):
            return None
        try:
            return self.worker.run(line, mode="eval")
        except SyntaxError:
            return self.worker.run(line)

    def run_cell_magic(self, magic: str, line: str, cell: str) -> object:
        if magic in ("writefile", "file"):
            Path(line.split()[-1]).write_text(cell, encoding="utf-8")
        # The line of the magic counts, so that errors name the right one.
        return None if magic in FOREIGN else self.worker.run("\n" + cell)

    def magic(self, line: str) -> object:
        return self.run_line_magic(*line.partition(" ")[::2])

    def run_cell(self, cell: str, *_: object, **options: object) -> object:
        return self.worker.run(cell)

    def getoutput(self, *_: object, **options: object) -> list:
        return []

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *words, **options: None

    def replace_ipythons(self) -> None:
        """`from IPython import get_ipython` imports this one."""
        import IPython

        IPython.get_ipython = IPython.core.getipython.get_ipython = lambda: self


def compiled(source: str, name: str, mode: str = "exec") -> types.CodeType:
    """The cell's code; what is not Python is turned into Python by IPython's own rules."""
    options = {"flags": ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, "dont_inherit": True}
    try:
        return compile(source, name, mode, **options)
    except SyntaxError:
        pass
    words = source.split()
    if len(source.splitlines()) == 1 and words[:1] in (["pip"], ["conda"], ["mamba"]):
        return compile("", name, mode)  # which JupyterLab takes for a magic
    from IPython.core.inputtransformer2 import TransformerManager

    return compile(TransformerManager().transform_cell(source), name, mode, **options)


def described(problem: BaseException) -> str:
    """An error as the student should read it."""
    text = builtins.str(traceback.format_exception_only(problem)[-1]).strip()[:500]
    if isinstance(problem, ModuleNotFoundError) and builtins.str(problem.name).split(".")[0] in ("lib", "classroom"):
        text += " (grading has only the modules that the assignment itself imports)"
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename.startswith("cell ")]
    return f"line {frames[-1].lineno}: {text}" if frames else text


def main() -> None:
    settings = json.loads(sys.argv[1])
    confine(settings)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.chdir(settings["home"])
    sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
    Worker(requests, replies).serve()


if __name__ == "__main__":
    main()
