"""Planning a job of 10,000 partitions. Arguments: input, output (ignored), root. Prints seconds."""

import sys
import time

import millpond

with millpond.init(data_root=sys.argv[3], progress=False) as session:
    prices = session.read_parquet(f"{sys.argv[1]}/*.parquet").repartition(10_000, hash_by="ticker")
    result = prices.partial_sql("SELECT ticker, max(price) AS high FROM {0} GROUP BY ticker")
    begin = time.perf_counter()
    assert "10000" in result.explain().replace(",", "")
    print(f"{time.perf_counter() - begin:.6f}")
