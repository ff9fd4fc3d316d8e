"""README job in plain DuckDB. Arguments: input, output."""

import sys

import duckdb

source, target = sys.argv[1:3]
duckdb.sql(
    f"""COPY (SELECT ticker, min(price) AS low, max(price) AS high, avg(price) AS mean,
    sum(volume)::BIGINT AS volume,
      count(*) AS n
    FROM read_parquet('{source}/*.parquet') GROUP BY ticker) TO '{target}.parquet' (FORMAT parquet)"""
)
