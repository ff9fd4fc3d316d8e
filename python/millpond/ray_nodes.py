"""The nodes of a Ray cluster as a session uses them: what each has free, and the session's host on it."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import ray
from ray._private.state import available_resources_per_node, state
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from millpond.errors import InvalidArgumentError, MillpondError, UnavailableError, UnsupportedError
from millpond.ray_answers import answer
from millpond.ray_node import HostActor
from millpond.worker import module_path

_JOIN_SECONDS = 50.0
# Packages may have to be installed for it.
_ENVIRONMENT_SECONDS = 600.0
_MEMORY_SHARE = 0.8
# What another session gave back a moment ago is told so late.
_SETTLE_SECONDS = 1.0
_BUILT_IN = ("CPU", "GPU", "memory", "object_store_memory")
_NODE_PREFIX = "node:"
_BUILT_IN_PREFIXES = (_NODE_PREFIX, "accelerator_type:", "bundle", "CPU_group", "GPU_group", "memory_group")


@dataclass(frozen=True)
class NodeShare:
    """What a session takes of each node at most: CPUs and GPUs (None: those that are free), memory in bytes (0: 80 %),
    other resources (nodes that lack them are not used), and Ray's runtime environment for what it starts there."""

    num_cpus: int | None = None
    num_gpus: float | None = None
    memory_limit: int = 0
    resources: dict[str, float] = field(default_factory=dict)
    runtime_env: dict[str, Any] | None = None


@dataclass(eq=False)
class Node:
    """A node and the session's host on it."""

    number: int
    node_id: str
    name: str
    slots: int
    memory: int
    gpus: float
    resources: dict[str, float]
    is_reserved: bool = True
    host: Any = None
    place: str = ""
    #: Its name at the driver's door, when it came through.
    door: str = ""
    workers: set[int] = field(default_factory=set)
    is_lost: bool = False
    is_draining: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether something new may go there."""
        return not self.is_lost and not self.is_draining


class Cluster:
    """The nodes of the cluster that the session is connected to. Each that is found has a number of its own."""

    def __init__(self, share: NodeShare) -> None:
        self._share = share
        self._numbers = itertools.count()

    def find(self, threads: int = 0, most: int = 0, but: Iterable[str] = ()) -> list[Node]:
        """The nodes with CPUs, but for some, with what is free there: `most` nodes with `threads` CPUs in all (0: any).

        When all CPUs are taken, they are shared with those who took them.
        """
        entries = {one["NodeID"]: one for one in ray.nodes() if one["Alive"] and one["NodeID"] not in set(but)}
        entries = {key: one for key, one in entries.items() if one["Resources"].get("CPU", 0) >= 1}
        free = _settled(entries)
        nodes = [self._node(entry, free[key]) for key, entry in entries.items() if self._has_share(free[key])]
        if not any(node.slots for node in nodes):
            nodes = [self._node(one, one["Resources"]) for one in entries.values() if self._has_share(one["Resources"])]
            for node in nodes:
                node.is_reserved = False
        nodes = [node for node in nodes if node.slots > 0][: most or None]
        _bound(nodes, threads)
        return [node for node in nodes if node.slots > 0]

    def draining(self) -> set[str]:
        """The ids of nodes that will leave."""
        return set(state.get_draining_nodes())

    def place_host(self, node: Node, directory: str, probe: str, arguments: list[str]) -> None:
        """Asks Ray for a host; `meet` waits for it."""
        options: dict[str, Any] = {"scheduling_strategy": NodeAffinitySchedulingStrategy(node.node_id, soft=False)}
        if node.is_reserved:
            options |= {"num_cpus": node.slots, "num_gpus": node.gpus, "resources": self._share.resources}
        if self._share.runtime_env:
            options["runtime_env"] = self._share.runtime_env
        node.host = HostActor.options(**options).remote(directory, probe, arguments, module_path())

    def meet(self, node: Node, closed: Event) -> bool:
        """Waits for a host, and makes sure that it is of the same version: Unavailable or Unsupported if not. False
        when the node died meanwhile. ClosedError when the session was closed."""
        from millpond import __version__

        seconds = _ENVIRONMENT_SECONDS if self._share.runtime_env else _JOIN_SECONDS
        try:
            about = answer(node.host.describe.remote(), seconds, closed)
        except ray.exceptions.GetTimeoutError:
            raise UnavailableError(
                f"node {node.name} of the Ray cluster started nothing within {seconds:.0f} s",
                hint='see "ray status" and the logs of that node in /tmp/ray/session_latest/logs',
            ) from None
        except ray.exceptions.RayError as error:
            if _is_dead(error):
                return False
            raise _refused(node, str(error)) from None
        if about["version"] != __version__:
            raise _other_version(node, about["version"])
        node.name, node.place = about["name"], "" if about["shares"] else about["place"]
        node.door = about["door"]
        return True

    def _has_share(self, free: dict[str, float]) -> bool:
        return all(free.get(name, 0) >= wanted for name, wanted in self._share.resources.items())

    def _node(self, entry: dict[str, Any], free: dict[str, float]) -> Node:
        share, all_of_it = self._share, entry["Resources"]
        slots = int(min(free.get("CPU", 0), share.num_cpus if share.num_cpus is not None else all_of_it["CPU"]))
        part = slots / all_of_it["CPU"]
        memory = share.memory_limit or int(all_of_it.get("memory", 0) * _MEMORY_SHARE * part)
        gpus = min(free.get("GPU", 0.0), share.num_gpus if share.num_gpus is not None else all_of_it.get("GPU", 0.0))
        # Ray gives whole ones only, where it is more than one.
        gpus = float(int(gpus)) if gpus > 1 else gpus
        others = share.resources or {name: amount for name, amount in free.items() if _is_custom(name)}
        # Ray's names for the node itself: tasks choose a node by them, and nothing has to be reserved for that.
        others = others | {name: amount for name, amount in all_of_it.items() if name.startswith(_NODE_PREFIX)}
        address = entry["NodeManagerAddress"]
        return Node(next(self._numbers), entry["NodeID"], address, slots, memory, gpus, dict(others))


def _settled(entries: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        known = available_resources_per_node()
        free = {key: known.get(key, entry["Resources"]) for key, entry in entries.items()}
        if all(free[key].get("CPU", 0) >= entry["Resources"]["CPU"] for key, entry in entries.items()):
            return free
        if time.monotonic() > deadline:
            return free
        time.sleep(0.05)


def _is_custom(name: str) -> bool:
    return name not in _BUILT_IN and not name.startswith(_BUILT_IN_PREFIXES)


def _bound(nodes: list[Node], threads: int) -> None:
    # From the largest, one by one: what is left is spread evenly.
    while threads and sum(node.slots for node in nodes) > threads:
        largest = max(nodes, key=lambda node: node.slots)
        largest.memory -= largest.memory // largest.slots
        largest.slots -= 1


def _other_version(node: Node, version: str) -> MillpondError:
    from millpond import __version__

    return UnsupportedError(
        f"node {node.name} of the Ray cluster has millpond {version}, this program {__version__}",
        hint=f'pip install "millpond[ray]=={__version__}" on every node',
    )


def _is_dead(error: Exception) -> bool:
    if isinstance(error, ray.exceptions.ActorUnschedulableError):
        return True
    return isinstance(error, ray.exceptions.RayActorError) and not error.actor_init_failed


def _refused(node: Node, text: str) -> MillpondError:
    from millpond import __version__

    last = text.strip().splitlines()[-1]
    if "No module named 'millpond" in text or "ModuleNotFoundError" in text:
        return UnsupportedError(
            f"node {node.name} of the Ray cluster can't run millpond: {last}",
            hint='pip install "millpond[ray]" on every node, for the Python that Ray runs on',
        )
    if "untime_env" in text or "RuntimeEnvSetupError" in text:
        return InvalidArgumentError(
            f"node {node.name} of the Ray cluster can't make the runtime_env: {last}", detail=text
        )
    # Another version may fail in any way.
    version = _version_on(node)
    if version not in (None, __version__):
        return _other_version(node, str(version))
    return UnavailableError(
        f"node {node.name} of the Ray cluster can't take part: {last}",
        hint="every node must be able to make the job's folder: set data_root to one, for example below /tmp",
        detail=text,
    )


def _version_on(node: Node) -> str | None:
    def version() -> str:
        import millpond

        return millpond.__version__

    strategy = NodeAffinitySchedulingStrategy(node.node_id, soft=False)
    with contextlib.suppress(Exception):
        found: str = ray.get(
            ray.remote(version).options(num_cpus=0, max_retries=0, scheduling_strategy=strategy).remote(),
            timeout=_JOIN_SECONDS,
        )
        return found
    return None
