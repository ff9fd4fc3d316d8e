"""DuckLake tables that DuckDB 1.5.5 wrote, beside what it reads of them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest
from conftest import open_session
from duckdb_1_5 import results
from duckdb_1_5 import rows as other_duckdb

pytestmark = pytest.mark.long

COLUMNS = (
    "i BIGINT, s VARCHAR, n DECIMAL(9,2), st STRUCT(a INTEGER, b VARCHAR), l INTEGER[], m MAP(VARCHAR, INTEGER), "
    "z TIMESTAMPTZ, t TIMESTAMP, d DATE, f DOUBLE, g FLOAT, u UUID, b BLOB, ok BOOLEAN, h UTINYINT, e TIME"
)
VALUES = (
    "range + {0}, 's' || range, range / 3, {{'a': range, 'b': 'x'}}, [range, NULL], MAP {{'k': range}}, "
    "make_timestamptz(range * 1000001), make_timestamp(range * 1000001), DATE '2020-01-01' + range::INTEGER, "
    "range / 7, range / 7, uuid(), 'x'::BLOB, range % 2 = 0, range % 200, TIME '12:00:00'"
)
SMALL = VALUES.format(5000) + " FROM range(3)"
STEPS = [
    f"CREATE TABLE lake.t ({COLUMNS})",
    f"INSERT INTO lake.t SELECT {VALUES.format(0)} FROM range(1000)",
    f"INSERT INTO lake.t SELECT {SMALL}",
    "DELETE FROM lake.t WHERE i IN (3, 5001)",
    "DELETE FROM lake.t WHERE i BETWEEN 100 AND 500",
    "ALTER TABLE lake.t ADD COLUMN added INTEGER DEFAULT 7",
    "ALTER TABLE lake.t ADD COLUMN word VARCHAR DEFAULT 'it''s'",
    "ALTER TABLE lake.t RENAME COLUMN s TO text",
    f"INSERT INTO lake.t SELECT {VALUES.format(2000)}, 8, 'x' FROM range(1000)",
    "ALTER TABLE lake.t ALTER COLUMN h SET DATA TYPE INTEGER",
    "ALTER TABLE lake.t ALTER COLUMN g SET DATA TYPE DOUBLE",
    "ALTER TABLE lake.t DROP COLUMN t",
    "UPDATE lake.t SET text = 'new' WHERE i BETWEEN 2000 AND 2009",
    "DELETE FROM lake.t WHERE i = 2500",
    "DELETE FROM lake.t WHERE i > 2900",
]


def lake(folder: Path, *steps: str, limit: int = 10, catalog: str = "meta.ducklake", kind: str = "") -> Path:
    """A lake after these steps. Inserts and deletes of up to `limit` rows lie in the catalog."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"DATA_PATH '{folder}/files', DATA_INLINING_ROW_LIMIT {limit}"
    other_duckdb(f"ATTACH 'ducklake:{kind}{folder}/{catalog}' AS lake ({options})", *steps, "DETACH lake")
    return folder / catalog


def told(path: Path, query: str, kind: str = "") -> list[list[Any]]:
    """What DuckDB 1.5.5 reads of it."""
    return other_duckdb(f"ATTACH 'ducklake:{kind}{path}' AS lake (READ_ONLY)", query)


def as_texts(table: str) -> str:
    return f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {table}"


def ours(frame: millpond.DataFrame) -> list[list[Any]]:
    texts = frame.session.sql(as_texts("f"), f=frame)
    return sorted((list(row.values()) for row in texts.take_all()), key=str)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lake(tmp_path_factory.mktemp("lake"), *STEPS)


@pytest.fixture(scope="module")
def versions(changed: Path) -> list[list[list[Any]]]:
    """The columns and the rows of each version."""
    tables = [f"lake.t AT (VERSION => {number})" for number in range(1, len(STEPS) + 1)]
    queries = [query for table in tables for query in (f"DESCRIBE FROM {table}", as_texts(table))]
    return results(f"ATTACH 'ducklake:{changed}' AS lake (READ_ONLY)", *queries)[1:]


@pytest.mark.parametrize("version", range(1, len(STEPS) + 1))
def test_every_version_is_read(
    local: millpond.Session, changed: Path, versions: list[list[list[Any]]], version: int
) -> None:
    frame = local.read_ducklake(changed, "t", version=version)
    described, want = versions[2 * version - 2 : 2 * version]
    assert ours(frame) == sorted(want, key=str)
    assert [[name, kind] for name, kind in frame.schema.items()] == [row[:2] for row in described]


@pytest.mark.parametrize("runner", ["inline", "processes"])
def test_queries_beside_duckdb(changed: Path, tmp_path: Path, runner: str) -> None:
    with open_session(tmp_path, runner=runner) as session:
        frame = session.read_ducklake(f"ducklake:{changed}", "T", schema="Main")
        conditions = ("i < 60", "text = 'new'", "g > 1.4 AND g < 1.5", "h = 7", "added = 7", "st.a = 5", "i = 5000")
        queries = [f"SELECT count(*) AS n, sum(i)::BIGINT AS s FROM f WHERE {condition}" for condition in conditions]
        grouped = "SELECT h, count(*) FROM lake.t GROUP BY h ORDER BY h"
        theirs = [query.replace("FROM f", "FROM lake.t") for query in queries]
        wanted = results(f"ATTACH 'ducklake:{changed}' AS lake (READ_ONLY)", *theirs, grouped)[1:]
        for query, (want,) in zip(queries, wanted[:-1], strict=True):
            assert list(session.sql(query, f=frame).take_all()[0].values()) == want, query
        spread = session.sql("SELECT h, count(*) AS n FROM f GROUP BY h", f=frame, distribute="always", partitions=3)
        assert sorted([row["h"], row["n"]] for row in spread.take_all()) == wanted[-1]


def test_moments(local: millpond.Session, changed: Path) -> None:
    times = told(changed, "SELECT snapshot_id, epoch_us(snapshot_time) FROM ducklake_snapshots('lake')")
    for number, microseconds in times[1::4]:
        moment = datetime.datetime.fromtimestamp(microseconds // 1_000_000, datetime.UTC)
        moment += datetime.timedelta(microseconds=microseconds % 1_000_000)
        found = local.read_ducklake(changed, "t", timestamp=moment)
        assert ours(found) == ours(local.read_ducklake(changed, "t", version=number))
    with pytest.raises(millpond.InvalidArgumentError, match="as old as"):
        local.read_ducklake(changed, "t", timestamp="2001-01-01")
    with pytest.raises(millpond.InvalidArgumentError, match="exclude each other"):
        local.read_ducklake(changed, "t", version=1, timestamp="2001-01-01")
    with pytest.raises(millpond.InvalidArgumentError, match="no snapshot 99"):
        local.read_ducklake(changed, "t", version=99)


def test_a_catalog_of_sqlite(local: millpond.Session, tmp_path: Path) -> None:
    steps = [step for step in STEPS if SMALL not in step][:8]
    path = lake(tmp_path, *steps, limit=0, catalog="meta.sqlite", kind="sqlite:")
    want = sorted(told(path, as_texts("lake.t"), "sqlite:"), key=str)
    assert ours(local.read_ducklake(f"sqlite:{path}", "t")) == want
    assert ours(local.read_ducklake(path, "t")) == want
    older = told(path, as_texts("lake.t AT (VERSION => 3)"), "sqlite:")
    assert ours(local.read_ducklake(path, "t", version=3)) == sorted(older, key=str)
    moment = told(path, "SELECT max(snapshot_time)::VARCHAR FROM ducklake_snapshots('lake')", "sqlite:")[0][0]
    assert ours(local.read_ducklake(path, "t", timestamp=moment)) == want
    path = lake(
        tmp_path / "inlined", "CREATE TABLE lake.t (i INTEGER)", "INSERT INTO lake.t VALUES (1)", kind="sqlite:"
    )
    with pytest.raises(millpond.UnsupportedError, match="flush_inlined_data"):
        local.read_ducklake(path, "t")


def test_partitions_schemas_and_places(local: millpond.Session, tmp_path: Path) -> None:
    path = lake(
        tmp_path,
        'CREATE SCHEMA lake."it\'s"',
        'CREATE TABLE lake."it\'s"."a b" (k VARCHAR, x INTEGER)',
        'ALTER TABLE lake."it\'s"."a b" SET PARTITIONED BY (k)',
        'INSERT INTO lake."it\'s"."a b" SELECT \'k/\' || (range % 3), range FROM range(100)',
        "CREATE TABLE lake.nothing (x INTEGER)",
        limit=0,
    )
    frame = local.read_ducklake(path, "a b", schema="it's")
    assert frame.filter("k = 'k/1'").count() == 33
    assert "2 left out by what is known of them" in frame.filter("k = 'k/1'").explain()
    assert local.read_ducklake(path, "nothing").take_all() == []
    (tmp_path / "files").rename(tmp_path / "moved")
    moved = local.read_ducklake(path, "a b", schema="it's", data_path=tmp_path / "moved")
    assert moved.partial_sql("SELECT sum(x)::BIGINT AS s FROM {0}").take_all() == [{"s": 4950}]
    with pytest.raises(millpond.NotFoundError, match="tables there: nothing"):
        local.read_ducklake(path, "a b")
    with pytest.raises(millpond.NotFoundError, match="no table"):
        local.read_ducklake(path, "a b", schema="none")


def test_merged_files(local: millpond.Session, tmp_path: Path) -> None:
    """A file of several snapshots' rows is read from the last of them on, and refused for those between."""
    path = lake(
        tmp_path,
        "CREATE TABLE lake.t (i INTEGER)",
        *(f"INSERT INTO lake.t SELECT range + {10 * number} FROM range(10)" for number in range(4)),
        "CALL ducklake_merge_adjacent_files('lake')",
        "DELETE FROM lake.t WHERE i = 15",
        limit=0,
    )
    for version in (None, 5):
        at = "" if version is None else f" AT (VERSION => {version})"
        want = sorted(told(path, as_texts(f"lake.t{at}")), key=str)
        assert ours(local.read_ducklake(path, "t", version=version)) == want
    with pytest.raises(millpond.UnsupportedError, match="read snapshot 5 or a later one"):
        local.read_ducklake(path, "t", version=3)


def test_what_is_not_read(local: millpond.Session, tmp_path: Path) -> None:
    create = "CREATE TABLE lake.t (i INTEGER)"
    duckdb.sql("SELECT 1 AS i").write_parquet(str(tmp_path / "foreign.parquet"))
    added = f"CALL ducklake_add_data_files('lake', 't', '{tmp_path}/foreign.parquet')"
    with pytest.raises(millpond.UnsupportedError, match="no field ids"):
        local.read_ducklake(lake(tmp_path / "added", create, added), "t")
    with pytest.raises(millpond.UnsupportedError, match='"big" of this DuckLake table is int128'):
        local.read_ducklake(lake(tmp_path / "types", "CREATE TABLE lake.t (big HUGEINT)"), "t")
    path = lake(tmp_path / "format", create)
    with duckdb.connect(str(path)) as catalog:
        catalog.execute("UPDATE ducklake_metadata SET value = '9.9' WHERE key = 'version'")
    with pytest.raises(millpond.UnsupportedError, match=r"format 9\.9"):
        local.read_ducklake(path, "t")
    with pytest.raises(millpond.NotFoundError, match="no DuckLake catalog"):
        local.read_ducklake(tmp_path / "nothing.ducklake", "t")
    with duckdb.connect(str(tmp_path / "plain.db")) as plain:
        plain.execute("CREATE TABLE t AS SELECT 1")
    with pytest.raises(millpond.InvalidArgumentError, match="no DuckLake catalog"):
        local.read_ducklake(tmp_path / "plain.db", "t")
    (tmp_path / "text").write_text("none")
    with pytest.raises(millpond.UnavailableError, match="can't be opened"):
        local.read_ducklake(tmp_path / "text", "t")
    with pytest.raises(millpond.UnsupportedError, match="a file of this machine"):
        local.read_ducklake("postgres:dbname=lake", "t")


def test_a_view_in_a_catalog_reads_nothing_else(local: millpond.Session, tmp_path: Path) -> None:
    path = lake(tmp_path, "CREATE TABLE lake.t (i INTEGER)")
    (tmp_path / "secret.csv").write_text("more\n1\n")
    with duckdb.connect(str(path)) as catalog:
        catalog.execute("ALTER TABLE ducklake_data_file RENAME TO other")
        view = f"FROM other CROSS JOIN read_csv('{tmp_path}/secret.csv')"
        catalog.execute(f"CREATE VIEW ducklake_data_file AS {view}")
    with pytest.raises(millpond.DataCorruptError, match="can't be read"):
        local.read_ducklake(path, "t")
