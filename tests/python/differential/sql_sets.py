"""Set operations, limits, orders, CTEs, lists of values."""

from __future__ import annotations

from all_types import VALUES
from sql_expressions import computed, conditions, subquery_condition
from sql_query import MOST_ROWS, Chance, Column, Query, as_named, exact, joinable, listed, total_order

OPERATIONS = ("UNION", "UNION ALL", "UNION ALL", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL")


def filtered(chance: Chance, query: Query, other: Query) -> Query:
    """Some of the rows: by values, or by a subquery over another table."""
    alias = chance.aliases()[0]
    text = subquery_condition(chance, query, other, alias + ".") if chance.is_one_in(2) else ""
    text = text or conditions(chance, query.columns, alias + ".")
    if chance.is_one_in(4):
        text = f"{text} {chance.one_of(('AND', 'OR'))} {conditions(chance, query.columns, alias + '.')}"
    return Query(f"SELECT * FROM ({query.sql}) AS {alias} WHERE {text}", query.columns, query.most)


def projected(chance: Chance, query: Query, other: Query) -> Query:
    """Some of the columns, and some made of them."""
    query = exact(query)
    alias = chance.aliases()[0]
    table = alias + "."
    kept = chance.some_of(query.columns, 1, 5)
    made = [computed(chance, query.columns, table) for _ in range(chance.number(1, 3))]
    theirs = exact(other).columns
    if chance.is_one_in(4):
        column = chance.one_of(theirs)
        made.append((f'(SELECT max("sub".{column.sql}) FROM ({other.sql}) "sub")', column.type))
        condition = subquery_condition(chance, query, other, table)
        if condition:
            made.append((condition, "BOOLEAN"))
    old = [Column(column.name, column.type) for column in kept]
    columns = chance.renamed([*old, *(Column("", kind) for _, kind in made)])
    items = [table + column.sql for column in kept] + [text for text, _ in made]
    return Query(f"SELECT {as_named(items, columns)} FROM ({query.sql}) AS {alias}", columns, query.most)


def combined(chance: Chance, query: Query, other: Query) -> Query:
    """A set operation with another table where it has the types, with a list of values, or with own rows."""
    query = exact(query)
    kind = chance.one_of(OPERATIONS)
    rights = [filtered(chance, query, other)]
    by_type = {column.type: column for column in other.columns}
    if all(column.type in by_type for column in query.columns):
        columns = [by_type[column.type] for column in query.columns]
        rights.append(Query(f"SELECT {listed(columns)} FROM ({other.sql})", tuple(columns), other.most))
    if all(column.type in VALUES for column in query.columns):
        rows = [", ".join(chance.value(column.type) for column in query.columns) for _ in range(chance.number(1, 3))]
        rights.append(Query("VALUES " + ", ".join(f"({row})" for row in rows), query.columns, len(rows)))
    right = chance.one_of(rights)
    left, other_side = (query.sql, right.sql)
    if chance.is_one_in(4) and kind.startswith("UNION") and right is rights[0]:
        text = f"(FROM ({left})) {kind} BY NAME (SELECT {listed(query.columns[::-1])} FROM ({other_side}))"
    elif right.sql.startswith("VALUES"):
        text = f"(FROM ({left})) {kind} ({other_side})"
    else:
        text = f"(FROM ({left})) {kind} (FROM ({other_side}))"
    return Query(text, query.columns, query.most + right.most)


def limited(chance: Chance, query: Query, other: Query) -> Query:
    """The first rows in a total order."""
    query = exact(query)
    limit, offset = chance.one_of((0, 1, 2, 3, 5, 8, 12)), chance.one_of(("", "", " OFFSET 2"))
    amount = chance.one_of((str(limit), str(limit), "40%"))
    text = f"SELECT * FROM ({query.sql}) ORDER BY {total_order(chance, query.columns)} LIMIT {amount}{offset}"
    most = query.most if amount.endswith("%") else min(query.most, limit)
    return Query(text, query.columns, most, is_ordered=True)


def ordered(chance: Chance, query: Query, other: Query) -> Query:
    """All rows in a total order."""
    query = exact(query)
    order = chance.one_of((total_order(chance, query.columns), "ALL", "ALL DESC NULLS FIRST"))
    return Query(f"SELECT * FROM ({query.sql}) ORDER BY {order}", query.columns, query.most, is_ordered=True)


def counted(chance: Chance, query: Query, other: Query) -> Query:
    """How many rows some limit leaves, whichever they are."""
    text = f"SELECT count(*) AS n FROM (FROM ({query.sql}) LIMIT {chance.number(0, 9)})"
    return Query(text, (Column("n", "BIGINT"),), 1)


def shared(chance: Chance, query: Query, other: Query) -> Query:
    """A CTE that is read twice."""
    query = joinable(query)
    column = chance.one_of(query.columns)
    hint = chance.one_of(("", "MATERIALIZED ", "NOT MATERIALIZED "))
    if chance.is_one_in(2) or query.most**2 > MOST_ROWS:
        text = (
            f"WITH w AS {hint}({query.sql}) SELECT a.* FROM w a "
            f"WHERE (SELECT count(*) FROM w b WHERE b.{column.sql} IS NOT DISTINCT FROM a.{column.sql}) > 1"
        )
        return Query(text, query.columns, query.most)
    columns = chance.renamed([*query.columns, Column("", "BIGINT")])
    items = [f"a.{each.sql}" for each in query.columns] + ["b.n"]
    grouped = f'SELECT {column.sql}, count(*) AS "n" FROM w GROUP BY {column.sql}'.replace('"n"', "n")
    if column.name.lower() == "n":
        grouped = grouped.replace("count(*) AS n", "count(*) AS m")
        items[-1] = "b.m"
    text = (
        f"WITH w AS {hint}({query.sql}), g AS {hint}({grouped}) SELECT {as_named(items, columns)} "
        f"FROM w a LEFT JOIN g b ON a.{column.sql} = b.{column.sql}"
    )
    return Query(text, columns, query.most * query.most)


def recursive(chance: Chance, query: Query, other: Query) -> Query:
    """Numbers, and rows that a recursion reaches."""
    query = joinable(query)
    if query.most * 4 > MOST_ROWS:
        return query
    union = chance.one_of(("UNION", "UNION ALL"))
    columns = chance.renamed([*query.columns, Column("", "INTEGER")])
    items = [f"w.{column.sql}" for column in query.columns] + ['r."step"']
    if chance.is_one_in(2):
        text = (
            f'WITH RECURSIVE r("step") AS (SELECT 1 {union} SELECT "step" + 1 FROM r WHERE "step" < 3) '
            f"SELECT {as_named(items, columns)} FROM r, ({query.sql}) w"
        )
        return Query(text, columns, query.most * 3)
    key = chance.one_of(query.columns)
    text = (
        f'WITH RECURSIVE r(k, "step") AS (SELECT max({key.sql}), 1 FROM ({query.sql}) UNION '
        f'SELECT n.{key.sql}, r."step" + 1 FROM r, ({query.sql}) n WHERE n.{key.sql} < r.k AND r."step" < 3) '
        f"SELECT {as_named(items, columns)} FROM ({query.sql}) w JOIN r ON r.k = w.{key.sql}"
    )
    return Query(text, columns, query.most * query.most * 3)


def with_values(chance: Chance, query: Query, other: Query) -> Query:
    """A join with a list of values."""
    query = joinable(query)
    keys = [column for column in query.columns if column.type in VALUES]
    if not keys or query.most * 3 > MOST_ROWS:
        return query
    key = chance.one_of(keys)
    rows = ", ".join(f"({chance.value(key.type)}, {number})" for number in range(chance.number(1, 3)))
    columns = chance.renamed([*query.columns, Column("", "INTEGER")])
    items = [f"w.{column.sql}" for column in query.columns] + ["v.n"]
    kind = chance.one_of(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
    text = (
        f"SELECT {as_named(items, columns)} FROM ({query.sql}) w {kind} (VALUES {rows}) v(k, n) "
        f"ON w.{key.sql} {chance.one_of(('=', '=', 'IS NOT DISTINCT FROM'))} v.k"
    )
    return Query(text, columns, query.most * 3 + 3)
