"""Runs on the head of a cluster whose nodes share nothing: jobs on Ray, each compared with plain DuckDB.

    python tests/cluster/job.py FOLDER

FOLDER is this host's own, one that all share, or one on a store; /tmp is its own, and every host has a copy of what is
in /tmp/input.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb
import millpond
import pyarrow as pa

INPUT = "/tmp/input/prices/*.parquet"
SUMMARY = "SELECT ticker, min(price) AS low, max(price) AS high, count(*) AS n"


def rows_of(query: str) -> list[tuple[object, ...]]:
    return sorted(duckdb.connect().sql(query).fetchall())


def rows_in(frame: millpond.DataFrame) -> list[tuple[object, ...]]:
    return sorted(tuple(row.values()) for row in frame.take_all())


def readme_job(session: millpond.Session) -> None:
    prices = session.read_parquet(INPUT).repartition(3, hash_by="ticker")
    found = session.partial_sql(f"{SUMMARY} FROM {{0}} GROUP BY ticker", prices)
    assert rows_in(found) == rows_of(f"{SUMMARY} FROM '{INPUT}' GROUP BY ticker")


def twice(batch: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    return batch.set_column(1, "price", pc.multiply(batch["price"], 2.0))


def functions(session: millpond.Session) -> None:
    prices = session.read_parquet(INPUT).repartition(6, by_rows=True).select("ticker", "price").map_batches(twice)
    found = session.sql(
        "SELECT ticker, max(price) AS most FROM prices GROUP BY ticker", prices=prices, distribute="always"
    )
    assert rows_in(found) == rows_of(f"SELECT ticker, max(price) * 2 FROM '{INPUT}' GROUP BY ticker")


def driver_rows(session: millpond.Session) -> None:
    names = session.from_items([{"ticker": f"T{i}", "name": f"Name {i}"} for i in range(50)])
    prices = session.read_parquet(INPUT)
    found = session.sql(
        "SELECT name, count(*) AS n FROM prices JOIN names USING (ticker) GROUP BY name",
        prices=prices,
        names=names,
        distribute="always",
        partitions=4,
    )
    assert rows_in(found) == rows_of(f"SELECT 'Name ' || ticker[2:], count(*) FROM '{INPUT}' GROUP BY ALL")
    assert found.count() == 50


def unseen_folders(session: millpond.Session, folder: Path) -> None:
    mine = folder / "mine.parquet"
    duckdb.connect().sql(f"COPY (SELECT i FROM range(100000) r(i)) TO '{mine}' (ROW_GROUP_SIZE 2048)")
    frame = session.read_parquet(mine).repartition(12, by_rows=True)
    for work, word in (
        (lambda: frame.partial_sql("SELECT i + 1 AS i FROM {0}").take_all(), "has no file"),
        (
            lambda: session.read_parquet(INPUT).repartition(12, by_rows=True).write_parquet(folder / "out"),
            "does not see",
        ),
    ):
        try:
            work()
        except millpond.InvalidArgumentError as error:
            assert word in str(error), error
        else:
            raise AssertionError(f"no error that says {word!r}")


def main(folder: str) -> None:
    begin = time.monotonic()
    with millpond.init(ray_address="auto", data_root=f"{folder}/data", progress=False) as session:
        print(f"session on {session.config.threads} cores here: {time.monotonic() - begin:.2f} s", flush=True)
        for work in (readme_job, functions, driver_rows):
            begin = time.monotonic()
            work(session)
            print(f"{work.__name__}: {time.monotonic() - begin:.2f} s", flush=True)
        unseen_folders(session, Path("/tmp"))
        print("unseen folders: told", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
