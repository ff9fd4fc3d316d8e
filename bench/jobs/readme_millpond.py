"""README job: hash repartition by ticker into 16, aggregates per ticker, write. Arguments: input, output, root."""

import sys

import millpond

source, target, root = sys.argv[1:4]
with millpond.init(data_root=root, progress=False) as session:
    prices = session.read_parquet(f"{source}/*.parquet").repartition(16, hash_by="ticker")
    prices.partial_sql(
        "SELECT ticker, min(price) AS low, max(price) AS high, avg(price) AS mean, "
        "sum(volume)::BIGINT AS volume, count(*) AS n "
        "FROM {0} GROUP BY ticker"
    ).write_parquet(target, mode="overwrite")
