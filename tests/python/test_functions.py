"""Python functions in worker processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pytest

pytest.importorskip("pandas")
pytest.importorskip("polars")


@pytest.fixture(scope="module")
def df(local: millpond.Session) -> millpond.DataFrame:
    return local.partial_sql("SELECT range AS a, 's' || range AS b FROM range(1000)").compute()


def numbers(df: millpond.DataFrame) -> list[int]:
    return df.to_arrow()["a"].to_pylist()  # type: ignore[no-any-return]


def test_row_functions(df: millpond.DataFrame) -> None:
    assert numbers(df.map(lambda row: {"a": row["a"] + 1})) == list(range(1, 1001))
    assert numbers(df.filter(lambda row: row["a"] % 100 == 0)) == list(range(0, 1000, 100))
    assert numbers(df.flat_map(lambda row: [{"a": row["a"]}] * 2).limit(4)) == [0, 0, 1, 1]
    assert df.flat_map(lambda row: []).count() == 0


def test_a_filter_knows_its_schema_without_running(df: millpond.DataFrame) -> None:
    assert df.filter(lambda row: True)._frame.schema() == [("a", "BIGINT"), ("b", "VARCHAR")]


def test_a_schema_is_unknown_until_computed_or_declared(df: millpond.DataFrame) -> None:
    mapped = df.map(lambda row: {"x": row["a"] / 2})
    assert "once computed" in repr(mapped)
    assert mapped.schema == {"x": "DOUBLE"}
    declared = df.map(lambda row: {"x": row["a"]}, schema={"x": "DOUBLE"})
    assert declared._frame.schema() == [("x", "DOUBLE")]
    assert declared.take(1) == [{"x": 0.0}]


def test_what_follows_an_unknown_schema_is_bound_later(df: millpond.DataFrame) -> None:
    mapped = df.map(lambda row: {"x": row["a"]})
    assert mapped.filter("x < 3").map("x * 2 AS y").to_arrow()["y"].to_pylist() == [0, 2, 4]
    with pytest.raises(millpond.InvalidArgumentError, match="nope") as caught:
        mapped.filter("nope > 3").count()
    assert "test_functions.py" in caught.value.location


@pytest.mark.parametrize(
    ("batch_format", "kind"),
    [("pyarrow", "Table"), ("pandas", "DataFrame"), ("polars", "DataFrame"), ("numpy", "dict")],
)
def test_batch_formats(df: millpond.DataFrame, batch_format: str, kind: str) -> None:
    def check(batch: Any) -> Any:
        assert type(batch).__name__ == kind, type(batch)
        return batch

    assert numbers(df.map_batches(check, batch_format=batch_format)) == list(range(1000))


def test_batches_have_exactly_the_size_asked_for(df: millpond.DataFrame) -> None:
    def size(batch: pa.Table) -> pa.Table:
        return pa.table({"n": [batch.num_rows]})

    for parts, expected in ((1, [300, 300, 300, 100]), (2, [300, 200, 300, 200])):
        sized = df.repartition(parts, by_rows=True).map_batches(size, batch_size=300)
        assert sized.to_arrow()["n"].to_pylist() == expected


def test_a_class_is_instantiated_once_a_worker(df: millpond.DataFrame) -> None:
    class Model:
        def __init__(self) -> None:
            self.made = os.urandom(8).hex()

        def __call__(self, batch: pa.Table) -> pa.Table:
            return pa.table({"pid": [os.getpid()], "made": [self.made]})

    rows = df.repartition(8, by_rows=True).map_batches(Model, batch_size=10).take_all()
    assert len(rows) == 104
    assert os.getpid() not in {row["pid"] for row in rows}
    assert len({row["made"] for row in rows}) == len({row["pid"] for row in rows})


def test_generators_over_an_iterator_of_batches(df: millpond.DataFrame) -> None:
    def running_total(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        total = 0
        for batch in batches:
            total += sum(batch["a"].to_pylist())
            yield pa.table({"total": [total]})

    made = df.map_batches(running_total, batch_size=500)
    assert made.to_arrow()["total"].to_pylist() == [sum(range(500)), sum(range(1000))]
    plain = df.map_batches(lambda batches: (batch for batch in batches), streaming=True)
    assert numbers(plain) == list(range(1000))


def test_a_column_that_begins_with_nulls(df: millpond.DataFrame) -> None:
    late = df.map_batches(lambda t: pa.table({"x": [None if t["a"][0].as_py() < 900 else 1]}), batch_size=100)
    assert late.to_arrow()["x"].to_pylist() == [None] * 9 + [1]


def test_nothing_comes_of_no_rows(df: millpond.DataFrame) -> None:
    none = df.filter("a < 0")
    assert none.map(lambda row: {"x": 1}, schema={"x": int}).take_all() == []
    assert none.map_batches(lambda batch: batch).count() == 0
    assert none.filter(lambda row: True).take_all() == []


def fails_on_700(row: dict[str, Any]) -> dict[str, Any]:
    if row["a"] == 700:
        raise ValueError("seven hundred")
    return row


def test_an_exception_has_the_users_traceback_and_row(df: millpond.DataFrame) -> None:
    with pytest.raises(millpond.UserFunctionError) as caught:
        df.repartition(2, by_rows=True).map(fails_on_700).count()
    error = caught.value
    assert "fails_on_700" in error.message
    assert "ValueError: seven hundred" in error.message
    assert "row 200 of partition 1" in error.message
    assert 'raise ValueError("seven hundred")' in error.detail
    assert "call_handler.py" not in error.detail
    assert "test_functions.py" in error.location


def test_an_exception_names_the_batch_and_the_file(local: millpond.Session, ten_rows: Path) -> None:
    def fail(batch: pa.Table) -> pa.Table:
        return 1 / 0 if batch["a"][0].as_py() == 4 else batch

    with pytest.raises(millpond.UserFunctionError, match="rows 4 to 7 of partition 0") as caught:
        local.read_parquet(ten_rows).map_batches(fail, batch_size=4).count()
    assert caught.value.file == str(ten_rows)


WRONG_RESULTS = {
    "None from map": (lambda df: df.map(lambda row: None), "None"),
    "a number from map": (lambda df: df.map(lambda row: 7), "a int (7)"),
    "a dict from flat_map": (lambda df: df.flat_map(lambda row: {"a": 1}), "list of dicts"),
    "None from map_batches": (lambda df: df.map_batches(lambda batch: None), "returned None"),
    "a column that was not declared": (lambda df: df.map(lambda row: {"b": 1}, schema={"a": int}), "'b'"),
    "a type that was not declared": (lambda df: df.map(lambda row: {"a": "x"}, schema={"a": int}), "'a'"),
    "values of two types": (
        lambda df: df.map(lambda row: {"a": "x" if row["a"] % 2 else 1}),
        "declare the column's type",
    ),
    "a batch with other columns": (
        lambda df: df.map_batches(lambda t: pa.table({f"c{t['a'][0]}": [1]}), batch_size=500),
        "the same columns",
    ),
}


@pytest.mark.parametrize("case", WRONG_RESULTS)
def test_wrong_results_are_named(df: millpond.DataFrame, case: str) -> None:
    make, text = WRONG_RESULTS[case]
    with pytest.raises(millpond.UserFunctionError) as caught:
        make(df).count()
    assert text in str(caught.value)


def test_what_cannot_be_sent_is_said_at_once(df: millpond.DataFrame) -> None:
    lock = threading.Lock()
    with pytest.raises(millpond.InvalidArgumentError, match="worker process"):
        df.map(lambda row: {"x": lock.locked()})


def test_bad_arguments(df: millpond.DataFrame) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match="batch_format"):
        df.map_batches(lambda batch: batch, batch_format="spark")
    with pytest.raises(millpond.InvalidArgumentError, match="batch_size"):
        df.map_batches(lambda batch: batch, batch_size=0)
    with pytest.raises(millpond.InvalidArgumentError, match="SQL text or a function"):
        df.map(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="colour"):
        df.map_batches(lambda batch: batch, colour="red")
    with pytest.raises(millpond.UnsupportedError, match="output_path"):
        df.map("a", output_path="/tmp/x")


def test_smallponds_resources_are_taken(df: millpond.DataFrame) -> None:
    assert df.map_batches(lambda b: b, cpu_limit=1, memory_limit="100MB", parquet_compression="ZSTD").count() == 1000


def test_functions_run_under_every_runner(session: millpond.Session, ten_rows: Path) -> None:
    doubled = session.read_parquet(ten_rows).repartition(3, by_rows=True).map(lambda row: {"a": row["a"] * 2})
    assert numbers(doubled) == list(range(0, 20, 2))


def test_the_same_code_is_the_same_bytes() -> None:
    from millpond.functions import pack

    class Model:
        def __call__(self, batch: pa.Table) -> pa.Table:
            return batch

    assert pack(Model, False) == pack(Model, False)
    assert pack(lambda row: row["a"], False) != pack(lambda row: row["b"], False)
