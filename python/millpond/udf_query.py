"""SQL that calls Python functions: run partition by partition in the worker processes, where Python is.

The engine that runs plain SQL knows no Python. A query with `udfs=` is therefore a call like `map_batches`: each
worker hands its partition to a DuckDB connection of Python's own, which knows the functions by name.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError
from millpond.schema import Schema, type_text
from millpond.source_line import SourceLine
from millpond.sql_text import literal, quote_name
from millpond.udf import UserDefinedFunction

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ARROW_INPUT = "__millpond_rows"


class UdfQuery:
    """A query over one input named `input_name`, with the functions it calls. Called with batches, gives batches."""

    def __init__(
        self, query: str, input_name: str, columns: Schema | None, udfs: Sequence[UserDefinedFunction]
    ) -> None:
        self.query = query
        self.input_name = input_name
        self.columns = columns
        self.udfs = list(udfs)

    def bind_at(self, line: SourceLine, operation: str) -> Schema:
        """The columns of the result. Runs none of the functions. An error names the user's line."""
        import duckdb

        try:
            return self._bind()
        except duckdb.Error as error:
            text = str(error)
        raise InvalidArgumentError(text, location=str(line), node=operation)

    def _bind(self) -> Schema:
        if self.columns is None:
            raise ValueError("the input's columns are not known")
        with _connect() as connection:
            self._create_functions(connection, [], is_binding=True)
            columns = ", ".join(f"{quote_name(name)} {kind}" for name, kind in self.columns.items())
            connection.execute(f"CREATE TABLE {quote_name(self.input_name)} ({columns})")
            return Schema([(row[0], row[1]) for row in connection.execute(f"DESCRIBE {self.query}").fetchall()])

    def __call__(self, batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The result's rows; an error of a user's function is raised as it was."""
        import pyarrow as pa

        first = next(batches, None)
        if first is None:
            if self.columns is None:
                return
            first = self.columns.to_arrow().empty_table()  # An aggregate has a row for an empty partition too.
        errors: list[BaseException] = []
        with _connect() as connection:
            self._create_functions(connection, errors, is_binding=False)
            connection.register(_ARROW_INPUT, _stream(first, batches))
            connection.execute(
                f"CREATE TEMP VIEW {quote_name(self.input_name)} AS SELECT {self._casts(first)} FROM {_ARROW_INPUT}"
            )
            try:
                result: Any = connection.execute(self.query)
                for batch in result.to_arrow_reader(122880):
                    yield pa.Table.from_batches([batch])
            except Exception:
                if errors:
                    raise errors[0] from None
                raise

    def _casts(self, first: pa.Table) -> str:
        # Arrow has no HUGEINT, UUID or BIT: give the query the types that the user sees in `schema`.
        if self.columns is None:
            return ", ".join(quote_name(name) for name in first.column_names)
        return ", ".join(
            f"CAST({quote_name(name)} AS {kind}) AS {quote_name(name)}" for name, kind in self.columns.items()
        )

    def _create_functions(
        self, connection: duckdb.DuckDBPyConnection, errors: list[BaseException], is_binding: bool
    ) -> None:
        for function in self.udfs:
            create: Any = connection.create_function  # Its stub is narrower than what it takes.
            create(
                function.name,
                _remembering(function, errors),
                function.parameter_types(),
                type_text(function.return_type),
                type="arrow" if function.use_arrow_type else "native",
                side_effects=is_binding,  # A function with side effects is never run to fold a constant.
            )


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb

    folder = tempfile.gettempdir()
    return duckdb.connect(
        ":memory:", config={"threads": 1, "temp_directory": folder, "python_enable_replacements": False}
    )


def _remembering(function: UserDefinedFunction, errors: list[BaseException]) -> Callable[..., Any]:
    # DuckDB turns an exception into text; the exception itself has the traceback.
    def call(*args: Any) -> Any:
        try:
            return function.func(*args)
        except BaseException as error:
            errors.append(error)
            raise

    types = function.parameter_types()
    if types is not None:  # DuckDB counts the parameters; *args would be one.
        kind = inspect.Parameter.POSITIONAL_ONLY
        parameters = [inspect.Parameter(f"p{number}", kind) for number in range(len(types))]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _stream(first: pa.Table, rest: Iterator[pa.Table]) -> pa.RecordBatchReader:
    import pyarrow as pa

    def batches() -> Iterator[pa.RecordBatch]:
        yield from first.to_batches()
        for table in rest:
            yield from table.to_batches()

    return pa.RecordBatchReader.from_batches(first.schema, batches())


def free_name(query: str) -> str:
    """A name for the input that the query does not use itself."""
    name = "rows_in"
    while name in query.lower():
        name += "_"
    return name


def check_udfs(udfs: Any) -> list[UserDefinedFunction]:
    """The functions given as `udfs=`; anything that is none is an error."""
    functions = [udfs] if isinstance(udfs, UserDefinedFunction) else list(udfs)
    for function in functions:
        if not isinstance(function, UserDefinedFunction):
            raise InvalidArgumentError(
                f"udfs holds {literal(str(function))}, which is no function made by @udf",
                hint="decorate a Python function with @millpond.udf(params=[…], return_type=…)",
            )
    return functions
