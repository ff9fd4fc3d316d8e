"""What a table's records say of the values in its files: which of them a filter lets no row pass of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

    from millpond.table_snapshot import TableColumn, TableFile

#: The least and the greatest value as text, or neither; whether there may be NULL; whether anything else.
Bounds: TypeAlias = "tuple[str | None, str | None, bool, bool]"

UNKNOWN: Bounds = (None, None, True, True)

# Types whose text says exactly which value it is, and whose order is DuckDB's.
_ORDERED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DATE", "VARCHAR", "BOOLEAN", "TIMESTAMP", "DECIMAL")
_FLOATS = ("FLOAT", "DOUBLE")
# Some writers cut long texts off without making the last one greater. And characters beyond 16 bits that are escaped
# in a log may be read as lesser ones.
_SURE_CHARACTERS = "\uffff"
_SURE = re.compile("[\\x00-\\uffff]{0,15}")
_GREATEST = "\U0010ffff"
_SURROGATES = 0xD800, 0xE000
_WITH_ZONE = re.compile(r".*(Z|[+-]\d\d(:?\d\d)?)")


def has_order(kind: str) -> bool:
    """Whether bounds of a column of this DuckDB type can be used."""
    return "[" not in kind and kind.startswith(_ORDERED + _FLOATS)


def column_bounds(
    kind: str,
    least: str | None,
    greatest: str | None,
    nulls: int | None,
    rows: int | None,
    *,
    without_nan: bool = False,
) -> Bounds:
    """The bounds of a column of a type in a file of so many rows; None is what is not known.

    NaN, which DuckDB takes for greater than all, is in no record's bounds; `without_nan` tells that there is none.
    """
    if greatest is not None and kind == "VARCHAR":
        greatest = _no_less(greatest)
    if kind in _FLOATS and greatest is not None and not without_nan:
        greatest = "nan"
    if least is None or greatest is None or least.lower() == "nan":
        least = greatest = None
    return least, greatest, nulls != 0, nulls is None or rows is None or nulls < rows


def _no_less(text: str) -> str | None:
    """A text that is not less than what this one stands for."""
    sure = _SURE.match(text)
    assert sure is not None
    return text if sure[0] == text else _after(sure[0])


def _after(prefix: str) -> str | None:
    """A text that is greater than all with this prefix, in the order of their bytes; None when there is none."""
    kept = prefix.rstrip(_GREATEST)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES[1] if following == _SURROGATES[0] else following)


def texts(values: pa.ChunkedArray | pa.Array) -> list[str | None]:
    """Values as DuckDB reads them."""
    import pyarrow as pa

    return values.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


def bounds_of_files(columns: Iterable[TableColumn], files: Iterable[TableFile]) -> dict[str, list[Bounds]]:
    """What is known of these columns in each file, by its path; files of which nothing is known are left out."""
    wanted = list(columns)
    return {file.path: [file.bounds.get(column.name, UNKNOWN) for column in wanted] for file in files if file.bounds}


def same_value(kind: str, text: str | None) -> Bounds:
    """The bounds of a column that holds one value in all rows of a file, as text, or NULL."""
    if text is None:
        return None, None, True, False
    # An empty text stands for NULL in some tables, and a time without its zone for one that the session tells.
    is_known = text and has_order(kind) and kind not in _FLOATS and max(text) <= _SURE_CHARACTERS
    if not is_known or ("ZONE" in kind and not _WITH_ZONE.fullmatch(text)):
        return UNKNOWN
    return text, text, False, True


def counts(value: Any) -> int | None:
    """A count that may be missing."""
    return value if isinstance(value, int) else None
