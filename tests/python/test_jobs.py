"""What jobs leave on disk: resume, the report, the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import millpond
import pytest
from millpond.cli import main


def job(folder: Path, **arguments: Any) -> millpond.Session:
    return millpond.init(data_root=folder, job_id="nightly", progress=False, threads=2, **arguments)


def finished(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "nightly" / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "task_finished"]


def test_a_second_run_reuses_what_was_finished(tmp_path: Path, ten_rows: Path) -> None:
    counts = []
    for _ in range(2):
        with job(tmp_path / "data", keep=True) as session:
            df = session.read_parquet(ten_rows).repartition(3, hash_by="a").map("a + 1 AS a")
            assert sorted(row["a"] for row in df.take_all()) == list(range(1, 11))
        counts.append(len(finished(tmp_path / "data")))
    assert counts[1] == counts[0]


def test_changed_code_runs_anew(tmp_path: Path, ten_rows: Path) -> None:
    for add in (1, 2):
        with job(tmp_path / "data", keep=True) as session:
            df = session.read_parquet(ten_rows).map(lambda row, add=add: {"a": row["a"] + add})
            assert df.take(1) == [{"a": add}]


def test_the_folder_is_private_and_empties(tmp_path: Path, ten_rows: Path) -> None:
    with job(tmp_path / "data") as session:
        session.read_parquet(ten_rows).repartition(2, hash_by="a").compute()
        folder = Path(session.job_directory)
    assert (tmp_path / "data").stat().st_mode & 0o77 == 0
    left = sorted(path.name for path in folder.iterdir())
    assert "exchange" not in left
    assert "events.jsonl" in left


def test_the_timeline_has_the_tasks(tmp_path: Path, ten_rows: Path) -> None:
    with job(tmp_path / "data") as session:
        session.read_parquet(ten_rows).repartition(2, by_rows=True).map("a").compute()
        events = json.loads(Path(session.dump_timeline()).read_text())["traceEvents"]
    assert events
    assert all(event["ph"] == "X" and event["dur"] >= 0 for event in events)


def test_jobs_and_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--data-root", str(tmp_path / "data")]
    assert main(["jobs", *root]) == 0
    assert "no jobs" in capsys.readouterr().out
    with job(tmp_path / "data") as session:
        session.from_items([1]).map("item").compute()
        assert main(["clean", *root]) == 0
        assert "left alone" in capsys.readouterr().out
        main(["jobs", *root])
        assert "running" in capsys.readouterr().out
    main(["jobs", *root])
    assert "ok" in capsys.readouterr().out
    (tmp_path / "data" / "not a job").mkdir()
    assert main(["clean", "nosuch", *root]) == 1
    assert main(["clean", "--older-than", "1", *root]) == 0
    assert (tmp_path / "data" / "nightly").exists()
    assert main(["clean", "--dry-run", *root]) == 0
    assert (tmp_path / "data" / "nightly").exists()
    assert main(["clean", *root]) == 0
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["not a job"]


def test_two_sessions_do_not_share_a_job(tmp_path: Path, ten_rows: Path) -> None:
    with job(tmp_path) as session:
        session.read_parquet(ten_rows).repartition(3, hash_by="a").compute()
        before = sorted(tmp_path.glob("nightly/*/*"))
        assert any(path.suffix == ".exchange" for path in before)
        with pytest.raises(millpond.ConflictError):
            job(tmp_path)
        assert sorted(tmp_path.glob("nightly/*/*")) == before


SLOW = textwrap.dedent(
    """
    import sys, time, millpond
    session = millpond.init(data_root=sys.argv[1], progress=False, threads=2)
    df = session.from_items(list(range(4))).repartition(4, by_rows=True)
    def slow(row):
        print("started", flush=True)
        time.sleep(60)
        return row
    print("ready", flush=True)
    try:
        df.map(slow).count()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
)


def test_ctrl_c_ends_a_job_and_its_workers(tmp_path: Path) -> None:
    program = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    time.sleep(2)
    begun = time.monotonic()
    os.kill(program.pid, signal.SIGINT)
    out, _ = program.communicate(timeout=60)
    assert "interrupted" in out
    assert program.returncode == 0
    assert time.monotonic() - begun < 30


SLOW_WRITE = textwrap.dedent(
    """
    import sys, time, millpond
    session = millpond.init(data_root=sys.argv[1] + "/data", job_id="nightly", progress=False, threads=2)
    df = session.from_items(list(range(4))).repartition(4, by_rows=True)
    df.write_parquet(sys.argv[1] + "/first")
    def slow(row):
        time.sleep(60)
        return row
    df.map(slow, schema={"item": "BIGINT"}).write_parquet(sys.argv[1] + "/sub/out")
    """
)


def test_clean_removes_what_a_killed_write_staged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = subprocess.Popen([sys.executable, "-c", SLOW_WRITE, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("sub/.out.millpond-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    program.kill()
    program.wait()
    assert list(tmp_path.glob("sub/.out.millpond-*"))
    assert main(["clean", "--data-root", str(tmp_path / "data")]) == 0
    capsys.readouterr()
    assert list((tmp_path / "sub").iterdir()) == []
    assert list((tmp_path / "data").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "first", "sub"]


def test_progress_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level("INFO", "millpond"),
        millpond.init(data_root=tmp_path, progress="log") as session,
    ):
        session.from_items([1, 2]).map("item + 1 AS a").compute()
    assert "job finished" in caplog.text


def test_progress_bars(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with millpond.init(data_root=tmp_path, progress="bar", threads=2) as session:
        session.partial_sql("SELECT count(*) AS n FROM range(300000000) WHERE hash(range) % 7 = 1").compute()
    assert capsys.readouterr().out == ""
