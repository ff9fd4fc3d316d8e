"""Files that functions in workers read by themselves: on disks of this machine, or mounted, and on stores."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from millpond.errors import DataCorruptError, NotFoundError, UnsupportedError
from millpond.mounted_path import mounted_path
from millpond.stored_files import check_stored, find_stored, stores_here

if TYPE_CHECKING:
    from millpond.object_store import ObjectStores


class FileFacts(TypedDict):
    """A file, and what tells when it changes."""

    filename: str
    size: int
    mtime_ns: int
    tag: NotRequired[str]  # Of stores.


def find_files(
    paths: Iterable[str], endings: tuple[str, ...], *, recursive: bool, stores: ObjectStores | None = None
) -> list[FileFacts]:
    """The files of paths, patterns and folders; of folders those with such an ending. NotFoundError for none.

    Without `stores` they are on this machine's disks alone.
    """
    found: dict[str, FileFacts] = {}
    for path in map(mounted_path, paths):
        if "://" not in path:
            names = [path] if Path(path).is_file() else _in_folder(path, endings, recursive) or _like(path)
            here = [facts_of(str(Path(name).absolute())) for name in names]
        elif stores is not None:
            here = find_stored(stores, path, endings, recursive=recursive)
        else:
            raise UnsupportedError(f'"{path}" is on a store, where this is not read', hint="copy or mount it")
        if not here:
            raise NotFoundError(
                f'no file is at "{path}"', hint=f"check the path; of folders *{', *'.join(endings)} are read"
            )
        found.update({facts["filename"]: facts for facts in here if facts["filename"] not in found})
    return list(found.values())


def facts_of(path: str) -> FileFacts:
    """What is known of a file now."""
    status = Path(path).stat()
    return {"filename": path, "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def check_unchanged(facts: FileFacts) -> None:
    """DataCorruptError when the file is another one by now. On a store only in a worker."""
    if "://" in facts["filename"]:
        check_stored(stores_here(), facts)
        return
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
