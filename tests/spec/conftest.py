"""Fixtures over what the cases share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from shared_work import Oracles, Sessions


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    """The sessions of this run."""
    folder = tmp_path_factory.mktemp("data_root")
    folder.chmod(0o700)
    opened = Sessions(folder)
    yield opened
    opened.shutdown()


@pytest.fixture(scope="session")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracles]:
    """The oracles of this run."""
    made = Oracles(tmp_path_factory)
    yield made
    made.close()
