"""One worker process on a node, and its socket: the same program that the processes runner starts on this machine."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from millpond.ray_frames import FrameReader
from millpond.worker import worker_command

Report = Callable[[tuple[int, bytes | None, str]], None]
Prepare = Callable[[bytes, list[tuple[str, Any, int]]], bytes | None]

_READ = 1 << 18
_LOG_TAIL = 2000


class NodeWorker:
    """A running worker. What it says goes to `report`, its end too; `prepare` may answer a frame in its place."""

    def __init__(self, number: int, arguments: list[str], log: Path, report: Report, prepare: Prepare) -> None:
        self._number = number
        self._log = log
        self._report = report
        self._prepare = prepare
        self._outgoing: queue.SimpleQueue[tuple[bytes, list[tuple[str, Any, int]]] | None] = queue.SimpleQueue()
        ours, theirs = socket.socketpair()
        self._socket = ours
        with theirs, os.fdopen(_private(log), "ab") as output:
            self._process = subprocess.Popen(
                [*worker_command(), *arguments, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        for work in (self._read, self._write):
            threading.Thread(target=work, name=f"worker-{number}", daemon=True).start()

    def send(self, data: bytes, needs: list[tuple[str, Any, int]]) -> None:
        """Passes a frame on, in order; one that needs files waits for them without holding the caller up."""
        self._outgoing.put((data, needs))

    def kill(self) -> None:
        """Ends it with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Waits two seconds at most for its end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)

    def _read(self) -> None:
        frames = FrameReader()
        while True:
            try:
                data = self._socket.recv(_READ)
            except OSError:
                data = b""
            if not data:
                break
            # Whole frames only: another answer may come between them.
            if whole := b"".join(frames.add(data)):
                self._report((self._number, whole, ""))
        self.wait()
        # What it started in its own group ends with it.
        self.kill()
        self._report((self._number, None, _how(self._process.wait()) + self._tail()))
        self._outgoing.put(None)
        self._socket.close()

    def _write(self) -> None:
        while item := self._outgoing.get():
            data, needs = item
            answer = self._prepare(data, needs)
            if answer is not None:
                self._report((self._number, answer, ""))
                continue
            with contextlib.suppress(OSError):
                self._socket.sendall(data)

    def _tail(self) -> str:
        with contextlib.suppress(OSError):
            text = self._log.read_bytes()[-_LOG_TAIL:].decode(errors="replace").strip()
            return f"; the end of its output:\n{text}\n" if text else ""
        return ""


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _how(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed by signal {-code}"
