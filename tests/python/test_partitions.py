"""Consolidated, repeated and nested partitions, under every runner."""

from __future__ import annotations

from pathlib import Path

import duckdb
import millpond
import pytest
from conftest import open_session


def counts(frame: millpond.DataFrame) -> list[int]:
    return [row["n"] for row in frame.map("count(*) AS n").take_all()]


@pytest.mark.filterwarnings("ignore::millpond.MillpondWarning")
def test_consolidate_reads_whole_partitions_together(session: millpond.Session) -> None:
    frame = session.from_items(list(range(10))).repartition(5, by_rows=True)
    merged = frame.consolidate(2)
    assert merged.num_partitions == 2
    assert counts(merged) == [6, 4]
    assert [row["item"] for row in merged.take_all()] == list(range(10))
    with pytest.raises(millpond.InvalidArgumentError, match="only 5 partitions"):
        frame.consolidate(6)


@pytest.mark.filterwarnings("ignore::millpond.MillpondWarning")
def test_repeat_gives_all_rows_to_each(session: millpond.Session) -> None:
    frame = session.from_items([1, 2, 3]).repartition(2, by_rows=True).repeat(4)
    assert counts(frame) == [3, 3, 3, 3]
    assert frame.count() == 12
    # A later dealing by value may not take the copies away.
    assert frame.repartition(2, hash_by="item").count() == 12


@pytest.mark.filterwarnings("ignore::millpond.MillpondWarning")
def test_nested_partitions_fit_their_outer_ones(session: millpond.Session) -> None:
    rows = session.partial_sql("SELECT i % 7 AS k, i % 11 AS j, i AS v FROM range(1000) r(i)")
    outer = rows.repartition(3, hash_by="k")
    inner = outer.repartition(4, hash_by="j", nested=True)
    assert inner.num_partitions == 12
    assert inner.count() == 1000
    totals = outer.partial_sql("SELECT k, count(*) AS n FROM {0} GROUP BY k")
    joined = inner.partial_sql("SELECT a.k, a.v, b.n FROM {0} a JOIN {1} b USING (k)", totals)
    assert joined.count() == 1000
    expected = {k: len([i for i in range(1000) if i % 7 == k]) for k in range(7)}
    assert {row["k"]: row["n"] for row in joined.take_all()} == expected
    unlike = rows.repartition(4, hash_by="j")
    with pytest.raises(millpond.InvalidArgumentError, match="not partitioned alike"):
        inner.partial_sql("SELECT * FROM {0} JOIN {1} USING (k)", unlike)


@pytest.mark.filterwarnings("ignore::millpond.MillpondWarning")
@pytest.mark.parametrize(("runner", "size", "tasks"), [("threads", 1, 12), ("processes", 1, 12), ("inline", None, 1)])
def test_scans_are_shared_out_and_rows_keep_their_order(
    tmp_path: Path, runner: str, size: int | None, tasks: int
) -> None:
    for i in range(4):
        select = f"SELECT {i} * 5000 + range AS x, range % 3 AS k FROM range(5000)"
        duckdb.sql(select).write_parquet(f"{tmp_path}/{i}.parquet", row_group_size=2048)
    with open_session(tmp_path, runner=runner, scan_task_bytes=size) as session:
        frame = session.read_parquet(f"{tmp_path}/*.parquet").filter("x % 2 = 0").repartition(3, hash_by="k")
        assert f"repartition, {tasks} task" in frame.explain()
        parts = [row["xs"] for row in frame.partial_sql("SELECT list(x) AS xs FROM {0}").take_all()]
        assert len(parts) == 3
        assert all(part == sorted(part) for part in parts if part)
        assert sorted(x for part in parts for x in part or []) == list(range(0, 20000, 2))
