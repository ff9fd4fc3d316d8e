"""What the cases of a run share: one session a runner, one oracle a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import millpond
import pytest
from oracle import Oracle
from spec_case import Case


@contextmanager
def data_root() -> Iterator[Path]:
    """A folder for jobs, in memory where that can be: removing thousands of small files is slow on some disks."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="millpond-test-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


class Sessions:
    """A session for each runner, opened when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sessions: dict[str, millpond.Session] = {}

    def __getitem__(self, runner: str) -> millpond.Session:
        if runner not in self._sessions:
            self._sessions[runner] = millpond.init(
                data_root=self._folder,
                runner=runner,
                threads=2,
                memory_limit="1GB",
                # Each file or row group in a task of its own, where it may be.
                scan_task_bytes=1 if runner == "processes" else None,
                progress=False,
            )
        return self._sessions[runner]

    def shutdown(self) -> None:
        """Ends all of them."""
        for session in self._sessions.values():
            session.shutdown()


class Oracles:
    """The oracle of each case, made when first asked for."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._oracles: dict[Path, Oracle] = {}

    def __getitem__(self, case: Case) -> Oracle:
        if case.path not in self._oracles:
            self._oracles[case.path] = Oracle(case, self._folders.mktemp(case.path.stem))
        return self._oracles[case.path]

    def close(self) -> None:
        """Ends all of them."""
        for oracle in self._oracles.values():
            oracle.close()
