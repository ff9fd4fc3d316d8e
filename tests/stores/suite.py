"""One suite over stores: the same statements on a local disk, moto, versitygw, HDFS by its own protocol
and by HTTP, Azurite and fake-gcs-server.

python -m pytest tests/stores/suite.py; MILLPOND_TEST_KEYS=2500 for fewer keys than 10,000,
MILLPOND_TEST_LARGE=5400000000 for an object of so many bytes instead of 64 MB; MILLPOND_TEST_MINIO=1 for MinIO, too,
which takes seven minutes to install. A store whose server can't be installed here is skipped, by name.
"""

from __future__ import annotations

import gzip
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from millpond import google_store, text_reading
from millpond.object_store import ObjectStores
from millpond.text_reading import pieces_of

sys.path.insert(0, str(Path(__file__).parent))

from places import open_session, started
from servers import LARGE_ON_DISK, ROOT, Store

STORES = ["local", "moto", "versitygw", "hdfs", "webhdfs", "swebhdfs", "azurite", "gcs"]
# Once a release.
STORES += ["minio"] if os.environ.get("MILLPOND_TEST_MINIO") else []
# What they tell of times goes beyond seconds.
_PARTS_OF_A_SECOND = ("hdfs", "webhdfs", "swebhdfs", "gcs")
_WITH_BUCKETS = ("moto", "versitygw", "minio", "azurite", "gcs")
NAMES = ["plain", "a b", "50%", "%41", "ü€😀", "p=1", "it's", "[x]", "a+b&c"]
PAGES = {
    "moto": ("stores-s3.md", "s3://bucket"),
    "versitygw": ("stores-s3.md", "s3://bucket"),
    "minio": ("stores-s3.md", "s3://bucket"),
    "gcs": ("stores-gcs.md", "gs://bucket"),
    "azurite": ("stores-azure.md", "az://container"),
    "hdfs": ("stores-hdfs.md", "hdfs://host:8020/data"),
    "webhdfs": ("stores-webhdfs.md", "webhdfs://host:9870/data"),
}
LARGE = int(os.environ.get("MILLPOND_TEST_LARGE", str(64 << 20)))
KEYS = int(os.environ.get("MILLPOND_TEST_KEYS", "10000"))


@pytest.fixture(scope="session", params=STORES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield from started(request.param, tmp_path_factory)


@pytest.fixture
def session(place: Store, tmp_path: Path) -> Iterator[millpond.Session]:
    with open_session(tmp_path, place) as session:
        yield session


def numbers(session: millpond.Session, count: int = 1000, partitions: int = 4) -> millpond.DataFrame:
    rows = session.sql(f"SELECT range AS x, range % 3 AS k, range::DOUBLE / 7 AS y FROM range({count})")
    return rows.repartition(partitions, by_rows=True)


def nothing_is_left(place: Store, name: str) -> None:
    assert [key for key in place.names() if f".{name}.millpond-" in key] == []
    assert [key for key in place.uploads() if name in key] == []


@pytest.mark.parametrize("file_format", ["parquet", "csv", "json"])
def test_what_is_written_is_read(place: Store, session: millpond.Session, file_format: str) -> None:
    path = f"{place.root}/formats/{file_format}"
    getattr(numbers(session), f"write_{file_format}")(path)
    # A listing right after the write shows all of it.
    back = getattr(session, f"read_{file_format}")(path)
    assert (
        sorted(tuple(row.values()) for row in back.take_all())
        == duckdb.sql("SELECT range, range % 3, range::DOUBLE / 7 FROM range(1000)").fetchall()
    )
    nothing_is_left(place, file_format)


def test_workers_reach_the_store(place: Store, tmp_path: Path) -> None:
    with open_session(tmp_path, place, runner="processes") as session:
        path = f"{place.root}/workers"
        numbers(session).map_batches(lambda batch: batch).write_parquet(path)
        frame = session.read_parquet(path).map_batches(lambda batch: batch)
        assert sorted(row["x"] for row in frame.take_all()) == list(range(1000))
    nothing_is_left(place, "workers")


@pytest.mark.timeout(3600)
def test_a_large_object(place: Store, session: millpond.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent in parts, put in place in parts where that is a copy, and read in pieces."""
    if place.name == "gcs" and LARGE_ON_DISK:
        # With each chunk its server hashes all that it has so far.
        monkeypatch.setattr(google_store, "_CHUNK_BYTES", 256 << 20)
    path = f"{place.root}/large.parquet"
    rows = f"SELECT hash(range) AS h FROM range({LARGE // 8})"
    begin = time.monotonic()
    # Row groups of 64 MB: moto reads all of an object for each piece of it, and pieces are never more than a row group.
    groups = {"row_group_size": 8 << 20} if place.name == "moto" and LARGE_ON_DISK else {}
    session.sql(rows).write_parquet(path, single_file=True, compression="uncompressed", **groups)
    written = time.monotonic()
    summary = "SELECT count(*) AS n, bit_xor(h) AS x, min(h) AS low, max(h) AS high FROM {0}"
    found = session.read_parquet(path).partial_sql(summary).take_all()
    read = time.monotonic()
    size = Path(path).stat().st_size if place.is_local else ObjectStores(place.options).stat(path)[1]
    print(f"{place.name}: {size} bytes written in {written - begin:.0f} s, read in {read - written:.0f} s")
    assert size >= LARGE
    assert [tuple(row.values()) for row in found] == duckdb.sql(summary.format(f"({rows})")).fetchall()
    if place.is_local:
        Path(path).unlink()
    else:
        ObjectStores(place.options).remove([path])


@pytest.mark.timeout(1800)  # Each file of HDFS takes its time to be made.
def test_a_pattern_over_many_keys(place: Store, session: millpond.Session) -> None:
    count = KEYS
    names = [f"many/{i % 100:02}/{i:05}.csv" for i in range(count)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: place.put(name, f"i\n{int(name[-9:-4])}\n".encode()), names))
    wanted = sorted(int(name[-9:-4]) for name in names if name[8:].endswith("77.csv") and "/77/" in name)
    found = session.read_csv(f"{place.root}/many/*/*77.csv").take_all()
    assert sorted(row["i"] for row in found) == wanted
    assert len(wanted) == count // 100
    assert session.read_csv(f"{place.root}/many/4[0-1]/000??.csv").count() == 2


def test_folders_by_key(place: Store, session: millpond.Session) -> None:
    path = f"{place.root}/keys"
    numbers(session).write_parquet(path, partition_by="k")
    frame = session.read_parquet(path)
    assert {f"k={k}" for k in range(3)} == {name.split("/")[1] for name in place.names("keys/k")}
    assert frame.filter("k = 1").count() == 333
    rows = session.sql("SELECT k, count(*) AS n FROM f GROUP BY k ORDER BY k", f=frame).take_all()
    assert [row["n"] for row in rows] == [334, 333, 333]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(place: Store, session: millpond.Session, name: str) -> None:
    place.put(f"names/{name}/{name}.csv", f"i\n{NAMES.index(name)}\n".encode())
    back = session.read_csv(f"{place.root}/names/{name}/{name}.csv", hive_partitioning=False)
    assert back.take_all() == [{"i": NAMES.index(name)}]
    written = f"{place.root}/written/{name}"
    back.write_csv(written)
    assert session.read_csv(written, hive_partitioning=False).take_all() == [{"i": NAMES.index(name)}]


def test_objects_without_bytes(place: Store, session: millpond.Session) -> None:
    place.put("empty/a.csv", b"")
    place.put("empty/b.csv", b"i\n1\n")
    assert session.read_csv(f"{place.root}/empty", schema={"i": "BIGINT"}).count() == 1
    place.put("empty/x.parquet", b"")
    with pytest.raises(millpond.MillpondError, match=r"empty/x\.parquet"):
        session.read_parquet(f"{place.root}/empty/x.parquet")


def test_lines_of_text(place: Store, session: millpond.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into pieces for several tasks; an object that was replaced since is an error."""
    text = "".join(f"line {number} é\n" for number in range(5000))
    place.put("text/a/x.txt", text.encode())
    place.put("text/a/y.log.gz", gzip.compress(text.encode()))
    if not place.is_local:  # A write's own objects are called so.
        place.put("text/a/.hidden.txt", b"hidden\n")
    place.put("text/a/z.bin", b"\xff")
    place.put("text/b/x.txt", b"b\n")
    monkeypatch.setattr(text_reading, "pieces_of", lambda files: pieces_of(files, 20_000))
    frame = session.read_text(f"{place.root}/text/a", filename=True)
    assert frame.num_partitions == -(-len(text.encode()) // 20_000) + 1
    rows = frame.take_all()
    assert [row["value"] for row in rows] == text.splitlines() * 2
    assert {row["filename"] for row in rows} == {f"{place.root}/text/a/{name}" for name in ("x.txt", "y.log.gz")}
    for pattern, count in (("text/*/x.txt", 5001), ("text/**/*.txt", 5001), ("text/[b]/?.txt", 1), ("text/b/x.txt", 1)):
        assert session.read_text(f"{place.root}/{pattern}").count() == count, pattern
    assert session.read_text(f"{place.root}/text", recursive=True).count() == 10_001
    with pytest.raises(millpond.NotFoundError, match="text/none"):
        session.read_text(f"{place.root}/text/none")
    for number in (1, 3, 5):
        place.put("text/twin.txt", f"{number}\n".encode())
        frame = session.read_text(f"{place.root}/text/twin.txt")
        place.put("text/twin.txt", f"{number + 1}\n".encode())
        with pytest.raises(millpond.DataCorruptError, match="changed since"):
            frame.take_all()
        assert session.read_text(f"{place.root}/text/twin.txt").take_all() == [{"value": f"{number + 1}"}]


def put_twins(place: Store, name: str, number: int) -> bytes:
    """A file that differs from those of other numbers in nothing that a listing shows but time and tag."""
    content = f"i\n{number:04}\n".encode() * 1000
    place.put(name, content)
    return content


@pytest.mark.parametrize("read", ["read_csv", "read_parquet"])
def test_an_object_that_is_replaced_within_the_second(place: Store, session: millpond.Session, read: str) -> None:
    """By one of the same size: the same query gives what is there now, and what was planned over the old one fails."""
    times: list[int] = []
    before: millpond.DataFrame | None = None
    tells_seconds = place.name in ("moto", "versitygw", "azurite")
    for number in range(10, 60):
        target = BytesIO()
        pq.write_table(pa.table({"i": [number]}), target, compression="none")
        content = target.getvalue() if read == "read_parquet" else f"i\n{number}\n".encode()
        place.put(f"twins/x.{read}", content)
        frame = getattr(session, read)(f"{place.root}/twins/x.{read}")
        assert frame.partial_sql("SELECT sum(i)::BIGINT AS i FROM {0}").take_all() == [{"i": number}]
        if before is not None:
            with pytest.raises(millpond.DataCorruptError, match="an input file was written again|has changed since"):
                before.partial_sql(f"SELECT max(i) AS i, {number} AS n FROM {{0}}").take_all()
        before = frame
        times.append(ObjectStores(place.options).stat(f"{place.root}/twins/x.{read}")[2] if not place.is_local else 0)
        if number >= 16 and (not tells_seconds or len(set(times)) < len(times)):
            return
    pytest.fail("none was replaced within a second of the one before")


@pytest.mark.parametrize("place", [name for name in STORES if name != "local"], indirect=True)
def test_an_object_that_comes_within_the_second_that_another_was_replaced(
    place: Store, session: millpond.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An overwrite has not removed the one that it replaced; another of its name and size comes, and counts."""
    path = f"{place.root}/again"
    known: list[Any] = []
    copy = ObjectStores.copy

    def put(number: int) -> None:
        place.put("again/x.csv", f"item\n{number}\n".encode())
        known.append(ObjectStores(place.options).stat(f"{path}/x.csv")[:3])

    def just_before(self: ObjectStores, *arguments: Any) -> None:
        put(1)
        copy(self, *arguments)

    def just_after(*_: object) -> None:
        put(2)
        raise millpond.UnavailableError("the replaced file is not removed")

    for number in range(10, 50):
        with monkeypatch.context() as patched:
            patched.setattr(ObjectStores, "copy", just_before)
            patched.setattr(ObjectStores, "remove", just_after)
            session.from_items([number]).write_csv(path, mode="overwrite")
        assert sorted(row["item"] for row in session.read_csv(path).take_all()) == [2, number]
        if known[-1] == known[-2] or (number == 15 and place.name in _PARTS_OF_A_SECOND):
            return
    pytest.fail(f"none came within a second of the one before: {known}")


@pytest.mark.parametrize("place", [name for name in STORES if name != "local"], indirect=True)
def test_an_object_that_is_replaced_while_it_is_read(place: Store) -> None:
    for number in range(5):
        content = put_twins(place, "open.csv", 2 * number)
        file = ObjectStores(place.options).open(f"{place.root}/open.csv")
        assert bytes(file.read_at(100, 0)) == content[:100]
        put_twins(place, "open.csv", 2 * number + 1)
        if place.name == "hdfs":  # What is open there is the old file, as long as its blocks are.
            with suppress(millpond.UnavailableError):
                assert bytes(file.read_at(100, 5000)) == content[5000:5100]
            continue
        with pytest.raises(millpond.DataCorruptError, match=r"open\.csv.* has changed since it was listed"):
            file.read_at(100, 5000)


def test_modes(place: Store, session: millpond.Session) -> None:
    path = f"{place.root}/modes"
    session.from_items([1]).write_parquet(path)
    with pytest.raises(millpond.AlreadyExistsError, match="exists already"):
        session.from_items([2]).write_parquet(path)
    session.from_items([2]).write_parquet(path, mode="append")
    assert sorted(row["item"] for row in session.read_parquet(path).take_all()) == [1, 2]
    session.from_items([3]).write_parquet(path, mode="overwrite")
    assert session.read_parquet(path).take_all() == [{"item": 3}]
    assert len([name for name in place.names("modes/") if name.endswith(".parquet")]) == 1
    nothing_is_left(place, "modes")


def test_a_single_file(place: Store, session: millpond.Session) -> None:
    session.from_items([1]).write_csv(f"{place.root}/one.csv", single_file=True)
    session.from_items([2]).write_csv(f"{place.root}/one.csv", single_file=True, mode="overwrite")
    assert place.get("one.csv") == b"item\n2\n"
    if place.name != "local" and not place.name.endswith("hdfs"):  # There a note lies beside the file: whose it is.
        nothing_is_left(place, "one.csv")


def test_an_error_in_the_middle_and_the_rest_later(place: Store, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"

    def picky(batch: Any) -> Any:
        if 900 in batch.column("x").to_pylist() and not allowed.exists():
            raise ValueError("not yet")
        return batch

    def job() -> None:
        with open_session(tmp_path, place, job_id="resumed") as session:
            numbers(session).map_batches(picky).write_parquet(f"{place.root}/resumed", mode="overwrite")

    with pytest.raises(millpond.MillpondError, match="not yet"):
        job()
    assert place.names("resumed") == []
    allowed.touch()
    job()
    written = place.names("resumed/")
    job()
    assert place.names("resumed/") == written
    with open_session(tmp_path, place) as session:
        assert session.read_parquet(f"{place.root}/resumed").count() == 1000
    nothing_is_left(place, "resumed")


def test_two_writers(place: Store, tmp_path: Path) -> None:
    path = f"{place.root}/race"
    way = Store(place.name, place.root, place.options)  # A client can't be sent to a worker.
    with open_session(tmp_path / "a", place) as first:
        first.from_items([0]).write_parquet(path)

        def meanwhile(batch: Any) -> Any:
            with open_session(tmp_path / "b", way, threads=1) as second:
                second.from_items([2]).write_parquet(path, mode="overwrite")
            return batch

        with pytest.raises(millpond.ConflictError, match="race"):
            first.from_items([1]).map_batches(meanwhile, schema={"item": "BIGINT"}).write_parquet(
                path, mode="overwrite"
            )
        assert first.read_parquet(path).take_all() == [{"item": 2}]


def test_many_writers_at_once(place: Store, tmp_path: Path) -> None:
    path = f"{place.root}/crowd"

    def write(writer: int) -> bool:
        with open_session(tmp_path / str(writer), place, threads=1) as session:
            try:
                session.from_items([writer] * 3).write_parquet(path)
            except (millpond.AlreadyExistsError, millpond.ConflictError):
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(write, range(4)))
    assert won.count(True) == 1, won
    with open_session(tmp_path, place) as session:
        assert [row["item"] for row in session.read_parquet(path).take_all()] == [won.index(True)] * 3


def test_many_appends_at_once(place: Store, tmp_path: Path) -> None:
    def write(writer: int) -> None:
        with open_session(tmp_path / str(writer), place, threads=1) as session:
            session.from_items([writer]).write_parquet(f"{place.root}/log", mode="append")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    with open_session(tmp_path, place) as session:
        assert sorted(row["item"] for row in session.read_parquet(f"{place.root}/log").take_all()) == list(range(8))


@pytest.mark.parametrize("place", [name for name in STORES if name != "local"], indirect=True)
def test_a_small_object_changes_by_its_tag(place: Store) -> None:
    store = ObjectStores(place.options)
    path = f"{place.root}/.small.millpond-test.json"
    store.put_if(path, b"begin\n", "")
    with pytest.raises(millpond.ConflictError):
        store.put_if(path, b"another\n", "")

    def add(writer: int) -> None:
        for i in range(4):
            while True:
                content, tag = store.get(path)
                try:
                    store.put_if(path, content + f"{writer} {i}\n".encode(), tag)
                except millpond.ConflictError:
                    continue
                break

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    lines = store.get(path)[0].decode().splitlines()
    assert sorted(lines) == sorted(["begin", *(f"{writer} {i}" for writer in range(4) for i in range(4))])
    store.remove([path])
    with pytest.raises(millpond.NotFoundError):
        store.get(path)


def test_what_is_not_there(place: Store, session: millpond.Session) -> None:
    with pytest.raises(millpond.NotFoundError, match="nothing-here"):
        session.read_parquet(f"{place.root}/nothing-here/*.parquet")


@pytest.mark.parametrize("place", [name for name in STORES if name in _WITH_BUCKETS], indirect=True)
def test_a_bucket_that_is_missing(place: Store, session: millpond.Session) -> None:
    missing = place.root.replace("://data", "://no-such-bucket")
    with pytest.raises(millpond.NotFoundError, match="no-such-bucket"):
        session.read_parquet(f"{missing}/x.parquet")
    with pytest.raises(millpond.NotFoundError, match="no-such-bucket"):
        session.from_items([1]).write_parquet(f"{missing}/x")


@pytest.mark.parametrize("place", [name for name in STORES if name in PAGES], indirect=True)
def test_the_example_of_the_page(place: Store, session: millpond.Session) -> None:
    page, root = PAGES[place.name]
    text = (ROOT / "docs" / page).read_text()
    example = text.partition("```text\nimport millpond\n")[2].partition("```")[0]
    assert root in example
    shown: list[Any] = []
    # As it stands there, but for the place and the key.
    here = SimpleNamespace(init=lambda **_: session)
    exec(example.replace(root, place.root), {"millpond": here, "print": shown.append})
    assert shown == [3]
