"""Writing to `s3://`, to a server on loopback, under every runner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest
from conftest import RUNNERS, open_session
from millpond.cli import main
from s3_server import SECRET, S3Server, s3_server


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        server.client.create_bucket(Bucket="out")
        yield server


@pytest.fixture(scope="module", params=RUNNERS)
def writer(
    request: pytest.FixtureRequest, server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[millpond.Session, str]]:
    folder = tmp_path_factory.mktemp(request.param)
    with open_session(folder, runner=request.param, storage_options=server.options) as session:
        yield session, f"s3://out/{request.param}"


@pytest.fixture
def session(server: S3Server, tmp_path: Path) -> Iterator[millpond.Session]:
    with open_session(tmp_path, storage_options=server.options) as session:
        yield session


def numbers(session: millpond.Session, count: int = 100, partitions: int = 4) -> millpond.DataFrame:
    rows = session.sql(f"SELECT range AS x, range % 3 AS k FROM range({count})")
    return rows.repartition(partitions, by_rows=True)


def keys(server: S3Server, prefix: str) -> list[str]:
    pages = server.client.get_paginator("list_objects_v2").paginate(Bucket="out", Prefix=prefix)
    return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))


def head(server: S3Server, folder: str) -> dict[str, Any]:
    body = server.client.get_object(Bucket="out", Key=f"{folder}/._millpond-head.json")["Body"].read()
    parsed: dict[str, Any] = json.loads(body)
    return parsed


def nothing_is_left(server: S3Server, name: str) -> None:
    """No staged object, no unfinished upload."""
    assert [key for key in keys(server, "") if ".millpond-" in key and name in key] == []
    uploads = server.client.list_multipart_uploads(Bucket="out").get("Uploads", [])
    assert [upload["Key"] for upload in uploads if name in upload["Key"]] == []


@pytest.mark.parametrize("file_format", ["parquet", "csv", "json"])
def test_every_format(writer: tuple[millpond.Session, str], server: S3Server, file_format: str) -> None:
    session, root = writer
    path = f"{root}/{file_format}"
    getattr(numbers(session), f"write_{file_format}")(path)
    back = getattr(session, f"read_{file_format}")(path)
    assert sorted(row["x"] for row in back.take_all()) == list(range(100))
    nothing_is_left(server, f".{file_format}.")


def test_folders_by_key_and_small_files(writer: tuple[millpond.Session, str]) -> None:
    session, root = writer
    numbers(session).write_parquet(f"{root}/keys", partition_by="k")
    assert session.read_parquet(f"{root}/keys").filter("k = 1").count() == 33
    numbers(session, 1000, 2).write_csv(f"{root}/small", max_rows_per_file=100)
    back = session.read_csv(f"{root}/small/*.csv", filename=True).take_all()
    assert len(back) == 1000
    assert len({row["filename"] for row in back}) == 10


def test_names_are_only_names(writer: tuple[millpond.Session, str]) -> None:
    session, root = writer
    for name in ["a b", "50%", "%41", "ü€😀", "p=1", "it's", "[x]", "a+b&c"]:
        path = f"{root}/names/{name}/{name}"
        session.from_items([{"i": 1, "name": name}]).write_parquet(path, partition_by="name")
        frame = session.read_parquet(path, hive_partitioning=False)
        assert frame.take_all() == [{"i": 1}]


def test_a_single_file(writer: tuple[millpond.Session, str], server: S3Server) -> None:
    session, root = writer
    path = f"{root}/one.csv"
    session.from_items([1, 2]).write_csv(path, single_file=True)
    with pytest.raises(millpond.AlreadyExistsError, match="one.csv"):
        session.from_items([3]).write_csv(path, single_file=True)
    session.from_items([3]).write_csv(path, single_file=True, mode="overwrite")
    body = server.client.get_object(Bucket="out", Key=path.removeprefix("s3://out/"))["Body"].read()
    assert body == b"item\n3\n"
    nothing_is_left(server, "one.csv")


def test_modes(writer: tuple[millpond.Session, str], server: S3Server) -> None:
    session, root = writer
    path = f"{root}/modes"
    session.from_items([1]).write_parquet(path)
    with pytest.raises(millpond.AlreadyExistsError, match="exists already"):
        session.from_items([2]).write_parquet(path)
    session.from_items([2]).write_parquet(path, mode="append")
    session.from_items([3]).write_parquet(path, mode="append")
    assert sorted(row["item"] for row in session.read_parquet(path).take_all()) == [1, 2, 3]
    session.from_items([4]).write_parquet(path, mode="overwrite")
    assert session.read_parquet(path).take_all() == [{"item": 4}]
    assert len(keys(server, path.removeprefix("s3://out/") + "/")) == 2  # The file and the head.
    nothing_is_left(server, ".modes.")


def test_what_others_made_is_kept_and_replaced(session: millpond.Session, server: S3Server, tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    duckdb.sql("SELECT 7::BIGINT AS item").write_parquet(str(file))
    server.put("out", "mixed/x.parquet", file.read_bytes())
    with pytest.raises(millpond.AlreadyExistsError):
        session.from_items([1]).write_parquet("s3://out/mixed")
    session.from_items([1]).write_parquet("s3://out/mixed", mode="append")
    assert session.read_parquet("s3://out/mixed").count() == 2
    session.from_items([2]).write_parquet("s3://out/mixed", mode="overwrite")
    assert session.read_parquet("s3://out/mixed").take_all() == [{"item": 2}]
    server.put("out", "mixed/x.parquet", file.read_bytes())
    assert session.read_parquet("s3://out/mixed").count() == 2


def test_two_writers_of_one_folder(server: S3Server, tmp_path: Path) -> None:
    path = "s3://out/race"
    options = server.options
    with open_session(tmp_path / "a", storage_options=options) as first:
        first.from_items([0]).write_parquet(path)

        def meanwhile(batch: Any) -> Any:
            with open_session(tmp_path / "b", storage_options=options, threads=1) as second:
                second.from_items([2]).write_parquet(path, mode="overwrite")
            return batch

        with pytest.raises(millpond.ConflictError, match="race"):
            first.from_items([1]).map_batches(meanwhile, schema={"item": "BIGINT"}).write_parquet(
                path, mode="overwrite"
            )
        assert first.read_parquet(path).take_all() == [{"item": 2}]
    nothing_is_left(server, ".race.")


def test_files_that_are_not_committed_are_not_read(session: millpond.Session, server: S3Server) -> None:
    session.from_items([1]).write_parquet("s3://out/pending")
    (name,) = [key for key in keys(server, "pending/") if key.endswith(".parquet")]
    body = server.client.get_object(Bucket="out", Key=name)["Body"].read()
    other = "part-00000-0123456789abcdef.parquet"
    server.put("out", f"pending/{other}", body)
    now = head(server, "pending")
    write = {"version": 1, "fingerprint": "0123456789abcdef", "job_id": "dead"}
    file = {"name": other, "num_rows": 1, "num_bytes": len(body), "digest": ""}
    now["pending"] = [{**write, "files": [file]}]
    server.put("out", "pending/._millpond-head.json", json.dumps(now).encode())
    for path in ("s3://out/pending", "s3://out/pending/*.parquet", "s3://out/pend*/*.parquet", "s3://out/pending/"):
        assert session.read_parquet(path).count() == 1
    session.from_items([2]).write_parquet("s3://out/pending", mode="overwrite")
    assert not any(other in key for key in keys(server, "pending/"))


def test_a_job_run_again_does_not_write_again(server: S3Server, tmp_path: Path) -> None:
    for path, arguments in (("s3://out/again", {}), ("s3://out/again.csv", {"single_file": True})):
        for run in range(2):
            with open_session(tmp_path, job_id="again", storage_options=server.options) as session:
                session.from_items([1, 2]).write_csv(path, **arguments)
            written = {
                key: server.client.head_object(Bucket="out", Key=key)["LastModified"]
                for key in keys(server, path.removeprefix("s3://out/"))
            }
            if run == 0:
                before = written
        assert written == before


def test_a_failed_job_leaves_nothing_in_sight(server: S3Server, tmp_path: Path) -> None:
    with (
        open_session(tmp_path, job_id="fails", storage_options=server.options) as session,
        pytest.raises(millpond.MillpondError, match="not a number"),
    ):
        frame = numbers(session).partial_sql(
            "SELECT CASE WHEN x = 90 THEN error('not a number') ELSE x END AS x FROM {0}"
        )
        frame.write_parquet("s3://out/fails")
    assert keys(server, "fails") == []
    assert keys(server, ".fails.") != []
    server.client.create_multipart_upload(Bucket="out", Key=keys(server, ".fails.")[0] + ".more")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "tester")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        assert main(["clean", "--data-root", str(tmp_path / "data"), "fails"]) == 0
    nothing_is_left(server, "fails")


def test_what_can_not_be_written(session: millpond.Session) -> None:
    with pytest.raises(millpond.NotFoundError, match="no-such-bucket"):
        session.from_items([1]).write_parquet("s3://no-such-bucket/x")
    with pytest.raises(millpond.InvalidArgumentError, match="whole bucket"):
        session.from_items([1]).write_parquet("s3://out")


def test_no_trace_of_the_secret(server: S3Server, tmp_path: Path) -> None:
    with open_session(tmp_path, runner="processes", keep=True, storage_options=server.options) as session:
        numbers(session).write_parquet("s3://out/secret")
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("runner", RUNNERS)
def test_options_of_a_call(server: S3Server, tmp_path: Path, runner: str) -> None:
    with open_session(tmp_path, runner=runner, storage_options={"aws_endpoint_url": "http://127.0.0.1:9"}) as session:
        # Workers that run already learn of them too.
        assert session.from_items([1, 2]).repartition(2).map("item + 1 AS item").count() == 2
        path = f"s3://out/call/{runner}"
        session.from_items([1]).write_parquet(path, storage_options=server.options)
        frame = session.read_parquet(path, storage_options=server.options)
        assert frame.map_batches(lambda batch: batch).take_all() == [{"item": 1}]
        with pytest.raises(millpond.InvalidArgumentError, match="other storage_options") as caught:
            session.read_parquet(path, storage_options={**server.options, "aws_secret_access_key": "wrong-key"})
        assert "wrong-key" not in str(caught.value)
        with pytest.raises(millpond.InvalidArgumentError, match="path of this machine"):
            session.from_items([1]).write_csv(tmp_path / "x", storage_options=server.options)
