"""Lists to rows, rows to columns and back."""

from __future__ import annotations

from all_types import VALUES, is_list
from sql_query import MOST_ROWS, Chance, Column, Query, as_named, exact, listed


def unnested(chance: Chance, query: Query, other: Query) -> Query:
    """A row for each value of a list."""
    query = exact(query)
    if query.most * 3 > MOST_ROWS:
        return query
    lists = [column for column in query.columns if is_list(column.type)]
    alias = chance.aliases()[0]
    if lists and not chance.is_one_in(5):
        column = chance.one_of(lists)
        text, kind = f"{alias}.{column.sql}", column.type.removesuffix("[]")
    else:
        column = chance.one_of(query.columns)
        text, kind = f"[{alias}.{column.sql}, NULL]", column.type
    columns = chance.renamed([*query.columns, Column("", kind)])
    items = [f"{alias}.{each.sql}" for each in query.columns]
    if chance.is_one_in(2):
        made = f"SELECT {as_named([*items, f'unnest({text})'], columns)} FROM ({query.sql}) AS {alias}"
    else:
        made = f"SELECT {as_named([*items, 'u.z'], columns)} FROM ({query.sql}) AS {alias}, unnest({text}) AS u(z)"
    # A list of several lists' values may be long; those of tables are short.
    return Query(made, columns, query.most * 3)


def pivoted(chance: Chance, query: Query, other: Query) -> Query:
    """A column for each of some values."""
    query = exact(query)
    keys = [column for column in query.columns if column.type in ("INTEGER", "BIGINT", "BOOLEAN", "TINYINT")]
    if not keys or len(query.columns) < 2:
        return query
    on = chance.one_of(keys)
    group = chance.one_of([column for column in query.columns if column != on])
    measured = chance.one_of(query.columns)
    values = ("true", "false") if on.type == "BOOLEAN" else ("0", "1", "2")
    using, kind = chance.one_of(
        ((f"count({measured.sql})", "BIGINT"), (f"min({measured.sql})", measured.type), ("count(*)", "BIGINT"))
    )
    names = chance.names(len(values), [group.name])
    into = [Column(name, kind) for name in names]
    listed_values = ", ".join(f"{value} AS {column.sql}" for value, column in zip(values, into, strict=True))
    text = f"FROM (PIVOT ({query.sql}) ON {on.sql} IN ({listed_values}) USING {using} GROUP BY {group.sql})"
    columns = (group, *into)
    return Query(f"SELECT {listed(columns)} {text}", columns, query.most)


def unpivoted(chance: Chance, query: Query, other: Query) -> Query:
    """A row for each of some columns of one type."""
    query = exact(query)
    if query.most * 2 > MOST_ROWS:
        return query
    kind = chance.one_of(query.columns).type
    values = [column for column in query.columns if column.type == kind][:3]
    rest = [column for column in query.columns if column not in values]
    if kind not in VALUES:
        return query
    name, value = chance.names(2, [column.name for column in query.columns])
    columns = (*rest, Column(name, "VARCHAR"), Column(value, kind))
    nulls = chance.one_of(("", "INCLUDE NULLS "))
    text = f"FROM (FROM ({query.sql}) UNPIVOT {nulls}({columns[-1].sql} FOR {columns[-2].sql} IN ({listed(values)})))"
    return Query(f"SELECT {listed(columns)} {text}", columns, query.most * len(values))
