"""Whether two Arrow tables hold the same rows: floating results nearly so, equal values whatever they look like."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pyarrow as pa
from comparison import values_of

NEAR = 1e-9
#: Rows of a difference that are shown.
SHOWN = 5


def difference(found: pa.Table, expected: pa.Table, is_exact: list[bool], is_ordered: bool) -> str:
    """What differs, for a person; empty when nothing does."""
    if found.column_names != expected.column_names:
        return f"columns {found.column_names} where {expected.column_names} are expected"
    if found.schema.types != expected.schema.types:
        return f"types {found.schema.types} where {expected.schema.types} are expected"
    ours, theirs = rows_of(found), rows_of(expected)
    if is_ordered:
        for i, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            if not same(one, other):
                return f"row {i} is {one}, expected is {other}"
    missing, extra = unmatched(ours, theirs, is_exact)
    if not missing and not extra:
        return ""
    return (
        f"{len(ours)} rows where {len(theirs)} are expected\n"
        f"  missing ({len(missing)}): {missing[:SHOWN]}\n  extra ({len(extra)}): {extra[:SHOWN]}"
    )


Row = tuple[Any, ...]


def rows_of(table: pa.Table) -> list[Row]:
    """Rows of plain values; of those that are equal, all look the same."""
    columns = [[plain(value) for value in values_of(column)] for column in table.columns]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def plain(value: Any) -> Any:
    """A value without a zero's or a NaN's sign, an interval by its length."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    if isinstance(value, pa.MonthDayNano):
        return "interval", (value.months * 30 + value.days) * 86_400_000_000_000 + value.nanoseconds
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(each) for each in value)
    return value


def same(one: Any, other: Any) -> bool:
    """Equal, doubles nearly so: their sums depend on the order in which they are added."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=NEAR, abs_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def unmatched(ours: list[Row], theirs: list[Row], is_exact: list[bool]) -> tuple[list[Row], list[Row]]:
    """Rows of theirs that ours lack, and rows of ours that are too many."""
    groups: defaultdict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((theirs, ours)):
        for row in rows:
            key = repr([value for value, whole in zip(row, is_exact, strict=True) if whole])
            groups[key][side].append(row)
    missing: list[Row] = []
    extra: list[Row] = []
    for wanted, got in groups.values():
        for row in wanted:
            at = next((i for i, other in enumerate(got) if same(row, other)), None)
            if at is None:
                missing.append(row)
            else:
                got.pop(at)
        extra += got
    return missing, extra
