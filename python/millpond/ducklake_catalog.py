"""The catalog of a DuckLake: a database file of DuckDB or SQLite whose tables tell of tables and files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from millpond.errors import DataCorruptError, InvalidArgumentError, NotFoundError, UnavailableError, UnsupportedError
from millpond.sql_text import literal

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa

_T = TypeVar("_T")
_SQLITE = "sqlite:"
_SQLITE_BEGINS = b"SQLite format 3\0"
#: Of the catalog's format. What another one means by its tables is not known.
_VERSIONS = ("1.0",)


class _Database(Protocol):
    def rows(self, query: str) -> list[tuple[Any, ...]]: ...

    def arrow(self, query: str) -> pa.Table: ...

    def tables(self) -> list[str]: ...

    def close(self) -> None: ...


class DuckLakeCatalog:
    """An open catalog, for reading. It is read as it was when it was opened.

    `where` in its queries is SQL made of numbers and of names of the format's alone.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """`path`: the file's, with "ducklake:" or "sqlite:" before it or not. NotFoundError, or what it is instead."""
        text = os.fspath(path).removeprefix("ducklake:")
        is_sqlite, text = text.startswith(_SQLITE), text.removeprefix(_SQLITE)
        if "://" in text or text.startswith(("postgres:", "mysql:", "md:")):
            raise UnsupportedError(
                "a DuckLake catalog is read from a file of this machine", hint="copy a catalog on a store first"
            )
        self.path = str(Path(text).absolute())
        try:
            with Path(text).open("rb") as file:
                is_sqlite = is_sqlite or file.read(len(_SQLITE_BEGINS)) == _SQLITE_BEGINS
        except (FileNotFoundError, IsADirectoryError):
            raise NotFoundError(f'there is no DuckLake catalog at "{text}"', hint="give its database file") from None
        self._database: _Database = _Sqlite(self.path) if is_sqlite else _DuckDb(self.path)
        try:
            self.tables = frozenset(self._database.tables())
            self._check()
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> DuckLakeCatalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()

    def rows(self, table: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Columns of a table of the format."""
        return self._database.rows(f"SELECT {columns} FROM {table} WHERE {where}")

    def arrow(self, query: str) -> pa.Table:
        """What a query gives, whose table is of rows that are in the catalog. UnsupportedError on SQLite."""
        return self._database.arrow(query)

    def setting(self, key: str) -> str:
        """A setting of the whole lake; "" where there is none."""
        found = self.rows("ducklake_metadata", "value", f"key = {literal(key)} AND scope IS NULL")
        return str(found[0][0]) if found else ""

    def _check(self) -> None:
        if not {"ducklake_metadata", "ducklake_snapshot"} <= self.tables:
            raise InvalidArgumentError(
                f'"{self.path}" is a database, but no DuckLake catalog', hint="give the file after ducklake: in ATTACH"
            )
        if (version := self.setting("version")) not in _VERSIONS:
            raise UnsupportedError(
                f'the DuckLake at "{self.path}" is of format {version}, and {", ".join(_VERSIONS)} is read',
                hint="an older one is brought up to it by DuckDB 1.5: ATTACH … (AUTOMATIC_MIGRATION true)",
            )
        if self.setting("encrypted") == "true":
            raise UnsupportedError(f'the DuckLake at "{self.path}" is encrypted, which is not read')


def _unreadable(path: str, error: Exception) -> DataCorruptError:
    text = str(error).partition("\n")[0]
    return DataCorruptError(f'the DuckLake catalog at "{path}" can\'t be read: {text}')


class _DuckDb:
    def __init__(self, path: str) -> None:
        import duckdb

        self._path = path
        self._connection = duckdb.connect(
            config={"autoload_known_extensions": "false", "autoinstall_known_extensions": "false"}
        )
        try:
            self._connection.execute(f"ATTACH {literal(path)} AS lake (TYPE duckdb, READ_ONLY)")
            self._connection.execute("USE lake")
            # A view in a file that others made reads nothing else.
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("BEGIN")
        except duckdb.Error as error:
            self._connection.close()
            raise UnavailableError(
                f'the DuckLake catalog at "{path}" can\'t be opened: {str(error).partition(chr(10))[0]}',
                hint="one that another process writes to is locked: try again when it is closed",
            ) from None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._asked(lambda: self._connection.execute(query).fetchall())

    def arrow(self, query: str) -> pa.Table:
        return self._asked(lambda: self._connection.sql(query).to_arrow_table())

    def _asked(self, ask: Callable[[], _T]) -> _T:
        import duckdb

        try:
            return ask()
        except duckdb.Error as error:
            raise _unreadable(self._path, error) from None

    def tables(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'")]

    def close(self) -> None:
        self._connection.close()


class _Sqlite:
    def __init__(self, path: str) -> None:
        self._path = path
        self._connection = sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)
        self._connection.execute("BEGIN")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query).fetchall()
        except sqlite3.Error as error:
            raise _unreadable(self._path, error) from None

    def arrow(self, query: str) -> pa.Table:
        raise UnsupportedError(
            "this DuckLake table has rows in its SQLite catalog, which are not read from there",
            hint="write them to files first: CALL ducklake_flush_inlined_data('lake')",
        )

    def tables(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def close(self) -> None:
        self._connection.close()
