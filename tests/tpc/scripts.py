"""The SQL that explain() shows for every TPC query, run by a plain DuckDB and compared with the query's own rows.

    python tests/tpc/scripts.py DATA

Exit code 1 when a script does not run or gives other rows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import duckdb
import millpond
from run import Suite, equal


def main(data: Path) -> int:
    """Runs all scripts. Returns the exit code."""
    right = total = 0
    with tempfile.TemporaryDirectory() as folder, millpond.init(data_root=folder, progress=False) as session:
        for suite in (Suite("tpch", data), Suite("tpcds", data)):
            tables = {file.stem: session.read_parquet(str(file)) for file in suite.files}
            for number, query in enumerate(suite.queries, 1):
                text = session.sql(query, distribute="always", partitions=3, **tables).explain()
                total += 1
                try:
                    with duckdb.connect() as plain:
                        rows = plain.execute(text[text.index("-- stage 0") :]).fetchall()
                except duckdb.Error as error:
                    print(f"{suite.name} {number} FAILS: {error}", flush=True)
                    continue
                if equal(rows, suite.expected(number)):
                    right += 1
                else:
                    print(f"{suite.name} {number} DIFFERS", flush=True)
    print(f"scripts: {right} passed, {total - right} failed")
    return 0 if right == total else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
