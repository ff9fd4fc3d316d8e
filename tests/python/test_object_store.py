"""Reading from `s3://`, from a server on loopback, under every runner."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import millpond
import pytest
from conftest import RUNNERS, open_session
from s3_server import SECRET, S3Server, s3_server

NAMES = ["plain", "a b", "50%", "%41", "ü€😀", "p=1", "it's", "[x]", "a+b&c"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("objects")
    with s3_server() as server:
        server.client.create_bucket(Bucket="data")
        for i in range(4):
            file = folder / f"{i}.parquet"
            duckdb.sql(f"SELECT {i} AS part, range AS x, range % 7 AS k FROM range(5000)").write_parquet(
                str(file), row_group_size=2048
            )
            content = file.read_bytes()
            server.put("data", f"flat/{i}.parquet", content)
            server.put("data", f"hive/year={2020 + i}/rows.parquet", content)
        for i, name in enumerate(NAMES):
            server.put("data", f"names/{name}/{name}.csv", f"i,name\n{i},{name}\n".encode())
        server.put("data", "lines.csv.gz", gzip.compress(b"a,b\n1,x\n2,y\n"))
        server.put("data", "rows.jsonl", b'{"a": 1}\n{"a": null}\n')
        server.put("data", "empty/nothing.parquet", b"")
        yield server


@pytest.fixture(scope="module", params=RUNNERS)
def reader(
    request: pytest.FixtureRequest, server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[millpond.Session]:
    folder = tmp_path_factory.mktemp(request.param)
    with open_session(folder, runner=request.param, storage_options=server.options) as session:
        yield session


def test_files_of_a_pattern_and_of_a_folder(reader: millpond.Session) -> None:
    for path in ("s3://data/flat/*.parquet", "s3://data/flat", "s3://data/flat/", "S3://data/fl?t/[0-3].parquet"):
        frame = reader.read_parquet(path)
        assert frame.count() == 20000
        assert frame.filter("x < 10").count() == 40


def test_global_and_partition_wise_queries(reader: millpond.Session) -> None:
    frame = reader.read_parquet("s3://data/flat/*.parquet")
    expected = duckdb.sql(
        "SELECT range % 7 AS k, 4 * count(*) AS n, 4 * sum(range)::BIGINT AS s FROM range(5000) GROUP BY ALL ORDER BY k"
    ).fetchall()
    for distribute in ("auto", "always"):
        query = "SELECT k, count(*) AS n, sum(x)::BIGINT AS s FROM f GROUP BY ALL ORDER BY k"
        rows = reader.sql(query, f=frame, distribute=distribute).take_all()
        assert [tuple(row.values()) for row in rows] == expected
    dealt = frame.repartition(3, hash_by="k").partial_sql("SELECT k, count(*) AS n FROM {0} GROUP BY k")
    assert sorted((row["k"], row["n"]) for row in dealt.take_all()) == [(k, n) for k, n, _ in expected]
    assert frame.map_batches(lambda batch: batch.slice(0, 1)).count() >= 1


def test_folders_by_key(reader: millpond.Session) -> None:
    frame = reader.read_parquet("s3://data/hive")
    assert frame.columns == ["part", "x", "k", "year"]
    assert frame.filter("year >= 2022").count() == 10000


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(reader: millpond.Session, name: str) -> None:
    (row,) = reader.read_csv(f"s3://data/names/{name}/{name}.csv", hive_partitioning=False).take_all()
    assert row == {"i": NAMES.index(name), "name": name}


def test_other_formats(reader: millpond.Session) -> None:
    assert reader.read_csv("s3://data/lines.csv.gz").take_all() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert reader.read_json("s3://data/rows.jsonl").take_all() == [{"a": 1}, {"a": None}]
    assert reader.sql("SELECT count(*) AS n FROM 's3://data/flat/*.parquet'").take_all() == [{"n": 20000}]


def test_what_is_not_there(server: S3Server, tmp_path: Path) -> None:
    with open_session(tmp_path, storage_options=server.options) as session:
        with pytest.raises(millpond.NotFoundError, match=r's3://data/flatt.*\n.*\n.*Did you mean "flat"'):
            session.read_parquet("s3://data/flatt/*.parquet")
        with pytest.raises(millpond.NotFoundError, match="no-such-bucket"):
            session.read_parquet("s3://no-such-bucket/x.parquet")
        with pytest.raises(millpond.MillpondError, match=r"s3://data/empty/nothing\.parquet"):
            session.read_parquet("s3://data/empty/nothing.parquet")


def test_an_object_that_changed_is_an_error(server: S3Server, tmp_path: Path) -> None:
    server.put("data", "changes.csv", b"a\n1\n")
    with open_session(tmp_path, storage_options=server.options) as session:
        frame = session.read_csv("s3://data/changes.csv")
        server.put("data", "changes.csv", b"a\n1\n2\n3\n")
        with pytest.raises(millpond.DataCorruptError, match=r"changes\.csv"):
            frame.count()


def test_a_store_out_of_reach(server: S3Server, tmp_path: Path) -> None:
    path = "3fs://cluster/x"
    with open_session(tmp_path, storage_options=server.options) as session:
        with pytest.raises(millpond.UnsupportedError, match=path):
            session.read_parquet(path)
        with pytest.raises(millpond.UnsupportedError, match=path):
            session.from_items([1]).write_parquet(path)


def test_a_store_that_does_not_answer(tmp_path: Path) -> None:
    options = {"aws_access_key_id": "k", "aws_secret_access_key": SECRET, "aws_endpoint_url": "http://127.0.0.1:9"}
    with open_session(tmp_path, storage_options=options) as session:
        with pytest.raises(millpond.UnavailableError, match="s3://data/x") as caught:
            session.read_parquet("s3://data/x.parquet")
        assert SECRET not in str(caught.value)


def test_options_are_checked(tmp_path: Path) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match="aws_access_key_id") as caught:
        open_session(tmp_path, storage_options={"aws_access_key": SECRET})
    assert SECRET not in str(caught.value)
    with (
        open_session(tmp_path, storage_options={"aws_endpoint_url": "127.0.0.1"}) as session,
        pytest.raises(millpond.InvalidArgumentError, match="https://host:port"),
    ):
        session.read_parquet("s3://data/x")


def test_no_trace_of_the_secret(server: S3Server, tmp_path: Path) -> None:
    with open_session(tmp_path, runner="processes", keep=True, storage_options=server.options) as session:
        frame = session.read_parquet("s3://data/flat/*.parquet").repartition(2, hash_by="k").map("k + 1 AS k")
        assert len(frame.take_all()) == 20000
        shown = [frame.explain(), repr(frame), repr(session.config)]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "events.jsonl" for path in files)
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    assert all(SECRET not in text for text in shown)
