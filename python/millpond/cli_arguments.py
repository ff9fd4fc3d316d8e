"""Arguments that several commands take."""

from __future__ import annotations

from argparse import ArgumentTypeError

from millpond.errors import MillpondError
from millpond.jobs import DataRoot, data_root_of


def data_root_argument(text: str) -> DataRoot:
    """What `--data-root` names. ArgumentTypeError, with the reason, for what names nothing."""
    try:
        return data_root_of(text)
    except MillpondError as error:
        raise ArgumentTypeError(str(error)) from None
