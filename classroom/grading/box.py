"""One student's process: asked over a pipe, bounded, and killed when it is too much."""

import contextlib
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from classroom.grading import wire
from classroom.grading.sandbox import MB, Limits, command, environment

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
GRACE = 3  # seconds that a worker gets to stop a cell by itself
_running: set["Box"] = set()
_stopping = threading.Event()
_uids = itertools.count(1_900_000_000 + os.getpid() % 100_000 * 1_000)


class Gone(Exception):
    """The process was ended, by itself or by a limit; the text says which, to its author."""


class Box:
    """One student's process."""

    def __init__(self, stage: Path, limits: Limits, sandboxed: bool, numbers: Callable[[str, str], object]) -> None:
        """Start it. numbers: gives a student's own numbers, from the exercise and the student's name."""
        if _stopping.is_set():
            raise Gone("the grader was stopped")
        self.limits, self.numbers, self.buffer, self.taken = limits, numbers, bytearray(), 0
        self.begin = time.monotonic()
        self.folder = None if sandboxed else tempfile.mkdtemp(prefix="grading-")
        settings = {
            "uid": next(_uids) if sandboxed and os.geteuid() == 0 else 0,
            "memory": limits.memory, "file": limits.disk, "files": 256, "cpu_seconds": int(limits.total) + 10,
            "processes": limits.processes if sandboxed else None,  # whoever runs the grader has other processes
            "home": "/tmp" if sandboxed else self.folder,
        }  # fmt: skip
        course = "/course" if sandboxed else str(stage)
        words = command(stage, limits) if sandboxed else [sys.executable, "-I", "-B"]
        self.process = subprocess.Popen(
            [*words, f"{course}/worker.py", json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )
        for pipe in (self.process.stdin, self.process.stdout):
            os.set_blocking(pipe.fileno(), False)
        _running.add(self)

    def ready(self) -> None:
        """Wait until the interpreter and torch are loaded; that time is nobody's fault and does not count."""
        self._answer(120)
        self.begin = time.monotonic()

    def ask(self, seconds: float, **request: object) -> dict:
        """Send a request, and give its reply.

        Raises:
            Gone: the process had to be killed, or ended by itself.
        """
        self._send(wire.write({**request, "seconds": seconds}), seconds)
        left = self.limits.total - (time.monotonic() - self.begin)
        return self._answer(min(seconds + GRACE, max(left, 0.1)))

    def _answer(self, seconds: float) -> dict:
        deadline, asked = time.monotonic() + seconds, 0
        try:
            while True:
                reply = wire.read(self._line(deadline))
                if not isinstance(reply.get("ask"), str) or not isinstance(reply.get("student"), str):
                    return reply
                asked += 1
                if asked > 20:
                    raise Gone("it asked for its numbers again and again")
                numbers = wire.encode(self.numbers(reply["ask"], wire.clean(reply["student"])[:200]))
                self._send(wire.write({"numbers": numbers}), seconds)
        except wire.Garbled as problem:
            raise self.end(f"it interfered with the grader: {problem}") from None

    def _send(self, line: bytes, seconds: float) -> None:
        deadline, view = time.monotonic() + seconds + GRACE, memoryview(line)
        while view:
            if time.monotonic() > deadline:
                raise self.end("it did not listen any more")
            if select.select([], [self.process.stdin], [], 0.2)[1]:
                try:
                    view = view[os.write(self.process.stdin.fileno(), view[:65536]) :]
                except OSError:
                    raise self.end(self._died()) from None

    def _line(self, deadline: float) -> bytes:
        out = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            if time.monotonic() > deadline:
                raise self.end("it took more time than it may, and had to be killed")
            if problem := self._too_much():
                raise self.end(problem)
            if select.select([out], [], [], 0.2)[0]:
                try:
                    piece = os.read(out, 1 << 16)
                except BlockingIOError:
                    continue
                if not piece:
                    raise self.end(self._died())
                self.buffer += piece
                self.taken += len(piece)
                if len(self.buffer) > wire.LONGEST or self.taken > self.limits.output:
                    raise self.end("it handed over more than it may")
        line, _, rest = bytes(self.buffer).partition(b"\n")
        self.buffer = bytearray(rest)
        return line

    def _died(self) -> str:
        try:
            code = self.process.wait(2)
        except subprocess.TimeoutExpired:
            return "it closed its connection to the grader"
        signalled = -code if code < 0 else code - 128
        if signalled in (signal.SIGKILL, signal.SIGSEGV, signal.SIGXCPU, signal.SIGABRT, signal.SIGXFSZ):
            return f"its process was ended by {signal.Signals(signalled).name}"
        return f"it ended its own process (with {code})"

    def _too_much(self) -> str:
        """Which limit the processes, all together, have passed; "" if none. Each on its own is bounded by the kernel."""
        pids = descendants(self.process.pid)
        resident = sum(map(_resident, pids))
        if resident > self.limits.resident:
            return f"its {len(pids)} processes together took more than {self.limits.resident // MB} MB of memory"
        return ""

    def end(self, reason: str) -> Gone:
        """Kill it, and give the exception to raise."""
        self.close()
        return Gone(reason)

    def close(self) -> None:
        """Kill every process of it, and remove what it wrote."""
        self.kill()
        self.process.wait()
        _running.discard(self)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """Kill every process of it."""
        family = [] if self.process.poll() is not None else [*descendants(self.process.pid), self.process.pid]
        for pid in family:  # in a sandbox the first one would do: its namespace goes with it
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The processes that descend from one; empty where the system does not tell."""
    found, new = [], [pid]
    while new:
        parent = new.pop()
        try:
            words = " ".join(path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children"))
        except OSError:
            continue
        children = [int(word) for word in words.split()]
        found += children
        new += children
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def stop_all() -> None:
    """End every process that runs, and start no other; whoever waits for one of them gets Gone."""
    _stopping.set()
    for box in [*_running]:
        box.kill()
