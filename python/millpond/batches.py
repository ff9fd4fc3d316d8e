"""Batches of rows: cut to size, and handed over in the form that a function asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError, UserFunctionError

if TYPE_CHECKING:
    import pyarrow as pa


def rebatch(batches: Iterable[pa.RecordBatch], size: int, schema: pa.Schema) -> Iterator[pa.Table]:
    """The same rows as tables of exactly `size` rows, the last one smaller. No row is copied.

    >>> import pyarrow as pa
    >>> batches = [pa.record_batch({"a": range(n)}) for n in (3, 0, 4)]
    >>> [table.num_rows for table in rebatch(batches, 2, batches[0].schema)]
    [2, 2, 2, 1]
    """
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while batch.num_rows > 0:
            piece = batch.slice(0, size - rows)
            batch = batch.slice(piece.num_rows)
            waiting.append(piece)
            rows += piece.num_rows
            if rows == size:
                yield pa.Table.from_batches(waiting, schema)
                waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema)


def _to_pandas(table: pa.Table) -> Any:
    return table.to_pandas()


def _to_polars(table: pa.Table) -> Any:
    import polars

    return polars.from_arrow(table)


def _to_numpy(table: pa.Table) -> dict[str, Any]:
    return {
        name: column.combine_chunks().to_numpy(zero_copy_only=False)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _to_pyarrow(table: pa.Table) -> pa.Table:
    return table


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "pyarrow": _to_pyarrow,
    "pandas": _to_pandas,
    "polars": _to_polars,
    "numpy": _to_numpy,
}


def converter(batch_format: str) -> Callable[[pa.Table], Any]:
    """The function that turns a table into `batch_format`."""
    try:
        return _CONVERSIONS[batch_format]
    except KeyError:
        raise InvalidArgumentError(
            f"batch_format={batch_format!r} is not known", hint='choose "pyarrow", "pandas", "polars" or "numpy"'
        ) from None


def to_table(result: Any, name: str) -> pa.Table:
    """What a function gave back as a table: any of the batch formats, or an object with `__arrow_c_stream__`."""
    import pyarrow as pa

    if isinstance(result, pa.Table):
        return result
    if isinstance(result, pa.RecordBatch):
        return pa.Table.from_batches([result])
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(result, pandas.DataFrame):
        return pa.Table.from_pandas(result, preserve_index=False)
    if isinstance(result, dict):
        return pa.table({key: _column(values) for key, values in result.items()})
    if hasattr(result, "__arrow_c_stream__"):
        return pa.table(result)
    raise UserFunctionError(
        f"the function {name!r} returned {_described(result)}",
        hint="return a pyarrow Table or RecordBatch, a pandas or polars DataFrame, or a dict of arrays",
    )


def _column(values: Any) -> Any:
    import pyarrow as pa

    if getattr(values, "ndim", 1) > 1:  # A numpy array of several dimensions: a list for each row.
        return pa.array(list(values))
    return values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)


def _described(result: Any) -> str:
    return "None" if result is None else f"an object of type {type(result).__module__}.{type(result).__qualname__}"
