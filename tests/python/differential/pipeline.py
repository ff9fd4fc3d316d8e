"""A frame and the SQL that has to give the same rows, grown together one operator at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import millpond
from hypothesis import strategies as st
from random_tables import NAMES, Column, quote

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Pipeline:
    """What has been built so far. `steps` is the same as Python source, for people."""

    frame: millpond.DataFrame
    sql: str
    columns: tuple[Column, ...]
    steps: tuple[str, ...] = ()
    #: Columns that decide a row's partition and are still here: equal values lie together. None when unknown.
    keys: tuple[Column, ...] | None = ()

    @property
    def n(self) -> int:
        """How many partitions there are."""
        return self.frame.num_partitions

    def does(self, step: str, frame: millpond.DataFrame, sql: str, **changes: Any) -> Pipeline:
        """The pipeline with one more operator."""
        return replace(self, frame=frame, sql=sql, steps=(*self.steps, step), **changes)

    def query(self, step: str, text: str, **changes: Any) -> Pipeline:
        """The pipeline with a query over {0} that means the same in a partition as over all rows."""
        sql = text.replace("FROM {0}", f"FROM ({self.sql})")
        return self.does(f"partial_sql({text!r}) # {step}", self.frame.partial_sql(text), sql, **changes)


def fresh_name(draw: Draw, columns: tuple[Column, ...]) -> str:
    """A name that no column has."""
    taken = {column.name.lower() for column in columns}
    return str(draw(st.sampled_from([name for name in (*NAMES, "x1", "x2", "x3") if name.lower() not in taken])))


def any_column(draw: Draw, columns: tuple[Column, ...]) -> Column:
    """One of the columns."""
    return draw(st.sampled_from(columns))  # type: ignore[no-any-return]


def still_here(keys: tuple[Column, ...] | None, kept: dict[str, Column]) -> tuple[Column, ...] | None:
    """The keys under their new names (old name -> new column), or None when one went."""
    if keys is None or any(key.name not in kept for key in keys):
        return None
    return tuple(kept[key.name] for key in keys)


def aliased(expression: str, name: str) -> str:
    """expression AS "name"."""
    return f"{expression} AS {quote(name)}"
