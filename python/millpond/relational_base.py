"""How a relational method becomes one SELECT: the frame is the table `this`, or `left` beside `right`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError, MillpondError
from millpond.expressions import Expr, Exprs, closed, expression, item_text
from millpond.frame_base import FrameBase
from millpond.schema import Schema
from millpond.source_line import source_line
from millpond.sql_text import quote_name, reference

if TYPE_CHECKING:
    from millpond.dataframe import DataFrame

_ALIAS = re.compile(r'(?:Column|Alias with name) "+(.+?)"+ (?:referenced that )?exists')
_WORD = re.compile(r"[^\W\d]\w*")


class RelationalBase(FrameBase):
    """What the relational methods of a DataFrame share."""

    def _query(self, operation: str, query: str, other: DataFrame | None = None) -> DataFrame:
        """A SELECT over all rows of `this`, or of `left` and `right`."""
        frames: dict[str, Any] = {"this": self} if other is None else {"left": self, "right": other}
        return self._checked(operation, lambda: self._session.sql(query, **frames))

    def _local_query(self, operation: str, query: str) -> DataFrame:
        """A SELECT over `{0}` that gives the same in each partition as over all rows. Keeps the partitions."""
        line = source_line()
        return self._checked(operation, lambda: self._made(self._frame.map(query, str(line)), line))

    def _checked(self, operation: str, make: Callable[[], DataFrame]) -> DataFrame:
        """What `make` gives; its errors speak of the method that the user called."""
        try:
            return make()
        except MillpondError as error:
            alias = _ALIAS.match(error.message)
            names = self._known_names()
            if alias and column_of(alias[1].replace('""', '"'), names) is None:
                # An expression bears its column's name, so DuckDB takes an unknown one for the expression itself.
                raise _no_column(operation, alias[1], names) from None
            error.node = operation
            error.location = error.location or str(source_line())
            raise

    def _columns(self) -> Mapping[str, str]:
        """The frame's columns. What a function without a schema gives is computed for it."""
        return Schema(self._frame.resolve_schema())

    def _column(self, operation: str, name: object) -> str:
        """The column that is meant, as it is spelt in the frame."""
        columns = list(self._columns())
        found = column_of(name, columns)
        if found is not None:
            return found
        text = name.text if isinstance(name, Expr) else name
        if not isinstance(text, str):
            raise InvalidArgumentError(f"{operation} takes names of columns, not {name!r}")
        raise _no_column(operation, text, columns)

    def _column_list(self, operation: str, names: Iterable[object]) -> list[str]:
        return [self._column(operation, name) for name in flat(names)]

    def _texts(self, items: Exprs | Iterable[Exprs], operation: str) -> list[str]:
        """Expressions as SQL, without names."""
        columns = self._known_names()
        return [text_of(item, columns, operation) for item in flat(items)]

    def _items(self, items: Iterable[object], named: Mapping[str, object], operation: str) -> list[str]:
        """Expressions as they stand in a SELECT, with their names."""
        columns = self._known_names()
        found = [
            item_text(item) if isinstance(item, Expr) else text_of(item, columns, operation) for item in flat(items)
        ]
        for name, value in named.items():
            text = text_of(value, columns, operation) if isinstance(value, str) else expression(value)
            found.append(f"({text}) AS {quote_name(name)}")
        return found

    def _known_names(self) -> list[str]:
        return list(self._known_schema() or ())

    def _check_other(self, operation: str, other: object) -> None:
        if not isinstance(other, RelationalBase):
            raise InvalidArgumentError(
                f"{operation} takes a DataFrame, not {type(other).__qualname__}",
                hint="make one of it: session.from_arrow, from_pandas or from_polars",
            )
        if other._session is not self._session:
            raise InvalidArgumentError(
                f"{operation}: the frames belong to two sessions", hint="make both in the same session"
            )


def flat(items: object) -> list[object]:
    """One thing or several, in lists or not, as a list."""
    if items is None:
        return []
    if isinstance(items, Iterable) and not isinstance(items, (str, bytes, Mapping)):
        return [inner for item in items for inner in flat(item)]
    return [items]


def text_of(item: object, columns: list[str], operation: str) -> str:
    """An expression as SQL; text that is a column's name to the letter is that column."""
    if isinstance(item, Expr):
        return closed(item.text)
    if isinstance(item, str) and item.strip():
        return closed(reference(item, columns))
    raise InvalidArgumentError(
        f"{operation} takes names of columns, SQL text or expressions, not {item!r}",
        hint='such as "a", "a + 1", col("a")',
    )


def column_of(item: object, columns: Iterable[str]) -> str | None:
    """The column that an expression is, whatever the case of its letters; None when it is no column."""
    if isinstance(item, Expr):
        item = item.name if item.name is not None and item.text == quote_name(item.name) else None
    if not isinstance(item, str):
        return None
    if item in (columns := list(columns)):
        return item
    return next((column for column in columns if folded(column) == folded(item)), None)


def folded(name: str) -> str:
    """A name as DuckDB compares it: letters beyond ASCII keep their case."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def free_column(wanted: str, columns: Iterable[str]) -> str:
    """A name that no column has."""
    taken = {folded(column) for column in columns}
    while folded(wanted) in taken:
        wanted += "_"
    return wanted


def is_word(text: object) -> bool:
    """Whether text could be the name of a function."""
    return isinstance(text, str) and _WORD.fullmatch(text) is not None


def _no_column(operation: str, name: str, columns: list[str]) -> InvalidArgumentError:
    near = difflib.get_close_matches(name, columns, n=1)
    known = ", ".join(f'"{column}"' for column in columns)
    return InvalidArgumentError(
        f'there is no column "{name}"',
        hint=(f'Did you mean "{near[0]}"? ' if near else "") + f"Columns here: {known}.",
        location=str(source_line()),
        node=operation,
    )
