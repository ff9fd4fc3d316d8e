"""Files that functions in workers read by themselves: on disks of this machine, or mounted."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import TypedDict

from millpond.errors import DataCorruptError, NotFoundError, UnsupportedError


class FileFacts(TypedDict):
    """A file, and what tells when it changes."""

    filename: str
    size: int
    mtime_ns: int


def find_files(paths: Iterable[str], endings: tuple[str, ...], *, recursive: bool) -> list[FileFacts]:
    """The files of paths, patterns and folders; of folders those with such an ending. NotFoundError for none."""
    found: dict[str, None] = {}
    for path in paths:
        if "://" in path:
            raise UnsupportedError(f'"{path}" is on a store, where this is not read', hint="copy or mount it")
        here = [path] if Path(path).is_file() else _in_folder(path, endings, recursive) or _like(path)
        if not here:
            raise NotFoundError(
                f'no file is at "{path}"', hint=f"check the path; of folders *{', *'.join(endings)} are read"
            )
        found.update(dict.fromkeys(here))
    return [facts_of(str(Path(path).absolute())) for path in found]


def facts_of(path: str) -> FileFacts:
    """What is known of a file now."""
    status = Path(path).stat()
    return {"filename": path, "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def check_unchanged(facts: FileFacts) -> None:
    """DataCorruptError when the file is another one by now."""
    if facts_of(facts["filename"]) != facts:
        raise DataCorruptError(
            "an input file changed since the job was planned",
            hint="run the program again: what depends on it is computed anew",
            file=facts["filename"],
        )


def _in_folder(folder: str, endings: tuple[str, ...], recursive: bool) -> list[str]:
    if not Path(folder).is_dir():
        return []
    files = Path(folder).rglob("*") if recursive else Path(folder).iterdir()
    return sorted(str(file) for file in files if file.name.lower().endswith(endings) and file.is_file())


def _like(pattern: str) -> list[str]:
    found = glob(pattern, recursive=True)  # noqa: PTH207 (a pattern may begin at the root)
    return sorted(file for file in found if Path(file).is_file())
