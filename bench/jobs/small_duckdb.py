"""Start to result on 1,000 rows in plain DuckDB."""

import duckdb

rows = duckdb.sql("SELECT i AS a, i % 7 AS k FROM range(1000) r(i)").filter("k = 3").fetchall()
assert len(rows) == 143
