"""Objects without an ETag: files that lie in the folder of a gateway (versitygw) without its doing.

    python -m pytest tests/stores/untagged.py

Nothing holds a reading to one content then; the task looks at the object again when it has read it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import millpond
import pytest
from places import open_session
from servers import Store, store

ROWS = 300_000


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    """The store, and the folder that is its bucket `data`."""
    folder = tmp_path_factory.mktemp("gateway")
    with store("versitygw", folder) as place:
        bucket = folder / "versitygw" / "data"
        bucket.mkdir(exist_ok=True)
        for name in ("rows.parquet", "rows.csv", "rows.json"):
            duckdb.sql(f"COPY (SELECT range AS i, range % 7 AS k FROM range({ROWS})) TO '{bucket / name}'")
        yield place, bucket


@pytest.mark.parametrize("runner", ["threads", "processes"])
def test_it_is_read(gateway: tuple[Store, Path], tmp_path: Path, runner: str) -> None:
    with open_session(tmp_path, gateway[0], runner=runner) as session:
        for name in ("parquet", "csv", "json"):
            frame = getattr(session, f"read_{name}")(f"s3://data/*.{name}")
            for distribute in ("auto", "always"):
                rows = session.sql(
                    "SELECT k, sum(i)::BIGINT AS s FROM f GROUP BY k ORDER BY k", f=frame, distribute=distribute
                )
                wanted = duckdb.sql(
                    f"SELECT range % 7 AS k, sum(range)::BIGINT FROM range({ROWS}) GROUP BY k ORDER BY k"
                )
                assert [tuple(row.values()) for row in rows.take_all()] == wanted.fetchall()


def test_it_was_replaced(gateway: tuple[Store, Path], tmp_path: Path) -> None:
    place, bucket = gateway
    (bucket / "old.csv").write_text("i\n1\n")
    os.utime(bucket / "old.csv", (1e9, 1e9))
    with open_session(tmp_path, place) as session:
        frame = session.read_csv("s3://data/old.csv")
        (bucket / "old.csv").write_text("i\n2\n")
        with pytest.raises(millpond.DataCorruptError, match="old"):
            frame.count()
