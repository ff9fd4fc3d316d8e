"""DuckDB 1.5.5 with its extensions for tables: another reader of what is written here. In a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

VERSION = "1.5.5"
EXTENSIONS = ("httpfs", "avro", "delta", "iceberg", "ducklake", "sqlite_scanner")
# Beside the virtual environment's own packages, so that it is there for the next run.
FOLDER = Path(sys.prefix) / f"duckdb-{VERSION}"
_DONE = FOLDER / f"done-{len(EXTENSIONS)}"
_PROGRAM = """
import glob, json, sys
folder, statements = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, folder)
import duckdb
with duckdb.connect() as connection:
    for name in ("httpfs", "avro", "delta", "iceberg", "ducklake", "sqlite_scanner"):
        (path,) = glob.glob(f"{folder}/duckdb_extension_{name}/extensions/*/{name}.duckdb_extension")
        connection.execute(f"LOAD '{path}'")
    print(json.dumps([connection.execute(statement).fetchall() for statement in statements], default=str))
"""


def install() -> None:
    """Installs it once."""
    if _DONE.exists():
        return
    packages = [f"duckdb=={VERSION}", *(f"duckdb_extension_{name}=={VERSION}" for name in EXTENSIONS)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(FOLDER)]
    subprocess.run([*pip, *packages], check=True, timeout=280)
    _DONE.touch()


def rows(*statements: str) -> list[list[Any]]:
    """The rows of the last statement; what JSON has no type for as text."""
    return results(*statements)[-1]


def results(*statements: str) -> list[list[list[Any]]]:
    """The rows of each statement."""
    install()
    arguments = [sys.executable, "-I", "-c", _PROGRAM, str(FOLDER), json.dumps(statements)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))  # An extension may print a line of its own.
