"""When grouping in each partition is as good as grouping everything, nothing warns; when it is not, something does."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import millpond
import pytest

Frame = millpond.DataFrame

COVERED: dict[str, Callable[[Frame], Frame]] = {
    "the key": lambda t: t.repartition(3, hash_by="k").partial_sql("SELECT k, count(*) FROM {0} GROUP BY k"),
    "more than the key": lambda t: t.repartition(3, hash_by="k").partial_sql("SELECT count(*) FROM {0} GROUP BY k, s"),
    "the expression": lambda t: t.repartition(3, hash_by="k % 4").partial_sql(
        "SELECT k % 4 AS g, count(*) FROM {0} GROUP BY g"
    ),
    "the expression in other words": lambda t: t.repartition(3, hash_by=["lower( s )"]).partial_sql(
        "SELECT LOWER(x.s), count(*) FROM {0} AS x GROUP BY ALL"
    ),
    "what the expression is made of": lambda t: t.repartition(3, hash_by="k % 4").partial_sql(
        "SELECT k, count(*) FROM {0} GROUP BY k"
    ),
    "after a filter": lambda t: (
        t.repartition(3, hash_by="k % 4").filter("k > 1").partial_sql("SELECT count(*) FROM {0} GROUP BY k % 4")
    ),
    "under another name": lambda t: (
        t.repartition(3, hash_by="k % 4").rename(k="kk").partial_sql("SELECT count(*) FROM {0} GROUP BY kk")
    ),
    "the number": lambda t: t.repartition(3, by="n").partial_sql("SELECT n, count(*) FROM {0} GROUP BY n"),
    "the number's expression": lambda t: t.repartition(3, by="k % 3").partial_sql(
        "SELECT count(*) FROM {0} GROUP BY k % 3"
    ),
    "distinct numbers": lambda t: t.repartition(3, by="n").partial_sql("SELECT DISTINCT n FROM {0}"),
    "both levels": lambda t: (
        t.repartition(3, by="n")
        .repartition(2, hash_by="k", nested=True)
        .partial_sql("SELECT count(*) FROM {0} GROUP BY n, k")
    ),
}

UNCOVERED: dict[str, Callable[[Frame], Frame]] = {
    "another column": lambda t: t.repartition(3, hash_by="k").partial_sql("SELECT s, count(*) FROM {0} GROUP BY s"),
    "another expression": lambda t: t.repartition(3, hash_by="k % 4").partial_sql(
        "SELECT count(*) FROM {0} GROUP BY k % 5"
    ),
    "less than the keys": lambda t: t.repartition(3, hash_by=["k % 4", "s"]).partial_sql(
        "SELECT count(*) FROM {0} GROUP BY k % 4"
    ),
    "a column made anew": lambda t: (
        t.repartition(3, hash_by="k % 4").with_columns(k="n").partial_sql("SELECT count(*) FROM {0} GROUP BY k % 4")
    ),
    "chance": lambda t: t.repartition(3, hash_by="random()").partial_sql("SELECT count(*) FROM {0} GROUP BY random()"),
    "rows": lambda t: t.repartition(3, by_rows=True).partial_sql("SELECT k, count(*) FROM {0} GROUP BY k"),
    "another number": lambda t: t.repartition(3, by="n").partial_sql("SELECT k, count(*) FROM {0} GROUP BY k"),
    "the inner level alone": lambda t: (
        t.repartition(3, by="n")
        .repartition(2, hash_by="k", nested=True)
        .partial_sql("SELECT count(*) FROM {0} GROUP BY k")
    ),
}


@pytest.fixture(scope="module")
def table(local: millpond.Session) -> Frame:
    return local.partial_sql("SELECT i AS k, 's' || i AS s, i % 3 AS n FROM range(60) r(i)")


@pytest.mark.parametrize("case", COVERED)
def test_covered(table: Frame, case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", millpond.MillpondWarning)
        COVERED[case](table)


@pytest.mark.parametrize("case", UNCOVERED)
def test_not_covered(table: Frame, case: str) -> None:
    with pytest.warns(millpond.MillpondWarning, match="an aggregate in each of"):
        UNCOVERED[case](table)
