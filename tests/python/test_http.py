"""Files of web servers, read from a real one on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import open_session
from web_server import TOKEN, WebServer, web_server

ROWS = 200_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("web")
    numbers = pa.table({"n": range(ROWS), "s": [f"text {n * 7919 % ROWS}" for n in range(ROWS)]})
    pq.write_table(numbers, folder / "n.parquet", row_group_size=10_000)
    (folder / "p=1").mkdir()
    pq.write_table(numbers.slice(0, 5), folder / "p=1" / "a b é%20.parquet")
    (folder / "a.csv").write_text("a,b\n1,x\n2,y\n")
    (folder / "a.json").write_text('{"a": 1}\n{"a": 2}\n')
    (folder / "empty.csv").write_text("")
    with web_server(folder) as server:
        yield server


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[millpond.Session]:
    """A session that does not wait long."""
    options = {"timeout": "5s", "connect_timeout": "1s", "max_retries": 2}
    with open_session(tmp_path, storage_options=options) as session:
        yield session


def test_formats(session: millpond.Session, server: WebServer) -> None:
    frame = session.read_parquet(server.url("n.parquet"))
    assert frame.aggregate("count(*) AS c, sum(n) AS s, count(DISTINCT s) AS d").take_all() == [
        {"c": ROWS, "s": ROWS * (ROWS - 1) // 2, "d": ROWS}
    ]
    assert session.read_csv(server.url("a.csv")).take_all() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert session.read_json(server.url("a.json")).count() == 2
    both = session.read_csv([server.url("a.csv"), server.url("empty.csv")], schema={"a": int, "b": str})
    assert both.count() == 2
    spread = session.sql(
        "SELECT n % 2 AS k, count(*) AS c FROM f GROUP BY k", f=frame, distribute="always", partitions=3
    )
    assert sorted(row["c"] for row in spread.take_all()) == [ROWS // 2, ROWS // 2]


def test_names_and_key_value_folders(local: millpond.Session, server: WebServer) -> None:
    frame = local.read_parquet(server.url("p=1/a%20b%20é%2520.parquet"))
    assert frame.columns == ["n", "s", "p"]
    assert frame.aggregate("count(*) AS c, max(p) AS p").take_all() == [{"c": 5, "p": 1}]
    asked = local.read_csv(server.url("a.csv") + "?token=1&x=[2]*")
    assert asked.count() == 2


def test_only_what_is_needed_is_moved(local: millpond.Session, server: WebServer) -> None:
    path = "/files/n.parquet"
    size = (server.folder / "n.parquet").stat().st_size
    before = server.sent[path]
    assert local.read_parquet(server.url("n.parquet")).filter("n = 77777").take_all() == [
        {"n": 77777, "s": f"text {77777 * 7919 % ROWS}"}
    ]
    assert server.sent[path] - before < size / 4


@pytest.mark.parametrize("place", ["whole", "no-head", "faulty"])
def test_servers_that_lack_something(quick: millpond.Session, server: WebServer, place: str) -> None:
    frame = quick.read_parquet(server.url("n.parquet", place))
    assert frame.aggregate("count(*) AS c, sum(n) AS s").take_all() == [{"c": ROWS, "s": ROWS * (ROWS - 1) // 2}]


def test_a_token_goes_to_its_server_and_stands_nowhere(tmp_path: Path, server: WebServer) -> None:
    with open_session(tmp_path, runner="processes", keep=True) as session:
        with pytest.raises(millpond.PermissionDeniedError, match="http_bearer_token"):
            session.read_csv(server.url("a.csv", "locked"))
        options = {"http_bearer_token": TOKEN}
        frame = session.read_csv(server.url("a.csv", "locked"), storage_options=options)
        assert frame.repartition(2, by_rows=True).count() == 2
        assert session.read_csv(server.url("a.csv", "moved")).count() == 2
        assert TOKEN not in frame.explain()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


def error_of(session: millpond.Session, address: str, **arguments: Any) -> millpond.MillpondError:
    with pytest.raises(millpond.MillpondError) as caught:
        session.read_parquet(address, **arguments).count()
    return caught.value


def test_errors(quick: millpond.Session, server: WebServer) -> None:
    missing = error_of(quick, server.url("nothing.parquet"))
    assert isinstance(missing, millpond.NotFoundError)
    assert "nothing.parquet" in str(missing)
    assert "name each file" in str(error_of(quick, server.url("*.parquet")))
    assert isinstance(error_of(quick, server.url("n.parquet", "down")), millpond.UnavailableError)
    assert isinstance(error_of(quick, "http://127.0.0.1:9/a.parquet"), millpond.UnavailableError)
    secret = error_of(quick, "http://user:secret@127.0.0.1:9/a.parquet")
    assert "http_bearer_token" in str(secret)
    with pytest.raises(millpond.UnsupportedError, match="only read"):
        quick.sql("SELECT 1 AS a").write_parquet(server.url("out"))


def test_a_file_that_changes_is_an_error(quick: millpond.Session, server: WebServer) -> None:
    path = server.folder / "changing.parquet"
    pq.write_table(pa.table({"n": range(1000)}), path)
    frame = quick.read_parquet(server.url("changing.parquet"))
    pq.write_table(pa.table({"n": range(2000)}), path)
    with pytest.raises(millpond.DataCorruptError, match="changing"):
        frame.take_all()
