"""Exchange alone: the table by ticker into N partitions, kept in exchange files. Arguments: input, output, root, N."""

import sys

import millpond

source, _, root, count = sys.argv[1:5]
with millpond.init(data_root=root, progress=False) as session:
    session.read_parquet(f"{source}/*.parquet").repartition(int(count), hash_by="ticker").compute()
