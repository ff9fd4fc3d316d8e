"""Reading and writing files."""

from __future__ import annotations

import gzip
from pathlib import Path

import millpond
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def df(session: millpond.Session, ten_rows: Path) -> millpond.DataFrame:
    return session.read_parquet(ten_rows)


def files(folder: Path, suffix: str = ".parquet") -> list[Path]:
    return sorted(path for path in folder.rglob(f"*{suffix}") if not path.name.startswith("."))


def test_parquet_round_trip(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    out = tmp_path / "some" / "folder.parquet"
    df.repartition(3, by_rows=True).write_parquet(out, compression="zstd")
    assert out.is_dir()
    assert session.read_parquet(out).to_arrow()["a"].to_pylist() == list(range(10))


def test_modes(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    out = tmp_path / "out"
    df.write_parquet(out)
    df.write_parquet(out)  # This very job wrote it.
    with pytest.raises(FileExistsError, match="mode"):
        df.filter("a < 5").write_parquet(out)
    df.filter("a < 5").write_parquet(out, mode="overwrite")
    assert session.read_parquet(out).count() == 5
    df.filter("a >= 5").write_parquet(out, mode="append")
    assert session.read_parquet(out).count() == 10
    with pytest.raises(ValueError, match="replace"):
        df.write_parquet(out, mode="replace")


def test_an_overwrite_comes_through_again_after_an_append(session: millpond.Session, tmp_path: Path) -> None:
    """The second overwrite is word for word the first: it must not count as done."""
    frame = session.from_items([1, 2])
    counts = []
    for mode in ("overwrite", "append", "overwrite", "overwrite", "append", "append", "overwrite"):
        frame.write_parquet(tmp_path / "out", mode=mode)
        counts.append(session.read_parquet(tmp_path / "out").count())
    assert counts == [2, 4, 2, 2, 4, 6, 2]


def test_one_file(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    df.write_parquet(tmp_path / "one.parquet", single_file=True)
    assert pq.read_table(tmp_path / "one.parquet")["a"].to_pylist() == list(range(10))


def test_partition_by(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    df.with_columns(k="a % 2", odd="'x/y=' || (a % 2)").write_parquet(tmp_path / "p", partition_by=["k", "odd"])
    assert {path.parent.parent.name for path in files(tmp_path / "p")} == {"k=0", "k=1"}
    back = session.read_parquet(tmp_path / "p")
    assert back.filter("k = 1").count() == 5
    assert back.filter("odd = 'x/y=0'").count() == 5


def test_sort_by_and_max_rows(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    df.write_parquet(tmp_path / "s", sort_by="a DESC", max_rows_per_file=4)
    tables = [pq.read_table(path)["a"].to_pylist() for path in files(tmp_path / "s")]
    assert all(part == sorted(part, reverse=True) for part in tables)
    assert sum(map(len, tables)) == 10


def test_no_rows(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    df.filter("a < 0").write_parquet(tmp_path / "none")
    back = session.read_parquet(tmp_path / "none")
    assert (back.count(), back.columns) == (0, ["a", "b"])


def test_csv_and_json(session: millpond.Session, df: millpond.DataFrame, tmp_path: Path) -> None:
    df.write_csv(tmp_path / "csv", delim="|")
    assert session.read_csv(tmp_path / "csv", delim="|").to_arrow()["b"].to_pylist() == [f"s{i}" for i in range(10)]
    df.write_json(tmp_path / "json")
    assert session.read_json(tmp_path / "json").count() == 10
    df.write_csv(tmp_path / "z.csv.gz", single_file=True, compression="gzip", header=False)
    assert gzip.decompress((tmp_path / "z.csv.gz").read_bytes()).startswith(b"0,s0\n")


def test_csv_options(local: millpond.Session, tmp_path: Path) -> None:
    (tmp_path / "tabs.tsv").write_text("1\tNA\n2\tx\n")
    rows = local.read_csv(tmp_path / "tabs.tsv", schema={"a": int, "b": str}, delim=r"\t", nullstr="NA").take_all()
    assert rows == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    (tmp_path / "sniff.csv").write_text("a;b\n1;2\n")
    assert local.read_csv(tmp_path / "sniff.csv", delim=None).columns == ["a", "b"]
    (tmp_path / "texts.csv").write_text("x,y\nz,w\n")
    assert local.read_csv(tmp_path / "texts.csv", schema={"p": str, "q": str}).count() == 2


def test_json_with_a_schema(local: millpond.Session, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"a": 1, "s": {"x": [1, 2]}}\n')
    df = local.read_json(tmp_path / "r.json", schema={"a": "BIGINT", "s": "STRUCT(x BIGINT[])"})
    assert df.take_all() == [{"a": 1, "s": {"x": [1, 2]}}]


def test_what_is_read(local: millpond.Session, tmp_path: Path) -> None:
    for name in ("a-1", "a-2", "b[1]", "deep/c"):
        path = tmp_path / "in" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"n": [name], "m": [1]}), path)
    folder = tmp_path / "in"

    def names(*paths: object, **options: object) -> list[str]:
        return sorted(local.read_parquet(list(paths), **options).to_arrow()["n"].to_pylist())  # type: ignore[arg-type]

    assert names(folder / "a-*.parquet") == ["a-1", "a-2"]
    assert names(folder / "a-[2-9].parquet", folder / "a-1.parquet") == ["a-1", "a-2"]
    assert names(folder / "b[1].parquet") == ["b[1]"]
    assert names(folder) == ["a-1", "a-2", "b[1]"]
    assert names(folder, recursive=True) == ["a-1", "a-2", "b[1]", "deep/c"]
    assert names(folder / "**" / "*.parquet") == ["a-1", "a-2", "b[1]", "deep/c"]
    assert local.read_parquet(folder, columns=["m"]).columns == ["m"]
    found = local.read_parquet(folder / "a-1.parquet", filename=True, file_row_number=True).take_all()
    assert found == [{"n": "a-1", "m": 1, "filename": str(folder / "a-1.parquet"), "file_row_number": 0}]
    assert local.read_parquet(folder / "z*", allow_empty=True, schema={"n": str}).count() == 0


ODD_NAMES = ["plain", "sp ace", "per%20cent", "quote'\"", "brace{0}", "emoji🦆", "semi;colon", "#hash", "new\nline"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_are_only_names(local: millpond.Session, tmp_path: Path, name: str) -> None:
    df = local.from_items([{name: 1, "v": "x"}])
    df.write_parquet(tmp_path / name)
    back = local.read_parquet(tmp_path / name)
    assert back.take_all() == [{name: 1, "v": "x"}]
    assert back.select(name).partial_sort(name).rename({name: "w"}).take_all() == [{"w": 1}]
    df.write_parquet(tmp_path / "key" / name, partition_by=[name])
    assert local.read_parquet(tmp_path / "key" / name).take_all() == [{"v": "x", name: 1}]
    by_value = local.from_items([{"k": name, "v": 1}, {"k": None, "v": 2}])
    by_value.write_parquet(tmp_path / "by" / name, partition_by="k")
    back = local.read_parquet(tmp_path / "by" / name)
    assert sorted(map(str, back.to_arrow()["k"].to_pylist())) == sorted([name, "None"])


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_folder_columns_of_text_formats(local: millpond.Session, tmp_path: Path, file_format: str) -> None:
    df = local.from_items([{"odd key": "x/y", "v": 1}, {"odd key": "z", "v": 2}])
    getattr(df, f"write_{file_format}")(tmp_path / "out", partition_by="odd key")
    back = getattr(local, f"read_{file_format}")(tmp_path / "out")
    assert sorted(back.to_arrow()["odd key"].to_pylist()) == ["x/y", "z"]
