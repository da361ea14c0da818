"""The limits of a submission, and the command line of the sandbox that it runs in, made by bubblewrap."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MB = 1 << 20
PATIENCE = 5  # wall-clock seconds per second of CPU time: a busy machine must not fail an honest submission


@dataclass(frozen=True)
class Limits:
    """Limits of one submission.

    seconds: CPU time of a cell, or of an exercise's hidden cases. total: CPU time of the submission. memory: bytes of
    one process's address space. resident: bytes of memory of all its processes. disk: bytes of the only folder that it
    can write to. output: bytes that it may return.
    """

    seconds: float = 20
    total: float = 120
    memory: int = 3072 * MB
    resident: int = 2048 * MB
    processes: int = 32
    disk: int = 64 * MB
    output: int = 32 * MB

    @staticmethod
    def wall(seconds: float) -> float:
        """The wall-clock seconds that so much CPU time may take."""
        return PATIENCE * seconds


def missing() -> str:
    """Why there is no sandbox here, and what to do; "" if there is one."""
    if not sys.platform.startswith("linux"):
        return "this system has no bubblewrap: use Linux, or a Linux machine inside this one (WSL 2, a container)"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed: apt install bubblewrap"
    with tempfile.TemporaryDirectory() as folder:
        words = [*command(Path(folder), Limits()), "-c", "print('in')"]
        tried = subprocess.run(words, capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL)
    said = tried.stderr.strip()[-300:]
    if tried.stdout == "in\n":
        return ""
    advice = ""
    if "nknown option" in said:
        version = subprocess.run([words[0], "--version"], capture_output=True, text=True).stdout.strip()
        advice = (
            f"; {version or words[0]} is too old, 0.8 has what is needed: take it from Debian 12, Ubuntu 24.04 or later, "
            "or build it (https://github.com/containers/bubblewrap), and put it first in PATH"
        )
    elif "ermission denied" in said or "not permitted" in said:
        advice = (
            "; this system forbids user namespaces (AppArmor in Ubuntu from 23.10, sysctl elsewhere): as root, "
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 or kernel.unprivileged_userns_clone=1, "
            "whichever exists, or give bwrap a profile; in a container, allow them there"
        )
    return f"bubblewrap does not run here: {said}{advice}"


def environment(home: str | None = None) -> dict[str, str]:
    """The environment of a student's process; it inherits nothing of the grader's but what Windows needs."""
    names = {"USER": "student", "LOGNAME": "student", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    names |= {name: os.environ[name] for name in ("SYSTEMROOT", "SYSTEMDRIVE") if name in os.environ}
    folders = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR")
    return {**names, **dict.fromkeys(folders, home or "/tmp"), "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


def command(stage: Path, limits: Limits) -> list[str]:
    """Bubblewrap's command line, up to the interpreter: all namespaces, and only the files that a notebook needs."""
    # Found here, because the student's PATH is another.
    words = [
        shutil.which("bwrap") or "bwrap",
        "--die-with-parent",
        "--new-session",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
    ]
    words += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "grading", "--cap-drop", "ALL"]
    if os.geteuid() == 0:  # the worker's first act is to become an unprivileged user
        words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        words += ["--unshare-user", "--disable-userns"]
    words += ["--proc", "/proc", "--dev", "/dev", "--size", str(MB), "--perms", "1777", "--tmpfs", "/dev/shm"]
    words += ["--size", str(limits.disk), "--perms", "1777", "--tmpfs", "/tmp"]
    paths = visible()
    # Only root may enter the folders that bubblewrap would make by itself.
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
    """Copies of this course among the installed packages: they have the solutions, so the sandbox must not see them."""
    packages = [place for path in visible() for place in Path(path).glob("python*/*-packages")]
    marks = {"lib": "checks", "classroom": "assignments"}  # a folder that only this course's package of that name has
    return sorted({str(place / name) for place in packages for name in marks if (place / name / marks[name]).is_dir()})
