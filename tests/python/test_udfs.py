"""Python functions called by name from SQL."""

from __future__ import annotations

from typing import Any

import millpond
import pyarrow.compute as pc
import pytest
from millpond import UDFAnyParameters, UDFType, udf


@udf(params=[UDFType.BIGINT], return_type=UDFType.BIGINT)
def plus_one(x: int) -> int:
    return x + 1


@udf(params=["BIGINT"], return_type="BIGINT", use_arrow_type=True)
def doubled(column: Any) -> Any:
    return pc.multiply(column, 2)


@udf(params=[int], return_type=str, name="shout")
def fail(x: int) -> str:
    raise KeyError("no voice")


@pytest.fixture(scope="module")
def df(local: millpond.Session) -> millpond.DataFrame:
    return local.partial_sql("SELECT CASE WHEN range = 3 THEN NULL ELSE range END AS a FROM range(5)").compute()


def test_in_map_filter_and_partial_sql(df: millpond.DataFrame) -> None:
    mapped = df.map("plus_one(a) AS b", udfs=[plus_one])
    assert mapped._frame.schema() == [("b", "BIGINT")]
    assert [row["b"] for row in mapped.take_all()] == [1, 2, 3, None, 5]
    assert df.filter("plus_one(a) > 3", udfs=[plus_one]).take_all() == [{"a": 4}]
    total = df.partial_sql("SELECT sum(doubled(plus_one(a)))::BIGINT AS s FROM {0}", udfs=[plus_one, doubled])
    assert total.take_all() == [{"s": 22}]
    assert df.map("SELECT plus_one(a) AS b FROM {0} WHERE a = 1", udfs=plus_one).take_all() == [{"b": 2}]


def test_any_number_of_parameters(df: millpond.DataFrame) -> None:
    @udf(params=[UDFType.BIGINT, UDFType.BIGINT, UDFType.VARCHAR], return_type=UDFType.VARCHAR)
    def joined(x: int, y: int, between: str) -> str:
        return f"{x}{between}{y}"

    @udf(params=[], return_type=UDFType.BIGINT)
    def seven() -> int:
        return 7

    @udf(params=UDFAnyParameters(), return_type=UDFType.BIGINT)
    def number_of(*values: object) -> int:
        return len(values)

    frame = df.filter("a = 2").map(
        "joined(a, seven(), '-') AS j, number_of(a, 'x', 1.5) AS n", udfs=[joined, seven, number_of]
    )
    assert frame.take_all() == [{"j": "2-7", "n": 3}]


def test_an_empty_partition_has_its_aggregate(df: millpond.DataFrame) -> None:
    assert df.filter("a > 9").map("count(plus_one(a)) AS n", udfs=[plus_one]).take_all() == [{"n": 0}]


def test_types_that_arrow_lacks_arrive_as_they_are(local: millpond.Session) -> None:
    big = local.partial_sql("SELECT 170141183460469231731687303715884105727::HUGEINT AS h, 1 AS a")
    typed = big.map("typeof(h) AS t, plus_one(a) AS b", udfs=[plus_one])
    assert typed.take_all() == [{"t": "HUGEINT", "b": 2}]


def test_an_unknown_name_is_an_error_at_once(df: millpond.DataFrame) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match="minus_one") as caught:
        df.map("minus_one(a)", udfs=[plus_one])
    assert "test_udfs.py" in caught.value.location


def test_an_exception_has_its_traceback(df: millpond.DataFrame) -> None:
    with pytest.raises(millpond.UserFunctionError, match="no voice") as caught:
        df.map("shout(a) AS s", udfs=[fail]).count()
    assert 'raise KeyError("no voice")' in caught.value.detail


def test_what_is_no_udf_is_refused(df: millpond.DataFrame) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match="@udf"):
        df.map("f(a)", udfs=[lambda x: x])
    with pytest.raises(millpond.UnsupportedError, match="one input"):
        df.partial_sql("SELECT plus_one(a) FROM {0} JOIN {1} USING (a)", df, udfs=[plus_one])


def test_numbers_of_the_types_are_smallponds() -> None:
    assert (UDFType.SQLNULL, UDFType.BIGINT, UDFType.INTERVAL) == (1, 9, 26)
    assert UDFType.TIMESTAMP_TZ.to_sql() == "TIMESTAMP WITH TIME ZONE"
