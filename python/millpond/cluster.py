"""A session's cluster: none, or Ray. Nothing here is imported from Ray until a session asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millpond.source_line import source_line

if TYPE_CHECKING:
    from millpond import _core
    from millpond.ray_launcher import RayLauncher


class Cluster:
    """A connection to Ray and the session's workers there."""

    def __init__(self, launcher: RayLauncher, is_ours: bool) -> None:
        self.launcher = launcher
        self._is_ours = is_ours

    def close(self) -> None:
        """Ends the workers, and the connection if it was made for a session. A second call does nothing."""
        self.launcher.close()
        if self._is_ours:
            from millpond.ray_connection import disconnect

            self._is_ours = False
            disconnect()


def open_cluster(address: str, options: _core.SessionOptions, extra: dict[str, Any]) -> Cluster:
    """Connects to Ray; the session's tasks will run there."""
    from millpond.ray_connection import connect

    num_cpus = extra["num_cpus"] if extra["num_cpus"] is not None else options.threads
    is_ours = connect(address, num_cpus or None, extra["runtime_env"])
    from millpond.ray_launcher import RayLauncher
    from millpond.ray_nodes import NodeShare

    share = NodeShare(
        num_cpus=extra["num_cpus"],
        num_gpus=extra["num_gpus"],
        memory_limit=options.memory_limit,
        resources=dict(options.resources),
        # A connection of ours has it already.
        runtime_env=None if is_ours else extra["runtime_env"],
    )
    launcher = RayLauncher(threads=options.threads, num_nodes=extra["num_executors"], share=share)
    options.worker_launcher = launcher
    return Cluster(launcher, is_ours)


def open_core(options: _core.SessionOptions, cluster: Cluster | None, exchange: str) -> _core.Session:
    """The core's session, with its workers' hosts on every node when there is a cluster."""
    from millpond import _core

    try:
        core = _core.Session.open(options)
        if cluster is not None:
            # All nodes reach a store; the job's folder on the driver's machine is for its own processes then.
            on_store = "://" in core.options().data_root
            try:
                cluster.launcher.open(core.job_directory(), "auto" if on_store else exchange, source_line())
            except BaseException:
                core.shutdown()
                raise
    except BaseException:
        if cluster is not None:
            cluster.close()
        raise
    return core
