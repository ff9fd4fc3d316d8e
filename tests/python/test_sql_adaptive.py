"""Plans of spread queries that follow from the real sizes of their parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest

pytestmark = pytest.mark.long

FACT_ROWS = 1_200_000
DIM_ROWS = 600_000
#: The filter is thought to leave a fifth of 600,000 rows; it leaves 10.
FEW = "(SELECT k, w FROM dims WHERE k % 60000 = 0)"
MANY = "(SELECT k, w FROM dims WHERE k % 60000 < 58000)"
SPREAD: dict[str, Any] = {"distribute": "always", "partitions": 16}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A large table, and one that a filter makes small."""
    folder = tmp_path_factory.mktemp("adaptive")
    duckdb.sql(f"""COPY (SELECT (range * 7919) % 600000 AS k, range AS v FROM range({FACT_ROWS}))
        TO '{folder}/facts.parquet' (ROW_GROUP_SIZE 61440)""")
    duckdb.sql(f"""COPY (SELECT range AS k, range % 13 AS w FROM range({DIM_ROWS}))
        TO '{folder}/dims.parquet' (ROW_GROUP_SIZE 40960)""")
    return {name: folder / f"{name}.parquet" for name in ("facts", "dims")}


@pytest.fixture(params=["threads", "processes"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[millpond.Session]:
    """A session of each kind, whose log stays."""
    with millpond.init(data_root=tmp_path / "data", runner=request.param, progress=False) as opened:
        yield opened


def tables_of(session: millpond.Session, files: dict[str, Path]) -> dict[str, millpond.DataFrame]:
    """The frames by name."""
    return {name: session.read_parquet(str(file)) for name, file in files.items()}


def oracle(query: str, files: dict[str, Path]) -> list[tuple[Any, ...]]:
    """DuckDB's rows, in an order that NULL has a place in, too."""
    connection = duckdb.connect()
    for name, file in files.items():
        connection.execute(f"CREATE VIEW {name} AS FROM '{file}'")
    return sorted(connection.sql(query).fetchall(), key=repr)


def rows_of(frame: millpond.DataFrame) -> list[tuple[Any, ...]]:
    """The frame's rows, sorted."""
    return sorted((tuple(row.values()) for row in frame.take_all()), key=repr)


def events(session: millpond.Session, name: str) -> list[dict[str, Any]]:
    """The events of that name in the session's log."""
    log = Path(session.job_directory) / "events.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    return [event for event in map(json.loads, lines) if event["event"] == name]


def rows_written(session: millpond.Session) -> int:
    """Rows that all tasks handed on."""
    return sum(event["rows_out"] for event in events(session, "task_finished"))


JOINS = [
    f"SELECT facts.v, d.w FROM facts JOIN {FEW} d USING (k)",
    f"SELECT facts.v, d.w FROM {FEW} d JOIN facts USING (k)",
    f"SELECT facts.v FROM facts WHERE k IN (SELECT k FROM {FEW})",
    f"SELECT d.w, sum(facts.v) AS s FROM facts JOIN {FEW} d USING (k) GROUP BY d.w",
    f"SELECT facts.v, d.w FROM facts LEFT JOIN {FEW} d ON facts.k = d.k WHERE facts.v < 1000 OR d.w >= 0",
]


@pytest.mark.parametrize("query", JOINS)
def test_a_side_that_turns_out_small_is_not_met_by_moving_the_other(
    session: millpond.Session, files: dict[str, Path], query: str
) -> None:
    frame = session.sql(query, **SPREAD, **tables_of(session, files))
    assert rows_of(frame) == oracle(query, files)
    assert len(events(session, "job_started")) == 2, "the small side runs first"
    assert rows_written(session) < FACT_ROWS / 10


def test_a_side_that_turns_out_large_is_not_computed_twice(session: millpond.Session, files: dict[str, Path]) -> None:
    query = f"SELECT d.w, count(*) AS n, sum(facts.v) AS s FROM facts JOIN {MANY} d USING (k) GROUP BY d.w"
    frame = session.sql(query, **SPREAD, broadcast_limit=1000, **tables_of(session, files))
    assert rows_of(frame) == oracle(query, files)
    assert len(events(session, "job_started")) == 2
    scans = [event for event in events(session, "task_finished") if event["rows_in"] > 0 and event["rows_out"] > 10000]
    # Less by the rows that lie beyond the other side's keys.
    assert FACT_ROWS < sum(event["rows_out"] for event in scans) <= FACT_ROWS + 580_000


def test_no_side_is_asked_for_when_none_may_go_everywhere(session: millpond.Session, files: dict[str, Path]) -> None:
    query = JOINS[0]
    frame = session.sql(query, **SPREAD, broadcast_limit=0, **tables_of(session, files))
    assert rows_of(frame) == oracle(query, files)
    assert len(events(session, "job_started")) == 1


def test_what_is_made_of_it_follows(session: millpond.Session, files: dict[str, Path], tmp_path: Path) -> None:
    tables = tables_of(session, files)
    joined = session.sql(f"SELECT facts.k, facts.v, d.w FROM facts JOIN {FEW} d USING (k)", **SPREAD, **tables)
    expected = oracle(f"SELECT facts.k, facts.v, d.w FROM facts JOIN {FEW} d USING (k)", files)
    assert joined.count() == len(expected)
    assert not joined.is_computed()
    joined.filter("v % 2 = 0").write_parquet(tmp_path / "even")
    even = duckdb.sql(f"FROM '{tmp_path}/even/*.parquet'").fetchall()
    assert sorted(even, key=repr) == [row for row in expected if row[1] % 2 == 0]
    again = session.sql(
        "SELECT j.w, count(*) AS n FROM j JOIN dims USING (k) GROUP BY j.w", **SPREAD, j=joined, **tables
    )
    assert rows_of(again) == oracle(
        f"SELECT d.w, count(*) FROM facts JOIN {FEW} d USING (k) JOIN dims USING (k) GROUP BY d.w", files
    )
    assert rows_of(joined) == expected
    assert joined.is_computed()
    assert rows_of(joined) == expected


def test_its_rows_are_not_taken_for_dealt_by_the_join_keys(files: dict[str, Path], tmp_path: Path) -> None:
    with millpond.init(data_root=tmp_path, progress=False) as session:
        tables = tables_of(session, files)
        joined = session.sql(f"SELECT facts.k, facts.v FROM facts JOIN {FEW} d USING (k)", **SPREAD, **tables)
        dealt = tables["dims"].repartition(16, hash_by="k")
        with pytest.raises(millpond.InvalidArgumentError, match="not partitioned alike"):
            joined.partial_sql("SELECT count(*) AS n FROM {0} JOIN {1} USING (k)", dealt)


def test_the_same_job_again_computes_nothing(files: dict[str, Path], tmp_path: Path) -> None:
    query = f"SELECT d.w, sum(facts.v) AS s FROM facts JOIN {FEW} d USING (k) GROUP BY d.w"
    for attempt in range(2):
        with millpond.init("again", data_root=tmp_path, progress=False, keep=True) as session:
            frame = session.sql(query, **SPREAD, **tables_of(session, files))
            before = len(events(session, "task_finished"))
            assert rows_of(frame) == oracle(query, files)
            assert (len(events(session, "task_finished")) > before) == (attempt == 0)


EMPTY = "(SELECT k, w FROM dims WHERE w * 7 % 13 = 20)"
NOTHING = [
    f"SELECT facts.v, d.w FROM facts JOIN {EMPTY} d USING (k)",
    f"SELECT facts.v, d.w FROM {EMPTY} d JOIN facts USING (k)",
    f"SELECT facts.v FROM facts SEMI JOIN {EMPTY} d USING (k)",
    f"SELECT count(*) AS n, sum(facts.v) AS s FROM facts JOIN {EMPTY} d USING (k)",
    f"SELECT d.w, sum(facts.v) AS s FROM facts JOIN {EMPTY} d USING (k) GROUP BY d.w",
    f"SELECT v, w FROM facts JOIN {EMPTY} d USING (k) UNION ALL SELECT k, w FROM dims WHERE k < 10",
]


@pytest.mark.parametrize("partitions", [1, 3, 16])
@pytest.mark.parametrize("query", NOTHING)
def test_a_side_without_rows_spares_the_other(
    session: millpond.Session, files: dict[str, Path], query: str, partitions: int
) -> None:
    frame = session.sql(query, distribute="always", partitions=partitions, **tables_of(session, files))
    assert rows_of(frame) == oracle(query, files)
    if partitions < 16:
        return  # By estimate already, all partitions of the large side read the other.
    read = sum(event["rows_in"] for event in events(session, "task_finished"))
    assert read < query.count("dims") * DIM_ROWS + 1000, "the facts are not read"


NO_PRUNING = [
    f"SELECT facts.v, d.w FROM facts LEFT JOIN {EMPTY} d USING (k) WHERE facts.v < 1000",
    f"SELECT facts.v FROM facts ANTI JOIN {EMPTY} d USING (k) WHERE facts.v < 1000",
    f"SELECT facts.v, d.w FROM facts FULL JOIN {EMPTY} d USING (k)",
]


@pytest.mark.parametrize("query", NO_PRUNING)
def test_what_a_side_without_rows_leaves_is_there(
    session: millpond.Session, files: dict[str, Path], query: str
) -> None:
    frame = session.sql(query, **SPREAD, **tables_of(session, files))
    assert rows_of(frame) == oracle(query, files)


#: Many rows, which a filter takes for few, whose keys are between 1,000 and 60,000.
NARROW = "(SELECT k, w FROM dims WHERE k * 3 BETWEEN 3000 AND 180000)"
KEYS = {
    "BIGINT": "k",
    "UTINYINT": "(k % 200)::UTINYINT",
    "HUGEINT": "k::HUGEINT - 18446744073709551616",
    "DECIMAL(30, 2)": "(k / 100)::DECIMAL(30, 2)",
    "DATE": "DATE '1970-01-01' - k::INTEGER",
    "TIMESTAMP": "TIMESTAMP '2000-01-01' + to_microseconds(k)",
    "DOUBLE": "CASE WHEN k % 3500 = 0 THEN 'nan'::DOUBLE ELSE -k / 8.0 END",
    "VARCHAR": "'key ' || k",
}
WITHIN = [
    ("SELECT f.v, d.w FROM {facts} f JOIN {narrow} d ON f.k = d.k", True),
    ("SELECT f.v FROM {facts} f SEMI JOIN {narrow} d ON f.k = d.k", True),
    ("SELECT f.v, d.w FROM {facts} f RIGHT JOIN {narrow} d ON f.k = d.k", True),
    ("SELECT f.v, d.w FROM {facts} f LEFT JOIN {narrow} d ON f.k = d.k", False),
    ("SELECT f.v FROM {facts} f ANTI JOIN {narrow} d ON f.k = d.k", False),
    ("SELECT f.v, d.w FROM {facts} f FULL JOIN {narrow} d ON f.k = d.k", False),
    ("SELECT f.v, d.w FROM {facts} f JOIN {narrow} d ON f.k IS NOT DISTINCT FROM d.k AND f.v > d.w", True),
]


@pytest.mark.parametrize("partitions", [3, 16])
@pytest.mark.parametrize(("join", "is_kept_out"), WITHIN)
def test_rows_outside_the_bounds_of_the_other_sides_keys_do_not_move(
    session: millpond.Session, files: dict[str, Path], join: str, is_kept_out: bool, partitions: int
) -> None:
    query = join.format(facts="(SELECT CASE WHEN v % 50 > 0 THEN k END AS k, v FROM facts)", narrow=NARROW)
    frame = session.sql(
        query, distribute="always", partitions=partitions, broadcast_limit=1000, **tables_of(session, files)
    )
    expected = oracle(query, files)
    assert rows_of(frame) == expected
    moved = max(stage_rows(session))
    assert (moved < FACT_ROWS / 2) == is_kept_out


def stage_rows(session: millpond.Session) -> list[int]:
    """The rows that each stage of each job handed on."""
    stages: dict[tuple[int, int], int] = {}
    job = 0
    log = Path(session.job_directory) / "events.jsonl"
    for event in map(json.loads, log.read_text().splitlines()):
        job += event["event"] == "job_started"
        if event["event"] == "task_finished":
            key = (job, event["stage"])
            stages[key] = stages.get(key, 0) + event["rows_out"]
    return list(stages.values())


@pytest.mark.parametrize("key", KEYS)
def test_bounds_of_every_type_are_exact(files: dict[str, Path], tmp_path: Path, key: str) -> None:
    facts = f"(SELECT CASE WHEN v % 50 > 0 THEN {KEYS[key]} END AS k, v FROM facts)"
    narrow = f"(SELECT {KEYS[key]} AS k, w FROM (FROM dims LIMIT 600000) WHERE k * 3 BETWEEN 3000 AND 30000)"
    join = WITHIN[0][0].format(facts=facts, narrow=narrow) + " WHERE f.v % 3 = 0"
    query = f"SELECT count(*) AS n, sum(v)::BIGINT AS v, sum(w)::BIGINT AS w FROM ({join})"
    with millpond.init(data_root=tmp_path, progress=False) as session:
        frame = session.sql(query, **SPREAD, broadcast_limit=100, **tables_of(session, files))
        assert rows_of(frame) == oracle(query, files)


#: A tenth of the keys, all over their range: 60,000. As often, 500 of them.
SCATTERED = "(SELECT k, w FROM dims WHERE k % 10 = 3)"
REPEATED = "(SELECT k % 500 * 1200 + 7 AS k, w FROM dims WHERE k * 3 BETWEEN 3000 AND 180000)"
FACTS_AND_NULL = "(SELECT CASE WHEN v % 50 > 0 THEN k END AS k, v FROM facts)"
MATCHING = [
    *WITHIN,
    ("SELECT f.v, d.w FROM {facts} f JOIN {narrow} d ON f.k IS NOT DISTINCT FROM d.k AND f.v % 13 = d.w", True),
    ("SELECT f.v, d.w FROM (SELECT 'x' || k AS k, v FROM {facts}) f JOIN {narrow} d ON f.k = 'x' || d.k", True),
    ("SELECT f.v, d.w FROM {narrow} d LEFT JOIN facts f ON f.k = d.k", True),
]


@pytest.mark.parametrize("partitions", [1, 3, 16])
@pytest.mark.parametrize("narrow", [SCATTERED, REPEATED])
@pytest.mark.parametrize(("join", "is_kept_out"), MATCHING)
def test_rows_that_meet_no_key_of_the_other_side_do_not_move(
    files: dict[str, Path], tmp_path: Path, join: str, is_kept_out: bool, narrow: str, partitions: int
) -> None:
    query = f"SELECT count(*) AS n, sum(v)::BIGINT AS v FROM ({join.format(facts=FACTS_AND_NULL, narrow=narrow)})"
    with millpond.init(data_root=tmp_path, progress=False) as session:
        frame = session.sql(
            query, distribute="always", partitions=partitions, broadcast_limit=1000, **tables_of(session, files)
        )
        assert rows_of(frame) == oracle(query, files)
        moved = max(stage_rows(session))
    # Of a Bloom filter one in a hundred is there by mistake.
    assert partitions == 1 or (moved < 200_000) == is_kept_out


@pytest.mark.parametrize("narrow", [SCATTERED, REPEATED])
def test_keys_of_the_other_side_reach_worker_processes(files: dict[str, Path], tmp_path: Path, narrow: str) -> None:
    query = f"SELECT count(*) AS n, sum(v)::BIGINT AS v FROM ({WITHIN[0][0].format(facts='facts', narrow=narrow)})"
    with millpond.init(data_root=tmp_path, runner="processes", progress=False) as session:
        frame = session.sql(query, **SPREAD, broadcast_limit=1000, **tables_of(session, files))
        assert rows_of(frame) == oracle(query, files)
        assert max(stage_rows(session)) < 200_000


@pytest.mark.parametrize("narrow", [SCATTERED, REPEATED])
@pytest.mark.parametrize("key", KEYS)
def test_keys_of_every_type_are_found_again(files: dict[str, Path], tmp_path: Path, key: str, narrow: str) -> None:
    facts = f"(SELECT CASE WHEN v % 50 > 0 THEN {KEYS[key]} END AS k, v FROM facts)"
    keys = f"(SELECT {KEYS[key]} AS k, w FROM {narrow})"
    join = WITHIN[0][0].format(facts=facts, narrow=keys) + " WHERE f.v % 3 = 0"
    query = f"SELECT count(*) AS n, sum(v)::BIGINT AS v, sum(w)::BIGINT AS w FROM ({join})"
    with millpond.init(data_root=tmp_path, progress=False) as session:
        frame = session.sql(query, **SPREAD, broadcast_limit=100, **tables_of(session, files))
        assert rows_of(frame) == oracle(query, files)


def test_bounds_of_numbers_with_points_are_exact(tmp_path: Path) -> None:
    """NaN, both zeros and numbers that no DECIMAL gives stay; so do strings that look like SQL."""
    facts = str(tmp_path / "facts.parquet")
    one = "CASE k % 5 WHEN 0 THEN 'nan' WHEN 1 THEN '-0.0' WHEN 2 THEN '0.0' END::DOUBLE"
    numbers = f"coalesce({one}, (0.1 + k / 1e5)::DOUBLE)"
    strings = "CASE WHEN k % 2 = 0 THEN '{0} it''s \"millpond_source_0\" --' || chr(10) || k ELSE 'é' || k END"
    duckdb.sql(f"""COPY (SELECT {numbers} AS x, ({numbers})::FLOAT AS y, {strings} AS s, range AS v
        FROM (SELECT range, range % 300000 AS k FROM range(1500000))) TO '{facts}' (ROW_GROUP_SIZE 61440)""")
    for column in ("x", "y", "s"):
        for low, high in ((0, 1_500_000), (3, 250_000)):
            side = f"(SELECT {column}, v FROM facts WHERE v * 3 BETWEEN {low * 3} AND {high * 3} AND v % 9 = 4)"
            where = f"WHERE {column} > 0" if column != "s" and low > 0 else ""
            query = f"""SELECT count(*) AS n, sum(f.v) AS v FROM facts f
                JOIN (SELECT {column}, min(v) AS m FROM {side} {where} GROUP BY {column}) d USING ({column})"""
            with millpond.init(data_root=tmp_path / "data", progress=False) as session:
                frame = session.sql(query, **SPREAD, broadcast_limit=10, facts=session.read_parquet(facts))
                expected = duckdb.sql(query.replace("facts", f"'{facts}'")).fetchall()
                assert [tuple(row.values()) for row in frame.take_all()] == expected
