"""Jobs on a Ray cluster of three hosts that share no storage, compared with plain DuckDB.

    python tests/cluster/run.py [--tpch DATA] [--only tpch:1 tpch:3 …]

Builds the hosts (tests/cluster/hosts.py), starts a Ray head and two workers with token authentication, gives each host
a copy of the input, runs tests/cluster/job.py on the head and, with --tpch (a folder of tests/tpc/generate.sh), all
TPC-H queries spread over the nodes. Needs root. Leaves nothing behind. Exit code 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from hosts import Host, Network

HERE = Path(__file__).parent
RAY = (sys.executable, "-m", "ray.scripts.scripts")


def environment(folder: Path) -> dict[str, str]:
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    env = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "MILLPOND_", "SP_"))}
    return {**env, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token.read_text(), "MILLPOND_RAY_ADDRESS": "auto"}


def start_ray(hosts: list[Host], env: dict[str, str]) -> None:
    head = hosts[0]
    common = ("--num-cpus=2", "--object-store-memory=200000000", "--disable-usage-stats", "--block")
    for host in hosts:
        role = ["--head", "--port=6379", "--include-dashboard=false"]
        if host is not head:
            role = [f"--address={head.address}:6379"]
        host.start("sh", "-c", 'exec "$@" >/tmp/ray-start.log 2>&1', "sh", *RAY, "start",
                   f"--node-ip-address={host.address}", *role, *common, env=env)  # fmt: skip
        if host is head:
            wait_for_nodes(head, 1, env)
    wait_for_nodes(head, len(hosts), env)


def wait_for_nodes(head: Host, count: int, env: dict[str, str]) -> None:
    program = (
        f"import ray, sys; ray.init('{head.address}:6379', log_to_driver=False, logging_level='error'); "
        f"sys.exit(sum(n['Alive'] for n in ray.nodes()) < {count})"
    )
    for _ in range(60):
        done = subprocess.run(
            head.command(sys.executable, "-c", program), env=env, stderr=subprocess.DEVNULL, timeout=120
        )
        if done.returncode == 0:
            return
        time.sleep(1)
    raise RuntimeError(f"the Ray cluster has not {count} nodes after 60 tries")


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


def programs(arguments: argparse.Namespace) -> list[list[str]]:
    runs = [[str(HERE / "job.py"), "/tmp"]]
    if arguments.tpch:
        only = ["--only", *arguments.only] if arguments.only else []
        runs.append(
            [str(HERE.parent / "tpc" / "run.py"), "/tmp/input/tpc", "--runners", "ray", "--partitions", "3", *only]
        )
    return runs


def survives_a_host(hosts: list[Host], env: dict[str, str]) -> bool:
    """Whether a job ends well when the last host dies in the middle of it."""
    command = hosts[0].command(sys.executable, str(HERE / "lose_a_host.py"), "/tmp")
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        first = job.stdout.readline()
        hosts[-1].end()
        rest, _ = job.communicate("gone\n", timeout=300)
    print(f"lose_a_host.py: {first.strip()}, {rest.strip()}, exit code {job.returncode}", flush=True)
    return job.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tpch", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    arguments = parser.parse_args()
    # However it ends, the hosts end with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="millpond-cluster-") as name, Network(3) as network:
        folder = Path(name)
        env = environment(folder)
        (folder / "input").mkdir()
        make_prices(folder / "input" / "prices")
        if arguments.tpch:
            (folder / "input" / "tpc").mkdir()
            subprocess.run(["cp", "-a", str(arguments.tpch / "tpch"), str(folder / "input" / "tpc")], check=True)
        for host in network.hosts:
            copy_input(host, folder / "input")
        start_ray(network.hosts, env)
        failed = 0
        for program in programs(arguments):
            begin = time.monotonic()
            done = subprocess.run(network.hosts[0].command(sys.executable, *program), env=env, timeout=1800)
            print(f"{Path(program[0]).name}: exit code {done.returncode}, {time.monotonic() - begin:.1f} s", flush=True)
            failed += done.returncode != 0
        failed += not survives_a_host(network.hosts, env)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
