"""What smallpond 0.15.0 gets wrong or refuses, with what is right: the last table of its description, line by line."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import partition_sizes

Rows = list[dict[str, Any]]


@dataclass
class Inputs:
    """What a case may use: a frame of ten rows (a 0 … 9, b 's0' … 's9') from one file, and a folder."""

    session: millpond.Session
    df: millpond.DataFrame
    folder: Path


@pytest.fixture
def inputs(session: millpond.Session, ten_rows: Path, tmp_path: Path) -> Inputs:
    return Inputs(session, session.read_parquet(str(ten_rows)), tmp_path)


def drifted(folder: Path) -> str:
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), folder / "drift-0.parquet")
    pq.write_table(pa.table({"a": [2], "b": ["y"], "c": [2.5]}), folder / "drift-1.parquet")
    return str(folder / "drift-*.parquet")


def csv_with_header(folder: Path) -> str:
    (folder / "header.csv").write_text("a,b\n1,x\n2,y\n")
    return str(folder / "header.csv")


def hash_of(i: Inputs, count: int) -> millpond.DataFrame:
    return i.df.repartition(count, hash_by="a")


# smallpond's input → the right outcome: a function of the inputs, and what it gives.
RIGHT: dict[str, tuple[Callable[[Inputs], Any], Any]] = {
    "the same frame may stand twice": (
        lambda i: i.session.partial_sql("SELECT count(*) AS n FROM {0} JOIN {1} USING (a)", i.df, i.df).take_all(),
        [{"n": 10}],
    ),
    "the same placeholder may stand twice": (
        lambda i: i.session.partial_sql("SELECT count(*) AS n FROM {0} x JOIN {0} y USING (a)", i.df).take_all(),
        [{"n": 10}],
    ),
    "braces of a struct are left alone": (
        lambda i: i.df.map("{'x': a} AS s").take(1),
        [{"s": {"x": 0}}],
    ),
    "braces of a regular expression are left alone": (
        lambda i: i.df.filter("regexp_matches(b, 's[0-9]{1}')").count(),
        10,
    ),
    "doubled braces mean single ones": (
        lambda i: i.df.map("{{'x': a}} AS s").take(1),
        [{"s": {"x": 0}}],
    ),
    "map takes a whole SELECT": (
        lambda i: i.df.map("SELECT a, a * 1.1 AS p FROM {0}").columns,
        ["a", "p"],
    ),
    "by_rows deals exact rows": (
        lambda i: partition_sizes(i.df.repartition(3, by_rows=True)),
        [4, 3, 3],
    ),
    "by_row is by_rows": (
        lambda i: partition_sizes(i.df.repartition(3, by_row=True)),
        [4, 3, 3],
    ),
    "by_rows works over data in memory": (
        lambda i: partition_sizes(i.session.from_pandas(i.df.to_pandas()).repartition(3, by_rows=True)),
        [4, 3, 3],
    ),
    "by may be an expression": (
        lambda i: partition_sizes(i.df.repartition(5, by="a % 5")),
        [2, 2, 2, 2, 2],
    ),
    "hash_by keeps rows with NULL keys": (
        lambda i: i.df.map("nullif(a % 2, 0) AS k").repartition(3, hash_by="k").count(),
        10,
    ),
    "no column is added by hash_by": (
        lambda i: hash_of(i, 3).columns,
        ["a", "b"],
    ),
    "a join with one partition is a broadcast": (
        lambda i: i.session.partial_sql("SELECT a FROM {0} JOIN {1} USING (a)", hash_of(i, 3), i.df).count(),
        10,
    ),
    "a join of frames partitioned alike is right": (
        lambda i: i.session.partial_sql("SELECT a FROM {0} JOIN {1} USING (a)", hash_of(i, 3), hash_of(i, 3)).count(),
        10,
    ),
    "a directory is read": (
        lambda i: (
            pq.write_table(pa.table({"a": [1]}), sub(i.folder) / "x.parquet"),
            i.session.read_parquet(sub(i.folder)).count(),
        )[1],
        1,
    ),
    "a directory of key=value folders has the keys": (
        lambda i: (hive(i.folder), i.session.read_parquet(i.folder / "hive").map("sum(p) AS p").take_all())[1],
        [{"p": 3}],
    ),
    "union_by_name fills columns that files lack": (
        lambda i: sorted_rows(i.session.read_parquet(drifted(i.folder), union_by_name=True).take_all()),
        [{"a": 1, "b": "x", "c": None}, {"a": 2, "b": "y", "c": 2.5}],
    ),
    "a CSV header is found": (
        lambda i: i.session.read_csv(csv_with_header(i.folder)).take(1),
        [{"a": 1, "b": "x"}],
    ),
    "header=True": (
        lambda i: i.session.read_csv(csv_with_header(i.folder), {"a": "BIGINT", "b": "VARCHAR"}, header=True).take(1),
        [{"a": 1, "b": "x"}],
    ),
    "to_pandas has one index": (
        lambda i: list(i.df.repartition(3, by_rows=True).to_pandas().index),
        list(range(10)),
    ),
    "a CSV can be repartitioned by hash": (
        lambda i: i.session.read_csv(csv_with_header(i.folder)).repartition(2, hash_by="a").count(),
        2,
    ),
    "random_shuffle after a Python function": (
        lambda i: i.df.map_batches(lambda batch: batch).random_shuffle().count(),
        10,
    ),
    "is_computed tells the truth": (
        lambda i: (i.df.map("a + 1 AS a").is_computed(), i.df.map("a + 2 AS a").compute().is_computed()),
        (False, True),
    ),
    "from_items of nothing with a schema": (
        lambda i: i.session.from_items([], schema={"a": int}).count(),
        0,
    ),
    "the timeline of a session where nothing ran": (
        lambda i: Path(i.session.dump_timeline(i.folder / "timeline.json")).read_text().startswith('{"traceEvents"'),
        True,
    ),
}


def sub(folder: Path) -> Path:
    (folder / "sub").mkdir(exist_ok=True)
    return folder / "sub"


def hive(folder: Path) -> None:
    for p in (1, 2):
        (folder / "hive" / f"p={p}").mkdir(parents=True)
        pq.write_table(pa.table({"a": [p]}), folder / "hive" / f"p={p}" / "x.parquet")


def sorted_rows(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: row["a"])


@pytest.mark.parametrize("case", RIGHT)
def test_right(inputs: Inputs, case: str) -> None:
    run, expected = RIGHT[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", millpond.MillpondWarning)
        assert run(inputs) == expected


# smallpond's input → the error: what is run, its class, and what its text must hold.
WRONG: dict[str, tuple[Callable[[Inputs], Any], type[Exception], str]] = {
    "zero partitions": (lambda i: i.df.repartition(0), millpond.InvalidArgumentError, "at least 1"),
    "by a string": (lambda i: i.df.repartition(2, by="b"), millpond.InvalidArgumentError, "VARCHAR"),
    "by a negative number": (
        lambda i: i.df.repartition(2, by="-1 - a").compute(),
        millpond.InvalidArgumentError,
        "-1",
    ),
    "by a number out of range": (
        lambda i: i.df.repartition(2, by="a + 2").compute(),
        millpond.InvalidArgumentError,
        "2",
    ),
    "by NULL": (
        lambda i: i.df.repartition(2, by="NULL::INTEGER").compute(),
        millpond.InvalidArgumentError,
        "NULL",
    ),
    "by and hash_by": (lambda i: i.df.repartition(2, by="a", hash_by="a"), millpond.InvalidArgumentError, "one of"),
    "join of 2 and 3 partitions": (
        lambda i: i.session.partial_sql("SELECT * FROM {0} JOIN {1} USING (a)", hash_of(i, 2), hash_of(i, 3)),
        millpond.InvalidArgumentError,
        "not partitioned alike",
    ),
    "join of rows and hash": (
        lambda i: i.session.partial_sql(
            "SELECT * FROM {0} JOIN {1} USING (a)", i.df.repartition(2, by_rows=True), hash_of(i, 2)
        ),
        millpond.InvalidArgumentError,
        "not partitioned alike",
    ),
    "a pattern that matches nothing": (
        lambda i: i.session.read_parquet(str(i.folder / "none-*.parquet")),
        millpond.NotFoundError,
        "none-*.parquet",
    ),
    "a scheme that nobody serves": (
        lambda i: i.session.read_parquet("3fs://cluster/x.parquet"),
        millpond.UnsupportedError,
        "3fs",
    ),
    "schema drift": (lambda i: i.session.read_parquet(drifted(i.folder)), millpond.MillpondError, "drift-1.parquet"),
    "a CSV header of other names that nobody told of": (
        lambda i: i.session.read_csv(csv_with_header(i.folder), schema={"x": "BIGINT", "y": "VARCHAR"}).take(1),
        millpond.DataCorruptError,
        "header.csv",
    ),
    "from_items of nothing": (lambda i: i.session.from_items([]), ValueError, "schema"),
    "an exception in a function": (
        lambda i: i.df.map(lambda row: {"x": 1 // (row["a"] - 3)}).take_all(),
        millpond.UserFunctionError,
        "ZeroDivisionError",
    ),
    "len": (lambda i: len(i.df), TypeError, "count()"),
    "an unknown keyword": (lambda i: i.df.repartition(2, hash_bye="a"), TypeError, "hash_bye"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(inputs: Inputs, case: str) -> None:
    run, kind, text = WRONG[case]
    with pytest.raises(kind) as caught:
        run(inputs)
    assert text in str(caught.value)


def test_one_file_deals_row_groups(session: millpond.Session, tmp_path: Path) -> None:
    # smallpond: [10, 0, 0]. One file has row groups to deal.
    pq.write_table(pa.table({"a": range(9)}), tmp_path / "groups.parquet", row_group_size=3)
    df = session.read_parquet(tmp_path / "groups.parquet").repartition(3)
    assert partition_sizes(df) == [3, 3, 3]


def test_more_partitions_than_row_groups_lose_nothing(inputs: Inputs) -> None:
    df = inputs.df.repartition(3)
    assert (df.num_partitions, sum(partition_sizes(df))) == (3, 10)


def test_map_of_a_condition_warns_and_offers_filter(inputs: Inputs) -> None:
    with pytest.warns(millpond.MillpondWarning, match="filter") as caught:
        inputs.df.map("a > 5")
    assert caught[0].filename == __file__


def test_a_worker_that_dies_is_replaced(tmp_path: Path, inputs: Inputs) -> None:
    marker = tmp_path / "died"

    def die_once(row: dict[str, Any]) -> dict[str, Any]:
        import os

        if row["a"] == 5 and not marker.exists():
            marker.touch()
            os._exit(3)
        return {"a": row["a"]}

    assert sorted(row["a"] for row in inputs.df.map(die_once, schema={"a": int}).take_all()) == list(range(10))


def test_ray_address_is_never_a_silent_local_run(tmp_path: Path) -> None:
    with pytest.raises(millpond.UnavailableError, match="no Ray cluster answers"):
        millpond.init(data_root=tmp_path, ray_address="127.0.0.1:1")


def test_more_rows_than_memory_sort_by_spilling(tmp_path: Path) -> None:
    # smallpond: OutOfMemory at once.
    with millpond.init(data_root=tmp_path, threads=2, memory_limit="256MB", progress=False) as session:
        big = session.partial_sql("SELECT hash(i) AS h, repeat('x', 100) AS pad FROM range(3000000) t(i)")
        assert big.partial_sort("h").map("count(*) AS n").take_all() == [{"n": 3000000}]
