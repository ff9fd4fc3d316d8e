"""In a worker process: rows in, through the user's function, rows out."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from millpond.batch_calls import AsyncLoop, BatchCalls
from millpond.batches import converter, rebatch, to_table
from millpond.call_policy import PLAIN, CallPolicy, is_async
from millpond.conform import conform, settle
from millpond.errors import DataCorruptError, MillpondError
from millpond.functions import PackedFunction
from millpond.partition_function import PartitionFunction
from millpond.rate_limit import RateLimit
from millpond.read_ahead import read_ahead
from millpond.row_functions import ROWS_AT_ONCE, RowCounter, filter_rows, flat_map_rows, map_rows, rows_to_table
from millpond.schema import Schema
from millpond.user_traceback import user_function_error

if TYPE_CHECKING:
    import pyarrow as pa

    from millpond._core import ArrowStream, WorkerCall


#: Batches read while a function over an iterator works on one.
_BATCHES_AHEAD = 2


class CallHandler:
    """Called once a task. Functions are unpickled, and classes instantiated, once a worker and kept."""

    def __init__(self) -> None:
        self._functions: dict[str, PackedFunction] = {}
        self._instances: dict[str, Callable[..., Any]] = {}
        self._error: MillpondError | None = None
        self._loop: AsyncLoop | None = None

    def __call__(self, call: WorkerCall, stream: ArrowStream) -> pa.RecordBatchReader:
        """The rows that the function makes of the rows in `stream`, lazily."""
        import pyarrow as pa

        self._error = None
        reader = pa.RecordBatchReader.from_stream(stream)
        if call.kind in ("filter", "partition_numbers"):  # Rows as they are, whatever their types.
            schema = reader.schema
            if isinstance(packed := self.load(call).function, PartitionFunction):
                schema = schema.append(pa.field(packed.column, pa.int64()))
            return pa.RecordBatchReader.from_batches(
                schema, _batches(self._remembering(_Calls(self, call, reader, None).tables()))
            )
        declared = Schema(call.schema).to_arrow() if call.schema is not None else None
        guarded = self._remembering(_Calls(self, call, reader, declared).tables())
        waiting: list[pa.Table] = []
        schema = declared
        if schema is None:
            schema, waiting = settle(guarded)
            self._raise_remembered()
        if schema is None:  # No rows at all.
            schema = reader.schema
        conformed = (conform(table, schema, declared is not None) for table in _chain(waiting, guarded))
        return pa.RecordBatchReader.from_batches(schema, _batches(self._remembering(conformed)))

    def take_error(self) -> MillpondError | None:
        """Why the last task's stream broke off; forgotten then."""
        error, self._error = self._error, None
        return error

    def _remembering(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        # The Arrow stream turns an exception into text; the worker asks for the exception itself afterwards.
        try:
            yield from tables
        except MillpondError as error:
            self._error = self._error or error
            raise

    def _raise_remembered(self) -> None:
        if self._error is not None:
            raise self._error

    def async_loop(self) -> AsyncLoop:
        """Where async functions run."""
        if self._loop is None:
            self._loop = AsyncLoop()
        return self._loop

    def load(self, call: WorkerCall) -> PackedFunction:
        """The function of a call."""
        if call.function_digest not in self._functions:
            self._functions[call.function_digest] = _unpickle(call)
        return self._functions[call.function_digest]

    def instance(self, call: WorkerCall) -> Callable[..., Any]:
        """What to call: the function, or the one instance of a class in this worker."""
        function = self.load(call).function
        if isinstance(function, PartitionFunction):
            function = function.function
        if not inspect.isclass(function):
            return function
        if call.function_digest not in self._instances:
            self._instances[call.function_digest] = cast(Callable[..., Any], function())
        return self._instances[call.function_digest]


def _unpickle(call: WorkerCall) -> PackedFunction:
    from millpond._core import content_digest

    data = Path(call.function_path).read_bytes()
    if content_digest(data) != call.function_digest:
        raise DataCorruptError("a stored function is not what was stored", file=call.function_path)
    packed = pickle.loads(data)
    if not isinstance(packed, PackedFunction):
        raise DataCorruptError("a stored function holds something else", file=call.function_path)
    return packed


class _Calls:
    """The calls of one task, and where in the partition they are."""

    def __init__(
        self, handler: CallHandler, call: WorkerCall, reader: pa.RecordBatchReader, declared: pa.Schema | None
    ) -> None:
        self._handler = handler
        self._call = call
        self._reader = reader
        self._declared = declared
        self._begin = 0
        self._end = 0
        self._counter = RowCounter()
        self._reading_failed = False
        self._given: tuple[int, int] | None = None  # What the function has, where more has been read.
        self._calls: BatchCalls | None = None

    def tables(self) -> Iterator[pa.Table]:
        """What the function gives; its exceptions become a UserFunctionError that says where."""
        try:
            yield from self._made()
        except GeneratorExit:
            raise
        except BaseException as error:
            if self._reading_failed:
                raise
            raise self._explained(error) from error

    def _made(self) -> Iterator[pa.Table]:
        function = self._handler.instance(self._call)
        if self._call.kind == "partition_numbers":
            yield from self._numbered(function)
            return
        if self._call.kind != "map_batches":
            yield from self._rows_made(function)
            return
        convert = converter(self._call.batch_format)
        tables = self._input(self._call.batch_size, self._call.batch_bytes)
        packed = self._handler.load(self._call)
        if packed.policy != PLAIN or is_async(function):
            yield from self._by_policy(function, convert, packed.policy, tables)
            return
        if packed.is_streaming:
            for result in function(convert(table) for table in self._ahead(tables)):
                yield to_table(result, self._call.name)
            return
        for table in tables:
            result = function(convert(table))
            for piece in result if inspect.isgenerator(result) else [result]:
                yield to_table(piece, self._call.name)

    def _ahead(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        placed = ((self._begin, self._end, table) for table in tables)
        with closing(read_ahead(placed, _BATCHES_AHEAD)) as ahead:
            self._given = (0, 0)
            for begin, end, table in ahead:
                self._given = (begin, end)
                yield table

    def _by_policy(
        self,
        function: Callable[..., Any],
        convert: Callable[[Any], Any],
        policy: CallPolicy,
        tables: Iterator[pa.Table],
    ) -> Iterator[pa.Table]:
        # Beside the function, so that all workers find the same one, and it goes with the job's folder.
        path = Path(f"{self._call.function_path}.rate")
        rate = RateLimit(path, policy.rate_limit) if policy.rate_limit > 0 else None
        calls = BatchCalls(function, convert, self._call.name, policy, self._declared, rate)
        self._calls = calls
        if is_async(function):
            yield from calls.overlapped(tables, self._handler.async_loop())
        else:
            yield from calls.one_by_one(tables)

    def _rows_made(self, function: Callable[..., Any]) -> Iterator[pa.Table]:
        for table in self._input(min(self._call.batch_size, ROWS_AT_ONCE)):
            if self._call.kind == "filter":
                yield filter_rows(function, table, self._counter)
            else:
                make = map_rows if self._call.kind == "map" else flat_map_rows
                yield rows_to_table(make(function, table, self._counter), self._declared)

    def _numbered(self, function: Callable[..., Any]) -> Iterator[pa.Table]:
        packed = cast(PartitionFunction, self._handler.load(self._call).function)
        for table in self._input(self._call.batch_size):
            place = f"partition {self._call.partition}"
            yield packed.add_numbers(table, function(table), self._call.name, self._begin, place)

    def _input(self, size: int, num_bytes: int = 0) -> Iterator[pa.Table]:
        tables = rebatch(self._reader, size, self._reader.schema, num_bytes)
        while True:
            try:
                table = next(tables, None)
            except BaseException:
                self._reading_failed = True  # The engine knows why: not the user's function.
                raise
            if table is None:
                return
            self._begin, self._end = self._end, self._end + table.num_rows
            yield table

    def _explained(self, error: BaseException) -> MillpondError:
        files = self._call.files
        return user_function_error(error, self._call.name, self._place(), files[0] if len(files) == 1 else "")

    def _place(self) -> str:
        partition = f"partition {self._call.partition}"
        begin, end = (self._begin, self._end) if self._given is None else self._given
        if self._calls is not None:
            begin, end = self._calls.rows
        if end == 0:
            return f"before the first row of {partition}"
        if self._call.kind not in ("map_batches", "partition_numbers"):
            return f"on row {self._counter.row} of {partition}"
        return f"on rows {begin} to {end - 1} of {partition}"


def _batches(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
    for table in tables:
        yield from table.to_batches()


def _chain(first: list[pa.Table], rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield from first
    yield from rest
