"""LIMIT in spread queries: what isn't needed for enough rows isn't run."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest
from conftest import open_session


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[millpond.Session]:
    """One task after the other, so that what was run when there were enough rows is no chance."""
    with open_session(tmp_path_factory.mktemp("limit"), runner="inline") as session:
        yield session


@pytest.fixture(scope="module")
def rows(inline: millpond.Session, tmp_path_factory: pytest.TempPathFactory) -> millpond.DataFrame:
    folder = tmp_path_factory.mktemp("rows")
    for number in range(16):
        query = f"SELECT {number} * 1000 + range AS a, range % 10 AS b FROM range(1000)"
        duckdb.sql(f"COPY ({query}) TO '{folder}/{number:02}.parquet'")
    return inline.read_parquet(folder)


def spread(rows: millpond.DataFrame, query: str, **arguments: Any) -> millpond.DataFrame:
    return rows._session.sql(query, distribute="always", partitions=16, t=rows, **arguments)


def tasks_run(frame: millpond.DataFrame) -> int:
    """Of the first stage."""
    found = re.search(r"--   ran: .* in ([\d,]+) tasks?[,;]", str(frame.explain(analyze=True)))
    assert found is not None
    return int(found[1].replace(",", ""))


def test_no_more_tasks_than_it_takes(rows: millpond.DataFrame) -> None:
    assert tasks_run(spread(rows, "SELECT * FROM t LIMIT 10")) == 1
    assert tasks_run(spread(rows, "SELECT a + 1 AS x FROM t WHERE b = 3 LIMIT 150")) == 2
    assert tasks_run(spread(rows, "SELECT * FROM t LIMIT 1000 OFFSET 2500")) == 4
    assert tasks_run(spread(rows, "SELECT * FROM t WHERE a >= 3990 LIMIT 5")) == 4
    assert tasks_run(spread(rows, "SELECT sum(a) AS s FROM (SELECT a FROM t LIMIT 1001)")) == 2
    assert tasks_run(spread(rows, "SELECT * FROM t WHERE a::VARCHAR = 'x' LIMIT 5")) == 16


@pytest.mark.parametrize("runner", ["inline", "threads", "processes"])
def test_as_many_rows_as_asked_for(runner: str, tmp_path: Path, rows: millpond.DataFrame) -> None:
    with open_session(tmp_path, runner=runner) as session, duckdb.connect() as plain:
        plain.execute("CREATE TABLE t AS SELECT range AS a, range % 10 AS b FROM range(16000)")
        dealt = session.sql("SELECT range AS a, range % 10 AS b FROM range(16000)").repartition(16, by_rows=True)
        for query in (
            "SELECT * FROM t LIMIT 10",
            "SELECT * FROM t LIMIT 0",
            "SELECT * FROM t LIMIT 5 OFFSET 15990",
            "SELECT * FROM t LIMIT 50 OFFSET 15990",
            "SELECT * FROM t LIMIT 5 OFFSET 20000",
            "SELECT * FROM t OFFSET 15990",
            "SELECT * FROM t LIMIT 0.1%",
            "SELECT * FROM t LIMIT (SELECT count(*) // 1000 FROM t)",
            "SELECT a FROM t WHERE b = 11 LIMIT 3",
            "FROM (SELECT a FROM t LIMIT 20) x JOIN (SELECT a FROM t LIMIT 30) y USING (a)",
            "(SELECT a FROM t LIMIT 3) UNION ALL (SELECT b FROM t LIMIT 4)",
            "SELECT count(*) AS n, count(DISTINCT a) AS m FROM (FROM t LIMIT 12345)",
            "SELECT (SELECT count(*) FROM (FROM t LIMIT 7)) AS n, a FROM t LIMIT 2",
        ):
            with warnings.catch_warnings():
                # A LIMIT that must be computed first runs whole, and says so.
                warnings.simplefilter("ignore", millpond.MillpondWarning)
                frame = session.sql(query, distribute="always", partitions=16, t=dealt)
            # Rows of files are taken in order, so that any right answer is the same one here.
            want = plain.sql(query).to_arrow_table().to_pylist()
            assert sorted(map(repr, frame.take_all())) == sorted(map(repr, want)), query


@pytest.mark.parametrize("partitions", [1, 3, 16])
def test_a_limit_beside_an_outer_joins_empty_side(tmp_path: Path, partitions: int) -> None:
    # DuckDB 2.0.0 drops this LIMIT and counts eight.
    query = "SELECT count(*) AS n FROM (SELECT a, b FROM l RIGHT JOIN r ON l.a >= r.b AND l.c IS NULL LIMIT 7)"
    with millpond.init(data_root=tmp_path, threads=2, progress=False) as session:
        left = session.from_items([{"a": 0, "c": 0}, {"a": 1, "c": 0}])
        right = session.partial_sql("SELECT NULL::INTEGER AS b FROM range(8)").repartition(3, by_rows=True)
        assert session.sql(query, distribute="always", partitions=partitions, l=left, r=right).take_all() == [{"n": 7}]
