"""Versions of DuckLake tables."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from millpond.ducklake_catalog import DuckLakeCatalog
from millpond.ducklake_columns import ducklake_columns
from millpond.errors import DataCorruptError, InvalidArgumentError, NotFoundError, UnsupportedError
from millpond.sql_text import quote_name
from millpond.store import root_of
from millpond.store_file import StoreFile
from millpond.table_bounds import UNKNOWN, Bounds, column_bounds, counts, has_order
from millpond.table_moment import moment_of
from millpond.table_snapshot import TableColumn, TableFile, TableSnapshot

if TYPE_CHECKING:
    import pyarrow as pa

    from millpond.object_store import ObjectStores

_SNAPSHOT_OF_ROW = "_ducklake_internal_snapshot_id"
_HOW_TO_REWRITE = "rewrite the table's files: CALL ducklake_rewrite_data_files('lake'), or write it anew"


@dataclass(frozen=True)
class DuckLakeVersion:
    """A table as it was at a snapshot."""

    snapshot: TableSnapshot
    #: Rows that lie in the catalog, with the columns of the snapshot.
    inlined: tuple[pa.Table, ...]
    #: The folder of the table's files.
    root: str


class DuckLakeTable:
    """A table in an open catalog, at a snapshot."""

    def __init__(
        self,
        catalog: DuckLakeCatalog,
        schema: str,
        table: str,
        version: int | None,
        timestamp: datetime.datetime | str | None,
        data_path: str | None,
    ) -> None:
        """NotFoundError when the snapshot has no such table, InvalidArgumentError when there is no such snapshot."""
        self._catalog = catalog
        self._number = _snapshot_number(catalog, version, timestamp)
        found = self._visible("ducklake_schema", "schema_id, schema_name, path, path_is_relative")
        schemas = {str(name).lower(): (number, path, relative) for number, name, path, relative in found}
        schema_id, schema_path, is_relative = schemas.get(schema.lower(), (None, "", False))
        columns = "table_id, table_name, path, path_is_relative"
        of_schema = f"schema_id = {int(schema_id)}" if schema_id is not None else "false"
        tables = {str(row[1]).lower(): row for row in self._visible("ducklake_table", columns, of_schema)}
        if table.lower() not in tables:
            raise NotFoundError(
                f'the DuckLake at "{catalog.path}" has no table "{schema}.{table}" at snapshot {self._number}',
                hint=f"tables there: {', '.join(sorted(row[1] for row in tables.values())) or 'none'}",
            )
        self._id, _, path, path_is_relative = tables[table.lower()]
        self._of_table = f"table_id = {int(self._id)}"
        base = data_path if data_path is not None else catalog.setting("data_path")
        base = _joined(_folder(base), schema_path, bool(is_relative))
        self.root = _joined(base, path, bool(path_is_relative))

    def read(self, stores: ObjectStores) -> DuckLakeVersion:
        """Its columns, files, deleted rows, and the rows that lie in the catalog."""
        columns = self._columns(self._number)
        files = self._files(columns)
        deletes = self._deletes(stores, files)
        gone = set(deletes["path"].unique().to_pylist()) if deletes is not None else set()
        marked = tuple(
            TableFile(file.path, has_deletes=file.path in gone, bounds=file.bounds) for file in files.values()
        )
        return DuckLakeVersion(
            TableSnapshot(columns, marked, deletes=deletes), tuple(self._inlined(columns)), self.root.rstrip("/")
        )

    def _visible(self, table: str, columns: str, where: str = "true", at: int | None = None) -> list[tuple[Any, ...]]:
        return self._catalog.rows(table, columns, f"{where} AND {_visible_at(self._number if at is None else at)}")

    def _columns(self, at: int) -> tuple[TableColumn, ...]:
        columns = "column_id, column_name, column_type, initial_default, parent_column, column_order"
        found = self._visible("ducklake_column", columns, self._of_table, at)
        return ducklake_columns(row[:5] for row in sorted(found, key=lambda row: (row[5], row[0])))

    def _files(self, columns: tuple[TableColumn, ...]) -> dict[int, TableFile]:
        names = (
            "data_file_id, path, path_is_relative, file_format, record_count, encryption_key, mapping_id, partial_max"
        )
        bounds = self._bounds(columns)
        files = {}
        for row in sorted(self._visible("ducklake_data_file", names, self._of_table)):
            number, path, relative, file_format, rows, key, mapping, last = row
            path = _joined(self.root, path, bool(relative))
            self._check_file(path, file_format, key, last)
            if mapping is not None:
                raise UnsupportedError(
                    f'the columns of "{path}" have no field ids, as in files that were added to the table',
                    hint=_HOW_TO_REWRITE,
                )
            of_file = {name: bound(counts(rows)) for name, bound in bounds.get(number, {}).items()}
            files[int(number)] = TableFile(path, bounds=of_file)
        return files

    def _check_file(self, path: str, file_format: str, key: str | None, last: int | None) -> None:
        if file_format != "parquet":
            raise UnsupportedError(f'"{path}" is no Parquet file but {file_format}', hint=_HOW_TO_REWRITE)
        if key:
            raise UnsupportedError(f'"{path}" is encrypted, which is not read')
        if last is not None and last > self._number:
            raise UnsupportedError(
                f'"{path}" holds rows of several snapshots, also of later ones than {self._number}',
                hint=f"files were merged since: read snapshot {last} or a later one",
            )

    def _bounds(self, columns: tuple[TableColumn, ...]) -> dict[int, dict[str, Any]]:
        """By files and columns' names, what gives the bounds when a file's rows are told."""
        types = self._catalog.rows("ducklake_column", "column_id, column_type", self._of_table)
        # What is written of a value depends on its type: a float is another number as a double.
        changed = {number for number in {n for n, _ in types} if len({kind for n, kind in types if n == number}) > 1}
        known = {
            column.key: column
            for column in columns
            if not column.children and column.key not in changed and has_order(column.type)
        }
        names = "data_file_id, column_id, min_value, max_value, null_count, contains_nan"
        found: dict[int, dict[str, Any]] = {}
        for file, number, least, greatest, nulls, nan in self._catalog.rows(
            "ducklake_file_column_stats", names, self._of_table
        ):
            if number in known:
                found.setdefault(int(file), {})[known[number].name] = _later(
                    known[number].type, least, greatest, counts(nulls), nan is not None and not nan
                )
        return found

    def _deletes(self, stores: ObjectStores, files: dict[int, TableFile]) -> pa.Table | None:
        import pyarrow as pa

        parts = []
        names = "data_file_id, path, path_is_relative, format, encryption_key"
        for number, path, relative, file_format, key in self._visible("ducklake_delete_file", names, self._of_table):
            if number in files:
                path = _joined(self.root, path, bool(relative))
                self._check_file(path, file_format, key, None)
                parts.append(_deleted(files[number].path, self._positions(stores, path)))
        name = f"ducklake_inlined_delete_{int(self._id)}"
        if name in self._catalog.tables:
            inlined: dict[int, list[int]] = {}
            for number, row in self._catalog.rows(name, "file_id, row_id", f"begin_snapshot <= {self._number}"):
                inlined.setdefault(int(number), []).append(int(row))
            parts += [
                _deleted(files[number].path, pa.array(sorted(set(rows)), pa.int64()))
                for number, rows in inlined.items()
                if number in files
            ]
        return pa.concat_tables(parts) if parts else None

    def _positions(self, stores: ObjectStores, path: str) -> pa.Array:
        """The numbers of the rows that a delete file names."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        if root_of(path):
            with BufferedReader(StoreFile(stores.open(path))) as file:
                table = pq.read_table(file)
        else:
            table = pq.ParquetFile(path).read()
        if _SNAPSHOT_OF_ROW in table.column_names:
            table = table.filter(pc.field(_SNAPSHOT_OF_ROW) <= self._number)
        return table["pos"].combine_chunks()

    def _begin_of(self, schema_version: int) -> int:
        """The snapshot from which on the table had this version of its columns."""
        where = f"schema_version = {schema_version} AND ({self._of_table} OR table_id IS NULL)"
        found = [int(begin) for (begin,) in self._catalog.rows("ducklake_schema_versions", "begin_snapshot", where)]
        if not found:
            raise DataCorruptError(
                f'the DuckLake at "{self._catalog.path}" tells no snapshot of schema {schema_version}'
            )
        return max(found)

    def _inlined(self, columns: tuple[TableColumn, ...]) -> list[pa.Table]:
        tables = []
        for name, version in self._catalog.rows(
            "ducklake_inlined_data_tables", "table_name, schema_version", self._of_table
        ):
            visible = _visible_at(self._number)
            table = quote_name(str(name))
            if str(name) not in self._catalog.tables or not self._catalog.rows(table, "1", f"{visible} LIMIT 1"):
                continue
            had = {column.key: column for column in self._columns(self._begin_of(int(version)))}
            selected = ", ".join(f"{_inlined_value(column, had)} AS c{i}" for i, column in enumerate(columns))
            tables.append(self._catalog.arrow(f"SELECT {selected} FROM {table} WHERE {visible} ORDER BY row_id"))
        return tables


def _inlined_value(column: TableColumn, had: dict[int | str, TableColumn]) -> str:
    before = had.get(column.key)
    if before is None:
        return f"CAST({column.default} AS {column.type})"
    if before.type != column.type and (before.children or column.children):
        raise UnsupportedError(
            f'the column "{column.name}" holds rows in the catalog with other fields than it has now',
            hint="write them to files first: CALL ducklake_flush_inlined_data('lake')",
        )
    return f"CAST({quote_name(before.name)} AS {column.type})"


def _later(kind: str, least: str | None, greatest: str | None, nulls: int | None, without_nan: bool) -> Any:
    def bounds(rows: int | None) -> Bounds:
        return column_bounds(kind, least, greatest, nulls, rows, without_nan=without_nan)

    return bounds if least is not None or greatest is not None or nulls is not None else lambda _: UNKNOWN


def _deleted(path: str, rows: pa.Array) -> pa.Table:
    import pyarrow as pa

    return pa.table({"path": pa.array([path] * len(rows), pa.string()), "row": rows.cast(pa.int64())})


def _visible_at(number: int) -> str:
    return f"begin_snapshot <= {number} AND (end_snapshot IS NULL OR end_snapshot > {number})"


def _snapshot_number(catalog: DuckLakeCatalog, version: int | None, timestamp: datetime.datetime | str | None) -> int:
    if version is not None and timestamp is not None:
        raise InvalidArgumentError("version and timestamp exclude each other")
    found = {int(number): str(time) for number, time in catalog.rows("ducklake_snapshot", f"snapshot_id, {_TIME}")}
    if version is not None:
        if version not in found:
            known = ", ".join(str(number) for number in sorted(found)[-5:])
            raise InvalidArgumentError(f"the DuckLake has no snapshot {version}", hint=f"the last ones are {known}")
        return version
    if timestamp is not None:
        moment = moment_of(timestamp)
        found = {number: time for number, time in found.items() if datetime.datetime.fromisoformat(time) <= moment}
    if not found:
        raise InvalidArgumentError(f"the DuckLake has no snapshot as old as {timestamp}")
    return max(found)


_TIME = "CAST(snapshot_time AS VARCHAR)"


def _folder(path: str) -> str:
    if not path:
        raise DataCorruptError("the DuckLake does not tell where its files are", hint="say it: data_path=")
    # DuckDB's extension takes it so, too.
    text = path if root_of(path) else os.path.abspath(path)  # noqa: PTH100 (follows no links)
    return text if text.endswith("/") else f"{text}/"


def _joined(base: str, path: str, is_relative: bool) -> str:
    return f"{base}{path}" if is_relative else path
