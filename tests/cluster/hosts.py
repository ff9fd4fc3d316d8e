"""Hosts that share nothing but the code: network, mount and process namespaces of their own, on one bridge.

Needs root and iproute2. A host's /tmp and /dev/shm are its own, and everything it runs ends with it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

_SET_UP = (
    "mount --make-rprivate / && mount -t tmpfs -o size=2g tmpfs /tmp && mount -t tmpfs -o size=1g tmpfs /dev/shm && "
    "ip link set lo up && exec sleep infinity"
)


def check_possible() -> None:
    """Ends the program with the reason when hosts can't be made here."""
    if os.geteuid() != 0:
        sys.exit("tests/cluster makes network namespaces: run it as root")
    if shutil.which("ip") is None or shutil.which("nsenter") is None:
        sys.exit("tests/cluster needs ip and nsenter: apt-get install iproute2 util-linux")


def run(*command: str) -> None:
    """Runs a command that must succeed."""
    subprocess.run(command, check=True, timeout=60)


class Host:
    """One host; `pid` is its first process, in whose namespaces all others are."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _SET_UP],
            stderr=subprocess.DEVNULL,  # It complains of the signal that ends it.
        )
        self.pid = self._first_process()

    def _first_process(self) -> int:
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        for _ in range(500):
            text = children.read_text().split()
            # It becomes sleep when its folders are its own.
            if text and Path(f"/proc/{text[0]}/comm").read_text().strip() == "sleep":
                return int(text[0])
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._holder.wait(timeout=0.01)
        raise RuntimeError(f"host {self.name} did not start")

    def command(self, *command: str) -> list[str]:
        """The command line that runs a program on this host."""
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-p", "--", *command]

    def start(self, *command: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
        """Starts a program on this host."""
        return subprocess.Popen(self.command(*command), env=env)

    def is_on(self) -> bool:
        """Whether it has not ended."""
        return self._holder.poll() is None

    def processes(self) -> dict[int, str]:
        """Its processes with their command lines, by their numbers here; without the first, and without the dead."""
        mine = Path(f"/proc/{self.pid}/ns/pid").readlink()
        found = {}
        for entry in Path("/proc").iterdir():
            # One that ends meanwhile can't be read.
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and int(entry.name) != self.pid and (entry / "ns/pid").readlink() == mine:
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        return {pid: command for pid, command in found.items() if command}

    def folder(self, path: str) -> Path:
        """One of its folders, as it is seen from here."""
        return Path(f"/proc/{self.pid}/root{path}")

    def end(self) -> None:
        """Ends the host with all that runs on it, as if its power was cut."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._holder.wait(timeout=120)


class Network:
    """Hosts 10.77.0.1, .2 … on a bridge in a namespace of its own. A context manager that leaves nothing."""

    def __init__(self, count: int) -> None:
        check_possible()
        self._switch = Host("switch", "")
        self.hosts: list[Host] = []
        try:
            run(*self._switch.command("ip", "link", "add", "br0", "type", "bridge"))
            run(*self._switch.command("ip", "link", "set", "br0", "up"))
            for number in range(1, count + 1):
                self.hosts.append(self._new_host(number))
        except BaseException:
            self.close()
            raise

    def renew(self, host: Host) -> Host:
        """Ends a host, and puts an empty one in its place."""
        number = self.hosts.index(host) + 1
        host.end()
        # The kernel takes its link away too, but in its own time.
        subprocess.run(
            self._switch.command("ip", "link", "delete", f"port{number}"), stderr=subprocess.DEVNULL, timeout=60
        )
        self.hosts[number - 1] = self._new_host(number)
        return self.hosts[number - 1]

    def cut(self, host: Host, is_cut: bool) -> None:
        """Has all packets from and to a host dropped, without a word to either side; or no more."""
        port = f"port{self.hosts.index(host) + 1}"
        run(*self._switch.command("ip", "link", "set", port, *(("nomaster",) if is_cut else ("master", "br0"))))

    def _new_host(self, number: int) -> Host:
        host = Host(f"host{number}", f"10.77.0.{number}")
        try:
            self._plug_in(host, f"port{number}")
        except BaseException:
            host.end()
            raise
        return host

    def _plug_in(self, host: Host, port: str) -> None:
        # Made here and moved: the hosts have process numbers of their own. Another run may do the same at this moment.
        inside = f"mpx{secrets.token_hex(3)}{port[-1]}"
        run("ip", "link", "add", inside, "type", "veth", "peer", "name", f"{inside}p")
        run("ip", "link", "set", inside, "netns", str(self._switch.pid), "name", port)
        run("ip", "link", "set", f"{inside}p", "netns", str(host.pid), "name", "eth0")
        run(*self._switch.command("ip", "link", "set", port, "master", "br0", "up"))
        run(*host.command("ip", "address", "add", f"{host.address}/24", "dev", "eth0"))
        run(*host.command("ip", "link", "set", "eth0", "up"))

    def close(self) -> None:
        """Ends all hosts; their links go with them."""
        for host in [*self.hosts, self._switch]:
            host.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
