"""What a Delta table's log says of the values in its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from millpond.table_bounds import Bounds, column_bounds, counts, has_order, same_value, texts

if TYPE_CHECKING:
    import pyarrow as pa

    from millpond.table_snapshot import TableColumn

Texts: TypeAlias = "list[str | None]"

_EXACT_DIGITS = 15


def delta_bounds(
    actions: pa.Table, columns: tuple[TableColumn, ...], partitions: Mapping[str, list[str | None]]
) -> list[dict[str, Bounds]]:
    """Of each file, the bounds of its columns; `partitions` are the values of the partition columns, as text."""
    known: list[dict[str, Bounds]] = [{} for _ in range(actions.num_rows)]
    kinds = {column.name: column.type for column in columns}
    for name, values in partitions.items():
        for file, value in zip(known, values, strict=True):
            file[name] = same_value(kinds[name], value)
    rows = actions["num_records"].to_pylist() if "num_records" in actions.column_names else [None] * len(known)
    for column in columns:
        if column.name in partitions or column.type.startswith(("STRUCT", "MAP")) or column.type.endswith("[]"):
            continue
        nulls = _field(actions, "null_count", column)
        least, greatest = _least_and_greatest(actions, column) if _is_exact(column.type) else (None, None)
        if nulls is None and least is None:
            continue
        missing: list[str | None] = [None] * len(known)
        null_counts = nulls.to_pylist() if nulls is not None else missing
        for i, file in enumerate(known):
            ends = (least or missing)[i], (greatest or missing)[i]
            file[column.name] = column_bounds(column.type, *ends, counts(null_counts[i]), counts(rows[i]))
    return known


def _is_exact(kind: str) -> bool:
    """Whether a log holds bounds of this type as they are: some writers take decimals for floats of 64 bits."""
    digits = re.match(r"DECIMAL\((\d+)", kind)
    return has_order(kind) and (digits is None or int(digits[1]) <= _EXACT_DIGITS)


def _least_and_greatest(actions: pa.Table, column: TableColumn) -> tuple[Texts | None, Texts | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    least, greatest = _field(actions, "min", column), _field(actions, "max", column)
    if least is None or greatest is None:
        return None, None
    if pa.types.is_timestamp(greatest.type):
        # Logs hold milliseconds, the rest cut off, which may be towards zero.
        try:
            cut_off = pa.scalar(1, pa.duration("ms")).cast(pa.duration(greatest.type.unit))
            least, greatest = pc.subtract_checked(least, cut_off), pc.add_checked(greatest, cut_off)
        except pa.ArrowInvalid:
            return None, None
    return texts(least), texts(greatest)


def _field(actions: pa.Table, name: str, column: TableColumn) -> pa.Array | None:
    """The field of a struct of statistics, which goes by the column's name or by its name in the files.

    Where columns were renamed so that both names are there, which is meant can't be told.
    """
    import pyarrow as pa

    if name not in actions.column_names or not pa.types.is_struct(actions[name].type):
        return None
    struct = actions[name].combine_chunks()
    if isinstance(struct, pa.ChunkedArray):
        struct = pa.concat_arrays(struct.chunks)
    names = {str(column.key), column.name}.intersection(struct.type.names)
    if len(names) != 1:
        return None
    # flatten() knows of files without statistics, field() does not.
    return struct.flatten()[struct.type.get_field_index(names.pop())]
