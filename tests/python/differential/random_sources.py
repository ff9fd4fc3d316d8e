"""Random tables of all types, and the many ways in which a session may hold one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import millpond
from all_types import NOT_AS_TEXT, NOT_IN_PARQUET, VALUES
from sql_query import Chance, Column, Query, listed, quote

TABLE_NAMES = ("t0", "In0", "order", "größe", "t 2", "c0", "millpond_source_1")
#: Drawn more often: most aggregates are of numbers.
NUMBERS = ("INTEGER", "BIGINT", "DOUBLE", "DECIMAL(9,2)", "SMALLINT", "FLOAT", "UTINYINT")
#: What Python holds as DuckDB does, and reads back to the letter.
ITEMS = ("INTEGER", "BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR", "BLOB", "BIGINT[]", "VARCHAR[]", "DECIMAL(9,2)")


@dataclass(frozen=True)
class Table:
    """A table by its rows, as the oracle holds it."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def select(self) -> str:
        """A query that makes it."""
        types = ", ".join(f"v{i}::{column.type} AS {column.sql}" for i, column in enumerate(self.columns))
        names = ", ".join(f"v{i}" for i in range(len(self.columns)))
        rows = self.rows or (tuple(f"NULL::{column.type}" for column in self.columns),)
        values = ", ".join("(" + ", ".join(row) + ")" for row in rows)
        return f"SELECT {types} FROM (VALUES {values}) v({names})" + ("" if self.rows else " WHERE false")

    @property
    def query(self) -> Query:
        """All of its rows."""
        return Query(f"SELECT {listed(self.columns)} FROM {quote(self.name)}", self.columns, len(self.rows))


def random_tables(chance: Chance, count: int) -> list[Table]:
    """Tables of one to six columns and up to 30 rows. They share types, so that they can be joined."""
    shared = chance.some_of(tuple(VALUES), 3, 5)
    tables = []
    for name in chance.some_of(TABLE_NAMES, count, count):
        pools = (shared, shared, NUMBERS, tuple(VALUES))
        types = [chance.one_of(chance.one_of(pools)) for _ in range(chance.number(1, 6))]
        if chance.is_one_in(8):
            types = [chance.one_of(ITEMS) for _ in types]
        columns = tuple(Column(each, kind) for each, kind in zip(chance.names(len(types)), types, strict=True))
        size = chance.one_of((0, 1, 5, 12, 30)) if chance.is_one_in(3) else chance.number(2, 20)
        # Few values of each column, so that groups and matches have several rows.
        known = [[chance.value(kind) for _ in range(chance.number(1, 6))] for kind in types]
        rows = tuple(tuple(chance.one_of(values) for values in known) for _ in range(size))
        tables.append(Table(name, columns, rows))
    return tables


def frame_of(
    chance: Chance, table: Table, session: millpond.Session, oracle: duckdb.DuckDBPyConnection, folder: Path
) -> tuple[millpond.DataFrame, str]:
    """The table as the session holds it, and how that is."""
    sources = [_from_query, _from_files, _from_files, _from_arrow]
    if all(column.type in ITEMS for column in table.columns):
        sources += [_from_items, _from_items]
    source = chance.one_of(sources)
    if source is not _from_query and any(column.type in NOT_AS_TEXT for column in table.columns):
        source = _from_query
    frame = source(chance, table, session, oracle, folder)
    frame, how = _partitioned(chance, table, frame)
    return frame, f"{source.__name__[1:]}, {how}"


def _from_query(
    chance: Chance, table: Table, session: millpond.Session, oracle: duckdb.DuckDBPyConnection, folder: Path
) -> millpond.DataFrame:
    return session.partial_sql(table.select)


def _from_arrow(
    chance: Chance, table: Table, session: millpond.Session, oracle: duckdb.DuckDBPyConnection, folder: Path
) -> millpond.DataFrame:
    return _from_text(session.from_arrow(oracle.sql(_as_text(table)).to_arrow_table()), table)


def _from_items(
    chance: Chance, table: Table, session: millpond.Session, oracle: duckdb.DuckDBPyConnection, folder: Path
) -> millpond.DataFrame:
    names = [column.name for column in table.columns]
    rows = oracle.sql(f"FROM {quote(table.name)}").fetchall()
    schema = {column.name: column.type for column in table.columns}
    return session.from_items([dict(zip(names, row, strict=True)) for row in rows], schema=schema)


def _from_files(
    chance: Chance, table: Table, session: millpond.Session, oracle: duckdb.DuckDBPyConnection, folder: Path
) -> millpond.DataFrame:
    count = chance.number(1, 4)
    paths = []
    for number in range(count):
        begin, end = (len(table.rows) * (number + step) // count for step in (0, 1))
        paths.append(folder / f"{table.name}-{chance.seed}-{number}.parquet")
        part = f"FROM ({_as_text(table)}) LIMIT {end - begin} OFFSET {begin}"
        oracle.execute(f"COPY ({part}) TO '{paths[-1]}' (FORMAT parquet, ROW_GROUP_SIZE 5)")
    return _from_text(session.read_parquet(paths), table)


def _is_text(column: Column) -> bool:
    # The rest of what nests such types, Arrow and Parquet read back as another type.
    return column.type in NOT_IN_PARQUET or "HUGEINT" in column.type or column.type in ("UUID", "INTEGER[2]")


def _as_text(table: Table) -> str:
    items = (f"{each.sql}::VARCHAR AS {each.sql}" if _is_text(each) else each.sql for each in table.columns)
    return f"SELECT {', '.join(items)} FROM {quote(table.name)}"


def _from_text(frame: millpond.DataFrame, table: Table) -> millpond.DataFrame:
    if frame.schema == {column.name: column.type for column in table.columns}:
        return frame
    return frame.map(", ".join(f"{each.sql}::{each.type} AS {each.sql}" for each in table.columns))


def _partitioned(chance: Chance, table: Table, frame: millpond.DataFrame) -> tuple[millpond.DataFrame, str]:
    count = chance.one_of((1, 3, 16))
    how = chance.number(0, 7)
    if how == 0:
        return frame.repartition(count, by_rows=True), f"{count} by rows"
    keys = [column.name for column in chance.some_of(table.columns, 1, 2) if column.type != "VARIANT"]
    if how == 1 and keys:
        return frame.repartition(count, hash_by=keys), f"{count} by hash of {keys}"
    if how == 2:
        return frame.repartition(count), f"{count} by files"
    if how == 3:
        by = f"CASE WHEN {chance.one_of(table.columns).sql} IS NULL THEN 0 ELSE {count - 1} END"
        return frame.repartition(count, by=by), f"{count} by {by}"
    if how == 4:
        return frame.repartition(count, random_shuffle=True, seed=5), f"{count} by chance"
    return frame, "as it is"
