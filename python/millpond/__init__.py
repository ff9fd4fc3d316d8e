"""DuckDB at any scale: lazy, partitioned frames and SQL.

>>> import millpond
>>> session = millpond.init(data_root=folder / "root", progress=False)
>>> session.from_items([1, 2, 3]).filter("item > 1").count()
2
>>> session.shutdown()
"""

from millpond.dataframe import DataFrame
from millpond.errors import (
    AlreadyExistsError,
    CancelledError,
    ConflictError,
    DataCorruptError,
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    IoError,
    MillpondError,
    MillpondWarning,
    NotFoundError,
    OutOfMemoryError,
    OutOfSpaceError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
    UserFunctionError,
)
from millpond.expressions import Expr, col, lit, sql_expr, when
from millpond.grouped import GroupedFrame
from millpond.schema import Schema
from millpond.session import Session, init
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
    "AlreadyExistsError",
    "CancelledError",
    "ConflictError",
    "DataCorruptError",
    "DataFrame",
    "DeadlineExceededError",
    "Expr",
    "GroupedFrame",
    "InternalError",
    "InvalidArgumentError",
    "IoError",
    "MillpondError",
    "MillpondWarning",
    "NotFoundError",
    "OutOfMemoryError",
    "OutOfSpaceError",
    "PermissionDeniedError",
    "Schema",
    "Session",
    "UDFAnyParameters",
    "UDFListType",
    "UDFMapType",
    "UDFStructType",
    "UDFType",
    "UnavailableError",
    "UnsupportedError",
    "UserDefinedFunction",
    "UserFunctionError",
    "col",
    "init",
    "lit",
    "sql_expr",
    "udf",
    "when",
]


def __getattr__(name: str) -> str:
    # The version is the core's; asking for it loads the engine, importing the package does not.
    if name == "__version__":
        from millpond import _core

        return _core.version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
