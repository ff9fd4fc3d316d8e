"""Delta and Iceberg tables on stores: each version read by millpond, by the table's own package and by DuckDB 1.5.5.

python -m pytest tests/stores/tables.py; -k versitygw for one store. Delta on moto, versitygw and Azurite, Iceberg on
moto and versitygw. A store whose server can't be installed here is skipped, by name.
"""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from millpond.cli import main
from millpond.delta_reading import delta_address
from millpond.delta_writing import DeltaWrite
from millpond.iceberg_writing import IcebergWrite
from millpond.table_options import delta_options, iceberg_properties

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "python"))

from duckdb_1_5 import rows as duckdb_rows
from places import open_session, started
from proxy import Proxy, running
from servers import SECRET, Store, s3_options

S3 = ("moto", "versitygw")
DELTA = (*S3, "azurite")
Rows = list[tuple[Any, ...]]
TYPED = (
    "SELECT range AS i, (range % 3)::INTEGER AS p, 'x' || range AS s, DATE '2020-01-01' + range::INT AS d, "
    "range / 4 AS h FROM range({0}, {1})"
)


@pytest.fixture(scope="module", params=DELTA)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield from started(request.param, tmp_path_factory)


@pytest.fixture
def session(place: Store, tmp_path: Path) -> Iterator[millpond.Session]:
    with open_session(tmp_path, place) as session:
        yield session


def in_order(rows: Any) -> Rows:
    return sorted((tuple(row) for row in rows), key=repr)


def of_frame(frame: millpond.DataFrame) -> Rows:
    return in_order(row.values() for row in frame.take_all())


def of_duckdb(place: Store, scan: str, columns: str = "i, p, s, d::VARCHAR, h") -> Rows:
    """What DuckDB 1.5.5 reads from an S3 of ours."""
    address = place.options["aws_endpoint_url"].removeprefix("http://")
    key = (
        f"KEY_ID 'tester', SECRET '{SECRET}', ENDPOINT '{address}', URL_STYLE 'path', USE_SSL false, REGION 'us-east-1'"
    )
    return in_order(duckdb_rows(f"CREATE SECRET (TYPE s3, {key})", f"SELECT {columns} FROM {scan}"))


def as_text(rows: Rows) -> Rows:
    return in_order(tuple(str(v) if isinstance(v, datetime.date) else v for v in row) for row in rows)


def expected(first: int, end: int) -> Rows:
    day = datetime.date(2020, 1, 1)
    return [(i, i % 3, f"x{i}", day + datetime.timedelta(i), i / 4) for i in range(first, end)]


def check_delta(place: Store, session: millpond.Session, path: str, want: Rows, version: int | None = None) -> None:
    frame = session.read_delta(path, version=version)
    assert of_frame(frame.select("i, p, s, d, h")) == in_order(want)
    spread = session.sql("SELECT i, p, s, d, h FROM f", f=frame, distribute="always", partitions=3)
    assert of_frame(spread) == in_order(want)
    theirs = DeltaTable(path, version=version, storage_options=delta_options(path, place.options)).to_pyarrow_table()
    assert in_order(zip(*(theirs[name].to_pylist() for name in "ipsdh"), strict=True)) == in_order(want)
    if place.name in S3 and version is None:
        assert of_duckdb(place, f"delta_scan('{path}')") == as_text(want)


def test_delta(place: Store, session: millpond.Session) -> None:
    path = f"{place.root}/delta/sales"
    with pytest.raises(millpond.NotFoundError, match="delta/sales"):
        session.read_delta(path)
    session.sql(TYPED.format(0, 100)).repartition(3, hash_by="i").write_delta(path, partition_by="p")
    check_delta(place, session, path, expected(0, 100))
    with pytest.raises(millpond.AlreadyExistsError, match="delta/sales"):
        session.sql(TYPED.format(0, 1)).write_delta(path)
    session.sql(TYPED.format(100, 150)).write_delta(path, mode="append")
    check_delta(place, session, path, expected(0, 150))
    session.sql(TYPED.format(1000, 1010)).filter("p = 2").write_delta(path, mode="overwrite_partitions")
    replaced = [row for row in expected(0, 150) if row[1] != 2] + [row for row in expected(1000, 1010) if row[1] == 2]
    check_delta(place, session, path, replaced)
    session.read_delta(path).filter("i < 20").write_delta(path, mode="overwrite")
    check_delta(place, session, path, [row for row in replaced if row[0] < 20])
    for version, want in enumerate([expected(0, 100), expected(0, 150), replaced]):
        check_delta(place, session, path, want, version)
    left = [name for name in place.names("delta/sales/") if "/._" in name or "/." in name.replace("/_delta_log/.", "/")]
    assert left == []
    assert session.read_delta(path).filter("p = 1").count() == 7


def test_a_delta_table_of_deltalake_and_its_odd_names(place: Store, session: millpond.Session) -> None:
    path = f"{place.root}/delta/odd names, ü"
    address = delta_address(path)
    options = delta_options(path, place.options)
    names = ["a b", "x/y", "50%", None, "01", "ü'", "a=b"]
    write_deltalake(address, pa.table({"p": names, "a": range(7)}), partition_by=["p"], storage_options=options)
    time.sleep(1.1)  # A version's time is that of its object, in whole seconds.
    between = datetime.datetime.now()
    time.sleep(1.1)
    more = pa.table({"p": ["a b"], "a": [7], "z": [1.5]})
    write_deltalake(address, more, mode="append", schema_mode="merge", storage_options=options)
    session.from_items([{"p": "x/y", "a": 8, "z": None}]).write_delta(path, mode="append")
    theirs = DeltaTable(address, storage_options=options).to_pyarrow_table()
    want = in_order(zip(*(theirs[name].to_pylist() for name in "paz"), strict=True))
    assert of_frame(session.read_delta(path).select("p, a, z")) == want
    assert session.read_delta(path, timestamp=between).count() == 7
    session.from_items([{"p": "50%", "a": 9, "z": None}]).write_delta(path, mode="overwrite_partitions")
    assert session.read_delta(path).filter("p = '50%'").select("a").take_all() == [{"a": 9}]
    assert len(DeltaTable(address, storage_options=options).to_pyarrow_table()) == 9


# moto looks whether an object is there, and then puts it: two of its threads may both find none.
@pytest.mark.parametrize("place", ["versitygw", "azurite"], indirect=True)
def test_delta_writers_at_once(place: Store, tmp_path: Path) -> None:
    path = f"{place.root}/delta/crowd"

    def append(writer: int) -> None:
        with open_session(tmp_path / str(writer), place, threads=1) as session:
            for part in range(3):
                session.from_items([{"w": writer, "n": part}]).write_delta(path, mode="append")

    def create(writer: int) -> bool:
        with open_session(tmp_path / f"new-{writer}", place, threads=1) as session:
            try:
                session.from_items([{"w": writer}]).write_delta(f"{place.root}/delta/first")
            except (millpond.AlreadyExistsError, millpond.ConflictError):
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(4)))
        won = list(pool.map(create, range(4)))
    with open_session(tmp_path, place) as session:
        assert of_frame(session.read_delta(path)) == [(w, n) for w in range(4) for n in range(3)]
        assert won.count(True) == 1
        assert session.read_delta(f"{place.root}/delta/first").take_all() == [{"w": won.index(True)}]


@pytest.mark.parametrize("mode", ["error", "append", "overwrite"])
@pytest.mark.parametrize("place", S3, indirect=True)
def test_a_delta_table_that_another_makes_a_moment_before(place: Store, tmp_path: Path, mode: str) -> None:
    """When this writer has found none and sends its first version: an append comes after it, the others are refused."""
    path = f"{place.root}/delta/made-{mode}"
    made: list[str] = []

    def before(method: str, target: str) -> None:
        if method == "PUT" and target.endswith(f"/_delta_log/{0:020}.json") and not made:
            made.append(target)
            with open_session(tmp_path / "b", place, threads=1) as other:
                other.from_items([{"w": 2}]).write_delta(path)

    with (
        running(Proxy(place.options["aws_endpoint_url"], before=before)) as address,
        open_session(tmp_path / "a", Store(place.name, place.root, s3_options(address), place.client)) as session,
    ):
        frame = session.from_items([{"w": 1}])
        if mode == "append":
            frame.write_delta(path, mode=mode)
        else:
            with pytest.raises(millpond.ConflictError, match="made-"):
                frame.write_delta(path, mode=mode)
        assert of_frame(session.read_delta(path)) == ([(1,), (2,)] if mode == "append" else [(2,)])
    assert len(made) == 1


def test_a_delta_write_that_others_were_faster_than(place: Store, tmp_path: Path) -> None:
    path = f"{place.root}/delta/race"
    way = Store(place.name, place.root, place.options)  # A client can't be sent to a worker.
    with open_session(tmp_path / "a", place) as first:
        first.from_items([{"i": 0}]).write_delta(path)

        def meanwhile(batch: Any) -> Any:
            with open_session(tmp_path / "b", way, threads=1) as second:
                second.from_items([{"i": 2}]).write_delta(path, mode="overwrite")
            return batch

        late = first.from_items([{"i": 1}]).map_batches(meanwhile, schema={"i": "BIGINT"})
        with pytest.raises(millpond.ConflictError, match="delta/race"):
            late.write_delta(path, mode="overwrite")
        assert first.read_delta(path).take_all() == [{"i": 2}]


def test_a_job_that_is_run_again_writes_once(place: Store, tmp_path: Path) -> None:
    path = f"{place.root}/delta/again"
    for _ in range(2):
        with open_session(tmp_path, place, job_id="again") as session:
            session.sql(TYPED.format(0, 10)).write_delta(path, mode="append")
            assert session.read_delta(path).count() == 10


def dies(*_: object) -> None:
    """In place of a commit: the files are in their place, and the table names none of them."""
    raise KeyboardInterrupt


def clean(place: Store, folder: Path, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place.options.items():
        monkeypatch.setenv(name.upper(), value)
    assert main(["clean", "--data-root", str(folder / "data"), job_id]) == 0


def hidden(place: Store, prefix: str) -> list[str]:
    return [name for name in place.names(prefix) if "/." in name and "/_delta_log/." not in name]


def test_clean_leaves_nothing_hidden_of_a_delta_job(
    place: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{place.root}/delta/dead"
    with open_session(tmp_path, place, job_id="dead") as session:
        session.from_items([{"i": 1}]).write_delta(path)
        monkeypatch.setattr(DeltaWrite, "_commit", dies)
        with pytest.raises(KeyboardInterrupt):
            session.from_items([{"i": 2}]).write_delta(path, mode="append")
    assert len(hidden(place, "delta/dead/")) == 1
    clean(place, tmp_path, "dead", monkeypatch)
    assert hidden(place, "delta/dead/") == []
    table = DeltaTable(path, storage_options=delta_options(path, place.options))
    table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    with open_session(tmp_path, place) as session:
        assert session.read_delta(path).take_all() == [{"i": 1}]
    assert len([name for name in place.names("delta/dead/") if "/_delta_log/" not in name]) == 1


@pytest.mark.parametrize("place", ["versitygw"], indirect=True)
@pytest.mark.parametrize("changed", [{"aws_secret_access_key": "wrong-and-secret"}, {"aws_access_key_id": "nobody"}])
def test_keys_that_are_refused(place: Store, tmp_path: Path, changed: dict[str, str]) -> None:
    path = f"{place.root}/delta/guarded"
    options = {**place.options, **changed}
    with open_session(tmp_path, place, storage_options=options) as session:
        with pytest.raises(millpond.PermissionDeniedError, match="delta/guarded") as reading:
            session.read_delta(path)
        with pytest.raises(millpond.PermissionDeniedError, match="delta/guarded") as writing:
            session.from_items([1]).write_delta(path)
        with pytest.raises(millpond.PermissionDeniedError, match="warehouse") as iceberg:
            session.read_iceberg(f"{place.root}/warehouse/x.metadata.json")
    for caught in (reading, writing, iceberg):
        assert options["aws_secret_access_key"] not in str(caught.value)


def catalog_of(place: Store, folder: Path) -> Any:
    from pyiceberg.catalog.sql import SqlCatalog

    root = f"{place.root}/warehouse"
    told = {"uri": f"sqlite:///{folder}/catalog.db", "warehouse": root, **iceberg_properties(root, place.options)}
    catalog = SqlCatalog("test", **told)
    catalog.create_namespace_if_not_exists("n")
    return catalog


def check_iceberg(place: Store, session: millpond.Session, table: Any, want: Rows, snapshot: int | None = None) -> None:
    for source in (table, table.metadata_location):
        frame = session.read_iceberg(source, snapshot_id=snapshot)
        assert of_frame(frame.select("i, p, s, d, h")) == in_order(want)
    theirs = table.scan(snapshot_id=snapshot).to_arrow()
    assert in_order(zip(*(theirs[name].to_pylist() for name in "ipsdh"), strict=True)) == in_order(want)
    if snapshot is None:
        assert of_duckdb(place, f"iceberg_scan('{table.metadata_location}')") == as_text(want)


@pytest.mark.parametrize("place", S3, indirect=True)
def test_iceberg(place: Store, session: millpond.Session, tmp_path: Path) -> None:
    table = catalog_of(place, tmp_path).create_table("n.sales", session.sql(TYPED.format(0, 1)).schema.to_arrow())
    with table.update_spec() as update:
        update.add_identity("p")
    session.sql(TYPED.format(0, 100)).repartition(3, hash_by="i").write_iceberg(table)
    check_iceberg(place, session, table, expected(0, 100))
    first = table.current_snapshot().snapshot_id
    session.sql(TYPED.format(100, 150)).write_iceberg(table)
    check_iceberg(place, session, table, expected(0, 150))
    session.sql(TYPED.format(1000, 1010)).filter("p = 2").write_iceberg(table, mode="overwrite_partitions")
    replaced = [row for row in expected(0, 150) if row[1] != 2] + [row for row in expected(1000, 1010) if row[1] == 2]
    check_iceberg(place, session, table, replaced)
    session.read_iceberg(table).filter("i < 20").write_iceberg(table, mode="overwrite")
    check_iceberg(place, session, table, [row for row in replaced if row[0] < 20])
    check_iceberg(place, session, table, expected(0, 100), first)
    table.delete("i = 3")
    check_iceberg(place, session, table, [row for row in replaced if row[0] < 20 and row[0] != 3])


@pytest.mark.parametrize("place", S3, indirect=True)
def test_an_iceberg_table_brings_its_key(place: Store, tmp_path: Path) -> None:
    """A session that was told none reads and writes with what the catalog knows."""
    with open_session(tmp_path, place, storage_options={}) as session:
        rows = session.sql(TYPED.format(0, 10))
        table = catalog_of(place, tmp_path).create_table("n.own_key", rows.schema.to_arrow())
        rows.write_iceberg(table)
        assert of_frame(session.read_iceberg(table)) == in_order(expected(0, 10))


@pytest.mark.parametrize("place", S3, indirect=True)
def test_clean_leaves_nothing_hidden_of_an_iceberg_job(
    place: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = catalog_of(place, tmp_path).create_table("n.dead", pa.schema([("i", pa.int64())]))
    with open_session(tmp_path, place, job_id="dead") as session:
        monkeypatch.setattr(IcebergWrite, "_commit", dies)
        with pytest.raises(KeyboardInterrupt):
            session.from_items([{"i": 2}]).write_iceberg(table)
    assert len(hidden(place, "warehouse/n/dead/")) == 1
    clean(place, tmp_path, "dead", monkeypatch)
    assert hidden(place, "warehouse/n/dead/") == []


@pytest.mark.parametrize("place", S3, indirect=True)
def test_iceberg_appends_at_once(place: Store, tmp_path: Path) -> None:
    catalog_of(place, tmp_path).create_table("n.crowd", pa.schema([("w", pa.int64()), ("n", pa.int64())]))

    def append(writer: int) -> None:
        with open_session(tmp_path / str(writer), place, threads=1) as session:
            table = catalog_of(place, tmp_path).load_table("n.crowd")
            for part in range(3):
                session.from_items([{"w": writer, "n": part}]).write_iceberg(table)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(append, range(3)))
    with open_session(tmp_path, place) as session:
        table = catalog_of(place, tmp_path).load_table("n.crowd")
        assert of_frame(session.read_iceberg(table)) == [(w, n) for w in range(3) for n in range(3)]


def test_stores_without_tables(tmp_path: Path) -> None:
    with open_session(tmp_path, Store("none", "")) as session:
        with pytest.raises(millpond.UnsupportedError, match="hdfs://host/t"):
            session.read_delta("hdfs://host/t")
        with pytest.raises(millpond.UnsupportedError, match="s3://data/50%"):
            session.read_delta("s3://data/50%")
        with pytest.raises(millpond.UnsupportedError, match="https://host/t"):
            session.from_items([1]).write_delta("https://host/t")
