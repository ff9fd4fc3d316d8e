"""For scripts written for smallpond: `import millpond.smallpond as smallpond`.

The same as `millpond`, with smallpond's habits where the two differ on purpose: `write_parquet` adds to what is already
there (`mode="append"`) instead of refusing, and `read_csv` with a schema takes the first line for a row whatever it
holds.
"""

from __future__ import annotations

import inspect
from typing import Any

from millpond import session as _session
from millpond.dataframe import DataFrame
from millpond.udf import (
    UDFAnyParameters,
    UDFListType,
    UDFMapType,
    UDFStructType,
    UDFType,
    UserDefinedFunction,
    udf,
)

__all__ = [
    "DataFrame",
    "Session",
    "UDFAnyParameters",
    "UDFListType",
    "UDFMapType",
    "UDFStructType",
    "UDFType",
    "UserDefinedFunction",
    "init",
    "udf",
]


class Session(_session.Session):
    """A session whose writers append, and which takes the first line of a CSV file for a row."""

    _finds_header = False
    _write_mode = "append"


def init(*args: Any, **kwargs: Any) -> Session:
    """Opens a session whose writers append. Arguments as in `millpond.init`."""
    arguments = inspect.signature(_session.init).bind(*args, **kwargs)
    arguments.apply_defaults()
    return Session(dict(arguments.arguments))


def __getattr__(name: str) -> str:
    if name == "__version__":
        from millpond import _core

        return _core.version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
