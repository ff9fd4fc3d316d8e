"""Random global queries over random tables of all types, spread over partitions, against plain DuckDB.

`MILLPOND_QUERIES` says how many (200 if not set), `MILLPOND_SEED` which: query i is made of the seed plus i, so that a
difference is seen again alone; "random" for others, as a long run wants. A difference that is found is kept as a fixed
test in test_sql.py.
"""

from __future__ import annotations

import os
import random
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "differential"), str(HERE.parent / "spec")]
import millpond  # noqa: E402
from random_sources import frame_of, random_tables  # noqa: E402
from random_tables import quote  # noqa: E402
from shared_work import data_root  # noqa: E402
from sql_answers import difference  # noqa: E402
from sql_generator import random_query  # noqa: E402
from sql_query import Chance  # noqa: E402

pytestmark = pytest.mark.long

QUERIES = int(os.environ.get("MILLPOND_QUERIES", "200"))
SEED_TEXT = os.environ.get("MILLPOND_SEED", "20261121")
SEED = random.SystemRandom().randrange(2**32) if SEED_TEXT == "random" else int(SEED_TEXT)
#: A run goes on after a difference, up to so many.
MOST_DIFFERENCES = 10
#: How a query runs, and what is too small for a task of its own: 0 keeps each partition apart, little joins and cuts.
RUNNERS = (
    *[("threads", 0)] * 6,
    *[("threads", 300)] * 2,
    *[("inline", 0)] * 5,
    *[("inline", 300)] * 2,
    ("processes", 0),
)


#: Types that Arrow lacks or cuts; millpond hands them over as text.
AS_TEXT = re.compile("UHUGEINT|TIME WITH TIME ZONE|BIT")


def answer(oracle: duckdb.DuckDBPyConnection, query: str) -> tuple[list[str], pa.Table]:
    """The oracle's types and rows."""
    relation = oracle.sql(query)
    types = [str(kind) for kind in relation.types]
    casts = (
        f"{quote(name)}::{AS_TEXT.sub('VARCHAR', kind)} AS {quote(name)}" if AS_TEXT.search(kind) else quote(name)
        for name, kind in zip(relation.columns, types, strict=True)
    )
    return types, relation.select(", ".join(casts)).to_arrow_table()


class World:
    """The oracle, a session for each runner, and counts of what happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.oracle = duckdb.connect()
        self.sessions = {
            (runner, size): millpond.init(
                data_root=folder, runner=runner, threads=2, memory_limit="1GB", min_task_bytes=size, progress=False
            )
            for runner, size in sorted(set(RUNNERS))
        }
        self.counts: Counter[str] = Counter()

    def _without_statistics(self, query: str) -> pa.Table:
        """DuckDB's answer without the pass that drops LIMITs it takes for needless: beside an outer join's empty side
        2.0.0 expects too few rows, and gives eight for LIMIT 7."""
        self.oracle.execute("SET disabled_optimizers = 'statistics_propagation'")
        try:
            return answer(self.oracle, query)[1]
        finally:
            self.oracle.execute("RESET disabled_optimizers")

    def check(self, seed: int) -> str:
        """How one query's answer differs, with all that it was made of; empty when it doesn't."""
        chance = Chance(seed)
        tables = random_tables(chance, chance.number(1, 3))
        query = random_query(chance, tables)
        for table in tables:
            self.oracle.execute(f"CREATE OR REPLACE TABLE {quote(table.name)} AS {table.select}")
        try:
            types, expected = answer(self.oracle, query.sql)
        except duckdb.Error as error:
            self.counts[f"refused by DuckDB: {str(error).splitlines()[0][:80]}"] += 1
            return ""
        session = self.sessions[chance.one_of(RUNNERS)]
        made = {table.name: frame_of(chance, table, session, self.oracle, self.folder) for table in tables}
        partitions, limit = chance.one_of((1, 3, 16)), chance.one_of((None, 0))
        self.counts["queries"] += 1
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", millpond.MillpondWarning)
                frame = session.sql(
                    query.sql,
                    distribute="always",
                    partitions=partitions,
                    broadcast_limit=limit,
                    **{name: frame for name, (frame, _) in made.items()},
                )
                found = frame.to_arrow()
            for warning in caught:
                self.counts[str(warning.message).splitlines()[0][:110]] += 1
            if list(frame.schema.values()) != types:
                return f"MILLPOND_SEED={seed}: types {frame.schema.values()} where {types} are expected"
            is_exact = [column.is_exact for column in query.columns]
            wrong = difference(found, expected, is_exact, query.is_ordered)
            if wrong and not difference(found, self._without_statistics(query.sql), is_exact, query.is_ordered):
                self.counts["DuckDB gives two answers"] += 1
                return ""
        except millpond.MillpondError as error:
            wrong = f"{type(error).__name__}: {error}"
        if not wrong:
            return ""
        texts = [f"{table.name!r} ({made[table.name][1]}): {table.select}" for table in tables]
        how = f"partitions={partitions}, broadcast_limit={limit}"
        return "\n  ".join((f"MILLPOND_SEED={seed} MILLPOND_QUERIES=1 shows it again", *texts, query.sql, how, wrong))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    print(f"\nMILLPOND_SEED={SEED} MILLPOND_QUERIES={QUERIES}")
    with data_root() as folder:
        made = World(folder)
        yield made
        print("\n".join(f"{count:6} {what}" for what, count in made.counts.most_common()))
        for session in made.sessions.values():
            session.shutdown()
        made.oracle.close()


@pytest.mark.timeout(300 + QUERIES)
def test_spread_queries_equal_duckdb(world: World) -> None:
    differences: list[str] = []
    for seed in range(SEED, SEED + QUERIES):
        found = world.check(seed)
        if found:
            differences.append(found)
            if len(differences) == MOST_DIFFERENCES:
                break
    assert not differences, f"{len(differences)} queries differ from DuckDB\n" + "\n\n".join(differences)
