"""Lines of text files, whole or from a range of bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from millpond.errors import DataCorruptError, InvalidArgumentError
from millpond.local_files import FileFacts, check_unchanged
from millpond.store import changed
from millpond.store_file import StoreFile
from millpond.stored_files import stores_here

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = (".txt", ".log", ".text")
ENDINGS = tuple(f"{plain}{packed}" for plain in _PLAIN for packed in ("", ".gz", ".zst"))
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
# What one task reads of a file that is not compressed, and what is in memory of it at once.
_PIECE_BYTES = 64 << 20
_BLOCK_BYTES = 4 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def compression_of(path: str) -> str | None:
    """How a file is compressed, by its name."""
    return next((name for ending, name in _COMPRESSIONS.items() if path.lower().endswith(ending)), None)


def pieces_of(files: Iterable[FileFacts], piece_bytes: int = _PIECE_BYTES) -> list[dict[str, Any]]:
    """Ranges of bytes of the files, in order. A compressed file is one piece, with no end."""
    pieces: list[dict[str, Any]] = []
    for file in files:
        facts = {"tag": "", **file}
        if compression_of(file["filename"]):
            pieces.append({**facts, "first": 0, "behind": -1})
            continue
        for first in range(0, max(file["size"], 1), piece_bytes):
            pieces.append({**facts, "first": first, "behind": min(first + piece_bytes, file["size"])})
    return pieces


class LineReader:
    """Makes of tables of pieces of files tables of their lines. Runs in workers.

    A line belongs to the piece that it begins in, so pieces that follow each other give each line once.
    """

    def __init__(self, *, replaces_errors: bool, with_filename: bool) -> None:
        self._replaces_errors = replaces_errors
        self._with_filename = with_filename

    def __call__(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The lines of each piece that a row describes, as `pieces_of` does."""
        import pyarrow as pa

        for table in tables:
            for piece in table.to_pylist():
                path, first, behind = piece["filename"], piece["first"], piece["behind"]
                facts: FileFacts = {"filename": path, "size": piece["size"], "mtime_ns": piece["mtime_ns"]}
                if "://" in path:
                    facts["tag"] = piece["tag"]
                check_unchanged(facts)
                for block in _blocks(path, first, behind, piece["tag"]):
                    columns = {"value": self._lines(block, path)}
                    if self._with_filename:
                        columns["filename"] = pa.repeat(path, len(columns["value"]))
                    yield pa.table(columns)
                check_unchanged(facts)  # Not every reading is held to one content.

    def _lines(self, block: bytes, path: str) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._replaces_errors:
            block = block.decode("utf-8", "replace").encode()
        whole = pa.array([block.removesuffix(b"\n")], pa.large_binary())
        try:
            lines = pc.list_flatten(pc.split_pattern(whole, "\n")).cast(pa.large_string())
        except pa.ArrowInvalid:
            raise InvalidArgumentError(
                "this text is not UTF-8", hint='pass encoding_errors="replace" to read U+FFFD for such bytes', file=path
            ) from None
        return pc.replace_substring_regex(lines, "\r\\z", "") if b"\r" in block else lines


def _blocks(path: str, first: int, behind: int, tag: str) -> Iterator[bytes]:
    """Whole lines that begin in the bytes from `first` on, before `behind` unless it is negative, many at once."""
    import pyarrow as pa

    compression = compression_of(path)
    with _opened(path, tag) as file, pa.CompressedInputStream(file, compression) if compression else file as source:
        try:
            for number, block in enumerate(_cut(source, first, behind)):
                yield block.removeprefix(_BYTE_ORDER_MARK) if first == 0 and number == 0 else block
        except OSError as error:
            if compression is None:
                raise
            raise DataCorruptError(f"a compressed file is damaged: {error}", file=path) from None


def _opened(path: str, tag: str) -> Any:
    import pyarrow as pa

    if "://" not in path:
        return pa.OSFile(path)
    file = stores_here().open(path)
    if file.tag() not in ("", tag):
        raise changed(path)
    return pa.PythonFile(StoreFile(file), "r")


def _cut(source: Any, first: int, behind: int) -> Iterator[bytes]:
    rest = b""
    if first > 0:
        # The line that holds the byte before belongs to the piece before.
        source.seek(first - 1)
        first -= 1
        while b"\n" not in rest:
            rest = bytes(source.read(_BLOCK_BYTES))
            if not rest:
                return
            first += len(rest)
        skipped = rest.index(b"\n") + 1
        first += skipped - len(rest)
        rest = rest[skipped:]
    while behind < 0 or first < behind:
        data = bytes(source.read(_BLOCK_BYTES))
        rest += data
        last = rest.find(b"\n", behind - 1 - first) + 1 if 0 <= behind <= first + len(rest) else 0
        if last or not data:
            if rest:
                yield rest[:last] if last else rest
            return
        whole = rest.rfind(b"\n") + 1
        if whole:
            yield rest[:whole]
        first += whole
        rest = rest[whole:]
