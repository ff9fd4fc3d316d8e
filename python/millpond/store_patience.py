"""How long a request to a store may take, and how often it is tried again, by `storage_options`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from millpond.errors import InvalidArgumentError

PATIENCE_OPTIONS = ("timeout", "connect_timeout", "max_retries")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_MAX_RETRIES = 100


@dataclass(frozen=True)
class Patience:
    """A request fails for good after at most `(max_retries + 2) * seconds`, and pauses, which double from 25 ms."""

    seconds: float = 10.0  # Without a byte.
    connect_seconds: float = 5.0
    max_retries: int = 5

    def pause_before(self, retry: int) -> float:
        """Seconds before the retry of this number, from 0."""
        return min(0.025 * float(2**retry), self.seconds)


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
