"""Objects of Google Cloud Storage, `gs://bucket/object`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar

from millpond.errors import (
    ConflictError,
    InvalidArgumentError,
    MillpondError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from millpond.optional_package import needed
from millpond.store import Copies, Entries, Entry, Paths, Store, changed, in_parallel, key_of, other_size, root_of
from millpond.store_errors import error_of_status
from millpond.store_options import flag, setting
from millpond.store_patience import patience_of

_T = TypeVar("_T")

# Unless it is told: for a connection, for an answer (finishing a large object takes a while), and for all tries.
_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_TRY_SECONDS = 30.0
_POOL = 64
_CHUNK_BYTES = 8 << 20
_MARK = "millpond-write"
_SCOPES = ["https://www.googleapis.com/auth/devstorage.read_write"]


class GoogleStore(Store):
    """The buckets that one key opens. Safe for many threads."""

    def __init__(self, path: str, options: Mapping[str, str]) -> None:
        """`options`: see STORE_OPTIONS; else what Google's tools find. Asks nothing of the store yet."""
        storage = needed("google.cloud.storage", f'"{root_of(path)}"', "gcs")
        endpoint = setting(options, "google_base_url")
        if endpoint and not endpoint.startswith(("https://", "http://")):
            raise InvalidArgumentError("google_base_url is no address", hint='write it as "https://host:port"')
        self._how = _how_long(options, storage.retry.DEFAULT_RETRY)
        self._client = storage.Client(
            project="",
            credentials=_ours(path, lambda: _credentials(options)),
            client_options={"api_endpoint": endpoint} if endpoint else None,
        )
        _widen(self._client)

    def stat(self, path: str) -> Entry:
        """What is at a path: an object, else a folder."""
        key = key_of(path).rstrip("/")
        found = self._find(path) if key else None
        if found is not None:
            return _entry(path, found)
        listed = self._client.list_blobs(_bucket_of(path), prefix=_prefix(path), max_results=1, **self._how)
        if _ours(path, lambda: next(iter(listed), None)) is None and key:
            raise NotFoundError(f'there is nothing at "{path}"')
        return (path.rstrip("/"), 0, 0, True, "")

    def list(self, path: str) -> Entries:
        """What lies directly in a folder, sorted by path."""
        root, prefix = root_of(path), _prefix(path)
        listed = self._client.list_blobs(_bucket_of(path), prefix=prefix, delimiter="/", **self._how)
        found = _ours(path, lambda: list(listed))
        entries = [_entry(f"{root}/{blob.name}", blob) for blob in found if not blob.name.endswith("/")]
        entries += [(f"{root}/{name.rstrip('/')}", 0, 0, True, "") for name in listed.prefixes]
        if not entries:
            raise NotFoundError(f'there is nothing in "{path}"')
        return sorted(entries)

    def open(self, path: str) -> GoogleObject:
        """An object, to be read in pieces."""
        return GoogleObject(path, self._found(path), self._how)

    def list_all(self, folder: str) -> Entries:
        """All objects below a folder, sorted by path; none when it is not there, but its bucket must be."""
        root = root_of(folder)
        listed = self._client.list_blobs(_bucket_of(folder), prefix=_prefix(folder), **self._how)
        found = _ours(folder, lambda: list(listed))
        return sorted(_entry(f"{root}/{blob.name}", blob) for blob in found if not blob.name.endswith("/"))

    def create(self, path: str) -> GoogleUpload:
        """An object to be written from its beginning to its end."""
        writer = _ours(path, lambda: self._at(path).open("wb", chunk_size=_CHUNK_BYTES, **self._how))
        return GoogleUpload(path, writer)

    def version_of(self, path: str) -> tuple[int, str, str]:
        """An object's bytes, tag and mark."""
        blob = self._found(path)
        return int(blob.size), str(blob.generation), (blob.metadata or {}).get(_MARK, "")

    def get(self, path: str) -> tuple[bytes, str]:
        """A small object whole, and its tag."""
        # The tag comes first: with an old tag and a newer content, a write by it fails, as it should.
        blob = self._found(path)
        content = _ours(path, lambda: blob.download_as_bytes(raw_download=True, **self._how))
        return content, str(blob.generation)

    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Puts an object in the place of the one with this tag; without a tag, of none."""
        at = self._at(path)
        try:
            _ours(path, lambda: at.upload_from_string(content, if_generation_match=int(tag or 0), **self._how))
        except ConflictError:
            if not self._holds(path, content):  # Or an earlier try of ours went through, and its answer was lost.
                raise

    def copy(self, copies: Copies, mark: str) -> None:
        """Copies objects within the store, many at once."""
        in_parallel(lambda one: self._copy(*one, mark), copies)

    def remove(self, paths: Paths) -> None:
        """Removes objects; fine when they are not there."""
        in_parallel(self._remove, paths)

    def remove_prefix(self, prefix: str) -> None:
        """Removes the objects whose paths begin so. Google itself gives up unfinished uploads, after a week."""
        root = root_of(prefix)
        listed = self._client.list_blobs(_bucket_of(prefix), prefix=key_of(prefix), **self._how)
        self.remove([f"{root}/{blob.name}" for blob in _ours(prefix, lambda: list(listed))])

    def _remove(self, path: str) -> None:
        try:
            _ours(path, lambda: self._client.bucket(_bucket_of(path)).blob(key_of(path)).delete(**self._how))
        except NotFoundError:
            return

    def _copy(self, source: str, target: str, size: int, mark: str) -> None:
        origin = self._found(source)
        if origin.size != size:
            raise other_size(source, origin.size, size)
        blob = self._at(target)
        blob.content_type = origin.content_type
        blob.metadata = {_MARK: mark} if mark else None
        same = {"if_source_generation_match": origin.generation, **self._how}
        token = None
        while True:  # A large object takes several calls, and is there with the last.
            token, _, _ = _ours(target, lambda: blob.rewrite(origin, token=token, **same))  # noqa: B023
            if token is None:
                return

    def _holds(self, path: str, content: bytes) -> bool:
        try:
            return self.get(path)[0] == content
        except NotFoundError:
            return False

    def _at(self, path: str) -> Any:
        return self._client.bucket(_bucket_of(path)).blob(key_of(path).rstrip("/"))

    def _find(self, path: str) -> Any:
        bucket = self._client.bucket(_bucket_of(path))
        return _ours(path, lambda: bucket.get_blob(key_of(path).rstrip("/"), **self._how))

    def _found(self, path: str) -> Any:
        blob = self._find(path)
        if blob is None:
            raise NotFoundError(f'there is nothing at "{path}"', hint="check the names of the bucket and the object")
        return blob


class GoogleObject:
    """An object open for reading, by many threads at once."""

    def __init__(self, path: str, blob: Any, how: Mapping[str, Any]) -> None:
        self._path = path
        self._blob = blob
        self._how = {**how, "raw_download": True, "checksum": None, "if_generation_match": blob.generation}

    def size(self) -> int:
        """Bytes."""
        return int(self._blob.size)

    def tag(self) -> str:
        """The content's generation."""
        return str(self._blob.generation)

    def read_at(self, nbytes: int, offset: int) -> bytes:
        """The bytes from `offset`. DataCorruptError when the object is another by now."""
        end = min(offset + nbytes, self.size()) - 1
        try:
            # A blob keeps what it learns of a download: each needs its own. The generation is asked for, too: not every
            # server that speaks this interface looks at the condition.
            blob = self._blob.bucket.blob(self._blob.name, generation=self._blob.generation)
            content: bytes = _ours(self._path, lambda: blob.download_as_bytes(start=offset, end=end, **self._how))
        except (ConflictError, NotFoundError):
            raise changed(self._path) from None
        return content


class GoogleUpload:
    """An object that is being written."""

    def __init__(self, path: str, writer: Any) -> None:
        self._path = path
        self._writer = writer

    def write(self, data: bytes) -> None:
        """The next bytes."""
        _ours(self._path, lambda: self._writer.write(data))

    def finish(self) -> None:
        """Gives the object its name."""
        _ours(self._path, self._writer.close)


def _how_long(options: Mapping[str, str], retry: Any) -> dict[str, Any]:
    """What each call is told: seconds for a connection and for an answer, and how long it is tried again."""
    patience = patience_of(options)
    connect = patience.connect_seconds if "connect_timeout" in options else _CONNECT_SECONDS
    answer = patience.seconds if "timeout" in options else _ANSWER_SECONDS
    is_told = "timeout" in options or "max_retries" in options
    tries = retry.with_timeout((patience.max_retries + 1) * answer if is_told else _TRY_SECONDS)
    return {"timeout": (connect, answer), "retry": tries if patience.max_retries else None}


def _credentials(options: Mapping[str, str]) -> Any:
    """Google's kind of key; None to look for one as Google's tools do."""
    # By name: these packages tell no types.
    if flag(options, "google_skip_signature"):
        return import_module("google.auth.credentials").AnonymousCredentials()
    token = setting(options, "google_bearer_token")
    if token:
        return import_module("google.oauth2.credentials").Credentials(token)
    key = setting(options, "google_service_account_key")
    file = setting(options, "google_service_account")
    accounts = import_module("google.oauth2.service_account").Credentials
    if key:
        return accounts.from_service_account_info(_parsed(key), scopes=_SCOPES)
    if file:
        return accounts.from_service_account_file(file, scopes=_SCOPES)
    return None


def _parsed(key: str) -> Any:
    try:
        return json.loads(key)
    except ValueError:
        raise InvalidArgumentError(
            "google_service_account_key is no JSON",
            hint="give the key file's content; its path is google_service_account",
        ) from None


def _widen(client: Any) -> None:
    """More connections at once than requests keeps by itself, as Google's manual shows it."""
    from requests.adapters import HTTPAdapter

    for scheme in ("https://", "http://"):
        client._http.mount(scheme, HTTPAdapter(pool_connections=_POOL, pool_maxsize=_POOL))


def _bucket_of(path: str) -> str:
    return root_of(path).partition("://")[2]


def _prefix(path: str) -> str:
    key = key_of(path).rstrip("/")
    return f"{key}/" if key else ""


def _entry(path: str, blob: Any) -> Entry:
    return (path, int(blob.size), int(blob.updated.timestamp() * 1_000_000) * 1000, False, str(blob.generation))


def _ours(path: str, call: Callable[[], _T]) -> _T:
    """What `call` gives; an error of Google's client as one of ours."""
    from google.api_core.exceptions import GoogleAPICallError
    from google.api_core.exceptions import RetryError as GaveUpError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        return call()
    except MillpondError:
        raise
    except GoogleAPICallError as error:
        raise _error_of(path, int(error.code or 0), str(error.message).partition("\n")[0]) from None
    except GoogleAuthError as error:
        raise PermissionDeniedError(
            f'Google\'s tools find no key for "{path}": {error}',
            hint="set google_service_account in storage_options, or GOOGLE_APPLICATION_CREDENTIALS",
        ) from None
    except (GaveUpError, RequestException, OSError, ValueError) as error:
        raise UnavailableError(
            f'the store did not do what was asked of "{path}": {error}',
            hint="check the store's address and the network",
        ) from None


def _error_of(path: str, status: int, text: str) -> MillpondError:
    where, whose = "the bucket's name and the store's address", "the key and its rights"
    return error_of_status(path, status, text, where=where, whose=whose)
