"""The first steps: make a frame, partition it, query each partition, write, read back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import millpond


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="millpond-quickstart-"))
    with millpond.init(data_root=folder / "data") as session:
        prices = session.from_items(
            [
                {"ticker": "DUCK", "price": 10.5},
                {"ticker": "POND", "price": 3.25},
                {"ticker": "DUCK", "price": 11.0},
                {"ticker": "REED", "price": 7.0},
            ]
        )
        # Equal tickers go to the same partition, so each partition can be grouped on its own.
        by_ticker = prices.repartition(3, hash_by="ticker")
        summary = by_ticker.partial_sql(
            "SELECT ticker, min(price) AS low, max(price) AS high, count(*) AS n FROM {0} GROUP BY ticker"
        )
        # A Python function runs in worker processes, on dicts or on batches.
        spread = summary.map(
            lambda row: {"ticker": row["ticker"], "spread": row["high"] - row["low"]},
            schema={"ticker": "VARCHAR", "spread": "DOUBLE"},
        )
        spread.write_parquet(folder / "spread", mode="overwrite")
        session.read_parquet(folder / "spread").partial_sort("ticker").show()
    print(f"written to {folder / 'spread'}")


if __name__ == "__main__":
    main()
