"""Random tables: hostile names, types with their awkward values, any number of files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from hypothesis import strategies as st

#: SQL type -> expressions for values of it: extremes, zeros, duplicates on purpose.
VALUES: dict[str, tuple[str, ...]] = {
    "BIGINT": ("0", "1", "2", "-1", "-9223372036854775808", "9223372036854775807", "9007199254740993"),
    "INTEGER": ("0", "1", "2", "-7", "-2147483648", "2147483647"),
    "TINYINT": ("0", "1", "-128", "127"),
    "UBIGINT": ("0", "1", "18446744073709551615"),
    "DOUBLE": ("0.0", "'-0.0'", "'nan'", "'-nan'", "'inf'", "'-inf'", "1.5", "5e-324", "1.7976931348623157e308"),
    "FLOAT": ("0.0", "'-0.0'", "'nan'", "'inf'", "1.5", "0.1"),
    "DECIMAL(9,2)": ("0", "-9999999.99", "9999999.99", "0.01"),
    "BOOLEAN": ("true", "false"),
    "VARCHAR": (
        "''",
        "'a'",
        "'A'",
        "' a'",
        "'it''s'",
        "'{0}'",
        "'größe'",
        "'🦆'",
        "repeat('long', 50)",
        "'NULL'",
        "chr(10)",
    ),
    "BLOB": ("''", "'\\x00'", "'\\xFF\\x00'"),
    "DATE": ("'1970-01-01'", "'0001-01-01'", "'9999-12-31'", "'infinity'", "'2024-02-29'"),
    "TIMESTAMP": ("'1970-01-01'", "'2024-02-29 23:59:59.999999'", "'infinity'"),
    "UUID": ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
    "BIGINT[]": ("[]", "[1]", "[1, NULL]", "[NULL]"),
    "STRUCT(a INTEGER, b VARCHAR)": ("{'a': 1, 'b': 'x'}", "{'a': NULL, 'b': ''}", "{'a': 1, 'b': NULL}"),
}

NAMES = (
    *(
        "a",
        "B",
        "k",
        "select",
        "a b",
        'q"q',
        "it's",
        "größe",
        "🦆",
        "{0}",
        "in0",
        "s0",
        "in1",
        "s1_",
        "rowid",
        "new\nline",
    ),
    *("%s", "*", "1", "__millpond_key_0", "__millpond_row", "filename", "count_star()", ";--", "$1", "T0"),
)


@dataclass(frozen=True)
class Column:
    """A column by its name and SQL type."""

    name: str
    type: str

    @property
    def sql(self) -> str:
        """The quoted name."""
        return quote(self.name)


@dataclass(frozen=True)
class Table:
    """A table of the oracle and how millpond gets it."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str  # "parquet", "arrow" or "sql"
    num_files: int

    @property
    def select(self) -> str:
        """A query that makes it."""
        casts = ", ".join(f"c{i}::{column.type} AS {column.sql}" for i, column in enumerate(self.columns))
        names = ", ".join(f"c{i}" for i in range(len(self.columns)))
        rows = self.rows or (("NULL",) * len(self.columns),)
        values = ", ".join("(" + ", ".join(row) + ")" for row in rows)
        return f"SELECT {casts} FROM (VALUES {values}) v({names})" + ("" if self.rows else " WHERE false")

    def create(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        """Makes it in the oracle, and its files."""
        connection.execute(f"CREATE OR REPLACE TABLE {self.name} AS {self.select}")
        if self.source != "parquet":
            return
        for number in range(self.num_files):
            begin, end = (len(self.rows) * (number + step) // self.num_files for step in (0, 1))
            path = str(folder / f"{self.name}-{number}.parquet").replace("'", "''")
            part = f"SELECT * FROM {self.name} LIMIT {end - begin} OFFSET {begin}"
            connection.execute(f"COPY ({part}) TO '{path}' (FORMAT parquet)")

    def paths(self, folder: Path) -> list[Path]:
        """Its files."""
        return [folder / f"{self.name}-{number}.parquet" for number in range(self.num_files)]


def quote(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def value_of(kind: str) -> st.SearchStrategy[str]:
    """An expression of the type; NULL now and then."""
    return st.sampled_from(("NULL", *(f"({value})::{kind}" for value in VALUES[kind])))


@st.composite
def tables(draw: st.DrawFn, name: str) -> Table:
    """A table of one to five columns and up to 40 rows."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique_by=str.lower))
    columns = tuple(Column(each, draw(st.sampled_from(tuple(VALUES)))) for each in names)
    row = st.tuples(*(value_of(column.type) for column in columns))
    rows = tuple(draw(st.lists(row, max_size=40)))
    # DuckDB's Arrow tables hold a UUID as text.
    has_uuid = any(column.type == "UUID" for column in columns)
    source = draw(st.sampled_from(("parquet", "sql") if has_uuid else ("parquet", "parquet", "arrow", "sql")))
    return Table(name, columns, rows, source, draw(st.integers(1, 4)))
