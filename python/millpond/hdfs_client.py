"""What a way to HDFS can do, and the one by its own protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from millpond.optional_package import needed
from millpond.store_options import HADOOP_PREFIXES


class Status(Protocol):
    """A file or folder."""

    @property
    def path(self) -> str: ...

    @property
    def length(self) -> int: ...

    @property
    def isdir(self) -> bool: ...

    @property
    def modification_time(self) -> int:
        """Milliseconds since the epoch."""


class Reader(Protocol):
    """A file open for reading, by many threads at once."""

    def __len__(self) -> int: ...

    def read(self) -> bytes:
        """All of it."""

    def read_range(self, offset: int, length: int, /) -> bytes:
        """So many bytes from `offset`, all of which must be there."""


class Writer(Protocol):
    """A file being written."""

    def write(self, data: bytes, /) -> Any:
        """The next bytes."""

    def close(self) -> None:
        """The file is whole from here on."""


class HdfsClient(Protocol):
    """Files by paths that begin with a slash. Safe for many threads.

    FileNotFoundError, FileExistsError and PermissionError say what they say; anything else that fails is another
    OSError, a RuntimeError or a ValueError.
    """

    def get_file_info(self, place: str) -> Status:
        """What is there."""

    def list_status(self, place: str) -> Iterable[Status]:
        """What lies directly in a folder."""

    def read(self, place: str) -> Reader:
        """Opens a file."""

    def create(self, place: str, *, overwrite: bool, create_parent: bool) -> Writer:
        """Begins a file."""

    def mkdirs(self, place: str) -> None:
        """Makes a folder with those above it; fine when it is there."""

    def rename(self, place: str, target: str, *, overwrite: bool = False) -> None:
        """Renames a file or folder, in one step. The target must be free, or a file that may be overwritten."""

    def delete(self, place: str, *, recursive: bool = False) -> object:
        """Removes a file or folder; fine when it is not there."""


class NativeHdfs:
    """A NameNode, or a service of the configuration, by the package hdfs-native, which needs no Java."""

    def __init__(self, root: str, options: Mapping[str, str]) -> None:
        """`options`: Hadoop's own settings, and Kerberos; else what HADOOP_CONF_DIR and HADOOP_USER_NAME say."""
        package = needed("hdfs_native", "hdfs://", "hdfs")
        self._options_of_write = package.WriteOptions
        self._client = package.Client(
            root if root != "hdfs://" else None,
            {name: value for name, value in options.items() if name.startswith(HADOOP_PREFIXES)},
            kerberos_principal=options.get("hdfs_kerberos_principal"),
            kerberos_keytab=options.get("hdfs_kerberos_keytab"),
            kerberos_cache=options.get("hdfs_kerberos_cache"),
        )

    def get_file_info(self, place: str) -> Status:
        """What is there."""
        return self._client.get_file_info(place)  # type: ignore[no-any-return]

    def list_status(self, place: str) -> Iterable[Status]:
        """What lies directly in a folder."""
        return self._client.list_status(place)  # type: ignore[no-any-return]

    def read(self, place: str) -> Reader:
        """Opens a file."""
        return self._client.read(place)  # type: ignore[no-any-return]

    def create(self, place: str, *, overwrite: bool, create_parent: bool) -> Writer:
        """Begins a file."""
        options = self._options_of_write(overwrite=overwrite, create_parent=create_parent)
        return self._client.create(place, options)  # type: ignore[no-any-return]

    def mkdirs(self, place: str) -> None:
        """Makes a folder with those above it; fine when it is there."""
        self._client.mkdirs(place, create_parent=True)

    def rename(self, place: str, target: str, *, overwrite: bool = False) -> None:
        """Renames a file or folder, in one step. The target must be free, or a file that may be overwritten."""
        self._client.rename(place, target, overwrite)

    def delete(self, place: str, *, recursive: bool = False) -> object:
        """Removes a file or folder; fine when it is not there."""
        return self._client.delete(place, recursive)
