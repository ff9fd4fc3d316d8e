"""repartition(n, by=function): a user's own partition function."""

from __future__ import annotations

from typing import Any

import millpond
import numpy as np
import pyarrow as pa
import pytest
from conftest import partition_sizes

ODD = {
    "list": lambda batch: [a % 2 for a in batch["a"].to_pylist()],
    "pyarrow": lambda batch: pa.array([a % 2 for a in batch["a"].to_pylist()], pa.uint8()),
    "chunked": lambda batch: pa.chunked_array([[a % 2 for a in batch["a"].to_pylist()]]),
    "numpy": lambda batch: np.asarray(batch["a"]) % 2,
    "pandas": lambda batch: batch.to_pandas()["a"] % 2,
}


@pytest.fixture(scope="module")
def df(local: millpond.Session) -> millpond.DataFrame:
    return local.partial_sql("SELECT range AS a, 's' || range AS b FROM range(101)")


@pytest.mark.parametrize("form", ODD)
def test_numbers_in_any_form(df: millpond.DataFrame, form: str) -> None:
    dealt = df.repartition(3, by=ODD[form])
    assert partition_sizes(dealt) == [51, 50, 0]
    assert dealt._frame.to_arrow_partition(1) is not None
    assert sorted(row["a"] for row in dealt.take_all()) == list(range(101))


def test_the_schema_is_the_inputs(df: millpond.DataFrame) -> None:
    assert df.repartition(2, by=ODD["list"])._frame.schema() == [("a", "BIGINT"), ("b", "VARCHAR")]


def test_after_a_function_without_schema(df: millpond.DataFrame) -> None:
    ran = df.map(lambda row: {"a": row["a"], "c": row["a"] / 2})
    dealt = ran.repartition(2, by=ODD["list"])
    assert dealt._frame.schema() is None
    assert partition_sizes(dealt) == [51, 50]
    assert dealt.columns == ["a", "c"]


def test_of_many_partitions_and_of_none(df: millpond.DataFrame) -> None:
    assert partition_sizes(df.repartition(4, by_rows=True).repartition(2, by=ODD["numpy"])) == [51, 50]
    assert partition_sizes(df.filter("a < 0").repartition(2, by=ODD["list"])) == [0, 0]


def test_nested(df: millpond.DataFrame) -> None:
    outer = df.repartition(2, by="a // 51")
    assert partition_sizes(outer.repartition(2, by=ODD["list"], nested=True)) == [26, 25, 25, 25]


def test_types_that_arrow_does_not_have_come_through(local: millpond.Session) -> None:
    rows = local.partial_sql(
        "SELECT 170141183460469231731687303715884105727::HUGEINT AS h, uuid() AS u, '101'::BIT AS b, "
        "'x'::ENUM('x', 'y') AS e, {'k': [1, NULL]} AS s, MAP {1: 'a'} AS m, '1 month'::INTERVAL AS i, "
        "'{}'::JSON AS j, 340282366920938463463374607431768211455::UHUGEINT AS w, '12:00:00+02'::TIMETZ AS z, "
        "union_value(a := 1) AS o, "
        "123456789012345678901234567890123456789012345::BIGNUM AS n, ['11'::BIT] AS l, {'a': 1}::VARIANT AS v"
    ).compute()
    text = "columns(*)::VARCHAR"
    for same in (rows.repartition(2, by=lambda batch: [1]), rows.filter(lambda row: True)):
        assert same.schema == rows.schema
        assert same.map(text).take_all() == rows.map(text).take_all()


def test_wrong_arguments(df: millpond.DataFrame) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"by": 7}, "by=7 is neither"),
        ({"by": len, "hash_by": "a"}, "choose one of"),
        ({"by": len, "by_rows": True}, "choose one of"),
    ]
    for arguments, text in wrong:
        with pytest.raises(millpond.InvalidArgumentError, match=text):
            df.repartition(2, **arguments)
    with pytest.raises(millpond.InvalidArgumentError, match="npartitions is 0"):
        df.repartition(0, by=len)


def test_an_error_names_value_row_and_line(df: millpond.DataFrame) -> None:
    halves = df.repartition(2, by_rows=True)
    with pytest.raises(millpond.UserFunctionError) as caught:
        halves.repartition(10, by=lambda batch: batch["a"]).count()
    assert "gave 10 for row 10 of partition 0; partitions are 0 to 9" in str(caught.value)
    assert "test_partition_function.py" in caught.value.location
    assert "repartition" in str(caught.value)


def test_what_arrow_would_change_comes_as_text(local: millpond.Session) -> None:
    rows = local.partial_sql(
        "SELECT '101'::BIT AS b, '12:00:00+02'::TIMETZ AS z, [340282366920938463463374607431768211455::UHUGEINT] AS w"
    )
    text = {"b": "101", "z": "12:00:00+02", "w": ["340282366920938463463374607431768211455"]}
    assert rows.take_all() == rows.compute().take(1) == [text]
    assert rows.map(lambda row: row, schema={"b": "BIT", "z": "TIMETZ", "w": "VARCHAR[]"}).take_all() == [text]
    same = rows.select("b", "z").map_batches(lambda batch: batch, schema={"b": "BIT", "z": "TIME WITH TIME ZONE"})
    assert same.schema == {"b": "BIT", "z": "TIME WITH TIME ZONE"}
