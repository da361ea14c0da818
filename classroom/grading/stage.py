"""The folder that a sandbox sees as its course: the worker, and of `lib` only what the assignment itself imports.

The solutions and the cases of the checks stay outside. Of an exercise's check only `probe`, which calls an answer, goes in,
with those definitions of its file that it needs.
"""

import ast
import functools
import importlib
import re
import shutil
from pathlib import Path

from lib.checks.exercise import Implement, Predict

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "classroom" / "assignments"
GENERAL = ("assignment", "assignment_implement", "assignment_predict", "verdict")
STUB = '"""What an assignment calls while it is graded; the worker fills these in."""\n\ncheck = grade = personal = print\n'


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def checks_file(assignment: str) -> Path:
    """Where the checks of a01, or of a01_embedding, are."""
    return CHECKS / f"assignment{assignment.split('_')[0].removeprefix('a')}.py"


def judging(assignment: str) -> list[Path]:
    """All files of lib.checks that decide about points of a01, or of a01_embedding."""
    return [*(CHECKS / f"{name}.py" for name in GENERAL), *sorted(CHECKS.glob(f"{checks_file(assignment).stem}*.py"))]


def probes(assignment: str) -> str:
    """The text of a module with PROBES, from an exercise's name to the function that calls an answer.

    Raises:
        ValueError: an exercise has a probe, and it is not written as a keyword of its table.
    """
    path = checks_file(assignment)
    definitions = _definitions(path)
    table = definitions["EXERCISES"].value
    calls = dict(zip([key.value for key in table.keys], table.values, strict=True))
    found, needed = {}, {}
    for name, exercise in importlib.import_module(f"lib.checks.{path.stem}").EXERCISES.items():
        if exercise.probe in (Implement.probe, Predict.probe):
            continue
        call = definitions[calls[name].id].value if isinstance(calls[name], ast.Name) else calls[name]
        probe = next((word.value for word in call.keywords if word.arg == "probe"), ast.Name(exercise.probe.__name__))
        if isinstance(probe, ast.Name) and probe.id not in definitions:
            raise ValueError(f"{path.name}: write the probe of {name!r} as probe=..., so that the grader finds it.")
        _need(probe, path, needed)
        found[name] = ast.unparse(probe)
    entries = [f"    {name!r}: {text}," for name, text in found.items()]
    return "\n".join([*needed.values(), "PROBES = {", *entries, "}", ""])


def _definitions(path: Path) -> dict[str, ast.stmt]:
    """The statements of a file that define a name."""
    found: dict[str, ast.stmt] = {}
    for statement in parsed(path).body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            found[statement.name] = statement
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).split(".")[0]: statement for alias in statement.names}
        elif isinstance(statement, ast.Assign):
            names = [node for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            found |= {name.id: statement for name in names if isinstance(name.ctx, ast.Store)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = statement
    return found


def _need(tree: ast.AST, path: Path, needed: dict[str, str]) -> None:
    """Add what the names in a piece of a file stand for: first what they need themselves."""
    definitions = _definitions(path)
    for name in sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & {*definitions} - {*needed}):
        statement = definitions[name]
        module = getattr(statement, "module", None) or ""
        if re.fullmatch(r"lib\.checks\.assignment\d+", module):
            _need(ast.Name(name), CHECKS / f"{module.split('.')[2]}.py", needed)
            continue
        needed[name] = ""  # met, so that recursion ends; a dictionary keeps the place of the second entry below
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            _need(statement, path, needed)
        del needed[name]
        needed[name] = ast.unparse(statement)


def imports(tree: ast.AST) -> set[str]:
    """The modules of `lib` that a program imports, without those of lib.checks."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    parts = {name.split(".")[1] for name in found if name.startswith("lib.")}
    return {part for part in parts if (ROOT / "lib" / f"{part}.py").exists()}


def modules(sources: list[str]) -> set[str]:
    """The modules of `lib` that cells import, and those that these import."""
    found: set[str] = set()
    new = set().union(*(imports(ast.parse(source)) for source in sources))
    while new:
        found |= new
        new = set().union(*(imports(parsed(ROOT / "lib" / f"{name}.py")) for name in new)) - found
    return found


def build(folder: Path, assignment: str, sources: list[str]) -> None:
    """Write the folder, for an assignment and the code cells of its release."""
    checks = folder / "lib" / "checks"
    checks.mkdir(parents=True)
    (folder / "lib" / "__init__.py").write_text("")
    (checks / "__init__.py").write_text(STUB)
    wanted = modules(sources)
    for path in [*(CHECKS / f"{name}.py" for name in GENERAL), *(ROOT / "lib" / f"{name}.py" for name in wanted)]:
        shutil.copy(path, folder / path.relative_to(ROOT))
    if wanted:
        shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name in ("worker", "wire"):
        shutil.copy(Path(__file__).with_name(f"{name}.py"), folder)
    (folder / "probes.py").write_text(probes(assignment), encoding="utf-8")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # the sandbox's user is another one
