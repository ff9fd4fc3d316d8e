"""Blobs of Azure, `az://container/blob`, `abfss://container@account.dfs.core.windows.net/blob`."""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from millpond.errors import (
    ConflictError,
    InvalidArgumentError,
    MillpondError,
    NotFoundError,
    UnavailableError,
)
from millpond.optional_package import needed
from millpond.store import (
    Copies,
    Entries,
    Entry,
    Paths,
    Store,
    changed,
    in_parallel,
    key_of,
    other_size,
    plain_tag,
    root_of,
)
from millpond.store_errors import error_of_status
from millpond.store_options import flag, setting

_T = TypeVar("_T")

# Five tries, with 0.2, 1.7, 2.5 and 3.6 s between them; the client's own pauses make a minute and more.
_WAITS = {
    "connection_timeout": 10,
    "read_timeout": 60,
    "retry_total": 4,
    "initial_backoff": 0.2,
    "increment_base": 1.5,
    "random_jitter_range": 0.1,
}
_BLOCK_BYTES = 8 << 20
_MARK = "millpond_write"
# Where names are folders too, they are listed as blobs with this.
_FOLDER = "hdi_isfolder"


class AzureStore(Store):
    """The containers of one account. Safe for many threads."""

    def __init__(self, path: str, options: Mapping[str, str]) -> None:
        """`options`: see STORE_OPTIONS; else AZURE_STORAGE_ACCOUNT_NAME and the like. Asks nothing of the store yet."""
        self._blob = needed("azure.storage.blob", f'"{root_of(path)}"', "azure")
        self._core = needed("azure.core", f'"{root_of(path)}"', "azure")
        account, address = _address(path, options)
        self._service = self._blob.BlobServiceClient(
            address, credential=_credential(path, account, options), max_single_get_size=_BLOCK_BYTES, **_WAITS
        )

    def stat(self, path: str) -> Entry:
        """What is at a path: a blob, else a folder."""
        key = key_of(path).rstrip("/")
        if not key:
            _ours(path, self._container(path).get_container_properties)
            return (path.rstrip("/"), 0, 0, True, "")
        try:
            found = _ours(path, self._at(path).get_blob_properties)
        except NotFoundError:
            found = None
        if found is not None and not _is_folder(found):
            return _entry(path, found)
        listed = self._container(path).list_blobs(name_starts_with=f"{key}/", results_per_page=1)
        if found is None and _ours(path, lambda: next(iter(listed), None)) is None:
            raise NotFoundError(f'there is nothing at "{path}"')
        return (path.rstrip("/"), 0, 0, True, "")

    def list(self, path: str) -> Entries:
        """What lies directly in a folder, sorted by path."""
        root, prefix = root_of(path), _prefix(path)
        walk = self._container(path).walk_blobs(name_starts_with=prefix, delimiter="/")
        entries = set()
        for item in _ours(path, lambda: list(walk)):
            name = item.name
            if name.endswith("/"):
                entries.add((f"{root}/{name.rstrip('/')}", 0, 0, True, ""))
            elif name != prefix:
                entries.add(_entry(f"{root}/{name}", item))
        if not entries:
            raise NotFoundError(f'there is nothing in "{path}"')
        # A folder that is a blob too is listed twice.
        folders = {entry[0] for entry in entries if entry[3]}
        return sorted(entry for entry in entries if entry[3] or entry[0] not in folders)

    def open(self, path: str) -> AzureBlob:
        """A blob, to be read in pieces."""
        blob = self._at(path)
        return AzureBlob(path, blob, _ours(path, blob.get_blob_properties))

    def list_all(self, folder: str) -> Entries:
        """All blobs below a folder, sorted by path; none when it is not there, but its container must be."""
        root = root_of(folder)
        # Folders that are blobs are told by their metadata alone.
        listed = self._container(folder).list_blobs(name_starts_with=_prefix(folder), include=["metadata"])
        found = _ours(folder, lambda: list(listed))
        return sorted(_entry(f"{root}/{item.name}", item) for item in found if not _is_folder(item))

    def create(self, path: str) -> AzureUpload:
        """A blob to be written from its beginning to its end."""
        return AzureUpload(path, self._at(path), self._blob.BlobBlock)

    def version_of(self, path: str) -> tuple[int, str, str]:
        """A blob's bytes, tag and mark."""
        found = _ours(path, self._at(path).get_blob_properties)
        if _is_folder(found):
            raise NotFoundError(f'"{path}" is a folder')
        return int(found.size), found.etag, (found.metadata or {}).get(_MARK, "")

    def get(self, path: str) -> tuple[bytes, str]:
        """A small blob whole, and its tag."""

        def read() -> tuple[bytes, str]:
            download = self._at(path).download_blob()
            return download.readall(), download.properties.etag

        return _ours(path, read)

    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Puts a blob in the place of the one with this tag; without a tag, of none."""
        condition = {"etag": tag, "match_condition": self._core.MatchConditions.IfNotModified} if tag else {}
        try:
            _ours(path, lambda: self._at(path).upload_blob(content, overwrite=bool(tag), **condition))
        except ConflictError:
            if not self._holds(path, content):  # Or an earlier try of ours went through, and its answer was lost.
                raise
        except NotFoundError:
            if not tag:
                raise
            raise ConflictError(f'"{path}" was removed by another writer') from None

    def copy(self, copies: Copies, mark: str) -> None:
        """Copies blobs within their account, many at once."""
        in_parallel(lambda one: self._copy(*one, mark), copies)

    def remove(self, paths: Paths) -> None:
        """Removes blobs; fine when they are not there."""
        in_parallel(self._remove, paths)

    def remove_prefix(self, prefix: str) -> None:
        """Removes the blobs whose paths begin so. Azure itself gives up unfinished uploads, after a week."""
        root = root_of(prefix)
        names = _ours(prefix, lambda: list(self._container(prefix).list_blob_names(name_starts_with=key_of(prefix))))
        # What lies in a folder goes before it.
        self.remove(sorted((f"{root}/{name}" for name in names), reverse=True))

    def _remove(self, path: str) -> None:
        try:
            _ours(path, self._at(path).delete_blob)
        except NotFoundError:
            return

    def _copy(self, source: str, target: str, size: int, mark: str) -> None:
        origin = self._at(source)
        found = _ours(source, origin.get_blob_properties)
        if found.size != size:
            raise other_size(source, found.size, size)
        blob = self._at(target)
        metadata = {_MARK: mark} if mark else None
        state = _ours(target, lambda: blob.start_copy_from_url(origin.url, metadata=metadata))["copy_status"]
        while state == "pending":  # Within an account it is mostly done at once.
            time.sleep(0.2)
            state = _ours(target, blob.get_blob_properties).copy.status
        if state != "success":
            raise UnavailableError(f'the store did not copy to "{target}": {state}', hint="try again")

    def _holds(self, path: str, content: bytes) -> bool:
        try:
            return self.get(path)[0] == content
        except NotFoundError:
            return False

    def _container(self, path: str) -> Any:
        return self._service.get_container_client(_container_of(path))

    def _at(self, path: str) -> Any:
        return self._service.get_blob_client(_container_of(path), key_of(path).rstrip("/"))


class AzureBlob:
    """A blob open for reading, by many threads at once."""

    def __init__(self, path: str, blob: Any, found: Any) -> None:
        self._path = path
        self._blob = blob
        self._size = int(found.size)
        self._etag = found.etag

    def size(self) -> int:
        """Bytes."""
        return self._size

    def tag(self) -> str:
        """The content's."""
        return plain_tag(self._etag)

    def read_at(self, nbytes: int, offset: int) -> bytes:
        """The bytes from `offset`. DataCorruptError when the blob is another by now."""
        from azure.core import MatchConditions

        def read() -> bytes:
            same = {"etag": self._etag, "match_condition": MatchConditions.IfNotModified}
            content: bytes = self._blob.download_blob(offset, min(nbytes, self._size - offset), **same).readall()
            return content

        try:
            return _ours(self._path, read)
        except ConflictError:
            raise changed(self._path) from None


class AzureUpload:
    """A blob that is being written, in blocks that are put together at the end."""

    def __init__(self, path: str, blob: Any, block: Any) -> None:
        self._path = path
        self._blob = blob
        self._block = block
        self._waiting = bytearray()
        self._ids: list[str] = []
        # Blocks of an earlier try under this name must not be taken for ours.
        self._token = secrets.token_hex(8)

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._waiting += data
        if len(self._waiting) >= _BLOCK_BYTES:
            self._send()

    def finish(self) -> None:
        """Gives the blob its name."""
        if not self._ids:
            content = bytes(self._waiting)
            _ours(self._path, lambda: self._blob.upload_blob(content, overwrite=True))
            return
        if self._waiting:
            self._send()
        blocks = [self._block(block_id=one) for one in self._ids]
        _ours(self._path, lambda: self._blob.commit_block_list(blocks))

    def _send(self) -> None:
        content = bytes(self._waiting)
        self._waiting.clear()
        name = b64encode(f"{self._token}{len(self._ids):08}".encode()).decode()
        _ours(self._path, lambda: self._blob.stage_block(name, content))
        self._ids.append(name)


def _address(path: str, options: Mapping[str, str]) -> tuple[str, str]:
    """The account, and where it answers."""
    # abfss://container@account.dfs.core.windows.net/blob
    host = root_of(path).partition("@")[2]
    account = host.partition(".")[0] or setting(options, "azure_storage_account_name")
    endpoint = setting(options, "azure_endpoint")
    if endpoint and not endpoint.startswith(("https://", "http://")):
        raise InvalidArgumentError(
            "azure_endpoint is no address", hint='write it as "https://host", or "http://host:port/account"'
        )
    if not account and not endpoint:
        raise InvalidArgumentError(
            f'"{path}" doesn\'t say whose it is', hint="set azure_storage_account_name in storage_options"
        )
    if not endpoint:
        blobs = host.replace(".dfs.", ".blob.") if "." in host else f"{account}.blob.core.windows.net"
        endpoint = f"https://{blobs}"
    return account, endpoint


def _credential(path: str, account: str, options: Mapping[str, str]) -> Any:
    if flag(options, "azure_skip_signature"):
        return None
    if key := setting(options, "azure_storage_account_key"):
        return {"account_name": account, "account_key": key}
    if signature := setting(options, "azure_storage_sas_token"):
        from azure.core.credentials import AzureSasCredential

        return AzureSasCredential(signature.lstrip("?"))
    if token := setting(options, "azure_storage_token"):
        return _FixedToken(token)
    # A managed identity, `az login`, AZURE_CLIENT_ID and the like.
    identity = needed(
        "azure.identity", f'"{root_of(path)}" without a key in storage_options or the environment', "azure"
    )
    return identity.DefaultAzureCredential()


class _FixedToken:
    """A token that the user got elsewhere."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_more: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(self._token, int(time.time()) + 3600)


def _container_of(path: str) -> str:
    return root_of(path).partition("://")[2].partition("@")[0]


def _prefix(path: str) -> str:
    key = key_of(path).rstrip("/")
    return f"{key}/" if key else ""


def _is_folder(found: Any) -> bool:
    return bool((found.metadata or {}).get(_FOLDER))


def _entry(path: str, found: Any) -> Entry:
    return (path, int(found.size), int(found.last_modified.timestamp()) * 1_000_000_000, False, plain_tag(found.etag))


def _ours(path: str, call: Callable[[], _T]) -> _T:
    """What `call` gives; an error of Azure's client as one of ours. Its first line names no key."""
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        return call()
    except MillpondError:
        raise
    except HttpResponseError as error:
        raise _error_of(path, error.status_code or 0, str(error.message).partition("\n")[0]) from None
    except (AzureError, OSError, ValueError) as error:
        raise UnavailableError(
            f'the store did not do what was asked of "{path}": {error}',
            hint="check the store's address, the key, and the network",
        ) from None


def _error_of(path: str, status: int, text: str) -> MillpondError:
    where, whose = "the container's name and the account's", "the key, its rights, and the account's name"
    return error_of_status(path, status, text, where=where, whose=whose)
