"""What `storage_options` may hold."""

from __future__ import annotations

import os
from collections.abc import Mapping

from millpond.errors import InvalidArgumentError
from millpond.store_patience import PATIENCE_OPTIONS, patience_of

#: Named as in Polars and delta-rs, which leave out HDFS.
STORE_OPTIONS = (
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_endpoint_url",
    "aws_virtual_hosted_style_request",
    "aws_skip_signature",
    "google_service_account",
    "google_service_account_key",
    "google_bearer_token",
    "google_base_url",
    "google_skip_signature",
    "azure_storage_account_name",
    "azure_storage_account_key",
    "azure_storage_sas_token",
    "azure_storage_token",
    "azure_endpoint",
    "azure_skip_signature",
    "hdfs_kerberos_principal",
    "hdfs_kerberos_keytab",
    "hdfs_kerberos_cache",
    "webhdfs_delegation_token",
    "http_bearer_token",
    "hf_token",
    "hf_endpoint",
    *PATIENCE_OPTIONS,
)
#: Hadoop's own settings are taken by their own names.
HADOOP_PREFIXES = ("dfs.", "fs.", "hadoop.", "ipc.")


def checked_options(options: Mapping[str, object] | None) -> dict[str, str]:
    """`options` as texts. Never shows a value: it may be a secret."""
    checked: dict[str, str] = {}
    for name, value in (options or {}).items():
        if name not in STORE_OPTIONS and not name.startswith(HADOOP_PREFIXES):
            raise InvalidArgumentError(
                f"storage_options has no {name!r}",
                hint=f"known are {', '.join(STORE_OPTIONS)}; did you mean one of these?",
            )
        if not isinstance(value, (str, bool, int)):
            raise InvalidArgumentError(f"storage_options[{name!r}] is a {type(value).__name__}", hint="give text")
        checked[name] = str(value).lower() if isinstance(value, bool) else str(value)
    patience_of(checked)
    return checked


def setting(options: Mapping[str, str], name: str) -> str:
    """An option, else the environment's variable of its name; "" when there is neither."""
    return options.get(name) or os.environ.get(name.upper(), "")


def flag(options: Mapping[str, str], name: str) -> bool:
    """Whether an option is set to true."""
    value = setting(options, name).lower()
    if value not in ("", "true", "false"):
        raise InvalidArgumentError(f"storage_options[{name!r}] is neither true nor false")
    return value == "true"
