"""Appends to a Delta table, then writes all its rows anew: to be killed at any moment and run again.

python table_writer.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import millpond


def main(folder: Path) -> None:
    with millpond.init(data_root=folder / "data", job_id="killed", threads=2, progress=False) as session:
        rows = session.sql("SELECT range AS i, range % 4 AS p FROM range(10000)").repartition(4, hash_by="i")
        rows.write_delta(folder / "table", mode="append")
        session.read_delta(folder / "table").map("i + 1 AS i, p").write_delta(folder / "table", mode="overwrite")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
