"""What a machine offers a job, and what would stop one: `millpond doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from millpond.errors import MillpondError
from millpond.sizes import format_size

#: What is more than this is no reason to look further.
LITTLE_SPACE = 10 * 10**9
LITTLE_MEMORY = 10**9
FEW_FILES = 4096
_SLOW_SYNC_SECONDS = 0.1
_PACKAGES = ("pyarrow", "pandas", "polars", "numpy", "ray")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, and what to do where that is not good."""

    name: str
    status: str  #: "ok", "warning" or "error".
    text: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{self.status:8} {self.name:12} {self.text}"
        return f"{line}\n{'':21} → {self.advice}" if self.advice else line


def examine(data_root: Path) -> Iterator[Finding]:
    """Looks at this machine as a session with `data_root` would use it; the last finding is a small job.

    Makes `data_root` where it isn't, as a session does, and leaves nothing else behind. Takes about a second.
    """
    looks: list[Callable[[Path], Iterator[Finding]]] = [_versions, _packages, _limits, _folder, _job]
    for look in looks:
        try:
            yield from look(data_root)
        except (OSError, MillpondError) as error:
            yield Finding(look.__name__.strip("_"), "error", str(error))
            return


def _versions(_: Path) -> Iterator[Finding]:
    from millpond import _core

    wanted = importlib.metadata.version("duckdb")
    yield Finding(
        "millpond",
        "ok",
        f"{_core.version()}, DuckDB {wanted}, Python {platform.python_version()}, {platform.platform()}",
    )


def _packages(_: Path) -> Iterator[Finding]:
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {package}")
    yield Finding("packages", "ok", ", ".join(found))


def _limits(_: Path) -> Iterator[Finding]:
    files, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < FEW_FILES:
        yield Finding("open files", "warning", f"{files} at once", f"raise the limit, such as: ulimit -n {FEW_FILES}")
    else:
        yield Finding("open files", "ok", f"{files} at once")


def _folder(data_root: Path) -> Iterator[Finding]:
    data_root.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(data_root.stat().st_mode)
    if mode & 0o022:
        advice = f"others could put files there: chmod go-w {data_root}"
        yield Finding("data_root", "warning", f"{data_root} may be written to by others ({mode:04o})", advice)
    else:
        yield Finding("data_root", "ok", f"{data_root} ({mode:04o})")
    free = shutil.disk_usage(data_root).free
    if free < LITTLE_SPACE:
        advice = (
            "a job that moves or sorts data needs about its size; choose another with data_root= or MILLPOND_DATA_ROOT"
        )
        yield Finding("free space", "warning", format_size(free), advice)
    else:
        yield Finding("free space", "ok", format_size(free))
    seconds = _seconds_to_sync(data_root)
    text = f"{seconds * 1000:.1f} ms to put a file on disk"
    slow = "each step of a job writes to its journal; a local disk is quicker" if seconds > _SLOW_SYNC_SECONDS else ""
    yield Finding("disk", "warning" if slow else "ok", text, slow)


def _seconds_to_sync(folder: Path) -> float:
    begin = time.perf_counter()
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - begin


def _job(data_root: Path) -> Iterator[Finding]:
    import millpond

    begin = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(dir=data_root, prefix=".doctor-") as folder,
        millpond.init(data_root=folder, runner="processes", progress=False) as session,
    ):
        config = session.config
        rows = session.sql("SELECT range AS x FROM range(1000)").repartition(2, hash_by="x").count()
    seconds = time.perf_counter() - begin
    yield Finding("cores", "ok", f"{config.threads} that this process may use")
    memory = f"{format_size(config.memory_limit)} for a job"
    little = "jobs will spill to disk early; give the machine or container more"
    if config.memory_limit < LITTLE_MEMORY:
        yield Finding("memory", "warning", memory, little)
    else:
        yield Finding("memory", "ok", memory)
    if rows == 1000:
        yield Finding("a job", "ok", f"worker processes dealt 1,000 rows in {seconds:.1f} s")
    else:
        yield Finding("a job", "error", f"1,000 rows became {rows}", "report this, with what stands above")
