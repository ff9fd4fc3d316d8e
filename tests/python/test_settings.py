"""Where settings come from, and which are refused."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import millpond
import pytest
from millpond.settings import from_environment
from millpond.sizes import parse_size


def test_argument_then_millpond_then_sp_then_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SP_DATA_ROOT", str(tmp_path / "sp"))
    with millpond.init(progress=False) as session:
        assert session.config.data_root == str(tmp_path / "sp")
    monkeypatch.setenv("MILLPOND_DATA_ROOT", str(tmp_path / "ours"))
    with millpond.init(progress=False) as session:
        assert session.config.data_root == str(tmp_path / "ours")
    with millpond.init(data_root=tmp_path / "argument", progress=False) as session:
        assert session.config.data_root == str(tmp_path / "argument")
        assert session.config.runner == "threads"
        assert session.config.threads >= 1
        assert session.config.memory_limit > 0


def test_everything_smallpond_knows_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SP_JOBID", "d8bd9b1e-0e7f-4c0a-8a53-8d0b1e0a3c11")
    monkeypatch.setenv("SP_JOB_TIME", "2024-05-06T07:08:09")
    with millpond.init(
        job_name="nightly", data_root=str(tmp_path), num_executors=0, bind_numa_node=False, memory_allocator="system"
    ) as session:
        assert session.config.job_id == session.job_id == "d8bd9b1e-0e7f-4c0a-8a53-8d0b1e0a3c11"
        assert session.config.job_time == datetime.datetime(2024, 5, 6, 7, 8, 9)
        assert session.config.job_name == "nightly"
        assert session.job_directory == f"{tmp_path}/{session.job_id}"


def test_a_switch_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for text, is_on in (("false", False), ("0", False), ("Yes", True)):
        monkeypatch.setenv("MILLPOND_SPECULATION", text)
        with millpond.init(data_root=tmp_path, progress=False) as session:
            assert session.config.speculation is is_on
    monkeypatch.setenv("MILLPOND_SPECULATION", "perhaps")
    with pytest.raises(millpond.InvalidArgumentError, match='MILLPOND_SPECULATION is "perhaps"'):
        millpond.init(data_root=tmp_path, progress=False)


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"ray_address": "nowhere"}, millpond.InvalidArgumentError, "nowhere"),
    ({"ray_address": "auto", "runner": "threads"}, millpond.InvalidArgumentError, "asks for a cluster"),
    ({"num_executors": 4}, millpond.InvalidArgumentError, "num_executors=4"),
    ({"exchange": "pigeons"}, millpond.InvalidArgumentError, "pigeons"),
    ({"platform": "mpi"}, millpond.UnsupportedError, "platform='mpi'"),
    ({"runner": "spark"}, millpond.InvalidArgumentError, "spark"),
    ({"memory_limit": "a lot"}, millpond.InvalidArgumentError, "a lot"),
    ({"memory_allocator": "tcmalloc"}, millpond.InvalidArgumentError, "tcmalloc"),
    ({"job_id": "../x"}, millpond.InvalidArgumentError, "job_id"),
    ({"job_time": "yesterday"}, millpond.InvalidArgumentError, "yesterday"),
    ({"threads": -1}, millpond.InvalidArgumentError, "threads"),
    ({"progress": "loud"}, millpond.InvalidArgumentError, "loud"),
    ({"color": "red"}, TypeError, "color"),
]


@pytest.mark.parametrize(("arguments", "kind", "text"), REFUSED)
def test_refused(tmp_path: Path, arguments: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        millpond.init(data_root=tmp_path, **arguments)
    assert text in str(caught.value)


def test_a_scheme_never_becomes_a_local_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(millpond.UnsupportedError, match="ftp"):
        millpond.init(data_root="ftp://host/data")
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_effect_warns(tmp_path: Path) -> None:
    with (
        pytest.warns(millpond.MillpondWarning, match="memory_allocator") as caught,
        millpond.init(data_root=tmp_path, memory_allocator="jemalloc"),
    ):
        assert caught[0].filename == __file__


def test_sizes() -> None:
    assert [parse_size(text) for text in ("1GB", "1 GiB", "512m", "7", 3, None)] == [10**9, 2**30, 512 * 10**6, 7, 3, 0]
    with pytest.raises(ValueError, match="12 parsecs"):
        parse_size("12 parsecs")


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SP_X", "sp")
    assert from_environment("X") == "sp"
    monkeypatch.setenv("MILLPOND_X", "ours")
    assert from_environment("X") == "ours"
    assert from_environment("Y") is None
