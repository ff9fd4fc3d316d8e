"""README job in Polars. Arguments: input, output."""

import sys

import polars as pl

source, target = sys.argv[1:3]
pl.scan_parquet(f"{source}/*.parquet").group_by("ticker").agg(
    pl.col("price").min().alias("low"),
    pl.col("price").max().alias("high"),
    pl.col("price").mean().alias("mean"),
    pl.col("volume").sum().alias("volume"),
    pl.len().alias("n"),
).sink_parquet(f"{target}.parquet")
