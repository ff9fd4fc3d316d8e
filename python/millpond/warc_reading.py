"""Records of WARC files, by the package warcio."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from millpond.errors import DataCorruptError
from millpond.local_files import check_unchanged
from millpond.optional_package import needed

if TYPE_CHECKING:
    import pyarrow as pa

RECORD_TYPES = (
    "warcinfo",
    "response",
    "resource",
    "request",
    "metadata",
    "revisit",
    "conversion",
    "continuation",
)
COLUMNS = {
    "record_id": "VARCHAR",
    "record_type": "VARCHAR",
    "target_uri": "VARCHAR",
    "date": "TIMESTAMP WITH TIME ZONE",
    "content_type": "VARCHAR",
    "headers": 'STRUCT("name" VARCHAR, "value" VARCHAR)[]',
    "http_status": "INTEGER",
    "http_headers": 'STRUCT("name" VARCHAR, "value" VARCHAR)[]',
    "content": "BLOB",
    "filename": "VARCHAR",
}
ENDINGS = (".warc", ".warc.gz", ".warc.zst")
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
# A table of records is handed on when it has this many, or their content so many bytes.
_ROWS = 1024
_BYTES = 16 << 20

Row = dict[str, Any]


class RecordReader:
    """Makes of tables of files' names tables of their records of some types. Runs in workers."""

    def __init__(self, record_types: Collection[str], *, with_content: bool) -> None:
        self._types = frozenset(record_types)
        self._with_content = with_content

    def __call__(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The records of each file that a row names and describes, as `find_files` does."""
        for table in tables:
            for file in table.to_pylist():
                check_unchanged(file)
                yield from _tables(self._rows(file["filename"]))

    def _rows(self, path: str) -> Iterator[Row]:
        reading = needed("warcio.archiveiterator", "a WARC file", "warc")
        stream = _Stream(path)
        try:
            # A record's own headers are parsed below, when all of it is there.
            for record in reading.ArchiveIterator(stream, no_record_parse=True):
                if record.rec_headers.get_header("Content-Length") is None:
                    raise _damaged(path, "a record lacks its length")
                is_wanted = record.rec_type in self._types
                content = record.raw_stream.read()
                if record.raw_stream.limit:
                    raise _damaged(path, "a record is cut off")
                if is_wanted:
                    yield self._row(record, content, path)
            stream.finish()
        except DataCorruptError:
            raise
        except Exception as error:
            raise _damaged(path, str(error) or type(error).__name__) from None
        finally:
            stream.close()

    def _row(self, record: Any, content: bytes, path: str) -> Row:
        headers = record.rec_headers
        kind = headers.get_header("Content-Type")
        http = _parted(content) if (kind or "").lower().startswith("application/http") else None
        status, http_headers, body = http or (None, None, content)
        return {
            "record_id": headers.get_header("WARC-Record-ID"),
            "record_type": record.rec_type,
            "target_uri": headers.get_header("WARC-Target-URI"),
            "date": _moment(headers.get_header("WARC-Date")),
            "content_type": kind,
            "headers": [{"name": name, "value": value} for name, value in headers.headers],
            "http_status": status,
            "http_headers": http_headers,
            "content": body if self._with_content else None,
            "filename": path,
        }


class _Stream:
    """A file, decompressed, that knows how it ended."""

    def __init__(self, path: str) -> None:
        import pyarrow as pa

        self._path = path
        self._last = b""
        ending = next((ending for ending in _COMPRESSIONS if path.lower().endswith(ending)), "")
        source = pa.OSFile(path)
        self._source = pa.CompressedInputStream(source, _COMPRESSIONS[ending]) if ending else source

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = bytes(self._source.read(size if size >= 0 else None))
        self._last = data[-1:] or self._last
        return data

    def tell(self) -> int:
        """Where it stands; nobody needs to know."""
        return 0

    def finish(self) -> None:
        """DataCorruptError when what follows the last record is the beginning of another."""
        while self.read(1 << 16):
            continue
        if self._last not in (b"\n", b""):
            raise _damaged(self._path, "it ends within a record")

    def close(self) -> None:
        """Lets go of the file."""
        self._source.close()


def _tables(rows: Iterator[Row]) -> Iterator[pa.Table]:
    kept: list[Row] = []
    size = 0
    for row in rows:
        kept.append(row)
        size += len(row["content"] or b"")
        if len(kept) >= _ROWS or size >= _BYTES:
            yield _table(kept)
            kept, size = [], 0
    if kept:
        yield _table(kept)


def _table(rows: list[Row]) -> pa.Table:
    import pyarrow as pa

    header = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
    text = pa.string()
    schema = pa.schema(
        [
            ("record_id", text),
            ("record_type", text),
            ("target_uri", text),
            ("date", pa.timestamp("us", "UTC")),
            ("content_type", text),
            ("headers", header),
            ("http_status", pa.int32()),
            ("http_headers", header),
            ("content", pa.binary()),
            ("filename", text),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _parted(content: bytes) -> tuple[int | None, list[dict[str, str]], bytes] | None:
    """The status, headers and body of an HTTP message; None when it is none. A request has no status."""
    head, blank, body = content.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    if not blank or "HTTP/" not in first:
        return None
    words = first.split()
    status = int(words[1]) if words[0].startswith("HTTP/") and len(words) > 1 and words[1].isdecimal() else None
    pairs = [line.partition(":") for line in lines if ":" in line]
    return status, [{"name": name.strip(), "value": value.strip()} for name, _, value in pairs], body


def _moment(text: str | None) -> datetime.datetime | None:
    """WARC dates have up to nine digits of a second: a column holds six."""
    if not text:
        return None
    whole, dot, fraction = text.rstrip("Z").partition(".")
    try:
        moment = datetime.datetime.fromisoformat(f"{whole}{dot}{fraction[:6].ljust(6, '0') if dot else ''}")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _damaged(path: str, what: str) -> DataCorruptError:
    error = DataCorruptError(f"a WARC file is damaged: {what}", hint="get it again from where it came")
    error.file = path
    return error
