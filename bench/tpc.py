"""TPC queries through `session.sql`, against plain DuckDB over the same files, in turns.

    python bench/tpc.py DATA [--suite tpch] [--runs 5] [--distribute auto] [--runner threads] [--partitions N]

DATA is a folder made by tests/tpc/generate.sh. Prints sums of medians, their ratio, the queries with the highest
ratios, and the most that a query takes beyond DuckDB's time. One connection serves all queries, and one session, or
with --distribute always one each; every query is planned and run anew each time, and its rows come back as an Arrow
table.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import duckdb
import millpond

THREADS = 2


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Runs the suite and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--suite", choices=["tpch", "tpcds"], default="tpch")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--distribute", choices=["auto", "always", "never"], default="auto")
    parser.add_argument("--runner", choices=["threads", "processes"], default="threads")
    parser.add_argument("--partitions", type=int)
    parser.add_argument("--plan", action="store_true", help="plan only, against DuckDB's EXPLAIN")
    options = parser.parse_args()
    files = sorted((options.data / options.suite).glob("*.parquet"))
    queries = json.loads((options.data / options.suite / "queries.json").read_text())
    plain = duckdb.connect(config={"threads": THREADS})
    for file in files:
        plain.execute(f"CREATE VIEW {file.stem} AS FROM '{file}'")
    warnings.simplefilter("ignore", millpond.MillpondWarning)
    ours, theirs = [], []
    spread = {"distribute": options.distribute, "partitions": options.partitions}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())

        def opened(scope: contextlib.ExitStack) -> tuple[millpond.Session, dict[str, millpond.DataFrame]]:
            """A session whose workers are there, and its tables."""
            session = scope.enter_context(
                millpond.init(data_root=folder, progress=False, runner=options.runner, threads=THREADS)
            )
            session.sql("SELECT 1").to_arrow()
            return session, {file.stem: session.read_parquet(str(file)) for file in files}

        shared = opened(stack)

        def turn(query: str) -> tuple[float, float]:
            """DuckDB's seconds, then ours."""
            if options.plan:
                session, tables = shared
                return (
                    seconds(lambda: plain.execute("EXPLAIN " + query)),
                    seconds(lambda: session.sql(query, **spread, **tables)),
                )
            plain_seconds = seconds(lambda: plain.sql(query).to_arrow_table())
            with contextlib.ExitStack() as scope:
                # Of a query in steps, an earlier run's steps would be taken.
                session, tables = opened(scope) if options.distribute == "always" else shared
                return plain_seconds, seconds(lambda: session.sql(query, **spread, **tables).recompute().to_arrow())

        for query in queries:
            turn(query)  # The first round warms caches.
            times = [turn(query) for _ in range(options.runs)]
            theirs.append(statistics.median(one for one, _ in times))
            ours.append(statistics.median(one for _, one in times))
    print(f"DuckDB {sum(theirs):.3f} s, millpond {sum(ours):.3f} s, ratio {sum(ours) / sum(theirs):.2f}")
    ratios = sorted(((a / b, a, b, i) for i, (a, b) in enumerate(zip(ours, theirs, strict=True), 1)), reverse=True)
    for ratio, mine, other, number in ratios[:5]:
        print(f"  {options.suite} {number}: {ratio:.2f} ({mine * 1000:.0f} ms for {other * 1000:.0f} ms)")
    print(f"most beyond DuckDB's time: {max(a - b for a, b in zip(ours, theirs, strict=True)) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
