"""pyarrow's file system for `s3://`, by `storage_options`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from millpond.errors import InvalidArgumentError, UnsupportedError
from millpond.store_options import flag
from millpond.store_patience import Patience, patience_of

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


def connect(path: str, options: Mapping[str, str]) -> FileSystem:
    """The file system that has `path`. Asks nothing of it yet."""
    try:
        return _connect_s3(options, patience_of(options))
    except ImportError:
        raise UnsupportedError(f'"{path}" needs the package pyarrow', hint="pip install pyarrow") from None


def inner_path(path: str) -> str:
    """A path as its file system knows it: "bucket/key"."""
    return path.partition("://")[2]


def _connect_s3(options: Mapping[str, str], patience: Patience) -> FileSystem:
    from pyarrow.fs import AwsDefaultS3RetryStrategy, S3FileSystem

    endpoint, region = s3_address(options)
    http, address = _address(endpoint)
    return S3FileSystem(
        access_key=options.get("aws_access_key_id"),
        secret_key=options.get("aws_secret_access_key"),
        session_token=options.get("aws_session_token"),
        anonymous=flag(options, "aws_skip_signature"),
        region=region,
        endpoint_override=address,
        scheme=http,
        force_virtual_addressing=flag(options, "aws_virtual_hosted_style_request"),
        # A small object is one request, not the three of an upload in parts.
        allow_delayed_open=True,
        connect_timeout=patience.connect_seconds,
        request_timeout=patience.seconds,
        # Pauses as in Patience. What it calls attempts are retries.
        retry_strategy=AwsDefaultS3RetryStrategy(max_attempts=patience.max_retries),
    )


def s3_address(options: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The endpoint, where it is not AWS, and the region. InvalidArgumentError for an endpoint that is no address."""
    environment = os.environ
    endpoint = (
        options.get("aws_endpoint_url") or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    )
    _address(endpoint)
    region = options.get("aws_region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    # A store at an address of its own doesn't look at the region, but one must be named.
    return endpoint, region or ("us-east-1" if endpoint else None)


def _address(endpoint: str | None) -> tuple[str, str | None]:
    """The scheme, and host and port without it; of none, that of the store itself."""
    if not endpoint:
        return "https", None
    http, colon, address = endpoint.rpartition("://")
    if not colon or http not in ("http", "https") or not address.strip("/"):
        raise InvalidArgumentError("the S3 endpoint is no address", hint='write it as "https://host:port"')
    return http, address.strip("/")
