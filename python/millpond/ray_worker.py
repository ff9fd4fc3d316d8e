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

#: What a node says of its workers: (number, bytes, "", False) or, at the end of one, (number, None, how it ended,
#: whether the node's memory was used up).
Report = tuple[int, bytes | None, str, bool]
#: A file that a task needs: path, who has it (the number of a node, or an object of Ray's), bytes.
Need = tuple[str, Any, int]
Prepare = Callable[[bytes, list[Need]], bytes | None]

_READ = 1 << 18
_LOG_TAIL = 2000


class WorkerProcess:
    """A running worker that has the socket `fd`. Its end goes to `report`."""

    def __init__(self, number: int, command: list[str], log: Path, fd: int, report: Callable[[Report], None]) -> None:
        self._number = number
        self._log = log
        self._report = report
        self._is_killed = False
        self._kills_before = _memory_kills()
        with os.fdopen(_private(log), "ab") as output:
            self._process = subprocess.Popen(
                [*command, str(fd)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[fd],
                start_new_session=True,
            )
        threading.Thread(target=self._follow, name=f"worker-{number}", daemon=True).start()

    def send(self, data: bytes, needs: list[Need]) -> None:
        """Nothing: the driver has the other end of the socket."""

    def kill(self) -> None:
        """Ends it with all that it started."""
        self._is_killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Waits two seconds at most for its end."""
        self._has_ended()

    def _has_ended(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
            return True
        return False

    def _follow(self) -> None:
        self._process.wait()
        self._tell_end()

    def _tell_end(self) -> None:
        code = self._process.wait()
        was_memory = code == -signal.SIGKILL and not self._is_killed and _memory_kills() > self._kills_before
        # What it started in its own group ends with it.
        self.kill()
        self._report((self._number, None, _how(code) + self._tail(), was_memory))

    def _tail(self) -> str:
        with contextlib.suppress(OSError):
            text = self._log.read_bytes()[-_LOG_TAIL:].decode(errors="replace").strip()
            return f"; the end of its output:\n{text}\n" if text else ""
        return ""


class RelayedWorker(WorkerProcess):
    """A worker whose driver is elsewhere: what it says goes to `report`, too; `prepare` may answer a frame for it."""

    def __init__(
        self, number: int, command: list[str], log: Path, report: Callable[[Report], None], prepare: Prepare
    ) -> None:
        self._prepare = prepare
        self._outgoing: queue.SimpleQueue[tuple[bytes, list[Need]] | None] = queue.SimpleQueue()
        self._socket, theirs = socket.socketpair()
        with theirs:
            super().__init__(number, command, log, theirs.fileno(), report)
        threading.Thread(target=self._write, name=f"worker-{number}-orders", daemon=True).start()

    def send(self, data: bytes, needs: list[Need]) -> None:
        """Passes frames on, in order; those that need files wait for them without holding the caller up."""
        self._outgoing.put((data, needs))

    def _follow(self) -> None:
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
                self._report((self._number, whole, "", False))
        if not self._has_ended():
            self.kill()
        self._tell_end()
        self._outgoing.put(None)
        self._socket.close()

    def _write(self) -> None:
        while item := self._outgoing.get():
            data, needs = item
            answer = self._prepare(data, needs)
            if answer is not None:
                self._report((self._number, answer, "", False))
                continue
            with contextlib.suppress(OSError):
                self._socket.sendall(data)


def _memory_kills() -> int:
    """Processes that the kernel has ended for want of memory since it started."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _how(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed by signal {-code}"
