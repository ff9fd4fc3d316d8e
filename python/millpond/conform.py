"""One schema for all that a function gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from millpond.errors import UserFunctionError

if TYPE_CHECKING:
    import pyarrow as pa

#: Tables held back at most while a column has shown nothing but NULL.
_MAX_WAITING = 16


def conform(table: pa.Table, schema: pa.Schema, is_declared: bool) -> pa.Table:
    """`table` with exactly the columns of `schema`, each cast without loss."""
    import pyarrow as pa

    if table.schema.equals(schema):
        return table
    source = "declared" if is_declared else "the first rows had"
    missing = [name for name in schema.names if name not in table.column_names]
    extra = [name for name in table.column_names if name not in schema.names]
    if missing or extra:
        raise UserFunctionError(
            f"the function gave the columns ({', '.join(table.column_names)}); {source} ({', '.join(schema.names)})",
            hint="give every batch the same columns" + ("" if is_declared else ", or declare them with schema="),
        )
    columns = []
    for field in schema:
        try:
            columns.append(table.column(field.name).cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UserFunctionError(
                f"the function gave column {field.name!r} as {table.schema.field(field.name).type}; "
                f"{source} {field.type}: {error}",
                hint="make all values of one type" if is_declared else "declare the column's type with schema=",
            ) from error
    return pa.Table.from_arrays(columns, schema=schema)


def settle(tables: Iterator[pa.Table]) -> tuple[pa.Schema | None, list[pa.Table]]:
    """The schema that the first tables show, and these tables. A column of only NULLs waits for a later one."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    schema: pa.Schema | None = None
    for table in tables:
        if table.num_columns == 0 and table.num_rows == 0:
            continue
        waiting.append(table)
        try:
            schema = table.schema if schema is None else pa.unify_schemas([schema, table.schema])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            break  # conform() says which column differs.
        has_unknown = any(pa.types.is_null(field.type) for field in schema)
        if not has_unknown or len(waiting) == _MAX_WAITING:
            break
    return schema, waiting
