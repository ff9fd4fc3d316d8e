"""Frames over files that Python functions read: lines of text, and formats that packages of Python know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError
from millpond.file_options import Names, PathLike, Paths, StorageOptions, name_list, path_list
from millpond.local_files import find_files
from millpond.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from millpond.dataframe import DataFrame
    from millpond.object_store import ObjectStores

# Each partition is a task; with more files, tasks read several.
_MOST_PARTITIONS = 1000


class SessionPackages:
    """The readers of a Session that run Python functions in worker processes.

    A frame has a partition for each file, piece or fragment, up to 1,000. What a query does not need is read all the
    same, but for what the reader's own arguments leave out: rows pass through Python.
    """

    def read_text(
        self,
        paths: Paths,
        *,
        filename: bool = False,
        recursive: bool = False,
        encoding_errors: str = "strict",
        storage_options: StorageOptions = None,
    ) -> DataFrame:
        """A frame over the lines of text files, in order, as the column `value` (Spark's name for it).

        `paths` are literal, patterns or folders (`.txt`, `.log`, `.text`), on disks and stores. Files whose names end
        in `.gz` or `.zst` are decompressed, each in one task; others are cut into pieces of 64 MiB, where a line ends.
        A line ends with "\\n" or "\\r\\n", which are left out. Text is UTF-8, a mark of the byte order at its beginning
        is left out, and other bytes are an error, or with `encoding_errors="replace"` read as U+FFFD. `filename` adds
        the file's path. `storage_options` are added to the session's for the paths' buckets.

        >>> _ = (folder / "job.log").write_text("begun\\n\\nended\\n")
        >>> session.read_text(folder / "job.log").take_all()
        [{'value': 'begun'}, {'value': ''}, {'value': 'ended'}]
        """
        from millpond.text_reading import ENDINGS, LineReader, pieces_of

        if encoding_errors not in ("strict", "replace"):
            raise InvalidArgumentError(
                f"encoding_errors={encoding_errors!r} is not known", hint='choose "strict" or "replace"'
            )
        reader = LineReader(replaces_errors=encoding_errors == "replace", with_filename=filename)
        columns = {"value": "VARCHAR", **({"filename": "VARCHAR"} if filename else {})}
        stores, found = _stores_of(self), path_list(paths)
        for path in found if storage_options else ():
            stores.add(path, storage_options or {})
        files = find_files(found, ENDINGS, recursive=recursive, stores=stores)
        return _spread(self, pieces_of(files), reader, columns)

    def read_warc(
        self, paths: Paths, *, record_types: Names = "response", content: bool = True, recursive: bool = False
    ) -> DataFrame:
        """A frame over the records of web archives, `.warc`, `.warc.gz` or `.warc.zst`. Needs `millpond[warc]`.

        `paths` are of this machine: literal, patterns or folders. `record_types` are those to read; all with `()`.
        Columns: `record_id`, `record_type`, `target_uri`, `date` (to the microsecond), `content_type`, `headers` (names
        and values, as the archive has them), `http_status`, `http_headers`, `content` (bytes), `filename`. Of records
        that hold HTTP the content is what follows its headers, as it was sent: maybe compressed or in chunks.
        Segments of long records are not joined. A file that is cut off or damaged is a DataCorruptError.
        `content=False` leaves NULL there, to look at what is in an archive.

        >>> _ = (folder / "a.warc").write_bytes(
        ...     b"WARC/1.0\\r\\nWARC-Type: resource\\r\\nWARC-Target-URI: urn:x\\r\\n"
        ...     b"Content-Length: 2\\r\\n\\r\\nhi\\r\\n\\r\\n"
        ... )
        >>> archive = session.read_warc(folder / "a.warc", record_types="resource")
        >>> archive.select(["target_uri", "content"]).take_all()
        [{'target_uri': 'urn:x', 'content': b'hi'}]
        """
        from millpond.optional_package import needed
        from millpond.warc_reading import COLUMNS, ENDINGS, RECORD_TYPES, RecordReader

        wanted = name_list(record_types, "record_types") or list(RECORD_TYPES)
        unknown = set(wanted).difference(RECORD_TYPES)
        if unknown:
            raise InvalidArgumentError(f"{sorted(unknown)} are no types of records", hint=f"known are {RECORD_TYPES}")
        needed("warcio", "a WARC file", "warc")
        files = find_files(path_list(paths), ENDINGS, recursive=recursive)
        return _spread(self, files, RecordReader(wanted, with_content=content), COLUMNS)

    def read_lance(
        self,
        path: PathLike,
        *,
        columns: Names = None,
        filter: str | None = None,  # noqa: A002 (Lance's word)
        version: int | str | None = None,
    ) -> DataFrame:
        """A frame over a Lance dataset, as it is now, or at a version or tag. Needs `millpond[lance]`.

        `columns` are read alone, in this order; `filter` is a condition of Lance's own SQL, by which it skips rows and
        uses its indexes. The frame stays at the version that was read. Keys of stores are found by the environment.

        >>> import lance
        >>> _ = lance.write_dataset(session.sql("SELECT range AS n FROM range(5)").to_arrow(), folder / "n.lance")
        >>> session.read_lance(folder / "n.lance", filter="n > 2").take_all()
        [{'n': 3}, {'n': 4}]
        """
        from millpond.lance_reading import FragmentReader, describe_fragments, open_lance, whole_path

        where = whole_path(path)
        dataset = open_lance(where, version)
        reader = FragmentReader(where, dataset.version, name_list(columns, "columns") or None, filter)
        schema = dict(Schema(reader.schema(dataset)))
        fragments = describe_fragments(dataset)
        return _spread(self, fragments, reader, schema)


def _stores_of(session: SessionPackages) -> ObjectStores:
    from millpond.session import Session

    assert isinstance(session, Session)
    return session._stores


def _spread(
    session: SessionPackages, pieces: Sequence[Mapping[str, Any]], reader: Callable[..., Any], schema: dict[str, Any]
) -> DataFrame:
    """A frame of what `reader` makes of the rows that describe pieces of data."""
    from millpond.session import Session

    assert isinstance(session, Session)
    columns = {name: "VARCHAR" if isinstance(value, str) else "BIGINT" for name, value in pieces[0].items()}
    frame = session.from_items(pieces, schema=columns)
    if len(pieces) > 1:
        frame = frame.repartition(min(len(pieces), _MOST_PARTITIONS), by_rows=True)
    return frame.map_batches(reader, streaming=True, schema=schema)
