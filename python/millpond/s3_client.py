"""boto3's client for `s3://`, and its errors as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from millpond.errors import (
    ConflictError,
    InvalidArgumentError,
    MillpondError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)
from millpond.store_patience import Patience

#: What stores call a key that they do not know; the second is versitygw's, whose status is 404.
UNKNOWN_KEY = ("InvalidAccessKeyId", "XAdminUserNotFound")
_T = TypeVar("_T")

#: Requests that a store is asked at once.
THREADS = 16


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
        "max_pool_connections": 2 * THREADS,
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


def split(path: str) -> tuple[str, str]:
    """Bucket and key of a path."""
    bucket, _, key = path.partition("://")[2].partition("/")
    return bucket, key


def each(path: str, pages: Any) -> Iterator[dict[str, Any]]:
    """The pages of a listing, as they come."""
    iterator = iter(pages)
    while (page := ours(path, lambda: next(iterator, None))) is not None:
        yield page


def ours(path: str, call: Callable[[], _T]) -> _T:
    """What `call` gives; boto3's error as one of ours. botocore's errors name no keys."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except ClientError as error:
        raise _error_of(path, error.response) from None
    except (BotoCoreError, OSError) as error:
        raise unavailable(path, error) from None


def unavailable(path: str, error: Exception) -> UnavailableError:
    """The error for requests that got no answer, or not all of one."""
    return UnavailableError(
        f'the store did not do what was asked of "{path}": {error}', hint="check the store's address and the network"
    )


def _error_of(path: str, response: Mapping[str, Any]) -> MillpondError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = f"{code}: {response.get('Error', {}).get('Message', '')}"
    if status == 412 or code in ("PreconditionFailed", "ConditionalRequestConflict"):
        return ConflictError(f'another writer was faster at "{path}" ({code})')
    if status in (401, 403) or code in UNKNOWN_KEY:
        return PermissionDeniedError(
            f'the store refuses access to "{path}" ({text})', hint="check the key, its rights, and the store's address"
        )
    if status == 404:
        return NotFoundError(
            f'there is nothing at "{path}" ({code})', hint="check the bucket's name and the store's address"
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
