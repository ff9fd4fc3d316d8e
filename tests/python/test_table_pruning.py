"""Files of tables that a query's filters leave out by what the table's records say of them."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import deltalake
import duckdb
import millpond
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from duckdb_1_5 import rows as other_duckdb
from pyiceberg.catalog.sql import SqlCatalog

NOON = datetime.datetime(2024, 1, 1, 12, 0, 0, 123456)
FILES = 5


def rows(number: int) -> pa.Table:
    """The rows of one file: none of its values but NULL and NaN is in the range of another's."""
    moment = NOON + datetime.timedelta(days=number)
    return pa.table(
        {
            "i": pa.array([10 * number, 10 * number + 9, None], pa.int64()),
            "s": pa.array([f"{number} é", f"{number} " + "z" * 40, None]),
            "f": pa.array([float(number), math.nan if number == 1 else number + 0.5, -0.0]),
            "t": pa.array([moment, moment + datetime.timedelta(seconds=1), None], pa.timestamp("us")),
            "z": pa.array([moment, moment, moment], pa.timestamp("us", "UTC")),
            "d": pa.array([moment.date()] * 3),
            "n": pa.array([decimal.Decimal(number) / 4] * 3, pa.decimal128(9, 2)),
            "p": pa.array([number % 2 if number else None] * 3, pa.int64()),
            "u": pa.array([None, None, None] if number % 2 else ["a", "b", "c"], pa.string()),
            "l": pa.array([[number], None, []], pa.list_(pa.int64())),
        }
    )


QUERIES: dict[str, int] = {  # What is read of five files.
    "i = 42": 1,
    "i BETWEEN 5 AND 12": 2,
    "i IN (1, 33)": 2,
    "i > 1000": 0,
    "i < 10 OR i >= 49": 2,
    "i IS NULL": 5,
    "s = '3 zzz'": 0,
    f"s = '2 {'z' * 40}'": 1,
    "s >= '4'": 1,
    "length(s) = 42": 5,
    "f > 100": 5,  # NaN is, which no record tells.
    "f < -1": 0,
    "t = '2024-01-03 12:00:01.123456'": 1,
    "t > '2024-01-05 12:00:00.123455'": 1,
    "z = '2024-01-02 12:00:00.123456+00'": 1,
    "z >= '2024-01-05 12:00:00.123456+00'": 1,
    "d < DATE '2024-01-02'": 1,
    "n = 0.75": 1,
    "u IS NOT NULL": 3,
    "u IS NULL": 2,
    "u = 'b' AND i > 25": 2,
    "random() < 2 AND i = 3": 1,
    "i % 10 = 3": 5,
    "l = [3]": 5,
}


Tables = tuple[Callable[[millpond.Session], millpond.DataFrame], list[Path]]


def delta(folder: Path, by: list[str]) -> Tables:
    for number in range(FILES):
        deltalake.write_deltalake(folder / "t", rows(number), mode="append", partition_by=by)
    table = deltalake.DeltaTable(folder / "t")
    paths = [folder / "t" / unquote(path) for path in pa.table(table.get_add_actions())["path"].to_pylist()]
    return lambda session: session.read_delta(folder / "t"), paths


def iceberg(folder: Path) -> Tables:
    catalog = SqlCatalog("test", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", rows(0).schema)
    for number in range(FILES):
        table.append(rows(number))
    paths = [Path(task.file.file_path.removeprefix("file://")) for task in table.scan().plan_files()]
    return lambda session: session.read_iceberg(table), paths


def ducklake(folder: Path) -> Tables:
    steps = ["CREATE TABLE lake.t AS FROM '{0}/0.parquet' LIMIT 0"]
    for number in range(FILES):
        pq.write_table(rows(number), folder / f"{number}.parquet")
        steps.append(f"INSERT INTO lake.t FROM '{{0}}/{number}.parquet'")
    options = f"DATA_PATH '{folder}/files', DATA_INLINING_ROW_LIMIT 0"
    other_duckdb(f"ATTACH 'ducklake:{folder}/meta' AS lake ({options})", *(step.format(folder) for step in steps))
    return lambda session: session.read_ducklake(folder / "meta", "t"), sorted((folder / "files").rglob("*.parquet"))


@pytest.fixture(params=["delta", "delta by p", "iceberg", "ducklake"], scope="module")
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("tables")
    if request.param in ("iceberg", "ducklake"):
        return (iceberg if request.param == "iceberg" else ducklake)(folder)
    return delta(folder, ["p"] if "by p" in request.param else [])


def in_order(found: Any) -> list[str]:
    return sorted(str(list(row.items())) for row in pa.table(found).cast(rows(0).schema).to_pylist())


def number_of_files(text: str) -> int:
    """Files that the stage of an explained frame reads."""
    match = re.search(r"(\d+) pieces? of files", text)
    assert match is not None, text
    return int(match[1])


@pytest.mark.parametrize("condition", QUERIES)
def test_a_filter_reads_the_files_it_needs(local: millpond.Session, table: Tables, condition: str) -> None:
    read, paths = table
    frame = read(local)
    all_rows = pa.concat_tables(rows(number) for number in range(FILES))
    columns = ", ".join(all_rows.column_names)
    with duckdb.connect() as plain:
        want = in_order(plain.sql(f"SELECT {columns} FROM all_rows WHERE {condition}").to_arrow_table())
    filtered = frame.filter(condition).select(all_rows.column_names)
    # A DuckLake tells which file has NaN.
    wanted = 1 if condition == "f > 100" and paths[0].parent.parent.name == "main" else QUERIES[condition]
    assert number_of_files(filtered.explain()) == wanted
    if condition == "f > 100":
        return  # DuckDB itself misses NaN in Parquet files whose footers don't tell of it.
    assert in_order(filtered.to_arrow()) == want
    partitions = (1, 3, 16)[list(QUERIES).index(condition) % 3]
    query = f"SELECT {columns} FROM f WHERE {condition}"
    spread = local.sql(query, f=frame, distribute="always", partitions=partitions)
    assert in_order(spread.to_arrow()) == want


def test_files_that_are_left_out_are_not_opened(session: millpond.Session, tmp_path: Path) -> None:
    for make, name in ((lambda folder: delta(folder, ["p"]), "delta"), (iceberg, "iceberg"), (ducklake, "ducklake")):
        (tmp_path / name).mkdir()
        read, paths = make(tmp_path / name)
        frame = read(session)
        kept = [path for path in paths if pc.max(pq.read_table(path, partitioning=None)["i"]).as_py() == 29]
        for path in set(paths) - set(kept):
            path.unlink()
        renamed = frame.select(["i", "s"]).map("i AS number, s")
        assert renamed.filter("number BETWEEN 20 AND 29").count() == 2
        by_hash = frame.filter("i >= 20 AND i < 30").repartition(3, hash_by=["i"])
        assert "4 left out by what is known of them" in by_hash.explain()
        assert sorted(row["i"] for row in by_hash.take_all()) == [20, 29]
        assert frame.filter("i = 20").repartition(4).count() == 1
        query = "SELECT count(*) AS n FROM f WHERE i = 20"
        assert session.sql(query, f=frame, distribute="always", partitions=3).take_all() == [{"n": 1}]
        with pytest.raises(millpond.MillpondError):
            frame.filter("i % 100 = 20").count()


def test_each_reader_of_a_frame_has_files_of_its_own(local: millpond.Session, table: Tables) -> None:
    read, _ = table
    frame = read(local)
    query = "SELECT count(*) AS n FROM f AS a JOIN f AS b ON a.i = b.i + 10 WHERE a.i = 20 AND b.i = 10"
    assert local.sql(query, f=frame).take_all() == [{"n": 1}]
    both = "SELECT (SELECT count(*) FROM f) AS a, (SELECT count(*) FROM f WHERE i = 3) AS b"
    assert local.sql(both, f=frame).take_all() == [{"a": 15, "b": 0}]
    least, most = frame.filter("i < 10"), frame.filter("i >= 40")
    assert local.sql("SELECT max(i) AS m FROM (FROM a UNION ALL FROM b)", a=least, b=most).take_all() == [{"m": 49}]


def add_file(path: Path, values: pa.Array, stats: dict[str, Any]) -> dict[str, Any]:
    """A file of one column `i`, and the action that adds it with these statistics."""
    pq.write_table(pa.table({"i": values}), path)
    stats = {"numRecords": len(values), **stats}
    return {
        "add": {
            "path": path.name,
            "partitionValues": {},
            "size": path.stat().st_size,
            "modificationTime": 0,
            "dataChange": True,
            "stats": json.dumps(stats),
        }
    }


def table_of(folder: Path, kind: str, features: list[str], *files: dict[str, Any]) -> None:
    """A Delta table of one column `i`."""
    from test_delta import log, metadata

    fields = [{"name": "i", "type": kind, "nullable": True, "metadata": {}}]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    log(folder, {"protocol": protocol}, metadata(fields, [], {}), *files)


def test_deleted_rows_beside_bounds(local: millpond.Session, tmp_path: Path) -> None:
    from test_delta import deletion_vector

    files = []
    for low in (0, 10):
        stats = {"minValues": {"i": low}, "maxValues": {"i": low + 2}, "nullCount": {"i": 0}}
        files.append(add_file(tmp_path / f"{low}.parquet", pa.array([low, low + 1, low + 2]), stats))
    files[1]["add"]["deletionVector"] = deletion_vector(0, 1)
    table_of(tmp_path, "long", ["deletionVectors"], *files)
    frame = local.read_delta(tmp_path)
    assert sorted(row["i"] for row in frame.take_all()) == [0, 1, 2, 12]
    assert frame.filter("i >= 10").take_all() == [{"i": 12}]
    assert frame.filter("i < 5").count() == 3
    assert frame.filter("i = 10").count() == 0


@pytest.mark.parametrize("feature", ["typeWidening", "typeWidening-preview"])
def test_a_column_that_was_widened(local: millpond.Session, tmp_path: Path, feature: str) -> None:
    def bounds(low: Any, high: Any) -> dict[str, Any]:
        return {"minValues": {"i": low}, "maxValues": {"i": high}, "nullCount": {"i": 0}}

    table_of(
        tmp_path,
        "long",
        [feature],
        add_file(tmp_path / "old.parquet", pa.array([1, 2], pa.int32()), bounds(1, 2)),
        add_file(tmp_path / "new.parquet", pa.array([2**40], pa.int64()), bounds(2**40, 2**40)),
    )
    frame = local.read_delta(tmp_path)
    assert list(frame.schema.types) == ["BIGINT"]
    assert sorted(row["i"] for row in frame.take_all()) == [1, 2, 2**40]
    assert number_of_files(frame.filter("i < 3").explain()) == 1
    assert frame.filter("i < 3").count() == 2
    assert frame.filter("i > 3000000000").take_all() == [{"i": 2**40}]


def test_texts_whose_bounds_were_cut_off(local: millpond.Session, tmp_path: Path) -> None:
    # The last ones are escaped in the log.
    whole = ["7" * 40, "7" * 14 + "\ud7ff" * 9, "a\U00020001", "\U0010ffff" * 20]
    files = []
    for number, text in enumerate(whole):
        stats = {"minValues": {"i": text[:16]}, "maxValues": {"i": text[:16]}, "nullCount": {"i": 0}}
        files.append(add_file(tmp_path / f"{number}.parquet", pa.array([text]), stats))
    table_of(tmp_path, "string", ["timestampNtz"], *files)
    frame = local.read_delta(tmp_path)
    for text in whole:
        assert local.sql("SELECT count(*) AS n FROM f WHERE i = '" + text + "'", f=frame).take_all() == [{"n": 1}]
        assert frame.filter(f"i >= '{text}' AND i <= '{text}'").count() == 1


def test_a_file_without_statistics_is_read(local: millpond.Session, tmp_path: Path) -> None:
    known = {"minValues": {"i": 1}, "maxValues": {"i": 1}, "nullCount": {"i": 0}}
    table_of(
        tmp_path,
        "long",
        ["timestampNtz"],
        add_file(tmp_path / "0.parquet", pa.array([1]), known),
        add_file(tmp_path / "1.parquet", pa.array([2]), {}),
        add_file(tmp_path / "2.parquet", pa.array([3, None]), {"minValues": {"i": 3}, "nullCount": {"i": 1}}),
    )
    frame = local.read_delta(tmp_path)
    assert frame.filter("i = 2").count() == 1
    assert number_of_files(frame.filter("i = 2").explain()) == 2
    assert frame.filter("i IS NULL").count() == 1


def test_columns_that_changed_names(local: millpond.Session, tmp_path: Path) -> None:
    """`a` is called `b` in the files, and `b` is `a`: what the records say of either is of no use."""
    from test_delta import field, log, metadata

    files = []
    for number in (0, 1):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(pa.table({"b": [number], "a": [number + 10], "x": [number + 100]}), path)
        same = {"b": number, "a": number + 10, "x": number + 100}
        stats = {"numRecords": 1, "minValues": same, "maxValues": same, "nullCount": dict.fromkeys(same, 0)}
        added = {"path": path.name, "partitionValues": {}, "size": path.stat().st_size, "modificationTime": 0}
        files.append({"add": {**added, "dataChange": True, "stats": json.dumps(stats)}})
    features = ["columnMapping"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    columns = [field("a", "long", "b", 1), field("b", "long", "a", 2), field("c", "long", "x", 3)]
    log(tmp_path, {"protocol": protocol}, metadata(columns, [], {"delta.columnMapping.mode": "name"}), *files)
    frame = local.read_delta(tmp_path)
    for number in (0, 1):
        row = {"a": number, "b": number + 10, "c": number + 100}
        for name, value in row.items():
            assert frame.filter(f"{name} = {value}").take_all() == [row]
    assert frame.filter("a = 10 OR b = 0").count() == 0
    assert number_of_files(frame.filter("c < 101").explain()) == 1


def test_decimals_that_a_log_can_not_hold(local: millpond.Session, tmp_path: Path) -> None:
    values = [decimal.Decimal("1234567890123456.7891") + number for number in range(3)]
    for value in values:
        deltalake.write_deltalake(tmp_path, pa.table({"d": pa.array([value], pa.decimal128(20, 4))}), mode="append")
    frame = local.read_delta(tmp_path)
    for value in values:
        assert frame.filter(f"d = {value}").take_all() == [{"d": value}]
        assert frame.filter(f"d >= {value} AND d <= {value}").count() == 1


def test_iceberg_partitions_and_changed_columns(local: millpond.Session, tmp_path: Path) -> None:
    from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, TruncateTransform
    from pyiceberg.types import LongType

    catalog = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/warehouse")
    catalog.create_namespace("n")
    first = pa.table(
        {
            "k": pa.array([1, 2, 3, None], pa.int32()),
            "s": ["aaaa", "aabb", "bbbb", None],
            "t": pa.array([NOON, NOON, NOON + datetime.timedelta(days=1), None], pa.timestamp("us")),
            "f": pa.array([1.0, math.nan, -0.0, None], pa.float64()),
        }
    )
    for name, source, transform in (
        ("none", "", None),
        ("by_k", "k", IdentityTransform()),
        ("by_bucket", "k", BucketTransform(4)),
        ("by_s", "s", TruncateTransform(2)),
        ("by_day", "t", DayTransform()),
    ):
        table = catalog.create_table(f"n.{name}", first.schema)
        if transform is not None:
            with table.update_spec() as spec:
                spec.add_field(source, transform, "p")
        table.append(first)
        with table.update_schema() as update:
            update.update_column("k", LongType())
        with table.update_schema() as update:
            update.rename_column("k", "key")
            update.rename_column("s", "k")
            update.add_column("new", LongType())
        second = pa.table(
            {
                "key": pa.array([2**40], pa.int64()),
                "k": ["cc"],
                "t": pa.array([NOON + datetime.timedelta(days=9)], pa.timestamp("us")),
                "f": [7.5],
                "new": pa.array([1], pa.int64()),
            }
        )
        table.append(second)
        table.delete("key = 3")
        frame = local.read_iceberg(table)
        rows_of = table.scan().to_arrow()
        conditions = [
            "key = 1",
            "key = 3",
            "key >= 1099511627776",
            "key IS NULL",
            "k = 'aabb'",
            "k > 'b'",
            "k IS NULL",
            "new IS NULL",
            "new = 1",
            f"t < TIMESTAMP '{NOON}'",
            f"t = TIMESTAMP '{NOON}'",
            "t IS NULL",
            "f < 2",
            "f = 0",
            "f = 7.5",
        ]
        with duckdb.connect() as plain:
            plain.register("rows_of", rows_of)
            for condition in conditions:
                query = f"SELECT key, k, t, f, new FROM {{}} WHERE {condition} ORDER BY ALL"
                want = plain.sql(query.format("rows_of")).fetchall()
                found = local.sql(query.format("f"), f=frame).to_arrow().to_pylist()
                assert repr([tuple(row.values()) for row in found]) == repr(want), (name, condition)
        assert number_of_files(frame.filter("key >= 1099511627776").explain()) == 1
        assert number_of_files(frame.filter("new = 1").explain()) >= 1
