"""What `group_by` gives: rows in groups, waiting for their aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from millpond.errors import InvalidArgumentError
from millpond.expressions import Expr, Exprs, aggregate_text
from millpond.relational_base import column_of, flat, text_of
from millpond.sql_text import quote_name

if TYPE_CHECKING:
    from millpond.dataframe import DataFrame


class GroupedFrame:
    """The rows of a frame by groups. Each method gives a frame with one row a group: its keys, then aggregates."""

    def __init__(self, frame: DataFrame, keys: list[object], items: list[str]) -> None:
        """Made by `DataFrame.group_by`: the keys, and as they stand in a SELECT."""
        self._frame = frame
        self._keys = keys
        self._items = items

    def agg(self, *expressions: Exprs, **named: object) -> DataFrame:
        """Aggregates by expressions; a name given stands for the column.

        >>> df = session.from_items([{"k": "x", "a": 1}, {"k": "x", "a": 2}])
        >>> df.group_by("k").agg(col("a").max(), "min(a) AS low", rows="count(*)").take_all()
        [{'k': 'x', 'a': 2, 'low': 1, 'rows': 2}]
        """
        items = self._frame._items(expressions, named, "agg")
        if not items:
            raise InvalidArgumentError(
                "agg was given no aggregate",
                hint='such as col("a").sum() or n="count(*)"; for the keys alone use distinct',
            )
        return self._aggregated("agg", items)

    def count(self) -> DataFrame:
        """The number of rows of each group, as the column `count`.

        >>> session.from_items([{"k": "x"}, {"k": "x"}]).group_by("k").count().take_all()
        [{'k': 'x', 'count': 2}]
        """
        return self._aggregated("count", ['count(*) AS "count"'])

    def sum(self, *columns: Exprs) -> DataFrame:
        """The sum of columns or expressions in each group; without any, of all columns that are no keys.

        >>> session.from_items([{"k": "x", "a": 1}, {"k": "x", "a": 2}]).group_by("k").mean("a").take_all()
        [{'k': 'x', 'a': 1.5}]
        """
        return self._each("sum", columns)

    def mean(self, *columns: Exprs) -> DataFrame:
        """The average of columns in each group; see `sum`."""
        return self._each("mean", columns)

    def min(self, *columns: Exprs) -> DataFrame:
        """The smallest value of columns in each group; see `sum`."""
        return self._each("min", columns)

    def max(self, *columns: Exprs) -> DataFrame:
        """The largest value of columns in each group; see `sum`."""
        return self._each("max", columns)

    def median(self, *columns: Exprs) -> DataFrame:
        """The median of columns in each group; see `sum`."""
        return self._each("median", columns)

    def std(self, *columns: Exprs) -> DataFrame:
        """The standard deviation (of a sample) of columns in each group; see `sum`."""
        return self._each("std", columns)

    def var(self, *columns: Exprs) -> DataFrame:
        """The variance (of a sample) of columns in each group; see `sum`."""
        return self._each("var", columns)

    def n_unique(self, *columns: Exprs) -> DataFrame:
        """The number of different values, NULL not counted, of columns in each group; see `sum`."""
        return self._each("n_unique", columns)

    def first(self, *columns: Exprs) -> DataFrame:
        """The first value that is met of columns in each group; see `sum`."""
        return self._each("first", columns)

    def last(self, *columns: Exprs) -> DataFrame:
        """The last value that is met of columns in each group; see `sum`."""
        return self._each("last", columns)

    def any_value(self, *columns: Exprs) -> DataFrame:
        """Some value of columns in each group that is not NULL; see `sum`."""
        return self._each("any_value", columns)

    def list(self, *columns: Exprs) -> DataFrame:
        """All values of columns in each group as a list; see `sum`."""
        return self._each("list", columns)

    def _each(self, function: str, columns: tuple[Exprs, ...]) -> DataFrame:
        known = [*self._frame._columns()]
        chosen = flat(columns)
        if not chosen:
            keys = {column_of(key, known) for key in self._keys}
            chosen = [column for column in known if column not in keys]
        if not chosen:
            raise InvalidArgumentError(f"{function} has no columns: all are keys", hint="use count() for the rows")
        items = []
        for item in chosen:
            column = column_of(item, known)
            name = column if column is not None else item.name if isinstance(item, Expr) else None
            call = aggregate_text(function, quote_name(column) if column else text_of(item, known, function))
            items.append(call if name is None else f"{call} AS {quote_name(name)}")
        return self._aggregated(function, items)

    def _aggregated(self, operation: str, items: Sequence[str]) -> DataFrame:
        numbers = ", ".join(str(number) for number in range(1, len(self._items) + 1))
        query = f"SELECT {', '.join([*self._items, *items])} FROM this GROUP BY {numbers}"
        return self._frame._query(operation, query)
