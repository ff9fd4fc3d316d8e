"""Programs that need more than they get: `python tests/cluster/trouble_job.py CASE DATA_ROOT`.

Prints "right" when the result is, else the error's code and text. Exit code 0 in both cases.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import millpond

_ROWS = 6_000_000


def shuffle(session: millpond.Session) -> None:
    """Deals 100 MB that hardly compress by a key, and adds them up."""
    rows = session.partial_sql(f"SELECT i, hash(i) AS h FROM range({_ROWS}) r(i)").repartition(6, by_rows=True)
    dealt = rows.repartition(6, hash_by="h")
    found = session.sql("SELECT sum(i)::BIGINT AS s, count(*) AS n FROM dealt", dealt=dealt, distribute="always")
    assert found.take_all() == [{"s": _ROWS * (_ROWS - 1) // 2, "n": _ROWS}]


def hungry(batch: Any) -> Any:
    """Takes 3 GB, every page of it."""
    taken = bytearray(os.urandom(1 << 20) * 3000)
    assert len(taken) > 0
    return batch


def memory(session: millpond.Session) -> None:
    """A function that needs more memory than its node has."""
    frame = session.from_items([{"a": 1}]).map_batches(hungry, schema={"a": "BIGINT"})
    assert frame.take_all() == [{"a": 1}]


def main(case: str, data_root: str) -> None:
    """Runs a case."""
    try:
        with millpond.init(ray_address="auto", data_root=data_root, job_id=case, progress=False) as session:
            {"disk": shuffle, "store": shuffle, "memory": memory}[case](session)
    except millpond.MillpondError as error:
        print(f"{error.code}: {error}")
    else:
        print("right")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
