"""Input that is read while the function works on what it has."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")

#: How often a reader that waits for room looks whether it is still wanted.
_LOOK_SECONDS = 0.1


def read_ahead(items: Iterator[T], most: int) -> Generator[T, None, None]:
    """The same items, taken by a thread of their own: up to `most` wait, then it stops until one is asked for.

    What `items` raises is raised where the item would have come. When the caller stops early, so does the thread.

    >>> list(read_ahead(iter([1, 2, 3]), 2))
    [1, 2, 3]
    """
    waiting: queue.Queue[tuple[bool, T | BaseException | None]] = queue.Queue(maxsize=most)
    stopped = threading.Event()

    def put(is_item: bool, item: T | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                waiting.put((is_item, item), timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return

    def read() -> None:
        try:
            for item in items:
                put(True, item)
                if stopped.is_set():
                    return
            put(False, None)
        except BaseException as error:
            put(False, error)

    thread = threading.Thread(target=read, name="millpond-read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            is_item, item = waiting.get()
            if is_item:
                yield item  # type: ignore[misc]
            elif isinstance(item, BaseException):
                raise item
            else:
                return
    finally:
        stopped.set()
        thread.join()
