"""What tests that hurt a cluster share: a job on it, the right answer, and what may be left on its hosts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
from hosts import Host
from ray_cluster import RayCluster

HERE = Path(__file__).parent
#: Where hosts that share nothing keep data between tasks.
OWN_ROOT = "/tmp/data"
#: Time for a job that is hurt, on a machine that does other things too.
JOB_SECONDS = 240
_ROWS = 120_000
_EXPECTED = "SELECT i, k, name FROM '{0}/rows/*.parquet' JOIN '{0}/names.parquet' USING (k)"
# What a job's processes have in their command lines: workers, cleaners, hosts of a session, the driver.
_OURS = ("millpond.worker", 'lease"', "NodeHost", "chaos_job")


class WrongError(Exception):
    """A promise that was not kept."""


class ClusterWorld:
    """The cluster, the job's input, and a folder that all hosts share."""

    def __init__(self, folder: Path, cluster: RayCluster) -> None:
        self.folder = folder
        self.cluster = cluster
        self.shared_root = str(folder / "jobs")
        (folder / "rows").mkdir()
        (folder / "outputs").mkdir()
        for part in range(6):
            rows = f"SELECT i, i * 7919 % 1009 AS k FROM range({_ROWS * part // 6}, {_ROWS * (part + 1) // 6}) r(i)"
            duckdb.sql(f"COPY ({rows}) TO '{folder}/rows/{part}.parquet'")
        duckdb.sql(f"COPY (SELECT k, 'Name ' || k AS name FROM range(1009) r(k)) TO '{folder}/names.parquet'")

    def driver(self, data_root: str, job_id: str, seconds: float = 0.2) -> subprocess.Popen[bytes]:
        """The job's program on the head; its functions take `seconds` for a batch."""
        settings = {"data_root": data_root, "job_id": job_id, "source": str(self.folder), "seconds": seconds}
        settings["output"] = str(self.folder / "outputs" / job_id)
        return self.start(job_id, "chaos_job.py", json.dumps(settings))

    def start(self, job_id: str, *program: str) -> subprocess.Popen[bytes]:
        """A program of this folder, on the head."""
        command = self.cluster.head.command(sys.executable, str(HERE / program[0]), *program[1:])
        with (self.folder / f"{job_id}.log").open("wb") as log:
            return subprocess.Popen(command, env=self.cluster.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said(self, job_id: str) -> str:
        """What a program wrote."""
        return (self.folder / f"{job_id}.log").read_text().strip()

    def pids(self, host: Host, *words: str) -> list[int]:
        """A host's processes with one of these words in their command lines."""
        return sorted(pid for pid, command in host.processes().items() if any(word in command for word in words))

    def job_folder(self, host: Host, data_root: str, job_id: str) -> Path:
        """Where a host has the job's data."""
        return host.folder(f"{data_root}/{job_id}")

    def events(self, data_root: str, job_id: str) -> list[dict[str, Any]]:
        """The job's event log, as the head has it."""
        path = self.job_folder(self.cluster.head, data_root, job_id) / "events.jsonl"
        events = []
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                events.append(json.loads(line))
            except ValueError:
                continue  # Cut short by a kill.
        return events

    def check_output(self, job_id: str) -> None:
        """Each row once, as DuckDB gives them, and nothing beside them."""
        output = self.folder / "outputs" / job_id
        if not output.exists():
            raise WrongError("the job is done but wrote nothing")
        ours, expected = f"SELECT i, k, name FROM '{output}/*.parquet'", _EXPECTED.format(self.folder)
        query = f"SELECT count(*) FROM (({ours} EXCEPT ALL {expected}) UNION ALL ({expected} EXCEPT ALL {ours}))"
        ((different,),) = duckdb.connect().sql(query).fetchall()
        if different:
            raise WrongError(f"{different} rows are lost, doubled or wrong")
        if beside := [path.name for path in output.parent.iterdir() if path.name.startswith(".")]:
            raise WrongError(f"left beside the output: {beside}")

    def clean(self, data_root: str, job_id: str) -> None:
        """`millpond clean` on the driver's machine, for a job that is not to go on."""
        command = (sys.executable, "-m", "millpond.cli", "clean", "--data-root", data_root, job_id)
        if (done := self.cluster.run(*command, timeout=60)).returncode != 0:
            raise WrongError(f"millpond clean: {done.stderr}")

    def check_nothing_left(self, data_root: str, job_id: str, seconds: float = 30) -> None:
        """No process of the job on any host after so long, and no file but those to go on with, on the head."""
        end = time.monotonic() + seconds
        while left := self._left(data_root, job_id):
            if time.monotonic() > end:
                raise WrongError(f"left behind: {'; '.join(left)}")
            time.sleep(0.2)

    def _left(self, data_root: str, job_id: str) -> list[str]:
        left = []
        for host in self.cluster.network.hosts:
            if not host.is_on():
                continue
            left += [f"{host.name} runs {host.processes().get(pid, '')[-120:]}" for pid in self.pids(host, *_OURS)]
            is_drivers = host is self.cluster.head or data_root == self.shared_root
            folder = self.job_folder(host, data_root, job_id)
            if folder.exists():
                found = {path.name for path in folder.iterdir()}
                left += [f"{host.name} has {folder}: {sorted(found)}"] if not is_drivers else []
                files = sorted(found - {"journal", "events.jsonl"})
                left += [f"{host.name} has {files} in {folder}"] if is_drivers and files else []
        return left
