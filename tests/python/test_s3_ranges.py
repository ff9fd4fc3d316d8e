"""Pieces of objects by plain requests: the right bytes of the right content, or an error that says why not."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import millpond
import pytest
from conftest import open_session
from millpond.object_store import ObjectStores
from millpond.s3_ranges import Connections, NotPlainError, Ranges
from millpond.s3_reading import S3Reading
from millpond.store_patience import Patience
from s3_server import SECRET, S3Server, s3_server

CONTENT = bytes(range(256)) * 4000
TAIL_BYTES = 64 << 10
PATIENCE = Patience(seconds=1.0, max_retries=1)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        server.client.create_bucket(Bucket="data")
        server.put("data", "x", CONTENT)
        yield server


def opened(server: S3Server, path: str) -> Any:
    return ObjectStores(server.options).open(path)


def read(file: Any, offset: int, num_bytes: int) -> bytes:
    view = memoryview(bytearray(num_bytes))
    file.read_into(view, offset)
    return bytes(view)


def address_of(server: S3Server, key: str) -> str:
    return str(server.client.generate_presigned_url("get_object", {"Bucket": "data", "Key": key}))


def test_pieces(server: S3Server) -> None:
    file = opened(server, "s3://data/x")
    for offset, num_bytes in ((0, 1), (7, 100_000), (0, len(CONTENT)), (len(CONTENT) - 5, 5)):
        assert read(file, offset, num_bytes) == CONTENT[offset : offset + num_bytes]


class Answers(BaseHTTPRequestHandler):
    """A piece of ten bytes on a connection that stays; the connections, one a request that opened one."""

    protocol_version = "HTTP/1.1"
    opened: ClassVar[list[socket.socket]] = []

    def setup(self) -> None:
        super().setup()
        self.opened.append(self.connection)

    def do_GET(self) -> None:
        first = int(self.headers["Range"].removeprefix("bytes=").partition("-")[0])
        self.send_response(206)
        self.send_header("Content-Length", "10")
        self.send_header("Content-Range", f"bytes {first}-{first + 9}/{len(CONTENT)}")
        self.end_headers()
        self.wfile.write(CONTENT[first : first + 10])

    def log_message(self, *_: object) -> None:
        pass


def test_connections_stay_open_and_one_that_was_closed_is_opened_again() -> None:
    Answers.opened.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http_server:
        threading.Thread(target=http_server.serve_forever).start()
        address = f"http://127.0.0.1:{http_server.server_address[1]}/x"
        ranges = Ranges("s3://data/x", "", lambda: address, Connections(PATIENCE), Patience(max_retries=0))
        for offset, num_opened in ((0, 1), (20, 1), (40, 2)):
            if offset == 40:
                Answers.opened[0].shutdown(socket.SHUT_RDWR)
            assert read(ranges, offset, 10) == CONTENT[offset : offset + 10]
            assert len(Answers.opened) == num_opened
        Answers.opened[1].shutdown(socket.SHUT_RDWR)
        http_server.shutdown()


# What a socket may give in place of an answer to a request for ten bytes, and what is made of it.
_HEAD = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/99\r\n"
_WRONG_ANSWERS = {
    "nothing": (b"", millpond.UnavailableError),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", millpond.UnavailableError),
    "half a head": (_HEAD, millpond.UnavailableError),
    "an endless head": (b"HTTP/1.1 206 OK\r\n" + b"X: y\r\n" * 20_000, millpond.UnavailableError),
    "half a body": (_HEAD + b"\r\n01234", millpond.UnavailableError),
    "another place": (_HEAD.replace(b"0-9", b"1-10") + b"\r\n0123456789", NotPlainError),
    "no place": (_HEAD.replace(b"Content-Range", b"X") + b"\r\n0123456789", NotPlainError),
    "another length": (_HEAD.replace(b": 10", b": 9") + b"\r\n012345678", NotPlainError),
    "chunks": (_HEAD + b"Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n", NotPlainError),
    "all of it": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", NotPlainError),
    "a redirect": (b"HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:9/\r\n\r\n", NotPlainError),
    "too much": (b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n", millpond.UnavailableError),
    "another content": (b"HTTP/1.1 412 P\r\nContent-Length: 0\r\n\r\n", millpond.DataCorruptError),
}


@contextmanager
def answering(answer: bytes, *, resets: int = 0) -> Iterator[str]:
    """An address where each request gets this and the end of the connection, the first ones half of it and a reset."""

    def answer_all() -> None:
        left = resets
        while True:
            with suppress(ConnectionError):
                connection, _ = listener.accept()
                if stopped.is_set():
                    return connection.close()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer[: len(answer) // 2] if left > 0 else answer)
                    if left > 0:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    left -= 1

    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_all)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        finally:
            stopped.set()
            socket.create_connection(listener.getsockname()).close()
            thread.join()


@pytest.mark.parametrize("name", _WRONG_ANSWERS)
def test_wrong_answers(name: str) -> None:
    answer, error = _WRONG_ANSWERS[name]
    with answering(answer) as address, pytest.raises(error):
        read(Ranges("s3://data/x", "", lambda: address, Connections(PATIENCE), PATIENCE), 0, 10)


@pytest.mark.parametrize("resets", [1, 2])
def test_an_error_whose_answer_breaks_off_is_asked_for_again(resets: int) -> None:
    body = b"<Error><Code>NoSuchKey</Code><Message>" + b"x" * 500 + b"</Message></Error>"
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    options = {"aws_access_key_id": "k", "aws_secret_access_key": SECRET, "max_retries": "1"}
    error = millpond.NotFoundError if resets == 1 else millpond.UnavailableError
    with answering(answer, resets=resets) as address, pytest.raises(error, match="s3://data/small") as caught:
        ObjectStores({**options, "aws_endpoint_url": address.removesuffix("/x")}).get("s3://data/small.json")
    assert SECRET not in str(caught.value)


def test_an_answer_in_three_steps() -> None:
    """What says that an answer will come, the answer in another spelling, and no more on this connection."""
    answer = b"HTTP/1.1 100 Continue\r\n\r\n" + _HEAD.lower().replace(b"http", b"HTTP") + b"connection: Close\r\n\r\n"
    connections = Connections(PATIENCE)
    with answering(answer + CONTENT[:10]) as address:
        ranges = Ranges("s3://data/x", "", lambda: address, connections, PATIENCE)
        assert [read(ranges, 0, 10) for _ in range(2)] == [CONTENT[:10]] * 2
    assert connections._free == {}


def test_an_object_that_is_another_by_now(server: S3Server) -> None:
    server.put("data", "changing", b"before")
    file = opened(server, "s3://data/changing")
    assert read(file, 0, 6) == b"before"
    server.put("data", "changing", b"after!")
    with pytest.raises(millpond.DataCorruptError, match="s3://data/changing"):
        read(file, 0, 6)


def test_answers_that_are_no_pieces(server: S3Server) -> None:
    def ask(address: str) -> None:
        ranges = Ranges("s3://data/x", "", lambda: address, Connections(PATIENCE), PATIENCE)
        read(ranges, 0, 10)

    with pytest.raises(NotPlainError):
        ask(address_of(server, "nothing-here"))
    with pytest.raises(millpond.UnavailableError, match="s3://data/x") as caught:
        ask(f"http://127.0.0.1:9/data/x?X-Amz-Signature={SECRET}")
    assert SECRET not in str(caught.value)


def test_the_other_client_is_asked_when_plain_requests_are_refused(server: S3Server) -> None:
    file = opened(server, "s3://data/x")
    file._ranges._sign = lambda: address_of(server, "nothing-here")
    assert read(file, 3, 1000) == CONTENT[3:1003]


def test_a_proxy_is_left_to_the_other_client(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    file = opened(server, "s3://data/x")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(NotPlainError):
        read(file._ranges, 0, 10)


def test_a_replaced_object_is_read_anew(server: S3Server, tmp_path: Path) -> None:
    """Of the same size, in the same session: nothing that was read of the old one is used."""

    def put(first: int) -> None:
        file = tmp_path / "x.parquet"
        duckdb.sql(f"SELECT (range * 7 + {first})::BIGINT AS x FROM range(100)").write_parquet(
            str(file), compression="uncompressed"
        )
        server.put("data", "replaced.parquet", file.read_bytes())
        sizes.add(file.stat().st_size)

    sizes: set[int] = set()
    with open_session(tmp_path / "data", storage_options=server.options) as session:
        for first in (1_000_000, 2_000_000, 3_000_000):
            put(first)
            frame = session.read_parquet("s3://data/replaced.parquet")
            # Another query each time: S3 tells times to the second, and a result is kept as long as time and size stay.
            frame = frame.partial_sql(f"SELECT min(x) AS x, {first} AS wanted FROM {{0}}")
            assert frame.take_all() == [{"x": first, "wanted": first}]
    assert len(sizes) == 1


def test_what_arrow_writes(server: S3Server, tmp_path: Path) -> None:
    """Many pieces of a file of several columns and row groups, in parallel."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = BytesIO()
    table = pa.table({f"c{k}": pa.array(range(k, 200_000 + k)) for k in range(5)})
    pq.write_table(table, target, row_group_size=10_000, compression="none")
    server.put("data", "wide.parquet", target.getvalue())
    with open_session(tmp_path, storage_options=server.options) as session:
        frame = session.read_parquet("s3://data/wide.parquet")
        assert frame.to_arrow().sort_by("c0").equals(table)
        assert frame.filter("c1 = 77").select("c4").take_all() == [{"c4": 80}]


def test_large_reads_are_few_requests(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.parquet"
    duckdb.sql("SELECT hash(range) AS h FROM range(1500000)").write_parquet(str(file), row_group_size=2_000_000)
    server.put("data", "large.parquet", file.read_bytes())
    sizes: list[int] = []
    fill = Ranges._fill

    def counted(self: Ranges, view: memoryview, offset: int) -> None:
        sizes.append(len(view))
        fill(self, view, offset)

    monkeypatch.setattr(Ranges, "_fill", counted)
    with open_session(tmp_path / "data", storage_options=server.options) as session:
        frame = session.read_parquet("s3://data/large.parquet").partial_sql("SELECT bit_xor(h) AS x FROM {0}")
        expected = duckdb.execute("SELECT bit_xor(hash(range)) FROM range(1500000)").fetchall()
        assert [tuple(row.values()) for row in frame.take_all()] == expected
    assert file.stat().st_size > 11_000_000
    assert max(sizes) == 8 << 20
    assert len([size for size in sizes if size > 100_000]) == 2


def test_listed_objects_are_not_asked_for_again(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planning and a task both read footers, in steps: that is one request a file, and the rest are for rows."""
    files = 5
    for i in range(files):
        path = tmp_path / f"{i}.parquet"
        duckdb.sql(f"SELECT range AS i, hash(range) AS h FROM range({i}, 100_000 + {i})").write_parquet(str(path))
        server.put("data", f"listed/{i}.parquet", path.read_bytes())
        assert path.stat().st_size > 3 * TAIL_BYTES
    pieces: list[tuple[int, int]] = []
    read_into = Ranges.read_into

    def counted(ranges: Ranges, view: memoryview, offset: int) -> None:
        pieces.append((len(view), offset))
        read_into(ranges, view, offset)

    asked: list[str] = []
    stat_object = S3Reading.stat_object

    def noted(reading: S3Reading, path: str) -> Any:
        asked.append(path)
        return stat_object(reading, path)

    monkeypatch.setattr(Ranges, "read_into", counted)
    monkeypatch.setattr(S3Reading, "stat_object", noted)
    with open_session(tmp_path, storage_options=server.options) as session:
        frame = session.read_parquet("s3://data/listed/*.parquet")
        assert [num_bytes for num_bytes, _ in pieces] == [TAIL_BYTES] * files
        assert session.sql("SELECT count(*) AS n FROM f WHERE i < 0", f=frame).take_all() == [{"n": 0}]
        assert len(pieces) == files
        for distribute in ("auto", "always"):
            found = session.sql("SELECT sum(i)::BIGINT AS s, count(h) AS n FROM f", f=frame, distribute=distribute)
            assert found.take_all() == [{"s": files * 99_999 * 50_000 + 10 * 100_000, "n": files * 100_000}]
        assert len([piece for piece in pieces if piece[0] == TAIL_BYTES]) == files
    assert asked == ["s3://data/listed/*.parquet"]  # Whether there is a file of that name.
