"""Pieces of S3's objects, read from the socket to where they are wanted.

An AWS client signs, builds and takes apart each request anew and copies its answer through streams: some 2 ms of a
core for a piece of 2 MB. Here an object's address is signed once, and a piece is one plain request on a connection that
stays.
"""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from millpond.errors import UnavailableError
from millpond.plain_connection import Head, PlainConnection
from millpond.store import changed, plain_tag
from millpond.store_patience import Patience

#: How long an address holds, and for how long it is used.
ADDRESS_SECONDS = 3600
_USED_SECONDS = 1800

_KEPT = 32
_TRY_AGAIN = (408, 429, 500, 502, 503, 504)


class NotPlainError(Exception):
    """The store wants more than a plain request: a redirect, another key. Its own client is to be asked."""


class _NotNowError(Exception):
    """The store can't answer just now."""


class Connections:
    """Connections to stores that stay open between requests. Safe for many threads."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._free: dict[tuple[str, str], list[PlainConnection]] = {}
        self._context: ssl.SSLContext | None = None

    def take(self, scheme: str, host: str) -> tuple[PlainConnection, bool]:
        """A connection for one request, and whether it was used before."""
        with self._lock:
            if free := self._free.get((scheme, host)):
                return free.pop(), True
            if scheme == "https" and self._context is None:
                self._context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
                self._context.set_alpn_protocols(["http/1.1"])
        context = self._context if scheme == "https" else None
        return PlainConnection(scheme, host, self._patience, context).open(), False

    def give_back(self, scheme: str, host: str, connection: PlainConnection) -> None:
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
                self._fill(view, offset)
                return
            except (OSError, _NotNowError) as error:
                if retry >= self._patience.max_retries:
                    raise UnavailableError(
                        f'the store did not give "{self._path}": {error}',
                        hint="check the store's address and the network",
                    ) from None
            time.sleep(self._patience.pause_before(retry))
            retry += 1

    def _fill(self, view: memoryview, offset: int) -> None:
        address = urlsplit(self._signed())
        connection, is_old = self._connections.take(address.scheme, address.netloc)
        is_whole = False
        try:
            target = f"{address.path}?{address.query}" if address.query else address.path
            headers = {**self._headers, "Range": f"bytes={offset}-{offset + len(view) - 1}"}
            try:
                head = connection.ask(target, headers)
            except ConnectionError:
                if not is_old:
                    raise
                # The store closed it meanwhile: that is no failure.
                head = connection.open().ask(target, headers)
            self._check(head, offset, len(view))
            connection.read_into(view)
            is_whole = head.stays_open
        finally:
            if is_whole:
                self._connections.give_back(address.scheme, address.netloc, connection)
            else:
                connection.close()

    def _check(self, head: Head, offset: int, num_bytes: int) -> None:
        """Whether the answer is what was asked for."""
        if self._tag and head.etag and plain_tag(head.etag) != self._tag:
            raise changed(self._path)  # The store does not look at conditions.
        if head.status == 206 and head.num_bytes == num_bytes and head.first == offset:
            return
        if head.status in _TRY_AGAIN:
            raise _NotNowError("the store answers that it can't just now")
        if head.status == 412:
            raise changed(self._path)
        raise NotPlainError(f"HTTP {head.status}")

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
