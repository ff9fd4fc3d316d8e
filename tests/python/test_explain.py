"""explain(): its script runs by itself, and analyze=True tells what a run did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import open_session

Row = tuple[Any, ...]

QUERIES = [
    "SELECT b, sum(a) AS x, count(*) FROM t GROUP BY b",
    "SELECT s, median(a), list(a ORDER BY a) FROM t GROUP BY ALL ORDER BY s NULLS FIRST",
    "SELECT t.a, v FROM t JOIN u ON t.b = u.k WHERE v > 4 ORDER BY a DESC LIMIT 7",
    "SELECT k, count(DISTINCT s) FROM u LEFT JOIN t ON t.b = u.k GROUP BY ALL",
    "SELECT a, sum(a) OVER (PARTITION BY s ORDER BY a) AS r FROM t QUALIFY r > 100",
    "SELECT * FROM u WHERE EXISTS (FROM t WHERE b = k AND a > 90)",
    "SELECT b FROM t UNION ALL SELECT k FROM u UNION ALL SELECT b + 1 FROM t",
    "SELECT DISTINCT {'b': b, 's': s} AS pair FROM t INTERSECT SELECT {'b': k::BIGINT, 's': 'x1'} FROM u",
    "WITH m AS (SELECT s, max(a) AS a FROM t GROUP BY s) SELECT x.s, y.a FROM m x JOIN m y ON x.a < y.a",
    "SELECT b, s, sum(a) FROM t GROUP BY ROLLUP (b, s)",
    "SELECT a, (SELECT max(v) FROM u WHERE k <= t.b) FROM t WHERE a % 10 = 0",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of t (a, b, s) in three parts, and u (k, v)."""
    for part in range(3):
        numbers = range(part * 40, part * 40 + 40)
        rows = {"a": numbers, "b": [i % 7 for i in numbers], "s": [f"x{i % 3}" if i % 5 else None for i in numbers]}
        pq.write_table(pa.table(rows), tmp_path / f"t{part}.parquet")
    pq.write_table(pa.table({"k": range(9), "v": [i * 2 for i in range(9)]}), tmp_path / "u.parquet")
    return tmp_path


@pytest.fixture
def session(tmp_path: Path) -> Iterator[millpond.Session]:
    with open_session(tmp_path) as session:
        yield session


def script_of(text: str) -> str:
    """The part of an explanation that is SQL."""
    return text[text.index("-- stage 0") :]


def key(row: Row) -> list[str]:
    return [repr(value) for value in row]


@pytest.mark.parametrize("query", QUERIES)
def test_the_script_runs_in_duckdb_and_in_the_session(folder: Path, session: millpond.Session, query: str) -> None:
    with duckdb.connect() as oracle:
        oracle.execute(f"CREATE VIEW t AS FROM '{folder}/t*.parquet'; CREATE VIEW u AS FROM '{folder}/u.parquet'")
        expected = sorted(oracle.sql(query).fetchall(), key=key)
    files = {"t": session.read_parquet(f"{folder}/t*.parquet"), "u": session.read_parquet(f"{folder}/u.parquet")}
    script = script_of(session.sql(query, distribute="always", partitions=3, **files).explain())
    with duckdb.connect() as plain:
        assert sorted(plain.execute(script).fetchall(), key=key) == expected
    # The inputs are exchange files here, which only millpond's own functions read.
    stored = {
        name: frame.repartition(2, by_rows=True).map("SELECT * FROM {0}").compute() for name, frame in files.items()
    }
    script = script_of(session.sql(query, distribute="always", partitions=3, **stored).explain())
    assert "millpond_exchange" in script
    pasted = session.partial_sql(re.sub(r"^FROM|;\s*$", lambda match: match[0].strip(";"), script))
    assert sorted((tuple(row.values()) for row in pasted.take_all()), key=key) == expected


def test_a_script_has_what_hand_made_stages_have(folder: Path, session: millpond.Session) -> None:
    frame = session.read_csv(str(csv_of(folder)), schema={"a": int, "s": str})
    parts = frame.repartition(3, hash_by="a % 4").partial_sql(
        "CREATE TABLE n AS SELECT 2 AS n; SELECT a * n AS c FROM {0}, n"
    )
    text = parts.explain()
    assert "exchange, 3 partitions by hash(" in text
    assert "about" not in text  # Nobody knows a CSV file's rows.
    with duckdb.connect() as plain:
        assert sorted(plain.execute(script_of(text)).fetchall()) == [(0,), (2,), (4,)]


def csv_of(folder: Path) -> Path:
    path = folder / "n.csv"
    path.write_text("a,s\n0,x\n1,y\n2,z\n")
    return path


def test_many_files_are_only_counted(tmp_path: Path, session: millpond.Session) -> None:
    for i in range(103):
        pq.write_table(pa.table({"a": [i]}), tmp_path / f"{i:03}.parquet")
    text = session.read_parquet(str(tmp_path / "*.parquet")).map("a + 1 AS a").explain()
    assert "103 pieces of files, 103 rows" in text
    assert "103.parquet" not in text
    with duckdb.connect() as plain, pytest.raises(duckdb.IOException, match="and 3 more files"):
        plain.execute(script_of(text))


def test_rows_are_estimated(folder: Path, session: millpond.Session) -> None:
    files = session.read_parquet(f"{folder}/t*.parquet")
    text = session.sql("SELECT a + 1 AS c FROM t", distribute="always", partitions=3, t=files).explain()
    assert "-- stage 0: sql, 3 tasks, about 120 rows" in text
    assert "--   in0 = 3 pieces of files, 120 rows" in text


def test_analyze_tells_what_each_stage_did(folder: Path, session: millpond.Session) -> None:
    files = session.read_parquet(f"{folder}/t*.parquet")
    frame = session.sql("SELECT b, sum(a) AS x FROM t GROUP BY b", distribute="always", partitions=3, t=files)
    text = frame.explain(analyze=True)
    first, second = re.findall(r"--   ran: (.*)", text)
    assert re.match(
        r"120 rows in, 21 rows and [\d.]+ \w+ out; \d\.\d+ s in 3 tasks, the slowest \d\.\d+ s; "
        r"largest task over median: 1.0 by rows in, [\d.]+ by time; nothing spilled$",
        first,
    ), first
    assert second.startswith("21 rows in, 7 rows and "), second
    assert re.search(r"-- ran in \d\.\d+ s: 6 tasks in 2 stages", text)
    assert frame.is_computed()


def test_analyze_says_what_was_kept(folder: Path, session: millpond.Session) -> None:
    files = session.read_parquet(f"{folder}/t*.parquet")
    frame = session.sql("SELECT b, sum(a) AS x FROM t GROUP BY b", distribute="always", partitions=3, t=files).compute()
    assert "-- nothing ran: an earlier action computed the rows, and they are kept" in frame.explain(analyze=True)
    text = frame.map("x + 1 AS y").explain(analyze=True)
    assert "[kept, 7 rows]" in text
    assert re.search(r"in0 = \d pieces kept from earlier work, 7 rows", text)
    assert "-- nothing ran: the rows lie ready" in files.explain(analyze=True)
    text = frame.recompute().explain(analyze=True)
    assert "3 tasks in 1 stage" in text
    assert "21 rows kept" in re.sub(r"\[kept, (\d+) rows\]", r"\1 rows kept", text)  # The exchange below stays.


def test_analyze_says_what_was_reused(folder: Path, session: millpond.Session) -> None:
    dealt = session.read_parquet(f"{folder}/t*.parquet").repartition(3, hash_by="b")
    with pytest.raises(millpond.MillpondError, match="too large"):
        dealt.map("CASE WHEN a = 119 THEN error('too large') ELSE a END AS c").compute()
    text = dealt.map("a + 1 AS c").explain(analyze=True)
    assert "results of 1 task reused" in text
    assert "3 tasks in 2 stages" in text


def test_analyze_shows_skew(session: millpond.Session) -> None:
    rows = session.from_arrow(pa.table({"k": [0] * 900 + list(range(100))}))
    text = rows.repartition(4, by="k % 4").map("k + 1 AS c").explain(analyze=True)
    assert re.search(r"largest task over median: 37 by rows in", text), text


def test_analyze_shows_a_functions_stage(session: millpond.Session) -> None:
    frame = session.from_items([1, 2, 3]).map(lambda row: {"a": row["item"]})
    text = frame.explain(analyze=True)
    assert "rows go through map" in text
    assert "3 rows in, 3 rows and" in text


def test_analyze_shows_the_jobs_that_find_sizes_out(tmp_path: Path, session: millpond.Session) -> None:
    duckdb.sql(f"""COPY (SELECT (range * 7919) % 400000 AS k, range AS v FROM range(1200000))
        TO '{tmp_path}/facts.parquet' (ROW_GROUP_SIZE 61440)""")
    duckdb.sql(f"COPY (SELECT range AS k FROM range(600000)) TO '{tmp_path}/dims.parquet' (ROW_GROUP_SIZE 40960)")
    files = {name: session.read_parquet(f"{tmp_path}/{name}.parquet") for name in ("facts", "dims")}
    query = "SELECT facts.v FROM facts JOIN (SELECT k FROM dims WHERE k % 60000 = 0) d USING (k)"
    text = session.sql(query, distribute="always", partitions=16, **files).explain(analyze=True)
    assert re.findall(r"^-- job (.*) ran in", text, re.MULTILINE) == [
        "1 of 2, whose size decides how the rest is planned,",
        "2 of 2,",
    ]
    assert "kept from earlier work" in text
