"""HDFS over HTTP: the requests of Hadoop's WebHDFS, which NameNodes, DataNodes and HttpFS gateways answer."""

from __future__ import annotations

import getpass
import http.client
import json
import logging
import os
import re
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

from millpond.errors import InvalidArgumentError
from millpond.http_session import http_session
from millpond.optional_package import needed
from millpond.store import changed
from millpond.store_options import setting
from millpond.store_patience import patience_of

_PORTS = {"webhdfs": ("http", 9870), "swebhdfs": ("https", 9871)}
_PREFIX = "/webhdfs/v1"
# A DataNode answers when all copies of a block are there.
_WRITE_SECONDS = 120.0
# NameNodes write them into the addresses they send us to.
_TOKEN = re.compile(r"(delegation=)[^&\s'\")]*")
_ERRORS = {
    "FileNotFoundException": FileNotFoundError,
    "FileAlreadyExistsException": FileExistsError,
    "AccessControlException": PermissionError,
    "AuthorizationException": PermissionError,
    "SecurityException": PermissionError,
    "InvalidToken": PermissionError,
}


@dataclass(frozen=True)
class WebStatus:
    """A file or folder."""

    path: str
    length: int
    isdir: bool
    modification_time: int
    #: The file's own number, which it keeps under other names and no other file gets; "" where a gateway leaves it out.
    tag: str


class WebHdfs:
    """An HdfsClient over HTTP. Asks nothing yet."""

    def __init__(self, root: str, options: Mapping[str, str]) -> None:
        """`root`: "webhdfs://host:port". `options`: a token; else the user is HADOOP_USER_NAME, or oneself."""
        self._requests = needed("requests", f'"{root}"', "http")
        self.root = root
        scheme, _, address = root.partition("://")
        if not address or "@" in address:
            raise InvalidArgumentError(f'"{root}" names no NameNode', hint=f"write it as {scheme}://host:port/path")
        protocol, port = _PORTS[scheme]
        has_port = address.rpartition("]")[2].count(":") == 1
        self._base = f"{protocol}://{address}{'' if has_port else f':{port}'}{_PREFIX}"
        self._patience = patience_of(options)
        self._session = http_session(self._patience)
        for name in ("urllib3.connectionpool", "urllib3.util.retry"):
            logging.getLogger(name).addFilter(_WITHOUT_TOKEN)
        token = setting(options, "webhdfs_delegation_token")
        self._who = {"delegation": token} if token else {"user.name": os.environ.get("HADOOP_USER_NAME") or _user()}

    def get_file_info(self, place: str) -> WebStatus:
        """What is there."""
        return _status(place, self._asked("GET", place, "GETFILESTATUS")["FileStatus"])

    def list_status(self, place: str) -> Iterable[WebStatus]:
        """What lies directly in a folder."""
        found = self._asked("GET", place, "LISTSTATUS")["FileStatuses"]["FileStatus"]
        # A file is listed as itself, without a name.
        return [_status(_below(place, entry["pathSuffix"]), entry) for entry in found]

    def read(self, place: str) -> WebReader:
        """Opens a file."""
        info = self.get_file_info(place)
        if info.isdir:
            raise FileNotFoundError(f"{place} is a folder")
        return WebReader(self, info)

    def create(self, place: str, *, overwrite: bool, create_parent: bool) -> WebWriter:
        """Begins a file, at a DataNode that the NameNode names."""
        how = {"overwrite": _flag(overwrite), "createparent": _flag(create_parent), "noredirect": "true"}
        answer = self._ask("PUT", place, "CREATE", how)
        address = _parsed(answer).get("Location") or answer.headers.get("Location", "")
        if not address:
            raise OSError("the NameNode names no DataNode for a new file")
        # A path, unless nobody named one.
        verify = self._session.merge_environment_settings(address, {}, None, None, None)["verify"]
        trusted = verify if isinstance(verify, str) else self._requests.utils.DEFAULT_CA_BUNDLE_PATH
        # Letters beyond ASCII stand there as they are.
        address = self._requests.utils.requote_uri(address)
        return WebWriter(address, trusted, max(_WRITE_SECONDS, self._patience.seconds))

    def mkdirs(self, place: str) -> None:
        """Makes a folder with those above it; fine when it is there."""
        if not self._asked("PUT", place, "MKDIRS")["boolean"]:
            raise OSError(f"the folder {place} was not made")

    def rename(self, place: str, target: str, *, overwrite: bool = False) -> None:
        """Renames a file or folder, in one step. The target must be free, or a file that may be overwritten."""
        # Without renameoptions a target that is a folder would be moved into, and a failure would be no error.
        how = {"destination": target, "renameoptions": "OVERWRITE" if overwrite else "NONE"}
        self._ask("PUT", place, "RENAME", how)

    def delete(self, place: str, *, recursive: bool = False) -> object:
        """Removes a file or folder; fine when it is not there."""
        return self._asked("DELETE", place, "DELETE", {"recursive": _flag(recursive)})["boolean"]

    def content(self, place: str, offset: int, nbytes: int) -> bytes:
        """Bytes of a file. An answer that breaks off is asked for again."""
        for retry in range(self._patience.max_retries):
            try:
                return self._content(place, offset, nbytes)
            except _BrokenOffError:
                time.sleep(self._patience.pause_before(retry))
        return self._content(place, offset, nbytes)

    def _content(self, place: str, offset: int, nbytes: int) -> bytes:
        content: bytes = self._ask("GET", place, "OPEN", {"offset": str(offset), "length": str(nbytes)}).content
        if len(content) != nbytes:
            raise _BrokenOffError(f"{place} gave {len(content)} bytes of {nbytes}")
        return content

    def _asked(self, method: str, place: str, op: str, how: Mapping[str, str] | None = None) -> Any:
        return _parsed(self._ask(method, place, op, how))

    def _ask(self, method: str, place: str, op: str, how: Mapping[str, str] | None = None) -> Any:
        try:
            answer = self._session.request(
                method,
                self._base + quote(place, safe="/"),
                params={"op": op, **self._who, **(how or {})},
                timeout=(self._patience.connect_seconds, self._patience.seconds),
            )
        except (
            self._requests.exceptions.ChunkedEncodingError,
            self._requests.exceptions.ContentDecodingError,
        ) as error:
            raise _BrokenOffError(_without_token(error)) from None
        except self._requests.RequestException as error:
            raise OSError(_without_token(error)) from None
        if answer.status_code >= 400:
            _fail(answer.status_code, answer.content)
        return answer


class WebReader:
    """A file open for reading, by many threads at once."""

    def __init__(self, client: WebHdfs, info: WebStatus) -> None:
        self._client = client
        self.info = info
        self.tag = info.tag

    def __len__(self) -> int:
        return self.info.length

    def read(self) -> bytes:
        """All of it."""
        return self.read_range(0, self.info.length) if self.info.length else b""

    def read_range(self, offset: int, length: int, /) -> bytes:
        """So many bytes from `offset`. DataCorruptError when another file has taken the name."""
        content = self._client.content(self.info.path, offset, length)
        # No request can be bound to one content. A file that still has the name had it when it was read.
        if self._client.get_file_info(self.info.path) != self.info:
            raise changed(self._client.root + self.info.path)
        return content


class WebWriter:
    """A file being written, by one request to a DataNode that lasts until it is whole. For one thread at a time."""

    def __init__(self, address: str, trusted: str, seconds: float) -> None:
        """`trusted`: the file or folder of certificates."""
        url = urlsplit(address)
        host = url.hostname or ""
        self._connection = (
            http.client.HTTPSConnection(host, url.port, timeout=seconds, context=_context(trusted))
            if url.scheme == "https"
            else http.client.HTTPConnection(host, url.port, timeout=seconds)
        )
        self._target = url.path + (f"?{url.query}" if url.query else "")
        self._has_begun = False

    def write(self, data: bytes, /) -> None:
        """The next bytes."""
        if len(data):  # An empty piece would be the end.
            self._send(b"%x\r\n%b\r\n" % (len(data), data))

    def close(self) -> None:
        """The file is whole from here on."""
        self._send(b"0\r\n\r\n")
        self._answer()

    def _send(self, data: bytes) -> None:
        try:
            if not self._has_begun:
                self._has_begun = True
                self._connection.putrequest("PUT", self._target, skip_accept_encoding=True)
                self._connection.putheader("Content-Type", "application/octet-stream")
                self._connection.putheader("Transfer-Encoding", "chunked")
                self._connection.endheaders()
            self._connection.send(data)
        except (OSError, http.client.HTTPException) as error:
            # Perhaps it was refused, and the answer says why.
            self._answer(error)

    def _answer(self, failure: Exception | None = None) -> None:
        try:
            if failure is not None and self._connection.sock is None:  # There never was a connection.
                raise failure
            answer = self._connection.getresponse()
            status, content = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise OSError(f"the DataNode broke off: {_without_token(failure or error)}") from None
        finally:
            self._connection.close()
        if status != 201:
            _fail(status, content)
        if failure is not None:
            raise OSError(f"the DataNode broke off: {_without_token(failure)}")


class _WithoutToken(logging.Filter):
    """Takes tokens out of the addresses that urllib3 logs: WebHDFS takes them nowhere else."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _without_token(record.getMessage()), ()
        return True


_WITHOUT_TOKEN = _WithoutToken()


class _BrokenOffError(OSError):
    """An answer that began well and did not come to its end."""


def _context(trusted: str) -> ssl.SSLContext:
    is_folder = Path(trusted).is_dir()
    return ssl.create_default_context(cafile=None if is_folder else trusted, capath=trusted if is_folder else None)


def _status(place: str, entry: Mapping[str, Any]) -> WebStatus:
    return WebStatus(
        path=place,
        length=int(entry["length"]),
        isdir=entry["type"] == "DIRECTORY",
        modification_time=int(entry["modificationTime"]),
        tag=str(entry.get("fileId") or ""),
    )


def _below(place: str, name: str) -> str:
    return f"{place.rstrip('/')}/{name}" if name else place


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # One without a name.
        raise InvalidArgumentError("nobody tells who you are", hint="set HADOOP_USER_NAME") from None


def _parsed(answer: Any) -> Any:
    try:
        return answer.json() if answer.content else {}
    except ValueError:
        raise OSError("the answer is none of WebHDFS: check the address and its port") from None


def _fail(status: int, content: bytes) -> NoReturn:
    """The error that an answer tells, which names the exception on the other side."""
    try:
        told = json.loads(content)["RemoteException"]
        name, message = str(told["exception"]), _without_token(told.get("message"))
    except (ValueError, KeyError, TypeError):
        if status in (401, 403):
            raise PermissionError(f"the server answers {status}") from None
        raise OSError(f"the server answers {status}") from None
    if name == "StandbyException":
        raise OSError("this NameNode is on standby: name the active one")
    raise _ERRORS.get(name, OSError)(f"{name}: {message}")


def _without_token(what: object) -> str:
    return _TOKEN.sub(r"\1***", str(what))
