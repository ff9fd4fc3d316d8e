"""What a write to `s3://` needs beyond pyarrow: conditional requests, copies with a mark, unfinished uploads."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from millpond.errors import ConflictError, DataCorruptError, MillpondError, NotFoundError, UnavailableError
from millpond.s3_client import THREADS, each, ours, split
from millpond.s3_reading import S3Reading
from millpond.store import Copies
from millpond.store_patience import Patience, joined

_REMOVE_AT_ONCE = 1000
# More is copied in parts, each a request that ends in time; S3 itself copies 5 GB at once.
_COPIED_AT_ONCE = 128 << 20
_MARK = "millpond-write"
# A conditional request that meets another of its kind is to be tried again, says S3.
_RACES = 10
_LOOKS = 20


class S3Writing:
    """Objects of S3 as a writer handles them. Safe for many threads."""

    def __init__(self, client: Any, patience: Patience) -> None:
        """`client`: boto3's, from s3_client()."""
        self._client = client
        self._reading = S3Reading(client, patience)
        self._tags_are_digests = True

    def version_of(self, path: str) -> tuple[int, str, str]:
        """An object's bytes, tag and mark."""
        bucket, key = split(path)
        head = ours(path, lambda: self._client.head_object(Bucket=bucket, Key=key))
        return int(head["ContentLength"]), head["ETag"], head.get("Metadata", {}).get(_MARK, "")

    def get(self, path: str) -> tuple[bytes, str]:
        """A small object whole, and its tag."""
        found = self._reading.get(path)
        # versitygw may give an old content with the new tag while an object is replaced. Who wrote back by such
        # a tag would undo the other's change. A small object's tag is its MD5, unless the store encrypts it.
        looks = 1
        while self._tags_are_digests and not _belong_together(*found):
            time.sleep(0.01 * looks)
            before, found = found, self._reading.get(path)
            looks = looks + 1 if found == before else 1
            if looks == _LOOKS:
                self._tags_are_digests = False  # It is always so here: this store makes its tags otherwise.
        return found

    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Puts an object in the place of the one with this tag; without a tag, of none."""
        bucket, key = split(path)
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        for race in range(_RACES):
            try:
                ours(path, lambda: self._client.put_object(Bucket=bucket, Key=key, Body=content, **condition))
                return
            except NotFoundError:
                if not tag:
                    raise  # There is no bucket.
                raise ConflictError(f'"{path}" was removed by another writer') from None
            except ConflictError as error:
                if self._holds(path, content):
                    return  # An earlier try of ours went through, and its answer was lost.
                if "ConditionalRequestConflict" not in str(error) or race + 1 == _RACES:
                    raise
                time.sleep(0.05 * (race + 1))

    def copy(self, copies: Copies, mark: str) -> None:
        """Copies objects within their store, many at once."""
        with ThreadPoolExecutor(min(THREADS, max(1, len(copies)))) as pool:
            for done in [pool.submit(self._copy, *copy, mark) for copy in copies]:
                done.result()

    def remove(self, paths: list[str]) -> None:
        """Removes objects; fine when they are not there."""
        buckets: dict[str, list[str]] = {}
        for path in paths:
            bucket, key = split(path)
            buckets.setdefault(bucket, []).append(key)
        for bucket, keys in buckets.items():
            self._remove_keys(bucket, keys)

    def remove_prefix(self, prefix: str) -> None:
        """Removes the objects whose paths begin so, and gives up the uploads of such."""
        bucket, start = split(prefix)
        for upload in self._uploads(bucket, start, prefix):
            place = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            try:
                ours(prefix, partial(self._client.abort_multipart_upload, **place))
            except NotFoundError:
                continue  # It ended by itself.
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
        for page in each(prefix, pages):
            self._remove_keys(bucket, [entry["Key"] for entry in page.get("Contents", [])])

    def _uploads(self, bucket: str, start: str, prefix: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=start)
        uploads = [upload for page in each(prefix, pages) for upload in page.get("Uploads", [])]
        return [upload for upload in uploads if upload["Key"].startswith(start)]

    def _remove_keys(self, bucket: str, keys: list[str]) -> None:
        path = f"s3://{bucket}"
        if len(keys) == 1:
            ours(f"{path}/{keys[0]}", lambda: self._client.delete_object(Bucket=bucket, Key=keys[0]))
            return
        for begin in range(0, len(keys), _REMOVE_AT_ONCE):
            objects = [{"Key": key} for key in keys[begin : begin + _REMOVE_AT_ONCE]]
            request = {"Bucket": bucket, "Delete": {"Objects": objects, "Quiet": True}}
            answer = ours(path, partial(self._client.delete_objects, **request))
            for error in answer.get("Errors", []):
                if error.get("Code") != "NoSuchKey":
                    raise UnavailableError(
                        f'the store did not remove "{path}/{error.get("Key")}": {error.get("Code")}',
                        hint="check the key's rights",
                    )

    def _copy(self, source: str, target: str, size: int, mark: str) -> None:
        from_bucket, from_key = split(source)
        bucket, key = split(target)
        found, tag, _ = self.version_of(source)
        if found != size:
            raise DataCorruptError(
                f'"{source}" has {found} bytes, not the {size} that were written',
                hint="run the job again: it is then written anew",
            )
        origin = {"Bucket": from_bucket, "Key": from_key}
        extra: dict[str, Any] = {"Metadata": {_MARK: mark}, "MetadataDirective": "REPLACE"} if mark else {}
        if size <= _COPIED_AT_ONCE:
            request = {"Bucket": bucket, "Key": key, "CopySource": origin, "CopySourceIfMatch": tag, **extra}
            ours(target, lambda: self._client.copy_object(**request))
        else:
            from boto3.s3.transfer import TransferConfig

            parts = TransferConfig(multipart_threshold=_COPIED_AT_ONCE, multipart_chunksize=_COPIED_AT_ONCE)
            failed: MillpondError | None = None
            try:
                ours(target, lambda: self._client.copy(origin, bucket, key, ExtraArgs=extra, Config=parts))
            except (NotFoundError, UnavailableError) as error:
                failed = error
            # The store may join the parts for longer than a request lasts, and refuse the one that is sent again.
            if not joined(lambda: self._is_copied(target, size, mark), size):
                raise failed or UnavailableError(f'the store did not join the parts of "{target}"', hint="try again")

    def _is_copied(self, target: str, size: int, mark: str) -> bool:
        try:
            there = self.version_of(target)
        except (NotFoundError, UnavailableError):
            return False
        return there[0] == size and there[2] == mark

    def _holds(self, path: str, content: bytes) -> bool:
        try:
            return self.get(path)[0] == content
        except NotFoundError:
            return False


def _belong_together(content: bytes, tag: str) -> bool:
    return tag.strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest()
