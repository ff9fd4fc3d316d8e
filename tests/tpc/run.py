"""All TPC-H and TPC-DS queries, spread over partitions, compared with plain DuckDB over the same files.

    python tests/tpc/run.py DATA [--partitions 1 3 16] [--runners threads processes] [--only tpch:1 tpcds:14]
        [--distribute always] [--memory-limit 2GB] [--min-task-bytes 1MB] [--data-root s3://bucket/jobs]

DATA is a folder made by tests/tpc/generate.sh, with one suite or both. Prints a line for each query that differs, fails
or could not be spread, and, last, how many passed. Exit code 1 when one was not.
"""

from __future__ import annotations

import argparse
import decimal
import json
import math
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import duckdb
import millpond

Row = tuple[Any, ...]

#: Sums of doubles differ in their last digits by the order in which they are added.
RELATIVE = 1e-9


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--partitions", type=int, nargs="+", default=[1, 3, 16])
    parser.add_argument("--runners", nargs="+", default=["threads"], choices=["inline", "threads", "processes", "ray"])
    parser.add_argument("--distribute", default="always", choices=["auto", "always", "never"])
    parser.add_argument("--memory-limit")
    parser.add_argument("--min-task-bytes", default="0", help="0 keeps partitions apart, however small")
    parser.add_argument("--data-root", help="where jobs keep their state (default: a folder that goes at the end)")
    parser.add_argument("--only", nargs="+", default=[], metavar="SUITE:NUMBER")
    parser.add_argument("--explain", action="store_true", help="print each query's steps")
    return parser.parse_args(arguments)


def same(left: object, right: object) -> bool:
    """Whether two values are equal, doubles nearly so."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=RELATIVE, abs_tol=1e-12) or (math.isnan(left) and math.isnan(right))
    if isinstance(left, float) != isinstance(right, float):
        return False
    return left == right


def key(row: Row) -> list[tuple[int, str, float]]:
    """An order of rows in which nearly equal doubles do not change places with anything but each other."""
    parts = []
    for value in row:
        if value is None:
            parts.append((0, "", 0.0))
        elif isinstance(value, int | float | decimal.Decimal):
            parts.append((1, "", float(f"{float(value):.6g}")))
        else:
            parts.append((2, str(value), 0.0))
    return parts


def equal(left: list[Row], right: list[Row]) -> bool:
    """Whether two results hold the same rows, in whatever order."""
    if len(left) != len(right):
        return False
    pairs = zip(sorted(left, key=key), sorted(right, key=key), strict=True)
    return all(len(a) == len(b) and all(map(same, a, b)) for a, b in pairs)


def rows_of(table: Any) -> list[Row]:
    """An Arrow table's rows."""
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True))


class Suite:
    """One suite's tables and queries, and what DuckDB answers."""

    def __init__(self, name: str, folder: Path) -> None:
        """Opens the oracle over the files of `folder`/`name`."""
        self.name = name
        self.files = sorted((folder / name).glob("*.parquet"))
        self.queries: list[str] = json.loads((folder / name / "queries.json").read_text())
        self._oracle = duckdb.connect()
        self._expected: dict[int, list[Row]] = {}
        for file in self.files:
            self._oracle.execute(f"CREATE VIEW {file.stem} AS FROM '{file}'")

    def expected(self, number: int) -> list[Row]:
        """DuckDB's rows of a query."""
        if number not in self._expected:
            self._expected[number] = rows_of(self._oracle.sql(self.queries[number - 1]).to_arrow_table())
        return self._expected[number]


def problem_of(
    session: millpond.Session,
    query: str,
    spread: dict[str, Any],
    tables: dict[str, Any],
    expected: list[Row],
    explain: bool,
) -> str:
    """What is wrong with a query's result; empty when it is right."""
    try:
        frame = session.sql(query, **spread, **tables)
        if explain:
            print(frame.explain())
        rows = rows_of(frame.to_arrow())
    except millpond.MillpondError as error:
        return f"FAILS: {error}"
    return "" if equal(rows, expected) else f"DIFFERS: {len(rows)} rows for {len(expected)}"


def run(suite: Suite, runner: str, folder: str, options: argparse.Namespace) -> tuple[int, int]:
    """Runs a suite's queries under one runner; how many were right, and of how many."""
    right = total = 0
    settings = {"memory_limit": options.memory_limit, "min_task_bytes": options.min_task_bytes}
    with millpond.init(data_root=folder, progress=False, runner=runner, **settings) as session:
        tables = {file.stem: session.read_parquet(str(file)) for file in suite.files}
        for number, query in enumerate(suite.queries, 1):
            if options.only and f"{suite.name}:{number}" not in options.only:
                continue
            for partitions in options.partitions:
                begin = time.perf_counter()
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    spread = {"distribute": options.distribute, "partitions": partitions}
                    problem = problem_of(session, query, spread, tables, suite.expected(number), options.explain)
                total += 1
                right += not problem
                text = "; ".join([problem] * bool(problem) + [str(one.message) for one in caught])
                if text:
                    seconds = time.perf_counter() - begin
                    print(f"{suite.name} {number} in {partitions} on {runner} ({seconds:.1f} s): {text}", flush=True)
    return right, total


def main(arguments: list[str]) -> int:
    """Runs everything. Returns the exit code."""
    options = parse(arguments)
    right = total = 0
    with tempfile.TemporaryDirectory(prefix="millpond-tpc-") as folder:
        names = [name for name in ("tpch", "tpcds") if (options.data / name / "queries.json").exists()]
        for suite in [Suite(name, options.data) for name in names]:
            for runner in options.runners:
                passed, ran = run(suite, runner, options.data_root or folder, options)
                right += passed
                total += ran
    print(f"tpc: {right} passed, {total - right} failed")
    return 0 if right == total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
