"""README job in smallpond. Arguments: input, output, root."""

import sys

import smallpond

source, target, root = sys.argv[1:4]
session = smallpond.init(data_root=root)
prices = session.read_parquet(f"{source}/*.parquet").repartition(16, hash_by="ticker")
session.partial_sql(
    "SELECT ticker, min(price) AS low, max(price) AS high, avg(price) AS mean, "
    "sum(volume)::BIGINT AS volume, count(*) AS n FROM {0} GROUP BY ticker",
    prices,
).write_parquet(target)
