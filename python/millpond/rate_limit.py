"""So many calls a second, over all processes that share a file."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path

_SLOT = struct.Struct("<d")


class RateLimit:
    """Hands out moments, each at least 1/rate seconds after the one before, whoever asks.

    The next free moment stands in a file, changed under a lock, so that workers need no server. Machines that share the
    file must have about the same time.
    """

    def __init__(self, path: Path, per_second: float) -> None:
        self._path = path
        self._gap = 1 / per_second

    def seconds_to_wait(self) -> float:
        """Takes the next free moment and says how long it is until then."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            stored = os.pread(handle, _SLOT.size, 0)
            now = time.time()
            free = _SLOT.unpack(stored)[0] if len(stored) == _SLOT.size else now
            # A clock that was set back must not make everybody wait: nobody queues up for an hour.
            moment = max(now, free) if free - now < 3600 else now
            os.pwrite(handle, _SLOT.pack(moment + self._gap), 0)
            return max(0.0, moment - now)
        finally:
            os.close(handle)
