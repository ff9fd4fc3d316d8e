"""Expressions over a frame's columns, made in Python: `col("price") * 2`. Each is SQL text and perhaps a name.

Where a method takes an expression, a string is one too: a column's name or SQL (`"price * 2"`). Only beside an
expression it is a value, that text: in `col("a") == "x"`, `is_in`, `between` and `fill_null`. Operators do what they do
in DuckDB: `//` and `%` round towards zero, a comparison with NULL is NULL.

>>> df = session.from_items([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
>>> df.filter((col("a") > 1) & (col("b") == "y")).select(col("a") * 10, n=col("b")).take_all()
[{'a': 20, 'n': 'y'}]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, TypeAlias

from millpond.errors import InvalidArgumentError
from millpond.schema import type_text
from millpond.sql_text import quote_name, typed_literal

#: How aggregates are called here, where DuckDB calls them otherwise.
_AGGREGATES = {"mean": "avg", "std": "stddev_samp", "var": "var_samp"}


class Expr:
    """An expression: `text` is its SQL, `name` what its column is called, None for DuckDB's own choice.

    A computed expression keeps the name of its first column; `alias` gives another.
    """

    __slots__ = ("_is_atom", "_name", "_text")

    def __init__(self, text: str, name: str | None = None, *, is_atom: bool = False) -> None:
        """SQL text; `is_atom` says that operators can stand beside it without brackets."""
        self._text = text
        self._name = name
        self._is_atom = is_atom

    @property
    def text(self) -> str:
        """The SQL."""
        return self._text

    @property
    def name(self) -> str | None:
        """What the column is called; None where DuckDB calls it after its text."""
        return self._name

    # --- names and types

    def alias(self, name: str) -> Expr:
        """The same under another name.

        >>> (col("a") + 1).alias("b")
        Expr("a" + 1 AS "b")
        """
        if not isinstance(name, str):
            raise InvalidArgumentError(f"alias must be text, not {name!r}")
        return Expr(self.text, name, is_atom=self._is_atom)

    def cast(self, to: object) -> Expr:
        """As another type: DuckDB's name, a Python type or a pyarrow type. A value that does not fit is an error.

        >>> col("a").cast("DECIMAL(9, 2)"), col("a").cast(str)
        (Expr(CAST("a" AS DECIMAL(9, 2)) AS "a"), Expr(CAST("a" AS VARCHAR) AS "a"))
        """
        return self._call(f"CAST({closed(self.text)} AS {type_text(to)})")

    # --- conditions

    def is_null(self) -> Expr:
        """Whether the value is NULL."""
        return self._made(f"{operand(self)} IS NULL")

    def is_not_null(self) -> Expr:
        """Whether the value is not NULL."""
        return self._made(f"{operand(self)} IS NOT NULL")

    def is_in(self, values: Iterable[object]) -> Expr:
        """Whether the value is one of several. NULL when none is equal and a NULL is among them, or the value is NULL.

        >>> col("a").is_in([1, 2])
        Expr("a" IN (1, 2) AS "a")
        """
        if isinstance(values, (str, Expr)):
            raise InvalidArgumentError(f"is_in takes a list of values, not {values!r}", hint="write is_in([…])")
        items = [operand(value) for value in values]
        return self._made(f"{operand(self)} IN ({', '.join(items)})") if items else self._made("false")

    def between(self, lower: object, upper: object) -> Expr:
        """Whether the value lies between two others or is one of them.

        >>> col("day").between("2024-01-01", "2024-12-31")
        Expr("day" BETWEEN '2024-01-01' AND '2024-12-31' AS "day")
        """
        return self._made(f"{operand(self)} BETWEEN {operand(lower)} AND {operand(upper)}")

    def fill_null(self, value: object) -> Expr:
        """The value, or another where it is NULL.

        >>> col("a").fill_null(0)
        Expr(coalesce("a", 0) AS "a")
        """
        return self._call(f"coalesce({closed(self.text)}, {operand(value)})")

    # --- order

    def asc(self, *, nulls_last: bool = True) -> Expr:
        """For sorting: the smallest first."""
        return Expr(f"{operand(self)} ASC NULLS {'LAST' if nulls_last else 'FIRST'}")

    def desc(self, *, nulls_last: bool = True) -> Expr:
        """For sorting: the largest first.

        >>> session.from_items([1, None, 2]).sort(col("item").desc()).take(2)
        [{'item': 2}, {'item': 1}]
        """
        return Expr(f"{operand(self)} DESC NULLS {'LAST' if nulls_last else 'FIRST'}")

    # --- aggregates

    def sum(self) -> Expr:
        """The sum of the values; NULL when there are none."""
        return self._aggregate("sum")

    def mean(self) -> Expr:
        """The average of the values."""
        return self._aggregate("mean")

    def min(self) -> Expr:
        """The smallest value."""
        return self._aggregate("min")

    def max(self) -> Expr:
        """The largest value."""
        return self._aggregate("max")

    def count(self) -> Expr:
        """How many values are not NULL."""
        return self._aggregate("count")

    def n_unique(self) -> Expr:
        """How many different values there are; NULL is none."""
        return self._aggregate("n_unique")

    def median(self) -> Expr:
        """The value in the middle, or the average of the two there."""
        return self._aggregate("median")

    def std(self) -> Expr:
        """The standard deviation of a sample."""
        return self._aggregate("std")

    def var(self) -> Expr:
        """The variance of a sample."""
        return self._aggregate("var")

    def any_value(self) -> Expr:
        """Some value that is not NULL."""
        return self._aggregate("any_value")

    def quantile(self, fraction: float) -> Expr:
        """The value below which a fraction of the values lie, interpolated: `quantile(0.5)` is the median.

        >>> session.from_items([1, 2, 3, 4]).aggregate(col("item").quantile(0.25)).take_all()
        [{'item': 1.75}]
        """
        if not 0 <= fraction <= 1:
            raise InvalidArgumentError(f"quantile({fraction!r}) must lie between 0 and 1")
        return self._call(f"quantile_cont({closed(self.text)}, {typed_literal(fraction)})")

    def first(self, order_by: Exprs = None) -> Expr:
        """The first value, NULL too. Without `order_by`, the first that is met."""
        return self._ordered("first", order_by)

    def last(self, order_by: Exprs = None) -> Expr:
        """The last value, NULL too. Without `order_by`, the last that is met."""
        return self._ordered("last", order_by)

    def list(self, order_by: Exprs = None) -> Expr:
        """All values as a list, NULLs too, in the order of `order_by`.

        >>> df = session.from_items([{"k": "x", "a": 2}, {"k": "x", "a": 1}])
        >>> df.group_by("k").agg(col("a").list(order_by="a")).take_all()
        [{'k': 'x', 'a': [1, 2]}]
        """
        return self._ordered("list", order_by)

    def over(self, partition_by: Exprs = None, order_by: Exprs = None, *, frame: str | None = None) -> Expr:
        """An aggregate or window function over the rows with the same `partition_by`, in the order of `order_by`.

        `frame` is SQL: `"ROWS BETWEEN 2 PRECEDING AND CURRENT ROW"`. Without it, with an order: from the first row to
        the rows equal to this one.

        >>> df = session.from_items([{"k": "x", "a": 1}, {"k": "x", "a": 2}, {"k": "y", "a": 5}])
        >>> df.with_window(rank=sql_expr("rank()").over("k", col("a").desc())).sort("a").take_all()
        [{'k': 'x', 'a': 1, 'rank': 2}, {'k': 'x', 'a': 2, 'rank': 1}, {'k': 'y', 'a': 5, 'rank': 1}]
        """
        parts = []
        for keyword, items in (("PARTITION BY", expressions(partition_by)), ("ORDER BY", expressions(order_by))):
            if items:
                parts.append(f"{keyword} {', '.join(items)}")
        if frame:
            parts.append(closed(frame))
        return self._call(f"{self.text} OVER ({' '.join(parts)})")

    # --- operators

    def __add__(self, other: object) -> Expr:
        return self._binary("+", other)

    def __radd__(self, other: object) -> Expr:
        return self._binary("+", other, swapped=True)

    def __sub__(self, other: object) -> Expr:
        return self._binary("-", other)

    def __rsub__(self, other: object) -> Expr:
        return self._binary("-", other, swapped=True)

    def __mul__(self, other: object) -> Expr:
        return self._binary("*", other)

    def __rmul__(self, other: object) -> Expr:
        return self._binary("*", other, swapped=True)

    def __truediv__(self, other: object) -> Expr:
        return self._binary("/", other)

    def __rtruediv__(self, other: object) -> Expr:
        return self._binary("/", other, swapped=True)

    def __floordiv__(self, other: object) -> Expr:
        return self._binary("//", other)

    def __rfloordiv__(self, other: object) -> Expr:
        return self._binary("//", other, swapped=True)

    def __mod__(self, other: object) -> Expr:
        return self._binary("%", other)

    def __rmod__(self, other: object) -> Expr:
        return self._binary("%", other, swapped=True)

    def __pow__(self, other: object) -> Expr:
        return self._binary("**", other)

    def __rpow__(self, other: object) -> Expr:
        return self._binary("**", other, swapped=True)

    def __and__(self, other: object) -> Expr:
        return self._binary("AND", other)

    def __rand__(self, other: object) -> Expr:
        return self._binary("AND", other, swapped=True)

    def __or__(self, other: object) -> Expr:
        return self._binary("OR", other)

    def __ror__(self, other: object) -> Expr:
        return self._binary("OR", other, swapped=True)

    def __lt__(self, other: object) -> Expr:
        return self._compared("<", other)

    def __le__(self, other: object) -> Expr:
        return self._compared("<=", other)

    def __gt__(self, other: object) -> Expr:
        return self._compared(">", other)

    def __ge__(self, other: object) -> Expr:
        return self._compared(">=", other)

    def __eq__(self, other: object) -> Expr:  # type: ignore[override]
        return self._compared("=", other)

    def __ne__(self, other: object) -> Expr:  # type: ignore[override]
        return self._compared("<>", other)

    __hash__ = None  # type: ignore[assignment]

    def __invert__(self) -> Expr:
        return self._made(f"NOT {operand(self)}")

    def __neg__(self) -> Expr:
        return self._made(f"-({closed(self.text)})")

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "an expression is neither true nor false; join conditions by & | ~, with brackets, not by and, or, not, "
            "and write col(x).between(a, b) for a <= x <= b"
        )

    def __repr__(self) -> str:
        return f"Expr({item_text(self)})"

    # --- how new ones are made

    def _made(self, text: str) -> Expr:
        return Expr(text, self.name)

    def _call(self, text: str) -> Expr:
        return Expr(text, self.name, is_atom=True)

    def _aggregate(self, function: str) -> Expr:
        return self._call(aggregate_text(function, self.text))

    def _ordered(self, function: str, order_by: Exprs) -> Expr:
        order = expressions(order_by)
        return self._call(f"{function}({closed(self.text)}{' ORDER BY ' + ', '.join(order) if order else ''})")

    def _binary(self, operator: str, other: object, *, swapped: bool = False) -> Expr:
        left, right = (other, self) if swapped else (self, other)
        names = [side.name for side in (left, right) if isinstance(side, Expr) and side.name is not None]
        return Expr(f"{operand(left)} {operator} {operand(right)}", names[0] if names else None)

    def _compared(self, operator: str, other: object) -> Expr:
        if other is None:
            raise InvalidArgumentError("a comparison with None is never true", hint="use .is_null() or .is_not_null()")
        return self._binary(operator, other)


class When:
    """A condition of a CASE that still lacks its value."""

    def __init__(self, begin: str, condition: str | Expr, name: str | None = None) -> None:
        """The CASE so far and the next condition."""
        self._begin = f"{begin} WHEN {expression(condition)}"
        self._name = name

    def then(self, value: object) -> Case:
        """The value where the condition is true; a string is an expression, `lit("text")` is text."""
        name = self._name or (value.name if isinstance(value, Expr) else None)
        return Case(f"{self._begin} THEN {expression(value)}", name)


class Case(Expr):
    """`when(…).then(…)`: NULL where no condition is true, unless `otherwise` says what."""

    __slots__ = ("_begin",)

    def __init__(self, begin: str, name: str | None) -> None:
        """The CASE so far, without its END."""
        super().__init__(f"{begin} END", name, is_atom=True)
        self._begin = begin

    def when(self, condition: str | Expr) -> When:
        """One more condition, for rows where none before is true."""
        return When(self._begin, condition, self.name)

    def otherwise(self, value: object) -> Expr:
        """The value where no condition is true; a string is an expression."""
        return Expr(f"{self._begin} ELSE {expression(value)} END", self.name, is_atom=True)


#: An expression, or several.
Exprs: TypeAlias = "str | Expr | Iterable[str | Expr] | None"


def col(name: str) -> Expr:
    """A column by its name, whatever that holds.

    >>> col("a b") > 1
    Expr("a b" > 1 AS "a b")
    """
    if not isinstance(name, str):
        raise InvalidArgumentError(f"col takes a column's name, not {name!r}")
    return Expr(quote_name(name), name, is_atom=True)


def lit(value: object) -> Expr:
    """A Python value. A float is a DOUBLE, a `datetime.date` a DATE.

    >>> lit(1.5), lit("it's")
    (Expr(1.5e0), Expr('it''s'))
    """
    return Expr(operand(value), is_atom=True)


def sql_expr(text: str) -> Expr:
    """An expression in DuckDB's SQL.

    >>> sql_expr("upper(name)") == "ADA"
    Expr((upper(name)) = 'ADA')
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgumentError(f"sql_expr takes SQL text, not {text!r}")
    return Expr(text)


def when(condition: str | Expr) -> When:
    """Begins a choice: `when(…).then(…).when(…).then(…).otherwise(…)`.

    >>> df = session.from_items([1, 2, 3])
    >>> df.select(when(col("item") > 2).then(lit("many")).otherwise(lit("few")).alias("n")).take(3)
    [{'n': 'few'}, {'n': 'few'}, {'n': 'many'}]
    """
    return When("CASE", condition)


def operand(value: object) -> str:
    """An expression or a value as SQL that operators can stand beside."""
    if not isinstance(value, Expr):
        text = typed_literal(value)
        return f"({text})" if text.startswith("-") else text
    return value.text if value._is_atom else f"({closed(value.text)})"


def expression(value: object) -> str:
    """An expression, SQL text or a value as SQL."""
    if isinstance(value, Expr):
        return closed(value.text)
    return closed(value) if isinstance(value, str) else typed_literal(value)


def expressions(values: Exprs) -> list[str]:
    """One expression or several as SQL."""
    if values is None:
        return []
    return [expression(value) for value in ([values] if isinstance(values, (str, Expr)) else values)]


def item_text(value: Expr) -> str:
    """An expression with its name, as it stands in a SELECT."""
    is_named = value.name is None or value.text == quote_name(value.name)
    return closed(value.text) if is_named else f"{closed(value.text)} AS {quote_name(value.name or '')}"


def aggregate_text(function: str, argument: str) -> str:
    """A call of an aggregate function by its name here or in DuckDB."""
    if function == "n_unique":
        return f"count(DISTINCT {closed(argument)})"
    return f"{_AGGREGATES.get(function, function)}({closed(argument)})"


def closed(text: str) -> str:
    """SQL text that ends no line of other text in a comment of its own."""
    return text + "\n" if "--" in text else text
