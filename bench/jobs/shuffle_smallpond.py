"""Shuffle in smallpond. Arguments: input, output, root, N."""

import sys

import smallpond

source, target, root, count = sys.argv[1:5]
session = smallpond.init(data_root=root)
session.read_parquet(f"{source}/*.parquet").repartition(int(count), hash_by="ticker").write_parquet(target)
