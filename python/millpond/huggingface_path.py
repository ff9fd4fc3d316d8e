"""Addresses of the Hugging Face hub: `hf://datasets/owner/name@revision/path`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from millpond.errors import InvalidArgumentError, UnsupportedError

_KINDS = ("datasets", "spaces", "models")
# Branches with a slash that need no %2F.
_SPECIAL = re.compile(r"refs/(?:pr/\d+|convert/[^/]+)(?=/|$)")
_PARQUET = "~parquet"


@dataclass(frozen=True)
class HubPath:
    """A file or folder of a repository."""

    #: One of "datasets", "spaces" and "models".
    kind: str
    #: "owner/name".
    repository: str
    #: A branch, tag or commit.
    revision: str
    #: Without a slash at its ends; empty for all of it.
    path: str
    #: What stands before the path, as it was written: "hf://datasets/owner/name@revision".
    root: str

    @property
    def tree(self) -> str:
        """Where the hub lists what lies in the folder."""
        below = f"/{quote(self.path, safe='')}" if self.path else ""
        return f"/api/{self.kind}/{self.repository}/tree/{quote(self.revision, safe='')}{below}"

    @property
    def content(self) -> str:
        """Where the file's content is."""
        prefix = "" if self.kind == "models" else f"/{self.kind}"
        return f"{prefix}/{self.repository}/resolve/{quote(self.revision, safe='')}/{quote(self.path)}"

    def at(self, revision: str) -> str:
        """The address of the same path at another revision."""
        return f"hf://{self.kind}/{self.repository}@{quote(revision, safe='')}/{self.path}"


def hub_path(address: str) -> HubPath:
    """The parts of an address. InvalidArgumentError for one of another form."""
    written = address.partition("://")[2].rstrip("/")
    parts = written.split("/")
    if parts[0] == "buckets":
        raise UnsupportedError(f'"{address}" is in a bucket of the hub, which is not read', hint="copy the file first")
    prefix = [parts.pop(0)] if parts[0] in _KINDS else []
    if len(parts) < 2 or not all(parts[:2]):
        raise _no_address(address)
    owner, (name, at, revision), below = parts[0], parts[1].partition("@"), "/".join(parts[2:])
    if special := _SPECIAL.match(f"{revision}/{below}"):
        revision, below = special[0], f"{revision}/{below}"[special.end() + 1 :]
    if not name or "@" in owner or bool(at) != bool(revision):
        raise _no_address(address)
    root = "hf://" + "/".join([*prefix, owner, f"{name}{at}{revision}"])
    known = "refs/convert/parquet" if revision == _PARQUET else unquote(revision)
    return HubPath(prefix[0] if prefix else "models", f"{owner}/{name}", known or "main", below, root)


def _no_address(address: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f'"{address}" is no address of a repository on the hub',
        hint="write it as hf://datasets/owner/name/path, or hf://datasets/owner/name@revision/path",
    )
