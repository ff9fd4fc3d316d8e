"""Batches of rows: cut to size, and handed over in the form that a function asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError, UserFunctionError

if TYPE_CHECKING:
    import pyarrow as pa


def rebatch(batches: Iterable[pa.RecordBatch], size: int, schema: pa.Schema, num_bytes: int = 0) -> Iterator[pa.Table]:
    """The same rows as tables of exactly `size` rows, the last one smaller. No row is copied.

    With `num_bytes`, a table ends before the row that would make it larger than that, too; a row that is larger by
    itself is a table of its own.

    >>> import pyarrow as pa
    >>> batches = [pa.record_batch({"a": range(n)}) for n in (3, 0, 4)]
    >>> [table.num_rows for table in rebatch(batches, 2, batches[0].schema)]
    [2, 2, 2, 1]
    """
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    rows = used = 0
    for batch in batches:
        while batch.num_rows > 0:
            piece = batch.slice(0, size - rows)
            is_full = piece.num_rows == size - rows
            if num_bytes > 0:
                fitting = _rows_within(piece, num_bytes - used)
                is_full = is_full or fitting < piece.num_rows
                piece = piece.slice(0, fitting if waiting else max(fitting, 1))
                used += bytes_of(piece)
            if piece.num_rows > 0:
                batch = batch.slice(piece.num_rows)
                waiting.append(piece)
                rows += piece.num_rows
            if is_full:
                yield pa.Table.from_batches(waiting, schema)
                waiting, rows, used = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema)


def bytes_of(batch: pa.RecordBatch) -> int:
    """The memory that the rows of a batch take in Arrow's layout; of a dictionary's values nothing.

    >>> import pyarrow as pa
    >>> bytes_of(pa.record_batch({"a": pa.array([1, 2, 3, 4])}).slice(1, 2))
    16
    """
    import pyarrow as pa

    total = 0
    for column in batch.columns:
        total += column.indices.nbytes if pa.types.is_dictionary(column.type) else column.nbytes
    return int(total)


def _rows_within(batch: pa.RecordBatch, num_bytes: int) -> int:
    """How many of the first rows take no more than `num_bytes`."""
    if bytes_of(batch) <= num_bytes:
        return int(batch.num_rows)
    fits, too_many = 0, int(batch.num_rows)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if bytes_of(batch.slice(0, middle)) <= num_bytes:
            fits = middle
        else:
            too_many = middle
    return fits


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
