"""A job's folder on a node that doesn't see the driver's: it goes with the session's host there, however that ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from millpond.errors import ConflictError

#: What is made in it for the workers.
_FOLDERS = ("exchange", "functions", "temp", "values", "workers")
_MARK = "node of a cluster: "
# An earlier session's host ends so soon after its driver.
_WAIT_SECONDS = 20.0

# Waits for the end of the host, whose lease it shares, and empties the folder unless another node's host is in it; the
# lease goes last, for it says whose the rest is. More than once: workers of the host may be writing while they end.
# A child of a child, since Ray kills the children of an actor with it.
_CLEANER = """
import fcntl, os, shutil, sys, time
if os.fork():
    os._exit(0)
os.setsid()
folder = sys.argv[1]
os.read(int(sys.argv[2]), 1)
try:
    fcntl.flock(int(sys.argv[3]), fcntl.LOCK_EX | fcntl.LOCK_NB)
    for _ in range(50):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.name != "lease":
                os.unlink(entry.path)
        if os.listdir(folder) == ["lease"]:
            os.unlink(folder + "/lease")
            os.rmdir(folder)
            break
        time.sleep(0.1)
except OSError:
    pass
"""


class NodeFolder:
    """The folder, held for the session named `session`; other nodes of that session may hold it too.

    Waits for the hosts of an earlier session to end, and removes what they left. ConflictError when they do not end, or
    when the folder holds what no host has made.
    """

    def __init__(self, directory: Path, session: str) -> None:
        self._directory = directory
        self._lease = _take(directory, session)
        for name in _FOLDERS:
            (directory / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._start_cleaner()

    def _start_cleaner(self) -> None:
        # The cleaner reads until nobody has the other end.
        theirs, ours = os.pipe()
        self._alive: int | None = ours
        try:
            command = [sys.executable, "-I", "-S", "-c", _CLEANER, str(self._directory), str(theirs), str(self._lease)]
            subprocess.run(command, pass_fds=(theirs, self._lease), stdin=subprocess.DEVNULL, check=True, timeout=30)
        finally:
            os.close(theirs)

    def remove(self) -> None:
        """Has the folder removed with all that is in it, unless another node's host uses it. Waits two seconds."""
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None
        end = time.monotonic() + 2
        while self._directory.exists() and time.monotonic() < end:
            time.sleep(0.01)


def _take(directory: Path, session: str) -> int:
    end = time.monotonic() + _WAIT_SECONDS
    while True:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            lease = os.open(directory / "lease", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # An earlier session's cleaner took the folder away just now.
        if _hold(lease, directory, session):
            return lease
        os.close(lease)
        if time.monotonic() > end:
            raise ConflictError(
                f"{directory} is in use by another session on this node",
                hint="wait for it to end, or choose another data_root or job_id",
            )
        time.sleep(0.05)


def _hold(lease: int, directory: Path, session: str) -> bool:
    """Whether the lease is ours now, alone or with other nodes of the session; false when it is to be tried again."""
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if os.pread(lease, 200, 0).decode(errors="replace") != _MARK + session:
            return False
        fcntl.flock(lease, fcntl.LOCK_SH)
    else:
        _check_ours(lease, directory)
        for entry in directory.iterdir():
            if entry.name != "lease":
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        os.ftruncate(lease, 0)
        os.pwrite(lease, (_MARK + session).encode(), 0)
        fcntl.flock(lease, fcntl.LOCK_SH)
    try:
        return os.path.samestat(os.fstat(lease), (directory / "lease").stat())
    except FileNotFoundError:
        return False


def _check_ours(lease: int, directory: Path) -> None:
    # What is here will be removed.
    if os.pread(lease, len(_MARK), 0).decode(errors="replace") == _MARK:
        return
    if others := [entry.name for entry in directory.iterdir() if entry.name != "lease"]:
        if os.fstat(lease).st_size == 0:
            (directory / "lease").unlink()
        raise ConflictError(
            f"{directory} on this node holds what is not this job's data between tasks, such as {others[0]}",
            hint="choose another data_root or job_id, or remove that folder",
        )
