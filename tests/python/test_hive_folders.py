"""Files in key=value folders: sql() reads only the folders that pass, and moves no row of whole ones."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest

ROWS = "SELECT range AS i, range % 12 AS p, 'x' || range % 5 AS s, range * 7 % 100 AS v FROM range(6000)"


def write(folder: Path, query: str, *by: str) -> Path:
    """The query's rows in folders, as DuckDB writes them."""
    with duckdb.connect() as plain:
        plain.execute(f"COPY ({query}) TO '{folder}' (FORMAT parquet, PARTITION_BY ({', '.join(by)}))")
    return folder


def nodes_of(frame: millpond.DataFrame) -> list[dict[str, Any]]:
    return list(json.loads(frame._frame.plan_json())["nodes"])


def moves(frame: millpond.DataFrame) -> list[str]:
    return [
        n["kind"] for n in nodes_of(frame) if n["op"] == "repartition" and n["kind"] not in ("files", "consolidate")
    ]


def files_read(frame: millpond.DataFrame) -> int:
    return sum(len(node["files"]) for node in nodes_of(frame) if node["op"] == "scan")


def run(session: millpond.Session, query: str, partitions: int = 3, **frames: Any) -> millpond.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", millpond.MillpondWarning)
        return session.sql(query, distribute="always", partitions=partitions, broadcast_limit=0, **frames)


def check(session: millpond.Session, query: str, partitions: int = 3, **folders: Path) -> millpond.DataFrame:
    """The query's rows are DuckDB's over the same files."""
    frames = {name: session.read_parquet(folder, recursive=True) for name, folder in folders.items()}
    frame = run(session, query, partitions, **frames)
    with duckdb.connect() as plain:
        for name, folder in folders.items():
            plain.execute(f"CREATE VIEW {name} AS FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true)")
        want = plain.sql(query).to_arrow_table().to_pylist()
    assert sorted(map(repr, frame.take_all())) == sorted(map(repr, want)), query
    return frame


@pytest.fixture(scope="module")
def by_p(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("hive") / "by_p", ROWS, "p")


@pytest.mark.parametrize("partitions", [1, 3, 4, 12, 16])
def test_whole_folders_lie_together(local: millpond.Session, by_p: Path, partitions: int) -> None:
    is_whole = partitions in (3, 4, 12)
    for query in (
        "SELECT p, median(v) FROM t GROUP BY p",
        "SELECT p, s, median(v) FROM t GROUP BY p, s",
        "SELECT i, sum(v) OVER (PARTITION BY p, s ORDER BY i) FROM t",
        "SELECT DISTINCT p, s FROM t",
        "SELECT a.i, b.v FROM t a JOIN t b ON a.p = b.p AND a.i = b.i + 12",
    ):
        frame = check(local, query, partitions, t=by_p)
        assert partitions == 1 or (moves(frame) == []) == is_whole, query
    assert partitions == 1 or moves(check(local, "SELECT s, median(v) FROM t GROUP BY s", partitions, t=by_p)) == [
        "hash"
    ]


def test_filters_thin_files_out_before_they_are_dealt(local: millpond.Session, by_p: Path) -> None:
    frame = check(local, "SELECT i, v FROM t WHERE p IN (3, 5, 7) AND v > 10", t=by_p)
    assert files_read(frame) == 3
    # Each of the three tasks has one of the three files.
    rows = run(local, "SELECT p FROM t WHERE p IN (3, 5, 7)", t=local.read_parquet(by_p, recursive=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", millpond.MillpondWarning)
        counts = rows.partial_sql("SELECT count(*) AS n, min(p) = max(p) AS is_one FROM {0}").take_all()
    assert counts == [{"n": 500, "is_one": True}] * 3
    for query, files in (
        ("SELECT * FROM t WHERE p % 4 = 1", 3),
        ("SELECT * FROM t WHERE p > 9 OR p < 1", 3),
        ("SELECT * FROM t WHERE p > 9 OR v < 3", 12),
        ("SELECT * FROM t WHERE p IS NULL", 0),
        ("SELECT count(*) FROM t WHERE p > 100", 0),
        ("SELECT * FROM t WHERE p::VARCHAR LIKE '1%'", 3),
        ("SELECT a.i FROM t a JOIN t b USING (i) WHERE a.p = 1 AND b.p < 2", 2),
        ("SELECT a.i, b.i AS j FROM t a LEFT JOIN t b ON a.i = b.i AND b.p = 2 WHERE a.p < 4", 4),
        ("SELECT i FROM t WHERE p = 3 UNION ALL SELECT v FROM t WHERE p = 5", 2),
        ("SELECT i FROM t WHERE p = (SELECT max(p) FROM t)", 12),
        ("SELECT i FROM t WHERE p + i > 6000", 12),
    ):
        assert files_read(check(local, query, t=by_p)) == files, query


def test_values_that_look_odd(local: millpond.Session, tmp_path: Path) -> None:
    odd = "['a/b', 'ü=1', '%41', '', 'NULL', ' x ', '__HIVE_default_partition__', NULL]"
    folder = write(tmp_path / "odd", f"SELECT range AS i, {odd}[1 + range % 8] AS p FROM range(800)", "p")
    assert moves(check(local, "SELECT p, median(i), count(*) FROM t GROUP BY p", 4, t=folder)) == []
    for value in ("'a/b'", "'ü=1'", "'%41'", "''", "'NULL'", "' x '", "'A'"):
        found = check(local, f"SELECT i, p FROM t WHERE p = {value}", 4, t=folder)
        assert files_read(found) == (0 if value == "'A'" else 1)
    assert files_read(check(local, "SELECT i FROM t WHERE p IS NULL", 4, t=folder)) == 1
    assert files_read(check(local, "SELECT i FROM t WHERE p IS NOT NULL", 4, t=folder)) == 7
    assert files_read(check(local, "SELECT i FROM t WHERE p IS DISTINCT FROM 'a/b'", 4, t=folder)) == 7


def test_types_come_from_all_folders(local: millpond.Session, tmp_path: Path) -> None:
    # 1 and 01 are one number, but two texts.
    for name in ("1", "01", "2", "3", "004", "4", "__HIVE_DEFAULT_PARTITION__", "6"):
        (tmp_path / "n" / f"p={name}").mkdir(parents=True)
        with duckdb.connect() as plain:
            plain.execute(f"COPY (SELECT range AS i FROM range(100)) TO '{tmp_path}/n/p={name}/f.parquet'")
    frame = check(local, "SELECT p, count(*), median(i) FROM t GROUP BY p", 2, t=tmp_path / "n")
    assert moves(frame) == []
    assert files_read(check(local, "SELECT i FROM t WHERE p = 4", 2, t=tmp_path / "n")) == 2
    (tmp_path / "n" / "p=x").mkdir()
    with duckdb.connect() as plain:
        plain.execute(f"COPY (SELECT 7::BIGINT AS i) TO '{tmp_path}/n/p=x/f.parquet'")
    assert files_read(check(local, "SELECT i FROM t WHERE p = '4'", 2, t=tmp_path / "n")) == 1
    check(local, "SELECT p, count(*), median(i) FROM t GROUP BY p", 2, t=tmp_path / "n")
    dates = write(
        tmp_path / "d", "SELECT range AS i, DATE '2024-01-01' + (range % 30)::INTEGER AS d FROM range(900)", "d"
    )
    assert files_read(check(local, "SELECT i, d FROM t WHERE d BETWEEN '2024-01-05' AND '2024-01-07'", t=dates)) == 3
    assert moves(check(local, "SELECT d, median(i) FROM t GROUP BY d", t=dates)) == []


def test_several_levels(local: millpond.Session, tmp_path: Path) -> None:
    query = "SELECT range AS i, 2020 + range % 2 AS y, 1 + range // 2 % 12 AS m FROM range(4800)"
    folder = write(tmp_path / "ym", query, "y", "m")
    by_both = "SELECT y, m, median(i) FROM t GROUP BY y, m"
    by_year = "SELECT y, median(i) FROM t GROUP BY y"
    # Two years go to two partitions; for three, months are dealt.
    assert moves(check(local, by_both, 2, t=folder)) == moves(check(local, by_year, 2, t=folder)) == []
    assert moves(check(local, by_both, 3, t=folder)) == []
    assert moves(check(local, by_year, 3, t=folder)) == ["hash"]
    # Of one year only the months tell rows apart.
    one = "SELECT m, median(i) FROM t WHERE y = 2020 GROUP BY m"
    assert moves(check(local, one, 3, t=folder)) == []
    assert moves(check(local, "SELECT m, median(i) FROM t GROUP BY m", 3, t=folder)) == ["hash"]


def test_folders_of_two_data_sets_meet(local: millpond.Session, by_p: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", "SELECT range AS j, range % 12 AS p FROM range(1200)", "p")
    for kind in ("JOIN", "LEFT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"):
        frame = check(local, f"SELECT t.i FROM t {kind} u ON t.p = u.p AND t.i = u.j", t=by_p, u=other)
        assert moves(frame) == [], kind
    fewer = "SELECT t.i, u.j FROM t LEFT JOIN u ON t.p = u.p AND t.i = u.j AND u.p < 6"
    check(local, fewer, t=by_p, u=other)
    # A text is no number.
    texts = write(tmp_path / "texts", "SELECT range AS j, 'k' || range % 12 AS p FROM range(1200)", "p")
    assert moves(check(local, "SELECT t.i FROM t JOIN u ON 'k' || t.p = u.p AND t.i = u.j", t=by_p, u=texts)) != []


def test_uneven_folders_are_dealt_by_files(local: millpond.Session, tmp_path: Path) -> None:
    for number in range(8):
        folder = tmp_path / f"p={max(number - 5, 0)}"
        folder.mkdir(exist_ok=True)
        with duckdb.connect() as plain:
            plain.execute(f"COPY (SELECT range + {number} AS i FROM range(1000)) TO '{folder}/{number}.parquet'")
    assert moves(check(local, "SELECT p, median(i) FROM t GROUP BY p", 3, t=tmp_path)) == ["hash"]


def test_explain_tells_folders(local: millpond.Session, by_p: Path) -> None:
    frame = run(local, "SELECT p, median(v) AS m FROM t GROUP BY p", t=local.read_parquet(by_p, recursive=True))
    assert re.search(r"\[3 by folders\] → 3 partitions by folders", str(frame.explain()))


def test_folders_of_csv_files(local: millpond.Session, tmp_path: Path) -> None:
    with duckdb.connect() as plain:
        plain.execute(f"COPY ({ROWS}) TO '{tmp_path}/c' (FORMAT csv, PARTITION_BY (p))")
        query = "SELECT p, count(*) AS n, sum(v)::BIGINT AS s FROM t WHERE p IN (1, 3, 4) GROUP BY p"
        frame = run(local, query, t=local.read_csv(tmp_path / "c", recursive=True))
        assert moves(frame) == []
        assert files_read(frame) == 3
        want = plain.sql(query.replace(" t ", f" read_csv('{tmp_path}/c/**/*.csv', hive_partitioning = true) "))
        assert sorted(map(repr, frame.take_all())) == sorted(map(repr, want.to_arrow_table().to_pylist()))


def test_a_schema_says_the_types_of_folders(session: millpond.Session, tmp_path: Path) -> None:
    write(tmp_path / "t", "SELECT range AS i, range AS p FROM range(3)", "p")
    assert session.read_parquet(tmp_path / "t", recursive=True).filter("p = 1").map("p").take_all() == [{"p": 1}]
    frame = session.read_parquet(tmp_path / "t", recursive=True, schema={"i": "BIGINT", "p": "VARCHAR"})
    assert frame.filter("p = '1'").take_all() == [{"i": 1, "p": "1"}]
