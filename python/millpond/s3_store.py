"""Objects of S3 and its look-alikes, `s3://bucket/key`."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from millpond.errors import MillpondError, NotFoundError, PermissionDeniedError, UnavailableError
from millpond.s3_client import THREADS, UNKNOWN_KEY, s3_client
from millpond.s3_ranges import Connections, NotPlainError, Ranges
from millpond.s3_reading import S3Reading
from millpond.store import Copies, Entries, Entry, Paths, Readable, Store, plain_tag
from millpond.store_connections import connect, inner_path, s3_address
from millpond.store_patience import Patience, joined, patience_of

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

    from millpond.s3_writing import S3Writing

# What a store's error says, by its code's name: whose fault it is.
_DENIED = (
    "ACCESS_DENIED",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
    "HTTP 403",
    *UNKNOWN_KEY,
)
_SECOND = 1_000_000_000
# Larger objects are uploaded in parts.
_ONE_REQUEST = 5 << 20
_MISSING = ("NO_SUCH_BUCKET", "NO_SUCH_KEY", "RESOURCE_NOT_FOUND", "HTTP 404")


class S3Store(Store):
    """Reading, and writing objects whole, through pyarrow, all else through boto3. Safe for many threads.

    Without boto3 pyarrow alone reads.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        """`options`: see STORE_OPTIONS. Asks nothing of the store yet."""
        self._options = options
        self._patience = patience_of(options)
        self._lock = threading.Lock()
        self._system: FileSystem | None = None
        self._client: Any = None
        self._writer: S3Writing | None = None
        self._connections = Connections(self._patience)

    def stat(self, path: str) -> Entry:
        """What is at a path: an object, else a folder."""
        if (reading := self._reading()) is not None:
            return reading.stat(path)
        system, inner = self._find(path)
        info = _translated(path, lambda: system.get_file_info(inner))
        if _kind(info) == "NotFound":
            raise NotFoundError(f'there is nothing at "{path}"')
        return self._entry(path, info)

    def list(self, path: str) -> Entries:
        """What lies directly in a folder, sorted by path."""
        if (reading := self._reading()) is not None:
            return reading.list(path)
        from pyarrow.fs import FileSelector

        system, inner = self._find(path)
        folder = path.rstrip("/")
        infos = _translated(path, lambda: system.get_file_info(FileSelector(inner, recursive=False)))
        with ThreadPoolExecutor(THREADS) as pool:
            return sorted(pool.map(lambda info: self._entry(f"{folder}/{info.base_name}", info), infos))

    def open(self, path: str) -> Readable:
        """An object, to be read in pieces."""
        if (reading := self._reading()) is None:
            system, inner = self._find(path)
            return StoredObject(path, _translated(path, lambda: system.open_input_file(inner)), self._patience)
        _, size, _, _, tag = reading.stat_object(path)
        return self._direct(path, size, tag, reading)

    def open_known(self, path: str, size: int, tag: str) -> Readable:
        """The same for an object as it was listed: pieces are asked for by its tag, and nothing else."""
        if not tag or (reading := self._reading()) is None:
            return self.open(path)
        return self._direct(path, size, tag, reading)

    def list_all(self, folder: str) -> Entries:
        """All objects below a folder, sorted by path; none when it is not there, but its bucket must be."""
        # Who lists all means to write.
        return S3Reading(self._connected(), self._patience).list_all(folder)

    def create(self, path: str) -> S3Upload:
        """An object to be written from its beginning to its end."""
        self._writing(path)
        system, inner = self._find(path)
        return S3Upload(path, _translated(path, lambda: system.open_output_stream(inner)), lambda: self._size_of(path))

    def version_of(self, path: str) -> tuple[int, str, str]:
        """An object's bytes, tag and mark."""
        return self._writing(path).version_of(path)

    def get(self, path: str) -> tuple[bytes, str]:
        """A small object whole, and its tag."""
        if _has_boto3():
            return self._writing(path).get(path)
        # Who only reads needs no more than to tell one content from the next.
        system, inner = self._find(path)

        def read() -> bytes:
            with system.open_input_file(inner) as file:
                return bytes(file.read())

        content: bytes = _translated(path, read)
        return content, hashlib.sha256(content).hexdigest()

    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Puts an object in the place of the one with this tag; without a tag, of none."""
        self._writing(path).put_if(path, content, tag)

    def copy(self, copies: Copies, mark: str) -> None:
        """Copies objects within their store."""
        if copies:
            self._writing(copies[0][1]).copy(copies, mark)

    def remove(self, paths: Paths) -> None:
        """Removes objects; fine when they are not there."""
        if paths:
            self._writing(paths[0]).remove(paths)

    def remove_prefix(self, prefix: str) -> None:
        """Removes the objects whose paths begin so, and gives up the uploads of such."""
        self._writing(prefix).remove_prefix(prefix)

    def _size_of(self, path: str) -> int | None:
        try:
            return self.stat(path)[1]
        except (NotFoundError, UnavailableError):
            return None

    def _direct(self, path: str, size: int, tag: str, reading: S3Reading) -> DirectObject:
        ranges = Ranges(path, tag, reading.signer_of(path), self._connections, self._patience)
        return DirectObject(path, size, tag, ranges, reading)

    def _reading(self) -> S3Reading | None:
        return S3Reading(self._connected(), self._patience) if _has_boto3() else None

    def _writing(self, path: str) -> S3Writing:
        from millpond.s3_writing import S3Writing

        client = self._connected()
        with self._lock:
            if self._writer is None:
                self._writer = S3Writing(client, self._patience)
            return self._writer

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                endpoint, region = s3_address(self._options)
                self._client = s3_client(self._options, endpoint, region, self._patience)
            return self._client

    def _entry(self, path: str, info: FileInfo) -> Entry:
        """What pyarrow found, with the tag, which costs a request of its own there."""
        if _kind(info) == "Directory":
            return (path.rstrip("/"), 0, 0, True, "")
        system, inner = self._find(path)
        with _translated(path, lambda: system.open_input_file(inner)) as file:
            tag = plain_tag((file.metadata() or {}).get("ETag", b"").decode())
        return (path, int(info.size), int(info.mtime_ns or 0) // _SECOND * _SECOND, False, tag)

    def _find(self, path: str) -> tuple[FileSystem, str]:
        with self._lock:
            if self._system is None:
                self._system = connect(path, self._options)
            return self._system, inner_path(path)


class StoredObject:
    """An object open for reading, by many threads at once."""

    def __init__(self, path: str, file: Any, patience: Patience) -> None:
        self._path = path
        self._file = file
        self._patience = patience

    def size(self) -> int:
        """Bytes."""
        return int(self._file.size())

    def tag(self) -> str:
        """None: pyarrow's pieces are those of whatever is there."""
        return ""

    def read_at(self, nbytes: int, offset: int) -> Any:
        """The bytes from `offset`, as a buffer."""
        # pyarrow's client takes an error message that is longer than what was asked for as an error of its own, and
        # does not try again.
        until = time.monotonic() + self._patience.seconds
        for retry in range(self._patience.max_retries):
            try:
                return _translated(self._path, lambda: self._file.read_at(nbytes, offset))
            except UnavailableError:
                if time.monotonic() >= until:
                    raise
                time.sleep(self._patience.pause_before(retry))
        return _translated(self._path, lambda: self._file.read_at(nbytes, offset))


class DirectObject:
    """One content of an object, read by plain requests, as long as the store answers these."""

    def __init__(self, path: str, size: int, tag: str, ranges: Ranges, reading: S3Reading) -> None:
        self._path = path
        self._size = size
        self._tag = tag
        self._ranges: Ranges | None = ranges
        self._reading = reading

    def size(self) -> int:
        """Bytes."""
        return self._size

    def tag(self) -> str:
        """The content's."""
        return self._tag

    def read_at(self, nbytes: int, offset: int) -> bytes:
        """The bytes from `offset`. DataCorruptError when the object is another by now."""
        wanted = min(nbytes, max(0, self._size - offset))
        view = memoryview(bytearray(wanted))
        return bytes(view[: self.read_into(view, offset)])

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fills `view` with the bytes from `offset`, which must be there; how many they are."""
        if not view:
            return 0
        if (ranges := self._ranges) is not None:
            try:
                ranges.read_into(view, offset)
                return len(view)
            except NotPlainError:
                self._ranges = None
        piece = self._reading.piece(self._path, len(view), offset, self._tag)
        view[: len(piece)] = piece
        return len(piece)


class S3Upload:
    """An object that is being written. It is there when finish() is done."""

    def __init__(self, path: str, stream: Any, size_there: Callable[[], int | None]) -> None:
        self._path = path
        self._stream = stream
        self._size_there = size_there
        self._size = 0

    def write(self, data: bytes) -> None:
        """The next bytes."""
        _translated(self._path, lambda: self._stream.write(data))
        self._size += len(data)

    def finish(self) -> None:
        """Gives the object its name."""
        failed: MillpondError | None = None
        try:
            _translated(self._path, self._stream.close)
        except (NotFoundError, UnavailableError) as error:
            failed = error
        # A store may join gigabytes for longer than a request lasts. The request is then sent again, and refused, or
        # answered although the first is still at work.
        if self._size > _ONE_REQUEST and joined(lambda: self._size_there() == self._size, self._size):
            return
        if failed is None and self._size > _ONE_REQUEST:
            failed = UnavailableError(f'the store did not join the parts of "{self._path}"', hint="try again")
        if failed is not None:
            raise failed


def _has_boto3() -> bool:
    return find_spec("boto3") is not None


def _kind(info: FileInfo) -> str:
    return str(info.type.name)


def _translated(path: str, call: Any) -> Any:
    """What `call` gives; a store's error as one of ours."""
    try:
        return call()
    except MillpondError:
        raise
    except FileNotFoundError:
        raise NotFoundError(f'there is nothing at "{path}"') from None
    except (OSError, ValueError) as error:
        raise _our_error(path, str(error)) from None


def _our_error(path: str, text: str) -> MillpondError:
    if any(name in text for name in _DENIED):
        return PermissionDeniedError(
            f'the store refuses access to "{path}": {text}', hint="check the key, its rights, and the store's address"
        )
    if any(name in text for name in _MISSING):
        return NotFoundError(
            f'there is nothing at "{path}": {text}', hint="check the bucket's name and the store's address"
        )
    return UnavailableError(
        f'the store did not give "{path}": {text}', hint="check the store's address and the network"
    )
