"""The Ray runner on one machine: one Ray for all tests here, which sessions use and leave as it is."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    import ray

    context = ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000
    )
    yield context.address_info["gcs_address"]
    ray.shutdown()


@pytest.fixture
def session(cluster: str, tmp_path: Path) -> Iterator[millpond.Session]:
    with millpond.init(ray_address=cluster, data_root=tmp_path / "data", progress=False) as session:
        yield session


@pytest.fixture
def prices(tmp_path: Path) -> str:
    for part in range(4):
        numbers = f"range({part * 1000}, {part * 1000 + 1000}) r(i)"
        query = f"SELECT 'T' || i % 7 AS ticker, i / 4 AS price FROM {numbers}"
        duckdb.sql(f"COPY ({query}) TO '{tmp_path}/prices-{part}.parquet'")
    return f"{tmp_path}/prices-*.parquet"


SUMMARY = "SELECT ticker, min(price) AS low, max(price) AS high, count(*) AS n"


def rows(frame: millpond.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in frame.take_all())


def test_a_job_gives_what_duckdb_gives(session: millpond.Session, prices: str, tmp_path: Path) -> None:
    assert session.config.runner == "ray"
    dealt = session.read_parquet(prices).repartition(3, hash_by="ticker")
    summary = session.partial_sql(f"{SUMMARY} FROM {{0}} GROUP BY ticker", dealt)
    summary.write_parquet(tmp_path / "out")
    expected = sorted(duckdb.sql(f"{SUMMARY} FROM '{prices}' GROUP BY ticker").fetchall())
    assert rows(session.read_parquet(tmp_path / "out")) == expected
    frame = session.read_parquet(prices)
    assert rows(session.sql(f"{SUMMARY} FROM frame GROUP BY ticker", frame=frame, distribute="always")) == expected


def test_functions_run_on_the_cluster(session: millpond.Session) -> None:
    frame = session.from_items([{"a": i} for i in range(100)]).repartition(4, by_rows=True)
    found = frame.map(lambda row: {"a": row["a"], "pid": os.getpid()}, schema={"a": int, "pid": int}).take_all()
    assert sorted(row["a"] for row in found) == list(range(100))
    assert os.getpid() not in {row["pid"] for row in found}


def test_an_error_names_the_users_line(session: millpond.Session) -> None:
    frame = session.from_items([{"a": 1}]).map(lambda row: {"a": row["a"] // 0})
    with pytest.raises(millpond.UserFunctionError, match="ZeroDivisionError") as caught:
        frame.take_all()
    assert "test_ray.py" in caught.value.location


def test_a_worker_that_dies_is_replaced(session: millpond.Session, tmp_path: Path) -> None:
    marker = tmp_path / "died"

    def die_once(row: dict[str, int]) -> dict[str, int]:
        if row["a"] == 5 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return row

    frame = session.from_items([{"a": i} for i in range(10)])
    assert sorted(row["a"] for row in frame.map(die_once, schema={"a": int}).take_all()) == list(range(10))


def test_a_worker_that_always_dies_fails_the_job(session: millpond.Session) -> None:
    def die(row: dict[str, int]) -> dict[str, int]:
        os._exit(3)

    with pytest.raises(millpond.UnavailableError, match="exited with code 3"):
        session.from_items([{"a": 1}]).map(die, schema={"a": int}).take_all()


def test_the_end_of_a_session_ends_its_workers_alone(cluster: str, tmp_path: Path) -> None:
    import ray

    with millpond.init(ray_address=cluster, data_root=tmp_path / "other", progress=False) as session:
        frame = session.from_items([{"a": 1}]).map(lambda row: {"pid": os.getpid()}, schema={"pid": int})
        (row,) = frame.take_all()
        assert Path(f"/proc/{row['pid']}").exists()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{row['pid']}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{row['pid']}").exists()
    assert ray.is_initialized()
    assert sum(node["Alive"] for node in ray.nodes()) == 1


def closed_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def failing(program: str, **environment: str) -> str:
    """What a program says that fails, and in less than a minute."""
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    return done.stderr


def test_a_session_closes_its_sockets(cluster: str, tmp_path: Path) -> None:
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        session = millpond.init(ray_address=cluster, data_root=tmp_path / "data", progress=False)
        assert session.from_items([1, 2, 3]).repartition(2, hash_by="item").count() == 3
        session.shutdown()
        del session
        gc.collect()
    assert [str(warning.message) for warning in caught if "socket" in str(warning.message)] == []


def test_no_cluster_at_the_address(tmp_path: Path) -> None:
    program = f"import millpond; millpond.init(ray_address='127.0.0.1:{closed_port()}', data_root='{tmp_path}')"
    text = failing(program)
    assert "UnavailableError: no Ray cluster answers at 127.0.0.1:" in text
    assert "ray status" in text


def test_no_address_at_all(tmp_path: Path) -> None:
    text = failing(f"import millpond; millpond.init(ray_address='nowhere', data_root='{tmp_path}')")
    assert "InvalidArgumentError: ray_address='nowhere' is no address" in text


def test_without_the_package_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    hide = "import sys, importlib.abc\nimport importlib.util as u\nfind = u.find_spec\n"
    hide += "u.find_spec = lambda name, *a: None if name == 'ray' else find(name, *a)\n"
    text = failing(f"{hide}import millpond\nmillpond.init(ray_address='auto', data_root='{tmp_path}')")
    assert 'pip install "millpond[ray]"' in text
