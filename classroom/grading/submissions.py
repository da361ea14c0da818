"""What was handed in, in a folder or a platform's zip: which notebooks belong to which student, treated as untrusted."""

import contextlib
import hashlib
import os
import re
import stat
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from classroom.grading.stage import ROOT

LARGEST = 20_000_000  # bytes of a notebook
UNPACKED = 200_000_000  # bytes of all files in a student's zip
MEMBERS = 2_000  # files of a student, or in a student's zip
DEEPEST = 12  # folders and zips inside each other
JUNK = re.compile(r"\..*|__MACOSX|Thumbs\.db|desktop\.ini|~\$.*", re.IGNORECASE)
NOTEBOOK = re.compile(r"\.ipynb\b", re.IGNORECASE)  # a.IPYNB, a.ipynb.txt, a.ipynb (1)
ENDINGS = re.compile(r"(\.(ipynb|zip|json|txt|html?|pdf|py))+$", re.IGNORECASE)
COPY = re.compile(r"(.*?)[ _-]*(?:\((\d+)\)|-(\d+))$")  # what browsers and Canvas make of a second file of that name
# How Moodle and Canvas name what they export: the student, and the file's own name if there is no folder.
MOODLE = re.compile(r"(.+_\d+)_assignsubmission_(?:file|onlinetext)_?(.*)", re.IGNORECASE)
CANVAS = re.compile(r"([^_]+)(?:_LATE)?(_\d+)_\d+_(.+)")
# Blackboard puts the time into the name, nbgrader into a file.
ATTEMPT = re.compile(r"_attempt_(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)(?!\d)")
STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)? *(\S*)\s*")


@dataclass
class Submission:
    """What a student submitted. problem: why it cannot be graded, "" if it can. notes: what was chosen.

    time: when it was handed in, in ISO's form, without a zone if that is unknown. source: where the time is from.
    """

    student: str
    data: bytes
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    time: str = ""
    source: str = ""

    @cached_property
    def digest(self) -> str:
        return digest(self.data + self.problem.encode())


@dataclass(frozen=True)
class Found:
    """A file. shown: its path as the teacher knows it, also inside zips. zipped: the student's zip that it is from."""

    path: Path
    shown: PurePosixPath
    zipped: Path | None = None

    @property
    def name(self) -> str:
        return self.shown.name


@dataclass
class Class:
    """files: of each student, also those that are no notebooks. unused: what belongs to no student, in words.

    unsafe: names that no student can have, in words.
    """

    files: dict[str, list[Found]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def collect(folder: Path, name: str, unpacked: Path, out: Path | None = None) -> Class:
    """Who submitted what: one entry per student in a folder, or in the zip that a platform exports.

    An entry is a folder, a notebook or a zip; its name is the student's. In a folder with the assignment's name, and in
    a folder or zip around all others, each entry is a student. Links are not followed.

    Args:
        name: the assignment.
        unpacked: an empty folder for the contents of zips.
        out: the folder of results, which may be inside.
    """
    found, top = Class(), Found(folder, PurePosixPath(folder.name))
    waiting = [entry for entry in _entries(top, unpacked) if out is None or entry.path.resolve() not in _around(out)]
    alone = len(waiting) == 1
    while waiting:
        entry = waiting.pop(0)
        inside = _entries(entry, unpacked) if _opens(entry) else []
        if inside and (_of(entry.name) == name or _is_class(inside, unpacked, alone)):
            waiting += inside
            alone = len(inside) == 1
            continue
        student, own = _student(entry)
        if problem := unsafe(student):
            found.unsafe.append(f"{entry.name!r} was not graded, because {problem}: rename it")
        elif _of(own or entry.name) not in ("", name):
            found.unused.append(f"{entry.name!r} was not graded, because it has the name of another assignment")
        elif own or _opens(entry) or _looks_like_a_notebook(entry):
            found.files.setdefault(student, []).extend(_files(entry, unpacked))
        else:
            found.unused.append(f"{entry.name!r} was not graded, because it is no notebook, folder or zip")
    for student in [*found.files]:  # a second download beside the first
        copy = COPY.fullmatch(student)
        if copy and copy[2] and copy[1] in found.files:
            found.files[copy[1]] += found.files.pop(student)
    return found


def _around(out: Path) -> set[Path]:
    return {out.resolve(), *out.resolve().parents}


def _of(name: str) -> str:
    """The assignment that a file has its name from; "" if none."""
    names = [path.parent.name for path in ROOT.glob("notebooks/assignments/source/*/*.ipynb")]
    return next((other for other in names if name.lower().startswith(other)), "")


def _opens(entry: Found) -> bool:
    folder = entry.path.is_dir() and not entry.path.is_symlink()
    return folder or (entry.name.lower().endswith(".zip") and entry.path.is_file() and not entry.path.is_symlink())


def _student(entry: Found) -> tuple[str, str]:
    """The student's name, and the name that the student gave the file, if the platform has kept it."""
    if match := MOODLE.fullmatch(entry.name):
        return match[1], match[2]
    if entry.path.is_dir():
        return entry.name, entry.name
    if match := CANVAS.fullmatch(entry.name):
        return match[1] + match[2], match[3]
    return ENDINGS.sub("", re.sub(r"(\.ipynb)( \(\d+\))$", r"\2\1", entry.name)), ""


def _is_class(inside: list[Found], unpacked: Path, alone: bool) -> bool:
    """Whether the entries of a folder or zip are students, not the files of one."""
    if any(MOODLE.fullmatch(entry.name) or CANVAS.fullmatch(entry.name) for entry in inside):
        return True
    if alone and len(inside) == 1 and _opens(inside[0]):
        return _is_class(_entries(inside[0], unpacked), unpacked, alone)
    folders = [entry for entry in inside if _opens(entry) and not _of(entry.name)]
    full = [entry for entry in folders if any(map(_looks_like_a_notebook, _files(entry, unpacked)))]
    return alone and len(full) > 1 and not any(map(_looks_like_a_notebook, inside))


def _entries(entry: Found, unpacked: Path) -> list[Found]:
    """What is in a folder or zip; nothing if it can't be read."""
    folder = entry.path
    if not folder.is_dir():
        folder = unpacked / digest(str(entry.shown).encode())
        if not folder.exists():
            _unpack(entry, folder)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [Found(folder / name, entry.shown / name) for name in names if not JUNK.fullmatch(name)]


def _files(entry: Found, unpacked: Path, depth: int = 0) -> Iterator[Found]:
    """All files in an entry, or the entry itself."""
    inside = _entries(entry, unpacked) if _opens(entry) and depth < DEEPEST else []
    if not inside:
        yield entry
    zipped = entry.zipped or (None if entry.path.is_dir() else entry.path)
    for other in inside[:MEMBERS]:
        yield from _files(replace(other, zipped=zipped), unpacked, depth + 1)


def _unpack(entry: Found, folder: Path) -> None:
    """The files of a zip; of those that are no notebooks or zips only the names, and of large ones the beginning."""
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(entry.path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            # A student's zip has limits; the class's own, whose files are those of students, has not.
            names = [member.filename for member in members[:10]]
            ours = len(entry.shown.parts) == 1 or any(MOODLE.match(n) or CANVAS.match(n) for n in names)
            left = sum(member.file_size for member in members) if ours else UNPACKED
            for member in members if ours else members[:MEMBERS]:
                parts = PurePosixPath(member.filename.replace("\\", "/")).parts
                if not parts or {"..", "/"} & {*parts} or any(map(JUNK.fullmatch, parts)):
                    continue
                target, data = folder.joinpath(*(part[:200].replace(":", "_") for part in parts[-DEEPEST:])), b""
                target.parent.mkdir(parents=True, exist_ok=True)
                if re.search(r"\.(ipynb\b.*|zip|json|txt)$|^[^.]*$", parts[-1], re.IGNORECASE):
                    with archive.open(member) as file:
                        data = file.read(UNPACKED if target.suffix.lower() == ".zip" else LARGEST + 1)
                left -= len(data)
                if left < 0:
                    raise OverflowError
                target.write_bytes(data)
                with contextlib.suppress(ValueError, OverflowError, OSError):  # a date that is none
                    os.utime(target, (time.mktime((*member.date_time, 0, 0, -1)),) * 2)
    except Exception as problem:  # one of a dozen kinds: damaged, encrypted, compressed in an unknown way
        (folder / f"a zip that can't be opened ({type(problem).__name__})").touch()


def _looks_like_a_notebook(entry: Found) -> bool:
    """By its name, or by how it begins."""
    if NOTEBOOK.search(entry.name) or entry.path.is_symlink():
        return True
    if entry.path.suffix.lower() not in ("", ".txt", ".json") or not entry.path.is_file():
        return False
    try:
        with open(entry.path, "rb") as file:
            return re.match(rb'(\xef\xbb\xbf)?\s*\{\s*"(cells|metadata|nbformat)"', file.read(200)) is not None
    except OSError:
        return False


def unsafe(name: str) -> str:
    """Why no student can have this name, "" if one can: it is used in file names, tables and the terminal."""
    if not name.isprintable():
        return "its name has unprintable characters"
    if name != name.strip() or name.startswith("'"):
        return "its name begins or ends with a space or a quote"
    return "" if len(name.encode()) <= 200 else "its name is longer than 200 bytes"


def read(student: str, files: list[Found], name: str, rank: Callable[[bytes], int] = lambda data: 0) -> Submission:
    """Read what a student submitted: of several notebooks the newest of those with the highest rank."""
    fits = [file for file in files if _looks_like_a_notebook(file)]
    others = {file for file in fits if {*map(_of, file.shown.parts[1:])} - {"", name}}
    others -= {file for file in fits if name in map(_of, file.shown.parts[1:])}
    read_ones = [(_read(student, file.path), file) for file in fits if file not in others]
    if not read_ones:
        has = ", ".join(str(file.shown) for file in files[:5] if file.path.is_file())
        return Submission(student, b"", f"the folder has no notebook of this assignment{f'; it has {has}' * bool(has)}")
    order = lambda pair: (-1 if pair[0].problem else rank(pair[0].data), *_age(pair[1], name))
    chosen, file = max(read_ones, key=order)
    chosen.time, chosen.source = _handed_in(file, files)
    left = [other for one, other in read_ones if other != file and one.digest != chosen.digest]
    if left:
        shown = ", ".join(str(other.shown) for other in left[:5])
        chosen.notes.append(
            f"Several notebooks were submitted: {file.shown}, the newest with work, counts, not {shown}."
        )
    return chosen


def _handed_in(file: Found, files: list[Found]) -> tuple[str, str]:
    """When a file was handed in, in ISO's form, and where that is from. Times in a student's own zip tell nothing."""
    late = ", marked late by Canvas" if any(CANVAS.fullmatch(n) and "_LATE_" in n for n in file.shown.parts) else ""
    for name in file.shown.parts if not file.zipped else file.shown.parts[:2]:
        if match := ATTEMPT.search(name):
            with contextlib.suppress(ValueError):
                return datetime.fromisoformat(f"{match[1]}T{match[2]}:{match[3]}:{match[4]}").isoformat(), "by its name"
    stamps = [f for f in files if f.name == "timestamp.txt" and f.shown.parent == file.shown.parent and not f.zipped]
    for stamp in stamps if not file.zipped else ():
        with contextlib.suppress(OSError, ValueError, KeyError):
            match = STAMP.fullmatch(stamp.path.read_text(encoding="utf-8")[:100])
            if not match:
                continue
            zone = _zone(match[3])
            return datetime.fromisoformat(f"{match[1]}T{match[2]}").replace(tzinfo=zone).isoformat(), "by timestamp.txt"
    try:
        seconds = int((file.zipped or file.path).lstat().st_mtime)
        return datetime.fromtimestamp(seconds, UTC).isoformat(), f"by the file's time{late}"
    except (OSError, OverflowError, ValueError):
        return "", ""


def _zone(text: str) -> timezone | ZoneInfo:
    if match := re.fullmatch(r"([+-])(\d\d):?(\d\d)", text):
        return timezone(timedelta(minutes=int(f"{match[1]}{int(match[2]) * 60 + int(match[3])}")))
    return ZoneInfo(text or "UTC")


def _age(file: Found, name: str) -> tuple[int, int, bool]:
    """Larger for newer files: by their time, then by the number of the copy."""
    stem = ENDINGS.sub("", re.sub(r"(\.ipynb)( \(\d+\))$", r"\2\1", file.name))
    copy = COPY.fullmatch(stem)
    return int(file.path.lstat().st_mtime), int((copy[2] or copy[3])[:9]) if copy else 0, stem == name


def _read(student: str, path: Path) -> Submission:
    """Read a file. Of one that is too large, only the beginning is read."""
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
