"""Writing a frame to files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError
from millpond.file_options import Names, PathLike, StorageOptions, write_options
from millpond.frame_base import FrameBase
from millpond.source_line import source_line

if TYPE_CHECKING:
    from millpond import _core
    from millpond.dataframe import DataFrame


class FrameWriting(FrameBase):
    """The writers of a DataFrame.

    All of them write to a folder called `path`, made with its parents, or with `single_file=True` to one file. A reader
    sees the old data or the new, never half of it.

    `mode` says what happens when `path` exists: `"error"` (the default, except that an output of this very job counts
    as written), `"overwrite"` or `"append"`. `partition_by` makes `column=value` folders. `sort_by` orders the rows
    within each file, so that later reads skip what they don't need. `max_rows_per_file` starts a new file after so many
    rows. `write_empty_files` writes a file for each empty partition too. `storage_options` are added to the session's
    for the path's bucket, from this call on. Further keywords are options of DuckDB's COPY.
    """

    def write_parquet(
        self,
        path: PathLike,
        *,
        mode: str | None = None,
        partition_by: Names = None,
        sort_by: Names = None,
        max_rows_per_file: int | None = None,
        single_file: bool = False,
        write_empty_files: bool = False,
        compression: str | None = None,
        storage_options: StorageOptions = None,
        **copy_options: Any,
    ) -> None:
        """Writes Parquet files. `compression` is `"snappy"` (the default), `"zstd"`, `"lz4"` or `"uncompressed"`.

        >>> session.from_items([1, 2]).write_parquet(folder / "items")
        >>> session.read_parquet(folder / "items").count()
        2
        """
        settings = _parquet_settings(locals())
        self._write(path, "parquet", mode, settings, storage_options)

    def write_parquet_lazy(
        self,
        path: PathLike,
        *,
        mode: str | None = None,
        partition_by: Names = None,
        sort_by: Names = None,
        max_rows_per_file: int | None = None,
        single_file: bool = False,
        write_empty_files: bool = False,
        compression: str | None = None,
        storage_options: StorageOptions = None,
        **copy_options: Any,
    ) -> DataFrame:
        """A frame that writes when it is computed, by `session.wait` or `compute`. Its rows are the files written.

        >>> written = session.from_items([1, 2]).write_parquet_lazy(folder / "later")
        >>> session.wait(written)
        """
        line = source_line()
        settings = _parquet_settings(locals())
        self._reach(path, storage_options)
        return self._made(
            self._frame.write_lazy(os.fspath(path), self._options("parquet", mode, settings), str(line)), line
        )

    def write_csv(
        self,
        path: PathLike,
        *,
        mode: str | None = None,
        header: bool = True,
        delim: str = ",",
        partition_by: Names = None,
        sort_by: Names = None,
        max_rows_per_file: int | None = None,
        single_file: bool = False,
        write_empty_files: bool = False,
        compression: str | None = None,
        storage_options: StorageOptions = None,
        **copy_options: Any,
    ) -> None:
        """Writes CSV files with a header line. `compression` is `"gzip"`, `"zstd"` or nothing.

        >>> session.from_items([1, 2]).write_csv(folder / "items.csv", single_file=True)
        >>> (folder / "items.csv").read_text()
        'item\\n1\\n2\\n'
        """
        settings = _settings(locals(), header=header, delim=delim)
        self._write(path, "csv", mode, settings, storage_options)

    def write_json(
        self,
        path: PathLike,
        *,
        mode: str | None = None,
        partition_by: Names = None,
        sort_by: Names = None,
        max_rows_per_file: int | None = None,
        single_file: bool = False,
        write_empty_files: bool = False,
        compression: str | None = None,
        storage_options: StorageOptions = None,
        **copy_options: Any,
    ) -> None:
        """Writes JSON, one object a line. `compression` is `"gzip"`, `"zstd"` or nothing.

        >>> session.from_items([1, 2]).write_json(folder / "items.json", single_file=True)
        >>> (folder / "items.json").read_text()
        '{"item":1}\\n{"item":2}\\n'
        """
        self._write(path, "json", mode, _settings(locals()), storage_options)

    def _write(
        self,
        path: PathLike,
        file_format: str,
        mode: str | None,
        settings: dict[str, Any],
        storage_options: StorageOptions,
    ) -> None:
        line = source_line()
        self._reach(path, storage_options)
        self._frame.write(os.fspath(path), self._options(file_format, mode, settings), str(line))

    def _reach(self, path: PathLike, storage_options: StorageOptions) -> None:
        if storage_options:
            self._session._stores.add(os.fspath(path), storage_options)

    def _options(self, file_format: str, mode: str | None, settings: dict[str, Any]) -> _core.WriteFilesOptions:
        return write_options(file_format, mode=mode or self._session._write_mode, **settings)


_COMMON = ("partition_by", "sort_by", "max_rows_per_file", "single_file", "write_empty_files", "compression")


def _settings(arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What write_options takes, of a writer's arguments."""
    settings = {name: arguments[name] for name in _COMMON}
    settings["copy_options"] = {**more, **arguments["copy_options"]}
    return settings


# smallpond's words for what DuckDB calls otherwise.
_PARQUET_NAMES = {
    "parquet_row_group_size": "row_group_size",
    "parquet_compression": "compression",
    "parquet_compression_level": "compression_level",
}


def _parquet_settings(arguments: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in arguments["copy_options"].items():
        renamed = _PARQUET_NAMES.get(name, name)
        if renamed in options:
            raise InvalidArgumentError(f"{name} and {renamed} say the same thing")
        if name != "parquet_dictionary_encoding":  # DuckDB chooses the encoding by the values.
            options[renamed] = value
    settings = _settings({**arguments, "copy_options": options})
    if (compression := settings["copy_options"].pop("compression", None)) is not None:
        settings["compression"] = str(compression).lower()
    return settings
