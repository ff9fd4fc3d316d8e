"""Aggregates that partitions compute in part, where NULL, NaN or nothing at all comes first, last or alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import millpond
import pytest
from conftest import open_session

AGGREGATES = (
    *("any_value(s)", "any_value(x)", "arg_min(s, x)", "arg_max(s, x)", "arg_min(x, s)", "arg_min_null(s, x)"),
    *("arg_max_null(s, x)", "arg_min_null(x, y)", "min_by(x, y)", "max_by(s, y)", "product(x)", "fsum(x)", "favg(x)"),
    *("count_if(x > 1)", "stddev(x)", "var_pop(x)", "sem(x)", "corr(x, y)", "covar_pop(x, y)", "regr_slope(x, y)"),
    *("regr_count(x, y)", "regr_avgx(x, y)", "regr_avgy(x, y)", "regr_sxx(x, y)", "regr_syy(x, y)", "regr_sxy(x, y)"),
    *("regr_r2(x, y)", "regr_intercept(x, y)", "skewness(x)", "kurtosis(x)", "kurtosis_pop(x)"),
    *("approx_count_distinct(x)", "min(x)", "max(s)", "sum(x)", "avg(y)", "count(s)", "bool_or(x > y)"),
    *("count(DISTINCT x)", "sum(DISTINCT y)", "count(DISTINCT s) FILTER (WHERE x > 1)"),
)
CASES = {
    "NULL first": "(0, NULL, NULL, NULL), (1, NULL, NULL, NULL), (2, 'b', 2.0, 3.0), (3, 'c', 4.0, 5.5), "
    "(4, 'd', 9.0, 1.0), (5, 'e', 7.5, 1.5)",
    "NULL last": "(0, 'b', 2.0, 3.0), (1, NULL, NULL, NULL), (2, NULL, NULL, NULL), (3, NULL, NULL, NULL)",
    "NULL alone": "(0, NULL, NULL, NULL), (1, NULL, NULL, NULL), (2, NULL, NULL, NULL)",
    "NULL in one of two": "(0, NULL, 1.0, 3.0), (1, 'z', 2.0, 1.0), (2, 'q', NULL, 0.5), (3, NULL, 0.5, 9.0)",
    "NaN": "(0, 'a', 'nan'::DOUBLE, 3.0), (1, 'z', 2.0, 'nan'::DOUBLE), "
    "(2, 'q', 'inf'::DOUBLE, 0.5), (3, NULL, 0.5, 9.0)",
    "nothing": "",
}


def rows_of(values: str) -> str:
    none = "" if values else " WHERE false"
    values = values or "(0, NULL, NULL, NULL)"
    return f"SELECT i, s::VARCHAR AS s, x::DOUBLE AS x, y::DOUBLE AS y FROM (VALUES {values}) v(i, s, x, y){none}"


def comparable(row: dict[str, Any]) -> str:
    return repr([round(value, 9) if isinstance(value, float) else value for value in row.values()])


def answer(run: Callable[[], list[dict[str, Any]]]) -> list[str]:
    """The rows without order, or what went wrong: DuckDB refuses the deviation of what has an infinite value."""
    try:
        return sorted(map(comparable, run()))
    except (duckdb.Error, millpond.MillpondError) as error:
        return ["out of range" if "out of range" in str(error) else str(error)]


def fails(plain: duckdb.DuckDBPyConnection, query: str) -> bool:
    return expected(plain, query) == ["out of range"]


def expected(plain: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return answer(lambda: plain.sql(query).to_arrow_table().to_pylist())


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_session(tmp_path_factory.mktemp("nulls"), runner="inline") as session:
        yield session


@pytest.mark.parametrize("name", CASES)
def test_aggregates(inline: millpond.Session, name: str) -> None:
    rows = rows_of(CASES[name])
    with duckdb.connect(config={"threads": 1}) as plain:
        plain.execute(f"CREATE TABLE t AS {rows}")
        shapes = ("SELECT {} FROM t", "SELECT i % 2 AS g, {} FROM t GROUP BY ALL")
        failing = [text for text in AGGREGATES if any(fails(plain, shape.format(text)) for shape in shapes)]
        together = ", ".join(text for text in AGGREGATES if text not in failing)
        queries = [shape.format(text) for shape in shapes for text in (together, *failing)]
        base = inline.partial_sql(rows)
        for partitions in (1, 3, 4):
            dealt = base.repartition(partitions, by_rows=True)
            for query in queries:
                frame = inline.sql(query, distribute="always", partitions=partitions, t=dealt)
                assert answer(frame.take_all) == expected(plain, query), (partitions, query)
