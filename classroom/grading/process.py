"""One student's process: asked over a pipe, with limits, and killed when it exceeds them."""

import contextlib
import itertools
import json
import os
import queue
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
from classroom.grading.stage import WORKER

LOADING = 600  # seconds that the interpreter and torch may take to load, on a busy machine
GRACE = 3  # CPU seconds that a worker gets to stop a cell by itself
TICK = 0.2  # seconds between two looks at a process
_running: set["SandboxProcess"] = set()
_stopping = threading.Event()
_uids = itertools.count(1_900_000_000 + os.getpid() % 100_000 * 1_000)


class ProcessEnded(Exception):
    """The process ended or was killed; the message is shown to the student."""


class SandboxProcess:
    """One student's process. cpu: seconds of CPU time that it and its children have used since it was ready."""

    def __init__(self, stage: Path, limits: Limits, sandboxed: bool, numbers: Callable[[str, str], object]) -> None:
        """Start it. numbers: returns a student's own numbers, given the exercise and the student's name."""
        if _stopping.is_set():
            raise ProcessEnded("the grader was stopped")
        self.limits, self.numbers, self.buffer, self.received = limits, numbers, bytearray(), 0
        self.loaded = self.cpu = 0.0
        self.closed = threading.Event()
        self.folder = None if sandboxed else tempfile.mkdtemp(prefix=f"grading-{os.getpid()}-")
        words = command(stage, limits) if sandboxed else [sys.executable, "-I", "-B"]
        settings = {
            "uid": next(_uids) if sandboxed and os.geteuid() == 0 else 0,
            "memory": limits.memory,
            "file": limits.disk,
            "files": 256,
            "cpu_seconds": int(limits.total) + 10,
            "processes": limits.processes if sandboxed else None,  # the grader's user has other processes
            "home": self.folder or "/tmp",
        }
        self.process = subprocess.Popen(
            [*words, f"{'/course' if sandboxed else stage}/{WORKER}", json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            stderr=subprocess.DEVNULL,
            env=environment(self.folder),
            start_new_session=True,
        )
        # Threads that wait, because no system but Unix can ask whether a pipe is ready.
        self.chunks: queue.Queue[bytes] = queue.Queue(64)
        self.reader = threading.Thread(target=self._receive, daemon=True)
        self.reader.start()
        self.writer: threading.Thread | None = None
        _running.add(self)

    def ready(self) -> None:
        """Wait until the interpreter and torch are loaded; the student is not charged for that time."""
        self._answer(float("inf"), LOADING)
        self.loaded, self.cpu = self._tree_cpu(), 0.0

    def ask(self, **request: object) -> dict:
        """Send a request and return the reply.

        Raises:
            ProcessEnded: the process ended, or exceeded a limit and was killed.
        """
        seconds, wall = self.limits.seconds, self.limits.wall(self.limits.seconds)
        self._send(wire.write({**request, "seconds": seconds, "wall": wall}), wall)
        return self._answer(min(self.cpu + seconds + GRACE, self.limits.total), wall + GRACE)

    def _answer(self, cpu: float, wall: float) -> dict:
        """The next reply, before `cpu` seconds of CPU time since `ready`, and within `wall` seconds from now."""
        deadline, asked = time.monotonic() + wall, 0
        try:
            while True:
                reply = wire.read(self._line(cpu, deadline))
                if not isinstance(reply.get("ask"), str) or not isinstance(reply.get("student"), str):
                    return reply
                asked += 1
                if asked > 20:
                    raise self.end("it asked for its numbers too often")
                numbers = wire.encode(self.numbers(reply["ask"], wire.clean(reply["student"])[:200]))
                self._send(wire.write({"numbers": numbers}), wall)
        except wire.ProtocolError as problem:
            raise self.end(f"it interfered with the grader: {problem}") from None

    def _receive(self) -> None:
        """Read the process's output until its end, which is an empty chunk."""
        chunk = b"first"
        while chunk:
            try:
                chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            except (OSError, ValueError):  # closed
                chunk = b""
            while not self.closed.is_set():
                with contextlib.suppress(queue.Full):
                    self.chunks.put(chunk, timeout=TICK)
                    break

    def _send(self, line: bytes, wall: float) -> None:
        sent: list[bool] = []

        def write() -> None:
            with contextlib.suppress(OSError, ValueError):
                view = memoryview(line)
                while view:
                    view = view[self.process.stdin.write(view[:65536]) :]
                sent.append(True)

        self.writer = threading.Thread(target=write, daemon=True)
        self.writer.start()
        self.writer.join(wall + GRACE)
        if self.writer.is_alive():
            raise self.end("it stopped reading the grader's requests")
        if not sent:
            raise self.end(self._cause())

    def _line(self, cpu: float, deadline: float) -> bytes:
        while b"\n" not in self.buffer:
            if problem := self._exceeded(cpu, deadline):
                raise self.end(problem)
            try:
                chunk = self.chunks.get(timeout=TICK)
            except queue.Empty:
                continue
            if not chunk:
                raise self.end(self._cause())
            self.buffer += chunk
            self.received += len(chunk)
            if len(self.buffer) > wire.LONGEST or self.received > self.limits.output:
                raise self.end("it returned more data than allowed")
        line, _, rest = bytes(self.buffer).partition(b"\n")
        self.buffer = bytearray(rest)
        return line

    def _exceeded(self, cpu: float, deadline: float) -> str:
        """Which limit the processes together have exceeded; "" if none. The kernel limits each one by itself."""
        pids = descendants(self.process.pid)
        self.cpu = max(self.cpu, self._tree_cpu(pids) - self.loaded)
        if self.cpu > cpu or time.monotonic() > deadline:
            return "it took more time than allowed and was killed"
        if sum(map(_resident, pids)) > self.limits.resident:
            return f"its {len(pids)} processes together took more than {self.limits.resident // MB} MB of memory"
        return ""

    def _tree_cpu(self, pids: list[int] | None = None) -> float:
        return sum(map(_cpu_seconds, [self.process.pid, *(descendants(self.process.pid) if pids is None else pids)]))

    def _cause(self) -> str:
        try:
            code = self.process.wait(2)
        except subprocess.TimeoutExpired:
            return "it closed its connection to the grader"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code if code < 0 else code - 128).name
            if name in ("SIGKILL", "SIGSEGV", "SIGXCPU", "SIGABRT", "SIGXFSZ"):
                return f"its process was ended by {name}"
        return f"it ended its own process (with {code})"

    def end(self, reason: str) -> ProcessEnded:
        """Kill it, and return the exception to raise."""
        self.close()
        return ProcessEnded(reason)

    def close(self) -> None:
        """Kill all its processes, and remove what it wrote."""
        self.kill()
        self.process.wait()
        self.closed.set()
        _running.discard(self)
        # A pipe that a thread still uses stays open: its number could become that of the next process's pipe.
        for pipe, user in ((self.process.stdin, self.writer), (self.process.stdout, self.reader)):
            if user:
                user.join(GRACE)
            if not (user and user.is_alive()):
                with contextlib.suppress(OSError):
                    pipe.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """Kill all its processes."""
        if self.process.poll() is None:
            family = descendants(self.process.pid)
            self.process.kill()
            for pid in family:  # in a sandbox the first one would be enough: its namespace ends with it
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The processes that descend from one; empty where there is no /proc."""
    everyone, new = [], [pid]
    while new:
        parent = new.pop()
        try:
            words = " ".join(path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children"))
        except OSError:
            continue
        children = [int(word) for word in words.split()]
        everyone += children
        new += children
    return everyone


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process and of its children that have ended."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0


def stop_all() -> None:
    """End every process that runs, and start no other; calls that wait for one raise ProcessEnded."""
    _stopping.set()
    for process in [*_running]:
        process.kill()
