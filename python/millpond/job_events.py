"""The lines of a job's event log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any


def parsed_events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The events; a line that was cut short by a kill is left out."""
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def status_of(events: Iterable[dict[str, Any]]) -> str:
    """How the last run of a job that nobody runs ended, else "unfinished"."""
    last = "unfinished"
    for event in events:
        if event.get("event") == "job_started":
            last = "unfinished"
        elif event.get("event") == "job_finished":
            last = str(event.get("status"))
    return last
