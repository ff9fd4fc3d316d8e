"""Waiting for what Ray answers, as long as the session that asks is open."""

from __future__ import annotations

import time
from threading import Event
from typing import Any

import ray

# Whoever closes a session waits about as long for its threads.
_SLICE_SECONDS = 0.5


class ClosedError(Exception):
    """The session was closed meanwhile. No thread may call Ray after the session has left it: that ends the process."""


def answer(asked: Any, seconds: float, closed: Event) -> Any:
    """What an actor's method returned or raised. GetTimeoutError of Ray's after `seconds`; ClosedError."""
    end = time.monotonic() + seconds
    while not closed.is_set():
        left = end - time.monotonic()
        try:
            return ray.get(asked, timeout=max(0.0, min(left, _SLICE_SECONDS)))
        except ray.exceptions.GetTimeoutError:
            if left <= _SLICE_SECONDS:
                raise
    raise ClosedError
