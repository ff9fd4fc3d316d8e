"""Shuffle in Daft. Arguments: input, output, root, N."""

import sys

import daft
from daft import col

source, target, _, count = sys.argv[1:5]
frame = daft.read_parquet(f"{source}/*.parquet").with_column("part", col("ticker").hash() % int(count))
frame.write_parquet(target, partition_cols=["part"])
