"""What the files here run: python job.py [INPUT OUTPUT], a folder or s3:// of Parquet files, and a folder."""

import sys

import millpond


def main(source: str, target: str) -> None:
    # The name lets a job that was cut short go on; the address comes from MILLPOND_RAY_ADDRESS.
    with millpond.init(job_id="prices", progress=False) as session:
        prices = session.read_parquet(source).repartition(16, hash_by="ticker")
        summary = session.partial_sql(
            "SELECT ticker, min(price) AS low, max(price) AS high FROM {0} GROUP BY ticker", prices
        )
        summary.write_parquet(target, mode="overwrite")


if __name__ == "__main__":
    main(*sys.argv[1:] or ("/data/prices/*.parquet", "/data/summary"))
