"""Windows: all ranking functions, aggregates over frames, QUALIFY. Rows that tie are equal."""

from __future__ import annotations

from all_types import INTEGERS, VALUES, is_numeric
from sql_aggregates import aggregate
from sql_expressions import tame
from sql_query import Chance, Column, Query, exact, listed, total_order

BOUNDS = ("UNBOUNDED PRECEDING", "3 PRECEDING", "1 PRECEDING", "CURRENT ROW", "1 FOLLOWING", "UNBOUNDED FOLLOWING")
EXCLUDED = ("", "", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS")
Windowed = tuple[str, str, bool]


def windowed(chance: Chance, query: Query, other: Query) -> Query:
    """One or two more columns, each over a window; now and then only rows of a rank."""
    query = exact(query)
    alias = chance.aliases()[0]
    table = alias + "."
    found = [_window(chance, query.columns, table) for _ in range(chance.number(1, 2))]
    if len(found) == 2 and chance.is_one_in(3):
        # Two windows over the same partitions, by a name.
        by = f"PARTITION BY {listed(chance.some_of(query.columns, 1, 2), table)} "
        order = f"ORDER BY {total_order(chance, query.columns, table)}"
        return _named(chance, query, alias, by + order)
    names = chance.names(len(found), [column.name for column in query.columns])
    columns = tuple(Column(name, kind, ok) for name, (_, kind, ok) in zip(names, found, strict=True))
    items = ", ".join(f"{text} AS {column.sql}" for column, (text, _, _) in zip(columns, found, strict=True))
    qualify = ""
    if chance.is_one_in(4):
        rank = chance.one_of(("row_number()", "rank()", "dense_rank()", "count(*)"))
        qualify = f" QUALIFY {rank} OVER ({_over(chance, query.columns, table)}) <= {chance.number(1, 3)}"
    # Two windows may number equal rows in different ways: there must be none.
    inner = f"SELECT DISTINCT * FROM ({query.sql})" if len(found) == 2 or qualify else query.sql
    text = f"SELECT {table}*, {items} FROM ({inner}) AS {alias}{qualify}"
    return Query(text, (*query.columns, *columns), query.most)


def _named(chance: Chance, query: Query, alias: str, over: str) -> Query:
    names = chance.names(2, [column.name for column in query.columns])
    columns = (Column(names[0], "BIGINT"), Column(names[1], "BIGINT"))
    text = (
        f"SELECT {alias}.*, row_number() OVER w AS {columns[0].sql}, count(*) OVER w AS {columns[1].sql} "
        f"FROM ({query.sql}) AS {alias} WINDOW w AS ({over})"
    )
    return Query(text, (*query.columns, *columns), query.most)


def _partition(chance: Chance, columns: tuple[Column, ...], table: str) -> str:
    by = chance.some_of(columns, 0, 2) if chance.is_one_in(4) else chance.some_of(columns, 1, 2)
    return f"PARTITION BY {listed(by, table)} " if by else ""


def _over(chance: Chance, columns: tuple[Column, ...], table: str) -> str:
    return f"{_partition(chance, columns, table)}ORDER BY {total_order(chance, columns, table)}"


def _window(chance: Chance, columns: tuple[Column, ...], table: str) -> Windowed:
    return chance.one_of((_ranked, _ranked, _shifted, _framed, _framed, _whole, _ranged))(chance, columns, table)


def _ranked(chance: Chance, columns: tuple[Column, ...], table: str) -> Windowed:
    function, kind, is_exact = chance.one_of(
        (
            ("row_number()", "BIGINT", True),
            ("rank()", "BIGINT", True),
            ("dense_rank()", "BIGINT", True),
            ("ntile(3)", "BIGINT", True),
            ("percent_rank()", "DOUBLE", False),
            ("cume_dist()", "DOUBLE", False),
        )
    )
    if function in ("rank()", "dense_rank()", "percent_rank()", "cume_dist()") and chance.is_one_in(2):
        # Rows that tie have one rank.
        order = total_order(chance, chance.some_of(columns, 1, 1), table)
        return f"{function} OVER ({_partition(chance, columns, table)}ORDER BY {order})", kind, is_exact
    return f"{function} OVER ({_over(chance, columns, table)})", kind, is_exact


def _shifted(chance: Chance, columns: tuple[Column, ...], table: str) -> Windowed:
    column = chance.one_of(columns)
    name = table + column.sql
    default = chance.known_value(column.type) if column.type in VALUES else "NULL"
    nulls = chance.one_of(("", "", " IGNORE NULLS"))
    function = chance.one_of(
        (
            f"lag({name}{nulls})",
            f"lead({name}, 2{nulls})",
            f"lag({name}, 1, {default})",
            f"first_value({name}{nulls})",
            f"last_value({name}{nulls})",
            f"nth_value({name}, 2{nulls})",
        )
    )
    return f"{function} OVER ({_over(chance, columns, table)})", column.type, True


def _framed(chance: Chance, columns: tuple[Column, ...], table: str) -> Windowed:
    """An aggregate over rows or groups of equal rows around."""
    text, kind, is_exact = aggregate(chance, columns, table, is_window=True)
    first = chance.number(0, len(BOUNDS) - 2)
    last = chance.number(max(first, 1), len(BOUNDS) - 1)
    # Rows that tie can't be told apart, but the frame of each is another: a multiset of them is the same.
    frame = f"{chance.one_of(('ROWS', 'GROUPS'))} BETWEEN {BOUNDS[first]} AND {BOUNDS[last]}{chance.one_of(EXCLUDED)}"
    return text.replace("@", f" OVER ({_over(chance, columns, table)} {frame})"), kind, is_exact


def _whole(chance: Chance, columns: tuple[Column, ...], table: str) -> Windowed:
    """An aggregate over the partition."""
    text, kind, is_exact = aggregate(chance, columns, table, is_window=True)
    return text.replace("@", f" OVER ({_partition(chance, columns, table)})"), kind, is_exact


def _ranged(chance: Chance, columns: tuple[Column, ...], table: str) -> Windowed:
    """A sum over the rows whose key is near."""
    numbers = [column for column in columns if column.type in INTEGERS]
    if not numbers:
        return _whole(chance, columns, table)
    key, measured = chance.one_of(numbers), chance.one_of(columns)
    value = tame(table + measured.sql) if is_numeric(measured.type) else "1.0::DOUBLE"
    frame = "RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING" + chance.one_of(EXCLUDED[3:5] + EXCLUDED[:2])
    order = f"({table}{key.sql})::HUGEINT::DECIMAL(38,0) {chance.one_of(('', 'DESC'))}"
    return f"sum({value}) OVER ({_partition(chance, columns, table)}ORDER BY {order} {frame})", "DOUBLE", False
