"""A scan of a folder of Parquet files from this disk and from S3 on this machine, by millpond and by DuckDB's httpfs.

    python bench/store_scan.py DATA [--runs 3] [--httpfs PYTHON]

DATA is made by bench/generate.py (62 million rows: 1 GB). S3 is versitygw over DATA itself, on loopback, so that both
ways read the same pages of the page cache. Prints seconds of the scan alone, in a process that has started, each
program's rate, and the CPU seconds a gigabyte of the program and of versitygw, which hardly depend on what else the
machine does. PYTHON has duckdb and duckdb-extension-httpfs 1.5.5: FOLDER/httpfs/bin/python of bench/setup_peers.sh.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "stores"))

from servers import running_versitygw, s3_options

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
    begin, cpu = time.perf_counter(), time.process_time()
    session.sql(query.format("f"), f=session.read_parquet(path)).take_all()
    print(time.perf_counter() - begin, time.process_time() - cpu)
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
begin, cpu = time.perf_counter(), time.process_time()
c.execute(query.format(f"'{path}'")).fetchall()
print(time.perf_counter() - begin, time.process_time() - cpu)
"""


@dataclass
class Scan:
    """Seconds, by the clock and of the processors."""

    took: float
    cpu: float
    cpu_of_server: float


def scan(python: str, program: str, path: str, options: dict[str, str], server: int) -> Scan:
    """One scan in a process of its own."""
    command = [python, "-c", program, path, QUERY, json.dumps(options)]
    before = cpu_seconds(server)
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout.split()
    return Scan(float(told[0]), float(told[1]), cpu_seconds(server) - before)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--httpfs", metavar="PYTHON")
    arguments = parser.parse_args()
    size = sum(file.stat().st_size for file in arguments.data.glob("*.parquet"))
    # A link from there to DATA needs both on one disk. Stores keep connections open; versitygw does if it is told to.
    with (
        tempfile.TemporaryDirectory(dir=arguments.data.parent) as folder,
        running_versitygw(Path(folder), "--keep-alive") as (endpoint, server),
    ):
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
        scans: dict[str, list[Scan]] = {name: [] for name in programs}
        for run in range(arguments.runs + 1):
            for name, (python, program, path) in programs.items():
                done = scan(python, program, path, options, server)
                if run:  # The first round warms the caches.
                    scans[name].append(done)
    local = statistics.median(one.took for one in scans["millpond, local"])
    for name, all_scans in scans.items():
        took = statistics.median(one.took for one in all_scans)
        cpu = statistics.median(one.cpu for one in all_scans) / size * 1e9
        of_server = statistics.median(one.cpu_of_server for one in all_scans) / size * 1e9
        shown = " ".join(f"{one.took:.2f}" for one in all_scans)
        print(
            f"{name:18} {took:.2f} s, {size / took / 1e6:.0f} MB/s, {local / took:.2f} of the local rate ({shown}); "
            f"CPU seconds a GB: {cpu:.2f}, versitygw {of_server:.2f}"
        )


if __name__ == "__main__":
    main()
