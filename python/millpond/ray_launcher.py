"""Workers on the nodes of a Ray cluster, for a session whose driver is this process."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import ray

from millpond.errors import InvalidArgumentError, MillpondError, UnavailableError
from millpond.ray_answers import ClosedError, answer
from millpond.ray_direct import Door
from millpond.ray_files import OutlyingFiles
from millpond.ray_frames import FrameReader, failure, input_paths, made_files, message_of
from millpond.ray_nodes import Cluster, Node, NodeShare
from millpond.ray_worker import Need
from millpond.source_line import SourceLine, warn

_JOIN_SECONDS = 50.0
# A node that gave no sign for so long counts as lost: Ray itself takes up to 65 s.
_SILENCE_SECONDS = 20.0
_LOOK_SECONDS = 1.0
# A node that hangs may keep a thread in a call of Ray's.
_LEAVE_SECONDS = 10.0
# Hosts that died on a node that lives: so often another is tried.
_MOST_HOSTS = 3
_READ = 1 << 18

#: The end of a worker: how, and whether for want of memory.
End = tuple[str, bool]


@dataclass(eq=False)
class _Worker:
    node: Node
    # None: the node's host has it.
    socket: socket.socket | None
    frames: FrameReader = field(default_factory=FrameReader)
    ended: End | None = None


class RayLauncher:
    """The core's WorkerLauncher: starts workers on nodes, and carries their messages where nobody shorter can.

    `threads` bounds the tasks that run at once (0: the nodes' CPUs), `num_nodes` the nodes (0: all), `share` what is
    used of each.
    """

    def __init__(self, *, threads: int, num_nodes: int, share: NodeShare) -> None:
        self._threads = threads
        self._num_nodes = num_nodes
        self._cluster = Cluster(share)
        self._nodes: list[Node] = []
        self._workers: dict[int, _Worker] = {}
        self._files = OutlyingFiles()
        self._directory = ""
        # A file in the job's folder while nodes are asked whether they see it; its name is this session's on them.
        self._probe = Path(f"probe-{uuid.uuid4().hex}")
        self._is_shared = True
        self._lock = threading.Lock()
        self._running: list[threading.Thread] = []
        self._is_closed = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._door: Door | None = None

    @property
    def is_shared(self) -> bool:
        """Whether every node sees the driver's data_root."""
        return self._is_shared

    def open(self, job_directory: str, exchange: str, line: SourceLine) -> None:
        """Places a host on each node, and finds out which of them share the job's folder.

        `exchange` is "auto", or "shared": then a node that doesn't see the folder is an error.
        """
        self._directory = job_directory
        self._probe = Path(job_directory) / self._probe
        # A driver that was killed here leaves its own.
        for left in Path(job_directory).glob("probe-*"):
            left.unlink(missing_ok=True)
        self._door = Door(job_directory)
        nodes = self._cluster.find(self._threads, self._num_nodes)
        if not nodes:
            raise UnavailableError(
                "the Ray cluster has no node with what the session asks for", hint='see "ray status"'
            )
        if not nodes[0].is_reserved:
            warn("all CPUs of the Ray cluster are taken; this session shares them with those who took them", line)
        self._nodes = nodes
        self._join(nodes)
        nodes = [node for node in nodes if not node.is_lost]
        if not nodes:
            raise UnavailableError(
                "no node of the Ray cluster could take part: all died while the session was opened",
                hint='see "ray status", and the logs of the nodes in /tmp/ray/session_latest/logs',
            )
        self._is_shared = all(node.place == "" for node in nodes)
        if exchange == "shared" and not self._is_shared:
            blind = ", ".join(node.name for node in nodes if node.place)
            raise InvalidArgumentError(
                f'exchange="shared", but {blind} of the Ray cluster does not see {job_directory}',
                hint="set data_root to a folder that every node sees under the same path, or leave exchange out",
            )
        for node in nodes:
            self._begin_listening(node)
        self._begin(self._carry, "ray-orders")
        self._begin(self._follow_nodes, "ray-nodes")

    def _join(self, nodes: list[Node]) -> None:
        assert self._door is not None
        with self._lock:
            if self._is_closed.is_set():
                raise ClosedError
            self._probe.touch()
        try:
            for node in nodes:
                arguments = ["--threads", "1", "--temp-directory", f"{self._directory}/temp"]
                self._cluster.place_host(node, self._directory, self._probe.name, arguments)
            for node in nodes:
                # One that dies just now is no reason to go without the others.
                node.is_lost = not self._cluster.meet(node, self._is_closed)
        finally:
            self._probe.unlink(missing_ok=True)
        # Nodes that see the same first mark share a folder, though not with the driver.
        places = [node.place for node in self._nodes if node.place and not node.is_lost]
        for node in nodes:
            if node.place and not node.is_lost:
                self._find_place(node, [*places, node.place])
            if node.door and not self._door.let_in(node.door):
                node.door = ""
        peers = {node.number: node.host for node in [*self._nodes, *nodes] if node.place and not node.is_lost}
        if peers:
            for node in {*self._nodes, *nodes}:
                if not node.is_lost:
                    node.host.know.remote(peers)

    def _find_place(self, node: Node, marks: list[str]) -> None:
        try:
            seen = answer(node.host.sees.remote(marks), _JOIN_SECONDS, self._is_closed)
        except (ray.exceptions.RayError, ray.exceptions.GetTimeoutError):
            node.is_lost = True
        else:
            node.place = next(mark for mark in marks if mark in seen)

    # What the core asks for; see millpond/worker_launcher.h.

    def hosts(self) -> list[tuple[int, int, int, float, dict[str, float], bool]]:
        """The nodes as of now: number, slots, memory, gpus, other resources, whether it will leave."""
        nodes = [node for node in self._nodes if not node.is_lost]
        return [(one.number, one.slots, one.memory, one.gpus, one.resources, one.is_draining) for one in nodes]

    def start(self, number: int, node_number: int, memory: int, gpus: list[int], fd: int) -> None:
        """Starts a worker on a node, and connects it with the socket `fd`."""
        ours = socket.socket(fileno=fd)
        with self._lock:
            found = [node for node in self._nodes if node.number == node_number and not node.is_lost]
            if not found or self._is_closed.is_set():
                ours.close()
                raise UnavailableError("the worker's node has left the Ray cluster", hint='see "ray status"')
            node = found[0]
            node.workers.add(number)
            is_direct = self._is_shared and bool(node.door)
            self._workers[number] = _Worker(node, None if is_direct else ours)
        arguments = ["--memory-limit", str(memory)] if memory else []
        if node.gpus:
            arguments += ["--gpus", ",".join(map(str, gpus))]
        if not is_direct:
            node.host.start.remote(number, arguments)
            self._poke()
            return
        assert self._door is not None
        with ours:
            if not self._door.hand_over(node.door, number, arguments, fd):
                self._end(number, (f"could not be started: the host of node {node.name} has ended", False))

    def ended(self, number: int) -> End | None:
        """How a worker ended."""
        worker = self._workers.get(number)
        return ("ended", False) if worker is None else worker.ended

    def kill(self, number: int) -> None:
        """Ends a worker."""
        if (worker := self._workers.get(number)) and worker.ended is None:
            worker.node.host.kill.remote(number)
            self._end(number, (f"on node {worker.node.name} was killed", False))

    def size_of(self, path: str) -> int | None:
        """Bytes of a file that only a node has."""
        return self._files.size_of(path)

    def fetch(self, path: str) -> None:
        """Brings a file of a node here."""
        self._files.fetch(path)

    def remove(self, path: str) -> None:
        """Removes a file from all nodes."""
        self._files.remove(path)
        if self._is_shared or self._is_closed.is_set():
            return
        for node in self._nodes:
            if node.place and not node.is_lost:
                node.host.remove.remote(path)

    def close(self) -> None:
        """Ends what was started on the nodes."""
        with self._lock:
            if self._is_closed.is_set():
                return
            self._is_closed.set()
            # A node may be joining just now, for up to a minute.
            self._probe.unlink(missing_ok=True)
        alive = [node.host for node in self._nodes if node.host is not None and not node.is_lost]
        with contextlib.suppress(ray.exceptions.RayError):
            ray.wait([host.close.remote() for host in alive], num_returns=len(alive), timeout=3) if alive else None
        for node in self._nodes:
            with contextlib.suppress(ray.exceptions.RayError, ValueError):
                if node.host is not None:
                    ray.kill(node.host)
        if self._door is not None:
            self._door.close()
        self._poke()
        # The session leaves Ray next.
        end = time.monotonic() + _LEAVE_SECONDS
        for thread in self._running:
            if thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))
        if not any(thread.is_alive() for thread in self._running):
            self._close_sockets()

    # What runs in threads.

    def _close_sockets(self) -> None:
        self._selector.close()
        for worker in self._workers.values():
            if worker.socket is not None:
                worker.socket.close()
        self._wake.close()
        self._woken.close()

    def _poke(self) -> None:
        with contextlib.suppress(OSError):
            self._wake.send(b"x")

    def _carry(self) -> None:
        """Orders from the core to the nodes: what is there for one goes in one call."""
        known: set[int] = set()
        while not self._is_closed.is_set():
            for number, worker in list(self._workers.items()):
                if number not in known and worker.ended is None and worker.socket is not None:
                    known.add(number)
                    self._selector.register(worker.socket, selectors.EVENT_READ, number)
            orders: dict[Node, list[tuple[int, bytes, list[Need]]]] = defaultdict(list)
            for key, _ in self._selector.select(timeout=1):
                if key.data is None:
                    self._woken.recv(4096)
                else:
                    self._read_orders(key.data, orders)
            for node, some in orders.items():
                node.host.send.remote(some)
            for number in [one for one in known if self._workers[one].ended is not None]:
                known.discard(number)
                if (ours := self._workers[number].socket) is not None:
                    with contextlib.suppress(KeyError, ValueError):
                        self._selector.unregister(ours)
                    ours.close()

    def _read_orders(self, number: int, orders: dict[Node, list[tuple[int, bytes, list[Need]]]]) -> None:
        worker = self._workers[number]
        assert worker.socket is not None
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
                orders[worker.node].append((number, frame, needs))

    def _needs(self, worker: _Worker, frame: bytes) -> list[Need] | None:
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
        return self._files.needs(paths, worker.node)

    def _begin_listening(self, node: Node) -> None:
        self._begin(lambda: self._listen(node), f"ray-{node.name}")

    def _begin(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._running.append(thread)
        thread.start()

    def _listen(self, node: Node) -> None:
        """Reports from a node to the core."""
        why, out_of_memory = "its host ended", False
        try:
            while not self._is_closed.is_set():
                news = answer(node.host.receive.remote(), _SILENCE_SECONDS, self._is_closed)
                for number, data, how, was_memory in news:
                    self._take(number, data, (how, was_memory))
        except ClosedError:
            return
        except ray.exceptions.GetTimeoutError:
            why = f"it gave no sign for {_SILENCE_SECONDS:.0f} s"
        except ray.exceptions.RayError as error:
            why = str(error).strip().splitlines()[0]
            # Ray ends a host when its node has hardly any memory left.
            out_of_memory = isinstance(error, ray.exceptions.OutOfMemoryError) or "running low on memory" in str(error)
        if not self._is_closed.is_set():
            self._lose(node, why, out_of_memory)

    def _take(self, number: int, data: bytes | None, end: End) -> None:
        worker = self._workers.get(number)
        if worker is None or worker.ended is not None:
            return
        if data is None:
            self._end(number, (f"on node {worker.node.name} {end[0]}", end[1]))
            return
        if not self._is_shared and worker.node.place:
            self._note_made(worker.node, data)
        self._tell(worker, data)

    def _note_made(self, node: Node, data: bytes) -> None:
        for frame in FrameReader().add(data):
            message = message_of(frame, "result")
            if message and (result := message.get("result")) and result["status"]["code"] == "ok":
                self._files.add(made_files(result, self._directory), node)

    def _tell(self, worker: _Worker, data: bytes) -> None:
        if worker.socket is not None:
            with contextlib.suppress(OSError):
                worker.socket.sendall(data)

    def _end(self, number: int, end: End) -> None:
        worker = self._workers[number]
        with self._lock:
            if worker.ended is not None:
                return
            worker.ended = end
            worker.node.workers.discard(number)
        if worker.socket is not None:
            with contextlib.suppress(OSError):
                worker.socket.shutdown(socket.SHUT_RDWR)
        self._poke()

    def _lose(self, node: Node, why: str, out_of_memory: bool = False) -> None:
        node.is_lost = True
        for number in list(node.workers):
            self._end(number, (f"was lost with node {node.name}: {why}", out_of_memory))
        with contextlib.suppress(Exception):
            ray.kill(node.host)

    def _follow_nodes(self) -> None:
        """Nodes that come are used, those that will leave get nothing new, and what only they have is saved."""
        while not self._is_closed.wait(_LOOK_SECONDS):
            # Ray may be gone before us, and there is another round.
            with contextlib.suppress(Exception):
                self._look_at_nodes()

    def _look_at_nodes(self) -> None:
        draining = self._cluster.draining()
        for node in self._nodes:
            if node.node_id in draining and node.is_usable:
                node.is_draining = True
                if not self._is_shared:
                    self._files.save_from(node)
        used = [node for node in self._nodes if not node.is_lost]
        if 0 < self._num_nodes <= len(used) or 0 < self._threads <= sum(node.slots for node in used):
            return
        tried = [node.node_id for node in self._nodes]
        known = {node.node_id for node in used} | draining | {one for one in tried if tried.count(one) >= _MOST_HOSTS}
        alive = {entry["NodeID"] for entry in ray.nodes() if entry["Alive"]}
        if not alive - known:
            return
        for node in self._cluster.find(self._threads and self._threads - sum(one.slots for one in used), but=known):
            self._add(node)

    def _add(self, node: Node) -> None:
        try:
            self._join([node])
            is_welcome = not node.is_lost and (not node.place or not self._is_shared)
        except (MillpondError, ClosedError, ray.exceptions.RayError):
            is_welcome = False
        with self._lock:
            is_welcome = is_welcome and not self._is_closed.is_set()
            node.is_lost = not is_welcome
            self._nodes.append(node)
        if is_welcome:
            self._begin_listening(node)
        elif node.host is not None:
            with contextlib.suppress(Exception):
                ray.kill(node.host)
