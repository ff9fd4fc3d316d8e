"""Stores and sessions on them, for tests of stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import millpond
import pytest
from servers import Store, missing_tool, store


def started(name: str, folders: pytest.TempPathFactory) -> Iterator[Store]:
    """The store while its tests run. They are skipped, loudly, where what it takes is missing."""
    if (tool := missing_tool(name)) is not None:
        pytest.skip(f"{name} is NOT TESTED: {tool} is missing on this machine")
    with store(name, folders.mktemp(name)) as place:
        yield place


def open_session(folder: Path, place: Store, **arguments: Any) -> millpond.Session:
    """A small session whose key is the store's."""
    settings: dict[str, Any] = {"threads": 2, "memory_limit": "1GB", "progress": False, "min_task_bytes": 0}
    settings.update({"storage_options": place.options, **arguments})
    return millpond.init(data_root=folder / "data", **settings)
