"""A Ray cluster on the hosts of a Network: the first is its head. It ends with the hosts."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

from hosts import Host, Network

_RAY = (sys.executable, "-m", "ray.scripts.scripts")
_START = ("--disable-usage-stats", "--block")

# Each address once, and nobody else: a node that died and came back is known twice until Ray has noticed its death.
_WAIT = """
import os, sys, time, ray
ray.init(sys.argv[1] + ":6379", log_to_driver=False, logging_level="error")
for _ in range(300):
    if sorted(node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]) == sys.argv[2:]:
        os._exit(0)
    time.sleep(0.2)
os._exit(1)
"""


class RayCluster:
    """Starts Ray on hosts, with token authentication, `cpus` and `store_bytes` of object store on each. `more` is set
    in the environment of Ray and of programs."""

    def __init__(
        self, network: Network, folder: Path, cpus: int = 2, store_bytes: int = 200_000_000, **more: str
    ) -> None:
        self.network = network
        self._size = (f"--num-cpus={cpus}", f"--object-store-memory={store_bytes}")
        self.env = {**_environment(folder), **more}

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
        role = ["--head", "--port=6379", "--include-dashboard=false"]
        if host is not self.head:
            role = [f"--address={self.head.address}:6379"]
        host.start("sh", "-c", 'exec "$@" >/tmp/ray-start.log 2>&1', "sh", *_RAY, "start",
                   f"--node-ip-address={host.address}", *self._size, *role, *_START, env=self.env)  # fmt: skip

    def wait(self) -> None:
        """Waits until Ray knows every host, and nobody else."""
        self._wait_for(self.network.hosts)

    def _wait_for(self, hosts: list[Host]) -> None:
        command = [sys.executable, "-c", _WAIT, self.head.address, *(host.address for host in hosts)]
        # The head is not there at first.
        for _ in range(5):
            done = subprocess.run(
                self.head.command(*command), env=self.env, stderr=subprocess.PIPE, timeout=180, text=True
            )
            if done.returncode == 0:
                return
        raise RuntimeError(f"the Ray cluster is not as it should be: {done.stderr}")

    def run(self, *command: str, timeout: float, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs a program on the head; its output is in the result."""
        env = {**self.env, **more}
        return subprocess.run(self.head.command(*command), env=env, timeout=timeout, capture_output=True, text=True)


def _environment(folder: Path) -> dict[str, str]:
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    env = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "MILLPOND_", "SP_"))}
    # Ray's workers yield to all else on a machine by default, which makes times here a matter of luck.
    env["RAY_worker_niceness"] = "0"
    return {**env, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token.read_text(), "MILLPOND_RAY_ADDRESS": "auto"}
