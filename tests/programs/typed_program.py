"""A user's program with types throughout, for tests/python/test_typing.py: `python typed_program.py FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_type

import millpond
from millpond import DataFrame, Schema, Session, UDFType, udf


@udf(params=[UDFType.DOUBLE, UDFType.DOUBLE], return_type=UDFType.DOUBLE)
def ratio(part: float, whole: float) -> float:
    return part / whole


@dataclass
class Scale:
    """A function with state: made once in each worker process."""

    factor: int = 10

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {**batch, "scaled": batch["volume"] * self.factor}


def tails(batches: Iterator[Any]) -> Iterator[Any]:
    """A function over a whole partition."""
    for batch in batches:
        yield batch.slice(max(0, batch.num_rows - 1))


def price_rows(session: Session, folder: Path) -> DataFrame:
    rows = session.from_items([{"ticker": f"T{i % 3}", "price": float(i), "volume": i} for i in range(12)])
    rows.write_parquet(folder / "prices", mode="overwrite", sort_by=["ticker", "price"], partition_by="ticker")
    rows.write_csv(folder / "prices.csv", single_file=True)
    rows.write_json(str(folder / "prices.json"), max_rows_per_file=5)
    text = session.read_csv(folder / "prices.csv", schema={"ticker": str, "price": float, "volume": "BIGINT"})
    json = session.read_json([folder / "prices.json"])
    assert_type(text.count() + json.count(), int)
    return session.read_parquet(folder / "prices", columns=["ticker", "price", "volume"])


def summary(prices: DataFrame) -> DataFrame:
    by_ticker = prices.repartition(2, hash_by="ticker")
    share = by_ticker.filter("price > 0").map("ticker, volume, ratio(price, 11.0) AS share", udfs=[ratio])
    scaled = share.map_batches(Scale, batch_format="numpy", batch_size=4)
    named = scaled.with_columns(label="upper(ticker)").rename({"share": "part"}).drop("volume")
    return named.map(
        lambda row: {"label": row["label"], "big": row["scaled"] > 50}, schema={"label": str, "big": "BOOLEAN"}
    )


def read(frame: DataFrame) -> list[str]:
    assert_type(frame.schema, Schema)
    assert_type(frame.columns, list[str])
    assert_type(frame.num_partitions, int)
    assert_type(frame.take(2), list[dict[str, Any]])
    assert_type(frame.explain(), str)
    assert_type(frame.compute(), DataFrame)
    counted = frame.flat_map(lambda row: [row] if row["big"] else [], schema=frame.schema).partial_sql(
        "SELECT label, count(*) AS n FROM {0} GROUP BY label"
    )
    return sorted(f"{row['label']} {row['n']}" for row in counted.take_all())


def main(folder: Path) -> int:
    with millpond.init(
        data_root=folder / "data", job_id="typed", threads=2, memory_limit="1GB", progress=False
    ) as session:
        assert_type(session, Session)
        prices = price_rows(session, folder)
        later = prices.map_batches(tails, streaming=True).write_parquet_lazy(folder / "tails", mode="overwrite")
        session.wait(later)
        try:
            prices.filter("cost > 1")
        except millpond.InvalidArgumentError as error:
            assert_type(error.code, str)
        except millpond.MillpondError:
            return 1
        print(*read(summary(prices)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
