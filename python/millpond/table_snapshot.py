"""What a version of a table holds, whatever the format that says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from millpond.sql_text import literal
from millpond.table_bounds import Bounds

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class TableColumn:
    """A column, or a field of a nested one: its name in the frame and what it is known by in the files."""

    name: str
    #: A DuckDB type.
    type: str
    #: A field id, or the name in the files.
    key: int | str
    children: tuple[TableColumn, ...] = ()
    #: What rows of files that lack it hold, as a SQL literal.
    default: str = "NULL"


@dataclass(frozen=True)
class TableFile:
    """A Parquet file of the version. `partition` holds values, as text, of columns that the file itself may lack."""

    path: str
    partition: dict[str, str | None] = field(default_factory=dict)
    #: Whether some of its rows are deleted: `TableSnapshot.deletes` says which.
    has_deletes: bool = False
    #: By columns' names, where something is known.
    bounds: dict[str, Bounds] = field(default_factory=dict)


@dataclass(frozen=True)
class TableSnapshot:
    """The columns and files of one version."""

    columns: tuple[TableColumn, ...]
    files: tuple[TableFile, ...]
    #: Columns whose values come from `TableFile.partition`.
    partition_columns: tuple[str, ...] = ()
    #: Whether files that lie in `key=value` folders of these values hold their columns under the names of the frame.
    by_folders: bool = False
    #: Rows that are gone: `path` and `row`, its number in the file.
    deletes: pa.Table | None = None


def schema_option(columns: tuple[TableColumn, ...], names: list[str] | None = None) -> str:
    """DuckDB's reader option `schema`, which finds columns by their keys. `names` replace the columns' own."""
    entries = [_entry(column, names[i] if names else column.name) for i, column in enumerate(columns)]
    return "MAP {" + ", ".join(entries) + "}"


def _entry(column: TableColumn, name: str) -> str:
    children = "NULL"
    if column.children:
        children = "MAP {" + ", ".join(_entry(child, child.name) for child in column.children) + "}"
    return (
        f"{literal(column.key)}: {{'name': {literal(name)}, 'type': {literal(column.type)}, "
        f"'default_value': {column.default}, 'children': {children}}}"
    )
