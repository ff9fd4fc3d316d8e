"""Runs benchmark jobs as whole processes, in turn, and prints seconds, peak memory and ratios.

    python bench/run.py DATA [--runs N] [--only JOB ...] [--program PROGRAM=PYTHON ...] [--touch-memory]

DATA is a folder made by bench/generate.py. Each line of the table is one job in one program: the median of N runs,
process start to exit, with the ratio to the first program of the job, and the most memory its processes held together.
Programs take turns, so that a drift of the machine's speed touches all alike. DuckDB, Polars and millpond run in this
Python; others where `--program` names their Python, and are left out where it does not. A job that prints seconds of
its own (tasks, plan, files) is judged by those.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

JOBS = Path(__file__).parent / "jobs"
HERE = ("duckdb", "polars", "millpond")


@dataclass
class Job:
    """One line of the table: scripts `{script}_{program}.py` with further arguments."""

    script: str
    programs: tuple[str, ...]
    arguments: tuple[str, ...] = ()


#: The first program is what the others are compared with.
TABLE = {
    "readme": Job("readme", ("duckdb", "polars", "millpond", "datafusion", "daft", "dask", "spark", "smallpond")),
    "shuffle": Job("shuffle", ("duckdb", "polars", "millpond", "daft", "spark", "smallpond"), ("64",)),
    "exchange": Job("exchange", ("millpond",), ("64",)),
    "exchange-8": Job("exchange", ("millpond",), ("8",)),
    "exchange-512": Job("exchange", ("millpond",), ("512",)),
    "tasks-threads": Job("tasks", ("millpond",), ("threads",)),
    "tasks-procs": Job("tasks", ("millpond",), ("processes",)),
    "plan": Job("plan", ("millpond",)),
    "files": Job("files", ("millpond",)),
    "small": Job("small", ("duckdb", "polars", "millpond", "daft", "smallpond")),
}


def process_tree(root: int) -> list[int]:
    """The process and all below it."""
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                queue += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def resident_bytes(pid: int) -> int:
    """Memory of a process, shared pages divided among those who share them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def watch(root: int, peak: list[int], done: threading.Event) -> None:
    """Keeps the most memory of the process tree until done."""
    while not done.wait(0.1):
        peak[0] = max(peak[0], sum(resident_bytes(pid) for pid in process_tree(root)))


def run_once(python: str, script: Path, arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of one program."""
    begin = time.perf_counter()
    process = subprocess.Popen([python, str(script), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak, done = [0], threading.Event()
    watcher = threading.Thread(target=watch, args=(process.pid, peak, done))
    watcher.start()
    output, errors = process.communicate()
    seconds = time.perf_counter() - begin
    done.set()
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"{script.name} ended with {process.returncode}:\n{errors.decode()[-2000:]}")
    own = re.fullmatch(rb"(\d+\.\d+)\n", output)
    return float(own.group(1)) if own else seconds, peak[0] / 1e6


def touch_free_memory() -> None:
    """Writes to nearly all free memory once and frees it, so that its pages are the machine's own.

    A virtual machine's host takes back pages that lie unused, and a program that then needs many new ones waits for
    each of them: what is measured is the host, and the more the larger the data.
    """
    free = re.search(r"MemFree: *(\d+) kB", Path("/proc/meminfo").read_text())
    if free:
        _ = b"\1" * max(0, int(free.group(1)) * 1024 - 500_000_000)


def run_job(name: str, data: str, runs: int, pythons: dict[str, str], touch_memory: bool) -> None:
    """Prints the lines of one job."""
    job = TABLE[name]
    programs = [program for program in job.programs if program in pythons]
    measured: dict[str, list[tuple[float, float]]] = {program: [] for program in programs}
    for _ in range(runs + 1):
        for program in programs:
            if touch_memory:
                touch_free_memory()
            with tempfile.TemporaryDirectory(prefix="millpond-bench-") as folder:
                arguments = [data, f"{folder}/out", f"{folder}/root", *job.arguments]
                script = JOBS / f"{job.script}_{program}.py"
                measured[program].append(run_once(pythons[program], script, arguments))
    base = None
    for program in programs:
        # The first round warms the caches and is not counted.
        seconds = [one for one, _ in measured[program][1:]]
        median = statistics.median(seconds)
        base = base or median
        peak = max(megabytes for _, megabytes in measured[program][1:])
        print(
            f"{name:14} {program:10} {median:8.2f} {min(seconds):7.2f} {max(seconds):7.2f} "
            f"{median / (base or 1):6.2f} {peak:8.0f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=list(TABLE), default=list(TABLE))
    parser.add_argument("--program", action="append", default=[], metavar="PROGRAM=PYTHON")
    parser.add_argument("--touch-memory", action="store_true", help="write to all free memory before each run")
    options = parser.parse_args()
    pythons = dict.fromkeys(HERE, sys.executable) | dict(text.split("=", 1) for text in options.program)
    print(f"{os.cpu_count()} cores, median of {options.runs} runs, input {options.data}\n")
    print(f"{'job':14} {'program':10} {'seconds':>8} {'min':>7} {'max':>7} {'ratio':>6} {'peak MB':>8}")
    for name in options.only:
        run_job(name, options.data, options.runs, pythons, options.touch_memory)


if __name__ == "__main__":
    main()
