"""Web archives: read as warcio wrote them, and never in part."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pytest
from conftest import partition_sizes
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

BODY = b"<html>\r\n\r\nWARC/1.0\r\n\xff\x00"


def archive(number: int, *, packed: bool = False) -> bytes:
    """Four records: of the file, a request, a response, and its text."""
    made = io.BytesIO()
    writer = WARCWriter(made, gzip=packed)
    writer.write_record(writer.create_warcinfo_record("a.warc", {"software": "test"}))
    asked = StatusAndHeaders("GET / HTTP/1.1", [("Host", "e.org")], is_http_request=True)
    answered = StatusAndHeaders(
        "404 Not Found",
        [("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", "a"), ("Set-Cookie", "b: c")],
        "HTTP/1.1",
    )
    uri = f"https://e.org/{number}?é"
    dated = {"WARC-Date": "2024-01-02T03:04:05.123456789Z"}
    writer.write_record(writer.create_warc_record(uri, "request", payload=io.BytesIO(b""), http_headers=asked))
    writer.write_record(
        writer.create_warc_record(
            uri, "response", payload=io.BytesIO(BODY), http_headers=answered, warc_headers_dict=dated
        )
    )
    writer.write_record(
        writer.create_warc_record(uri, "conversion", payload=io.BytesIO("é".encode()), warc_content_type="text/plain")
    )
    return made.getvalue()


def frames_of_zstd(content: bytes) -> bytes:
    half = len(content) // 2
    return b"".join(pa.compress(part, "zstd", asbytes=True) for part in (content[:half], content[half:]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.warc").write_bytes(archive(1))
    (tmp_path / "b.warc.gz").write_bytes(archive(2, packed=True))
    (tmp_path / "in" / "c.warc.zst").write_bytes(frames_of_zstd(archive(3)))
    (tmp_path / "in" / "notes.txt").write_text("no archive")
    return tmp_path


def test_records_of_all_files(session: millpond.Session, folder: Path) -> None:
    frame = session.read_warc(folder, recursive=True)
    assert partition_sizes(frame) == [1, 1, 1]
    found: list[dict[str, Any]] = sorted(frame.take_all(), key=lambda row: row["target_uri"])
    assert [row["target_uri"] for row in found] == [f"https://e.org/{number}?é" for number in (1, 2, 3)]
    for row in found:
        assert row["content"] == BODY
        assert (row["record_type"], row["http_status"]) == ("response", 404)
        assert row["http_headers"][1:] == [
            {"name": "Set-Cookie", "value": "a"},
            {"name": "Set-Cookie", "value": "b: c"},
        ]
        assert {"name": "WARC-Type", "value": "response"} in row["headers"]
        assert row["date"].isoformat().startswith("2024-01-02T03:04:05.123456")
        assert row["content_type"].startswith("application/http")
    assert {Path(row["filename"]).name for row in found} == {"a.warc", "b.warc.gz", "c.warc.zst"}


def test_types_of_records(local: millpond.Session, folder: Path) -> None:
    every = local.read_warc(folder / "*.warc*", record_types=())
    query = "SELECT record_type, count(*) AS n FROM every GROUP BY ALL ORDER BY ALL"
    assert local.sql(query, every=every).take_all() == [
        {"record_type": kind, "n": 2} for kind in ("conversion", "request", "response", "warcinfo")
    ]
    text = local.read_warc(folder / "a.warc", record_types=["conversion", "request"])
    assert [(row["http_status"], row["content"]) for row in text.take_all()] == [(None, b""), (None, "é".encode())]
    looked_at = local.read_warc(folder / "a.warc", content=False).take_all()
    assert [(row["http_status"], row["content"]) for row in looked_at] == [(404, None)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_cut_off_is_an_error(tmp_path: Path, packed: bool) -> None:
    from millpond.warc_reading import RECORD_TYPES, RecordReader

    whole = archive(1, packed=packed)
    path = tmp_path / ("a.warc.gz" if packed else "a.warc")

    def count() -> int:
        status = path.stat()
        files = pa.table({"filename": [str(path)], "size": [status.st_size], "mtime_ns": [status.st_mtime_ns]})
        return sum(table.num_rows for table in RecordReader(RECORD_TYPES, with_content=True)([files]))

    allowed = 0
    for size in range(1, len(whole)):
        path.write_bytes(whole[:size])
        try:
            found = count()
        except millpond.DataCorruptError:
            continue
        # What is there is whole: only a cut between two records can't be told from a file that was never longer.
        content = gzip.decompress(whole[:size]) if packed else whole[:size]
        assert content.count(b"WARC-Record-ID") == found
        allowed += 1
    assert allowed <= (4 if packed else 12)
    path.write_bytes(whole)
    assert count() == 4


def test_damaged_and_changed_files(local: millpond.Session, folder: Path) -> None:
    (folder / "bad.warc").write_bytes(b"this is no archive\r\n" * 9)
    with pytest.raises(millpond.DataCorruptError, match="bad.warc"):
        local.read_warc(folder / "bad.warc").count()
    frame = local.read_warc(folder / "a.warc")
    (folder / "a.warc").write_bytes(archive(1) + archive(4))
    with pytest.raises(millpond.DataCorruptError, match="changed"):
        frame.count()


def test_what_is_not_there(local: millpond.Session, folder: Path) -> None:
    with pytest.raises(millpond.NotFoundError, match="no file"):
        local.read_warc(folder / "nothing.warc")
    with pytest.raises(millpond.InvalidArgumentError, match="respons"):
        local.read_warc(folder, record_types="respons")
    with pytest.raises(millpond.UnsupportedError, match="s3://"):
        local.read_warc("s3://bucket/a.warc")
