"""A worker process: `python -m millpond.worker … FD`. Started by a session; no use by hand."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

# The program of a worker: the driver's sys.path is its first argument, since pickled functions name modules.
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv.pop(1).split(chr(10)); from millpond.worker import main; sys.exit(main())"
)


def module_path() -> list[str]:
    """Where this process looks for modules."""
    return [entry or str(Path.cwd()) for entry in sys.path]


def worker_command(also: Iterable[str] = ()) -> list[str]:
    """The command that starts a worker that finds the modules that this process finds, then those in `also`."""
    path = module_path()
    path += [entry for entry in also if entry not in path]
    ours = str(Path(__file__).parent.parent)
    if ours not in path:
        path.append(ours)
    return [sys.executable, "-P", "-c", _PROGRAM, "\n".join(path)]


def main(arguments: list[str] | None = None) -> int:
    """Runs tasks until the driver says stop. Returns the exit code."""
    # Ctrl-C reaches every process of the terminal; only the driver decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The user's functions share the machine with their like in other workers.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(name, "1")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "--gpus" in given:
        place = given.index("--gpus")
        os.environ["CUDA_VISIBLE_DEVICES"] = given[place + 1]
        del given[place : place + 2]
    from millpond import _core
    from millpond.call_handler import CallHandler
    from millpond.object_store import ObjectStores
    from millpond.stored_files import keep_stores

    stores = ObjectStores()
    keep_stores(stores)
    return _core.run_worker(given, CallHandler(), stores)


if __name__ == "__main__":
    sys.exit(main())
