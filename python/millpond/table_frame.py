"""A frame over one version of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from millpond.frame_base import made
from millpond.sql_text import quote_name
from millpond.table_bounds import bounds_of_files
from millpond.table_identity import note_table_read
from millpond.table_snapshot import TableColumn, TableFile, TableSnapshot, schema_option

if TYPE_CHECKING:
    import pyarrow as pa

    from millpond import _core
    from millpond.dataframe import DataFrame
    from millpond.session import Session
    from millpond.source_line import SourceLine

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def frame_of(session: Session, snapshot: TableSnapshot, root: str, line: SourceLine) -> DataFrame:
    """The rows of a version of the table at `root`, lazily."""
    frame = _rows_of(session, snapshot, line)
    note_table_read(session, frame, root)
    return frame


def with_rows(
    session: Session, frame: DataFrame, columns: tuple[TableColumn, ...], tables: tuple[pa.Table, ...]
) -> DataFrame:
    """A frame of a version, and the rows that its catalog itself holds: tables of columns c0, c1, …"""
    if not tables:
        return frame
    selected = ", ".join(
        f"CAST(c{i} AS {column.type}) AS {quote_name(column.name)}" for i, column in enumerate(columns)
    )
    parts = ["SELECT * FROM {0}", *(f"SELECT {selected} FROM {{{i + 1}}}" for i in range(len(tables)))]
    return session.sql(" UNION ALL ".join(parts), frame, *map(session.from_arrow, tables))


def _rows_of(session: Session, snapshot: TableSnapshot, line: SourceLine) -> DataFrame:
    """The rows of a version.

    Files whose columns are all in them, or in whose `key=value` folders the rest stands, are scanned as they are; to
    the others their partition's values, and the deleted rows, are joined by file and row number.
    """
    plain = tuple(file for file in snapshot.files if not file.has_deletes and _stands_alone(snapshot, file))
    joined = tuple(file for file in snapshot.files if file.has_deletes or not _stands_alone(snapshot, file))
    parts = [_joined_scan(session, snapshot, joined, line)] if joined else []
    if plain and snapshot.partition_columns:
        parts.insert(0, _folder_scan(session, snapshot, plain, line))
    elif plain:
        parts.insert(0, _scan(session, snapshot.columns, plain, line))
    if not parts:
        nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {quote_name(column.name)}" for column in snapshot.columns)
        return made(session, session._core.partial_sql(f"SELECT {nulls} WHERE false", [], str(line)), line)
    if len(parts) == 1:
        return parts[0]
    return session.sql("SELECT * FROM {0} UNION ALL SELECT * FROM {1}", *parts)


def _stands_alone(snapshot: TableSnapshot, file: TableFile) -> bool:
    """Whether the partition's values are those of the path's folders."""
    if snapshot.partition_columns and not snapshot.by_folders:
        return False
    wanted = [(name, file.partition.get(name)) for name in snapshot.partition_columns]
    return not wanted or sorted(_folders(file.path)) == sorted((name, value or "") for name, value in wanted)


def _folders(path: str) -> list[tuple[str, str]]:
    pairs = [folder.split("=", 1) for folder in path.split("/")[:-1] if "=" in folder]
    return [(unquote(key), "" if value == _HIVE_NULL else unquote(value)) for key, value in pairs]


def _scan(
    session: Session,
    columns: tuple[TableColumn, ...],
    files: tuple[TableFile, ...],
    line: SourceLine,
    names: list[str] | None = None,
) -> DataFrame:
    from millpond import _core

    options = _core.ReadOptions()
    options.hive_partitioning = False
    options.filename = names is not None
    options.file_row_number = names is not None
    options.reader_options = {"schema": schema_option(columns, names)}
    return _read(session, files, options, columns, names, line)


def _folder_scan(
    session: Session, snapshot: TableSnapshot, files: tuple[TableFile, ...], line: SourceLine
) -> DataFrame:
    from millpond import _core

    options = _core.ReadOptions()
    options.hive_partitioning = True
    options.schema = [(c.name, c.type) for c in snapshot.columns if c.name in snapshot.partition_columns]
    options.union_by_name = True
    frame = _read(session, files, options, snapshot.columns, None, line)
    known = dict(frame._frame.schema() or [])
    if list(known.items()) == [(column.name, column.type) for column in snapshot.columns]:
        return frame
    folded = {name.lower() for name in known}
    selected = ", ".join(
        f"CAST({quote_name(c.name) if c.name.lower() in folded else 'NULL'} AS {c.type}) AS {quote_name(c.name)}"
        for c in snapshot.columns
    )
    query = f"SELECT {selected} FROM {{0}}"
    return made(session, session._core.partial_sql(query, [frame._frame], str(line)), line)


def _joined_scan(
    session: Session, snapshot: TableSnapshot, files: tuple[TableFile, ...], line: SourceLine
) -> DataFrame:
    import pyarrow as pa

    # Columns go by number here, so that no name of the table's is in the way of the file's and the row's.
    in_files = [i for i, column in enumerate(snapshot.columns) if column.name not in snapshot.partition_columns]
    columns = tuple(snapshot.columns[i] for i in in_files)
    if not columns:  # A scan reads at least one column: here one that no file has.
        columns = (TableColumn("c", "INTEGER", "" if isinstance(snapshot.columns[0].key, str) else -1),)
    frames = [_scan(session, columns, files, line, [f"c{i}" for i in in_files] or ["c"])]
    query = "FROM {0} AS f"
    if snapshot.partition_columns:
        # Each column's values as text, which its type is made of again.
        values = {"path": [file.path for file in files]}
        for i, column in enumerate(snapshot.columns):
            if column.name in snapshot.partition_columns:
                values[f"c{i}"] = [file.partition.get(column.name) for file in files]  # type: ignore[misc]
        schema = pa.schema([(name, pa.string()) for name in values])
        query += f" JOIN {{{len(frames)}}} AS p ON f.filename = p.path"
        frames.append(session.from_arrow(pa.table(values, schema=schema)))
    if snapshot.deletes is not None and snapshot.deletes.num_rows:
        query += f" ANTI JOIN {{{len(frames)}}} AS d ON f.filename = d.path AND f.file_row_number = d.row"
        frames.append(session.from_arrow(snapshot.deletes))
    selected = ", ".join(
        f"CAST({'f' if i in in_files else 'p'}.c{i} AS {column.type}) AS {quote_name(column.name)}"
        for i, column in enumerate(snapshot.columns)
    )
    return session.sql(f"SELECT {selected} {query}", *frames)


def _read(
    session: Session,
    files: tuple[TableFile, ...],
    options: _core.ReadOptions,
    columns: tuple[TableColumn, ...],
    names: list[str] | None,
    line: SourceLine,
) -> DataFrame:
    """A frame over the files. Their `columns` are called by `names` there, where these are told."""
    paths = [file.path for file in files]
    kinds = [(names[i] if names else column.name, column.type) for i, column in enumerate(columns)]
    bounds = bounds_of_files(columns, files)
    return made(session, session._core.read_table_files(paths, options, kinds, bounds, str(line)), line)
