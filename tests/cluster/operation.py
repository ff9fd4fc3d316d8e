"""What a user does with a cluster beside running jobs: looks at it, has the wrong token, stops a job. Each gives what
is wrong, or nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cluster_world import HERE, OWN_ROOT, ClusterWorld, WrongError
from ray_cluster import RayCluster

_RAY_JOB = (sys.executable, "-m", "ray.scripts.scripts", "job")
_JOB_SECONDS = 120
# Python's own exit takes some of it.
_STOP_SECONDS = 30
_BEGIN_SECONDS = 120
# Such a batch that the job cannot have ended before it is stopped, however busy the machine is.
_BATCH_SECONDS = 3.0


def check(cluster: RayCluster) -> str:
    """`millpond cluster check` names the nodes that lack an input, and leaves nothing."""
    only = cluster.head.folder("/tmp/only-here")
    only.touch()
    command = [sys.executable, "-m", "millpond.cli", "cluster", "check", "--data-root", "/tmp/looked-at"]
    done = cluster.run(*command, "/tmp/input", "/tmp/only-here", timeout=120)
    only.unlink()
    wanted = [
        "ok       access       a token is asked for",
        "ok       input        /tmp/input (every node)",
        "ok       input        /tmp/only-here (10.77.0.1)",
        "error    input        /tmp/only-here: it is not there, or may not be read (10.77.0.2, 10.77.0.3)",
        "has a /tmp/looked-at of its own: data between tasks stays there, copies go through Ray (10.77.0.2, 10.77.0.3)",
    ]
    missing = [text for text in wanted if text not in done.stdout]
    left = [host.name for host in cluster.network.hosts[1:] if host.folder("/tmp/looked-at").exists()]
    if missing or left or done.returncode != 1:
        return f"exit code {done.returncode}, without {missing}, left on {left}: {done.stdout}{done.stderr}"
    return ""


def wrong_token(cluster: RayCluster) -> str:
    """A program with another token is told so, and soon."""
    program = "import millpond; millpond.init(ray_address='auto', data_root='/tmp/data')"
    done = cluster.run(sys.executable, "-c", program, timeout=120, RAY_AUTH_TOKEN="0" * 64)
    is_told = done.returncode != 0 and "does not let this program in" in done.stderr and "RAY_AUTH_TOKEN" in done.stderr
    return "" if is_told else done.stderr


def control_c(cluster: RayCluster) -> str:
    """Ctrl-C ends a job within seconds, and leaves no process; and no file after `millpond clean`."""
    with tempfile.TemporaryDirectory(prefix="millpond-stop-", dir="/var/tmp") as name:
        world = ClusterWorld(Path(name), cluster)
        driver = world.driver(OWN_ROOT, "stopped", _BATCH_SECONDS)
        end = time.monotonic() + _BEGIN_SECONDS
        while not any(event["event"] == "task_finished" for event in world.events(OWN_ROOT, "stopped")):
            if driver.poll() is not None or time.monotonic() > end:
                return f"the job did not begin: {world.said('stopped')}"
            time.sleep(0.05)
        for pid in world.pids(cluster.head, "chaos_job"):
            os.kill(pid, signal.SIGINT)
        try:
            code = driver.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return f"it goes on after {_STOP_SECONDS} s"
        try:
            world.clean(OWN_ROOT, "stopped")
            world.check_nothing_left(OWN_ROOT, "stopped")
        except WrongError as error:
            return str(error)
        if left := list((world.folder / "outputs").iterdir()):
            return f"of the output stays {left}: {world.said('stopped')}"
        return "" if code in (130, -signal.SIGINT) else f"exit code {code}: {world.said('stopped')}"


def submit(cluster: RayCluster) -> str:
    """A job that was submitted goes on when the program that submitted it has ended."""
    with tempfile.TemporaryDirectory(prefix="millpond-submit-", dir="/var/tmp") as name:
        world = ClusterWorld(Path(name), cluster)
        settings = {"data_root": OWN_ROOT, "job_id": "submitted", "source": name, "seconds": 1.0}
        settings["output"] = str(world.folder / "outputs" / "submitted")
        job = (*_RAY_JOB, "submit", "--submission-id=left", "--no-wait", "--", sys.executable)
        begun = cluster.run(*job, str(HERE / "chaos_job.py"), json.dumps(settings), timeout=120)
        if begun.returncode != 0:
            return f"ray job submit: {begun.stdout}{begun.stderr}"
        if (world.folder / "outputs" / "submitted").exists():
            return "it was done before who submitted it had ended"
        state, end = "", time.monotonic() + _JOB_SECONDS
        while not any(word in state for word in ("succeeded", "failed")) and time.monotonic() < end:
            state = cluster.run(*_RAY_JOB, "status", "left", timeout=120).stdout
        try:
            world.check_output("submitted")
            world.check_nothing_left(OWN_ROOT, "submitted")
        except WrongError as error:
            return f"{error}; {state}: {cluster.run(*_RAY_JOB, 'logs', 'left', timeout=120).stdout}"
        return "" if "succeeded" in state else state


OPERATIONS = (check, wrong_token, control_c, submit)
