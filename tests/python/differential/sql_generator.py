"""A random query of one to five steps over random tables."""

from __future__ import annotations

from collections.abc import Callable

from random_sources import Table
from sql_aggregates import aggregated, distinct
from sql_joins import joined
from sql_query import Chance, Query
from sql_reshaping import pivoted, unnested, unpivoted
from sql_sets import combined, counted, filtered, limited, ordered, projected, recursive, shared, with_values
from sql_windows import windowed

STEPS: tuple[Callable[[Chance, Query, Query], Query], ...] = (
    *(filtered, filtered, filtered, projected, projected, joined, joined, joined, joined, aggregated, aggregated),
    *(aggregated, aggregated, windowed, windowed, distinct, combined, combined, limited, limited, shared, counted),
    *(recursive, with_values, unnested, pivoted, unpivoted, ordered),
)


def random_query(chance: Chance, tables: list[Table]) -> Query:
    """A query; its columns have hostile names, its answer is one."""
    query = chance.one_of(tables).query
    for _ in range(chance.number(1, 5)):
        other = chance.one_of(tables).query
        if chance.is_one_in(6):
            other = chance.one_of(STEPS)(chance, other, chance.one_of(tables).query)
        query = chance.one_of(STEPS)(chance, query, other)
    # Results that are rounded end a query: no later step may depend on them.
    last = chance.number(0, 7)
    return query if last > 2 else (aggregated, aggregated, windowed)[last](chance, query, query)
