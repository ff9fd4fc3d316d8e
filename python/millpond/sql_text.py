"""Python values and names as SQL text. The one place of the package that quotes."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Mapping, Sequence

from millpond.errors import InvalidArgumentError


def quote_name(name: str) -> str:
    """A column's name as an identifier, whatever it holds.

    >>> quote_name('a "b"')
    '"a ""b\"""'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value as a SQL literal, whose type may follow what stands beside it: dates and times are text.

    >>> literal("it's"), literal(None), literal([1, True]), literal({"a": 1.5})
    ("'it''s'", 'NULL', '[1, true]', "{'a': 1.5}")
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, decimal.Decimal)):
        return str(value) if value == value and abs(value) != float("inf") else f"'{value}'::DOUBLE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, (datetime.date, datetime.time)):
        return "'" + value.isoformat() + "'"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(str(key))}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    raise InvalidArgumentError(
        f"a value of type {type(value).__name__} can't be written as a SQL literal",
        hint="use None, a bool, number, str, date, list or dict",
    )


def typed_literal(value: object) -> str:
    """A value as a SQL literal of its own type, also where nothing stands beside it. Takes NumPy's values too.

    >>> typed_literal(0.5), typed_literal(datetime.date(2024, 2, 29)), typed_literal([b"a", None])
    ('0.5e0', "'2024-02-29'::DATE", "['\\\\x61'::BLOB, NULL]")
    """
    if isinstance(value, float) and math.isfinite(value):
        text = float.__repr__(value)
        return text if "e" in text else f"{text}e0"  # Without an exponent it is a DECIMAL.
    if isinstance(value, (bytes, bytearray)):
        return "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB"
    if isinstance(value, datetime.timedelta):
        return f"to_microseconds({value // datetime.timedelta(microseconds=1)})"
    if isinstance(value, datetime.datetime):
        return f"{literal(value)}::TIMESTAMP" + ("" if value.tzinfo is None else " WITH TIME ZONE")
    if isinstance(value, (datetime.date, datetime.time)):
        return f"{literal(value)}::{'DATE' if isinstance(value, datetime.date) else 'TIME'}"
    if isinstance(value, uuid.UUID):
        return f"'{value}'::UUID"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(str(key))}: {typed_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(typed_literal(item) for item in value) + "]"
    as_python = getattr(value, "tolist", None)
    if not callable(as_python) or type(value).__name__ in ("datetime64", "timedelta64"):  # As ints.
        return literal(value)
    return typed_literal(as_python())


def reference(name_or_expression: str, columns: Sequence[str] | None) -> str:
    """A column's quoted name when `columns` has it to the letter, else the text as an expression."""
    if columns is not None and name_or_expression in columns:
        return quote_name(name_or_expression)
    return name_or_expression
