"""Frames under every runner."""

from __future__ import annotations

import warnings
from pathlib import Path

import millpond
import pyarrow as pa
import pytest
from conftest import partition_sizes


@pytest.fixture
def df(session: millpond.Session, ten_rows: Path) -> millpond.DataFrame:
    return session.read_parquet(ten_rows)


def test_description(df: millpond.DataFrame) -> None:
    assert df.columns == ["a", "b"]
    assert df.dtypes == ["BIGINT", "VARCHAR"]
    assert df.schema == {"a": "BIGINT", "b": "VARCHAR"}
    assert df.schema.to_arrow() == pa.schema([("a", pa.int64()), ("b", pa.string())])
    assert df.num_partitions == 1
    assert repr(df) == "DataFrame[a BIGINT, b VARCHAR] (1 partition)"
    assert "a BIGINT" in df._repr_html_()
    assert "SELECT" in df.filter("a > 1").explain()


def test_partitions_keep_order(df: millpond.DataFrame) -> None:
    assert df.repartition(4, by_rows=True).to_arrow()["a"].to_pylist() == list(range(10))
    assert df.repartition(4, by_rows=True).take(3) == [{"a": i, "b": f"s{i}"} for i in range(3)]


def test_hash_puts_equal_keys_together(df: millpond.DataFrame) -> None:
    keyed = df.with_columns(k="a % 3").repartition(5, hash_by=["k"])
    parts = keyed.partial_sql("SELECT k, count(*) AS n FROM {0} GROUP BY k")
    assert sorted((row["k"], row["n"]) for row in parts.take_all()) == [(0, 4), (1, 3), (2, 3)]


def test_columns(df: millpond.DataFrame) -> None:
    assert df.select("b", "a + 1 AS c").take(1) == [{"b": "s0", "c": 1}]
    assert df.select(["b"]).columns == ["b"]
    assert df.with_columns(a="a * 2", d="upper(b)").take(1) == [{"a": 0, "b": "s0", "d": "S0"}]
    assert df.with_columns({"odd name": 7}).columns == ["a", "b", "odd name"]
    assert df.drop("a").columns == ["b"]
    assert df.rename({"a": 'x "y"'}).select('x "y"').take(1) == [{'x "y"': 0}]
    assert df.rename(a="c").columns == ["c", "b"]


def test_union_appends_partitions(df: millpond.DataFrame) -> None:
    both = df.repartition(2, by_rows=True).union(df)
    assert (both.num_partitions, both.count()) == (3, 20)
    assert partition_sizes(both) == [5, 5, 10]


def test_limit_and_head(df: millpond.DataFrame) -> None:
    parts = df.repartition(3, by_rows=True)
    assert parts.limit(5).num_partitions == 1
    assert parts.limit(5).count() == 5
    assert parts.head(2).take_all() == [{"a": 0, "b": "s0"}, {"a": 1, "b": "s1"}]
    assert df.limit(0).take_all() == []


def test_sort_and_shuffle(df: millpond.DataFrame) -> None:
    assert df.partial_sort("a DESC").take(1) == [{"a": 9, "b": "s9"}]
    assert df.partial_sort(["b", "a"]).take(1) == [{"a": 0, "b": "s0"}]
    shuffled = df.repartition(2, by_rows=True).random_shuffle(seed=4).to_arrow()["a"].to_pylist()
    assert sorted(shuffled) == list(range(10))
    assert shuffled != list(range(10))


def test_partial_sql_on_a_frame(df: millpond.DataFrame) -> None:
    small = df.filter("a < 3")
    assert df.partial_sql("SELECT count(*) AS n FROM {0} JOIN {1} USING (a)", small).take_all() == [{"n": 3}]


def test_sql_is_global_whatever_the_partitions(session: millpond.Session, df: millpond.DataFrame) -> None:
    parts = df.repartition(4, hash_by="b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        total = session.sql("SELECT count(*) AS n, sum(a)::BIGINT AS s FROM {0}", parts)
        assert total.take_all() == [{"n": 10, "s": 45}]
        ordered = session.sql("SELECT a FROM {0} JOIN {1} USING (a) ORDER BY a DESC LIMIT 2", parts, df.repartition(3))
        assert [row["a"] for row in ordered.take_all()] == [9, 8]
    with pytest.raises(millpond.InvalidArgumentError, match="DataFrame"):
        session.sql("SELECT 1 FROM {0}", 7)  # type: ignore[arg-type]


def test_partial_sql_without_inputs_runs_once(session: millpond.Session) -> None:
    assert session.partial_sql("SELECT 1 AS one").take_all() == [{"one": 1}]


def test_results_in_all_forms(df: millpond.DataFrame) -> None:
    expected = {"a": list(range(10)), "b": [f"s{i}" for i in range(10)]}
    assert df.to_arrow().to_pydict() == expected
    assert df.to_pandas().to_dict("list") == expected
    assert df.to_polars().to_dict(as_series=False) == expected
    assert pa.table(df).to_pydict() == expected


def test_computed_once(session: millpond.Session) -> None:
    df = session.partial_sql("SELECT random() AS r FROM range(5)")
    first = df.compute().take_all()
    assert df.take_all() == first
    assert df.is_computed()
    assert df.recompute().is_computed() is False


def test_an_aggregate_that_the_partitions_do_not_cover_warns(df: millpond.DataFrame) -> None:
    parts = df.repartition(2, by_rows=True)
    with pytest.warns(millpond.MillpondWarning) as caught:
        parts.partial_sql("SELECT count(*) AS n FROM {0}")
    assert caught[0].filename == __file__


def test_show(df: millpond.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    df.show(2)
    text = capsys.readouterr().out
    assert "BIGINT" in text
    assert "s1" in text
    assert "the first 2 rows" in text


def test_from_memory(session: millpond.Session) -> None:
    table = pa.table({"a": [1, None], "s": ["x", None], "l": [[1, 2], None]})
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    assert session.from_arrow(table).to_arrow().to_pydict() == table.to_pydict()
    assert session.from_pandas(pandas.DataFrame({"a": [1, 2]})).take_all() == [{"a": 1}, {"a": 2}]
    assert session.from_polars(polars.DataFrame({"a": [1, 2]})).take_all() == [{"a": 1}, {"a": 2}]
    assert session.from_polars(polars.LazyFrame({"a": [1]})).count() == 1
    assert session.from_items([{"a": 1}, {"b": "x"}]).take_all() == [{"a": 1, "b": None}, {"a": None, "b": "x"}]


def test_types_come_back_as_they_went(session: millpond.Session) -> None:
    df = session.partial_sql(
        "SELECT 36028797018963978::HUGEINT AS h, 'a'::BLOB AS b, DATE '2024-02-29' AS d, [1, NULL] AS l, "
        "{'x': 1} AS s, MAP {'k': 1} AS m, 1.25::DECIMAL(9, 2) AS c, 'NaN'::DOUBLE AS f"
    )
    types = [
        "HUGEINT",
        "BLOB",
        "DATE",
        "INTEGER[]",
        "STRUCT(x INTEGER)",
        "MAP(VARCHAR, INTEGER)",
        "DECIMAL(9,2)",
        "DOUBLE",
    ]
    assert df.dtypes == types
    assert int(df.compute().take(1)[0]["h"]) == 36028797018963978


def test_wait_runs_several(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    one = df.filter("a < 5").write_parquet_lazy(tmp_path / "one")
    two = df.filter("a >= 5").write_parquet_lazy(tmp_path / "two")
    session.wait(one, two)
    assert session.read_parquet([tmp_path / "one", tmp_path / "two"]).count() == 10


def test_graph(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    df.filter("a > 1")
    assert "digraph" in session.graph().source
    assert "digraph" in Path(session.dump_graph(tmp_path / "g.dot")).read_text()
