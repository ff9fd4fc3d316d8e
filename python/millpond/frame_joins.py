"""Joins of whole frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from millpond.errors import InvalidArgumentError
from millpond.expressions import Expr, Exprs, closed, expression
from millpond.join_query import KINDS, Key, Side, keys_of, output, with_sides
from millpond.relational_base import RelationalBase, flat

if TYPE_CHECKING:
    from millpond.dataframe import DataFrame


class FrameJoins(RelationalBase):
    """The joins of a DataFrame. All rows meet all rows, whatever the partitions."""

    def join(
        self,
        other: DataFrame,
        on: Exprs = None,
        how: str = "inner",
        *,
        left_on: Exprs = None,
        right_on: Exprs = None,
        suffix: str = "_right",
        condition: str | Expr | None = None,
        nulls_equal: bool = False,
    ) -> DataFrame:
        """The rows of this frame beside the rows of another that match.

        - `on`: columns or expressions that must be equal; `left_on` and `right_on` where the two frames call them
          differently. A pair of columns becomes one column of the result, under the left one's name; in a right or full
          join it has the value of the side that has a row.
        - `condition`: SQL over `left` and `right`, instead of keys or besides them.
        - `how`: `"inner"`, `"left"`, `"right"`, `"full"`: which side's rows are kept without a match, beside NULLs.
          `"semi"`, `"anti"`: this frame's rows with a match, or without one. `"cross"`: each with each.
        - `suffix`: added to names of the right frame that the left has too.
        - `nulls_equal`: NULL matches NULL. Otherwise it matches nothing. NaN matches NaN.

        >>> prices = session.from_items([{"ticker": "A", "price": 2.0}, {"ticker": "B", "price": 3.0}])
        >>> names = session.from_items([{"ticker": "A", "name": "Ada"}])
        >>> prices.join(names, on="ticker").take_all()
        [{'ticker': 'A', 'price': 2.0, 'name': 'Ada'}]
        >>> prices.join(names, condition="left.ticker > right.ticker").take_all()
        [{'ticker': 'B', 'price': 3.0, 'ticker_right': 'A', 'name': 'Ada'}]
        """
        self._check_other("join", other)
        if how not in KINDS:
            raise InvalidArgumentError(f"how={how!r} is no join", hint=f"choose one of {', '.join(KINDS)}")
        left = Side("left", list(self._columns()), "join")
        right = Side("right", list(other._columns()), "join")
        keys = _keys("join", left, right, on, left_on, right_on)
        _check_has_condition(how, keys, condition)
        equal = "IS NOT DISTINCT FROM" if nulls_equal else "="
        tests = [f"{key.left} {equal} {key.right}" for key in keys]
        if condition is not None:
            tests.append(f"({with_sides(expression(condition))})")
        columns = output(left, right, [key for key in keys if key.is_one_column], how, suffix, "join")
        test = f" ON {' AND '.join(tests)}" if tests else ""
        query = f"SELECT {columns} FROM {left.table()} {KINDS[how]} JOIN {right.table()}{test}"
        return self._query("join", query, other)

    def join_asof(
        self,
        other: DataFrame,
        on: str | Expr | None = None,
        *,
        left_on: str | Expr | None = None,
        right_on: str | Expr | None = None,
        by: Exprs = None,
        by_left: Exprs = None,
        by_right: Exprs = None,
        strategy: str = "backward",
        allow_exact_matches: bool = True,
        suffix: str = "_right",
    ) -> DataFrame:
        """Each row of this frame beside the nearest row of another in the order of `on`, or beside NULLs.

        The nearest is the last at or before this row's value (`strategy="backward"`) or the first at or after it
        (`"forward"`), among the rows with equal `by`; with `allow_exact_matches=False`, strictly before or after it. No
        frame needs to be sorted. A column given as `on` stands once in the result, with the left value; with `left_on`
        and `right_on` both stay, so that the time that was found can be seen.

        >>> trades = session.from_items([{"second": 5, "volume": 10}])
        >>> quotes = session.from_items([{"second": 3, "bid": 2.0}, {"second": 6, "bid": 2.5}])
        >>> trades.join_asof(quotes, on="second").take_all()
        [{'second': 5, 'volume': 10, 'bid': 2.0}]
        """
        self._check_other("join_asof", other)
        operators = {"backward": ">", "forward": "<"}
        if strategy not in operators:
            raise InvalidArgumentError(f"strategy={strategy!r} is not known", hint='choose "backward" or "forward"')
        left = Side("left", list(self._columns()), "join_asof")
        right = Side("right", list(other._columns()), "join_asof")
        order = _keys("join_asof", left, right, on, left_on, right_on)
        if len(order) != 1:
            raise InvalidArgumentError(
                f"join_asof compares one pair of columns, not {len(order)}",
                hint='give on="…", or left_on="…" and right_on="…"; columns that must be equal are by="…"',
            )
        keys = _keys("join_asof", left, right, by, by_left, by_right, words=("by", "by_left", "by_right"))
        operator = operators[strategy] + ("=" if allow_exact_matches else "")
        tests = [f"{key.left} = {key.right}" for key in keys]
        tests.append(f"{order[0].left} {operator} {order[0].right}")
        merged = [key for key in ([*keys, *order] if on is not None else keys) if key.is_one_column]
        columns = output(left, right, merged, "left", suffix, "join_asof")
        query = f"SELECT {columns} FROM {left.table()} ASOF LEFT JOIN {right.table()} ON {' AND '.join(tests)}"
        return self._query("join_asof", closed(query), other)


def _keys(
    operation: str,
    left: Side,
    right: Side,
    on: Exprs,
    left_on: Exprs,
    right_on: Exprs,
    *,
    words: tuple[str, str, str] = ("on", "left_on", "right_on"),
) -> list[Key]:
    both, one, other = words
    if on is not None and (left_on is not None or right_on is not None):
        raise InvalidArgumentError(f"{operation} takes {both}, or {one} and {other}, but not all of them")
    left_items, right_items = (flat(on), flat(on)) if on is not None else (flat(left_on), flat(right_on))
    if len(left_items) != len(right_items):
        raise InvalidArgumentError(
            f"{operation}: {one} has {len(left_items)} and {other} has {len(right_items)} expressions",
            hint="they are compared pair by pair: give as many of one as of the other",
        )
    return keys_of(left, right, left_items, right_items)


def _check_has_condition(how: str, keys: list[Key], condition: object) -> None:
    if how == "cross" and (keys or condition is not None):
        raise InvalidArgumentError("a cross join has neither keys nor a condition", hint='use how="inner" with them')
    if how != "cross" and not keys and condition is None:
        raise InvalidArgumentError(
            "join was not told what matches", hint='give on=, left_on= and right_on=, condition=, or how="cross"'
        )
