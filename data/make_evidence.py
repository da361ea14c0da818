"""Fill data/evidence/learning_rates.csv and staging.csv: every run behind lesson 06.

    python data/make_evidence.py             say how long it takes, then fill what is missing
    python data/make_evidence.py --forecast  say how long it takes, and stop

Two runs at a time, one thread each. A row is written when its run has ended; stopped at any time, the command goes on where
it was. The claims, and the rule for the verdicts, stand in lib/experiments.py.
"""

import argparse

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
from lib.evidence.sweeps import forecast, run_sweep

SECONDS = {(22_097, 512): 12, (76_579, 512): 22, (22_097, 32): 14}  # about, one core


def seconds_of(row: dict) -> float:
    return SECONDS[row["size"], row["batch"]] * row["epochs"] / (1 if row["batch"] == 32 else 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forecast", action="store_true", help="say how long it takes, and stop")
    only_forecast = parser.parse_args().forecast
    print(forecast(TUNING, planned_tuning(), SETTINGS, seconds_of))
    if not only_forecast:
        run_sweep(TUNING, planned_tuning(), SETTINGS, TUNED, fill_tuning)
    try:
        runs = planned_runs()
    except LookupError as error:
        print(f"{error} The runs take about 50 minutes more.")
        return
    print(forecast(RUNS, runs, SETTINGS, seconds_of))
    if not only_forecast:
        run_sweep(RUNS, runs, SETTINGS, MEASURED, fill_run)


if __name__ == "__main__":
    main()
