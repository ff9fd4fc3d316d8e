"""The stores of a session, by the scheme of a path."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

from millpond.errors import InvalidArgumentError, UnsupportedError
from millpond.store import Copies, Entries, Entry, Paths, Readable, Store, Upload, root_of
from millpond.store_options import checked_options

_OWN_HOSTS = ("hdfs:", "webhdfs:", "swebhdfs:")


class ObjectStores:
    """The stores of a session, each connected when it is first asked for. Safe for many threads."""

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        """`options`: keys and addresses (STORE_OPTIONS); what is left out is looked for as the stores' own tools do."""
        self._options = checked_options(options)
        self._of_bucket: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._stores: dict[str, Store] = {}

    def __repr__(self) -> str:
        return f"ObjectStores({', '.join(sorted(self._options))})"

    def add(self, path: str, options: Mapping[str, object]) -> None:
        """Other options for the bucket of a path, from now on; the session's stand for those that are left out."""
        root = root_of(path)
        if not root:
            raise InvalidArgumentError(
                f'storage_options are for stores, and "{path}" is a path of this machine', hint="leave them out"
            )
        merged = {**self._options, **checked_options(options)}
        with self._lock:
            if self._of_bucket.get(root, merged) != merged:
                raise InvalidArgumentError(
                    f'"{root}" has got other storage_options in this session', hint="open another session for these"
                )
            if root not in self._of_bucket:
                self._of_bucket[root] = merged

    def options_of(self, path: str) -> dict[str, str]:
        """The options that hold for a path's bucket. Secret."""
        with self._lock:
            return dict(self._of_bucket.get(root_of(path), self._options))

    def stat(self, path: str) -> Entry:
        """What is at a path: an object, else a folder."""
        return self._store_of(path).stat(path)

    def list(self, path: str) -> Entries:
        """What lies directly in a folder, sorted by path."""
        return self._store_of(path).list(path)

    def open(self, path: str) -> Readable:
        """An object, to be read in pieces."""
        return self._store_of(path).open(path)

    def open_known(self, path: str, size: int, tag: str) -> Readable:
        """The same for an object as it was listed."""
        return self._store_of(path).open_known(path, size, tag)

    def list_all(self, folder: str) -> Entries:
        """All objects below a folder, sorted by path; none when it is not there, but its bucket must be."""
        return self._store_of(folder).list_all(folder)

    def create(self, path: str) -> Upload:
        """An object to be written from its beginning to its end."""
        return self._store_of(path).create(path)

    def version_of(self, path: str) -> tuple[int, str, str]:
        """An object's bytes, tag and mark."""
        return self._store_of(path).version_of(path)

    def get(self, path: str) -> tuple[bytes, str]:
        """A small object whole, and its tag."""
        return self._store_of(path).get(path)

    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Puts an object in the place of the one with this tag; without a tag, of none."""
        self._store_of(path).put_if(path, content, tag)

    def copy(self, copies: Copies, mark: str) -> None:
        """Puts objects of one store under other names, with a mark unless it is empty."""
        if copies:
            self._store_of(copies[0][1]).copy(copies, mark)

    def remove(self, paths: Paths) -> None:
        """Removes objects of one store; fine when they are not there."""
        if paths:
            self._store_of(paths[0]).remove(paths)

    def remove_prefix(self, prefix: str) -> None:
        """Removes the objects whose paths begin so, and gives up the uploads of such."""
        self._store_of(prefix).remove_prefix(prefix)

    def settings(self) -> str:
        """What a worker needs to reach the same stores. Secret."""
        with self._lock:
            return json.dumps({"options": self._options, "of_bucket": self._of_bucket})

    def configure(self, settings: str) -> None:
        """Takes on the settings of the driver's."""
        told = json.loads(settings or "{}")
        with self._lock:
            self._options = checked_options(told.get("options"))
            self._of_bucket = {root: checked_options(options) for root, options in told.get("of_bucket", {}).items()}

    def _store_of(self, path: str) -> Store:
        root = root_of(path)
        with self._lock:
            options = self._of_bucket.get(root)
            # Where an address says whose a store is, or which, each has its own connection.
            has_own = options is not None or "@" in root or root.startswith(_OWN_HOSTS)
            known_by = root if has_own else root.partition("://")[0]
            if known_by not in self._stores:
                self._stores[known_by] = _connect(path, self._options if options is None else options)
            return self._stores[known_by]


def _connect(path: str, options: Mapping[str, str]) -> Store:
    # Each needs packages of its own, which are loaded with it.
    match path.partition("://")[0]:
        case "s3":
            from millpond.s3_store import S3Store

            return S3Store(options)
        case "gs":
            from millpond.google_store import GoogleStore

            return GoogleStore(path, options)
        case "az" | "abfs" | "abfss":
            from millpond.azure_store import AzureStore

            return AzureStore(path, options)
        case "hdfs":
            from millpond.hdfs_store import HdfsStore

            return HdfsStore(path, options)
        case "webhdfs" | "swebhdfs":
            from millpond.webhdfs_store import WebHdfsStore

            return WebHdfsStore(path, options)
        case "hf":
            from millpond.huggingface_store import HuggingFaceStore

            return HuggingFaceStore(path, options)
        case "http" | "https":
            from millpond.http_store import HttpStore

            return HttpStore(path, options)
    raise UnsupportedError(
        f'"{path}" is on a store that this version can\'t reach',
        hint="it reads and writes s3://, gs://, az://, abfss://, hdfs://, webhdfs:// and paths of this machine, "
        "and reads https:// and hf://",
    )
