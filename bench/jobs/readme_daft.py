"""README job in Daft. Arguments: input, output."""

import sys

import daft
from daft import col

source, target = sys.argv[1:3]
daft.read_parquet(f"{source}/*.parquet").groupby("ticker").agg(
    col("price").min().alias("low"),
    col("price").max().alias("high"),
    col("price").mean().alias("mean"),
    col("volume").sum().alias("volume"),
    col("k").count().alias("n"),
).write_parquet(target)
