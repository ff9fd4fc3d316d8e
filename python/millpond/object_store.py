"""Objects of stores by path, `s3://bucket/key`, through pyarrow's file systems."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from millpond.errors import (
    InvalidArgumentError,
    MillpondError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

#: A path, its bytes, its time in nanoseconds, and whether it is a folder.
Entry = tuple[str, int, int, bool]

#: What `storage_options` may hold for `s3://`, named as in Polars and delta-rs.
S3_OPTIONS = (
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_endpoint_url",
    "aws_virtual_hosted_style_request",
    "aws_skip_signature",
)
_CONNECT_SECONDS = 10
_REQUEST_SECONDS = 60

# What a store's error says, by its code's name: whose fault it is.
_DENIED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "HTTP 403", "InvalidAccessKeyId")
_MISSING = ("NO_SUCH_BUCKET", "NO_SUCH_KEY", "RESOURCE_NOT_FOUND", "HTTP 404")


class ObjectStores:
    """The stores of a session, each connected when it is first asked for. Safe for many threads."""

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        """`options`: keys and addresses (S3_OPTIONS); what is left out is looked for as the AWS tools do."""
        self._options = checked_options(options)
        self._lock = threading.Lock()
        self._systems: dict[str, FileSystem] = {}

    def __repr__(self) -> str:
        return f"ObjectStores({', '.join(sorted(self._options))})"

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
        infos = _translated(path, lambda: system.get_file_info(FileSelector(inner, recursive=False)))
        folder = path.rstrip("/")
        return sorted(_entry(f"{folder}/{info.base_name}", info) for info in infos)

    def open(self, path: str) -> StoredObject:
        """An object, to be read in pieces."""
        system, inner = self._find(path)
        return StoredObject(path, _translated(path, lambda: system.open_input_file(inner)))

    def settings(self) -> str:
        """What a worker needs to reach the same stores. Secret."""
        return json.dumps(self._options)

    def configure(self, settings: str) -> None:
        """Takes on the settings of the driver's."""
        self._options = checked_options(json.loads(settings or "{}"))

    def _find(self, path: str) -> tuple[FileSystem, str]:
        scheme, _, inner = path.partition("://")
        with self._lock:
            if scheme not in self._systems:
                self._systems[scheme] = _connect(scheme, path, self._options)
            return self._systems[scheme], inner


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


def checked_options(options: Mapping[str, object] | None) -> dict[str, str]:
    """`options` as texts. Never shows a value: it may be a secret."""
    checked: dict[str, str] = {}
    for name, value in (options or {}).items():
        if name not in S3_OPTIONS:
            raise InvalidArgumentError(
                f"storage_options has no {name!r}",
                hint=f"known are {', '.join(S3_OPTIONS)}; did you mean one of these?",
            )
        if not isinstance(value, (str, bool)):
            raise InvalidArgumentError(f"storage_options[{name!r}] is a {type(value).__name__}", hint="give text")
        checked[name] = str(value).lower() if isinstance(value, bool) else value
    return checked


def _connect(scheme: str, path: str, options: dict[str, str]) -> FileSystem:
    if scheme != "s3":
        raise UnsupportedError(
            f'"{path}" is on a store that this version can\'t reach', hint="it reads s3:// and paths of this machine"
        )
    try:
        from pyarrow.fs import AwsDefaultS3RetryStrategy, S3FileSystem
    except ImportError:
        raise UnsupportedError(f'"{path}" needs the package pyarrow', hint="pip install pyarrow") from None
    endpoint = (
        options.get("aws_endpoint_url") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    )
    address, http = None, "https"
    if endpoint:
        http, colon, address = endpoint.rpartition("://")
        if not colon or http not in ("http", "https") or not address.strip("/"):
            raise InvalidArgumentError("the S3 endpoint is no address", hint='write it as "https://host:port"')
    region = options.get("aws_region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return S3FileSystem(
        access_key=options.get("aws_access_key_id"),
        secret_key=options.get("aws_secret_access_key"),
        session_token=options.get("aws_session_token"),
        anonymous=_flag(options, "aws_skip_signature"),
        # A store at an address of its own doesn't look at the region, but one must be named.
        region=region or ("us-east-1" if endpoint else None),
        endpoint_override=address.strip("/") if address else None,
        scheme=http,
        force_virtual_addressing=_flag(options, "aws_virtual_hosted_style_request"),
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_REQUEST_SECONDS,
        retry_strategy=AwsDefaultS3RetryStrategy(max_attempts=5),
    )


def _flag(options: dict[str, str], name: str) -> bool:
    value = options.get(name, "false").lower()
    if value not in ("true", "false"):
        raise InvalidArgumentError(f"storage_options[{name!r}] is neither true nor false")
    return value == "true"


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
