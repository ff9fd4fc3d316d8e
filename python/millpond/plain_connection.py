"""GET requests whose answers go from the socket to where they are wanted, and nothing else of HTTP.

The standard library's client takes an answer's head apart as it would an e-mail: half a millisecond of a core for each
request, while a piece of 2 MB is received in as much.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from millpond.store_patience import Patience

_PORTS = {"http": 80, "https": 443}
_MOST_HEAD = 64 << 10
_END = b"\r\n\r\n"


class BrokenAnswerError(ConnectionError):
    """What came is no answer, or not all of it came."""


@dataclass(frozen=True)
class Head:
    """An answer's beginning."""

    status: int
    num_bytes: int | None  # Of the body; None where only its end tells.
    first: int | None  # Where in the object it begins, if the store tells.
    etag: str  # As it is told, in quotes; empty where it is not.
    stays_open: bool


class PlainConnection:
    """A connection to a store. One request at a time, whose answer is read to its end before the next."""

    def __init__(self, scheme: str, host: str, patience: Patience, context: ssl.SSLContext | None) -> None:
        """`host`: as it stands in an address, with its port if any. Opens nothing yet. `context`: for https."""
        self._scheme = scheme
        self._host = host
        self._patience = patience
        self._context = context
        self._socket: socket.socket | None = None
        self._received = bytearray(16 << 10)
        self._rest = memoryview(b"")

    def open(self) -> PlainConnection:
        """Itself, connected anew."""
        self.close()
        parts = urlsplit(f"//{self._host}")
        address = (parts.hostname or "", parts.port or _PORTS[self._scheme])
        opened = socket.create_connection(address, self._patience.connect_seconds)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                opened = self._context.wrap_socket(opened, server_hostname=parts.hostname)
            opened.settimeout(self._patience.seconds)
        except BaseException:
            opened.close()
            raise
        self._socket = opened
        return self

    def close(self) -> None:
        """Ends it. Fine when it is closed."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, target: str, headers: dict[str, str]) -> Head:
        """Sends a GET and receives the answer's head."""
        lines = [f"GET {target} HTTP/1.1", f"Host: {self._host}", "Accept-Encoding: identity"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._opened().sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        self._rest = memoryview(b"")
        while True:
            head = _parsed(self._receive_head())
            if head.status >= 200:  # Before that it only says that an answer will come.
                return head

    def read_into(self, view: memoryview) -> None:
        """Fills `view` with the body's next bytes."""
        filled = min(len(self._rest), len(view))
        view[:filled] = self._rest[:filled]
        self._rest = self._rest[filled:]
        while filled < len(view):
            num_bytes = self._opened().recv_into(view[filled:])
            if num_bytes == 0:
                raise BrokenAnswerError("the store closed the connection in the middle of an answer")
            filled += num_bytes

    def _receive_head(self) -> bytes:
        head = bytes(self._rest)
        while (end := head.find(_END)) < 0:
            if len(head) > _MOST_HEAD:
                raise BrokenAnswerError("the store's answer has no end of its head")
            num_bytes = self._opened().recv_into(self._received)
            if num_bytes == 0:
                raise BrokenAnswerError("the store closed the connection without an answer")
            head += self._received[:num_bytes]
        self._rest = memoryview(head)[end + len(_END) :]
        return head[:end]

    def _opened(self) -> socket.socket:
        assert self._socket is not None, "open() comes first"
        return self._socket


def _parsed(head: bytes) -> Head:
    first_line, *lines = head.decode("latin-1").split("\r\n")
    version, _, status = first_line.partition(" ")
    if not version.startswith("HTTP/1.") or not status[:3].isdecimal() or len(status[:3]) != 3:
        raise BrokenAnswerError("the store's answer is none of HTTP/1.1")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = headers.get("content-length", "")
    is_plain = length.isdecimal() and "transfer-encoding" not in headers
    # "bytes 10-19/100"
    first = headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    return Head(
        int(status[:3]),
        int(length) if is_plain else None,
        int(first) if first.isdecimal() else None,
        headers.get("etag", ""),
        version == "HTTP/1.1" and headers.get("connection", "").lower() != "close",
    )
