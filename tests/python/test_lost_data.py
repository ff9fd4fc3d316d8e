"""Exchange data that is gone or damaged when a later run needs it is made again; nothing wrong is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest


def flip_a_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(bytes(data))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


def remove(file: Path) -> None:
    file.unlink()


def run(folder: Path, keep: bool) -> list[dict[str, int]]:
    from millpond import _core

    options = _core.SessionOptions()
    options.data_root = str(folder / "root")
    options.job_id = "lost"
    options.keep = keep
    session = _core.Session.open(options)
    try:
        rows = session.partial_sql("SELECT i AS a, i % 5 AS k FROM range(10000) r(i)", [], "here.py:1")
        by_key = _core.RepartitionOptions()
        by_key.hash_by = ["k"]
        by_rows = _core.RepartitionOptions()
        by_rows.by_rows = True
        dealt = rows.repartition(3, by_rows, "here.py:2").repartition(4, by_key, "here.py:3")
        frame = dealt.partial_sql("SELECT k, sum(a)::BIGINT AS s FROM {0} GROUP BY k", [], "here.py:4")
        if keep:
            dealt.compute()
            return []
        import pyarrow as pa

        return pa.table(frame.to_arrow()).sort_by("k").to_pylist()
    finally:
        session.shutdown()


@pytest.mark.parametrize("damage", [flip_a_byte, cut, remove])
def test_lost_exchange_data_is_made_again(damage: Callable[[Path], None], tmp_path: Path) -> None:
    run(tmp_path, keep=True)
    files = sorted((tmp_path / "root" / "lost" / "exchange").rglob("*.exchange"))
    assert files
    for file in files:
        damage(file)
    assert run(tmp_path, keep=False) == [{"k": k, "s": sum(range(k, 10000, 5))} for k in range(5)]
    events = [json.loads(line) for line in (tmp_path / "root" / "lost" / "events.jsonl").read_text().splitlines()]
    assert any(event["event"] == "task_finished" and event["status"] == "ok" for event in events)
