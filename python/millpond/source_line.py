"""The user's own source line: the first frame outside this package."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from millpond.errors import MillpondWarning

_PACKAGE = str(Path(__file__).parent) + "/"
_COMMAND_LINE = _PACKAGE + "cli.py"


class SourceLine(NamedTuple):
    """A place in a source file."""

    filename: str
    line: int
    module: str
    globals: dict[str, object]

    def __str__(self) -> str:
        """The place as messages show it, relative to the working directory where that is shorter: `job.py:12`.

        Empty for the command line, whose user wrote no line.
        """
        if not self.filename:
            return ""
        try:
            here = str(Path.cwd()) + os.sep
        except OSError:  # The directory is gone.
            here = os.sep
        # Below the root a relative path only looks like another one.
        shown = self.filename.removeprefix(here) if len(here) > 2 else self.filename
        return f"{shown}:{self.line}"


def is_ours(filename: str) -> bool:
    """Whether a source file belongs to this package."""
    return filename.startswith(_PACKAGE)


def source_line() -> SourceLine:
    """The line of the user's code that is running now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        if frame.f_code.co_filename == _COMMAND_LINE:
            return SourceLine("", 0, "", {})
        frame = frame.f_back
    if frame is None:
        return SourceLine("<unknown>", 0, "<unknown>", {})
    return SourceLine(frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", ""), frame.f_globals)


def warn(message: str, line: SourceLine) -> None:
    """Shows a warning at the user's line."""
    registry = line.globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(
        message,
        MillpondWarning,
        line.filename,
        line.line,
        module=line.module or "<unknown>",
        registry=registry if isinstance(registry, dict) else {},
    )
