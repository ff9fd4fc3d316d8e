"""Joins of all kinds."""

from __future__ import annotations

from all_types import INTEGERS, LOOSE, STAMPS, VALUES, are_alike
from sql_expressions import condition
from sql_query import MOST_ROWS, Chance, Column, Query, as_named, exact, joinable, listed, total_order

KINDS = ("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")


def joined(chance: Chance, query: Query, other: Query) -> Query:
    """Rows of both sides."""
    query, other = exact(query), exact(other)
    if query.most * max(other.most, 1) > MOST_ROWS:
        return query
    if chance.is_one_in(8):
        return _all_pairs(chance, query, other)
    query, other = joinable(query), joinable(other)
    if chance.is_one_in(6):
        return _by_name(chance, query, other)
    if chance.is_one_in(6):
        return _asof(chance, query, other)
    if chance.is_one_in(8):
        return _lateral(chance, query, other)
    return _by_conditions(chance, query, other)


def _selected(chance: Chance, text: str, columns: list[Column], tables: list[str], most: int) -> Query:
    new = chance.renamed(columns)
    items = [table + column.sql for table, column in zip(tables, columns, strict=True)]
    return Query(f"SELECT {as_named(items, new)} {text}", new, most)


def _both(chance: Chance, text: str, query: Query, other: Query, left: str, right: str) -> Query:
    columns = [*query.columns, *other.columns]
    tables = [left + "."] * len(query.columns) + [right + "."] * len(other.columns)
    # FULL joins give unmatched rows of both sides.
    most = query.most * other.most + query.most + other.most
    return _selected(chance, text, columns, tables, most)


def _all_pairs(chance: Chance, query: Query, other: Query) -> Query:
    left, right = chance.aliases()
    comma = chance.one_of((", ", " CROSS JOIN "))
    text = f"FROM ({query.sql}) AS {left}{comma}({other.sql}) AS {right}"
    if chance.is_one_in(2):
        text += f" WHERE {condition(chance, chance.one_of(query.columns), left + '.')}"
    return _both(chance, text, query, other, left, right)


def _by_conditions(chance: Chance, query: Query, other: Query) -> Query:
    pairs = [(a, b) for a in query.columns for b in other.columns if are_alike(a.type, b.type)]
    if not pairs:
        return _all_pairs(chance, query, other)
    left, right = chance.aliases()
    first, second = chance.one_of(pairs)
    sign = chance.one_of(("=", "=", "=", "=", "IS NOT DISTINCT FROM", "<", ">=", "<>"))
    texts = [f"{left}.{first.sql} {sign} {right}.{second.sql}"]
    while chance.is_one_in(3):
        first, second = chance.one_of(pairs)
        sign = chance.one_of(("=", "=", "<=", "<>", "IS NOT DISTINCT FROM"))
        texts.append(f"{left}.{first.sql} {sign} {right}.{second.sql}")
    if chance.is_one_in(4):
        table, side = chance.one_of(((left, query), (right, other)))
        texts.append(condition(chance, chance.one_of(side.columns), table + "."))
    joiner = " OR " if chance.is_one_in(10) else " AND "
    kind = chance.one_of(KINDS)
    text = f"FROM ({query.sql}) AS {left} {kind} ({other.sql}) AS {right} ON {joiner.join(texts)}"
    if kind in ("SEMI JOIN", "ANTI JOIN"):
        return _selected(chance, text, list(query.columns), [left + "."] * len(query.columns), query.most)
    return _both(chance, text, query, other, left, right)


def _by_name(chance: Chance, query: Query, other: Query) -> Query:
    """USING and NATURAL: the other side's columns are called as ours."""
    left, right = chance.aliases()
    used: list[Column] = []
    names: dict[Column, str] = {}
    for column in other.columns:
        partner = next((each for each in query.columns if each.type == column.type and each not in used), None)
        if partner is not None and len(used) < 2:
            used.append(partner)
            names[column] = partner.name
    if not used:
        return _all_pairs(chance, query, other)
    taken = [column.name for column in query.columns]
    fresh = chance.names(len(other.columns) - len(used), taken)
    theirs = tuple(Column(names.get(column) or fresh.pop(), column.type) for column in other.columns)
    side = f"SELECT {as_named([column.sql for column in other.columns], theirs)} FROM ({other.sql})"
    kind = chance.one_of(KINDS[:-2])
    if chance.is_one_in(2):
        text = f"FROM ({query.sql}) AS {left} NATURAL {kind} ({side}) AS {right}"
    else:
        text = f"FROM ({query.sql}) AS {left} {kind} ({side}) AS {right} USING ({listed(used)})"
    rest = [column for column in theirs if column.name not in taken]
    columns = [*query.columns, *rest]
    most = query.most * other.most + query.most + other.most
    return _selected(chance, text, columns, [""] * len(columns), most)


def _asof(chance: Chance, query: Query, other: Query) -> Query:
    """The nearest row of the other side, which has one for each key and moment."""
    kinds = (*INTEGERS, *STAMPS, "DOUBLE", "DECIMAL(9,2)", "VARCHAR")
    pairs = [(a, b) for a in query.columns for b in other.columns if a.type == b.type]
    moments = [(a, b) for a, b in pairs if a.type in kinds]
    if not moments:
        return _by_conditions(chance, query, other)
    left, right = chance.aliases()
    when, moment = chance.one_of(moments)
    keys = [(a, b) for a, b in pairs if b != moment and chance.is_one_in(2)][:1]
    ours = [b for _, b in keys] + [moment]
    rest = [column for column in other.columns if column not in ours and column.type in VALUES]
    values = rest[:1]
    items = [column.sql for column in ours] + [f"min({column.sql})" for column in values]
    columns = tuple(ours + values)
    side = f"SELECT {as_named(items, columns)} FROM ({other.sql}) GROUP BY {listed(ours)}"
    sign = chance.one_of((">=", ">", "<=", "<"))
    texts = [f"{left}.{a.sql} = {right}.{b.sql}" for a, b in keys] + [f"{left}.{when.sql} {sign} {right}.{moment.sql}"]
    kind = chance.one_of(("ASOF JOIN", "ASOF LEFT JOIN"))
    text = f"FROM ({query.sql}) AS {left} {kind} ({side}) AS {right} ON {' AND '.join(texts)}"
    return _both(chance, text, query, Query(side, columns, 1), left, right)


def _lateral(chance: Chance, query: Query, other: Query) -> Query:
    """A subquery for each row: its first rows by an order, or an aggregate."""
    pairs = [(a, b) for a in query.columns for b in other.columns if are_alike(a.type, b.type)]
    if not pairs:
        return _all_pairs(chance, query, other)
    left, right = chance.aliases()
    first, second = chance.one_of(pairs)
    where = f'WHERE "its".{second.sql} {chance.one_of(("=", "=", "<=", "<>"))} {left}.{first.sql}'
    if chance.is_one_in(2):
        order = total_order(chance, other.columns, '"its".')
        inner = f'SELECT "its".* FROM ({other.sql}) AS "its" {where} ORDER BY {order} LIMIT {chance.number(1, 3)}'
        side = Query(inner, other.columns, 3)
    else:
        smallest = [column for column in other.columns if column.type not in LOOSE] or list(other.columns)
        column = chance.one_of(smallest)
        new = (Column("n", "BIGINT"), Column("m", column.type))
        side = Query(f'SELECT count(*) AS n, min("its".{column.sql}) AS m FROM ({other.sql}) AS "its" {where}', new, 1)
    comma = chance.one_of((", LATERAL", " LEFT JOIN LATERAL", " JOIN LATERAL"))
    on = "" if comma.startswith(",") else " ON true"
    text = f"FROM ({query.sql}) AS {left}{comma} ({side.sql}) AS {right}{on}"
    return _both(chance, text, query, side, left, right)
