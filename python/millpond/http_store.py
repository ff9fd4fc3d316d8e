"""Files of web servers, `https://host/path`, for reading."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from millpond.errors import InvalidArgumentError, UnavailableError, UnsupportedError
from millpond.http_session import http_session
from millpond.optional_package import needed
from millpond.store import Copies, Entries, Entry, Paths, Store, Upload, changed, plain_tag, root_of
from millpond.store_errors import error_of_status
from millpond.store_patience import patience_of

_COPY_BYTES = 1 << 20
# Of servers, and of addresses signed for one kind of request, that answer no HEAD.
_NO_HEAD = (400, 401, 403, 405, 501)


class HttpStore(Store):
    """The files of any web servers. They have no folders, so each file is named. Safe for many threads."""

    #: What to check when nothing is there, and when access is refused.
    where_to_look = "the address"
    whose_rights = "http_bearer_token, and whether the address is still valid"

    def __init__(self, path: str, options: Mapping[str, str]) -> None:
        """`options`: `http_bearer_token`, and the patience. Proxies and certificates are found as requests does."""
        self._requests = needed("requests", f'"{root_of(path)}"', "http")
        self._patience = patience_of(options)
        self._session = http_session(self._patience)
        if options.get("http_bearer_token"):
            self._session.auth = _Bearer(options["http_bearer_token"])

    def stat(self, path: str) -> Entry:
        """The file at an address. Asks for its head, or where that is refused for its first byte."""
        found = self._head(path)
        return (path, found.size, found.mtime_ns, False, found.tag)

    def list(self, path: str) -> Entries:
        """Nothing can be listed."""
        raise UnsupportedError(
            f'a web server does not tell what is in "{path}"',
            hint="name each file; an address with * ? [ where nothing is was taken for a pattern",
        )

    def open(self, path: str) -> HttpFile:
        """A file, to be read in pieces; from a server without ranges it is copied to the disk first."""
        return HttpFile(self, path, self._head(path))

    def get(self, path: str) -> tuple[bytes, str]:
        """A small file whole, and its tag."""
        with self._ask("GET", path) as answer:
            return self._body(path, answer), answer.headers.get("ETag", "")

    def list_all(self, folder: str) -> Entries:
        """Nothing can be listed."""
        _only_read(folder)

    def create(self, path: str) -> Upload:
        """Nothing can be written."""
        _only_read(path)

    def version_of(self, path: str) -> tuple[int, str, str]:
        """A file's bytes and tag; it has no mark."""
        found = self._head(path)
        return found.size, found.tag, ""

    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Nothing can be written."""
        _only_read(path)

    def copy(self, copies: Copies, mark: str) -> None:
        """Nothing can be written."""
        _only_read(copies[0][1])

    def remove(self, paths: Paths) -> None:
        """Nothing can be removed."""
        _only_read(paths[0])

    def remove_prefix(self, prefix: str) -> None:
        """Nothing can be removed."""
        _only_read(prefix)

    def piece(self, path: str, offset: int, nbytes: int, size: int, tag: str) -> bytes | None:
        """Bytes of a file that has this size and tag; None from a server that gives only whole files.

        An answer that breaks off is asked for again.
        """
        for retry in range(self._patience.max_retries):
            try:
                return self._piece(path, offset, nbytes, size, tag)
            except _BrokenOffError:
                time.sleep(self._patience.pause_before(retry))
        return self._piece(path, offset, nbytes, size, tag)

    def _piece(self, path: str, offset: int, nbytes: int, size: int, tag: str) -> bytes | None:
        with self._ask("GET", path, {"Range": f"bytes={offset}-{offset + nbytes - 1}"}) as answer:
            if answer.status_code != 206:
                return None
            whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if whole not in ("*", str(size)) or self._is_another(answer, tag):
                raise changed(path)
            content = self._body(path, answer)
        if len(content) != nbytes:
            raise _BrokenOffError(f'"{path}" gave {len(content)} bytes of {nbytes}', hint="try again")
        return content

    def copy_to(self, path: str, target: Any, size: int, tag: str) -> None:
        """Writes the whole file, of this size and tag, to an open one."""
        with self._ask("GET", path) as answer:
            if self._is_another(answer, tag):
                raise changed(path)
            copied = 0
            for part in self._parts(path, answer):
                target.write(part)
                copied += len(part)
        if copied != size:
            raise changed(path)

    def _head(self, path: str) -> FileHead:
        with self._ask("HEAD", path, fine=_NO_HEAD) as answer:
            if answer.status_code == 200 and "Content-Length" in answer.headers:
                return _head_of(answer.headers, int(answer.headers["Content-Length"]))
        with self._ask("GET", path, {"Range": "bytes=0-0"}, fine=(416,)) as answer:
            if answer.status_code == 200 and "Content-Length" in answer.headers:
                return _head_of(answer.headers, int(answer.headers["Content-Length"]))
            whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if answer.status_code == 200 or not whole.isdecimal():
                raise UnsupportedError(f'the server does not tell the size of "{path}"', hint="copy the file first")
            return _head_of(answer.headers, int(whole))

    def _is_another(self, answer: Any, tag: str) -> bool:
        """Whether an answer is of another content than the one of this tag."""
        return plain_tag(answer.headers.get("ETag", tag)) != tag

    def _address(self, path: str) -> str:
        """Where the file at a path is asked for."""
        return path

    def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (),
        address: str = "",
        redirects: bool = True,
    ) -> Any:
        if "@" in root_of(path):
            raise InvalidArgumentError(
                "an address with a user or a password in it can't be read", hint="give http_bearer_token instead"
            )
        try:
            answer = self._session.request(
                method,
                address or self._address(path),
                headers=headers,
                stream=True,
                allow_redirects=redirects,
                timeout=(self._patience.connect_seconds, self._patience.seconds),
            )
        except (self._requests.RequestException, OSError, ValueError) as error:
            raise UnavailableError(
                f'the server did not do what was asked of "{path}": {error}', hint="check the address and the network"
            ) from None
        if answer.status_code >= 400 and answer.status_code not in fine:
            answer.close()
            raise error_of_status(
                path, answer.status_code, str(answer.reason), where=self.where_to_look, whose=self.whose_rights
            )
        return answer

    def _parts(self, path: str, answer: Any) -> Any:
        """What an answer holds, not unpacked."""
        from urllib3.exceptions import HTTPError

        try:
            yield from answer.raw.stream(_COPY_BYTES, decode_content=False)
        except (HTTPError, OSError) as error:
            raise _BrokenOffError(f'"{path}" broke off: {error}', hint="check the network") from None

    def _body(self, path: str, answer: Any) -> bytes:
        return b"".join(self._parts(path, answer))


class _BrokenOffError(UnavailableError):
    """An answer that began well and did not come to its end."""


@dataclass(frozen=True)
class FileHead:
    """What a server says of a file."""

    size: int
    tag: str
    mtime_ns: int = 0


def _head_of(headers: Mapping[str, str], size: int) -> FileHead:
    return FileHead(size, plain_tag(headers.get("ETag", "")), _nanoseconds(headers.get("Last-Modified", "")))


class HttpFile:
    """A file open for reading, by many threads at once."""

    def __init__(self, store: HttpStore, path: str, head: FileHead) -> None:
        self._store = store
        self._path = path
        self._head = head
        self._lock = threading.Lock()
        self._copy: Any = None

    def size(self) -> int:
        """Bytes."""
        return self._head.size

    def tag(self) -> str:
        """The content's, where the server tells one."""
        return self._head.tag

    def read_at(self, nbytes: int, offset: int) -> bytes:
        """The bytes from `offset`. DataCorruptError when the file is another by now."""
        nbytes = min(nbytes, self._head.size - offset)
        if nbytes <= 0:
            return b""
        if self._copy is None:
            piece = self._store.piece(self._path, offset, nbytes, self._head.size, self._head.tag)
            if piece is not None:
                return piece
        with self._lock:
            if self._copy is None:
                self._copy = self._copied()
            self._copy.seek(offset)
            content: bytes = self._copy.read(nbytes)
            return content

    def _copied(self) -> Any:
        copy = tempfile.TemporaryFile(prefix="millpond-")  # noqa: SIM115 (open as long as this)
        try:
            self._store.copy_to(self._path, copy, self._head.size, self._head.tag)
        except BaseException:
            copy.close()
            raise
        return copy


class _Bearer:
    """Sends a token with each request to a host that was asked for, and with no redirect to another."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _nanoseconds(date: str) -> int:
    try:
        return int(parsedate_to_datetime(date).timestamp()) * 1_000_000_000
    except (TypeError, ValueError):
        return 0


def _only_read(path: str) -> NoReturn:
    raise UnsupportedError(f'"{path}" is on a web server, which is only read', hint="write to a disk or a store")
