"""Compare-and-swap on HDFS, which has none: a small object as a folder whose entry's name is its tag.

    ._millpond-head.json/<tag>/<tag>

Renaming the entry from the old tag to the new one succeeds for one of several that try at once, since the others
find nothing to rename. What the object is to become lies in the entry before, as a file named by the new tag, so that
there is no moment without a content. The first object is a folder that is made elsewhere and renamed to a free name.
"""

from __future__ import annotations

import re
import secrets

from millpond.errors import ConflictError, InvalidArgumentError
from millpond.hdfs_client import HdfsClient

# What millpond puts by put_if is named so; the end is of one that is being made.
_NAME = re.compile(r"\.[^/]*millpond-[a-z]+\.json(\.[0-9a-f]{32})?")
_LOOKS = 100
_FILE = "file"


def is_register(name: str) -> bool:
    """Whether a folder of this name is an object here."""
    return _NAME.fullmatch(name) is not None


def read_register(client: HdfsClient, place: str) -> tuple[bytes, str]:
    """The content and its tag. FileNotFoundError when there is none."""
    for look in range(_LOOKS):
        entries = [entry for entry in client.list_status(place) if entry.isdir]
        if not entries and not client.get_file_info(place).isdir:
            return _read_file(client, place)
        for entry in entries:
            tag = entry.path.rpartition("/")[2]
            try:
                return client.read(f"{entry.path}/{tag}").read(), tag
            except FileNotFoundError:
                continue  # It is another by now.
        if look + 1 == _LOOKS:
            break
    raise ConflictError(f'"{place}" changes faster than it can be read', hint="try again")


def write_register(client: HdfsClient, place: str, content: bytes, tag: str) -> None:
    """Puts a content in the place of the one with this tag; without a tag, of none. Else a ConflictError."""
    if tag == _FILE:
        raise InvalidArgumentError(
            f'"{place}" is a file that was copied from another store',
            hint="remove it: then every file of the folder counts",
        )
    new = secrets.token_hex(16)
    try:
        if tag:
            _replace(client, place, tag, new, content)
        else:
            _create(client, place, new, content)
    except (FileNotFoundError, FileExistsError):
        # Or an earlier try of ours went through, and its answer was lost.
        if not _is_there(client, f"{place}/{new}/{new}"):
            raise ConflictError(f'another writer was faster at "{place}"') from None


def _replace(client: HdfsClient, place: str, tag: str, new: str, content: bytes) -> None:
    _write(client, f"{place}/{tag}/{new}", content, create_parent=False)
    # The last content, and those of writers who were too late, or will be. What comes after this list is not ours to
    # remove: somebody may be about to rename it.
    old = [entry.path.rpartition("/")[2] for entry in client.list_status(f"{place}/{tag}")]
    client.rename(f"{place}/{tag}", f"{place}/{new}")
    for name in old:
        if name != new:
            client.delete(f"{place}/{new}/{name}")


def _create(client: HdfsClient, place: str, new: str, content: bytes) -> None:
    made = f"{place}.{new}"
    _write(client, f"{made}/{new}/{new}", content, create_parent=True)
    try:
        client.rename(made, place)
    except FileExistsError:
        client.delete(made, recursive=True)
        raise


def _is_there(client: HdfsClient, place: str) -> bool:
    try:
        client.get_file_info(place)
    except FileNotFoundError:
        return False
    return True


def _write(client: HdfsClient, place: str, content: bytes, *, create_parent: bool) -> None:
    writer = client.create(place, overwrite=False, create_parent=create_parent)
    writer.write(content)
    writer.close()


def _read_file(client: HdfsClient, place: str) -> tuple[bytes, str]:
    # A copy of a folder that was on another store has it as a file: good for reading, and to tell it from others.
    return client.read(place).read(), _FILE
