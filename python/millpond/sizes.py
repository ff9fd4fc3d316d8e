"""Sizes in bytes, read from and written for people."""

from __future__ import annotations

import re

from millpond.errors import InvalidArgumentError

_UNITS = {
    "": 1,
    "b": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}


def parse_size(text: str | int | float | None, name: str = "memory_limit") -> int:
    """Bytes from a number or from text such as `"1GB"` (10⁹) or `"1GiB"` (2³⁰). None is 0.

    >>> parse_size("1.5GB"), parse_size("1 GiB"), parse_size(1000)
    (1500000000, 1073741824, 1000)
    """
    if text is None:
        return 0
    if isinstance(text, str):
        match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?)\s*([kmgt]?i?)b?\s*", text.lower())
        if match and match[2] in _UNITS:
            return int(float(match[1]) * _UNITS[match[2]])
    elif isinstance(text, (int, float)) and not isinstance(text, bool) and text >= 0:
        return int(text)
    raise InvalidArgumentError(f"{name}={text!r} is no size", hint='give bytes, or text such as "1GB" or "512MiB"')


def format_size(num_bytes: float) -> str:
    """A size with three digits.

    >>> format_size(999), format_size(1_234_567)
    ('999 B', '1.23 MB')
    """
    size = float(num_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def format_count(count: float) -> str:
    """A count, shortened from a thousand on.

    >>> format_count(42), format_count(336_776), format_count(20_000_000)
    ('42', '337 k', '20 M')
    """
    number = float(count)
    for unit in ("", " k", " M", " G"):
        if abs(number) < 999.5:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g} T"
