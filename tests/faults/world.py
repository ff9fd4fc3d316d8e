"""What the campaigns share: input, the right answer, driver processes, and what may be left on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

HERE = Path(__file__).parent
ROWS = 1_000_000
RESULT = """
SELECT k, g, count(*) AS c, sum(v)::BIGINT AS s, count(*) * 2 AS d
FROM (SELECT k, v + {shift} AS v, v % 97 AS g FROM read_parquet('{source}')) GROUP BY k, g
"""


class BrokenPromiseError(AssertionError):
    """A promise that was not kept."""


class World:
    """A folder with the input, a data_root and outputs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_root = folder / "jobs"
        self.outputs = folder / "outputs"
        self.outputs.mkdir()
        self.source = folder / "input"
        self.source.mkdir()
        for number in range(6):
            begin, end = ROWS * number // 6, ROWS * (number + 1) // 6
            rows = f"SELECT i % 1009 AS k, (i * 7919) % 100003 AS v FROM range({begin}, {end}) r(i)"
            duckdb.sql(f"COPY ({rows}) TO '{self.source / f'{number}.parquet'}' (FORMAT parquet)")

    def settings(self, output: Path, **more: Any) -> dict[str, Any]:
        """What the driver is told."""
        base = {"data_root": str(self.data_root), "source": str(self.source), "output": str(output)}
        return {**base, "runner": "threads", **more}

    def is_right(self, output: Path, shift: int = 0) -> bool:
        """Whether an output holds exactly the rows that it must."""
        return rows_differ(f"read_parquet('{output}/*.parquet')", self.expected(shift)) == 0

    def expected(self, shift: int = 0) -> str:
        """The right answer, as a query."""
        return "(" + RESULT.format(shift=shift, source=self.source / "*.parquet") + ")"

    def check_output(self, output: Path, older: int | None = None) -> None:
        """Absent or whole: what every reader sees at any moment. `older`: the shift of what is overwritten, which is
        there as long as the new rows are not."""
        if older is not None and not output.exists():
            raise BrokenPromiseError(f"{output} is gone while it is overwritten")
        is_whole = not output.exists() or self.is_right(output) or (older is not None and self.is_right(output, older))
        if not is_whole:
            raise BrokenPromiseError(f"{output} is there but not whole: {[path.name for path in output.iterdir()]}")

    def check_nothing_beside(self, output: Path) -> None:
        """No staging folder and no half output next to an output."""
        others = [path.name for path in output.parent.iterdir() if path.name.startswith(f".{output.name}.")]
        if others:
            raise BrokenPromiseError(f"left behind beside {output.name}: {others}")

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """The job's event log; a line cut short by a kill is left out."""
        path = self.data_root / job_id / "events.jsonl"
        events = []
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return events

    def clean(self) -> None:
        """`millpond clean`, after which no job is left."""
        command = [sys.executable, "-m", "millpond.cli", "clean", "--data-root", str(self.data_root)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        left = sorted(str(path.relative_to(self.data_root)) for path in self.data_root.rglob("*"))
        if left:
            raise BrokenPromiseError(f"left behind in data_root after clean: {left}")


def rows_differ(one: str, other: str) -> int:
    """Rows that stand in one relation more often than in the other."""
    query = "SELECT count(*) FROM ((FROM {} EXCEPT ALL FROM {}) UNION ALL (FROM {} EXCEPT ALL FROM {}))"
    (number,) = duckdb.connect().sql(query.format(one, other, other, one)).fetchall()[0]
    return int(number)


@contextmanager
def driver(settings: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """A driver process; ended, with its workers, when the block is left."""
    command = [sys.executable, str(HERE / "driver.py"), json.dumps(settings)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def children(pid: int) -> list[int]:
    """Processes below a process."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    below, found = {pid}, []
    while fresh := [child for child, parent in parents.items() if parent in below and child not in below]:
        below.update(fresh)
        found += fresh
    return found


def kill(pid: int) -> bool:
    """SIGKILL; False when it was gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pids: list[int], seconds: float) -> None:
    """Orphans have to end by themselves."""
    end = time.monotonic() + seconds
    while alive := [pid for pid in pids if _is_alive(pid)]:
        if time.monotonic() > end:
            raise BrokenPromiseError(f"processes {alive} outlive their driver by {seconds} s")
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False
