"""What an Iceberg table's manifests say of the values in its files."""

from __future__ import annotations

import datetime
import struct
from typing import TYPE_CHECKING, Any

from millpond.table_bounds import UNKNOWN, Bounds, column_bounds, has_order

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.types import NestedField

_EPOCH = datetime.datetime(1970, 1, 1)


def iceberg_bounds(file: DataFile, field: NestedField, kind: str) -> Bounds:
    """The bounds of a column, of this DuckDB type, in a file; what the file is too old to tell is not known."""
    from pyiceberg.types import PrimitiveType

    if not isinstance(field.field_type, PrimitiveType):
        return UNKNOWN
    number = field.field_id
    ends = [_text(field, kind, (bounds or {}).get(number)) for bounds in (file.lower_bounds, file.upper_bounds)]
    nulls, values = ((counts or {}).get(number) for counts in (file.null_value_counts, file.value_counts))
    without_nan = (file.nan_value_counts or {}).get(number) == 0
    return column_bounds(kind, ends[0], ends[1], nulls, values, without_nan=without_nan)


def _text(field: NestedField, kind: str, stored: bytes | None) -> str | None:
    from pyiceberg.conversions import from_bytes
    from pyiceberg.types import PrimitiveType

    if stored is None or not has_order(kind) or not isinstance(field.field_type, PrimitiveType):
        return None
    try:
        value: Any = from_bytes(field.field_type, stored)
        if kind == "DATE":
            return (_EPOCH + datetime.timedelta(days=value)).date().isoformat()
        if kind == "TIMESTAMP_NS":
            return None
        if kind.startswith("TIMESTAMP"):
            moment = (_EPOCH + datetime.timedelta(microseconds=value)).isoformat(" ")
            return moment + ("+00:00" if "ZONE" in kind else "")
    except (ValueError, OverflowError, struct.error):  # Bytes of a type that the column had before.
        return None
    return f"{value:f}" if kind.startswith("DECIMAL") else str(value)
