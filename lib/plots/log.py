"""The table that grows from lesson to lesson: what was built so far, and how well it guesses and writes."""

import pandas as pd
from IPython.display import Markdown

from lib.data import DATA


def log(lesson: int) -> Markdown:
    """The rows of data/evidence/log.csv up to this lesson, as a table: the last line of a lesson's cell shows it.

    Args:
        lesson: the number of the lesson; rows of later lessons are left out.

    Raises:
        ValueError: no lesson has that number.
    """
    rows = pd.read_csv(DATA / "evidence" / "log.csv")
    if not 1 <= lesson <= 12:
        raise ValueError(f"expected the number of a lesson, 1 to 12, got {lesson}.")
    lines = ["| lesson | built | parameters | loss | six names that it writes |", "|--:|---|--:|--:|---|"]
    for row in rows[rows.lesson <= lesson].itertuples():
        names = ", ".join(row.names.split())
        lines.append(f"| {row.lesson:02d} | {row.built} | {row.params:,} | {row.val:.3f} | {names} |")
    return Markdown("\n".join(lines))
