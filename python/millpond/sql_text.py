"""Python values and names as SQL text. The one place of the package that quotes."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping, Sequence

from millpond.errors import InvalidArgumentError


def quote_name(name: str) -> str:
    """A column's name as an identifier, whatever it holds.

    >>> quote_name('a "b"')
    '"a ""b\"""'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value as a SQL literal.

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


def reference(name_or_expression: str, columns: Sequence[str] | None) -> str:
    """A column's quoted name when `columns` has it to the letter, else the text as an expression."""
    if columns is not None and name_or_expression in columns:
        return quote_name(name_or_expression)
    return name_or_expression
