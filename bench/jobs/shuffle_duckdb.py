"""Shuffle in plain DuckDB: COPY … PARTITION_BY a hash of the ticker. Arguments: input, output, root, N."""

import sys

import duckdb

source, target, _, count = sys.argv[1:5]
duckdb.sql(
    f"""COPY (SELECT *, hash(ticker) % {int(count)} AS part FROM read_parquet('{source}/*.parquet'))
    TO '{target}' (FORMAT parquet, PARTITION_BY (part), OVERWRITE)"""
)
