"""An object of a store as a file of Python."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millpond.store import Readable


class StoreFile(io.RawIOBase):
    """Reads an open object; each read is a request, so put a buffer before it for many small ones."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._place = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a place, which may lie behind the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size()}[whence]
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """The next bytes, at least one before the end."""
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self._file.size() - self._place))
        if wanted:
            piece = memoryview(self._file.read_at(wanted, self._place))
            view[: len(piece)] = piece
            wanted = len(piece)
        self._place += wanted
        return wanted
