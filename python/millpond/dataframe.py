"""The lazy, partitioned frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from millpond.call_policy import PLAIN, check_policy, is_async
from millpond.dead_letters import DeadLetters, with_dead_letters
from millpond.errors import InvalidArgumentError, UnsupportedError
from millpond.expressions import Expr, expression, item_text
from millpond.file_options import Names, name_list
from millpond.frame_relational import FrameRelational
from millpond.frame_results import FrameResults
from millpond.frame_tables import FrameTables
from millpond.frame_writing import FrameWriting
from millpond.functions import BATCH_FORMATS, function_name, is_streaming, pack
from millpond.partition_function import PartitionFunction
from millpond.schema import Schema, SchemaLike
from millpond.sizes import parse_size
from millpond.smallpond_keywords import check_keywords, check_sql_keywords
from millpond.smallpond_keywords import resources as resources_of
from millpond.source_line import SourceLine, source_line
from millpond.sql_text import quote_name, typed_literal
from millpond.udf_query import UdfQuery, check_udfs, free_name

if TYPE_CHECKING:
    pass

#: Rows of a batch where the user names no size.
DEFAULT_BATCH_SIZE = 122880
#: Rows of a batch that is bounded by its bytes alone.
NO_LIMIT = 2**62


class DataFrame(DeadLetters, FrameResults, FrameWriting, FrameTables, FrameRelational):
    """A lazy, partitioned table.

    Making a frame runs nothing, but checks: an unknown column is an error at once, at the line that names it. Work by
    partition (`map`, `filter`, `partial_sql`, …) happens in each partition on its own. Frames never change.

    >>> df = session.from_items([{"a": 1}, {"a": 2}, {"a": 3}])
    >>> df.filter("a > 1").map("a * 10 AS b").take_all()
    [{'b': 20}, {'b': 30}]
    """

    # --- rows to partitions

    def repartition(
        self,
        npartitions: int,
        hash_by: Names = None,
        by: str | Callable[..., Any] | None = None,
        by_rows: bool = False,
        *,
        range_by: Names = None,
        by_row: bool = False,
        random_shuffle: bool = False,
        nested: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> DataFrame:
        """Deals the rows to `npartitions` partitions.

        `hash_by`: columns or expressions; rows with equal values go to the same partition. `range_by`: terms of an
        ORDER BY (`"ts"`, `"size DESC NULLS LAST"`); partition by partition, rows follow each other in that order, and
        rows with equal values go to the same partition. Within a partition rows are in no order: `partial_sort` puts
        them in one. The ranges come from a sample, so partitions are about equally large. `by`: a column or expression
        that is the partition's number, 0 to npartitions-1, or a function that gives the numbers. `by_rows` (or
        `by_row`): runs of equal numbers of rows, in order. `random_shuffle`: each row to a partition by chance. With
        none of these, whole files are dealt, or row groups of Parquet files when there are fewer files than partitions.

        A function given as `by` takes a batch as a `pyarrow.Table` and gives as many integers as that has rows: a list,
        or an array of Arrow, numpy, pandas or polars. It runs in the worker processes, once a batch; a class is
        instantiated once a worker and its instance called.

        `nested`: each partition is dealt into `npartitions` of its own; the result can still be read beside frames
        that have only the outer dealing.

        >>> df = session.from_items(list(range(10)))
        >>> df.repartition(3, by_rows=True).map("count(*) AS n").take_all()
        [{'n': 4}, {'n': 3}, {'n': 3}]
        >>> df.repartition(2, range_by="item DESC").map("max(item) AS most").take_all()
        [{'most': 9}, {'most': 4}]
        >>> def first_two(batch):
        ...     return [0 if item < 2 else 1 for item in batch["item"].to_pylist()]
        >>> df.repartition(2, by=first_two).map("count(*) AS n").take_all()
        [{'n': 2}, {'n': 8}]
        """
        from millpond import _core

        check_keywords("repartition", kwargs)
        line = source_line()
        if by is not None and not isinstance(by, str):
            if hash_by is not None or range_by is not None or by_rows or by_row or random_shuffle:
                raise InvalidArgumentError("choose one of by, hash_by, range_by, by_rows and random_shuffle")
            return self._dealt_by_function(npartitions, by, nested, line, kwargs)
        options = _core.RepartitionOptions()
        options.hash_by = name_list(hash_by, "hash_by")
        options.range_by = name_list(range_by, "range_by")
        options.by = by or ""
        options.by_rows = by_rows or by_row
        options.random = random_shuffle
        options.nested = nested
        options.seed = seed
        return self._made(self._frame.repartition(npartitions, options, str(line)), line)

    def _dealt_by_function(
        self, npartitions: int, function: Any, nested: bool, line: SourceLine, kwargs: dict[str, Any]
    ) -> DataFrame:
        # The numbers travel with the rows to where they are dealt, as a column that nobody sees.
        from millpond import _core

        if not callable(function):
            raise InvalidArgumentError(f"by={function!r} is neither a column or expression nor a function")
        columns = self._known_schema()
        number = "__millpond_partition"
        while columns is not None and number in [name.lower() for name in columns]:
            number += "_"
        schema = None if columns is None else Schema([*columns.items(), (number, "BIGINT")])
        settings = {**kwargs, "name": function_name(function)}
        packed = PartitionFunction(function, npartitions, number)
        numbered = self._call("partition_numbers", packed, schema, settings, line)
        options = _core.RepartitionOptions()
        options.by = number
        options.nested = nested
        dealt = numbered._frame.repartition(npartitions, options, str(line))
        return self._made(dealt.map(f"SELECT * EXCLUDE ({quote_name(number)}) FROM {{0}}", str(line)), line)

    def consolidate(self, npartitions: int = 1) -> DataFrame:
        """Brings the partitions to fewer, each a run of whole partitions. No row is moved.

        >>> df = session.from_items(list(range(10))).repartition(4, by_rows=True)
        >>> df.consolidate(2).map("count(*) AS n").take_all()
        [{'n': 6}, {'n': 4}]
        """
        from millpond import _core

        line = source_line()
        options = _core.RepartitionOptions()
        options.consolidate = True
        return self._made(self._frame.repartition(npartitions, options, str(line)), line)

    def repeat(self, npartitions: int) -> DataFrame:
        """Gives all rows to each of `npartitions` partitions: for work that is done several times over the same data.

        >>> session.from_items([1, 2]).repeat(3).count()
        6
        """
        from millpond import _core

        line = source_line()
        options = _core.RepartitionOptions()
        options.repeat = True
        return self._made(self._frame.repartition(npartitions, options, str(line)), line)

    def random_shuffle(self, seed: int | None = None, **kwargs: Any) -> DataFrame:
        """Deals every row to a partition by chance and shuffles each partition; as many partitions as before.

        The same program shuffles the same way again; another `seed` gives another order.
        """
        check_keywords("random_shuffle", kwargs)
        line = source_line()
        return self._made(self._frame.random_shuffle(seed, str(line)), line)

    def partial_sort(self, by: Names, **kwargs: Any) -> DataFrame:
        """Sorts the rows of each partition by columns or expressions ("a DESC").

        >>> session.from_items([2, 3, 1]).partial_sort("item DESC").take(1)
        [{'item': 3}]
        """
        check_keywords("partial_sort", kwargs)
        line = source_line()
        return self._made(self._frame.partial_sort(name_list(by, "by"), str(line)), line)

    # --- rows to rows

    def filter(
        self, sql_or_func: str | Expr | Callable[[dict[str, Any]], Any], *, udfs: Any = (), **kwargs: Any
    ) -> DataFrame:
        """Keeps the rows for which a condition, in SQL or made by `col`, or a Python function of the row as a dict, is
        true.

        >>> df = session.from_items([1, 2, 3])
        >>> df.filter("item % 2 = 1").take_all(), df.filter(lambda row: row["item"] > 2).take_all()
        ([{'item': 1}, {'item': 3}], [{'item': 3}])
        """
        check_keywords("filter", kwargs)
        line = source_line()
        if isinstance(sql_or_func, Expr):
            sql_or_func = expression(sql_or_func)
        if isinstance(sql_or_func, str):
            if udfs:
                return self._udf_query(f"SELECT * FROM {{0}} WHERE ({sql_or_func}\n)", udfs, "filter", kwargs, line)
            check_sql_keywords("filter", kwargs)
            return self._made(self._frame.filter(sql_or_func, str(line)), line)
        return self._call("filter", sql_or_func, None, kwargs, line)

    def map(
        self,
        sql_or_func: str | Callable[[dict[str, Any]], dict[str, Any]],
        *,
        schema: SchemaLike | None = None,
        udfs: Any = (),
        **kwargs: Any,
    ) -> DataFrame:
        """Makes each row anew: by SQL expressions, by a whole `SELECT … FROM {0}`, or by a function from dict to dict.

        `schema` says what a function's rows hold, so that nothing has to run to know it. `udfs` are functions made by
        `@udf` that the SQL calls by name.

        >>> df = session.from_items([1, 2])
        >>> df.map("item + 1 AS a").take_all()
        [{'a': 2}, {'a': 3}]
        >>> df.map(lambda row: {"a": row["item"] * 2}, schema={"a": int}).take_all()
        [{'a': 2}, {'a': 4}]
        """
        return self._map("map", sql_or_func, schema, udfs, kwargs)

    def flat_map(
        self,
        sql_or_func: str | Callable[[dict[str, Any]], Iterable[dict[str, Any]]],
        *,
        schema: SchemaLike | None = None,
        udfs: Any = (),
        **kwargs: Any,
    ) -> DataFrame:
        """Makes any number of rows from each row: by SQL with `unnest`, or by a function from dict to a list of dicts.

        >>> session.from_items([2, 1]).flat_map("unnest(range(item)) AS n").take_all()
        [{'n': 0}, {'n': 1}, {'n': 0}]
        """
        return self._map("flat_map", sql_or_func, schema, udfs, kwargs)

    def _map(
        self, kind: str, sql_or_func: Any, schema: SchemaLike | None, udfs: Any, kwargs: dict[str, Any]
    ) -> DataFrame:
        check_keywords(kind, kwargs)
        line = source_line()
        if not isinstance(sql_or_func, str):
            return self._call(kind, sql_or_func, schema, kwargs, line)
        if schema is not None:
            raise InvalidArgumentError(
                "schema= is for functions; SQL says itself what it gives", hint="cast in the SQL"
            )
        if udfs:
            is_query = sql_or_func.split(None, 1)[:1] and sql_or_func.split(None, 1)[0].upper() in (
                "SELECT",
                "WITH",
                "FROM",
            )
            query = sql_or_func if is_query else f"SELECT {sql_or_func}\nFROM {{0}}"
            return self._udf_query(query, udfs, kind, kwargs, line)
        check_sql_keywords(kind, kwargs)
        return self._made(self._frame.map(sql_or_func, str(line)), line)

    def map_batches(
        self,
        func: Callable[..., Any],
        *,
        batch_size: int | None = None,
        batch_bytes: str | int | None = None,
        batch_format: str = "pyarrow",
        schema: SchemaLike | None = None,
        streaming: bool | None = None,
        concurrency: int | None = None,
        max_concurrent: int | None = None,
        rate_limit: float | None = None,
        on_error: str = "fail",
        num_cpus: int | None = None,
        num_gpus: float | None = None,
        memory: str | int | None = None,
        resources: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> DataFrame:
        """Hands the rows to a function in batches of exactly `batch_size` rows, the last of a partition smaller.

        `batch_size` is 122,880 unless given. `batch_bytes`, a number or `"64MB"`, bounds batches by the memory of their
        rows in Arrow's layout instead: a batch ends before the row that would make it larger, and holds at least one
        row. With both, a batch ends where the first of them says.

        `func` takes a batch and gives one: a `pyarrow.Table`, pandas or polars DataFrame, or dict of numpy arrays, as
        `batch_format` ("pyarrow", "pandas", "polars", "numpy") says; what it gives may be any of them. A class is
        instantiated once a worker process and its instance called, so that it can hold a model. A generator function,
        or any function with `streaming=True`, gets an iterator over the partition's batches and gives an iterator.

        An `async` function works on up to `max_concurrent` batches at once in each worker (16 unless given).
        `rate_limit` bounds the calls a second, all workers together; `concurrency` how many partitions are worked on at
        once.

        `num_cpus`, `num_gpus`, `memory` and `resources` (`{"tpu": 1}`) are what a partition that is worked on needs;
        the rest waits. A worker sees its own gpus only; `num_gpus=0.5` lets two share one.

        `on_error` says what happens to rows on which the function raises: `"fail"` ends the job, `"skip"` leaves them
        out, `"dead_letter"`, which needs `schema=`, leaves them out and keeps them as `dead_letters`. A failing batch
        is halved until its bad rows are alone, so the function sees rows again and should not depend on its batch.

        >>> df = session.from_items([1, 2, 3])
        >>> df.map_batches(lambda batch: batch.slice(0, 1), schema={"item": int}).take_all()
        [{'item': 1}]
        """
        check_keywords("map_batches", kwargs)
        line = source_line()
        if batch_format not in BATCH_FORMATS:
            raise InvalidArgumentError(
                f"batch_format={batch_format!r} is not known", hint=f"choose one of {BATCH_FORMATS}"
            )
        settings = {
            **kwargs,
            **_batch_limits(batch_size, batch_bytes),
            "batch_format": batch_format,
            "streaming": streaming,
            "concurrency": concurrency,
            "num_cpus": num_cpus,
            "num_gpus": num_gpus,
            "memory": memory,
            "resources": resources,
        }
        settings["policy"] = check_policy(
            on_error,
            max_concurrent,
            rate_limit,
            is_async=is_async(func),
            streaming=is_streaming(func, streaming),
        )
        if on_error == "dead_letter":
            return with_dead_letters(
                self, schema, settings, lambda columns, kept: self._call("map_batches", func, columns, kept, line)
            )
        return self._call("map_batches", func, schema, settings, line)

    # --- columns

    def select(self, *expressions: str | Expr | Iterable[str | Expr], **named: str | Expr) -> DataFrame:
        """Columns by name, or expressions: SQL, or made by `col`; `name=expression` gives them names.

        >>> session.from_items([{"a": 1, "b": 2}]).select("b", "a + b AS c", d=col("a") * 5).take_all()
        [{'b': 2, 'c': 3, 'd': 5}]
        """
        line = source_line()
        items: list[Any] = [[part] if isinstance(part, (str, Expr)) else list(part) for part in expressions]
        texts = [item_text(item) if isinstance(item, Expr) else item for part in items for item in part]
        texts += self._items([], named, "select")
        names = _flat(tuple(texts), "select")
        return self._checked("select", lambda: self._made(self._frame.select(names, str(line)), line))

    def with_columns(self, *columns: Mapping[str, Any] | Expr | None, **named: Any) -> DataFrame:
        """Adds columns, or replaces those of the same name, by SQL expressions; other values stand for themselves.

        Expressions made by `col` may stand without a keyword when they have a name.

        >>> session.from_items([{"a": 1}]).with_columns((col("a") * 2).alias("d"), b="a + 1", c=None).take_all()
        [{'a': 1, 'd': 2, 'b': 2, 'c': None}]
        """
        line = source_line()
        pairs = [(name, _column_text(value)) for name, value in _named_columns(columns, named).items()]
        return self._checked("with_columns", lambda: self._made(self._frame.with_columns(pairs, str(line)), line))

    def drop(self, *columns: str | Iterable[str]) -> DataFrame:
        """All columns but these.

        >>> session.from_items([{"a": 1, "b": 2}]).drop("a").columns
        ['b']
        """
        line = source_line()
        return self._made(self._frame.drop(_flat(columns, "drop"), str(line)), line)

    def rename(self, columns: Mapping[str, str] | None = None, /, **named: str) -> DataFrame:
        """Gives columns new names: `{"old": "new"}` or `old="new"`.

        >>> session.from_items([{"a": 1}]).rename({"a": "b c"}).columns
        ['b c']
        """
        line = source_line()
        return self._made(self._frame.rename(list({**(columns or {}), **named}.items()), str(line)), line)

    # --- several frames

    def union(self, *others: DataFrame) -> DataFrame:
        """The rows of this frame and others with the same columns, their partitions one after the other.

        >>> one, two = session.from_items([1]), session.from_items([2])
        >>> one.union(two).take_all()
        [{'item': 1}, {'item': 2}]
        """
        line = source_line()
        return self._made(self._frame.union_all([other._frame for other in others], str(line)), line)

    def partial_sql(self, query: str, *others: DataFrame, udfs: Any = (), **kwargs: Any) -> DataFrame:
        """One SELECT in each partition; this frame is `{0}`, the others are `{1}` and so on. See `Session.partial_sql`.

        >>> df = session.from_items([1, 2, 3])
        >>> df.partial_sql("SELECT sum(item)::BIGINT AS total FROM {0}").take_all()
        [{'total': 6}]
        """
        return self._session.partial_sql(query, self, *others, udfs=udfs, **kwargs)

    def limit(self, limit: int) -> DataFrame:
        """Any `limit` rows, those of the first partitions first. One partition.

        >>> session.from_items([1, 2, 3]).limit(2).count()
        2
        """
        line = source_line()
        return self._made(self._frame.limit(limit, str(line)), line)

    def head(self, n: int = 5) -> DataFrame:
        """The same as `limit`, five rows if not told otherwise."""
        return self.limit(n)

    # --- functions

    def _call(
        self, kind: str, function: Any, schema: SchemaLike | None, settings: Mapping[str, Any], line: SourceLine
    ) -> DataFrame:
        from millpond import _core

        if not callable(function) and not isinstance(function, PartitionFunction):
            raise InvalidArgumentError(
                f"{kind} takes SQL text or a function, not {function!r}"
                if kind != "map_batches"
                else f"{function!r} is no function"
            )
        options = _core.CallOptions()
        options.kind = kind
        streaming = kind == "map_batches" and is_streaming(function, settings.get("streaming"))
        options.function = pack(function, streaming, settings.get("policy", PLAIN))
        options.concurrency = settings.get("concurrency") or 0
        options.name = settings.get("name") or function_name(function)
        options.batch_size = settings.get("batch_size", DEFAULT_BATCH_SIZE)
        options.batch_bytes = settings.get("batch_bytes", 0)
        options.batch_format = settings.get("batch_format", "pyarrow")
        options.schema = Schema(schema).to_columns() if schema is not None else None
        for name, value in resources_of(dict(settings)).items():
            setattr(options, name, value)
        return self._made(self._frame.call(options, str(line)), line)

    def _udf_query(
        self, query: str, udfs: Any, operation: str, kwargs: Mapping[str, Any], line: SourceLine
    ) -> DataFrame:
        """A query that calls Python functions, as a streaming call: only workers have Python."""
        from millpond import _core

        functions = check_udfs(udfs)
        columns = self._known_schema()
        name = free_name(query)
        udf_query = UdfQuery(_core.substitute(query, [name]), name, columns, functions)
        schema = udf_query.bind_at(line, operation) if columns is not None else None
        settings = {**kwargs, "streaming": True, "name": ", ".join(function.name for function in functions)}
        return self._call("map_batches", udf_query, schema, settings, line)


def _batch_limits(batch_size: int | None, batch_bytes: str | int | None) -> dict[str, int]:
    if batch_size is not None and (not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1):
        raise InvalidArgumentError(f"batch_size={batch_size!r} is not a positive whole number")
    if batch_bytes is None:
        return {"batch_size": batch_size or DEFAULT_BATCH_SIZE}
    num_bytes = parse_size(batch_bytes, "batch_bytes")
    if num_bytes < 1:
        raise InvalidArgumentError(f"batch_bytes={batch_bytes!r} is not a positive size")
    return {"batch_size": batch_size or NO_LIMIT, "batch_bytes": num_bytes}


def one_input_for_udfs(inputs: tuple[DataFrame, ...]) -> DataFrame:
    """The only input of a query with `udfs=`."""
    if len(inputs) == 1:
        return inputs[0]
    raise UnsupportedError(
        f"a query with udfs= takes one input, not {len(inputs)}",
        hint="join in one partial_sql without udfs, and call the functions in a map over its result",
    )


def _named_columns(columns: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in columns:
        if isinstance(item, Expr) and item.name is not None:
            found[item.name] = item
        elif isinstance(item, Mapping):
            found.update(item)
        elif item is not None:
            raise InvalidArgumentError(
                f"with_columns was given {item!r} without a name", hint='write name=expression, or .alias("name")'
            )
    return {**found, **named}


def _column_text(value: Any) -> str:
    if isinstance(value, Expr):
        return expression(value)
    return value if isinstance(value, str) else typed_literal(value)


def _flat(items: tuple[Any, ...], operation: str) -> list[str]:
    found: list[str] = []
    for item in items:
        found += name_list(item, operation)
    return found
