"""The package's types: a realistic program passes `mypy --strict` and runs; a wrong one is found out at its lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "programs" / "typed_program.py"
MISUSES = """
import millpond

with millpond.init(data_root="/tmp/x", threads="two") as session:  # wrong
    df = session.from_items([1])
    df.repartition("3")  # wrong
    df.filter(5)  # wrong
    df.write_parquet("/tmp/x", max_rows_per_file="many")  # wrong
    df.count() + "1"  # wrong
    df.no_such_method()  # wrong
    number: str = df.num_partitions  # wrong
    session.wait(df, [df])
    for row in df.take(3):
        row["item"] + 1
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, text=True, capture_output=True)


def mypy(program: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mypy")
    return run("-m", "mypy", "--strict", "--cache-dir", cache, program)


def test_a_program_passes_strict_checks(tmp_path: Path) -> None:
    done = mypy(PROGRAM, tmp_path / "cache")
    assert done.returncode == 0, done.stdout


def test_the_same_program_runs(tmp_path: Path) -> None:
    done = run(PROGRAM, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["T0 2", "T1 2", "T2 2"]


def test_wrong_arguments_are_found_where_they_stand(tmp_path: Path) -> None:
    program = tmp_path / "misuses.py"
    program.write_text(MISUSES)
    done = mypy(program, tmp_path / "cache")
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    wanted = {number for number, line in enumerate(MISUSES.splitlines(), 1) if line.endswith("# wrong")}
    assert found == wanted, done.stdout
