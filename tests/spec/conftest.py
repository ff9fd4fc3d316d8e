"""Fixtures over what the cases share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from shared_work import Oracles, Sessions, data_root


@pytest.fixture(scope="session")
def sessions() -> Iterator[Sessions]:
    """The sessions of this run."""
    with data_root() as folder:
        opened = Sessions(folder)
        yield opened
        opened.shutdown()


@pytest.fixture(scope="session")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracles]:
    """The oracles of this run."""
    made = Oracles(tmp_path_factory)
    yield made
    made.close()
