"""Packages that only some users need."""

from __future__ import annotations

import importlib
from typing import Any

from millpond.errors import UnsupportedError


def needed(module: str, what: str, extra: str) -> Any:
    """The module, or an error that says how to get it: `what` needs it, the extra `extra` of millpond brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UnsupportedError(
            f"{what} needs the package {package}: {error}", hint=f'pip install "millpond[{extra}]"'
        ) from None
