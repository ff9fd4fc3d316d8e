"""A user's own partition function: which partition each row of a batch goes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millpond.errors import UserFunctionError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class PartitionFunction:
    """What `repartition(count, by=function)` sends to the workers."""

    function: Callable[..., Any]
    count: int
    #: The column for the numbers, which the rows carry to where they are dealt.
    column: str

    def add_numbers(self, table: pa.Table, numbers: Any, name: str, first_row: int, place: str) -> pa.Table:
        """`table` with what the function gave for it as the last column; an error names the first wrong number.

        >>> import pyarrow as pa
        >>> deal = PartitionFunction(len, 3, "p")
        >>> deal.add_numbers(pa.table({"a": [5, 6]}), [2, 0], "deal", 0, "partition 0").to_pydict()
        {'a': [5, 6], 'p': [2, 0]}
        """
        import pyarrow as pa

        found = _to_array(numbers, name)
        if len(found) != table.num_rows:
            raise UserFunctionError(
                f"the partition function {name!r} gave {len(found)} numbers for the {table.num_rows} rows "
                f"{first_row} to {first_row + table.num_rows - 1} of {place}",
                hint="give one number for each row of the batch",
            )
        if len(found) and not pa.types.is_integer(found.type):
            raise UserFunctionError(
                f"the partition function {name!r} gave {found.type} ({found[0].as_py()!r} for row {first_row} of "
                f"{place}) where integers are needed",
                hint=f"give integers from 0 to {self.count - 1}; cast them if need be",
            )
        self._check_range(found, name, first_row, place)
        return table.append_column(pa.field(self.column, pa.int64()), found.cast(pa.int64()))

    def _check_range(self, numbers: pa.Array, name: str, first_row: int, place: str) -> None:
        import pyarrow.compute as pc

        if len(numbers) == 0:
            return
        bounds = pc.min_max(numbers).as_py()
        if numbers.null_count == 0 and bounds["min"] >= 0 and bounds["max"] < self.count:
            return
        wrong = ((row, n) for row, n in enumerate(numbers.to_pylist()) if n is None or not 0 <= n < self.count)
        row, number = next(wrong)
        raise UserFunctionError(
            f"the partition function {name!r} gave {'NULL' if number is None else number} for row {first_row + row} of "
            f"{place}; partitions are 0 to {self.count - 1}",
            hint=f"give integers from 0 to {self.count - 1}",
        )


def _to_array(numbers: Any, name: str) -> pa.Array:
    import pyarrow as pa

    if isinstance(numbers, pa.ChunkedArray):
        return numbers.combine_chunks()
    if isinstance(numbers, pa.Array):
        return numbers
    try:
        # A Series of pandas or polars, an array of numpy, a list.
        made = pa.array(numbers)
    except (pa.ArrowException, TypeError, OverflowError, ValueError) as error:
        raise UserFunctionError(
            f"the partition function {name!r} gave an object of type {type(numbers).__qualname__}: {error}",
            hint="give an array or list of integers, one for each row of the batch",
        ) from error
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
