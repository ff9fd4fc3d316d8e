"""Files that a job writes for a table, before the table knows them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from millpond.errors import DataCorruptError, InvalidArgumentError
from millpond.sql_text import quote_name
from millpond.store import root_of
from millpond.store_file import StoreFile

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from millpond.dataframe import DataFrame
    from millpond.object_store import ObjectStores

_HEAD = "._millpond-head.json"
_THREADS = 8
_FOOTER_BYTES = 64 << 10
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
# A column of the first type may be written to one of the others without a value being changed.
_WIDER = {
    '"NULL"': (),
    "BOOLEAN": ("BOOLEAN",),
    "TINYINT": ("SMALLINT", "INTEGER", "BIGINT"),
    "SMALLINT": ("INTEGER", "BIGINT"),
    "INTEGER": ("BIGINT",),
    "UTINYINT": ("SMALLINT", "INTEGER", "BIGINT"),
    "USMALLINT": ("INTEGER", "BIGINT"),
    "UINTEGER": ("BIGINT",),
    "FLOAT": ("DOUBLE",),
    "UUID": ("VARCHAR",),
    "JSON": ("VARCHAR",),
    "TIMESTAMP_S": ("TIMESTAMP",),
    "TIMESTAMP_MS": ("TIMESTAMP",),
}


@dataclass(frozen=True)
class WrittenFile:
    """A Parquet file in its place, with the values of its `key=value` folders, None for NULL."""

    path: str
    size: int
    mtime_ns: int
    folders: dict[str, str | None]
    footer: pq.FileMetaData


def written_files(stores: ObjectStores, folder: str) -> list[WrittenFile]:
    """The files with rows that a write left in its folder, on a disk or a store."""
    found = _stored(stores, folder) if root_of(folder) else _on_disk(folder)
    with ThreadPoolExecutor(_THREADS) as pool:
        footers = list(pool.map(lambda entry: _footer(stores, entry[0]), found))
    files = []
    for (path, size, mtime_ns), footer in zip(found, footers, strict=True):
        if footer.num_rows:
            names = path[len(folder) + 1 :].split("/")[:-1]
            pairs = [name.partition("=") for name in names]
            folders = {unquote(key): None if value == _HIVE_NULL else unquote(value) for key, _, value in pairs}
            files.append(WrittenFile(path, size, mtime_ns, folders, footer))
    return files


def _stored(stores: ObjectStores, folder: str) -> list[tuple[str, int, int]]:
    # What a dead run left lies there too: the head says what counts.
    head = json.loads(stores.get(f"{folder}/{_HEAD}")[0])
    named = {f"{folder}/{file['name']}" for write in head["writes"] for file in write["files"]}
    found = [(path, size, mtime_ns) for path, size, mtime_ns, *_ in stores.list_all(folder) if path in named]
    if len(found) != len(named):
        raise DataCorruptError(f'"{folder}" lacks files of a write that was done', hint="run the program again")
    return found


def _on_disk(folder: str) -> list[tuple[str, int, int]]:
    found = [(str(path), path.stat()) for path in sorted(Path(folder).rglob("*.parquet"))]
    return [(path, status.st_size, status.st_mtime_ns) for path, status in found]


def _footer(stores: ObjectStores, path: str) -> pq.FileMetaData:
    import pyarrow.parquet as pq

    if not root_of(path):
        return pq.read_metadata(path)
    with BufferedReader(StoreFile(stores.open(path)), _FOOTER_BYTES) as file:
        return pq.read_metadata(file)


def conformed(frame: DataFrame, columns: Iterable[tuple[str, str]], extra: Iterable[str] = ()) -> DataFrame:
    """The frame's rows with a table's columns, in its order and types, and `extra` expressions after them.

    A column that the frame lacks is NULL. InvalidArgumentError for one that the table lacks, and for a type that could
    not be widened to the table's without changing values.
    """
    have = {name.lower(): (name, kind) for name, kind in frame.schema.items()}
    selected = []
    for name, kind in columns:
        own, given = have.pop(name.lower(), ("", ""))
        if own and not _fits(given, kind):
            raise InvalidArgumentError(
                f'the column "{own}" is {given}, and the table\'s is {kind}',
                hint=f'cast it first: map("* REPLACE ({quote_name(own)}::{kind} AS {quote_name(own)})")',
            )
        selected.append(f"CAST({quote_name(own) if own else 'NULL'} AS {kind}) AS {quote_name(name)}")
    if have:
        names = ", ".join(f'"{name}"' for name, _ in have.values())
        raise InvalidArgumentError(
            f"the table has no column {names}", hint="add it to the table first, or leave it out of the frame"
        )
    return frame.map(", ".join([*selected, *extra]))


def _fits(given: str, wanted: str) -> bool:
    if given == wanted or given in ('"NULL"', "NULL") or wanted in _WIDER.get(given, ()):
        return True
    if given.startswith("ENUM") and wanted == "VARCHAR":
        return True
    if given.startswith("DECIMAL") and wanted.startswith("DECIMAL"):
        (p1, s1), (p2, s2) = (map(int, kind[8:-1].split(",")) for kind in (given, wanted))
        return s1 <= s2 and p1 - s1 <= p2 - s2
    return _nested_fits(given, wanted)


def _nested_fits(given: str, wanted: str) -> bool:
    # Quotes around a field's name may differ, types may not.
    return ("(" in given or "[" in given) and given.replace('"', "").replace(" ", "") == wanted.replace(
        '"', ""
    ).replace(" ", "")


def bounds_of(footer: Any, column: int) -> tuple[Any, Any, int | None]:
    """The least and greatest value of a flat column by a file's footer, None where it doesn't say, and its NULLs."""
    least = greatest = None
    nulls: int | None = 0
    known = True
    for group in range(footer.num_row_groups):
        statistics = footer.row_group(group).column(column).statistics
        if statistics is None or not statistics.has_null_count:
            nulls = None
        elif nulls is not None:
            nulls += statistics.null_count
        if statistics is None or not statistics.has_min_max:
            known = known and statistics is not None and statistics.has_null_count and statistics.num_values == 0
            continue
        least = statistics.min if least is None else min(least, statistics.min)
        greatest = statistics.max if greatest is None else max(greatest, statistics.max)
    return (least, greatest, nulls) if known else (None, None, nulls)
