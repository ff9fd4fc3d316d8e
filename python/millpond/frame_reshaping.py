"""Rows to columns, columns to rows, and what lies in lists and structs to rows and columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from millpond import arrow_types
from millpond.errors import InvalidArgumentError
from millpond.expressions import Expr, Exprs, aggregate_text
from millpond.relational_base import RelationalBase, column_of, flat, folded, is_word
from millpond.sql_text import literal, quote_name, typed_literal

if TYPE_CHECKING:
    from millpond.dataframe import DataFrame


class FrameReshaping(RelationalBase):
    """The methods of a DataFrame that change its shape."""

    def pivot(
        self,
        on: str | Expr,
        values: Exprs,
        index: Exprs,
        aggregate: str,
        *,
        columns: Sequence[object] | None = None,
    ) -> DataFrame:
        """One column for each value of `on`, one row for each `index`, and in it the aggregate of `values` there.

        - `index`: columns or expressions; None for all columns that are neither `on` nor `values`.
        - `aggregate`: a function's name: `"sum"`, `"mean"`, `"count"`, `"first"`, `"n_unique"` …
        - `columns`: the values of `on` that become columns, in this order. Left out, they are found by a query that
          runs now: all but NULL, sorted. With several `values`, columns are called `values_on`.

        Where no row is, NULL stands, or 0 for a count.

        >>> df = session.from_items(
        ...     [{"k": "x", "y": 1, "v": 5}, {"k": "x", "y": 2, "v": 6}, {"k": "x", "y": 2, "v": 7}]
        ... )
        >>> df.pivot("y", "v", index="k", aggregate="sum").take_all()
        [{'k': 'x', '1': Decimal('5'), '2': Decimal('13')}]
        """
        if not is_word(aggregate):
            raise InvalidArgumentError(
                f"aggregate={aggregate!r} is no function's name", hint='such as "sum", "mean" or "count"'
            )
        [on_text] = self._texts([on], "pivot")
        value_items = flat(values)
        if not value_items:
            raise InvalidArgumentError("pivot was given no values", hint="name the column that is aggregated")
        value_texts = self._texts(values, "pivot")
        names = list(self._columns())
        used = {column_of(item, names) for item in [on, *value_items]}
        index_items = flat(index) if index is not None else [name for name in names if name not in used]
        items = self._items(index_items, {}, "pivot")
        taken = [column_of(item, names) or "" for item in index_items]
        if columns is None:
            found = self._found_values(on_text)
        else:
            found = [(_value_name(value), typed_literal(value)) for value in columns]
        for item, text in zip(value_items, value_texts, strict=True):
            prefix = "" if len(value_items) == 1 else f"{_item_name(item, names)}_"
            for name, value in found:
                test = f"({on_text}) IS NOT DISTINCT FROM {value}"
                items.append(f"{aggregate_text(aggregate, text)} FILTER (WHERE {test}) AS {quote_name(prefix + name)}")
                taken.append(prefix + name)
        _check_names("pivot", [name for name in taken if name], "choose others, or pivot on an expression")
        if not items:
            raise InvalidArgumentError("pivot has no columns: there is no index, and no value of on=")
        numbers = ", ".join(str(number) for number in range(1, len(index_items) + 1)) or "()"
        return self._query("pivot", f"SELECT {', '.join(items)} FROM this GROUP BY {numbers}")

    def unpivot(
        self,
        on: Exprs = None,
        index: Exprs = None,
        variable_name: str = "variable",
        value_name: str = "value",
    ) -> DataFrame:
        """One row for each of the columns `on`, with the column's name and its value, NULL too.

        `index`: the columns that stay beside them; left out, all others. `on` left out: all that aren't `index`. The
        values must fit one type. Keeps the partitions.

        >>> df = session.from_items([{"k": "x", "a": 1, "b": None}])
        >>> df.unpivot(["a", "b"]).take_all()
        [{'k': 'x', 'variable': 'a', 'value': 1}, {'k': 'x', 'variable': 'b', 'value': None}]
        """
        names = list(self._columns())
        chosen = self._column_list("unpivot", flat(on))
        kept = self._column_list("unpivot", flat(index))
        if not chosen:
            chosen = [name for name in names if name not in kept]
        elif index is None:
            kept = [name for name in names if name not in chosen]
        if not chosen:
            raise InvalidArgumentError("unpivot has no columns to make rows of", hint='give on=["a", "b"]')
        if len(set(chosen)) < len(chosen) or set(chosen) & set(kept):
            raise InvalidArgumentError("unpivot was given a column twice", hint="each is either on= or index=, once")
        _check_names("unpivot", [*kept, variable_name, value_name], "give another variable_name= or value_name=")
        columns = ", ".join(quote_name(name) for name in [*kept, *chosen])
        result = ", ".join(quote_name(name) for name in [*kept, variable_name, value_name])
        of = ", ".join(quote_name(name) for name in chosen)
        return self._local_query(
            "unpivot",
            f"SELECT {result} FROM (SELECT {columns} FROM {{0}}) UNPIVOT INCLUDE NULLS "
            f"({quote_name(value_name)} FOR {quote_name(variable_name)} IN ({of}))",
        )

    def explode(self, *columns: Exprs) -> DataFrame:
        """One row for each element of list columns; a row whose lists are empty or NULL stays, with NULL.

        Several columns are exploded side by side, the shorter list filled with NULL. Keeps the partitions. `unnest`
        leaves out rows without elements.

        >>> session.from_items([{"a": 1, "l": [1, 2]}, {"a": 2, "l": []}]).explode("l").take_all()
        [{'a': 1, 'l': 1}, {'a': 1, 'l': 2}, {'a': 2, 'l': None}]
        """
        types = self._columns()
        chosen = self._chosen("explode", columns)
        for name in chosen:
            if not types[name].endswith("]"):
                raise InvalidArgumentError(f'explode takes lists, and the column "{name}" is {types[name]}')
        texts = {}
        for name in chosen:
            text = _as_list(name, types[name])
            texts[name] = f"unnest(CASE WHEN len({text}) > 0 THEN {text} ELSE [NULL] END) AS {quote_name(name)}"
        return self._replaced("explode", texts)

    def unnest(self, *columns: Exprs) -> DataFrame:
        """DuckDB's unnest: a struct's fields become columns in its place, a list's elements become rows.

        Rows whose lists have no elements vanish; `explode` keeps them. Keeps the partitions.

        >>> session.from_items([{"a": 1, "s": {"x": 2, "y": 3}}]).unnest("s").take_all()
        [{'a': 1, 'x': 2, 'y': 3}]
        """
        types = self._columns()
        chosen = self._chosen("unnest", columns)
        names: list[str] = [name for name in types if name not in chosen]
        texts = {}
        for name in chosen:
            if types[name].endswith("]"):
                texts[name] = f"unnest({_as_list(name, types[name])}) AS {quote_name(name)}"
                names.append(name)
            elif types[name].startswith("STRUCT"):
                texts[name] = f"unnest({quote_name(name)})"
                names += [field.name for field in arrow_types.to_arrow(types[name])]
            else:
                raise InvalidArgumentError(f'unnest takes lists and structs, and the column "{name}" is {types[name]}')
        _check_names("unnest", names, "rename the columns first")
        return self._replaced("unnest", texts)

    def _chosen(self, operation: str, columns: tuple[Exprs, ...]) -> list[str]:
        chosen = self._column_list(operation, columns)
        if not chosen:
            raise InvalidArgumentError(f"{operation} was given no column")
        return chosen

    def _replaced(self, operation: str, texts: dict[str, str]) -> DataFrame:
        items = [texts.get(name, quote_name(name)) for name in self._columns()]
        return self._local_query(operation, f"SELECT {', '.join(items)} FROM {{0}}")

    def _found_values(self, on: str) -> list[tuple[str, str]]:
        # As text and back: Arrow hasn't all of DuckDB's types, and a literal not all of Arrow's.
        distinct = self._query("pivot", f"SELECT DISTINCT ({on}) AS v FROM this WHERE ({on}) IS NOT NULL")
        kind = distinct.schema["v"]
        ordered = distinct._query("pivot", "SELECT CAST(v AS VARCHAR) AS name FROM this ORDER BY v")
        return [(name, f"CAST({literal(name)} AS {kind})") for name in ordered.to_arrow()["name"].to_pylist()]


def _as_list(name: str, kind: str) -> str:
    # An ARRAY has a length between its last brackets.
    return quote_name(name) if kind.endswith("[]") else f"CAST({quote_name(name)} AS {kind[: kind.rindex('[')]}[])"


def _value_name(value: object) -> str:
    if value is None or isinstance(value, bool):
        return literal(value)
    return str(value)


def _item_name(item: object, columns: list[str]) -> str:
    return column_of(item, columns) or (item.name or item.text if isinstance(item, Expr) else str(item))


def _check_names(operation: str, names: Iterable[str], hint: str) -> None:
    seen: set[str] = set()
    for name in names:
        if folded(name) in seen:
            raise InvalidArgumentError(f'{operation} gives two columns "{name}"', hint=hint)
        seen.add(folded(name))
