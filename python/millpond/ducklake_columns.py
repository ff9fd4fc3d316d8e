"""Columns of DuckLake tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from millpond.errors import UnsupportedError
from millpond.sql_text import literal, quote_name
from millpond.table_snapshot import TableColumn

_TYPES = {
    "boolean": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint8": "UTINYINT",
    "uint16": "USMALLINT",
    "uint32": "UINTEGER",
    "uint64": "UBIGINT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "time": "TIME",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp_us": "TIMESTAMP",
    "timestamp_ms": "TIMESTAMP_MS",
    "timestamp_ns": "TIMESTAMP_NS",
    "timestamp_s": "TIMESTAMP_S",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "varchar": "VARCHAR",
    "blob": "BLOB",
    "uuid": "UUID",
}


def ducklake_columns(rows: Iterable[tuple[Any, ...]]) -> tuple[TableColumn, ...]:
    """The columns that rows of `ducklake_column` describe: id, name, type, default, parent, in their order."""
    every = list(rows)
    return tuple(_column(row, every) for row in every if row[4] is None)


def _column(row: tuple[Any, ...], every: list[tuple[Any, ...]]) -> TableColumn:
    number, name, kind, default, _ = row
    children = tuple(_column(child, every) for child in every if child[4] == number)
    value = "NULL" if default is None else literal(str(default))
    return TableColumn(str(name), _type(str(name), str(kind), children), int(number), children, value)


def _type(name: str, kind: str, children: tuple[TableColumn, ...]) -> str:
    if kind == "struct":
        return "STRUCT(" + ", ".join(f"{quote_name(child.name)} {child.type}" for child in children) + ")"
    if kind == "list":
        return f"{children[0].type}[]"
    if kind == "map":
        return f"MAP({children[0].type}, {children[1].type})"
    if kind.startswith("decimal("):
        return kind.upper()
    if kind not in _TYPES:
        raise UnsupportedError(
            f'the column "{name}" of this DuckLake table is {kind}, which is not read', hint="leave it out of the table"
        )
    return _TYPES[kind]
