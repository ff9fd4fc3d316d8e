"""Tasks of a spread query that read several small partitions, or a part of a large one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest

pytestmark = pytest.mark.long

#: Nine tenths of the rows have one key. What else is in a row can't be compressed.
FACTS = """
SELECT CASE WHEN range % 10 < 9 THEN 7 ELSE range % 5000 END AS k, hash(range) AS v, range AS n
FROM range(160000)"""
DIMS = "SELECT range AS k, range % 13 AS w FROM range(0, 6000, 2) UNION ALL SELECT NULL, 1 UNION ALL SELECT 7, 99"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A table of which nearly all rows meet, and one to meet."""
    folder = tmp_path_factory.mktemp("skewed")
    duckdb.sql(f"COPY ({FACTS}) TO '{folder}/facts.parquet' (ROW_GROUP_SIZE 10240)")
    duckdb.sql(f"COPY ({DIMS}) TO '{folder}/dims.parquet'")
    return {name: folder / f"{name}.parquet" for name in ("facts", "dims")}


@pytest.fixture(params=["threads", "processes"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[millpond.Session]:
    """A session of each kind in which little is worth a task."""
    with millpond.init(
        data_root=tmp_path / "data", runner=request.param, threads=2, min_task_bytes="8KB", progress=False
    ) as opened:
        yield opened


def tables_of(session: millpond.Session, files: dict[str, Path]) -> dict[str, millpond.DataFrame]:
    """The frames by name."""
    return {name: session.read_parquet(str(file)) for name, file in files.items()}


def oracle(query: str, files: dict[str, Path]) -> list[tuple[Any, ...]]:
    """DuckDB's rows, sorted."""
    connection = duckdb.connect()
    for name, file in files.items():
        connection.execute(f"CREATE VIEW {name} AS FROM '{file}'")
    return connection.sql(query).fetchall()


def by_text(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """In an order that NULL has a place in, too."""
    return sorted(rows, key=repr)


def rows_of(frame: millpond.DataFrame) -> list[tuple[Any, ...]]:
    """The frame's rows."""
    return [tuple(row.values()) for row in frame.take_all()]


def shared(session: millpond.Session) -> list[dict[str, Any]]:
    """How stages dealt partitions to tasks, where not one to each."""
    lines = (Path(session.job_directory) / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "partitions_shared"]


#: Each with whether a part of the large partition may be read by itself.
JOINS = [
    ("SELECT f.n, d.w FROM facts f JOIN dims d USING (k)", True),
    ("SELECT f.n, d.w FROM facts f LEFT JOIN dims d USING (k)", True),
    ("SELECT f.n, d.w FROM dims d RIGHT JOIN facts f USING (k)", True),
    ("SELECT f.n FROM facts f SEMI JOIN dims d USING (k)", True),
    ("SELECT f.n FROM facts f ANTI JOIN dims d USING (k)", True),
    ("SELECT f.v % 10 AS g, count(*) AS n, sum(d.w) AS s FROM facts f JOIN dims d USING (k) GROUP BY g", True),
    ("SELECT f.n, d.w FROM facts f ASOF JOIN dims d ON f.k = d.k AND f.n >= d.w", True),
    ("SELECT f.n, d.w FROM facts f RIGHT JOIN dims d USING (k)", False),
    ("SELECT f.n, d.w FROM facts f FULL JOIN dims d USING (k)", False),
    ("SELECT d.w FROM dims d SEMI JOIN facts f USING (k)", False),
    ("SELECT d.w FROM dims d ANTI JOIN facts f USING (k)", False),
    ("SELECT k, count(*) AS n, median(f.n) AS m, sum(d.w) AS s FROM facts f JOIN dims d USING (k) GROUP BY k", False),
    (
        "SELECT f.n, d.w, row_number() OVER (PARTITION BY k ORDER BY f.n, d.w) AS r FROM facts f JOIN dims d USING (k)",
        False,
    ),
    ("SELECT DISTINCT k, d.w FROM facts f JOIN dims d USING (k)", False),
]


@pytest.mark.parametrize("partitions", [1, 3, 16])
@pytest.mark.parametrize(("query", "is_cut"), JOINS)
def test_a_partition_far_larger_than_the_others_is_read_in_parts(
    session: millpond.Session, files: dict[str, Path], query: str, is_cut: bool, partitions: int
) -> None:
    tables = tables_of(session, files)
    frame = session.sql(
        f"SELECT * FROM ({query})", distribute="always", partitions=partitions, broadcast_limit=0, **tables
    )
    assert by_text(rows_of(frame)) == by_text(oracle(query, files))
    if partitions == 16:
        assert (sum(event["parts"] for event in shared(session)) > 1) == is_cut


TINY = [
    "SELECT n % 100 AS g, count(*) AS c, max(v) AS v FROM facts GROUP BY g",
    "SELECT g, count(*) AS c FROM (SELECT n % 100 AS g, k, count(*) AS c FROM facts GROUP BY ALL) GROUP BY g",
    "SELECT DISTINCT n % 50 AS g FROM facts",
    "SELECT w, count(*) AS c FROM (SELECT * FROM dims UNION ALL SELECT * FROM dims) GROUP BY w",
    "SELECT k, row_number() OVER (PARTITION BY w ORDER BY k) AS r FROM dims",
    "SELECT k FROM dims EXCEPT SELECT n FROM facts WHERE n % 300 = 0",
    "SELECT w, median(k) AS m FROM dims GROUP BY w",
]


@pytest.mark.parametrize("partitions", [3, 16])
@pytest.mark.parametrize("query", TINY)
def test_small_partitions_are_read_by_one_task(
    session: millpond.Session, files: dict[str, Path], query: str, partitions: int
) -> None:
    frame = session.sql(
        query, distribute="always", partitions=partitions, broadcast_limit=0, **tables_of(session, files)
    )
    assert by_text(rows_of(frame)) == by_text(oracle(query, files))
    assert frame.num_partitions == partitions
    assert any(event["tasks"] < event["partitions"] for event in shared(session))


def test_sorted_partitions_stay_in_order(session: millpond.Session, files: dict[str, Path]) -> None:
    query = "SELECT k, w FROM (SELECT k, w, n FROM facts JOIN dims USING (k) WHERE n % 40 = 0) ORDER BY k, w LIMIT 5000"
    frame = session.sql(query, distribute="always", partitions=16, broadcast_limit=0, **tables_of(session, files))
    assert rows_of(frame) == oracle(query, files)


def test_a_query_over_its_rows_finds_them_where_they_belong(session: millpond.Session, files: dict[str, Path]) -> None:
    """Kept rows that one task read with their neighbours are dealt again for whoever relies on where they are."""
    tables = tables_of(session, files)
    groups = session.sql("SELECT k, count(*) AS c FROM facts GROUP BY k", distribute="always", partitions=16, **tables)
    dealt = tables["dims"].repartition(16, hash_by="k")
    before = oracle("SELECT k, count(*) AS c FROM facts GROUP BY k", files)
    assert by_text(rows_of(groups)) == by_text(before)
    assert shared(session)
    side_by_side = groups.partial_sql("SELECT g.k, g.c, d.w FROM {0} g JOIN {1} d USING (k)", dealt)
    query = "SELECT k, c, w FROM (SELECT k, count(*) AS c FROM facts GROUP BY k) JOIN dims USING (k)"
    assert by_text(rows_of(side_by_side)) == by_text(oracle(query, files))
    again = session.sql(
        "SELECT k, c, w FROM g JOIN dims USING (k)",
        distribute="always",
        partitions=16,
        broadcast_limit=0,
        g=groups,
        **tables,
    )
    assert by_text(rows_of(again)) == by_text(oracle(query, files))
    assert by_text(rows_of(groups)) == by_text(before)


def test_what_the_user_dealt_stays(session: millpond.Session, files: dict[str, Path], tmp_path: Path) -> None:
    """Partitions that somebody counts are as many as were asked for, each with its rows."""
    dims = tables_of(session, files)["dims"].repartition(16, hash_by="k")
    counts = dims.partial_sql("SELECT count(*) AS c FROM {0}").take_all()
    assert len(counts) == 16
    assert min(row["c"] for row in counts) > 0
    groups = session.sql("SELECT w, count(*) AS c FROM dims GROUP BY w", distribute="always", partitions=16, dims=dims)
    per_partition = groups.partial_sql("SELECT count(*) AS c FROM {0}").take_all()
    assert len(per_partition) == 16
    assert sum(row["c"] for row in per_partition) == len(oracle("SELECT DISTINCT w FROM dims", files))


def test_each_task_reads_one_partition_where_nothing_is_too_little(files: dict[str, Path], tmp_path: Path) -> None:
    with millpond.init(data_root=tmp_path, min_task_bytes=0, progress=False) as session:
        query, _ = JOINS[0]
        frame = session.sql(query, distribute="always", partitions=16, broadcast_limit=0, **tables_of(session, files))
        assert by_text(rows_of(frame)) == by_text(oracle(query, files))
        assert not shared(session)


def test_explain_says_what_tasks_read(session: millpond.Session, files: dict[str, Path]) -> None:
    tables = tables_of(session, files)
    joined = session.sql(
        JOINS[0][0] + " WHERE f.v % 2 = 0", distribute="always", partitions=16, broadcast_limit=0, **tables
    )
    groups = session.sql("SELECT w, sum(n) AS s FROM j GROUP BY w", distribute="always", partitions=16, j=joined)
    text = groups.explain(analyze=True)
    assert "large partitions read in parts by" in text
    assert "left out, others read their partitions" in text


def test_the_same_job_again_computes_nothing(files: dict[str, Path], tmp_path: Path) -> None:
    query, _ = JOINS[5]
    finished = 0
    for _ in range(2):
        with millpond.init("again", data_root=tmp_path, progress=False, keep=True, min_task_bytes="8KB") as session:
            frame = session.sql(
                query, distribute="always", partitions=16, broadcast_limit=0, **tables_of(session, files)
            )
            assert by_text(rows_of(frame)) == by_text(oracle(query, files))
            lines = (Path(session.job_directory) / "events.jsonl").read_text().splitlines()
            ran = sum(json.loads(line)["event"] == "task_finished" for line in lines)
            assert finished in (0, ran)
            finished = ran
