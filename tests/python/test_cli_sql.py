"""`millpond sql` as a user of the shell meets it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(3):
        rows = {"a": [10 * i + j for j in range(10)], "s": [f"x{j % 2}" if j else None for j in range(10)]}
        pq.write_table(pa.table(rows), tmp_path / f"part {i}'s.parquet")
    return tmp_path


def run(folder: Path, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "millpond.cli", "sql", *arguments, "--data-root", str(folder / "root")]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, input=text, timeout=60)


def test_prints_a_table_csv_and_json(folder: Path) -> None:
    query = "SELECT s, count(*) AS n FROM '*.parquet' GROUP BY s ORDER BY s"
    table = run(folder, query)
    assert table.returncode == 0, table.stderr
    assert "│ x0      │     12 │" in table.stdout
    assert run(folder, query, "--format", "csv").stdout == '"s","n"\n"x0",12\n"x1",15\n,3\n'
    lines = run(folder, "-", "--format", "json", "--distribute", "always", "--partitions", "3", text=query).stdout
    assert [json.loads(line) for line in lines.splitlines()] == [
        {"s": "x0", "n": 12},
        {"s": "x1", "n": 15},
        {"s": None, "n": 3},
    ]


def test_writes_files(folder: Path) -> None:
    query = "SELECT a, s FROM p WHERE a < 12"
    view = ["--view", "p=part *'s.parquet"]
    for name in ("out.parquet", "out.csv", "out.json"):
        done = run(folder, query, *view, "-o", name)
        assert done.returncode == 0, done.stderr
        assert duckdb.sql(f"SELECT count(*), sum(a) FROM '{folder / name}'").fetchall() == [(12, 66)]
    again = run(folder, query, *view, "-o", "out.csv")
    assert again.returncode == 1
    assert "out.csv" in again.stderr
    assert run(folder, query, *view, "-o", "out.csv", "--overwrite").returncode == 0


def test_explains_and_complains(folder: Path) -> None:
    explained = run(
        folder, "SELECT max(a) FROM '*.parquet'", "--explain", "--distribute", "always", "--partitions", "3"
    )
    assert "stage 0" in explained.stdout
    query = "SELECT max(a) FROM '*.parquet'"
    analyzed = run(folder, query, "--analyze", "--distribute", "always", "--partitions", "3")
    assert "30 rows in, 3 rows and" in analyzed.stdout
    assert "the parts of an aggregate without groups" in explained.stdout
    wrong = run(folder, "SELECT aa FROM '*.parquet'")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith('millpond: there is no column "aa"')
    assert "Traceback" not in wrong.stderr
    assert "no table is called" in run(folder, "SELECT 1 FROM nothing").stderr
    assert "NAME=PATH" in run(folder, "SELECT 1", "--view", "x").stderr


def test_prints_values_of_every_kind(folder: Path) -> None:
    query = (
        "SELECT 1.50::DECIMAL(9,2) AS d, TIMESTAMP '2024-02-29 12:00:00' AS t, 'a\\x00'::BLOB AS b, [1, NULL] AS l, "
        "{'q': 'x'} AS s, 170141183460469231731687303715884105727::HUGEINT AS row"
    )
    assert json.loads(run(folder, query, "--format", "json").stdout) == {
        "d": 1.5,
        "t": "2024-02-29 12:00:00",
        "b": "a\\x00",
        "l": [1, None],
        "s": {"q": "x"},
        "row": 170141183460469231731687303715884105727,
    }
    cells = run(folder, query, "--format", "csv")
    assert cells.returncode == 0, cells.stderr
    assert cells.stdout.splitlines()[1] == (
        '1.50,"2024-02-29 12:00:00","a\\x00","[1, NULL]","{\'q\': x}","170141183460469231731687303715884105727"'
    )


def test_messages_name_no_line_of_the_command_itself(folder: Path) -> None:
    wrong = run(folder, "SELECT aa FROM '*.parquet'")
    assert "  where: sql\nSELECT aa" in wrong.stderr
    collated = "SELECT min(s), count(*) FROM '*.parquet' x GROUP BY x.s COLLATE NOCASE"
    whole = run(folder, collated, "--distribute", "always", "--partitions", "3")
    assert whole.returncode == 0
    assert whole.stderr.startswith("millpond: warning: ")


def test_stops_quietly_when_the_reader_has_enough(folder: Path) -> None:
    command = [sys.executable, "-m", "millpond.cli", "sql", "FROM range(1_000_000)", "--format", "json"]
    with subprocess.Popen(
        [*command, "--data-root", str(folder / "root")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == '{"range":0}\n'
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 128 + signal.SIGPIPE
