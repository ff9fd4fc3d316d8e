"""Aggregates of all kinds that have one answer."""

from __future__ import annotations

from all_types import DECIMALS, FLOATING, INTEGERS, LOOSE, STAMPS, VALUES, is_numeric
from sql_expressions import condition, tame
from sql_query import Chance, Column, Query, as_named, exact, listed

#: Of one number, and of two.
FLOATING_ONE = (
    *("avg", "sum", "stddev", "stddev_pop", "stddev_samp", "var_pop", "var_samp", "variance", "sem", "fsum", "favg"),
    *("median", "mad", "skewness", "kurtosis", "kurtosis_pop", "kahan_sum", "sumkahan", "entropy", "mean"),
)
FLOATING_TWO = (
    *("corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_intercept", "regr_r2", "regr_slope"),
    *("regr_sxx", "regr_sxy", "regr_syy"),
)
#: The value beside the least or greatest of another.
FIRST_BY = ("arg_min", "arg_max", "max_by", "min_by", "argmin", "argmax", "arg_min_null", "arg_max_null")
Aggregate = tuple[str, str, bool]


def aggregated(chance: Chance, query: Query, other: Query) -> Query:
    """Groups by up to three columns, or all rows in one."""
    query = exact(query)
    alias = chance.aliases()[0]
    table = alias + "."
    keys = chance.some_of(query.columns, 0, 3)
    found = [aggregate(chance, query.columns, table) for _ in range(chance.number(1, 4))]
    if chance.is_one_in(5):
        found.append(("count(*)", "BIGINT", True))
    groups, marks = _groups(chance, keys, table)
    found += [(f"grouping({mark})", "BIGINT", True) for mark in marks]
    found = [(text.replace("@", ""), kind, is_exact) for text, kind, is_exact in found]
    names = chance.names(len(keys) + len(found))
    columns = (
        *(Column(name, key.type) for name, key in zip(names, keys, strict=False)),
        *(Column(name, kind, ok) for name, (_, kind, ok) in zip(names[len(keys) :], found, strict=True)),
    )
    items = [table + key.sql for key in keys] + [text for text, _, _ in found]
    having = f" HAVING {_having(chance, query.columns, table)}" if keys and chance.is_one_in(5) else ""
    text = f"SELECT {as_named(items, columns)} FROM ({query.sql}) AS {alias}{groups}{having}"
    return Query(text, columns, query.most * 8 + 1 if keys else 1)


def _groups(chance: Chance, keys: list[Column], table: str) -> tuple[str, list[str]]:
    """The GROUP BY, and what grouping() may be asked of."""
    if not keys:
        return "", []
    texts = [table + key.sql for key in keys]
    everything = ", ".join(texts)
    way = chance.number(0, 9)
    marks = [everything] if chance.is_one_in(2) else []
    if way == 0:
        return f" GROUP BY ROLLUP ({everything})", marks
    if way == 1:
        return f" GROUP BY CUBE ({everything})", marks
    if way == 2:
        sets = [chance.some_of(texts, 0, len(texts)) for _ in range(chance.number(1, 4))]
        sets.append(texts)
        return " GROUP BY GROUPING SETS (" + ", ".join(f"({', '.join(one)})" for one in sets) + ")", marks
    if way == 3:
        return " GROUP BY ALL", []
    return f" GROUP BY {everything}", []


def _having(chance: Chance, columns: tuple[Column, ...], table: str) -> str:
    column = chance.one_of(columns)
    return chance.one_of(
        (
            "count(*) > 1",
            f"count({table}{column.sql}) < 3",
            f"count(DISTINCT {table}{column.sql}) >= 1",
            f"min({table}{column.sql}) IS NOT NULL",
        )
    )


def aggregate(chance: Chance, columns: tuple[Column, ...], table: str, is_window: bool = False) -> Aggregate:
    """An aggregate with @ where its window stands, its type, and whether it is exact."""
    numbers = [column for column in columns if is_numeric(column.type)]
    column = chance.one_of(numbers if numbers and chance.is_one_in(2) else columns)
    pool = [_any_type, _any_type]
    if is_numeric(column.type):
        pool += [_of_numbers, _of_numbers, _of_floating]
    if column.type in ("BOOLEAN", "BIT", "VARCHAR"):
        pool += [_of_words]
    if not is_window:
        pool += [_in_order, _in_order]
    text, kind, is_exact = chance.one_of(pool)(chance, column, columns, table)
    text = text if "@" in text else text + "@"
    if chance.is_one_in(5):
        text = text.replace("@", f" FILTER (WHERE {condition(chance, chance.one_of(columns), table)})@")
    return text, kind, is_exact


def _any_type(chance: Chance, column: Column, columns: tuple[Column, ...], table: str) -> Aggregate:
    name, kind = table + column.sql, column.type
    choices: list[Aggregate] = [
        (f"count({name})", "BIGINT", True),
        (f"min({name})", kind, True),
        (f"max({name})", kind, True),
        (f"bool_or({name} IS NULL)", "BOOLEAN", True),
        (f"bool_and({name} IS NOT NULL)", "BOOLEAN", True),
        (f"{chance.one_of(('count_if', 'countif'))}({name} IS NULL)", "HUGEINT", True),
        (f"count(DISTINCT {name})", "BIGINT", True),
    ]
    if kind not in LOOSE and kind in VALUES:
        choices += [(f"approx_count_distinct({name})", "BIGINT", True)]
    return chance.one_of(choices)


def _of_numbers(chance: Chance, column: Column, columns: tuple[Column, ...], table: str) -> Aggregate:
    name, kind = table + column.sql, column.type
    distinct = "DISTINCT " if chance.is_one_in(3) else ""
    if kind in FLOATING:
        infinite = f"(CASE WHEN isfinite({name}) THEN {tame(name)} ELSE {name} END)"
        return chance.one_of(((f"sum({infinite})", "DOUBLE", False), (f"avg({infinite})", "DOUBLE", False)))
    if kind in DECIMALS:
        return f"sum({distinct}{name})@::DECIMAL(38,10)", "DECIMAL(38,10)", True
    small = f"({name} % 1000)"
    choices: list[Aggregate] = [
        (f"sum({distinct}{small})", "HUGEINT", True),
        (f"avg({distinct}{name})", "DOUBLE", False),
        (f"bit_xor({distinct}{name})", kind, True),
        (f"bit_and({name})", kind, True),
        (f"bit_or({name})", kind, True),
        (f"histogram({name})@::VARCHAR", "VARCHAR", True),
    ]
    if kind in INTEGERS:
        choices += [
            (f"sum({distinct}{name})", "HUGEINT", True),
            (f"avg({name})@ * 2", "DOUBLE", False),
            (f"histogram_exact({small}, [0, 1, 2])@::VARCHAR", "VARCHAR", True),
            (f"bitstring_agg(abs({small}), 0, 1000)@::VARCHAR", "VARCHAR", True),
        ]
    return chance.one_of(choices)


def _of_floating(chance: Chance, column: Column, columns: tuple[Column, ...], table: str) -> Aggregate:
    first = tame(table + column.sql)
    others = [each for each in columns if is_numeric(each.type)]
    second = tame(table + chance.one_of(others).sql)
    part = chance.one_of(("0.3", "0.5", "[0.25, 0.75]"))
    choices: list[Aggregate] = [
        (f"quantile_cont({first}, {part})", "DOUBLE[]" if "[" in part else "DOUBLE", False),
        (f"{chance.one_of(FLOATING_TWO)}({first}, {second})", "DOUBLE", False),
        (f"{chance.one_of(FLOATING_ONE)}({first})", "DOUBLE", False),
        (f"{chance.one_of(FLOATING_ONE)}({first})", "DOUBLE", False),
        (f"{chance.one_of(('sum', 'avg', 'stddev'))}(DISTINCT {first})", "DOUBLE", False),
        (f"regr_count({first}, {second})", "UINTEGER", True),
        (f"product(1 + sign({first}) / 2)", "DOUBLE", False),
        (f"exp(avg(ln(abs({first}) + 1))@)", "DOUBLE", False),
    ]
    return chance.one_of(choices)


def _of_words(chance: Chance, column: Column, columns: tuple[Column, ...], table: str) -> Aggregate:
    name = table + column.sql
    if column.type == "BOOLEAN":
        return chance.one_of(
            (
                (f"bool_and({name})", "BOOLEAN", True),
                (f"bool_or(DISTINCT {name})", "BOOLEAN", True),
                (f"count_if({name})", "HUGEINT", True),
                (f"sum({name}::INTEGER)", "HUGEINT", True),
            )
        )
    if column.type == "BIT":
        return f"count(DISTINCT bit_count({name}))", "BIGINT", True
    separator = chance.one_of(("','", "''", "' | '"))
    return chance.one_of(
        (
            (f"string_agg({name}, {separator} ORDER BY {name})", "VARCHAR", True),
            (f"string_agg(DISTINCT {name}, {separator} ORDER BY {name} DESC)", "VARCHAR", True),
            (f"listagg({name}, {separator} ORDER BY {name})", "VARCHAR", True),
            (f"group_concat({name}, {separator} ORDER BY {name})", "VARCHAR", True),
        )
    )


def _in_order(chance: Chance, column: Column, columns: tuple[Column, ...], table: str) -> Aggregate:
    """Aggregates that an order makes to have one answer."""
    name, kind = table + column.sql, column.type
    order = f"{name}{chance.one_of(('', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'))}"
    by = chance.one_of(columns)
    more = f"{table}{by.sql}{chance.one_of(('', ' DESC', ' NULLS FIRST'))}, {order}"
    choices: list[Aggregate] = [
        (f"list({name} ORDER BY {order})", f"{kind}[]", True),
        (f"list({name} ORDER BY {more})", f"{kind}[]", True),
        (f"array_agg(DISTINCT {name} ORDER BY {order})", f"{kind}[]", True),
        (f"first({name} ORDER BY {more})", kind, True),
        (f"last({name} ORDER BY {more})", kind, True),
        (f"any_value({name} ORDER BY {more})", kind, True),
        (f"arbitrary({name} ORDER BY {more})", kind, True),
        (f"{chance.one_of(FIRST_BY)}({name}, ROW({table}{by.sql}, {name}))", kind, True),
        (f"{chance.one_of(FIRST_BY)}({name}, ROW({name}, {table}{by.sql}))", kind, True),
        (f"{chance.one_of(FIRST_BY)}({name}, ROW({name}, {table}{by.sql}))", kind, True),
        (f"len(list({name})@)", "BIGINT", True),
    ]
    if kind in (*INTEGERS, *STAMPS, "VARCHAR", "DECIMAL(9,2)"):
        choices += [
            (f"{chance.one_of(('quantile_disc', 'quantile'))}({name}, 0.4)", kind, True),
            # The most frequent value: of several the first in order, or how often it is there.
            (f"mode({name} ORDER BY {order})", kind, True),
            (f"histogram({name})@[mode({name})@]", "UBIGINT", True),
            (f"min({name}, 2)", f"{kind}[]", True),
            (f"max({name}, 3)", f"{kind}[]", True),
            (f"arg_min({name}, {name}, 2)", f"{kind}[]", True),
            (f"list_sort(list(DISTINCT {name})@)", f"{kind}[]", True),
        ]
    return chance.one_of(choices)


def distinct(chance: Chance, query: Query, other: Query) -> Query:
    """Rows that differ, or one row for each key: the first of a total order."""
    query = exact(query)
    if chance.is_one_in(2):
        return Query(f"SELECT DISTINCT * FROM ({query.sql})", query.columns, query.most)
    keys = chance.some_of(query.columns, 1, 2)
    rest = [column for column in query.columns if column not in keys]
    order = [column.sql + chance.one_of(("", " DESC", " NULLS FIRST")) for column in [*keys, *rest]]
    text = f"SELECT DISTINCT ON ({listed(keys)}) * FROM ({query.sql}) ORDER BY {', '.join(order)}"
    return Query(text, query.columns, query.most)
