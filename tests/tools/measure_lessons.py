"""Run every lesson in a fresh kernel, and estimate how long it takes to read.

    python tests/tools/measure_lessons.py            prints the table
    python tests/tools/measure_lessons.py --write    also writes the figures into README's map and each lesson's header

The outputs stored in the lessons do not change.
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
WORDS_PER_MINUTE = 200
SECONDS_PER_LINE = 4  # of code


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


def reading_minutes(path: Path) -> int:
    """Estimated reading time, from words and lines of code."""
    cells = nbformat.read(path, as_version=4).cells
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    lines = sum(bool(line.strip()) for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines())
    return math.ceil(words / WORDS_PER_MINUTE + lines * SECONDS_PER_LINE / 60)


def rounded(seconds: float) -> str:
    """Seconds, rounded up to a multiple of five."""
    return f"{math.ceil(seconds / 5) * 5} s"


def in_readme(text: str, name: str, reading: str, run_time: str) -> str:
    """README with both figures in the row that links to the lesson."""
    row = re.compile(rf"^(\| \[[^|]*\(notebooks/{re.escape(name)}\) \|[^|]*\|)[^|]*\|[^|]*\|$", re.MULTILINE)
    text, rows = row.subn(rf"\1 {reading} | {run_time} |", text)
    if rows != 1:
        raise ValueError(f"README's map: expected one row that links to notebooks/{name}, got {rows}.")
    return text


def in_header(text: str, reading: str, run_time: str) -> str:
    """A lesson's first cell with both figures in its table."""
    for row, figure in (("Reading", reading), ("Run time", run_time)):
        text, rows = re.subn(rf"^(\| *\**{row}\** *\|).*\|$", rf"\1 {figure} |", text, flags=re.MULTILINE)
        if rows != 1:
            raise ValueError(f"the header's table: expected one row {row!r}, got {rows}.")
    return text


def write_header(path: Path, reading: str, run_time: str) -> None:
    """Change the header in the lesson's file."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    notebook.cells[0].source = in_header(notebook.cells[0].source, reading, run_time)
    nbformat.write(notebook, path)


def main() -> None:
    """Measure, print and, with --write, store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the figures into README and the lessons")
    write = parser.parse_args().write
    # As in the tests: one thread per kernel, so that a busy second core changes little.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    lessons = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    measured = []
    for path in lessons:
        measured.append((path, reading_minutes(path), run_seconds(path)))
        print(f"{path.name:<36} {measured[-1][1]:>4} minutes to read {measured[-1][2]:>6.1f} s to run", flush=True)
    slowest, _, seconds = max(measured, key=lambda row: row[2])
    print(f"slowest: {slowest.name}, {seconds:.1f} s")
    if write:
        readme = README.read_text(encoding="utf-8")
        for path, minutes, seconds in measured:
            write_header(path, f"{minutes} minutes", rounded(seconds))
            readme = in_readme(readme, path.name, f"{minutes} minutes", rounded(seconds))
        README.write_text(readme, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
