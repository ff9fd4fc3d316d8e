"""Notices that the whole machine stood still (a suspended virtual machine, a frozen group), which no test can bear."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

_LOOK_SECONDS = 0.5


class StandStill:
    """A context manager; `longest` is how many seconds this process got no turn at a stretch."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        last = time.monotonic()
        while not self._is_over.wait(_LOOK_SECONDS):
            now = time.monotonic()
            self.longest = max(self.longest, now - last - _LOOK_SECONDS)
            last = now

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
