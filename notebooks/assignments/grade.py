"""Grade a folder of submissions: the command `python -m classroom.grading`, also where the course is not installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from classroom.grading.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
