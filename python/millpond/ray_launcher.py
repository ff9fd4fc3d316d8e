"""Workers on the nodes of a Ray cluster, for a session whose driver is this process."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from millpond.errors import InvalidArgumentError, UnavailableError, UnsupportedError
from millpond.ray_files import OutlyingFiles
from millpond.ray_frames import FrameReader, failure, input_paths, made_files, message_of
from millpond.ray_node import HostActor

_JOIN_SECONDS = 50.0
# A node that gave no sign for so long counts as lost: Ray itself takes up to 65 s.
_SILENCE_SECONDS = 20.0
_MEMORY_SHARE = 0.8
_LEAST_MEMORY = 128_000_000
_READ = 1 << 18


@dataclass(eq=False)
class Node:
    """A node and the session's host on it."""

    node_id: str
    name: str
    slots: int
    memory: int
    host: Any = None
    place: str = ""
    workers: set[int] = field(default_factory=set)
    is_lost: bool = False


@dataclass(eq=False)
class _Worker:
    node: Node
    socket: socket.socket
    frames: FrameReader = field(default_factory=FrameReader)
    ended: str | None = None


class RayLauncher:
    """The core's WorkerLauncher: starts a worker where there is room, and carries its messages by actor calls.

    `threads` bounds the tasks that run at once (0: the nodes' CPUs), `num_nodes` the nodes (0: all), `memory_limit` the
    bytes that the workers of a node share (0: 80 % of what Ray says it has).
    """

    def __init__(self, *, threads: int, num_nodes: int, memory_limit: int) -> None:
        self._threads = threads
        self._num_nodes = num_nodes
        self._memory_limit = memory_limit
        self._nodes: list[Node] = []
        self._workers: dict[int, _Worker] = {}
        self._files = OutlyingFiles()
        self._directory = ""
        self._is_shared = True
        self._lock = threading.Lock()
        self._is_closed = False
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    @property
    def is_shared(self) -> bool:
        """Whether every node sees the driver's data_root."""
        return self._is_shared

    def open(self, job_directory: str, exchange: str) -> None:
        """Places a host on each node, and finds out which of them share the job's folder.

        `exchange` is "auto", or "shared": then a node that doesn't see the folder is an error.
        """
        self._directory = job_directory
        probe = Path(job_directory) / f"probe-{uuid.uuid4().hex}"
        probe.touch()
        try:
            self._nodes = self._place_hosts(probe.name)
        finally:
            probe.unlink(missing_ok=True)
        self._is_shared = all(node.place == "" for node in self._nodes)
        if exchange == "shared" and not self._is_shared:
            blind = ", ".join(node.name for node in self._nodes if node.place)
            raise InvalidArgumentError(
                f'exchange="shared", but {blind} of the Ray cluster does not see {job_directory}',
                hint="set data_root to a folder that every node sees under the same path, or leave exchange out",
            )
        for node in self._nodes:
            threading.Thread(target=self._listen, args=(node,), name=f"ray-{node.name}", daemon=True).start()
        threading.Thread(target=self._carry, name="ray-orders", daemon=True).start()

    def _place_hosts(self, probe: str) -> list[Node]:
        nodes = [_node_of(entry, self._memory_limit) for entry in ray.nodes() if entry["Alive"]]
        nodes = [node for node in nodes if node.slots > 0][: self._num_nodes or None]
        if not nodes:
            raise UnavailableError("the Ray cluster has no node with CPUs", hint='see "ray status"')
        for node in nodes:
            arguments = ["--threads", "1", "--memory-limit", str(max(node.memory // node.slots, _LEAST_MEMORY))]
            arguments += ["--temp-directory", f"{self._directory}/temp"]
            strategy = NodeAffinitySchedulingStrategy(node.node_id, soft=False)
            node.host = HostActor.options(scheduling_strategy=strategy).remote(self._directory, arguments, probe)
        for node in nodes:
            self._meet(node)
        places = [node.place for node in nodes if node.place]
        for node in nodes:
            if node.place:
                # Nodes that see the same first mark share a folder, though not with the driver.
                node.place = ray.get(node.host.sees.remote(places), timeout=_JOIN_SECONDS)[0]
        return nodes

    def _meet(self, node: Node) -> None:
        from millpond import __version__

        try:
            about = ray.get(node.host.describe.remote(), timeout=_JOIN_SECONDS)
        except ray.exceptions.GetTimeoutError:
            raise UnavailableError(
                f"node {node.name} of the Ray cluster started nothing within {_JOIN_SECONDS:.0f} s",
                hint='see "ray status" and the logs of that node in /tmp/ray/session_latest/logs',
            ) from None
        except ray.exceptions.RayError as error:
            raise _refused(node, str(error)) from None
        if about["version"] != __version__:
            raise UnsupportedError(
                f"node {node.name} of the Ray cluster has millpond {about['version']}, this program {__version__}",
                hint=f'pip install "millpond[ray]=={__version__}" on every node',
            )
        node.name, node.place = about["name"], "" if about["shares"] else about["place"]

    # What the core asks for; see millpond/worker_launcher.h.

    def slots(self) -> int:
        """Workers there may be at once."""
        total = sum(node.slots for node in self._nodes if not node.is_lost)
        return max(1, min(total, self._threads or total))

    def start(self, number: int, fd: int) -> None:
        """Starts a worker on the node with the most room, and connects it with the socket `fd`."""
        ours = socket.socket(fileno=fd)
        with self._lock:
            room = [node for node in self._nodes if not node.is_lost and len(node.workers) < node.slots]
            if not room or self._is_closed:
                ours.close()
                raise UnavailableError("no node of the Ray cluster can take another worker", hint='see "ray status"')
            node = max(room, key=lambda one: one.slots - len(one.workers))
            node.workers.add(number)
            self._workers[number] = _Worker(node, ours)
        node.host.start.remote(number)
        self._poke()

    def ended(self, number: int) -> str | None:
        """How a worker ended."""
        worker = self._workers.get(number)
        return "ended" if worker is None else worker.ended

    def kill(self, number: int) -> None:
        """Ends a worker."""
        if (worker := self._workers.get(number)) and worker.ended is None:
            worker.node.host.kill.remote(number)
            self._end(number, f"on node {worker.node.name} was killed")

    def size_of(self, path: str) -> int | None:
        """Bytes of a file that only a node has."""
        return self._files.size_of(path)

    def fetch(self, path: str) -> None:
        """Brings a file of a node here."""
        self._files.fetch(path)

    def remove(self, path: str) -> None:
        """Removes a file from all nodes."""
        self._files.remove(path)
        if self._is_shared or self._is_closed:
            return
        for node in self._nodes:
            if node.place and not node.is_lost:
                node.host.remove.remote(path)

    def close(self) -> None:
        """Ends what was started on the nodes."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        alive = [node.host for node in self._nodes if node.host is not None and not node.is_lost]
        with contextlib.suppress(ray.exceptions.RayError):
            ray.wait([host.close.remote() for host in alive], num_returns=len(alive), timeout=3) if alive else None
        for node in self._nodes:
            with contextlib.suppress(ray.exceptions.RayError, ValueError):
                if node.host is not None:
                    ray.kill(node.host)
        self._poke()

    # What runs in threads.

    def _poke(self) -> None:
        with contextlib.suppress(OSError):
            self._wake.send(b"x")

    def _carry(self) -> None:
        """Orders from the core to the nodes."""
        known: set[int] = set()
        while not self._is_closed:
            for number, worker in list(self._workers.items()):
                if number not in known and worker.ended is None:
                    known.add(number)
                    self._selector.register(worker.socket, selectors.EVENT_READ, number)
            for key, _ in self._selector.select(timeout=1):
                if key.data is None:
                    self._woken.recv(4096)
                else:
                    self._carry_from(key.data)
            for number in [one for one in known if self._workers[one].ended is not None]:
                known.discard(number)
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(self._workers[number].socket)
                self._workers[number].socket.close()

    def _carry_from(self, number: int) -> None:
        worker = self._workers[number]
        try:
            data = worker.socket.recv(_READ)
        except OSError:
            data = b""
        if not data:
            # The core has no more to say: it gave the worker up, or asked it to end.
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(worker.socket)
            return
        for frame in worker.frames.add(data):
            needs = self._needs(worker, frame)
            if needs is not None:
                worker.node.host.send.remote(number, frame, needs)

    def _needs(self, worker: _Worker, frame: bytes) -> list[tuple[str, Any, int]] | None:
        """What must be brought first; none when that is lost, which the core is told."""
        if self._is_shared:
            return []
        message = message_of(frame, "run")
        task = message and message.get("task")
        if not task:
            return []
        paths = input_paths(task, self._directory)
        if lost := [path for path in paths if self._files.is_lost(path)]:
            text = f"{lost[0]} was lost with the node that made it"
            self._tell(worker, failure(task, "not_found", text, "", lost[0]))
            return None
        return self._files.needs(paths, worker.node) if worker.node.place or self._has_places() else []

    def _has_places(self) -> bool:
        return any(node.place for node in self._nodes)

    def _listen(self, node: Node) -> None:
        """Reports from a node to the core."""
        why = "its host ended"
        try:
            while not self._is_closed:
                news = ray.get(node.host.receive.remote(), timeout=_SILENCE_SECONDS)
                for number, data, how in news:
                    self._take(number, data, how)
        except ray.exceptions.GetTimeoutError:
            why = f"it gave no sign for {_SILENCE_SECONDS:.0f} s"
        except ray.exceptions.RayError as error:
            why = str(error).strip().splitlines()[0]
        if not self._is_closed:
            self._lose(node, why)

    def _take(self, number: int, data: bytes | None, how: str) -> None:
        worker = self._workers.get(number)
        if worker is None or worker.ended is not None:
            return
        if data is None:
            self._end(number, f"on node {worker.node.name} {how}")
            return
        if not self._is_shared and worker.node.place:
            self._note_made(worker.node, data)
        self._tell(worker, data)

    def _note_made(self, node: Node, data: bytes) -> None:
        for frame in FrameReader().add(data):
            message = message_of(frame, "result")
            if message and (result := message.get("result")) and result["status"]["code"] == "ok":
                self._files.add(made_files(result), node)

    def _tell(self, worker: _Worker, data: bytes) -> None:
        with contextlib.suppress(OSError):
            worker.socket.sendall(data)

    def _end(self, number: int, how: str) -> None:
        worker = self._workers[number]
        with self._lock:
            if worker.ended is not None:
                return
            worker.ended = how
            worker.node.workers.discard(number)
        with contextlib.suppress(OSError):
            worker.socket.shutdown(socket.SHUT_RDWR)
        self._poke()

    def _lose(self, node: Node, why: str) -> None:
        node.is_lost = True
        for number in list(node.workers):
            self._end(number, f"was lost with node {node.name}: {why}")
        with contextlib.suppress(Exception):
            ray.kill(node.host)


def _node_of(entry: dict[str, Any], memory_limit: int) -> Node:
    resources = entry["Resources"]
    memory = memory_limit or int(resources.get("memory", 0) * _MEMORY_SHARE)
    return Node(entry["NodeID"], entry["NodeManagerAddress"], int(resources.get("CPU", 0)), memory)


def _refused(node: Node, text: str) -> Exception:
    last = text.strip().splitlines()[-1]
    if "No module named 'millpond" in text or "ModuleNotFoundError" in text:
        return UnsupportedError(
            f"node {node.name} of the Ray cluster can't run millpond: {last}",
            hint='pip install "millpond[ray]" on every node, for the Python that Ray runs on',
        )
    return UnavailableError(
        f"node {node.name} of the Ray cluster can't take part: {last}",
        hint="every node must be able to make the job's folder: set data_root to one, for example below /tmp",
        detail=text,
    )
