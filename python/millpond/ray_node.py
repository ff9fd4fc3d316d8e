"""A session's part on one node of a Ray cluster: an actor that starts workers there, carries what they and the driver
say to each other, and hands out the files that they made."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ray

from millpond.ray_direct import handed_over, knock
from millpond.ray_folder import NodeFolder
from millpond.ray_frames import failure, message_of, staging_folder, user_files
from millpond.ray_worker import Need, RelayedWorker, Report, WorkerProcess
from millpond.worker import worker_command

# Bytes that one call carries at most.
PIECE = 64 << 20
# An answer to receive() without news says that the node lives.
_BEAT_SECONDS = 1.0
# So long nobody asked: the driver is gone, or can't reach us.
_DRIVER_SILENCE_SECONDS = 60.0
# Files brought at once for a task.
_COPIES_AT_ONCE = 4


class LostFileError(Exception):
    """A file that a task needs can't be had from where it lay."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why


class NodeHost:
    """One a node and session. Methods of a group of GROUPS run one after the other, as they were called."""

    def __init__(self, job_directory: str, probe: str, arguments: list[str], modules: list[str]) -> None:
        self._directory = Path(job_directory)
        self._command = [*worker_command(also=modules), *arguments]
        self._shares = (self._directory / probe).exists()
        self._place = self._directory / f"place-{uuid.uuid4().hex}"
        self._workers: dict[int, WorkerProcess] = {}
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._peers: dict[int, Any] = {}
        self._gpus = [str(one) for one in ray.get_gpu_ids()]
        self._copiers = ThreadPoolExecutor(_COPIES_AT_ONCE, thread_name_prefix="copy")
        self._copies: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        self._asked = time.monotonic()
        self._folder = None if self._shares else NodeFolder(self._directory, probe)
        if self._folder:
            self._place.touch()
        name = uuid.uuid4().hex
        door = knock(job_directory, name) if self._shares else None
        self._door = "" if door is None else name
        if door is not None:
            threading.Thread(target=self._start_directly, args=(door,), name="door", daemon=True).start()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def describe(self) -> dict[str, Any]:
        """What the driver asks first: name, version, whether this node sees the job's folder, its own mark there, and
        the name under which it knocked at the driver's door."""
        from millpond import __version__

        return {
            "name": ray.util.get_node_ip_address(),
            "version": __version__,
            "shares": self._shares,
            "place": self._place.name,
            "door": self._door,
        }

    def know(self, peers: dict[int, Any]) -> None:
        """The hosts of nodes, by number."""
        self._peers.update(peers)

    def sees(self, places: list[str]) -> list[str]:
        """Those marks of nodes that are in this node's folder: nodes that see one mark share their disks."""
        return sorted(place for place in places if (self._directory / place).exists())

    def start(self, number: int, arguments: list[str]) -> None:
        """Starts a worker; its end is a report, also when it could not be started."""
        with self._reported(number):
            self._workers[number] = RelayedWorker(
                number, self._command_with(arguments), self._log(number), self._reports.put, self._prepare
            )

    def _start_directly(self, door: Any) -> None:
        # Workers end with the thread that started them, and this one lives as long as the driver does.
        for number, arguments, fd in handed_over(door):
            with self._reported(number), socket.socket(fileno=fd):
                self._workers[number] = WorkerProcess(
                    number, self._command_with(arguments), self._log(number), fd, self._reports.put
                )

    @contextlib.contextmanager
    def _reported(self, number: int) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # A report in any case: the driver waits for one.
            self._reports.put((number, None, f"could not be started: {error!r}", False))

    def _command_with(self, arguments: list[str]) -> list[str]:
        # The driver counts gpus from 0; Ray gave us some of the node's.
        if "--gpus" in arguments and self._gpus:
            place = arguments.index("--gpus") + 1
            numbers = [int(text) for text in arguments[place].split(",") if text]
            arguments = [*arguments[:place], ",".join(self._gpus[i] for i in numbers), *arguments[place + 1 :]]
        return [*self._command, *arguments]

    def _log(self, number: int) -> Path:
        return self._directory / "workers" / f"worker-{number}.log"

    def send(self, orders: list[tuple[int, bytes, list[Need]]]) -> None:
        """Passes frames on to workers, each after the files that it needs are here."""
        for number, data, needs in orders:
            if worker := self._workers.get(number):
                worker.send(data, needs)

    def kill(self, number: int) -> None:
        """Ends a worker at once."""
        if worker := self._workers.pop(number, None):
            worker.kill()

    def receive(self) -> list[Report]:
        """What workers said since the last call. Waits for news a second at most."""
        self._asked = time.monotonic()
        news = []
        with contextlib.suppress(queue.Empty):
            news.append(self._reports.get(timeout=_BEAT_SECONDS))
            while True:
                news.append(self._reports.get_nowait())
        return news

    def read(self, path: str, offset: int) -> bytes:
        """A piece of a file below the job's folder."""
        if not Path(path).is_relative_to(self._directory) or ".." in Path(path).parts:
            raise PermissionError(f"{path} is not the job's")
        with Path(path).open("rb") as file:
            file.seek(offset)
            return file.read(PIECE)

    def remove(self, path: str) -> None:
        """Removes a file of the job from this node."""
        if Path(path).is_relative_to(self._directory / "exchange") and ".." not in Path(path).parts:
            Path(path).unlink(missing_ok=True)
        with self._lock:
            self._copies.pop(path, None)

    def close(self) -> None:
        """Ends the workers, and removes the job's folder where it is this node's own."""
        for worker in list(self._workers.values()):
            worker.kill()
        for worker in list(self._workers.values()):
            worker.wait()
        if self._folder:
            self._folder.remove()

    def _prepare(self, frame: bytes, needs: list[Need]) -> bytes | None:
        """Has everything here that a task needs; its failure as a frame, when that can't be."""
        message = message_of(frame, "run")
        task = message and message.get("task")
        if not task:
            return None
        name = ray.util.get_node_ip_address()
        for path in user_files(task, str(self._directory)):
            if not Path(path).exists():
                return failure(
                    task,
                    "invalid_argument",
                    f"node {name} of the Ray cluster has no file {path}",
                    "put input where every node sees it under the same path",
                    path,
                )
        staging = staging_folder(task)
        if staging is not None and not Path(staging).is_dir():
            return failure(
                task,
                "invalid_argument",
                f"node {name} of the Ray cluster does not see the output's folder {Path(staging).parent}",
                "write to a folder that every node sees under the same path, or bring the rows to the driver",
            )
        try:
            for _ in self._copiers.map(lambda need: self._bring(*need), needs):
                pass
        except LostFileError as error:
            return failure(
                task, "not_found", f"{error.path} can't be had from the node that made it: {error.why}", "", error.path
            )
        return None

    def _bring(self, path: str, source: Any, size: int) -> None:
        with self._lock:
            known = self._copies.get(path)
            mine: Future[None] = Future()
            if known is None:
                self._copies[path] = mine
        if known is not None:
            return known.result()
        try:
            if not Path(path).exists():
                copy_file(path, self._peers[source] if isinstance(source, int) else source, size)
        except BaseException as error:
            with self._lock:
                self._copies.pop(path, None)
            mine.set_exception(error)
            raise
        return mine.set_result(None)

    def _watch(self) -> None:
        while time.monotonic() - self._asked < _DRIVER_SILENCE_SECONDS:
            time.sleep(1)
        self._end()

    def _end(self) -> None:
        for worker in list(self._workers.values()):
            worker.kill()
        if self._folder:
            self._folder.remove()
        os._exit(1)


# Nobody waits for these, so Ray needs to keep nothing of them.
_ORDERS = ("know", "start", "send", "kill", "remove")
# Who waits for news keeps nobody from giving orders, nor from reading files.
GROUPS = {
    "orders": ("describe", "sees", "know", "start", "send", "kill"),
    "reports": ("receive",),
    "files": ("read", "remove", "close"),
}
for _group, _methods in GROUPS.items():
    for _method in _methods:
        returns = 0 if _method in _ORDERS else 1
        ray.method(concurrency_group=_group, num_returns=returns)(getattr(NodeHost, _method))

# Our own scheduler decides what is done again.
HostActor = ray.remote(
    num_cpus=0, max_restarts=0, max_task_retries=0, concurrency_groups={"orders": 1, "reports": 1, "files": 4}
)(NodeHost)


def copy_file(path: str, source: Any, size: int) -> None:
    """Writes a file of `size` bytes that lies with `source`: another node's host, or the file as an object of Ray's.
    LostFileError when it can't be had."""
    part = Path(f"{path}.{uuid.uuid4().hex}.part")
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with part.open("wb") as file:
            part.chmod(0o600)
            if isinstance(source, ray.ObjectRef):
                file.write(ray.get(source, timeout=_DRIVER_SILENCE_SECONDS))
            else:
                while file.tell() < size:
                    piece = ray.get(source.read.remote(path, file.tell()), timeout=_DRIVER_SILENCE_SECONDS)
                    if not piece:
                        raise LostFileError(path, "it is shorter than it was")
                    file.write(piece)
        part.rename(path)
    except (ray.exceptions.RayError, ray.exceptions.GetTimeoutError, FileNotFoundError) as error:
        raise LostFileError(path, type(error).__name__) from None
    finally:
        part.unlink(missing_ok=True)
