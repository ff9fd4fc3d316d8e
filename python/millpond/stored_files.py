"""Files on stores that functions in workers read by themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from millpond.errors import NotFoundError
from millpond.store import Entry, changed, root_of

if TYPE_CHECKING:
    from millpond.local_files import FileFacts
    from millpond.object_store import ObjectStores

_stores: ObjectStores | None = None


def keep_stores(stores: ObjectStores) -> None:
    """Makes the stores of a worker process, which the driver tells its keys, known to the functions that run there."""
    global _stores
    _stores = stores


def stores_here() -> ObjectStores:
    """The stores of this worker process."""
    assert _stores is not None, "this is no worker process"
    return _stores


def find_stored(stores: ObjectStores, path: str, endings: tuple[str, ...], *, recursive: bool) -> list[FileFacts]:
    """The objects at a path, of a pattern or in a folder; of a folder those with such an ending. None for none.

    In patterns `*` and `?` stand for what has no slash, `**` for any folders. Hidden names (`.x`) are left out.
    """
    path = path.rstrip("/")
    if not _is_pattern(path):
        try:
            entry = stores.stat(path)
        except NotFoundError:
            return []
        if not entry[3]:
            return [_facts(entry)]
    fixed = _fixed_folder(path) if _is_pattern(path) else path
    wanted = (
        _regex(path) if _is_pattern(path) else re.compile(re.escape(path) + ("/.*" if recursive else "/[^/]*"), re.S)
    )
    has_ending = () if _is_pattern(path) else endings
    return [
        _facts(entry)
        for entry in stores.list_all(fixed)
        if wanted.fullmatch(entry[0])
        and not _is_hidden(entry[0][len(fixed) :])
        and (not has_ending or entry[0].lower().endswith(has_ending))
    ]


def check_stored(stores: ObjectStores, facts: FileFacts) -> None:
    """DataCorruptError when the object is another one by now."""
    path = facts["filename"]
    try:
        found = _facts(stores.stat(path))
    except NotFoundError:
        raise changed(path) from None
    if found != facts:
        raise changed(path)


def _facts(entry: Entry) -> FileFacts:
    path, size, mtime_ns, _, tag = entry
    return {"filename": path, "size": size, "mtime_ns": mtime_ns, "tag": tag}


def _is_pattern(path: str) -> bool:
    return any(letter in path[len(root_of(path)) :] for letter in "*?[")


def _fixed_folder(pattern: str) -> str:
    root = root_of(pattern)
    parts = pattern[len(root) + 1 :].split("/")
    kept = parts[: next(i for i, part in enumerate(parts) if any(letter in part for letter in "*?["))]
    return "/".join([root, *kept])


def _is_hidden(below: str) -> bool:
    return any(part.startswith(".") for part in below.split("/"))


def _regex(pattern: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = ""
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", pattern, re.S):
        if piece in parts:
            text += parts[piece]
        elif piece.startswith("[") and len(piece) > 2:
            inner = piece[1:-1].replace("\\", "\\\\").replace("^", "\\^")
            text += f"[^/{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
        else:
            text += re.escape(piece)
    return re.compile(text, re.S)
