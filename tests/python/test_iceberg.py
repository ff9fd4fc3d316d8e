"""Iceberg tables: read as pyiceberg reads them, written so that pyiceberg and DuckDB read them."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import open_session
from duckdb_1_5 import rows as other_duckdb
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import And, EqualTo, LessThan
from pyiceberg.table import Table
from pyiceberg.types import DoubleType, LongType
from test_delta import TYPED, found


@pytest.fixture
def catalog(tmp_path: Path) -> SqlCatalog:
    catalog = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/warehouse")
    catalog.create_namespace("n")
    return catalog


def check(session: millpond.Session, table: Table, **which: Any) -> None:
    """millpond's rows are pyiceberg's, whole and spread, by the table and by its metadata's path."""
    want = found(table.scan(**which).to_arrow())
    frame = session.read_iceberg(table, **which)
    assert frame.columns == [field.name for field in table.scan(**which).projection().fields]
    assert found(frame) == want
    assert found(session.read_iceberg(table.metadata_location, **which)) == want
    for partitions in (1, 3, 16):
        assert found(session.sql("SELECT * FROM f", f=frame, distribute="always", partitions=partitions)) == want


def test_evolution_by_field_id(session: millpond.Session, catalog: SqlCatalog) -> None:
    rows = pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", None], "c": pa.array([1.5, 2], pa.float32())})
    table = catalog.create_table("n.t", rows.schema)
    table.append(rows)
    with table.update_schema() as update:  # Names change places, types get wider, columns come and go.
        update.rename_column("a", "q")
        update.rename_column("b", "a")
    with table.update_schema() as update:
        update.rename_column("q", "b")
    with table.update_schema() as update:
        update.update_column("b", LongType())
        update.update_column("c", DoubleType())
        update.add_column("d", LongType())
        update.move_first("d")
    table.append(pa.table({"d": [9], "b": [3], "a": ["y"], "c": [0.1]}))
    check(session, table)
    with table.update_schema() as update:
        update.delete_column("c")
    with table.update_schema() as update:
        update.add_column("c", LongType())  # Another column than the one that was dropped.
    check(session, table)
    first = table.snapshots()[0].snapshot_id
    check(session, table, snapshot_id=first)
    assert session.read_iceberg(table, snapshot_id=first).columns == ["a", "b", "c"]


def test_nested_evolution(local: millpond.Session, catalog: SqlCatalog) -> None:
    rows = pa.table({"s": [{"x": 1, "l": [{"u": 1}]}], "k": [1]})
    table = catalog.create_table("n.t", rows.schema)
    table.append(rows)
    with table.update_schema() as update:
        update.rename_column("s.x", "y")
        update.rename_column("s.l.element.u", "v")
        update.add_column(("s", "z"), LongType())
    assert local.read_iceberg(table).take_all() == [{"s": {"y": 1, "l": [{"v": 1}], "z": None}, "k": 1}]


def test_deleted_rows_and_time_travel(session: millpond.Session, catalog: SqlCatalog) -> None:
    rows = pa.table({"p": [1, 1, 2, 2], "v": range(4)})
    table = catalog.create_table("n.t", rows.schema)
    with table.update_spec() as update:
        update.add_identity("p")
    table.append(rows)
    time.sleep(0.01)
    between = datetime.datetime.now()
    time.sleep(0.01)
    table.delete("v = 1")
    check(session, table)
    assert session.read_iceberg(table, timestamp=between).count() == 4
    assert session.read_iceberg(table, timestamp=between.isoformat()).count() == 4
    with pytest.raises(millpond.InvalidArgumentError, match="no snapshot 5"):
        session.read_iceberg(table, snapshot_id=5)


def add_position_deletes(table: Table, path: Path, rows: list[int], kind: str = "PARQUET") -> None:
    """Commits a file of deleted positions, as other engines write them."""
    from pyiceberg.manifest import (
        DataFile,
        DataFileContent,
        FileFormat,
        ManifestContent,
        ManifestEntry,
        ManifestEntryStatus,
        ManifestWriterV2,
    )
    from pyiceberg.table.update.snapshot import _FastAppendFiles
    from pyiceberg.typedef import Record

    (target,) = [task.file.file_path for task in table.scan().plan_files()]
    schema = pa.schema(
        [
            pa.field("file_path", pa.string(), False, {"PARQUET:field_id": "2147483546"}),
            pa.field("pos", pa.int64(), False, {"PARQUET:field_id": "2147483545"}),
        ]
    )
    pq.write_table(pa.table({"file_path": [target] * len(rows), "pos": rows}, schema=schema), path)
    deletes = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=f"file://{path}",
        file_format=FileFormat[kind],
        partition=Record(),
        record_count=len(rows),
        file_size_in_bytes=path.stat().st_size,
        spec_id=0,
    )

    class DeleteManifest(ManifestWriterV2):
        def content(self) -> ManifestContent:
            return ManifestContent.DELETES

        @property
        def _meta(self) -> dict[str, str]:
            return {**super()._meta, "content": "deletes"}

    class AppendDeletes(_FastAppendFiles):
        def _existing_manifests(self) -> Any:
            name = f"{table.location()}/metadata/{self.commit_uuid}-deletes.avro"
            output = table.io.new_output(name)
            with DeleteManifest(table.spec(), table.schema(), output, self._snapshot_id, "null") as writer:
                entry = ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED, snapshot_id=self._snapshot_id, data_file=deletes
                )
                writer.add(entry)
            return [*super()._existing_manifests(), writer.to_manifest_file()]

    with table.transaction() as transaction:
        update = transaction.update_snapshot()
        made = update.fast_append()
        made.__class__ = AppendDeletes
        made.commit()


def test_position_deletes(session: millpond.Session, catalog: SqlCatalog, tmp_path: Path) -> None:
    rows = pa.table({"a": range(10)})
    table = catalog.create_table("n.t", rows.schema)
    table.append(rows)
    add_position_deletes(table, tmp_path / "deletes.parquet", [0, 7])
    assert table.scan().to_arrow().num_rows == 8
    table.append(pa.table({"a": [100]}))
    check(session, table)


def test_deletes_in_another_format_are_an_error(local: millpond.Session, catalog: SqlCatalog, tmp_path: Path) -> None:
    rows = pa.table({"a": range(10)})
    table = catalog.create_table("n.t", rows.schema)
    table.append(rows)
    add_position_deletes(table, tmp_path / "deletes.puffin", [0, 7], "PUFFIN")
    with pytest.raises(millpond.UnsupportedError, match="rewrite the table"):
        local.read_iceberg(table)


def test_files_without_field_ids_are_an_error(local: millpond.Session, catalog: SqlCatalog, tmp_path: Path) -> None:
    rows = pa.table({"a": range(10)})
    table = catalog.create_table("n.t", rows.schema)
    pq.write_table(rows, tmp_path / "added.parquet")
    table.add_files([f"file://{tmp_path}/added.parquet"])
    with pytest.raises(millpond.UnsupportedError, match="no field ids"):
        local.read_iceberg(table)
    with pytest.raises(millpond.NotFoundError, match="no Iceberg table"):
        local.read_iceberg(tmp_path / "nothing.metadata.json")


def test_written_tables_are_read_by_others(session: millpond.Session, catalog: SqlCatalog) -> None:
    frame = session.sql(TYPED).repartition(3, hash_by="i")
    table = catalog.create_table("n.t", frame.schema.to_arrow())
    with table.update_spec() as update:
        update.add_identity("p")
        update.add_field("d", "month", "d_month")
        update.add_field("s", "truncate[1]", "s_first")
        update.add_field("t", "hour", "t_hour")
        update.add_field("i", "truncate[4]", "i_four")
    assert session.read_iceberg(table).take_all() == []
    frame.write_iceberg(table)
    check(session, table)
    assert found(session.read_iceberg(table)) == found(frame)
    # The partitions' values are right where pyiceberg finds rows by them.
    for condition in ("p = 1", "d < '2020-01-04'", "s = 'x3'", "t < '2020-01-01T00:30:00'", "i >= 4"):
        assert (
            table.scan(row_filter=condition).count()
            == session.read_iceberg(table).filter(condition.replace("T00:30", " 00:30")).count()
        )
    frame.write_iceberg(table, mode="append")
    frame.filter("p = 1").map("* REPLACE (-i AS i)").write_iceberg(table, mode="overwrite_partitions")
    check(session, table)
    scan = f"iceberg_scan('{table.metadata_location.removeprefix('file://')}')"
    assert other_duckdb(f"SELECT count(*), sum(i) FROM {scan}") == [
        [session.read_iceberg(table).count(), session.read_iceberg(table).to_arrow()["i"].to_pandas().sum()]
    ]
    frame.write_iceberg(table, mode="overwrite")
    check(session, table)
    assert found(session.read_iceberg(table)) == found(frame)


def test_moments_before_1970(local: millpond.Session, catalog: SqlCatalog) -> None:
    frame = local.sql(
        "SELECT unnest([TIMESTAMP '1969-12-31 23:30:00', TIMESTAMP '1960-02-29 00:00:00', NULL]) AS t, -5::BIGINT AS n"
    )
    for number, transform in enumerate(("year", "month", "day", "hour", "identity")):
        table = catalog.create_table(f"n.t{number}", frame.schema.to_arrow())
        with table.update_spec() as update:
            update.add_field("t", transform, "by_t")
            update.add_field("n", "truncate[4]", "by_n")
        frame.write_iceberg(table)
        check(local, table)
        assert table.scan(row_filter=And(LessThan("t", "1969-12-31T23:59:59"), EqualTo("n", -5))).count() == 2
        field = table.spec().fields[0]
        value = field.transform.transform(table.schema().find_type(field.source_id))
        want = {None if moment is None else value(micros(moment)) for moment in frame.to_arrow()["t"].to_pylist()}
        assert {task.file.partition[0] for task in table.scan().plan_files()} == want


def micros(moment: datetime.datetime) -> int:
    return (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)


def test_what_does_not_fit_is_an_error(local: millpond.Session, catalog: SqlCatalog) -> None:
    table = catalog.create_table("n.t", pa.schema([pa.field("a", pa.int64(), False), pa.field("b", pa.string())]))
    with pytest.raises(millpond.InvalidArgumentError, match='requires the column "a"'):
        local.from_items([{"b": "x"}]).write_iceberg(table)
    with pytest.raises(millpond.InvalidArgumentError, match='"a" is DOUBLE'):
        local.from_items([{"a": 1.5}]).write_iceberg(table)
    with pytest.raises(millpond.InvalidArgumentError, match='requires values of "a"'):
        local.sql("SELECT NULL::BIGINT AS a").write_iceberg(table)
    with pytest.raises(millpond.InvalidArgumentError, match="no partitions"):
        local.from_items([{"a": 1}]).write_iceberg(table, mode="overwrite_partitions")
    with table.update_spec() as update:
        update.add_field("a", "bucket[4]", "a_bucket")
    with pytest.raises(millpond.UnsupportedError, match="bucket"):
        local.from_items([{"a": 1}]).write_iceberg(table)
    assert table.scan().count() == 0


def test_the_same_job_again_writes_nothing_twice(tmp_path: Path, catalog: SqlCatalog) -> None:
    table = catalog.create_table("n.t", pa.schema([("v", pa.int64())]))
    for _ in range(3):
        with open_session(tmp_path, job_id="twice") as session:
            frame = session.from_items([{"v": 1}, {"v": 2}])
            frame.write_iceberg(table)
            frame.write_iceberg(table)
            session.read_iceberg(table).map("v + 1 AS v").write_iceberg(table, mode="overwrite")
        assert sorted(table.scan().to_arrow()["v"].to_pylist()) == [2, 2, 3, 3]
        assert not list(tmp_path.rglob("._millpond-*"))


def test_an_empty_table_that_is_read_and_written_again(tmp_path: Path, catalog: SqlCatalog) -> None:
    table = catalog.create_table("n.t", pa.schema([("v", pa.int64())]))

    def add(more: int) -> None:
        with open_session(tmp_path, job_id="adds") as session:
            frames = session.read_iceberg(table), session.from_items([{"v": more}])
            session.sql("SELECT * FROM a UNION ALL SELECT * FROM b", a=frames[0], b=frames[1]).write_iceberg(
                table, mode="overwrite"
            )
        assert table.scan().to_arrow()["v"].to_pylist() == [1]

    add(1)
    add(1)
    with pytest.warns(millpond.MillpondWarning, match="another job_id"):
        add(2)


def test_other_writers_in_between(
    local: millpond.Session, catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    from millpond.iceberg_writing import IcebergWrite

    table = catalog.create_table("n.t", pa.schema([("p", pa.int64()), ("v", pa.int64())]))
    with table.update_spec() as update:
        update.add_identity("p")
    frame = local.from_items([{"p": 1, "v": 1}, {"p": 2, "v": 2}])
    frame.write_iceberg(table)
    commit = IcebergWrite._commit

    def late(p: int) -> None:
        def other_first(*arguments: Any) -> None:
            catalog.load_table("n.t").append(pa.table({"p": [p], "v": [100]}))
            commit(*arguments)

        monkeypatch.setattr(IcebergWrite, "_commit", other_first)

    late(1)
    frame.write_iceberg(table)
    assert local.read_iceberg(table).count() == 5
    late(3)
    frame.filter("p = 1").write_iceberg(table, mode="overwrite_partitions")
    assert local.read_iceberg(table).map("sum(v) AS v").take_all() == [{"v": 1 + 2 + 2 + 100}]
    late(1)
    for mode in ("overwrite_partitions", "overwrite"):
        with pytest.raises(millpond.ConflictError, match="another writer"):
            frame.filter("p = 1").write_iceberg(table, mode=mode)
