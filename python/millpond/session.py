"""A session: where frames are made and run."""

from __future__ import annotations

import atexit
import datetime
import os
import sys
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from millpond.cluster import open_cluster, open_core
from millpond.dataframe import DataFrame, one_input_for_udfs
from millpond.errors import InvalidArgumentError, MillpondError
from millpond.file_options import PathLike
from millpond.plan_graph import PlanGraph
from millpond.progress import Progress, make_progress
from millpond.session_packages import SessionPackages
from millpond.session_reading import SessionReading
from millpond.session_tables import SessionTables
from millpond.settings import Config, session_options
from millpond.smallpond_keywords import check_keywords, check_sql_keywords
from millpond.source_line import source_line, warn
from millpond.sql_tables import find_tables, is_rows, name_in, named_inputs

if TYPE_CHECKING:
    from millpond import _core
    from millpond.object_store import ObjectStores


class Session(SessionReading, SessionTables, SessionPackages):
    """Where frames are made and run: an engine, a runner and a folder for the job. Made by `millpond.init`.

    A context manager: leaving it shuts the session down. So does the end of the program.
    """

    _frame_type: type[DataFrame] = DataFrame
    _write_mode = "error"

    def __init__(self, arguments: dict[str, Any]) -> None:
        """Opens a session with the arguments of `init` by name."""

        options, extra = session_options(arguments)
        self._stores: ObjectStores = extra["stores"]
        self._progress: Progress | None = make_progress(arguments["progress"])
        self._cluster = open_cluster(extra["ray_address"], options, extra) if extra["ray_address"] else None
        self._core: _core.Session = open_core(options, self._cluster, extra["exchange"])
        self.config = _config(self._core.options(), extra)
        self._views: dict[str, DataFrame] = {}
        self._is_open = True
        self._table_writes = 0
        # The tables whose versions nodes of plans give, by the nodes' fingerprints.
        self._tables_read: dict[str, set[str]] = {}
        self._core.set_progress(self._progress)
        atexit.register(_shutdown, weakref.ref(self))

    @property
    def job_id(self) -> str:
        """The job's name; the same program run again under it goes on where it stopped."""
        return self._core.job_id()

    @property
    def job_directory(self) -> str:
        """The job's folder, `data_root/job_id`: its journal, event log and data between tasks. With `data_root` on a
        store: its folder of this machine, below `scratch`, which goes with the session."""
        return self._core.job_directory()

    def partial_sql(self, query: str, *inputs: DataFrame, udfs: Any = (), **kwargs: Any) -> DataFrame:
        """One SELECT in each partition. `{0}`, `{1}` … stand for the inputs.

        An input of one partition is given whole to each partition of the others. Inputs of several partitions must be
        partitioned alike; if not, the error says how to mend it. Braces in literals are left alone. Without inputs the
        query runs once. Of several statements the last gives the rows. `udfs` are functions made by `@udf`.

        >>> prices = session.from_items([{"ticker": "A", "price": 2.0}, {"ticker": "B", "price": 3.0}])
        >>> names = session.from_items([{"ticker": "A", "name": "Ada"}])
        >>> session.partial_sql("SELECT name, price FROM {0} JOIN {1} USING (ticker)", prices, names).take_all()
        [{'name': 'Ada', 'price': 2.0}]
        """
        check_keywords("partial_sql", kwargs)
        _check_frames("partial_sql", inputs)
        line = source_line()
        if udfs:
            return one_input_for_udfs(inputs)._udf_query(query, udfs, "partial_sql", kwargs, line)
        check_sql_keywords("partial_sql", kwargs)
        return self._made(self._core.partial_sql(query, [frame._frame for frame in inputs], str(line)), line)

    def sql(
        self,
        query: str,
        *inputs: DataFrame,
        partitions: int | None = None,
        distribute: str = "auto",
        broadcast_limit: int | None = None,
        udfs: Any = (),
        **frames: Any,
    ) -> DataFrame:
        """One SELECT over all rows of its tables, whatever their partitions: DuckDB's whole dialect. Lazy.

        A table is a frame given by name, a view (`create_view`), a variable of the caller (a frame, a pandas or polars
        DataFrame, a pyarrow Table), or a file (`FROM 'prices/*.parquet'`), looked for in this order. Positional
        `inputs` are `{0}`, `{1}` … as in `partial_sql`.

        - `distribute`: `"auto"`: spread the query over tasks where it pays, which on one machine it does not: DuckDB
          runs it whole, with all its threads. `"always"`: spread it over `partitions`; what can't be spread runs in
          one task, with a warning when that is the whole query. `"never"`: one task.
        - `partitions`: how many, when it is spread. Default: one a thread of the session.
        - `broadcast_limit`: a join's side of at most so many rows, by estimate, is read by every task, instead of
          moving both sides by their keys; 0: never where a join can do without. Default: 20,000, and more beside a
          much larger side. As many rows are sorted in one task; default: 100,000. More are dealt by ranges of their
          keys, and the result's partitions follow each other.

        Without ORDER BY no order is promised when the query is spread. A PIVOT that lists no values is not lazy: a
        query for them runs now.

        >>> prices = session.from_items([{"ticker": "A", "price": 2.0}, {"ticker": "A", "price": 3.0}])
        >>> session.sql("SELECT ticker, sum(price) AS total FROM prices GROUP BY ticker").take_all()
        [{'ticker': 'A', 'total': 5.0}]
        >>> session.sql("SELECT max(price) AS most FROM p", p=prices, distribute="always", partitions=3).take_all()
        [{'most': 3.0}]
        """
        line = source_line()
        if distribute not in ("auto", "always", "never"):
            raise InvalidArgumentError(f'distribute is "auto", "always" or "never", not {distribute!r}')
        if partitions is not None and partitions < 1:
            raise InvalidArgumentError(f"partitions is {partitions}; it must be at least 1")
        if broadcast_limit is not None and broadcast_limit < 0:
            raise InvalidArgumentError(f"broadcast_limit is {broadcast_limit}; it must be at least 0")
        tables = {name: frames.pop(name) for name in list(frames) if is_rows(frames[name])}
        check_keywords("sql", frames)
        _check_frames("sql", inputs)
        if udfs:
            whole = [frame.consolidate() if frame.num_partitions > 1 else frame for frame in inputs]
            return self.partial_sql(query, *whole, udfs=udfs, **frames)
        query, numbered = named_inputs(query, inputs, tables)
        found = find_tables(self, self._table_names(query, str(line)), tables | numbered, self._views)
        names = [name for name, _ in found]
        cores = [frame._frame for _, frame in found]
        limit = -1 if broadcast_limit is None else broadcast_limit
        return self._made(self._core.sql(query, names, cores, distribute, partitions or 0, limit, str(line)), line)

    def _table_names(self, query: str, location: str) -> list[str]:
        try:
            return self._core.table_names(query)
        except MillpondError as error:  # A syntax error: the core wasn't told where the query stands.
            error.location = error.location or location
            error.node = error.node or "sql"
            raise

    def create_view(self, name: str, frame: DataFrame) -> None:
        """Lets `sql` find a frame under a name. An older view of that name is replaced.

        >>> session.create_view("numbers", session.from_items([1, 2, 3]))
        >>> session.sql("SELECT count(*) AS n FROM numbers").take_all()
        [{'n': 3}]
        """
        _check_frames("create_view", [frame])
        self.drop_view(name)
        self._views[name] = frame

    def drop_view(self, name: str) -> None:
        """Forgets a view; fine when there is none of that name."""
        known = name_in(name, self._views)
        if known is not None:
            del self._views[known]

    def wait(self, *frames: DataFrame | Iterable[DataFrame]) -> None:
        """Runs lazy frames together, such as `write_parquet_lazy` gives; what they share is done once."""
        every: list[DataFrame] = []
        for frame in frames:
            every += [frame] if isinstance(frame, DataFrame) else list(frame)
        self._core.wait([frame._frame for frame in every])

    def graph(self) -> PlanGraph:
        """The plan of all frames so far; its `source` is Graphviz text."""
        return PlanGraph(self._core.graph())

    def dump_graph(self, path: PathLike | None = None) -> str:
        """Writes the plan as Graphviz text, by default to graph.dot in the job's folder. Returns the path."""
        return self.graph().save(path if path is not None else self._job_file("graph.dot"))

    def dump_timeline(self, path: PathLike | None = None) -> str:
        """Writes what ran when, as JSON that chrome://tracing and Perfetto show; timeline.json in the job's folder if
        not told otherwise. Returns the path."""
        from millpond.timeline import write_timeline

        target = os.fspath(path) if path is not None else str(self._job_file("timeline.json"))
        write_timeline(Path(self.job_directory), Path(target))
        return target

    def _job_file(self, name: str) -> Path:
        if "://" in self.config.data_root:
            raise InvalidArgumentError(
                f"the job's folder is on a store, and what is in {self.job_directory} goes with the session",
                hint="say where to write: give a path",
            )
        return Path(self.job_directory) / name

    def cancel(self) -> None:
        """Asks running work to stop; it ends with CancelledError. From any thread."""
        self._core.cancel()

    def shutdown(self) -> None:
        """Stops work, ends workers and removes temporary data. A second call does nothing.

        Files that `new_only` reads gave count as seen from now on, unless an exception is being handled.
        """
        self._close(sys.exc_info()[0] is None)

    def _close(self, is_finished: bool) -> None:
        if not self._is_open:
            return
        self._is_open = False
        try:
            if is_finished:
                self._core.finish()
        finally:
            self._shut_down()

    def _shut_down(self) -> None:
        try:
            self._core.shutdown()
        finally:
            if self._cluster is not None:
                self._cluster.close()
            self._core.set_progress(None)
            if self._progress is not None:
                self._progress.close()

    def _next_table_write(self) -> int:
        """How many writes to tables came before: the same for a write of the same program run again."""
        self._table_writes += 1
        return self._table_writes - 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A program that leaves by sys.exit(0) has done its work as well.
        is_good_end = error is None or (isinstance(error, SystemExit) and not error.code)
        try:
            self._close(is_good_end)
        except MillpondError as closing:
            if error is None or is_good_end:
                raise
            # The error that is on its way tells more: often it is the cause of this one.
            error.add_note(f"the session did not end well, too: {closing}")

    def __repr__(self) -> str:
        return f"Session(job_id={self.job_id!r}, runner={self.config.runner!r}, job_directory={self.job_directory!r})"


def _check_frames(operation: str, inputs: Iterable[object]) -> None:
    for number, frame in enumerate(inputs):
        if not isinstance(frame, DataFrame):
            raise InvalidArgumentError(
                f"input {{{number}}} of {operation} is no DataFrame but {type(frame).__qualname__}"
            )


def _shutdown(session: weakref.ref[Session]) -> None:
    found = session()
    if found is None or not found._is_open:
        return
    if found._core.has_unfinished_reads():
        # Whether the program did its work or left by sys.exit(1) can't be told here.
        warn(
            "the session was not closed, so the files it read with new_only are new for the next run too: "
            "open it by `with`, or call shutdown() at the end",
            source_line(),
        )
    found._close(is_finished=False)


def _config(options: _core.SessionOptions, extra: dict[str, Any]) -> Config:
    return Config(
        job_id=options.job_id,
        job_name=options.job_name,
        job_time=extra["job_time"],
        data_root=options.data_root,
        scratch=options.scratch,
        runner="ray" if extra["ray_address"] else options.runner,
        threads=options.threads,
        memory_limit=options.memory_limit,
        disk_quota=options.disk_quota,
        scan_task_bytes=options.scan_task_bytes,
        min_task_bytes=options.min_task_bytes,
        max_retries=options.max_retries,
        speculation=bool(options.speculation),
        num_executors=extra["num_executors"],
        num_cpus=extra["num_cpus"],
        num_gpus=extra["num_gpus"],
        resources=extra["resources"],
        ray_address=extra["ray_address"],
        exchange=extra["exchange"],
        bind_numa_node=extra["bind_numa_node"],
        memory_allocator=extra["memory_allocator"],
        remove_output_root=not options.keep,
    )


def init(
    job_id: str | None = None,
    job_time: datetime.datetime | str | float | None = None,
    job_name: str | None = None,
    data_root: PathLike | None = None,
    num_executors: int | None = None,
    ray_address: str | None = None,
    bind_numa_node: bool | None = None,
    platform: str | None = None,
    _remove_output_root: bool = True,
    *,
    memory_allocator: str | None = None,
    runner: str | None = None,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    disk_quota: str | int | None = None,
    scan_task_bytes: str | int | None = None,
    min_task_bytes: str | int | None = None,
    max_retries: int | None = None,
    storage_options: Mapping[str, str] | None = None,
    progress: bool | str | None = None,
    keep: bool | None = None,
    exchange: str | None = None,
    num_cpus: int | None = None,
    num_gpus: float | None = None,
    resources: Mapping[str, float] | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    scratch: PathLike | None = None,
    speculation: bool | None = None,
) -> Session:
    """Opens a session. Starts nothing but this process's engine, and with `ray_address` its part on a cluster.

    What is left out is looked up in `MILLPOND_<NAME>`, then `SP_<NAME>`, then has its default.

    - `job_id`: names the job. The same program run again under the same name reuses what was finished. Default: new.
    - `data_root`: where jobs keep their state and data between tasks, private to the user: a folder, or one of a store
      (`"s3://bucket/jobs"`, docs/stores.md). Default: ~/.millpond/data.
    - `runner`: `"threads"` (default): this process; `"inline"`: one thread; `"processes"`: worker processes.
    - `threads`: cores to use. Default: all this process may use.
    - `memory_limit`: memory for the job, bytes or `"1GB"`. Default: 80 % of the machine's or container's.
    - `disk_quota`: disk that results kept for reuse may fill, bytes or `"10GB"`. Beyond it, those used longest ago are
      dropped, and computed again when they are needed. Default: half of what is free where `data_root` lies.
    - `scan_task_bytes`: bytes of files, or `"256MB"`, that one task reads before its rows are dealt to partitions: what
      a failure costs. Default: 1 GiB where tasks use all threads, 64 MiB with worker processes.
    - `min_task_bytes`: partitions of a spread query that hold less, encoded, are read by one task with their
      neighbours, and one far larger than the others by several where the query allows it. 0: each task reads one.
      Default: 1 MB.
    - `max_retries`: attempts of a task after the first before the job fails. Default: 3.
    - `speculation`: whether a task that takes far longer than its neighbours is run a second time on another node of
      the cluster; the one that ends first counts, the other leaves nothing. Default: True.
    - `storage_options`: keys and addresses for stores, named as in Polars: `aws_access_key_id`, `aws_endpoint_url`,
      `google_service_account`, `azure_storage_account_key` … (docs/stores.md). Default: as the stores' own tools do.
    - `progress`: `"auto"` (default), `"bar"`, `"log"` or `"silent"`; True is "bar", False "silent".
    - `keep`: keep the job's folder whole when the session ends. Default: only its journal and log stay.
    - `ray_address`: run on a Ray cluster (docs/cluster.md): `"auto"`: the one this machine belongs to; `"host:port"`;
      `"local"`: a Ray of this session's own on this machine. `threads` then bounds the tasks that
      run at once (default: one for each CPU of the cluster), `num_executors` the nodes, and `memory_limit` is a node's.
    - `num_cpus`, `num_gpus`: of each node at most, reserved with Ray's scheduler. Default: those that are free.
      `num_gpus` without a cluster: this machine's, by default as many as it has.
    - `resources`: others by name, of each node (`{"ssd": 1}`): reserved, and only nodes that have them are used.
      Default: all are used, none reserved. Without a cluster: what this machine has.
    - `runtime_env`: Ray's runtime environment for what runs on the nodes: `{"working_dir": ".", "py_modules": […]}`.
    - `exchange`: where data between tasks lies on a cluster: `"auto"` (default): in `data_root` where nodes share it,
      else on each node, moved by Ray; `"shared"`: in `data_root`, and a node that doesn't see it is an error.
    - `scratch`: with `data_root` on a store, the folder of each machine for what its processes spill and the like.
      Default: ~/.millpond/data.
    - `job_name`, `job_time`, `bind_numa_node`, `platform`, `memory_allocator`: as in smallpond.

    >>> session = init(data_root=folder / "data", progress=False)
    >>> session.from_items([1, 2, 3]).count()
    3
    >>> session.shutdown()
    """
    return Session(dict(locals()))
