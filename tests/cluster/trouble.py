"""A Ray cluster of three hosts in trouble: each case ends in the right result or in one clear error, in bounded time.

    python tests/cluster/trouble.py [CASE …]

cut     all packets of a node are dropped for 60 s, in the middle of a job
hang    all of a node is stopped (SIGSTOP), in the middle of a job, and goes on after it
disk    data_root is full on every node
store   Ray's object store is smaller than what the job moves
memory  a function needs more memory than its node has, and the kernel kills it

Needs root, and for `memory` a cgroup (version 1) of memory. Leaves nothing behind. Exit code 1 when a case was not
right.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cluster_world import JOB_SECONDS, OWN_ROOT, ClusterWorld, WrongError
from hosts import Network, run
from ray_cluster import RayCluster

# Ray's least.
_STORE_BYTES = 80_000_000
_CUT_SECONDS = 60
_BEGIN_SECONDS = 60
# A node that is mute is given up after 20 s; the rest is for the job, on a machine that does other things too.
_MUTE_SECONDS = 90
_GROUPS = Path("/sys/fs/cgroup/memory")


def cut(world: ClusterWorld) -> str:
    """A node that nobody reaches, for a minute."""
    host = world.cluster.network.hosts[-1]
    begin = time.monotonic()

    def hurt() -> None:
        world.cluster.network.cut(host, True)

    text = _without_a_node(world, "cut", hurt)
    time.sleep(max(0.0, _CUT_SECONDS - (time.monotonic() - begin)))
    world.cluster.network.cut(host, False)
    # The session's host there ends by itself a minute after it heard last of the driver.
    world.check_nothing_left(OWN_ROOT, "cut", seconds=90)
    return text


def hang(world: ClusterWorld) -> str:
    """A node whose processes all stop."""
    host = world.cluster.network.hosts[-1]
    stopped: list[int] = []

    def hurt() -> None:
        stopped.extend(host.processes())
        _signal(stopped, signal.SIGSTOP)

    try:
        text = _without_a_node(world, "hang", hurt)
    finally:
        # An nsenter stops when its program does.
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        _signal([*stopped, *map(int, children)], signal.SIGCONT)
    world.check_nothing_left(OWN_ROOT, "hang", seconds=90)
    return text


def _without_a_node(world: ClusterWorld, job_id: str, hurt: Callable[[], None]) -> str:
    driver = world.driver(OWN_ROOT, job_id)
    end = time.monotonic() + _BEGIN_SECONDS
    while not any(event["event"] == "task_finished" for event in world.events(OWN_ROOT, job_id)):
        if driver.poll() is not None or time.monotonic() > end:
            raise WrongError(f"the job did not begin: {world.said(job_id)}")
        time.sleep(0.05)
    hurt()
    begin = time.monotonic()
    with contextlib.suppress(subprocess.TimeoutExpired):
        driver.wait(timeout=_MUTE_SECONDS)
    if driver.returncode != 0:
        raise WrongError(f"the job failed: {world.said(job_id)}")
    world.check_output(job_id)
    return f"right {time.monotonic() - begin:.1f} s after the node was mute"


def disk(world: ClusterWorld) -> str:
    """No room for data between tasks."""
    for host in world.cluster.network.hosts:
        run(*host.command("sh", "-c", "mkdir -p /tmp/small && mount -t tmpfs -o size=16m tmpfs /tmp/small"))
    text = _ends_clearly(world, "disk", "/tmp/small", ("/tmp/small", "space"))
    left = sum(shutil.disk_usage(host.folder("/tmp/small")).used for host in world.cluster.network.hosts)
    if left > 2_000_000:
        raise WrongError(f"{left} bytes stay on the full disks")
    return text


def store(world: ClusterWorld) -> str:
    """Files that together are larger than the object store that carries them."""
    text = _ends_clearly(world, "store", OWN_ROOT, ())
    if text != "right":
        raise WrongError(text)
    return text


def memory(world: ClusterWorld) -> str:
    """Nodes with 1.5 GB, and a function that takes 3."""
    with contextlib.ExitStack() as stack:
        for host in world.cluster.network.hosts:
            stack.enter_context(_memory_group(host.name, world.pids(host, "raylet/raylet"), 1_500_000_000))
        return _ends_clearly(world, "memory", OWN_ROOT, ("memory",))


def _ends_clearly(world: ClusterWorld, case: str, data_root: str, words: tuple[str, ...]) -> str:
    """ "right", or the error when all `words` are in it."""
    job = world.start(case, "trouble_job.py", case, data_root)
    with contextlib.suppress(subprocess.TimeoutExpired):
        job.wait(timeout=JOB_SECONDS)
    text = world.said(case)
    if job.returncode != 0:
        raise WrongError(f"the program failed: {text}")
    if text != "right" and not all(word in text for word in words):
        raise WrongError(f"an error without {words}: {text}")
    if text != "right":
        # What was finished stays on the driver's machine, to go on with.
        world.clean(data_root, case)
    world.check_nothing_left(data_root, case)
    return text


@contextlib.contextmanager
def _memory_group(name: str, pids: list[int], size: int) -> Iterator[None]:
    # What these start later is in it too.
    group = _GROUPS / f"millpond-{os.getpid()}-{name}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(size))
        for pid in pids:
            (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                (_GROUPS / "cgroup.procs").write_text(pid)
        group.rmdir()


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


CASES: dict[str, Callable[[ClusterWorld], str]] = {
    # Those that cost a node come last.
    "disk": disk,
    "store": store,
    "memory": memory,
    "hang": hang,
    "cut": cut,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", help="only these")
    wanted = parser.parse_args().case or list(CASES)
    # However it ends, the hosts end with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    failed = 0
    # Not below /tmp, of which every host has its own.
    folder = Path(tempfile.mkdtemp(prefix="millpond-trouble-", dir="/var/tmp"))
    try:
        with Network(3) as network:
            cluster = RayCluster(network, folder, cpus=1, store_bytes=_STORE_BYTES)
            world = ClusterWorld(folder, cluster)
            cluster.start()
            for name, case in CASES.items():
                if name in wanted:
                    failed += not _report(name, case, world)
    finally:
        shutil.rmtree(folder)
    return 1 if failed else 0


def _report(name: str, case: Callable[[ClusterWorld], str], world: ClusterWorld) -> bool:
    begin = time.monotonic()
    try:
        text, is_right = case(world), True
    except WrongError as error:
        text, is_right = str(error), False
    print(f"{'ok    ' if is_right else 'FAILED'} {name}: {text} ({time.monotonic() - begin:.1f} s)", flush=True)
    if name in ("hang", "cut"):
        world.cluster.start_on(world.cluster.network.renew(world.cluster.network.hosts[-1]))
        world.cluster.wait()
    return is_right


if __name__ == "__main__":
    sys.exit(main())
