"""Random tables through random pipelines, against one DuckDB query.

`MILLPOND_CASES` says how many (500 if not set), `MILLPOND_SEED` which: the same ones if not set, so that a change is
judged by itself; "random" for others, as a long run wants. The seed is printed, so that a run can be done again. A
difference found is kept as a fixed test: in tests/spec, or below as an example.
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
from operators import OPERATORS  # noqa: E402
from pipeline import Pipeline  # noqa: E402
from random_tables import Table, tables  # noqa: E402
from shared_work import data_root  # noqa: E402
from two_frames import TWO_FRAMES  # noqa: E402

pytestmark = pytest.mark.long

CASES = int(os.environ.get("MILLPOND_CASES", "500"))
SEED_TEXT = os.environ.get("MILLPOND_SEED", "20261121")
SEED = random.SystemRandom().randrange(2**32) if SEED_TEXT == "random" else int(SEED_TEXT)
#: Joins of joins are cut here: the oracle's count is looked at before the frame runs.
MOST_ROWS = 5000
#: Processes are slow to start work: one case in eight runs there.
RUNNERS = ("threads",) * 4 + ("inline",) * 3 + ("processes",)


class World:
    """The oracle, and a session for each runner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.oracle = duckdb.connect()
        self._sessions: dict[str, millpond.Session] = {}

    def session(self, runner: str) -> millpond.Session:
        """The runner's session, opened when first asked for."""
        if runner not in self._sessions:
            self._sessions[runner] = millpond.init(
                data_root=self.folder,
                runner=runner,
                threads=2,
                memory_limit="1GB",
                # Each file or row group in a task of its own, where it may be.
                scan_task_bytes=1 if runner == "processes" else None,
                progress=False,
            )
        return self._sessions[runner]

    def pipeline(self, table: Table, session: millpond.Session) -> Pipeline:
        """A table of one partition, before any work."""
        table.create(self.oracle, self.folder)
        if table.source == "sql":
            frame = session.partial_sql(table.select)
        elif table.source == "arrow":
            frame = session.from_arrow(self.oracle.sql(f"FROM {table.name}").to_arrow_table())
        else:
            frame = session.read_parquet(table.paths(self.folder))
        return Pipeline(frame, f"FROM {table.name}", table.columns, (f"{table.source} of {table.num_files}",))

    def close(self) -> None:
        """Ends all."""
        for session in self._sessions.values():
            session.shutdown()
        self.oracle.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    print(f"\nMILLPOND_SEED={SEED} MILLPOND_CASES={CASES}")
    with data_root() as folder:
        made = World(folder)
        yield made
        made.close()


def multiset(table: pa.Table) -> Counter[str]:
    """Rows with how often they stand there; zeros without their sign, since either may stand for a group."""
    return Counter(row.replace("-0.0", "0.0") for row in rows_of(table))


@pytest.mark.timeout(300 + CASES)
@hypothesis.seed(SEED)
@hypothesis.settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(data=st.data())
def test_pipelines_equal_one_query(world: World, data: st.DataObject) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", millpond.MillpondWarning)
        _check(world, data)


def _check(world: World, data: st.DataObject) -> None:
    session = world.session(data.draw(st.sampled_from(RUNNERS), "runner"))
    first, second = data.draw(tables("t0")), data.draw(tables("t1"))
    pipeline, other = world.pipeline(first, session), world.pipeline(second, session)
    for _ in range(data.draw(st.integers(1, 6), "operators")):
        if data.draw(st.integers(0, 3)) == 0:
            pipeline = data.draw(st.sampled_from(TWO_FRAMES))(data.draw, pipeline, other)
        else:
            pipeline = data.draw(st.sampled_from(OPERATORS))(data.draw, pipeline)
        (rows,) = world.oracle.sql(f"SELECT count(*) FROM ({pipeline.sql})").fetchall()[0]
        if rows > MOST_ROWS:
            return
    hypothesis.note("\n  ".join(("t0: " + first.select, "t1: " + second.select, *pipeline.steps)))
    hypothesis.note("oracle: " + pipeline.sql)
    relation = world.oracle.sql(pipeline.sql)
    expected = relation.to_arrow_table()
    schema = [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)]
    assert pipeline.frame.schema.to_columns() == schema
    found = pipeline.frame.to_arrow()
    assert found.column_names == expected.column_names
    assert multiset(found) == multiset(expected)
    assert pipeline.frame.count() == expected.num_rows
    some = data.draw(st.integers(0, 10), "limit")
    assert pipeline.frame.limit(some).count() == min(some, expected.num_rows)
