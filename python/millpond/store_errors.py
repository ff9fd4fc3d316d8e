"""What a store's HTTP status means to a reader or writer."""

from __future__ import annotations

from millpond.errors import (
    ConflictError,
    InvalidArgumentError,
    MillpondError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)


def error_of_status(path: str, status: int, text: str, *, where: str, whose: str) -> MillpondError:
    """The error for an answer to a request about `path`. `text` is the store's own and names no key.

    `where` tells what to check when nothing is there, `whose` when access is refused.
    """
    if status in (409, 412):
        return ConflictError(f'another writer was faster at "{path}" ({text})')
    if status == 404:
        return NotFoundError(f'there is nothing at "{path}" ({text})', hint=f"check {where}")
    if status in (401, 403):
        return PermissionDeniedError(f'the store refuses access to "{path}" ({text})', hint=f"check {whose}")
    if status in (400, 405, 411, 413):
        return InvalidArgumentError(f'the store refuses "{path}" ({text})', hint="check the name and the options")
    return UnavailableError(
        f'the store did not do what was asked of "{path}" ({status} {text})', hint="try again; check the store"
    )
