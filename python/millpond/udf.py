"""Python functions that SQL can call by name.

```python
@udf(params=[UDFType.BIGINT], return_type=UDFType.BIGINT)
def plus_one(x):
    return x + 1


df.map("plus_one(a) AS b", udfs=[plus_one])
```
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from millpond.errors import InvalidArgumentError
from millpond.schema import type_text
from millpond.sql_text import quote_name


class UDFType(IntEnum):
    """Types of parameters and results; the numbers are smallpond's."""

    SQLNULL = 1
    BOOLEAN = 2
    TINYINT = 3
    UTINYINT = 4
    SMALLINT = 5
    USMALLINT = 6
    INTEGER = 7
    UINTEGER = 8
    BIGINT = 9
    UBIGINT = 10
    HUGEINT = 11
    UUID = 12
    FLOAT = 13
    DOUBLE = 14
    DATE = 15
    TIMESTAMP = 16
    TIMESTAMP_MS = 17
    TIMESTAMP_NS = 18
    TIMESTAMP_S = 19
    TIME = 20
    TIME_TZ = 21
    TIMESTAMP_TZ = 22
    VARCHAR = 23
    BLOB = 24
    BIT = 25
    INTERVAL = 26
    UHUGEINT = 27

    def to_sql(self) -> str:
        """DuckDB's name of the type."""
        renamed = {"SQLNULL": '"NULL"', "TIME_TZ": "TIME WITH TIME ZONE", "TIMESTAMP_TZ": "TIMESTAMP WITH TIME ZONE"}
        return renamed.get(self.name, self.name)


class UDFStructType:
    """A struct: names and types of its fields.

    >>> UDFStructType({"a": UDFType.INTEGER, "b": "VARCHAR"}).to_sql()
    'STRUCT("a" INTEGER, "b" VARCHAR)'
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    def to_sql(self) -> str:
        """DuckDB's name of the type."""
        return (
            "STRUCT(" + ", ".join(f"{quote_name(name)} {type_text(kind)}" for name, kind in self.fields.items()) + ")"
        )


class UDFListType:
    """A list of one type.

    >>> UDFListType(UDFType.DOUBLE).to_sql()
    'DOUBLE[]'
    """

    def __init__(self, child: Any) -> None:
        self.child = child

    def to_sql(self) -> str:
        """DuckDB's name of the type."""
        return f"{type_text(self.child)}[]"


class UDFMapType:
    """A map from one type to another.

    >>> UDFMapType("VARCHAR", UDFType.DOUBLE).to_sql()
    'MAP(VARCHAR, DOUBLE)'
    """

    def __init__(self, key: Any, value: Any) -> None:
        self.key = key
        self.value = value

    def to_sql(self) -> str:
        """DuckDB's name of the type."""
        return f"MAP({type_text(self.key)}, {type_text(self.value)})"


class UDFAnyParameters:
    """Any number of parameters of any types."""


@dataclass(frozen=True)
class UserDefinedFunction:
    """A Python function with the name and types by which SQL calls it. Calling it calls the function."""

    name: str
    func: Callable[..., Any]
    params: Sequence[Any] | UDFAnyParameters
    return_type: Any
    use_arrow_type: bool = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.func(*args, **kwargs)

    def parameter_types(self) -> list[str] | None:
        """DuckDB's names of the parameters' types; None for any."""
        if isinstance(self.params, UDFAnyParameters):
            return None
        return [type_text(kind) for kind in self.params]


def udf(
    params: Sequence[Any] | UDFAnyParameters,
    return_type: Any,
    use_arrow_type: bool = False,
    name: str | None = None,
) -> Callable[[Callable[..., Any]], UserDefinedFunction]:
    """Makes a Python function callable from SQL; give it to `map`, `filter`, `flat_map` or `partial_sql` as `udfs=[…]`.

    It is called once a row with Python values, or with `use_arrow_type=True` once for some thousands of rows with
    Arrow arrays. A row where a parameter is NULL gives NULL without a call. Types are `UDFType` members, DuckDB's
    names or Python types.

    >>> @udf(params=[UDFType.BIGINT], return_type=int)
    ... def plus_one(x):
    ...     return x + 1
    >>> plus_one(1), plus_one.name
    (2, 'plus_one')
    """

    def decorate(func: Callable[..., Any]) -> UserDefinedFunction:
        label = name or getattr(func, "__name__", "")
        if not label or label == "<lambda>":
            raise InvalidArgumentError("a function without a name can't be called from SQL", hint='give name="…"')
        return UserDefinedFunction(label, func, params, return_type, use_arrow_type)

    return decorate
