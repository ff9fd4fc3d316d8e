"""Runs on the head of a cluster whose nodes share nothing: a job that goes on after a node with its data is gone.

    python tests/cluster/lose_a_host.py FOLDER

Prints "dealt" when every node has exchange data that a later task needs, and waits for a line: then a node is gone.
"""

from __future__ import annotations

import sys
import time

import millpond


def main(folder: str) -> None:
    with millpond.init(ray_address="auto", data_root=f"{folder}/data", progress=False) as session:
        rows = session.partial_sql("SELECT i AS a, i % 97 AS k FROM range(300000) r(i)")
        dealt = rows.repartition(12, by_rows=True).repartition(9, hash_by="k").compute()
        print("dealt", flush=True)
        sys.stdin.readline()
        begin = time.monotonic()
        found = dealt.partial_sql("SELECT k, sum(a)::BIGINT AS s, count(*) AS n FROM {0} GROUP BY k").take_all()
        expected = [{"k": k, "s": sum(range(k, 300000, 97)), "n": len(range(k, 300000, 97))} for k in range(97)]
        assert sorted(found, key=lambda row: row["k"]) == expected
        print(f"right {time.monotonic() - begin:.1f} s after a node was gone", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
