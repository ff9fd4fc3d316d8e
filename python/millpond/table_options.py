"""Keys and addresses of stores as the packages that know tables call them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from millpond.errors import UnsupportedError
from millpond.store import key_of, root_of
from millpond.store_connections import s3_address
from millpond.store_options import setting
from millpond.store_patience import patience_of

_DENIED = re.compile(
    r"\b(401|403|AccessDenied|ACCESS_DENIED|InvalidAccessKeyId|SignatureDoesNotMatch|XAdminUserNotFound|Forbidden)\b"
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# Where tables may lie, and how the options begin that are for there.
_DELTA_STORES = {"s3": "aws_", "az": "azure_", "abfs": "azure_", "abfss": "azure_"}
_ICEBERG_STORES = {"s3": "aws_"}
# Of deltalake, where they are not called as here.
_OF_DELTA = {"azure_storage_sas_token": "azure_storage_sas_key"}
_OF_ICEBERG = {
    "aws_access_key_id": "s3.access-key-id",
    "aws_secret_access_key": "s3.secret-access-key",
    "aws_session_token": "s3.session-token",
    "aws_region": "s3.region",
    "aws_endpoint_url": "s3.endpoint",
    "aws_virtual_hosted_style_request": "s3.force-virtual-addressing",
    "aws_skip_signature": "s3.anonymous",
}


def delta_options(path: str, options: Mapping[str, str]) -> dict[str, str]:
    """What deltalake must be told to reach `path` as `options` say. Secret.

    UnsupportedError for a store that tables can't lie on.
    """
    if not root_of(path):
        return {}
    scheme = _scheme_of(path, "a Delta table", _DELTA_STORES)
    if "%" in key_of(path):
        raise UnsupportedError(
            f'a Delta table at "{path}" is not read or written: deltalake decodes percent signs in names',
            hint="rename it",
        )
    patience = patience_of(options)
    theirs = _DELTA_STORES[scheme]
    told = {_OF_DELTA.get(name, name): value for name, value in options.items() if name.startswith(theirs)}
    # Its "timeout" is that of a whole request, and ours is without a byte.
    told["connect_timeout"] = f"{patience.connect_seconds}s"
    told["max_retries"] = str(patience.max_retries)
    told["retry_timeout"] = f"{(patience.max_retries + 2) * patience.seconds}s"
    endpoint: str | None = setting(options, "azure_endpoint")
    if scheme == "s3":
        endpoint, region = s3_address(options)
        told.update({"aws_endpoint_url": endpoint} if endpoint else {})
        told.update({"aws_region": region} if region else {})
        # A version is an object that must not be there yet: the store decides between two writers.
        told["aws_conditional_put"] = "etag"
    if endpoint and endpoint.startswith("http://"):
        told["allow_http"] = "true"
    return told


def iceberg_properties(path: str, options: Mapping[str, str]) -> dict[str, str]:
    """What pyiceberg must be told to reach `path` as `options` say. Secret. UnsupportedError as for `delta_options`."""
    if not root_of(path):
        return {}
    _scheme_of(path, "an Iceberg table", _ICEBERG_STORES)
    told = {_OF_ICEBERG[name]: value for name, value in options.items() if name in _OF_ICEBERG}
    endpoint, region = s3_address(options)
    told.update({"s3.endpoint": endpoint} if endpoint else {})
    told.update({"s3.region": region} if region else {})
    patience = patience_of(options)
    told["s3.connect-timeout"] = str(patience.connect_seconds)
    told["s3.request-timeout"] = str(patience.seconds)
    return told


def options_of_iceberg(properties: Mapping[str, str]) -> dict[str, str]:
    """The `storage_options` that a catalog's or a table's properties come to. Secret."""
    known = {
        name: str(properties[theirs])
        for name, theirs in _OF_ICEBERG.items()
        if properties.get(theirs) not in (None, "")
    }
    for name in ("aws_virtual_hosted_style_request", "aws_skip_signature"):
        if name in known:
            known[name] = known[name].lower()
    return known


def without_secrets(text: str, options: Mapping[str, str]) -> str:
    """What another package says of a failure, its first lines, with no value of `options` but addresses and names."""
    for name, value in options.items():
        if any(part in name for part in ("key", "secret", "token")) and len(value) > 3:
            text = text.replace(value, "***")
    return " ".join(_COLOURS.sub("", text).split())[:400]


def is_denied(text: str) -> bool:
    """Whether a store's refusal speaks out of another package's error."""
    return _DENIED.search(text) is not None


def _scheme_of(path: str, what: str, known: Iterable[str]) -> str:
    scheme = path.partition("://")[0].lower()
    if scheme not in known:
        raise UnsupportedError(
            f'{what} at "{path}" is on a store where such tables are not read or written',
            hint=f"they may lie on {', '.join(f'{one}://' for one in known)} and paths of this machine",
        )
    return scheme
