"""DuckDB's dialect, construct by construct: each query spread, none of them whole, and by plain DuckDB."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import duckdb
import millpond
import pytest
from test_sql import check

#: Half of the rows have one g, and every column has NULLs.
TABLES = {
    "t": "SELECT range AS id, CASE WHEN range % 10 < 5 THEN 1 WHEN range % 10 > 6 THEN range % 13 END AS g, "
    "CASE WHEN range % 17 > 0 THEN (range * 7919) % 41 END AS h, "
    "CASE WHEN range % 9 > 0 THEN 's' || range % 23 END AS s, "
    "DATE '2024-01-01' + (range * 53 % 60)::INTEGER AS dt, "
    "CASE WHEN range % 5 > 0 THEN [range % 3, NULL, range % 7] END AS l, "
    "TIMESTAMP '2024-03-01' + to_minutes(range * 7919 % 9000) AS ts, {'x': range % 4, 'y': 'p' || range % 3} AS st, "
    "MAP {'a': range % 3} AS mp FROM range(400)",
    "u": "SELECT CASE WHEN range % 11 > 0 THEN range % 40 END AS k, range * 7 % 90 AS v, 's' || range % 30 AS s, "
    "TIMESTAMP '2024-03-01' + to_minutes(range * 131) AS ts FROM range(60)",
    "e": "SELECT 1 AS id, 'x' AS s WHERE false",
    "m": "SELECT range AS n, (range % 5)::HUGEINT * 170141183460469231731687303715884105 AS hg, "
    "(range % 6)::BIT AS bt, ('00000000-0000-0000-0000-00000000000' || range % 8)::UUID AS uu, "
    "(TIME '01:02:03' + to_seconds(range % 50))::TIMETZ AS tz, (range % 4)::BIGNUM AS vi, "
    "(CASE range % 3 WHEN 0 THEN 'sad' WHEN 1 THEN 'ok' ELSE 'happy' END)::ENUM ('sad', 'ok', 'happy') AS en, "
    "CASE WHEN range % 2 = 0 THEN (range % 4)::INTEGER::UNION (num INTEGER, str VARCHAR) "
    "ELSE ('z' || range % 3)::UNION (num INTEGER, str VARCHAR) END AS un, to_days((range % 5)::INTEGER) AS iv, "
    "TIMESTAMPTZ '2024-03-30 22:00:00+00' + to_hours(range % 60) AS ttz FROM range(100)",
}

QUERIES = [
    # Correlated subqueries
    "SELECT id FROM t WHERE NOT EXISTS (FROM u WHERE u.k = t.h AND u.v <> t.g)",
    "SELECT id FROM t WHERE h NOT IN (SELECT k FROM u WHERE u.v > t.g AND k IS NOT NULL)",
    "SELECT id, h = ANY (SELECT k FROM u WHERE u.v > t.id % 50), h > ALL (SELECT k FROM u WHERE k < 10) FROM t",
    "SELECT id, (SELECT max(v) FROM u WHERE u.k IN (SELECT k FROM u x WHERE x.v = u.v AND x.k <= t.h)) AS m FROM t",
    "SELECT id, ARRAY(SELECT v FROM u WHERE u.k = t.h ORDER BY v) FROM t",
    "SELECT id, (SELECT v FROM u WHERE u.k = t.h ORDER BY v DESC LIMIT 1 OFFSET 1) FROM t",
    "SELECT id, (SELECT sum(x) FROM unnest(t.l) q(x)) FROM t",
    "SELECT id FROM t WHERE (h, g) IN (SELECT k, v FROM u) OR h IN (SELECT v FROM u)",
    "SELECT g, (SELECT count(*) FROM u WHERE v > min(t.id)), count(*) FILTER (WHERE h IN (SELECT k FROM u)) "
    "FROM t GROUP BY g",
    # LATERAL and tables of lists and functions
    "SELECT t.id, z.v FROM t LEFT JOIN LATERAL (SELECT v FROM u WHERE u.k = t.h ORDER BY v LIMIT 2) z ON true",
    "SELECT t.id, z.a, y.b FROM t, LATERAL (SELECT h + 1 AS a) z, LATERAL (SELECT z.a * 2 AS b) y",
    "SELECT t.id, x FROM t LEFT JOIN unnest(l) q(x) ON true",
    "SELECT t.id, r.i FROM t, range(t.g::BIGINT) r(i) WHERE t.id < 100",
    "SELECT * FROM generate_series(1, 10, 3) r(i) LEFT JOIN u ON u.k = r.i",
    "SELECT i, (SELECT count(*) FROM t WHERE t.h = i) FROM range(50) r(i)",
    "SELECT * FROM (VALUES (1, 'a'), (2, NULL), (NULL, 'c')) q(a, b) RIGHT JOIN u ON u.k = q.a",
    "FROM u SELECT k, v WHERE v > 40",
    # Lists, structs, maps
    "SELECT id, unnest([{'a': g, 'b': [1, 2]}], recursive := true) FROM t",
    "SELECT id, list_transform(l, lambda x: x + g), [x * 2 FOR x IN l IF x > 0], mp['a'], st['y'], l[2:3] FROM t",
    "SELECT st, mp, count(*) FROM t GROUP BY ALL",
    "SELECT g, list(id ORDER BY id) FILTER (WHERE id % 3 = 0), array_agg(DISTINCT h ORDER BY h), histogram(h) "
    "FROM t GROUP BY g",
    "SELECT g, arg_min(s, id, 3), max(id, 3), bitstring_agg(h, 0, 41)::VARCHAR, entropy(h), mad(h) FROM t GROUP BY g",
    # Windows
    "SELECT id, sum(h) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW), "
    "avg(h) OVER (PARTITION BY g ORDER BY h GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) IS NULL FROM t",
    "SELECT id, sum(id) OVER (PARTITION BY s ORDER BY ts RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW) "
    "FROM t",
    "SELECT id, first_value(h IGNORE NULLS) OVER w, lag(h, 2, -1 IGNORE NULLS) OVER w, nth_value(h, 3) OVER w, "
    "count(DISTINCT h) OVER w FROM t WINDOW w AS (PARTITION BY g ORDER BY id)",
    "SELECT id FROM t QUALIFY rank() OVER (PARTITION BY g ORDER BY h DESC NULLS LAST) = 1",
    "SELECT g, count(*) FROM t GROUP BY g QUALIFY row_number() OVER (ORDER BY count(*) DESC, g) <= 2",
    # Groups
    "SELECT DISTINCT ON (g, s) g, s, id FROM t ORDER BY g, s, id DESC",
    "SELECT g, s, count(*), grouping_id(g, s), count(DISTINCT h) FROM t GROUP BY GROUPING SETS ((g), (s), (g, s), ())",
    "SELECT g, s, st.x, count(*) FROM t GROUP BY g, ROLLUP (s, st.x)",
    # Joins
    "SELECT t.id, u.v FROM (SELECT ts, v, s FROM u) u ASOF RIGHT JOIN t ON t.s = u.s AND t.ts >= u.ts",
    "SELECT * FROM (SELECT id FROM t ORDER BY id LIMIT 5) POSITIONAL JOIN (SELECT v FROM u ORDER BY v, k, s LIMIT 7)",
    "SELECT id FROM t ANTI JOIN u ON t.h < u.k",
    "SELECT id, v FROM t FULL JOIN u ON t.h = u.k AND u.v > 30",
    "SELECT count(*), sum(v), sum(h) FROM t RIGHT JOIN u ON t.h IS NOT DISTINCT FROM u.k",
    "FROM t NATURAL JOIN (SELECT k AS h, v FROM u) SELECT id, v",
    "SELECT a.n FROM m a JOIN m b ON a.un = b.un AND a.bt = b.bt AND a.vi = b.vi AND a.tz = b.tz AND a.n = b.n",
    # CTEs
    "WITH RECURSIVE r AS (SELECT k, v, 1 AS n FROM u WHERE k < 3 UNION ALL SELECT u.k, u.v, n + 1 FROM r "
    "JOIN u ON u.k = r.v WHERE n < 4) SELECT * FROM r",
    "WITH RECURSIVE c(k, v) USING KEY (k) AS (SELECT k, v FROM u WHERE v > 50 AND k IS NOT NULL UNION "
    "SELECT c.k, least(c.v, u.v) FROM c JOIN u ON u.k = c.k WHERE u.v < c.v) SELECT k, count(*) FROM c GROUP BY k",
    "WITH x AS MATERIALIZED (SELECT id, random() AS r FROM t) SELECT count(*) FROM x AS a JOIN x AS b ON a.r = b.r",
    "SELECT count(DISTINCT r) FROM t, (SELECT random() AS r)",
    # Set operations
    "SELECT id, s FROM t UNION ALL BY NAME SELECT s, v FROM u",
    "SELECT h FROM t EXCEPT ALL SELECT k FROM u",
    "(SELECT id FROM t ORDER BY id LIMIT 3) UNION ALL (SELECT k FROM u ORDER BY k DESC NULLS LAST, v LIMIT 2)",
    # Columns
    "SELECT * EXCLUDE (l, st, mp) REPLACE (id + 1 AS id) FROM t",
    "SELECT max(COLUMNS(* EXCLUDE (l, st, mp))) FROM t",
    "SELECT g: h, z: id FROM t",
    "SELECT u FROM u",
    # PIVOT and UNPIVOT
    "PIVOT t ON g IN (1, 10, 11) USING sum(h) AS a, max(id) AS b GROUP BY s",
    "SELECT n, sum(w) FROM (UNPIVOT u ON k, v INTO NAME n VALUE w) GROUP BY n",
    "FROM u UNPIVOT INCLUDE NULLS (w FOR n IN (k, v))",
    "SUMMARIZE u",
    # Samples: how many rows is certain, which is not.
    "SELECT count(*) FROM (FROM t USING SAMPLE 10 ROWS)",
    "SELECT count(*) FROM (FROM t USING SAMPLE 100% (bernoulli))",
    # Types
    "SELECT hg, uu, en, tz::VARCHAR, count(*) FROM m GROUP BY ALL",
    "SELECT bt::VARCHAR, vi::VARCHAR, un, iv, count(*) FROM m GROUP BY ALL",
    "SELECT bit_or(bt)::VARCHAR, max(uu), min(tz)::VARCHAR, max(vi)::VARCHAR, max(en), sum(hg), max(iv) FROM m",
    "SELECT ttz AT TIME ZONE 'Europe/Berlin' AS z, count(*) FROM m GROUP BY z",
    "SELECT n FROM m ORDER BY hg, uu DESC, tz, en, bt, vi, un, iv, n",
    "SELECT ts - TIMESTAMP '2024-03-01' AS iv, time_bucket(INTERVAL 1 WEEK, dt), count(*) FROM t GROUP BY ALL",
    "SELECT json_extract(to_json(st), '$.x') AS j, try_cast(s AS INTEGER), count(*) FROM t GROUP BY ALL",
]

#: Numbers of rows that only the data tell.
LIMITS = [
    "SELECT id FROM t ORDER BY id LIMIT (SELECT count(*) FROM u)",
    "SELECT id FROM t ORDER BY id LIMIT (SELECT 7 + max(k) FROM u) OFFSET (SELECT min(v) + 3 FROM u)",
    "SELECT count(*), min(id) FROM (SELECT id FROM t ORDER BY id LIMIT 10 OFFSET (SELECT 3))",
    "SELECT count(*) FROM (SELECT id FROM t OFFSET (SELECT max(v) FROM u))",
    "SELECT count(*) FROM (SELECT id FROM t LIMIT (SELECT NULL))",
    "SELECT count(*) FROM (SELECT id FROM t LIMIT (SELECT 0))",
    "SELECT count(*) FROM (SELECT id FROM t LIMIT (SELECT max(id) FROM e))",
    "SELECT id FROM t ORDER BY id DESC LIMIT (SELECT 12.5)% OFFSET (SELECT 2)",
    "SELECT g, sum(h) FROM t GROUP BY g ORDER BY g LIMIT (SELECT count(DISTINCT st.x) FROM t)",
]

#: PIVOTs whose columns are values of the data.
PIVOTS = [
    "PIVOT t ON g USING count(*) GROUP BY s",
    "PIVOT t ON g USING sum(h) AS x, max(id) AS y GROUP BY s ORDER BY s NULLS FIRST LIMIT 5",
    "PIVOT (SELECT g, st.x AS x, h FROM t) ON x, g USING sum(h)",
    "PIVOT t ON s IN (SELECT s FROM u WHERE v > 50 ORDER BY v, k, s) GROUP BY g",
    "PIVOT (SELECT k, 'it''s \"' || v % 3 || '\" {0} é' AS odd FROM u) ON odd GROUP BY k",
    "WITH p AS (PIVOT t ON g USING max(id) GROUP BY s) SELECT * FROM p JOIN u USING (s)",
    "SELECT * FROM (PIVOT u ON v % 3 USING sum(v) GROUP BY s) a "
    "JOIN (PIVOT t ON g USING count(*) GROUP BY s) b USING (s)",
    "WITH x AS (FROM t WHERE g > 0) PIVOT x ON g USING count(*) GROUP BY h",
    'PIVOT (PIVOT t ON g USING sum(h) GROUP BY s) ON s USING max("1")',
    "PIVOT m ON en USING list(n ORDER BY n) GROUP BY uu",
]


@pytest.fixture(scope="module")
def oracle() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, query in TABLES.items():
            connection.execute(f"CREATE TABLE {name} AS {query}")
        yield connection


@pytest.fixture(scope="module")
def frames(local: millpond.Session) -> dict[str, millpond.DataFrame]:
    made = {name: local.partial_sql(query).compute() for name, query in TABLES.items()}
    return {name: frame.repartition(3, by_rows=True) for name, frame in made.items()}


@pytest.mark.parametrize("query", QUERIES + LIMITS + PIVOTS)
def test_spread(
    local: millpond.Session, frames: dict[str, millpond.DataFrame], oracle: duckdb.DuckDBPyConnection, query: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # None of these may run whole for want of a plan.
        frame = local.sql(query, distribute="always", partitions=3, broadcast_limit=0, **frames)
    check(query, frame.to_arrow(), oracle.sql(query).to_arrow_table())


@pytest.mark.parametrize("query", LIMITS + PIVOTS)
def test_other_partitions(
    local: millpond.Session, frames: dict[str, millpond.DataFrame], oracle: duckdb.DuckDBPyConnection, query: str
) -> None:
    expected = oracle.sql(query).to_arrow_table()
    check(query, local.sql(query, **frames).to_arrow(), expected)
    for partitions in (1, 16):
        check(query, local.sql(query, distribute="always", partitions=partitions, **frames).to_arrow(), expected)


def test_in_worker_processes(session: millpond.Session, oracle: duckdb.DuckDBPyConnection) -> None:
    t = session.partial_sql(TABLES["t"]).compute().repartition(3, by_rows=True)
    u = session.partial_sql(TABLES["u"])
    for query in (LIMITS[1], PIVOTS[1]):
        check(query, session.sql(query, t=t, u=u, distribute="always").to_arrow(), oracle.sql(query).to_arrow_table())


def test_bounds_that_follow_from_statistics(
    local: millpond.Session, oracle: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A task knows the least and the greatest value of its own files: bit strings would differ in length."""
    oracle.execute(f"COPY t TO '{tmp_path}/t.parquet' (ROW_GROUP_SIZE 122)")
    query = "SELECT g, bitstring_agg(h)::VARCHAR FROM t GROUP BY g"
    expected = oracle.sql(query.replace("FROM t", f"FROM '{tmp_path}/t.parquet'")).to_arrow_table()
    with pytest.warns(millpond.MillpondWarning, match="the query runs whole.*bitstring_agg"):
        frame = local.sql(query, t=local.read_parquet(tmp_path / "t.parquet"), distribute="always", partitions=3)
    check(query, frame.to_arrow(), expected)


def test_mistakes(local: millpond.Session, frames: dict[str, millpond.DataFrame]) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match="PIVOT finds no values"):
        local.sql("PIVOT e ON s USING count(*)", **frames)
    with pytest.raises(millpond.InvalidArgumentError, match="PIVOT does not say its values"):
        local.partial_sql("PIVOT {0} ON g USING count(*)", frames["t"])
    with pytest.raises(millpond.InvalidArgumentError, match='column.*"gg"|"gg".*column'):
        local.sql("PIVOT t ON gg USING count(*)", **frames)
    with pytest.raises(millpond.InvalidArgumentError, match="-1"):
        local.sql("FROM t LIMIT (SELECT -1)", distribute="always", partitions=3, **frames).to_arrow()
