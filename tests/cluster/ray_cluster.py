"""A Ray cluster on the hosts of a Network: the first is its head. It ends with the hosts."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

from hosts import Host, Network

_RAY = (sys.executable, "-m", "ray.scripts.scripts")
_START = ("--disable-usage-stats", "--block")

# Each node by the name of its last start, and nobody else: one that died is there until Ray has noticed it. Without
# ray.init(), since a driver takes long to start.
_WAIT = """
import os, sys, time, ray
from ray._private.state import state
from ray._raylet import GcsClientOptions
options = GcsClientOptions.create(sys.argv[1] + ":6379", None, allow_cluster_id_nil=True, fetch_cluster_id_if_nil=False)
state._initialize_global_state(options)
while sorted(node["NodeName"] for node in ray.nodes() if node["Alive"]) != sys.argv[2:]:
    time.sleep(0.1)
os._exit(0)
"""
# Looks, not seconds: a machine that stands still takes none.
_MOST_LOOKS = 3000
_LOOK_SECONDS = 0.1


class RayCluster:
    """Starts Ray on hosts, with token authentication, and on each `cpus`, `store_bytes` of object store, and a resource
    of the host's name; with `takes_jobs` the head's dashboard, which `ray job submit` talks to. `more` is set in the
    environment of Ray and of programs."""

    def __init__(
        self,
        network: Network,
        folder: Path,
        cpus: int = 2,
        store_bytes: int = 200_000_000,
        takes_jobs: bool = False,
        **more: str,
    ) -> None:
        self.network = network
        self._takes_jobs = takes_jobs
        self._size = (f"--num-cpus={cpus}", f"--object-store-memory={store_bytes}")
        self.env = {**_environment(folder), **more}
        self._starts: dict[str, subprocess.Popen[bytes]] = {}
        self._names: dict[str, str] = {}

    @property
    def head(self) -> Host:
        """The host that programs run on."""
        return self.network.hosts[0]

    def start(self) -> None:
        """Starts Ray on all hosts, and waits until they are one cluster."""
        for host in self.network.hosts:
            self.start_on(host)
            if host is self.head:
                self._wait_for([host])
        self.wait()

    def start_on(self, host: Host) -> None:
        """Starts Ray on a host; returns at once."""
        role = ["--head", "--port=6379", f"--include-dashboard={str(self._takes_jobs).lower()}"]
        if host is not self.head:
            role = [f"--address={self.head.address}:6379"]
        self._names[host.name] = f"{host.name}-{secrets.token_hex(4)}"
        names = (f"--node-ip-address={host.address}", f"--node-name={self._names[host.name]}")
        mark = f'--resources={{"{host.name}": 9}}'
        command = (*_RAY, "start", *names, mark, *self._size, *role, *_START)
        self._starts[host.name] = host.start(
            "sh", "-c", 'exec "$@" >/tmp/ray-start.log 2>&1', "sh", *command, env=self.env
        )

    def wait(self) -> None:
        """Waits until Ray knows every host, and nobody else."""
        self._wait_for(self.network.hosts)

    def _wait_for(self, hosts: list[Host]) -> None:
        waiting: subprocess.Popen[bytes] | None = None
        try:
            for _ in range(_MOST_LOOKS):
                # Ray gives up a start that takes 30 s, as it may beside other work. The head is not there at first.
                for host in hosts:
                    if self._starts[host.name].poll() is not None:
                        if host is self.head and len(hosts) > 1:
                            raise RuntimeError(f"the head of the Ray cluster ended: {self._said([host])}")
                        self._start_again(host)
                        _end(waiting)
                if waiting is None or waiting.poll() is not None:
                    waiting = self._look_for(hosts)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    if waiting.wait(timeout=_LOOK_SECONDS) == 0:
                        return
        finally:
            _end(waiting)
        raise RuntimeError(f"the Ray cluster is not as it should be: {self._said(hosts)}")

    def _look_for(self, hosts: list[Host]) -> subprocess.Popen[bytes]:
        names = sorted(self._names[host.name] for host in hosts)
        command = self.head.command(sys.executable, "-c", _WAIT, self.head.address, *names)
        return subprocess.Popen(command, env=self.env, stderr=subprocess.DEVNULL)

    def _start_again(self, host: Host) -> None:
        for pid in host.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.start_on(host)

    def _said(self, hosts: list[Host]) -> str:
        texts = {host.name: host.folder("/tmp/ray-start.log").read_text()[-500:] for host in hosts}
        return "; ".join(f"{name} said {text!r}" for name, text in texts.items())

    def run(self, *command: str, timeout: float, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs a program on the head; its output is in the result."""
        env = {**self.env, **more}
        return subprocess.run(self.head.command(*command), env=env, timeout=timeout, capture_output=True, text=True)


def _end(program: subprocess.Popen[bytes] | None) -> None:
    if program is not None:
        program.kill()
        program.wait()


def _environment(folder: Path) -> dict[str, str]:
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    # Without TMPDIR: /tmp is what each host has for itself.
    left_out = ("RAY_", "MILLPOND_", "SP_", "TMPDIR")
    env = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    # Ray's workers yield to all else on a machine by default, which makes times here a matter of luck.
    env["RAY_worker_niceness"] = "0"
    return {**env, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token.read_text(), "MILLPOND_RAY_ADDRESS": "auto"}
