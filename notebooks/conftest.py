"""One thread for every kernel: two notebooks are validated at a time, and together they must not want more than two cores.

Of the assignments only the sources are validated: what nbgrader makes of them, and what students hand in, is not.
"""

import os

# Read by torch when a kernel loads it. A value that is already set is kept.
os.environ.setdefault("OMP_NUM_THREADS", "1")

collect_ignore_glob = [f"assignments/{folder}/*" for folder in ("release", "submitted", "autograded", "feedback")]
