"""The nbgrader course: this folder. Run `nbgrader generate_assignment a01_embedding` here, or elsewhere with
JUPYTER_CONFIG_PATH set to this folder.

The hidden tests draw their inputs from the seed in the file `seed` beside this one (any text, one line, never in the
repository), or from the environment variable GRADING_SEED. Set one before you grade: the default is "0", which every
student can use too.
"""

import os
from pathlib import Path

c = get_config()
course = Path(__file__).resolve().parent
seed = course / "seed"

c.CourseDirectory.root = str(course)
c.CourseDirectory.course_id = "wavenet-in-stages"
c.NbGrader.logfile = ""
c.ClearSolutions.code_stub = {"python": "pass  # your answer here"}
c.ClearSolutions.text_stub = "*Not done yet. Your answer here.*"
c.OverwriteCells.add_missing_cells = True
c.ExecutePreprocessor.timeout = 60

if seed.exists():
    os.environ["GRADING_SEED"] = seed.read_text(encoding="utf-8").strip()
os.environ.setdefault("OMP_NUM_THREADS", "1")
