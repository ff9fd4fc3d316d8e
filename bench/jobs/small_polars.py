"""Start to result on 1,000 rows in Polars."""

import polars as pl

rows = pl.select(a=pl.int_range(1000)).lazy().with_columns(k=pl.col("a") % 7).filter(pl.col("k") == 3).collect()
assert len(rows) == 143
