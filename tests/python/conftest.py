"""What all Python tests share: a session for each runner, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

RUNNERS = ["inline", "threads", "processes"]


def open_session(folder: Path, **arguments: Any) -> millpond.Session:
    settings: dict[str, Any] = {
        "threads": 2,
        "memory_limit": "1GB",
        "progress": False,
        "min_task_bytes": 0,
        **arguments,
    }
    return millpond.init(data_root=folder / "data", **settings)


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A temporary folder for the tests and the programs they start: but for Ray's logs, nothing may be left there."""
    tmp_path_factory.getbasetemp()  # pytest's own stays in the system's, where it keeps the last three
    folder = Path(tempfile.mkdtemp(prefix="mp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setenv("RAY_TMPDIR", str(folder))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setattr(tempfile, "tempdir", None)
        yield
    left = sorted(path.name for path in folder.iterdir() if path.name != "ray")
    shutil.rmtree(folder)
    assert not left, f"left in the temporary folder: {left}"


@pytest.fixture(scope="module", params=RUNNERS)
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[millpond.Session]:
    with open_session(tmp_path_factory.mktemp(request.param), runner=request.param) as session:
        yield session


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[millpond.Session]:
    """One session on threads, for what doesn't depend on the runner."""
    with open_session(tmp_path_factory.mktemp("local")) as session:
        yield session


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MILLPOND_", "SP_")):
            monkeypatch.delenv(name)


@pytest.fixture
def ten_rows(tmp_path: Path) -> Path:
    """One Parquet file with ten rows: a 0 … 9, b 's0' … 's9'."""
    path = tmp_path / "ten.parquet"
    pq.write_table(pa.table({"a": range(10), "b": [f"s{i}" for i in range(10)]}), path)
    return path


def partition_sizes(df: millpond.DataFrame) -> list[int]:
    """Rows of each partition, in order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", millpond.MillpondWarning)
        return [row["n"] for row in df.partial_sql("SELECT count(*) AS n FROM {0}").take_all()]
