"""Paths of file systems that are mounted."""

from __future__ import annotations

import os

from millpond.file_options import PathLike


def mounted_path(path: PathLike) -> str:
    """A path as text: of `3fs://` the path on this machine where the cluster is mounted, any other as it is.

    UnsupportedError where no 3FS is mounted, InvalidArgumentError for a cluster that is not (docs/stores-3fs.md).
    """
    text = os.fspath(path)
    if text[:4].lower() != "3fs:":
        return text
    from millpond import _core

    return _core.readable_path(text)
