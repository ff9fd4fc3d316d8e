"""Files of HDFS, `hdfs://host:port/path`."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from millpond.errors import (
    MillpondError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from millpond.hdfs_client import HdfsClient, NativeHdfs, Reader, Status, Writer
from millpond.hdfs_register import is_register, read_register, write_register
from millpond.store import Copies, Entries, Entry, Paths, Store, in_parallel, key_of, other_size, root_of

_T = TypeVar("_T")
_Found: TypeAlias = list[Status]

_CONNECT_SECONDS = 10
_THREADS = 8
_DENIED = ("AccessControlException", "AuthorizationException", "SaslException", "InvalidToken", "GSSAPI")
# Java says what went wrong in the first line of what it says.
_LINE_ENDS = ("\\n", "\n")


class HdfsStore(Store):
    """One NameNode's files, or those of a service that the configuration names. Safe for many threads."""

    def __init__(self, path: str, options: Mapping[str, str]) -> None:
        """`options`: see NativeHdfs."""
        self._root = root_of(path)
        self._client = _ours(path, lambda: self._connected(options))

    def _connected(self, options: Mapping[str, str]) -> HdfsClient:
        _reach(self._root)
        return NativeHdfs(self._root, options)

    def stat(self, path: str) -> Entry:
        """What is at a path: a file or a folder."""
        return self._entry(_ours(path, lambda: self._client.get_file_info(_inner(path))))

    def list(self, path: str) -> Entries:
        """What lies directly in a folder, sorted by path."""
        found = _ours(path, lambda: list(self._client.list_status(_inner(path))))
        return sorted(self._entry(info) for info in found)

    def open(self, path: str) -> HdfsFile:
        """A file, to be read in pieces."""
        return HdfsFile(path, _ours(path, lambda: self._client.read(_inner(path))))

    def list_all(self, folder: str) -> Entries:
        """All files below a folder, sorted by path; none when it is not there."""
        found: _Found = []
        folders = [_inner(folder)]
        with ThreadPoolExecutor(_THREADS) as pool:
            while folders:
                listed = [info for infos in pool.map(self._in_folder, folders) for info in infos]
                found += [info for info in listed if not info.isdir]
                folders = [info.path for info in listed if info.isdir and not is_register(_name(info.path))]
        return sorted(map(self._entry, found))

    def _in_folder(self, place: str) -> _Found:
        """What lies in a folder; nothing when it is gone by now."""
        try:
            return _ours(self._root + place, lambda: list(self._client.list_status(place)))
        except NotFoundError:
            return []

    def create(self, path: str) -> HdfsUpload:
        """A file to be written from its beginning to its end."""
        writer = _ours(path, lambda: self._client.create(_inner(path), overwrite=True, create_parent=True))
        return HdfsUpload(path, writer)

    def version_of(self, path: str) -> tuple[int, str, str]:
        """A file's bytes, tag and mark."""
        info = _ours(path, lambda: self._client.get_file_info(_inner(path)))
        if info.isdir:
            raise NotFoundError(f'"{path}" is a folder')
        tag = _tag(info)
        return info.length, tag, self._mark(path, tag)

    def get(self, path: str) -> tuple[bytes, str]:
        """A small object whole, and its tag."""
        return _ours(path, lambda: read_register(self._client, _inner(path)))

    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Puts an object in the place of the one with this tag; without a tag, of none."""
        _ours(path, lambda: write_register(self._client, _inner(path), content, tag))

    def copy(self, copies: Copies, mark: str) -> None:
        """Renames files: what was staged is gone from there."""
        for folder in {target.rpartition("/")[0] for _, target, _ in copies}:
            _ours(folder, lambda: self._client.mkdirs(_inner(folder)))  # noqa: B023
        in_parallel(lambda one: self._move(*one, mark), copies)

    def remove(self, paths: Paths) -> None:
        """Removes files; fine when they are not there."""
        in_parallel(self._remove, paths)

    def remove_prefix(self, prefix: str) -> None:
        """Removes the files whose paths begin so."""
        folder, _, start = prefix.rpartition("/")
        if not start:
            self._remove(folder)
            return
        try:
            entries = self.list(folder)
        except NotFoundError:
            return
        self.remove([path for path, *_ in entries if path.startswith(prefix)])

    def _remove(self, path: str) -> None:
        _ours(path, lambda: self._client.delete(_inner(path), recursive=True))

    def _move(self, source: str, target: str, size: int, mark: str) -> None:
        info = _ours(source, lambda: self._client.get_file_info(_inner(source)))
        if info.length != size:
            raise other_size(source, info.length, size)
        if mark:
            # The tag goes with the file, so the mark counts from the rename on, and for this file alone.
            note = json.dumps({"mark": mark, "tag": _tag(info)}).encode()
            upload = self.create(_note(target))
            upload.write(note)
            upload.finish()
        try:
            _ours(target, lambda: self._client.rename(_inner(source), _inner(target), overwrite=True))
        except NotFoundError:
            if not self._is_at(target, info):  # Or an earlier try went through, and its answer was lost.
                raise

    def _is_at(self, path: str, info: Status) -> bool:
        try:
            return _tag(_ours(path, lambda: self._client.get_file_info(_inner(path)))) == _tag(info)
        except NotFoundError:
            return False

    def _mark(self, path: str, tag: str) -> str:
        try:
            note = json.loads(_ours(path, lambda: self._client.read(_inner(_note(path))).read()))
        except (NotFoundError, ValueError):
            return ""
        return str(note.get("mark", "")) if note.get("tag") == tag else ""

    def _entry(self, info: Status) -> Entry:
        path = self._root + info.path.rstrip("/")
        if info.isdir and not is_register(_name(path)):
            return (path, 0, 0, True, "")
        return (path, info.length, info.modification_time * 1_000_000, False, _content_tag(info))


class HdfsFile:
    """A file open for reading, by many threads at once."""

    def __init__(self, path: str, file: Reader) -> None:
        self._path = path
        self._file = file

    def size(self) -> int:
        """Bytes."""
        return len(self._file)

    def tag(self) -> str:
        """None by HDFS' own protocol: there its time, in milliseconds, tells one content from the next."""
        return _content_tag(self._file)

    def read_at(self, nbytes: int, offset: int) -> bytes:
        """The bytes from `offset`."""
        wanted = min(nbytes, max(0, self.size() - offset))
        return _ours(self._path, lambda: self._file.read_range(offset, wanted)) if wanted else b""


class HdfsUpload:
    """A file that is being written."""

    def __init__(self, path: str, writer: Writer) -> None:
        self._path = path
        self._writer = writer

    def write(self, data: bytes) -> None:
        """The next bytes."""
        _ours(self._path, lambda: self._writer.write(data))

    def finish(self) -> None:
        """Closes the file."""
        _ours(self._path, self._writer.close)


def _inner(path: str) -> str:
    return "/" + key_of(path).strip("/")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _note(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name[:200]}.millpond-mark"


def _content_tag(of: Status | Reader) -> str:
    return getattr(of, "tag", "")


def _tag(info: Status) -> str:
    # Both stay when a file is renamed.
    return f"{info.modification_time}-{info.length}"


def _reach(root: str) -> None:
    """An error soon where nobody answers: the package tries for minutes."""
    host, colon, port = root.partition("://")[2].rpartition("@")[2].rpartition(":")
    if not colon or not port.isdigit():
        return  # A service of the configuration, with addresses there.
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise UnavailableError(
            f'no NameNode answers at "{root}": {error}', hint="check the address and the network"
        ) from None


def _ours(path: str, call: Callable[[], _T]) -> _T:
    """What `call` gives; an error of HDFS as one of ours."""
    try:
        return call()
    except MillpondError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f'there is nothing at "{path}": {_first_line(error)}') from None
    except (OSError, RuntimeError, ValueError) as error:
        text = str(error)
        if isinstance(error, PermissionError) or any(name in text for name in _DENIED):
            raise PermissionDeniedError(
                f'HDFS refuses access to "{path}": {_first_line(error)}',
                hint="check the user (HADOOP_USER_NAME, or the Kerberos ticket) and the rights of the folder",
            ) from None
        raise UnavailableError(
            f'HDFS did not do what was asked of "{path}": {_first_line(error)}', hint="try again; check the NameNode"
        ) from None


def _first_line(error: BaseException) -> str:
    text = str(error)
    for end in _LINE_ENDS:
        text = text.partition(end)[0]
    return text
