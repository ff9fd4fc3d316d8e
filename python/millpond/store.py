"""What every store does, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from millpond.errors import DataCorruptError

#: A path, its bytes, its time in nanoseconds, whether it is a folder, and its tag: the store's own, another for each
#: content; empty for a folder, and where the store has none.
Entry = tuple[str, int, int, bool, str]
Entries = list[Entry]
#: A source, its new name, and the bytes that it must have.
Copy = tuple[str, str, int]
Copies = list[Copy]
Paths = list[str]

_T = TypeVar("_T")
_THREADS = 8


class Upload(Protocol):
    """An object that is being written. It is there when finish() is done."""

    def write(self, data: bytes) -> None:
        """The next bytes."""

    def finish(self) -> None:
        """Gives the object its name."""


class Readable(Protocol):
    """An object open for reading, by many threads at once."""

    def size(self) -> int:
        """Bytes."""

    def tag(self) -> str:
        """The tag of the one content that is read, with DataCorruptError once there is another; "": no such promise."""

    def read_at(self, nbytes: int, offset: int) -> Any:
        """The bytes from `offset`, as a buffer. Where there is a method `read_into(view, offset)`, that is used."""


class Store(ABC):
    """One store, for paths of one scheme. Safe for many threads.

    `include/millpond/object_store.h` tells of each call what it promises. Errors are millpond's: they name the path,
    and never a key.
    """

    @abstractmethod
    def stat(self, path: str) -> Entry:
        """What is at a path: an object, else a folder."""

    @abstractmethod
    def list(self, path: str) -> Entries:
        """What lies directly in a folder, sorted by path."""

    @abstractmethod
    def open(self, path: str) -> Readable:
        """An object, to be read in pieces."""

    def open_known(self, path: str, size: int, tag: str) -> Readable:
        """The same for an object as it was listed: it need not be asked for again where it has a tag."""
        del size, tag
        return self.open(path)

    @abstractmethod
    def list_all(self, folder: str) -> Entries:
        """All objects below a folder, sorted by path; none when it is not there, but its bucket must be."""

    @abstractmethod
    def create(self, path: str) -> Upload:
        """An object to be written from its beginning to its end."""

    @abstractmethod
    def version_of(self, path: str) -> tuple[int, str, str]:
        """An object's bytes, tag and mark."""

    @abstractmethod
    def get(self, path: str) -> tuple[bytes, str]:
        """A small object whole, and its tag."""

    @abstractmethod
    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Puts an object in the place of the one with this tag; without a tag, of none."""

    @abstractmethod
    def copy(self, copies: Copies, mark: str) -> None:
        """Puts objects under other names of their store."""

    @abstractmethod
    def remove(self, paths: Paths) -> None:
        """Removes objects; fine when they are not there."""

    @abstractmethod
    def remove_prefix(self, prefix: str) -> None:
        """Removes the objects whose paths begin so, and gives up the uploads of such."""


def root_of(path: str) -> str:
    """ "s3://bucket" of "s3://bucket/key", and "" of a path of this machine, where 3FS is mounted."""
    scheme, colon, rest = path.partition("://")
    if scheme.lower() == "3fs":
        return ""
    return f"{scheme.lower()}://{rest.partition('/')[0]}" if colon and "/" not in scheme else ""


def key_of(path: str) -> str:
    """ "key" of "s3://bucket/key"; "" of the bucket."""
    return path.partition("://")[2].partition("/")[2]


def plain_tag(etag: str) -> str:
    """An ETag without the quotes, which stores write in some answers and leave out in others."""
    return etag.strip('"')


def changed(path: str) -> DataCorruptError:
    """The error for an object that is not the one that was opened."""
    return DataCorruptError(
        f'"{path}" has changed since it was listed', hint="run the program again: it reads what is there now", file=path
    )


def in_parallel(call: Callable[[_T], object], items: Iterable[_T]) -> None:
    """`call` for each, some at once; the first error when there is one."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(call, item) for item in items]:
            done.result()


def other_size(path: str, found: int, wanted: int) -> DataCorruptError:
    """The error for a staged object that is not what was written."""
    return DataCorruptError(
        f'"{path}" has {found} bytes, not the {wanted} that were written',
        hint="run the job again: it is then written anew",
    )
