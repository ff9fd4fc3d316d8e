"""What a running job shows: bars on a terminal or in a notebook, log lines elsewhere, nothing when silent."""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from millpond.errors import InvalidArgumentError
from millpond.settings import from_environment
from millpond.sizes import format_count, format_size

if TYPE_CHECKING:
    from millpond._core import ProgressEvent

_LOGGER = logging.getLogger("millpond")
#: Jobs shorter than this show nothing on a terminal.
_SECONDS_BEFORE_BARS = 0.5
_SECONDS_BETWEEN_LINES = 5.0


class Progress(Protocol):
    """Takes the events of running jobs, from any thread, one at a time."""

    def __call__(self, event: ProgressEvent) -> None: ...

    def close(self) -> None:
        """Leaves the screen as it should stay."""


def make_progress(choice: bool | str | None) -> Progress | None:
    """The display for `progress=`: None or "auto", True or "bar", "log", False or "silent"."""
    if choice is None:
        choice = from_environment("PROGRESS") or "auto"
    if choice is True:
        choice = "bar"
    if choice is False or choice in ("silent", "0", "false"):
        return None
    if choice == "auto":
        choice = "bar" if _is_notebook() or sys.stderr.isatty() else "log"
    if choice == "bar":
        return BarProgress()
    if choice == "log":
        return LogProgress()
    raise InvalidArgumentError(
        f"progress={choice!r} is not known", hint='choose "auto", "bar", "log" or "silent", or True or False'
    )


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class LogProgress:
    """A line through `logging`, at level INFO to the logger "millpond", every few seconds and at a stage's end."""

    def __init__(self) -> None:
        self._last: dict[int, float] = {}

    def __call__(self, event: ProgressEvent) -> None:
        if event.finished:
            _LOGGER.info("job finished in %.1f s", event.seconds)
            self._last.clear()
            return
        now = time.monotonic()
        is_done = event.tasks_done == event.tasks_total
        if is_done or now - self._last.setdefault(event.stage_id, now) >= _SECONDS_BETWEEN_LINES:
            self._last[event.stage_id] = now
            _LOGGER.info("%s: %s", event.stage, describe(event))

    def close(self) -> None:
        self._last.clear()


def describe(event: ProgressEvent) -> str:
    """Tasks, rows and bytes of a stage in a few words."""
    parts = [f"{event.tasks_done}/{event.tasks_total} tasks"]
    if event.rows:
        parts.append(f"{format_count(event.rows)} rows ({format_count(event.rows / max(event.seconds, 1e-3))}/s)")
    if event.bytes:
        parts.append(f"{format_size(event.bytes)} ({format_size(event.bytes / max(event.seconds, 1e-3))}/s)")
    return ", ".join(parts)


class BarProgress:
    """A bar for each stage on stderr or in a notebook, by rich. Gone when the job ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: float | None = None
        self._display: Any = None
        self._bars: dict[int, Any] = {}

    def __call__(self, event: ProgressEvent) -> None:
        with self._lock:
            if event.finished:
                self._end()
                return
            now = time.monotonic()
            if self._started is None:
                self._started = now - event.seconds
            if now - self._started >= _SECONDS_BEFORE_BARS:
                self._show(event)

    def close(self) -> None:
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._started = None
        self._bars.clear()
        if self._display is not None:
            self._display.stop()
            self._display = None

    def _show(self, event: ProgressEvent) -> None:
        if self._display is None:
            self._display = _make_display()
            self._display.start()
        if event.stage_id not in self._bars:
            self._bars[event.stage_id] = self._display.add_task(event.stage, total=event.tasks_total, what="")
        self._display.update(
            self._bars[event.stage_id], completed=event.tasks_done, total=event.tasks_total, what=describe(event)
        )


def _make_display() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[what]}"),
        TimeRemainingColumn(),
        console=Console(stderr=not _is_notebook()),
        transient=True,
    )
