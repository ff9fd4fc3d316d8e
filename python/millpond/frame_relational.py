"""Relational work over all rows of a frame, whatever its partitions: groups, order, sets, samples."""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from millpond.errors import InvalidArgumentError
from millpond.expressions import Expr, Exprs, expression
from millpond.frame_joins import FrameJoins
from millpond.frame_reshaping import FrameReshaping
from millpond.grouped import GroupedFrame
from millpond.relational_base import column_of, flat, folded, free_column
from millpond.source_line import source_line
from millpond.sql_text import literal, quote_name, typed_literal

if TYPE_CHECKING:
    from millpond.dataframe import DataFrame

_HAS_ORDER = re.compile(r"\b(ASC|DESC|NULLS\s+(FIRST|LAST))\s*$", re.IGNORECASE)
_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\b|FLOAT|DOUBLE|DECIMAL|BIGNUM")
# Which columns a single value of fill_null is for, by its type; the first that fits.
_FILLED: list[tuple[type | tuple[type, ...], re.Pattern[str]]] = [
    (bool, re.compile("BOOLEAN$")),
    ((int, float, decimal.Decimal), _NUMBERS),
    (str, re.compile("VARCHAR$")),
    (datetime.datetime, re.compile("TIMESTAMP")),
    (datetime.date, re.compile("DATE$")),
    (datetime.time, re.compile("TIME( |$)")),
    (datetime.timedelta, re.compile("INTERVAL$")),
    ((bytes, bytearray), re.compile("BLOB$")),
]


class FrameRelational(FrameJoins, FrameReshaping):
    """The relational methods of a DataFrame.

    Each is one SELECT over all rows, run as `Session.sql` does: on one machine whole, by DuckDB with all its threads.
    The result has one partition, except where a method says that it keeps them. A string is a column's name or a SQL
    expression; a subquery in it can name the frame as `this`.
    """

    # --- groups

    def group_by(self, *keys: Exprs, **named: object) -> GroupedFrame:
        """The rows in groups of equal keys, columns or expressions; NULL is a key too. See `GroupedFrame`.

        >>> df = session.from_items([{"k": "x", "a": 1}, {"k": "x", "a": 2}])
        >>> df.group_by("k").agg(col("a").mean(), rows="count(*)").take_all()
        [{'k': 'x', 'a': 1.5, 'rows': 2}]
        >>> df.group_by(odd="a % 2 = 1").count().sort("odd").take_all()
        [{'odd': False, 'count': 1}, {'odd': True, 'count': 1}]
        """
        items = self._items(keys, named, "group_by")
        if not items:
            raise InvalidArgumentError("group_by was given no keys", hint="for one group of all rows use aggregate")
        return GroupedFrame(self._made(self._frame, source_line()), [*flat(keys), *named.values()], items)

    def aggregate(self, *expressions: Exprs, **named: object) -> DataFrame:
        """Aggregates of all rows: one row, also when there are none.

        >>> session.from_items([1, 2, 3]).aggregate(col("item").max(), n="count(*)").take_all()
        [{'item': 3, 'n': 3}]
        """
        items = self._items(expressions, named, "aggregate")
        if not items:
            raise InvalidArgumentError(
                "aggregate was given no aggregate", hint='such as col("a").sum() or n="count(*)"'
            )
        return self._query("aggregate", f"SELECT {', '.join(items)} FROM this GROUP BY ()")

    def with_window(self, *expressions: Exprs, **named: object) -> DataFrame:
        """Adds columns, or replaces those of the same name, by expressions that see all rows: window functions.

        (`with_columns` works in each partition on its own.)

        >>> df = session.from_items([{"k": "x", "a": 1}, {"k": "x", "a": 3}])
        >>> df.with_window(share=col("a") / col("a").sum().over("k")).sort("a").take_all()
        [{'k': 'x', 'a': 1, 'share': 0.25}, {'k': 'x', 'a': 3, 'share': 0.75}]
        """
        items = flat(expressions)
        texts = self._items(items, {}, "with_window")
        names = [item.name if isinstance(item, Expr) else None for item in items]
        texts += self._items([], named, "with_window")
        names += list(named)
        if not texts:
            raise InvalidArgumentError("with_window was given no expression")
        new: dict[str, str] = {folded(name): text for name, text in zip(names, texts, strict=True) if name is not None}
        columns = [new.pop(folded(name), quote_name(name)) for name in self._columns()]
        columns += new.values()
        columns += [text for name, text in zip(names, texts, strict=True) if name is None]
        return self._query("with_window", f"SELECT {', '.join(columns)} FROM this")

    def value_counts(self, column: str | Expr, *, name: str = "count") -> DataFrame:
        """How many rows have each value of a column or expression, the most frequent first.

        >>> session.from_items(["a", "b", "a"]).value_counts("item").take_all()
        [{'item': 'a', 'count': 2}, {'item': 'b', 'count': 1}]
        """
        found = column_of(column, self._known_names())
        if found is not None and folded(found) == folded(name):
            raise InvalidArgumentError(
                f'value_counts gives two columns "{name}"', hint='call the number otherwise: name="n"'
            )
        [item] = self._items([column], {}, "value_counts")
        query = f"SELECT {item}, count(*) AS {quote_name(name)} FROM this GROUP BY 1 ORDER BY 2 DESC, 1"
        return self._query("value_counts", query)

    def summarize(self) -> DataFrame:
        """One row for each column: its type, smallest and largest value, mean, quartiles, NULLs. DuckDB's SUMMARIZE.

        >>> session.from_items([1, 2, None]).summarize().select("column_name", "max", '"count"').take_all()
        [{'column_name': 'item', 'max': '2', 'count': 3}]
        """
        return self._query("summarize", "SELECT * FROM (SUMMARIZE this)")

    def describe(self) -> DataFrame:
        """The same as `summarize`."""
        return self._query("describe", "SELECT * FROM (SUMMARIZE this)")

    # --- order

    def sort(
        self,
        *by: Exprs,
        descending: bool | Sequence[bool] | None = None,
        nulls_last: bool | Sequence[bool] | None = None,
    ) -> DataFrame:
        """All rows in the order of columns or expressions (`"a DESC"`). NULLs come last unless told otherwise.

        `descending` and `nulls_last` are for all of them, or lists with one for each.

        >>> df = session.from_items([{"a": 1, "b": 2}, {"a": 2, "b": 1}, {"a": 2, "b": 3}])
        >>> df.sort("a", "b", descending=[True, False]).take_all()
        [{'a': 2, 'b': 1}, {'a': 2, 'b': 3}, {'a': 1, 'b': 2}]
        """
        terms = self._order("sort", by, descending, nulls_last)
        return self._query("sort", f"SELECT * FROM this ORDER BY {', '.join(terms)}")

    def top_k(self, k: int, by: Exprs, *, reverse: bool = False) -> DataFrame:
        """The `k` rows with the largest values of `by`, the largest first; with `reverse`, the smallest. NULLs last.

        Of rows with equal values, any.

        >>> session.from_items([1, 5, 3]).top_k(2, by="item").take_all()
        [{'item': 5}, {'item': 3}]
        """
        _check_number("top_k", "k", k)
        terms = self._order("top_k", (by,), not reverse, True)
        return self._query("top_k", f"SELECT * FROM this ORDER BY {', '.join(terms)} LIMIT {k}")

    # --- sets

    def distinct(self, subset: Exprs = None) -> DataFrame:
        """Each row once; with `subset`, one row (any) for each value of these columns or expressions.

        >>> session.from_items([1, 2, 1]).distinct().count()
        2
        """
        texts = self._texts(subset, "distinct")
        on = f" ON ({', '.join(texts)})" if texts else ""
        return self._query("distinct", f"SELECT DISTINCT{on} * FROM this")

    def unique(self, subset: Exprs = None) -> DataFrame:
        """The same as `distinct`."""
        return self.distinct(subset)

    def union_by_name(self, other: DataFrame, *, allow_missing_columns: bool = False) -> DataFrame:
        """The rows of both frames, columns matched by name. Columns that only one has are NULL in the other's rows,
        with `allow_missing_columns`; without, they are an error.

        >>> one, two = session.from_items([{"a": 1, "b": 2}]), session.from_items([{"b": 3, "a": 4}])
        >>> one.union_by_name(two).take_all()
        [{'a': 1, 'b': 2}, {'a': 4, 'b': 3}]
        """
        self._check_other("union_by_name", other)
        if not allow_missing_columns:
            self._check_same_columns("union_by_name", other, "allow_missing_columns=True fills them with NULL")
        query = 'SELECT * FROM "left" UNION ALL BY NAME SELECT * FROM "right"'
        return self._query("union_by_name", query, other)

    def intersect(self, other: DataFrame, *, keep_duplicates: bool = False) -> DataFrame:
        """The rows that are in both frames, each once, columns matched by name; NULL is equal to NULL.

        With `keep_duplicates`, as often as in the frame that has fewer of them.

        >>> session.from_items([1, 2, 2]).intersect(session.from_items([2, 3])).take_all()
        [{'item': 2}]
        """
        return self._set_operation("intersect", "INTERSECT", other, keep_duplicates)

    def except_(self, other: DataFrame, *, keep_duplicates: bool = False) -> DataFrame:
        """The rows that are not in another frame, each once, columns matched by name; NULL is equal to NULL.

        With `keep_duplicates`, each row of the other takes away one.

        >>> session.from_items([1, 2, 2]).except_(session.from_items([1])).take_all()
        [{'item': 2}]
        """
        return self._set_operation("except_", "EXCEPT", other, keep_duplicates)

    # --- some rows, some values

    def sample(self, n: int | None = None, *, fraction: float | None = None, seed: int = 0) -> DataFrame:
        """`n` rows by chance, in any order, or each row with the chance `fraction`.

        The same frame gives the same sample again; another `seed` gives another.

        >>> session.from_items(list(range(100))).sample(n=10, seed=1).count()
        10
        """
        if (n is None) == (fraction is None):
            raise InvalidArgumentError("sample takes either n or fraction", hint="n=100, or fraction=0.1")
        if not isinstance(seed, int):
            raise InvalidArgumentError(f"seed={seed!r} is not a whole number")
        # DuckDB's own samples depend on threads, even with a seed. The number of a row doesn't.
        number = free_column("number", self._known_names())
        rows = f"(SELECT *, row_number() OVER () AS {number} FROM this)"
        if n is not None:
            _check_number("sample", "n", n)
            choice = f"ORDER BY hash({number}, {seed}) LIMIT {n}"
        else:
            if not isinstance(fraction, (int, float)) or not 0 <= fraction <= 1:
                raise InvalidArgumentError(f"fraction={fraction!r} is not a number from 0 to 1")
            choice = f"WHERE hash({number}, {seed}) < {int(fraction * 2**64)}"
        return self._query("sample", f"SELECT * EXCLUDE ({number}) FROM {rows} {choice}")

    def fill_null(self, value: object) -> DataFrame:
        """Puts a value where NULL is: one for all columns of its type (a number for all numbers), an expression for
        all columns, or `{column: value}`. Strings are values. Keeps the partitions.

        A column's type may widen to hold the value. NaN is no NULL.

        >>> session.from_items([{"a": None, "b": "x"}, {"a": 1, "b": None}]).fill_null({"a": 0, "b": ""}).take_all()
        [{'a': 0, 'b': 'x'}, {'a': 1, 'b': ''}]
        """
        types = self._columns()
        if isinstance(value, Mapping):
            fills = {self._column("fill_null", name): fill for name, fill in value.items()}
        else:
            fills = {name: value for name, kind in types.items() if _is_for(value, kind)}
        texts = {name: _filled(name, types[name], fill) for name, fill in fills.items()}
        items = [texts.get(name, quote_name(name)) for name in types]
        return self._local_query("fill_null", f"SELECT {', '.join(items)} FROM {{0}}")

    def drop_nulls(self, subset: Exprs = None) -> DataFrame:
        """The rows without NULL in any column, or in the columns of `subset`. Keeps the partitions.

        >>> session.from_items([{"a": None, "b": 1}, {"a": 2, "b": None}]).drop_nulls("a").take_all()
        [{'a': 2, 'b': None}]
        """
        columns = list(self._columns()) if subset is None else self._column_list("drop_nulls", flat(subset))
        test = " AND ".join(f"{quote_name(column)} IS NOT NULL" for column in columns) or "true"
        return self._local_query("drop_nulls", f"SELECT * FROM {{0}} WHERE {test}")

    # --- how they are made

    def _order(self, operation: str, by: tuple[Exprs, ...], descending: object, nulls_last: object) -> list[str]:
        texts = self._texts(by, operation)
        if not texts:
            raise InvalidArgumentError(f"{operation} was not told by what", hint='name a column: "a", or "a DESC"')
        if descending is None and nulls_last is None:
            return texts
        down = _flags(operation, "descending", descending, len(texts), False)
        last = _flags(operation, "nulls_last", nulls_last, len(texts), True)
        terms = []
        for text, is_down, is_last in zip(texts, down, last, strict=True):
            if _HAS_ORDER.search(text):
                raise InvalidArgumentError(
                    f"{operation}: {text!r} says its order itself", hint="leave out ASC or DESC there, or the keyword"
                )
            terms.append(f"({text}) {'DESC' if is_down else 'ASC'} NULLS {'LAST' if is_last else 'FIRST'}")
        return terms

    def _set_operation(self, operation: str, keyword: str, other: DataFrame, keep_duplicates: bool) -> DataFrame:
        self._check_other(operation, other)
        self._check_same_columns(operation, other, "select the same columns of both")
        columns = ", ".join(quote_name(name) for name in self._columns())
        every = " ALL" if keep_duplicates else ""
        query = f'SELECT {columns} FROM "left" {keyword}{every} SELECT {columns} FROM "right"'
        return self._query(operation, query, other)

    def _check_same_columns(self, operation: str, other: DataFrame, hint: str) -> None:
        mine, others = list(self._columns()), list(other._columns())
        missing = [name for name in mine if column_of(name, others) is None]
        more = [name for name in others if column_of(name, mine) is None]
        if missing or more:
            sides = [("the other frame", missing), ("this frame", more)]
            said = [f"{side} has no {', '.join(map(quote_name, names))}" for side, names in sides if names]
            raise InvalidArgumentError(f"{operation} needs the same columns: {'; '.join(said)}", hint=hint)


def _check_number(operation: str, name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidArgumentError(f"{operation}: {name}={value!r} is not a whole number from 0")


def _flags(operation: str, name: str, value: object, count: int, default: bool) -> list[bool]:
    if value is None or isinstance(value, bool):
        return [default if value is None else value] * count
    flags = flat(value)
    if len(flags) != count or not all(isinstance(flag, bool) for flag in flags):
        raise InvalidArgumentError(
            f"{operation}: {name}={value!r} is neither a bool nor a list of {count} of them",
            hint="give one for all, or one for each expression",
        )
    return [flag is True for flag in flags]


def _is_for(value: object, kind: str) -> bool:
    if isinstance(value, Expr):
        return True
    for types, pattern in _FILLED:
        if isinstance(value, types):
            return pattern.match(kind) is not None and not kind.endswith("]")
    raise InvalidArgumentError(
        f"fill_null can't tell which columns {value!r} is for", hint="name them: fill_null({column: value})"
    )


def _filled(name: str, kind: str, value: object) -> str:
    if isinstance(value, Expr):
        text = expression(value)
    elif kind in ("FLOAT", "DOUBLE"):
        text = f"CAST({typed_literal(value)} AS {kind})"
    else:
        text = literal(value) if isinstance(value, float) else typed_literal(value)
    return f"coalesce({quote_name(name)}, {text}) AS {quote_name(name)}"
