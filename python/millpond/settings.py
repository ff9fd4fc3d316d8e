"""What a session is told: argument, else MILLPOND_<NAME>, else SP_<NAME>, else the default."""

from __future__ import annotations

import datetime
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError, UnsupportedError
from millpond.mounted_path import mounted_path
from millpond.object_store import ObjectStores
from millpond.resources import amount_of, amounts_of, local_gpus
from millpond.sizes import parse_size
from millpond.source_line import source_line, warn
from millpond.worker import worker_command

if TYPE_CHECKING:
    from millpond import _core


@dataclass
class Config:
    """A session's settings, every default filled in."""

    job_id: str
    job_name: str
    job_time: datetime.datetime
    data_root: str
    scratch: str
    runner: str
    threads: int
    memory_limit: int
    disk_quota: int
    scan_task_bytes: int
    min_task_bytes: int
    max_retries: int
    speculation: bool
    num_executors: int
    num_cpus: int | None
    num_gpus: float | None
    resources: dict[str, float]
    ray_address: str | None
    exchange: str
    bind_numa_node: bool
    memory_allocator: str
    remove_output_root: bool


def from_environment(*names: str) -> str | None:
    """The first of MILLPOND_<name> and SP_<name> that is set and not empty."""
    for name in names:
        for prefix in ("MILLPOND_", "SP_"):
            if value := os.environ.get(prefix + name):
                return value
    return None


def session_options(arguments: dict[str, Any]) -> tuple[_core.SessionOptions, dict[str, Any]]:
    """The core's options, and what is Python's own: the arguments of `init` with the environment's values filled in."""
    from millpond import _core

    extra = _python_settings(arguments)
    options = _core.SessionOptions()
    # What is left at its default here, the core looks up in the environment.
    if extra["ray_address"]:
        arguments = {**arguments, "runner": "processes"}  # Elsewhere: see ray_session.
    for name in ("job_id", "job_name", "runner"):
        if arguments[name] is not None:
            setattr(options, name, str(arguments[name]))
    for name in ("data_root", "scratch"):
        if arguments[name] is not None:
            setattr(options, name, folder_path(arguments[name]))
    if not options.job_name:
        options.job_name = from_environment("JOB_NAME") or _script_name()
    for name in ("threads", "max_retries"):
        if arguments[name] is not None:
            setattr(options, name, _whole_number(name, arguments[name]))
    if arguments["speculation"] is not None:
        options.speculation = bool(arguments["speculation"])
    options.memory_limit = parse_size(arguments["memory_limit"], "memory_limit")
    options.disk_quota = parse_size(arguments["disk_quota"], "disk_quota")
    options.scan_task_bytes = parse_size(arguments["scan_task_bytes"], "scan_task_bytes")
    if arguments["min_task_bytes"] is not None:
        options.min_task_bytes = parse_size(arguments["min_task_bytes"], "min_task_bytes")
    extra["stores"] = ObjectStores(arguments["storage_options"])
    options.object_store = extra["stores"]
    options.gpus = extra["num_gpus"] if extra["num_gpus"] is not None else local_gpus()
    options.resources = extra["resources"]
    keep = arguments["keep"]
    options.keep = bool(keep) if keep is not None else not arguments["_remove_output_root"]
    options.worker_command = worker_command()
    return options, extra


def folder_path(path: str | os.PathLike[str]) -> str:
    """A folder as it was given; the user's home for a `~` of this machine's."""
    text = mounted_path(path)
    return text if "://" in text else str(Path(text).expanduser())


def _script_name() -> str:
    name = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else ""
    return name if name and name != "-c" else "interactive"


def _whole_number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgumentError(f"{name}={value!r} is no whole number")
    return value


def _python_settings(arguments: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    runner = arguments["runner"] or from_environment("RUNNER")
    extra["ray_address"] = arguments["ray_address"] or from_environment("RAY_ADDRESS")
    if runner == "ray":
        extra["ray_address"] = extra["ray_address"] or "local"
    extra["num_executors"] = _number_of_executors(arguments["num_executors"])
    extra["num_cpus"] = None if arguments["num_cpus"] is None else _whole_number("num_cpus", arguments["num_cpus"])
    extra["num_gpus"] = None if arguments["num_gpus"] is None else amount_of("num_gpus", arguments["num_gpus"])
    extra["resources"] = amounts_of("resources", arguments["resources"])
    extra["runtime_env"] = dict(arguments["runtime_env"]) if arguments["runtime_env"] else None
    extra["job_time"] = _job_time(arguments["job_time"])
    extra["bind_numa_node"] = _flag(arguments["bind_numa_node"], "BIND_NUMA_NODE")
    extra["memory_allocator"] = arguments["memory_allocator"] or from_environment("MEMORY_ALLOCATOR") or "system"
    extra["platform"] = arguments["platform"] or from_environment("PLATFORM")
    extra["exchange"] = arguments["exchange"] or from_environment("EXCHANGE") or "auto"
    _check_cluster(extra, runner)
    _explain_without_meaning(extra)
    return extra


def _number_of_executors(value: Any) -> int:
    text = value if value is not None else from_environment("NUM_EXECUTORS")
    try:
        return int(text or 0)
    except ValueError:
        raise InvalidArgumentError(f"num_executors={text!r} is no whole number") from None


def _job_time(value: Any) -> datetime.datetime:
    value = value if value is not None else from_environment("JOB_TIME")
    if value is None:
        return datetime.datetime.now()
    if isinstance(value, datetime.datetime):
        return value
    try:
        if isinstance(value, (int, float)):
            return datetime.datetime.fromtimestamp(value)
        return datetime.datetime.fromisoformat(str(value))
    except (ValueError, OverflowError):
        raise InvalidArgumentError(
            f"job_time={value!r} is no time", hint="give a datetime, ISO text or seconds since the epoch"
        ) from None


def _flag(value: Any, name: str) -> bool:
    if value is not None:
        return bool(value)
    return (from_environment(name) or "").lower() in ("1", "true", "yes")


def _check_cluster(extra: dict[str, Any], runner: str | None) -> None:
    # A job meant for a cluster must never run on this machine without a word.
    if extra["exchange"] not in ("auto", "shared"):
        raise InvalidArgumentError(f"exchange={extra['exchange']!r} is not known", hint='choose "auto" or "shared"')
    if extra["ray_address"] and runner not in (None, "ray"):
        raise InvalidArgumentError(
            f"runner={runner!r} works on this machine, but ray_address={extra['ray_address']!r} asks for a cluster",
            hint="leave one of them out",
        )
    if extra["num_executors"] > 0 and not extra["ray_address"]:
        raise InvalidArgumentError(
            f"num_executors={extra['num_executors']} asks for nodes of a cluster, but there is no ray_address",
            hint="set ray_address, or leave num_executors (and SP_NUM_EXECUTORS) out or 0 to run on this machine",
        )
    for name in ("num_cpus", "runtime_env"):
        if extra[name] is not None and not extra["ray_address"]:
            raise InvalidArgumentError(
                f"{name} is for the nodes of a cluster, but there is no ray_address",
                hint="set ray_address" + (", or say threads=" if name == "num_cpus" else ""),
            )
    if extra["platform"]:
        raise UnsupportedError(
            f"platform={extra['platform']!r} starts executors on other machines, which this version has not",
            hint="leave platform (and SP_PLATFORM) out to run on all cores of this machine",
        )


def _explain_without_meaning(extra: dict[str, Any]) -> None:
    if extra["memory_allocator"] not in ("system", "jemalloc", "mimalloc"):
        raise InvalidArgumentError(
            f"memory_allocator={extra['memory_allocator']!r} is not known",
            hint='choose "system", "jemalloc" or "mimalloc"',
        )
    for name, default in (("memory_allocator", "system"), ("bind_numa_node", False)):
        if extra[name] != default:
            warn(f"{name}={extra[name]!r} has no effect in millpond", source_line())
