"""What a write to `s3://` needs beyond pyarrow: conditional requests, copies with a mark, unfinished uploads."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from millpond.errors import (
    ConflictError,
    DataCorruptError,
    InvalidArgumentError,
    MillpondError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)
from millpond.s3_ranges import ADDRESS_SECONDS, NotPlainError, is_direct
from millpond.store import Copies
from millpond.store_patience import Patience, joined

_T = TypeVar("_T")

_THREADS = 16
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
        self._patience = patience
        self._tags_are_digests = True

    def version_of(self, path: str) -> tuple[int, str, str]:
        """An object's bytes, tag and mark."""
        bucket, key = _split(path)
        head = _ours(path, lambda: self._client.head_object(Bucket=bucket, Key=key))
        return int(head["ContentLength"]), head["ETag"], head.get("Metadata", {}).get(_MARK, "")

    def signer_of(self, path: str) -> Callable[[], str]:
        """What gives addresses of an object that hold for ADDRESS_SECONDS; NotPlainError where a proxy is before it."""
        bucket, key = _split(path)
        place = {"Bucket": bucket, "Key": key}

        def sign() -> str:
            address = str(
                _ours(path, lambda: self._client.generate_presigned_url("get_object", place, ADDRESS_SECONDS))
            )
            if not is_direct(address):
                raise NotPlainError("a proxy")
            return address

        return sign

    def get(self, path: str) -> tuple[bytes, str]:
        """A small object whole, and its tag."""
        found = self._get(path)
        # versitygw may give an old content with the new tag while an object is replaced. Who wrote back by such
        # a tag would undo the other's change. A small object's tag is its MD5, unless the store encrypts it.
        looks = 1
        while self._tags_are_digests and not _belong_together(*found):
            time.sleep(0.01 * looks)
            before, found = found, self._get(path)
            looks = looks + 1 if found == before else 1
            if looks == _LOOKS:
                self._tags_are_digests = False  # It is always so here: this store makes its tags otherwise.
        return found

    def _get(self, path: str) -> tuple[bytes, str]:
        bucket, key = _split(path)

        # What breaks off in the middle of the body, boto3 doesn't ask for again.
        for retry in range(self._patience.max_retries + 1):
            response = _ours(path, lambda: self._client.get_object(Bucket=bucket, Key=key))
            try:
                return _ours(path, response["Body"].read), response["ETag"]
            except UnavailableError:
                if retry == self._patience.max_retries:
                    raise
                time.sleep(self._patience.pause_before(retry))
        raise AssertionError("there is one try at least")

    def put_if(self, path: str, content: bytes, tag: str) -> None:
        """Puts an object in the place of the one with this tag; without a tag, of none."""
        bucket, key = _split(path)
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        for race in range(_RACES):
            try:
                _ours(path, lambda: self._client.put_object(Bucket=bucket, Key=key, Body=content, **condition))
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
        with ThreadPoolExecutor(min(_THREADS, max(1, len(copies)))) as pool:
            for done in [pool.submit(self._copy, *copy, mark) for copy in copies]:
                done.result()

    def remove(self, paths: list[str]) -> None:
        """Removes objects; fine when they are not there."""
        buckets: dict[str, list[str]] = {}
        for path in paths:
            bucket, key = _split(path)
            buckets.setdefault(bucket, []).append(key)
        for bucket, keys in buckets.items():
            self._remove_keys(bucket, keys)

    def remove_prefix(self, prefix: str) -> None:
        """Removes the objects whose paths begin so, and gives up the uploads of such."""
        bucket, start = _split(prefix)
        for upload in self._uploads(bucket, start, prefix):
            place = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            try:
                _ours(prefix, partial(self._client.abort_multipart_upload, **place))
            except NotFoundError:
                continue  # It ended by itself.
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
        for page in _each(prefix, pages):
            self._remove_keys(bucket, [entry["Key"] for entry in page.get("Contents", [])])

    def _uploads(self, bucket: str, start: str, prefix: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=start)
        uploads = [upload for page in _each(prefix, pages) for upload in page.get("Uploads", [])]
        return [upload for upload in uploads if upload["Key"].startswith(start)]

    def _remove_keys(self, bucket: str, keys: list[str]) -> None:
        path = f"s3://{bucket}"
        if len(keys) == 1:
            _ours(f"{path}/{keys[0]}", lambda: self._client.delete_object(Bucket=bucket, Key=keys[0]))
            return
        for begin in range(0, len(keys), _REMOVE_AT_ONCE):
            objects = [{"Key": key} for key in keys[begin : begin + _REMOVE_AT_ONCE]]
            request = {"Bucket": bucket, "Delete": {"Objects": objects, "Quiet": True}}
            answer = _ours(path, partial(self._client.delete_objects, **request))
            for error in answer.get("Errors", []):
                if error.get("Code") != "NoSuchKey":
                    raise UnavailableError(
                        f'the store did not remove "{path}/{error.get("Key")}": {error.get("Code")}',
                        hint="check the key's rights",
                    )

    def _copy(self, source: str, target: str, size: int, mark: str) -> None:
        from_bucket, from_key = _split(source)
        bucket, key = _split(target)
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
            _ours(target, lambda: self._client.copy_object(**request))
        else:
            from boto3.s3.transfer import TransferConfig

            parts = TransferConfig(multipart_threshold=_COPIED_AT_ONCE, multipart_chunksize=_COPIED_AT_ONCE)
            failed: MillpondError | None = None
            try:
                _ours(target, lambda: self._client.copy(origin, bucket, key, ExtraArgs=extra, Config=parts))
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


def s3_client(options: Mapping[str, str], endpoint: str | None, region: str | None, patience: Patience) -> Any:
    """boto3's client for `storage_options`. Whatever is left out it looks for as the AWS tools do."""
    try:
        import boto3
        import botocore
        from botocore.config import Config
    except ImportError:
        raise UnsupportedError(
            "writing to s3:// needs the package boto3", hint='pip install "millpond[s3]", or pip install boto3'
        ) from None
    is_virtual = options.get("aws_virtual_hosted_style_request") == "true"
    settings: dict[str, Any] = {
        # What it takes for requests anyway; addresses that are signed beforehand it would sign in the old way.
        "signature_version": "s3v4",
        "connect_timeout": patience.connect_seconds,
        "read_timeout": patience.seconds,
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "max_pool_connections": 2 * _THREADS,
        # Look-alikes often know no other checksums than those that they must.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "s3": {"addressing_style": "path" if endpoint and not is_virtual else "auto"},
    }
    if options.get("aws_skip_signature") == "true":
        settings["signature_version"] = botocore.UNSIGNED
    # A session of its own: that of the module is the user's.
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=options.get("aws_access_key_id"),
        aws_secret_access_key=options.get("aws_secret_access_key"),
        aws_session_token=options.get("aws_session_token"),
        config=Config(**settings),
    )
    # botocore's own retries pause up to 20 s each, whatever the timeout.
    client.meta.events.register_first("needs-retry.s3", partial(_pause, patience))
    return client


def _pause(
    patience: Patience, attempts: int, response: Any = None, caught_exception: Exception | None = None, **_: object
) -> float | None:
    """Seconds until a failed request is sent again; None: never. All may be: put_if is the one that could tell."""
    from botocore.exceptions import HTTPClientError

    if attempts > patience.max_retries:
        return None
    if caught_exception is not None:
        is_passing = isinstance(caught_exception, HTTPClientError)
    else:
        status = response[0].status_code
        is_passing = status in (408, 429) or (status >= 500 and status != 501)
    return patience.pause_before(attempts - 1) if is_passing else None


def _split(path: str) -> tuple[str, str]:
    bucket, _, key = path.partition("://")[2].partition("/")
    return bucket, key


def _belong_together(content: bytes, tag: str) -> bool:
    return tag.strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest()


def _each(path: str, pages: Any) -> Iterator[dict[str, Any]]:
    iterator = iter(pages)
    while (page := _ours(path, lambda: next(iterator, None))) is not None:
        yield page


def _ours(path: str, call: Callable[[], _T]) -> _T:
    """What `call` gives; boto3's error as one of ours. botocore's errors name no keys."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except ClientError as error:
        raise _error_of(path, error.response) from None
    except (BotoCoreError, OSError) as error:
        raise UnavailableError(
            f'the store did not do what was asked of "{path}": {error}',
            hint="check the store's address and the network",
        ) from None


def _error_of(path: str, response: Mapping[str, Any]) -> MillpondError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = f"{code}: {response.get('Error', {}).get('Message', '')}"
    if status == 412 or code in ("PreconditionFailed", "ConditionalRequestConflict"):
        return ConflictError(f'another writer was faster at "{path}" ({code})')
    if status == 404:
        return NotFoundError(
            f'there is nothing at "{path}" ({code})', hint="check the bucket's name and the store's address"
        )
    if status in (401, 403):
        return PermissionDeniedError(
            f'the store refuses access to "{path}" ({text})', hint="check the key, its rights, and the store's address"
        )
    if status == 501:
        return UnsupportedError(
            f'the store can\'t do what a write to "{path}" needs ({text})',
            hint="it must know conditional writes (If-None-Match); newer versions of most stores do",
        )
    if status in (400, 405, 411, 413):
        return InvalidArgumentError(f'the store refuses "{path}" ({text})', hint="check the name and the options")
    return UnavailableError(
        f'the store did not do what was asked of "{path}" ({status} {text})', hint="try again; check the store"
    )
