"""What a submission may take, and the command line of the sandbox that it runs in, which is made by bubblewrap."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one submission may take.

    seconds: of a cell, and of an exercise's hidden cases. total: seconds of the whole. memory: bytes of one process's address
    space, and (resident) all of them together. disk: bytes of the only folder that can be written to. output: bytes that are
    handed over altogether.
    """

    seconds: float = 20
    total: float = 120
    memory: int = 3072 * MB
    resident: int = 2048 * MB
    processes: int = 32
    disk: int = 64 * MB
    output: int = 32 * MB


def missing() -> str:
    """Why there is no sandbox here; "" if there is one."""
    if not sys.platform.startswith("linux"):
        return (
            "there is no bubblewrap for this system: use Linux, or a Linux machine inside this one (WSL 2, a container)"
        )
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed: apt install bubblewrap"
    with tempfile.TemporaryDirectory() as folder:
        words = [*command(Path(folder), Limits()), "-c", "print('in')"]
        tried = subprocess.run(words, capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL)
    return "" if tried.stdout == "in\n" else f"bubblewrap does not run here: {tried.stderr.strip()[-300:]}"


def environment() -> dict[str, str]:
    """All that a student's process inherits from the grader's environment: nothing."""
    return {
        "PATH": "/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "USER": "student", "LOGNAME": "student", "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "MPLCONFIGDIR": "/tmp", "TORCHINDUCTOR_CACHE_DIR": "/tmp",
    }  # fmt: skip


def command(stage: Path, limits: Limits) -> list[str]:
    """Bubblewrap's command line, up to the interpreter: all namespaces, and of the files only what a notebook needs."""
    words = ["bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    words += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "grading", "--cap-drop", "ALL"]
    if os.geteuid() == 0:  # the worker changes to a user of its own as its first act
        words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        words += ["--unshare-user", "--disable-userns"]
    words += ["--proc", "/proc", "--dev", "/dev", "--size", str(MB), "--perms", "1777", "--tmpfs", "/dev/shm"]
    words += ["--size", str(limits.disk), "--perms", "1777", "--tmpfs", "/tmp"]
    paths = visible()
    # Folders that bubblewrap makes on its own, as root, nobody else may enter.
    parents = {str(parent) for path in paths for parent in Path(path).parents} - {"/", "/tmp"}
    for path in sorted(parents):
        words += ["--perms", "0755", "--dir", path]
    for path in paths:
        words += ["--ro-bind", path, path]
    for path in covered():
        words += ["--perms", "0755", "--size", "4096", "--tmpfs", path, "--remount-ro", path]
    words += ["--ro-bind", str(stage), "/course", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    return [*words, "--", sys.executable, "-I", "-B"]


def visible() -> list[str]:
    """The system's libraries, the interpreter and its packages; no home folder, no course, no programs."""
    paths = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/sys/devices/system/cpu"]
    paths += [os.path.realpath(sys.executable), f"{sys.base_prefix}/lib"]
    if sys.prefix != sys.base_prefix:
        paths += [f"{sys.prefix}/{name}" for name in ("bin", "lib", "lib64", "pyvenv.cfg")]
    chain = sys.executable
    while os.path.islink(chain):
        paths.append(os.path.dirname(chain))
        chain = os.path.join(os.path.dirname(chain), os.readlink(chain))
    programs = {"/usr/bin", "/bin", "/usr/local/bin"}
    seen = dict.fromkeys(path for path in paths if os.path.exists(path) and path not in programs)
    if sys.executable not in seen and os.path.dirname(sys.executable) in programs:
        seen[sys.executable] = None
    return [*seen]


def covered() -> list[str]:
    """What the sandbox would see of this course, solutions and all, if it was installed as a copy; under each of its names."""
    places = {place / "lib" for path in visible() for place in Path(path).glob("python*/*-packages")}
    return sorted(str(place) for place in places if (place / "checks").is_dir())
