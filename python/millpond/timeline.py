"""A job's event log as a timeline that browsers show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from millpond.jobs import JobFolder


def write_timeline(job_directory: Path, target: Path) -> None:
    """Writes the finished tasks of a job in Chrome's trace format: a row for each worker, a bar for each attempt."""
    events = [_bar(event) for event in JobFolder(job_directory).events() if event.get("event") == "task_finished"]
    target.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}), encoding="utf-8")


def _bar(event: dict[str, Any]) -> dict[str, Any]:
    seconds = float(event.get("seconds", 0))
    shown = (
        "stage",
        "partition",
        "attempt",
        "status",
        "message",
        "rows_in",
        "rows_out",
        "bytes_out",
        "peak_memory_bytes",
    )
    return {
        "name": f"{event.get('name', 'task')} {event.get('partition', '')}",
        "cat": str(event.get("status", "")),
        "ph": "X",
        "ts": (float(event["time"]) - seconds) * 1e6,
        "dur": seconds * 1e6,
        "pid": 0,
        "tid": str(event.get("worker") or "driver"),
        "args": {name: event[name] for name in shown if name in event},
    }
