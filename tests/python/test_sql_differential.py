"""Random global queries, spread over partitions, against plain DuckDB.

`MILLPOND_QUERIES` says how many (200 if not set), `MILLPOND_SEED` which: see test_differential.py. A difference that
is found is kept as a fixed test in test_sql.py.
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import hypothesis
import pyarrow as pa
import pytest
from hypothesis import strategies as st

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "differential"), str(HERE.parent / "spec")]
import millpond  # noqa: E402
from comparison import rows_of  # noqa: E402
from random_queries import queries  # noqa: E402
from random_tables import Table, tables  # noqa: E402
from shared_work import data_root  # noqa: E402

QUERIES = int(os.environ.get("MILLPOND_QUERIES", "200"))
SEED_TEXT = os.environ.get("MILLPOND_SEED", "20261121")
SEED = random.SystemRandom().randrange(2**32) if SEED_TEXT == "random" else int(SEED_TEXT)
#: Joins of joins are cut here.
MOST_ROWS = 5000
RUNNERS = ("threads",) * 8 + ("inline",) * 7 + ("processes",)


class World:
    """The oracle, a session for each runner, and counts of what happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.oracle = duckdb.connect()
        self.sessions = {
            runner: millpond.init(data_root=folder, runner=runner, threads=2, memory_limit="1GB", progress=False)
            for runner in sorted(set(RUNNERS))
        }
        self.counts: Counter[str] = Counter()

    def frame(self, table: Table, session: millpond.Session) -> millpond.DataFrame:
        """A table as the session reads it."""
        table.create(self.oracle, self.folder)
        if table.source == "sql":
            return session.partial_sql(table.select)
        if table.source == "arrow":
            return session.from_arrow(self.oracle.sql(f"FROM {table.name}").to_arrow_table())
        return session.read_parquet(table.paths(self.folder))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    print(f"\nMILLPOND_SEED={SEED} MILLPOND_QUERIES={QUERIES}")
    with data_root() as folder:
        made = World(folder)
        yield made
        print(dict(made.counts))
        for session in made.sessions.values():
            session.shutdown()
        made.oracle.close()


def multiset(table: pa.Table) -> Counter[str]:
    """Rows with how often they stand there; zeros without their sign, since either may stand for a group."""
    return Counter(row.replace("-0.0", "0.0") for row in rows_of(table))


@pytest.mark.timeout(300 + QUERIES)
@hypothesis.seed(SEED)
@hypothesis.settings(
    max_examples=QUERIES,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(data=st.data())
def test_spread_queries_equal_duckdb(world: World, data: st.DataObject) -> None:
    session = world.sessions[data.draw(st.sampled_from(RUNNERS), "runner")]
    first, second = data.draw(tables("t0")), data.draw(tables("t1"))
    frames = {"t0": world.frame(first, session), "t1": world.frame(second, session)}
    for name in frames:
        if data.draw(st.integers(0, 2)) == 0:
            frames[name] = frames[name].repartition(data.draw(st.sampled_from((2, 5))), by_rows=True)
    query = data.draw(queries(first, second))
    partitions = data.draw(st.sampled_from((1, 3, 16)), "partitions")
    limit = data.draw(st.sampled_from((None, 0)), "broadcast_limit")
    (rows,) = world.oracle.sql(f"SELECT count(*) FROM ({query.sql})").fetchall()[0]
    if rows > MOST_ROWS:
        world.counts["too large"] += 1
        return
    hypothesis.note("\n  ".join(("t0: " + first.select, "t1: " + second.select, query.sql)))
    expected = world.oracle.sql(query.sql).to_arrow_table()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", millpond.MillpondWarning)
        frame = session.sql(query.sql, distribute="always", partitions=partitions, broadcast_limit=limit, **frames)
    for warning in caught:
        world.counts[str(warning.message)] += 1
    world.counts["queries"] += 1
    found = frame.to_arrow()
    assert found.column_names == expected.column_names
    assert multiset(found) == multiset(expected)
