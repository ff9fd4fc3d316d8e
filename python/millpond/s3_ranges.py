"""Pieces of S3's objects, read from the socket to where they are wanted.

An AWS client signs, builds and takes apart each request anew and copies its answer through streams: some 2 ms of a
core for a piece of 2 MB. Here an object's address is signed once, and a piece is one plain request on a connection that
stays.
"""

from __future__ import annotations

import http.client
import os
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from millpond.errors import UnavailableError
from millpond.store import changed, plain_tag
from millpond.store_patience import Patience

#: How long an address holds, and for how long it is used.
ADDRESS_SECONDS = 3600
_USED_SECONDS = 1800

_KEPT = 32
_TRY_AGAIN = (408, 429, 500, 502, 503, 504)


class NotPlainError(Exception):
    """The store wants more than a plain request: a redirect, another key. Its own client is to be asked."""


class Connections:
    """Connections to stores that stay open between requests. Safe for many threads."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._free: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._context: ssl.SSLContext | None = None

    def take(self, scheme: str, host: str) -> tuple[http.client.HTTPConnection, bool]:
        """A connection for one request, and whether it was used before."""
        with self._lock:
            if free := self._free.get((scheme, host)):
                return free.pop(), True
            if scheme == "https" and self._context is None:
                self._context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
        seconds = self._patience.connect_seconds
        if scheme == "https":
            return self.connected(http.client.HTTPSConnection(host, timeout=seconds, context=self._context)), False
        return self.connected(http.client.HTTPConnection(host, timeout=seconds)), False

    def connected(self, connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
        """The connection, opened."""
        connection.connect()
        connection.sock.settimeout(self._patience.seconds)
        return connection

    def give_back(self, scheme: str, host: str, connection: http.client.HTTPConnection) -> None:
        """After an answer that was read to its end."""
        with self._lock:
            free = self._free.setdefault((scheme, host), [])
            if len(free) < _KEPT:
                free.append(connection)
                return
        connection.close()


class Ranges:
    """One object's pieces. Safe for many threads."""

    def __init__(
        self, path: str, tag: str, sign: Callable[[], str], connections: Connections, patience: Patience
    ) -> None:
        """`sign`: gives an address that holds for ADDRESS_SECONDS. With a `tag`, only this content is read."""
        self._path = path
        self._tag = tag
        self._headers = {"If-Match": f'"{tag}"'} if tag else {}
        self._sign = sign
        self._connections = connections
        self._patience = patience
        self._lock = threading.Lock()
        self._address = ""
        self._signed_at = 0.0

    def read_into(self, view: memoryview, offset: int) -> None:
        """Fills `view` with the bytes from `offset`, all of which must be there.

        NotPlainError: ask another client. UnavailableError after `max_retries`. DataCorruptError when the object is
        another by now.
        """
        retry = 0
        while True:
            try:
                if self._fill(view, offset):
                    return
                told = "the store answers that it can't just now"
            except (OSError, http.client.HTTPException) as error:
                # What http.client says may name the signed address.
                told = str(error) if isinstance(error, OSError) else type(error).__name__
            if retry >= self._patience.max_retries:
                raise UnavailableError(
                    f'the store did not give "{self._path}": {told}', hint="check the store's address and the network"
                )
            time.sleep(self._patience.pause_before(retry))
            retry += 1

    def _fill(self, view: memoryview, offset: int) -> bool:
        address = urlsplit(self._signed())
        connection, is_old = self._connections.take(address.scheme, address.netloc)
        is_whole = False
        try:
            target = f"{address.path}?{address.query}" if address.query else address.path
            headers = {
                **self._headers,
                "Range": f"bytes={offset}-{offset + len(view) - 1}",
                "Accept-Encoding": "identity",
            }
            try:
                response = _answer(connection, target, headers)
            except (ConnectionError, http.client.BadStatusLine):
                if not is_old:
                    raise
                # The store closed it meanwhile: that is no failure.
                connection.close()
                response = _answer(self._connections.connected(connection), target, headers)
            if self._tag and plain_tag(response.getheader("ETag", self._tag)) != self._tag:
                raise changed(self._path)  # The store does not look at conditions.
            if response.status == 206 and response.length == len(view):
                _read_all(response, view)
                is_whole = True
                return True
            return self._not_given(response)
        finally:
            if is_whole and not response.will_close:
                self._connections.give_back(address.scheme, address.netloc, connection)
            else:
                connection.close()

    def _not_given(self, response: http.client.HTTPResponse) -> bool:
        if response.status in _TRY_AGAIN:
            return False
        if response.status == 412:
            raise changed(self._path)
        raise NotPlainError(f"HTTP {response.status}")

    def _signed(self) -> str:
        with self._lock:
            now = time.monotonic()
            if not self._address or now - self._signed_at > _USED_SECONDS:
                self._address = self._sign()
                self._signed_at = now
            return self._address


def is_direct(address: str) -> bool:
    """Whether no proxy stands before an address."""
    parts = urlsplit(address)
    return parts.scheme not in getproxies() or bool(proxy_bypass(parts.hostname or ""))


def _answer(connection: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    connection.request("GET", target, headers=headers)
    return connection.getresponse()


def _read_all(response: http.client.HTTPResponse, view: memoryview) -> None:
    filled = 0
    while filled < len(view):
        num_bytes = response.readinto(view[filled:])
        if not num_bytes:
            raise http.client.IncompleteRead(b"", len(view) - filled)
        filled += num_bytes
    response.close()
