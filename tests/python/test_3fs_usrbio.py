"""Jobs on files that are read through the rings of 3FS (USRBIO).

No 3FS was there: a plain folder stands for the mount, and for the library a stand-in of our own that keeps to its
published header and ends the process when a caller doesn't (tests/usrbio).
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

BUILD = Path(os.environ.get("MILLPOND_BUILD", Path(__file__).parents[2] / "build" / "release"))
LIBRARY = BUILD / "tests" / "libusrbio_fake.so"
COUNTERS = [
    "reads",
    "bytes",
    "most_at_once",
    "buffers_made",
    "buffers_left",
    "rings_left",
    "files_made",
    "files_left",
    "names_left",
    "faults",
    "submits",
    "full",
]
QUERY = "SELECT ticker, min(price) AS low, max(price) AS high, count(*)::BIGINT AS n FROM {0} GROUP BY ticker"


def program(runner: str) -> None:
    """The job, in a process of its own: the library counts from its beginning to its end."""
    import millpond

    session = millpond.init(
        data_root="3fs://stage/jobs", runner=runner, threads=2, memory_limit="1GB", progress=False, min_task_bytes=0
    )
    prices = session.read_parquet("3fs://stage/prices/*.parquet")
    dealt = prices.repartition(4, hash_by="ticker")
    ranges = dealt.partial_sql(QUERY)
    ranges.write_parquet("3fs://stage/ranges", mode="overwrite")
    frames = {
        "lines": session.read_json("3fs://stage/prices.json"),
        "csv": session.read_csv("3fs://stage/prices.csv.gz"),
        "all": session.sql("SELECT price FROM '3fs://stage/prices/*.parquet'"),
    }
    result: dict[str, Any] = {
        name: frame.partial_sql("SELECT sum(price)::BIGINT AS s FROM {0}").take_all()[0]["s"]
        for name, frame in frames.items()
    }
    written = session.read_parquet("3fs://stage/ranges").sort("ticker").take_all()
    result["ranges"] = [list(row.values()) for row in written]
    session.shutdown()
    print(json.dumps(result))


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    folder = tmp_path / "mnt"
    (folder / "3fs-virt" / "rm-rf").mkdir(parents=True)
    (folder / "prices").mkdir()
    columns = "'T' || (i % 97) AS ticker, (i * 7919 % 100003) AS price, md5(i::VARCHAR) AS note"
    rows = f"SELECT {columns} FROM range({{}}, {{}}) r(i)"
    with duckdb.connect() as connection:
        for i in range(3):
            part = rows.format(i * 100_000, (i + 1) * 100_000)
            connection.execute(f"COPY ({part}) TO '{folder}/prices/{i}.parquet'")
        connection.execute(f"COPY ({rows.format(0, 50_000)}) TO '{folder}/prices.json'")
        connection.execute(f"COPY ({rows.format(0, 50_000)}) TO '{folder}/prices.csv.gz'")
    return folder


def run(mount: Path, runner: str, **settings: str) -> tuple[dict[str, Any], dict[str, int], str]:
    """What the job says, what the library counted, and what stood on stderr."""
    assert LIBRARY.exists(), f"{LIBRARY} is built with the C++ tests: cmake --build {BUILD}"
    counters = mount.parent / "counters"
    environment = {
        **os.environ,
        "MILLPOND_3FS_MOUNTS": f"stage={mount}",
        "MILLPOND_3FS_USRBIO": str(LIBRARY),
        "FAKE_USRBIO_MOUNTS": str(mount),
        "FAKE_USRBIO_COUNTERS": str(counters),
        **settings,
    }
    done = subprocess.run(
        [sys.executable, __file__, runner],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        cwd=mount.parent,
    )
    assert done.returncode == 0, done.stderr
    data = counters.read_bytes() if counters.exists() else bytes(8 * len(COUNTERS))
    numbers = struct.unpack(f"<{len(COUNTERS)}q", data)
    return json.loads(done.stdout.splitlines()[-1]), dict(zip(COUNTERS, numbers, strict=True)), done.stderr


def expected(mount: Path) -> dict[str, Any]:
    def one(query: str) -> Any:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]

    with duckdb.connect() as connection:
        prices = f"read_parquet('{mount}/prices/*.parquet')"
        return {
            "ranges": [list(row) for row in connection.execute(QUERY.format(prices) + " ORDER BY ticker").fetchall()],
            "lines": one(f"SELECT sum(price)::BIGINT FROM '{mount}/prices.json'"),
            "csv": one(f"SELECT sum(price)::BIGINT FROM '{mount}/prices.csv.gz'"),
            "all": one(f"SELECT sum(price)::BIGINT FROM {prices}"),
        }


@pytest.mark.parametrize("runner", ["inline", "threads", "processes"])
@pytest.mark.parametrize("faults", ["", "short=3,late=40,wait=5"])
def test_a_job_reads_through_the_rings(mount: Path, runner: str, faults: str) -> None:
    settings = {"FAKE_USRBIO_FAULTS": faults, "FAKE_USRBIO_SHUFFLE": "1"} if faults else {}
    result, counted, errors = run(mount, runner, **settings)
    assert result == expected(mount)
    assert "through the kernel" not in errors
    # The job's own inputs, whole where they are text; and exchange files.
    text = (mount / "prices.json").stat().st_size + (mount / "prices.csv.gz").stat().st_size
    assert counted["bytes"] > text
    assert counted["files_made"] > 10
    assert counted["buffers_made"] <= 8 * (1 if runner != "processes" else 4)
    assert (counted["faults"] > 0) == bool(faults)
    left = {name: count for name, count in counted.items() if name.endswith("_left")}
    assert set(left.values()) == {0}, counted


def test_without_the_rings_the_result_is_the_same(mount: Path) -> None:
    result, counted, _ = run(mount, "threads", MILLPOND_3FS_USRBIO="off")
    assert result == expected(mount)
    assert counted["reads"] == 0
    result, counted, errors = run(mount, "threads", MILLPOND_3FS_USRBIO="/nowhere/lib.so")
    assert result == expected(mount)
    assert counted["reads"] == 0
    assert errors.count("through the kernel: the library of 3FS can't be loaded: /nowhere/lib.so") == 1


def test_a_read_that_fails_is_an_error_of_the_job(mount: Path) -> None:
    with pytest.raises(AssertionError, match=r"errno 5 through USRBIO of 3FS") as caught:
        run(mount, "threads", FAKE_USRBIO_FAULTS="error=1")
    assert f'"{mount}/' in str(caught.value)


if __name__ == "__main__":
    program(sys.argv[1])
