"""Writing a frame to tables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from millpond.file_options import Names, PathLike, StorageOptions, name_list
from millpond.frame_base import FrameBase

if TYPE_CHECKING:
    from pyiceberg.table import Table


class FrameTables(FrameBase):
    """The writers of tables of a DataFrame.

    Tasks write the files, then one commit of the driver names them all: a reader sees the table before it or after it.
    The commit carries the write's name, which is the same when the same program runs again under the same `job_id`: a
    write that is in the table is not done twice. Of a job that died before its commit, files stay that no version
    names; the job run again commits them, and the table's own clean-up removes them. Rows must fit the table's columns:
    missing ones are NULL, types are widened, anything else is an error.

    `mode`: `"error"` (the default) makes a new table; `"append"`; `"overwrite"` replaces all rows;
    `"overwrite_partitions"` replaces the partitions that the frame has rows for. Other writers' commits in between are
    a reason to try again for appends, and a ConflictError for what would undo them.
    """

    def write_delta(
        self,
        path: PathLike,
        *,
        mode: str = "error",
        partition_by: Names = None,
        sort_by: Names = None,
        max_rows_per_file: int | None = None,
        compression: str | None = None,
        storage_options: StorageOptions = None,
    ) -> None:
        """Writes to a Delta table, on a disk or a store; `mode="ignore"` does nothing when it is there.

        Needs `millpond[delta]`. `DeltaTable(path).vacuum(full=True, dry_run=False)` removes what dead jobs left.
        `storage_options` are added to the session's for the path's bucket.

        >>> session.from_items([{"p": 1, "v": 2}, {"p": 2, "v": 3}]).write_delta(folder / "sales", partition_by="p")
        >>> session.from_items([{"p": 2, "v": 9}]).write_delta(folder / "sales", mode="overwrite_partitions")
        >>> session.read_delta(folder / "sales").map("max(v) AS v").take_all()
        [{'v': 9}]
        """
        from millpond.delta_writing import DeltaWrite

        settings = {"sort_by": sort_by, "max_rows_per_file": max_rows_per_file, "compression": compression}
        if storage_options:
            _frame(self).session._stores.add(os.fspath(path), storage_options)
        DeltaWrite(_frame(self), path, mode, name_list(partition_by, "partition_by")).run(settings)

    def write_iceberg(
        self,
        table: Table,
        *,
        mode: str = "append",
        sort_by: Names = None,
        max_rows_per_file: int | None = None,
        compression: str | None = None,
    ) -> None:
        """Writes to an Iceberg table, as a pyiceberg catalog gives it; it is refreshed. Needs `millpond[iceberg]`.

        `mode` is `"append"` (the default), `"overwrite"` or `"overwrite_partitions"`. The table's partitions may be by
        identity, year, month, day, hour or truncation. A store is reached with the session's key, else the table's own.
        """
        from millpond.iceberg_writing import IcebergWrite

        settings = {"sort_by": sort_by, "max_rows_per_file": max_rows_per_file, "compression": compression}
        IcebergWrite(_frame(self), table, mode).run(settings)


def _frame(frame: FrameTables) -> Any:
    from millpond.dataframe import DataFrame

    assert isinstance(frame, DataFrame)
    return frame
