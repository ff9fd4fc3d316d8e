"""Puts the sources of cmake/sources.txt into a cache folder and unpacks what the build needs of them.

    python cmake/fetch_sources.py CACHE NAME...

Downloads with pip, which checks the hashes. A source that is in the cache already is not asked for again, so builds
after the first need no network. Two builds at once are safe. Prints one line per name: "NAME=FOLDER".
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

SOURCES = Path(__file__).with_name("sources.txt")

# What is kept of each archive: folder in the archive (after NAME-VERSION/) -> folder in the cache.
KEEP = {
    "duckdb": {"external/duckdb/src/include": "include", "external/duckdb/third_party/catch": "catch"},
    "xxhash": {"deps/xxhash": "."},
    "yyjson": {"yyjson": "."},
}
SUFFIXES = {".h", ".hpp", ".ipp", ".c"}


def requirements() -> dict[str, tuple[str, str]]:
    """The version and the whole requirement line of each source."""
    found: dict[str, tuple[str, str]] = {}
    for line in SOURCES.read_text().splitlines():
        match = re.match(r"([\w-]+)==(\S+) --hash=sha256:[0-9a-f]{64}$", line)
        if match:
            found[match[1]] = (match[2], line)
    return found


def download(line: str, folder: Path) -> Path:
    """Downloads the source archive of one requirement. pip also builds its metadata, which takes some seconds."""
    requirement = folder / "requirement.txt"
    requirement.write_text(line + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # Only this package from source: ":all:" would build the tools of its metadata from source, too.
    command += ["--no-binary", line.split("==")[0], "--require-hashes"]
    command += ["--dest", str(folder), "--requirement", str(requirement)]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode != 0:
        raise SystemExit(f"cannot download the source {line.split()[0]}: pip said\n{run.stdout[-3000:]}")
    return next(folder.glob("*.tar.gz"))


def unpack(archive: Path, keep: dict[str, str], target: Path) -> None:
    """Writes the headers and sources of the kept folders to `target`."""
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            folder = next((name for name in keep if path.is_relative_to(name)), None)
            if folder is None or not member.isfile() or path.suffix not in SUFFIXES or ".." in path.parts:
                continue
            out = target / keep[folder] / path.relative_to(folder)
            out.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None
            with source, out.open("wb") as sink:
                shutil.copyfileobj(source, sink)


def provide(cache: Path, name: str) -> Path:
    """The folder of an unpacked source, made when it is not there."""
    version, line = requirements()[name]
    target = cache / f"{name}-{version}"
    if target.is_dir():
        return target
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{name}-") as scratch:
        archive = download(line, Path(scratch))
        unpacked = Path(scratch) / "unpacked"
        unpack(archive, KEEP[name], unpacked)
        unpacked.rename(target)
    return target


def main() -> None:
    cache = Path(sys.argv[1]).expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in sys.argv[2:]:
            print(f"{name}={provide(cache, name)}")


if __name__ == "__main__":
    main()
