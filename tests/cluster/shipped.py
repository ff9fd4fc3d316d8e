"""Runs on the head of a cluster whose nodes share nothing: a module and a data file that only this host has go along.

    python tests/cluster/shipped.py FOLDER HOST=ADDRESS …

Each Ray node has a resource of its host's name.
"""

from __future__ import annotations

import sys
from pathlib import Path

import millpond

_MODULE = """
import socket

def work(row):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect(("10.77.0.254", 9))
        here = one.getsockname()[0]
    return {"a": row["a"] * int(open("factor.txt").read()), "wanted": row["host"], "found": here}
"""


def shipped(row: dict[str, object]) -> dict[str, object]:
    """Works on a row with what was shipped, and tells where."""
    from shipped_module import work

    return dict(work(row))


def main(folder: str, hosts: dict[str, str]) -> None:
    code = Path("/tmp/code")
    code.mkdir()
    (code / "shipped_module.py").write_text(_MODULE)
    (code / "factor.txt").write_text("7\n")
    environment = {"working_dir": str(code)}
    with millpond.init(
        ray_address="auto", data_root=f"{folder}/data", progress=False, runtime_env=environment
    ) as session:
        for host, address in hosts.items():
            rows = session.from_items([{"a": i, "host": address} for i in range(6)]).repartition(3, by_rows=True)
            schema = {"a": "BIGINT", "wanted": "VARCHAR", "found": "VARCHAR"}
            found = rows.map(shipped, schema=schema, resources={host: 1}).take_all()
            expected = [{"a": 7 * i, "wanted": address, "found": address} for i in range(6)]
            assert sorted(found, key=lambda row: row["a"]) == expected, found
            print(f"shipped to {host}: right", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], dict(text.split("=") for text in sys.argv[2:]))
