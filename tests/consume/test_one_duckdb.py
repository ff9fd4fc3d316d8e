"""millpond and `import duckdb` share one copy of DuckDB's library in a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
{imports}
with millpond.init(data_root=sys.argv[1], progress=False) as session:
    assert session.from_items([1, 2, 3]).count() == 3
assert duckdb.sql("SELECT 42").fetchall() == [(42,)]
with open("/proc/self/maps") as maps:
    mapped = {{line.split()[-1] for line in maps if "duckdb" in line.rsplit("/", 1)[-1]}}
print(len(mapped))
"""


def test_one_copy_whichever_is_imported_first(tmp_path: Path) -> None:
    for imports in ("import millpond, duckdb, pyarrow", "import pyarrow, duckdb, millpond"):
        command = [sys.executable, "-c", PROGRAM.format(imports=imports), tmp_path / "data"]
        done = subprocess.run(command, text=True, capture_output=True)
        assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
