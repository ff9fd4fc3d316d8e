"""The part of a traceback that is the user's own."""

from __future__ import annotations

import traceback
from types import TracebackType

from millpond.errors import MillpondError, UserFunctionError
from millpond.source_line import is_ours


def user_traceback(error: BaseException) -> str:
    """The traceback of `error` from the first frame outside this package on; its causes are kept."""
    entry: TracebackType | None = error.__traceback__
    while entry is not None and is_ours(entry.tb_frame.f_code.co_filename):
        entry = entry.tb_next
    shown = traceback.TracebackException(type(error), error, entry, compact=True)
    return "".join(shown.format()).rstrip()


def user_function_error(error: BaseException, name: str, place: str, file: str) -> MillpondError:
    """What a user sees when the function `name` raised `error` at `place`. An error of our own stays what it is."""
    if isinstance(error, MillpondError):
        error.file = error.file or file
        return error
    summary = traceback.format_exception_only(error)[-1].strip()
    return UserFunctionError(f"the function {name!r} raised {summary} {place}", file=file, detail=user_traceback(error))
