"""Random global queries over two tables, each with one answer: total orders under limits, no sums of doubles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from random_tables import VALUES, Column, Table, value_of

Draw = Callable[..., Any]

JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")
INTEGERS = ("TINYINT", "INTEGER", "BIGINT")


@dataclass(frozen=True)
class Query:
    """A SELECT and its columns, which are called c0, c1 …."""

    sql: str
    columns: tuple[Column, ...]


def from_table(table: Table) -> Query:
    """All of a table's rows."""
    items = ", ".join(f"{column.sql} AS c{i}" for i, column in enumerate(table.columns))
    return Query(f"SELECT {items} FROM {table.name}", _numbered(table.columns))


def filtered(draw: Draw, query: Query, other: Query) -> Query:
    """Some of the rows: by values, or by a subquery over the other table."""
    column = draw(st.sampled_from(query.columns))
    tests = [f"{column.name} IS NULL", f"{column.name} IS NOT NULL"]
    if column.type in VALUES:
        value = draw(value_of(column.type))
        tests += [f"{column.name} {sign} {value}" for sign in ("=", "<>", "<", ">=", "IS NOT DISTINCT FROM")]
    for theirs in other.columns:
        if theirs.type != column.type:
            continue
        inner = f"FROM ({other.sql}) o"
        tests += [
            f"{column.name} IN (SELECT o.{theirs.name} {inner})",
            f"{column.name} NOT IN (SELECT o.{theirs.name} {inner})",
            f"{column.name} >= (SELECT max(o.{theirs.name}) {inner})",
            f"EXISTS (SELECT 1 {inner} WHERE o.{theirs.name} = q.{column.name})",
            f"NOT EXISTS (SELECT 1 {inner} WHERE o.{theirs.name} IS NOT DISTINCT FROM q.{column.name})",
            f"(SELECT count(*) {inner} WHERE o.{theirs.name} = q.{column.name}) < 2",
        ]
    return Query(f"SELECT * FROM ({query.sql}) q WHERE {draw(st.sampled_from(tests))}", query.columns)


def joined(draw: Draw, query: Query, other: Query) -> Query:
    """Rows of both sides, by a key of one type; now and then all pairs, or by an order."""
    pairs = [(a, b) for a in query.columns for b in other.columns if a.type == b.type]
    if not pairs:
        return _renamed(f"SELECT q.*, o.* FROM ({query.sql}) q, ({other.sql}) o", query.columns, other.columns)
    left, right = draw(st.sampled_from(pairs))
    signs = ("=", "=", "=", "IS NOT DISTINCT FROM", "<")
    conditions = [f"q.{left.name} {draw(st.sampled_from(signs))} o.{right.name}"]
    if draw(st.integers(0, 3)) == 0:
        more, theirs = draw(st.sampled_from(pairs))
        conditions.append(f"q.{more.name} {draw(st.sampled_from(('=', '<=', '<>')))} o.{theirs.name}")
    kind = draw(st.sampled_from(JOINS))
    text = f"FROM ({query.sql}) q {kind} ({other.sql}) o ON {' AND '.join(conditions)}"
    if kind in ("SEMI JOIN", "ANTI JOIN"):
        return Query(f"SELECT q.* {text}", query.columns)
    return _renamed(f"SELECT q.*, o.* {text}", query.columns, other.columns)


def aggregated(draw: Draw, query: Query, other: Query) -> Query:
    """Groups by up to two columns."""
    keys = draw(st.lists(st.sampled_from(query.columns), max_size=2, unique=True))
    found = [("count(*)", "BIGINT")]
    for column in draw(st.lists(st.sampled_from(query.columns), max_size=3)):
        found.append(draw(st.sampled_from(_aggregates(column, f"i_{query.columns[0].name}"))))
    items = [f"i_{key.name}" for key in keys] + [text for text, _ in found]
    columns = [*keys, *(Column("", kind) for _, kind in found)]
    by = draw(st.sampled_from(("GROUP BY", "GROUP BY", "GROUP BY ROLLUP")))
    groups = f"{by} ({', '.join(items[: len(keys)])})" if keys else ""
    text = ", ".join(f"{item} AS c{i}" for i, item in enumerate(items))
    # The old columns have names of their own, so that new ones don't hide them.
    inner = ", ".join(f"{column.name} AS i_{column.name}" for column in query.columns)
    return Query(f"SELECT {text} FROM (SELECT {inner} FROM ({query.sql})) {groups}", _numbered(columns))


def _aggregates(column: Column, first: str) -> list[tuple[str, str]]:
    name = f"i_{column.name}"
    choices = [
        (f"count({name})", "BIGINT"),
        (f"count(DISTINCT {name})", "BIGINT"),
        (f"min({name})", column.type),
        (f"max({name}) FILTER (WHERE {first} IS NOT NULL)", column.type),
        (f"bool_or({name} IS NULL)", "BOOLEAN"),
        (f"list({name} ORDER BY {name})::VARCHAR", "VARCHAR"),
    ]
    if column.type in INTEGERS:
        choices.append((f"sum({name})::DECIMAL(38,0)", "DECIMAL(38,0)"))
    if column.type in ("TINYINT", "INTEGER"):
        choices += [(f"median({name})", "DOUBLE"), (f"avg({name})", "DOUBLE"), (f"bit_xor({name})", column.type)]
    return choices


def windowed(draw: Draw, query: Query, other: Query) -> Query:
    """A number for each row, in each group or among all; rows that tie are equal."""
    order = ", ".join(column.name for column in query.columns)
    by = draw(st.lists(st.sampled_from(query.columns), max_size=2, unique=True))
    partition = f"PARTITION BY {', '.join(column.name for column in by)} " if by else ""
    function = draw(st.sampled_from(("row_number()", "rank()", "count(*)", "ntile(3)")))
    new = Column(f"c{len(query.columns)}", "BIGINT")
    text = f"SELECT *, {function} OVER ({partition}ORDER BY {order}) AS {new.name} FROM ({query.sql})"
    return Query(text, (*query.columns, new))


def distinct(draw: Draw, query: Query, other: Query) -> Query:
    """Rows that differ."""
    return Query(f"SELECT DISTINCT * FROM ({query.sql})", query.columns)


def combined(draw: Draw, query: Query, other: Query) -> Query:
    """A set operation with some of its own rows, or with the other table's where the columns are alike."""
    kind = draw(st.sampled_from(("UNION", "UNION ALL", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL")))
    alike = [column.type for column in other.columns] == [column.type for column in query.columns]
    right = other if alike else filtered(draw, query, other)
    return Query(f"FROM ({query.sql}) {kind} FROM ({right.sql})", query.columns)


def limited(draw: Draw, query: Query, other: Query) -> Query:
    """The first rows in a total order."""
    order = ", ".join(f"{column.name} {draw(st.sampled_from(('', 'DESC')))}" for column in query.columns)
    offset = draw(st.sampled_from(("", " OFFSET 2")))
    text = f"SELECT * FROM ({query.sql}) ORDER BY {order} LIMIT {draw(st.integers(0, 12))}{offset}"
    return Query(text, query.columns)


def shared(draw: Draw, query: Query, other: Query) -> Query:
    """A CTE that is read twice."""
    column = draw(st.sampled_from(query.columns))
    hint = draw(st.sampled_from(("", "MATERIALIZED ", "NOT MATERIALIZED ")))
    text = (
        f"WITH w AS {hint}({query.sql}) SELECT a.* FROM w a "
        f"WHERE (SELECT count(*) FROM w b WHERE b.{column.name} IS NOT DISTINCT FROM a.{column.name}) > 1"
    )
    return Query(text, query.columns)


STEPS: tuple[Callable[[Draw, Query, Query], Query], ...] = (
    *(filtered, filtered, joined, joined, joined, aggregated, aggregated),
    *(windowed, distinct, combined, limited, shared),
)


@st.composite
def queries(draw: st.DrawFn, first: Table, second: Table) -> Query:
    """A query of one to four steps."""
    query, other = from_table(first), from_table(second)
    for _ in range(draw(st.integers(1, 4))):
        query = draw(st.sampled_from(STEPS))(draw, query, other)
    return query


def _numbered(columns: Any) -> tuple[Column, ...]:
    return tuple(Column(f"c{i}", column.type) for i, column in enumerate(columns))


def _renamed(sql: str, left: tuple[Column, ...], right: tuple[Column, ...]) -> Query:
    columns = _numbered([*left, *right])
    return Query(f"FROM ({sql}) j({', '.join(column.name for column in columns)})", columns)
