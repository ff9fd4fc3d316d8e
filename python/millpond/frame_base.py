"""What all parts of a DataFrame stand on: the session, the core's frame, and how a new one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from millpond.schema import Schema
from millpond.source_line import SourceLine, warn

if TYPE_CHECKING:
    from millpond import _core
    from millpond.dataframe import DataFrame
    from millpond.session import Session


class FrameBase:
    """A lazy, partitioned table: a plan, and the session that can run it. Never changes."""

    def __init__(self, session: Session, frame: _core.DataFrame) -> None:
        self._session = session
        self._frame = frame

    @property
    def session(self) -> Session:
        """Where the frame was made and runs."""
        return self._session

    def _known_schema(self) -> Schema | None:
        columns = self._frame.schema()
        return None if columns is None else Schema(columns)

    def _made(self, frame: _core.DataFrame, line: SourceLine) -> DataFrame:
        return made(self._session, frame, line)


def made(session: Session, frame: _core.DataFrame, line: SourceLine) -> DataFrame:
    """The user's frame over the core's; what the core has to say about it is shown at the user's line."""
    for message in session._core.take_warnings():
        warn(message, line)
    return session._frame_type(session, frame)
