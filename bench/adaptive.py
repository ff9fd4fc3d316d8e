"""What following real sizes saves: each case with and without, in seconds (the least of three), and rows handed on.

    python bench/adaptive.py [ROWS]

- bloom: a tenth of the keys, all over their range, meets facts of ROWS rows (3,000,000 unless told) of 150 bytes.
- empty: a side without rows meets them.
- tiny: 200 partitions of some hundred rows are grouped.
- skew: nine of ten rows have one key, and there is work to do for each after the join.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import millpond

#: The query, options that leave the feature out, and options of both.
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "bloom": (
        "SELECT count(*) AS n, sum(f.v) AS v, min(f.s) AS s FROM facts f JOIN (FROM dims WHERE k % 10 = 3) d USING (k)",
        {"broadcast_limit": 0},
        {"broadcast_limit": 1000, "partitions": 16},
        {},
    ),
    "empty": (
        "SELECT count(*) AS n, sum(f.v) AS v, min(f.s) AS s "
        "FROM facts f JOIN (FROM dims WHERE w * 7 % 13 = 20) d USING (k)",
        {"broadcast_limit": 0},
        {"partitions": 16},
        {},
    ),
    "tiny": (
        "SELECT median(n) AS m, count(*) AS c FROM (SELECT k % 5000 AS g, median(v) AS n FROM few GROUP BY g)",
        {},
        {"partitions": 200},
        {"min_task_bytes": 0},
    ),
    "skew": (
        "SELECT count(*) AS n, min(md5(md5(md5(md5(md5(md5(f.s)))))) || d.w) AS l FROM hot f JOIN dims d USING (k)",
        {},
        {"partitions": 16, "broadcast_limit": 0},
        {"min_task_bytes": 0},
    ),
}


def make_files(folder: Path, rows: int) -> dict[str, str]:
    """Parquet files by table."""
    keys = rows // 2
    tables = {
        "facts": f"""SELECT (range * 7919) % {keys} AS k, range AS v, repeat(md5(range::VARCHAR), 4) AS s
            FROM range({rows})""",
        "dims": f"SELECT range AS k, range % 13 AS w FROM range({keys})",
        "few": "SELECT range AS k, range % 97 AS v FROM range(20000)",
        "hot": f"""SELECT CASE WHEN range % 10 = 0 THEN range % {keys} ELSE 7 END AS k, 'a text of ' || range AS s
            FROM range({rows})""",
    }
    for name, query in tables.items():
        duckdb.sql(f"COPY ({query}) TO '{folder}/{name}.parquet' (ROW_GROUP_SIZE 122880)")
    return {name: f"{folder}/{name}.parquet" for name in tables}


def measure(query: str, files: dict[str, str], options: dict[str, Any], settings: dict[str, Any]) -> tuple[float, int]:
    """Seconds, and rows that tasks handed on."""
    best = float("inf")
    moved = 0
    for _ in range(3):
        with (
            tempfile.TemporaryDirectory() as data,
            millpond.init(data_root=data, runner="processes", progress=False, **settings) as session,
        ):
            tables = {name: session.read_parquet(file) for name, file in files.items() if name in query.split()}
            session.sql(
                "SELECT count(*) AS n FROM t", t=session.read_parquet(files["few"]), distribute="always"
            ).take_all()
            log = Path(session.job_directory) / "events.jsonl"
            before = len(log.read_text().splitlines())
            begin = time.perf_counter()
            session.sql(query, distribute="always", **options, **tables).take_all()
            best = min(best, time.perf_counter() - begin)
            events = [json.loads(line) for line in log.read_text().splitlines()[before:]]
            moved = sum(event["rows_out"] for event in events if event["event"] == "task_finished")
    return best, moved


def main() -> None:
    """Prints a line a case."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder), rows)
        for name, (query, without, both, settings) in CASES.items():
            plain, plain_rows = measure(query, files, {**both, **without}, settings)
            ours, our_rows = measure(query, files, both, {})
            without_it = f"{plain:.2f} s, {plain_rows:,} rows without"
            print(f"{name}: {without_it}; {ours:.2f} s, {our_rows:,} rows with", flush=True)


if __name__ == "__main__":
    main()
