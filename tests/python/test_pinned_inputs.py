"""Input files that are replaced after a frame was made, or while a task reads them: an error, never mixed rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pytest
from conftest import open_session
from millpond import s3_store
from s3_server import S3Server, s3_server

PATH = "s3://data/x.csv"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        server.client.create_bucket(Bucket="data")
        yield server


def csv(number: int) -> bytes:
    """Files of one size, of more than one piece."""
    return b"i\n" + f"{number:07}\n".encode() * 2_000_000


def test_an_object_that_is_replaced_as_a_task_opens_it(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the look at the task's inputs, within the second, and by one of the same size."""
    server.put("data", "x.csv", csv(1))
    opened = s3_store.S3Store.open_known
    with open_session(tmp_path, storage_options=server.options) as session:
        frame = session.read_csv(PATH, schema={"i": "BIGINT"}, header=True)

        def replaced_first(store: s3_store.S3Store, path: str, size: int, tag: str) -> Any:
            server.put("data", "x.csv", csv(2))
            return opened(store, path, size, tag)

        with monkeypatch.context() as patched, pytest.raises(millpond.DataCorruptError, match="again") as caught:
            patched.setattr(s3_store.S3Store, "open_known", replaced_first)
            frame.partial_sql("SELECT max(i) AS i FROM {0}").take_all()
        assert caught.value.file == PATH
        again = session.read_csv(PATH, schema={"i": "BIGINT"}, header=True)
        assert again.partial_sql("SELECT max(i) AS i FROM {0}").take_all() == [{"i": 2}]


@pytest.mark.parametrize("has_boto3", [True, False])
def test_an_object_that_is_replaced_while_a_task_reads_it(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_boto3: bool
) -> None:
    """With pyarrow alone, whose pieces are those of whatever is there, a look afterwards tells."""
    server.put("data", "x.csv", csv(1))
    monkeypatch.setattr(s3_store, "_has_boto3", lambda: has_boto3)
    readers = {True: (s3_store.DirectObject, "read_into"), False: (s3_store.StoredObject, "read_at")}
    kind, name = readers[has_boto3]
    read = getattr(kind, name)
    with open_session(tmp_path, storage_options=server.options) as session:
        frame = session.read_csv(PATH, schema={"i": "BIGINT"}, header=True)
        assert frame.partial_sql("SELECT min(i) AS i, max(i) AS k FROM {0}").take_all() == [{"i": 1, "k": 1}]
        reads: list[int] = []

        def replaced_at_the_second(self: Any, *arguments: Any) -> Any:
            reads.append(1)
            if len(reads) == 2:
                server.put("data", "x.csv", csv(2))
            return read(self, *arguments)

        monkeypatch.setattr(kind, name, replaced_at_the_second)
        with pytest.raises(millpond.DataCorruptError, match=r"was written again|has changed since it was listed"):
            frame.partial_sql("SELECT max(i) AS i, count(*) AS n FROM {0}").take_all()
        assert len(reads) > 1


def test_without_boto3_one_that_is_replaced_within_the_second(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_store, "_has_boto3", lambda: False)
    query = "SELECT max(i) AS i FROM {0}"
    with open_session(tmp_path, storage_options=server.options) as session:
        for number in range(1, 6):
            server.put("data", "small/y.csv", f"i\n{number}\n".encode())
            for path in ("s3://data/small/y.csv", "s3://data/small/*.csv"):
                assert session.read_csv(path).partial_sql(query).take_all() == [{"i": number}]


def test_a_local_file_that_is_written_again_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(csv(1))

    changed = csv(2)  # Here: a worker can't import the module that `csv` is of.

    def overwrite(batch: pa.RecordBatch) -> pa.RecordBatch:
        with path.open("r+b") as file:
            file.write(changed)
        return batch

    with open_session(tmp_path) as session:
        frame = session.read_csv(path).map_batches(overwrite, schema={"i": "BIGINT"})
        with pytest.raises(millpond.DataCorruptError, match="was written again"):
            frame.partial_sql("SELECT count(*) AS n FROM {0}").take_all()


def test_new_only_finds_one_that_was_replaced_within_the_second(server: S3Server, tmp_path: Path) -> None:
    for number in range(1, 6):
        server.put("data", "arrivals/a.csv", f"i\n{number}\n".encode())
        with open_session(tmp_path, storage_options=server.options) as session:
            frame = session.read_csv("s3://data/arrivals/*.csv", new_only="load", schema={"i": "BIGINT"})
            assert frame.take_all() == [{"i": number}]
        with open_session(tmp_path, storage_options=server.options) as session:
            assert session.read_csv("s3://data/arrivals/*.csv", new_only="load", schema={"i": "BIGINT"}).count() == 0
