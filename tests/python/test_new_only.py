"""Reads of files that no finished run of a name has seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import open_session
from s3_server import s3_server

Read = Callable[[millpond.Session], millpond.DataFrame]


def put(folder: Path, name: str, *values: int) -> None:
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table({"a": values}), folder / f"{name}.parquet")


def new_in(session: millpond.Session, source: Path, **options: Any) -> list[int]:
    frame = session.read_parquet(source, new_only="load", **options)
    return sorted(row["a"] for row in frame.take_all())


def load(folder: Path, source: Path, **options: Any) -> list[int]:
    with open_session(folder) as session:
        return new_in(session, source, **options)


def test_each_run_reads_what_came_since_the_last(tmp_path: Path) -> None:
    source = tmp_path / "in"
    put(source, "1", 1)
    put(source, "2", 2)
    assert load(tmp_path, source) == [1, 2]
    assert load(tmp_path, source) == []
    put(source, "3", 3)
    assert load(tmp_path, source / "*.parquet") == [3]  # However the path is written.
    (source / "1.parquet").unlink()
    assert load(tmp_path, source) == []


def test_names_know_nothing_of_each_other_nor_of_plain_reads(tmp_path: Path) -> None:
    source = tmp_path / "in"
    put(source, "1", 1)
    assert load(tmp_path, source) == [1]
    with open_session(tmp_path) as session:
        assert session.read_parquet(source, new_only="other").count() == 1
        assert session.read_parquet(source).count() == 1


def test_a_relative_path_is_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in"
    put(source, "1", 1)
    assert load(tmp_path, source) == [1]
    monkeypatch.chdir(tmp_path)
    assert load(tmp_path, Path("in")) == []
    assert load(tmp_path, Path("./in/../in/1.parquet")) == []


def test_a_changed_file_is_a_new_one(tmp_path: Path) -> None:
    source = tmp_path / "in"
    put(source, "1", 1)
    put(source, "2", 2)
    assert load(tmp_path, source) == [1, 2]
    put(source, "1", 5)
    os.utime(source / "1.parquet", (1, 1))  # An older time than before is another time, too.
    assert load(tmp_path, source) == [5]


def test_without_new_files_the_columns_are_those_of_the_old(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for year in (2024, 2025):
        put_into = source / f"year={year}"
        put_into.mkdir(parents=True)
        put(put_into, "1", year)
    for _ in range(2):
        with open_session(tmp_path) as session:
            frame = session.read_parquet(source, new_only="load", filename=True)
            assert frame.columns == ["a", "filename", "year"]
            seen = session.sql("SELECT count(*) AS n, sum(a) AS s FROM frame WHERE year > 2000", frame=frame).take_all()
    assert seen == [{"n": 0, "s": None}]


@pytest.mark.parametrize("runner", ["threads", "processes"])
def test_a_run_that_ends_badly_leaves_its_files_new(tmp_path: Path, runner: str) -> None:
    source = tmp_path / "in"
    put(source, "1", 1)
    with pytest.raises(ZeroDivisionError), open_session(tmp_path, runner=runner) as session:
        assert new_in(session, source) == [1]
        raise ZeroDivisionError
    with pytest.raises(SystemExit), open_session(tmp_path, runner=runner) as session:
        assert new_in(session, source) == [1]
        sys.exit(3)
    session = open_session(tmp_path, runner=runner)
    try:
        assert new_in(session, source) == [1]
        raise KeyError
    except KeyError:
        session.shutdown()
    with pytest.raises(SystemExit), open_session(tmp_path, runner=runner) as session:
        assert new_in(session, source) == [1]
        sys.exit(0)
    assert load(tmp_path, source) == []


def test_a_failed_action_leaves_files_new_until_it_succeeds(tmp_path: Path) -> None:
    source = tmp_path / "in"
    put(source, "1", 0)
    with open_session(tmp_path) as session:
        frame = session.read_parquet(source, new_only="load")
        assert frame.filter("a = 0").count() == 1
        with pytest.raises(millpond.MillpondError):
            frame.map("error('no') AS e").write_parquet(tmp_path / "out")
    with open_session(tmp_path) as session:
        frame = session.read_parquet(source, new_only="load")
        assert frame.count() == 1
        (tmp_path / "out").write_text("in the way")
        with pytest.raises(millpond.MillpondError):
            frame.write_parquet(tmp_path / "out", mode="append")
        (tmp_path / "out").unlink()
        frame.write_parquet(tmp_path / "out", mode="append")
    assert load(tmp_path, source) == []


def test_only_what_an_action_read_counts_as_seen(tmp_path: Path) -> None:
    source, other = tmp_path / "in", tmp_path / "other"
    put(source, "1", 1)
    put(other, "1", 10)
    reads: list[Read] = [
        lambda session: session.read_parquet(source, new_only="load"),
        lambda session: session.read_parquet(other, new_only="load"),
    ]
    with open_session(tmp_path) as session:
        frames = [read(session) for read in reads]
        assert frames[0].columns == ["a"] and frames[0].count() == 1  # Both are told by the footer.
        frames[0].show()
        assert frames[0].take(1) == [{"a": 1}]
        assert frames[1].filter("a > 100").count() == 0
    assert load(tmp_path, other) == []
    assert load(tmp_path, source) == [1]


def test_what_a_query_prunes_was_looked_at(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for day in range(4):
        (source / f"day={day}").mkdir(parents=True)
        put(source / f"day={day}", "1", day)
    with open_session(tmp_path) as session:
        frame = session.read_parquet(source, new_only="load")
        query = "SELECT sum(a) AS s FROM frame WHERE day > 1"
        spread = session.sql(query, frame=frame, distribute="always", partitions=3)
        assert spread.take_all() == [{"s": 5}]
    assert load(tmp_path, source) == []


def test_one_session_at_a_time_reads_by_a_name(tmp_path: Path) -> None:
    source = tmp_path / "in"
    put(source, "1", 1)
    with open_session(tmp_path) as first, open_session(tmp_path) as second:
        assert new_in(first, source) == [1]
        with pytest.raises(millpond.ConflictError, match='another session reads files that are new to "load"'):
            new_in(second, source)
        assert new_in(first, source) == [1]  # The same session may.
    assert load(tmp_path, source) == []


@pytest.mark.parametrize("name", ["", "a/b", "..", "-x", 7])
def test_names_are_plain_words(tmp_path: Path, name: Any) -> None:
    put(tmp_path / "in", "1", 1)
    with open_session(tmp_path) as session, pytest.raises(millpond.InvalidArgumentError, match="new_only"):
        session.read_parquet(tmp_path / "in", new_only=name)


def test_csv_and_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n")
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n')
    for expected in (1, 0):
        with open_session(tmp_path) as session:
            read = [
                session.read_csv(tmp_path / "*.csv", new_only="csv"),
                session.read_json(tmp_path / "*.jsonl", new_only="json"),
            ]
            assert [frame.columns for frame in read] == [["a", "b"], ["a"]]
            assert [len(frame.take_all()) for frame in read] == [expected, expected]


def test_a_store(tmp_path: Path) -> None:
    with s3_server() as server:
        server.client.create_bucket(Bucket="lake")
        put(tmp_path, "1", 1)
        server.put("lake", "in/1.parquet", (tmp_path / "1.parquet").read_bytes())
        found = []
        for _ in range(2):
            with open_session(tmp_path, storage_options=server.options) as session:
                found.append(session.read_parquet("s3://lake/in/", new_only="load").filter("a > 0").count())
            put(tmp_path, "2", 2, 3)
            server.put("lake", "in/2.parquet", (tmp_path / "2.parquet").read_bytes())
        assert found == [1, 2]


PROGRAM = """
import sys, time, millpond
source, out, data, mode = sys.argv[1:]
session = millpond.init(job_id="nightly", data_root=data, progress=False, threads=1, memory_limit="500MB")
frame = session.read_parquet(source, new_only="load")
frame.write_parquet(out, mode="append")
print("written", flush=True)
if mode == "hang":
    time.sleep(600)
if mode == "close":
    session.shutdown()
"""


def run_program(tmp_path: Path, mode: str) -> subprocess.Popen[str]:
    paths = [str(tmp_path / name) for name in ("in", "out", "data")]
    command = [sys.executable, "-c", PROGRAM, *paths, mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def written(tmp_path: Path) -> list[int]:
    return sorted(pq.read_table(tmp_path / "out")["a"].to_pylist())


def test_a_job_killed_after_its_write_and_run_again_appends_once(tmp_path: Path) -> None:
    put(tmp_path / "in", "1", 1)
    process = run_program(tmp_path, "hang")
    assert process.stdout is not None and process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert written(tmp_path) == [1]
    put(tmp_path / "in", "2", 2)
    # The same job goes on with what it had read; what came since is for the next.
    assert run_program(tmp_path, "close").wait(60) == 0
    assert written(tmp_path) == [1]
    assert run_program(tmp_path, "close").wait(60) == 0
    assert written(tmp_path) == [1, 2]


def test_a_program_that_does_not_close_its_session_is_warned(tmp_path: Path) -> None:
    put(tmp_path / "in", "1", 1)
    process = run_program(tmp_path, "leave")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "open it by `with`, or call shutdown() at the end" in errors
    assert load(tmp_path, tmp_path / "in") == [1]


def test_the_record_is_rewritten_when_runs_that_never_finish_fill_it(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(300):
        (source / f"{number}.csv").write_text(f"a\n{number}\n")
    journal = tmp_path / "data" / ".new_only" / "load" / "journal"
    largest = 0
    begin = time.monotonic()
    for _ in range(45):
        with pytest.raises(KeyError), open_session(tmp_path) as session:
            assert len(session.read_csv(source, new_only="load").take_all()) == 300
            raise KeyError
        largest = max(largest, journal.stat().st_size)
    assert journal.stat().st_size < largest, f"after {time.monotonic() - begin:.0f} s"
    with open_session(tmp_path) as session:
        assert len(session.read_csv(source, new_only="load").take_all()) == 300
    with open_session(tmp_path) as session:
        assert session.read_csv(source, new_only="load").take_all() == []


def test_jobs_are_cleaned_without_forgetting_what_was_seen(tmp_path: Path) -> None:
    put(tmp_path / "in", "1", 1)
    assert load(tmp_path, tmp_path / "in") == [1]
    command = [str(Path(sys.executable).with_name("millpond")), "clean", "--data-root", str(tmp_path / "data")]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    assert load(tmp_path, tmp_path / "in") == []
