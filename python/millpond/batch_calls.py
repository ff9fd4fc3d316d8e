"""In a worker: batches through a function that may fail on some rows, wait for others, and must not call too often."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from millpond.batches import to_table
from millpond.call_policy import CallPolicy
from millpond.conform import conform
from millpond.errors import MillpondError
from millpond.rate_limit import RateLimit

if TYPE_CHECKING:
    import pyarrow as pa


class AsyncLoop:
    """An event loop in a thread of its own, for the life of a worker: what a function opened in it stays usable."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="millpond-async", daemon=True).start()

    def submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Starts it; the result is asked of the future."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)


class BatchCalls:
    """The calls of one task: what comes of each batch, in the batches' order."""

    def __init__(
        self,
        function: Callable[..., Any],
        convert: Callable[[pa.Table], Any],
        name: str,
        policy: CallPolicy,
        declared: pa.Schema | None,
        rate: RateLimit | None,
    ) -> None:
        self._function = function
        self._convert = convert
        self._name = name
        self._policy = policy
        self._declared = declared
        self._rate = rate
        #: The rows of the partition that the result last asked for comes of: the first, and the one after the last.
        self.rows = (0, 0)

    def one_by_one(self, batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """Each batch after the one before."""
        for batch in batches:
            self._move_on(batch.num_rows)
            yield from self._made(batch)

    def overlapped(self, batches: Iterator[pa.Table], loop: AsyncLoop) -> Iterator[pa.Table]:
        """Up to `max_concurrent` batches at once. No further one is read before the first of them has been taken."""
        running: deque[tuple[int, Future[list[pa.Table]]]] = deque()

        def first() -> list[pa.Table]:
            num_rows, future = running.popleft()
            self._move_on(num_rows)
            return future.result()

        try:
            for batch in batches:
                running.append((batch.num_rows, loop.submit(self._awaited(batch))))
                if len(running) == self._policy.max_concurrent:
                    yield from first()
            while running:
                yield from first()
        finally:
            for _, future in running:
                future.cancel()

    def _move_on(self, num_rows: int) -> None:
        self.rows = (self.rows[1], self.rows[1] + num_rows)

    def _made(self, batch: pa.Table) -> list[pa.Table]:
        if self._rate is not None:
            time.sleep(self._rate.seconds_to_wait())
        try:
            result = self._function(self._convert(batch))
            pieces = list(result) if hasattr(result, "__next__") else [result]
        except Exception as error:
            if not self._may_go_on(error):
                raise
            if batch.num_rows == 1:
                return self._dead(batch, error)
            return [table for half in _halves(batch) for table in self._made(half)]
        return self._tables(pieces)

    async def _awaited(self, batch: pa.Table) -> list[pa.Table]:
        if self._rate is not None:
            await asyncio.sleep(self._rate.seconds_to_wait())
        try:
            result = await self._function(self._convert(batch))
        except Exception as error:
            if not self._may_go_on(error):
                raise
            if batch.num_rows == 1:
                return self._dead(batch, error)
            return [table for half in _halves(batch) for table in await self._awaited(half)]
        return self._tables([result])

    def _may_go_on(self, error: Exception) -> bool:
        # For want of memory the task is tried again with more; our own errors are not about a row.
        return self._policy.on_error != "fail" and not isinstance(error, (MemoryError, MillpondError))

    def _tables(self, pieces: list[Any]) -> list[pa.Table]:
        import pyarrow as pa

        columns = self._policy.dead_letters
        tables = [to_table(piece, self._name) for piece in pieces]
        if columns is None or self._declared is None:
            return tables
        fields = [self._declared.field(name) for name in columns.result]
        filled = []
        for table in tables:
            table = conform(table, pa.schema(fields), True)
            for field in list(self._declared)[len(fields) :]:
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
            filled.append(table)
        return filled

    def _dead(self, row: pa.Table, error: Exception) -> list[pa.Table]:
        import pyarrow as pa

        columns = self._policy.dead_letters
        if columns is None or self._declared is None:
            return []
        arrays = {new: row.column(name) for name, new in columns.kept.items()}
        arrays[columns.error] = pa.array([f"{type(error).__name__}: {error}"])
        filled = [arrays.get(field.name, pa.nulls(1, field.type)) for field in self._declared]
        return [pa.table(dict(zip(self._declared.names, filled, strict=True)))]


def _halves(batch: pa.Table) -> list[pa.Table]:
    middle = batch.num_rows // 2
    return [batch.slice(0, middle), batch.slice(middle)]
