"""A scan of a folder of Parquet files from this disk and from S3 on this machine, by millpond and by DuckDB's httpfs.

    python bench/store_scan.py DATA [--runs 3] [--threads 2] [--httpfs PYTHON] [--delay MILLISECONDS]

DATA is made by bench/generate.py (62 million rows: 1 GB). S3 is versitygw on loopback, to which DATA is uploaded; both
ways read the files in its folder, the same pages of the page cache. Each process first reads a file of one row, which
loads clients and opens connections, then scans. Prints seconds of both, the scan's rate, and its CPU seconds a
gigabyte, of the program and of versitygw, which hardly depend on what else the machine does. With one thread on two
cores versitygw has a core of its own, as a store has elsewhere; with two it takes from the scan what it needs.
With --delay each answer of the store comes so much later, as from a store that is far away.
PYTHON has duckdb and duckdb-extension-httpfs 1.5.5: FOLDER/httpfs/bin/python of bench/setup_peers.sh.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "stores"))

import duckdb
from proxy import Proxy, running
from servers import client_of, running_versitygw, s3_options

BUCKET = "scan"
# Every column is read and decoded, and little else is done.
QUERY = "SELECT max(ticker) AS a, max(ts) AS b, max(price) AS c, max(volume) AS d, max(k) AS e FROM {0}"

MILLPOND = """
import json, sys, tempfile, time
import millpond
folder, query, options, threads = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
with tempfile.TemporaryDirectory() as root, millpond.init(
    data_root=root, threads=threads, progress=False, storage_options=options
) as session:
    session.sql("SELECT 1").take_all()
    for path in (f"{folder}/row/*.parquet", f"{folder}/all/*.parquet"):
        begin, cpu = time.perf_counter(), time.process_time()
        session.sql(query.format("f"), f=session.read_parquet(path)).take_all()
        print(time.perf_counter() - begin, time.process_time() - cpu)
"""

HTTPFS = """
import json, sys, time
from pathlib import Path
import duckdb, duckdb_extension_httpfs
folder, query, options, threads = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
file = next(Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension"))
c = duckdb.connect(config={"threads": threads})
c.execute(f"LOAD '{file}'")
address = options["aws_endpoint_url"].removeprefix("http://")
c.execute(f"CREATE SECRET (TYPE s3, KEY_ID '{options['aws_access_key_id']}', "
          f"SECRET '{options['aws_secret_access_key']}', ENDPOINT '{address}', "
          f"URL_STYLE 'path', USE_SSL false, REGION 'us-east-1')")
c.execute("SET enable_progress_bar = false")
c.execute("SELECT 1").fetchall()
for path in (f"{folder}/row/*.parquet", f"{folder}/all/*.parquet"):
    begin, cpu = time.perf_counter(), time.process_time()
    c.execute(query.format(f"'{path}'")).fetchall()
    print(time.perf_counter() - begin, time.process_time() - cpu)
"""


@dataclass
class Scan:
    """Seconds, by the clock and of the processors."""

    first: float
    took: float
    cpu: float
    cpu_of_server: float


def scan(command: list[str], server: int) -> Scan:
    """A row and a scan in a process of its own."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline().split()
        before = cpu_seconds(server)
        took = process.stdout.readline().split()
        of_server = cpu_seconds(server) - before
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command[:1])
    return Scan(float(first[0]), float(took[0]), float(took[1]), of_server)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def delayed(endpoint: str, milliseconds: float) -> Iterator[str]:
    """Where the store answers so much later."""
    if not milliseconds:
        yield endpoint
        return
    with running(Proxy(endpoint, before=lambda *_: time.sleep(milliseconds / 1000))) as address:
        yield address


def upload(data: Path, endpoint: str) -> None:
    """DATA and a file of one row, put by a client as objects are."""
    client = client_of(endpoint)
    client.create_bucket(Bucket=BUCKET)
    files = sorted(data.glob("*.parquet"))
    for file in files:
        client.put_object(Bucket=BUCKET, Key=f"all/{file.name}", Body=file.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        row = Path(folder) / "row.parquet"
        duckdb.sql(f"FROM '{files[0]}' LIMIT 1").write_parquet(str(row))
        client.put_object(Bucket=BUCKET, Key="row/row.parquet", Body=row.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--httpfs", metavar="PYTHON")
    parser.add_argument("--delay", type=float, default=0, metavar="MILLISECONDS")
    arguments = parser.parse_args()
    size = sum(file.stat().st_size for file in arguments.data.glob("*.parquet"))
    # Stores keep connections open; versitygw does if it is told to.
    with (
        tempfile.TemporaryDirectory(dir=arguments.data.parent) as folder,
        running_versitygw(Path(folder), "--keep-alive") as (near, server),
        delayed(near, arguments.delay) as endpoint,
    ):
        upload(arguments.data, near)
        # The gateway's buckets are the folders in its own.
        bucket = Path(folder) / "versitygw" / BUCKET
        programs = {
            "millpond, local": (sys.executable, MILLPOND, str(bucket)),
            "millpond, s3": (sys.executable, MILLPOND, f"s3://{BUCKET}"),
        }
        if arguments.httpfs:
            programs["DuckDB httpfs, s3"] = (arguments.httpfs, HTTPFS, f"s3://{BUCKET}")
        scans: dict[str, list[Scan]] = {name: [] for name in programs}
        for run in range(arguments.runs + 1):
            for name, (python, program, place) in programs.items():
                given = [place, QUERY, json.dumps(s3_options(endpoint)), str(arguments.threads)]
                done = scan([python, "-c", program, *given], server)
                if run:  # The first round warms the caches.
                    scans[name].append(done)
    local = statistics.median(one.took for one in scans["millpond, local"])
    for name, all_scans in scans.items():
        took = statistics.median(one.took for one in all_scans)
        first = statistics.median(one.first for one in all_scans)
        cpu = statistics.median(one.cpu for one in all_scans) / size * 1e9
        of_server = statistics.median(one.cpu_of_server for one in all_scans) / size * 1e9
        shown = " ".join(f"{one.took:.2f}" for one in all_scans)
        print(
            f"{name:18} {took:.2f} s, {size / took / 1e6:.0f} MB/s, {local / took:.2f} of the local rate ({shown}); "
            f"CPU seconds a GB: {cpu:.2f}, versitygw {of_server:.2f}; the row before: {first:.2f} s"
        )


if __name__ == "__main__":
    main()
