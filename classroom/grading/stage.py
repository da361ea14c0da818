"""The folder that a sandbox sees as the course: a list of copied files, without solutions and hidden cases."""

import ast
import hashlib
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORKER = "classroom/grading/worker.py"
PROBES = "classroom/assignments/probes.py"
# Modules that are another file in the sandbox. The worker replaces the three functions.
STUBS = {"classroom/checks.py": "check = grade = personal = print\n", "lib/checks/__init__.py": ""}


@cache
def imported(source: str) -> frozenset[str]:
    """The names of `lib` and `classroom` that a program imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in names if name.split(".")[0] in ("lib", "classroom"))


def imports(source: str) -> set[str]:
    """The files of `lib` and `classroom` that a program imports, relative to the repository."""
    paths = [name.replace(".", "/") for name in imported(source)]
    files = {f"{path}{end}" for path in paths for end in (".py", "/__init__.py")}
    return {file for file in files if (ROOT / file).is_file()}


def graph(sources: Iterable[str], leaves: Iterable[str] = ()) -> set[str]:
    """The files that programs import, and all that these import in turn; imports of leaves are not followed."""
    reached: set[str] = set()
    new = set().union(*map(imports, sources))
    while new:
        reached |= new
        texts = [(ROOT / file).read_text(encoding="utf-8") for file in new - {*leaves}]
        new = set().union(*map(imports, texts)) - reached
    return reached


def data(files: Iterable[str]) -> set[str]:
    """The data that modules of `lib` read, names and weights; none if only checks are among the files."""
    used = any(file.startswith("lib/") and not file.startswith("lib/checks/") for file in files)
    paths = (ROOT / "data").iterdir() if used else ()
    return {f"data/{path.name}" for path in paths if path.suffix in (".txt", ".csv", ".pt")}


def staged(cells: Iterable[str]) -> list[str]:
    """The files to copy for an assignment with these code cells: the worker, the probes, and what they import.

    Imports of the probes are not followed: what one assignment's probe needs may be the solution of another. A probe
    imports, inside its function, only modules that its own assignment's cells import.
    """
    worker = (ROOT / WORKER).read_text(encoding="utf-8")
    modules = graph([*cells, worker], leaves=[PROBES, *STUBS]) | {WORKER}
    return sorted((modules | data(modules)) - {*STUBS})


def build(folder: Path, cells: Iterable[str]) -> None:
    """Write the folder, for an assignment with these code cells."""
    copied = staged(cells)
    for file in [*copied, *STUBS]:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
    for file in copied:
        shutil.copy(ROOT / file, folder / file)
    for file, text in STUBS.items():
        (folder / file).write_text(text)
    for package in {parent for file in copied if file.endswith(".py") for parent in Path(file).parents} - {Path()}:
        (folder / package / "__init__.py").touch()
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # the sandbox runs as another user


def content(path: Path) -> bytes:
    """A file's bytes, those of a text with the ends of lines that Git has."""
    data = path.read_bytes()
    return data if path.suffix == ".pt" else data.replace(b"\r\n", b"\n")


def fingerprint(notebook: Path, cells: Iterable[str], seed: str) -> str:
    """Short hash of everything that affects points besides the submission: if it changes, all are graded again.

    That is the teacher's notebook, the seed, the staged files, and the judge with every module that it imports.
    """
    assignment = notebook.stem.split("_")[0]
    judge = graph([f"import classroom.assignments.{assignment}, classroom.grading.attempt"])
    digest = hashlib.sha256(content(notebook) + b"\0" + seed.encode())
    for file in sorted({*staged(cells), *judge, *data(judge)}):
        digest.update(b"\0" + file.encode() + b"\0" + content(ROOT / file))
    return digest.hexdigest()[:16]
