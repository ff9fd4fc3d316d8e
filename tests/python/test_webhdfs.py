"""What HDFS over HTTP does when answers are lost or refused. tests/stores has what it does on Hadoop's own servers."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import millpond
import pytest
from millpond.object_store import ObjectStores

TOKEN = "KAAGdGVzdGVyLXNlY3JldC10aGF0LW5vYm9keS1tYXktc2Vl"
STATUS = {"length": 3, "type": "FILE", "modificationTime": 5, "fileId": 16386, "pathSuffix": ""}


class NameNode(BaseHTTPRequestHandler):
    """One file at /a. Loses the answer of the first rename, and sends readers and writers to where nobody is."""

    protocol_version = "HTTP/1.1"
    place = "/a"
    exception = ""

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        path = url.path.removeprefix("/webhdfs/v1")
        kind = type(self)
        if kind.exception:
            told = {"RemoteException": {"exception": kind.exception, "message": f"no: {url.query}"}}
            self.answer(403, told)
        elif query["op"] in ("OPEN", "CREATE"):
            self.answer(200, {"Location": f"http://127.0.0.1:9/webhdfs/v1{path}?{url.query}"}, 307)
        elif path != kind.place:
            self.answer(404, {"RemoteException": {"exception": "FileNotFoundException", "message": path}})
        elif query["op"] == "RENAME":
            kind.place = query["destination"]
            self.close_connection = True
        else:
            self.answer(200, {"FileStatus": STATUS, "boolean": True})

    def answer(self, status: int, content: dict[str, object], redirect: int | None = None) -> None:
        body = json.dumps(content).encode()
        if redirect is not None and "noredirect" not in self.path:
            status = redirect
        self.send_response(status)
        if status == redirect:
            self.send_header("Location", str(content["Location"]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


for method in ("GET", "PUT", "DELETE"):
    setattr(NameNode, f"do_{method}", NameNode.handle_request)


@pytest.fixture
def node() -> Iterator[tuple[str, type[NameNode]]]:
    class Own(NameNode):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"webhdfs://127.0.0.1:{server.server_port}", Own
        server.shutdown()
        thread.join()


def stores() -> ObjectStores:
    return ObjectStores({"webhdfs_delegation_token": TOKEN, "max_retries": 2, "timeout": "2s"})


def test_a_rename_whose_answer_was_lost_is_done(node: tuple[str, type[NameNode]]) -> None:
    root, kind = node
    store = stores()._store_of(f"{root}/a")
    store._move(f"{root}/a", f"{root}/b", 3, "")  # type: ignore[attr-defined]
    assert kind.place == "/b"
    with pytest.raises(millpond.NotFoundError, match=f"{root}/a"):
        store._move(f"{root}/a", f"{root}/b", 3, "")  # type: ignore[attr-defined]


def test_the_token_is_in_no_message(node: tuple[str, type[NameNode]], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    root, kind = node
    gone = "webhdfs://127.0.0.1:9"
    upload = stores().create(f"{root}/a")
    file = stores().open(f"{root}/a")
    calls = [
        lambda: stores().stat(f"{gone}/a"),
        lambda: stores().create(f"{gone}/a"),
        lambda: file.read_at(3, 0),
        lambda: upload.write(b"x"),
        upload.finish,
    ]
    for call in calls:
        with pytest.raises(millpond.UnavailableError) as caught:
            call()
        assert TOKEN not in str(caught.value), caught.value
    for exception, error in (
        ("AccessControlException", millpond.PermissionDeniedError),
        ("InvalidToken", millpond.PermissionDeniedError),
        ("StandbyException", millpond.UnavailableError),
        ("SafeModeException", millpond.UnavailableError),
    ):
        kind.exception = exception
        with pytest.raises(error) as caught:
            stores().stat(f"{root}/a")
        assert TOKEN not in str(caught.value), caught.value
        assert ("active" in str(caught.value)) == (exception == "StandbyException")
    assert "delegation=***" in caplog.text
    assert TOKEN not in caplog.text


def test_addresses_that_name_no_node() -> None:
    for root in ("webhdfs://user@host:1", "swebhdfs://user:word@host"):
        with pytest.raises(millpond.InvalidArgumentError, match="host:port/path"):
            stores().stat(f"{root}/a")
