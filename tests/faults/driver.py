"""The program that the campaigns kill: reads, deals rows twice, works on them, writes. `python driver.py '{...}'`.

Prints "started" once the session is open and "done" at the end; an error goes to stderr with its code first.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import millpond


def slowly(seconds: float) -> Any:
    """A function over batches that takes its time, so that there is something to kill."""

    def work(batch: Any) -> Any:
        time.sleep(seconds)
        return batch

    return work


def build(session: millpond.Session, source: str, batch_seconds: float, shift: int) -> millpond.DataFrame:
    """Groups of groups; every row counts, so a row lost or doubled changes the result."""
    rows = session.read_parquet(source).repartition(16, hash_by="k")
    each = rows.map(f"k, v + {shift} AS v, v % 97 AS g")
    if batch_seconds:
        each = each.map_batches(slowly(batch_seconds), schema={"k": "BIGINT", "v": "BIGINT", "g": "BIGINT"})
    # Each k is in one partition, which millpond can't know behind a function.
    with warnings.catch_warnings(action="ignore", category=millpond.MillpondWarning):
        groups = each.partial_sql("SELECT k, g, count(*) AS c, sum(v)::BIGINT AS s FROM {0} GROUP BY k, g")
    return groups.repartition(24, hash_by="g").partial_sql("SELECT *, c * 2 AS d FROM {0}")


def main(settings: dict[str, Any]) -> int:
    """Runs the job. 0, or 1 with the error's code on stderr."""
    while settings.get("wait_for") and not Path(settings["wait_for"]).exists():
        time.sleep(0.0005)
    try:
        with millpond.init(
            data_root=settings["data_root"],
            job_id=settings.get("job_id"),
            runner=settings["runner"],
            threads=2,
            memory_limit="512MB",
            progress=False,
        ) as session:
            print("started", flush=True)
            frame = build(session, settings["source"], settings.get("batch_seconds", 0), settings.get("shift", 0))
            frame.write_parquet(settings["output"], mode=settings.get("mode", "error"))
    except millpond.MillpondError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1
    print("done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
