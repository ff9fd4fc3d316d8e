"""Writing a Delta table: tasks write the files, one commit of the driver names them all."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from millpond.delta_reading import deleted_rows, delta_address, delta_type, open_delta, reached
from millpond.errors import AlreadyExistsError, ConflictError, InvalidArgumentError, NotFoundError, UnsupportedError
from millpond.mounted_path import mounted_path
from millpond.optional_package import needed
from millpond.schema import Schema
from millpond.store import root_of
from millpond.table_files import WrittenFile, bounds_of, conformed, written_files
from millpond.table_identity import table_root, write_identity
from millpond.table_options import delta_options

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from millpond.dataframe import DataFrame

MODES = ("error", "append", "overwrite", "overwrite_partitions", "ignore")
# Types that Delta has not, as ones that hold the same values.
_AS_DELTA = {
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
    "UUID": "VARCHAR",
    "JSON": "VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
}
_COMMIT_TRIES = 20


class DeltaWrite:
    """One write of a frame to a Delta table."""

    def __init__(self, frame: DataFrame, path: str | os.PathLike[str], mode: str, partition_by: list[str]) -> None:
        """Checks what can be before any work is done. The session knows the keys of the path's store."""
        needed("deltalake", "write_delta", "delta")
        if mode not in MODES:
            raise InvalidArgumentError(f"mode={mode!r} is not known", hint=f"choose one of {', '.join(MODES)}")
        text = mounted_path(path).removeprefix("file://")
        self._stores = frame.session._stores
        self._path = table_root(text) if root_of(text) else str(Path(text).absolute())
        self._options = delta_options(self._path, self._stores.options_of(self._path))
        self._mode = mode
        self._frame = frame
        self._identity = write_identity(frame, self._path, f"{mode} {partition_by}")
        self._table = self._find()
        self._partition_by = partition_by
        if self._table is not None:
            own = list(self._table.metadata().partition_columns)
            if partition_by and partition_by != own:
                raise InvalidArgumentError(f"partition_by is {partition_by}, and the table's is {own}")
            self._partition_by = own
        if mode == "overwrite_partitions" and not self._partition_by:
            raise InvalidArgumentError("the table has no partitions to overwrite", hint='use mode="overwrite"')

    def run(self, settings: dict[str, Any]) -> None:
        """Writes and commits; nothing when this very write is in the table already."""
        folder = f"{self._path}/{self._identity.id}"
        core = self._frame.session._core
        if self._is_committed(self._table):
            core.finish_table_write(folder)  # The run that committed may have died before it could.
            return
        if self._mode == "ignore" and self._table is not None:
            return
        if self._mode == "error" and self._table is not None:
            raise AlreadyExistsError(
                f'there is a Delta table at "{self._path}"', hint='use mode="append", "overwrite" or another path'
            )
        frame = self._conformed()
        core.note_table_write(folder)
        # A folder of this name is this write's own, from a run that died before the commit.
        frame.write_parquet(folder, mode="overwrite", partition_by=self._partition_by or None, **settings)
        files = written_files(self._stores, folder)
        self._check_partitions(files)
        with reached(self._path, self._options):
            self._commit(files, frame.schema)
        core.finish_table_write(folder)

    def _find(self) -> DeltaTable | None:
        try:
            if root_of(self._path) or Path(self._path, "_delta_log").is_dir():
                return open_delta(self._path, storage_options=self._options)
        except NotFoundError:
            pass
        return None

    def _is_committed(self, table: DeltaTable | None) -> bool:
        plan = None if table is None else table.transaction_version(self._identity.id)
        if plan is not None:
            self._identity.note_skipped(self._path, plan)
        return plan is not None

    def _transaction(self) -> Any:
        import deltalake

        return deltalake.Transaction(self._identity.id, self._identity.plan)

    def _conformed(self) -> DataFrame:
        if self._table is None:
            columns = [(name, _AS_DELTA.get(kind, kind)) for name, kind in self._frame.schema.items()]
            columns = [(name, "VARCHAR" if kind.startswith("ENUM") else kind) for name, kind in columns]
            return conformed(self._frame, columns)
        if (self._table.metadata().configuration.get("delta.columnMapping.mode") or "none") != "none":
            raise UnsupportedError("a Delta table with column mapping can't be written", hint="write it with Spark")
        fields = json.loads(self._table.schema().to_json())["fields"]
        return conformed(self._frame, [(field["name"], delta_type(field["type"])) for field in fields])

    def _check_partitions(self, files: list[WrittenFile]) -> None:
        for file in files:
            for name, value in file.folders.items():
                if value == "":
                    raise InvalidArgumentError(
                        f"\"{name}\" has the value '', which a Delta table would take for NULL",
                        hint="write another value for it, or partition by another column",
                    )

    def _commit(self, files: list[WrittenFile], schema: Schema) -> None:
        import deltalake
        from deltalake.exceptions import CommitFailedError, DeltaError

        properties = deltalake.CommitProperties(app_transactions=[self._transaction()])
        own = deltalake.Schema.from_arrow(schema.to_arrow())
        adds = [self._add(file) for file in files]
        try:
            if self._table is None:
                self._create(own, adds, properties)
            elif self._mode == "append":
                self._table.create_write_transaction(
                    adds, "append", own, self._partition_by, commit_properties=properties
                )
            else:
                self._replace(own, adds, files)
        except DeltaError as error:
            # Another driver of the same job may have been first.
            if self._is_committed(self._find()):
                return
            if isinstance(error, CommitFailedError) or self._table is None:
                raise ConflictError(
                    f'another writer was first at "{self._path}": {error}',
                    hint="look at what it wrote, then run this again",
                ) from None
            raise InvalidArgumentError(f'the Delta table at "{self._path}" was not changed: {error}') from None

    def _create(self, schema: Any, adds: list[Any], properties: Any) -> None:
        import deltalake
        from deltalake.exceptions import DeltaError
        from deltalake.transaction import create_table_with_add_actions

        # When another's first version came a moment before, deltalake would try again, with this one as the second.
        first = deltalake.CommitProperties(max_commit_retries=0, app_transactions=[self._transaction()])
        try:
            create_table_with_add_actions(
                delta_address(self._path),
                schema,
                adds,
                "error",
                self._partition_by,
                storage_options=self._options,
                commit_properties=first,
            )
        except DeltaError:
            table = self._find()
            if table is None or self._mode not in ("append", "ignore") or self._is_committed(table):
                raise
            if self._mode == "append":
                table.create_write_transaction(adds, "append", schema, self._partition_by, commit_properties=properties)

    def _replace(self, schema: Any, adds: list[Any], files: list[WrittenFile]) -> None:
        import deltalake
        from deltalake.exceptions import CommitFailedError

        assert self._table is not None
        touched = None
        if self._mode == "overwrite_partitions":
            touched = {tuple(file.folders.get(name) for name in self._partition_by) for file in files}
        known = self._files_in(self._table, touched)
        now = int(datetime.datetime.now().timestamp() * 1000)
        removes = [
            deltalake.transaction.RemoveAction(unquote(path), True, now, size, partition)
            for path, (size, partition) in sorted(known.items())
        ]
        for _ in range(_COMMIT_TRIES):
            # Each commit of another writer is looked at: what it did to these files must not be undone unseen.
            properties = deltalake.CommitProperties(max_commit_retries=0, app_transactions=[self._transaction()])
            try:
                self._table.create_write_transaction(
                    [*removes, *adds], "append", schema, self._partition_by, commit_properties=properties
                )
                return
            except CommitFailedError as error:
                self._table = open_delta(self._path, storage_options=self._options)
                if self._is_committed(self._table):
                    return
                if self._files_in(self._table, touched).keys() != known.keys():
                    raise ConflictError(
                        f'another writer has changed what this write to "{self._path}" replaces: {error}',
                        hint="look at what it wrote, then run this again",
                    ) from None
        raise ConflictError(f'"{self._path}" has too many other writers', hint="run this again")

    def _files_in(self, table: DeltaTable, partitions: set[tuple[str | None, ...]] | None) -> dict[str, Any]:
        """Sizes and partitions of the files in some partitions, or in all, by their paths in the log."""
        import pyarrow as pa

        actions = pa.table(table.get_add_actions())
        if not actions.num_rows:
            return {}
        columns = []
        if self._partition_by:
            struct = actions["partition"].combine_chunks()
            columns = [struct.field(name).cast(pa.string()).to_pylist() for name in self._partition_by]
        found = {}
        rows = zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), *columns, strict=True)
        for path, size, *values in rows:
            if partitions is None or tuple(values) in partitions:
                found[path] = (size, dict(zip(self._partition_by, values, strict=True)))
        if found and deleted_rows(table) is not None:
            # A removal names a file together with its vector, which deltalake can't be told.
            raise UnsupportedError(
                f'"{self._path}" has deletion vectors, and its files can\'t be replaced',
                hint="remove them first (REORG TABLE … APPLY (PURGE) in Spark), or append",
            )
        return found

    def _add(self, file: WrittenFile) -> Any:
        import deltalake

        return deltalake.transaction.AddAction(
            file.path[len(self._path) + 1 :],
            file.size,
            {name: file.folders.get(name) for name in self._partition_by},
            file.mtime_ns // 1_000_000,
            True,
            json.dumps(delta_statistics(file.footer)),
        )


def delta_statistics(footer: Any) -> dict[str, Any]:
    """What a Delta log says of a file, by its footer: rows, and bounds of flat columns where they are exact."""
    least: dict[str, Any] = {}
    greatest: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for i in range(footer.num_columns):
        column = footer.schema.column(i)
        if "." in column.path or column.max_repetition_level:
            continue
        low, high, empty = bounds_of(footer, i)
        if empty is not None:
            nulls[column.path] = empty
        texts = _bound_text(low, False), _bound_text(high, True)
        if None not in texts:
            least[column.path], greatest[column.path] = texts
    return {"numRecords": footer.num_rows, "minValues": least, "maxValues": greatest, "nullCount": nulls}


def _bound_text(value: Any, is_upper: bool) -> Any:
    """A bound as JSON has it; None for one that it could not hold exactly."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int) or (isinstance(value, str) and len(value) <= 32):
        return value
    if isinstance(value, datetime.datetime):
        # Of milliseconds; what is cut off must not make the bound too narrow.
        moment = value.replace(microsecond=value.microsecond // 1000 * 1000)
        if is_upper and moment != value:
            moment += datetime.timedelta(milliseconds=1)
        return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + ("Z" if value.tzinfo else "")
    return value.isoformat() if isinstance(value, datetime.date) else None
