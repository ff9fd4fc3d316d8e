"""What goes wrong, as exceptions.

Every error is a `MillpondError` that says what happened, where, and what to do. Where Python has a class for the
same thing (`ValueError`, `FileNotFoundError`, `MemoryError`, …), the error is one of those as well.
"""

from __future__ import annotations

__all__ = [
    "AlreadyExistsError",
    "CancelledError",
    "ConflictError",
    "DataCorruptError",
    "DeadlineExceededError",
    "InternalError",
    "InvalidArgumentError",
    "IoError",
    "MillpondError",
    "MillpondWarning",
    "NotFoundError",
    "OutOfMemoryError",
    "OutOfSpaceError",
    "PermissionDeniedError",
    "UnavailableError",
    "UnsupportedError",
    "UserFunctionError",
]


class MillpondWarning(UserWarning):
    """Work that runs but may not be what its author meant."""


class MillpondError(Exception):
    """An error of millpond. `str(error)` is the whole text for a person.

    Attributes
    ----------
    code
        The kind of failure, such as `"invalid_argument"`; the same word as in logs and JSON.
    message
        What happened, in a sentence.
    hint
        What to do about it.
    location
        The user's own source line, `"job.py:12"`.
    node
        The operation, `"partial_sql"`.
    task
        The piece of work, `"stage 2, partition 7"`.
    file
        The input or output file concerned.
    detail
        A user function's traceback or the engine's own text.

    All but `code` and `message` are empty when unknown.
    """

    code = "internal"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        location: str = "",
        node: str = "",
        task: str = "",
        file: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location
        self.node = node
        self.task = task
        self.file = file
        self.detail = detail

    def __str__(self) -> str:
        where = ", ".join(
            part for part in (self.node, self.location and f"at {self.location}", self.task, self.file) if part
        )
        parts = [
            self.message,
            where and f"  where: {where}",
            self.detail.rstrip(),
            self.hint and f"  hint: {self.hint}",
        ]
        return "\n".join(part for part in parts if part)


class InvalidArgumentError(MillpondError, ValueError):
    """A query, option or value is wrong."""

    code = "invalid_argument"


class NotFoundError(MillpondError, FileNotFoundError, LookupError):
    """A path, column, table or partition does not exist."""

    code = "not_found"


class AlreadyExistsError(MillpondError, FileExistsError):
    """The output exists and the mode forbids touching it."""

    code = "already_exists"


class PermissionDeniedError(MillpondError, PermissionError):
    """The user may not read or write this."""

    code = "permission_denied"


class ConflictError(MillpondError):
    """Another writer won the race for the same output."""

    code = "conflict"


class OutOfMemoryError(MillpondError, MemoryError):
    """A memory limit was hit, also after retries with more of it."""

    code = "out_of_memory"


class OutOfSpaceError(MillpondError, OSError):
    """A disk or quota is full."""

    code = "out_of_space"


class IoError(MillpondError, OSError):
    """The operating system or a store failed."""

    code = "io_error"


class DataCorruptError(MillpondError):
    """A file is truncated, damaged or not what it was at planning."""

    code = "data_corrupt"


class UnavailableError(MillpondError, ConnectionError):
    """A worker or server is gone."""

    code = "unavailable"


class CancelledError(MillpondError):
    """The work was asked to stop."""

    code = "cancelled"


class DeadlineExceededError(MillpondError, TimeoutError):
    """The work did not end in its time."""

    code = "deadline_exceeded"


class UserFunctionError(MillpondError):
    """A user's own Python function raised; `detail` is its traceback, of the user's code only."""

    code = "user_function"


class UnsupportedError(MillpondError, NotImplementedError):
    """Legal, but this version can't do it right."""

    code = "unsupported"


class InternalError(MillpondError):
    """A belief of millpond was wrong: a bug, please report it."""

    code = "internal"


_CLASSES: dict[str, type[MillpondError]] = {
    kind.code: kind
    for kind in (
        InvalidArgumentError,
        NotFoundError,
        AlreadyExistsError,
        PermissionDeniedError,
        ConflictError,
        OutOfMemoryError,
        OutOfSpaceError,
        IoError,
        DataCorruptError,
        UnavailableError,
        CancelledError,
        DeadlineExceededError,
        UserFunctionError,
        UnsupportedError,
        InternalError,
    )
}


def from_status(
    code: str, message: str, hint: str, location: str, node: str, task: str, file: str, detail: str
) -> MillpondError:
    """The exception for a C++ status."""
    kind = _CLASSES.get(code, InternalError)
    return kind(message, hint=hint, location=location, node=node, task=task, file=file, detail=detail)
