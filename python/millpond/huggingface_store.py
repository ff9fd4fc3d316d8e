"""Files of repositories on the Hugging Face hub, `hf://datasets/owner/name/path`, for reading."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from millpond.errors import InvalidArgumentError, NotFoundError, UnavailableError, UnsupportedError
from millpond.http_store import FileHead, HttpFile, HttpStore
from millpond.huggingface_path import HubPath, hub_path
from millpond.store import Entries, Entry, plain_tag
from millpond.store_options import setting
from millpond.store_patience import PATIENCE_OPTIONS

_HUB = "https://huggingface.co"
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 5


class HuggingFaceStore(HttpStore):
    """The repositories that one token opens. Safe for many threads.

    A file is known by the hub's hash of its content. One that is open stays the one of the commit it was opened at.
    """

    where_to_look = "owner, name, revision and path"
    whose_rights = "hf_token; the hub says this of private and of missing repositories"

    def __init__(self, path: str, options: Mapping[str, str]) -> None:
        """`options`: `hf_token` and `hf_endpoint`, else as the hub's own tools find them, and the patience."""
        self._endpoint = (setting(options, "hf_endpoint") or _HUB).rstrip("/")
        if not self._endpoint.startswith(("https://", "http://")):
            raise InvalidArgumentError("hf_endpoint is no address", hint='write it as "https://host"')
        patience = {name: options[name] for name in PATIENCE_OPTIONS if name in options}
        super().__init__(path, {**patience, "http_bearer_token": setting(options, "hf_token") or _token_of_file()})

    def stat(self, path: str) -> Entry:
        """What is at a path: a file, else a folder."""
        if hub_path(path).path:
            try:
                return _entry(path, self._opened(path)[1])
            except NotFoundError:
                pass  # Or it is a folder.
        next(self._tree(path), None)  # There is an answer only for a folder.
        return (path.rstrip("/"), 0, 0, True, "")

    def list(self, path: str) -> Entries:
        """What lies directly in a folder, sorted by path."""
        return sorted(self._tree(path))

    def list_all(self, folder: str) -> Entries:
        """All files below a folder, sorted by path; none when it is not there, but its repository must be."""
        try:
            return sorted(entry for entry in self._tree(folder, recursive=True) if not entry[3])
        except NotFoundError:
            if not hub_path(folder).path:
                raise
            next(self._tree(hub_path(folder).root), None)
            return []

    def open(self, path: str) -> HttpFile:
        """A file as it is now, to be read in pieces."""
        return HttpFile(self, *self._opened(path))

    def get(self, path: str) -> tuple[bytes, str]:
        """A small file whole, and its tag."""
        pinned, head = self._opened(path)
        return super().get(pinned)[0], head.tag

    def version_of(self, path: str) -> tuple[int, str, str]:
        """A file's bytes and tag; it has no mark."""
        head = self._opened(path)[1]
        return head.size, head.tag, ""

    def _is_another(self, answer: Any, tag: str) -> bool:
        # A commit's files don't change, and where large ones lie they have tags that are not the hub's.
        return False

    def _address(self, path: str) -> str:
        return self._endpoint + hub_path(path).content

    def _opened(self, path: str) -> tuple[str, FileHead]:
        """The address of a file at the commit that its revision is now, and what the hub says of it there."""
        at = hub_path(path)
        address = self._address(path)
        for _ in range(_MAX_REDIRECTS):
            with self._ask("HEAD", path, address=address, redirects=False) as answer:
                headers = answer.headers
            location = urljoin(address, headers.get("Location", "")) if answer.status_code in _REDIRECTS else ""
            # Of a file that lies elsewhere the hub tells before it sends us there, of one that was renamed nothing.
            if not location or "X-Linked-Size" in headers:
                break
            address = self._own(path, location)
        size = headers.get("X-Linked-Size") or ("" if location else headers.get("Content-Length", ""))
        tag = plain_tag(headers.get("X-Linked-Etag") or headers.get("ETag", ""))
        commit = headers.get("X-Repo-Commit", "")
        if not size.isdecimal() or not tag or not commit:
            raise UnsupportedError(
                f'the hub does not tell size, hash and commit of "{path}"', hint="copy the file first"
            )
        return at.at(commit), FileHead(int(size), tag)

    def _tree(self, path: str, *, recursive: bool = False) -> Iterator[Entry]:
        """What the hub lists, page by page. NotFoundError where there is no such folder."""
        at = hub_path(path)
        address = f"{self._endpoint}{at.tree}?recursive={str(recursive).lower()}&expand=false"
        while address:
            with self._ask("GET", path, address=address) as answer:
                found = _parsed(path, self._body(path, answer))
                following = self._requests.utils.parse_header_links(answer.headers.get("Link", ""))
            yield from (_listed(at, entry) for entry in found)
            address = next((self._own(path, link["url"]) for link in following if link.get("rel") == "next"), "")

    def _own(self, path: str, address: str) -> str:
        """An address that the hub sends us to, which must be its own: it gets the token."""
        if not address.startswith(f"{self._endpoint}/"):
            raise UnavailableError(
                f'the hub sends who asks for "{path}" to another server', hint="check hf_endpoint (HF_ENDPOINT)"
            )
        return address


def _entry(path: str, head: FileHead) -> Entry:
    return (path, head.size, 0, False, head.tag)


def _listed(at: HubPath, entry: Mapping[str, Any]) -> Entry:
    path = f"{at.root}/{entry['path']}"
    if entry["type"] != "file":
        return (path, 0, 0, True, "")
    # What git holds of a large file is a note of where it is.
    return _entry(path, FileHead(int(entry["size"]), str((entry.get("lfs") or entry)["oid"])))


def _parsed(path: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise UnavailableError(f'the answer of the hub on "{path}" is no list', hint="check hf_endpoint") from None


def _token_of_file() -> str:
    """What `hf auth login` left, if anything."""
    home = os.environ.get("HF_HOME") or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    try:
        return Path(os.environ.get("HF_TOKEN_PATH") or f"{home}/token").expanduser().read_text().strip()
    except OSError:
        return ""
