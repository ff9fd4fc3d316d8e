"""Functions of one row, applied to a batch of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from millpond.errors import UserFunctionError

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows turned into Python objects at a time.
ROWS_AT_ONCE = 8192

Row = dict[str, Any]


class RowCounter:
    """Which row of the partition is being worked on, for messages."""

    def __init__(self) -> None:
        self.row = 0

    def over(self, table: pa.Table) -> Iterator[Row]:
        """The rows of `table`, counted as they are taken."""
        for row in table.to_pylist():
            yield row
            self.row += 1


def filter_rows(function: Callable[[Row], Any], table: pa.Table, counter: RowCounter) -> pa.Table:
    """The rows for which `function` gives something true, unchanged in every type."""
    import pyarrow as pa

    return table.filter(pa.array([bool(function(row)) for row in counter.over(table)], pa.bool_()))


def map_rows(function: Callable[[Row], Any], table: pa.Table, counter: RowCounter) -> list[Row]:
    """What `function` makes of each row."""
    return [_checked(function(row), "map") for row in counter.over(table)]


def flat_map_rows(function: Callable[[Row], Iterable[Any]], table: pa.Table, counter: RowCounter) -> list[Row]:
    """All that `function` makes of each row, one after the other."""
    rows: list[Row] = []
    for row in counter.over(table):
        made = function(row)
        if made is None or isinstance(made, (Mapping, str)):
            raise UserFunctionError(
                f"the function given to flat_map returned {_kind(made)} for row {counter.row}",
                hint="return a list of dicts, one for each row to make; an empty list for none",
            )
        rows.extend(_checked(item, "flat_map") for item in made)
    return rows


def _checked(row: Any, operation: str) -> Row:
    if isinstance(row, dict):
        return row
    if isinstance(row, Mapping):
        return dict(row)
    raise UserFunctionError(
        f"the function given to {operation} made {_kind(row)} where a dict of column names and values is needed",
        hint='return a dict such as {"a": 1}' + ("" if operation == "flat_map" else "; use filter to choose rows"),
    )


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__} ({repr(value)[:80]})"


def rows_to_table(rows: list[Row], schema: pa.Schema | None) -> pa.Table:
    """Rows as a table. Without a schema, columns stand in order of first appearance; a row without one has NULL.

    >>> rows_to_table([{"a": 1}, {"b": "x"}], None).to_pydict()
    {'a': [1, None], 'b': [None, 'x']}
    """
    import pyarrow as pa

    names = dict.fromkeys(name for row in rows for name in row) if schema is None else dict.fromkeys(schema.names)
    if schema is not None:
        for row in rows:
            for name in row:
                if name not in names:
                    raise UserFunctionError(
                        f"a row has the column {name!r}, which is not in the schema ({', '.join(names)})",
                        hint="declare all columns with schema=",
                    )
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns[name] = pa.array(values, schema.field(name).type if schema is not None else None)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            expected = f"{schema.field(name).type}" if schema is not None else "one type"
            raise UserFunctionError(
                f"the values made for column {name!r} are not all of {expected}: {error}",
                hint="make them of one type, or declare the column's type with schema=",
            ) from error
    if not columns:
        return pa.table({})
    return pa.table(columns, schema=schema)
