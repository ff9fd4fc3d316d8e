"""Shuffle in Polars: a partitioned sink by a hash of the ticker. Arguments: input, output, root, N."""

import sys

import polars as pl

source, target, _, count = sys.argv[1:5]
frame = pl.scan_parquet(f"{source}/*.parquet").with_columns((pl.col("ticker").hash(1) % int(count)).alias("part"))
frame.sink_parquet(pl.PartitionBy(target, key="part", include_key=False), mkdir=True)
