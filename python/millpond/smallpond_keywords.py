"""Keyword arguments that smallpond passes on to its plan nodes: what each means here, or why it is refused."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from millpond.errors import InvalidArgumentError, UnsupportedError
from millpond.resources import amount_of, amounts_of
from millpond.sizes import parse_size

# Tuning of smallpond's engine and of its Parquet files between tasks. Nothing here depends on them.
_WITHOUT_MEANING = frozenset(
    {
        "batched_processing",
        "background_io_thread",
        "cpu_overcommit_ratio",
        "enable_temp_directory",
        "engine_type",
        "hive_partitioning",
        "materialize_in_memory",
        "materialize_output",
        "memory_overcommit_ratio",
        "output_name",
        "parquet_compression",
        "parquet_compression_level",
        "parquet_dictionary_encoding",
        "parquet_row_group_size",
        "per_thread_output",
        "relax_memory_if_oom",
        "secs_checkpoint_interval",
        "streaming_batch_size",
        "use_duckdb_reader",
        "use_parquet_writer",
    }
)

# What would change the result or where it goes, and how to say it here.
_REFUSED = {
    "data_partition_column": "the partition's number isn't added as a column; compute it with map",
    "dimension": "partitions have one dimension",
    "extension_paths": "extensions can't be loaded by a query",
    "nested": "partitions have one dimension",
    "output_path": "write the frame with write_parquet",
    "shuffle_only": "use by= for rows that carry their partition's number",
    "udf_module_paths": "decorate the functions with @millpond.udf and give them as udfs=",
}

_RESOURCES = ("cpu_limit", "gpu_limit", "memory_limit")
_OF_FUNCTIONS = ("num_cpus", "num_gpus", "memory", "resources")


def check_keywords(operation: str, keywords: dict[str, Any], accepted: Collection[str] = ()) -> None:
    """Passes what `operation` may be given beside its own parameters. Anything else is a TypeError that names it."""
    for name, value in keywords.items():
        if name in accepted or name in _WITHOUT_MEANING or name in _RESOURCES or name in _OF_FUNCTIONS:
            continue
        if name == "drop_partition_column":
            if value:
                continue
            raise UnsupportedError(f"{operation}: {name}=False: {_REFUSED['data_partition_column']}")
        if name in _REFUSED:
            raise UnsupportedError(
                f"{operation}: the keyword {name} of smallpond is not supported", hint=_REFUSED[name]
            )
        raise TypeError(f"{operation}() got an unexpected keyword argument {name!r}")


def check_sql_keywords(operation: str, keywords: dict[str, Any]) -> None:
    """The same where SQL runs and no function: DuckDB has what the session gives it."""
    check_keywords(operation, keywords)
    for name in _OF_FUNCTIONS:
        if keywords.get(name) is not None:
            raise InvalidArgumentError(
                f"{operation}: {name}= is for Python functions, and this is SQL",
                hint="bound SQL with the session's threads and memory_limit",
            )


def resources(keywords: dict[str, Any]) -> dict[str, Any]:
    """What a call asks for, by the core's names: from millpond's `num_cpus`, `memory`, `num_gpus` and `resources`, or
    else from smallpond's `cpu_limit`, `memory_limit` and `gpu_limit`."""
    return {
        "threads": int(amount_of("num_cpus", keywords.get("num_cpus") or keywords.get("cpu_limit") or 0)),
        "memory": parse_size(keywords.get("memory") or keywords.get("memory_limit"), "memory"),
        "gpus": amount_of("num_gpus", keywords.get("num_gpus") or keywords.get("gpu_limit") or 0),
        "resources": amounts_of("resources", keywords.get("resources")),
    }
