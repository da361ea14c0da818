"""Show that the checks of the assignments tell wrong answers from right ones, and wrong ones from each other.

    python tests/assignments            every answer of the catalogues, in this process: examples, then 20 seeds
    python tests/assignments a01        those of one assignment
    python tests/assignments --grader   some of each through the whole of nbgrader, and the release looked through

The last needs nbgrader: pip install -e '.[teach]'
"""

import importlib
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent

from tests.classroom.catalogue import matrix


def main() -> int:
    """1 if there is a complaint."""
    wanted, every = [word for word in sys.argv[1:] if not word.startswith("-")], matrix.catalogues()
    if unknown := {*wanted} - {*every}:
        sys.exit(f"no assignment {' or '.join(unknown)}; there are {', '.join(every)}.")
    chosen = {name: every[name] for name in wanted or every}
    if "--grader" in sys.argv:
        return min(importlib.import_module("tests.classroom.catalogue.grader").through_nbgrader(chosen), 1)
    return min(matrix.matrix(chosen), 1)


if __name__ == "__main__":
    sys.exit(main())
