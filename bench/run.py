"""Runs benchmark jobs as whole processes, in turn, and prints seconds, peak memory and ratios.

    python bench/run.py DATA [--runs N] [--only NAME] [--python PATH]

DATA is a folder made by bench/generate.py. Each line of the table is one job in one program: the median of N runs,
process start to exit, with the ratio to the first program of the job. Programs take turns, so that a drift of the
machine's speed touches all alike.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JOBS = Path(__file__).parent / "jobs"

# Job, programs (the first is what the others are compared with), further arguments.
TABLE = [
    ("readme", ["duckdb", "polars", "millpond"], []),
    ("shuffle", ["duckdb", "polars", "millpond"], ["64"]),
    ("exchange", ["millpond"], ["64"]),
    ("exchange-8", ["millpond"], ["8"]),
    ("exchange-512", ["millpond"], ["512"]),
    ("small", ["duckdb", "millpond"], []),
]


def run_once(python: str, script: Path, arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of one process."""
    begin = time.perf_counter()
    process = subprocess.Popen([python, str(script), *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{script.name} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, median of {options.runs} runs, input {options.data}\n")
    print(f"{'job':14} {'program':10} {'seconds':>8} {'min':>7} {'max':>7} {'ratio':>6} {'peak MB':>8}")
    for job, programs, extra in TABLE:
        if options.only and options.only != job:
            continue
        measured: dict[str, list[tuple[float, float]]] = {program: [] for program in programs}
        for _ in range(options.runs + 1):
            for program in programs:
                with tempfile.TemporaryDirectory(prefix="millpond-bench-") as folder:
                    script = JOBS / f"{job.split('-')[0]}_{program}.py"
                    arguments = [options.data, f"{folder}/out", f"{folder}/root", *extra]
                    measured[program].append(run_once(options.python, script, arguments))
        base = statistics.median(seconds for seconds, _ in measured[programs[0]][1:])
        for program in programs:
            # The first round warms the caches and is not counted.
            seconds = [one for one, _ in measured[program][1:]]
            median = statistics.median(seconds)
            peak = max(megabytes for _, megabytes in measured[program][1:])
            print(
                f"{job:14} {program:10} {median:8.2f} {min(seconds):7.2f} {max(seconds):7.2f} "
                f"{median / base:6.2f} {peak:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
