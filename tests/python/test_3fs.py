"""3FS as a mounted folder, read through the kernel and through its rings.

A plain folder stands for the mount: no 3FS was there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import millpond
import pytest
from conftest import open_session
from millpond.jobs import data_root_of
from test_3fs_usrbio import LIBRARY


@pytest.fixture(params=["off", str(LIBRARY)], ids=["kernel", "rings"])
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "mnt"
    (folder / "3fs-virt" / "rm-rf").mkdir(parents=True)
    monkeypatch.setenv("MILLPOND_3FS_USRBIO", request.param)
    monkeypatch.setenv("FAKE_USRBIO_MOUNTS", str(folder))
    monkeypatch.setenv("MILLPOND_3FS_MOUNTS", f"stage={folder},other={tmp_path / 'other'}")
    return folder


def open_job(job_id: str, **arguments: Any) -> millpond.Session:
    settings: dict[str, Any] = {"threads": 2, "memory_limit": "1GB", "progress": False, "min_task_bytes": 0}
    return millpond.init(data_root="3fs://stage/jobs", job_id=job_id, **settings, **arguments)


@pytest.mark.parametrize("runner", ["inline", "threads", "processes"])
def test_reads_writes_patterns_and_jobs(mount: Path, runner: str) -> None:
    with open_job("nightly", runner=runner) as session:
        assert session.job_directory == str(mount / "jobs" / "nightly")
        rows = session.sql("SELECT range AS x, range % 3 AS k FROM range(100)").repartition(4, by_rows=True)
        doubled = rows.map_batches(lambda batch: batch)
        doubled.write_parquet("3fs://stage/out", partition_by="k")
        doubled.write_parquet("3FS://stage/out", mode="overwrite", partition_by="k")
        assert sorted(path.name for path in (mount / "out").glob("k=*")) == ["k=0", "k=1", "k=2"]
        assert session.read_parquet("3fs://stage/out/k=[12]/*.parquet").count() == 66
        assert session.read_parquet(str(mount / "out")).count() == 100
        query = "SELECT sum(x)::BIGINT AS s FROM '3fs://stage/out/**/*.parquet'"
        assert session.sql(query).take_all() == [{"s": 4950}]
        (mount / "lines.txt").write_text("a\nb\n")
        assert session.read_text("3fs://stage/*.txt").count() == 2
    # What was replaced and staged is gone, by way of 3FS's own folder.
    assert list((mount / "3fs-virt" / "rm-rf").iterdir()) == []
    assert [path.name for path in mount.iterdir() if "millpond" in path.name] == []


def test_one_cluster_needs_no_name(mount: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with open_session(tmp_path / "root") as session:
        session.from_items([1]).write_csv("3fs://stage/a/x.csv", single_file=True)
        with pytest.raises(millpond.InvalidArgumentError, match="3fs://stage/, 3fs://other/"):
            session.read_csv("3fs:///a/x.csv")
        monkeypatch.setenv("MILLPOND_3FS_MOUNTS", f"stage={mount}")
        assert session.read_csv("3fs:///a/x.csv").take_all() == [{"item": 1}]
        with pytest.raises(millpond.InvalidArgumentError, match=r'"3fs:///a/x\.csv"\?'):
            session.read_csv("3fs://a/x.csv")
        with pytest.raises(millpond.InvalidArgumentError, match="leads out"):
            session.read_csv("3fs:///../x.csv")
        with pytest.raises(millpond.InvalidArgumentError, match="a path of this machine"):
            session.read_csv("3fs:///a/x.csv", storage_options={"aws_region": "eu"})
        monkeypatch.setenv("MILLPOND_3FS_MOUNTS", "stage")
        with pytest.raises(millpond.InvalidArgumentError, match="MILLPOND_3FS_MOUNTS"):
            session.read_csv("3fs:///a/x.csv")


def test_a_delta_table(mount: Path, tmp_path: Path) -> None:
    with open_session(tmp_path / "root") as session:
        session.from_items([1, 2]).write_delta("3fs://stage/table")
        assert session.read_delta("3fs://stage/table").count() == 2
        assert (mount / "table" / "_delta_log").is_dir()


def test_the_command_line(mount: Path) -> None:
    with open_job("one", keep=True) as session:
        session.from_items([1]).write_parquet("3fs://stage/out")
    command = [sys.executable, "-m", "millpond.cli", "jobs", "--data-root", "3fs://stage/jobs"]
    assert "one" in subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    command[-1] = "3fs://nowhere/jobs"
    failed = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert failed.returncode != 0
    assert "Traceback" not in failed.stderr
    assert 'no 3FS cluster "nowhere"' in failed.stderr
    assert data_root_of("3fs://stage/jobs") == mount / "jobs"
