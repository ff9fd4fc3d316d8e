"""Objects of stores by path, `s3://bucket/key`, through pyarrow's file systems."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from millpond.errors import (
    InvalidArgumentError,
    MillpondError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)
from millpond.store_connections import checked_options, connect, inner_path, s3_address

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

    from millpond.s3_writing import Copies, S3Writing

#: A path, its bytes, its time in nanoseconds, and whether it is a folder.
Entry = tuple[str, int, int, bool]
Entries = list[Entry]
Paths = list[str]

# What a store's error says, by its code's name: whose fault it is.
_DENIED = (
    "ACCESS_DENIED",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
    "HTTP 403",
    "InvalidAccessKeyId",
    "XAdminUserNotFound",
)
_MISSING = ("NO_SUCH_BUCKET", "NO_SUCH_KEY", "RESOURCE_NOT_FOUND", "HTTP 404")


class ObjectStores:
    """The stores of a session, each connected when it is first asked for. Safe for many threads."""

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        """`options`: keys and addresses (STORE_OPTIONS); what is left out is looked for as the stores' own tools do."""
        self._options = checked_options(options)
        self._of_bucket: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._systems: dict[str, FileSystem] = {}
        self._s3_writing: dict[str, S3Writing] = {}

    def __repr__(self) -> str:
        return f"ObjectStores({', '.join(sorted(self._options))})"

    def add(self, path: str, options: Mapping[str, object]) -> None:
        """Other options for the bucket of a path, from now on; the session's stand for those that are left out."""
        root = _root(path)
        if not root:
            raise InvalidArgumentError(
                f'storage_options are for stores, and "{path}" is a path of this machine', hint="leave them out"
            )
        merged = {**self._options, **checked_options(options)}
        with self._lock:
            if self._of_bucket.get(root, merged) != merged:
                raise InvalidArgumentError(
                    f'"{root}" has got other storage_options in this session', hint="open another session for these"
                )
            if root not in self._of_bucket:
                self._of_bucket[root] = merged

    def stat(self, path: str) -> Entry:
        """What is at a path: an object, else a folder."""
        system, inner = self._find(path)
        info = _translated(path, lambda: system.get_file_info(inner))
        if _kind(info) == "NotFound":
            raise NotFoundError(f'there is nothing at "{path}"')
        return _entry(path, info)

    def list(self, path: str) -> list[Entry]:
        """What lies directly in a folder, sorted by path."""
        from pyarrow.fs import FileSelector

        system, inner = self._find(path)
        folder = path.rstrip("/")
        infos = _translated(path, lambda: system.get_file_info(FileSelector(inner, recursive=False)))
        return sorted(_entry(f"{folder}/{info.base_name}", info) for info in infos)

    def open(self, path: str) -> StoredObject:
        """An object, to be read in pieces."""
        system, inner = self._find(path)
        return StoredObject(path, _translated(path, lambda: system.open_input_file(inner)))

    def list_all(self, folder: str) -> Entries:
        """All objects below a folder, sorted by path; none when it is not there, but its bucket must be."""
        from pyarrow.fs import FileSelector

        system, inner = self._find(folder)
        bucket = inner.partition("/")[0]
        selector = FileSelector(inner, recursive=True, allow_not_found=True)
        infos = _translated(folder, lambda: system.get_file_info(selector))
        if not infos and _kind(_translated(folder, lambda: system.get_file_info(bucket))) == "NotFound":
            raise NotFoundError(f'there is no bucket "{bucket}"', hint="check its name and the store's address")
        root = _root(folder)
        return sorted(_entry(root + info.path.removeprefix(bucket), info) for info in infos if _kind(info) == "File")

    def create(self, path: str) -> Upload:
        """An object to be written from its beginning to its end."""
        self._writing(path)
        system, inner = self._find(path)
        return Upload(path, _translated(path, lambda: system.open_output_stream(inner)))

    def version_of(self, path: str) -> tuple[int, str, str]:
        """An object's bytes, tag and mark."""
        return self._writing(path).version_of(path)

    def get(self, path: str) -> tuple[bytes, str]:
        """A small object whole, and its tag."""
        if path.startswith("s3://") and find_spec("boto3") is not None:
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

    def settings(self) -> str:
        """What a worker needs to reach the same stores. Secret."""
        with self._lock:
            return json.dumps({"options": self._options, "of_bucket": self._of_bucket})

    def configure(self, settings: str) -> None:
        """Takes on the settings of the driver's."""
        told = json.loads(settings or "{}")
        with self._lock:
            self._options = checked_options(told.get("options"))
            self._of_bucket = {root: checked_options(options) for root, options in told.get("of_bucket", {}).items()}

    def _writing(self, path: str) -> S3Writing:
        from millpond.s3_writing import S3Writing, s3_client

        if not path.startswith("s3://"):
            raise UnsupportedError(
                f'"{path}" can\'t be written', hint="this version writes to s3:// and to paths of this machine"
            )
        with self._lock:
            root, options = self._options_for(path)
            if root not in self._s3_writing:
                endpoint, region = s3_address(options)
                self._s3_writing[root] = S3Writing(s3_client(options, endpoint, region))
            return self._s3_writing[root]

    def _options_for(self, path: str) -> tuple[str, dict[str, str]]:
        """What a connection is known by, and its options."""
        root = _root(path)
        if root in self._of_bucket:
            return root, self._of_bucket[root]
        return path.partition("://")[0], self._options

    def _find(self, path: str) -> tuple[FileSystem, str]:
        with self._lock:
            root, options = self._options_for(path)
            if root not in self._systems:
                self._systems[root] = connect(path, options)
            return self._systems[root], inner_path(path)


class StoredObject:
    """An object open for reading, by many threads at once."""

    def __init__(self, path: str, file: Any) -> None:
        self._path = path
        self._file = file

    def size(self) -> int:
        """Bytes."""
        return int(self._file.size())

    def read_at(self, nbytes: int, offset: int) -> Any:
        """The bytes from `offset`, as a buffer."""
        return _translated(self._path, lambda: self._file.read_at(nbytes, offset))


class Upload:
    """An object that is being written. It is there when finish() is done."""

    def __init__(self, path: str, stream: Any) -> None:
        self._path = path
        self._stream = stream

    def write(self, data: bytes) -> None:
        """The next bytes."""
        _translated(self._path, lambda: self._stream.write(data))

    def finish(self) -> None:
        """Gives the object its name."""
        _translated(self._path, self._stream.close)


def _root(path: str) -> str:
    """ "s3://bucket" of "s3://bucket/key", and "" of a path of this machine."""
    scheme, colon, rest = path.partition("://")
    return f"{scheme.lower()}://{rest.partition('/')[0]}" if colon and "/" not in scheme else ""


def _kind(info: FileInfo) -> str:
    return str(info.type.name)


def _entry(path: str, info: FileInfo) -> Entry:
    if _kind(info) == "Directory":
        return (path.rstrip("/"), 0, 0, True)
    return (path, int(info.size), int(info.mtime_ns or 0), False)


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
