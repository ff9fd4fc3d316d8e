"""DuckDB's types and Arrow's, each as the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from millpond.errors import InvalidArgumentError
from millpond.sql_text import quote_name

if TYPE_CHECKING:
    import pyarrow as pa

# Arrow's factory functions by DuckDB's names; the text after a colon is the function's argument.
_SIMPLE = {
    '"NULL"': "null",
    "NULL": "null",
    "SQLNULL": "null",
    "BOOLEAN": "bool_",
    "BOOL": "bool_",
    "TINYINT": "int8",
    "SMALLINT": "int16",
    "INTEGER": "int32",
    "INT": "int32",
    "BIGINT": "int64",
    "UTINYINT": "uint8",
    "USMALLINT": "uint16",
    "UINTEGER": "uint32",
    "UBIGINT": "uint64",
    "FLOAT": "float32",
    "REAL": "float32",
    "DOUBLE": "float64",
    "VARCHAR": "string",
    "TEXT": "string",
    "STRING": "string",
    "CHAR": "string",
    "JSON": "string",
    "UUID": "string",
    "BIT": "string",
    "BLOB": "binary",
    "BYTEA": "binary",
    "DATE": "date32",
    "TIME": "time64:us",
    "TIME_NS": "time64:ns",
    "TIMESTAMP": "timestamp:us",
    "DATETIME": "timestamp:us",
    "TIMESTAMP_S": "timestamp:s",
    "TIMESTAMP_MS": "timestamp:ms",
    "TIMESTAMP_NS": "timestamp:ns",
    "INTERVAL": "month_day_nano_interval",
}

_TOKEN = re.compile(r"""\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|\w+|[(),\[\]])""")


class _Tokens:
    """The words of a type's text, read from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._split(text))
        self.at = 0

    @staticmethod
    def _split(text: str) -> Iterator[str]:
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise _unknown(text)
            yield match[1]
            position = match.end()

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise _unknown(self.text)
        self.at += 1
        return token

    def skip(self, token: str) -> bool:
        found = self.peek().upper() == token
        self.at += found
        return found

    def expect(self, token: str) -> None:
        if not self.skip(token):
            raise _unknown(self.text)


def _unknown(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{text!r} is no type that Python functions can give or take",
        hint='write it as in DuckDB: "BIGINT", "DECIMAL(18, 3)", "VARCHAR[]", "STRUCT(a INTEGER, b VARCHAR)"',
    )


def to_arrow(text: str) -> pa.DataType:
    """The Arrow type of a DuckDB type.

    >>> to_arrow("STRUCT(a INTEGER, b VARCHAR[])")
    StructType(struct<a: int32, b: list<item: string>>)
    """
    tokens = _Tokens(text)
    kind = _parse(tokens)
    if tokens.peek():
        raise _unknown(text)
    return kind


def _parse(tokens: _Tokens) -> pa.DataType:
    import pyarrow as pa

    kind = _parse_base(tokens)
    while tokens.skip("["):
        if tokens.skip("]"):
            kind = pa.list_(kind)
        else:
            kind = pa.list_(kind, int(tokens.take()))
            tokens.expect("]")
    return kind


def _parse_base(tokens: _Tokens) -> pa.DataType:
    import pyarrow as pa

    name = tokens.take().upper()
    if name in ("DECIMAL", "NUMERIC"):
        return _parse_decimal(tokens)
    if name in ("HUGEINT", "UHUGEINT"):
        return pa.decimal128(38, 0)
    if name == "STRUCT":
        return pa.struct(_parse_fields(tokens))
    if name == "MAP":
        tokens.expect("(")
        key = _parse(tokens)
        tokens.expect(",")
        value = _parse(tokens)
        tokens.expect(")")
        return pa.map_(key, value)
    if name == "ENUM":
        tokens.expect("(")
        while not tokens.skip(")"):
            tokens.take()
        return pa.dictionary(pa.int32(), pa.string())
    if name == "TIMESTAMPTZ" or (name == "TIMESTAMP" and _skip_zone(tokens)):
        return pa.timestamp("us", "UTC")
    if name == "TIMETZ" or (name == "TIME" and _skip_zone(tokens)):
        return pa.string()  # Arrow's times have no zone.
    if name not in _SIMPLE:
        raise _unknown(tokens.text)
    if name in ("VARCHAR", "CHAR") and tokens.skip("("):
        tokens.take()
        tokens.expect(")")
    factory, _, unit = _SIMPLE[name].partition(":")
    return getattr(pa, factory)(*([unit] if unit else []))


def _skip_zone(tokens: _Tokens) -> bool:
    if not tokens.skip("WITH"):
        return False
    tokens.expect("TIME")
    tokens.expect("ZONE")
    return True


def _parse_decimal(tokens: _Tokens) -> pa.DataType:
    import pyarrow as pa

    width, scale = 18, 3
    if tokens.skip("("):
        width, scale = int(tokens.take()), 0
        if tokens.skip(","):
            scale = int(tokens.take())
        tokens.expect(")")
    return pa.decimal128(width, scale)


def _parse_fields(tokens: _Tokens) -> list[tuple[str, pa.DataType]]:
    fields = []
    tokens.expect("(")
    while True:
        name = tokens.take()
        name = name[1:-1].replace('""', '"') if name.startswith('"') else name
        fields.append((name, _parse(tokens)))
        if tokens.skip(")"):
            return fields
        tokens.expect(",")


def from_arrow(kind: pa.DataType) -> str:
    """The DuckDB type of an Arrow type.

    >>> import pyarrow as pa
    >>> from_arrow(pa.list_(pa.struct([("a", pa.int8())])))
    'STRUCT("a" TINYINT)[]'
    """
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return from_arrow(kind.value_type)
    if types.is_fixed_size_list(kind):
        return f"{from_arrow(kind.value_type)}[{kind.list_size}]"
    if types.is_list(kind) or types.is_large_list(kind):
        return f"{from_arrow(kind.value_type)}[]"
    if types.is_map(kind):
        return f"MAP({from_arrow(kind.key_type)}, {from_arrow(kind.item_type)})"
    if types.is_struct(kind):
        fields = (kind.field(i) for i in range(kind.num_fields))
        return "STRUCT(" + ", ".join(f"{quote_name(field.name)} {from_arrow(field.type)}" for field in fields) + ")"
    if types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if types.is_timestamp(kind):
        return (
            "TIMESTAMP WITH TIME ZONE"
            if kind.tz
            else {"us": "TIMESTAMP"}.get(kind.unit, f"TIMESTAMP_{kind.unit.upper()}")
        )
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "VARCHAR"
    if (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
    ):
        return "BLOB"
    if types.is_date(kind):
        return "DATE"
    if types.is_time(kind):
        return "TIME"
    names = {
        "null": '"NULL"',
        "bool": "BOOLEAN",
        "int8": "TINYINT",
        "int16": "SMALLINT",
        "int32": "INTEGER",
        "int64": "BIGINT",
        "uint8": "UTINYINT",
        "uint16": "USMALLINT",
        "uint32": "UINTEGER",
        "uint64": "UBIGINT",
        "halffloat": "FLOAT",
        "float": "FLOAT",
        "double": "DOUBLE",
        "month_day_nano_interval": "INTERVAL",
    }
    if types.is_duration(kind):
        return "INTERVAL"
    if str(kind) in names:
        return names[str(kind)]
    raise InvalidArgumentError(
        f"the Arrow type {kind} has no DuckDB type", hint="cast the column to another type first"
    )
