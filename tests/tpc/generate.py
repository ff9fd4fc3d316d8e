"""TPC-DS's tables as Parquet, and both suites' queries as JSON. Runs in the environment that generate.sh makes."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import duckdb


def load(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Loads an extension from its package."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    assert spec is not None and spec.submodule_search_locations is not None
    (file,) = Path(spec.submodule_search_locations[0]).rglob("*.duckdb_extension")
    connection.load_extension(str(file))


def main(folder: Path, scale: str) -> None:
    """Writes everything below `folder`."""
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for suite in ("tpch", "tpcds"):
        load(connection, suite)
        queries = connection.sql(f"SELECT query FROM {suite}_queries() ORDER BY query_nr").fetchall()
        (folder / suite / "queries.json").write_text(json.dumps([query for (query,) in queries]))
    connection.execute(f"CALL dsdgen(sf = {float(scale)})")
    for (table,) in connection.sql("SHOW TABLES").fetchall():
        connection.execute(f"COPY {table} TO '{folder}/tpcds/{table}.parquet'")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
