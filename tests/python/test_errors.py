"""Errors: their classes, what they say, and where they point."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import millpond
import pytest
from millpond.errors import from_status

CLASSES = {
    "invalid_argument": (millpond.InvalidArgumentError, ValueError),
    "not_found": (millpond.NotFoundError, FileNotFoundError),
    "already_exists": (millpond.AlreadyExistsError, FileExistsError),
    "permission_denied": (millpond.PermissionDeniedError, PermissionError),
    "conflict": (millpond.ConflictError, millpond.MillpondError),
    "out_of_memory": (millpond.OutOfMemoryError, MemoryError),
    "out_of_space": (millpond.OutOfSpaceError, OSError),
    "io_error": (millpond.IoError, OSError),
    "data_corrupt": (millpond.DataCorruptError, millpond.MillpondError),
    "unavailable": (millpond.UnavailableError, ConnectionError),
    "cancelled": (millpond.CancelledError, millpond.MillpondError),
    "deadline_exceeded": (millpond.DeadlineExceededError, TimeoutError),
    "user_function": (millpond.UserFunctionError, millpond.MillpondError),
    "unsupported": (millpond.UnsupportedError, NotImplementedError),
    "internal": (millpond.InternalError, millpond.MillpondError),
}


@pytest.mark.parametrize("code", CLASSES)
def test_each_code_has_its_class(code: str) -> None:
    error = from_status(code, "it failed", "try again", "job.py:3", "map", "stage 1, partition 2", "x.csv", "a trace")
    assert (type(error), error.code) == (CLASSES[code][0], code)
    assert isinstance(error, CLASSES[code][1])
    assert isinstance(error, millpond.MillpondError)
    assert str(error) == "it failed\n  where: map, at job.py:3, stage 1, partition 2, x.csv\na trace\n  hint: try again"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.hint, again.location) == (str(error), "try again", "job.py:3")


def test_an_unknown_column_is_reported_on_the_users_line(local: millpond.Session) -> None:
    df = local.from_items([{"ticker": "A", "price": 1.0}])
    with pytest.raises(millpond.InvalidArgumentError) as caught:
        df.map("tickr")
    line = caught.traceback[0].lineno + 1
    assert caught.value.location.endswith(f"test_errors.py:{line}")
    assert "ticker" in str(caught.value)


def test_an_unknown_column_is_reported_by_every_method(local: millpond.Session) -> None:
    df = local.from_items([{"a": 1}])
    for make in (
        lambda: df.filter("nope > 1"),
        lambda: df.select("nope"),
        lambda: df.drop("nope"),
        lambda: df.rename({"nope": "x"}),
        lambda: df.with_columns(b="nope"),
        lambda: df.partial_sort("nope"),
        lambda: df.repartition(2, hash_by="nope"),
        lambda: df.partial_sql("SELECT nope FROM {0}"),
    ):
        with pytest.raises(millpond.MillpondError, match="nope") as caught:
            make()
        assert "test_errors.py" in caught.value.location


def test_a_missing_file_says_which(local: millpond.Session, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing.parquet"):
        local.read_parquet(tmp_path / "missing.parquet")


def test_a_truncated_file_says_which(local: millpond.Session, ten_rows: Path) -> None:
    ten_rows.write_bytes(ten_rows.read_bytes()[:100])
    with pytest.raises(millpond.MillpondError, match="ten.parquet"):
        local.read_parquet(ten_rows).count()


def test_a_bad_csv_line_says_which(local: millpond.Session, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(millpond.MillpondError, match=r"bad\.csv"):
        local.read_csv(tmp_path / "bad.csv", schema={"a": int, "b": int}, header=True).take_all()


def test_frames_of_two_sessions_do_not_mix(local: millpond.Session, tmp_path: Path) -> None:
    with (
        millpond.init(data_root=tmp_path, progress=False) as other,
        pytest.raises(millpond.InvalidArgumentError, match="sessions"),
    ):
        local.partial_sql("SELECT * FROM {0}, {1}", local.from_items([1]), other.from_items([1]))


def test_iteration_and_len_give_a_hint(local: millpond.Session) -> None:
    df = local.from_items([1])
    with pytest.raises(TypeError, match="count"):
        len(df)
    with pytest.raises(TypeError, match="take"):
        iter(df)
    assert df


def test_a_session_that_is_shut_down_says_so(tmp_path: Path) -> None:
    session = millpond.init(data_root=tmp_path, progress=False)
    df = session.from_items([1]).map("item + 1 AS a")
    session.shutdown()
    session.shutdown()
    with pytest.raises(millpond.MillpondError, match="shut down"):
        df.count()


def test_a_line_is_named_whole_from_the_root(tmp_path: Path) -> None:
    program = tmp_path / "job.py"
    root = str(tmp_path / "root")
    program.write_text(f"import millpond\nmillpond.init(data_root={root!r}).read_parquet('/nothing/here')\n")
    for folder, name in ((tmp_path, "job.py:2"), (Path("/"), f"{program}:2")):
        done = subprocess.run([sys.executable, str(program)], cwd=folder, capture_output=True, text=True, timeout=60)
        assert f"at {name}, /nothing/here" in done.stderr
