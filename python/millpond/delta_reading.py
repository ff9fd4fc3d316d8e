"""Versions of Delta tables, by the package deltalake."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote

from millpond.delta_statistics import delta_bounds
from millpond.errors import (
    InvalidArgumentError,
    MillpondError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)
from millpond.optional_package import needed
from millpond.sql_text import quote_name
from millpond.store import key_of, root_of
from millpond.table_moment import moment_of
from millpond.table_options import is_denied, without_secrets
from millpond.table_snapshot import TableColumn, TableFile, TableSnapshot

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

# What a table may ask of its readers and is done here. Others change what files hold or which rows count.
_KNOWN_FEATURES = {
    "columnMapping",
    "deletionVectors",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
}


def open_delta(
    path: str | os.PathLike[str],
    version: int | None = None,
    timestamp: datetime.datetime | str | None = None,
    storage_options: Mapping[str, str] | None = None,
) -> DeltaTable:
    """The table as deltalake knows it, at a version or a moment. NotFoundError where there is none.

    `storage_options`: deltalake's, see `delta_options`.
    """
    deltalake = needed("deltalake", "a Delta table", "delta")
    if version is not None and timestamp is not None:
        raise InvalidArgumentError("version and timestamp exclude each other")
    try:
        with reached(os.fspath(path), storage_options or {}):
            address = delta_address(os.fspath(path))
            table = deltalake.DeltaTable(address, version=version, storage_options=dict(storage_options or {}))
            if timestamp is not None:
                table.load_as_version(moment_of(timestamp))
    except deltalake.exceptions.TableNotFoundError as error:
        raise NotFoundError(f'there is no Delta table at "{os.fspath(path)}": {error}') from None
    except deltalake.exceptions.DeltaError as error:
        which = f"version {version}" if version is not None else f"a version of {timestamp}" if timestamp else "it"
        raise InvalidArgumentError(
            f'the Delta table at "{os.fspath(path)}" does not give {which}: {error}',
            hint="DeltaTable(path).history() tells its versions",
        ) from None
    return cast("DeltaTable", table)


def delta_address(path: str) -> str:
    """A path on a store as an address: deltalake decodes percent signs in it, and our paths are literal."""
    root = "" if path.startswith("file:") else root_of(path)
    return f"{root}/{quote(key_of(path))}" if root else path


@contextmanager
def reached(path: str, storage_options: Mapping[str, str]) -> Iterator[None]:
    """What a store says to deltalake as an error of ours, without keys."""
    try:
        yield
    except MillpondError:
        raise
    except OSError as error:
        text = without_secrets(str(error), storage_options)
        if is_denied(str(error)):
            raise PermissionDeniedError(
                f'the store refuses access to the Delta table at "{path}": {text}',
                hint="check the key, its rights, and the store's address",
            ) from None
        raise UnavailableError(
            f'the store did not do what was asked of the Delta table at "{path}": {text}',
            hint="check the store's address and the network",
        ) from None


def delta_snapshot(table: DeltaTable) -> TableSnapshot:
    """The columns, files and deleted rows of the version that `table` stands at."""
    import pyarrow as pa

    _check_features(table)
    fields = json.loads(table.schema().to_json())["fields"]
    mode = table.metadata().configuration.get("delta.columnMapping.mode") or "none"
    columns = tuple(_column(field, mode) for field in fields)
    partition_columns = tuple(table.metadata().partition_columns)
    deletes = deleted_rows(table)
    with_deletes = set(deletes["path"].unique().to_pylist()) if deletes is not None else set()
    actions = pa.table(table.get_add_actions())
    values = _partition_values(actions, columns, partition_columns)
    bounds = delta_bounds(actions, columns, values)
    files = []
    for i, path in enumerate(actions["path"].to_pylist()):
        absolute = _absolute(table.table_uri, unquote(path))
        partition = {name: texts[i] for name, texts in values.items()}
        files.append(TableFile(absolute, partition, absolute in with_deletes, bounds[i]))
    return TableSnapshot(columns, tuple(files), partition_columns, mode == "none", deletes)


def _check_features(table: DeltaTable) -> None:
    unknown = set(table.protocol().reader_features or []) - _KNOWN_FEATURES
    if unknown:
        raise UnsupportedError(
            f'the Delta table at "{table.table_uri}" needs readers that know {", ".join(sorted(unknown))}',
            hint="read it with an engine that does, and write it anew without",
        )


def _partition_values(
    actions: pa.Table, columns: tuple[TableColumn, ...], names: tuple[str, ...]
) -> dict[str, list[str | None]]:
    """The values of each partition column, as text, a file each."""
    import pyarrow as pa

    if not names or not actions.num_rows:
        return {}
    struct = actions["partition"].combine_chunks()
    keys = {column.name: str(column.key) for column in columns}
    inside = set(struct.type.names)
    found = {name: struct.field(name if name in inside else keys[name]) for name in names}
    return {name: array.cast(pa.string()).to_pylist() for name, array in found.items()}


def deleted_rows(table: DeltaTable) -> pa.Table | None:
    """`path` and `row` of each deleted row; None where there are none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "deletionVectors" not in (table.protocol().reader_features or []):
        return None
    parts = []
    for batch in pa.table(table.deletion_vectors()).to_batches():
        for path, kept in zip(batch["filepath"], batch["selection_vector"], strict=True):
            rows = pc.indices_nonzero(pc.invert(kept.values)).cast(pa.int64())
            name = _absolute(table.table_uri, unquote(path.as_py()))
            parts.append(pa.table({"path": pa.array([name] * len(rows), pa.string()), "row": rows}))
    return pa.concat_tables(parts) if parts else None


def _absolute(root: str, path: str) -> str:
    if path.startswith("file://"):
        return path.removeprefix("file://")
    if path.startswith("/") or "://" in path:
        return path
    place = root.rstrip("/").removeprefix("file://")
    return f"{unquote(place) if root_of(place) else place}/{path}"


def _column(field: dict[str, Any], mode: str) -> TableColumn:
    kind = field["type"]
    if mode != "none" and any(_physical(f, mode) != f["name"] for f in _fields_within(kind)):
        raise UnsupportedError(
            f'the column "{field["name"]}" of this Delta table holds renamed fields',
            hint="read it with an engine that maps nested fields, and write it anew",
        )
    return TableColumn(field["name"], delta_type(kind), _physical(field, mode))


def _physical(field: dict[str, Any], mode: str) -> str:
    return str(field["name"] if mode == "none" else field["metadata"]["delta.columnMapping.physicalName"])


def _fields_within(kind: Any) -> list[dict[str, Any]]:
    if isinstance(kind, str):
        return []
    fields = list(kind.get("fields", []))
    inner = [kind[name] for name in ("elementType", "keyType", "valueType") if name in kind]
    return fields + [f for one in [*(field["type"] for field in fields), *inner] for f in _fields_within(one)]


_TYPES = {
    "byte": "TINYINT",
    "short": "SMALLINT",
    "integer": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
}


def delta_type(kind: Any) -> str:
    """The DuckDB type of a type in a Delta schema's JSON.

    >>> delta_type({"type": "array", "elementType": "long"}), delta_type("decimal(9,2)")
    ('BIGINT[]', 'DECIMAL(9,2)')
    """
    if isinstance(kind, str):
        if kind.startswith("decimal"):
            return kind.upper()
        if kind not in _TYPES:
            raise UnsupportedError(f"a Delta column of type {kind} can't be read", hint="leave it out of the table")
        return _TYPES[kind]
    if kind["type"] == "array":
        return delta_type(kind["elementType"]) + "[]"
    if kind["type"] == "map":
        return f"MAP({delta_type(kind['keyType'])}, {delta_type(kind['valueType'])})"
    return "STRUCT(" + ", ".join(f"{quote_name(f['name'])} {delta_type(f['type'])}" for f in kind["fields"]) + ")"
