"""Files of few rows each keep the order of the rows."""

from __future__ import annotations

import json
from pathlib import Path

import millpond
import pyarrow.parquet as pq
import pytest


def test_each_file_is_full_and_in_order(local: millpond.Session, tmp_path: Path) -> None:
    df = local.partial_sql("SELECT i AS a FROM range(5000) r(i)")
    df.write_parquet(tmp_path / "p", max_rows_per_file=300)
    files = sorted((tmp_path / "p").glob("*.parquet"), key=lambda path: int(path.stem.rsplit("-", 1)[1]))
    rows = [pq.read_table(path)["a"].to_pylist() for path in files]
    assert [len(part) for part in rows] == [300] * 16 + [200]
    assert [a for part in rows for a in part] == list(range(5000))
    df.write_json(tmp_path / "j", max_rows_per_file=4000)
    sizes = [[json.loads(line)["a"] for line in path.open()] for path in sorted((tmp_path / "j").glob("part-*.json"))]
    assert sizes == [list(range(4000)), list(range(4000, 5000))]


def test_columns_of_one_name_and_a_comment_at_the_end(local: millpond.Session, tmp_path: Path) -> None:
    df = local.partial_sql("SELECT 1 AS a, 2 AS b FROM range(10) -- ten")
    df.write_csv(tmp_path / "c", max_rows_per_file=3)
    assert local.read_csv(tmp_path / "c").count() == 10
    assert len(list((tmp_path / "c").glob("*.csv"))) == 4


def test_folders_and_few_rows_are_refused(local: millpond.Session, tmp_path: Path) -> None:
    df = local.partial_sql("SELECT i AS a, i % 2 AS k FROM range(10) r(i)")
    with pytest.raises(millpond.UnsupportedError, match="2048 rows a file"):
        df.write_parquet(tmp_path / "x", partition_by="k", max_rows_per_file=3)


def test_an_error_in_the_query_is_shown_at_its_place(local: millpond.Session, tmp_path: Path) -> None:
    df = local.partial_sql("SELECT error('stop at ' || i) AS a FROM range(10) r(i)")
    with pytest.raises(millpond.MillpondError, match="stop at"):
        df.write_parquet(tmp_path / "x", max_rows_per_file=3)
    assert not (tmp_path / "x").exists()
