"""Plain DuckDB on the same tables: what each frame has to equal, and the files that the frames read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
from spec_case import Block, Case


def quote(text: str) -> str:
    """Text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


class Oracle:
    """The tables of one case in a DuckDB of its own. Answers are kept: they are the same for every runner."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.folder = folder
        self._connection = duckdb.connect()
        self._answers: dict[str, tuple[list[tuple[str, str]], pa.Table]] = {}
        for block in case.tables:
            self._connection.execute(f'CREATE TABLE "{block.arguments[0]}" AS {block.text}')
            if "sql" not in block.arguments and "arrow" not in block.arguments:
                self._write_parquet(block.arguments[0], block.arguments[1:])

    def close(self) -> None:
        """Ends the DuckDB."""
        self._connection.close()

    def answer(self, query: str) -> tuple[list[tuple[str, str]], pa.Table]:
        """Names and DuckDB types of the query's columns, and its rows."""
        if query not in self._answers:
            # Through a table, as a frame's rows are: a constant column then has the type of its values.
            relation = self._connection.sql(query)
            schema = [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)]
            self._answers[query] = (schema, _with_text(relation).to_arrow_table())
        return self._answers[query]

    def parquet(self, table: str) -> list[str]:
        """The files of a table, in the order of its rows."""
        return sorted(str(path) for path in self.folder.glob(f"{table}-*.parquet"))

    def arrow(self, table: str) -> pa.Table:
        """A table's rows in memory."""
        return self._connection.sql(f'FROM "{table}"').to_arrow_table()

    def _write_parquet(self, table: str, arguments: Sequence[str]) -> None:
        options = dict(argument.split("=") for argument in arguments if "=" in argument)
        files = int(options.get("files", 3))
        group = options.get("row_group_size", "122880")
        (rows,) = self._connection.sql(f'SELECT count(*) FROM "{table}"').fetchall()[0]
        for number in range(files):
            begin, end = rows * number // files, rows * (number + 1) // files
            path = quote(str(self.folder / f"{table}-{number:03}.parquet"))
            part = f'SELECT * FROM "{table}" WHERE rowid >= {begin} AND rowid < {end}'
            self._connection.execute(f"COPY ({part}) TO {path} (FORMAT parquet, ROW_GROUP_SIZE {group})")


#: DuckDB's own Arrow gives these as inner bytes, without the zone, or negative where they are large.
_AS_TEXT = re.compile(r"\b(BIT|UHUGEINT|TIME WITH TIME ZONE)\b")


def _with_text(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows, types that Arrow lacks as text."""
    if not any(_AS_TEXT.search(str(kind)) for kind in relation.types):
        return relation
    columns = [
        f'CAST("{name}" AS {_AS_TEXT.sub("VARCHAR", str(kind))}) AS "{name}"'
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
    return relation.project(", ".join(columns))


def sql_frame(block: Block) -> str:
    """The table's own query, for tables that no file format carries."""
    return block.text
