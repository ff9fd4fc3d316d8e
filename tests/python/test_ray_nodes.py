"""Several Ray nodes on one machine: what is used of each, and what happens when they come and go."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import millpond
import millpond._core
import pytest

pytestmark = pytest.mark.long

SMALL = {"object_store_memory": 80_000_000, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "resources": {"ssd": 2}, **SMALL}
    cluster = Cluster(initialize_head=True, connect=True, head_node_args=head)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def second(cluster: Any) -> Iterator[Any]:
    node = cluster.add_node(num_cpus=2, num_gpus=2, memory=2_000_000_000, **SMALL)
    cluster.wait_for_nodes()
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node)
    wait_until(lambda: len(alive()) == 1)


def alive() -> list[dict[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


START = ("--num-cpus=1", "--object-store-memory=80000000", "--disable-usage-stats", "--block")


def session(tmp_path: Path, **options: Any) -> millpond.Session:
    return millpond.init(ray_address="auto", data_root=tmp_path / "data", progress=False, **options)


def places(frame: millpond.DataFrame, **needs: Any) -> list[dict[str, Any]]:
    """Where a function ran over each partition: its node, and the gpus that it saw."""

    def place(batch: Any) -> dict[str, list[Any]]:
        time.sleep(0.2)
        # Other needs make another function, or the rows of the first would be there already.
        return {"node": [raylet_here()], "gpus": [os.environ.get("CUDA_VISIBLE_DEVICES", "")], "needs": [str(needs)]}

    return frame.map_batches(place, schema={"node": int, "gpus": str, "needs": str}, **needs).take_all()


def raylet_here() -> int:
    """The raylet that this worker runs under: it has started the session's host, which started the worker."""
    text = Path(f"/proc/{os.getppid()}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("PPid:")).split()[1])


def raylet(node: Any) -> int:
    (info,) = node.all_processes["raylet"]
    return int(info.process.pid)


def test_cpus_are_reserved_with_ray_and_given_back(cluster: Any, second: Any, tmp_path: Path) -> None:
    import ray

    wait_until(lambda: ray.available_resources().get("CPU") == 3)
    with session(tmp_path, num_cpus=1) as ours:
        assert ours.config.num_cpus == 1
        wait_until(lambda: ray.available_resources().get("CPU") == 1)
        with session(tmp_path / "rest") as rest:
            wait_until(lambda: ray.available_resources().get("CPU", 0) == 0)
            assert rest.from_items([1, 2, 3]).count() == 3
            with pytest.warns(Warning, match="all CPUs of the Ray cluster are taken"):
                third = session(tmp_path / "third")
            with third:
                assert third.from_items([1, 2, 3]).count() == 3
        assert ours.from_items([1, 2, 3]).count() == 3
    wait_until(lambda: ray.available_resources().get("CPU") == 3)


def test_functions_go_where_what_they_ask_for_is(cluster: Any, second: Any, tmp_path: Path) -> None:
    with session(tmp_path) as ours:
        frame = ours.from_items([{"a": i} for i in range(6)]).repartition(6, by_rows=True)
        assert {place["node"] for place in places(frame)} == {raylet(cluster.head_node), raylet(second)}
        whole = places(frame, num_gpus=1)
        assert {place["node"] for place in whole} == {raylet(second)}
        assert {place["gpus"] for place in whole} == {"0", "1"}
        assert {place["gpus"] for place in places(frame, num_gpus=2)} == {"0,1"}
        assert {place["gpus"] for place in places(frame, num_gpus=0.5)} == {"0"}
        assert {place["node"] for place in places(frame, resources={"ssd": 2})} == {raylet(cluster.head_node)}
        on_head = places(frame, resources={"node:__internal_head__": 0.01})
        assert {place["node"] for place in on_head} == {raylet(cluster.head_node)}


def test_sessions_use_only_nodes_that_have_what_they_ask_for(cluster: Any, second: Any, tmp_path: Path) -> None:
    with session(tmp_path, resources={"ssd": 1}) as ours:
        frame = ours.from_items([{"a": i} for i in range(4)]).repartition(4, by_rows=True)
        assert raylet(second) not in {place["node"] for place in places(frame)}
    with pytest.raises(millpond.UnavailableError, match="no node with what the session asks for"):
        session(tmp_path, resources={"tpu": 1})


def test_a_node_that_joins_gets_tasks(cluster: Any, tmp_path: Path) -> None:
    wait_until(lambda: len(alive()) == 1)
    seen = tmp_path / "seen"
    seen.mkdir()

    def meet(batch: Any) -> Any:
        (seen / str(raylet_here())).touch()
        # The first node's task is there until the second node has one, however long it takes to start.
        wait_until(lambda: len(list(seen.iterdir())) == 2, 120)
        return batch

    with session(tmp_path) as ours:
        frame = ours.from_items([{"a": i} for i in range(40)]).repartition(40, by_rows=True)
        node = cluster.add_node(num_cpus=1, **SMALL)
        try:
            assert frame.map_batches(meet).count() == 40
            assert {path.name for path in seen.iterdir()} == {str(raylet(cluster.head_node)), str(raylet(node))}
        finally:
            cluster.remove_node(node)


def test_a_session_that_ends_while_a_node_joins_leaves_nothing(cluster: Any, tmp_path: Path) -> None:
    wait_until(lambda: len(alive()) == 1)
    job = tmp_path / "data" / "joining"
    with session(tmp_path, job_id="joining") as ours:
        node = cluster.add_node(num_cpus=1, **SMALL)
        # It is in Ray's list, and starts nothing.
        os.kill(raylet(node), signal.SIGSTOP)
        try:
            wait_until(lambda: list(job.glob("probe-*")) != [])
            assert ours.from_items([1, 2, 3]).count() == 3
            ours.shutdown()
            assert {path.name for path in job.iterdir()} <= {"journal", "events.jsonl"}
            # One that called Ray after the session has left it would end the program.
            names = {thread.name for thread in threading.enumerate()}
            assert not {name for name in names if name.startswith("ray-")} - {"ray-init"}
        finally:
            os.kill(raylet(node), signal.SIGCONT)
            cluster.remove_node(node)
    wait_until(lambda: len(alive()) == 1)


def test_a_node_that_is_drained_ends_its_tasks_and_gets_no_more(cluster: Any, second: Any, tmp_path: Path) -> None:
    began = tmp_path / "began"

    def slow(batch: Any) -> Any:
        with began.open("a") as file:
            file.write(f"{raylet_here()} {time.time()}\n")
        time.sleep(0.5)
        return batch

    def starts_there() -> list[float]:
        lines = began.read_text().splitlines() if began.exists() else []
        return [float(line.split()[1]) for line in lines if line.startswith(f"{raylet(second)} ")]

    ended: list[float] = []

    def drain_when_it_works() -> None:
        while not starts_there():
            time.sleep(0.05)
        command = [sys.executable, "-m", "ray.scripts.scripts", "drain-node", f"--address={cluster.address}"]
        command += [f"--node-id={second.node_id}", "--reason=DRAIN_NODE_REASON_PREEMPTION"]
        command += ["--reason-message=the machine is wanted back", "--deadline-remaining-seconds=60"]
        subprocess.run(command, check=True, timeout=60)
        ended.append(time.time())

    with session(tmp_path) as ours:
        frame = ours.from_items([{"a": i} for i in range(64)]).repartition(64, by_rows=True)
        slowly = frame.map_batches(slow, schema={"a": int})
        draining = threading.Thread(target=drain_when_it_works, daemon=True)
        draining.start()
        assert sorted(row["a"] for row in slowly.take_all()) == list(range(64))
        draining.join(60)
    assert len(ended) == 1
    assert len(began.read_text().splitlines()) >= 64
    # Some seconds, in which what had begun ended.
    assert max(starts_there()) < ended[0] + 3


def test_a_node_that_dies_loses_no_rows(cluster: Any, second: Any, tmp_path: Path) -> None:
    duckdb.sql(f"COPY (SELECT i AS a FROM range(20000) r(i)) TO '{tmp_path}/numbers.parquet'")
    with session(tmp_path) as ours:
        frame = ours.read_parquet(str(tmp_path / "numbers.parquet")).repartition(12, hash_by="a")

        def slow(batch: Any) -> Any:
            time.sleep(0.3)
            return batch

        slowly = frame.map_batches(slow, schema={"a": int})
        killer = subprocess.Popen(["sh", "-c", f"sleep 1.5; kill -9 {raylet(second)}"])
        assert sorted(row["a"] for row in slowly.take_all()) == list(range(20000))
        killer.wait(timeout=30)


def attempts(session: millpond.Session, marks: Path, seconds: float) -> tuple[list[int], list[int]]:
    """The rows of twelve partitions, the last slow for `seconds` the first time, and whose rows each attempt had."""
    marks.mkdir()

    def slow_once(batch: Any) -> Any:
        number = batch.column("a")[0].as_py()
        is_first = not list(marks.glob(f"{number}-*"))
        (marks / f"{number}-{time.time_ns()}").touch()
        time.sleep(seconds if is_first and number == 11 else 0.05)
        return batch

    frame = session.from_items([{"a": i} for i in range(12)]).repartition(12, by_rows=True)
    rows = sorted(row["a"] for row in frame.map_batches(slow_once, schema={"a": int}).take_all())
    return rows, sorted(int(mark.name.split("-")[0]) for mark in marks.iterdir())


def test_the_copy_of_a_slow_task_wins_and_no_row_is_doubled(cluster: Any, second: Any, tmp_path: Path) -> None:
    with session(tmp_path) as ours:
        assert ours.config.speculation is True
        begin = time.monotonic()
        rows, began = attempts(ours, tmp_path / "marks", 120)
        assert time.monotonic() - begin < 120
        assert rows == list(range(12))
        # On a busy machine others may count as slow too.
        assert sorted(set(began)) == list(range(12))
        assert began.count(11) > 1


def test_no_task_runs_twice_without_speculation(cluster: Any, second: Any, tmp_path: Path) -> None:
    with session(tmp_path, speculation=False) as ours:
        assert attempts(ours, tmp_path / "marks", 4) == (list(range(12)), list(range(12)))


# 22 million numbers in one list take more than 300 MB and less than 600.
LIST = "SELECT len(list(r.i)) AS n FROM {{0}}, range({}) r(i)"


@pytest.mark.parametrize("where", ["cluster", "processes"])
def test_a_task_out_of_memory_gets_more_and_then_fails_with_advice(cluster: Any, tmp_path: Path, where: str) -> None:
    runner: dict[str, Any] = {"ray_address": "auto", "num_cpus": 2} if where == "cluster" else {"runner": "processes"}
    node = cluster.add_node(num_cpus=2, resources={"large": 1}, **SMALL)
    try:
        wait_until(lambda: len(alive()) == 2)
        if where == "cluster":
            runner["resources"] = {"large": 1}
        with millpond.init(
            data_root=tmp_path, progress=False, memory_limit="600MB", threads=2, max_retries=0, **runner
        ) as ours:
            frame = ours.from_items([{"a": 1}, {"a": 2}]).repartition(2, by_rows=True)
            assert frame.partial_sql(LIST.format(22_000_000)).take_all() == [{"n": 22_000_000}] * 2
            with pytest.raises(millpond.OutOfMemoryError) as caught:
                frame.partial_sql(LIST.format(90_000_000)).compute()
            assert "attempts" in str(caught.value)
            assert "more partitions" in str(caught.value)
    finally:
        cluster.remove_node(node)


def test_modules_and_files_are_shipped(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "shipped_factor.py").write_text("FACTOR = 7\n")
    (tmp_path / "code" / "table.txt").write_text("5")
    program = f"""
import millpond

def shipped(row):
    from shipped_factor import FACTOR
    return {{"a": row["a"] * FACTOR + int(open("table.txt").read())}}

with millpond.init(ray_address="{cluster.address}", data_root="{tmp_path}/data", progress=False,
                   runtime_env={{"working_dir": "{tmp_path}/code"}}) as session:
    print(session.from_items([{{"a": 2}}]).map(shipped, schema={{"a": int}}).take_all())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.stdout == "[{'a': 19}]\n", done.stderr


def test_another_version_on_a_node_is_an_error_that_names_both(cluster: Any, tmp_path: Path) -> None:
    python = environment_with_version("0.0.9", tmp_path / "other")
    log = (tmp_path / "ray.log").open("w")
    node = subprocess.Popen(
        [python, "-m", "ray.scripts.scripts", "start", f"--address={cluster.address}", *START],
        stdout=log,
        stderr=log,
    )
    try:
        wait_until(lambda: len(alive()) == 2)
        with pytest.raises(millpond.UnsupportedError, match=r"has millpond 0\.0\.9, this program") as caught:
            session(tmp_path)
        assert f'pip install "millpond[ray]=={millpond.__version__}" on every node' in str(caught.value)
    finally:
        node.terminate()
        node.wait(timeout=30)
        wait_until(lambda: len(alive()) == 1)


def environment_with_version(version: str, folder: Path) -> str:
    """The Python of an environment in which a copy of millpond says another version."""
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    shutil.copytree(Path(millpond.__file__).parent, packages / "millpond")
    shutil.copy(millpond._core.__file__, packages / "millpond")
    with (packages / "millpond" / "__init__.py").open("a") as file:
        file.write(f'\n__version__ = "{version}"\n')
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    return str(folder / "bin" / "python")


def test_a_host_that_dies_on_a_node_that_lives_is_replaced(cluster: Any, tmp_path: Path) -> None:
    wait_until(lambda: len(alive()) == 1)
    with session(tmp_path) as ours:
        frame = ours.from_items([{"a": 1}])
        schema = {"host": int, "worker": int}
        (row,) = frame.map(lambda row: {"host": os.getppid(), "worker": os.getpid()}, schema=schema).take_all()
        os.kill(row["host"], signal.SIGKILL)
        # On a busy machine the host takes longer to die than a task to run, and its worker dies after it.
        wait_until(lambda: not is_running(row["worker"]))
        (again,) = frame.map(lambda row: {"host": os.getppid() + 0}, schema={"host": int}).take_all()
        assert again["host"] != row["host"]


def test_amounts_that_are_none_are_refused(tmp_path: Path) -> None:
    with millpond.init(data_root=tmp_path, progress=False, num_gpus=0, threads=1) as ours:
        frame = ours.from_items([{"a": 1}])
        with pytest.raises(millpond.InvalidArgumentError, match="num_gpus=-1 is no amount"):
            frame.map_batches(lambda batch: batch, num_gpus=-1)
        with pytest.raises(millpond.InvalidArgumentError, match="'GPU', which is no name for a custom resource"):
            frame.map_batches(lambda batch: batch, resources={"GPU": 1})
        with pytest.raises(millpond.InvalidArgumentError, match="num_gpus= is for Python functions"):
            frame.partial_sql("SELECT a FROM {0}", num_gpus=1)
        with pytest.raises(millpond.InvalidArgumentError, match="asks for 1 gpus a task, and no worker has them"):
            frame.map_batches(lambda batch: batch, num_gpus=1).count()
    with pytest.raises(millpond.InvalidArgumentError, match="num_cpus is for the nodes of a cluster"):
        millpond.init(data_root=tmp_path, num_cpus=1)


def test_gpus_of_this_machine_are_counted(tmp_path: Path) -> None:
    with millpond.init(data_root=tmp_path, progress=False, num_gpus=2, threads=2) as ours:
        frame = ours.from_items([{"a": i} for i in range(4)]).repartition(4, by_rows=True)

        def gpus(batch: Any) -> dict[str, list[str]]:
            time.sleep(0.2)
            return {"gpus": [os.environ["CUDA_VISIBLE_DEVICES"]]}

        seen = frame.map_batches(gpus, schema={"gpus": str}, num_gpus=1).take_all()
        assert {row["gpus"] for row in seen} == {"0", "1"}
