"""Reading a frame over files alone: what breaks it off is told with the file and the user's line, as from a job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Frame = millpond.DataFrame


def bad_parquet(session: millpond.Session, folder: Path) -> Frame:
    path = folder / "bad.parquet"
    pq.write_table(pa.table({"a": [f"{i * 7919 % 10007}" for i in range(50_000)]}), path, use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 2000] = b"x" * 2000
    path.write_bytes(bytes(data))
    return session.read_parquet(path)


def bad_csv(session: millpond.Session, folder: Path) -> Frame:
    (folder / "bad.csv").write_text("a,b\n" + "1,2\n" * 30_000 + "x,y\n")
    return session.read_csv(folder / "bad.csv")


def bad_json(session: millpond.Session, folder: Path) -> Frame:
    (folder / "bad.json").write_text('{"a":1}\n' * 30_000 + '{"a"\n')
    return session.read_json(folder / "bad.json")


ACTIONS: dict[str, Callable[[Frame], Any]] = {
    "to_arrow": lambda df: df.to_arrow(),
    "to_pandas": lambda df: df.to_pandas(),
    "to_polars": lambda df: df.to_polars(),
    "take_all": lambda df: df.take_all(),
    "take": lambda df: df.take(10**6),
    "through a job": lambda df: df.filter("true").to_arrow(),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("make", [bad_parquet, bad_csv, bad_json])
def test_an_error_names_file_and_line(
    local: millpond.Session, tmp_path: Path, make: Callable[[millpond.Session, Path], Frame], action: str
) -> None:
    df = make(local, tmp_path)
    with pytest.raises(millpond.DataCorruptError) as caught:
        ACTIONS[action](df)
    assert caught.value.file == str(next(tmp_path.glob("bad.*")))
    assert "test_reading_errors.py:" in caught.value.location


def test_other_libraries_are_told_as_well(local: millpond.Session, tmp_path: Path) -> None:
    with pytest.raises((pa.ArrowException, OSError), match=r"(?s)30002.*bad\.csv"):
        pa.table(bad_csv(local, tmp_path))
