"""Jobs by what they left on disk: listed, summarized, removed."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from millpond.errors import ConflictError, UnsupportedError
from millpond.job_events import parsed_events, status_of
from millpond.mounted_path import mounted_path
from millpond.settings import from_environment

if TYPE_CHECKING:
    from millpond.store_jobs import StoredJob


#: A folder of this machine, or of a store.
DataRoot = Path | str
AnyJob: TypeAlias = "JobFolder | StoredJob"


def default_data_root() -> DataRoot:
    """Where jobs lie when nobody says otherwise: MILLPOND_DATA_ROOT, SP_DATA_ROOT or ~/.millpond/data."""
    return data_root_of(from_environment("DATA_ROOT") or "~/.millpond/data")


def data_root_of(text: str) -> DataRoot:
    """What a `data_root` names: text for a store."""
    text = mounted_path(text)
    return text if "://" in text else Path(text).expanduser()


def local_data_root(data_root: DataRoot) -> Path:
    """A `data_root` of this machine; UnsupportedError for one on a store."""
    if isinstance(data_root, str):
        raise UnsupportedError(
            f'"{data_root}" is on a store, and this looks at folders of machines',
            hint="name the scratch folder with --data-root; `millpond jobs` looks at stores",
        )
    return data_root


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
                yield from parsed_events(lines)
        except FileNotFoundError:
            return

    @property
    def status(self) -> str:
        """ "running", else how its last run ended, else "unfinished"."""
        with self.lease() as is_ours:
            if not is_ours:
                return "running"
        return status_of(self.events())

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


def find_jobs(data_root: DataRoot) -> Sequence[AnyJob]:
    """The jobs below `data_root`, the last used first. Folders that are no jobs are left out."""
    if isinstance(data_root, str):
        from millpond.store_jobs import find_stored_jobs

        return find_stored_jobs(data_root)
    if not data_root.is_dir():
        return []
    jobs = [JobFolder(path) for path in data_root.iterdir() if path.is_dir() and not path.is_symlink() and is_job(path)]
    return sorted(jobs, key=lambda job: job.last_used, reverse=True)


def is_job(path: Path) -> bool:
    """Whether a folder was made by a session."""
    return any((path / name).exists() for name in ("journal", "lease", "events.jsonl"))


def remove_jobs(jobs: Sequence[AnyJob], older_than_seconds: float = 0) -> tuple[list[AnyJob], list[AnyJob]]:
    """Removes jobs that nobody runs and that were last used before so long, with what they staged beside their outputs.

    Returns those removed, those running.
    """
    from millpond import _core
    from millpond.object_store import ObjectStores

    removed: list[AnyJob] = []
    running: list[AnyJob] = []
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
