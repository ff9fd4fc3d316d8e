"""README job in DataFusion. Arguments: input, output."""

import sys

from datafusion import SessionContext

source, target = sys.argv[1:3]
context = SessionContext()
context.register_parquet("prices", f"{source}/")
context.sql(
    """SELECT ticker, min(price) AS low, max(price) AS high, avg(price) AS mean, sum(volume) AS volume, count(*) AS n
    FROM prices GROUP BY ticker"""
).write_parquet(target)
