"""The files of examples/cluster, checked as far as that goes without the machines: Ray's checks, a run of job.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

FILES = Path(__file__).parents[2] / "examples" / "cluster"


def parsed(name: str) -> Any:
    return yaml.safe_load((FILES / name).read_text())


@pytest.mark.parametrize("name", ["aws.yaml", "gcp.yaml"])
def test_rays_cluster_launcher_takes_it(name: str) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(parsed(name))
    validate_config(config)
    assert set(config["available_node_types"]) == {"head", "worker"}
    for commands in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        assert "RAY_AUTH_MODE=token" in commands[-1]
    for command in config["setup_commands"]:
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_a_job_on_kubernetes() -> None:
    job = parsed("kuberay.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
            assert container["resources"]["requests"] == container["resources"]["limits"]


def test_versions_of_ray_are_the_one_that_is_tested() -> None:
    import ray

    assert parsed("kuberay.yaml")["spec"]["rayClusterSpec"]["rayVersion"] == ray.__version__
    assert f"rayproject/ray:{ray.__version__}-" in (FILES / "Dockerfile").read_text()
    assert f"anyscale/ray:{ray.__version__}-" in parsed("anyscale.yaml")["image_uri"]


def test_the_slurm_script_is_bash() -> None:
    subprocess.run(["bash", "-n", FILES / "slurm.sh"], check=True)


def test_their_program_runs_on_ray(tmp_path: Path) -> None:
    duckdb.sql(f"COPY (SELECT 'T' || i % 7 AS ticker, i / 4 AS price FROM range(100) r(i)) TO '{tmp_path}/in.parquet'")
    env = {**os.environ, "MILLPOND_RAY_ADDRESS": "local", "MILLPOND_DATA_ROOT": str(tmp_path / "data")}
    command = [sys.executable, str(FILES / "job.py"), str(tmp_path / "in.parquet"), str(tmp_path / "out")]
    subprocess.run(command, env=env, check=True, timeout=180)
    found = duckdb.sql(f"FROM '{tmp_path}/out/*.parquet' ORDER BY ticker").fetchall()
    query = f"SELECT ticker, min(price), max(price) FROM '{tmp_path}/in.parquet' GROUP BY 1 ORDER BY 1"
    assert found == duckdb.sql(query).fetchall()
