"""Jobs on a Ray cluster of three hosts that share no storage, compared with plain DuckDB.

    python tests/cluster/run.py [--shared | --store] [--tpch DATA] [--only tpch:1 tpch:3 …]

Builds the hosts (tests/cluster/hosts.py), starts a Ray head and two workers with token authentication, and gives each
host a copy of the input. On the head run: tests/cluster/job.py; shipped.py, whose module and data file go to the other
hosts; with --tpch (a folder of tests/tpc/generate.sh) all TPC-H queries spread over the nodes; what a user does with a
cluster (operation.py); and a job whose third host dies. With --shared, data between tasks lies in a folder that all
hosts share; with --store, jobs' state and data between tasks lie on an S3 server (moto) on the head, and operation.py
is left out. Needs root. Leaves nothing behind. Exit code 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
from hosts import Host, Network
from operation import OPERATIONS
from ray_cluster import RayCluster
from state_store import BUCKET, store_environment, store_on

HERE = Path(__file__).parent
Operation = Callable[[RayCluster], str]


def make_prices(folder: Path) -> None:
    folder.mkdir()
    for part in range(6):
        duckdb.connect().sql(
            f"COPY (SELECT 'T' || (i * 7 % 50) AS ticker, (i * 31 % 1000) / 4 AS price FROM range({part * 50000}, "
            f"{part * 50000 + 50000}) r(i)) TO '{folder}/prices-{part}.parquet'"
        )


def copy_input(host: Host, folder: Path) -> None:
    # Files with their times: a file that is not the one that was planned is refused.
    packed = subprocess.Popen(["tar", "-C", str(folder), "--format=posix", "-c", "."], stdout=subprocess.PIPE)
    subprocess.run(
        host.command("sh", "-c", "mkdir -p /tmp/input && tar -C /tmp/input -x"),
        stdin=packed.stdout,
        check=True,
        timeout=300,
    )
    if packed.wait() != 0:
        raise RuntimeError("the input could not be packed")


def programs(arguments: argparse.Namespace, folder: str, hosts: list[Host]) -> list[list[str]]:
    places = [f"{host.name}={host.address}" for host in hosts]
    runs = [[str(HERE / "job.py"), folder], [str(HERE / "shipped.py"), folder, *places]]
    if arguments.tpch:
        tpc = [str(HERE.parent / "tpc" / "run.py"), "/tmp/input/tpc", "--runners", "ray", "--partitions", "3"]
        where = ["--data-root", f"{folder}/tpc"] if arguments.store else []
        runs.append([*tpc, *where, *(["--only", *arguments.only] if arguments.only else [])])
    return runs


def survives_a_host(hosts: list[Host], env: dict[str, str], folder: str) -> bool:
    """Whether a job ends well when the last host dies in the middle of it."""
    command = hosts[0].command(sys.executable, str(HERE / "lose_a_host.py"), folder)
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        first = job.stdout.readline()
        hosts[-1].end()
        rest, _ = job.communicate("gone\n", timeout=300)
    print(f"lose_a_host.py: {first.strip()}, {rest.strip()}, exit code {job.returncode}", flush=True)
    return job.returncode == 0


def run_all(cluster: RayCluster, runs: list[list[str]], operations: Sequence[Operation], env: dict[str, str]) -> int:
    failed = 0
    for program in runs:
        begin = time.monotonic()
        done = subprocess.run(cluster.head.command(sys.executable, *program), env=env, timeout=3600)
        print(f"{Path(program[0]).name}: exit code {done.returncode}, {time.monotonic() - begin:.1f} s", flush=True)
        failed += done.returncode != 0
    for work in operations:
        begin = time.monotonic()
        text = work(cluster)
        print(f"{work.__name__}: {text or 'right'}, {time.monotonic() - begin:.1f} s", flush=True)
        failed += bool(text)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tpch", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--shared", action="store_true", help="with the exchange on a folder that all hosts share")
    where.add_argument("--store", action="store_true", help="with data_root on an S3 server")
    arguments = parser.parse_args()
    # However it ends, the hosts end with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    # Shells have what they start in the background ignore Ctrl-C, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Not below /tmp, of which every host has its own.
    with tempfile.TemporaryDirectory(prefix="millpond-cluster-", dir="/var/tmp") as name, Network(3) as network:
        folder = Path(name)
        (folder / "input").mkdir()
        make_prices(folder / "input" / "prices")
        if arguments.tpch:
            (folder / "input" / "tpc").mkdir()
            subprocess.run(["cp", "-a", str(arguments.tpch / "tpch"), str(folder / "input" / "tpc")], check=True)
        for host in network.hosts:
            copy_input(host, folder / "input")
        more = {"TMPDIR": name, "MILLPOND_EXCHANGE": "shared"} if arguments.shared else {}
        if arguments.store:
            more = store_environment(network.hosts[0])
            store_on(network.hosts[0], more)
        root = f"s3://{BUCKET}" if arguments.store else name if arguments.shared else "/tmp"
        operations = () if arguments.store else OPERATIONS
        cluster = RayCluster(network, folder, takes_jobs=bool(operations), **(more if arguments.store else {}))
        cluster.start()
        env = {**cluster.env, **more}
        failed = run_all(cluster, programs(arguments, root, network.hosts), operations, env)
        failed += not survives_a_host(network.hosts, env, root)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
