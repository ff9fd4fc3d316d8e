"""A partitioned job over more data than may be in memory: peak memory, seconds, and rows against plain DuckDB.

    python tests/memory/bounded_memory.py --megabytes 5600 --memory-limit 1GB

Makes Parquet files of about that size that hardly compress, in a temporary folder that is removed at the end. A
process of its own deals the rows by hash, aggregates, sorts each partition and writes all rows; its peak resident
memory is what the operating system says.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
from millpond.sizes import format_size, parse_size

#: Bytes of a row in Parquet: a key, a number and 32 hexadecimal digits.
ROW_BYTES = 46
ROWS_A_FILE = 2_000_000
PARTITIONS = 32
#: What a process holds beside the rows: Python, pyarrow, DuckDB and their code.
FIXED_BYTES = 250_000_000

JOB = """
import json, sys, warnings, millpond
folder, memory_limit, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
with millpond.init(data_root=folder + "/root", memory_limit=memory_limit, threads=2, progress=False) as session:
    rows = session.read_parquet(folder + "/input/*.parquet")
    dealt = rows.repartition(partitions, hash_by="k")
    sums = dealt.partial_sql("SELECT k, count(*) AS n, sum(i) AS s FROM {0} GROUP BY k")
    session.wait(
        sums.map("k, n, s::DECIMAL(38, 0) AS s").write_parquet_lazy(folder + "/sums"),
        dealt.partial_sort("text").write_parquet_lazy(folder + "/sorted"),
    )
    with open(session.job_directory + "/events.jsonl") as lines:
        spilled = sum(json.loads(line).get("spill_bytes", 0) for line in lines)
print(json.dumps({"spilled": spilled}))
"""

ROWS_CHECKSUM = "SELECT count(*), sum(i)::VARCHAR, bit_xor(hash(i, k, text)) FROM "
SUMS_CHECKSUM = "SELECT count(*), sum(n)::VARCHAR, sum(s)::VARCHAR, bit_xor(hash(k, n, s)) FROM "


def make_input(folder: Path, num_bytes: int) -> int:
    """Writes the files; gives how many rows they hold."""
    folder.mkdir()
    rows = num_bytes // ROW_BYTES
    connection = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(folder / "spill")})
    for number, begin in enumerate(range(0, rows, ROWS_A_FILE)):
        end = min(rows, begin + ROWS_A_FILE)
        connection.execute(
            f"COPY (SELECT i, hash(i) % {max(rows // 50, 1)} AS k, "
            f"printf('%016x%016x', hash(i, 1)::UBIGINT, hash(i, 2)::UBIGINT) AS text FROM range({begin}, {end}) r(i)) "
            f"TO '{folder}/part-{number:05}.parquet' (FORMAT parquet)"
        )
    return rows


def figures(folder: Path, query: str) -> tuple[object, ...]:
    """The only row of a query in plain DuckDB."""
    with tempfile.TemporaryDirectory(dir=folder) as spill:
        connection = duckdb.connect(config={"memory_limit": "2GB", "temp_directory": spill})
        row = connection.execute(query).fetchone()
        assert row is not None
        return row


def check_output(folder: Path) -> None:
    """Every row is there once, every group is right, and partitions are sorted."""
    given = figures(folder, f"{ROWS_CHECKSUM} '{folder}/input/*.parquet'")
    assert figures(folder, f"{ROWS_CHECKSUM} '{folder}/sorted/*.parquet'") == given, "other rows came out than went in"
    plain = f"(SELECT k, count(*) AS n, sum(i)::DECIMAL(38, 0) AS s FROM '{folder}/input/*.parquet' GROUP BY k)"
    assert figures(folder, f"{SUMS_CHECKSUM} '{folder}/sums/*.parquet'") == figures(folder, f"{SUMS_CHECKSUM} {plain}")
    for file in sorted((folder / "sorted").glob("part-*.parquet"))[:3]:
        text = pq.read_table(file, columns=["text"])["text"]
        assert pc.all(pc.less_equal(text[:-1], text[1:])).as_py(), f"{file} is not sorted"


def main() -> int:
    """Runs the job and its checks. 1 when it took more memory than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--memory-limit", default="100MB")
    parser.add_argument("--folder", help="where the temporary folder is made")
    arguments = parser.parse_args()
    limit = parse_size(arguments.memory_limit)
    with tempfile.TemporaryDirectory(prefix="millpond-memory-", dir=arguments.folder) as name:
        folder = Path(name)
        rows = make_input(folder / "input", arguments.megabytes * 10**6)
        size = sum(file.stat().st_size for file in (folder / "input").glob("*.parquet"))
        begin = time.monotonic()
        job = [sys.executable, "-c", JOB, name, arguments.memory_limit, str(PARTITIONS)]
        done = subprocess.run(job, stdout=subprocess.PIPE, text=True, check=True)
        seconds = time.monotonic() - begin
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        check_output(folder)
    spilled = json.loads(done.stdout)["spilled"]
    most = limit + FIXED_BYTES
    print(
        f"{rows:,} rows, {format_size(size)} of Parquet, memory_limit {arguments.memory_limit}: {seconds:.0f} s, "
        f"peak resident memory {format_size(peak)} (at most {format_size(most)}), spilled {format_size(spilled)}; "
        "rows are right"
    )
    return 0 if peak <= most else 1


if __name__ == "__main__":
    sys.exit(main())
