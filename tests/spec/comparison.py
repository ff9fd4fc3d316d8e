"""Rows of two Arrow tables compared to the letter: as a multiset, or in order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

#: Rows shown of each kind of difference.
SHOWN = 5


def rows_of(table: pa.Table) -> list[str]:
    """Each row as text: NaN equals NaN, -0.0 differs from 0.0, NULL from everything."""
    columns = [[repr(value) for value in values_of(column)] for column in table.columns]
    return [", ".join(row) for row in zip(*columns, strict=True)]


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """A column's values, times as numbers."""
    # Python's datetime has microseconds and years 1 to 9999: times are compared as the numbers that Arrow holds.
    plain = _without_times(column.type)
    return (column if plain == column.type else column.cast(plain)).to_pylist()


def _without_times(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_interval(kind):
        return kind
    if pa.types.is_temporal(kind):
        return {32: pa.int32(), 64: pa.int64()}[kind.bit_width]
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _without_times(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(pa.field(kind.value_field.name, _without_times(kind.value_type)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(pa.field(kind.value_field.name, _without_times(kind.value_type)), kind.list_size)
    if pa.types.is_map(kind):
        return pa.map_(_without_times(kind.key_type), _without_times(kind.item_type))
    return kind


def difference(found: pa.Table, expected: pa.Table, is_ordered: bool) -> str:
    """What differs, for a person; empty when nothing does."""
    if found.column_names != expected.column_names:
        return f"columns {found.column_names} where {expected.column_names} are expected"
    ours, theirs = rows_of(found), rows_of(expected)
    if Counter(ours) == Counter(theirs):
        if not is_ordered or ours == theirs:
            return ""
        first = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
        return f"the same rows in another order; row {first} is ({ours[first]}), expected is ({theirs[first]})"
    missing = list((Counter(theirs) - Counter(ours)).elements())
    extra = list((Counter(ours) - Counter(theirs)).elements())
    return (
        f"{len(ours)} rows where {len(theirs)} are expected\n"
        f"  missing ({len(missing)}): {missing[:SHOWN]}\n  extra ({len(extra)}): {extra[:SHOWN]}"
    )
