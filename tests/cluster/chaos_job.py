"""The program that chaos kills: reads, deals rows by a key, works on them, joins them, deals the result, writes it.

    python tests/cluster/chaos_job.py '{"data_root": …, "job_id": …, "source": …, "output": …, "seconds": 0.2}'

`seconds` is what its functions take for a batch, so that there is something to kill. Each row of the output has a
number of its own, so that none is lost or doubled unseen.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import millpond


def main(settings: dict[str, Any]) -> int:
    """Runs the job. 0, or 1 with the error on stderr."""
    seconds = settings["seconds"]

    def slowly(batch: Any) -> Any:
        time.sleep(seconds)
        return batch

    try:
        with millpond.init(
            ray_address="auto", data_root=settings["data_root"], job_id=settings["job_id"], progress=False
        ) as session:
            read = session.read_parquet(f"{settings['source']}/rows/*.parquet").repartition(8, by_rows=True)
            rows = read.map_batches(slowly, schema={"i": "BIGINT", "k": "BIGINT"}).repartition(9, hash_by="k")
            names = session.read_parquet(f"{settings['source']}/names.parquet").repartition(9, hash_by="k")
            joined = session.partial_sql("SELECT i, k, name FROM {0} JOIN {1} USING (k)", rows, names)
            dealt = joined.repartition(8, hash_by="i")
            dealt.map_batches(slowly, schema={"i": "BIGINT", "k": "BIGINT", "name": "VARCHAR"}).write_parquet(
                settings["output"]
            )
    except millpond.MillpondError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
