"""How frames are dealt already: sql() moves no row that lies right, and never takes rows for right that don't."""

from __future__ import annotations

import itertools
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb
import millpond
import pytest
from conftest import partition_sizes

LEFT = (
    "SELECT range AS i, (range * 7 % 40)::INTEGER AS k, range * 3 % 11 AS g, 'x' || range % 6 AS s, "
    "[0.0, '-0.0'::DOUBLE, 'nan'::DOUBLE, NULL, 1.5][1 + range % 5] AS f, "
    "['1 month'::INTERVAL, '30 days'::INTERVAL, NULL][1 + range % 3] AS v FROM range(600)"
)
RIGHT = "SELECT range AS j, (range % 50)::INTEGER AS k, range % 13 AS g, 'x' || range % 7 AS s FROM range(300)"

BY_KEY = "SELECT k, median(i) AS m, count(*) AS n FROM l GROUP BY k"
JOIN = "SELECT l.i, r.j FROM l JOIN r ON l.k = r.k"


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE l AS {LEFT}")
        connection.execute(f"CREATE TABLE r AS {RIGHT}")
        yield connection


@pytest.fixture(scope="module")
def left(local: millpond.Session) -> millpond.DataFrame:
    return local.sql(LEFT)


@pytest.fixture(scope="module")
def right(local: millpond.Session) -> millpond.DataFrame:
    return local.sql(RIGHT)


def moves(frame: millpond.DataFrame, inputs: Iterable[millpond.DataFrame]) -> list[str]:
    """The dealings in a frame's plan that its inputs don't have."""
    known = {node["fingerprint"] for one in inputs for node in json.loads(one._frame.plan_json())["nodes"]}
    nodes = [node for node in json.loads(frame._frame.plan_json())["nodes"] if node["fingerprint"] not in known]
    return [node["kind"] for node in nodes if node["op"] == "repartition"]


def check(
    plain: duckdb.DuckDBPyConnection, query: str, is_moved: bool, partitions: int = 4, **frames: millpond.DataFrame
) -> None:
    """The query's rows are DuckDB's, in order where it has one, and rows are moved or not."""
    session = next(iter(frames.values()))._session
    with warnings.catch_warnings():
        warnings.simplefilter("error", millpond.MillpondWarning)
        frame = session.sql(query, distribute="always", partitions=partitions, broadcast_limit=0, **frames)
    assert (moves(frame, frames.values()) != []) == is_moved, query
    got = [tuple(map(repr, row.values())) for row in frame.take_all()]
    want = [tuple(map(repr, row.values())) for row in plain.sql(query).to_arrow_table().to_pylist()]
    if re.search(r"ORDER BY[^)]*$", query) is None:
        got, want = sorted(got), sorted(want)
    assert got == want, query


def test_groups_and_windows_where_rows_lie(plain: Any, left: millpond.DataFrame) -> None:
    by_k = left.repartition(4, hash_by="k")
    check(plain, BY_KEY, False, l=by_k)
    check(plain, "SELECT k, g, median(i) AS m FROM l GROUP BY k, g", False, l=by_k)
    check(plain, "SELECT i, sum(i) OVER (PARTITION BY k ORDER BY i) AS w FROM l", False, l=by_k)
    check(plain, "SELECT DISTINCT k, s FROM l", False, l=by_k)
    check(plain, "SELECT k, count(DISTINCT s) AS a, count(DISTINCT g) AS b FROM l GROUP BY k", False, l=by_k)
    check(plain, "SELECT g, median(i) AS m FROM l GROUP BY g", True, l=by_k)
    check(plain, "SELECT k % 3 AS x, median(i) AS m FROM l GROUP BY ALL", True, l=by_k)
    check(plain, "SELECT k::BIGINT AS x, median(i) AS m FROM l GROUP BY ALL", True, l=by_k)
    check(plain, "SELECT k, s, median(i) AS m FROM l GROUP BY ROLLUP (k, s)", True, l=by_k)
    check(plain, "SELECT count(DISTINCT k) AS n FROM l", True, l=by_k)


def test_any_number_of_partitions_serves_one_frame(plain: Any, left: millpond.DataFrame) -> None:
    check(plain, BY_KEY, False, l=left.repartition(7, hash_by="k"))
    check(plain, BY_KEY, False, l=left.repartition(3, by="k % 3"))
    check(plain, BY_KEY, False, l=left.repartition(5, hash_by="k // 2"))
    check(plain, BY_KEY, False, l=left.repartition(2, hash_by="k").repartition(2, hash_by="k + 1", nested=True))
    check(plain, BY_KEY, True, l=left.repartition(2, hash_by="g").repartition(2, hash_by="k", nested=True))
    check(plain, BY_KEY, True, l=left.repartition(4, by_rows=True))
    check(plain, BY_KEY, True, l=left.repartition(4, hash_by="k + i"))


def test_an_expression_that_tells_equal_values_apart(plain: Any, left: millpond.DataFrame) -> None:
    signs = left.repartition(2, by="CASE WHEN f::VARCHAR = '-0.0' THEN 1 ELSE 0 END")
    assert min(partition_sizes(signs)) > 0
    check(plain, "SELECT abs(f) AS f, median(i) AS m FROM l GROUP BY l.f", False, l=left.repartition(4, hash_by="f"))
    check(plain, "SELECT abs(f) AS z, count(*) AS n, median(i) AS m FROM l GROUP BY f", True, l=signs)
    texts = left.repartition(2, hash_by="v::VARCHAR")
    check(plain, "SELECT count(*) AS n, median(i) AS m FROM l GROUP BY v", True, l=texts)


def test_joins_of_frames_dealt_alike(plain: Any, left: millpond.DataFrame, right: millpond.DataFrame) -> None:
    for kind in ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"):
        query = f"SELECT l.i, r.j FROM l {kind} r ON l.k = r.k"
        check(plain, query, False, l=left.repartition(4, hash_by="k"), r=right.repartition(4, hash_by="k"))
    for kind in ("SEMI", "ANTI"):
        query = f"SELECT l.i FROM l {kind} JOIN r ON l.k = r.k"
        check(plain, query, False, l=left.repartition(4, hash_by="k"), r=right.repartition(4, hash_by="k"))
    # Fewer keys than conditions do.
    query = "SELECT l.i, r.j FROM l JOIN r ON l.g = r.g AND l.k = r.k"
    check(plain, query, False, l=left.repartition(4, hash_by="k"), r=right.repartition(4, hash_by="k"))
    two = {"l": left.repartition(4, hash_by=["k", "g"]), "r": right.repartition(4, hash_by=["k", "g"])}
    check(plain, query, False, **two)
    check(plain, JOIN, True, **two)
    # In other numbers than asked for, when both have them.
    check(plain, JOIN, False, l=left.repartition(7, hash_by="k"), r=right.repartition(7, hash_by="k"))


def test_joins_of_frames_dealt_differently(plain: Any, left: millpond.DataFrame, right: millpond.DataFrame) -> None:
    by_k = right.repartition(4, hash_by="k")
    check(plain, JOIN, True, l=left.repartition(7, hash_by="k"), r=by_k)
    check(plain, JOIN, True, l=left.repartition(4, hash_by="g"), r=by_k)
    check(plain, JOIN, True, l=left.repartition(4, by_rows=True), r=by_k)
    check(plain, JOIN, True, l=left.repartition(4, by="k % 4"), r=right.repartition(4, by="(k + 1) % 4"))
    check(plain, JOIN, True, l=left.repartition(4, hash_by="k + 1"), r=by_k)
    check(plain, "SELECT l.i, r.j FROM l JOIN r ON l.k = r.g", True, l=left.repartition(4, hash_by="k"), r=by_k)
    both = "SELECT l.i, r.j FROM l JOIN r ON l.g = r.g AND l.k = r.k"
    check(plain, both, True, l=left.repartition(4, hash_by=["k", "g"]), r=right.repartition(4, hash_by=["g", "k"]))
    crossed = "SELECT l.i, r.j FROM l JOIN r ON l.g = r.k AND l.k = r.g"
    check(plain, crossed, True, l=left.repartition(4, hash_by=["k", "g"]), r=right.repartition(4, hash_by=["k", "g"]))


def test_types_decide_whether_hashes_meet(local: millpond.Session, plain: Any) -> None:
    plain.execute("CREATE OR REPLACE TABLE a AS SELECT range AS i, (range % 20)::DOUBLE AS k FROM range(100)")
    plain.execute("CREATE OR REPLACE TABLE b AS SELECT range AS j, (range % 30)::INTEGER AS k FROM range(100)")
    a = local.sql("SELECT range AS i, (range % 20)::DOUBLE AS k FROM range(100)").repartition(4, hash_by="k")
    b = local.sql("SELECT range AS j, (range % 30)::INTEGER AS k FROM range(100)").repartition(4, hash_by="k")
    check(plain, "SELECT a.i, b.j FROM a JOIN b ON a.k = b.k", True, a=a, b=b)


def test_what_becomes_of_keys_on_the_way(plain: Any, left: millpond.DataFrame, right: millpond.DataFrame) -> None:
    by_k = left.repartition(4, hash_by="k")
    plain.execute("CREATE OR REPLACE TABLE m AS SELECT k AS g, g AS k, i FROM l")
    swapped = by_k.rename({"k": "g", "g": "k"}).select("g", "k", "i")
    check(plain, "SELECT k, median(i) AS x FROM m GROUP BY k", True, m=swapped)
    check(plain, "SELECT g, median(i) AS x FROM m GROUP BY g", False, m=swapped)
    check(plain, "SELECT m.i, r.j FROM m JOIN r ON m.g = r.k", False, m=swapped, r=right.repartition(4, hash_by="k"))
    plain.execute("CREATE OR REPLACE TABLE c AS SELECT i, k + 1 AS k FROM l")
    changed = by_k.partial_sql("SELECT i, k + 1 AS k FROM {0}")
    check(plain, "SELECT c.i, r.j FROM c JOIN r ON c.k = r.k", True, c=changed, r=right.repartition(4, hash_by="k"))
    plain.execute("CREATE OR REPLACE TABLE p AS SELECT i, k FROM l WHERE i % 2 = 0")
    fewer = by_k.filter("i % 2 = 0").select("i", "k")
    check(plain, "SELECT p.i, r.j FROM p JOIN r ON p.k = r.k", False, p=fewer, r=right.repartition(4, hash_by="k"))
    # Rows that a join fills up have no key's place.
    other = right.repartition(4, hash_by="k")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", millpond.MillpondWarning)
        filled = by_k.partial_sql("SELECT l.k, r.j FROM {0} AS l RIGHT JOIN {1} AS r ON l.k = r.k", other)
    plain.execute("CREATE OR REPLACE TABLE q AS SELECT l.k, r.j FROM l RIGHT JOIN r ON l.k = r.k")
    check(plain, "SELECT k, median(j) AS x FROM q GROUP BY k", True, q=filled)


def test_kept_results_lie_as_they_were_dealt(plain: Any, left: millpond.DataFrame, right: millpond.DataFrame) -> None:
    by_k = left.repartition(4, hash_by="k")
    by_k.compute()
    check(plain, JOIN, False, l=by_k, r=right.repartition(4, hash_by="k"))


def test_ranges(plain: Any, left: millpond.DataFrame, right: millpond.DataFrame) -> None:
    ranged = left.repartition(4, range_by="k")
    assert ranged.num_partitions == 4
    sizes = partition_sizes(ranged)
    assert sum(sizes) == 600
    assert max(sizes) < 250
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", millpond.MillpondWarning)
        bounds = ranged.partial_sql("SELECT min(k) AS low, max(k) AS high FROM {0}").take_all()
    for below, above in itertools.pairwise(bounds):
        assert below["high"] < above["low"]
    check(plain, BY_KEY, False, l=ranged)
    check(plain, "SELECT i, k FROM l ORDER BY k, i", False, l=ranged)
    check(plain, "SELECT k, median(i) AS m FROM l GROUP BY k ORDER BY k", False, l=ranged)
    check(plain, "SELECT i, k FROM l ORDER BY k DESC, i", True, l=ranged)
    check(plain, "SELECT i FROM l ORDER BY i", True, l=ranged)
    check(plain, JOIN, True, l=ranged, r=right.repartition(4, range_by="k"))
    # Of one dealing both sides lie alike.
    evens = ranged.filter("i % 2 = 0")
    plain.execute("CREATE OR REPLACE TABLE evens AS SELECT * FROM l WHERE i % 2 = 0")
    check(plain, "SELECT l.i, e.i AS j FROM l JOIN evens AS e ON l.k = e.k", False, l=ranged, evens=evens)
    check(plain, "SELECT l.i, e.i AS j FROM l JOIN evens AS e ON l.g = e.g", True, l=ranged, evens=evens)


def test_ranges_of_several_keys(plain: Any, left: millpond.DataFrame) -> None:
    ranged = left.repartition(5, range_by=["g DESC", "s NULLS FIRST"])
    assert ranged._frame.partitioning() == "5 partitions by range(g DESC NULLS LAST, s ASC NULLS FIRST)"
    check(plain, "SELECT g, i FROM l ORDER BY g DESC, s NULLS FIRST, i", False, l=ranged)
    check(plain, "SELECT g FROM l ORDER BY g DESC", False, l=ranged)
    check(plain, "SELECT g, i FROM l ORDER BY g DESC, i", True, l=ranged)
    check(plain, "SELECT g, median(i) AS m FROM l GROUP BY g", True, l=ranged)
    check(plain, "SELECT g, s, median(i) AS m FROM l GROUP BY g, s", False, l=ranged)


def test_ranges_by_expressions_and_odd_types(plain: Any, left: millpond.DataFrame) -> None:
    by_text = left.repartition(3, range_by="lower(s) || k DESC, i")
    assert sum(partition_sizes(by_text)) == 600
    intervals = left.repartition(3, range_by="v")
    check(plain, "SELECT count(*) AS n, median(i) AS m FROM l GROUP BY v", True, l=intervals)
    floats = left.repartition(3, range_by="f")
    check(plain, "SELECT abs(f) AS f, count(*) AS n, median(i) AS m FROM l GROUP BY l.f", True, l=floats)
    with pytest.raises(millpond.InvalidArgumentError, match="COLLATE"):
        left.repartition(3, range_by="s COLLATE NOCASE")
    with pytest.raises(millpond.InvalidArgumentError, match="is the same each time"):
        left.repartition(3, range_by="random()")
    with pytest.raises(millpond.InvalidArgumentError, match="nothing"):
        left.repartition(3, range_by="nothing")
    with pytest.raises(millpond.InvalidArgumentError, match="choose one of"):
        left.repartition(3, range_by="k", hash_by="k")


def test_ranges_of_what_a_function_gives(local: millpond.Session) -> None:
    rows = local.from_items([{"a": value} for value in range(50)]).repartition(2, by_rows=True)
    doubled = rows.map(lambda row: {"b": row["a"] * 2})
    ranged = doubled.repartition(3, range_by="b DESC")
    assert sum(partition_sizes(ranged)) == 50
    assert [row["b"] for row in ranged.partial_sort("b DESC").take_all()] == list(range(98, -1, -2))


def test_sorted_frames_stay_sorted(plain: Any, local: millpond.Session, left: millpond.DataFrame) -> None:
    rows = left.repartition(4, by_rows=True)
    ordered = local.sql("SELECT * FROM l ORDER BY k, i", l=rows, distribute="always", partitions=4, broadcast_limit=0)
    check(plain, "SELECT k, i FROM l WHERE g > 3 ORDER BY k, i", False, l=ordered)
    check(plain, "SELECT k FROM l ORDER BY k", False, l=ordered)
    check(plain, "SELECT k, s, i FROM l ORDER BY k, s, i", True, l=ordered)
    # Rows of equal keys may lie in two partitions.
    check(plain, BY_KEY, True, l=ordered)


def test_a_chain_costs_its_last_dealing(left: millpond.DataFrame) -> None:
    def stages(frame: millpond.DataFrame) -> int:
        return len(re.findall(r"^-- stage \d+:", str(frame.explain()), re.MULTILINE))

    rows = left.repartition(2, by_rows=True)
    steps: dict[str, dict[str, Any]] = {
        "hash": {"hash_by": "g"},
        "range": {"range_by": "g"},
        "chance": {"random_shuffle": True},
        "rows": {"by_rows": True},
    }
    last: dict[str, dict[str, Any]] = {"hash": {"hash_by": "k"}, "range": {"range_by": "k"}, "number": {"by": "k % 4"}}
    pairs = []
    for first in steps.values():
        for second in last.values():
            chain = rows.repartition(3, **first).repartition(5, **first).repartition(4, **second)
            alone = rows.repartition(4, **second)
            assert stages(chain) == stages(alone) > 0, (first, second)
            pairs.append((chain, alone))
    for chain, alone in pairs:
        assert partition_sizes(chain) == partition_sizes(alone)
    # Runs of rows and whole partitions move nothing.
    dealt = rows.repartition(4, hash_by="k")
    assert stages(dealt.repartition(3, by_rows=True).consolidate(2)) == stages(dealt)
