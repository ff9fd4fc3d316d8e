"""`data_root` on a store: what a job needs to go on lies there, on a server on loopback, under every runner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest
from conftest import RUNNERS
from millpond.cli import main
from s3_server import SECRET, S3Server, s3_server

pytestmark = pytest.mark.long

ROOT = "s3://jobs/root"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        server.client.create_bucket(Bucket="jobs")
        yield server


@pytest.fixture
def open_job(server: S3Server, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., millpond.Session]:
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)

    def opened(machine: str = "one", **arguments: Any) -> millpond.Session:
        settings = {"job_id": name, "threads": 2, "memory_limit": "1GB", "min_task_bytes": 0, **arguments}
        # Another machine has another disk.
        scratch = tmp_path / f"scratch-{machine}"
        return millpond.init(
            data_root=ROOT, scratch=scratch, storage_options=server.options, progress=False, **settings
        )

    return opened


@pytest.fixture
def shell(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line needs to reach the store."""
    for name, value in server.options.items():
        monkeypatch.setenv(name.upper(), value)


def keys(server: S3Server, prefix: str = "root/") -> list[str]:
    pages = server.client.get_paginator("list_objects_v2").paginate(Bucket="jobs", Prefix=prefix)
    return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))


def objects(server: S3Server, job_id: str) -> set[str]:
    """What lies directly in a job's folder."""
    prefix = f"root/{job_id}/"
    return {key.removeprefix(prefix).partition("/")[0] for key in keys(server, prefix)}


def sums(session: millpond.Session, rows: int = 20_000) -> millpond.DataFrame:
    numbers = session.sql(f"SELECT range AS x, range % 97 AS k FROM range({rows})").repartition(5, hash_by="k")
    return session.sql(
        "SELECT k, sum(x)::BIGINT AS total FROM numbers GROUP BY k",
        numbers=numbers,
        distribute="always",
        partitions=3,
    )


def expected(rows: int = 20_000) -> list[tuple[Any, ...]]:
    query = f"SELECT range % 97 AS k, sum(range)::BIGINT FROM range({rows}) GROUP BY k ORDER BY k"
    return duckdb.connect().sql(query).fetchall()


def rows_of(frame: millpond.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in frame.take_all())


def events(server: S3Server, job_id: str) -> list[dict[str, Any]]:
    """Of all runs that ended."""
    found = []
    for key in keys(server, f"root/{job_id}/events/"):
        body = server.client.get_object(Bucket="jobs", Key=key)["Body"].read()
        found += [json.loads(line) for line in body.decode().splitlines()]
    return found


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_job_runs(open_job: Callable[..., millpond.Session], server: S3Server, tmp_path: Path, runner: str) -> None:
    with open_job(runner=runner) as session:
        frame = sums(session)
        assert rows_of(frame) == expected()
        assert len(keys(server, f"root/{session.job_id}/exchange/")) > 1
        frame.write_parquet(tmp_path / "here")
        frame.write_parquet(f"s3://jobs/out-{runner}")
        again = session.read_parquet(f"s3://jobs/out-{runner}")
        assert rows_of(again) == expected()
        job_id = session.job_id
    assert duckdb.sql(f"SELECT * FROM '{tmp_path}/here/*.parquet' ORDER BY k").fetchall() == expected()
    assert objects(server, job_id) == {"journal", "events"}
    assert list((tmp_path / "scratch-one").iterdir()) == []
    assert SECRET not in json.dumps(events(server, job_id))


@pytest.mark.parametrize("runner", RUNNERS)
def test_all_kinds_of_work(open_job: Callable[..., millpond.Session], runner: str) -> None:
    with open_job(runner=runner) as session:
        numbers = session.from_items([{"x": x, "name": f"n{x}" * (x % 5)} for x in range(1000)])
        dealt = numbers.repartition(4, hash_by="x").map_batches(lambda batch: batch)
        assert sorted(row["x"] for row in dealt.take_all()) == list(range(1000))
        assert dealt.filter("x < 10").count() == 10
        ordered = session.sql("FROM n ORDER BY x DESC", n=dealt, distribute="always", partitions=3)
        assert [row["x"] for row in ordered.take(3)] == [999, 998, 997]
        # No rows at all, and partitions without rows.
        assert dealt.filter("x < 0").repartition(3, by_rows=True).count() == 0
        assert numbers.limit(2).repartition(16, hash_by="x").count() == 2


def test_rows_in_many_batches(open_job: Callable[..., millpond.Session]) -> None:
    """More than one piece of an upload, from several threads."""
    with open_job() as session:
        rows = session.sql("SELECT range AS x, repeat(hash(range)::VARCHAR, 4) AS text FROM range(600000)")
        dealt = rows.repartition(3, by_rows=True).repartition(4, hash_by="x")
        found = session.sql("SELECT count(*) AS n, sum(x)::BIGINT AS s, count(DISTINCT text) AS d FROM {0}", dealt)
        assert found.take_all() == [{"n": 600000, "s": 600000 * 599999 // 2, "d": 600000}]


def test_a_failed_job_goes_on_elsewhere(
    open_job: Callable[..., millpond.Session], server: S3Server, tmp_path: Path
) -> None:
    flag = tmp_path / "mended"

    def fails(batch: Any) -> Any:
        if not flag.exists():
            raise ValueError("not yet")
        return batch

    def run(machine: str) -> list[tuple[Any, ...]]:
        with open_job(machine) as session:
            frame = sums(session).map_batches(fails, schema={"k": "BIGINT", "total": "BIGINT"})
            return rows_of(frame)

    with pytest.raises(millpond.UserFunctionError):
        run("one")
    flag.touch()
    assert run("two") == expected()
    (job_id,) = {key.split("/")[1] for key in keys(server) if "goes-on-elsewhere" in key}
    names = [event["event"] for event in events(server, job_id)]
    second = names[names.index("job_finished") + 1 :]
    assert "task_reused" in second
    assert objects(server, job_id) == {"journal", "events"}


PROGRAM = textwrap.dedent(
    """
    import json, os, sys, time, millpond
    settings = json.loads(sys.argv[1])
    with millpond.init(**settings["init"]) as session:
        rows = session.sql("SELECT range AS x, range % 97 AS k FROM range(200000)").repartition(8, hash_by="k")
        print("first", rows.count(), flush=True)
        def slowly(batch):
            time.sleep(0.1)
            return batch
        slow = rows.map_batches(slowly, schema={"x": "BIGINT", "k": "BIGINT"})
        slow.partial_sql("SELECT k, sum(x)::BIGINT AS s FROM {0} GROUP BY k").write_parquet(settings["output"])
    print("done", flush=True)
    """
)


def start(server: S3Server, tmp_path: Path, job_id: str, runner: str, machine: str) -> subprocess.Popen[str]:
    init = {
        "data_root": ROOT,
        "scratch": str(tmp_path / machine),
        "job_id": job_id,
        "runner": runner,
        "threads": 2,
        "memory_limit": "512MB",
        "progress": False,
        "storage_options": server.options,
    }
    settings = json.dumps({"init": init, "output": f"s3://jobs/killed-{job_id}"})
    command = [sys.executable, "-c", PROGRAM, settings]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("runner", ["threads", "processes"])
def test_a_killed_driver_goes_on_with_its_work(server: S3Server, tmp_path: Path, runner: str) -> None:
    job_id = f"killed-{runner}"
    with start(server, tmp_path, job_id, runner, "one") as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "first 200000\n"
        time.sleep(0.5)  # What is finished reaches the journal in a tenth of that.
        program.kill()
    assert "lease" in objects(server, job_id)
    with start(server, tmp_path, job_id, runner, "two") as program:
        out, _ = program.communicate(timeout=120)
        assert program.returncode == 0
        assert out == "first 200000\ndone\n"
    assert [event["event"] for event in events(server, job_id)].count("task_reused") >= 1
    assert objects(server, job_id) == {"journal", "events"}
    with millpond.init(data_root=tmp_path / "reader", storage_options=server.options, progress=False) as session:
        found = rows_of(session.read_parquet(f"s3://jobs/killed-{job_id}"))
    assert (
        found
        == duckdb.sql("SELECT range % 97 AS k, sum(range)::BIGINT FROM range(200000) GROUP BY k ORDER BY k").fetchall()
    )
    assert [key for key in keys(server, "") if ".millpond-" in key] == []


def test_of_two_drivers_one_wins(open_job: Callable[..., millpond.Session], server: S3Server) -> None:
    with open_job("one") as first:
        frame = sums(first)
        assert rows_of(frame) == expected()
        before = keys(server, f"root/{first.job_id}/exchange/")
        with pytest.raises(millpond.ConflictError, match="in use by process"):
            open_job("two")
        assert keys(server, f"root/{first.job_id}/exchange/") == before
        assert rows_of(frame) == expected()
    with open_job("two") as second:
        assert rows_of(sums(second)) == expected()


def test_many_drivers_at_once(server: S3Server, tmp_path: Path) -> None:
    def attempt(number: int) -> str:
        arguments: dict[str, Any] = {"job_id": "race", "scratch": tmp_path / f"race-{number}", "progress": False}
        try:
            session = millpond.init(data_root=ROOT, storage_options=server.options, **arguments)
        except millpond.ConflictError:
            return "conflict"
        sessions.append(session)
        return "open"

    sessions: list[millpond.Session] = []
    results: list[str] = []
    threads = [threading.Thread(target=lambda n=n: results.append(attempt(n))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for session in sessions:
        session.shutdown()
    assert sorted(results) == ["conflict"] * 5 + ["open"]


def test_who_lost_the_job_writes_nothing_more(open_job: Callable[..., millpond.Session], server: S3Server) -> None:
    """A driver that stood still so long that another took over, as its next record finds out."""
    with pytest.raises(millpond.ConflictError, match="another driver"), open_job("one") as first:
        job_id = first.job_id
        assert rows_of(sums(first)) == expected()
        numbers = sorted(int(key.rpartition("/")[2]) for key in keys(server, f"root/{job_id}/journal/"))
        # What another driver does first.
        taken = f"root/{job_id}/journal/{numbers[-1] + 1:012}"
        server.put("jobs", taken, b"of another driver")
        sums(first, 30_000).write_parquet("s3://jobs/out-of-the-loser")
    assert server.client.get_object(Bucket="jobs", Key=taken)["Body"].read() == b"of another driver"
    assert keys(server, "out-of-the-loser") == []


def test_jobs_and_clean(
    open_job: Callable[..., millpond.Session],
    server: S3Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    shell: None,
) -> None:
    root = ["--data-root", "s3://jobs/empty"]
    assert main(["jobs", *root]) == 0
    assert "no jobs in s3://jobs/empty" in capsys.readouterr().out
    root = ["--data-root", ROOT]
    with open_job("one") as session:
        job_id = session.job_id
        assert rows_of(sums(session)) == expected()
        assert main(["jobs", *root]) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(job_id)]
        assert "running" in line
        assert main(["clean", *root, job_id]) == 0
        assert "left alone" in capsys.readouterr().out
    assert main(["jobs", *root]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(job_id)]
    assert " ok " in line
    assert main(["clean", *root, "--dry-run", job_id]) == 0
    assert keys(server, f"root/{job_id}/") != []
    assert main(["clean", *root, job_id]) == 0
    assert f"removed {ROOT}/{job_id}" in capsys.readouterr().out
    assert keys(server, f"root/{job_id}/") == []
    assert main(["doctor", *root]) == 1
    assert "is on a store" in capsys.readouterr().err


def test_clean_removes_what_a_killed_driver_left(
    server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], shell: None
) -> None:
    with start(server, tmp_path, "dead", "processes", "one") as program:
        assert program.stdout is not None
        program.stdout.readline()
        deadline = time.monotonic() + 60
        while not keys(server, ".killed-dead.millpond-") and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(program.pid, signal.SIGKILL)
    assert "lease" in objects(server, "dead")
    assert main(["clean", "--data-root", ROOT, "dead"]) == 0
    assert [key for key in keys(server, "") if "dead" in key] == []
    uploads = server.client.list_multipart_uploads(Bucket="jobs").get("Uploads", [])
    assert [upload["Key"] for upload in uploads if "dead" in upload["Key"]] == []
    assert main(["clean", "--data-root", str(tmp_path / "one")]) == 0
    assert list((tmp_path / "one").iterdir()) == []


def test_what_is_gone_from_the_store_is_made_again(open_job: Callable[..., millpond.Session], server: S3Server) -> None:
    with open_job() as session:
        frame = sums(session)
        assert rows_of(frame) == expected()
        for key in keys(server, f"root/{session.job_id}/exchange/"):
            server.client.delete_object(Bucket="jobs", Key=key)
        assert rows_of(frame) == expected()


def test_what_can_not_be(server: S3Server, tmp_path: Path) -> None:
    with pytest.raises(millpond.NotFoundError, match="s3://no-such-bucket"):
        millpond.init(data_root="s3://no-such-bucket/root", scratch=tmp_path, storage_options=server.options)
    with pytest.raises(millpond.UnsupportedError):
        millpond.init(data_root="ftp://host/root", scratch=tmp_path)
    with pytest.raises(millpond.UnsupportedError):
        millpond.init(data_root=ROOT, scratch="s3://jobs/scratch", storage_options=server.options)
    arguments: dict[str, Any] = {"storage_options": server.options, "progress": False}
    with millpond.init(data_root=ROOT, scratch=tmp_path, **arguments) as session:
        session.from_items([1]).compute()
        for dump in (session.dump_graph, session.dump_timeline):
            with pytest.raises(millpond.InvalidArgumentError, match="give a path"):
                dump()
        assert Path(session.dump_timeline(tmp_path / "timeline.json")).exists()
