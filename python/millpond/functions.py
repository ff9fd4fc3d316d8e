"""A user's function on its way to the worker processes."""

from __future__ import annotations

import hashlib
import inspect
import pickle
import re
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from millpond.call_policy import PLAIN, CallPolicy
from millpond.errors import InvalidArgumentError
from millpond.partition_function import PartitionFunction
from millpond.source_line import is_ours

#: How a batch is handed to a function given to `map_batches`.
BATCH_FORMATS = ("pyarrow", "pandas", "polars", "numpy")


@dataclass(frozen=True)
class PackedFunction:
    """What a worker unpickles. Batch size, format and schema travel beside it, as the task's own fields."""

    function: Callable[..., Any] | PartitionFunction
    #: The function takes an iterator of batches and gives an iterator of batches.
    is_streaming: bool
    #: Stands for the user's modules that are pickled by name: changed code is a changed function.
    modules_digest: str
    policy: CallPolicy = PLAIN


def function_name(function: Callable[..., Any]) -> str:
    """The name for messages.

    >>> function_name(len), function_name(int)
    ('len', 'int')
    """
    inner = getattr(function, "func", function)  # functools.partial
    return getattr(inner, "__qualname__", None) or type(inner).__qualname__


def is_streaming(function: Callable[..., Any], streaming: bool | None) -> bool:
    """Whether a function for `map_batches` works on an iterator: as told, else whether it is a generator function."""
    if streaming is not None:
        return streaming
    return inspect.isgeneratorfunction(getattr(function, "func", function))


def pack(function: Callable[..., Any] | PartitionFunction, streaming: bool, policy: CallPolicy = PLAIN) -> bytes:
    """The function as bytes: equal for equal code, so that a rerun finds what was computed with it.

    Functions of the main script travel by value; those of modules by name, so workers must find these modules.
    """
    import cloudpickle  # type: ignore[import-untyped]

    packed = PackedFunction(function, streaming, _modules_digest(), policy)
    try:
        data: bytes = cloudpickle.dumps(packed, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError, NotImplementedError) as error:
        raise InvalidArgumentError(
            f"the function {_name(function)!r} can't be sent to a worker process: {error}",
            hint="it refers to something that lives in this process only (an open file, a lock, a session); "
            "open that inside the function, or in the __init__ of a class given to map_batches",
        ) from error
    return _without_random_names(data)


def _name(function: Callable[..., Any] | PartitionFunction) -> str:
    return function_name(function.function if isinstance(function, PartitionFunction) else function)


def _without_random_names(data: bytes) -> bytes:
    # Classes of the main script are pickled under a random 32-digit name, new in each process. A name made of the
    # content instead makes the bytes repeatable.
    import cloudpickle.cloudpickle as implementation  # type: ignore[import-untyped]

    tracked = getattr(implementation, "_DYNAMIC_CLASS_TRACKER_BY_CLASS", {})
    names = [name.encode() for name in set(tracked.values()) if isinstance(name, str) and len(name) == 32]
    names = sorted((name for name in names if name in data), key=data.index)
    if not names:
        return data
    blank = re.compile(b"|".join(names)).sub(b"0" * 32, data)
    for number, name in enumerate(names):
        stable = hashlib.sha256(b"%d:" % number + blank).hexdigest()[:32].encode()
        data = data.replace(name, stable)
    return data


def _modules_digest() -> str:
    digest = hashlib.sha256()
    for name, module in sorted(sys.modules.items()):
        if (path := _users_file(module)) is not None and name != "__main__":
            try:
                content = Path(path).read_bytes()
            except OSError:
                continue
            digest.update(f"{name}:{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


_INSTALLED = tuple(
    {sysconfig.get_path(name) + "/" for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {sys.base_prefix + "/lib"}
)


def _users_file(module: ModuleType) -> str | None:
    path = getattr(module, "__file__", None)
    if not isinstance(path, str) or not path.endswith(".py") or is_ours(path) or path.startswith(_INSTALLED):
        return None
    return path
