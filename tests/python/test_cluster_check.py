"""`millpond cluster check` on a Ray of this machine; tests/cluster has it on nodes that share nothing."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from millpond.cli import main
from millpond.cluster_check import address_order, judged
from millpond.node_facts import NodeFacts, gather


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    import ray

    context = ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield context.address_info["gcs_address"]
    ray.shutdown()


def check(cluster: str, root: Path, *paths: str) -> int:
    return main(["cluster", "check", "--address", cluster, "--data-root", str(root), *paths])


def test_a_good_cluster(cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "input").touch()
    root = tmp_path / "new" / "root"
    assert check(cluster, root, str(tmp_path / "input")) == 0
    output = capsys.readouterr().out
    for name in (
        "access",
        "cluster",
        "versions",
        "exchange",
        "free space",
        "memory",
        "open files",
        "keys for S3",
        "input",
    ):
        assert f" {name} " in output
    assert "1 node with 2 CPUs" in output
    assert f"{root} is shared" in output
    assert list(root.iterdir()) == []


def test_input_that_is_not_there(cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(cluster, tmp_path, str(tmp_path / "nothing")) == 1
    assert f"error    input        {tmp_path / 'nothing'}: it is not there" in capsys.readouterr().out


def test_no_cluster(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{server.getsockname()[1]}"
        # Bound, not listening: nobody answers there. A process of its own, for this one may be connected.
        command = [sys.executable, "-m", "millpond.cli", "cluster", "check", "--address", address]
        done = subprocess.run(
            [*command, "--data-root", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert f"error    cluster      no Ray cluster answers at {address}" in done.stdout


@pytest.fixture
def facts(tmp_path: Path) -> NodeFacts:
    return gather(str(tmp_path), "no-probe", [])


def found(facts: NodeFacts, memory: int = 10**10) -> dict[str, str]:
    return {one.name: f"{one.status}: {one.text}" for one in judged({"memory": float(memory)}, facts, Path("/data"))}


def test_other_versions_on_a_node(facts: NodeFacts) -> None:
    other = replace(facts, versions={**facts.versions, "Ray": "1.0"})
    assert found(other)["versions"].startswith("error: Ray 1.0 where this machine has ")


def test_limits_that_are_low(facts: NodeFacts) -> None:
    low = found(replace(facts, open_files=100, data_root_free=10**6, memory=10**11), memory=10**8)
    assert [low[name].split(":")[0] for name in ("open files", "free space", "memory")] == ["warning"] * 3


def test_ray_counts_more_memory_than_there_is(facts: NodeFacts) -> None:
    assert found(replace(facts, memory=10**9))["memory"].startswith("error: ")


def test_a_folder_that_a_node_can_not_make(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    facts = gather(str(tmp_path / "file" / "root"), "no-probe", [])
    assert found(facts)["data_root"].startswith("error: ")


def test_a_look_leaves_nothing(tmp_path: Path) -> None:
    gather(str(tmp_path / "a" / "b"), "no-probe", [])
    assert list(tmp_path.iterdir()) == []


def test_nodes_come_by_address_whatever_order_ray_lists_them_in() -> None:
    addresses = ["worker-2", "10.0.0.10", "worker-1", "10.0.0.9"]
    nodes = [{"NodeManagerAddress": address} for address in addresses]
    assert [node["NodeManagerAddress"] for node in sorted(nodes, key=address_order)] == [
        "10.0.0.9",
        "10.0.0.10",
        "worker-1",
        "worker-2",
    ]
