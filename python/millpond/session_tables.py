"""Frames over tables: files that a log or a catalog tells of, version by version."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from millpond.file_options import PathLike
from millpond.source_line import source_line
from millpond.table_frame import frame_of

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
        storage_options: Mapping[str, str] | None = None,
    ) -> DataFrame:
        """A frame over a Delta table, as it is, or as it was at a `version` or a `timestamp`. Needs `millpond[delta]`.

        A naive timestamp is local time. Column mapping and deletion vectors are read; what else a table asks of its
        readers is an UnsupportedError. `storage_options` are for its log, as deltalake takes them.

        >>> session.from_items([1, 2]).write_delta(folder / "table")
        >>> session.from_items([3]).write_delta(folder / "table", mode="append")
        >>> session.read_delta(folder / "table").count(), session.read_delta(folder / "table", version=0).count()
        (3, 2)
        """
        from millpond.delta_reading import delta_snapshot, open_delta

        line = source_line()
        table = open_delta(path, version, timestamp, storage_options)
        return frame_of(_as_session(self), delta_snapshot(table), os.fspath(path), line)

    def read_iceberg(
        self,
        table: Table | PathLike,
        *,
        snapshot_id: int | None = None,
        timestamp: datetime.datetime | str | None = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> DataFrame:
        """A frame over an Iceberg table, as it is, or as it was at a snapshot or a time. Needs `millpond[iceberg]`.

        `table` is a pyiceberg Table, as a catalog gives it, or the path of a metadata.json, or of a table's folder with
        a version hint. Columns are found by field id. Files with position deletes are read; equality
        deletes and deletion vectors are an UnsupportedError. `storage_options` are pyiceberg's, where `table` is a
        path.
        """
        from millpond.iceberg_reading import iceberg_snapshot, open_iceberg

        line = source_line()
        opened = open_iceberg(table, storage_options)
        return frame_of(_as_session(self), iceberg_snapshot(opened, snapshot_id, timestamp), opened.location(), line)


def _as_session(reading: SessionTables) -> Any:
    from millpond.session import Session

    assert isinstance(reading, Session)
    return reading
