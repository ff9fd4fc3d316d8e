"""README job in Dask, in worker processes. Arguments: input, output."""

import sys

import dask
import dask.dataframe as dd

if __name__ == "__main__":
    source, target = sys.argv[1:3]
    dask.config.set(scheduler="processes")
    frame = dd.read_parquet(f"{source}/*.parquet")
    result = frame.groupby("ticker").agg({"price": ["min", "max", "mean"], "volume": "sum", "k": "count"}).reset_index()
    result.columns = ["ticker", "low", "high", "mean", "volume", "n"]
    result.to_parquet(target)
