"""Makes the benchmark's input: price rows in 16 Parquet files.

    python bench/generate.py FOLDER [ROWS]

50 million rows by default (about 0.8 GB): ticker of 5,000 values, ts, price, volume, k. The same rows every time.
"""

import sys
from pathlib import Path

import duckdb

FILES = 16


def generate(folder: Path, rows: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    per_file = rows // FILES
    connection = duckdb.connect()
    for number in range(FILES):
        target = str(folder / f"part-{number:02}.parquet").replace("'", "''")
        connection.execute(
            f"""COPY (SELECT 'T' || lpad((hash(i * 7919 + {number}) % 5000)::VARCHAR, 4, '0') AS ticker,
                  TIMESTAMP '2024-01-01' + to_microseconds((i + {number * per_file}) * 137) AS ts,
                  round(50 + (hash(i * 31 + {number}) % 100000) / 1000.0, 2) AS price,
                  (hash(i * 17 + {number}) % 10000)::BIGINT AS volume,
                  (hash(i * 13 + {number}) % 1000000007)::BIGINT AS k
                FROM range({per_file}) r(i)) TO '{target}' (FORMAT parquet)"""
        )


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50_000_000)
