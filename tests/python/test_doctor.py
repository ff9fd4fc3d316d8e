"""`millpond doctor`: what it finds, and that it leaves nothing behind."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from millpond.cli import main
from millpond.doctor import examine


def statuses(data_root: Path) -> dict[str, str]:
    return {finding.name: finding.status for finding in examine(data_root)}


def test_a_good_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "new" / "root"
    assert main(["doctor", "--data-root", str(root)]) == 0
    output = capsys.readouterr().out
    for name in ("millpond", "packages", "data_root", "free space", "disk", "cores", "memory", "a job"):
        assert f" {name} " in output
    assert "error" not in output
    assert root.stat().st_mode & 0o777 == 0o700
    assert list(root.iterdir()) == []


def test_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["doctor", "--data-root", str(tmp_path / "file")]) == 1
    assert f"error    folder       [Errno 17] File exists: '{tmp_path / 'file'}'" in capsys.readouterr().out


def test_a_folder_open_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    found = statuses(tmp_path)
    assert found["data_root"] == "warning"
    assert found["a job"] == "ok"


def test_few_open_files(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        assert statuses(tmp_path)["open files"] == "warning"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
