"""Which node has which file of a job, when the nodes of a cluster share no folder."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray

from millpond.errors import NotFoundError
from millpond.ray_node import LostFileError, copy_file
from millpond.ray_worker import Need

if TYPE_CHECKING:
    from millpond.ray_nodes import Node


@dataclass
class _Entry:
    size: int
    node: Node


class OutlyingFiles:
    """The files that workers made on disks of their own, and those of the driver that they asked for. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, _Entry] = {}
        self._lent: dict[str, tuple[Any, int]] = {}

    def add(self, files: dict[str, int], node: Node) -> None:
        """Notes what a task on `node` made."""
        with self._lock:
            for path, size in files.items():
                self._made[path] = _Entry(size, node)

    def size_of(self, path: str) -> int | None:
        """Bytes of a file that lies with a node that lives."""
        with self._lock:
            entry = self._made.get(path)
        return None if entry is None or entry.node.is_lost else entry.size

    def remove(self, path: str) -> None:
        """Forgets a file."""
        with self._lock:
            self._made.pop(path, None)
            self._lent.pop(path, None)

    def is_lost(self, path: str) -> bool:
        """Whether the file lay with a node that is gone."""
        with self._lock:
            entry = self._made.get(path)
        return entry is not None and entry.node.is_lost and not Path(path).exists()

    def needs(self, paths: list[str], node: Node) -> list[Need]:
        """What `node` has to bring before it can read `paths`."""
        wanted = []
        for path in paths:
            with self._lock:
                entry = self._made.get(path)
            if entry is None or entry.node.is_lost:
                if lent := self._lend(path):
                    wanted.append((path, *lent))
            elif entry.node.place != node.place:
                wanted.append((path, entry.node.number, entry.size))
        return wanted

    def _lend(self, path: str) -> tuple[Any, int] | None:
        # The driver is no actor that nodes could ask, so what it has becomes an object of Ray's, once.
        with self._lock:
            if path not in self._lent:
                try:
                    data = Path(path).read_bytes()
                except OSError:
                    return None
                self._lent[path] = (ray.put(data), len(data))
            return self._lent[path]

    def save_from(self, node: Node) -> None:
        """Brings to the driver what only a node has that will leave; what can't be had is computed again."""
        with self._lock:
            paths = [path for path, entry in self._made.items() if entry.node is node]
        for path in paths:
            with contextlib.suppress(NotFoundError):
                self.fetch(path)

    def fetch(self, path: str) -> None:
        """Brings a file to the driver. NotFound when it is lost."""
        with self._lock:
            entry = self._made.get(path)
        try:
            if entry is None or entry.node.is_lost:
                raise LostFileError(path, "its node is gone")
            if not Path(path).exists():
                copy_file(path, entry.node.host, entry.size)
        except LostFileError as error:
            raise NotFoundError(f"{path} can't be had from the node that made it: {error.why}", file=path) from None
