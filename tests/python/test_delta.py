"""Delta tables: read as deltalake and DuckDB read them, written so that both read them."""

from __future__ import annotations

import datetime
import json
import struct
import time
import warnings
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pytest
from conftest import open_session
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from duckdb_1_5 import rows as other_duckdb
from millpond.cli import main

TYPED = (
    "SELECT range AS i, range % 3 AS p, 'x' || range AS s, DATE '2020-01-01' + range::INT AS d, "
    "TIMESTAMP '2020-01-01 00:00:00.123456' AS t, range / 2 AS h, [range] AS l, {'a': range} AS st, "
    "(range / 4)::DECIMAL(9, 2) AS c, range > 3 AS b FROM range(10)"
)


def found(frame: Any) -> list[str]:
    """The rows, in an order of their own."""
    rows = frame.take_all() if isinstance(frame, millpond.DataFrame) else pa.table(frame).to_pylist()
    return sorted(repr({key: row[key] for key in sorted(row)}) for row in rows)


def check(session: millpond.Session, path: Path, **which: Any) -> None:
    """millpond's rows are deltalake's, whole and spread."""
    table = DeltaTable(path, **which)
    frame = session.read_delta(path, **which)
    assert frame.columns is not None
    want = found(table.to_pyarrow_table())
    assert found(frame) == want
    for partitions in (1, 3, 16):
        assert found(session.sql("SELECT * FROM f", f=frame, distribute="always", partitions=partitions)) == want


def test_partitions_types_and_evolution(session: millpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "a=b" / "t"  # A folder above the table that looks like one of its own.
    for where in (path, tmp_path / "t"):
        first = pa.table({"p": ["a b", "x/y", "50%", None, "01"], "a": pa.array(range(5), pa.int32())})
        second = pa.table({"z": [{"u": 1}, {"u": None}], "a": pa.array([7, 8], pa.int32()), "p": ["1", "ü'"]})
        write_deltalake(where, first, partition_by=["p"])
        write_deltalake(where, second, mode="append", schema_mode="merge")
        check(session, where)
        check(session, where, version=0)
        third = pa.table({"a": pa.array([9], pa.int32()), "p": ["n"], "z": [{"u": 1, "v": 2}]})
        write_deltalake(where, third, mode="append", schema_mode="merge")
        check(session, where)


def test_types_of_partitions_and_an_unpartitioned_table(local: millpond.Session, tmp_path: Path) -> None:
    rows = pa.table({"d": [datetime.date(2020, 1, 1), None], "n": [1, 2], "b": [True, False], "v": [1.5, None]})
    write_deltalake(tmp_path / "t", rows, partition_by=["d", "b", "n"])
    check(local, tmp_path / "t")
    write_deltalake(tmp_path / "u", pa.table({"v": [1], "w": [{"x": [1, 2]}]}))
    write_deltalake(tmp_path / "u", pa.table({"w": [{"x": [3]}], "v": [2]}), mode="append")
    check(local, tmp_path / "u")
    assert local.read_delta(tmp_path / "u").filter("v = 2").take_all() == [{"v": 2, "w": {"x": [3]}}]


def test_a_version_by_time(local: millpond.Session, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", pa.table({"a": [1]}))
    time.sleep(0.05)
    between = datetime.datetime.now(datetime.UTC)
    time.sleep(0.05)
    write_deltalake(tmp_path / "t", pa.table({"a": [2]}), mode="overwrite")
    assert local.read_delta(tmp_path / "t", timestamp=between).take_all() == [{"a": 1}]
    assert local.read_delta(tmp_path / "t", timestamp=between.isoformat()).take_all() == [{"a": 1}]
    assert local.read_delta(tmp_path / "t").take_all() == [{"a": 2}]
    with pytest.raises(millpond.InvalidArgumentError, match="version 7"):
        local.read_delta(tmp_path / "t", version=7)
    with pytest.raises(millpond.NotFoundError, match="no Delta table"):
        local.read_delta(tmp_path / "nothing")


def log(path: Path, *actions: dict[str, Any]) -> None:
    """A table's first version, of these actions."""
    (path / "_delta_log").mkdir(parents=True)
    lines = "".join(json.dumps(action) + "\n" for action in actions)
    (path / "_delta_log" / f"{0:020}.json").write_text(lines)


def metadata(fields: list[dict[str, Any]], by: list[str], configuration: dict[str, str]) -> dict[str, Any]:
    schema = json.dumps({"type": "struct", "fields": fields})
    return {
        "metaData": {
            "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema,
            "partitionColumns": by,
            "configuration": configuration,
            "createdTime": 0,
        }
    }


def deletion_vector(*rows: int) -> dict[str, Any]:
    """Deleted rows as they stand in a log: a roaring bitmap of 64 bits with one array, in Z85."""
    array = struct.pack(f"<IIHHI{len(rows)}H", 12346, 1, 0, len(rows) - 1, 16, *rows)
    data = struct.pack("<IQI", 1681511377, 1, 0) + array
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    words = struct.unpack(f">{len(data) // 4}I", data)
    text = "".join(digits[word // 85**i % 85] for word in words for i in (4, 3, 2, 1, 0))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(data), "cardinality": len(rows)}


def field(name: str, kind: str, physical: str, number: int) -> dict[str, Any]:
    marks = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical}
    return {"name": name, "type": kind, "nullable": True, "metadata": marks}


def test_mapped_columns_and_deletion_vectors(session: millpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.mkdir()
    session.sql("SELECT range AS c1, 'x' || range AS c0 FROM range(6)").write_parquet(
        path / "f.parquet", single_file=True
    )
    size = (path / "f.parquet").stat().st_size
    features = ["columnMapping", "deletionVectors"]
    add = {"path": "f.parquet", "size": size, "modificationTime": 0, "dataChange": True, "stats": '{"numRecords":6}'}
    log(
        path,
        {
            "protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": features,
                "writerFeatures": features,
            }
        },
        metadata(
            [field("c0", "long", "c1", 1), field("filename", "string", "c0", 2), field("p", "long", "c9", 3)],
            ["p"],
            {"delta.columnMapping.mode": "name", "delta.enableDeletionVectors": "true"},
        ),
        {
            "add": {
                **add,
                "partitionValues": {"c9": "5"},
                "deletionVector": deletion_vector(3, 4),
            }
        },
    )
    want = [{"c0": i, "filename": f"x{i}", "p": 5} for i in (0, 1, 2, 5)]
    frame = session.read_delta(path)
    assert sorted(frame.take_all(), key=lambda row: row["c0"]) == want
    assert frame.filter("p = 5 AND c0 > 2").take_all() == want[3:]
    spread = session.sql("SELECT c0, count(*) AS n FROM f GROUP BY c0", f=frame, distribute="always", partitions=3)
    assert sorted(row["c0"] for row in spread.take_all()) == [0, 1, 2, 5]


def test_a_feature_that_is_not_known_is_an_error(local: millpond.Session, tmp_path: Path) -> None:
    log(
        tmp_path / "t",
        {
            "protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": ["variantType"],
                "writerFeatures": ["variantType"],
            }
        },
        metadata([{"name": "a", "type": "long", "nullable": True, "metadata": {}}], [], {}),
    )
    with pytest.raises(millpond.MillpondError, match="variantType"):
        local.read_delta(tmp_path / "t")


def test_written_tables_are_read_by_others(session: millpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "t"
    frame = session.sql(TYPED).repartition(3, hash_by="i")
    frame.write_delta(path, partition_by=["p"])
    check(session, path)
    assert found(session.read_delta(path)) == found(frame)
    frame.write_delta(path, mode="append")
    check(session, path)
    frame.filter("p = 1").map("* REPLACE (-i AS i)").write_delta(path, mode="overwrite_partitions")
    check(session, path)
    query = f"SELECT count(*), sum(i) FROM delta_scan('{path}')"
    assert other_duckdb(query) == [[17, 54]]
    assert other_duckdb(
        f"SELECT i, s FROM delta_scan('{path}') WHERE d = DATE '2020-01-03' AND t < TIMESTAMP '2021-01-01'"
    ) == [
        [2, "x2"],
        [2, "x2"],
    ]
    frame.write_delta(path, mode="overwrite")
    check(session, path)
    assert found(session.read_delta(path)) == found(frame)
    session.sql("SELECT 1 AS i, NULL AS s").write_delta(path, mode="append")
    check(session, path)
    assert DeltaTable(path).version() == 4


def test_what_does_not_fit_is_an_error(local: millpond.Session, tmp_path: Path) -> None:
    frame = local.from_items([{"a": 1, "b": "x"}])
    frame.write_delta(tmp_path / "t")
    with pytest.raises(millpond.AlreadyExistsError, match="there is a Delta table"):
        frame.write_delta(tmp_path / "t")
    frame.write_delta(tmp_path / "t", mode="ignore")
    with pytest.raises(millpond.InvalidArgumentError, match='"a" is DOUBLE, and the table\'s is BIGINT'):
        local.from_items([{"a": 1.5}]).write_delta(tmp_path / "t", mode="append")
    with pytest.raises(millpond.InvalidArgumentError, match='no column "c"'):
        local.from_items([{"c": 1}]).write_delta(tmp_path / "t", mode="append")
    with pytest.raises(millpond.InvalidArgumentError, match="no partitions"):
        frame.write_delta(tmp_path / "t", mode="overwrite_partitions")
    with pytest.raises(millpond.InvalidArgumentError, match="NULL"):
        local.from_items([{"a": 1, "b": ""}]).write_delta(tmp_path / "p", partition_by="b")
    assert DeltaTable(tmp_path / "t").version() == 0
    frame.filter("false").write_delta(tmp_path / "t", mode="overwrite")
    assert local.read_delta(tmp_path / "t").take_all() == []
    assert local.read_delta(tmp_path / "t").schema == frame.schema


def write_twice(folder: Path, table: Path) -> None:
    with open_session(folder, job_id="twice") as session:
        frame = session.from_items([{"p": 1, "v": 1}, {"p": 2, "v": 2}])
        frame.write_delta(table, partition_by="p")
        frame.write_delta(table, mode="append")
        session.read_delta(table).map("p, v + 1 AS v").write_delta(table, mode="overwrite")


def test_the_same_job_again_writes_nothing_twice(tmp_path: Path) -> None:
    for _ in range(3):
        write_twice(tmp_path, tmp_path / "t")
        assert DeltaTable(tmp_path / "t").version() == 2
    with open_session(tmp_path) as session:
        assert session.read_delta(tmp_path / "t").map("count(*) AS n, sum(v) AS v").take_all() == [{"n": 4, "v": 10}]


def rewrite(folder: Path, table: Path, expression: str) -> None:
    with open_session(folder, job_id="rewrites") as session:
        session.read_delta(table).map(expression).write_delta(table, mode="overwrite")


def test_a_changed_program_under_the_same_job_is_warned(tmp_path: Path) -> None:
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"v": [1, 2]}))
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            rewrite(tmp_path, table, "v + 1 AS v")
    with pytest.warns(millpond.MillpondWarning, match="another job_id"):
        rewrite(tmp_path, table, "v * 10 AS v")
    assert DeltaTable(table).version() == 1
    assert sorted(DeltaTable(table).to_pyarrow_table()["v"].to_pylist()) == [2, 3]


def test_a_log_that_counts_rows_wrong_loses_none(session: millpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.mkdir()
    session.sql("SELECT range AS a FROM range(600)").write_parquet(path / "f.parquet", single_file=True)
    add = {"path": "f.parquet", "size": (path / "f.parquet").stat().st_size, "modificationTime": 0, "dataChange": True}
    log(
        path,
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        metadata([{"name": "a", "type": "long", "nullable": True, "metadata": {}}], [], {}),
        {"add": {**add, "partitionValues": {}, "stats": '{"numRecords":10}'}},
    )
    frame = session.read_delta(path)
    assert frame.count() == 600
    assert frame.repartition(3, by_rows=True).map("sum(a) AS a, count(*) AS n").to_arrow()["n"].to_pylist() == [200] * 3


def test_a_write_that_was_not_committed_goes_on_or_is_vacuumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from millpond.delta_writing import DeltaWrite

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    for number in range(2):
        table = tmp_path / f"t{number}"
        write_deltalake(table, pa.table({"a": [1]}))
        with monkeypatch.context() as patch, open_session(tmp_path, job_id=f"dies{number}") as session:
            patch.setattr(DeltaWrite, "_commit", dies)
            with pytest.raises(KeyboardInterrupt):
                session.from_items([{"a": 2}]).write_delta(table, mode="append")
        assert DeltaTable(table).to_pyarrow_table().num_rows == 1
        assert len(list(table.glob("millpond-*/*.parquet"))) == 1
    with open_session(tmp_path, job_id="dies0") as session:
        session.from_items([{"a": 2}]).write_delta(tmp_path / "t0", mode="append")
        assert sorted(row["a"] for row in session.read_delta(tmp_path / "t0").take_all()) == [1, 2]
    assert len(list((tmp_path / "t1").glob("millpond-*/.*"))) == 1  # It says who wrote the files.
    assert main(["clean", "--data-root", str(tmp_path / "data"), "dies1"]) == 0
    assert not list((tmp_path / "t1").glob("millpond-*/.*"))
    assert len(list((tmp_path / "t1").glob("millpond-*/*.parquet"))) == 1
    DeltaTable(tmp_path / "t1").vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    assert not list((tmp_path / "t1").glob("millpond-*/*.parquet"))


def test_other_writers_in_between(local: millpond.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from millpond.delta_writing import DeltaWrite

    path = tmp_path / "t"
    frame = local.from_items([{"p": 1, "v": 1}, {"p": 2, "v": 2}])
    frame.write_delta(path, partition_by="p")
    commit = DeltaWrite._commit

    def late(p: int) -> None:
        def other_first(*arguments: Any) -> None:
            write_deltalake(path, pa.table({"p": [p], "v": [100]}), mode="append", partition_by=["p"])
            commit(*arguments)

        monkeypatch.setattr(DeltaWrite, "_commit", other_first)

    late(1)
    frame.write_delta(path, mode="append")
    assert local.read_delta(path).count() == 5
    late(3)
    frame.filter("p = 1").write_delta(path, mode="overwrite_partitions")
    assert local.read_delta(path).map("sum(v) AS v").take_all() == [{"v": 1 + 2 + 2 + 100}]
    late(1)
    before = found(local.read_delta(path))
    with pytest.raises(millpond.ConflictError, match="another writer"):
        frame.filter("p = 1").write_delta(path, mode="overwrite_partitions")
    with pytest.raises(millpond.ConflictError, match="another writer"):
        frame.write_delta(path, mode="overwrite")
    assert len(found(local.read_delta(path))) == len(before) + 2


def test_files_with_deletion_vectors_are_not_replaced(local: millpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.mkdir()
    local.sql("SELECT range AS a FROM range(6)").write_parquet(path / "f.parquet", single_file=True)
    size = (path / "f.parquet").stat().st_size
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    add = {"path": "f.parquet", "size": size, "modificationTime": 0, "dataChange": True, "stats": '{"numRecords":6}'}
    log(
        path,
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}},
        metadata([{"name": "a", "type": "long", "nullable": True, "metadata": {}}], [], {}),
        {"add": {**add, "partitionValues": {}, "deletionVector": deletion_vector(1, 2)}},
    )
    with pytest.raises(millpond.UnsupportedError, match="deletion vectors"):
        local.from_items([{"a": 1}]).write_delta(path, mode="overwrite")
    assert sorted(row["a"] for row in local.read_delta(path).take_all()) == [0, 3, 4, 5]


def test_a_commit_of_the_same_write_by_another_driver_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from millpond.delta_writing import DeltaWrite

    write_deltalake(tmp_path / "t", pa.table({"a": [1]}))
    commit = DeltaWrite._commit

    def other_first(self: DeltaWrite, *arguments: Any) -> None:
        properties = CommitProperties(app_transactions=[Transaction(self._identity.id, self._identity.plan)])
        write_deltalake(tmp_path / "t", pa.table({"a": [2]}), mode="append", commit_properties=properties)
        commit(self, *arguments)

    monkeypatch.setattr(DeltaWrite, "_commit", other_first)
    with open_session(tmp_path) as session:
        session.from_items([{"a": 2}]).write_delta(tmp_path / "t", mode="append")
        assert session.read_delta(tmp_path / "t").count() == 2


@pytest.mark.parametrize("mode", ["overwrite", "overwrite_partitions"])
def test_files_whose_names_are_encoded_are_replaced(local: millpond.Session, tmp_path: Path, mode: str) -> None:
    rows = [{"p": name, "a": 1} for name in ("a b", "50%", "x/y", "ü'")]
    write_deltalake(tmp_path / "t", pa.Table.from_pylist(rows), partition_by=["p"])
    local.from_items([{**row, "a": 2} for row in rows]).write_delta(tmp_path / "t", mode=mode)
    assert DeltaTable(tmp_path / "t").to_pyarrow_table()["a"].to_pylist() == [2] * 4
    assert [row["a"] for row in local.read_delta(tmp_path / "t").take_all()] == [2] * 4
