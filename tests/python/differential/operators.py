"""Partition-wise operators: each adds the same work to the frame and to the SQL."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from pipeline import Draw, Pipeline, aliased, any_column, fresh_name, still_here
from random_tables import VALUES, Column, value_of

PARTITIONS = (1, 2, 3, 5, 16, 40)
INTEGERS = ("BIGINT", "INTEGER", "TINYINT", "UBIGINT")


def repartition_by_hash(draw: Draw, before: Pipeline) -> Pipeline:
    """Rows with equal keys together."""
    n = draw(st.sampled_from(PARTITIONS))
    keys = tuple(draw(st.lists(st.sampled_from(before.columns), min_size=1, max_size=2, unique=True)))
    names = [key.name for key in keys]
    return before.does(
        f"repartition({n}, hash_by={names!r})", before.frame.repartition(n, hash_by=names), before.sql, keys=keys
    )


def repartition_by_number(draw: Draw, before: Pipeline) -> Pipeline:
    """Rows where an expression says."""
    n = draw(st.sampled_from(PARTITIONS))
    column = any_column(draw, before.columns)
    by = f"coalesce((({column.sql}::HUGEINT % {n}) + {n}) % {n}, 0)" if column.type in INTEGERS else f"{n} - 1"
    keys = (column,) if column.type in INTEGERS else None
    return before.does(f"repartition({n}, by={by!r})", before.frame.repartition(n, by=by), before.sql, keys=keys)


def repartition_otherwise(draw: Draw, before: Pipeline) -> Pipeline:
    """Rows by files, runs or chance."""
    n = draw(st.sampled_from(PARTITIONS))
    how = draw(st.sampled_from(({}, {"by_rows": True}, {"random_shuffle": True, "seed": 5})))
    keys = () if n == 1 else None
    return before.does(f"repartition({n}, **{how!r})", before.frame.repartition(n, **how), before.sql, keys=keys)


def random_shuffle(draw: Draw, before: Pipeline) -> Pipeline:
    """Every row anywhere."""
    seed = draw(st.integers(0, 3))
    keys = () if before.n == 1 else None
    return before.does(f"random_shuffle({seed})", before.frame.random_shuffle(seed), before.sql, keys=keys)


def filter_rows(draw: Draw, before: Pipeline) -> Pipeline:
    """Some of the rows."""
    column = any_column(draw, before.columns)
    tests = [f"{column.sql} IS NULL", f"{column.sql} IS NOT NULL", f"{column.sql} IS DISTINCT FROM {column.sql}"]
    if column.type in VALUES:
        value = draw(value_of(column.type))
        tests += [f"{column.sql} {sign} {value}" for sign in ("=", "<>", "<", ">=", "IS NOT DISTINCT FROM")]
    condition = " OR ".join(draw(st.lists(st.sampled_from(tests), min_size=1, max_size=2)))
    sql = f"SELECT * FROM ({before.sql}) WHERE ({condition})"
    return before.does(f"filter({condition!r})", before.frame.filter(condition), sql)


def select_columns(draw: Draw, before: Pipeline) -> Pipeline:
    """Some columns in another order, and a computed one."""
    kept = tuple(draw(st.lists(st.sampled_from(before.columns), min_size=1, unique=True)))
    source = any_column(draw, before.columns)
    made, kind = _expression(draw, before, source)
    extra = Column(fresh_name(draw, kept), kind)
    items = [*(column.sql for column in kept), aliased(made, extra.name)]
    sql = f"SELECT {', '.join(items)} FROM ({before.sql})"
    columns = (*kept, extra)
    keys = still_here(before.keys, {column.name: column for column in kept})
    return before.does(f"select(*{items!r})", before.frame.select(*items), sql, columns=columns, keys=keys)


def with_column(draw: Draw, before: Pipeline) -> Pipeline:
    """A column more, or one replaced."""
    source = any_column(draw, before.columns)
    made, kind = _expression(draw, before, source)
    replaced = any_column(draw, before.columns) if draw(st.booleans()) else None
    name = replaced.name if replaced else fresh_name(draw, before.columns)
    columns = tuple(Column(name, kind) if column == replaced else column for column in before.columns)
    items = ", ".join(aliased(made, name) if column == replaced else column.sql for column in before.columns)
    if replaced is None:
        columns, items = (*columns, Column(name, kind)), f"{items}, {aliased(made, name)}"
    keys = still_here(before.keys, {column.name: column for column in before.columns if column != replaced})
    frame = before.frame.with_columns({name: made})
    sql = f"SELECT {items} FROM ({before.sql})"
    return before.does(f"with_columns({{{name!r}: {made!r}}})", frame, sql, columns=columns, keys=keys)


def rename_columns(draw: Draw, before: Pipeline) -> Pipeline:
    """The same columns under other names."""
    column = any_column(draw, before.columns)
    new = Column(fresh_name(draw, before.columns), column.type)
    columns = tuple(new if each == column else each for each in before.columns)
    items = ", ".join(aliased(each.sql, now.name) for each, now in zip(before.columns, columns, strict=True))
    keys = still_here(before.keys, {each.name: now for each, now in zip(before.columns, columns, strict=True)})
    frame = before.frame.rename({column.name: new.name})
    sql = f"SELECT {items} FROM ({before.sql})"
    return before.does(f"rename({{{column.name!r}: {new.name!r}}})", frame, sql, columns=columns, keys=keys)


def drop_column(draw: Draw, before: Pipeline) -> Pipeline:
    """All columns but one."""
    if len(before.columns) == 1:
        return before
    column = any_column(draw, before.columns)
    columns = tuple(each for each in before.columns if each != column)
    keys = still_here(before.keys, {each.name: each for each in columns})
    sql = f"SELECT {', '.join(each.sql for each in columns)} FROM ({before.sql})"
    return before.does(f"drop({column.name!r})", before.frame.drop(column.name), sql, columns=columns, keys=keys)


def sort(draw: Draw, before: Pipeline) -> Pipeline:
    """Rows in order inside of partitions: the same rows."""
    column = any_column(draw, before.columns)
    return before.does(f"partial_sort({column.name!r})", before.frame.partial_sort(column.name), before.sql)


def aggregate(draw: Draw, before: Pipeline) -> Pipeline:
    """Groups by the partition's keys, and maybe more: global groups."""
    if before.keys is None:
        return before
    others = [column for column in before.columns if column not in before.keys]
    more = draw(st.lists(st.sampled_from(others), max_size=1)) if others else []
    groups = [*before.keys, *more] or [any_column(draw, before.columns)]
    measured = any_column(draw, before.columns)
    count = Column("the count", "BIGINT")
    measures = [aliased("count(*)", count.name)]
    columns = [*groups, count]
    functions = {"min": measured.type, "max": measured.type, "bool_or": "BOOLEAN"}
    if measured.type in ("INTEGER", "TINYINT"):
        functions["sum"] = "HUGEINT"
    for function in draw(st.lists(st.sampled_from(sorted(functions)), max_size=2, unique=True)):
        column = Column(f"the {function}", functions[function])
        measures.append(
            aliased(f"{function}({measured.sql}{' IS NULL' if function == 'bool_or' else ''})", column.name)
        )
        columns.append(column)
    if any(column.name.startswith("the ") for column in before.columns):
        return before
    by = ", ".join(group.sql for group in groups)
    text = f"SELECT {by}, {', '.join(measures)} FROM {{0}} GROUP BY {by}"
    return before.query("aggregate", text, columns=tuple(columns))


def distinct(draw: Draw, before: Pipeline) -> Pipeline:
    """Rows that differ."""
    if before.keys is None:
        return before
    return before.query("distinct", "SELECT DISTINCT * FROM {0}")


def number_rows(draw: Draw, before: Pipeline) -> Pipeline:
    """A window over the partition's keys; rows that tie are equal."""
    if not before.keys:
        return before
    by = ", ".join(key.sql for key in before.keys)
    order = ", ".join(column.sql for column in before.columns)
    new = Column(fresh_name(draw, before.columns), "BIGINT")
    text = f"SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY {order}) AS {new.sql} FROM {{0}}"
    return before.query("window", text, columns=(*before.columns, new))


def keep_result(draw: Draw, before: Pipeline) -> Pipeline:
    """Computed now; later work reads what was kept."""
    return before.does("compute()", before.frame.compute(), before.sql)


def _expression(draw: Draw, before: Pipeline, source: Column) -> tuple[str, str]:
    """SQL over one column, and its type."""
    choices = [(source.sql, source.type), (f"{source.sql} IS NULL", "BOOLEAN"), ("1::TINYINT", "TINYINT")]
    choices.append((f"[{source.sql}]", f"{source.type}[]"))
    choices.append((f"{{'x': {source.sql}}}", f"STRUCT(x {source.type})"))
    if source.type in ("BIGINT", "INTEGER", "TINYINT", "DATE", "UUID", "BOOLEAN", "VARCHAR"):
        choices.append((f"{source.sql}::VARCHAR || '{{0}}'", "VARCHAR"))
    return draw(st.sampled_from(choices))  # type: ignore[no-any-return]


OPERATORS: tuple[Callable[[Draw, Pipeline], Pipeline], ...] = (
    *(repartition_by_hash, repartition_by_hash, repartition_by_hash, repartition_by_number, repartition_otherwise),
    *(random_shuffle, filter_rows, select_columns, with_column, rename_columns, drop_column, sort),
    *(aggregate, aggregate, distinct, number_rows, keep_result),
)
