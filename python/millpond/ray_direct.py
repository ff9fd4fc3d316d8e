"""A short way between a driver and a host of its session on the same machine: the sockets of workers themselves change
hands over a Unix socket in the job's folder, and nothing of what they carry goes through Ray."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")
_MOST_BYTES = 1 << 16
_SECONDS = 5.0


class Door:
    """The driver's end. The job's folder is private to the user, so who comes in is of this session. Thread-safe."""

    def __init__(self, directory: str) -> None:
        self._lock = threading.Lock()
        self._hosts: dict[str, socket.socket] = {}
        self._path = Path(directory) / _name()
        # Messages stay whole, each with its socket.
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A driver that was killed leaves its own.
        for left in Path(directory).glob("hosts-*.socket"):
            left.unlink(missing_ok=True)
        with _short(directory) as place:
            self._listener.bind(f"{place}/{self._path.name}")
        self._path.chmod(0o600)
        self._listener.listen(64)
        self._listener.settimeout(_SECONDS)

    def let_in(self, name: str) -> bool:
        """Whether the host that has knocked under that name is in now."""
        with self._lock, contextlib.suppress(OSError):
            while name not in self._hosts:
                host, _ = self._listener.accept()
                host.settimeout(_SECONDS)
                _, user, _ = _CREDENTIALS.unpack(
                    host.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
                )
                greeting = host.recv(_MOST_BYTES).decode(errors="replace")
                if user == os.getuid():
                    self._hosts[greeting] = host
            return True
        return False

    def hand_over(self, name: str, number: int, arguments: list[str], fd: int) -> bool:
        """Asks a host for a worker that has the socket `fd`; False when the host is not there any more."""
        with self._lock, contextlib.suppress(OSError, KeyError):
            socket.send_fds(self._hosts[name], [json.dumps([number, arguments]).encode()], [fd])
            return True
        return False

    def close(self) -> None:
        """Lets nobody in any more; hosts see that the driver is gone."""
        with self._lock:
            for host in [self._listener, *self._hosts.values()]:
                host.close()
            self._hosts.clear()
        self._path.unlink(missing_ok=True)


def knock(directory: str, name: str) -> socket.socket | None:
    """The host's end; none where the driver is on another machine, or sees other files."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with _short(directory) as place:
            connection.connect(f"{place}/{_name()}")
        connection.sendall(name.encode())
    except OSError:
        connection.close()
        return None
    return connection


def handed_over(connection: socket.socket) -> Iterator[tuple[int, list[str], int]]:
    """Numbers, arguments and sockets of workers that the driver wants, until it is gone."""
    while True:
        try:
            data, fds, _, _ = socket.recv_fds(connection, _MOST_BYTES, 1)
        except OSError:
            return
        if not data or not fds:
            return
        number, arguments = json.loads(data)
        yield number, arguments, fds[0]


def _name() -> str:
    # By the mounts that this process sees. In another container on the machine a path may be another file, so what a
    # task needs must be looked for there first, as on another machine.
    return f"hosts-{Path('/proc/self/ns/mnt').stat().st_ino}.socket"


@contextlib.contextmanager
def _short(directory: str) -> Iterator[str]:
    # A socket's address holds some hundred bytes, a path may have more.
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)
