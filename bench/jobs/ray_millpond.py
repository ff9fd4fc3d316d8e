"""A job through a Ray of this machine's. Arguments: input, output, root, what. Prints seconds.

`what` is "start": from init() on a Ray that runs already to the first rows of a task; "readme", "shuffle" (64
partitions) or "tasks" (1,000 of a row): the job alone, once its session's workers have run something.
"""

import sys
import time

import millpond
import ray

AGGREGATES = (
    "SELECT ticker, min(price) AS low, max(price) AS high, avg(price) AS mean, "
    "sum(volume)::BIGINT AS volume, count(*) AS n FROM {0} GROUP BY ticker"
)


def start(session: millpond.Session) -> None:
    session.partial_sql("SELECT 1 AS one FROM {0}", session.from_items([1, 2]).repartition(2, by_rows=True)).compute()


def readme(session: millpond.Session) -> None:
    prices = session.read_parquet(f"{source}/*.parquet").repartition(16, hash_by="ticker")
    session.partial_sql(AGGREGATES, prices).write_parquet(target, mode="overwrite")


def shuffle(session: millpond.Session) -> None:
    prices = session.read_parquet(f"{source}/*.parquet").repartition(64, hash_by="ticker")
    prices.write_parquet(target, mode="overwrite")


def tasks(session: millpond.Session) -> None:
    rows.partial_sql("SELECT a + 1 AS b FROM {0}").compute()


source, target, root, what = sys.argv[1:5]
ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="error")
begin = time.perf_counter()
with millpond.init(data_root=root, progress=False, ray_address="auto") as session:
    if what != "start":
        start(session)
        rows = session.partial_sql("SELECT i AS a FROM range(1000) r(i)").repartition(1000, by_rows=True)
        rows.compute()
        begin = time.perf_counter()
    {"start": start, "readme": readme, "shuffle": shuffle, "tasks": tasks}[what](session)
    print(f"{time.perf_counter() - begin:.3f}")
ray.shutdown()
