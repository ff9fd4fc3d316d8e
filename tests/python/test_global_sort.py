"""ORDER BY over many partitions: by ranges of a sample, never all rows in one task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import partition_sizes

# Each has one right order: where keys tie, `i` decides.
ROWS = (
    "SELECT range AS i, CASE WHEN range % 9 > 0 THEN (range * 7919) % 1000 END AS n, "
    "['b', 'B', 'a', 'é', '', 'ab', NULL][1 + range % 7] AS s, "
    "[0.0, '-0.0'::DOUBLE, 'nan'::DOUBLE, NULL, -1e300, 'inf'::DOUBLE, '-inf'::DOUBLE, 0.5][1 + range % 8] AS x, "
    "(DATE '2020-01-01' + (range * 31 % 400)::INTEGER) AS d, range % 3 = 0 AS t, "
    "['1 month'::INTERVAL, '30 days'::INTERVAL, '29 days 24 hours'::INTERVAL, NULL][1 + range % 4] AS v, "
    "(range * 17 % 250)::DECIMAL(9, 2) / 7 AS c, [range % 4, NULL, range % 2] AS l, "
    "{'a': range % 5, 'b': CASE WHEN range % 2 = 0 THEN 'x' END} AS st, "
    "((range * 48271) % 2147483647)::HUGEINT * 9223372036854775807 AS h, "
    "(range % 50)::VARCHAR::BLOB AS b, ['x', 'y', 'z'][1 + range % 3]::ENUM('z', 'x', 'y') AS e, "
    "('00000000-0000-0000-0000-0000000000' || lpad(((range * 7) % 90)::VARCHAR, 2, '0'))::UUID AS u, "
    "TIMESTAMP '2020-01-01' + (range * 3571 % 999)::INTEGER * INTERVAL 1 SECOND AS ts, "
    "[range % 3, range % 2]::INTEGER[2] AS ar, range % 2 AS k FROM range(1500)"
)

ORDERS = [
    "i",
    "n DESC NULLS LAST, i",
    "n NULLS FIRST, i DESC",
    "s, i",
    "s DESC, n, i",
    "x, i",
    "x DESC NULLS FIRST, i",
    "d DESC, t, i",
    "v, i",
    "v DESC NULLS FIRST, i",
    "c DESC, i",
    "l, i",
    "l DESC NULLS FIRST, i",
    "st, i",
    "h, i",
    "b DESC, i",
    "e, i",
    "u, i",
    "ts DESC, i",
    "ar, i",
    "t, k, i",
    "lower(s) NULLS FIRST, i % 10, i",
    "s COLLATE NOCASE, i",
    "n + k * 1000, i",
    "1, 2 DESC",
    "ALL",
]

QUERIES = [
    "SELECT s FROM t ORDER BY n, i",
    "SELECT i, n FROM t WHERE n < 0 ORDER BY n",
    "SELECT i, n FROM t WHERE i = 77 ORDER BY n",
    "SELECT n, count(*) AS rows, sum(i) AS total FROM t GROUP BY n ORDER BY total DESC, n",
    "SELECT t.i, w.i AS j FROM t JOIN t AS w ON t.n = w.n AND w.i < 100 ORDER BY j DESC, t.i",
    "SELECT DISTINCT s, t FROM t ORDER BY s DESC, t",
    "SELECT i, rank() OVER (PARTITION BY k ORDER BY n, i) AS r FROM t ORDER BY r, i",
    "SELECT i, row_number() OVER (ORDER BY n, i) AS r FROM t ORDER BY n DESC, i",
    "SELECT i FROM t WHERE k = 0 UNION ALL SELECT n FROM t WHERE k = 1 AND n IS NOT NULL ORDER BY 1",
    "SELECT * FROM (SELECT i, n FROM t ORDER BY n, i) LIMIT 20 OFFSET 100",
    "SELECT i FROM t ORDER BY n, i LIMIT 10%",
    "SELECT list(i) AS l FROM (SELECT i FROM t ORDER BY n, i)",
    "SELECT first(i) AS f, last(i) AS z FROM (SELECT i FROM t ORDER BY n, i)",
    "WITH c AS (SELECT i, n FROM t ORDER BY n, i) SELECT a.i FROM c AS a JOIN c AS b USING (i) ORDER BY a.n, a.i",
]


def rows_of(frame: millpond.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(map(repr, row.values())) for row in frame.take_all()]


def expected(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as plain:
        plain.execute(f"CREATE TABLE t AS {ROWS}")
        names = [column[0] for column in plain.execute(f"DESCRIBE {query}").fetchall()]
        table = plain.sql(query).to_arrow_table()
    return [tuple(map(repr, (row[name] for name in names))) for row in table.to_pylist()]


def spread_rows(session: millpond.Session) -> millpond.DataFrame:
    return session.sql(ROWS).repartition(5, by_rows=True)


@pytest.mark.parametrize("partitions", [1, 3, 16])
def test_every_type_and_order(local: millpond.Session, partitions: int) -> None:
    rows = spread_rows(local)
    for order in ORDERS:
        query = f"SELECT i, {'s, n' if order == 'ALL' else '*'} FROM t ORDER BY {order}"
        frame = local.sql(query, t=rows, distribute="always", partitions=partitions, broadcast_limit=0)
        assert rows_of(frame) == expected(query), order


def test_every_runner(session: millpond.Session) -> None:
    rows = spread_rows(session)
    for query in (f"SELECT * FROM t ORDER BY {ORDERS[2]}", *QUERIES[3:5]):
        frame = session.sql(query, t=rows, distribute="always", partitions=3, broadcast_limit=0)
        assert rows_of(frame) == expected(query), query


@pytest.mark.parametrize("partitions", [1, 3, 16])
def test_orders_within_queries(local: millpond.Session, partitions: int) -> None:
    rows = spread_rows(local)
    for query in QUERIES:
        frame = local.sql(query, t=rows, distribute="always", partitions=partitions, broadcast_limit=0)
        assert rows_of(frame) == expected(query), query


def test_files_are_in_order(local: millpond.Session, tmp_path: Path) -> None:
    rows = spread_rows(local)
    sort = local.sql(
        "SELECT i, n FROM t ORDER BY n DESC, i", t=rows, distribute="always", partitions=4, broadcast_limit=0
    )
    sort.write_parquet(str(tmp_path / "out"))
    written = [str(path) for path in sorted((tmp_path / "out").glob("*.parquet"))]
    assert len(written) == 4
    read = duckdb.execute("SELECT i, n FROM read_parquet(?)", [written]).fetchall()
    assert read == [
        tuple(map(int, row)) for row in expected("SELECT i, n FROM t WHERE n IS NOT NULL ORDER BY n DESC, i")
    ] + [(int(i), None) for (i,) in expected("SELECT i FROM t WHERE n IS NULL ORDER BY i")]
    assert [row["i"] for row in sort.take(3)] == [row[0] for row in read[:3]]


def test_partitions_are_about_equally_large(local: millpond.Session) -> None:
    t = local.from_arrow(pa.table({"i": range(100_000)})).repartition(8, hash_by="i")
    for order in ("i", "hash(i)", "i % 5", "i // 90000", "0 * i"):
        frame = local.sql(
            f"SELECT * FROM t ORDER BY {order}", t=t, distribute="always", partitions=8, broadcast_limit=0
        )
        sizes = partition_sizes(frame)
        assert sum(sizes) == 100_000
        assert len(sizes) == 8
        # Rows of one key share partitions evenly; an edge one may have such a share and its own.
        assert max(sizes) < 25_000, order


def test_rows_that_nothing_tells_apart_stay_together(local: millpond.Session) -> None:
    t = local.from_arrow(pa.table({"a": [7] * 1000 + [8]})).repartition(4, by_rows=True)
    frame = local.sql("SELECT a FROM t ORDER BY a", t=t, distribute="always", partitions=4, broadcast_limit=0)
    assert [row["a"] for row in frame.take_all()] == [7] * 1000 + [8]


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows(local: millpond.Session, rows: int) -> None:
    t = local.from_arrow(pa.table({"a": pa.array(range(rows), pa.int64())})).repartition(3, by_rows=True)
    frame = local.sql("SELECT a FROM t ORDER BY a DESC", t=t, distribute="always", partitions=3, broadcast_limit=0)
    assert [row["a"] for row in frame.take_all()] == list(range(rows))[::-1]


def stages_of(frame: millpond.DataFrame) -> list[dict[str, Any]]:
    """The stages that `explain` shows: how many tasks each has, and its statement."""
    stages: list[dict[str, Any]] = []
    for line in str(frame.explain()).splitlines():
        if match := re.match(r"-- stage \d+: .*?(\d+) tasks?\b", line):
            stages.append({"tasks": int(match[1]), "query": ""})
        elif stages and not line.startswith("--"):
            stages[-1]["query"] += line + "\n"
    return stages


def test_no_task_gets_all_rows(local: millpond.Session) -> None:
    t = local.from_arrow(pa.table({"i": range(1_000)})).repartition(4, by_rows=True)
    frame = local.sql("SELECT i FROM t ORDER BY i DESC", t=t, distribute="always", partitions=4, broadcast_limit=0)
    stages = stages_of(frame)
    assert len(stages) > 2
    single = [stage for stage in stages if stage["tasks"] == 1]
    # The only task that reads all partitions of something makes bounds of a sample.
    assert ["list(key ORDER BY key) AS bounds" in stage["query"] for stage in single] == [True]
    assert "4 partitions by range(i DESC NULLS LAST)" in str(frame.explain())


def test_heavy_input_is_computed_once(local: millpond.Session) -> None:
    t = local.from_arrow(pa.table({"i": range(1_000)})).repartition(4, by_rows=True)
    query = "SELECT a.i % 10 AS k, md5(a.i::VARCHAR) AS m FROM t AS a JOIN t AS b ON a.i = b.i + 1 ORDER BY m"
    frame = local.sql(query, t=t, distribute="always", partitions=4, broadcast_limit=0)
    assert sum("JOIN" in stage["query"] for stage in stages_of(frame)) == 1


def test_few_rows_are_gathered(local: millpond.Session) -> None:
    t = local.from_arrow(pa.table({"i": [3, 1, 2]})).repartition(2, by_rows=True)
    plan = str(local.sql("SELECT i FROM t ORDER BY i", t=t, distribute="always", partitions=4).explain())
    assert "ORDER BY of few rows" in plan
    assert "by range" not in plan


def test_an_order_by_chance_is_one_order(local: millpond.Session) -> None:
    t = local.from_arrow(pa.table({"i": range(1000)})).repartition(2, by_rows=True)
    query = "SELECT i, r FROM (SELECT i, random() AS r FROM t) ORDER BY r"
    rows = local.sql(query, t=t, distribute="always", partitions=4, broadcast_limit=0).take_all()
    assert sorted(row["i"] for row in rows) == list(range(1000))
    assert [row["r"] for row in rows] == sorted(row["r"] for row in rows)


def test_the_stages_run_in_a_plain_duckdb(local: millpond.Session, tmp_path: Path) -> None:
    pq.write_table(pa.table({"i": range(1_000)}), tmp_path / "t.parquet", row_group_size=100)
    t = local.read_parquet(str(tmp_path / "t.parquet"))
    frame = local.sql("SELECT i FROM t ORDER BY i % 7, i", t=t, distribute="always", partitions=4, broadcast_limit=0)
    text = str(frame.explain())
    assert "by range" in text
    with duckdb.connect() as plain:
        rows = plain.execute(text[text.index("-- stage 0") :]).fetchall()
    assert rows == sorted(((i,) for i in range(1_000)), key=lambda row: (row[0] % 7, row[0]))
