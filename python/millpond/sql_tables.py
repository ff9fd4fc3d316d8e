"""What the tables of a query are: frames given by name, views, variables of the caller, files."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from millpond.dataframe import DataFrame
from millpond.errors import InvalidArgumentError
from millpond.source_line import is_ours

if TYPE_CHECKING:
    from millpond.session import Session

_READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv", ".json": "read_json"}
_READERS |= {".ndjson": "read_json", ".jsonl": "read_json"}
_COMPRESSED = (".gz", ".zst")


def find_tables(
    session: Session, names: Iterable[str], given: Mapping[str, Any], views: Mapping[str, DataFrame]
) -> list[tuple[str, DataFrame]]:
    """A frame for each table name of a query, looked for in the order of this module's first line."""
    caller = _caller()
    return [(name, _find(session, name, given, views, caller)) for name in names]


def named_inputs(query: str, inputs: Iterable[DataFrame], taken: Iterable[str]) -> tuple[str, dict[str, DataFrame]]:
    """The query with names for `{0}`, `{1}` …, and the frames by these names."""
    from millpond import _core

    frames = list(inputs)
    if not frames:
        return query, {}
    prefix = "in"
    while prefix in query or any(name.startswith(prefix) for name in taken):
        prefix += "_"
    names = [f"{prefix}{number}" for number in range(len(frames))]
    return _core.substitute(query, names), dict(zip(names, frames, strict=True))


def _find(
    session: Session, name: str, given: Mapping[str, Any], views: Mapping[str, DataFrame], caller: FrameType | None
) -> DataFrame:
    for place in (given, views):
        key = name_in(name, place)
        if key is not None:
            return _as_frame(session, name, place[key])
    scopes = [] if caller is None else [caller.f_locals, caller.f_globals]
    for scope in scopes:
        if name in scope and is_rows(scope[name]):
            return _as_frame(session, name, scope[name])
    reader = _reader(name)
    if reader is not None:
        frame = getattr(session, reader)(name)
        assert isinstance(frame, DataFrame)
        return frame
    known = [*given, *views]
    known += [key for scope in scopes for key, value in scope.items() if is_rows(value)]
    raise _unknown(name, known, scopes)


def name_in(name: str, place: Mapping[str, Any]) -> str | None:
    """The name as it stands in `place`: as SQL matches names, whatever the case of their letters."""
    return next((key for key in place if key.lower() == name.lower()), None)


def _caller() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def is_rows(value: object) -> bool:
    """Whether a value can be a table of a query."""
    if isinstance(value, type):
        return False
    return isinstance(value, DataFrame) or hasattr(value, "__arrow_c_stream__") or _is_pandas(value) or _is_lazy(value)


def _is_pandas(value: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def _is_lazy(value: object) -> bool:
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(value, polars.LazyFrame)


def _as_frame(session: Session, name: str, value: Any) -> DataFrame:
    if isinstance(value, DataFrame):
        return value
    if _is_pandas(value):
        return session.from_pandas(value)
    if _is_lazy(value):
        return session.from_polars(value)
    if is_rows(value):
        return session.from_arrow(value)
    raise InvalidArgumentError(
        f'table "{name}" is no DataFrame but {type(value).__qualname__}; '
        "give a frame of this session, a pandas or polars DataFrame, or a pyarrow Table"
    )


def _reader(name: str) -> str | None:
    path = name.lower()
    for ending in _COMPRESSED:
        path = path.removesuffix(ending)
    return next((reader for ending, reader in _READERS.items() if path.endswith(ending)), None)


def _unknown(name: str, known: list[str], scopes: list[Any]) -> InvalidArgumentError:
    for scope in scopes:
        if name in scope:
            return InvalidArgumentError(f'the variable "{name}" is no table but {type(scope[name]).__qualname__}')
    near = difflib.get_close_matches(name, known, n=1)
    hint = f'did you mean "{near[0]}"? ' if near else ""
    return InvalidArgumentError(
        f'no table is called "{name}"; {hint}'
        f"give it by name (sql(query, {name}=frame)), as a view, a variable, or the path of a file"
    )
