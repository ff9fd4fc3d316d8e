"""Lets every call of a small job to its file system fail, be cut short or kill the process, one after the other.

After each: the output is absent (or the older one), or whole and new; a job that says it succeeded has written. The
same program then runs on a healthy file system under the same job id: it succeeds with the right rows, runs no task
again whose result stands, and leaves nothing but the output, the journal and the report.

    fault_every_call.py              every call, all kinds and modes
    fault_every_call.py --seconds 60 as many as fit, chosen by chance
    fault_every_call.py --only error/io_error@17 --log
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[2]

# A fault plan's beginning and end around the number of the call. "+": all later calls fail too.
KINDS = {
    "io_error": ("io_error@", ""),
    "io_error_for_good": ("io_error@", "+"),
    "out_of_space": ("out_of_space@", ""),
    "out_of_space_for_good": ("out_of_space@", "+"),
    "short_write": ("short_write@", ""),
    "kill_before": ("kill_before@", ""),
    "kill_after": ("kill_after@", ""),
    "power_cut": ("stop@", ""),
}
MODES = ("error", "overwrite", "append")
NEW_ROWS = (1000, 499500, 999000)
OLD_ROWS = (10, 1045, None)
KILLED = 137


@dataclass(frozen=True)
class Case:
    mode: str
    kind: str
    call: int

    @property
    def plan(self) -> str:
        before, after = KINDS[self.kind]
        return f"{before}{self.call}{after}"

    def __str__(self) -> str:
        return f"{self.mode}/{self.kind}@{self.call}"


@dataclass(frozen=True)
class Healthy:
    """What a job without faults does in one mode."""

    calls: int
    tasks: int
    names: frozenset[str]


class Program:
    """A fault_job process, which runs each job in a child of its own."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


class WrongError(Exception):
    """A promise was broken."""


def demand(condition: bool, message: str) -> None:
    if not condition:
        raise WrongError(message)


def write_older_output(output: Path) -> None:
    output.mkdir(parents=True)
    for i in range(2):
        query = f"SELECT 'old' AS key, x AS value FROM range({100 + 5 * i}, {105 + 5 * i}) t(x)"
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(f"COPY ({query}) TO '{output}/old-{i}.parquet'")


def rows_of(files: list[Path], third: str) -> tuple[int, int, int | None]:
    """Rows and sums, by plain DuckDB. Fails when a file isn't whole."""
    names = [str(path) for path in files]
    query = f"SELECT count(*), sum(value)::BIGINT, {third} FROM read_parquet(?)"
    with duckdb.connect(config={"threads": 1}) as connection:
        rows, total, other = connection.execute(query, [names]).fetchall()[0]
    return rows, total, other


def visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


class Trial:
    """One folder in which a job runs, first with a fault and then without."""

    def __init__(self, program: Program, folder: Path, mode: str) -> None:
        self.program = program
        self.folder = folder
        self.mode = mode
        self.output = folder / "out" / "result"
        self.job = folder / "data" / "job"
        (folder / "out").mkdir(parents=True)
        if mode != "error":
            write_older_output(self.output)

    def run(self, plan: str = "", power_cut: bool = False, log: bool = False) -> dict[str, Any]:
        return self.program.run(folder=str(self.folder), mode=self.mode, plan=plan, power_cut=power_cut, log=log)

    def state(self) -> str:
        """What a reader finds: "absent", "old" or "new"; anything else is an error."""
        for entry in visible(self.output.parent):
            demand(entry == self.output, f"a stranger beside the output: {entry.name}")
        if not self.output.exists():
            return "absent"
        files = visible(self.output)
        olds = [path for path in files if path.name.startswith("old-")]
        news = [path for path in files if path not in olds]
        demand(all(path.name.startswith("part-") for path in news), f"strangers in the output: {files}")
        if olds:
            demand(rows_of(olds, "NULL") == OLD_ROWS, "the older output is damaged")
        if not news:
            demand(bool(olds), "the output is an empty folder")
            return "old"
        found = rows_of(news, "sum(double)::BIGINT")
        if self.mode == "append":
            demand(bool(olds), "an append lost the older output")
            # Files are put beside the old ones one by one, the manifest last: each is whole, and rows_of() has read it.
            has_manifest = any(path.name.startswith("._millpond-") for path in self.output.iterdir())
            return "new" if found == NEW_ROWS and has_manifest else "partly"
        demand(not olds, "old and new are mixed")
        demand(found == NEW_ROWS, f"the output holds {found} instead of {NEW_ROWS}")
        return "new"

    def names(self) -> frozenset[str]:
        """What the output holds; a manifest's name depends on the output's path."""
        return frozenset(re.sub("[0-9a-f]{16}", "*", path.name) for path in self.output.iterdir())

    def num_moved(self) -> int:
        """Files that a publish had moved from where their task wrote them when it was stopped."""
        staged = self.output.parent.glob(".result.*/output/part-*")
        appended = self.output.glob("part-*") if self.mode == "append" else []
        return len([*staged, *appended])

    def tasks_run(self, begin: int) -> int:
        lines = (self.job / "events.jsonl").read_bytes()[begin:].decode().splitlines()
        events = [json.loads(line) for line in lines if line]
        return sum(event["event"] == "task_finished" for event in events)

    def log_size(self) -> int:
        path = self.job / "events.jsonl"
        return path.stat().st_size if path.exists() else 0

    def check_faulty(self, report: dict[str, Any], kind: str) -> str:
        state = self.state()
        is_killed = report["exit"] == KILLED
        demand(report["exit"] == 0 or (is_killed and kind.startswith("kill")), f"ended by {report['exit']}")
        if not is_killed and report["status"] == "ok":
            demand(state == "new", f"said to have succeeded, but the output is {state}")
            return state
        if not is_killed:
            status, message = report["status"], report["message"]
            demand(status in ("io_error", "out_of_space"), f"failed with {status}: {message}")
            demand("injected fault" in message, f"failed without the cause: {message}")
            has_run = self.log_size() > 0 and b"job_finished" in (self.job / "events.jsonl").read_bytes()
            demand(not has_run or (self.job / "exchange").is_dir(), "failed, and removed what its tasks had made")
        allowed = ["absent" if self.mode == "error" else "old", "new"]
        # Files are appended one by one. When nothing works any more they can't be taken back until the next run.
        if self.mode == "append" and (is_killed or kind in ("power_cut", "io_error_for_good")):
            allowed.append("partly")
        demand(state in allowed, f"stopped, and the output is {state}")
        return state

    def check_rerun(self, healthy: Healthy, state: str) -> None:
        begin = self.log_size()
        moved = self.num_moved()
        report = self.run()
        demand(report["exit"] == 0, f"the rerun ended by {report['exit']}")
        demand(report["status"] == "ok", f"the rerun failed: {report['status']}: {report['message']}")
        demand(report["shutdown"] == "ok", f"the rerun's shutdown failed: {report['shutdown']}")
        demand(self.state() == "new", f"after the rerun the output is {self.state()}")
        names = self.names()
        demand(names == healthy.names, f"after the rerun the output holds {sorted(names)}")
        done, stood = self.tasks_run(begin), report["recorded"] + moved
        wanted = 0 if state == "new" else healthy.tasks - stood
        demand(done == wanted, f"the rerun ran {done} tasks; {stood} of {healthy.tasks} stood, the output was {state}")
        self.check_nothing_left()

    def check_nothing_left(self) -> None:
        beside = sorted(path.name for path in self.output.parent.iterdir())
        demand(beside == ["result"], f"left beside the output: {beside}")
        kept = sorted(path.name for path in self.job.iterdir())
        demand(kept == ["events.jsonl", "journal"], f"left in the job's folder: {kept}")
        jobs = sorted(path.name for path in self.job.parent.iterdir())
        demand(jobs == ["job"], f"left in data_root: {jobs}")


def measure(program: Program, folder: Path, mode: str, log: bool) -> Healthy:
    trial = Trial(program, folder, mode)
    report = trial.run(log=True)
    demand(report["exit"] == 0 and report["status"] == "ok", f"the job fails without faults: {report}")
    if log:
        print("\n".join(report["log"]))
    demand(trial.state() == "new", f"the job wrote {trial.state()}")
    trial.check_nothing_left()
    return Healthy(report["calls"], trial.tasks_run(0), trial.names())


def try_case(program: Program, folder: Path, case: Case, healthy: Healthy) -> str:
    """What became of the faulty run: "killed", "ok" or an error's code."""
    trial = Trial(program, folder, case.mode)
    report = trial.run(case.plan, power_cut=case.kind == "power_cut")
    state = trial.check_faulty(report, case.kind)
    trial.check_rerun(healthy, state)
    return "killed" if report["exit"] == KILLED else str(report["status"])


class Campaign:
    """Tries cases with several programs at once until there are none left or the time is over."""

    def __init__(self, program: Path, folder: Path, seconds: float) -> None:
        self.program = program
        self.folder = folder
        self.deadline = time.monotonic() + seconds if seconds else float("inf")
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.failures: list[tuple[Case, str]] = []
        self._lock = threading.Lock()

    def measure(self, modes: list[str], log: bool) -> dict[str, Healthy]:
        program = Program(self.program)
        healthy = {mode: measure(program, self.folder / f"healthy-{mode}", mode, log) for mode in modes}
        program.close()
        return healthy

    def run(self, cases: list[Case], healthy: dict[str, Healthy], jobs: int) -> None:
        waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
        for case in cases:
            waiting.put(case)
        threads = [threading.Thread(target=self._work, args=(waiting, healthy)) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, waiting: queue.SimpleQueue[Case], healthy: dict[str, Healthy]) -> None:
        program = Program(self.program)
        while time.monotonic() < self.deadline:
            try:
                case = waiting.get_nowait()
            except queue.Empty:
                break
            folder = self.folder / str(case).replace("/", "-")
            try:
                outcome = try_case(program, folder, case, healthy[case.mode])
            except (WrongError, duckdb.Error, ValueError, OSError) as error:
                outcome = "FAILED"
                with self._lock:
                    self.failures.append((case, f"{type(error).__name__}: {error}"))
                    print(f"{case}: {error}", flush=True)
            else:
                shutil.rmtree(folder)
            with self._lock:
                self.outcomes[(case.kind, outcome)] += 1
        program.close()


def print_summary(campaign: Campaign, healthy: dict[str, Healthy], num_cases: int, seconds: float) -> None:
    for mode, one in healthy.items():
        print(f"mode {mode}: {one.calls} calls, {one.tasks} tasks")
    for kind in KINDS:
        outcomes = {outcome: n for (of, outcome), n in sorted(campaign.outcomes.items()) if of == kind}
        if outcomes:
            print(f"{kind}: " + ", ".join(f"{n} {outcome}" for outcome, n in outcomes.items()))
    tried = sum(campaign.outcomes.values())
    failed = len(campaign.failures)
    print(f"{tried} of {num_cases} faults tried in {seconds:.0f} s")
    print(f"fault_every_call: {tried - failed} passed, {failed} failed")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Lets every call of a small job fail in turn.")
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/tests/fault_job")
    parser.add_argument("--seconds", type=float, default=0, help="stop after this time; cases are then taken by chance")
    parser.add_argument("--seed", type=int, default=None, help="of the order in which cases are taken")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--only", nargs="+", default=[], metavar="MODE/KIND@CALL")
    parser.add_argument("--log", action="store_true", help="show the calls of the job without faults")
    parser.add_argument("--folder", type=Path, default=None, help="where jobs run; those that failed stay there")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="millpond_faults_"))
    campaign = Campaign(arguments.program, folder, arguments.seconds)
    healthy = campaign.measure(arguments.modes, arguments.log)
    cases = [
        Case(mode, kind, call)
        for mode in arguments.modes
        for kind in arguments.kinds
        for call in range(healthy[mode].calls)
    ]
    if arguments.only:
        cases = [case for case in cases if str(case) in arguments.only]
    if arguments.seconds:
        print(f"order: --seed {seed}")
        random.Random(seed).shuffle(cases)
    begin = time.monotonic()
    campaign.run(cases, healthy, arguments.jobs)
    print_summary(campaign, healthy, len(cases), time.monotonic() - begin)
    if campaign.failures:
        print(f"the folders of what failed are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
