"""Results kept for later actions: within a disk quota, and made again when their files are gone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pytest
from conftest import RUNNERS, open_session

ROWS = 20_000


def stored_bytes(session: millpond.Session) -> int:
    return sum(file.stat().st_size for file in Path(session.job_directory, "exchange").rglob("*") if file.is_file())


def stored_files(session: millpond.Session) -> list[Path]:
    return sorted(Path(session.job_directory, "exchange").rglob("*.exchange"))


def numbers(session: millpond.Session, first: int = 0) -> millpond.DataFrame:
    """Rows that don't compress: about 320 kB."""
    return session.partial_sql(f"SELECT i, hash(i + {first}) AS h FROM range({ROWS}) r(i)").repartition(3, hash_by="i")


@pytest.mark.parametrize("runner", RUNNERS)
def test_results_used_longest_ago_are_dropped_and_computed_again(runner: str, tmp_path: Path) -> None:
    with open_session(tmp_path, runner=runner, disk_quota="1MB") as session:
        assert session.config.disk_quota == 1_000_000
        frames = [numbers(session, first) for first in range(8)]
        rows = [sorted(frame.to_arrow()["h"].to_pylist()) for frame in frames]
        assert stored_bytes(session) <= 1_400_000  # The last result may lie over it while it is read.
        assert not frames[0].is_computed()
        assert frames[7].is_computed()
        for frame, expected in zip(frames, rows, strict=True):
            assert sorted(frame.to_arrow()["h"].to_pylist()) == expected
            assert frame.count() == ROWS
        folder = Path(session.job_directory)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == []


def test_what_was_read_lately_stays(tmp_path: Path) -> None:
    with open_session(tmp_path, disk_quota="1MB") as session:
        kept, *others = [numbers(session, first) for first in range(6)]
        kept.compute()
        for other in others:
            other.compute()
            kept.to_arrow()
        assert kept.is_computed()
        assert not others[0].is_computed()
        assert others[-1].is_computed()


def test_a_quota_smaller_than_any_result(tmp_path: Path) -> None:
    with open_session(tmp_path, disk_quota=1) as session:
        df = numbers(session)
        sums = session.sql("SELECT sum(i)::BIGINT AS s FROM {0}", df)
        for _ in range(2):
            assert df.count() == ROWS
            assert sums.take_all() == [{"s": sum(range(ROWS))}]
            assert df.map(lambda row: {"i": row["i"]}).limit(3).count() == 3
        unknown = df.map(lambda row: {"twice": row["i"] * 2})
        assert unknown.filter("twice < 6").count() == 3
        assert unknown.columns == ["twice"]


def test_rows_that_are_being_read_stay(tmp_path: Path) -> None:
    with open_session(tmp_path, disk_quota=1) as session:
        df = numbers(session)
        reader = pa.RecordBatchReader.from_stream(df)
        for first in range(1, 4):
            numbers(session, first).compute()
        assert df.is_computed()
        assert reader.read_all().num_rows == ROWS
        del reader
        numbers(session, 9).compute()
        assert not df.is_computed()


def test_what_chance_made_is_never_made_again(tmp_path: Path) -> None:
    with open_session(tmp_path, disk_quota=1) as session:
        df = session.partial_sql(f"SELECT i, random() AS r FROM range({ROWS}) t(i)").compute()
        rows = df.to_arrow()
        for first in range(3):
            numbers(session, first).compute()
        assert df.to_arrow().equals(rows)


def test_frames_of_several_threads(tmp_path: Path) -> None:
    with open_session(tmp_path, disk_quota=1) as session:
        wrong: list[Any] = []

        def work(first: int) -> None:
            df = numbers(session, first)
            for _ in range(4):
                try:
                    if (rows := df.to_arrow().num_rows) != ROWS:
                        wrong.append(rows)
                except Exception as error:
                    wrong.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def test_the_default_is_half_of_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_session(tmp_path) as session:
        assert session.config.disk_quota > 0
    monkeypatch.setenv("MILLPOND_DISK_QUOTA", "3GB")
    with open_session(tmp_path) as session:
        assert session.config.disk_quota == 3 * 10**9
    with pytest.raises(millpond.InvalidArgumentError, match="disk_quota='much'"):
        open_session(tmp_path, disk_quota="much")


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_result_whose_file_has_gone_is_made_again(runner: str, tmp_path: Path) -> None:
    with open_session(tmp_path, runner=runner) as session:
        df = numbers(session).compute()
        expected = sorted(df.to_arrow()["h"].to_pylist())
        for use in (
            lambda: sorted(df.to_arrow()["h"].to_pylist()) == expected,
            lambda: df.filter("i < 10").count() == 10,
            lambda: df.count() == ROWS,
            lambda: df.filter(lambda row: row["i"] < 10).count() == 10,
            lambda: df.repartition(2, by_rows=True).filter("i = 1").count() == 1,
        ):
            for file in stored_files(session):
                file.unlink()
            assert not df.is_computed()
            assert use()


def test_a_damaged_result_is_made_again(tmp_path: Path) -> None:
    with open_session(tmp_path) as session:
        df = numbers(session).compute()
        for file in stored_files(session):
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 0xFF
            file.write_bytes(bytes(data))
        assert df.map("h % 7 AS k").count() == ROWS
        assert df.filter("h >= 0").count() == ROWS


def test_given_data_that_has_gone_is_an_error(tmp_path: Path) -> None:
    with open_session(tmp_path) as session:
        df = session.from_items(list(range(100)))
        for file in Path(session.job_directory, "values").rglob("*.exchange"):
            file.unlink()
        with pytest.raises(millpond.MillpondError):
            df.filter("item > 1").count()
