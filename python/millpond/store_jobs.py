"""Jobs by what they left on a store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from millpond.errors import NotFoundError
from millpond.job_events import parsed_events, status_of
from millpond.object_store import ObjectStores
from millpond.store import Entry

# A live driver writes its lease anew every five seconds; who finds it older waits before taking it.
_ALIVE_SECONDS = 30.0


class StoredJob:
    """A job's folder below a `data_root` on a store. What lies there is listed once, when it is first asked for."""

    def __init__(self, path: str, stores: ObjectStores) -> None:
        """`path`: the folder, `s3://bucket/jobs/job_id`."""
        self.path = path
        self._stores = stores

    @property
    def job_id(self) -> str:
        """The job's name."""
        return self.path.rpartition("/")[2]

    @cached_property
    def _objects(self) -> list[Entry]:
        return self._stores.list_all(self.path)

    @property
    def last_used(self) -> float:
        """When something was last written in it, seconds since the epoch by the store's clock."""
        return max((entry[2] for entry in self._objects), default=0) / 1e9

    @property
    def num_bytes(self) -> int:
        """What its objects hold."""
        return sum(entry[1] for entry in self._objects)

    def events(self) -> Iterator[dict[str, Any]]:
        """The lines of the event logs of its runs, the oldest first. A driver that was killed has left none."""
        prefix = f"{self.path}/events/"
        for path in [entry[0] for entry in self._objects if entry[0].startswith(prefix)]:
            try:
                content, _ = self._stores.get(path)
            except NotFoundError:
                continue  # Removed since.
            yield from parsed_events(content.decode(errors="replace").splitlines())

    @property
    def status(self) -> str:
        """ "running" as far as clocks tell, else how its last run ended, else "unfinished"."""
        leases = [entry[2] / 1e9 for entry in self._objects if entry[0] == f"{self.path}/lease"]
        if leases:
            return "running" if time.time() - leases[0] < _ALIVE_SECONDS else "unfinished"
        return status_of(self.events())


def find_stored_jobs(data_root: str) -> list[StoredJob]:
    """The jobs below `data_root`, the last used first. Folders that are no jobs are left out."""
    stores = ObjectStores()
    root = data_root.rstrip("/")
    folders = [entry[0] for entry in _listed(stores, root) if entry[3]]
    jobs = [StoredJob(folder, stores) for folder in folders if _is_job(stores, folder)]
    return sorted(jobs, key=lambda job: job.last_used, reverse=True)


def _listed(stores: ObjectStores, folder: str) -> list[Entry]:
    try:
        return stores.list(folder)
    except NotFoundError:
        return []


def _is_job(stores: ObjectStores, folder: str) -> bool:
    return any(f"{folder}/{name}" == entry[0] for entry in _listed(stores, folder) for name in ("journal", "lease"))
