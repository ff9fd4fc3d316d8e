"""A proxy before an S3 server that lets requests fail as networks and stores do, and counts bytes."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: 500 and 503 answer so; reset cuts the connection, stall says nothing more, truncate ends in the middle of the answer.
FAULTS = ("500", "503", "reset", "stall", "truncate")
_HOP = ("transfer-encoding", "connection", "keep-alive")


@dataclass
class Fault:
    """What happens to a request. `is_late`: only after the store has done it."""

    kind: str
    is_late: bool


class Proxy:
    """Passes requests on to `upstream` ("http://host:port"); each fails by the chance `rate`, in one of `kinds`.

    With `joining_seconds`, who has an upload's parts joined is told so at once, and it is done so much later: what
    versitygw does with gigabytes to a client that asked twice. `before` is called with each request's method and path
    before the request is passed on.
    """

    def __init__(
        self,
        upstream: str,
        *,
        rate: float = 0,
        seed: int = 0,
        kinds: Sequence[str] = FAULTS,
        joining_seconds: float = 0,
        before: Callable[[str, str], None] | None = None,
    ) -> None:
        self.upstream = upstream.removeprefix("http://")
        self.rate = rate
        self.kinds = tuple(kinds)
        self.faults: Counter[str] = Counter()
        self.joining_seconds = joining_seconds
        self.joined = 0
        self.before = before
        self.late = 0
        self.requests = 0
        self.bytes_out = 0
        self.stopped = threading.Event()
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def fault(self) -> Fault | None:
        """What happens to the next request."""
        with self._lock:
            self.requests += 1
            if self._random.random() >= self.rate:
                return None
            kind = self._random.choice(self.kinds)
            fault = Fault(kind, kind == "truncate" or self._random.random() < 0.5)
            self.faults[kind] += 1
            self.late += fault.is_late
            return fault

    def count(self, num_bytes: int) -> None:
        """Adds what was sent to the client."""
        with self._lock:
            self.bytes_out += num_bytes


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def handle_one_request(self) -> None:
            with suppress(OSError):
                super().handle_one_request()
                return
            self.close_connection = True

        def answer(self) -> None:
            if self.headers.get("Expect", "").lower() == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            body = self.body()
            fault = proxy.fault()
            if fault is not None and not fault.is_late:
                return self.fail(fault.kind)
            if proxy.joining_seconds and self.command == "POST" and "uploadId=" in self.path:
                return self.join_later(body)
            if proxy.before is not None:
                proxy.before(self.command, self.path)
            status, headers, content = self.ask(body)
            if fault is not None and fault.kind not in ("truncate", "stall"):
                return self.fail(fault.kind)
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            if not any(name.lower() == "content-length" for name, _ in headers):
                self.send_header("Content-Length", str(len(content)))
            if fault is not None and not content:
                return self.fail(fault.kind)  # Even the headers don't get through.
            self.end_headers()
            sent = content[: len(content) // 2] if fault is not None else content
            self.wfile.write(sent)
            proxy.count(len(sent))
            return self.fail(fault.kind) if fault is not None else None

        def body(self) -> bytes:
            """As it came: in chunks, if it came in chunks."""
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            lines = []
            while True:
                lines.append(self.rfile.readline())
                size = int(lines[-1].partition(b";")[0], 16)
                if size == 0:
                    break
                lines.append(self.rfile.read(size + 2))
            while (line := self.rfile.readline()).strip():
                lines.append(line)
            lines.append(line)
            return b"".join(lines)

        def ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(proxy.upstream, timeout=60)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "expect"):
                        connection.putheader(name, value)
                connection.endheaders(body)
                response = connection.getresponse()
                return response.status, response.getheaders(), response.read()
            finally:
                connection.close()

        def join_later(self, body: bytes) -> None:
            self.close_connection = True
            threading.Timer(proxy.joining_seconds, self.ask, [body]).start()
            proxy.joined += 1
            content = b"<?xml version='1.0'?><CompleteMultipartUploadResult/>"
            self.send_response_only(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def fail(self, kind: str) -> None:
            if kind in ("500", "503"):
                return self.refuse(int(kind))
            if kind == "stall":
                proxy.stopped.wait(600)
            return self.reset()

        def refuse(self, status: int) -> None:
            code = "SlowDown" if status == 503 else "InternalError"
            content = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def reset(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The files of the connection hold it open, and it is reset when the last of them lets go.
            self.connection.shutdown(socket.SHUT_RD)
            self.rfile.close()
            self.wfile.close()
            self.connection.close()

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # A stalled connection may wait for long.
    request_queue_size = 128

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        self.close_request(request)  # Without the orderly goodbye, which a reset connection must not get.

    def handle_error(self, *_: object) -> None:
        pass  # A client that went away.


@contextmanager
def running(proxy: Proxy) -> Iterator[str]:
    """Its address, while it runs on loopback."""
    server = _Server(("127.0.0.1", 0), _handler(proxy))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        proxy.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
