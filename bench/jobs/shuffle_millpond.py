"""Shuffle: the whole table by ticker into N Parquet partitions. Arguments: input, output, root, N."""

import sys

import millpond

source, target, root, count = sys.argv[1:5]
with millpond.init(data_root=root, progress=False) as session:
    prices = session.read_parquet(f"{source}/*.parquet").repartition(int(count), hash_by="ticker")
    prices.write_parquet(target, mode="overwrite")
