"""Runs benchmark jobs as whole processes, in turn, and prints seconds, peak memory and ratios.

    python bench/run.py DATA [--against DATA4] [--runs N] [--only JOB ...] [--programs PROGRAM ...]
        [--program PROGRAM=PYTHON ...] [--fill-cache]

DATA is a folder made by bench/generate.py. Each line of the table is one job in one program: the median of N runs,
process start to exit, with the ratio to the first program of the job, and the most memory its processes held together.
Before each run its input is read into the page cache. Programs take turns, so that a drift of the machine's speed
touches all alike. DuckDB, Polars and millpond run in this Python; others where `--program` names their Python, and are
left out where it does not. A job that prints seconds of its own (tasks, plan, files) is judged by those.

`--against` runs each job over a second data set, too, in turn with the first, and prints by how much its time and its
peak memory (medians) are larger.
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
from typing import IO

JOBS = Path(__file__).parent / "jobs"
HERE = ("duckdb", "polars", "millpond")
#: Nothing that is measured reports home, nor waits for that.
QUIET = {"DO_NOT_TRACK": "true", "DAFT_ANALYTICS_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}


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
    "ray-start": Job("ray", ("millpond",), ("start",)),
    "ray-readme": Job("ray", ("millpond",), ("readme",)),
    "ray-shuffle": Job("ray", ("millpond",), ("shuffle",)),
    "ray-tasks": Job("ray", ("millpond",), ("tasks",)),
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
    """Keeps the most memory of the process tree until done.

    A look takes the longer the larger the processes are, so the wait is a multiple of it: often enough for a job of
    half a second, and at most a fiftieth of a core.
    """
    pause = 0.02
    while not done.wait(pause):
        begin = time.perf_counter()
        peak[0] = max(peak[0], sum(resident_bytes(pid) for pid in process_tree(root)))
        pause = max(0.02, 50 * (time.perf_counter() - begin))


def run_once(python: str, script: Path, arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of one program."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [python, str(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **QUIET},
    )
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


def fill_free_memory(cache: IO[bytes]) -> None:
    """Fills free memory with clean page cache, as it is on a machine that has run for a while.

    A virtual machine's host takes back pages that lie free, and a program that then needs many new ones waits some 8 µs
    for each: what is measured is the host, and the more the larger the data. Page cache stays with the machine, and
    the kernel gives it away at once. `cache` is a temporary file that only grows, and has no blocks on the disk.
    """
    free = re.search(r"MemFree: *(\d+) kB", Path("/proc/meminfo").read_text())
    if free is None:
        return
    end = os.fstat(cache.fileno()).st_size
    cache.truncate(end + max(0, int(free.group(1)) * 1024 - 500_000_000))
    cache.seek(end)
    while cache.read(1 << 24):
        pass


def read_input(data: str) -> None:
    """Has the input in the page cache, which what earlier runs wrote, or the filling, may have driven out of it."""
    for path in sorted(Path(data).rglob("*.parquet")):
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass


def measure(
    job: Job, inputs: list[str], runs: int, pythons: dict[str, str], cache: IO[bytes] | None
) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Seconds and peak megabytes of each run, by program and input; they take turns."""
    programs = [program for program in job.programs if program in pythons]
    measured: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for turn in range(runs + 1):
        for program in programs:
            for data in inputs:
                if cache:
                    fill_free_memory(cache)
                read_input(data)
                with tempfile.TemporaryDirectory(prefix="millpond-bench-") as folder:
                    arguments = [data, f"{folder}/out", f"{folder}/root", *job.arguments]
                    one = run_once(pythons[program], JOBS / f"{job.script}_{program}.py", arguments)
                # The first round warms the caches and is not counted.
                if turn > 0:
                    measured.setdefault((program, data), []).append(one)
    return measured


def run_job(name: str, inputs: list[str], runs: int, pythons: dict[str, str], cache: IO[bytes] | None) -> None:
    """Prints the lines of one job."""
    measured = measure(TABLE[name], inputs, runs, pythons, cache)
    base = None
    for (program, data), results in measured.items():
        seconds = [one for one, _ in results]
        median = statistics.median(seconds)
        base = base or median
        print(
            f"{name:14} {program:10} {median:8.2f} {min(seconds):7.2f} {max(seconds):7.2f} "
            f"{median / (base or 1):6.2f} {max(megabytes for _, megabytes in results):8.0f}"
            + (f"  {data}" if len(inputs) > 1 else ""),
            flush=True,
        )
    if len(inputs) > 1:
        for program in dict.fromkeys(program for program, _ in measured):
            print_growth(name, program, *(measured[program, data] for data in inputs))


def print_growth(name: str, program: str, small: list[tuple[float, float]], large: list[tuple[float, float]]) -> None:
    """By how much the medians of the second input are larger."""
    seconds, peak = (
        statistics.median(second) / statistics.median(first)
        for first, second in zip(zip(*small, strict=True), zip(*large, strict=True), strict=True)
    )
    print(f"{name:14} {program:10} {seconds:.2f} times the time, {peak:.2f} times the memory", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=list(TABLE), default=list(TABLE))
    parser.add_argument("--programs", nargs="*", metavar="PROGRAM", help="these programs only")
    parser.add_argument("--program", action="append", default=[], metavar="PROGRAM=PYTHON")
    parser.add_argument("--against", metavar="DATA4", help="a second data set: each job runs over both, in turns")
    parser.add_argument(
        "--fill-cache",
        action="store_true",
        help="fill free memory with clean page cache before each run: a virtual machine's host takes back pages that "
        "lie free, and each costs 8 µs when it is needed again. Needs a TMPDIR on a disk",
    )
    options = parser.parse_args()
    pythons = dict.fromkeys(HERE, sys.executable) | dict(text.split("=", 1) for text in options.program)
    if options.programs:
        pythons = {program: pythons[program] for program in options.programs}
    inputs = [options.data, options.against] if options.against else [options.data]
    print(f"{os.cpu_count()} cores, median of {options.runs} runs, input {' and '.join(inputs)}\n")
    print(f"{'job':14} {'program':10} {'seconds':>8} {'min':>7} {'max':>7} {'ratio':>6} {'peak MB':>8}")
    with tempfile.TemporaryFile(prefix="millpond-bench-cache-", buffering=0) as cache:
        for name in options.only:
            run_job(name, inputs, options.runs, pythons, cache if options.fill_cache else None)


if __name__ == "__main__":
    main()
