"""Connections to web servers, by the package requests."""

from __future__ import annotations

from typing import Any

from millpond.store_patience import Patience

_POOL = 64
_AGAIN = (408, 429, 500, 502, 503, 504)


def http_session(patience: Patience) -> Any:
    """A requests.Session that sends what fails again. Safe for many threads.

    Proxies and certificates are found as requests does.
    """
    import requests

    session = requests.Session()
    # As they are: a file that the server packs for its way has another size.
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("https://", "http://"):
        session.mount(scheme, _adapter(patience))
    return session


def _adapter(patience: Patience) -> Any:
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retries = Retry(
        total=patience.max_retries,
        backoff_factor=0.05,
        status_forcelist=_AGAIN,
        raise_on_status=False,
        respect_retry_after_header=False,  # Which may be hours.
    )
    return HTTPAdapter(pool_connections=_POOL, pool_maxsize=_POOL, max_retries=retries)
