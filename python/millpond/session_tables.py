"""Frames over tables: files that a log or a catalog tells of, version by version."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from millpond.file_options import PathLike, StorageOptions
from millpond.mounted_path import mounted_path
from millpond.source_line import source_line
from millpond.table_frame import frame_of, with_rows

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from millpond.dataframe import DataFrame


class SessionTables:
    """The readers of tables of a Session.

    A frame is pinned to the version that was read, however the table changes later. Its columns are those of that
    version in all files, whatever they were called, of which type or in which order when a file was written; rows that
    the table says are deleted are left out. The table's own records tell files and columns; every file's footer is read
    now. Filters skip files by what the records say of their values, and row groups by their statistics.
    """

    def read_delta(
        self,
        path: PathLike,
        *,
        version: int | None = None,
        timestamp: datetime.datetime | str | None = None,
        storage_options: StorageOptions = None,
    ) -> DataFrame:
        """A frame over a Delta table, as it is, or as it was at a `version` or a `timestamp`. Needs `millpond[delta]`.

        A naive timestamp is local time. Column mapping and deletion vectors are read; what else a table asks of its
        readers is an UnsupportedError. `storage_options` are added to the session's for the path's bucket.

        >>> session.from_items([1, 2]).write_delta(folder / "table")
        >>> session.from_items([3]).write_delta(folder / "table", mode="append")
        >>> session.read_delta(folder / "table").count(), session.read_delta(folder / "table", version=0).count()
        (3, 2)
        """
        from millpond.delta_reading import delta_snapshot, open_delta, reached
        from millpond.table_options import delta_options

        line = source_line()
        place, session = mounted_path(path), _as_session(self)
        if storage_options:
            session._stores.add(place, storage_options)
        options = delta_options(place.removeprefix("file://"), session._stores.options_of(place))
        table = open_delta(place, version, timestamp, options)
        with reached(place, options):
            snapshot = delta_snapshot(table)
        return frame_of(session, snapshot, place, line)

    def read_iceberg(
        self,
        table: Table | PathLike,
        *,
        snapshot_id: int | None = None,
        timestamp: datetime.datetime | str | None = None,
        storage_options: StorageOptions = None,
    ) -> DataFrame:
        """A frame over an Iceberg table, as it is, or as it was at a snapshot or a time. Needs `millpond[iceberg]`.

        `table` is a pyiceberg Table, as a catalog gives it, or the path of a metadata.json, or of a table's folder with
        a version hint. Columns are found by field id. Files with position deletes are read; equality
        deletes and deletion vectors are an UnsupportedError. Files on a store are read with the keys that the session
        has for it, else with the table's own; `storage_options` are added to the session's for the table's bucket.
        """
        from millpond.iceberg_reading import iceberg_snapshot, local_path, open_iceberg

        line = source_line()
        session = _as_session(self)
        opened = open_iceberg(table, session._stores, storage_options)
        return frame_of(session, iceberg_snapshot(opened, snapshot_id, timestamp), local_path(opened.location()), line)

    def read_ducklake(
        self,
        catalog: PathLike,
        table: str,
        *,
        schema: str = "main",
        version: int | None = None,
        timestamp: datetime.datetime | str | None = None,
        data_path: PathLike | None = None,
        storage_options: StorageOptions = None,
    ) -> DataFrame:
        """A frame over a table of a DuckLake, as it is, or as it was at a `version` (snapshot) or a `timestamp`.

        `catalog` is its database file of DuckDB or SQLite, on this machine; a naive timestamp is local time. Columns
        are found by field id, deleted rows left out, rows that lie in a catalog of DuckDB's read from there, now.
        `data_path` says where the files are instead of the catalog. What is not read is an UnsupportedError: another
        format than 1.0, encrypted files, files without field ids. `storage_options` as for `read_delta`.
        """
        from millpond.ducklake_catalog import DuckLakeCatalog
        from millpond.ducklake_reading import DuckLakeTable

        line, session = source_line(), _as_session(self)
        where = None if data_path is None else mounted_path(data_path)
        with DuckLakeCatalog(mounted_path(catalog)) as opened:
            found = DuckLakeTable(opened, schema, table, version, timestamp, where)
            if storage_options:
                session._stores.add(found.root, storage_options)
            read = found.read(session._stores)
        frame = frame_of(session, read.snapshot, read.root, line)
        return with_rows(session, frame, read.snapshot.columns, read.inlined)


def _as_session(reading: SessionTables) -> Any:
    from millpond.session import Session

    assert isinstance(reading, Session)
    return reading
