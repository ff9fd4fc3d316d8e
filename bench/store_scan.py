"""A scan of a folder of Parquet files from this disk and from S3 on this machine, by millpond and by DuckDB's httpfs.

    python bench/store_scan.py DATA [--runs 3] [--httpfs PYTHON]

DATA is made by bench/generate.py (62 million rows: 1 GB). S3 is versitygw over DATA itself, on loopback, so that both
ways read the same pages of the page cache. Prints seconds of the scan alone, in a process that has started, and each
program's rate. PYTHON has duckdb and duckdb-extension-httpfs 1.5.5: FOLDER/httpfs/bin/python of bench/setup_peers.sh.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "stores"))

from servers import s3_options, versitygw

# Every column is read and decoded, and little else is done.
QUERY = "SELECT max(ticker) AS a, max(ts) AS b, max(price) AS c, max(volume) AS d, max(k) AS e FROM {0}"

MILLPOND = """
import json, sys, tempfile, time
import millpond
path, query, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
with tempfile.TemporaryDirectory() as folder, millpond.init(
    data_root=folder, threads=2, progress=False, storage_options=options
) as session:
    session.sql("SELECT 1").take_all()
    begin = time.perf_counter()
    session.sql(query.format("f"), f=session.read_parquet(path)).take_all()
    print(time.perf_counter() - begin)
"""

HTTPFS = """
import json, sys, time
from pathlib import Path
import duckdb, duckdb_extension_httpfs
path, query, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
file = next(Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension"))
c = duckdb.connect(config={"threads": 2})
c.execute(f"LOAD '{file}'")
address = options["aws_endpoint_url"].removeprefix("http://")
c.execute(f"CREATE SECRET (TYPE s3, KEY_ID '{options['aws_access_key_id']}', "
          f"SECRET '{options['aws_secret_access_key']}', ENDPOINT '{address}', "
          f"URL_STYLE 'path', USE_SSL false, REGION 'us-east-1')")
c.execute("SET enable_progress_bar = false")
c.execute("SELECT 1").fetchall()
begin = time.perf_counter()
c.execute(query.format(f"'{path}'")).fetchall()
print(time.perf_counter() - begin)
"""


def seconds(python: str, program: str, path: str, options: dict[str, str]) -> float:
    """One scan in a process of its own."""
    command = [python, "-c", program, path, QUERY, json.dumps(options)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--httpfs", metavar="PYTHON")
    arguments = parser.parse_args()
    size = sum(file.stat().st_size for file in arguments.data.glob("*.parquet"))
    with tempfile.TemporaryDirectory() as folder, versitygw(Path(folder)) as (endpoint, _):
        # The gateway's buckets are the folders in its own.
        (Path(folder) / "versitygw" / "scan").mkdir()
        for file in arguments.data.glob("*.parquet"):
            (Path(folder) / "versitygw" / "scan" / file.name).hardlink_to(file)
        stored, options = "s3://scan/*.parquet", s3_options(endpoint)
        programs = {
            "millpond, local": (sys.executable, MILLPOND, f"{arguments.data}/*.parquet"),
            "millpond, s3": (sys.executable, MILLPOND, stored),
        }
        if arguments.httpfs:
            programs["DuckDB httpfs, s3"] = (arguments.httpfs, HTTPFS, stored)
        taken: dict[str, list[float]] = {name: [] for name in programs}
        for run in range(arguments.runs + 1):
            for name, (python, program, path) in programs.items():
                took = seconds(python, program, path, options)
                if run:  # The first round warms the caches.
                    taken[name].append(took)
    local = statistics.median(taken["millpond, local"])
    for name, all_taken in taken.items():
        took = statistics.median(all_taken)
        shown = " ".join(f"{one:.2f}" for one in all_taken)
        print(f"{name:18} {took:.2f} s, {size / took / 1e6:.0f} MB/s, {local / took:.2f} of the local rate ({shown})")


if __name__ == "__main__":
    main()
