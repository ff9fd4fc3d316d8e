"""What a machine of a cluster offers a session; gathered there, by a task of Ray's."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from millpond.mounted_path import mounted_path

#: Where the AWS tools find keys, but for a machine's own role.
_KEY_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_KEY_FILES = ("~/.aws/credentials", "~/.aws/config")
_GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class NodeFacts:
    """Facts of one machine. Sizes in bytes; a path's value is what is wrong with it, "" when it is well."""

    versions: dict[str, str]
    sees_probe: bool
    data_root_error: str
    data_root_free: int
    spill_free: int
    memory: int
    open_files: int
    credentials: str
    paths: dict[str, str] = field(default_factory=dict)


def gather(data_root: str, probe: str, paths: list[str]) -> NodeFacts:
    """Looks at this machine. `probe` is a file's name in `data_root`, `paths` are to be read. Leaves nothing behind."""
    error, made = _try(lambda: _make(Path(data_root)))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    facts = NodeFacts(
        versions=versions(),
        sees_probe=(Path(data_root) / probe).exists(),
        data_root_error=error,
        data_root_free=0 if error else shutil.disk_usage(data_root).free,
        spill_free=shutil.disk_usage("/tmp").free,
        memory=machine_memory(),
        open_files=files,
        credentials=credentials(),
        paths={path: _try(partial(_look, path))[0] for path in paths},
    )
    for folder in made:
        folder.rmdir()
    return facts


def versions() -> dict[str, str]:
    """The versions that must be the same everywhere."""
    import ray

    from millpond import __version__

    duckdb = importlib.metadata.version("duckdb")
    return {"millpond": __version__, "Python": platform.python_version(), "Ray": ray.__version__, "DuckDB": duckdb}


def machine_memory() -> int:
    """What this machine, or the container around this process, has."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in _GROUP_LIMITS:
        try:
            memory = min(memory, int(Path(limit).read_text()))
        except (OSError, ValueError):
            continue  # No such group, or no limit ("max").
    return memory


def credentials() -> str:
    """Where this process would find keys for s3://; their values are nowhere in it."""
    found = [name for name in _KEY_VARIABLES if os.environ.get(name)]
    found += [name for name in _KEY_FILES if Path(name).expanduser().exists()]
    return ", ".join(found)


def _make(folder: Path) -> list[Path]:
    # Those that were not there, the innermost first.
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} can't be written to")
    return missing


def _look(path: str) -> list[Path]:
    path = mounted_path(path)
    if "://" in path:
        from millpond.object_store import ObjectStores

        ObjectStores().stat(path)
    elif not os.access(path, os.R_OK):
        raise FileNotFoundError("it is not there, or may not be read")
    return []


def _try(work: Callable[[], list[Path]]) -> tuple[str, list[Path]]:
    from millpond.errors import MillpondError

    try:
        return "", work()
    except (OSError, MillpondError) as error:
        return str(error), []
