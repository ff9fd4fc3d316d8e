"""The C++ library as a stranger meets it: installed, found by find_package(millpond), linked, run."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Where `make` builds; another tree can be named.
BUILD = Path(os.environ.get("MILLPOND_BUILD", ROOT / "build" / "release"))


def run(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the library and its headers are installed."""
    prefix = tmp_path_factory.mktemp("prefix")
    run(["cmake", "--build", BUILD, "--target", "millpond"])
    run(["cmake", "--install", BUILD, "--component", "cpp", "--prefix", prefix])
    return prefix


@pytest.fixture(scope="session")
def consumer(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stranger's program, built."""
    build = tmp_path_factory.mktemp("consume")
    run(["cmake", "-S", HERE, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}"])
    run(["cmake", "--build", build])
    return build / "consume"


@pytest.mark.timeout(900)
def test_public_headers_compile_alone() -> None:
    run(["cmake", "--build", BUILD, "--target", "all_verify_interface_header_sets"])


@pytest.mark.timeout(900)
def test_a_strangers_program_runs(consumer: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.parquet"
    duckdb.sql(
        f"COPY (SELECT 'T' || i % 7 AS ticker, i::DOUBLE AS price FROM range(1000) r(i)) TO '{prices}' (FORMAT parquet)"
    )
    output = tmp_path / "output"
    assert run([consumer, prices, output, tmp_path / "data"]) == "7\n"
    rows = duckdb.sql(f"SELECT count(*), count(DISTINCT ticker) FROM '{output}/**/*.parquet'").fetchall()[0]
    assert rows == (7, 7)


@pytest.mark.timeout(900)
def test_an_error_names_the_file(consumer: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.parquet"
    command = [consumer, missing, tmp_path / "output", tmp_path / "data"]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 1
    assert str(missing) in done.stderr


def test_only_the_public_interface_is_exported(prefix: Path) -> None:
    library = next(prefix.glob("lib*/**/libmillpond.so"))
    names = run(["nm", "--dynamic", "--demangle", "--defined-only", library])
    ours = [line.split(maxsplit=2)[2] for line in names.splitlines() if " T " in line]
    headers = "".join(header.read_text() for header in (ROOT / "include" / "millpond").glob("*.h"))
    public = set(re.findall(r"MILLPOND_EXPORT (?:\w+(?:::\w+)*[*&]? )*(\w+)", headers))
    assert {"Session", "DataFrame", "Status"} <= public
    assert [name for name in ours if re.split(r"[(:\[]", name.removeprefix("millpond::"))[0] not in public] == []
