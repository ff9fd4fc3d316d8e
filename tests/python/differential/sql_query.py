"""A SELECT that grows, and what chance decides about it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from all_types import LOOSE, VALUES
from random_tables import quote

T = TypeVar("T")

NAMES = (
    *("a", "B", "k", "select", "a b", 'q"q', "it's", "größe", "🦆", "{0}", "in0", "c0", "C1", "k0", "g0", "p0", "f0"),
    *("s0", "rowid", "new\nline", "%s", "*", "1", "count_star()", ";--", "$1", "T0", "order", "Group", "x", "y", "ID"),
    *("millpond_source_0", "__export_source", "__millpond_key_0", "filename", "value", "UNION", "sum", "null", "é"),
)
ALIASES = ("q", "o", "t 1", "in1", "from", "Q2", "c9", "x'y")

#: Rows that a query gives at most, before a step that multiplies them is left out.
MOST_ROWS = 3000


@dataclass(frozen=True)
class Column:
    """A column; one that is not exact holds sums of rounded numbers, which no key or order may depend on."""

    name: str
    type: str
    is_exact: bool = True

    @property
    def sql(self) -> str:
        """The quoted name."""
        return quote(self.name)

    @property
    def is_loose(self) -> bool:
        """Whether equal values may look different."""
        return self.type in LOOSE or self.type not in VALUES


@dataclass(frozen=True)
class Query:
    """A SELECT, its columns, the rows it may give at most, and whether they come in an order."""

    sql: str
    columns: tuple[Column, ...]
    most: int
    is_ordered: bool = False


class Chance:
    """Draws from a seed; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._random = random.Random(seed)

    def one_of(self, choices: Sequence[T]) -> T:
        """Any of them."""
        return choices[self._random.randrange(len(choices))]

    def some_of(self, choices: Sequence[T], least: int, most: int) -> list[T]:
        """So many different ones, in any order."""
        most = min(most, len(choices))
        return self._random.sample(list(choices), self._random.randint(min(least, most), most))

    def number(self, least: int, most: int) -> int:
        """A whole number."""
        return self._random.randint(least, most)

    def is_one_in(self, n: int) -> bool:
        """True once in n times."""
        return self._random.randrange(n) == 0

    def value(self, kind: str) -> str:
        """An expression for a value of the type; NULL now and then."""
        return f"NULL::{kind}" if self.is_one_in(6) else self.known_value(kind)

    def known_value(self, kind: str) -> str:
        """An expression for a value that is not NULL."""
        return f"({self.one_of(VALUES[kind])})::{kind}"

    def aliases(self) -> tuple[str, str]:
        """Two names of tables, quoted."""
        one, other = self.some_of(ALIASES, 2, 2)
        return quote(one), quote(other)

    def names(self, count: int, taken: Iterable[str] = ()) -> list[str]:
        """New names that differ whatever their case."""
        used = {name.lower() for name in taken}
        names: list[str] = []
        while len(names) < count:
            name = self.one_of(NAMES) if self.is_one_in(2) else f"c{self.number(0, 60)}"
            if name.lower() not in used:
                used.add(name.lower())
                names.append(name)
        return names

    def renamed(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The columns under new names."""
        names = self.names(len(columns))
        return tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))


def exact(query: Query) -> Query:
    """The query without columns that are rounded."""
    return only(query, tuple(column for column in query.columns if column.is_exact))


def joinable(query: Query) -> Query:
    """The query without arrays: DuckDB fills those of a join's missing rows with what stands in memory."""
    return only(exact(query), tuple(column for column in query.columns if column.is_exact and "[2]" not in column.type))


def only(query: Query, columns: tuple[Column, ...]) -> Query:
    """The query with these of its columns; how many rows it has if there are none."""
    if columns == query.columns:
        return query
    if not columns:
        return Query(f"SELECT count(*) AS n FROM ({query.sql})", (Column("n", "BIGINT"),), 1)
    return Query(f"SELECT {listed(columns)} FROM ({query.sql})", columns, query.most)


def listed(columns: Sequence[Column], table: str = "") -> str:
    """The columns' names with commas."""
    return ", ".join(table + column.sql for column in columns)


def as_named(items: Sequence[str], columns: Sequence[Column]) -> str:
    """Expressions under the columns' names."""
    return ", ".join(f"{item} AS {column.sql}" for item, column in zip(items, columns, strict=True))


def total_order(chance: Chance, columns: Sequence[Column], table: str = "") -> str:
    """An order in which only equal rows tie: all columns, in any order and direction."""
    ways = ("", "", " DESC", " ASC NULLS FIRST", " DESC NULLS LAST", " NULLS LAST", " DESC NULLS FIRST")
    some = chance.some_of(columns, len(columns), len(columns))
    return ", ".join(f"{table}{column.sql}{chance.one_of(ways)}" for column in some)
