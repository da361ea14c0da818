"""Validate the stored outputs of all notebooks as other processors would compute them, and with one and two threads.

    python tests/processors.py          plain instructions with one thread, AVX2 with two: each of both is tried once
    python tests/processors.py --all    every pair

One line for each setting; a setting that this processor does not have is named, not passed over.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")


def has_avx2() -> bool:
    """Whether this processor runs AVX2. Asked of a process without the variable, which torch would believe unseen."""
    question = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    environment = {name: value for name, value in os.environ.items() if name != "ATEN_CPU_CAPABILITY"}
    answer = subprocess.run(
        [sys.executable, "-c", question], env=environment, capture_output=True, text=True, check=True
    )
    return answer.stdout.strip() in ("AVX2", "AVX512")


def validate(capability: str, threads: int) -> tuple[bool, str]:
    """Run `pytest notebooks` under one setting.

    Returns:
        Whether all of it passed, and pytest's own words.
    """
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability, "OMP_NUM_THREADS": str(threads)}
    # Two notebooks at a time only while each has one thread: more threads than cores are many times slower.
    processes = 2 if threads == 1 else 0
    command = [sys.executable, "-m", "pytest", "notebooks", f"--numprocesses={processes}", "-q", "--tb=short"]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def main() -> int:
    """Print a line for each setting; 1 if one fails."""
    settings = [("default", 1), ("avx2", 2)]
    if "--all" in sys.argv:
        settings = [(capability, threads) for capability in ("default", "avx2") for threads in (1, 2)]
    if not has_avx2():
        print(f"this processor has no AVX2 ({torch.backends.cpu.get_cpu_capability()}): its settings can't be run here")
        settings = [*dict.fromkeys(("default", threads) for _, threads in settings)]
    bad = 0
    for capability, threads in settings:
        begin = time.perf_counter()
        passed, output = validate(capability, threads)
        counts = {what: number for number, what in COUNTS.findall(output.strip().rsplit("\n", 1)[-1])}
        line = f"{counts.get('passed', 0):>4} passed {counts.get('failed', 0):>4} failed"
        others = "".join(f" {number} {what}" for what, number in counts.items() if what not in ("passed", "failed"))
        seconds = time.perf_counter() - begin
        print(f"{capability:<8} {threads} thread{'s'[: threads - 1]:<1} {line}{others} {seconds:6.0f} s", flush=True)
        if not passed:
            bad += 1
            print(output)
    print(f"{len(settings) - bad} of {len(settings)} settings passed")
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
