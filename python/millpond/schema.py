"""The columns of a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from millpond import arrow_types
from millpond.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

# By name: importing this package should not load their modules.
_PYTHON_TYPES = {
    "builtins.bool": "BOOLEAN",
    "builtins.int": "BIGINT",
    "builtins.float": "DOUBLE",
    "builtins.str": "VARCHAR",
    "builtins.bytes": "BLOB",
    "decimal.Decimal": "DECIMAL(38, 9)",
    "datetime.datetime": "TIMESTAMP",
    "datetime.date": "DATE",
    "datetime.time": "TIME",
    "datetime.timedelta": "INTERVAL",
    "uuid.UUID": "UUID",
}


class Schema(Mapping[str, str]):
    """Names and DuckDB types, in order; a mapping from name to type.

    >>> schema = Schema({"ticker": "VARCHAR", "price": float})
    >>> schema["price"], list(schema)
    ('DOUBLE', ['ticker', 'price'])
    >>> schema.to_arrow().names
    ['ticker', 'price']
    """

    def __init__(self, columns: SchemaLike) -> None:
        self._columns = _columns_of(columns)

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return list(self._columns)

    @property
    def types(self) -> list[str]:
        """The DuckDB types, in order."""
        return list(self._columns.values())

    def to_arrow(self) -> pa.Schema:
        """The same columns as a `pyarrow.Schema`."""
        import pyarrow as pa

        return pa.schema([(name, arrow_types.to_arrow(kind)) for name, kind in self._columns.items()])

    def to_columns(self) -> list[tuple[str, str]]:
        """`[(name, type), …]`."""
        return list(self._columns.items())

    def __getitem__(self, name: str) -> str:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __eq__(self, other: object) -> bool:
        """Same names and types in the same order; a plain mapping or list of pairs is compared as one."""
        if isinstance(other, Schema):
            return self.to_columns() == other.to_columns()
        if isinstance(other, Mapping):
            return self.to_columns() == list(other.items())
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self.to_columns()))

    def __repr__(self) -> str:
        return "Schema(" + ", ".join(f"{name}: {kind}" for name, kind in self._columns.items()) + ")"


SchemaLike: TypeAlias = "Schema | Mapping[str, Any] | Iterable[tuple[str, Any]] | pa.Schema"


def type_text(kind: object) -> str:
    """A DuckDB type from its text, a Python type, a `UDFType` or a pyarrow type.

    >>> type_text(int), type_text("decimal(9, 2)")
    ('BIGINT', 'decimal(9, 2)')
    """
    if isinstance(kind, str):
        return kind
    if isinstance(kind, type) and (found := _PYTHON_TYPES.get(f"{kind.__module__}.{kind.__qualname__}")):
        return found
    if hasattr(kind, "to_sql"):
        return str(kind.to_sql())
    if isinstance(kind, Enum):
        return kind.name
    if type(kind).__module__.startswith("pyarrow"):
        return arrow_types.from_arrow(kind)
    raise InvalidArgumentError(
        f"{kind!r} is no type", hint='write DuckDB\'s name ("BIGINT", "VARCHAR[]"), a Python type or a pyarrow type'
    )


def _columns_of(columns: Any) -> dict[str, str]:
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(columns, Mapping):
        pairs = columns.items()
    elif type(columns).__module__.startswith("pyarrow"):
        pairs = [(field.name, field.type) for field in columns]
    else:
        pairs = columns
    found: dict[str, str] = {}
    try:
        for name, kind in pairs:
            if not isinstance(name, str):
                raise InvalidArgumentError(f"a column's name must be text, not {name!r}")
            if name in found:
                raise InvalidArgumentError(f"the column {name!r} stands twice in the schema")
            found[name] = type_text(kind)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise InvalidArgumentError(
            f"{columns!r} is no schema", hint='write {"name": "TYPE", …}, a list of pairs or a pyarrow.Schema'
        ) from error
    return found
