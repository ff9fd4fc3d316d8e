"""Actions: what runs a plan and brings rows, or says what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from millpond.display import html_table, text_table
from millpond.errors import UnsupportedError
from millpond.frame_base import FrameBase
from millpond.schema import Schema
from millpond.source_line import source_line

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

    from millpond import _core


class FrameResults(FrameBase):
    """The actions of a DataFrame."""

    @property
    def schema(self) -> Schema:
        """Names and DuckDB types of the columns.

        Known without running anything, except after a Python function without `schema=`: that is computed.

        >>> session.from_items([{"a": 1, "b": "x"}]).schema
        Schema(a: BIGINT, b: VARCHAR)
        """
        return Schema(self._frame.resolve_schema())

    @property
    def columns(self) -> list[str]:
        """The columns' names. Known when `schema` is."""
        return self.schema.names

    @property
    def dtypes(self) -> list[str]:
        """The columns' DuckDB types. Known when `schema` is."""
        return self.schema.types

    @property
    def num_partitions(self) -> int:
        """How many partitions there are. Runs nothing."""
        return self._frame.num_partitions()

    def count(self) -> int:
        """The number of rows.

        >>> session.from_items([1, 2, 3]).count()
        3
        """
        return self._frame.count()

    def take(self, limit: int) -> list[dict[str, Any]]:
        """At most `limit` rows as dicts, those of the first partitions first. Reads no more than it needs.

        >>> session.from_items([1, 2, 3]).take(2)
        [{'item': 1}, {'item': 2}]
        """
        return self._first(limit).to_pylist()  # type: ignore[no-any-return]

    def take_all(self) -> list[dict[str, Any]]:
        """All rows as dicts, in partition order.

        >>> session.from_items([1, 2]).take_all()
        [{'item': 1}, {'item': 2}]
        """
        return self.to_arrow().to_pylist()  # type: ignore[no-any-return]

    def to_arrow(self) -> pa.Table:
        """All rows as a `pyarrow.Table`, in partition order.

        What Arrow has no type for (BIT, TIMETZ, UHUGEINT) comes as text.

        >>> session.from_items([1, 2]).to_arrow().num_rows
        2
        """
        return _read_all(self._frame.to_arrow())

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a pandas DataFrame, with one index from 0. Needs pandas."""
        _import("pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """All rows as a polars DataFrame. Needs polars."""
        return _import("polars").from_arrow(self.to_arrow())  # type: ignore[no-any-return]

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows by the Arrow C stream interface, pulled as the consumer reads.

        >>> import pyarrow as pa
        >>> pa.table(session.from_items([1, 2])).num_rows
        2
        """
        return self._frame.to_arrow().__arrow_c_stream__(requested_schema)

    def compute(self) -> Self:
        """Runs the plan now and keeps the rows in the job's folder for later actions. Returns the frame."""
        self._frame.compute()
        return self

    def recompute(self) -> Self:
        """Drops what was kept, so that the next action computes anew. Returns the frame."""
        self._frame.recompute()
        return self

    def is_computed(self) -> bool:
        """Whether the rows are kept, so that an action only reads them.

        >>> df = session.from_items([1]).map("item + 1 AS item")
        >>> df.is_computed(), df.compute().is_computed()
        (False, True)
        """
        return self._frame.is_computed()

    def show(self, limit: int = 10) -> None:
        """Prints the first rows as a table.

        >>> session.from_items([{"a": 1}]).show()
        ┌────────┐
        │ a      │
        │ BIGINT │
        ├────────┤
        │      1 │
        └────────┘
        """
        print(text_table(*self._preview(limit)))

    def explain(self, *, analyze: bool = False) -> str:
        """The logical plan, then the stages that it becomes, as a script of SQL.

        The script runs in a DuckDB that has millpond's functions, or in any DuckDB where the frame comes from files
        alone: each stage makes a table that later ones read. Comments say what it reads, how many rows it may give by
        DuckDB's estimate, and where its rows go. Runs nothing, unless `analyze`: then the frame is computed, and each
        stage says its rows in and out, bytes written, the time of all tasks and of the slowest, how much the largest
        task is above the median one, bytes spilled, and whose results were there already. What an earlier action made
        is not made again; the text says so.

        >>> df = session.sql(
        ...     "SELECT item % 2 AS odd, count(*) AS n FROM t GROUP BY odd", t=session.from_items([1, 2, 3])
        ... )
        >>> "-- stage 0: sql, 1 task" in df.explain()
        True
        >>> "3 rows in, 2 rows and " in df.explain(analyze=True)
        True
        """
        return self._frame.explain(analyze)

    def __len__(self) -> NoReturn:
        raise TypeError("a lazy frame has no len(); df.count() runs it and gives the number of rows")

    def __iter__(self) -> NoReturn:
        raise TypeError("a lazy frame can't be iterated; use take(n), take_all() or to_arrow()")

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        schema = self._known_schema()
        columns = "columns known once computed" if schema is None else ", ".join(f"{n} {t}" for n, t in schema.items())
        return f"DataFrame[{columns}] ({self._frame.partitioning()})"

    def _repr_html_(self) -> str:
        """In a notebook: the first rows if they are computed; nothing is run for it."""
        import html

        text = html.escape(repr(self))
        return html_table(*self._preview(10)) + f"<p>{text}</p>" if self.is_computed() else f"<p>{text}</p>"

    def _first(self, limit: int) -> pa.Table:
        return _read_all(self._frame.limit(limit, str(source_line())).to_arrow())

    def _preview(self, limit: int) -> tuple[pa.Table, list[str], str]:
        first = self._first(limit + 1)
        more = f"the first {limit} rows" if first.num_rows > limit else ""
        return first.slice(0, limit), self.schema.types, more


def _read_all(stream: _core.ArrowStream) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.RecordBatchReader.from_stream(stream).read_all()
    except (pa.ArrowException, OSError, MemoryError):
        stream.raise_error()
        raise


def _import(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnsupportedError(
            f"this needs the package {name}", hint=f"pip install {name}, or use to_arrow()"
        ) from None
