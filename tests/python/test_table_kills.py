"""A job that writes a table twice is killed at random and run again: the table is old or new, and written once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import open_session
from deltalake import DeltaTable, write_deltalake

pytestmark = pytest.mark.long

PROGRAM = Path(__file__).resolve().parents[1] / "programs" / "table_writer.py"
#: More for a campaign by hand.
KILLS = int(os.environ.get("MILLPOND_KILLS", "5"))
#: (rows, sum of i) before, after the append, after the overwrite.
BEFORE = (1, -1)
APPENDED = (10001, -1 + sum(range(10000)))
REWRITTEN = (10001, APPENDED[1] + 10001)


def state(table: Path) -> tuple[int, int]:
    column = DeltaTable(table).to_pyarrow_table()["i"].to_pylist()
    return len(column), sum(column)


def test_kills_leave_the_old_table_or_the_new_one(tmp_path: Path) -> None:
    chance = random.Random(6)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MILLPOND_", "SP_"))}
    kills = 0
    number = 0
    while kills < KILLS:
        number += 1
        folder = tmp_path / str(number)
        table = folder / "table"
        write_deltalake(table, pa.table({"i": [-1], "p": [0]}))
        seen = [state(table)]
        for attempt in range(20):
            with subprocess.Popen([sys.executable, str(PROGRAM), str(folder)], env=environment) as program:
                # Later each time, so that the job gets through in the end.
                moment = time.monotonic() + 0.4 + chance.random() * 2 * (1 + attempt)
                while program.poll() is None and time.monotonic() < moment:
                    time.sleep(0.02)
                if program.poll() is None:
                    program.kill()
                    kills += 1
            seen.append(state(table))
            if program.returncode == 0:
                break
        assert program.returncode == 0
        assert seen[-1] == REWRITTEN
        assert set(seen) <= {BEFORE, APPENDED, REWRITTEN}
        assert seen == sorted(seen, key=[BEFORE, APPENDED, REWRITTEN].index)
        with open_session(folder, job_id="reader") as session:
            rows = session.read_delta(table).map("count(*) AS n, sum(i) AS i").take_all()
        assert rows == [{"n": REWRITTEN[0], "i": REWRITTEN[1]}]
        DeltaTable(table).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
        assert state(table) == REWRITTEN
