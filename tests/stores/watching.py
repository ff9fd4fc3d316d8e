"""Readers that look at what is being written, again and again, until they are stopped."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Watching:
    """A thread for each look, while the `with` lasts. What they see and find wrong is kept."""

    def __init__(self, *looks: Callable[[], None]) -> None:
        """A look goes on until `stopped` is set."""
        self.seen: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.stopped = threading.Event()
        self._threads = [threading.Thread(target=self._look, args=[look]) for look in looks]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join()

    def _look(self, look: Callable[[], None]) -> None:
        try:
            look()
        except Exception as error:
            self.wrong.append(f"a reader ended: {type(error).__name__}: {error}")
