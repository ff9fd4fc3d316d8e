"""Snapshots of Iceberg tables, by the package pyiceberg."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from millpond.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError, UnsupportedError
from millpond.iceberg_statistics import iceberg_bounds
from millpond.mounted_path import mounted_path
from millpond.optional_package import needed
from millpond.sql_text import literal, quote_name
from millpond.store import root_of
from millpond.table_options import iceberg_properties, is_denied, options_of_iceberg, without_secrets
from millpond.table_snapshot import TableColumn, TableFile, TableSnapshot

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.types import IcebergType, NestedField

    from millpond.file_options import StorageOptions
    from millpond.object_store import ObjectStores


def open_iceberg(
    table: Table | str | os.PathLike[str], stores: ObjectStores, storage_options: StorageOptions = None
) -> Table:
    """The table itself, or the one whose metadata lies at a path. NotFoundError where there is none.

    From here on `stores` has a key for the table's bucket: what it knew, else the table's own.
    """
    tables = needed("pyiceberg.table", "an Iceberg table", "iceberg")
    if isinstance(table, tables.Table):
        _learn_key(stores, table, storage_options)
        return cast("Table", table)
    if not isinstance(table, (str, os.PathLike)):
        raise InvalidArgumentError(
            f"{type(table).__qualname__} is no Iceberg table", hint="give a pyiceberg Table, or a metadata file's path"
        )
    path = mounted_path(table)
    if storage_options:
        stores.add(path, storage_options)
    options = stores.options_of(path)
    try:
        return tables.StaticTable.from_metadata(path, iceberg_properties(local_path(path), options))  # type: ignore[no-any-return]
    except OSError as error:
        if isinstance(error, PermissionError) or is_denied(str(error)):
            raise PermissionDeniedError(
                f'the store refuses access to "{path}": {without_secrets(str(error), options)}',
                hint="check the key, its rights, and the store's address",
            ) from None
        if root_of(path):
            with contextlib.suppress(NotFoundError):
                stores.get(path)  # The answer to a HEAD may leave out that a key is refused.
        raise NotFoundError(
            f'there is no Iceberg table at "{path}": {without_secrets(str(error), options)}',
            hint="give the path of its metadata.json, or the Table that a pyiceberg catalog loads",
        ) from None


def _learn_key(stores: ObjectStores, table: Table, storage_options: StorageOptions) -> None:
    root = local_path(table.location())
    if storage_options:
        stores.add(root, storage_options)
    own = options_of_iceberg(table.io.properties)
    # A catalog may give another key each time: the first holds for the session.
    if root_of(root) and own and not set(own) & set(stores.options_of(root)):
        stores.add(root, own)


def iceberg_snapshot(
    table: Table, snapshot_id: int | None = None, timestamp: datetime.datetime | str | None = None
) -> TableSnapshot:
    """The columns, files and deleted rows of a snapshot; of the current one when none is told."""
    if timestamp is not None:
        if snapshot_id is not None:
            raise InvalidArgumentError("snapshot_id and timestamp exclude each other")
        snapshot_id = _snapshot_at(table, timestamp)
    if snapshot_id is not None and table.snapshot_by_id(snapshot_id) is None:
        known = ", ".join(str(snapshot.snapshot_id) for snapshot in table.snapshots()[-5:])
        raise InvalidArgumentError(f"the table has no snapshot {snapshot_id}", hint=f"the last ones are {known}")
    scan = table.scan(snapshot_id=snapshot_id)
    try:
        tasks = list(scan.plan_files())
    except ValueError as error:
        raise UnsupportedError(
            f"this snapshot can't be read: {error}",
            hint="rewrite the table's files with the engine that wrote it, so that its deletes are in them",
        ) from None
    schema = scan.projection()
    if tasks and "schema.name-mapping.default" in table.properties:
        _check_field_ids(table, tasks)
    for task in tasks:
        if task.file.file_format != "PARQUET":
            raise UnsupportedError(f'"{task.file.file_path}" is no Parquet file but {task.file.file_format}')
    return TableSnapshot(
        columns=tuple(_column(field) for field in schema.fields),
        files=tuple(_file(task, schema.fields) for task in tasks),
        deletes=_deleted_rows(table, tasks),
    )


def _check_field_ids(table: Table, tasks: Iterable[FileScanTask]) -> None:
    """A table with a name mapping may have files whose columns have no field ids: by ids they would read as NULL."""
    import pyarrow.parquet as pq

    for task in tasks:
        with table.io.new_input(task.file.file_path).open() as stream:
            schema = pq.read_schema(stream)
        if not all(field.metadata and b"PARQUET:field_id" in field.metadata for field in schema):
            raise UnsupportedError(
                f'the columns of "{task.file.file_path}" have no field ids, as in files that were added to the table',
                hint="rewrite these files with the engine that added them, or read them with read_parquet",
            )


def _snapshot_at(table: Table, timestamp: datetime.datetime | str) -> int:
    moment = datetime.datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else timestamp
    found = table.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
    if found is None:
        raise InvalidArgumentError(f"the table has no snapshot as old as {timestamp}")
    return found.snapshot_id


def _file(task: FileScanTask, fields: Iterable[NestedField]) -> TableFile:
    bounds = {f.name: iceberg_bounds(task.file, f, iceberg_type(f.field_type)) for f in fields}
    return TableFile(local_path(task.file.file_path), has_deletes=bool(task.delete_files), bounds=bounds)


def local_path(path: str) -> str:
    """A location as pyiceberg writes it, as a path that DuckDB, or a store of ours, knows."""
    if path.startswith(("s3a://", "s3n://")):
        return f"s3://{path[6:]}"
    return path.removeprefix("file://") if path.startswith("file://") else path.removeprefix("file:")


def _deleted_rows(table: Table, tasks: Iterable[FileScanTask]) -> pa.Table | None:
    """`path` and `row` of each deleted row; None where there are none."""
    import pyarrow as pa
    from pyiceberg.io.pyarrow import _read_deletes

    wanted = {task.file.file_path: task.delete_files for task in tasks if task.delete_files}
    if not wanted:
        return None
    every = {delete.file_path: delete for deletes in wanted.values() for delete in deletes}
    for path, delete in every.items():
        if delete.file_format != "PARQUET":
            raise UnsupportedError(
                f'"{path}" holds deleted rows as {delete.file_format}, which can\'t be read yet',
                hint="rewrite the table's files with the engine that wrote it, so that its deletes are in them",
            )
    rows_in = {path: _read_deletes(table.io, delete) for path, delete in every.items()}
    parts = []
    for path, deletes in wanted.items():
        numbers = {row for d in deletes for row in rows_in[d.file_path].get(path, pa.chunked_array([[]])).to_pylist()}
        rows = pa.array(sorted(numbers), pa.int64())
        parts.append(pa.table({"path": pa.array([local_path(path)] * len(rows), pa.string()), "row": rows}))
    return pa.concat_tables(parts)


def _column(field: NestedField) -> TableColumn:
    default = "NULL" if field.initial_default is None else literal(field.initial_default)
    return TableColumn(field.name, iceberg_type(field.field_type), field.field_id, _children(field.field_type), default)


def _children(kind: IcebergType) -> tuple[TableColumn, ...]:
    from pyiceberg.types import ListType, MapType, StructType

    if isinstance(kind, StructType):
        return tuple(_column(field) for field in kind.fields)
    if isinstance(kind, ListType):
        return (_inner("element", kind.element_type, kind.element_id),)
    if isinstance(kind, MapType):
        return (_inner("key", kind.key_type, kind.key_id), _inner("value", kind.value_type, kind.value_id))
    return ()


def _inner(name: str, kind: IcebergType, field_id: int) -> TableColumn:
    return TableColumn(name, iceberg_type(kind), field_id, _children(kind))


_TYPES = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ns": "TIMESTAMP_NS",
    "string": "VARCHAR",
    "uuid": "UUID",
    "binary": "BLOB",
}


def iceberg_type(kind: IcebergType) -> str:
    """The DuckDB type of an Iceberg type."""
    from pyiceberg.types import DecimalType, FixedType, ListType, MapType, StructType

    if isinstance(kind, DecimalType):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if isinstance(kind, FixedType):
        return "BLOB"
    if isinstance(kind, ListType):
        return iceberg_type(kind.element_type) + "[]"
    if isinstance(kind, MapType):
        return f"MAP({iceberg_type(kind.key_type)}, {iceberg_type(kind.value_type)})"
    if isinstance(kind, StructType):
        return "STRUCT(" + ", ".join(f"{quote_name(f.name)} {iceberg_type(f.field_type)}" for f in kind.fields) + ")"
    if str(kind) not in _TYPES:
        raise UnsupportedError(f"an Iceberg column of type {kind} can't be read", hint="leave it out of the table")
    return _TYPES[str(kind)]
