"""What `map_batches` does with failing rows, and how often it may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from millpond.errors import InvalidArgumentError

#: What happens to a row on which a function raises.
ON_ERROR = ("fail", "skip", "dead_letter")

_DEAD_PREFIX = "__dead_"
_DEAD_ERROR = "__dead_letter_error"
#: The column of `dead_letters` that says what was raised.
ERROR_COLUMN = "_error"


@dataclass(frozen=True)
class DeadLetterColumns:
    """The columns of a call that keeps its failing rows: those of the result, then those of the input and the error."""

    result: tuple[str, ...]
    source: tuple[str, ...]

    @property
    def kept(self) -> dict[str, str]:
        """By the input's columns: those of the call that keep them."""
        return {name: f"{_DEAD_PREFIX}{number}" for number, name in enumerate(self.source)}

    @property
    def error(self) -> str:
        """The column with what was raised; NULL for a row of the result."""
        return _DEAD_ERROR


@dataclass(frozen=True)
class CallPolicy:
    """Travels with the function; part of what it computes."""

    on_error: str = "fail"
    #: Batches that an async function works on at once, in each worker.
    max_concurrent: int = 1
    #: Calls a second, of all workers that share the session's folder; 0: no limit.
    rate_limit: float = 0
    dead_letters: DeadLetterColumns | None = None


#: A failure ends the job, and nothing is overlapped or delayed.
PLAIN = CallPolicy()


def check_policy(
    on_error: str, max_concurrent: int | None, rate_limit: float | None, *, is_async: bool, streaming: bool
) -> CallPolicy:
    """The policy that `map_batches` was asked for, or an InvalidArgumentError that says what doesn't go together."""
    if on_error not in ON_ERROR:
        raise InvalidArgumentError(f"on_error={on_error!r} is not known", hint=f"choose one of {ON_ERROR}")
    if streaming and is_async:
        raise InvalidArgumentError(
            "an async function can't take an iterator",
            hint="give one that takes a batch; max_concurrent= overlaps them",
        )
    if streaming and (on_error != "fail" or rate_limit is not None):
        raise InvalidArgumentError(
            "a function over an iterator can't be given on_error= or rate_limit=",
            hint="where it fails or calls is its own affair; give a function that takes one batch",
        )
    if max_concurrent is not None and not is_async:
        raise InvalidArgumentError(
            "max_concurrent= is for async functions",
            hint="write `async def`, or use concurrency= to say how many partitions are worked on at once",
        )
    if max_concurrent is not None and max_concurrent < 1:
        raise InvalidArgumentError(f"max_concurrent={max_concurrent} is not a positive number")
    if rate_limit is not None and not 0 < rate_limit < float("inf"):
        raise InvalidArgumentError(f"rate_limit={rate_limit} is not a positive number of calls a second")
    return CallPolicy(on_error, max_concurrent or (16 if is_async else 1), rate_limit or 0)


def dead_letter_columns(result: Mapping[str, Any], source: Mapping[str, str]) -> DeadLetterColumns:
    """The columns of a call with these results over these inputs."""
    if ERROR_COLUMN in source:
        raise InvalidArgumentError(
            f"the dead letters' column {ERROR_COLUMN!r} is one of the input's, too", hint="rename the input's column"
        )
    for name in result:
        if name.startswith(_DEAD_PREFIX):
            raise InvalidArgumentError(f"the column name {name!r} is used for dead letters", hint="choose another name")
    return DeadLetterColumns(tuple(result), tuple(source))


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call gives a coroutine: an `async def`, or a class or an object with `async def __call__`.

    >>> async def ask(batch): ...
    >>> is_async(ask), is_async(len)
    (True, False)
    """
    import inspect

    inner: Any = getattr(function, "func", function)  # functools.partial
    if inspect.isasyncgenfunction(inner):
        raise InvalidArgumentError(
            "an async generator can't be given to map_batches", hint="give an async function that takes a batch"
        )
    called = inner.__call__ if callable(inner) else None
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(called)
