"""Expressions of one row: conditions and values, none of which can fail or tell equal values apart."""

from __future__ import annotations

from all_types import DECIMALS, FLOATING, INTEGERS, SIGNED, VALUES, are_alike, is_list, is_nested
from sql_query import Chance, Column, Query, joinable, listed


def tame(name: str) -> str:
    """Numbers of which sums are exact: eighths up to a thousand, NULL for any other."""
    return f"(CASE WHEN {name} BETWEEN -1000 AND 1000 THEN round({name}::DOUBLE * 8) / 8 END)"


ENUM = next(kind for kind in VALUES if kind.startswith("ENUM"))
ONE_STRUCT, OTHER_STRUCT = (kind for kind in VALUES if kind.startswith("STRUCT") and not is_list(kind))
UNION = next(kind for kind in VALUES if kind.startswith("UNION"))

#: What may be made of a value @ of some types, and its type; none says the same.
MADE: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (SIGNED, "TRY_CAST(@ AS SMALLINT)", "SMALLINT"),
    (SIGNED, "(@::HUGEINT * 3 - 1)", "HUGEINT"),
    (INTEGERS, "(@ % 3)::BIGINT", "BIGINT"),
    (INTEGERS, "@::DOUBLE", "DOUBLE"),
    (INTEGERS, "[@ % 2, NULL]::BIGINT[]", "BIGINT[]"),
    (INTEGERS, "TRY_CAST(@ AS DECIMAL(9,2))", "DECIMAL(9,2)"),
    (DECIMALS, "floor(@)::DECIMAL(38,10)", "DECIMAL(38,10)"),
    ((*INTEGERS, *DECIMALS), "sign(@)", "TINYINT"),
    ((*INTEGERS, *DECIMALS, "BIT", "JSON", "UUID", ENUM), "@::VARCHAR", "VARCHAR"),
    (FLOATING, "(@ > 1)", "BOOLEAN"),
    (FLOATING, tame("@") + " * 2", "DOUBLE"),
    (FLOATING, "abs(@)", ""),
    (("VARCHAR",), "upper(@)", ""),
    (("VARCHAR",), "left(@, 1)", ""),
    (("VARCHAR",), "concat(@, 'ß')", ""),
    (("VARCHAR",), "regexp_replace(@, 'a', 'b')", ""),
    (("VARCHAR",), "length(@)", "BIGINT"),
    (("VARCHAR",), "[@, NULL, 'x']", "VARCHAR[]"),
    (("VARCHAR",), "encode(@)", "BLOB"),
    (("VARCHAR",), "to_json(@)", "JSON"),
    (("VARCHAR",), f"CASE WHEN @ IN ('a', '') THEN @::{ENUM} END", ENUM),
    ((ONE_STRUCT,), "(@).a", "INTEGER"),
    ((ONE_STRUCT,), "struct_extract(@, 'b')", "VARCHAR"),
    ((ONE_STRUCT,), "{'a': (@).a, 'b': 'new'}", ""),
    ((OTHER_STRUCT,), '(@)."select"', "DATE"),
    ((UNION,), "union_extract(@, 's')", "VARCHAR"),
    ((UNION,), "union_extract(@, 'n')", "INTEGER"),
    (("BIGINT[]",), "@[1]", "BIGINT"),
    (("BIGINT[]",), "len(@)", "BIGINT"),
    (("BIGINT[]",), "list_sort(@)", ""),
    (("BIGINT[]",), "@ || [7]", ""),
    (("BIGINT[]",), "list_transform(@, lambda z: z % 2)", ""),
    (("BIGINT[]",), "list_filter(@, lambda z: z > 1)", ""),
    (("VARCHAR[]",), "list_contains(@, 'a')", "BOOLEAN"),
    (("VARCHAR[]",), "array_to_string(@, '-')", "VARCHAR"),
    (("INTEGER[2]",), "@[2]", "INTEGER"),
    (("INTEGER[2]",), "@::INTEGER[]::BIGINT[]", "BIGINT[]"),
    (("MAP(VARCHAR, INTEGER)",), "@['a']", "INTEGER"),
    (("MAP(VARCHAR, INTEGER)",), "map_keys(@)", "VARCHAR[]"),
    (("MAP(VARCHAR, INTEGER)",), "cardinality(@)::BIGINT", "BIGINT"),
    (("DATE", "TIMESTAMP"), "CASE WHEN isfinite(@) THEN date_part('year', @) END", "BIGINT"),
    (("DATE", "TIMESTAMP"), "CASE WHEN isfinite(@) THEN date_trunc('month', @)::TIMESTAMP END", "TIMESTAMP"),
    (("INTERVAL",), "(@ > INTERVAL 1 DAY)", "BOOLEAN"),
    (("BLOB",), "octet_length(@)", "BIGINT"),
    (("BLOB",), "hex(@)", "VARCHAR"),
    (("BLOB",), "md5(@)", "VARCHAR"),
    (("BIT",), "bit_count(@)::BIGINT", "BIGINT"),
    (("JSON",), "json_type(@)", "VARCHAR"),
    (("JSON",), "@ ->> '$.a'", "VARCHAR"),
)


def condition(chance: Chance, column: Column, table: str) -> str:
    """A condition on a column's value."""
    name = table + column.sql
    if column.type not in VALUES or not column.is_exact:
        return f"{name} IS NOT NULL"
    signs = ("=", "<>", ">=", ">", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
    # An upper bound beside a lower one becomes BETWEEN.
    sign = chance.one_of(signs if is_nested(column.type) else (*signs, "<", "<="))
    values = ", ".join(chance.value(column.type) for _ in range(chance.number(1, 3)))
    choices = [
        f"{name} IS NULL",
        f"{name} IS NOT NULL",
        f"{name} {sign} {chance.known_value(column.type)}",
        f"{name} {sign} {chance.value(column.type)}",
        f"{name} IN ({values})",
        f"{name} NOT IN ({chance.known_value(column.type)}, {chance.known_value(column.type)})",
    ]
    if not is_nested(column.type):
        choices += [f"{name} BETWEEN {chance.known_value(column.type)} AND {chance.known_value(column.type)}"]
    if column.type == "VARCHAR":
        choices += [f"{name} LIKE '%a%'", f"length({name}) > 1", f"{name} ILIKE 'A%'", f"{name} SIMILAR TO '[a-z ]+'"]
    if column.type == "BOOLEAN":
        choices += [name, f"NOT {name}"]
    if is_list(column.type):
        choices += [f"len({name}) > 1", f"{name}[1] IS NULL"]
    if column.type in FLOATING:
        choices += [f"isnan({name})", f"isfinite({name})"]
    return chance.one_of(choices)


def conditions(chance: Chance, columns: tuple[Column, ...], table: str) -> str:
    """A condition on one to three columns."""
    texts = [condition(chance, chance.one_of(columns), table) for _ in range(chance.number(1, 3))]
    return "(" + chance.one_of((" AND ", " OR ", " OR ")).join(texts) + ")"


def subquery_condition(chance: Chance, query: Query, other: Query, table: str) -> str:
    """A condition that another table decides: a correlated or plain subquery. Empty where no columns are alike."""
    ours, theirs = joinable(query), joinable(other)
    pairs = [(a, b) for a in ours.columns for b in theirs.columns if are_alike(a.type, b.type)]
    if not pairs:
        return ""
    left, right = chance.one_of(pairs)
    mine, its, inner = table + left.sql, f'"sub".{right.sql}', f'FROM ({theirs.sql}) "sub"'
    where = f"WHERE {condition(chance, chance.one_of(theirs.columns), chr(34) + 'sub' + chr(34) + '.')}"
    sign = chance.one_of(("=", "<>", "<", ">=", "IS NOT DISTINCT FROM"))
    more, its_more = chance.one_of(pairs)
    also = f' AND {table}{more.sql} {chance.one_of(("=", "<=", "<>"))} "sub".{its_more.sql}'
    on = f"WHERE {its} {sign} {mine}" + (also if chance.is_one_in(3) else "")
    choices = [
        f"{mine} IN (SELECT {its} {inner})",
        f"{mine} IN (SELECT {its} {inner} {where})",
        f"{mine} NOT IN (SELECT {its} {inner})",
        f"{mine} NOT IN (SELECT {its} {inner} WHERE {its} IS NOT NULL)",
        f"{mine} >= (SELECT max({its}) {inner})",
        f"{mine} = (SELECT {its} {inner} ORDER BY {listed(theirs.columns, chr(34) + 'sub' + chr(34) + '.')} LIMIT 1)",
        f"EXISTS (SELECT 1 {inner} {on})",
        f"NOT EXISTS (SELECT 1 {inner} {on})",
        f"(EXISTS (SELECT 1 {inner} {on}) OR {mine} IS NULL)",
        f"(SELECT count(*) {inner} {on}) < 2",
        f"(SELECT max({its}) {inner} {on}) IS NOT DISTINCT FROM {mine}",
        f"{mine} = ANY (SELECT {its} {inner})",
        f"{mine} <= ALL (SELECT {its} {inner} WHERE {its} IS NOT NULL)",
        f"{mine} IN (SELECT {its} {inner} {on})",
        f"EXISTS (SELECT 1 {inner} WHERE {its} = {mine} AND EXISTS (SELECT 1 {inner} WHERE {its} <= {mine}))",
    ]
    return chance.one_of(choices)


def computed(chance: Chance, columns: tuple[Column, ...], table: str) -> tuple[str, str]:
    """An expression over a row and its type."""
    column = chance.one_of([each for each in columns if each.is_exact])
    name, kind = table + column.sql, column.type
    if kind not in VALUES:
        return f"{name} IS NULL", "BOOLEAN"
    test = conditions(chance, columns, table)
    choices = [
        (f"coalesce({name}, {chance.known_value(kind)})", kind),
        (f"CASE WHEN {test} THEN {name} END", kind),
        (f"CASE WHEN {test} THEN {name} ELSE {chance.value(kind)} END", kind),
        (f"nullif({name}, {chance.known_value(kind)})", kind),
        (test, "BOOLEAN"),
        (chance.value(kind), kind),
        *((text.replace("@", name), made or kind) for kinds, text, made in MADE if kind in kinds),
    ]
    return chance.one_of(choices)
