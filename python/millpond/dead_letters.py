"""Rows on which a function failed, kept as a frame of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from millpond.call_policy import ERROR_COLUMN, dead_letter_columns
from millpond.errors import InvalidArgumentError
from millpond.frame_base import FrameBase
from millpond.schema import Schema, SchemaLike
from millpond.sql_text import quote_name

if TYPE_CHECKING:
    from millpond.dataframe import DataFrame


class DeadLetters(FrameBase):
    """The part of a DataFrame that knows its dead letters."""

    _dead_letters: DataFrame | None = None

    @property
    def dead_letters(self) -> DataFrame:
        """The rows on which the function failed: the input's columns, and in `_error` what was raised.

        Only of a frame made by `map_batches(..., on_error="dead_letter")`. Like every frame it is lazy, and its rows
        are those that the frame itself lacks: both come of the same calls, which run once a session.

        >>> def halved(batch):
        ...     return {"half": [6 // item for item in batch["item"].to_pylist()]}
        >>> halves = session.from_items([1, 0, 3]).map_batches(halved, schema={"half": int}, on_error="dead_letter")
        >>> halves.take_all()
        [{'half': 6}, {'half': 2}]
        >>> halves.dead_letters.take_all()
        [{'item': 0, '_error': 'ZeroDivisionError: integer division or modulo by zero'}]
        """
        if self._dead_letters is None:
            raise InvalidArgumentError(
                "the frame keeps no dead letters", hint='make it by map_batches(..., on_error="dead_letter")'
            )
        return self._dead_letters


def with_dead_letters(
    frame: DataFrame, schema: SchemaLike | None, settings: dict[str, Any], call: Callable[..., DataFrame]
) -> DataFrame:
    """The frame of the results of `call`, which is given the schema and settings that keep failing rows beside them."""
    source = frame._known_schema()
    if schema is None or source is None:
        raise InvalidArgumentError(
            'on_error="dead_letter" needs to know the columns',
            hint="declare what the function gives with schema=, and what one before it gives, too",
        )
    result = Schema(schema).to_columns()
    columns = dead_letter_columns(dict(result), dict(source.to_columns()))
    kept = [(columns.kept[name], kind) for name, kind in source.to_columns()]
    both: Mapping[str, str] = dict([*result, *kept, (columns.error, "VARCHAR")])
    policy = replace(settings["policy"], dead_letters=columns)
    made = call(both, {**settings, "policy": policy})
    error = quote_name(columns.error)
    rows = ", ".join(quote_name(name) for name in columns.result)
    good = made.partial_sql(f"SELECT {rows} FROM {{0}} WHERE {error} IS NULL")
    letters = ", ".join(f"{quote_name(new)} AS {quote_name(name)}" for name, new in columns.kept.items())
    good._dead_letters = made.partial_sql(
        f"SELECT {letters}, {error} AS {quote_name(ERROR_COLUMN)} FROM {{0}} WHERE {error} IS NOT NULL"
    )
    return good
