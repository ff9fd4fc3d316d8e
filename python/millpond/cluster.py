"""A session's cluster: none, or Ray. Nothing here is imported from Ray until a session asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

    is_ours = connect(address, options.threads or None)
    from millpond.ray_launcher import RayLauncher

    launcher = RayLauncher(threads=options.threads, num_nodes=extra["num_executors"], memory_limit=options.memory_limit)
    options.worker_launcher = launcher
    return Cluster(launcher, is_ours)


def open_core(options: _core.SessionOptions, cluster: Cluster | None, exchange: str) -> _core.Session:
    """The core's session, with its workers' hosts on every node when there is a cluster."""
    from millpond import _core

    try:
        core = _core.Session.open(options)
        if cluster is not None:
            try:
                cluster.launcher.open(core.job_directory(), exchange)
            except BaseException:
                core.shutdown()
                raise
    except BaseException:
        if cluster is not None:
            cluster.close()
        raise
    return core
