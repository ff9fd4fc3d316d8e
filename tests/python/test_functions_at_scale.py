"""map_batches with failing rows, slow services and a bound on what runs at once, beside plain Python."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import millpond
import pyarrow as pa
import pytest

from tests.python.conftest import open_session

Row = dict[str, Any]


@pytest.fixture(scope="module")
def df(local: millpond.Session) -> millpond.DataFrame:
    query = "SELECT range AS a, 's' || range AS b FROM range(1000)"
    return local.partial_sql(query).compute().repartition(4, by_rows=True)


def is_bad(value: int) -> bool:
    return value % 97 == 13 or 500 <= value < 505


def inverted(batch: pa.Table) -> dict[str, list[int]]:
    values = batch["a"].to_pylist()
    for value in values:
        if is_bad(value):
            raise ValueError(f"no inverse of {value}")
    return {"inverse": [-value for value in values]}


def sorted_rows(frame: millpond.DataFrame, column: str) -> list[Row]:
    return sorted(frame.take_all(), key=lambda row: row[column])


def test_a_failing_row_fails_the_job_unless_told_otherwise(df: millpond.DataFrame) -> None:
    with pytest.raises(millpond.UserFunctionError, match=r"no inverse of \d+"):
        df.map_batches(inverted).compute()


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_skip_leaves_out_the_failing_rows_alone(df: millpond.DataFrame, batch_size: int) -> None:
    kept = df.map_batches(inverted, on_error="skip", batch_size=batch_size).to_arrow()["inverse"].to_pylist()
    assert kept == [-a for a in range(1000) if not is_bad(a)]


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_each_row_is_in_the_result_or_a_dead_letter(df: millpond.DataFrame, batch_size: int) -> None:
    made = df.map_batches(inverted, schema={"inverse": int}, on_error="dead_letter", batch_size=batch_size)
    assert made.columns == ["inverse"]
    assert made.to_arrow()["inverse"].to_pylist() == [-a for a in range(1000) if not is_bad(a)]
    assert made.dead_letters.columns == ["a", "b", "_error"]
    assert made.dead_letters.take_all() == [
        {"a": a, "b": f"s{a}", "_error": f"ValueError: no inverse of {a}"} for a in range(1000) if is_bad(a)
    ]


def test_dead_letters_come_of_the_same_calls(local: millpond.Session, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    calls.mkdir()

    def counted(batch: pa.Table) -> dict[str, list[int]]:
        import os

        (calls / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        return inverted(batch)

    source = local.partial_sql("SELECT range AS a FROM range(40)").repartition(2, by_rows=True)
    made = source.map_batches(counted, schema={"inverse": int}, on_error="dead_letter")
    assert made.count() == 39
    after_first = len(list(calls.iterdir()))
    assert made.dead_letters.count() == 1
    assert len(list(calls.iterdir())) == after_first


def test_dead_letters_of_every_type_and_of_nulls(local: millpond.Session) -> None:
    query = (
        "SELECT range AS id, CASE WHEN range = 1 THEN NULL ELSE [range] END AS l, {'x': range} AS s, "
        "range::DECIMAL(9, 2) AS d, '\\xC3'::BLOB AS raw, DATE '2024-01-01' + range::INTEGER AS day FROM range(3)"
    )
    source = local.partial_sql(query)

    def never(batch: pa.Table) -> pa.Table:
        raise KeyError("nothing works")

    made = source.map_batches(never, schema={"id": int}, on_error="dead_letter")
    assert made.count() == 0
    dead = made.dead_letters
    assert dead.drop("_error").take_all() == source.take_all()
    assert dead.drop("_error").schema == source.schema


def test_no_row_fails(df: millpond.DataFrame) -> None:
    made = df.map_batches(lambda batch: batch.select(["a"]), schema={"a": int}, on_error="dead_letter")
    assert made.count() == 1000
    assert made.dead_letters.count() == 0


def test_a_function_that_is_wrong_as_such_fails_whatever_on_error_says(df: millpond.DataFrame) -> None:
    with pytest.raises(millpond.UserFunctionError, match="returned None"):
        df.map_batches(lambda batch: None, on_error="skip").compute()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_error": "ignore"}, "on_error='ignore' is not known"),
        ({"on_error": "dead_letter"}, "needs to know the columns"),
        ({"max_concurrent": 4}, "max_concurrent= is for async functions"),
        ({"rate_limit": 0}, "rate_limit=0 is not a positive number"),
        ({"concurrency": -1}, "concurrency is -1"),
        ({"streaming": True, "on_error": "skip"}, "can't be given on_error="),
    ],
)
def test_what_does_not_go_together_is_said_at_once(
    df: millpond.DataFrame, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match=message):
        df.map_batches(inverted, **arguments)


def test_async_generators_are_refused(df: millpond.DataFrame) -> None:
    async def endless(batches: Iterator[pa.Table]) -> AsyncIterator[pa.Table]:
        for batch in batches:
            yield batch

    with pytest.raises(millpond.InvalidArgumentError, match="async generator"):
        df.map_batches(endless)


def test_a_frame_without_dead_letters_says_so(df: millpond.DataFrame) -> None:
    with pytest.raises(millpond.InvalidArgumentError, match="keeps no dead letters"):
        _ = df.dead_letters


async def asked(batch: pa.Table) -> dict[str, list[int]]:
    await asyncio.sleep(0.05 - 0.00004 * batch["a"][0].as_py())
    return inverted(batch)


def test_async_calls_overlap_and_keep_the_order(local: millpond.Session) -> None:
    source = local.partial_sql("SELECT range AS a FROM range(13)").compute()

    async def slow(batch: pa.Table) -> dict[str, list[Any]]:
        begun = time.monotonic()
        a = batch["a"][0].as_py()
        await asyncio.sleep(0.5 - 0.01 * a)  # The later ones answer first.
        return {"a": [a], "begun": [begun], "ended": [time.monotonic()]}

    rows = source.map_batches(slow, batch_size=1, max_concurrent=13).take_all()
    assert [row["a"] for row in rows] == list(range(13))
    assert max(row["begun"] for row in rows) < min(row["ended"] for row in rows)


def test_no_more_async_calls_at_once_than_allowed(local: millpond.Session) -> None:
    class Counting:
        def __init__(self) -> None:
            self.running = 0

        async def __call__(self, batch: pa.Table) -> dict[str, list[int]]:
            self.running += 1
            await asyncio.sleep(0.01)
            most = self.running
            self.running -= 1
            return {"most": [most]}

    source = local.partial_sql("SELECT range AS a FROM range(30)").compute()
    most = source.map_batches(Counting, batch_size=1, max_concurrent=3).to_arrow()["most"].to_pylist()
    assert len(most) == 30
    assert max(most) == 3


@pytest.mark.parametrize("on_error", ["skip", "dead_letter"])
def test_async_functions_keep_failing_rows(df: millpond.DataFrame, on_error: str) -> None:
    made = df.map_batches(asked, schema={"inverse": int}, on_error=on_error, batch_size=100)
    assert made.to_arrow()["inverse"].to_pylist() == [-a for a in range(1000) if not is_bad(a)]
    if on_error == "dead_letter":
        assert [row["a"] for row in made.dead_letters.take_all()] == [a for a in range(1000) if is_bad(a)]


def test_an_async_failure_tells_its_own_rows(local: millpond.Session) -> None:
    source = local.partial_sql("SELECT range AS a FROM range(100)").compute()
    with pytest.raises(millpond.UserFunctionError, match="no inverse of 13 on rows 10 to 19 of partition 0"):
        source.map_batches(asked, batch_size=10).compute()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_rate_limit_holds_over_all_workers(local: millpond.Session, is_async: bool) -> None:
    def stamped(batch: pa.Table) -> dict[str, list[float]]:
        return {"at": [time.time()]}

    async def stamped_later(batch: pa.Table) -> dict[str, list[float]]:
        return {"at": [time.time()]}

    function = stamped_later if is_async else stamped
    source = local.partial_sql("SELECT range AS a FROM range(20)").repartition(2, by_rows=True)
    at = sorted(source.map_batches(function, batch_size=1, rate_limit=25).to_arrow()["at"].to_pylist())
    assert len(at) == 20
    # Twenty calls at 25 a second: the last starts no sooner than 19 gaps after the first.
    assert at[-1] - at[0] > 19 / 25 - 0.02


def spans(frame: millpond.DataFrame) -> list[tuple[float, float]]:
    return [(row["begun"], row["ended"]) for row in frame.take_all()]


def work(batch: pa.Table) -> dict[str, list[float]]:
    begun = time.monotonic()
    time.sleep(0.1)
    return {"begun": [begun], "ended": [time.monotonic()]}


def test_no_more_partitions_at_once_than_concurrency(tmp_path: Path) -> None:
    with open_session(tmp_path, threads=3) as session:
        source = session.partial_sql("SELECT range AS a FROM range(6)").repartition(6, by_rows=True)
        times = sorted(spans(source.map_batches(work, concurrency=1)))
        assert all(before[1] <= after[0] for before, after in pairwise(times))
        assert len(times) == 6


def test_one_function_after_the_other_overlaps_with_it(tmp_path: Path) -> None:
    def second(batch: pa.Table) -> pa.Table:
        return batch.append_column("second", pa.array([time.monotonic()]))

    with open_session(tmp_path, threads=2) as session:
        source = session.partial_sql("SELECT range AS a FROM range(6)").repartition(6, by_rows=True)
        first = source.map_batches(work, concurrency=1, schema={"begun": float, "ended": float})
        rows = first.map_batches(second, concurrency=1).take_all()
        assert min(row["second"] for row in rows) < max(row["begun"] for row in rows)


def test_a_generator_gets_its_input_read_ahead(local: millpond.Session) -> None:
    def each(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        yield from batches

    source = local.partial_sql("SELECT range AS a FROM range(100000)").compute()
    assert source.map_batches(each, batch_size=100).to_arrow()["a"].to_pylist() == list(range(100000))


def test_a_generator_may_stop_before_its_input_ends(local: millpond.Session) -> None:
    def first(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        yield next(batches)

    source = local.partial_sql("SELECT range AS a FROM range(100000)").compute()
    assert source.map_batches(first, batch_size=10).count() == 10


def test_a_generator_that_fails_tells_the_batch_it_had(local: millpond.Session) -> None:
    def failing(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for batch in batches:
            yield from [inverted(batch)]

    source = local.partial_sql("SELECT range AS a FROM range(1000)").compute()
    with pytest.raises(millpond.UserFunctionError, match="no inverse of 13 on rows 10 to 19 of partition 0"):
        source.map_batches(failing, batch_size=10).compute()


@pytest.mark.parametrize("runner", ["threads", "processes", "inline"])
def test_the_same_on_every_runner(tmp_path: Path, runner: str) -> None:
    with open_session(tmp_path, runner=runner) as session:
        source = session.partial_sql("SELECT range AS a FROM range(200)").repartition(3, hash_by="a")
        made = source.map_batches(asked, schema={"inverse": int}, on_error="dead_letter", batch_size=9)
        assert [row["inverse"] for row in sorted_rows(made, "inverse")] == sorted(
            -a for a in range(200) if not is_bad(a)
        )
        assert [row["a"] for row in sorted_rows(made.dead_letters, "a")] == [a for a in range(200) if is_bad(a)]
