"""How long a request to a store may take, and how often it is tried again, by `storage_options`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from millpond.errors import InvalidArgumentError

PATIENCE_OPTIONS = ("timeout", "connect_timeout", "max_retries")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_MAX_RETRIES = 100


#: Bytes that the slowest store joins to one object in a second.
_JOINED_A_SECOND = 20 << 20


@dataclass(frozen=True)
class Patience:
    """A request fails for good after at most `(max_retries + 2) * seconds`, and pauses, which double from 25 ms."""

    seconds: float = 10.0  # Without a byte.
    connect_seconds: float = 5.0
    max_retries: int = 5

    def pause_before(self, retry: int) -> float:
        """Seconds before the retry of this number, from 0."""
        return min(0.025 * float(2**retry), self.seconds)


def joined(is_there: Callable[[], bool], num_bytes: int) -> bool:
    """Whether an object whose parts a store may be joining still is there in the end. Waits as long as it may take."""
    until = time.monotonic() + num_bytes / _JOINED_A_SECOND
    while not is_there():
        if time.monotonic() >= until:
            return False
        time.sleep(0.25)
    return True


def patience_of(options: Mapping[str, str]) -> Patience:
    """What `options` say of it."""
    default = Patience()
    return Patience(
        _seconds(options, "timeout", default.seconds),
        _seconds(options, "connect_timeout", default.connect_seconds),
        _retries(options, default.max_retries),
    )


def _seconds(options: Mapping[str, str], name: str, default: float) -> float:
    if name not in options:
        return default
    match = _DURATION.fullmatch(options[name].strip())
    seconds = float(match[1]) * _SECONDS[match[2] or "s"] if match else 0.0
    if seconds <= 0:
        raise InvalidArgumentError(f"storage_options[{name!r}] is no duration", hint='write it as "10s" or "500ms"')
    return seconds


def _retries(options: Mapping[str, str], default: int) -> int:
    text = options.get("max_retries", str(default))
    if not text.isdecimal() or int(text) > _MAX_RETRIES:
        raise InvalidArgumentError(
            "storage_options['max_retries'] is no number of retries", hint=f"give one from 0 to {_MAX_RETRIES}"
        )
    return int(text)
