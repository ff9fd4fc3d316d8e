"""Lance datasets: read as pylance reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lance
import millpond
import pyarrow as pa
import pytest
from conftest import partition_sizes


def rows(frame: Any) -> list[str]:
    found = frame.take_all() if isinstance(frame, millpond.DataFrame) else frame.to_pylist()
    return sorted(repr(row) for row in found)


def table(first: int, count: int) -> pa.Table:
    numbers = range(first, first + count)
    return pa.table(
        {
            "n": pa.array([None if n % 7 == 0 else n for n in numbers], pa.int64()),
            "s": [f"é {n}" for n in numbers],
            "v": pa.array([[n, n / 2] for n in numbers], pa.list_(pa.float32(), 2)),
            "l": [[n] * (n % 3) for n in numbers],
            "st": [{"a": n, "b": None} for n in numbers],
        }
    )


def test_fragments_deleted_rows_and_versions(session: millpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "t.lance"
    for first in (0, 100, 200):
        dataset = lance.write_dataset(table(first, 20), path, mode="append" if first else "create")
    dataset.delete("n >= 205 AND n < 210")
    dataset.add_columns({"twice": "n * 2"})
    dataset = lance.dataset(path)
    frame = session.read_lance(path)
    assert frame.columns == ["n", "s", "v", "l", "st", "twice"]
    assert dict(frame.schema)["v"] == "FLOAT[2]"
    assert rows(frame) == rows(dataset.to_table())
    assert partition_sizes(frame) == [20, 20, 15]
    assert rows(session.read_lance(path, version=1)) == rows(lance.dataset(path, version=1).to_table())
    assert frame.filter("n > 110").count() == dataset.count_rows("n > 110")
    chosen = session.read_lance(path, columns=["twice", "s"], filter="n % 2 = 0 AND n < 110")
    assert chosen.columns == ["twice", "s"]
    assert rows(chosen) == rows(dataset.to_table(columns=["twice", "s"], filter="n % 2 = 0 AND n < 110"))
    for partitions in (1, 3, 16):
        query = "SELECT count(*) AS c, sum(n) AS t FROM f"
        spread = session.sql(query, f=frame, distribute="always", partitions=partitions)
        assert spread.take_all() == session.sql(query, f=dataset.to_table()).take_all()


def test_a_frame_stays_at_its_version(local: millpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "t.lance"
    dataset = lance.write_dataset(pa.table({"a": [1, 2]}), path)
    dataset.tags.create("first", 1)
    frame = local.read_lance(path)
    lance.write_dataset(pa.table({"a": [3]}), path, mode="overwrite")
    assert [row["a"] for row in frame.take_all()] == [1, 2]
    assert local.read_lance(path).take_all() == [{"a": 3}]
    assert local.read_lance(path, version="first").count() == 2


def test_a_dataset_without_rows(local: millpond.Session, tmp_path: Path) -> None:
    dataset = lance.write_dataset(pa.table({"a": [1]}), tmp_path / "t")
    dataset.delete("true")
    assert local.read_lance(tmp_path / "t").take_all() == []
    assert local.read_lance(tmp_path / "t").columns == ["a"]


def test_what_is_not_there(local: millpond.Session, tmp_path: Path) -> None:
    lance.write_dataset(pa.table({"a": [1]}), tmp_path / "t")
    with pytest.raises(millpond.NotFoundError, match="no Lance dataset"):
        local.read_lance(tmp_path / "other")
    with pytest.raises(millpond.NotFoundError, match="at version 9"):
        local.read_lance(tmp_path / "t", version=9)
    with pytest.raises(millpond.InvalidArgumentError, match="nothing"):
        local.read_lance(tmp_path / "t", columns="nothing")
    with pytest.raises(millpond.InvalidArgumentError, match="nothing"):
        local.read_lance(tmp_path / "t", filter="nothing > 1")
