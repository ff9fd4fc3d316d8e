"""Python's keywords for reading and writing files, as the core's option structs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from millpond.errors import InvalidArgumentError
from millpond.schema import Schema, SchemaLike
from millpond.sql_text import literal

if TYPE_CHECKING:
    from millpond import _core

PathLike: TypeAlias = "str | os.PathLike[str]"
Paths: TypeAlias = "PathLike | Iterable[PathLike]"
Names: TypeAlias = "str | Iterable[str] | None"
StorageOptions: TypeAlias = "Mapping[str, object] | None"

_ESCAPES = {r"\t": "\t", r"\n": "\n"}


def path_list(paths: Paths) -> list[str]:
    """One path or several, as text."""
    if isinstance(paths, (str, os.PathLike)):
        return [os.fspath(paths)]
    if isinstance(paths, Iterable):
        return [os.fspath(path) for path in paths]
    raise InvalidArgumentError(f"paths={paths!r} is neither a path nor a list of paths")


def name_list(names: Names, option: str) -> list[str]:
    """One name or several, as a list."""
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    found = list(names)
    for name in found:
        if not isinstance(name, str):
            raise InvalidArgumentError(f"{option} must hold text, not {name!r}")
    return found


def read_options(
    *,
    recursive: bool = False,
    columns: Names = None,
    union_by_name: bool = False,
    hive_partitioning: bool | None = None,
    filename: bool = False,
    file_row_number: bool = False,
    allow_empty: bool = False,
    new_only: str | None = None,
    schema: SchemaLike | None = None,
    reader_options: Mapping[str, object] | None = None,
) -> _core.ReadOptions:
    """The core's options for reading. Values of `reader_options` that are None are left out."""
    from millpond import _core

    options = _core.ReadOptions()
    options.recursive = recursive
    options.columns = name_list(columns, "columns")
    options.union_by_name = union_by_name
    options.hive_partitioning = hive_partitioning
    options.filename = filename
    options.file_row_number = file_row_number
    options.allow_empty = allow_empty
    if new_only is not None:
        if not isinstance(new_only, str) or not new_only:
            raise InvalidArgumentError(f'new_only={new_only!r} is no name; give one, such as "daily"')
        options.new_only = new_only
    if schema is not None:
        options.schema = Schema(schema).to_columns()
    options.reader_options = _literals(reader_options or {})
    return options


def _literals(values: Mapping[str, object]) -> dict[str, str]:
    return {name: literal(_unescaped(value)) for name, value in values.items() if value is not None}


def _unescaped(value: object) -> object:
    return _ESCAPES.get(value, value) if isinstance(value, str) else value


def write_options(
    format: str,  # noqa: A002 - the core's word
    *,
    mode: str,
    partition_by: Names = None,
    sort_by: Names = None,
    max_rows_per_file: int | None = None,
    single_file: bool = False,
    write_empty_files: bool = False,
    compression: str | None = None,
    copy_options: Mapping[str, object] | None = None,
) -> _core.WriteFilesOptions:
    """The core's options for writing. Values of `copy_options` that are None are left out."""
    from millpond import _core

    modes = {"error": _core.WriteMode.error, "overwrite": _core.WriteMode.overwrite, "append": _core.WriteMode.append}
    if mode not in modes:
        raise InvalidArgumentError(f"mode={mode!r} is not known", hint='choose "error", "overwrite" or "append"')
    options = _core.WriteFilesOptions()
    options.format = format
    options.mode = modes[mode]
    options.partition_by = name_list(partition_by, "partition_by")
    options.sort_by = name_list(sort_by, "sort_by")
    options.max_rows_per_file = max_rows_per_file or 0
    options.single_file = single_file
    options.write_empty_files = write_empty_files
    options.compression = compression or ""
    options.copy_options = _literals(copy_options or {})
    return options
