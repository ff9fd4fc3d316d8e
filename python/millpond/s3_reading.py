"""Objects of S3 as a reader finds them through boto3: with their tags, which pyarrow's listings leave out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from millpond.errors import ConflictError, NotFoundError
from millpond.s3_client import each, ours, split, unavailable
from millpond.s3_ranges import ADDRESS_SECONDS, NotPlainError, is_direct
from millpond.store import Entries, Entry, changed, plain_tag, root_of
from millpond.store_patience import Patience


class _CutOffError(Exception):
    """An answer broke off in the middle of its body."""


class S3Reading:
    """What lies where, and contents. Safe for many threads."""

    def __init__(self, client: Any, patience: Patience) -> None:
        """`client`: boto3's, from s3_client()."""
        self._client = client
        self._patience = patience

    def stat(self, path: str) -> Entry:
        """What is at a path: an object, else a folder."""
        bucket, key = split(path.rstrip("/"))
        if not key:
            ours(path, lambda: self._client.head_bucket(Bucket=bucket))
            return (path.rstrip("/"), 0, 0, True, "")
        try:
            return self.stat_object(path.rstrip("/"))
        except NotFoundError:
            below = ours(path, lambda: self._client.list_objects_v2(Bucket=bucket, Prefix=f"{key}/", MaxKeys=1))
            if not below.get("Contents"):
                raise
        return (path.rstrip("/"), 0, 0, True, "")

    def stat_object(self, path: str) -> Entry:
        """The object at a path."""
        bucket, key = split(path)
        head = ours(path, lambda: self._client.head_object(Bucket=bucket, Key=key))
        return _entry(path, head, "ContentLength")

    def list(self, path: str) -> Entries:
        """What lies directly in a folder, sorted by path."""
        root, (bucket, key) = root_of(path), split(path.rstrip("/"))
        prefix = f"{key}/" if key else ""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        entries: Entries = []
        is_there = not key
        for page in each(path, pages):
            folders = [found["Prefix"].removesuffix("/") for found in page.get("CommonPrefixes", [])]
            # A name of no letters stands for no folder.
            entries += [(f"{root}/{name}", 0, 0, True, "") for name in folders if not f"{name}/".endswith("//")]
            objects = page.get("Contents", [])
            is_there = is_there or bool(folders or objects)
            # An object of the folder's own name marks it.
            entries += [_entry(f"{root}/{found['Key']}", found) for found in objects if found["Key"] != prefix]
        if not is_there:
            raise NotFoundError(f'there is nothing in "{path}"')
        return sorted(entries)

    def list_all(self, folder: str) -> Entries:
        """All objects below a folder, sorted by path."""
        root, (bucket, key) = root_of(folder), split(folder.rstrip("/"))
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{key}/" if key else "")
        found = [one for page in each(folder, pages) for one in page.get("Contents", [])]
        return sorted(_entry(f"{root}/{one['Key']}", one) for one in found if not one["Key"].endswith("/"))

    def get(self, path: str, **conditions: str) -> tuple[bytes, str]:
        """An object, or the piece that `conditions` tell, and its ETag as the store writes it.

        The ETag is empty where there is none: of a file that lies in a gateway's folder without its doing.
        """
        bucket, key = split(path)
        place = {"Bucket": bucket, "Key": key, **conditions}
        # What breaks off in the middle of the body, boto3 doesn't ask for again.
        for retry in range(self._patience.max_retries + 1):
            try:
                return ours(path, lambda: _whole(self._client, place))
            except _CutOffError as error:
                if retry == self._patience.max_retries:
                    raise unavailable(path, error) from None
                time.sleep(self._patience.pause_before(retry))
        raise AssertionError("there is one try at least")

    def piece(self, path: str, nbytes: int, offset: int, tag: str) -> bytes:
        """The bytes from `offset` of the object with this tag, or of whichever where it has none.

        DataCorruptError when it has another by now.
        """
        try:
            condition = {"IfMatch": f'"{tag}"'} if tag else {}
            content, found = self.get(path, Range=f"bytes={offset}-{offset + nbytes - 1}", **condition)
        except (ConflictError, NotFoundError):
            raise changed(path) from None
        if plain_tag(found) != tag:
            raise changed(path)  # The store does not look at conditions.
        return content

    def signer_of(self, path: str) -> Callable[[], str]:
        """What gives addresses of an object that hold for ADDRESS_SECONDS; NotPlainError where a proxy is before it."""
        bucket, key = split(path)
        place = {"Bucket": bucket, "Key": key}

        def sign() -> str:
            address = str(ours(path, lambda: self._client.generate_presigned_url("get_object", place, ADDRESS_SECONDS)))
            if not is_direct(address):
                raise NotPlainError("a proxy")
            return address

        return sign


def _whole(client: Any, place: Mapping[str, str]) -> tuple[bytes, str]:
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    try:
        answer = client.get_object(**place)
    except HTTPError as error:  # An answer that tells of an error may break off, too, and boto3 lets that through.
        raise _CutOffError(str(error)) from None
    try:
        return answer["Body"].read(), answer.get("ETag", "")
    except (BotoCoreError, HTTPError, OSError) as error:
        raise _CutOffError(str(error)) from None


def _entry(path: str, found: Mapping[str, Any], size: str = "Size") -> Entry:
    # Listings of some stores tell parts of a second, and their other answers none.
    seconds = int(found["LastModified"].timestamp())
    return (path, int(found[size]), seconds * 1_000_000_000, False, plain_tag(found.get("ETag", "")))
