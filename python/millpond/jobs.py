"""Jobs by what they left on disk: listed, summarized, removed."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millpond.errors import ConflictError
from millpond.settings import from_environment


def default_data_root() -> Path:
    """Where jobs lie when nobody says otherwise: MILLPOND_DATA_ROOT, SP_DATA_ROOT or ~/.millpond/data."""
    return Path(from_environment("DATA_ROOT") or "~/.millpond/data").expanduser()


@dataclass(frozen=True)
class JobFolder:
    """A job's folder below data_root."""

    path: Path

    @property
    def job_id(self) -> str:
        """The job's name."""
        return self.path.name

    @property
    def last_used(self) -> float:
        """When something was last done in it, seconds since the epoch."""
        times = [entry.stat().st_mtime for entry in os.scandir(self.path)]
        return max([*times, self.path.stat().st_mtime])

    @property
    def num_bytes(self) -> int:
        """What its files hold on disk."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                try:
                    total += (Path(folder) / name).lstat().st_size
                except FileNotFoundError:
                    continue  # A live job removes files all the time.
        return total

    def events(self) -> Iterator[dict[str, Any]]:
        """The lines of the event log; a line that was cut short by a kill is left out."""
        try:
            with (self.path / "events.jsonl").open(encoding="utf-8") as lines:
                for line in lines:
                    try:
                        yield json.loads(line)
                    except ValueError:
                        continue
        except FileNotFoundError:
            return

    @property
    def status(self) -> str:
        """ "running", else how its last run ended, else "unfinished"."""
        with self.lease() as is_ours:
            if not is_ours:
                return "running"
        last = "unfinished"
        for event in self.events():
            if event.get("event") == "job_started":
                last = "unfinished"
            elif event.get("event") == "job_finished":
                last = str(event.get("status"))
        return last

    @contextmanager
    def lease(self) -> Iterator[bool]:
        """Holds the job's lease, so that no driver starts it; gives False when a live one has it."""
        try:
            file = (self.path / "lease").open("rb")
        except FileNotFoundError:
            yield True  # Nobody works here.
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def find_jobs(data_root: Path) -> list[JobFolder]:
    """The jobs below `data_root`, the last used first. Folders that are no jobs are left out."""
    if not data_root.is_dir():
        return []
    jobs = [JobFolder(path) for path in data_root.iterdir() if path.is_dir() and not path.is_symlink() and is_job(path)]
    return sorted(jobs, key=lambda job: job.last_used, reverse=True)


def is_job(path: Path) -> bool:
    """Whether a folder was made by a session."""
    return any((path / name).exists() for name in ("journal", "lease", "events.jsonl"))


def remove_jobs(jobs: list[JobFolder], older_than_seconds: float = 0) -> tuple[list[JobFolder], list[JobFolder]]:
    """Removes jobs that nobody runs and that were last used before so long, with what they staged beside their outputs.

    Returns those removed, those running.
    """
    from millpond import _core
    from millpond.object_store import ObjectStores

    removed: list[JobFolder] = []
    running: list[JobFolder] = []
    for job in jobs:
        if time.time() - job.last_used < older_than_seconds:
            continue
        try:
            _core.remove_job(os.fspath(job.path), ObjectStores())
        except ConflictError:
            running.append(job)
        else:
            removed.append(job)
    return removed, running
