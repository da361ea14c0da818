"""How long each lesson takes to read, to practise and to run.

    python -m tests.tools.measure_lessons             prints the table of all lessons
    python -m tests.tools.measure_lessons 02 03       of some
    python -m tests.tools.measure_lessons --reading   without running them
    python -m tests.tools.measure_lessons --write     also writes the figures into README's map and each lesson's header

Minutes of reading: words / 170 + lines of code / 12 + 0.75 per figure, without the section "Your turn"; minutes of exercises
are those in their titles. --write also takes the widgets out of stored outputs: without a kernel, JupyterLab would show an
error in place of their still figures. Nothing else in the outputs changes.
"""

import argparse
import math
import os
import re
import time
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
WIDGET = "application/vnd.jupyter.widget-view+json"
WORDS_PER_MINUTE, LINES_PER_MINUTE, MINUTES_PER_FIGURE = 170, 12, 0.75


def run_seconds(path: Path) -> float:
    """Wall seconds of one run from top to bottom, including the start of the kernel.

    Raises:
        RuntimeError: a cell ended in an error.
    """
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    begin = time.perf_counter()
    manager, client = start_new_kernel(cwd=str(path.parent))
    try:
        for cell in cells:
            reply = client.execute_interactive(
                cell.source, allow_stdin=False, timeout=3_600, output_hook=lambda message: None
            )
            if reply["content"]["status"] != "ok":
                raise RuntimeError(f"{path.name}: {reply['content'].get('evalue')}, in the cell\n{cell.source}")
        return time.perf_counter() - begin
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def reading_minutes(notebook: nbformat.NotebookNode) -> int:
    """Minutes to read a lesson, its folded answers included, its exercises not."""
    words = lines = figures = 0
    section = ""
    for cell in notebook.cells:
        title = re.search(r"^## (.+)", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        section = title[1] if title else section
        if section.startswith("Your turn"):
            continue
        if cell.cell_type == "markdown":
            words += len(cell.source.split())
        else:
            lines += len(cell.source.splitlines())
            figures += sum("<img" in output.get("data", {}).get("text/html", "") for output in cell.outputs)
    return round(words / WORDS_PER_MINUTE + lines / LINES_PER_MINUTE + MINUTES_PER_FIGURE * figures)


def exercise_minutes(notebook: nbformat.NotebookNode) -> int:
    """The sum of the minutes in the exercises' titles."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return sum(map(int, re.findall(r"^### \d\. .+ · (\d+) minutes", text, re.MULTILINE)))


def in_readme(text: str, name: str, figures: dict[str, str]) -> str:
    """README with the figures in the row that links to the lesson: reading, exercises, run time."""
    row = re.compile(
        rf"^(\| \[[^|]*\(notebooks/{re.escape(name)}\) \|[^|]*\|)([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE
    )
    found = row.search(text)
    if not found:
        raise ValueError(f"README's map: expected a row that links to notebooks/{name}, got none.")
    old = dict(zip(("Reading", "Exercises", "Run time"), map(str.strip, found.groups()[1:]), strict=True))
    return text.replace(found[0], f"{found[1]} {' | '.join((old | figures).values())} |")


def in_header(text: str, figures: dict[str, str]) -> str:
    """The cell with the lesson's table, with the figures in their rows."""
    for row, figure in figures.items():
        text, rows = re.subn(rf"^(\| *\**{row}\** *\|).*\|$", rf"\1 {figure} |", text, flags=re.MULTILINE)
        if rows > 1:
            raise ValueError(f"the lesson's table: expected one row {row!r}, got {rows}.")
    return text


def write_header(path: Path, figures: dict[str, str]) -> None:
    """Change the table in the lesson's file."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    cell = next(cell for cell in notebook.cells if "| **Reading**" in cell.source)
    cell.source = in_header(cell.source, figures)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        output.get("data", {}).pop(WIDGET, None)
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, path)


def main() -> None:
    """Measure, print and, with --write, store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", help="their numbers; default: all")
    parser.add_argument("--reading", action="store_true", help="do not run them")
    parser.add_argument("--write", action="store_true", help="write the figures into README and the lessons")
    options = parser.parse_args()
    # As in the tests: one thread per kernel, so that a busy second core changes little.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    readme, total = README.read_text(encoding="utf-8"), 0
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        if options.lessons and path.name[:2] not in options.lessons:
            continue
        notebook = nbformat.read(path, as_version=4)
        figures = {
            "Reading": f"{reading_minutes(notebook)} minutes",
            "Exercises": f"{exercise_minutes(notebook)} minutes",
        }
        if not options.reading:
            figures["Run time"] = f"{math.ceil(run_seconds(path) / 5) * 5} s"
        total += reading_minutes(notebook)
        print(f"{path.name:<36} {'  '.join(f'{name} {figure}' for name, figure in figures.items())}", flush=True)
        if options.write:
            write_header(path, figures)
            readme = in_readme(readme, path.name, figures)
    print(f"{total} minutes to read")
    if options.write:
        README.write_text(readme, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
