"""The SELECT of a join: which columns it compares, and which it gives under which names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from millpond.errors import InvalidArgumentError
from millpond.relational_base import column_of, folded, free_column, text_of
from millpond.sql_text import quote_name

#: What stands before JOIN.
KINDS = {
    "inner": "INNER",
    "left": "LEFT",
    "right": "RIGHT",
    "full": "FULL",
    "semi": "SEMI",
    "anti": "ANTI",
    "cross": "CROSS",
}

# Texts, names and comments are passed over; `left.` and `right.` outside of them are the sides of the join.
_SIDES = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$
    | (?<![\w.])(left|right)(?=\s*\.)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Key:
    """What is compared with what: SQL for each side, and the columns that these are, None for other expressions."""

    left: str
    right: str
    left_column: str | None
    right_column: str | None

    @property
    def is_one_column(self) -> bool:
        """Whether the result has one column for both."""
        return self.left_column is not None and self.right_column is not None


class Side:
    """One of the two inputs. Keys that are expressions become columns of it, which the result doesn't show."""

    def __init__(self, name: str, columns: Sequence[str], operation: str) -> None:
        """`name` is `left` or `right`."""
        self.name = name
        self.columns = list(columns)
        self._operation = operation
        self._computed: list[tuple[str, str]] = []

    def key(self, item: object) -> tuple[str, str | None]:
        """SQL that compares by an expression over this side alone, and the column that it is, if it is one."""
        column = column_of(item, self.columns)
        if column is not None:
            return self.column(column), column
        text = text_of(item, self.columns, self._operation)
        name = free_column("key", [*self.columns, *[name for _, name in self._computed]])
        self._computed.append((text, name))
        return self.column(name), None

    def column(self, name: str) -> str:
        """A column of this side."""
        return f"{quote_name(self.name)}.{quote_name(name)}"

    def table(self) -> str:
        """What stands in FROM."""
        if not self._computed:
            return quote_name(self.name)
        keys = ", ".join(f"({text}) AS {quote_name(name)}" for text, name in self._computed)
        return f"(SELECT *, {keys} FROM {quote_name(self.name)}) AS {quote_name(self.name)}"


def keys_of(left: Side, right: Side, left_on: Sequence[object], right_on: Sequence[object]) -> list[Key]:
    """The pairs of keys."""
    pairs = [(left.key(one), right.key(other)) for one, other in zip(left_on, right_on, strict=True)]
    return [Key(one[0], other[0], one[1], other[1]) for one, other in pairs]


def output(left: Side, right: Side, merged: Sequence[Key], how: str, suffix: str, operation: str) -> str:
    """The columns of the result. Those of `merged` stand once, under the left one's name."""
    if how in ("semi", "anti"):
        return ", ".join(left.column(name) for name in left.columns)
    by_left: dict[str | None, Key] = {}
    for key in merged:
        by_left.setdefault(key.left_column, key)
    items = []
    for name in left.columns:
        items.append(f"{_merged(left.column(name), by_left.get(name), how)} AS {quote_name(name)}")
    gone = {key.right_column for key in merged}
    taken = {folded(name) for name in left.columns}
    given = set(taken)
    for name in right.columns:
        if name in gone:
            continue
        renamed = name + suffix if folded(name) in taken else name
        if folded(renamed) in given:
            raise InvalidArgumentError(
                f'{operation} gives two columns "{renamed}"',
                hint=f"choose another suffix than {suffix!r}, or rename the columns first",
            )
        given.add(folded(renamed))
        items.append(f"{right.column(name)} AS {quote_name(renamed)}")
    return ", ".join(items)


def with_sides(condition: str) -> str:
    """A condition with `left` and `right` quoted: in SQL they are words of its own.

    >>> with_sides("left.a < RIGHT.b AND left(right.c, 1) <> 'left.a'")
    '"left".a < "right".b AND left("right".c, 1) <> \\'left.a\\''
    """
    return _SIDES.sub(lambda found: quote_name(found[2].lower()) if found[2] else found[0], condition)


def _merged(column: str, key: Key | None, how: str) -> str:
    if key is None or how not in ("right", "full"):
        return column
    return key.right if how == "right" else f"coalesce({column}, {key.right})"
