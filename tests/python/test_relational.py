"""Relational methods over 1, 3 and 16 partitions, beside what plain DuckDB says of the same rows."""

from __future__ import annotations

import datetime
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import millpond
import numpy
import pyarrow as pa
import pytest
from conftest import open_session, partition_sizes
from millpond import DataFrame, Expr, col, lit, sql_expr, when
from relational_cases import CASES, TABLES, Case, Frames

Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def oracle() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, query in TABLES.items():
            connection.execute(f"CREATE TABLE {name} AS {query}")
        yield connection


@pytest.fixture(scope="module", params=[1, 3, 16])
def partitions(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def frames(session: millpond.Session, oracle: duckdb.DuckDBPyConnection, partitions: int) -> Frames:
    return frames_of(session, oracle, partitions)


@pytest.fixture(scope="module")
def local_frames(local: millpond.Session, oracle: duckdb.DuckDBPyConnection) -> Frames:
    return frames_of(local, oracle, 3)


def frames_of(session: millpond.Session, oracle: duckdb.DuckDBPyConnection, partitions: int) -> Frames:
    tables = {name: session.from_arrow(oracle.table(name).to_arrow_table()) for name in TABLES}
    return {name: df.repartition(partitions, by_rows=True) if partitions > 1 else df for name, df in tables.items()}


def plain(value: object) -> object:
    """A value as text in which equal numbers are the same; sums of doubles are so up to their last digits."""
    if isinstance(value, float):
        return f"{value + 0.0:.9g}"
    return repr(value)


def rows_of(table: pa.Table, is_ordered: bool) -> list[Row]:
    rows = [tuple(map(plain, row.values())) for row in table.to_pylist()]
    return rows if is_ordered else sorted(rows)  # type: ignore[type-var]


def check(case: Case, frame: DataFrame, oracle: duckdb.DuckDBPyConnection) -> None:
    expected = oracle.sql(case.sql).to_arrow_table()
    found = frame.to_arrow()
    assert found.schema.names == expected.schema.names
    assert rows_of(found, case.is_ordered) == rows_of(expected, case.is_ordered)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name[:70])
def test_whole(frames: Frames, oracle: duckdb.DuckDBPyConnection, case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = case.frame(frames)
    check(case, frame, oracle)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name[:70])
def test_spread(
    local: millpond.Session,
    local_frames: Frames,
    oracle: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
) -> None:
    monkeypatch.setattr(local, "sql", partial(local.sql, distribute="always", partitions=3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", millpond.MillpondWarning)  # Some can only run whole, and say so.
        check(case, case.frame(local_frames), oracle)


def test_results_keep_order_and_partitions(frames: Frames, partitions: int) -> None:
    t = frames["t"]
    assert [row["id"] for row in t.sort("id", descending=True).take(3)] == [59, 58, 57]
    sizes = partition_sizes(t)
    assert len(sizes) == partitions
    assert partition_sizes(t.fill_null(0)) == sizes
    assert partition_sizes(t.select("id", "k").unpivot("k")) == sizes
    assert (
        t.drop_nulls("k").num_partitions == t.explode("l").num_partitions == t.unnest("st").num_partitions == partitions
    )


def test_sample(frames: Frames) -> None:
    t = frames["t"].select("id")
    ids = [row["id"] for row in t.sample(20, seed=3).take_all()]
    assert len(set(ids)) == 20
    assert ids == [row["id"] for row in t.sample(n=20, seed=3).take_all()]
    assert set(ids) != {row["id"] for row in t.sample(n=20, seed=4).take_all()}
    assert t.sample(n=100).count() == t.sample(fraction=1).count() == 60
    assert t.sample(n=0).count() == t.sample(fraction=0).count() == 0


def test_sample_of_a_fraction_is_about_that_large(local: millpond.Session) -> None:
    df = local.partial_sql("SELECT 1 AS same FROM range(10000)")
    sizes = {df.sample(fraction=0.3, seed=seed).count() for seed in range(5)}
    assert len(sizes) > 1
    assert all(2700 < size < 3300 for size in sizes)


def test_columns_that_only_a_function_knows_are_computed(local: millpond.Session) -> None:
    unknown = local.from_items([{"a": 1}]).map(lambda row: row)
    assert unknown.sort("a").take_all() == [{"a": 1}]
    assert unknown.join(unknown, on="a").take_all() == [{"a": 1}]
    assert unknown.unpivot("a").take_all() == [{"variable": "a", "value": 1}]


def flat_error(make: Callable[[], object]) -> None:
    """An error's whole text on one line, so that one pattern can match it."""
    try:
        make()
    except millpond.MillpondError as error:
        raise type(error)(str(error).replace("\n", " ")) from None


def here(offset: int = 0) -> str:
    return f"test_relational.py:{sys._getframe(1).f_lineno + offset}"


def test_a_wrong_column_is_an_error_at_its_line(local_frames: Frames) -> None:
    t, u = local_frames["t"], local_frames["u"]
    makers: list[Callable[[], object]] = [
        lambda: t.sort("idd"),
        lambda: t.group_by("idd").count(),
        lambda: t.group_by(col("idd")).agg(n="count(*)"),
        lambda: t.group_by("s").agg(col("idd").sum()),
        lambda: t.group_by("s").sum("idd"),
        lambda: t.aggregate("max(idd)"),
        lambda: t.top_k(3, "idd"),
        lambda: t.distinct("idd"),
        lambda: t.with_window(n=col("idd").sum().over("s")),
        lambda: t.value_counts("idd"),
        lambda: t.join(t, on="idd"),
        lambda: t.join(u, left_on=col("idd"), right_on="k"),
        lambda: t.pivot("s", "idd", "k", "sum"),
        lambda: t.unpivot("idd"),
        lambda: t.explode("idd"),
        lambda: t.drop_nulls(["idd"]),
        lambda: t.fill_null({"idd": 0}),
        lambda: t.select(col("idd") + 1),
        lambda: t.filter(col("idd") > 1),
        lambda: t.with_columns(n=when("idd > 1").then(1)),
    ]
    for make in makers:
        with pytest.raises(millpond.InvalidArgumentError) as caught:
            make()
        error = caught.value
        line = make.__code__.co_firstlineno
        assert f"test_relational.py:{line}" in error.location, str(error)
        assert 'there is no column "idd"' in error.message
        assert 'Did you mean "id"?' in error.hint


def test_a_syntax_error_names_the_method_and_the_line(local_frames: Frames) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match="syntax error") as caught:
        local_frames["t"].sort("id +")
    assert caught.value.node == "sort"
    assert caught.value.location.endswith(here(-2))
    with pytest.raises(millpond.InvalidArgumentError, match="syntax error") as caught:
        local_frames["t"].session.sql("SELECT 1 +")
    assert caught.value.node == "sql"
    assert caught.value.location.endswith(here(-2))


WRONG: list[tuple[str, Callable[[Frames], object]]] = [
    ("was not told what matches", lambda f: f["t"].join(f["u"])),
    ("neither keys nor a condition", lambda f: f["t"].join(f["u"], on="k", how="cross")),
    ("how='outer' is no join.*choose one of inner", lambda f: f["t"].join(f["u"], on="k", how="outer")),
    ("takes on, or left_on and right_on", lambda f: f["t"].join(f["u"], on="k", left_on="k")),
    ("left_on has 1 and right_on has 0", lambda f: f["t"].join(f["u"], left_on="k")),
    ("join takes a DataFrame, not dict", lambda f: f["t"].join({}, on="k")),  # type: ignore[arg-type]
    (
        'join gives two columns "v_right".*another suffix',
        lambda f: f["t"].join(f["u"].with_columns(v_right="1"), on="k"),
    ),
    ('join gives two columns "k"', lambda f: f["t"].join(f["u"], how="cross", suffix="")),
    ('does not have a column named "zz"', lambda f: f["t"].join(f["u"], condition="left.zz = right.k")),
    ("strategy='nearest'", lambda f: f["t"].join_asof(f["u"], on="k", strategy="nearest")),
    ("compares one pair of columns, not 0", lambda f: f["t"].join_asof(f["u"], by="k")),
    ("takes by, or by_left and by_right", lambda f: f["t"].join_asof(f["u"], on="v", by="k", by_left="k")),
    ("group_by was given no keys.*aggregate", lambda f: f["t"].group_by()),
    ("agg was given no aggregate", lambda f: f["t"].group_by("k").agg()),
    ("all are keys", lambda f: f["t"].select("k").group_by("k").sum()),
    ("must appear in the GROUP BY", lambda f: f["t"].group_by("k").agg("s")),
    ("must appear in the GROUP BY", lambda f: f["t"].aggregate("s")),
    ("aggregate was given no aggregate", lambda f: f["t"].aggregate()),
    ("group_by takes names of columns.*not 5", lambda f: f["t"].group_by(5)),  # type: ignore[arg-type]
    ("with_window was given no expression", lambda f: f["t"].with_window()),
    ('value_counts gives two columns "K"', lambda f: f["t"].value_counts("k", name="K")),
    ("sort was not told by what", lambda f: f["t"].sort()),
    ("says its order itself", lambda f: f["t"].sort("k desc ", descending=True)),
    ("says its order itself", lambda f: f["t"].sort(col("k").asc(), nulls_last=True)),
    ("neither a bool nor a list of 2", lambda f: f["t"].sort("k", "s", descending=[True])),
    ("k=-1 is not a whole number", lambda f: f["t"].top_k(-1, "id")),
    ("k=True is not a whole number", lambda f: f["t"].top_k(True, "id")),
    ('the other frame has no "id".*this frame has no "name"', lambda f: f["t"].union_by_name(f["u"])),
    ('intersect needs the same columns: this frame has no "name"', lambda f: f["u"].drop("name").intersect(f["u"])),
    ("except_ needs the same columns", lambda f: f["u"].except_(f["t"])),
    ("takes either n or fraction", lambda f: f["t"].sample()),
    ("takes either n or fraction", lambda f: f["t"].sample(1, fraction=0.5)),
    ("n=-1 is not", lambda f: f["t"].sample(-1)),
    ("fraction=1.5 is not", lambda f: f["t"].sample(fraction=1.5)),
    ("seed='x' is not", lambda f: f["t"].sample(1, seed="x")),  # type: ignore[arg-type]
    ("can't tell which columns", lambda f: f["t"].fill_null([1])),
    ("aggregate='sum\\(x\\)' is no function", lambda f: f["t"].pivot("s", "id", "k", "sum(x)")),
    ("pivot was given no values", lambda f: f["t"].pivot("s", [], "k", "sum")),
    ('pivot gives two columns "A"', lambda f: f["u"].pivot("k", "v", "name", "sum", columns=["a", "A"])),
    ("pivot has no columns", lambda f: f["e"].select("s", "id").pivot("s", "id", None, "sum")),
    ("unpivot was given a column twice", lambda f: f["t"].unpivot("k", index=["K"])),
    ('unpivot gives two columns "s"', lambda f: f["t"].unpivot("k", index="s", value_name="s")),
    ("no columns to make rows of", lambda f: f["u"].select("k").unpivot(index="k")),
    ("explode was given no column", lambda f: f["t"].explode()),
    ('explode takes lists, and the column "id" is BIGINT', lambda f: f["t"].explode("id")),
    ('unnest takes lists and structs, and the column "s" is VARCHAR', lambda f: f["t"].unnest("s")),
    ('unnest gives two columns "x"', lambda f: f["t"].with_columns(x="1").unnest("st")),
    ("explode takes names of columns, not 3", lambda f: f["t"].explode(3)),  # type: ignore[arg-type]
    ("without a name", lambda f: f["t"].with_columns(sql_expr("1"))),
    ("a comparison with None is never true", lambda f: col("a") == None),  # noqa: E711
    ("is_in takes a list", lambda f: col("a").is_in("abc")),
    ("quantile\\(2\\) must lie between", lambda f: col("a").quantile(2)),
    ("sql_expr takes SQL text", lambda f: sql_expr(" ")),
    ("col takes a column's name", lambda f: col(1)),  # type: ignore[arg-type]
    ("alias must be text", lambda f: col("a").alias(1)),  # type: ignore[arg-type]
    ("can't be written as a SQL literal", lambda f: lit(object())),
    ("is no type", lambda f: col("a").cast(7)),
]


@pytest.mark.parametrize(("message", "make"), WRONG, ids=[message for message, _ in WRONG])
def test_wrong_arguments(local_frames: Frames, message: str, make: Callable[[Frames], object]) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match=message):
        flat_error(lambda: make(local_frames))


def test_expressions_are_no_conditions_of_python() -> None:
    with pytest.raises(TypeError, match="& | ~"):
        bool(col("a") == 1)
    with pytest.raises(TypeError, match="& | ~"):
        assert 1 < col("a") < 3
    with pytest.raises(TypeError, match="unhashable"):
        {col("a")}


def test_brackets_are_kept() -> None:
    def text(expression: Expr) -> str:
        return expression.text

    assert text((col("a") + 1) * 2) == '("a" + 1) * 2'
    assert text(-(col("a") * -1)) == '-("a" * (-1))'
    assert text(2 - lit(-1)) == "2 - (-1)"
    assert text(~(col("a") | col("b"))) == 'NOT ("a" OR "b")'
    assert text(sql_expr("a -- one") + 1) == "(a -- one\n) + 1"


def test_two_sessions_do_not_mix(local_frames: Frames, tmp_path: Path) -> None:
    with open_session(tmp_path) as other:
        stranger = other.from_items([{"k": 1}])
        with pytest.raises(millpond.InvalidArgumentError, match="two sessions"):
            local_frames["t"].join(stranger, on="k")


def test_values_of_python_keep_their_types_as_columns(session: millpond.Session) -> None:
    frame = session.from_items([{"a": 1}]).with_columns(
        day=datetime.date(2024, 2, 29),
        at=datetime.datetime(2024, 2, 29, 12, 30),
        raw=b"a\x00'",
        half=0.5,
        number=numpy.int16(7),
        some=numpy.array([1.5, 2.5]),
        key=uuid.UUID(int=5),
        wait=datetime.timedelta(seconds=90),
        days=[datetime.date(2024, 1, 1), None],
    )
    assert frame.schema.types == (
        ["BIGINT", "DATE", "TIMESTAMP", "BLOB", "DOUBLE", "INTEGER", "DOUBLE[]", "UUID", "INTERVAL", "DATE[]"]
    )
    (row,) = frame.drop("wait", "key").take_all()
    assert row == {
        "a": 1,
        "day": datetime.date(2024, 2, 29),
        "at": datetime.datetime(2024, 2, 29, 12, 30),
        "raw": b"a\x00'",
        "half": 0.5,
        "number": 7,
        "some": [1.5, 2.5],
        "days": [datetime.date(2024, 1, 1), None],
    }
    with pytest.raises(millpond.InvalidArgumentError, match="datetime64"):
        session.from_items([{"a": 1}]).with_columns(t=numpy.datetime64("2024-01-01"))
