"""A folder of submissions: which notebook belongs to which student, treated as untrusted."""

import hashlib
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LARGEST = 20_000_000  # bytes of a notebook


@dataclass
class Submission:
    """What a student submitted. problem: why it cannot be graded, "" if it can."""

    student: str
    data: bytes
    problem: str = ""

    @cached_property
    def digest(self) -> str:
        return digest(self.data + self.problem.encode())


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def collect(folder: Path, name: str) -> dict[str, Path | None]:
    """The notebook of each student; None for a student's folder without one, or with several.

    These are FOLDER/STUDENT/NAME/NAME.ipynb (nbgrader's layout), FOLDER/STUDENT/*.ipynb and FOLDER/STUDENT.ipynb. Links
    are not followed. Names that are unsafe as file names are skipped (see `unsafe`).
    """
    students: dict[str, Path | None] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.is_symlink() or unsafe(entry.name):
            continue
        if entry.is_dir():
            try:
                students[entry.name] = _inside(entry, name)
            except OSError:  # a folder without permission to read it
                students[entry.name] = None
        elif entry.suffix == ".ipynb":
            students.setdefault(entry.stem, entry)
    return students


def unsafe(name: str) -> str:
    """Why no student can have this name, "" if one can: it is used in file names, tables and the terminal."""
    if not name.isprintable():
        return "it has unprintable characters"
    if name != name.strip() or name.startswith("'"):
        return "it begins or ends with a space or a quote"
    return "" if len(name.encode()) <= 200 else "it is longer than 200 bytes"


def _inside(entry: Path, name: str) -> Path | None:
    for place in (entry / name, entry):
        if place.is_symlink() or not place.is_dir():
            continue
        inside = sorted(path for path in place.glob("*.ipynb") if not path.name.startswith("."))
        named = [path for path in inside if path.stem == name]
        if named or len(inside) == 1:
            return (named or inside)[0]
    return None


def read(student: str, path: Path | None) -> Submission:
    """Read what a student submitted. Of a file that is too large, only the beginning is read."""
    if path is None:
        return Submission(student, b"", "the folder has no notebook, or more than one")
    try:
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(path, os.O_RDONLY | flags)
    except OSError as problem:
        reason = f"the file can't be opened ({problem.strerror}); submit the notebook itself, not a link to it"
        return Submission(student, b"", reason)
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        return Submission(student, b"", "this is not a regular file; submit the notebook itself")
    with os.fdopen(handle, "rb") as file:
        if status.st_size <= LARGEST:
            return Submission(student, file.read())
        size = f"the notebook has {status.st_size / 1e6:.0f} MB, more than the limit of {LARGEST / 1e6:.0f} MB"
        advice = "clear its outputs (Kernel, Restart and Clear Outputs) and submit it again"
        return Submission(student, file.read(1_000_000) + str(status.st_size).encode(), f"{size}; {advice}")
