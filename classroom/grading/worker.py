"""Runs inside the sandbox, one process for each submission: runs cells, calls answers, says what came. It decides nothing.

    python worker.py SETTINGS     a line of JSON: uid, limits (see `confine`), home

Reads requests from standard input and answers each with one line on standard output (the line `wire` describes):
    {"cell": source, "name": text, "seconds": n}                        -> {"error": text or "", "printed": text}
    {"collect": exercise, "answer": name, "cases": ..., "seconds": n}   -> {"came": ...} or {"error": text} or {"missing": true}
    {"value": name}                                                     -> {"value": text or null}
Before it answers, it may ask for a student's own numbers: {"ask": exercise, "student": text} -> {"numbers": ...}
"""

import ast
import builtins
import ctypes
import io
import json
import os
import platform
import resource
import signal
import sys
import traceback
import types

PRINTED = 2_000  # characters of a cell's output that are kept


class TimeIsUp(BaseException):
    """The cell's time is over."""


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
    """Bound what this process and its children can take, and stop being root."""
    limits = {
        resource.RLIMIT_AS: settings["memory"],
        resource.RLIMIT_NPROC: settings["processes"],
        resource.RLIMIT_FSIZE: settings["file"],
        resource.RLIMIT_NOFILE: settings["files"],
        resource.RLIMIT_CPU: settings["cpu_seconds"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        if value is not None:
            resource.setrlimit(kind, (value, value))
    keyctl = {"x86_64": 250, "aarch64": 219}.get(platform.machine())  # the number of the system call
    if keyctl:  # a new, empty session keyring: the grader's own would come along
        ctypes.CDLL(None).syscall(keyctl, 1, None)
    if settings["uid"]:
        os.setgroups([])
        os.setresgid(*[settings["uid"]] * 3)
        os.setresuid(*[settings["uid"]] * 3)


class Worker:
    """The notebook's names, and the answers to the grader's requests."""

    def __init__(self, requests, replies) -> None:
        import torch  # noqa: F401
        import wire  # beside this file, in the sandbox

        from classroom.checks import collect
        from lib import checks

        self.requests, self.replies, self.wire, self.collect = requests, replies, wire, collect
        main = types.ModuleType("__main__")
        main.display = lambda *things, **options: print(*map(repr, things))
        self.names = main.__dict__
        sys.modules["__main__"] = main
        checks.check = checks.grade = lambda *arguments, **options: "Your feedback page says what was found."
        checks.personal = self.personal
        with open(os.path.join(os.path.dirname(__file__), "probes.py")) as file:
            probes = {}
            exec(compile(file.read(), "probes.py", "exec"), probes)
        self.probes = probes["PROBES"]

    def send(self, message: dict) -> None:
        self.replies.write(self.wire.write(message))
        self.replies.flush()

    def personal(self, assignment: str, exercise: str, student: object) -> object:
        """What lib.checks.personal gives; the grader knows it."""
        self.send({"ask": exercise, "student": student if isinstance(student, str) else ""})
        return self.wire.decode(self.wire.read(self.requests.readline())["numbers"])

    def serve(self) -> None:
        self.send({"ready": True})
        for line in iter(self.requests.readline, b""):
            request = self.wire.read(line)
            if "cell" in request:
                reply = self.cell(request["cell"], request["name"], request["seconds"])
            elif "collect" in request:
                reply = self.called(request)
            else:
                value = self.names.get(request["value"])
                reply = {"value": value[:200] if type(value) is str else None}
            self.send(reply)

    def within(self, seconds: float, work) -> tuple[object, str, str]:
        """What the work gives, its error's text, what it printed."""
        printed, value, error = Printed(), None, ""
        sys.stdout = sys.stderr = printed
        signal.signal(signal.SIGALRM, _alarm)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            value = work()
        except TimeIsUp:
            error = f"it did not end in {seconds:g} seconds"
        except BaseException as problem:
            error = described(problem)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return value, error, "".join(printed.kept)

    def cell(self, source: str, name: str, seconds: float) -> dict:
        """Run a cell."""
        _, error, printed = self.within(seconds, lambda: exec(compiled(source, name), self.names))
        return {"error": error, "printed": printed}

    def called(self, request: dict) -> dict:
        """What an answer gives; what it prints is not kept, for it could be the cases."""
        if request["answer"] not in self.names:
            return {"missing": True}
        exercise = types.SimpleNamespace(probe=self.probes.get(request["collect"], lambda answer, *case: answer(*case)))
        cases, answer = self.wire.decode(request["cases"]), self.names[request["answer"]]
        work = lambda: self.wire.encode(self.collect(exercise, answer, cases))
        came, error, _ = self.within(request["seconds"], work)
        return {"error": error} if error else {"came": came}


def _alarm(*_: object) -> None:
    raise TimeIsUp


def compiled(source: str, name: str) -> types.CodeType:
    """The cell's code; lines for IPython alone are left out."""
    try:
        ast.parse(source)
    except SyntaxError:
        lines = [("" if line.lstrip()[:1] in ("%", "!", "?") else line) for line in source.split("\n")]
        source = "\n".join(lines)
    return compile(source, name, "exec", dont_inherit=True)


def described(problem: BaseException) -> str:
    """An error as its author should read it."""
    text = builtins.str(traceback.format_exception_only(problem)[-1]).strip()[:500]
    if isinstance(problem, ModuleNotFoundError) and builtins.str(problem.name).split(".")[0] == "lib":
        text += " (only what the assignment itself imports is there while it is graded)"
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
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:0] = [here]
    Worker(requests, replies).serve()


if __name__ == "__main__":
    main()
