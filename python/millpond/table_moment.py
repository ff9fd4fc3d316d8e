"""The moments that tables are read as of."""

from __future__ import annotations

import datetime


def moment_of(timestamp: datetime.datetime | str) -> datetime.datetime:
    """A moment with its zone, which is the machine's where none is told."""
    moment = datetime.datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else timestamp
    return moment if moment.tzinfo else moment.astimezone()
