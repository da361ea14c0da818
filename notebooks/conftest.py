"""How nbval runs the notebooks: one thread per kernel, no verdict by the clock, and assignments in the slower tier."""

import os
from pathlib import Path

import pytest

# Two notebooks run at a time; together they must not use more than two cores. A value that is already set is kept.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ASSIGNMENTS = Path(__file__).parent / "assignments"
# What nbgrader makes of the sources, and what students hand in, is not validated.
collect_ignore_glob = [f"assignments/{folder}/*" for folder in ("release", "submitted", "autograded", "feedback")]


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the assignments as `classroom`, and wait as long as a busy machine needs for a cell's output."""
    for item in items:
        if hasattr(item, "output_timeout"):
            item.output_timeout = 600  # seconds after the reply; nbval's own 5 fail when the machine is busy
            if ASSIGNMENTS in item.path.parents:
                item.add_marker(pytest.mark.classroom)
