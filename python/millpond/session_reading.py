"""Frames over files and over data in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError
from millpond.file_options import Names, Paths, StorageOptions, path_list, read_options
from millpond.frame_base import made
from millpond.row_functions import rows_to_table
from millpond.schema import Schema, SchemaLike
from millpond.source_line import source_line

if TYPE_CHECKING:
    from millpond import _core
    from millpond.dataframe import DataFrame
    from millpond.session import Session


class SessionReading:
    """The readers of a Session.

    `paths` is a path or a list of paths: literal, patterns (`*`, `?`, `[a-z]`, `**`) or directories (`recursive=True`
    for their sub-directories too). A path that matches nothing is an error, except with `allow_empty=True`. Any number
    of files is one partition. `union_by_name` matches columns by name and fills missing ones with NULL.
    `hive_partitioning` makes columns of `key=value` folders; left out, when all paths have them. `filename` adds the
    column of that name, `file_row_number` (Parquet) the row's number in its file; both also beside chosen `columns`.
    `new_only="name"` leaves out files that a finished run of that name has read (docs/guide.md).
    `storage_options` are added to the session's for the paths' buckets, from this call on.
    """

    #: Whether a CSV file may begin with a header where a schema is given.
    _finds_header = True

    def read_parquet(
        self,
        paths: Paths,
        recursive: bool = False,
        columns: Names = None,
        union_by_name: bool = False,
        *,
        hive_partitioning: bool | None = None,
        filename: bool = False,
        file_row_number: bool = False,
        allow_empty: bool = False,
        new_only: str | None = None,
        schema: SchemaLike | None = None,
        storage_options: StorageOptions = None,
    ) -> DataFrame:
        """A frame over Parquet files; `columns` are read alone, in this order. Every file's footer is read now.

        `schema` tells the columns where no file is there, and the types of `key=value` folders where it names all keys.

        >>> session.from_items([{"a": 1, "b": 2}]).write_parquet(folder / "read_parquet")
        >>> session.read_parquet(folder / "read_parquet", columns=["b"]).take_all()
        [{'b': 2}]
        """
        options = read_options(
            recursive=recursive,
            columns=columns,
            union_by_name=union_by_name,
            hive_partitioning=hive_partitioning,
            filename=filename,
            file_row_number=file_row_number,
            allow_empty=allow_empty,
            new_only=new_only,
            schema=schema,
        )
        return self._read(_as_session(self)._core.read_parquet, paths, options, storage_options)

    def read_csv(
        self,
        paths: Paths,
        schema: SchemaLike | None = None,
        delim: str | None = ",",
        header: bool | None = None,
        *,
        recursive: bool = False,
        columns: Names = None,
        union_by_name: bool = False,
        hive_partitioning: bool | None = None,
        filename: bool = False,
        allow_empty: bool = False,
        new_only: str | None = None,
        storage_options: StorageOptions = None,
        **reader_options: Any,
    ) -> DataFrame:
        """A frame over CSV files, compressed or not. Without `schema`, names and types come from the first rows.

        `delim=None` finds out the delimiter. `header=None` finds out whether the first line is a header: with `schema`,
        when it holds the schema's names. Further keywords are options of DuckDB's `read_csv`, such as `quote` or
        `nullstr`.

        >>> _ = (folder / "prices.csv").write_text("ticker,price\\nA,1.5\\n")
        >>> session.read_csv(folder / "prices.csv").take_all()
        [{'ticker': 'A', 'price': 1.5}]
        """
        if header is None and schema is not None and not self._finds_header:
            header = False
        options = read_options(
            recursive=recursive,
            columns=columns,
            union_by_name=union_by_name,
            hive_partitioning=hive_partitioning,
            filename=filename,
            allow_empty=allow_empty,
            new_only=new_only,
            schema=schema,
            reader_options={"delim": delim, "header": header, **reader_options},
        )
        return self._read(_as_session(self)._core.read_csv, paths, options, storage_options)

    def read_json(
        self,
        paths: Paths,
        schema: SchemaLike | None = None,
        *,
        recursive: bool = False,
        columns: Names = None,
        union_by_name: bool = False,
        hive_partitioning: bool | None = None,
        filename: bool = False,
        allow_empty: bool = False,
        new_only: str | None = None,
        storage_options: StorageOptions = None,
        **reader_options: Any,
    ) -> DataFrame:
        """A frame over JSON files, one object a line. Without `schema`, names and types come from the first rows.

        Further keywords are options of DuckDB's `read_json`, such as `format="array"`.

        >>> _ = (folder / "rows.json").write_text('{"a": 1}\\n{"a": 2}\\n')
        >>> session.read_json(folder / "rows.json").count()
        2
        """
        options = read_options(
            recursive=recursive,
            columns=columns,
            union_by_name=union_by_name,
            hive_partitioning=hive_partitioning,
            filename=filename,
            allow_empty=allow_empty,
            new_only=new_only,
            schema=schema,
            reader_options=reader_options,
        )
        return self._read(_as_session(self)._core.read_json, paths, options, storage_options)

    def from_items(self, items: Iterable[Any], schema: SchemaLike | None = None) -> DataFrame:
        """A frame of dicts, whose keys become columns; other values make one column `item`. One partition.

        >>> session.from_items([{"a": 1}, {"a": 2}]).columns, session.from_items([1, 2]).columns
        (['a'], ['item'])
        """
        rows = list(items)
        if not rows and schema is None:
            raise InvalidArgumentError(
                "from_items was given no items, so the columns are not known", hint='give schema={"name": "TYPE"}'
            )
        if not any(isinstance(row, Mapping) for row in rows) and (schema is None or list(Schema(schema)) == ["item"]):
            rows = [{"item": row} for row in rows]
        arrow_schema = Schema(schema).to_arrow() if schema is not None else None
        return self._from_arrow(rows_to_table([_row(row) for row in rows], arrow_schema))

    def from_arrow(self, table: Any) -> DataFrame:
        """A frame of the rows of a pyarrow Table, or of anything with `__arrow_c_stream__`. They are copied now.

        >>> import pyarrow as pa
        >>> session.from_arrow(pa.table({"a": [1, 2]})).count()
        2
        """
        return self._from_arrow(table)

    def from_pandas(self, df: Any) -> DataFrame:
        """A frame of the rows of a pandas DataFrame. Its index is left out; `reset_index()` makes columns of it."""
        import pyarrow as pa

        pandas = sys.modules.get("pandas")
        if pandas is None or not isinstance(df, pandas.DataFrame):
            raise InvalidArgumentError(f"from_pandas takes a pandas DataFrame, not {type(df).__qualname__}")
        return self._from_arrow(pa.Table.from_pandas(df, preserve_index=False))

    def from_polars(self, df: Any) -> DataFrame:
        """A frame of the rows of a polars DataFrame; a LazyFrame is collected."""
        return self._from_arrow(df.collect() if hasattr(df, "collect") else df)

    def _from_arrow(self, rows: Any) -> DataFrame:
        line = source_line()
        return self._made(_as_session(self)._core.from_arrow(rows, str(line)), line)

    def _read(
        self,
        read: Callable[..., _core.DataFrame],
        paths: Paths,
        options: _core.ReadOptions,
        storage_options: StorageOptions,
    ) -> DataFrame:
        line = source_line()
        found = path_list(paths)
        if storage_options:
            for path in found:
                _as_session(self)._stores.add(path, storage_options)
        return self._made(read(found, options, str(line)), line)

    def _made(self, frame: _core.DataFrame, line: Any) -> DataFrame:
        return made(_as_session(self), frame, line)


def _as_session(reading: SessionReading) -> Session:
    from millpond.session import Session

    assert isinstance(reading, Session)
    return reading


def _row(row: Any) -> dict[str, Any]:
    if isinstance(row, Mapping):
        return dict(row)
    raise InvalidArgumentError(
        f"from_items was given dicts and others: {row!r}", hint="give dicts only, or no dicts at all"
    )
