"""Lines of text files: each once, wherever a file is cut."""

from __future__ import annotations

import gzip
from pathlib import Path

import millpond
import pyarrow as pa
import pytest
from conftest import partition_sizes
from millpond import text_reading
from millpond.local_files import facts_of
from millpond.text_reading import LineReader, pieces_of

TEXTS = [
    "",
    "\n",
    "a",
    "a\n",
    "\n\na\n\n",
    "a\r\n\r\nb\r\n",
    "a\rb\r\r\nc\r",
    "\ufeffé\nzwölf \U0001f600\n\ttab, 'quote' \"x\" \\N #\x00\nNULL\n",
    "one long line " * 20 + "\nb\n" + "c" * 100,
]


def wanted(text: str) -> list[str]:
    lines = text.removeprefix("\ufeff").split("\n")
    ended, last = lines[:-1], lines[-1]
    return [line.removesuffix("\r") for line in ended] + ([last.removesuffix("\r")] if last else [])


def lines_of(path: Path, piece_bytes: int) -> list[str]:
    pieces = pieces_of([facts_of(str(path))], piece_bytes)
    read = LineReader(replaces_errors=False, with_filename=False)
    return [line for table in read([pa.Table.from_pylist(pieces)]) for line in table["value"].to_pylist()]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_wherever_a_file_is_cut(tmp_path: Path, text: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_reading, "_BLOCK_BYTES", block)
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    for piece_bytes in (1, 2, 3, 5, 11, 64, 1 << 20):
        assert lines_of(path, piece_bytes) == wanted(text), piece_bytes


def test_files_of_a_folder(session: millpond.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"line {number} é\n" for number in range(5000))
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(text[:100].encode()) + gzip.compress(text[100:].encode()))
    (tmp_path / "c.TXT.zst").write_bytes(pa.compress(text.encode(), "zstd", asbytes=True))
    (tmp_path / "d.bin").write_bytes(b"\xff")
    monkeypatch.setattr(text_reading, "pieces_of", lambda files: pieces_of(files, 30_000))
    frame = session.read_text(tmp_path, filename=True)
    sizes = partition_sizes(frame)
    assert len(sizes) == -(-len(text.encode()) // 30_000) + 2
    assert sizes[-2:] == [5000, 5000]
    rows = frame.take_all()
    assert [row["value"] for row in rows] == text.splitlines() * 3
    assert [Path(row["filename"]).name for row in rows[::5000]] == ["a.txt", "b.log.gz", "c.TXT.zst"]
    spread = session.sql("SELECT count(DISTINCT value) AS n FROM f", f=frame, distribute="always", partitions=3)
    assert spread.take_all() == [{"n": 5000}]


def test_bytes_that_are_no_text(local: millpond.Session, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"good\nb\xffd\n\xe2\x82\nend")
    with pytest.raises(millpond.InvalidArgumentError, match="a.txt"):
        local.read_text(tmp_path / "a.txt").take_all()
    found = local.read_text(tmp_path / "a.txt", encoding_errors="replace").take_all()
    assert [row["value"] for row in found] == ["good", "b\ufffdd", "\ufffd", "end"]
    with pytest.raises(millpond.InvalidArgumentError, match="ignore"):
        local.read_text(tmp_path / "a.txt", encoding_errors="ignore")


def test_damaged_changed_and_missing_files(local: millpond.Session, tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"text\n" * 1000)[:-9])
    with pytest.raises(millpond.DataCorruptError, match="a.txt.gz"):
        local.read_text(tmp_path / "a.txt.gz").take_all()
    (tmp_path / "b.txt").write_text("b\n")
    frame = local.read_text(tmp_path / "*.txt")
    (tmp_path / "b.txt").write_text("changed\n")
    with pytest.raises(millpond.DataCorruptError, match="changed"):
        frame.take_all()
    with pytest.raises(millpond.NotFoundError, match="no file"):
        local.read_text(tmp_path / "none")
