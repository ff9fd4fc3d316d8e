"""Rows as a table of text or HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_WIDTH = 40


def cell_text(value: object, width: int = _MAX_WIDTH) -> str:
    """A value on one line, cut to `width` characters.

    >>> cell_text(None), cell_text("a\\nb"), cell_text("x" * 9, 5)
    ('NULL', 'a\\\\nb', 'xxxx…')
    """
    if value is None:
        return "NULL"
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return text if len(text) <= width else text[: width - 1] + "…"


def _columns(table: pa.Table) -> list[list[str]]:
    return [[cell_text(value) for value in column.to_pylist()] for column in table.columns]


def text_table(table: pa.Table, types: Sequence[str], more: str = "") -> str:
    """A boxed table: names, types, rows, and a last line.

    >>> import pyarrow as pa
    >>> print(text_table(pa.table({"a": [1, 20]}), ["BIGINT"]))
    ┌────────┐
    │ a      │
    │ BIGINT │
    ├────────┤
    │      1 │
    │     20 │
    └────────┘
    """
    import pyarrow as pa

    names = [cell_text(name) for name in table.column_names]
    kinds = [cell_text(kind) for kind in types]
    cells = _columns(table)
    widths = [max(map(len, [names[i], kinds[i], *cells[i]])) for i in range(len(names))]
    numeric = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t) for t in table.schema.types]

    def line(left: str, middle: str, right: str) -> str:
        return left + middle.join("─" * (width + 2) for width in widths) + right

    def row(values: Sequence[str], align: bool) -> str:
        padded = (v.rjust(w) if align and n else v.ljust(w) for v, w, n in zip(values, widths, numeric, strict=True))
        return "│ " + " │ ".join(padded) + " │"

    lines = [line("┌", "┬", "┐"), row(names, False), row(kinds, False), line("├", "┼", "┤")]
    lines += [row([column[i] for column in cells], True) for i in range(table.num_rows)]
    lines.append(line("└", "┴", "┘"))
    return "\n".join(lines + ([more] if more else []))


def html_table(table: pa.Table, types: Sequence[str], more: str = "") -> str:
    """The same as HTML; everything from the data is escaped."""
    head = "".join(
        f"<th>{html.escape(name)}<br><small>{html.escape(kind)}</small></th>"
        for name, kind in zip(table.column_names, types, strict=True)
    )
    cells = _columns(table)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(column[i])}</td>" for column in cells) + "</tr>"
        for i in range(table.num_rows)
    )
    note = f"<p><small>{html.escape(more)}</small></p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"
