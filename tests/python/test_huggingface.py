"""`hf://`, on a server of our own that the hub's own client reads the same from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import open_session
from hub_server import TOKEN, Hub, hub_server
from huggingface_hub import HfFileSystem, get_hf_file_metadata
from millpond.huggingface_path import hub_path
from millpond.object_store import ObjectStores

NAMES = ["a b", "50%", "%41", "ü€😀", "it's", "[x]", "a+b&c", "x?y#z"]


def parquet(numbers: list[int]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"x": numbers}), target, compression="none")
    return target.getvalue()


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with hub_server() as hub:
        files = {
            f"data/k={k}/{i}.parquet": parquet(list(range(400 * i, 400 * i + 400))) for k in "ab" for i in range(3)
        }
        files |= {"README.md": b"# Sample\n", "small/one.csv": b"i\n1\n", ".gitattributes": b""}
        files |= {f"names/{name}/{name}.csv": f"i\n{number}\n".encode() for number, name in enumerate(NAMES)}
        hub.commit("owner/sample", {"small/one.csv": b"i\n0\n"}, revision="v1.0")
        hub.commit("owner/sample", files)
        hub.commit("owner/sample", {"default/0.parquet": parquet([7])}, revision="refs/convert/parquet")
        hub.commit("owner/model", {"weights.csv": b"w\n3\n"}, kind="models")
        hub.commit("owner/space", {"app.csv": b"a\n4\n"}, kind="spaces")
        hub.commit("owner/closed", {"a.csv": b"i\n5\n", "large.parquet": parquet(list(range(1000)))})
        hub.private.add("owner/closed")
        hub.renamed["owner/former"] = "owner/sample"
        yield hub


@pytest.fixture(autouse=True)
def without_keys(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HF_TOKEN_PATH", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)


def judge(hub: Hub, **arguments: Any) -> HfFileSystem:
    return HfFileSystem(endpoint=hub.endpoint, skip_instance_cache=True, **{"token": False, **arguments})


def test_the_hubs_own_client_sees_the_same(hub: Hub) -> None:
    stores, theirs = ObjectStores(), judge(hub)
    for root in (
        "datasets/owner/sample",
        "datasets/owner/sample@v1.0",
        "datasets/owner/sample@refs%2Fconvert%2Fparquet",
    ):
        ours = stores.list_all(f"hf://{root}")
        found = theirs.find(root, detail=True)
        assert {path.removeprefix("hf://"): size for path, size, *_ in ours} == {
            name: entry["size"] for name, entry in found.items()
        }
        for path, size, _, _, tag in ours:
            entry = found[path.removeprefix("hf://")]
            assert tag == (entry["lfs"]["sha256"] if entry["lfs"] else entry["blob_id"])
            told = get_hf_file_metadata(theirs.url(path.removeprefix("hf://")), token=False)
            file = stores.open(path)
            assert (file.size(), file.tag()) == (told.size, told.etag) == (size, tag)
            content = theirs.cat_file(path.removeprefix("hf://"))
            assert file.read_at(size + 10, 0) == content
            assert file.read_at(5, 2) == content[2:7]
            assert stores.get(path) == (content, tag)
            assert stores.stat(path) == (path, size, 0, False, tag)
    for folder in ("", "/data", "/names", "/data/k=a"):
        path = f"datasets/owner/sample{folder}"
        ours = [(one[0].removeprefix("hf://"), one[3]) for one in stores.list(f"hf://{path}")]
        assert ours == sorted((one["name"], one["type"] == "directory") for one in theirs.ls(path))
        assert stores.stat(f"hf://{path}")[3]


@pytest.mark.parametrize("runner", ["threads", "processes"])
def test_patterns_folders_and_kinds(hub: Hub, tmp_path: Path, runner: str) -> None:
    with open_session(tmp_path, runner=runner) as session:
        frame = session.read_parquet("hf://datasets/owner/sample/data")
        assert frame.filter("k = 'b'").map_batches(lambda batch: batch).count() == 1200
        pattern = "datasets/owner/sample/data/*/[12].parquet"
        some = session.read_parquet(f"hf://{pattern}", filename=True)
        names = some.partial_sql("SELECT DISTINCT filename FROM {0}").take_all()
        assert sorted(row["filename"] for row in names) == [f"hf://{one}" for one in sorted(judge(hub).glob(pattern))]
        query = "SELECT sum(x)::BIGINT AS s FROM 'hf://datasets/owner/sample/**/*.parquet'"
        assert session.sql(query).take_all() == [{"s": 2 * sum(range(1200))}]
        for path, row in {
            "datasets/owner/sample@v1.0/small/one.csv": {"i": 0},
            "datasets/owner/former/small/one.csv": {"i": 1},
            "owner/model/weights.csv": {"w": 3},
            "models/owner/model/*.csv": {"w": 3},
            "spaces/owner/space/app.csv": {"a": 4},
        }.items():
            assert session.read_csv(f"hf://{path}").take_all() == [row], path
        for revision in ("refs/convert/parquet", "refs%2Fconvert%2Fparquet", "~parquet"):
            path = f"hf://datasets/owner/sample@{revision}/default/*.parquet"
            assert session.read_parquet(path).take_all() == [{"x": 7}]
        assert session.read_text("hf://datasets/owner/sample/*.md").count() == 1


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(tmp_path: Path, name: str) -> None:
    with open_session(tmp_path) as session:
        path = f"hf://datasets/owner/sample/names/{name}/{name}.csv"
        assert session.read_csv(path, hive_partitioning=False).take_all() == [{"i": NAMES.index(name)}]


def test_tokens(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "hf://datasets/owner/closed/large.parquet"

    def count(**arguments: Any) -> int:
        with open_session(tmp_path, **arguments) as session:
            return session.read_parquet(path).count()

    hub.keys.clear()
    with pytest.raises(millpond.PermissionDeniedError, match=r"(?s)owner/closed.*hf_token"):
        count()
    assert hub.keys == {None}
    with pytest.raises(millpond.PermissionDeniedError) as caught:
        count(storage_options={"hf_token": TOKEN + "x"})
    assert TOKEN not in str(caught.value)
    hub.keys_elsewhere.clear()
    assert count(storage_options={"hf_token": TOKEN}, runner="processes") == 1000
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert count() == 1000
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert count() == 1000
    # What lies elsewhere is reached by a signature, and the token stays here.
    assert hub.keys_elsewhere == {None}
    assert judge(hub, token=TOKEN).cat_file("datasets/owner/closed/a.csv") == b"i\n5\n"


def test_a_branch_that_moves(hub: Hub, tmp_path: Path) -> None:
    first, second = parquet(list(range(500))), parquet(list(range(1, 501)))
    assert len(first) == len(second)
    hub.commit("owner/moving", {"a.parquet": first})
    path = "hf://datasets/owner/moving/a.parquet"
    file = ObjectStores().open(path)
    with open_session(tmp_path) as session:
        frame = session.read_parquet(path)
        commit = hub.commit("owner/moving", {"a.parquet": second})
        # What is open is the file of its commit; what was planned over the branch is told that it moved.
        assert file.read_at(len(first), 0) == first
        with pytest.raises(millpond.DataCorruptError, match="moving"):
            frame.partial_sql("SELECT min(x) AS m FROM {0}").take_all()
        pinned = session.read_parquet(f"hf://datasets/owner/moving@{commit}/a.parquet")
        hub.commit("owner/moving", {})
        assert pinned.partial_sql("SELECT min(x) AS m FROM {0}").take_all() == [{"m": 1}]


@pytest.mark.parametrize(
    ("path", "error", "told"),
    [
        ("hf://datasets/owner/sample/nothing/*.csv", millpond.NotFoundError, "nothing"),
        ("hf://datasets/owner/sample/nothing.csv", millpond.NotFoundError, "nothing.csv"),
        ("hf://datasets/owner/sample@never/small/one.csv", millpond.NotFoundError, "sample@never"),
        ("hf://datasets/owner/none/a.csv", millpond.PermissionDeniedError, "missing repositories"),
        ("hf://datasets/owner", millpond.InvalidArgumentError, "owner/name/path"),
        ("hf://datasets/owner/sample@/a.csv", millpond.InvalidArgumentError, "owner/name@revision/path"),
        ("hf://buckets/owner/b/a.csv", millpond.UnsupportedError, "bucket"),
    ],
)
def test_what_is_not_there(tmp_path: Path, path: str, error: type[millpond.MillpondError], told: str) -> None:
    with open_session(tmp_path) as session, pytest.raises(error, match=told):
        session.read_csv(path)


def test_it_is_only_read(tmp_path: Path) -> None:
    with open_session(tmp_path) as session, pytest.raises(millpond.UnsupportedError, match="only read"):
        session.from_items([1]).write_csv("hf://datasets/owner/sample/out")
    with pytest.raises(millpond.InvalidArgumentError, match="hf_endpoint"):
        ObjectStores({"hf_endpoint": "host"}).stat("hf://datasets/owner/sample")


def test_addresses() -> None:
    at = hub_path("hf://datasets/o/n@refs/pr/12/a/b.csv")
    assert (at.revision, at.path, at.root) == ("refs/pr/12", "a/b.csv", "hf://datasets/o/n@refs/pr/12")
    at = hub_path("hf://datasets/o/n@feature%2Fx")
    assert (at.revision, at.path, at.root) == ("feature/x", "", "hf://datasets/o/n@feature%2Fx")
    at = hub_path("hf://o/n/a@b/c")
    assert (at.kind, at.repository, at.revision, at.path) == ("models", "o/n", "main", "a@b/c")
