"""Fill data/evidence/learning_rates.csv and staging.csv: all runs behind lesson 06.

    python data/make_evidence.py             say how long it takes, then fill what is missing
    python data/make_evidence.py --forecast  say how long it takes, and stop

The claims, and the rule for their verdicts, are in lib/evidence/claims.py; sweeps are described in data/README.md.
"""

from lib.evidence.experiments import (
    MEASURED,
    RUNS,
    SETTINGS,
    TUNED,
    TUNING,
    fill_run,
    fill_tuning,
    planned_runs,
    planned_tuning,
)
from lib.evidence.sweeps import Row, Sweep, run_command

SECONDS = {(22_097, 512): 12, (76_579, 512): 22, (22_097, 32): 14}  # about, one core


def seconds_of(row: Row) -> float:
    return SECONDS[row["size"], row["batch"]] * row["epochs"] / (1 if row["batch"] == 32 else 4)


if __name__ == "__main__":
    run_command(
        __doc__,
        Sweep(TUNING, SETTINGS, TUNED, planned_tuning, fill_tuning, seconds_of),
        Sweep(RUNS, SETTINGS, MEASURED, planned_runs, fill_run, seconds_of),
    )
