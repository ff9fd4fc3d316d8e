"""kill -9 of a random worker process every half second."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from world import BrokenPromiseError, World, children, driver, kill

EVERY_SECONDS = 0.5
#: A task gives up when its workers died this often. Where a worker needs half a second to start that happens; the job
#: goes on when it is run again.
TOO_OFTEN = ("the last of 9 attempts", "before it was ready")
#: A job that is not done by then has failed.
MOST_RUNS = 5


def run_job(world: World, name: str, chance: random.Random) -> str:
    """One job on worker processes. Returns how many were killed in how many runs of it."""
    output = world.outputs / name
    killed = runs = 0
    error = "not run"
    while error and runs < MOST_RUNS:
        runs += 1
        more, error = _run_once(world, name, output, chance)
        killed += more
        _check_each_task_once(world.events(name))
        if error and not any(text in error for text in TOO_OFTEN):
            break
    if error:
        raise BrokenPromiseError(f"{name} failed after {killed} kills in {runs} runs: {error}")
    world.check_output(output)
    if not output.exists():
        raise BrokenPromiseError(f"{name} is done but wrote nothing")
    world.check_nothing_beside(output)
    return f"{killed} in {runs} run{'s' if runs > 1 else ''}"


def _check_each_task_once(events: list[dict[str, Any]]) -> None:
    """What a worker has finished stays finished when it dies."""
    finished = Counter(
        (event["stage"], event["partition"])
        for event in events
        if event["event"] == "task_finished" and event["status"] == "ok"
    )
    again = sorted(task for task, times in finished.items() if times > 1)
    if again:
        raise BrokenPromiseError(f"finished tasks ran again: {again}")


def _run_once(world: World, name: str, output: Path, chance: random.Random) -> tuple[int, str]:
    """How many workers were killed, and why the job failed if it did."""
    killed = 0
    with driver(world.settings(output, job_id=name, runner="processes", batch_seconds=0.3)) as process:
        next_kill = time.monotonic() + EVERY_SECONDS
        end = time.monotonic() + 120
        while process.poll() is None:
            if time.monotonic() > end:
                raise BrokenPromiseError(f"{name} hangs after {killed} kills")
            time.sleep(0.01)
            if time.monotonic() >= next_kill:
                workers = children(process.pid)
                killed += bool(workers) and kill(chance.choice(workers))
                next_kill += EVERY_SECONDS
        _, error = process.communicate()
        return killed, error if process.returncode != 0 else ""
