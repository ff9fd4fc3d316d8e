"""JSON lines of large files: each row once and in order, wherever the files are cut."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest
from conftest import RUNNERS, open_session, partition_sizes
from s3_server import s3_server

PIECE_BYTES = 1 << 20
NUM_ROWS = 20_000


def rows(count: int = NUM_ROWS) -> Iterator[dict[str, Any]]:
    for i in range(count):
        # Some lines are longer than what is looked at of a file at once.
        text = 'zwölf \U0001f600 \\n " ' * (8000 if i % 10_000 == 7 else i % 9)
        yield {"i": i, "text": text, "nested": {"list": [i, None], "k": i % 7}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`lines`, its rows with other ends of lines, and files that no task may read some lines of."""
    folder = tmp_path_factory.mktemp("lines")
    lines = [json.dumps(row, ensure_ascii=False) for row in rows()]
    for name, end, last in (("lines", "\n", "\n"), ("no_last_end", "\n", ""), ("windows", "\r\n", "\r\n")):
        (folder / f"{name}.jsonl").write_bytes((end.join(lines) + last).encode())
    (folder / "blank.jsonl").write_bytes("\n\n".join(lines).encode())
    (folder / "array.json").write_text(json.dumps(list(rows())))
    (folder / "pretty.json").write_text("\n".join(json.dumps(row, indent=1) for row in rows()))
    (folder / "packed.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (folder / "PACKED.JSONL.GZ").hardlink_to(folder / "packed.jsonl.gz")
    return folder


@pytest.fixture(scope="module", params=RUNNERS)
def cutting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[millpond.Session]:
    folder = tmp_path_factory.mktemp(request.param)
    with open_session(folder, runner=request.param, scan_task_bytes=PIECE_BYTES) as session:
        yield session


NAMES = ["lines.jsonl", "no_last_end.jsonl", "windows.jsonl", "blank.jsonl"]
WHOLE = ["array.json", "pretty.json", "packed.jsonl.gz"]


@pytest.mark.parametrize("name", NAMES + WHOLE)
def test_rows_of_a_cut_file(cutting: millpond.Session, folder: Path, name: str) -> None:
    path = str(folder / name)
    wanted = duckdb.sql(f"SELECT i, text, nested FROM read_json('{path}') ORDER BY i").fetchall()
    assert len(wanted) == NUM_ROWS
    frame = cutting.read_json(path)
    dealt = frame.repartition(3)
    assert [tuple(row.values()) for row in dealt.take_all()] == wanted
    assert partition_sizes(dealt) if name in WHOLE else min(partition_sizes(dealt)) > 1000
    grouped = cutting.sql(
        "SELECT nested.k AS k, count(*) AS n, sum(length(text)) AS s FROM f GROUP BY ALL ORDER BY k",
        f=frame,
        distribute="always",
    )
    expected = duckdb.sql(
        f"SELECT nested.k AS k, count(*), sum(length(text)) FROM read_json('{path}') GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row.values()) for row in grouped.take_all()] == expected.fetchall()


@pytest.mark.parametrize("name", ["lines.jsonl", "pretty.json"])
def test_explain_tells_the_pieces(cutting: millpond.Session, folder: Path, name: str) -> None:
    text = cutting.read_json(str(folder / name)).repartition(2, hash_by="i").explain()
    is_cut = name not in WHOLE
    assert ("pieces of files" in text) == is_cut
    assert "millpond-lines" not in text


def test_a_packed_file_is_not_cut(cutting: millpond.Session, folder: Path) -> None:
    """Whichever way its ending is written, and though it is told that it holds lines."""
    for name in ("packed.jsonl.gz", "PACKED.JSONL.GZ"):
        frame = cutting.read_json(str(folder / name), format="newline_delimited").repartition(3)
        assert frame.count() == NUM_ROWS


def test_folders_are_columns(cutting: millpond.Session, folder: Path, tmp_path: Path) -> None:
    for year in (2020, 2021):
        target = tmp_path / f"year={year}" / "a%20b=x y" / "it's [1]*.jsonl"
        target.parent.mkdir(parents=True)
        target.hardlink_to(folder / "lines.jsonl")
    frame = cutting.read_json(str(tmp_path), recursive=True)
    dealt = frame.repartition(8, hash_by="i")
    counted = cutting.sql("SELECT year, count(*) AS n FROM f GROUP BY ALL ORDER BY year", f=dealt)
    assert counted.take_all() == [{"year": 2020, "n": NUM_ROWS}, {"year": 2021, "n": NUM_ROWS}]


def test_the_files_name_is_the_files(cutting: millpond.Session, folder: Path) -> None:
    path = str(folder / "lines.jsonl")
    frame = cutting.read_json(path, filename=True).repartition(3)
    assert {row["filename"] for row in frame.select("filename").distinct().take_all()} == {path}


def test_a_line_that_is_not_json(cutting: millpond.Session, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    content = (folder / "lines.jsonl").read_bytes()
    path.write_bytes(content[:-1] + b'\n{"i": 1, "text": \n' + content)
    with pytest.raises(millpond.MillpondError) as raised:
        cutting.read_json(str(path)).repartition(4, hash_by="i").compute()
    message = str(raised.value)
    assert str(path) in message and "millpond-lines" not in message
    assert "Malformed JSON" in message


def test_a_file_that_was_replaced(cutting: millpond.Session, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes((folder / "lines.jsonl").read_bytes())
    frame = cutting.read_json(str(path)).repartition(4, hash_by="i")
    path.write_bytes((folder / "no_last_end.jsonl").read_bytes())
    with pytest.raises(millpond.DataCorruptError, match=r"a\.jsonl"):
        frame.compute()


@pytest.mark.parametrize("runner", RUNNERS)
def test_lines_on_a_store(folder: Path, tmp_path: Path, runner: str) -> None:
    with s3_server() as server:
        server.client.create_bucket(Bucket="data")
        for name in ("lines.jsonl", "windows.jsonl"):
            server.put("data", f"p=1/{name}", (folder / name).read_bytes())
        with open_session(
            tmp_path, runner=runner, scan_task_bytes=PIECE_BYTES, storage_options=server.options
        ) as session:
            frame = session.read_json("s3://data/p=1/*.jsonl").repartition(8, hash_by="i")
            counted = session.sql(
                "SELECT p, count(*) AS n, sum(i) AS s, sum(length(text)) AS t FROM f GROUP BY p", f=frame
            )
            expected = duckdb.sql(
                f"SELECT 1 AS p, 2 * count(*) AS n, 2 * sum(i) AS s, 2 * sum(length(text)) AS t "
                f"FROM read_json('{folder}/lines.jsonl')"
            ).fetchall()
            assert [tuple(row.values()) for row in counted.take_all()] == expected
